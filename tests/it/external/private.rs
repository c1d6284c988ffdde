//! A private server, described as if it were somebody's: what a run on one's own Dovecot, Cyrus or Courier is.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use mailgauge::scenario::TlsMode;
use mailgauge::target::{Account, Instance, Request};

use super::{Imap, Mail};
use crate::support::private_target;

pub(super) const USERS: u32 = 4;

pub(super) struct Private {
    instance: Instance,
    folder: tempfile::TempDir,
}

impl Private {
    /// By the target's name; none, and a line that says why, where it cannot be had.
    pub(super) async fn start(name: &str, test: &str) -> Option<Self> {
        let request = Request {
            accounts: USERS,
            connections: 100,
            tls: TlsMode::Plain,
            cpus: None,
        };
        let instance = private_target(name, test)?.start(request).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let accounts = instance.endpoint.accounts.iter();
        let lines: Vec<String> = accounts
            .map(|it| format!("{},{},{}", it.user, it.password, it.address))
            .collect();
        fs::write(folder.path().join("accounts.csv"), lines.join("\n")).unwrap();
        Some(Self { instance, folder })
    }

    pub(super) async fn stop(self) {
        self.instance.stop().await.unwrap();
    }

    pub(super) fn imap(&self) -> SocketAddr {
        self.ports()[1]
    }

    pub(super) fn lmtp(&self) -> SocketAddr {
        self.ports()[2]
    }

    fn ports(&self) -> [SocketAddr; 3] {
        let endpoint = &self.instance.endpoint;
        [
            endpoint.pop3.as_ref(),
            endpoint.imap.as_ref(),
            endpoint.delivery.service(),
        ]
        .map(|service| service.unwrap().address.socket)
    }

    pub(super) fn accounts(&self) -> &[Account] {
        &self.instance.endpoint.accounts[..USERS as usize]
    }

    pub(super) fn log_in(&self, account: &Account) -> Imap {
        Imap::log_in(self.imap(), &account.user, &account.password)
    }

    /// A target file that lists all users as disposable, and mail goes by LMTP.
    pub(super) fn target(&self) -> PathBuf {
        self.target_with(&format!("by = \"lmtp\"\nport = {}\n", self.lmtp().port()))
    }

    /// The same, and mail goes as `delivery` says.
    pub(super) fn target_with(&self, delivery: &str) -> PathBuf {
        let path = self.folder.path().join("somebody.toml");
        let [pop3, imap, _] = self.ports().map(|address| address.port());
        let users: Vec<String> = self
            .accounts()
            .iter()
            .map(|it| format!("{:?}", it.user))
            .collect();
        let text = format!(
            "host = \"127.0.0.1\"\ndisposable = [{}]\npop3.port = {pop3}\nimap.port = {imap}\n[delivery]\n{delivery}[accounts]\nfile = \"accounts.csv\"\n",
            users.join(", ")
        );
        fs::write(&path, text).unwrap();
        // It may hold a password.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    pub(super) fn mail(&self) -> Mail {
        let storage = self.instance.storage.as_ref().unwrap();
        if self.instance.software.starts_with("Cyrus") {
            expire(self.instance.pid().unwrap(), storage.parent().unwrap());
        }
        Mail::in_folder(storage)
    }
}

/// What is deleted stays on Cyrus's disk until its housekeeping runs, which a server has once a day.
fn expire(master: u32, folder: &Path) {
    let process = PathBuf::from(format!("/proc/{master}"));
    let program = fs::read_link(process.join("exe")).unwrap();
    let mut command = Command::new(program.with_file_name("cyr_expire"));
    for variable in fs::read(process.join("environ"))
        .unwrap()
        .split(|it| *it == 0)
    {
        if let Some((name, value)) = str::from_utf8(variable).unwrap().split_once('=') {
            command.env(name, value);
        }
    }
    let settings = folder.join("imapd.conf");
    let options = ["-E", "1", "-X", "0", "-D", "0", "-C"];
    let done = command.args(options).arg(settings).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

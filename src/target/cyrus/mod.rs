//! A private Cyrus IMAP server: POP3, IMAP and LMTP under one master process, with its own password database.
//! It works for root (the server then runs as `nobody`) and for an ordinary user.

mod config;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::process::Command;

use self::config::Config;
use super::mailboxes;
use super::owner::Owner;
use super::packages::{Software, find_program};
use super::private::{self, Ports, Running, plain_path};
use super::process::ServerProcess;
use super::scratch::{Scratch, sweep_leftovers};
use super::{Account, Instance, Request, Server, TargetError, private_accounts};
use crate::probe::Instrument;

const NAME: &str = "Cyrus";
const MASTER: &str = "usr/lib/cyrus/bin/master";
/// What loads the password database: the same for thousands of users in one go.
const LOADERS: [&str; 2] = ["db5.3_load", "db_load"];

/// Cyrus as it is installed or unpacked on this machine.
#[derive(Clone, Debug)]
pub struct Cyrus {
    software: Software,
    version: String,
    loader: PathBuf,
}

impl Cyrus {
    /// Looks for its programs.
    pub fn installed() -> Result<Self, TargetError> {
        let software = Software::find("cyrus", NAME, MASTER)?;
        for part in ["imapd", "pop3d", "lmtpd", "idled", "ctl_cyrusdb"] {
            let part = format!("usr/lib/cyrus/bin/{part}");
            if !software.file(&part).is_file() {
                return Err(private::missing("cyrus", NAME, &part));
            }
        }
        let loader = LOADERS
            .iter()
            .map(|name| software.file("usr/bin").join(name))
            .find(|file| file.is_file())
            .or_else(|| LOADERS.iter().find_map(|name| find_program(name)))
            .ok_or_else(|| {
                private::missing("cyrus", NAME, "db5.3_load (of Debian's package db5.3-util)")
            })?;
        let version = version(&software)?;
        Ok(Self {
            software,
            version,
            loader,
        })
    }

    pub(super) async fn start(&self, request: Request) -> Result<Instance, TargetError> {
        sweep_leftovers("cyrus");
        private::start(async || self.try_to_start(request).await).await
    }

    async fn try_to_start(&self, request: Request) -> Result<Instance, TargetError> {
        let scratch =
            Scratch::create("cyrus").map_err(TargetError::file("create", std::env::temp_dir()))?;
        let dir = scratch.path();
        let owner = Owner::of_servers()?;
        let bin = self.software.file("usr/lib/cyrus/bin");
        owner.can_reach("Cyrus", &bin)?;
        owner.can_reach("the temporary folder", dir)?;
        let ports = Ports::free()?;
        let certificate = private::certificate(dir, request.tls)?;
        let accounts = private_accounts(request.accounts, config::REALM);
        Owner::make_private_folder(&dir.join("secrets"))?;
        self.write_passwords(&dir.join("secrets/sasldb2"), &accounts)?;
        let config = Config {
            dir: plain_path(dir)?,
            bin: plain_path(&bin)?,
            owner: &owner,
            ports,
            tls: request.tls,
            certificate: certificate.as_ref(),
            fsync: self.without_fsync().is_none(),
        };
        config.write()?;

        let process = ServerProcess::start(&mut self.command(dir, &owner), request.cpus)
            .map_err(TargetError::file("start", bin.join("master")))?;
        let endpoint = ports.endpoint(request.tls, certificate.as_ref(), accounts);
        let facts = config.facts();
        let storage = dir.join("spool");
        let mut running = Running::new(NAME, vec![dir.join("stderr.log")], process, scratch);
        running.wait_until_it_greets(&endpoint, NAME).await?;
        mailboxes::make(NAME, &endpoint).await?;
        Ok(Instance {
            endpoint: Arc::new(endpoint),
            seen: Some(Instrument::process(running.pid(), storage.clone())),
            storage: Some(storage),
            software: format!("Cyrus IMAP {}", self.version),
            facts,
            server: Server::Private(running),
        })
    }

    /// The master in the foreground, in a process group of its own, which it signals when it ends.
    fn command(&self, dir: &Path, owner: &Owner) -> Command {
        let mut command = private::command(&self.software.file(MASTER), dir);
        command
            .arg("-C")
            .arg(dir.join("imapd.conf"))
            .arg("-M")
            .arg(dir.join("cyrus.conf"))
            .arg("-p")
            .arg(dir.join("run/master.pid"))
            // The queue of connections that wait to be accepted.
            .args(["-l", "1024"])
            .env("CYRUS_USER", &owner.name);
        if owner.is_another() {
            command.uid(owner.uid).gid(owner.gid);
        }
        if let Some(libraries) = self.software.library_path() {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        if let (Some(_), Some(plugins)) = (self.software.tree(), self.software.library("sasl2")) {
            command.env("SASL_PATH", plugins);
        }
        if let Some(library) = self.without_fsync() {
            command.env("LD_PRELOAD", library);
        }
        command
    }

    /// Cyrus has no setting that keeps it from waiting for the disk at every change, as the other targets have; a
    /// library of Debian's does it.
    fn without_fsync(&self) -> Option<PathBuf> {
        self.software.library("libeatmydata.so")
    }

    /// Writes the password database in one go. `saslpasswd2` takes 6 ms for each user.
    fn write_passwords(&self, path: &Path, accounts: &[Account]) -> Result<(), TargetError> {
        let mut loader = std::process::Command::new(&self.loader);
        if let Some(libraries) = self.software.library_path() {
            loader.env("LD_LIBRARY_PATH", libraries);
        }
        loader.args(["-T", "-t", "hash"]).arg(path);
        let text = config::passwords(accounts);
        private::feed(NAME, "its password database", &mut loader, &text)
    }
}

/// `3.6.1-Debian-…`, from `cyrus-imapd 3.6.1-Debian-…`.
fn version(software: &Software) -> Result<String, TargetError> {
    let text = private::said(NAME, software.command(MASTER).arg("-V"))?;
    let version = text.split_ascii_whitespace().nth(1);
    Ok(version.unwrap_or(text.trim()).to_owned())
}

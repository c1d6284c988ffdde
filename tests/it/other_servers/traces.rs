//! What a server leaves behind, or not.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

use mailgauge::target::Instance;

/// What a running server leaves traces of in this machine.
pub(super) struct Traces {
    pid: u32,
    pub(super) dir: PathBuf,
    ports: Vec<SocketAddr>,
}

impl Traces {
    pub(super) fn of(instance: &Instance) -> Self {
        let endpoint = &instance.endpoint;
        let services = [
            endpoint.pop3.as_ref(),
            endpoint.imap.as_ref(),
            endpoint.delivery.service(),
        ];
        let mut traces = Self::at(instance.pid().unwrap(), instance.storage.as_ref().unwrap());
        traces.ports = services
            .into_iter()
            .flatten()
            .map(|service| service.address.socket)
            .collect();
        traces
    }

    /// `storage` lies somewhere below the server's folder.
    pub(super) fn at(pid: u32, storage: &Path) -> Self {
        let ours = |folder: &&Path| {
            folder
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("mailgauge-"))
        };
        Self {
            pid,
            dir: storage.ancestors().find(ours).unwrap().to_owned(),
            ports: Vec::new(),
        }
    }

    pub(super) fn assert_gone(&self) {
        assert!(!self.dir.exists(), "{} is there", self.dir.display());
        assert!(!lives(self.pid), "process {} lives", self.pid);
        for port in &self.ports {
            assert!(TcpStream::connect(port).is_err(), "{port} is open");
        }
        let left: Vec<String> = fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter(|process| belongs_to(&process.path(), &self.dir))
            .map(|process| process.path().display().to_string())
            .collect();
        assert!(left.is_empty(), "processes are left: {left:?}");
    }
}

/// A process that has ended but that nobody has waited for does not live.
fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ")
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

fn belongs_to(process: &Path, dir: &Path) -> bool {
    let dir = dir.to_string_lossy();
    let cwd = fs::read_link(process.join("cwd")).unwrap_or_default();
    let cmdline = fs::read(process.join("cmdline")).unwrap_or_default();
    cwd.to_string_lossy().contains(&*dir) || String::from_utf8_lossy(&cmdline).contains(&*dir)
}

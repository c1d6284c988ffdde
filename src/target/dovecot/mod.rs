//! A private Dovecot from the distribution's packages: own configuration, own folder, free ports, started by us and
//! stopped by us. It works for root (mail then belongs to `nobody`) and for an ordinary user.

mod config;
mod storage;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use tokio::process::Command;

use self::config::{Config, Identity};
pub use self::storage::Storage;
use super::mailboxes;
use super::packages::find_program;
use super::private::{self, Ports, Running};
use super::process::ServerProcess;
use super::scratch::{Scratch, sweep_leftovers};
use super::{Instance, Request, Server, TargetError, private_accounts};
use crate::probe::Instrument;

const NAME: &str = "Dovecot";
const PACKAGES: &str = "dovecot-imapd dovecot-pop3d dovecot-lmtpd";

/// Dovecot as it is installed on this machine.
#[derive(Clone, Debug)]
pub struct Dovecot {
    program: PathBuf,
    version: String,
    storage: Storage,
}

impl Dovecot {
    /// Looks for the program and for the parts that mailgauge needs.
    pub fn installed() -> Result<Self, TargetError> {
        let not_installed = |missing: String| TargetError::NotInstalled {
            missing,
            packages: PACKAGES,
        };
        let program = find_program("dovecot").ok_or_else(|| not_installed("dovecot".into()))?;
        for part in ["imap", "pop3", "lmtp"] {
            let homes = [
                "/usr/lib/dovecot",
                "/usr/libexec/dovecot",
                "/usr/local/libexec/dovecot",
            ];
            if !homes.iter().any(|home| Path::new(home).join(part).exists()) {
                return Err(not_installed(format!("{}/{part}", homes[0])));
            }
        }
        let version = std::process::Command::new(&program)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .map_err(TargetError::file("start", &program))?;
        let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
        if !version.starts_with("2.3.") {
            return Err(TargetError::Version { version });
        }
        Ok(Self {
            program,
            version,
            storage: Storage::default(),
        })
    }

    /// The same Dovecot, keeping its mail in another format.
    #[must_use]
    pub fn with_storage(self, storage: Storage) -> Self {
        Self { storage, ..self }
    }

    /// `dovecot`, and what makes it differ from one without options: `dovecot:mdbox`.
    pub const fn name(&self) -> &'static str {
        match self.storage {
            Storage::Maildir => "dovecot",
            Storage::Sdbox => "dovecot:sdbox",
            Storage::Mdbox => "dovecot:mdbox",
        }
    }

    pub(super) async fn start(&self, request: Request) -> Result<Instance, TargetError> {
        sweep_leftovers("dovecot");
        private::start(async || self.try_to_start(request).await).await
    }

    async fn try_to_start(&self, request: Request) -> Result<Instance, TargetError> {
        let scratch = Scratch::create("dovecot")
            .map_err(TargetError::file("create", std::env::temp_dir()))?;
        let dir = scratch.path();
        let identity = Identity::of_this_process()?;
        let ports = Ports::free()?;
        let certificate = private::certificate(dir, request.tls)?;
        let accounts = private_accounts(request.accounts, "localhost");
        let config = Config {
            dir,
            identity: &identity,
            ports,
            tls: request.tls,
            certificate: certificate.as_ref(),
            connections: request.connections,
            storage: self.storage,
        };
        config.write(&accounts)?;

        let process = ServerProcess::start(&mut self.command(dir), request.cpus)
            .map_err(TargetError::file("start", &self.program))?;
        let endpoint = ports.endpoint(request.tls, certificate.as_ref(), accounts);
        let facts = config.facts();
        let storage = dir.join("mail");
        let logs = vec![dir.join("dovecot.log"), dir.join("stderr.log")];
        let mut running = Running::new(NAME, logs, process, scratch);
        running.wait_until_it_greets(&endpoint, "").await?;
        if self.storage.wants_mailboxes() {
            mailboxes::make(NAME, &endpoint).await?;
        }
        Ok(Instance {
            endpoint: Arc::new(endpoint),
            seen: Some(Instrument::process(running.pid(), storage.clone())),
            storage: Some(storage),
            software: format!("Dovecot {}", self.version),
            facts,
            server: Server::Private(running),
        })
    }

    /// In the foreground.
    fn command(&self, dir: &Path) -> Command {
        let mut command = private::command(&self.program, dir);
        command.arg("-F").arg("-c").arg(dir.join("dovecot.conf"));
        command
    }
}

#[cfg(test)]
mod tests {
    use super::{Dovecot, Storage};
    use crate::scenario::TlsMode;
    use crate::target::Request;

    #[tokio::test]
    async fn a_private_instance_leaves_nothing_behind() {
        let Ok(dovecot) = Dovecot::installed() else {
            eprintln!("skipped: Dovecot is not installed");
            return;
        };
        for (tls, storage) in [
            (TlsMode::Plain, Storage::Maildir),
            (TlsMode::Starttls, Storage::Sdbox),
            (TlsMode::Implicit, Storage::Mdbox),
        ] {
            let dovecot = dovecot.clone().with_storage(storage);
            let request = Request {
                accounts: 3,
                connections: 10,
                tls,
                cpus: None,
            };
            let instance = dovecot.start(request).await.unwrap();
            let dir = instance.storage.clone().unwrap();
            let dir = dir.parent().unwrap();
            assert!(dir.exists());
            assert_eq!(instance.endpoint.accounts.len(), 3);
            let pid = instance.pid().unwrap();
            // Stopped before its services know each other, it takes 5 s.
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            instance.stop().await.unwrap();
            assert!(!dir.exists());
            assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
        }
    }
}

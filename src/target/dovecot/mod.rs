//! A private Dovecot from the distribution's packages: own configuration, own folder, free ports, started by us and
//! stopped by us. It works for root (mail then belongs to `nobody`) and for an ordinary user.

mod config;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio::time::timeout;

use self::config::{Config, Identity, Ports};
use super::certificate::Certificate;
use super::embedded::last_words;
use super::greeting::greeting;
use super::process::ServerProcess;
use super::scratch::{Scratch, sweep_leftovers};
use super::{
    Dialect, Endpoint, Instance, Request, Server, TargetError, free_ports, local, private_accounts,
};
use crate::scenario::TlsMode;

const NAME: &str = "Dovecot";
const PACKAGES: &str = "dovecot-imapd dovecot-pop3d dovecot-lmtpd";
const START_LIMIT: Duration = Duration::from_secs(20);
const STOP_LIMIT: Duration = Duration::from_secs(15);
/// How often other ports are tried when somebody else was quicker.
const ATTEMPTS: u32 = 5;

/// Dovecot as it is installed on this machine.
#[derive(Clone, Debug)]
pub struct Dovecot {
    program: PathBuf,
    version: String,
    /// `setpriv`, which lets the server die with us however we die.
    setpriv: Option<PathBuf>,
}

impl Dovecot {
    /// Looks for the program and for the parts that mailgauge needs.
    pub fn installed() -> Result<Self, TargetError> {
        let not_installed = |missing: String| TargetError::NotInstalled {
            missing,
            packages: PACKAGES,
        };
        let program = find("dovecot").ok_or_else(|| not_installed("dovecot".into()))?;
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
            setpriv: find("setpriv"),
        })
    }

    pub(super) async fn start(&self, request: Request) -> Result<Instance, TargetError> {
        sweep_leftovers("dovecot");
        let mut attempt = 1;
        loop {
            match self.try_to_start(request).await {
                Err(TargetError::NotStarted { reason, .. })
                    if reason.contains("Address already in use") && attempt < ATTEMPTS =>
                {
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn try_to_start(&self, request: Request) -> Result<Instance, TargetError> {
        let scratch = Scratch::create("dovecot")
            .map_err(TargetError::file("create", std::env::temp_dir()))?;
        let dir = scratch.path();
        let identity = Identity::of_this_process()?;
        let [pop3, imap, lmtp] =
            free_ports().map_err(TargetError::file("open a port on", "127.0.0.1"))?;
        let certificate = match request.tls {
            TlsMode::Plain => None,
            TlsMode::Starttls | TlsMode::Implicit => Some(
                Certificate::create(dir)
                    .map_err(TargetError::file("write a certificate to", dir))?,
            ),
        };
        let accounts = private_accounts(request.accounts, "localhost");
        let config = Config {
            dir,
            identity: &identity,
            ports: Ports { pop3, imap, lmtp },
            tls: request.tls,
            certificate: certificate.as_ref(),
            connections: request.connections,
        };
        config.write(&accounts)?;

        let mut process = ServerProcess::start(&mut self.command(dir))
            .map_err(TargetError::file("start", &self.program))?;
        let endpoint = Endpoint {
            pop3: Some(local(pop3)),
            imap: Some(local(imap)),
            delivery: local(lmtp),
            dialect: Dialect::Lmtp,
            tls: request.tls,
            trust: Certificate::trust(certificate.as_ref()),
            accounts,
        };
        wait_until_it_greets(&endpoint, &mut process, dir).await?;
        Ok(Instance {
            endpoint: Arc::new(endpoint),
            pid: Some(process.pid()),
            storage: Some(dir.join("mail")),
            software: format!("Dovecot {}", self.version),
            facts: config.facts(),
            server: Server::Dovecot(Running { process, scratch }),
        })
    }

    /// In the foreground, in a folder of its own, without our terminal's Ctrl-C.
    fn command(&self, dir: &Path) -> Command {
        let mut command = if let Some(setpriv) = &self.setpriv {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "TERM"]).arg(&self.program);
            command
        } else {
            Command::new(&self.program)
        };
        command
            .arg("-F")
            .arg("-c")
            .arg(dir.join("dovecot.conf"))
            .current_dir(dir)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(
                fs::File::create(dir.join("stderr.log")).map_or_else(|_| Stdio::null(), Into::into),
            );
        command
    }
}

/// A program on the search path, or where system programs lie.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(program))
        .find(|file| {
            fs::metadata(file)
                .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
        })
}

async fn wait_until_it_greets(
    endpoint: &Endpoint,
    process: &mut ServerProcess,
    dir: &Path,
) -> Result<(), TargetError> {
    let implicit = endpoint.tls == TlsMode::Implicit;
    let services = [
        (endpoint.pop3.as_ref(), implicit),
        (endpoint.imap.as_ref(), implicit),
        (Some(&endpoint.delivery), false),
    ];
    let begun = Instant::now();
    for (address, implicit) in services {
        let Some(address) = address else { continue };
        loop {
            let error = match greeting(address, implicit, &endpoint.trust, START_LIMIT).await {
                Ok(words) if !words.is_empty() => break,
                Ok(_) => "it closes connections at once".to_owned(),
                Err(error) => error.to_string(),
            };
            let ended = timeout(Duration::from_millis(5), process.ended());
            if ended.await.is_ok() || begun.elapsed() > START_LIMIT {
                return Err(TargetError::NotStarted {
                    server: NAME,
                    reason: format!("{error}; {}", words(dir)),
                });
            }
        }
    }
    Ok(())
}

fn words(dir: &Path) -> String {
    let log = dir.join("dovecot.log");
    if fs::metadata(&log).is_ok_and(|meta| meta.len() > 0) {
        last_words(&log)
    } else {
        last_words(&dir.join("stderr.log"))
    }
}

/// A private Dovecot, running.
#[derive(Debug)]
pub(super) struct Running {
    // Dropped in this order: the processes end before their directory goes.
    process: ServerProcess,
    scratch: Scratch,
}

impl Running {
    pub(super) async fn gone(&mut self) -> String {
        let status = self.process.ended().await;
        let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        format!(
            "{NAME} ended in the middle ({how}): {}",
            words(self.scratch.path())
        )
    }

    pub(super) async fn stop(mut self) -> Result<(), TargetError> {
        let stopped = self.process.stop(STOP_LIMIT).await;
        self.scratch.wait_until_quiet();
        stopped.map(drop).map_err(|error| TargetError::NotStopped {
            server: NAME,
            reason: error.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Dovecot, find};
    use crate::scenario::TlsMode;
    use crate::target::Request;

    #[test]
    fn programs_are_found_and_others_are_not() {
        assert!(find("sh").is_some());
        assert!(find("no-such-program-anywhere").is_none());
    }

    #[tokio::test]
    async fn a_private_instance_leaves_nothing_behind() {
        let Ok(dovecot) = Dovecot::installed() else {
            eprintln!("skipped: Dovecot is not installed");
            return;
        };
        for tls in [TlsMode::Plain, TlsMode::Starttls, TlsMode::Implicit] {
            let request = Request {
                accounts: 3,
                connections: 10,
                tls,
            };
            let instance = dovecot.start(request).await.unwrap();
            let dir = instance.storage.clone().unwrap();
            let dir = dir.parent().unwrap();
            assert!(dir.exists());
            assert_eq!(instance.endpoint.accounts.len(), 3);
            let pid = instance.pid.unwrap();
            // Stopped before its services know each other, it takes 5 s.
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            instance.stop().await.unwrap();
            assert!(!dir.exists());
            assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
        }
    }
}

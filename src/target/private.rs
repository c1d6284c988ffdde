//! What private servers that are more than one process have in common: they are waited for, watched and stopped
//! in the same way. What is special about one is in its own file.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::time::{Duration, Instant};

use tokio::process::{ChildStdin, Command};
use tokio::time::timeout;

use super::certificate::Certificate;
use super::embedded::last_words;
use super::greeting::greeting;
use super::packages::find_program;
use super::process::ServerProcess;
use super::scratch::Scratch;
use super::{Account, Delivery, Endpoint, Instance, Service, TargetError, free_ports, local};
use crate::net::TimeLimits;
use crate::proto::lmtp::Dialect;
use crate::scenario::TlsMode;

const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(15);
/// How often other ports are tried when somebody else was quicker.
const ATTEMPTS: u32 = 5;

/// Starts a server, with other ports if somebody else took one before the server did.
pub(super) async fn start(
    mut attempt: impl AsyncFnMut() -> Result<Instance, TargetError>,
) -> Result<Instance, TargetError> {
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(TargetError::NotStarted { reason, .. })
                if reason.contains("Address already in use") => {}
            outcome => return outcome,
        }
    }
    attempt().await
}

/// Where the services of a private server listen, on 127.0.0.1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    pub(super) pop3: u16,
    pub(super) imap: u16,
    pub(super) lmtp: u16,
}

impl Ports {
    /// Three that are free at this moment.
    pub(super) fn free() -> Result<Self, TargetError> {
        let [pop3, imap, lmtp] =
            free_ports().map_err(TargetError::file("open a port on", "127.0.0.1"))?;
        Ok(Self { pop3, imap, lmtp })
    }

    /// What clients must know of the server that listens there.
    pub(super) fn endpoint(
        self,
        tls: TlsMode,
        certificate: Option<&Certificate>,
        accounts: Vec<Account>,
    ) -> Endpoint {
        let service = |port| Service {
            address: local(port),
            tls,
        };
        Endpoint {
            pop3: Some(service(self.pop3)),
            imap: Some(service(self.imap)),
            delivery: Delivery::lmtp(local(self.lmtp)),
            trust: Certificate::trust(certificate),
            identity: None,
            sources: Vec::new(),
            rate: None,
            accounts,
        }
    }
}

/// A certificate in `dir`, if devices want one.
pub(super) fn certificate(dir: &Path, tls: TlsMode) -> Result<Option<Certificate>, TargetError> {
    match tls {
        TlsMode::Plain => Ok(None),
        TlsMode::Starttls | TlsMode::Implicit => Certificate::create(dir)
            .map(Some)
            .map_err(TargetError::file("write a certificate to", dir)),
    }
}

/// A server's command: in the folder `dir`, without our terminal's Ctrl-C, its errors in `stderr.log`; it gets
/// SIGTERM when the calling thread ends, however that comes.
pub(super) fn command(program: &Path, dir: &Path) -> Command {
    let mut command = match find_program("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "TERM"]).arg(program);
            command
        }
        None => Command::new(program),
    };
    command
        .current_dir(dir)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(
            fs::File::create(dir.join("stderr.log")).map_or_else(|_| Stdio::null(), Into::into),
        );
    command
}

/// A private server, running.
#[derive(Debug)]
pub(super) struct Running {
    name: &'static str,
    /// Where it leaves its last words; the first that holds any counts.
    logs: Vec<PathBuf>,
    // Dropped in this order: the processes end before their directory goes.
    /// A server that reads its standard input ends when that does.
    lifeline: Option<ChildStdin>,
    process: ServerProcess,
    scratch: Scratch,
}

impl Running {
    pub(super) fn new(
        name: &'static str,
        logs: Vec<PathBuf>,
        mut process: ServerProcess,
        scratch: Scratch,
    ) -> Self {
        Self {
            // Out of its hands, for who waits for a process closes its input.
            lifeline: process.child().stdin.take(),
            name,
            logs,
            process,
            scratch,
        }
    }

    fn last_words(&self) -> String {
        let says = |log: &&PathBuf| fs::metadata(log).is_ok_and(|meta| meta.len() > 0);
        let log = self.logs.iter().find(says);
        log.or(self.logs.first())
            .map_or_else(String::new, |log| last_words(log))
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Waits until every service greets, and with the word `sign` in it where that is known to be ours.
    pub(super) async fn wait_until_it_greets(
        &mut self,
        endpoint: &Endpoint,
        sign: &str,
    ) -> Result<(), TargetError> {
        let limits = TimeLimits {
            connect: START_LIMIT,
            command: START_LIMIT,
        };
        let dialer = endpoint
            .dialer(false, true, limits)
            .map_err(|error| self.not_started(&error))?;
        let lmtp = match &endpoint.delivery {
            Delivery::Session {
                service,
                dialect: Dialect::Lmtp,
                ..
            } => Some(service),
            _ => None,
        };
        let services = [
            (endpoint.pop3.as_ref(), sign),
            (endpoint.imap.as_ref(), sign),
            (lmtp, ""),
        ];
        let begun = Instant::now();
        for (service, sign) in services {
            let Some(service) = service else { continue };
            loop {
                let error = match greeting(&dialer, service).await {
                    Ok(words) if !words.is_empty() && words.contains(sign) => break,
                    Ok(words) if words.is_empty() => "it closes connections at once".into(),
                    Ok(words) => format!("Address already in use by another server: {words}"),
                    Err(error) => error.to_string(),
                };
                let ended = timeout(Duration::from_millis(5), self.process.ended());
                if ended.await.is_ok() || begun.elapsed() > START_LIMIT {
                    return Err(self.not_started(&error));
                }
            }
        }
        Ok(())
    }

    fn not_started(&self, error: &dyn std::fmt::Display) -> TargetError {
        TargetError::NotStarted {
            server: self.name,
            reason: format!("{error}; {}", self.last_words()),
        }
    }

    pub(super) async fn gone(&mut self) -> String {
        let status = self.process.ended().await;
        let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        let words = self.last_words();
        format!("{} ended in the middle ({how}): {words}", self.name)
    }

    pub(super) async fn stop(mut self) -> Result<(), TargetError> {
        drop(self.lifeline.take());
        let stopped = self.process.stop(STOP_LIMIT).await;
        self.scratch.wait_until_quiet();
        stopped.map(drop).map_err(|error| TargetError::NotStopped {
            server: self.name,
            reason: error.to_string(),
        })
    }
}

/// The folder's path as text, if it can stand in settings as it is.
pub(super) fn plain_path(path: &Path) -> Result<&str, TargetError> {
    let plain = |text: &&str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/._-+~".contains(&byte))
    };
    path.to_str().filter(plain).ok_or_else(|| TargetError::Unusable {
        reason: format!(
            "{} cannot stand in a mail server's settings: use a path of letters, digits and `/._-+~` (TMPDIR and MAILGAUGE_SERVERS say where files go)",
            path.display()
        ),
    })
}

/// Runs a program of the server `name` that reads `text`, to make `what`.
pub(super) fn feed(
    name: &'static str,
    what: &str,
    command: &mut process::Command,
    text: &str,
) -> Result<(), TargetError> {
    let failed = |reason: String| TargetError::NotStarted {
        server: name,
        reason: format!("{what} could not be written: {reason}"),
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // If it does not read to the end, it says why below.
        let _ = stdin.write_all(text.as_bytes());
    }
    let output = child
        .wait_with_output()
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(failed(format!("{} ({})", words.trim(), output.status)))
}

/// What a program of the server `name` prints.
pub(super) fn said(
    name: &'static str,
    command: &mut process::Command,
) -> Result<String, TargetError> {
    let failed = |reason: String| TargetError::NotStarted {
        server: name,
        reason,
    };
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(failed(words.trim().to_owned()))
}

/// A server that is there, but not whole.
pub(super) fn missing(name: &str, title: &str, part: &str) -> TargetError {
    TargetError::Unusable {
        reason: format!(
            "{title} is here, but not whole: {part} is missing (delete its folder and run `scripts/fetch-servers.sh {name}` again, or install it anew)"
        ),
    }
}

/// Makes folders below `dir`.
pub(super) fn make_folders(dir: &Path, folders: &[&str]) -> Result<(), TargetError> {
    for folder in folders {
        let path = dir.join(folder);
        fs::create_dir_all(&path).map_err(TargetError::file("create", path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::plain_path;

    #[test]
    fn a_path_that_would_end_a_setting_is_refused() {
        assert!(plain_path(Path::new("/tmp/mailgauge-cyrus-1-2-0")).is_ok());
        for path in ["/tmp/my files", "/tmp/a:b", "/tmp/a\"b", "/tmp/a,b"] {
            let error = plain_path(Path::new(path)).unwrap_err().to_string();
            assert!(error.contains("TMPDIR"), "{error}");
        }
    }
}

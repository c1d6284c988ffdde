//! The embedded server as a target: `mailgauge serve` in a process of its own, so that its CPU and memory are
//! read from outside like any server's.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use super::certificate::Certificate;
use super::process::ServerProcess;
use super::scratch::{Scratch, sweep_leftovers};
use super::{
    Account, Delivery, Endpoint, Instance, Request, Server, ServerCount, Service, TargetError,
    private_accounts,
};
use crate::net::Address;
use crate::probe::Instrument;
use crate::scenario::TlsMode;

const NAME: &str = "the embedded server";
/// What `serve --fault` knows, as options of this target; some take a duration: `delay-notify=3s`.
const FAULTS: [&str; 8] = [
    "lose-flag",
    "resurrect",
    "reuse-uid",
    "delete-without-quit",
    "deliver-twice",
    "delay-notify",
    "stale-replica",
    "hang-up",
];
/// `serve --max-connections`.
const CONNECTIONS: &str = "max-connections";
/// It starts in milliseconds; the rest is for busy machines.
const START_LIMIT: Duration = Duration::from_secs(20);
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// The embedded server, not started yet.
#[derive(Clone, Debug)]
pub struct Embedded {
    program: PathBuf,
    /// `serve --fault`; empty: a healthy server.
    faults: String,
    /// `serve --max-connections`.
    connections: Option<usize>,
    name: String,
}

impl Embedded {
    /// Served by the program that runs.
    pub fn of_this_program() -> Result<Self, TargetError> {
        std::env::current_exe()
            .map(Self::served_by)
            .map_err(TargetError::file("find", "the running program"))
    }

    /// Served by another `mailgauge` binary.
    pub fn served_by(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            faults: String::new(),
            connections: None,
            name: "embedded".into(),
        }
    }

    /// With options, separated by commas: what it does wrong on purpose, by the names of `serve --fault`, and
    /// `max-connections=40`.
    pub fn with_options(mut self, options: &str) -> Result<Self, TargetError> {
        let mut faults = Vec::new();
        for option in options.split(',') {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            match value.parse() {
                Ok(connections) if name == CONNECTIONS && connections > 0 => {
                    self.connections = Some(connections);
                }
                _ if FAULTS.contains(&name) => faults.push(option),
                _ => {
                    return Err(TargetError::UnknownOption {
                        server: NAME,
                        option: option.to_owned(),
                        known: "lose-flag, resurrect, reuse-uid, delete-without-quit, deliver-twice, delay-notify=6s, \
                                stale-replica=2s, hang-up, max-connections=40",
                    });
                }
            }
        }
        self.faults = faults.join(",");
        self.name = format!("embedded:{options}");
        Ok(self)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) async fn start(&self, request: Request) -> Result<Instance, TargetError> {
        sweep_leftovers("embedded");
        let scratch = Scratch::create("embedded")
            .map_err(TargetError::file("create", std::env::temp_dir()))?;
        let accounts = private_accounts(request.accounts, "localhost");
        let certificate = match request.tls {
            TlsMode::Plain => None,
            TlsMode::Starttls | TlsMode::Implicit => Some(
                Certificate::create(scratch.path())
                    .map_err(TargetError::file("write a certificate to", scratch.path()))?,
            ),
        };
        write_accounts(&scratch.path().join("accounts"), &accounts)?;
        let mut command = self.command(scratch.path(), request.tls, certificate.as_ref());
        let mut process = ServerProcess::start(&mut command, request.cpus)
            .map_err(TargetError::file("start", &self.program))?;
        let ready = wait_until_ready(&mut process, scratch.path()).await?;
        let endpoint = Endpoint {
            pop3: Some(ready.pop3(request.tls)?),
            imap: Some(ready.imap(request.tls)?),
            delivery: Delivery::lmtp(address(Some(&ready.lmtp))?),
            trust: Certificate::trust(certificate.as_ref()),
            identity: None,
            sources: Vec::new(),
            rate: None,
            accounts,
        };
        Ok(Instance {
            endpoint: Arc::new(endpoint),
            seen: Some(Instrument::process(
                process.pid(),
                scratch.path().join("mail"),
            )),
            storage: Some(scratch.path().join("mail")),
            software: concat!("mailgauge embedded ", env!("CARGO_PKG_VERSION")).into(),
            facts: facts(),
            server: Server::Embedded(Running { process, scratch }),
        })
    }

    fn command(&self, dir: &Path, tls: TlsMode, certificate: Option<&Certificate>) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("serve")
            .arg("--dir")
            .arg(dir)
            .arg("--accounts")
            .arg(dir.join("accounts"))
            .args(["--pop3", "0", "--imap", "0", "--lmtp", "0"])
            .arg("--die-with-parent")
            // A terminal's Ctrl-C is for us; the server is stopped when its count is wanted.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(
                fs::File::create(dir.join("serve.log")).map_or_else(|_| Stdio::null(), Into::into),
            );
        if let Some(certificate) = certificate {
            command
                .arg("--tls-cert")
                .arg(&certificate.chain)
                .arg("--tls-key")
                .arg(&certificate.key);
        }
        if !self.faults.is_empty() {
            command.arg("--fault").arg(&self.faults);
        }
        if let Some(connections) = self.connections {
            command
                .arg("--max-connections")
                .arg(connections.to_string());
        }
        if tls == TlsMode::Implicit {
            command.args(["--pop3s", "--imaps"]);
        }
        command
    }
}

fn facts() -> BTreeMap<String, String> {
    [
        ("mode", "one process, threads"),
        // What `capacity` holds its use of processors against.
        ("serving threads", "1"),
        ("storage", "maildir"),
        ("fsync", "never"),
        ("password scheme", "plain"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn write_accounts(path: &Path, accounts: &[Account]) -> Result<(), TargetError> {
    use std::io::Write as _;

    let mut text = String::new();
    for Account { user, password, .. } in accounts {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{user}:{password}");
    }
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(TargetError::file("write", path))
}

/// The line that the server prints when it listens.
#[derive(Debug, Deserialize)]
struct Ready {
    pop3: String,
    imap: String,
    lmtp: String,
    pop3s: Option<String>,
    imaps: Option<String>,
}

impl Ready {
    fn pop3(&self, tls: TlsMode) -> Result<Service, TargetError> {
        let address = match tls {
            TlsMode::Implicit => address(self.pop3s.as_deref()),
            TlsMode::Plain | TlsMode::Starttls => address(Some(&self.pop3)),
        }?;
        Ok(Service { address, tls })
    }

    fn imap(&self, tls: TlsMode) -> Result<Service, TargetError> {
        let address = match tls {
            TlsMode::Implicit => address(self.imaps.as_deref()),
            TlsMode::Plain | TlsMode::Starttls => address(Some(&self.imap)),
        }?;
        Ok(Service { address, tls })
    }
}

fn address(socket: Option<&str>) -> Result<Address, TargetError> {
    socket
        .and_then(|socket| socket.parse().ok())
        .map(|socket| Address {
            socket,
            server_name: "localhost".into(),
        })
        .ok_or_else(|| not_started("it does not say where it listens".into()))
}

fn not_started(reason: String) -> TargetError {
    TargetError::NotStarted {
        server: NAME,
        reason,
    }
}

async fn wait_until_ready(process: &mut ServerProcess, dir: &Path) -> Result<Ready, TargetError> {
    let stdout = process.child().stdout.take();
    let mut lines = stdout.map(|stdout| BufReader::new(stdout).lines());
    let line = match &mut lines {
        Some(lines) => timeout(START_LIMIT, lines.next_line()).await,
        None => Ok(Ok(None)),
    };
    match line {
        Ok(Ok(Some(line))) => serde_json::from_str(&line).map_err(|error| {
            not_started(format!("it said `{line}`, which is no address: {error}"))
        }),
        Ok(_) => Err(not_started(last_words(&dir.join("serve.log")))),
        Err(_) => Err(not_started(format!(
            "it did not listen within {} s",
            START_LIMIT.as_secs()
        ))),
    }
}

/// The end of a server's log, as a sentence.
pub(super) fn last_words(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    match lines.as_slice() {
        [] => "it ended without a word".into(),
        lines => lines[lines.len().saturating_sub(3)..].join("; "),
    }
}

/// The embedded server, running.
#[derive(Debug)]
pub(super) struct Running {
    // Dropped in this order: the process ends before its directory goes.
    process: ServerProcess,
    scratch: Scratch,
}

impl Running {
    pub(super) async fn gone(&mut self) -> String {
        let status = self.process.ended().await;
        let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        format!(
            "{NAME} ended in the middle ({how}): {}",
            last_words(&self.scratch.path().join("serve.log"))
        )
    }

    pub(super) async fn stop(mut self) -> Result<Option<ServerCount>, TargetError> {
        let not_stopped = |reason: String| TargetError::NotStopped {
            server: NAME,
            reason,
        };
        let status = self.process.stop(STOP_LIMIT).await;
        if !status.is_ok_and(|status| status.success()) {
            let reason = last_words(&self.scratch.path().join("serve.log"));
            return Err(not_stopped(reason));
        }
        let path = self.scratch.path().join("stats.json");
        let text = fs::read(&path).map_err(TargetError::file("read", &path))?;
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| not_stopped(format!("its stats.json cannot be read: {error}")))
    }
}

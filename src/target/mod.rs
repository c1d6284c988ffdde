//! What is measured against. A target hands out a fresh instance for each arm of each block: an embedded
//! server or a private Dovecot is started anew, a server out there gets its marked mail taken away. How it is used, and
//! how its resources are sampled, is left to others.

mod accounts;
mod certificate;
mod count;
mod courier;
mod cpus;
mod cyrus;
mod dovecot;
mod embedded;
mod endpoint;
mod error;
mod external;
mod greeting;
mod mailboxes;
mod owner;
mod packages;
/// What a target offers, as a client sees it.
pub mod portrait;
mod private;
mod process;
mod scratch;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use count::{MailCount, ServerCount, ServiceCount};
pub use courier::{Courier, deliver_into_maildirs};
pub use cpus::Cpus;
pub use cyrus::Cyrus;
pub use dovecot::{Dovecot, Storage};
pub use embedded::Embedded;
pub use endpoint::{Delivery, Endpoint, Service};
pub use error::TargetError;
pub use external::{
    Ceiling, External, ExternalOptions, Inventory, Progress as SweepProgress, Sweep,
};
pub use portrait::{Depth, Portrait};

use crate::client::{Login, LoginMethod};
use crate::net::Address;
use crate::probe::Instrument;
use crate::scenario::{Protocol, TlsMode};

/// The fact of an instance that names its processors: `0,1`.
const PROCESSORS: &str = "processors";

/// A kind of server, ready to be started.
#[derive(Debug)]
pub enum Target {
    /// `mailgauge serve`, as a child process.
    Embedded(Embedded),
    /// A private Dovecot from the distribution's packages.
    Dovecot(Dovecot),
    /// A private Cyrus, installed or unpacked.
    Cyrus(Cyrus),
    /// A private Courier, installed or unpacked.
    Courier(Courier),
    /// A server that is already there.
    External(Box<External>),
}

impl Target {
    /// `embedded`, `dovecot`, `cyrus`, `courier`, the path of a target file, or a host.
    pub fn named(name: &str) -> Result<Self, TargetError> {
        Self::named_with(name, &ExternalOptions::default())
    }

    /// The same, with what the command line says of a server that is already there. What stands behind the colon of a
    /// server that we start are its options: `dovecot:mdbox`. Else a name with a slash, or ending in `.toml`, is a file; any
    /// other with a dot or a colon in it, and `localhost`, is a host.
    pub fn named_with(name: &str, options: &ExternalOptions) -> Result<Self, TargetError> {
        if name.parse::<IpAddr>().is_ok() {
            let external = External::host(name, options)?;
            return Ok(Self::External(Box::new(external)));
        }
        let (server, own_options) = split_options(name);
        match (server, own_options) {
            ("dovecot", own_options) => {
                let storage = Storage::of_options(own_options)?;
                return Dovecot::installed().map(|it| Self::Dovecot(it.with_storage(storage)));
            }
            ("embedded", Some(options)) => {
                let embedded = Embedded::of_this_program()?.with_options(options)?;
                return Ok(Self::Embedded(embedded));
            }
            (_, Some(option)) => {
                return Err(TargetError::UnknownOption {
                    server: match server {
                        "cyrus" => "Cyrus",
                        "courier" => "Courier",
                        _ => "the embedded server",
                    },
                    option: option.to_owned(),
                    known: "none",
                });
            }
            (_, None) => {}
        }
        let path = Path::new(name);
        if path.components().count() > 1 || path.extension().is_some_and(|end| end == "toml") {
            let external = External::read(path, options)?;
            return Ok(Self::External(Box::new(external)));
        }
        if name == "localhost" || name.contains('.') {
            let external = External::host(name, options)?;
            return Ok(Self::External(Box::new(external)));
        }
        match name {
            "embedded" => Embedded::of_this_program().map(Self::Embedded),
            "cyrus" => Cyrus::installed().map(Self::Cyrus),
            "courier" => Courier::installed().map(Self::Courier),
            _ => Err(TargetError::Unknown { name: name.into() }),
        }
    }

    /// What the results are filed under.
    pub fn name(&self) -> &str {
        match self {
            Self::Embedded(embedded) => embedded.name(),
            Self::Dovecot(dovecot) => dovecot.name(),
            Self::Cyrus(_) => "cyrus",
            Self::Courier(_) => "courier",
            Self::External(external) => external.name(),
        }
    }

    /// A fresh instance. For a private server the calling thread should live until the instance is stopped.
    pub async fn start(&self, request: Request) -> Result<Instance, TargetError> {
        let mut instance = match self {
            Self::Embedded(embedded) => embedded.start(request).await,
            Self::Dovecot(dovecot) => dovecot.start(request).await,
            Self::Cyrus(cyrus) => cyrus.start(request).await,
            Self::Courier(courier) => courier.start(request).await,
            Self::External(_) if request.cpus.is_some() => {
                return Err(TargetError::Unusable {
                    reason: "`run.server_cpus` (`--server-cpus`) places servers that mailgauge starts itself, and this one was there before: leave it out".to_owned(),
                });
            }
            Self::External(external) => external.start(request).await,
        }?;
        if let Some(cpus) = request.cpus {
            instance.facts.insert(PROCESSORS.into(), cpus.to_string());
        }
        Ok(instance)
    }

    /// Does without a protocol that cannot be used there. Servers that we start have both.
    pub fn leave_out(&mut self, protocol: Protocol) {
        if let Self::External(external) = self {
            external.leave_out(protocol);
        }
    }

    /// A server that was there before, if it is one: its owner has a say.
    pub fn external(&self) -> Option<&External> {
        match self {
            Self::External(external) => Some(external),
            _ => None,
        }
    }
}

/// What an instance must be good for.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Users, each with a mailbox.
    pub accounts: u32,
    /// Connections that may be open at the same time.
    pub connections: u32,
    /// How devices connect.
    pub tls: TlsMode,
    /// The processors that a server of ours is to keep to; none: all.
    pub cpus: Option<Cpus>,
}

/// One login, and the mailbox behind it.
#[derive(Clone)]
pub struct Account {
    /// Name to log in with.
    pub user: String,
    /// Never shown, never written to results.
    pub password: String,
    /// Where mail for it is sent.
    pub address: String,
    /// How name and password are presented.
    pub method: LoginMethod,
}

impl Account {
    /// What a client logs in with.
    pub fn login(&self) -> Login {
        Login {
            method: self.method,
            ..Login::new(self.user.as_str(), self.password.as_str())
        }
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({})", self.user)
    }
}

/// A running server, its mailboxes empty.
#[derive(Debug)]
pub struct Instance {
    /// What clients need; shared by all workers.
    pub endpoint: Arc<Endpoint>,
    /// By what its resources are seen; none: nothing of it can be seen.
    pub seen: Option<Instrument>,
    /// Where its mail lies; none if that cannot be seen.
    pub storage: Option<PathBuf>,
    /// Software and version, as far as known without asking the server.
    pub software: String,
    /// What else decides its figures: mode, fsync, storage format …
    pub facts: BTreeMap<String, String>,
    server: Server,
}

#[derive(Debug)]
enum Server {
    Embedded(embedded::Running),
    Private(private::Running),
    External(Box<external::Running>),
}

impl Instance {
    /// Root of its process tree, if that is on this machine.
    pub fn pid(&self) -> Option<u32> {
        match &self.seen {
            Some(Instrument::Local(local)) => local.root,
            _ => None,
        }
    }

    /// Resolves, with a sentence, when the server ends by itself; never for a server that is not ours. May be dropped
    /// and called again.
    pub async fn gone(&mut self) -> String {
        match &mut self.server {
            Server::Embedded(running) => running.gone().await,
            Server::Private(running) => running.gone().await,
            Server::External(_) => std::future::pending().await,
        }
    }

    /// Stops it and clears it away: its processes, its directory, or the mail that was put there. The embedded
    /// server hands over its own count.
    pub async fn stop(self) -> Result<Option<ServerCount>, TargetError> {
        match self.server {
            Server::Embedded(running) => running.stop().await,
            Server::Private(running) => running.stop().await.map(|()| None),
            Server::External(running) => running.stop().await.map(|()| None),
        }
    }
}

/// A server of ours and the options behind its colon. A host may have such a name too, but then a port number follows.
fn split_options(name: &str) -> (&str, Option<&str>) {
    match name.split_once(':') {
        Some((server @ ("embedded" | "dovecot" | "cyrus" | "courier"), options))
            if !options.starts_with(|first: char| first.is_ascii_digit()) =>
        {
            (server, Some(options))
        }
        _ => (name, None),
    }
}

/// Ports of 127.0.0.1 that are free at this moment, all different. Somebody else may take one before the server
/// does, so who uses them must be ready to try again.
fn free_ports<const N: usize>() -> io::Result<[u16; N]> {
    let listeners = (0..N)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<io::Result<Vec<_>>>()?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

/// A port on this machine, under the name that our certificates carry.
fn local(port: u16) -> Address {
    Address {
        socket: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        server_name: "localhost".into(),
    }
}

/// Users of a private server. The passwords are made up afresh and are worth nothing elsewhere.
fn private_accounts(count: u32, domain: &str) -> Vec<Account> {
    (0..count)
        .map(|number| {
            let user = format!("u{number:05}");
            Account {
                address: format!("{user}@{domain}"),
                method: LoginMethod::default(),
                password: format!("{:016x}", rand::random::<u64>()),
                user,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Account, Target, TargetError, free_ports, private_accounts, split_options};

    #[test]
    fn a_target_that_does_not_exist_is_refused_with_what_there_is() {
        let error = Target::named("dovcot").unwrap_err();
        assert!(matches!(error, TargetError::Unknown { .. }));
        assert!(error.to_string().contains("`dovecot`"));
    }

    #[test]
    fn what_follows_the_colon_of_a_server_of_ours_are_its_options() {
        assert_eq!(split_options("dovecot"), ("dovecot", None));
        assert_eq!(split_options("dovecot:mdbox"), ("dovecot", Some("mdbox")));
        assert_eq!(split_options("dovecot:143"), ("dovecot:143", None));
        assert_eq!(split_options("host:imap"), ("host:imap", None));
        let error = Target::named("cyrus:mdbox").unwrap_err();
        assert!(error.is_usage());
        assert_eq!(
            error.to_string(),
            "`mdbox` is no option of Cyrus; it has none"
        );
    }

    #[test]
    fn free_ports_differ_from_each_other() {
        let mut ports = free_ports::<8>().unwrap().to_vec();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 8);
    }

    #[test]
    fn an_account_does_not_show_its_password() {
        let account = private_accounts(1, "localhost").remove(0);
        let Account { user, password, .. } = &account;
        let shown = format!("{account:?}");
        assert!(shown.contains(user) && !shown.contains(password));
    }
}

//! A mail server that is already there, with other people's mail on it perhaps: where it is, whose mailboxes may be used, and
//! what it must not be made to bear. Each instance begins with an inspection of all mailboxes, and with the marked mail of
//! earlier runs taken away; nothing else is ever touched.

mod check;
mod description;
mod inspect;
mod remove;
mod sweep;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use sweep::{Inventory, Progress, Sweep};
use view::View;

use super::accounts::Accounts;
use super::{Delivery, Endpoint, Instance, Request, Server, Service, TargetError};
use crate::client::Login;
use crate::net::{Address, ClientCertificate, NetError, Trust};
use crate::proto::lmtp::Dialect;
use crate::scenario::{Protocol, Share, TlsMode};

/// Looking a name up takes no longer than this.
const RESOLVE_LIMIT: Duration = Duration::from_secs(10);

/// What the command line says of a server that is already there.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of the command line"
)]
pub struct ExternalOptions {
    /// Accounts instead of those of the target file.
    pub accounts: Option<PathBuf>,
    /// Passwords may leave this machine unencrypted.
    pub allow_plaintext: bool,
    /// Certificates are not verified.
    pub insecure: bool,
    /// The user says that the server is theirs to put under load.
    pub owned: bool,
    /// Nobody need log in: accounts may be missing.
    pub only_looking: bool,
}

/// What the server must not be made to bear, whatever the scenario says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ceiling {
    /// Sessions per second.
    pub rate: Option<f64>,
    /// Connections at the same time.
    pub connections: Option<u32>,
    /// Share of sessions that may fail for 10 s before the load stops.
    pub error_share: Share,
}

/// A service, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    host: String,
    port: u16,
    tls: TlsMode,
    server_name: String,
}

#[derive(Clone, Debug)]
enum DeliveryPlace {
    Append,
    Session {
        place: Place,
        dialect: Dialect,
        login: Option<Login>,
    },
}

/// A mail server that is already there.
#[derive(Clone, Debug)]
pub struct External {
    name: String,
    file: Option<PathBuf>,
    pop3: Option<Place>,
    imap: Option<Place>,
    delivery: DeliveryPlace,
    trust: Trust,
    identity: Option<ClientCertificate>,
    sources: Vec<IpAddr>,
    accounts: Accounts,
    /// Names of users, without the master user.
    disposable: HashSet<String>,
    ceiling: Ceiling,
    view: View,
    allow_plaintext: bool,
    owned: bool,
}

impl External {
    /// Reads a target file.
    pub fn read(path: &Path, options: &ExternalOptions) -> Result<Self, TargetError> {
        check::read(path, options)
    }

    /// A host with everything at its usual place. Accounts must be named on the command line.
    pub fn host(name: &str, options: &ExternalOptions) -> Result<Self, TargetError> {
        check::host(name, options)
    }

    /// What the results are filed under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it must not be made to bear.
    pub fn ceiling(&self) -> Ceiling {
        self.ceiling
    }

    /// Whether the user says that it is theirs to put under load.
    pub fn is_owned(&self) -> bool {
        self.owned
    }

    /// How many accounts there are.
    pub fn accounts(&self) -> u32 {
        self.accounts.len()
    }

    /// Does without a protocol that cannot be used.
    pub(super) fn leave_out(&mut self, protocol: Protocol) {
        match protocol {
            Protocol::Pop3 => self.pop3 = None,
            Protocol::Imap => self.imap = None,
        }
    }

    /// Where everything is, for the first `accounts` users. Nothing is connected to yet.
    ///
    /// # Errors
    /// A name does not resolve, there are not as many accounts, or a password would leave this machine in clear.
    pub async fn endpoint(&self, accounts: u32) -> Result<Endpoint, TargetError> {
        if self.accounts.len() < accounts {
            return Err(unusable(format!(
                "the scenario has {accounts} users, but the target {} has {}: name more accounts, or take fewer users (`--users {}`)",
                self.name,
                self.accounts,
                self.accounts.len()
            )));
        }
        let endpoint = Endpoint {
            pop3: self.service(self.pop3.as_ref()).await?,
            imap: self.service(self.imap.as_ref()).await?,
            delivery: match &self.delivery {
                DeliveryPlace::Append => Delivery::Append,
                DeliveryPlace::Session {
                    place,
                    dialect,
                    login,
                } => Delivery::Session {
                    service: place.resolve().await?,
                    dialect: *dialect,
                    login: login.clone(),
                },
            },
            trust: self.trust.clone(),
            identity: self.identity.clone(),
            sources: self.sources.clone(),
            rate: self.ceiling.rate,
            accounts: self.accounts.first(accounts),
        };
        if !self.allow_plaintext {
            refuse_plaintext(&endpoint)?;
        }
        Ok(endpoint)
    }

    async fn service(&self, place: Option<&Place>) -> Result<Option<Service>, TargetError> {
        match place {
            Some(place) => place.resolve().await.map(Some),
            None => Ok(None),
        }
    }

    /// Inspects and clears mailboxes of this target.
    pub fn sweep(&self, endpoint: Arc<Endpoint>) -> Result<Sweep, TargetError> {
        Sweep::new(self, endpoint)
    }

    pub(super) async fn start(&self, request: Request) -> Result<Instance, TargetError> {
        let view = self.view.clone();
        let seen = tokio::task::spawn_blocking(move || view.find());
        let seen = seen.await.map_err(|error| unusable(error.to_string()))??;
        let endpoint = Arc::new(self.endpoint(request.accounts).await?);
        let sweep = self.sweep(Arc::clone(&endpoint))?;
        sweep.make_fresh(&mut |_| {}).await?;
        Ok(Instance {
            seen,
            storage: self.view.storage().map(Path::to_owned),
            software: format!("the server at {}", self.hosts()),
            facts: self.facts(&endpoint),
            endpoint,
            server: Server::External(Box::new(Running {
                sweep,
                name: self.spelled(),
            })),
        })
    }

    /// How the user named it.
    fn spelled(&self) -> String {
        match &self.file {
            Some(file) => file.display().to_string(),
            None => self.name.clone(),
        }
    }

    fn hosts(&self) -> String {
        let mut hosts: Vec<&str> = [&self.pop3, &self.imap]
            .into_iter()
            .flatten()
            .map(|place| place.host.as_str())
            .collect();
        hosts.dedup();
        hosts.join(" and ")
    }

    fn facts(&self, endpoint: &Endpoint) -> BTreeMap<String, String> {
        let tls = |service: &Service| service.tls.to_string();
        let delivery = match &endpoint.delivery {
            Delivery::Append => "IMAP APPEND, as each user".to_owned(),
            Delivery::Session {
                service,
                dialect,
                login,
            } => format!(
                "{}, TLS {}{}",
                match dialect {
                    Dialect::Lmtp => "LMTP",
                    Dialect::Smtp => "SMTP",
                },
                service.tls,
                if login.is_some() { ", AUTH" } else { "" }
            ),
        };
        let certificates = match self.trust {
            Trust::Insecure => "not verified (--insecure)",
            Trust::Ca(_) => "verified against the target file's CA",
            Trust::System => "verified against this machine's authorities",
        };
        let encrypted = [
            endpoint.pop3.as_ref(),
            endpoint.imap.as_ref(),
            endpoint.delivery.service(),
        ]
        .into_iter()
        .flatten()
        .any(|service| service.tls != TlsMode::Plain);
        [
            ("mode", Some("a server that was there before".to_owned())),
            ("accounts", Some(self.accounts.to_string())),
            ("login", Some(self.accounts.method().to_string())),
            ("delivery", Some(delivery)),
            ("TLS of POP3", endpoint.pop3.as_ref().map(tls)),
            ("TLS of IMAP", endpoint.imap.as_ref().map(tls)),
            ("certificates", encrypted.then(|| certificates.to_owned())),
            (
                "passwords in clear",
                self.allow_plaintext
                    .then(|| "allowed (--allow-plaintext)".to_owned()),
            ),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
    }
}

impl Place {
    async fn resolve(&self) -> Result<Service, TargetError> {
        let lookup = Address::resolve(&self.host, self.port);
        let found = tokio::time::timeout(RESOLVE_LIMIT, lookup).await;
        let found = found.unwrap_or_else(|_| {
            Err(NetError::Resolve {
                host: self.host.clone(),
                reason: format!("no answer within {} s", RESOLVE_LIMIT.as_secs()),
            })
        });
        let address = found.map_err(|error| unusable(error.to_string()))?;
        Ok(Service {
            address: Address::new(address.socket, self.server_name.as_str()),
            tls: self.tls,
        })
    }
}

/// A password goes over an unencrypted connection only to this machine.
fn refuse_plaintext(endpoint: &Endpoint) -> Result<(), TargetError> {
    let delivery = match &endpoint.delivery {
        Delivery::Session {
            service,
            login: Some(_),
            ..
        } => Some(service),
        _ => None,
    };
    let services = [
        ("pop3", endpoint.pop3.as_ref()),
        ("imap", endpoint.imap.as_ref()),
        ("delivery", delivery),
    ];
    let hidden = |name| {
        let accounts = &endpoint.accounts;
        name != "delivery"
            && accounts
                .iter()
                .all(|account| account.method.hides_password())
    };
    for (name, service) in services {
        let Some(Service { address, tls }) = service else {
            continue;
        };
        if hidden(name) {
            continue;
        }
        if *tls == TlsMode::Plain && !address.socket.ip().is_loopback() {
            return Err(TargetError::Unsafe {
                reason: format!(
                    "passwords would go to {address} in clear: write `tls = \"implicit\"` or `tls = \"starttls\"` below [{name}], or `login = \"scram-sha-256\"` below [accounts], or allow it (`--allow-plaintext`)"
                ),
            });
        }
    }
    Ok(())
}

fn unusable(reason: String) -> TargetError {
    TargetError::Unusable { reason }
}

/// A server that is used.
#[derive(Debug)]
pub(super) struct Running {
    sweep: Sweep,
    /// As the user named it.
    name: String,
}

impl Running {
    /// Takes the marked mail away.
    pub(super) async fn stop(self) -> Result<(), TargetError> {
        let taken = self.sweep.take_marked_away(&mut |_| {}).await;
        taken.map(drop).map_err(|error| {
            tracing::warn!(
                "the marked mail on {} could not all be taken away: {error}",
                self.name
            );
            unusable(format!(
                "{error}; mail of this run may still be there: `mailgauge clean {}` takes it away",
                self.name
            ))
        })
    }
}

//! What a target says of itself, asked once before a run: greetings and capabilities, for the manifest. The same look shows
//! that it answers and lets users in.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::client::{ClientError, ImapSession, PopSession};
use crate::metrics::{Observer, Sample};
use crate::net::{Dialer, TimeLimits};
use crate::scenario::TlsMode;

use super::greeting::greeting;
use super::{Account, Endpoint, Instance, Service, TargetError};

const LIMIT: Duration = Duration::from_secs(10);

/// What a target says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Portrait {
    /// Software and version.
    pub software: String,
    /// First line of each protocol.
    pub banners: BTreeMap<String, String>,
    /// What each protocol offers to a user who is logged in.
    pub capabilities: BTreeMap<String, Vec<String>>,
    /// What else decides its figures.
    pub facts: BTreeMap<String, String>,
    /// Port of each protocol.
    pub ports: BTreeMap<String, u16>,
    /// How connections get their TLS.
    pub tls: TlsMode,
}

/// Here nothing is timed.
struct Deaf;

impl Observer for Deaf {
    fn operation(&self, _: &Sample) {}
}

impl Portrait {
    /// Greets each service of an instance and logs its first user in.
    pub async fn of(instance: &Instance) -> Result<Self, TargetError> {
        let endpoint = &*instance.endpoint;
        let mut portrait = Self {
            software: instance.software.clone(),
            facts: instance.facts.clone(),
            tls: endpoint.tls(),
            ..Self::default()
        };
        let limits = TimeLimits {
            connect: LIMIT,
            command: LIMIT,
        };
        let dialer = endpoint.dialer(false, true, limits).map_err(unusable)?;
        portrait.hear(endpoint, &dialer).await?;
        if let Some(account) = endpoint.accounts.first() {
            let login = portrait.ask(endpoint, &dialer, account).await;
            login.map_err(|error| TargetError::Unusable {
                reason: format!(
                    "the target cannot be used by its user `{}`: {error}",
                    account.user
                ),
            })?;
        }
        Ok(portrait)
    }

    async fn hear(&mut self, endpoint: &Endpoint, dialer: &Dialer) -> Result<(), TargetError> {
        let services = [
            ("pop3", endpoint.pop3.as_ref()),
            ("imap", endpoint.imap.as_ref()),
            ("delivery", endpoint.delivery.service()),
        ];
        for (name, service) in services {
            if let Some(service) = service {
                let words = greeting(dialer, service).await.map_err(unusable)?;
                if words.is_empty() {
                    return Err(unusable(format!("its {name} service does not greet")));
                }
                self.banners.insert(name.into(), words);
                self.ports
                    .insert(name.into(), service.address.socket.port());
            }
        }
        Ok(())
    }

    async fn ask(
        &mut self,
        endpoint: &Endpoint,
        dialer: &Dialer,
        account: &Account,
    ) -> Result<(), ClientError> {
        let login = account.login();
        let due = Instant::now();
        if let Some(Service { address, tls }) = &endpoint.pop3 {
            let opened = PopSession::open(dialer, address, *tls, &login, due, Deaf).await;
            let session = opened.map_err(|failed| failed.error)?;
            let offered = session.capabilities().lines().to_vec();
            self.capabilities.insert("pop3".into(), offered);
            let _ = session.quit().await;
        }
        if let Some(Service { address, tls }) = &endpoint.imap {
            let opened = ImapSession::open(dialer, address, *tls, &login, due, Deaf).await;
            let session = opened.map_err(|failed| failed.error)?;
            let offered = session.capabilities().names().map(str::to_owned).collect();
            self.capabilities.insert("imap".into(), offered);
            let _ = session.logout().await;
        }
        Ok(())
    }
}

fn unusable(error: impl std::fmt::Display) -> TargetError {
    TargetError::Unusable {
        reason: format!("the target cannot be used: {error}"),
    }
}

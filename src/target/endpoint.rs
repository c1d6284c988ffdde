//! Everything a client must know of a running server.

use std::net::IpAddr;

use super::Account;
use crate::client::Login;
use crate::net::{Address, ClientCertificate, Dialer, NetError, TimeLimits, Trust};
use crate::proto::lmtp::Dialect;
use crate::scenario::TlsMode;

/// One service of a server, and how connections to it get their TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Where it listens.
    pub address: Address,
    /// Plain, STLS or STARTTLS, or TLS from the first byte.
    pub tls: TlsMode,
}

/// How mail is handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// By LMTP or SMTP, for all users.
    Session {
        /// Where.
        service: Service,
        /// LMTP or SMTP.
        dialect: Dialect,
        /// Who logs in (SMTP AUTH); none: nobody.
        login: Option<Login>,
    },
    /// By IMAP APPEND to INBOX, as the user whose mail it is.
    Append,
}

impl Delivery {
    /// By LMTP without TLS, as private servers take it.
    pub fn lmtp(address: Address) -> Self {
        Self::Session {
            service: Service {
                address,
                tls: TlsMode::Plain,
            },
            dialect: Dialect::Lmtp,
            login: None,
        }
    }

    /// A service of its own, if it has one.
    pub fn service(&self) -> Option<&Service> {
        match self {
            Self::Session { service, .. } => Some(service),
            Self::Append => None,
        }
    }
}

/// Everything a client must know of a running server.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// None: not offered.
    pub pop3: Option<Service>,
    /// None: not offered.
    pub imap: Option<Service>,
    /// Where mail is handed over, and how.
    pub delivery: Delivery,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// What clients show to a server that asks who they are.
    pub identity: Option<ClientCertificate>,
    /// Addresses of this machine that connections are made from, in turn; none: the system chooses.
    pub sources: Vec<IpAddr>,
    /// Connections per second that may be begun; none: as many as there are.
    pub rate: Option<f64>,
    /// At least as many as were requested, in the order of the users' numbers.
    pub accounts: Vec<Account>,
}

impl Endpoint {
    /// Makes connections to this server.
    ///
    /// # Errors
    /// [`NetError::Settings`] if a certificate or a key cannot be used.
    pub fn dialer(
        &self,
        resumption: bool,
        quickack: bool,
        limits: TimeLimits,
    ) -> Result<Dialer, NetError> {
        let dialer =
            Dialer::new(&self.trust, resumption, quickack, limits)?.from_addresses(&self.sources);
        let dialer = match self.rate {
            Some(rate) => dialer.at_most(rate),
            None => dialer,
        };
        match &self.identity {
            Some(certificate) => dialer.showing(certificate),
            None => Ok(dialer),
        }
    }

    /// Whether every service is on this machine.
    pub fn is_here(&self) -> bool {
        [
            self.pop3.as_ref(),
            self.imap.as_ref(),
            self.delivery.service(),
        ]
        .into_iter()
        .flatten()
        .all(|service| service.address.socket.ip().is_loopback())
    }

    /// How devices connect: by POP3, or where there is none, by IMAP.
    pub fn tls(&self) -> TlsMode {
        let service = self.pop3.as_ref().or(self.imap.as_ref());
        service.map_or(TlsMode::Plain, |service| service.tls)
    }
}

//! Looking at a service from the doorstep: greeting, offers before and after TLS, the certificate.

use std::time::Duration;

use super::service::{Offered, TlsPortrait};
use super::{CertificatePortrait, Depth, Role, ServicePortrait};
use crate::client::{ClientError, ImapSession, PopSession, TlsSeen, Visit};
use crate::metrics::ErrorClass;
use crate::net::{Dialer, NetError, TimeLimits, Trust};
use crate::scenario::TlsMode;
use crate::target::{Account, Endpoint, Service, TargetError};

/// For each connection and each answer.
const LIMIT: Duration = Duration::from_secs(10);

/// Looks at the services of one target.
pub(super) struct Looker {
    pub(super) dialer: Dialer,
    /// Believes anybody: to see a certificate that nobody would believe.
    credulous: Dialer,
    /// Believes this machine's authorities: to say what a check would have said.
    strict: Option<Dialer>,
    /// Certificates are not checked.
    insecure: bool,
    pub(super) account: Option<Account>,
    pub(super) depth: Depth,
}

impl Looker {
    pub(super) fn new(endpoint: &Endpoint, depth: Depth) -> Result<Self, TargetError> {
        let limits = TimeLimits {
            connect: LIMIT,
            command: LIMIT,
        };
        let unusable = |error: NetError| TargetError::Unusable {
            reason: format!("the target cannot be used: {error}"),
        };
        let trusting = |trust| {
            let endpoint = Endpoint {
                trust,
                accounts: Vec::new(),
                ..endpoint.clone()
            };
            endpoint.dialer(false, true, limits)
        };
        Ok(Self {
            dialer: endpoint.dialer(false, true, limits).map_err(unusable)?,
            credulous: trusting(Trust::Insecure).map_err(unusable)?,
            strict: trusting(Trust::System).ok(),
            insecure: matches!(endpoint.trust, Trust::Insecure),
            account: endpoint.accounts.first().cloned(),
            depth,
        })
    }

    /// Looks, and logs in.
    pub(super) async fn see(
        &self,
        service: Option<&Service>,
        role: Role,
    ) -> Option<ServicePortrait> {
        let service = service?;
        let mut portrait = self.look(service, role).await;
        portrait.used = true;
        self.enter(service, &mut portrait).await;
        Some(portrait)
    }

    /// Looks only, at a door that no arm uses.
    pub(super) async fn look_only(&self, service: &Service, role: Role) -> ServicePortrait {
        self.look(service, role).await
    }

    async fn look(&self, service: &Service, role: Role) -> ServicePortrait {
        let mut portrait = ServicePortrait::unseen(service, role);
        let visit = self.visit(&self.dialer, service, role).await;
        if let Some(connect) = visit.figures.connect {
            portrait.note_connect(connect);
        }
        portrait.greeting = visit.greeting.map(|words| match role {
            Role::Pop3 => format!("+OK {words}"),
            Role::Imap => format!("* OK {words}"),
            Role::Delivery => words,
        });
        portrait.offered = Offered {
            before_tls: visit.before_tls,
            after_tls: visit.after_tls,
            after_login: None,
        };
        portrait.tls = match &visit.tls {
            Some(seen) => Some(self.judge(service, role, seen).await),
            None => {
                self.forbidden_tls(service, role, visit.failure.as_ref())
                    .await
            }
        };
        portrait.failure = match visit.failure {
            // A certificate that does not hold matters only to those who want TLS.
            Some(error) if error.class == ErrorClass::Tls && service.tls == TlsMode::Plain => None,
            Some(error) => Some(error.detail),
            None if service.tls == TlsMode::Starttls && portrait.tls.is_none() => Some(format!(
                "{} does not offer {}: connect without TLS or with TLS from the first byte (`transport.tls` of the scenario, `tls` in a target file)",
                role.title(),
                if role == Role::Pop3 {
                    "STLS"
                } else {
                    "STARTTLS"
                },
            )),
            None => None,
        };
        portrait
    }

    async fn visit(&self, dialer: &Dialer, service: &Service, role: Role) -> Visit {
        let implicit = service.tls == TlsMode::Implicit;
        match role {
            Role::Pop3 => PopSession::visit(dialer, &service.address, implicit, ()).await,
            _ => ImapSession::visit(dialer, &service.address, implicit, ()).await,
        }
    }

    /// TLS that we accepted.
    async fn judge(&self, service: &Service, role: Role, seen: &TlsSeen) -> TlsPortrait {
        let mut portrait = TlsPortrait::of(seen);
        if !self.insecure {
            portrait.verified = true;
            return portrait;
        }
        let opinion = match &self.strict {
            Some(strict) if self.depth != Depth::Glance => {
                let visit = self.visit(strict, service, role).await;
                visit.failure.filter(|error| error.class == ErrorClass::Tls)
            }
            _ => None,
        };
        portrait.not_verified_because = Some(match opinion {
            Some(error) => format!("not checked, as asked for; a check says: {}", error.detail),
            None => "not checked, as asked for".to_owned(),
        });
        portrait
    }

    /// TLS that we did not accept, if it was for the certificate.
    async fn forbidden_tls(
        &self,
        service: &Service,
        role: Role,
        failure: Option<&ClientError>,
    ) -> Option<TlsPortrait> {
        let error = failure.filter(|error| error.class == ErrorClass::Tls)?;
        let visit = self.visit(&self.credulous, service, role).await;
        Some(TlsPortrait {
            not_verified_because: Some(error.detail.clone()),
            ..TlsPortrait::of(&visit.tls?)
        })
    }
}

impl TlsPortrait {
    fn of(seen: &TlsSeen) -> Self {
        Self {
            version: seen.facts.version.to_owned(),
            suite: seen.facts.suite.to_owned(),
            certificate: CertificatePortrait::of(&seen.certificates),
            verified: false,
            not_verified_because: None,
        }
    }
}

impl ServicePortrait {
    /// A service of which nothing is known yet.
    pub fn unseen(service: &Service, role: Role) -> Self {
        Self {
            role,
            host: service.address.server_name.clone(),
            address: service.address.socket,
            tls_mode: service.tls,
            used: false,
            greeting: None,
            offered: Offered::default(),
            tls: None,
            login: None,
            failure: None,
            connect: None,
            noop: None,
            crowd: None,
            pop3: None,
            imap: None,
            delivery: None,
            connects: Vec::new(),
        }
    }

    /// One more connection was made.
    pub(super) fn note_connect(&mut self, took: Duration) {
        self.connects.push(took);
        self.connect = super::Spread::of(&self.connects);
    }
}

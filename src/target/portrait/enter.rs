//! Logging in and trying what is announced. Mailboxes are opened for reading only.

use std::time::{Duration, Instant};

use super::service::{DeliveryTraits, ImapTraits, LoginPortrait, PopTraits, Spread};
use super::{Depth, Role, ServicePortrait};
use crate::client::{
    ClientError, DeliverySession, Dialect, ImapExtension, ImapSession, Login, OpenError, PopSession,
};
use crate::metrics::ErrorClass;
use crate::proto::pop3::{Expire, PopCapabilities};
use crate::target::greeting::greeting;
use crate::target::{Delivery, Service};

use super::look::Looker;

/// Round trips that are timed.
const ROUND_TRIPS: usize = 20;
/// Commands that are sent at once.
const AT_ONCE: u32 = 5;
/// IDLE is left after so much time.
const IDLE: Duration = Duration::from_millis(100);

impl Looker {
    /// Logs the first user in, if the service can be used at all.
    pub(super) async fn enter(&self, service: &Service, portrait: &mut ServicePortrait) {
        let Some(account) = &self.account else {
            portrait.describe_unentered();
            return;
        };
        if portrait.failure.is_some() {
            return;
        }
        let login = account.login();
        let entered = match portrait.role {
            Role::Pop3 => self.enter_pop3(service, &login, portrait).await,
            _ => self.enter_imap(service, &login, portrait).await,
        };
        portrait.login = Some(LoginPortrait {
            method: login.method,
            error: entered.err().map(|error| match error.class {
                ErrorClass::Authentication => format!(
                    "the server does not let `{}` in: {error}; are the name and the password right?",
                    account.user
                ),
                _ => error.detail,
            }),
        });
    }

    async fn enter_pop3(
        &self,
        Service { address, tls }: &Service,
        login: &Login,
        portrait: &mut ServicePortrait,
    ) -> Result<(), ClientError> {
        let opened = PopSession::open(&self.dialer, address, *tls, login, Instant::now(), ()).await;
        let mut session = portrait.opened(opened, PopSession::figures)?;
        session.ask_capabilities().await?;
        let offered = session.capabilities().clone();
        portrait.offered.after_login = Some(offered.lines().to_vec());
        let mut traits = PopTraits::of(&offered);
        let full = self.depth != Depth::Glance;
        if full || !traits.uidl {
            traits.uidl_works = Some(worked(session.uidl().await)?.is_some());
        }
        if full {
            let mail = session.stat().await?.messages > 0;
            if mail {
                traits.top_works = Some(worked(session.top(1, 0).await)?.is_some());
            }
            let mut times = Vec::with_capacity(ROUND_TRIPS);
            for _ in 0..ROUND_TRIPS {
                let begun = Instant::now();
                session.noop().await?;
                times.push(begun.elapsed());
            }
            portrait.noop = Spread::of(&times);
            // Last: a server that cannot do it leaves the session out of step.
            traits.pipelining_works = Some(session.try_pipelining(AT_ONCE).await.is_ok());
        }
        match traits.pipelining_works {
            Some(false) => drop(session.abort()),
            _ => drop(session.quit().await),
        }
        portrait.pop3 = Some(traits);
        Ok(())
    }

    async fn enter_imap(
        &self,
        Service { address, tls }: &Service,
        login: &Login,
        portrait: &mut ServicePortrait,
    ) -> Result<(), ClientError> {
        let opened =
            ImapSession::open(&self.dialer, address, *tls, login, Instant::now(), ()).await;
        let mut session = portrait.opened(opened, ImapSession::figures)?;
        let offered: Vec<String> = session.capabilities().names().map(str::to_owned).collect();
        let mut traits = ImapTraits::of(&offered);
        portrait.offered.after_login = Some(offered);
        if self.depth != Depth::Glance {
            self.try_imap(&mut session, &mut traits, portrait).await?;
        }
        drop(session.logout().await);
        portrait.imap = Some(traits);
        Ok(())
    }

    async fn try_imap(
        &self,
        session: &mut ImapSession<()>,
        traits: &mut ImapTraits,
        portrait: &mut ServicePortrait,
    ) -> Result<(), ClientError> {
        if let Some(pairs) = worked(session.id().await)? {
            traits.implementation = implementation(&pairs);
        }
        if let Some(namespaces) = worked(session.namespace().await)?
            && let Some(own) = namespaces.personal.first()
        {
            traits.prefix = Some(own.prefix.clone());
            traits.delimiter = own.delimiter;
        }
        if traits.delimiter.is_none() {
            let listed = worked(session.list_mailboxes().await)?;
            traits.delimiter = listed
                .unwrap_or_default()
                .iter()
                .find_map(|entry| entry.delimiter);
        }
        let mut times = Vec::with_capacity(ROUND_TRIPS);
        for _ in 0..ROUND_TRIPS {
            let begun = Instant::now();
            session.noop().await?;
            times.push(begun.elapsed());
        }
        portrait.noop = Spread::of(&times);
        if traits.idle && worked(session.examine("INBOX").await)?.is_some() {
            let idle = session.idle(tokio::time::sleep(IDLE)).await;
            traits.idle_works = Some(idle.is_ok());
        }
        Ok(())
    }

    /// Greets, asks what a service for delivery can do, and logs in where that is wanted. Nothing is handed over.
    pub(super) async fn see_delivery(&self, delivery: &Delivery) -> Option<ServicePortrait> {
        let Delivery::Session {
            service,
            dialect,
            login,
        } = delivery
        else {
            return None;
        };
        let mut portrait = ServicePortrait::unseen(service, Role::Delivery);
        portrait.used = true;
        match greeting(&self.dialer, service).await {
            Ok(words) if words.is_empty() => {
                portrait.failure = Some("it closes connections without a greeting".into());
            }
            Ok(words) => portrait.greeting = Some(words),
            Err(error) => portrait.failure = Some(error.to_string()),
        }
        if portrait.failure.is_none()
            && let Err(error) = self
                .ask_delivery(service, *dialect, login.as_ref(), &mut portrait)
                .await
        {
            portrait.failure = Some(error.detail);
        }
        Some(portrait)
    }

    async fn ask_delivery(
        &self,
        Service { address, tls }: &Service,
        dialect: Dialect,
        login: Option<&Login>,
        portrait: &mut ServicePortrait,
    ) -> Result<(), ClientError> {
        let due = Instant::now();
        let opened = DeliverySession::open(&self.dialer, address, *tls, dialect, due, ()).await;
        let mut session = portrait.opened(opened, DeliverySession::figures)?;
        let extensions = session.extensions();
        let size = extensions.lines().iter().find_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let size = words.next()?.eq_ignore_ascii_case("SIZE");
            // Zero says that there is no fixed limit (RFC 1870, section 4).
            let limit = words.next()?.parse().ok().filter(|limit| *limit > 0);
            size.then_some(limit).flatten()
        });
        portrait.delivery = Some(DeliveryTraits {
            dialect: match dialect {
                Dialect::Lmtp => "lmtp",
                Dialect::Smtp => "smtp",
            }
            .into(),
            size_limit: size,
            pipelining: extensions.offers("PIPELINING"),
            starttls: extensions.offers("STARTTLS"),
        });
        let lines = Some(extensions.lines().to_vec());
        match tls {
            crate::scenario::TlsMode::Plain => portrait.offered.before_tls = lines,
            _ => portrait.offered.after_tls = lines,
        }
        let entered = match login {
            Some(login) => session.log_in(login).await,
            None => Ok(()),
        };
        drop(session.quit().await);
        entered
    }
}

/// A command that was answered, or refused; everything worse is the session's end.
fn worked<T>(result: Result<T, ClientError>) -> Result<Option<T>, ClientError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_refusal() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Name and version out of an ID response.
fn implementation(pairs: &[(String, Option<String>)]) -> Option<String> {
    let value = |name: &str| {
        let pair = pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        pair.and_then(|(_, value)| value.as_deref())
    };
    let name = value("name")?;
    let name = match value("version") {
        Some(version) => format!("{name} {version}"),
        None => name.to_owned(),
    };
    Some(crate::client::printable(name.as_bytes()))
}

impl ServicePortrait {
    /// Notes how long connecting took, whatever came of it.
    fn opened<S>(
        &mut self,
        opened: Result<S, OpenError>,
        figures: impl Fn(&S) -> crate::client::SessionFigures,
    ) -> Result<S, ClientError> {
        let connect = match &opened {
            Ok(session) => figures(session).connect,
            Err(failed) => failed.figures.connect,
        };
        if let Some(connect) = connect {
            self.note_connect(connect);
        }
        opened.map_err(|failed| failed.error)
    }

    /// Nobody may log in: what is announced before is all there is.
    fn describe_unentered(&mut self) {
        let Some(offered) = self.offered.before_login() else {
            return;
        };
        match self.role {
            Role::Pop3 => {
                let mut capabilities = PopCapabilities::default();
                for line in offered {
                    capabilities.add(line.as_bytes());
                }
                self.pop3 = Some(PopTraits::of(&capabilities));
            }
            Role::Imap => self.imap = Some(ImapTraits::of(offered)),
            Role::Delivery => {}
        }
    }
}

impl PopTraits {
    fn of(offered: &PopCapabilities) -> Self {
        Self {
            implementation: offered.implementation(),
            uidl: offered.offers("UIDL"),
            top: offered.offers("TOP"),
            pipelining: offered.pipelining(),
            login_delay_s: offered.login_delay(),
            expire: offered.expire().map(|expire| match expire {
                Expire::Never => "never".to_owned(),
                Expire::Days(days) => format!("{days} days"),
            }),
            autologout: autologout(offered.lines()),
            ..Self::default()
        }
    }
}

impl ImapTraits {
    fn of(offered: &[String]) -> Self {
        let has = |name: &str| offered.iter().any(|offer| offer == name);
        let offers = |extension: ImapExtension| extension.is_among(has);
        let limit = offered
            .iter()
            .find_map(|offer| offer.strip_prefix("APPENDLIMIT="));
        Self {
            idle: offers(ImapExtension::Idle),
            condstore: offers(ImapExtension::Condstore),
            qresync: offers(ImapExtension::Qresync),
            compress: offers(ImapExtension::Compress),
            literals: ["LITERAL+", "LITERAL-"]
                .into_iter()
                .find(|name| has(name))
                .map(str::to_owned),
            moves: offers(ImapExtension::Move),
            uidplus: offers(ImapExtension::Uidplus),
            special_use: has("SPECIAL-USE") || has("IMAP4REV2"),
            namespace: offers(ImapExtension::Namespace),
            append_limit: limit.and_then(|limit| limit.parse().ok()),
            autologout: autologout(offered),
            ..Self::default()
        }
    }
}

/// No standard announces it; some servers do.
fn autologout(offered: &[String]) -> Option<String> {
    let tells = |offer: &&String| {
        let offer = offer.to_ascii_uppercase();
        ["AUTOLOGOUT", "AUTO-LOGOUT", "TIMEOUT"]
            .iter()
            .any(|word| offer.contains(word))
    };
    offered.iter().find(tells).cloned()
}

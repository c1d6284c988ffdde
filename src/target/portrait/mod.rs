//! What a target offers, as a client sees it from outside: greetings, capabilities before and after TLS and login,
//! certificates, how long a round trip takes, what works of what is announced. A glance is taken before each run; the full
//! look is `mailgauge probe`. Nothing in a mailbox is changed by looking.

mod certificate;
mod crowd;
mod enter;
mod look;
mod sample;
mod service;

use std::collections::BTreeMap;

use serde::Serialize;

pub use certificate::CertificatePortrait;
pub use sample::put_sample;
pub use service::{
    Crowd, DeliveryTraits, ImapTraits, Lock, LoginPortrait, Offered, PopTraits, Role,
    ServicePortrait, Spread, TlsPortrait,
};

use self::look::Looker;
use super::{Delivery, Endpoint, Instance, Service, TargetError};
use crate::scenario::TlsMode;

/// How closely to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What a run has to know before it begins: one visit and one login to each service.
    Glance,
    /// Everything that can be found out without harm.
    Full {
        /// So many sessions of one user are opened at the same time, to see how many the server lets in; 0: none.
        sessions: u32,
    },
}

/// What a target says of itself and shows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Portrait {
    /// Software and version.
    pub software: String,
    /// What else decides its figures.
    pub facts: BTreeMap<String, String>,
    /// Mail is put into the mailboxes by IMAP APPEND.
    pub delivery_by_append: bool,
    /// Its services, those that arms use first.
    pub services: Vec<ServicePortrait>,
}

impl Portrait {
    /// Looks at an instance and lets its first user log in.
    ///
    /// # Errors
    /// Only if our own settings cannot be used; what is wrong with the target is in the portrait.
    pub async fn of(instance: &Instance, depth: Depth) -> Result<Self, TargetError> {
        let portrait = Self::of_endpoint(&instance.endpoint, depth).await?;
        let mut facts = instance.facts.clone();
        if !portrait.software.is_empty() {
            facts.insert("calls itself".into(), portrait.software);
        }
        Ok(Self {
            software: instance.software.clone(),
            facts,
            ..portrait
        })
    }

    /// Looks at what listens somewhere. The software's name is what it says itself.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub async fn of_endpoint(endpoint: &Endpoint, depth: Depth) -> Result<Self, TargetError> {
        let looker = Looker::new(endpoint, depth)?;
        let (pop3, imap, delivery) = tokio::join!(
            Box::pin(looker.see(endpoint.pop3.as_ref(), Role::Pop3)),
            Box::pin(looker.see(endpoint.imap.as_ref(), Role::Imap)),
            Box::pin(looker.see_delivery(&endpoint.delivery)),
        );
        let mut services: Vec<_> = [pop3, imap, delivery].into_iter().flatten().collect();
        if let Depth::Full { sessions } = depth {
            for service in &mut services {
                Box::pin(looker.crowd(endpoint, service, sessions)).await;
            }
        }
        let software = services.iter().find_map(ServicePortrait::software);
        Ok(Self {
            software: software.unwrap_or_default(),
            facts: BTreeMap::new(),
            delivery_by_append: endpoint.delivery == Delivery::Append,
            services,
        })
    }

    /// Looks at further doors of the same server, where nobody logs in, and adds them.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub async fn add_doors(
        &mut self,
        endpoint: &Endpoint,
        doors: &[(Role, Service)],
    ) -> Result<(), TargetError> {
        let looker = Looker::new(endpoint, Depth::Glance)?;
        for (role, service) in doors {
            self.services.push(looker.look_only(service, *role).await);
        }
        Ok(())
    }

    /// The service by which arms of a protocol work.
    pub fn service(&self, role: Role) -> Option<&ServicePortrait> {
        let mut used = self.services.iter().filter(|service| service.used);
        used.find(|service| service.role == role)
    }

    /// First line of each service that is used.
    pub fn banners(&self) -> BTreeMap<String, String> {
        self.each_used(|service| service.greeting.clone())
    }

    /// What each protocol offers to a user who is logged in.
    pub fn capabilities(&self) -> BTreeMap<String, Vec<String>> {
        self.each_used(|service| service.offered.after_login.clone())
    }

    /// Port of each service that is used.
    pub fn ports(&self) -> BTreeMap<String, u16> {
        self.each_used(|service| Some(service.address.port()))
    }

    fn each_used<T>(&self, of: impl Fn(&ServicePortrait) -> Option<T>) -> BTreeMap<String, T> {
        self.services
            .iter()
            .filter(|service| service.used)
            .filter_map(|service| Some((service.role.to_string(), of(service)?)))
            .collect()
    }

    /// How devices connect: by POP3, or where there is none, by IMAP.
    pub fn tls(&self) -> TlsMode {
        self.service(Role::Pop3)
            .or(self.service(Role::Imap))
            .map_or(TlsMode::Plain, |service| service.tls_mode)
    }

    /// Whether anything at all answered.
    pub fn is_there(&self) -> bool {
        self.services
            .iter()
            .any(|service| service.greeting.is_some())
    }
}

impl Endpoint {
    /// The other usual ports of the same hosts, where these services are at usual ports too: 110 beside 995, 993 beside 143.
    pub fn other_doors(&self) -> Vec<(Role, Service)> {
        let sibling = |service: &Option<Service>, plain, implicit| {
            let service = service.as_ref()?;
            let (port, tls) = match service.address.socket.port() {
                port if port == plain => (implicit, TlsMode::Implicit),
                port if port == implicit => (plain, TlsMode::Starttls),
                _ => return None,
            };
            let mut address = service.address.clone();
            address.socket.set_port(port);
            Some(Service { address, tls })
        };
        let pop3 = sibling(&self.pop3, 110, 995).map(|service| (Role::Pop3, service));
        let imap = sibling(&self.imap, 143, 993).map(|service| (Role::Imap, service));
        pop3.into_iter().chain(imap).collect()
    }
}

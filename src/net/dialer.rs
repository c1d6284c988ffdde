//! How connections are made.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use tokio::time::{sleep, sleep_until, timeout};

use super::counted::{Counted, Counters, Pipe};
use super::link::{Link, Way};
use super::namespace::Namespace;
use super::pace::Pace;
use super::reach::Reach;
use super::shaped::Shaped;
use super::tcp::{Options, Tcp};
use super::tls::{ClientCertificate, Trust, client_config, tickets};
use super::witness::{Packet, Witness};
use super::{Address, NetError, Wire};

/// Limits of one connection, clock time.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimits {
    /// For the TCP connection, and once more for the TLS handshake.
    pub connect: Duration,
    /// For each silence of the server while a reply is due, and for each write that does not move.
    pub command: Duration,
}

/// How to make connections: TLS settings, limits, socket options. Cheap to clone; clones share one
/// store of TLS session tickets.
#[derive(Clone, Debug)]
pub struct Dialer {
    config: Arc<ClientConfig>,
    resumption: bool,
    quickack: bool,
    limits: TimeLimits,
    /// Addresses of this machine to connect from; none: the system chooses.
    sources: Arc<[IpAddr]>,
    next_source: Arc<AtomicUsize>,
    pace: Option<Arc<Mutex<Pace>>>,
    /// What connections go over; none: whatever the wire is.
    link: Option<Arc<Link>>,
    /// Where sockets are made; none: here.
    namespace: Option<Arc<Namespace>>,
    witness: Option<Arc<dyn Witness>>,
    /// Whether there is a network; none: always.
    reach: Option<Reach>,
}

impl Dialer {
    /// `resumption`: use TLS session tickets of earlier connections. `quickack`: acknowledge each
    /// segment at once (Linux; elsewhere it does nothing), or delayed acknowledgement meets Nagle's
    /// algorithm on the server and holds the end of a long reply back for 40 ms.
    ///
    /// # Errors
    /// [`NetError::Settings`] if the trusted certificates cannot be read.
    pub fn new(
        trust: &Trust,
        resumption: bool,
        quickack: bool,
        limits: TimeLimits,
    ) -> Result<Self, NetError> {
        Ok(Self {
            config: Arc::new(client_config(trust, resumption)?),
            resumption,
            quickack,
            limits,
            sources: Arc::new([]),
            next_source: Arc::default(),
            pace: None,
            link: None,
            namespace: None,
            witness: None,
            reach: None,
        })
    }

    /// Begins at most so many connections in any second, all clones together. Whoever comes too early waits.
    #[must_use]
    pub fn at_most(self, per_second: f64) -> Self {
        Self {
            pace: Some(Arc::new(Mutex::new(Pace::new(per_second)))),
            ..self
        }
    }

    /// Connects from these addresses of this machine in turn, of the family that the server has. With none, the
    /// system chooses.
    #[must_use]
    pub fn from_addresses(self, sources: &[IpAddr]) -> Self {
        Self {
            sources: sources.into(),
            ..self
        }
    }

    /// Shows a certificate to servers that ask for one.
    ///
    /// # Errors
    /// [`NetError::Settings`] if certificate or key cannot be used.
    pub fn showing(self, certificate: &ClientCertificate) -> Result<Self, NetError> {
        let mut config = ClientConfig::clone(&self.config);
        config.client_auth_cert_resolver = certificate.resolver()?;
        Ok(Self {
            config: Arc::new(config),
            ..self
        })
    }

    /// The same settings with an empty ticket store: another device, which has never been here.
    #[must_use]
    pub fn for_another_device(&self) -> Self {
        if !self.resumption {
            return self.clone();
        }
        let mut config = ClientConfig::clone(&self.config);
        config.resumption = tickets(true);
        Self {
            config: Arc::new(config),
            ..self.clone()
        }
    }

    /// Connects over a device's link; connections made with clones of the result share it.
    #[must_use]
    pub fn over(self, link: Arc<Link>) -> Self {
        Self {
            link: Some(link),
            ..self
        }
    }

    /// Connects from a network namespace, to what is relayed there.
    #[must_use]
    pub fn inside(self, namespace: Arc<Namespace>) -> Self {
        Self {
            namespace: Some(namespace),
            ..self
        }
    }

    /// Connects only while there is a network; connections break when it is lost.
    #[must_use]
    pub fn within(self, reach: Reach) -> Self {
        Self {
            reach: Some(reach),
            ..self
        }
    }

    /// Tells of each packet of its connections.
    #[must_use]
    pub fn witnessed_by(self, witness: Arc<dyn Witness>) -> Self {
        Self {
            witness: Some(witness),
            ..self
        }
    }

    /// The limits of each connection.
    pub fn limits(&self) -> TimeLimits {
        self.limits
    }

    /// Makes the TCP connection. TLS, where wanted, is [`Wire::start_tls`].
    ///
    /// # Errors
    /// [`NetError::Refused`], [`NetError::ConnectTimeout`], [`NetError::Unreachable`] or [`NetError::Offline`].
    pub async fn connect(&self, address: &Address) -> Result<Wire, NetError> {
        let unreachable = |source| NetError::Unreachable {
            address: address.clone(),
            source,
        };
        self.wait_for_turn().await;
        let lifeline = match &self.reach {
            Some(reach) => Some(reach.lifeline().ok_or(NetError::Offline)?),
            None => None,
        };
        let limit = self.limits.connect;
        let pipe = match timeout(limit, self.shake_hands(address)).await {
            Ok(Ok(pipe)) => pipe,
            Ok(Err(error)) => {
                return Err(match error.kind() {
                    io::ErrorKind::ConnectionRefused => NetError::Refused {
                        address: address.clone(),
                    },
                    io::ErrorKind::TimedOut => NetError::ConnectTimeout {
                        address: address.clone(),
                        limit,
                    },
                    _ => unreachable(error),
                });
            }
            Err(_elapsed) => {
                return Err(NetError::ConnectTimeout {
                    address: address.clone(),
                    limit,
                });
            }
        };
        let counters = Arc::new(Counters::heard_by(self.witness.clone()));
        let stream = Counted::new(pipe, Arc::clone(&counters), lifeline);
        Ok(Wire::new(
            stream,
            counters,
            Arc::clone(&self.config),
            address.server_name.clone(),
            self.limits,
        ))
    }

    /// TCP's handshake: over a link, SYN goes up and its answer comes down before anything else can be sent.
    async fn shake_hands(&self, address: &Address) -> io::Result<Pipe> {
        let options = Options {
            source: self.source(address.socket.ip()),
            window: self.link.as_ref().map(|link| link.window(Way::Down)),
            quickack: self.quickack,
        };
        self.tell_of_handshake(true);
        let connecting = Tcp::connect(address.socket, options, self.namespace.as_deref());
        let Some(link) = &self.link else {
            let connected = connecting.await;
            self.tell_of_handshake(false);
            return connected.map(Pipe::Direct);
        };
        sleep(link.travel()).await;
        let connected = connecting.await;
        sleep(link.travel()).await;
        self.tell_of_handshake(false);
        connected.map(|tcp| Pipe::Shaped(Box::new(Shaped::new(tcp, Arc::clone(link)))))
    }

    fn tell_of_handshake(&self, up: bool) {
        if let Some(witness) = &self.witness {
            witness.packet(Packet {
                at: Instant::now(),
                up,
                octets: 0,
                after_pause: up,
            });
        }
    }

    async fn wait_for_turn(&self) {
        let Some(pace) = &self.pace else { return };
        let now = Instant::now();
        let turn = pace
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .turn(now);
        if turn > now {
            sleep_until(turn.into()).await;
        }
    }

    fn source(&self, towards: IpAddr) -> Option<IpAddr> {
        let fitting = || {
            self.sources
                .iter()
                .filter(|source| source.is_ipv4() == towards.is_ipv4())
        };
        let turn = self.next_source.fetch_add(1, Ordering::Relaxed);
        let turn = turn.checked_rem(fitting().count())?;
        fitting().nth(turn).copied()
    }
}

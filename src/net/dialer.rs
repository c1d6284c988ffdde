//! How connections are made.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::counted::{Counted, Counters};
use super::tls::{Trust, client_config, tickets};
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

    /// The limits of each connection.
    pub fn limits(&self) -> TimeLimits {
        self.limits
    }

    /// Makes the TCP connection. TLS, where wanted, is [`Wire::start_tls`].
    ///
    /// # Errors
    /// [`NetError::Refused`], [`NetError::ConnectTimeout`] or [`NetError::Unreachable`].
    pub async fn connect(&self, address: &Address) -> Result<Wire, NetError> {
        let unreachable = |source| NetError::Unreachable {
            address: address.clone(),
            source,
        };
        let limit = self.limits.connect;
        let tcp = match timeout(limit, TcpStream::connect(address.socket)).await {
            Ok(Ok(tcp)) => tcp,
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
        tcp.set_nodelay(true).map_err(unreachable)?;
        let counters = Arc::new(Counters::default());
        let stream = Counted::new(tcp, Arc::clone(&counters), self.quickack);
        Ok(Wire::new(
            stream,
            counters,
            Arc::clone(&self.config),
            address.server_name.clone(),
            self.limits,
        ))
    }
}

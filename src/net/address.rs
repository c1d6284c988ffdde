//! Where a service listens.

use std::fmt;
use std::net::SocketAddr;

use super::NetError;

/// Where one service of a target listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The resolved address: names are looked up once, before the clock of a session starts.
    pub socket: SocketAddr,
    /// Name for SNI and certificate checks.
    pub server_name: String,
}

impl Address {
    /// An address whose certificate must carry `server_name`.
    pub fn new(socket: SocketAddr, server_name: impl Into<String>) -> Self {
        Self {
            socket,
            server_name: server_name.into(),
        }
    }

    /// Looks `host` up and takes the first address that the resolver gives.
    ///
    /// # Errors
    /// [`NetError::Resolve`] if the name is unknown.
    pub async fn resolve(host: &str, port: u16) -> Result<Self, NetError> {
        let unknown = |reason: String| NetError::Resolve {
            host: host.to_owned(),
            reason,
        };
        let mut found = tokio::net::lookup_host((host, port))
            .await
            .map_err(|error| unknown(error.to_string()))?;
        let socket = found
            .next()
            .ok_or_else(|| unknown("the resolver knows no address for it".to_owned()))?;
        Ok(Self::new(socket, host))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ip = self.socket.ip().to_string();
        if self.server_name.is_empty() || self.server_name == ip {
            write!(f, "{}", self.socket)
        } else {
            write!(f, "{} ({})", self.socket, self.server_name)
        }
    }
}

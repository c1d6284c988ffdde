//! What can go wrong below a protocol.

use std::io;
use std::time::Duration;

use super::Address;

/// A connection that could not be made, or that failed underway. Each is one sentence.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The name did not resolve.
    #[error("the host name `{host}` could not be resolved: {reason}")]
    Resolve {
        /// The name as given.
        host: String,
        /// The resolver's words.
        reason: String,
    },
    /// Nobody listens there.
    #[error("nobody listens on {address}: the connection was refused")]
    Refused {
        /// Where the connection was tried.
        address: Address,
    },
    /// No route, no descriptor, no port.
    #[error("no connection to {address} could be made: {source}{}", remedy(source))]
    Unreachable {
        /// Where the connection was tried.
        address: Address,
        /// The system's reason.
        source: io::Error,
    },
    /// The device has no network, by plan.
    #[error("the device has no network")]
    Offline,
    /// Beyond the limit for connecting.
    #[error("{address} did not accept a connection within {limit:?}")]
    ConnectTimeout {
        /// Where the connection was tried.
        address: Address,
        /// The limit.
        limit: Duration,
    },
    /// The TLS handshake failed, or TLS broke later.
    #[error("TLS with `{name}` failed: {reason}")]
    Tls {
        /// The name that the certificate had to carry.
        name: String,
        /// What was wrong, and where it helps, what to do.
        reason: String,
    },
    /// Bytes were in the buffer already when TLS was to start: what follows the server's consent must
    /// be encrypted, anything else may have been slipped in by somebody on the way (RFC 2595, 3.1).
    #[error(
        "{octets} unencrypted octets came with the consent to start TLS; they may be injected, the connection is given up"
    )]
    PlaintextBeforeTls {
        /// How many.
        octets: usize,
    },
    /// The peer's octets cannot be inflated (RFC 4978), or compression cannot begin here.
    #[error("compression failed: {reason}")]
    Deflate {
        /// What was wrong.
        reason: String,
    },
    /// Silence beyond the limit.
    #[error("the server was silent for {limit:?} {during}")]
    Timeout {
        /// The limit.
        limit: Duration,
        /// What was waited for.
        during: &'static str,
    },
    /// The connection ended in the middle.
    #[error("the connection was lost: {source}")]
    Lost {
        /// The system's reason.
        source: io::Error,
    },
    /// The caller left this much unconsumed in the read buffer and wants more.
    #[error("the reply goes on after {limit} octets without a point to break it at")]
    TooLong {
        /// The size that the buffer may grow to.
        limit: usize,
    },
    /// The trust or TLS settings cannot be used.
    #[error("the TLS settings cannot be used: {reason}")]
    Settings {
        /// What is wrong with them.
        reason: String,
    },
}

/// What a person can do about a failure that is the machine's, not the server's.
fn remedy(error: &io::Error) -> &'static str {
    // EMFILE, ENFILE, EADDRNOTAVAIL and EAGAIN on Linux.
    match error.raw_os_error() {
        Some(23 | 24) => "; raise the limit of open files (`ulimit -n`) or use fewer connections",
        Some(11 | 99) => {
            "; this machine has no free source port for it, use fewer connections or more addresses"
        }
        _ => "",
    }
}

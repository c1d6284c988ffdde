//! The wire: dial, TLS, bytes counted below and above TLS, time limits. Protocols are unknown here.

use std::net::SocketAddr;
use std::time::Duration;

// CONTRACT (the net room's owner completes).

/// Where one service of a target listens.
#[derive(Clone, Debug)]
pub struct Address {
    pub socket: SocketAddr,
    /// Name for SNI and certificate checks.
    pub server_name: String,
}

/// How to make connections: TLS configuration (trust, resumption), limits, socket options. Cheap to clone (Rc/Arc inside).
#[derive(Clone)]
pub struct Dialer {
    _todo: (),
}

/// Limits of one connection, CLOCK time.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimits {
    pub connect: Duration,
    pub command: Duration,
}

/// A connection: buffered reads, buffered writes, counters, TLS now or later. Not Send.
pub struct Wire {
    _todo: (),
}

// Intended methods:
// Dialer::new(trust: Trust, resumption: bool, quickack: bool, limits: TimeLimits) -> Result<Dialer, NetError>
// Dialer::connect(&self, &Address) -> Result<Wire, NetError>              TCP only
// Wire::start_tls(self/&mut self) -> Result<(), NetError>                  refuses already-buffered plaintext
// Wire::fill(&mut self) -> Result<usize, NetError>    reads more into the buffer (0 = closed), within the command limit
// Wire::buffer(&self) -> &[u8]; Wire::consume(n)
// Wire::send(&mut self, bytes) (buffers) ; Wire::flush() (one write; counts a round trip when a read follows)
// Wire::traffic() -> (rx, tx, wire_rx, wire_tx) so far; Wire::round_trips(); Wire::last_read() -> Instant
// Wire::tls_facts() -> Option<TlsFacts { version, suite, resumed }>

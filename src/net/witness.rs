//! Who hears of each packet of a device: for a model of its radio, say.

use std::fmt;
use std::time::Instant;

/// Octets that passed at one instant, as far as a program can see packets: what one read took or one write gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// When.
    pub at: Instant,
    /// From the device to the server.
    pub up: bool,
    /// TCP payload; 0: a packet of TCP's own handshake.
    pub octets: usize,
    /// The time before it was nobody's work: a person thought, a timer ran, or the server had nothing to tell.
    /// Otherwise the server or the network was at work, or the program.
    pub after_pause: bool,
}

/// Hears of packets. Shared by the connections of a device.
pub trait Witness: fmt::Debug + Send + Sync {
    /// Called at each packet, in the order of their instants.
    fn packet(&self, packet: Packet);
}

use std::ops::AddAssign;

/// What passed in each direction, as the client sees it (`rx`: server to client).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Protocol bytes from the server, above TLS and compression.
    pub rx: u64,
    /// Protocol bytes to the server, above TLS and compression.
    pub tx: u64,
    /// TCP payload from the server, below TLS and compression; equal to `rx` on a connection without either.
    pub wire_rx: u64,
    /// TCP payload to the server, below TLS and compression; equal to `tx` on a connection without either.
    pub wire_tx: u64,
    /// What carried the payload; none: not known.
    pub packets: Option<Packets>,
}

/// TCP segments in each direction, as the client's kernel counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packets {
    /// From the server.
    pub rx: u64,
    /// To the server, those that were sent again included.
    pub tx: u64,
    /// To the server, sent again.
    pub retransmitted: u64,
    /// Octets of the IP and TCP headers of those from the server.
    pub header_rx: u64,
    /// Octets of the IP and TCP headers of those to the server.
    pub header_tx: u64,
}

impl Traffic {
    /// What has passed since `earlier`, on the same connection.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            rx: self.rx.saturating_sub(earlier.rx),
            tx: self.tx.saturating_sub(earlier.tx),
            wire_rx: self.wire_rx.saturating_sub(earlier.wire_rx),
            wire_tx: self.wire_tx.saturating_sub(earlier.wire_tx),
            packets: self
                .packets
                .map(|packets| packets.since(earlier.packets.unwrap_or_default())),
        }
    }
}

impl Packets {
    fn since(self, earlier: Self) -> Self {
        Self {
            rx: self.rx.saturating_sub(earlier.rx),
            tx: self.tx.saturating_sub(earlier.tx),
            retransmitted: self.retransmitted.saturating_sub(earlier.retransmitted),
            header_rx: self.header_rx.saturating_sub(earlier.header_rx),
            header_tx: self.header_tx.saturating_sub(earlier.header_tx),
        }
    }
}

/// Packets that are not known add nothing to those that are.
impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        self.rx += other.rx;
        self.tx += other.tx;
        self.wire_rx += other.wire_rx;
        self.wire_tx += other.wire_tx;
        if let Some(packets) = other.packets {
            *self.packets.get_or_insert_default() += packets;
        }
    }
}

impl AddAssign for Packets {
    fn add_assign(&mut self, other: Self) {
        self.rx += other.rx;
        self.tx += other.tx;
        self.retransmitted += other.retransmitted;
        self.header_rx += other.header_rx;
        self.header_tx += other.header_tx;
    }
}

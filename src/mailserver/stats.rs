//! What the server counts about itself while it runs.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

use super::store::Amount;

/// What a server did from its start to its end; `DIR/stats.json`. Delivered, appended and copied together
/// with what was there at the start are what is stored and deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// POP3, within TLS or not.
    pub pop3: ProtocolStats,
    /// IMAP, within TLS or not.
    pub imap: ProtocolStats,
    /// LMTP.
    pub lmtp: ProtocolStats,
    /// Put into mailboxes over LMTP, once per recipient.
    pub delivered: Amount,
    /// Put into mailboxes with APPEND.
    pub appended: Amount,
    /// Put into mailboxes with COPY and MOVE.
    pub copied: Amount,
    /// Taken out of mailboxes: DELE, EXPUNGE, MOVE, DELETE.
    pub deleted: Amount,
    /// In all mailboxes when the server started.
    pub stored_at_start: Amount,
    /// In all mailboxes at the end.
    pub stored: Amount,
}

/// Traffic of one protocol, in octets, as the server sees it: `rx` is what clients sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtocolStats {
    /// Connections accepted.
    pub connections: u64,
    /// Received, above TLS and compression.
    pub rx_bytes: u64,
    /// Sent, above TLS and compression.
    pub tx_bytes: u64,
    /// Received, below TLS and compression.
    pub wire_rx_bytes: u64,
    /// Sent, below TLS and compression.
    pub wire_tx_bytes: u64,
}

/// The counters behind [`ProtocolStats`].
#[derive(Debug, Default)]
pub(super) struct ProtocolCounters {
    pub(super) connections: AtomicU64,
    pub(super) rx: AtomicU64,
    pub(super) tx: AtomicU64,
    pub(super) wire_rx: AtomicU64,
    pub(super) wire_tx: AtomicU64,
}

impl ProtocolCounters {
    pub(super) fn read(&self) -> ProtocolStats {
        ProtocolStats {
            connections: self.connections.load(Relaxed),
            rx_bytes: self.rx.load(Relaxed),
            tx_bytes: self.tx.load(Relaxed),
            wire_rx_bytes: self.wire_rx.load(Relaxed),
            wire_tx_bytes: self.wire_tx.load(Relaxed),
        }
    }
}

/// The counter behind an [`Amount`].
#[derive(Debug, Default)]
pub(super) struct AmountCounter {
    messages: AtomicU64,
    octets: AtomicU64,
}

impl AmountCounter {
    pub(super) fn add(&self, amount: Amount) {
        self.messages.fetch_add(amount.messages, Relaxed);
        self.octets.fetch_add(amount.octets, Relaxed);
    }

    pub(super) fn read(&self) -> Amount {
        Amount {
            messages: self.messages.load(Relaxed),
            octets: self.octets.load(Relaxed),
        }
    }
}

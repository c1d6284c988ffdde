//! What the embedded server counted by itself: a second instrument for what the client counts.

use serde::{Deserialize, Serialize};

/// The embedded server's own count of what went over its connections and through its mailboxes (`stats.json`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerCount {
    /// POP3 connections.
    pub pop3: ServiceCount,
    /// IMAP connections.
    pub imap: ServiceCount,
    /// LMTP connections.
    pub lmtp: ServiceCount,
    /// Taken by LMTP.
    pub delivered: MailCount,
    /// Deleted by POP3 or expunged by IMAP.
    pub deleted: MailCount,
    /// Put there by IMAP APPEND.
    pub appended: MailCount,
    /// Put into another mailbox by COPY or MOVE, which deletes them where they were.
    pub copied: MailCount,
    /// There at the end.
    pub stored: MailCount,
}

/// Connections and bytes of one protocol, as the server counts: its `tx` is the client's `rx`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceCount {
    /// Accepted connections.
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

/// Messages and their octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MailCount {
    /// How many.
    pub messages: u64,
    /// Their size as mail, CRLF line ends.
    pub octets: u64,
}

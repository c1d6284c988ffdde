use serde::{Deserialize, Serialize};

use crate::metrics::ErrorClass;
use crate::scenario::{Arm, DeviceKind, Phase};

/// Why a device opened a connection.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Purpose {
    /// The timer fired.
    Poll,
    /// The person picked the device up.
    Sitting,
    /// The device came online and stays connected.
    Stay,
    /// A further connection of the same device.
    Extra,
    /// The harness itself looks (audit); never judged.
    Audit,
}

/// `sessions.csv`: one connection of one device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionRow {
    /// Block, from 1.
    pub block: u32,
    /// Arm.
    pub arm: Arm,
    /// Phase of the due time.
    pub phase: Phase,
    /// Number of the user, from 0, over the whole population.
    pub user: u32,
    /// The device that connected.
    pub device: DeviceKind,
    /// Why it connected.
    pub purpose: Purpose,
    /// When the plan wanted the session.
    pub due_at_us: u64,
    /// When connecting began.
    pub start_at_us: u64,
    /// When the connection was closed.
    pub end_at_us: u64,
    /// TCP connect, µs. This and the three below are empty if the session did not get that far.
    pub connect_us: Option<u64>,
    /// TLS handshake, µs; empty without TLS.
    pub tls_us: Option<u64>,
    /// Connection (or implicit TLS) ready until the greeting was read, µs.
    pub greeting_us: Option<u64>,
    /// Whole authentication, µs.
    pub login_us: Option<u64>,
    /// Start of connecting until the inbox is usable, µs; empty if it never was.
    pub usable_us: Option<u64>,
    /// Protocol bytes from the server, above TLS and compression.
    pub rx_bytes: u64,
    /// Protocol bytes to the server, above TLS and compression.
    pub tx_bytes: u64,
    /// TCP payload from the server, below TLS and compression.
    pub wire_rx_bytes: u64,
    /// TCP payload to the server, below TLS and compression.
    pub wire_tx_bytes: u64,
    /// How often the client wrote and then had to wait.
    pub round_trips: u32,
    /// Commands sent.
    pub commands: u32,
    /// Messages fetched whole.
    pub messages: u32,
    /// List-view entries fetched.
    pub headers: u32,
    /// Empty: it ended well.
    pub error: Option<ErrorClass>,
    /// The client's end of the connection; empty if there was none.
    pub local_port: Option<u16>,
    /// TCP segments from the server, by the kernel's count. Empty, as the four below, where it does not tell.
    pub packets_rx: Option<u64>,
    /// TCP segments to the server, those sent again included.
    pub packets_tx: Option<u64>,
    /// Of these, sent again.
    pub retransmitted: Option<u64>,
    /// IP and TCP headers of the segments from the server.
    pub header_rx_bytes: Option<u64>,
    /// IP and TCP headers of the segments to the server.
    pub header_tx_bytes: Option<u64>,
}

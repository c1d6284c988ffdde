//! The rows of a run directory's CSVs, one struct per file. `rundir` writes and reads them, `judge` and
//! `report` live on them. Units are in the names; `results/README.md` explains each column.
//! Instants (`*_at_us`) are microseconds since the run's start.

use serde::{Deserialize, Serialize};

use super::{ErrorClass, Operation};
use crate::scenario::{Arm, DeviceKind, Phase};

/// Which part of the run a row belongs to; the first columns of every CSV.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// Block, from 1.
    pub block: u32,
    pub arm: Arm,
}

/// `intervals.csv`: one second of one operation. Percentiles are of this second only (merge latency.hlog for longer).
/// `ops.csv` has the same columns for a whole (block, arm, phase, device, operation), without `second`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperationRow {
    /// Seconds since the run's start, whole; empty in ops.csv.
    pub second: Option<u32>,
    pub block: u32,
    pub arm: Arm,
    pub phase: Phase,
    /// Empty: the delivery side.
    pub device: Option<DeviceKind>,
    pub operation: Operation,
    pub count: u64,
    pub errors: u64,
    pub lag_p50_us: u64,
    pub lag_p99_us: u64,
    pub lag_max_us: u64,
    pub service_mean_us: f64,
    pub service_p50_us: u64,
    pub service_p90_us: u64,
    pub service_p99_us: u64,
    pub service_max_us: u64,
    pub response_mean_us: f64,
    pub response_p50_us: u64,
    pub response_p90_us: u64,
    pub response_p99_us: u64,
    pub response_max_us: u64,
    pub rx_bytes: u64,
    pub tx_bytes: u64,
    pub wire_rx_bytes: u64,
    pub wire_tx_bytes: u64,
    pub round_trips: u64,
}

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
    pub block: u32,
    pub arm: Arm,
    pub phase: Phase,
    pub user: u32,
    pub device: DeviceKind,
    pub purpose: Purpose,
    pub due_at_us: u64,
    pub start_at_us: u64,
    pub end_at_us: u64,
    /// Each empty if the session did not get that far.
    pub connect_us: Option<u64>,
    pub tls_us: Option<u64>,
    pub greeting_us: Option<u64>,
    pub login_us: Option<u64>,
    /// Start of connecting until the inbox is usable.
    pub usable_us: Option<u64>,
    pub rx_bytes: u64,
    pub tx_bytes: u64,
    pub wire_rx_bytes: u64,
    pub wire_tx_bytes: u64,
    pub round_trips: u32,
    pub commands: u32,
    /// Messages fetched whole, and list-view entries fetched.
    pub messages: u32,
    pub headers: u32,
    /// Empty: it ended well.
    pub error: Option<ErrorClass>,
}

/// `errors.csv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorRow {
    pub at_us: u64,
    pub block: u32,
    pub arm: Arm,
    pub phase: Phase,
    pub user: Option<u32>,
    pub device: Option<DeviceKind>,
    pub operation: Option<Operation>,
    pub class: ErrorClass,
    /// One sentence, with the server's words where it spoke. No secrets.
    pub detail: String,
}

/// `server.csv`: the target, each second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerRow {
    pub at_us: u64,
    pub block: u32,
    pub arm: Arm,
    pub phase: Phase,
    /// `process-tree` for now; other sources later, with the same columns.
    pub source: String,
    /// CPU since the instance started, also of children that came and went.
    pub cpu_user_us: u64,
    pub cpu_system_us: u64,
    pub rss_bytes: u64,
    pub pss_bytes: Option<u64>,
    pub processes: u32,
    pub threads: u32,
    pub fds: u32,
    /// Established connections to the target's ports, by the kernel's own table.
    pub pop3_connections: u32,
    pub imap_connections: u32,
    pub delivery_connections: u32,
    pub disk_read_bytes: u64,
    pub disk_write_bytes: u64,
    pub storage_bytes: u64,
    pub storage_files: u64,
}

/// `generator.csv`: ourselves, each second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GeneratorRow {
    pub at_us: u64,
    pub block: u32,
    pub arm: Arm,
    pub phase: Phase,
    pub cpu_user_us: u64,
    pub cpu_system_us: u64,
    pub rss_bytes: u64,
    pub fds: u32,
    pub threads: u32,
    /// Sessions open now, begun and failed since the block's arm began.
    pub open_sessions: u32,
    pub sessions: u64,
    pub errors: u64,
    /// Of this second.
    pub lag_p50_us: u64,
    pub lag_p99_us: u64,
    pub lag_max_us: u64,
    /// Events whose time came while the device was still busy: merged into the running one, counted here.
    pub coalesced: u64,
}

/// What became of a planned opening.
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
pub enum Opening {
    /// Read from the device's own store, no network needed.
    Local,
    /// Fetched from the server.
    Fetched,
    /// Not on this device and not on the server for it: the person does not find the message.
    Missing,
    /// The attempt failed.
    Failed,
}

/// `openings.csv`: each planned opening of a message, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpeningRow {
    pub block: u32,
    pub arm: Arm,
    pub phase: Phase,
    pub user: u32,
    pub device: DeviceKind,
    /// X-Mailgauge-Id.
    pub message: String,
    pub at_us: u64,
    /// Opened before, on another device.
    pub again: bool,
    pub attachment: bool,
    pub outcome: Opening,
    pub response_us: u64,
    pub rx_bytes: u64,
    pub tx_bytes: u64,
}

/// `consistency.csv`: one message as one device of its owner knows it, at the end of the block's arm.
/// One row per (message, device the owner has).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConsistencyRow {
    pub block: u32,
    pub arm: Arm,
    pub user: u32,
    /// X-Mailgauge-Id.
    pub message: String,
    pub device: DeviceKind,
    pub octets: u64,
    /// Empty for mail that was there at the start.
    pub due_at_us: Option<u64>,
    /// The server took it; empty: it never did.
    pub accepted_at_us: Option<u64>,
    /// This device showed it for the first time; empty: never.
    pub visible_at_us: Option<u64>,
    /// It was opened on this device; empty: never.
    pub read_at_us: Option<u64>,
    /// The person had it deleted.
    pub deleted: bool,
    /// At the end, by audit: is it on the server; is it whole in this device's store.
    pub on_server: bool,
    pub on_device: bool,
    /// At the end: does this device show it as read (its own flag, or the server's).
    pub shown_read: bool,
}

/// `storage.csv`: what lies where at the end of the block's arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StorageRow {
    pub block: u32,
    pub arm: Arm,
    /// `server`, `phone`, `tablet`, `notebook`.
    pub place: String,
    /// Messages held whole, and their octets as mail.
    pub messages: u64,
    pub mail_bytes: u64,
    /// Files and bytes on the server's disk; empty for devices.
    pub files: Option<u64>,
    pub disk_bytes: Option<u64>,
}

/// `checks.csv`: sums that must add up, one row per check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckRow {
    pub block: u32,
    pub arm: Arm,
    /// e.g. `delivered = stored + deleted`, `pop3 received = sent by server`.
    pub check: String,
    pub expected: u64,
    pub found: u64,
    pub holds: bool,
}

//! The rows of a run directory's CSVs, one struct per file. `rundir` writes and reads them, `judge` and
//! `report` live on them. Units are in the names; `results/README.md` explains each column.
//! Instants (`*_at_us`) are microseconds since the run's start.

mod observation;
mod session;

use serde::{Deserialize, Serialize};

pub use observation::{Certainty, Event, FlagBits, ObservationRow, UnknownFlag};
pub use session::{Purpose, SessionRow};

use super::{ErrorClass, Operation};
use crate::scenario::{Arm, DeviceKind, Phase, RadioKind};

/// Which part of the run a row belongs to; the first columns of every CSV.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// Block, from 1.
    pub block: u32,
    /// Arm: the way in which all devices of all users read their mail.
    pub arm: Arm,
}

/// `intervals.csv`: one second of one operation. Percentiles are of this second only (merge latency.hlog for longer).
/// `ops.csv` has the same columns for a whole (block, arm, phase, device, operation), without `second`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperationRow {
    /// Seconds since the run's start, whole; none, and no such column, in ops.csv.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second: Option<u32>,
    /// Block, from 1.
    pub block: u32,
    /// Arm.
    pub arm: Arm,
    /// Phase of the due time.
    pub phase: Phase,
    /// Empty: the delivery side.
    pub device: Option<DeviceKind>,
    /// What was timed.
    pub operation: Operation,
    /// Operations that ended, failed ones included.
    pub count: u64,
    /// Of these, failed. Their times are in `lag` only.
    pub errors: u64,
    /// `sent − due`, µs, of every operation: how late the generator was. Median.
    pub lag_p50_us: u64,
    /// 99th percentile.
    pub lag_p99_us: u64,
    /// Largest.
    pub lag_max_us: u64,
    /// `done − sent`, µs, of operations that succeeded: the server and the network. Mean.
    pub service_mean_us: f64,
    /// Median.
    pub service_p50_us: u64,
    /// 90th percentile.
    pub service_p90_us: u64,
    /// 99th percentile.
    pub service_p99_us: u64,
    /// Largest.
    pub service_max_us: u64,
    /// `done − due`, µs, of operations that succeeded: what the user waits. Mean.
    pub response_mean_us: f64,
    /// Median.
    pub response_p50_us: u64,
    /// 90th percentile.
    pub response_p90_us: u64,
    /// 99th percentile.
    pub response_p99_us: u64,
    /// Largest.
    pub response_max_us: u64,
    /// Protocol bytes from the server, above TLS and compression.
    pub rx_bytes: u64,
    /// Protocol bytes to the server, above TLS and compression.
    pub tx_bytes: u64,
    /// TCP payload from the server, below TLS and compression.
    pub wire_rx_bytes: u64,
    /// TCP payload to the server, below TLS and compression.
    pub wire_tx_bytes: u64,
    /// How often the client wrote and then had to wait.
    pub round_trips: u64,
    /// `first byte − sent`, µs, of operations that succeeded and whose replies carry data. Mean. Empty, as the two below,
    /// of other operations.
    pub first_byte_mean_us: Option<f64>,
    /// Median.
    pub first_byte_p50_us: Option<u64>,
    /// 99th percentile.
    pub first_byte_p99_us: Option<u64>,
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

/// `errors.csv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorRow {
    /// When it was noticed.
    pub at_us: u64,
    /// Block, from 1.
    pub block: u32,
    /// Arm.
    pub arm: Arm,
    /// Phase of the due time.
    pub phase: Phase,
    /// Number of the user; empty where no one user is meant.
    pub user: Option<u32>,
    /// The device; empty: the delivery side.
    pub device: Option<DeviceKind>,
    /// What failed; empty where no operation was under way.
    pub operation: Option<Operation>,
    /// What went wrong.
    pub class: ErrorClass,
    /// One sentence, with the server's words where it spoke. No secrets.
    pub detail: String,
}

/// `server.csv`: the target, each second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerRow {
    /// When it was sampled.
    pub at_us: u64,
    /// Block, from 1.
    pub block: u32,
    /// Arm.
    pub arm: Arm,
    /// Phase of the sample.
    pub phase: Phase,
    /// How it was sampled: `process-tree`, `cgroup`, `node-exporter`, `process-exporter`, `cadvisor`, or `agent/` and how the
    /// agent knows. What an instrument does not tell is empty.
    pub source: String,
    /// CPU in user mode since the instance started, µs, also of children that came and went. Never falls.
    pub cpu_user_us: u64,
    /// CPU in the kernel, likewise.
    pub cpu_system_us: u64,
    /// Resident memory, summed over the processes: pages that they share count for each. Of a control group: once.
    pub rss_bytes: Option<u64>,
    /// Proportional share of memory: shared pages count once. Empty where not readable or not sampled this second.
    pub pss_bytes: Option<u64>,
    /// Live processes.
    pub processes: Option<u32>,
    /// Their threads.
    pub threads: Option<u32>,
    /// Their open file descriptors.
    pub fds: Option<u32>,
    /// Established connections to the target's POP3 ports, by the kernel's own table.
    pub pop3_connections: u32,
    /// Likewise, IMAP.
    pub imap_connections: u32,
    /// Likewise, LMTP or SMTP.
    pub delivery_connections: u32,
    /// Read from storage since the instance started (not from the page cache).
    pub disk_read_bytes: Option<u64>,
    /// Written to storage since the instance started.
    pub disk_write_bytes: Option<u64>,
    /// Times that the processes forced a file to storage (fsync, fdatasync) since they were first looked at.
    pub disk_syncs: Option<u64>,
    /// Received by the network interfaces that the target has to itself, loopback apart.
    pub network_rx_bytes: Option<u64>,
    /// Sent by them.
    pub network_tx_bytes: Option<u64>,
    /// Length of all files of the mail storage, as of the last walk; empty where it is not local.
    pub storage_bytes: Option<u64>,
    /// What the file system allocated for them, in whole blocks.
    pub storage_disk_bytes: Option<u64>,
    /// Their number.
    pub storage_files: Option<u64>,
}

/// `generator.csv`: ourselves, each second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GeneratorRow {
    /// When it was sampled.
    pub at_us: u64,
    /// Block, from 1.
    pub block: u32,
    /// Arm.
    pub arm: Arm,
    /// Phase of the sample.
    pub phase: Phase,
    /// CPU in user mode since the process started, µs, without children.
    pub cpu_user_us: u64,
    /// CPU in the kernel, likewise.
    pub cpu_system_us: u64,
    /// Resident memory.
    pub rss_bytes: u64,
    /// Open file descriptors.
    pub fds: u32,
    /// Threads.
    pub threads: u32,
    /// Sessions open now.
    pub open_sessions: u32,
    /// Sessions begun since the cell began.
    pub sessions: u64,
    /// Errors since the cell began.
    pub errors: u64,
    /// `sent − due`, µs, of all operations of this second. Median.
    pub lag_p50_us: u64,
    /// 99th percentile.
    pub lag_p99_us: u64,
    /// Largest.
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
    /// Block, from 1.
    pub block: u32,
    /// Arm.
    pub arm: Arm,
    /// Phase of the due time.
    pub phase: Phase,
    /// Number of the user.
    pub user: u32,
    /// The device in hand.
    pub device: DeviceKind,
    /// X-Mailgauge-Id.
    pub message: String,
    /// When the person asked for it.
    pub at_us: u64,
    /// Opened before, on another device.
    pub again: bool,
    /// Its attachment was opened too.
    pub attachment: bool,
    /// The device had no network when the person asked, by plan.
    pub offline: bool,
    /// What became of it.
    pub outcome: Opening,
    /// Until it was readable, µs; where it was missing or failed: until that was known.
    pub response_us: u64,
    /// Protocol bytes from the server for it.
    pub rx_bytes: u64,
    /// Protocol bytes to the server for it.
    pub tx_bytes: u64,
}

/// `consistency.csv`: one message as one device of its owner knows it, at the end of the block's arm.
/// One row per (message, device the owner has).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a row is columns; each is a question of its own"
)]
pub struct ConsistencyRow {
    /// Block, from 1.
    pub block: u32,
    /// Arm.
    pub arm: Arm,
    /// Number of the user.
    pub user: u32,
    /// X-Mailgauge-Id.
    pub message: String,
    /// One of the devices that the user owns.
    pub device: DeviceKind,
    /// Size of the message as sent.
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
    /// At the end, by audit: it is on the server.
    pub on_server: bool,
    /// At the end: it is whole in this device's store.
    pub on_device: bool,
    /// At the end: does this device show it as read (its own flag, or the server's).
    pub shown_read: bool,
}

/// `storage.csv`: what lies where at the end of the block's arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StorageRow {
    /// Block, from 1.
    pub block: u32,
    /// Arm.
    pub arm: Arm,
    /// `server`, `phone`, `tablet`, `notebook`.
    pub place: String,
    /// Messages held whole.
    pub messages: u64,
    /// Their octets as mail.
    pub mail_bytes: u64,
    /// Files on the server's disk; empty for devices.
    pub files: Option<u64>,
    /// Bytes allocated for them on the server's disk; empty for devices.
    pub disk_bytes: Option<u64>,
}

/// `radio.csv`: what the radio of one device would have done in the measured phase, by a model of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RadioRow {
    /// Block, from 1.
    pub block: u32,
    /// Arm.
    pub arm: Arm,
    /// Number of the user.
    pub user: u32,
    /// The device.
    pub device: DeviceKind,
    /// The model.
    pub radio: RadioKind,
    /// Length of the measured phase in the users' time, s.
    pub simulated_s: f64,
    /// Modelled: how often a packet found the radio asleep.
    pub wake_ups: u64,
    /// Modelled: how long it was awake, promotions and tails included, s of the users' time.
    pub on_s: f64,
    /// Modelled: energy above sleep, J.
    pub joules: f64,
}

/// `checks.csv`: sums that must add up, one row per check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckRow {
    /// Block, from 1.
    pub block: u32,
    /// Arm.
    pub arm: Arm,
    /// e.g. `delivered = stored + deleted`, `pop3 received = sent by server`.
    pub check: String,
    /// What the sum must be.
    pub expected: u64,
    /// What it is.
    pub found: u64,
    /// They are equal.
    pub holds: bool,
}

use serde::{Deserialize, Serialize};

use super::connections::Connections;
use super::storage::StorageSize;

/// What a target used since it began, and what it holds now, whatever instrument told. What an instrument does not
/// tell is none, which is not zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// CPU in user mode, µs; never falls.
    pub cpu_user_us: u64,
    /// CPU in the kernel, µs; never falls.
    pub cpu_system_us: u64,
    /// Resident memory.
    pub rss_bytes: Option<u64>,
    /// Proportional share of memory: pages that several processes share count once in all.
    pub pss_bytes: Option<u64>,
    /// Live processes.
    pub processes: Option<u32>,
    /// Their threads.
    pub threads: Option<u32>,
    /// Their open file descriptors.
    pub fds: Option<u32>,
    /// Established connections to its ports.
    pub connections: Connections,
    /// Read from storage.
    pub disk_read_bytes: Option<u64>,
    /// Written to storage.
    pub disk_write_bytes: Option<u64>,
    /// Times that a file was forced to storage (fsync, fdatasync).
    pub disk_syncs: Option<u64>,
    /// Why that is none.
    pub no_disk_syncs: Option<String>,
    /// Received from the network, with headers.
    pub network_rx_bytes: Option<u64>,
    /// Sent to the network, with headers.
    pub network_tx_bytes: Option<u64>,
    /// The mail storage, as of the last walk through it.
    pub storage: Option<StorageSize>,
}

use serde::{Deserialize, Serialize};

/// The machine that the numbers come from, as far as it tells. Probed by `probe::host`, kept in the manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Host {
    /// Kernel name and release.
    pub kernel: String,
    /// The processor's own name.
    pub cpu_model: String,
    /// Processors that this process may use.
    pub cpus: u32,
    /// Memory of the machine, bytes.
    pub memory_bytes: u64,
    /// Frequency governor of the first processor; none where the kernel does not show one.
    pub governor: Option<String>,
    /// Soft limit of open files of this process; none: unlimited or unknown.
    pub nofile: Option<u64>,
}

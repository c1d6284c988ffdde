//! What is seen from outside a session: the server's resources, the generator's own, and the machine. Protocols and
//! files are unknown here.

mod agent;
mod cgroup;
mod connections;
mod exporter;
mod generator;
mod host;
mod local;
mod process;
mod server;
mod storage;
mod syncs;
mod usage;

pub use agent::{Agent, AgentError, answer};
pub use cgroup::{Cgroup, CgroupError, CgroupMeter, CgroupSample};
pub use connections::{Connections, Ports};
pub use exporter::{ExporterError, Exporters};
pub use generator::{GeneratorSample, generator};
pub use host::host;
pub use local::{Local, LocalError};
pub use process::{Tree, TreeSample};
pub use server::{Instrument, Seen, ServerProbe, Watched};
pub use storage::{StorageSize, storage_size};
pub use usage::Usage;

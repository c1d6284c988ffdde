//! What is seen from outside a session: the server's resources, the generator's own, and the machine. Protocols and
//! files are unknown here.

mod cgroup;
mod connections;
mod generator;
mod host;
mod process;
mod server;
mod storage;

pub use cgroup::{Cgroup, CgroupError, CgroupMeter, CgroupSample};
pub use connections::{Connections, Ports};
pub use generator::{GeneratorSample, generator};
pub use host::host;
pub use process::{Tree, TreeSample};
pub use server::{ServerProbe, Watched};
pub use storage::{StorageSize, storage_size};

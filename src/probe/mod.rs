//! What is seen from outside a session: the server's resources, the generator's own, the machine, and the
//! ledger of who has which message. Protocols and files are unknown here.

mod cgroup;
mod connections;
mod generator;
mod host;
mod ledger;
mod process;
mod server;
mod storage;

pub use cgroup::{Cgroup, CgroupError, CgroupMeter, CgroupSample};
pub use connections::{Connections, Ports};
pub use generator::{GeneratorSample, generator};
pub use host::host;
pub use ledger::{Ledger, Unknown};
pub use process::{Tree, TreeSample};
pub use server::{ServerProbe, Watched};
pub use storage::{StorageSize, storage_size};

//! Carries a plan out: workers, people and their devices, phases, the stop. What it notes goes through one channel to
//! whoever writes it down; files and charts are unknown here.

mod audit;
mod cell;
mod checks;
mod clock;
mod collector;
mod comparison;
mod course;
mod crossover;
mod delivery;
mod device;
mod fit;
mod journal;
mod ledger;
mod log;
mod network;
mod person;
mod preflight;
mod prepare;
mod progress;
mod radio;
mod safety;
mod seed;
mod store;
mod trouble;
mod witness;
mod worker;

pub use comparison::{Comparison, Ended, request, workers};
pub use course::{Stop, StopReceiver};
pub use crossover::crossover;
pub use fit::{Fitness, fitness};
pub use ledger::RunId;
pub use network::{KernelNetworks, KernelNetworksError};
pub use preflight::{PreflightError, make_room};
pub use progress::{Progress, ProgressReceiver};
pub use safety::{Load, Permit, admit, admit_search};
pub use seed::{Seeding, seed};

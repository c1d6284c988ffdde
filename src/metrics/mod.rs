//! What is measured: operations, error classes, per-worker histograms merged each second, and the rows
//! that a run leaves. Files are unknown here: rows are plain data, `rundir` writes them.

mod crossover;
mod host;
mod interval;
mod operation;
mod record;
mod recorder;
pub mod row;
mod traffic;

use std::time::{Duration, Instant};

pub use crossover::{CrossoverRow, Swept, Visit};
pub use host::Host;
pub use interval::{Figures, HIGHEST_US, Interval};
pub use operation::{ErrorClass, Operation};
pub use record::{Record, RecordReceiver, RecordSender, record_channel};
pub use recorder::Recorder;
pub use traffic::{Packets, Traffic};

use crate::scenario::{DeviceKind, Phase};

/// The instants of one operation.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// When the plan, or the command before, wanted it sent.
    pub due: Instant,
    /// When its first byte was handed to the socket.
    pub sent: Instant,
    /// First byte of the reply; none where there is no reply or it never came.
    pub first_byte: Option<Instant>,
    /// Last byte of the reply, or the moment it failed.
    pub done: Instant,
}

impl Timing {
    /// `sent − due`: how late the generator was. Ours, never the server's.
    pub fn lag(&self) -> Duration {
        self.sent.saturating_duration_since(self.due)
    }

    /// `done − sent`: the server and the network.
    pub fn service(&self) -> Duration {
        self.done.saturating_duration_since(self.sent)
    }

    /// `first_byte − sent`: until the reply began.
    pub fn to_first_byte(&self) -> Option<Duration> {
        let first_byte = self.first_byte?;
        Some(first_byte.saturating_duration_since(self.sent))
    }

    /// `done − due`: what the user waits.
    pub fn response(&self) -> Duration {
        self.done.saturating_duration_since(self.due)
    }
}

/// One finished operation, on its way into a histogram; never stored.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// What was done.
    pub operation: Operation,
    /// When.
    pub timing: Timing,
    /// What this operation moved.
    pub traffic: Traffic,
    /// Round trips: how often the client wrote and then had to wait.
    pub round_trips: u32,
    /// How it ended.
    pub outcome: Result<(), ErrorClass>,
}

/// Who wants to hear of each operation. Implemented by the engine's per-device recorder; clients only call it.
pub trait Observer {
    /// Called once for each finished operation, failed ones included.
    fn operation(&self, sample: &Sample);
}

/// Where nothing is measured, nobody hears.
impl Observer for () {
    fn operation(&self, _: &Sample) {}
}

/// What a sample is filed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The phase of the operation's due time.
    pub phase: Phase,
    /// None: the delivery side.
    pub device: Option<DeviceKind>,
    /// What was done.
    pub operation: Operation,
}

/// Microseconds since the run's `t0`, the unit of every `*_us` instant in the CSVs.
pub fn since_us(t0: Instant, at: Instant) -> u64 {
    at.saturating_duration_since(t0).as_micros() as u64
}

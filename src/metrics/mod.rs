//! What is measured: operations, error classes, per-worker histograms merged each second, and the rows
//! that a run leaves. Files are unknown here: rows are plain data, `rundir` writes them.

mod operation;
pub mod row;

pub use operation::{ErrorClass, Operation};

use std::time::{Duration, Instant};

use crate::scenario::{DeviceKind, Phase};

// CONTRACT (the metrics room's owner completes; signatures may grow, names stay).

/// Bytes in each direction, as the client sees them (`rx`: server to client).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Protocol bytes, above TLS.
    pub rx: u64,
    pub tx: u64,
    /// TCP payload, below TLS; equal to the above on a plain connection.
    pub wire_rx: u64,
    pub wire_tx: u64,
}

/// The instants of one operation. `lag = sent − due`, `service = done − sent`, `response = done − due`.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    pub due: Instant,
    pub sent: Instant,
    /// First byte of the reply; none where there is no reply or it never came.
    pub first_byte: Option<Instant>,
    pub done: Instant,
}

/// One finished operation, on its way into a histogram; never stored.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub operation: Operation,
    pub timing: Timing,
    pub traffic: Traffic,
    /// Round trips: how often the client wrote and then had to wait.
    pub round_trips: u32,
    pub outcome: Result<(), ErrorClass>,
}

/// Who wants to hear of each operation. Implemented by the engine's per-device recorder; clients only call it.
pub trait Observer {
    fn operation(&self, sample: &Sample);
}

/// What a sample is filed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub phase: Phase,
    /// None: the delivery side.
    pub device: Option<DeviceKind>,
    pub operation: Operation,
}

/// One worker's histograms for one arm of one block. No lock, no allocation per sample.
pub struct Recorder {
    _todo: (),
}

impl Recorder {
    pub fn new() -> Self {
        todo!()
    }
    pub fn record(&mut self, key: Key, sample: &Sample) {
        let _ = (key, sample);
        todo!()
    }
    /// Takes what was recorded since the last call; the recorder goes on empty.
    pub fn take_interval(&mut self) -> Interval {
        todo!()
    }
}

/// What one worker, or after [`Interval::merge`] all of them, recorded in about one second.
pub struct Interval {
    _todo: (),
}

impl Interval {
    pub fn merge(&mut self, other: &Interval) {
        let _ = other;
        todo!()
    }
    // iterates (Key, &Cell) where Cell has hdr histograms lag/service/response in µs, count, errors, traffic, round_trips
}

/// Microseconds since the run's `t0`, the unit of every `*_us` instant in the CSVs.
pub fn since_us(t0: Instant, at: Instant) -> u64 {
    at.saturating_duration_since(t0).as_micros() as u64
}

#[allow(dead_code)]
type _Unused = Duration;

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::Interval;
use super::row::{
    Cell, CheckRow, ConsistencyRow, ErrorRow, GeneratorRow, ObservationRow, OpeningRow, RadioRow,
    ServerRow, SessionRow, StorageRow,
};
use crate::scenario::Phase;

/// One thing for the run directory: a row of one of its files, a second's histograms, or a turn in the
/// run's course. They travel in batches through one channel, so the writer sees them in order.
#[derive(Clone, Debug)]
pub enum Record {
    /// The histograms of one second (counted since the run's start) of one cell, all workers merged.
    /// One per second and cell.
    Interval(u32, Cell, Interval),
    /// One connection of one device has ended.
    Session(SessionRow),
    /// Something went wrong.
    Error(ErrorRow),
    /// The target's resources, seen from outside.
    Server(ServerRow),
    /// Why forced writes of the target are not counted.
    NoDiskSyncs(String),
    /// Our own resources.
    Generator(GeneratorRow),
    /// A planned opening of a message came to its end.
    Opening(OpeningRow),
    /// What one device did or saw.
    Observation(ObservationRow),
    /// What one device knows of one message at the end of the cell.
    Consistency(ConsistencyRow),
    /// What lies where at the end of the cell.
    Storage(StorageRow),
    /// What the radio of one device would have done.
    Radio(RadioRow),
    /// A sum that must add up.
    Check(CheckRow),
    /// The cell enters a phase at that many µs since the run's start; the phase before ends there.
    Phase(Cell, Phase, u64),
    /// The cell is over at that many µs since the run's start: its operations can be summed up.
    CellEnd(Cell, u64),
}

/// Where workers hand over batches. Bounded: a disk that stalls makes them wait, it does not eat the memory.
pub type RecordSender = SyncSender<Vec<Record>>;
/// Where the run directory's writer takes them.
pub type RecordReceiver = Receiver<Vec<Record>>;

/// A channel for at most `batches` waiting batches.
pub fn record_channel(batches: usize) -> (RecordSender, RecordReceiver) {
    sync_channel(batches)
}

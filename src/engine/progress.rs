//! How far a comparison has come, for whoever shows it.

use std::time::Duration;

use tokio::sync::watch;

use crate::scenario::{Arm, Phase};

/// How far a comparison has come. Told about once a second and at each turn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Block from 1, and how many there are.
    pub block: u32,
    /// How many blocks there are.
    pub blocks: u32,
    /// None before the first cell and after the last.
    pub arm: Option<Arm>,
    /// What the cell is doing.
    pub phase: Option<Phase>,
    /// Cells that are over, and all cells.
    pub cells_done: u32,
    /// All cells.
    pub cells: u32,
    /// Until the whole run is over, by the plan; preparing and counting is estimated by what it took so far.
    pub left: Duration,
    /// The whole run, likewise.
    pub total: Duration,
    /// Connections open now.
    pub open_sessions: u32,
    /// Connections of this cell.
    pub sessions: u64,
    /// Messages handed over in this cell.
    pub deliveries: u64,
    /// Errors of the whole run.
    pub errors: u64,
}

/// Where progress is read.
pub type ProgressReceiver = watch::Receiver<Progress>;

//! One arm of a run, as a metric looks at it: audit sessions never pass, and where a row has a phase, only `measure` does.

use std::collections::{BTreeMap, BTreeSet};

use super::{Count, Evidence, Setting, is_on_the_wire};
use crate::judge::consistency::WhereaboutsRow;
use crate::judge::prediction::is_of_the_plan;
use crate::metrics::Operation;
use crate::metrics::row::{
    Cell, ConsistencyRow, GeneratorRow, ObservationRow, OpeningRow, OperationRow, Purpose,
    RadioRow, ServerRow, SessionRow, StorageRow,
};
use crate::scenario::{Arm, DeviceKind, Phase};

/// One arm of a run, in one block or in all of them.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    pub(super) evidence: &'a Evidence,
    /// The arm.
    pub arm: Arm,
    pub(super) block: Option<u32>,
}

impl<'a> Part<'a> {
    /// What the manifest says.
    pub const fn setting(&self) -> &'a Setting {
        &self.evidence.setting
    }

    fn has(&self, block: u32, arm: Arm) -> bool {
        arm == self.arm && self.block.is_none_or(|wanted| wanted == block)
    }

    /// Sessions of any phase, audits excepted.
    pub fn all_sessions(self) -> impl Iterator<Item = &'a SessionRow> {
        self.evidence
            .sessions
            .iter()
            .filter(move |row| self.has(row.block, row.arm) && row.purpose != Purpose::Audit)
    }

    /// Sessions that were due in the measured phase.
    pub fn sessions(self) -> impl Iterator<Item = &'a SessionRow> {
        self.all_sessions()
            .filter(|row| row.phase == Phase::Measure)
    }

    /// Sessions to time the way in by: those of the measured phase; where an arm opened all its connections
    /// before it and kept them, the ones of that time, in every arm, so that like is compared with like.
    pub fn entries(self) -> Vec<&'a SessionRow> {
        let logins = || self.all_sessions().filter(|row| row.login_us.is_some());
        if self.evidence.keeps_connections() {
            let before: Vec<_> = logins().filter(|row| row.phase < Phase::Measure).collect();
            if !before.is_empty() {
                return before;
            }
        }
        logins().filter(|row| row.phase == Phase::Measure).collect()
    }

    /// Operations of the measured phase; the delivery side has no device.
    pub fn operations(self) -> impl Iterator<Item = &'a OperationRow> {
        self.evidence
            .operations
            .iter()
            .filter(move |row| self.has(row.block, row.arm) && row.phase == Phase::Measure)
    }

    /// A step of devices from the ramp-up to the end of the measured phase.
    pub fn spans(self, step: Operation) -> impl Iterator<Item = &'a OperationRow> {
        self.evidence.operations.iter().filter(move |row| {
            self.has(row.block, row.arm) && row.operation == step && is_of_the_plan(row)
        })
    }

    /// Commands of devices on the wire in the measured phase, without the spans that contain them.
    pub fn commands(self) -> impl Iterator<Item = &'a OperationRow> {
        self.operations()
            .filter(|row| row.device.is_some() && is_on_the_wire(row.operation))
    }

    /// Planned openings of any phase.
    pub fn all_openings(self) -> impl Iterator<Item = &'a OpeningRow> {
        self.evidence
            .openings
            .iter()
            .filter(move |row| self.has(row.block, row.arm))
    }

    /// Planned openings that were due in the measured phase.
    pub fn openings(self) -> impl Iterator<Item = &'a OpeningRow> {
        self.all_openings()
            .filter(|row| row.phase == Phase::Measure)
    }

    /// The mailbox ledger at the end of the arm.
    pub fn consistency(self) -> impl Iterator<Item = &'a ConsistencyRow> {
        self.evidence
            .consistency
            .iter()
            .filter(move |row| self.has(row.block, row.arm))
    }

    /// Where the mail was in each second of the measured phase.
    pub fn whereabouts(self) -> impl Iterator<Item = &'a WhereaboutsRow> {
        let measured = move |row: &WhereaboutsRow| {
            let cell = Cell {
                block: row.block,
                arm: row.arm,
            };
            let (from, to) = self.setting().windows.get(&cell).copied()?;
            let end = (u64::from(row.second) + 1) * 1_000_000;
            Some(end > from && end <= to)
        };
        self.evidence
            .whereabouts
            .iter()
            .filter(move |row| self.has(row.block, row.arm) && measured(row) == Some(true))
    }

    /// What lies where at the end of the arm.
    pub fn storage(self) -> impl Iterator<Item = &'a StorageRow> {
        self.evidence
            .storage
            .iter()
            .filter(move |row| self.has(row.block, row.arm))
    }

    /// What the radios of devices of a kind would have done in the measured phase.
    pub fn radios(self, kind: DeviceKind) -> impl Iterator<Item = &'a RadioRow> {
        self.evidence
            .radio
            .iter()
            .filter(move |row| self.has(row.block, row.arm) && row.device == kind)
    }

    /// Operations of any phase, second by second.
    pub fn counts(self) -> impl Iterator<Item = &'a Count> {
        self.evidence
            .counts
            .iter()
            .filter(move |row| self.has(row.cell.block, row.cell.arm))
    }

    /// What was done and seen in any phase.
    pub fn observations(self) -> impl Iterator<Item = &'a ObservationRow> {
        self.evidence
            .observations
            .iter()
            .filter(move |row| self.has(row.block, row.arm))
    }

    /// Samples of the server of any phase.
    pub fn server_samples(self) -> impl Iterator<Item = &'a ServerRow> {
        self.evidence
            .server
            .iter()
            .filter(move |row| self.has(row.block, row.arm))
    }

    /// Samples of the server in the measured phase, cell by cell, in order of time.
    pub fn server_cells(self) -> Vec<Vec<&'a ServerRow>> {
        self.cells(&self.evidence.server, |row| {
            (row.block, row.arm, row.phase, row.at_us)
        })
    }

    /// Samples of ourselves in the measured phase, cell by cell, in order of time.
    pub fn generator_cells(self) -> Vec<Vec<&'a GeneratorRow>> {
        self.cells(&self.evidence.generator, |row| {
            (row.block, row.arm, row.phase, row.at_us)
        })
    }

    /// `place` tells of a sample its block, arm, phase and time.
    fn cells<R>(
        self,
        rows: &'a [R],
        place: impl Fn(&R) -> (u32, Arm, Phase, u64),
    ) -> Vec<Vec<&'a R>> {
        let mut cells: BTreeMap<u32, Vec<&R>> = BTreeMap::new();
        for row in rows {
            let (block, arm, phase, _) = place(row);
            if self.has(block, arm) && phase == Phase::Measure {
                cells.entry(block).or_default().push(row);
            }
        }
        let mut cells: Vec<_> = cells.into_values().collect();
        for cell in &mut cells {
            cell.sort_by_key(|row| place(row).3);
        }
        cells
    }

    /// The measured windows, µs since the run's start, by block.
    pub fn windows(self) -> Vec<(u32, (u64, u64))> {
        self.setting()
            .windows
            .iter()
            .filter(|(cell, _)| self.has(cell.block, cell.arm))
            .map(|(cell, window)| (cell.block, *window))
            .collect()
    }

    /// Clock seconds measured.
    pub fn clock_seconds(self) -> f64 {
        self.windows()
            .iter()
            .map(|(_, (from, to))| to.saturating_sub(*from) as f64 / 1e6)
            .sum()
    }

    /// Hours of users' simulated time in so many clock seconds.
    pub fn user_hours(self, clock_seconds: f64) -> f64 {
        let setting = self.setting();
        clock_seconds * setting.speed * f64::from(setting.users) / 3600.0
    }

    /// How many devices of a kind the people own, by the ledger; counted once per block.
    pub fn devices(self, kind: DeviceKind) -> u64 {
        let owners: BTreeSet<(u32, u32)> = self
            .consistency()
            .filter(|row| row.device == kind)
            .map(|row| (row.block, row.user))
            .collect();
        owners.len() as u64
    }
}

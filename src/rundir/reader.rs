use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;
use serde::de::DeserializeOwned;

use super::files::{self, Csv};
use super::label::{Label, Time};
use super::manifest::Manifest;
use super::{Error, hlog, table};
use crate::metrics::row::{
    Cell, CheckRow, ConsistencyRow, ErrorRow, GeneratorRow, ObservationRow, OpeningRow,
    OperationRow, RadioRow, ServerRow, SessionRow, StorageRow,
};
use crate::metrics::{Figures, Key};

/// A run directory, finished or not. Files are read when they are asked for.
///
/// A run that was killed may have left half a line at the end of a file: it is left out, and
/// [`RunDir::notices`] says so.
#[derive(Debug)]
pub struct RunDir {
    /// What was run.
    pub manifest: Manifest,
    /// There is no verdict: the run, or the judging, did not come to its end.
    pub unfinished: bool,
    path: PathBuf,
    notices: Mutex<BTreeSet<String>>,
}

impl RunDir {
    /// Opens a directory that a run left.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self {
            manifest: Manifest::read(path)?,
            unfinished: !path.join(files::VERDICT).exists(),
            path: path.to_path_buf(),
            notices: Mutex::default(),
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the verdict is, or will be.
    pub fn verdict_path(&self) -> PathBuf {
        self.path.join(files::VERDICT)
    }

    /// What the reader had to leave out or make up for so far, in sentences.
    pub fn notices(&self) -> Vec<String> {
        let notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        notices.iter().cloned().collect()
    }

    /// `ops.csv`: each operation over a whole phase of a cell. Rows that a killed run had no time to write
    /// are made from `intervals.csv` and `latency.hlog`.
    pub fn ops(&self) -> Result<Vec<OperationRow>, Error> {
        let mut rows: Vec<OperationRow> = self.read(Csv::Ops)?;
        let known: BTreeSet<(Cell, Key)> = rows.iter().map(name).collect();
        let mut missing = self.intervals()?;
        missing.retain(|row| !known.contains(&name(row)));
        if !missing.is_empty() {
            let rebuilt = self.rebuild(&missing)?;
            self.notice(format!(
                "{}: {} rows were missing and were made again from {} and {}",
                Csv::Ops.name(),
                rebuilt.len(),
                Csv::Intervals.name(),
                files::LATENCY,
            ));
            rows.extend(rebuilt);
        }
        Ok(rows)
    }

    /// `intervals.csv`: each operation in each second.
    pub fn intervals(&self) -> Result<Vec<OperationRow>, Error> {
        self.read(Csv::Intervals)
    }

    /// `sessions.csv`: each connection of a device.
    pub fn sessions(&self) -> Result<Vec<SessionRow>, Error> {
        self.read(Csv::Sessions)
    }

    /// `errors.csv`: what went wrong.
    pub fn errors(&self) -> Result<Vec<ErrorRow>, Error> {
        self.read(Csv::Errors)
    }

    /// `openings.csv`: each planned opening of a message.
    pub fn openings(&self) -> Result<Vec<OpeningRow>, Error> {
        self.read(Csv::Openings)
    }

    /// `server.csv`: the target's resources.
    pub fn server(&self) -> Result<Vec<ServerRow>, Error> {
        self.read(Csv::Server)
    }

    /// `generator.csv`: our own resources.
    pub fn generator(&self) -> Result<Vec<GeneratorRow>, Error> {
        self.read(Csv::Generator)
    }

    /// `observations.csv`: what each device did and saw; nothing where no history was written, as by earlier versions.
    pub fn observations(&self) -> Result<Vec<ObservationRow>, Error> {
        if !self.path.join(Csv::Observations.name()).exists() {
            return Ok(Vec::new());
        }
        self.read(Csv::Observations)
    }

    /// `consistency.csv`: what each device knows of each message.
    pub fn consistency(&self) -> Result<Vec<ConsistencyRow>, Error> {
        self.read(Csv::Consistency)
    }

    /// `storage.csv`: what lies where at the end.
    pub fn storage(&self) -> Result<Vec<StorageRow>, Error> {
        self.read(Csv::Storage)
    }

    /// `radio.csv`: what the radio of each device would have done.
    pub fn radio(&self) -> Result<Vec<RadioRow>, Error> {
        self.read(Csv::Radio)
    }

    /// `checks.csv`: sums that must add up.
    pub fn checks(&self) -> Result<Vec<CheckRow>, Error> {
        self.read(Csv::Checks)
    }

    /// The histograms (µs) whose label is `wanted`, each merged over all its seconds. Ask for no more than
    /// is needed: each takes up to a quarter of a MiB.
    pub fn latencies(
        &self,
        wanted: impl Fn(&Label) -> bool,
    ) -> Result<BTreeMap<Label, Histogram<u64>>, Error> {
        self.merged(|_, label| wanted(label))
    }

    fn read<R: DeserializeOwned>(&self, csv: Csv) -> Result<Vec<R>, Error> {
        let table::Rows { rows, torn } = table::read(&self.path, csv)?;
        self.notice_torn(csv.name(), torn);
        Ok(rows)
    }

    fn merged(
        &self,
        wanted: impl FnMut(u32, &Label) -> bool,
    ) -> Result<BTreeMap<Label, Histogram<u64>>, Error> {
        let (merged, torn) = hlog::merged(&self.path, wanted)?;
        self.notice_torn(files::LATENCY, torn);
        Ok(merged)
    }

    /// Rows of `ops.csv` from rows of `intervals.csv`: sums are added, histograms are merged.
    fn rebuild(&self, seconds: &[OperationRow]) -> Result<Vec<OperationRow>, Error> {
        let present: BTreeSet<(u32, Cell, Key)> = seconds
            .iter()
            .filter_map(|row| {
                let (cell, key) = name(row);
                Some((row.second?, cell, key))
            })
            .collect();
        let histograms =
            self.merged(|second, label| present.contains(&(second, label.cell, label.key)))?;
        let mut rows: BTreeMap<(Cell, Key), OperationRow> = BTreeMap::new();
        for second in seconds {
            rows.entry(name(second))
                .and_modify(|row| row.add_sums(second))
                .or_insert_with(|| OperationRow {
                    second: None,
                    ..second.clone()
                });
        }
        let none = Figures::default();
        for ((cell, key), row) in &mut rows {
            let of = |time| {
                histograms.get(&Label {
                    cell: *cell,
                    key: *key,
                    time,
                })
            };
            row.set_times(
                of(Time::Lag).unwrap_or(none.lag()),
                of(Time::Service).unwrap_or(none.service()),
                of(Time::Response).unwrap_or(none.response()),
            );
            row.set_first_byte(of(Time::FirstByte));
        }
        Ok(rows.into_values().collect())
    }

    fn notice_torn(&self, file: &str, octets: u64) {
        if octets > 0 {
            self.notice(format!(
                "{file}: the last line is torn ({octets} octets), as the run was cut off there; it was left out"
            ));
        }
    }

    fn notice(&self, sentence: String) {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        notices.insert(sentence);
    }
}

fn name(row: &OperationRow) -> (Cell, Key) {
    let cell = Cell {
        block: row.block,
        arm: row.arm,
    };
    let key = Key {
        phase: row.phase,
        device: row.device,
        operation: row.operation,
    };
    (cell, key)
}

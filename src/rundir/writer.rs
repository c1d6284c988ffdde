use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::RecvTimeoutError;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};
use std::{fs, io, thread};

use strum::IntoEnumIterator as _;

use super::files::Csv;
use super::hlog::Log;
use super::manifest::Manifest;
use super::table::{Lines, header, push_row};
use super::{Error, create_empty};
use crate::metrics::row::Cell;
use crate::metrics::{Interval, Record, RecordReceiver, RecordSender, record_channel};

/// How much of a run a kill can cost.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// Writes a run directory while the run goes on: rows are appended and flushed each second, so a run
/// that is killed leaves everything up to its last second.
pub struct Writer {
    dir: PathBuf,
    manifest: Manifest,
    tables: BTreeMap<Csv, Lines>,
    log: Log,
    /// Merged histograms of the cells that are under way.
    cells: BTreeMap<Cell, Interval>,
    finished: BTreeSet<Cell>,
}

impl Writer {
    /// Creates the directory, or takes an empty one, and puts the manifest and every file's header in it.
    pub fn create(dir: &Path, manifest: &Manifest) -> Result<Self, Error> {
        create_empty(dir)?;
        manifest.write(dir)?;
        let tables = Csv::iter()
            .map(|csv| Ok((csv, Lines::create(dir.join(csv.name()), &header(csv))?)))
            .collect::<Result<_, Error>>()?;
        let started = manifest
            .started
            .parse::<jiff::Timestamp>()
            .map_or_else(|_| SystemTime::now(), SystemTime::from);
        Ok(Self {
            dir: dir.to_path_buf(),
            manifest: manifest.clone(),
            tables,
            log: Log::create(dir, started)?,
            cells: BTreeMap::new(),
            finished: BTreeSet::new(),
        })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The manifest as it stands.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Changes the manifest, on disk too.
    pub fn update_manifest(&mut self, change: impl FnOnce(&mut Manifest)) -> Result<(), Error> {
        change(&mut self.manifest);
        self.manifest.write(&self.dir)
    }

    /// Files one record. It is on its way to the disk after the next [`Self::flush`].
    pub fn write(&mut self, record: &Record) -> Result<(), Error> {
        match record {
            Record::Interval(second, cell, interval) => self.interval(*second, *cell, interval),
            Record::Session(row) => self.row(Csv::Sessions, row),
            Record::Error(row) => self.row(Csv::Errors, row),
            Record::Server(row) => self.row(Csv::Server, row),
            Record::NoDiskSyncs(reason) => self.no_disk_syncs(reason),
            Record::Generator(row) => self.row(Csv::Generator, row),
            Record::Opening(row) => self.row(Csv::Openings, row),
            Record::Observation(row) => self.row(Csv::Observations, row),
            Record::Consistency(row) => self.row(Csv::Consistency, row),
            Record::Storage(row) => self.row(Csv::Storage, row),
            Record::Radio(row) => self.row(Csv::Radio, row),
            Record::Check(row) => self.row(Csv::Checks, row),
            Record::Phase(cell, phase, at_us) => {
                self.update_manifest(|manifest| manifest.enter(*cell, *phase, *at_us))
            }
            Record::CellEnd(cell, at_us) => {
                self.finish_cell(*cell)?;
                self.update_manifest(|manifest| manifest.end_phase(*at_us))
            }
        }
    }

    /// Each reason stands in the manifest once.
    fn no_disk_syncs(&mut self, reason: &str) -> Result<(), Error> {
        if self.manifest.no_disk_syncs.iter().any(|it| it == reason) {
            return Ok(());
        }
        self.update_manifest(|manifest| manifest.no_disk_syncs.push(reason.to_owned()))
    }

    /// Hands everything to the system. Histograms go first: a second that `intervals.csv` has is in the log too.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.log.flush()?;
        self.tables.values_mut().try_for_each(Lines::flush)
    }

    /// Sums the cell up: its rows of `ops.csv`, from histograms merged over all its seconds.
    pub fn finish_cell(&mut self, cell: Cell) -> Result<(), Error> {
        if let Some(merged) = self.cells.remove(&cell) {
            for row in merged.total_rows(cell) {
                self.row(Csv::Ops, &row)?;
            }
        }
        self.finished.insert(cell);
        self.flush()
    }

    /// Sums up what is left and has everything on the disk.
    pub fn finish(mut self) -> Result<(), Error> {
        let cells: Vec<Cell> = self.cells.keys().copied().collect();
        for cell in cells {
            self.finish_cell(cell)?;
        }
        self.manifest.write(&self.dir)?;
        self.log.sync()?;
        self.tables.values_mut().try_for_each(Lines::sync)
    }

    /// Runs the writer on a thread of its own until every sender is gone; it then gives itself back, for
    /// the manifest's last words and [`Self::finish`]. When writing fails the channel closes, so
    /// that senders notice, and the thread ends with the error.
    pub fn spawn(
        self,
        batches: usize,
    ) -> io::Result<(RecordSender, JoinHandle<Result<Self, Error>>)> {
        let (sender, receiver) = record_channel(batches);
        let thread = thread::Builder::new()
            .name("rundir".to_owned())
            .spawn(move || self.drain(&receiver))?;
        Ok((sender, thread))
    }

    /// Files what comes through the channel and flushes each second, until every sender is gone.
    pub fn drain(mut self, receiver: &RecordReceiver) -> Result<Self, Error> {
        let mut flush_at = Instant::now() + FLUSH_EVERY;
        loop {
            let wait = flush_at.saturating_duration_since(Instant::now());
            match receiver.recv_timeout(wait) {
                Ok(batch) => batch.iter().try_for_each(|record| self.write(record))?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.flush()?;
                    return Ok(self);
                }
            }
            if Instant::now() >= flush_at {
                self.flush()?;
                flush_at = Instant::now() + FLUSH_EVERY;
            }
        }
    }

    fn interval(&mut self, second: u32, cell: Cell, interval: &Interval) -> Result<(), Error> {
        if self.finished.contains(&cell) {
            return Err(Error::CellFinished {
                block: cell.block,
                arm: cell.arm,
            });
        }
        self.log.push(second, cell, interval)?;
        for row in interval.rows(second, cell) {
            self.row(Csv::Intervals, &row)?;
        }
        self.cells.entry(cell).or_default().merge(interval);
        Ok(())
    }

    fn row<R: serde::Serialize>(&mut self, csv: Csv, row: &R) -> Result<(), Error> {
        match self.tables.get_mut(&csv) {
            Some(lines) => push_row(lines, row),
            // `create` made one for each.
            None => Err(Error::Missing {
                path: self.dir.join(csv.name()),
            }),
        }
    }
}

/// Writes `bytes` to `name` in `dir` whole or not at all: for the files that are made from a run afterwards.
pub fn write_whole(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let path = dir.join(name);
    let temporary = dir.join(format!(".{name}.new"));
    fs::write(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, &path))
        .map_err(|source| Error::write(&path, source))
}

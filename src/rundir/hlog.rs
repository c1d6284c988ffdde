//! `latency.hlog`: every histogram of every second in the HDR interval-log format, so that other tools
//! read it too, and percentiles of any span can be had by merging.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{
    IntervalLogIterator, IntervalLogWriterBuilder, LogEntry, Tag,
};

use super::decode::Decoder;
use super::label::{Label, Time};
use super::table::{Lines, whole_lines};
use super::{Error, files};
use crate::metrics::row::Cell;
use crate::metrics::{Figures, Interval};

/// Appends to `latency.hlog`.
pub(super) struct Log {
    lines: Lines,
    serializer: V2DeflateSerializer,
}

impl Log {
    /// Creates the log; its times count from `started`.
    pub(super) fn create(dir: &Path, started: SystemTime) -> Result<Self, Error> {
        let path = dir.join(files::LATENCY);
        let mut head = Vec::new();
        IntervalLogWriterBuilder::new()
            .add_comment("[Histogram log format version 1.3]")
            .add_comment(
                "[mailgauge: values in microseconds, tag = block/arm/phase/device/operation/time]",
            )
            .with_start_time(started)
            .with_base_time(started)
            .begin_log_with(&mut head, &mut V2DeflateSerializer::new())
            .map_err(|source| Error::write(&path, source))?;
        head.extend_from_slice(
            b"\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
        );
        Ok(Self {
            lines: Lines::create(path, &head)?,
            serializer: V2DeflateSerializer::new(),
        })
    }

    /// Appends the histograms of one second. Empty ones leave no line.
    pub(super) fn push(
        &mut self,
        second: u32,
        cell: Cell,
        interval: &Interval,
    ) -> Result<(), Error> {
        for (key, figures) in interval.iter() {
            for (time, histogram) in times(figures) {
                if !histogram.is_empty() {
                    self.line(second, Label { cell, key, time }, histogram)?;
                }
            }
        }
        Ok(())
    }

    fn line(&mut self, second: u32, label: Label, of: &Histogram<u64>) -> Result<(), Error> {
        let tag = label.to_string();
        let serializer = &mut self.serializer;
        self.lines.push(|mut bytes| {
            IntervalLogWriterBuilder::new()
                .begin_log_with(&mut bytes, serializer)?
                .write_histogram(
                    of,
                    Duration::from_secs(u64::from(second)),
                    Duration::from_secs(1),
                    Tag::new(&tag),
                )
                .map_err(|e| io::Error::other(e.to_string()))
        })
    }

    pub(super) fn flush(&mut self) -> Result<(), Error> {
        self.lines.flush()
    }

    pub(super) fn sync(&mut self) -> Result<(), Error> {
        self.lines.sync()
    }
}

fn times(figures: &Figures) -> impl Iterator<Item = (Time, &Histogram<u64>)> {
    let first_byte = figures.first_byte();
    let always = [
        (Time::Lag, figures.lag()),
        (Time::Service, figures.service()),
        (Time::Response, figures.response()),
    ];
    let sometimes = first_byte.map(|times| (Time::FirstByte, times));
    always.into_iter().chain(sometimes)
}

/// No line of ours comes near; a longer one is not worth the memory.
const LINE_LIMIT: u64 = 4 * 1024 * 1024;

/// Merges the histograms whose second and label are `wanted`, over all seconds.
/// Returns them with the octets of a torn last line.
pub(super) fn merged(
    dir: &Path,
    mut wanted: impl FnMut(u32, &Label) -> bool,
) -> Result<(BTreeMap<Label, Histogram<u64>>, u64), Error> {
    let path = dir.join(files::LATENCY);
    let failed = |source| Error::read(&path, source);
    let mut file = File::open(&path).map_err(failed)?;
    let octets = file.metadata().map_err(failed)?.len();
    let whole = whole_lines(&mut file, octets).map_err(failed)?;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut reader = BufReader::new(file.take(whole));
    let mut decoder = Decoder::default();
    let mut merged: BTreeMap<Label, Histogram<u64>> = BTreeMap::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = (&mut reader).take(LINE_LIMIT).read_until(b'\n', &mut line);
        if read.map_err(failed)? == 0 {
            break;
        }
        let at = |problem: String| Error::Line {
            path: PathBuf::clone(&path),
            line: number,
            problem,
        };
        let Some((second, label, encoded)) = parse(&line).map_err(at)? else {
            continue;
        };
        if wanted(second, &label) {
            let histogram = decoder.decode(encoded).map_err(at)?;
            add(&mut merged, label, histogram).map_err(at)?;
        }
    }
    Ok((merged, octets - whole))
}

fn add(
    merged: &mut BTreeMap<Label, Histogram<u64>>,
    label: Label,
    histogram: Histogram<u64>,
) -> Result<(), String> {
    match merged.entry(label) {
        std::collections::btree_map::Entry::Vacant(entry) => {
            entry.insert(histogram).auto(true);
            Ok(())
        }
        std::collections::btree_map::Entry::Occupied(mut entry) => entry
            .get_mut()
            .add(&histogram)
            .map_err(|e| format!("the histogram does not fit those before it: {e}")),
    }
}

/// One line of the log; none: a comment or the legend.
fn parse(line: &[u8]) -> Result<Option<(u32, Label, &str)>, String> {
    match IntervalLogIterator::new(line).next() {
        None | Some(Ok(LogEntry::StartTime(_) | LogEntry::BaseTime(_))) => Ok(None),
        Some(Err(_)) => Err("not a line of an HDR interval log".to_owned()),
        Some(Ok(LogEntry::Interval(interval))) => {
            let tag = interval.tag().ok_or("the histogram has no tag")?;
            let label = tag.as_str().parse()?;
            let second = interval.start_timestamp().as_secs();
            let second = u32::try_from(second).map_err(|_| format!("second {second}"))?;
            Ok(Some((second, label, interval.encoded_histogram())))
        }
    }
}

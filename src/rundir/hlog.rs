//! `latency.hlog`: every histogram of every second in the HDR interval-log format, so that other tools
//! read it too, and percentiles of any span can be had by merging.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Cursor, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{
    IntervalLogIterator, IntervalLogWriterBuilder, LogEntry, Tag,
};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializer};
use strum::{Display, EnumString};

use super::table::{Lines, whole_lines};
use super::{Error, files};
use crate::metrics::row::Cell;
use crate::metrics::{Figures, HIGHEST_US, Interval, Key, Operation};
use crate::scenario::{DeviceKind, Phase};

/// Which of the three times of an operation a histogram holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString)]
#[strum(serialize_all = "kebab-case")]
pub enum Time {
    /// `sent − due`: ours.
    Lag,
    /// `done − sent`: the server and the network.
    Service,
    /// `done − due`: what the user waits.
    Response,
}

/// What a histogram in the log is of. Written as `b1/imap/measure/phone/open-message/response`; the
/// delivery side has `delivery` in the place of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// Block and arm.
    pub cell: Cell,
    /// Phase, device and operation.
    pub key: Key,
    /// Which time.
    pub time: Time,
}

const DELIVERY: &str = "delivery";

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key {
            phase,
            device,
            operation,
        } = self.key;
        write!(f, "b{}/{}/{phase}/", self.cell.block, self.cell.arm)?;
        match device {
            Some(device) => write!(f, "{device}")?,
            None => f.write_str(DELIVERY)?,
        }
        write!(f, "/{operation}/{}", self.time)
    }
}

impl FromStr for Label {
    type Err = String;

    fn from_str(tag: &str) -> Result<Self, String> {
        fn part<T: FromStr>(text: &str) -> Result<T, String> {
            text.parse().map_err(|_| format!("`{text}` is unknown"))
        }
        let parts: Vec<&str> = tag.splitn(7, '/').collect();
        let &[block, arm, phase, device, operation, time] = &parts[..] else {
            return Err(format!(
                "`{tag}` is not block/arm/phase/device/operation/time"
            ));
        };
        let block = block
            .strip_prefix('b')
            .ok_or_else(|| format!("`{block}` is not a block"))?;
        let device: Option<DeviceKind> = match device {
            DELIVERY => None,
            device => Some(part(device)?),
        };
        Ok(Self {
            cell: Cell {
                block: part(block)?,
                arm: part(arm)?,
            },
            key: Key {
                phase: part::<Phase>(phase)?,
                device,
                operation: part::<Operation>(operation)?,
            },
            time: part(time)?,
        })
    }
}

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

fn times(figures: &Figures) -> [(Time, &Histogram<u64>); 3] {
    [
        (Time::Lag, figures.lag()),
        (Time::Service, figures.service()),
        (Time::Response, figures.response()),
    ]
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

/// Decodes histograms without trusting the lengths that they claim.
#[derive(Default)]
struct Decoder {
    compressed: Vec<u8>,
    plain: Vec<u8>,
}

/// Octets of the header of an uncompressed V2 histogram: cookie, payload length, normalizing offset,
/// digits (4 each), lowest, highest, ratio (8 each).
const V2_HEADER: usize = 40;
/// A histogram of one day with three digits needs a tenth of this.
const V2_LIMIT: u64 = 4 * 1024 * 1024;
const DIGITS: u8 = 3;
/// Bounds grow in powers of two, so the highest is below twice the longest time.
const V2_HIGHEST: u64 = 2 * HIGHEST_US;

impl Decoder {
    fn decode(&mut self, encoded: &str) -> Result<Histogram<u64>, String> {
        self.compressed.clear();
        base64::engine::general_purpose::STANDARD
            .decode_vec(encoded, &mut self.compressed)
            .map_err(|e| format!("the histogram is not base64: {e}"))?;
        let body = self.compressed.get(8..).ok_or("the histogram is cut off")?;
        self.plain.clear();
        flate2::read::ZlibDecoder::new(body)
            .take(V2_LIMIT)
            .read_to_end(&mut self.plain)
            .map_err(|e| format!("the histogram does not inflate: {e}"))?;
        self.check_header()?;
        Deserializer::new()
            .deserialize(&mut Cursor::new(&self.plain))
            .map_err(|e| format!("not an HDR histogram: {e}"))
    }

    /// Only what this program writes is taken: from 1 µs, three digits, no longer than the octets that are there.
    fn check_header(&self) -> Result<(), String> {
        let word = |at: usize| {
            let octets = self.plain.get(at..at + 8)?;
            Some(u64::from_be_bytes(octets.try_into().ok()?))
        };
        let (Some(cookie_and_payload), Some(offset_and_digits), Some(lowest), Some(highest)) =
            (word(0), word(8), word(16), word(24))
        else {
            return Err("the histogram is cut off".to_owned());
        };
        let payload = cookie_and_payload & u64::from(u32::MAX);
        if payload as usize != self.plain.len().saturating_sub(V2_HEADER) {
            return Err(format!("the histogram claims {payload} octets of counts"));
        }
        if (offset_and_digits, lowest) != (u64::from(DIGITS), 1) || highest > V2_HIGHEST {
            return Err(
                "the histogram has other bounds or digits than this program writes".to_owned(),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use hdrhistogram::serialization::{Serializer as _, V2Serializer};
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::Arm;

    #[test]
    fn a_label_is_read_as_it_is_written() {
        let label = Label {
            cell: Cell {
                block: 12,
                arm: Arm::Imap,
            },
            key: Key {
                phase: Phase::WarmUp,
                device: None,
                operation: Operation::Deliver,
            },
            time: Time::Lag,
        };
        let tag = "b12/imap/warm-up/delivery/deliver/lag";
        assert_eq!(label.to_string(), tag);
        assert_eq!(tag.parse(), Ok(label));
    }

    #[test]
    fn a_label_with_an_unknown_part_is_refused() {
        for tag in [
            "",
            "b1/imap/measure/phone/retr",
            "1/imap/measure/phone/retr/lag",
            "b1/jmap/measure/phone/retr/lag",
            "b1/imap/measure/phone/retr/lag/more",
        ] {
            assert!(tag.parse::<Label>().is_err(), "{tag}");
        }
    }

    fn plain(values: &[u64]) -> Vec<u8> {
        let mut histogram = Histogram::<u64>::new_with_bounds(1, 2_047, DIGITS).unwrap();
        histogram.auto(true);
        for value in values {
            histogram.record(*value).unwrap();
        }
        let mut plain = Vec::new();
        V2Serializer::new()
            .serialize(&histogram, &mut plain)
            .unwrap();
        plain
    }

    fn encoded(plain: &[u8]) -> String {
        let mut compressed = vec![0; 8];
        let level = flate2::Compression::fast();
        let mut zlib = flate2::write::ZlibEncoder::new(&mut compressed, level);
        zlib.write_all(plain).unwrap();
        zlib.finish().unwrap();
        base64::engine::general_purpose::STANDARD.encode(compressed)
    }

    #[test]
    fn a_histogram_that_claims_more_than_it_has_is_refused_before_memory_is_taken() {
        let mut claims = plain(&[1, 2, 3]);
        claims[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
        let error = Decoder::default().decode(&encoded(&claims)).unwrap_err();
        assert!(error.contains("4294967295"), "{error}");
    }

    proptest! {
        #[test]
        fn any_octets_are_a_histogram_or_an_error(
            values in prop::collection::vec(0..10_000_000_u64, 0..30),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        ) {
            let mut octets = plain(&values);
            for (at, octet) in &changes {
                let at = at.index(octets.len());
                octets[at] = *octet;
            }
            let decoded = Decoder::default().decode(&encoded(&octets));
            if let Ok(decoded) = &decoded {
                let mut sum = Histogram::<u64>::new_with_bounds(1, 2_047, 3).unwrap();
                sum.auto(true);
                prop_assert!(sum.add(decoded).is_ok());
            }
            if changes.is_empty() {
                prop_assert_eq!(decoded.unwrap().len(), values.len() as u64);
            }
        }
    }
}

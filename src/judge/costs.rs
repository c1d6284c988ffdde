//! What a unit of work costs the server: CPU per poll, check, message and hour of a connection, what a connection holds, what a
//! user's mail takes on disk. `costs.csv` holds it, and each line says how many units it rests on.
//!
//! CPU is a regression, arm by arm: what the server used between two samples, on how much of each work was done between them and
//! on the time, whose coefficient is the cost of idling. Work that always comes with other work cannot be told from it; such a
//! kind is left out, and says with what it goes, whose cost then holds its own. Memory, descriptors and processes are regressed on
//! open connections within each cell. Intervals are by a jackknife: over stretches of seconds for CPU, over cells for what is held,
//! because memory keeps for a whole cell.

mod work;

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;

use super::comparison::rounded;
use super::evidence::Part;
use super::stats::least_squares::{Coefficient, LeastSquares};
use super::stats::{self, Interval};
use super::{BLOCKS_FOR_INTERVALS, Evidence, Judgement, Kind};
use crate::metrics::row::ServerRow;
use crate::scenario::{Arm, Phase, Protocol};
use work::{Seconds, Work};

/// A variance inflation factor from which two kinds of work are not told apart (the usual rule of thumb: Marquardt 1970).
const TOGETHER: f64 = 10.0;

/// Units of work, and connections that samples met, below which their cost is not told.
const UNITS_NEEDED: f64 = 20.0;

/// Samples that a stretch of seconds has at least: what one leaves over falls into the next.
const STRETCH: usize = 5;

/// Stretches at most; more would say no more.
const STRETCHES: usize = 40;

/// What is used or held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Resource {
    /// CPU, ms.
    Cpu,
    /// Proportional share of memory, bytes.
    Pss,
    /// Resident memory, bytes.
    Rss,
    /// Open file descriptors.
    Descriptors,
    /// Processes.
    Processes,
    /// Bytes allocated on disk.
    Disk,
}

impl Resource {
    /// The unit of its cost.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Cpu => "ms",
            Self::Pss | Self::Rss | Self::Disk => "bytes",
            Self::Descriptors => "descriptors",
            Self::Processes => "processes",
        }
    }
}

/// What one unit costs. `costs.csv` has these columns.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Arm.
    pub arm: Arm,
    /// The unit: a kind of work, `connection`, `user`, or `idle-second`.
    pub of: &'static str,
    /// What it costs.
    pub resource: Resource,
    /// How much; none: the run cannot tell.
    pub value: Option<f64>,
    /// Of `value`.
    pub unit: &'static str,
    /// Its 95 % interval.
    pub low: Option<f64>,
    /// See `low`.
    pub high: Option<f64>,
    /// Units that were seen; of `connection`: those that samples met, summed.
    pub n: f64,
    /// Samples or cells behind it.
    pub samples: u64,
    /// How it came about.
    pub kind: Kind,
    /// Why there is no value or no interval, or what else is in it.
    pub reason: String,
}

/// The costs in every arm.
pub(super) fn costs(evidence: &Evidence) -> Vec<Cost> {
    let of = |arm: &Arm| {
        let part = evidence.part(*arm, None);
        let mut costs = cpu(part);
        costs.extend(held(part));
        costs.extend(disk(part));
        costs
    };
    evidence.setting.arms.iter().flat_map(of).collect()
}

fn cpu(part: Part<'_>) -> Vec<Cost> {
    let seconds = Seconds::of(part);
    if seconds.cpu_ms.is_empty() {
        return Vec::new();
    }
    let groups = stretches(&seconds.cells);
    let mut squares = LeastSquares::new(seconds.cpu_ms.clone(), groups);
    squares.add(seconds.lengths_s.clone());
    let line = |of, n, reason: String| Cost {
        n,
        samples: seconds.cpu_ms.len() as u64,
        reason,
        ..Cost::unknown(part.arm, of, Resource::Cpu)
    };
    let mut costs = vec![line(IDLE, seconds.lengths_s.iter().sum(), String::new())];
    let mut told = vec![0];
    let mut inside: BTreeMap<usize, Vec<&'static str>> = BTreeMap::new();
    for work in Work::of(part.arm.protocol()) {
        let amounts = seconds.amounts(part, *work);
        let n: f64 = amounts.iter().sum();
        let index = costs.len();
        let reason = if n * work.units_in_one() < UNITS_NEEDED {
            "too few to tell".to_owned()
        } else if squares.inflation(&amounts).is_some_and(|it| it < TOGETHER) {
            squares.add(amounts);
            told.push(index);
            String::new()
        } else {
            let with = seconds.goes_with(&amounts, told.iter().map(|at| costs[*at].of), part);
            inside.entry(with.0).or_default().push(work.name());
            format!("rises and falls with {}, whose cost holds this", with.1)
        };
        costs.push(line(work.name(), n, reason));
    }
    let fit = squares.fit(BLOCKS_FOR_INTERVALS as usize);
    // A coefficient of so few stretches that it can have no interval is noise.
    let known = |it: Coefficient| it.interval.map(|interval| (it.value, interval));
    let fit: Option<Vec<(f64, Interval)>> =
        fit.and_then(|fit| fit.into_iter().map(known).collect());
    let Some(fit) = fit else {
        for index in told {
            "too few seconds to tell".clone_into(&mut costs[index].reason);
        }
        return costs;
    };
    for (at, (index, (value, interval))) in told.iter().zip(fit).enumerate() {
        let cost = &mut costs[*index];
        cost.value = Some(value);
        cost.low = Some(interval.low);
        cost.high = Some(interval.high);
        if let Some(with) = inside.get(&at) {
            cost.reason = format!("with what it takes to {}", with.join(", "));
        }
    }
    costs
}

/// The name of the line of the time itself.
const IDLE: &str = "idle-second";

/// Which stretch each sample is of; none goes over the border of a cell.
fn stretches(cells: &[u32]) -> Vec<usize> {
    let length = STRETCH.max(cells.len().div_ceil(STRETCHES));
    let (mut stretch, mut used, mut before) = (0, 0, cells.first().copied());
    let mut stretches = Vec::with_capacity(cells.len());
    for cell in cells {
        if used == length || before != Some(*cell) {
            stretch += 1;
            used = 0;
        }
        before = Some(*cell);
        used += 1;
        stretches.push(stretch);
    }
    stretches
}

/// What one further connection holds.
fn held(part: Part<'_>) -> Vec<Cost> {
    type Of = fn(&ServerRow) -> Option<f64>;
    let kinds: [(Resource, Of); 4] = [
        (Resource::Pss, |row| row.pss_bytes.map(|it| it as f64)),
        (Resource::Rss, |row| row.rss_bytes.map(|it| it as f64)),
        (Resource::Descriptors, |row| row.fds.map(f64::from)),
        (Resource::Processes, |row| row.processes.map(f64::from)),
    ];
    let cost = |(resource, of): (Resource, Of)| held_of(part, resource, of);
    kinds.into_iter().filter_map(cost).collect()
}

fn held_of(
    part: Part<'_>,
    resource: Resource,
    of: impl Fn(&ServerRow) -> Option<f64>,
) -> Option<Cost> {
    let mut cells: BTreeMap<u32, Vec<(f64, f64)>> = BTreeMap::new();
    for row in part
        .server_samples()
        .filter(|row| row.phase <= Phase::Measure)
    {
        let connections = match part.arm.protocol() {
            Protocol::Pop3 => row.pop3_connections,
            Protocol::Imap => row.imap_connections,
        };
        if let Some(value) = of(row) {
            let cell = cells.entry(row.block).or_default();
            cell.push((f64::from(connections), value));
        }
    }
    let (mut x, mut y, mut groups) = (Vec::new(), Vec::new(), Vec::new());
    let mut met = 0.0;
    for (group, samples) in cells.values().enumerate() {
        let count = samples.len() as f64;
        let [sum_x, sum_y] = samples
            .iter()
            .fold([0.0; 2], |[x, y], it| [x + it.0, y + it.1]);
        met += sum_x;
        for sample in samples {
            x.push(sample.0 - sum_x / count);
            y.push(sample.1 - sum_y / count);
            groups.push(group);
        }
    }
    let unknown = Cost {
        n: met,
        samples: y.len() as u64,
        ..Cost::unknown(part.arm, "connection", resource)
    };
    if y.is_empty() {
        return None;
    }
    if met < UNITS_NEEDED {
        let reason = "samples met too few to tell".to_owned();
        return Some(Cost { reason, ..unknown });
    }
    let mut squares = LeastSquares::new(y, groups);
    squares.add(x);
    let Some(fit) = squares.fit(BLOCKS_FOR_INTERVALS as usize) else {
        let reason = "as many were open all the time".to_owned();
        return Some(Cost { reason, ..unknown });
    };
    let interval = fit[0].interval;
    Some(Cost {
        value: Some(fit[0].value),
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        reason: few_blocks(interval.is_some()),
        ..unknown
    })
}

fn few_blocks(has_interval: bool) -> String {
    if has_interval {
        return String::new();
    }
    format!("an interval needs {BLOCKS_FOR_INTERVALS} blocks")
}

/// What a user's mailbox takes on the server at the end.
fn disk(part: Part<'_>) -> Option<Cost> {
    let users = f64::from(part.setting().users.max(1));
    let blocks: BTreeMap<u32, f64> = part
        .storage()
        .filter(|row| row.place == "server")
        .filter_map(|row| Some((row.block, row.disk_bytes? as f64 / users)))
        .collect();
    let values: Vec<f64> = blocks.into_values().collect();
    let count = values.len();
    let mean = (count > 0).then(|| values.iter().sum::<f64>() / count as f64)?;
    let interval = (count >= BLOCKS_FOR_INTERVALS as usize)
        .then(|| stats::around(mean, &values, None))
        .flatten();
    Some(Cost {
        value: Some(mean),
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        n: users * count as f64,
        samples: count as u64,
        kind: Kind::Measured,
        reason: few_blocks(interval.is_some()),
        ..Cost::unknown(part.arm, "user", Resource::Disk)
    })
}

impl Cost {
    const fn unknown(arm: Arm, of: &'static str, resource: Resource) -> Self {
        Self {
            arm,
            of,
            resource,
            value: None,
            unit: resource.unit(),
            low: None,
            high: None,
            n: 0.0,
            samples: 0,
            kind: Kind::Derived,
            reason: String::new(),
        }
    }
}

/// Writes `costs.csv`: one line per arm, unit and resource.
pub fn write(judgement: &Judgement, out: impl Write) -> Result<(), csv::Error> {
    let mut csv = csv::Writer::from_writer(out);
    for cost in &judgement.costs {
        csv.serialize(Cost {
            value: cost.value.map(rounded),
            low: cost.low.map(rounded),
            high: cost.high.map(rounded),
            n: rounded(cost.n),
            ..cost.clone()
        })?;
    }
    csv.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests;

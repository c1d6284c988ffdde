//! Little's law (1961) as a check: over the measured phase of a cell, the rate at which sessions arrive times how long one is open
//! must be the mean number of open connections. The first two come from the sessions that we wrote down, the last from an
//! instrument that knows nothing of them. `little.csv` holds them.
//!
//! Sessions are clipped to the phase; one that was open when it began counts as arriving then. So the product is exactly the mean
//! number of sessions open over the phase. The other instrument looks once a second, and with short sessions it is luck how many
//! it meets; so each look is held against the sessions that were open at its very instant, which takes that luck out.

use std::io::Write;

use serde::Serialize;

use super::comparison::rounded;
use super::stats::{self, Interval};
use super::{Ending, Evidence, Judgement};
use crate::metrics::row::{Cell, SessionRow};
use crate::scenario::{Arm, Phase, Protocol};

/// How far the two may be apart, in per cent of the expected.
pub const WITHIN: f64 = 5.0;

/// Connections that must have been met: without one miscount among so many, 95 % are sure that fewer than 5 % were miscounted
/// (the rule of three, Hanley and Lippman-Hand 1983).
pub const CONNECTIONS_NEEDED: u64 = 60;

/// Who counted the open connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Counter {
    /// The kernel's table of connections, as in `server.csv`.
    Kernel,
    /// The generator's own gauge, as in `generator.csv`, where the kernel's table cannot be seen or holds more than sessions.
    Generator,
}

/// What the check says of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Word {
    /// The whole 95 % interval of the difference is within [`WITHIN`].
    Holds,
    /// All of it is beyond.
    Fails,
    /// The run cannot tell.
    NotShown,
}

/// Both sides of the law in one cell. `little.csv` has these columns.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Balance {
    /// Block, from 1.
    pub block: u32,
    /// Arm.
    pub arm: Arm,
    /// Connections that were open at some time of the measured phase.
    pub sessions: u64,
    /// Their arrivals, 1/s of clock time.
    pub arrivals_per_s: f64,
    /// How long one was open in the phase, mean, s; none: there was none.
    pub session_s: Option<f64>,
    /// The product: mean open connections by the law.
    pub expected: f64,
    /// Who counted on the other side; none: nobody.
    pub counted_by: Option<Counter>,
    /// How often.
    pub samples: u64,
    /// Mean count.
    pub counted: Option<f64>,
    /// Mean of the sessions that were open at the same instants.
    pub open_then: Option<f64>,
    /// `counted` − `open_then`, in per cent of `expected`.
    pub difference_percent: Option<f64>,
    /// Its 95 % interval (Student's t over the samples).
    pub low_percent: Option<f64>,
    /// See `low_percent`.
    pub high_percent: Option<f64>,
    /// What follows.
    pub verdict: Word,
    /// Why nothing is shown, or what does not hold; empty where it holds.
    pub reason: String,
}

/// One look at the open connections: when, how many.
type Look = (u64, u32);

/// The check in every cell that has a measured phase.
pub(super) fn balances(evidence: &Evidence) -> Vec<Balance> {
    let windows = &evidence.setting.windows;
    let last = windows.values().map(|window| window.1).max();
    windows
        .iter()
        .filter(|(_, (from, to))| from < to)
        .map(|(cell, window)| {
            let broke_off = evidence.setting.ending == Ending::Unfinished && Some(window.1) == last;
            balance(evidence, *cell, *window, broke_off)
        })
        .collect()
}

fn balance(evidence: &Evidence, cell: Cell, (from, to): (u64, u64), broke_off: bool) -> Balance {
    let (counted_by, looks) = looks(evidence, cell, (from, to));
    let spans = Spans::of(evidence, cell, counted_by);
    let clipped = spans.clipped((from, to));
    let seconds = (to - from) as f64 / 1e6;
    let sessions = clipped.len() as u64;
    let open_s = clipped.iter().sum::<u64>() as f64 / 1e6;
    let pairs: Vec<(f64, f64)> = looks
        .iter()
        .map(|(at, count)| (f64::from(*count), spans.open_at(*at) as f64))
        .collect();
    let expected = open_s / seconds;
    let mean = |of: fn(&(f64, f64)) -> f64| {
        (!pairs.is_empty()).then(|| pairs.iter().map(of).sum::<f64>() / pairs.len() as f64)
    };
    let differences: Vec<f64> = pairs
        .iter()
        .map(|(counted, open)| 100.0 * (counted - open) / expected)
        .filter(|percent| percent.is_finite())
        .collect();
    let seen = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() as u64;
    let met = seen(|pair| pair.0).max(seen(|pair| pair.1));
    let interval = stats::mean_interval(&differences);
    let (verdict, reason) = match interval {
        _ if broke_off => (
            Word::NotShown,
            "the run broke off, and connections that were open then left no row".to_owned(),
        ),
        _ if counted_by.is_none() => (Word::NotShown, "nobody else counted connections".to_owned()),
        Some((_, interval)) if met >= CONNECTIONS_NEEDED => judged(interval),
        _ => (
            Word::NotShown,
            format!(
                "{met} connections were met in {} samples, below {CONNECTIONS_NEEDED} {WITHIN} % cannot be told",
                pairs.len()
            ),
        ),
    };
    Balance {
        block: cell.block,
        arm: cell.arm,
        sessions,
        arrivals_per_s: sessions as f64 / seconds,
        session_s: (sessions > 0).then(|| open_s / sessions as f64),
        expected,
        counted_by,
        samples: pairs.len() as u64,
        counted: mean(|pair| pair.0),
        open_then: mean(|pair| pair.1),
        difference_percent: interval.map(|(mean, _)| mean),
        low_percent: interval.map(|(_, interval)| interval.low),
        high_percent: interval.map(|(_, interval)| interval.high),
        verdict,
        reason,
    }
}

fn judged(interval: Interval) -> (Word, String) {
    let Interval { low, high } = interval;
    if low > WITHIN || high < -WITHIN {
        let more = if low > 0.0 { "more" } else { "fewer" };
        return (
            Word::Fails,
            format!(
                "{more} connections are open than sessions explain: {low:.1} to {high:.1} % of the expected"
            ),
        );
    }
    if low < -WITHIN || high > WITHIN {
        let reason =
            format!("counts differ by {low:.1} to {high:.1} %, too wide to tell {WITHIN} %");
        return (Word::NotShown, reason);
    }
    (Word::Holds, String::new())
}

/// What the kernel counted for the arm's protocol; where mail is handed over by IMAP, or nothing of the server is seen, what the
/// generator counted.
fn looks(evidence: &Evidence, cell: Cell, (from, to): (u64, u64)) -> (Option<Counter>, Vec<Look>) {
    let within = |block, arm, phase, at: &u64| {
        Cell { block, arm } == cell && phase == Phase::Measure && (from..to).contains(at)
    };
    let protocol = cell.arm.protocol();
    let kernel: Vec<Look> = evidence
        .server
        .iter()
        .filter(|row| within(row.block, row.arm, row.phase, &row.at_us))
        .map(|row| match protocol {
            Protocol::Pop3 => (row.at_us, row.pop3_connections),
            Protocol::Imap => (row.at_us, row.imap_connections),
        })
        .collect();
    let mixed = evidence.setting.delivery_by_append && protocol == Protocol::Imap;
    if !kernel.is_empty() && !mixed {
        return (Some(Counter::Kernel), kernel);
    }
    let own: Vec<Look> = evidence
        .generator
        .iter()
        .filter(|row| within(row.block, row.arm, row.phase, &row.at_us))
        .map(|row| (row.at_us, row.open_sessions))
        .collect();
    ((!own.is_empty()).then_some(Counter::Generator), own)
}

/// When the connections of a cell were opened and closed.
struct Spans {
    /// From, to.
    all: Vec<(u64, u64)>,
    /// In order.
    starts: Vec<u64>,
    ends: Vec<u64>,
}

impl Spans {
    /// To the kernel a connection begins when it is made; to the generator, when it is tried.
    fn of(evidence: &Evidence, cell: Cell, counted_by: Option<Counter>) -> Self {
        let span = |row: &SessionRow| {
            let made = match counted_by {
                Some(Counter::Generator) => 0,
                _ => row.connect_us?,
            };
            Some((row.start_at_us.saturating_add(made), row.end_at_us))
        };
        let rows = evidence.sessions.iter();
        let all: Vec<(u64, u64)> = rows
            .filter(|row| row.block == cell.block && row.arm == cell.arm)
            .filter_map(span)
            .filter(|(start, end)| start < end)
            .collect();
        let (mut starts, mut ends): (Vec<u64>, Vec<u64>) = all.iter().copied().unzip();
        starts.sort_unstable();
        ends.sort_unstable();
        Self { all, starts, ends }
    }

    /// How long each was open in a window, of those that were.
    fn clipped(&self, (from, to): (u64, u64)) -> Vec<u64> {
        let open = self.all.iter().filter(|span| span.0 < to && span.1 > from);
        open.map(|span| span.1.min(to) - span.0.max(from)).collect()
    }

    fn open_at(&self, at: u64) -> usize {
        let until = |instants: &[u64]| instants.partition_point(|instant| *instant <= at);
        until(&self.starts) - until(&self.ends)
    }
}

/// Writes `little.csv`: one line per cell.
pub fn write(judgement: &Judgement, out: impl Write) -> Result<(), csv::Error> {
    let mut csv = csv::Writer::from_writer(out);
    for balance in &judgement.little {
        csv.serialize(Balance {
            arrivals_per_s: rounded(balance.arrivals_per_s),
            session_s: balance.session_s.map(rounded),
            expected: rounded(balance.expected),
            counted: balance.counted.map(rounded),
            open_then: balance.open_then.map(rounded),
            difference_percent: balance.difference_percent.map(rounded),
            low_percent: balance.low_percent.map(rounded),
            high_percent: balance.high_percent.map(rounded),
            ..balance.clone()
        })?;
    }
    csv.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests;

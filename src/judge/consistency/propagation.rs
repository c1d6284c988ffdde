//! How long changes take from one device to each other one, and how much of that is the server's: from the first moment at
//! which the server had a chance to tell. Before that, the device had not asked; that is the client's share.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::judge::figure::quantile;
use crate::metrics::row::{Certainty, Event, FlagBits, ObservationRow};
use crate::scenario::{Arm, DeviceKind};

use super::anomaly::{Anomaly, AnomalyKind, Severity, who};
use super::history::{History, Observer, Sight, Span, Witnessed};

/// What changed.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumIter,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Change {
    /// A message was delivered.
    Delivery,
    /// `\Seen` was set.
    Read,
    /// `\Flagged` was set.
    Flag,
    /// `\Answered` was set.
    Answer,
    /// A message was taken off the server.
    Delete,
    /// A message was moved to another mailbox.
    Move,
    /// A message was put into a mailbox by a device.
    Append,
}

/// Percentiles of one delay, µs; all zero where nothing was learned.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Delay {
    /// Median.
    pub p50_us: u64,
    /// 95th percentile.
    pub p95_us: u64,
    /// 99th percentile.
    pub p99_us: u64,
}

/// One kind of change from one kind of device to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Propagation {
    /// Arm, all blocks together.
    pub arm: Arm,
    /// What changed.
    pub change: Change,
    /// Where; none: the delivery side.
    pub from: Option<DeviceKind>,
    /// Who had to learn of it.
    pub to: DeviceKind,
    /// Pairs of change and device that learned of it.
    pub learned: u64,
    /// Pairs in which the device had not by the end.
    pub never: u64,
    /// From the acknowledgement of the change to the device's learning of it.
    pub total: Delay,
    /// Of that, the server's share.
    pub server: Delay,
}

/// `propagation.csv`: the same, as a row. Times are empty where nothing was learned.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PropagationRow {
    /// See [`Propagation`].
    pub arm: Arm,
    /// What changed.
    pub change: Change,
    /// Where; empty: the delivery side.
    pub from: Option<DeviceKind>,
    /// Who had to learn of it.
    pub to: DeviceKind,
    /// Pairs that learned of it.
    pub learned: u64,
    /// Pairs that had not by the end.
    pub never: u64,
    /// Median of the whole delay.
    pub total_p50_us: Option<u64>,
    /// 95th percentile.
    pub total_p95_us: Option<u64>,
    /// 99th percentile.
    pub total_p99_us: Option<u64>,
    /// Median of the server's share.
    pub server_p50_us: Option<u64>,
    /// 95th percentile.
    pub server_p95_us: Option<u64>,
    /// 99th percentile.
    pub server_p99_us: Option<u64>,
}

impl Propagation {
    /// Its row.
    pub fn row(&self) -> PropagationRow {
        let known = |us: u64| (self.learned > 0).then_some(us);
        PropagationRow {
            arm: self.arm,
            change: self.change,
            from: self.from,
            to: self.to,
            learned: self.learned,
            never: self.never,
            total_p50_us: known(self.total.p50_us),
            total_p95_us: known(self.total.p95_us),
            total_p99_us: known(self.total.p99_us),
            server_p50_us: known(self.server.p50_us),
            server_p95_us: known(self.server.p95_us),
            server_p99_us: known(self.server.p99_us),
        }
    }
}

/// Delays as they are collected.
#[derive(Debug, Default)]
pub(super) struct Ways {
    ways: BTreeMap<(Arm, Change, Observer, DeviceKind), Delays>,
}

#[derive(Debug, Default)]
struct Delays {
    never: u64,
    total: Vec<u64>,
    server: Vec<u64>,
}

impl Ways {
    /// Takes in one user's history; returns who was told late.
    pub(super) fn take(&mut self, history: &History<'_>, late: Duration) -> Vec<Anomaly> {
        let mut found = Vec::new();
        for (change, row, span) in changes(history) {
            for (device, witnessed) in history.devices() {
                if row.device == Some(device) {
                    continue;
                }
                let way = (history.cell.arm, change, row.device, device);
                let sight = match learned(change, row, span, witnessed) {
                    Learned::NotConcerned => continue,
                    Learned::Never => {
                        self.ways.entry(way).or_default().never += 1;
                        continue;
                    }
                    Learned::By(sight) => sight,
                };
                let delays = self.ways.entry(way).or_default();
                let chance = chance(witnessed, span.at, sight.span.at);
                let server = sight.span.at.saturating_sub(chance.at);
                delays.total.push(sight.span.at.saturating_sub(span.at));
                delays.server.push(server);
                if chance.listening && u128::from(server) > late.as_micros() {
                    found.push(late_notice(history, change, row, device, &sight, server));
                }
            }
        }
        found
    }

    pub(super) fn finish(self) -> Vec<Propagation> {
        self.ways
            .into_iter()
            .map(|((arm, change, from, to), delays)| Propagation {
                arm,
                change,
                from,
                to,
                learned: delays.total.len() as u64,
                never: delays.never,
                total: Delay::of(&delays.total),
                server: Delay::of(&delays.server),
            })
            .collect()
    }
}

impl Delay {
    fn of(delays: &[u64]) -> Self {
        let at = |q| {
            quantile(delays.iter().map(|us| *us as f64), q).map_or(0, |(value, _)| value as u64)
        };
        Self {
            p50_us: at(0.5),
            p95_us: at(0.95),
            p99_us: at(0.99),
        }
    }
}

/// Each change that was acknowledged; several, where a command set several flags.
fn changes<'a>(history: &History<'a>) -> Vec<(Change, &'a ObservationRow, Span)> {
    let mut changes = Vec::new();
    for row in history
        .rows
        .iter()
        .filter(|row| row.outcome == Certainty::Ok)
    {
        let span = Span::of(row);
        match row.event {
            Event::Deliver => changes.push((Change::Delivery, *row, span)),
            Event::Append => changes.push((Change::Append, *row, span)),
            // What the harness marks before the run is nobody's change.
            Event::SetFlags if row.device.is_some() => {
                let flags = row.flags.unwrap_or_default();
                let known = [
                    (FlagBits::SEEN, Change::Read),
                    (FlagBits::FLAGGED, Change::Flag),
                    (FlagBits::ANSWERED, Change::Answer),
                ];
                let set = known.into_iter().filter(|(flag, _)| flags.has(*flag));
                changes.extend(set.map(|(_, change)| (change, *row, span)));
            }
            _ => {}
        }
    }
    for removal in history.all_removals() {
        if removal.outcome == Certainty::Ok {
            let change = match removal.row.event {
                Event::Move => Change::Move,
                _ => Change::Delete,
            };
            changes.push((change, removal.row, removal.span));
        }
    }
    changes
}

/// When a device learned of a change.
enum Learned<'a> {
    /// It does not show that message or mailbox, or knew before.
    NotConcerned,
    /// It had not by the end.
    Never,
    By(Sight<'a>),
}

fn learned<'a>(
    change: Change,
    row: &ObservationRow,
    span: Span,
    witnessed: &Witnessed<'a>,
) -> Learned<'a> {
    let (mailbox, Some(message)) = (row.mailbox(), row.message.as_deref()) else {
        return Learned::NotConcerned;
    };
    let sights = witnessed.sights(mailbox, message);
    let first = |shows: &dyn Fn(&Sight<'_>) -> bool| {
        let mut after = sights.iter().filter(|sight| sight.span.at > span.sent);
        after
            .find(|sight| shows(sight))
            .map_or(Learned::Never, |sight| Learned::By(*sight))
    };
    let known = witnessed.copies(mailbox, message, span.sent);
    let flag = match change {
        Change::Delivery | Change::Append => {
            let looks = witnessed.looks.iter().any(|look| look.mailbox == mailbox);
            return if looks {
                first(&|sight| sight.there)
            } else {
                Learned::NotConcerned
            };
        }
        Change::Delete | Change::Move => {
            return if known.is_empty() {
                Learned::NotConcerned
            } else {
                first(&|sight| !sight.there)
            };
        }
        Change::Read => FlagBits::SEEN,
        Change::Flag => FlagBits::FLAGGED,
        Change::Answer => FlagBits::ANSWERED,
    };
    let has_it = |flags: Option<FlagBits>| flags.is_some_and(|flags| flags.has(flag));
    match known.first() {
        Some(copy) if !has_it(copy.flags) => first(&|sight| has_it(sight.flags)),
        _ => Learned::NotConcerned,
    }
}

struct Chance {
    at: u64,
    /// The device was in IDLE.
    listening: bool,
}

/// The first moment after `done` at which the server could have told the device.
fn chance(witnessed: &Witnessed<'_>, done: u64, learned: u64) -> Chance {
    let watched = witnessed
        .watched
        .iter()
        .filter(|span| span.at >= done)
        .map(|span| span.sent.max(done))
        .min();
    let asked = witnessed
        .asked
        .iter()
        .map(|span| span.sent)
        .filter(|sent| *sent >= done)
        .min();
    let at = watched.into_iter().chain(asked).min();
    // Learned of what overlapped the change: there was a chance all along.
    let at = at.filter(|at| *at <= learned).unwrap_or(done);
    Chance {
        at,
        listening: watched == Some(at),
    }
}

fn late_notice(
    history: &History<'_>,
    change: Change,
    row: &ObservationRow,
    device: DeviceKind,
    sight: &Sight<'_>,
    server: u64,
) -> Anomaly {
    let from = match row.device {
        Some(device) => format!("on {}", who(Some(device))),
        None => "by the delivery side".to_owned(),
    };
    let detail = format!(
        "{} listened (IDLE) and learned of a change ({change}, {from}) {:.3} s after the server could have told it",
        who(Some(device)),
        server as f64 / 1e6,
    );
    Anomaly {
        kind: AnomalyKind::LateNotice,
        severity: Severity::Allowed,
        cell: history.cell,
        user: history.user,
        message: row.message.clone(),
        mailbox: Some(row.mailbox().to_owned()),
        number: sight.uid.map(|uid| uid.to_string()),
        device: Some(device),
        session: sight.session,
        other: row.device,
        at_us: sight.span.at,
        since_us: Some(row.at_us),
        detail,
    }
}

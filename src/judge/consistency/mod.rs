//! A pure checker over the history of a run (`observations.csv`): what each device did to the mailbox, what it saw of
//! it, and when each was begun and known. It looks for what no single mailbox that all devices share could have shown, and
//! says for each finding whether a rule was broken, or left it to the server, or whether it follows from the protocol.
//!
//! All rests on real-time order: one clock saw everything, so an act whose answer was in before a look was begun must be
//! visible to that look. What overlaps is concurrent and may have happened in either order; an act whose answer
//! was lost may have happened or not. Neither is ever held against a server.

mod anomaly;
mod copies;
mod explain;
mod flags;
mod history;
mod numbers;
mod pop;
mod propagation;
mod removals;
#[cfg(test)]
mod tests;
mod whereabouts;

use std::collections::BTreeMap;
use std::time::Duration;

pub use anomaly::{Anomaly, AnomalyKind, AnomalyRow, Severity};
pub use explain::explain;
pub use propagation::{Change, Delay, Propagation, PropagationRow};
pub use whereabouts::WhereaboutsRow;

use crate::metrics::row::ObservationRow;
use crate::scenario::Arm;
use history::{History, histories};

/// A device that listens and is told later than this after a change was told late. RFC 2177 gives no bound; this one is
/// ours: an order of magnitude above what any of the servers in `docs/` needs.
pub const LATE: Duration = Duration::from_secs(5);

/// What a history shows.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The history's rows; none: nothing was observed, so nothing can be said.
    pub observations: u64,
    /// What was found, gravest first.
    pub anomalies: Vec<Anomaly>,
    /// How long changes took from device to device.
    pub propagation: Vec<Propagation>,
    /// What the devices of a person agree on at the end, per arm.
    pub agreement: BTreeMap<Arm, Agreement>,
}

/// Of the messages that some device of a person can show at the end, those that all of them can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// On all devices.
    pub on_all: u64,
    /// On any.
    pub on_any: u64,
}

impl Findings {
    /// The anomaly that `anomalies.csv` counts as `number`, from 1.
    pub fn anomaly(&self, number: u32) -> Option<&Anomaly> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.anomalies.get(index)
    }

    /// The rows of `anomalies.csv`.
    pub fn rows(&self) -> impl Iterator<Item = AnomalyRow> {
        (1..)
            .zip(&self.anomalies)
            .map(|(number, anomaly)| anomaly.row(number))
    }

    /// How many of each kind and severity there are, per arm, gravest first.
    pub fn counts(&self) -> BTreeMap<(Severity, AnomalyKind), BTreeMap<Arm, u64>> {
        let mut counts: BTreeMap<_, BTreeMap<Arm, u64>> = BTreeMap::new();
        for anomaly in &self.anomalies {
            let of_kind = counts.entry((anomaly.severity, anomaly.kind)).or_default();
            *of_kind.entry(anomaly.cell.arm).or_default() += 1;
        }
        counts
    }

    /// Broken rules.
    pub fn violations(&self) -> impl Iterator<Item = &Anomaly> {
        let is_violation = |anomaly: &&Anomaly| anomaly.severity == Severity::Violation;
        self.anomalies.iter().filter(is_violation)
    }
}

/// Where each byte of mail was at each second of each cell, by the history.
pub fn whereabouts(rows: &[ObservationRow]) -> Vec<WhereaboutsRow> {
    whereabouts::whereabouts(rows)
}

/// Checks a history. `late`: how long a device that listens may be left in the dark.
pub fn examine(rows: &[ObservationRow], late: Duration) -> Findings {
    let mut findings = Findings {
        observations: rows.len() as u64,
        ..Findings::default()
    };
    let mut ways = propagation::Ways::default();
    for history in histories(rows) {
        findings.anomalies.extend(anomalies(&history));
        let late = ways.take(&history, late);
        findings.anomalies.extend(late);
        let agreement = removals::agreement(&history);
        let sum = findings.agreement.entry(history.cell.arm).or_default();
        sum.on_all += agreement.on_all;
        sum.on_any += agreement.on_any;
    }
    findings.propagation = ways.finish();
    findings.anomalies.sort_by(|a, b| {
        let key = |it: &Anomaly| (it.severity, it.kind, it.cell, it.user, it.at_us);
        key(a).cmp(&key(b))
    });
    findings
}

fn anomalies(history: &History<'_>) -> Vec<Anomaly> {
    let mut found = numbers::check(history);
    found.extend(flags::check(history));
    found.extend(removals::check(history));
    found.extend(copies::check(history));
    if history.is_pop() {
        found.extend(pop::check(history));
    }
    found
}

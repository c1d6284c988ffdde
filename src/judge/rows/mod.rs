//! One file per row of the document: which figures it has in a part of the run, and what they say of the
//! claim. All are pure functions of rows.

mod backup;
mod budget;
mod connect;
mod devices;
mod freshness;
mod mail;
mod mobile;
mod port;
mod reading;
mod resources;
mod stored;

use super::directions::Directions;
use super::document::DocumentRow;
use super::evidence::{Part, Setting};
use super::figure::{Figure, Observed, Role};
use super::ratio::Ratio;
use super::verdict::{Verdict, together};
use crate::scenario::{Arm, Protocol};

/// The figures of one arm for one row.
#[derive(Debug)]
pub(super) struct ArmFigures {
    /// The arm.
    pub(super) arm: Arm,
    /// In the order of the document's metrics.
    pub(super) figures: Vec<Figure>,
}

impl ArmFigures {
    fn figure(&self, name: &str) -> Option<&Figure> {
        self.figures
            .iter()
            .find(|figure| figure.metric.name == name)
    }

    fn value(&self, name: &str) -> Option<f64> {
        self.figure(name)?.value
    }
}

/// A verdict on one arm's claim, and why.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ruling {
    /// The word.
    pub(super) verdict: Verdict,
    /// It is about a direction, and too few blocks were run to be sure of it.
    pub(super) provisional: bool,
    /// One sentence.
    pub(super) reason: String,
}

impl Ruling {
    fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self {
            verdict,
            provisional: false,
            reason: reason.into(),
        }
    }

    fn not_measured(what: &str) -> Self {
        Self::new(Verdict::NotMeasured, format!("the run holds no {what}"))
    }
}

/// Every metric of a row in a part of the run, by name.
pub(super) fn measure(row: &DocumentRow, part: Part<'_>) -> Vec<(&'static str, Observed)> {
    match row.number {
        1 => port::measure(part),
        2 => stored::measure(part),
        3 => reading::measure(part),
        4 => connect::measure(part),
        5 => [resources::measure(part), freshness::measure(part)].concat(),
        6 => devices::measure(part),
        7 => backup::measure(part),
        _ => mobile::measure(part),
    }
}

/// What a metric's instrument cannot tell apart in this part of the run, in the metric's unit.
pub(super) fn resolution(metric: &str, part: Part<'_>) -> f64 {
    match metric {
        "cpu_per_user_hour" => resources::cpu_resolution(part),
        _ => 0.0,
    }
}

/// What the figures say of the row's claims, one ruling per arm, in the order of `arms`.
pub(super) fn decide(
    row: &DocumentRow,
    setting: &Setting,
    arms: &[ArmFigures],
    ratios: &[Ratio],
) -> Vec<Ruling> {
    match row.number {
        4 | 5 => {
            let ruling = compare(row, arms, ratios);
            arms.iter().map(|_| ruling.clone()).collect()
        }
        number => arms
            .iter()
            .map(|arm| match number {
                1 => port::decide(arm, setting),
                2 => stored::decide(arm),
                3 => reading::decide(arm),
                6 => devices::decide(arm),
                7 => backup::decide(arm),
                _ => mobile::decide(arm),
            })
            .collect(),
    }
}

/// The rule of rows 4 and 5: the judged figures of both protocols, by their ratio or block by block.
fn compare(row: &DocumentRow, arms: &[ArmFigures], ratios: &[Ratio]) -> Ruling {
    let of = |protocol| arms.iter().find(|arm| arm.arm.protocol() == protocol);
    let (Some(pop), Some(imap)) = (of(Protocol::Pop3), of(Protocol::Imap)) else {
        return Ruling::not_measured("second protocol to compare with");
    };
    let directions = beside(row, (pop, imap), ratios);
    let mut verdict = directions.verdict();
    if verdict == Verdict::NotMeasured {
        return Ruling::not_measured("figure that both protocols have");
    }
    let mut reason = directions.reason();
    if let (5, Some(words)) = (row.number, freshness::words(pop, imap)) {
        reason = format!("{reason} – {words}");
        if let Some((pop, imap)) = equally_fresh((pop, imap), arms) {
            let directions = beside(row, (pop, imap), ratios);
            let (pop, imap, why) = (pop.arm, imap.arm, directions.reason());
            reason = format!("{reason} – at equal freshness, {pop} beside {imap}: {why}");
            verdict = together([verdict, directions.verdict()]);
        }
    }
    Ruling {
        verdict,
        provisional: directions.provisional(),
        reason,
    }
}

/// The judged figures of two arms.
fn beside(
    row: &DocumentRow,
    (pop, imap): (&ArmFigures, &ArmFigures),
    ratios: &[Ratio],
) -> Directions {
    let judged = row.metrics.iter().filter(|it| it.role == Role::Judged);
    let mut directions = Directions::default();
    for metric in judged {
        if let (Some(p), Some(i)) = (pop.figure(metric.name), imap.figure(metric.name)) {
            let ratio = ratios.iter().find(|ratio| {
                ratio.metric.name == metric.name && ratio.arm == imap.arm && ratio.over == pop.arm
            });
            directions.add(p, i, ratio);
        }
    }
    directions
}

/// Where those two do not show new mail about equally soon, the first two arms of both protocols that do.
fn equally_fresh<'a>(
    (pop, imap): (&ArmFigures, &ArmFigures),
    arms: &'a [ArmFigures],
) -> Option<(&'a ArmFigures, &'a ArmFigures)> {
    if freshness::equal(pop, imap)? {
        return None;
    }
    let of = |protocol| arms.iter().filter(move |it| it.arm.protocol() == protocol);
    of(Protocol::Pop3)
        .flat_map(|pop| of(Protocol::Imap).map(move |imap| (pop, imap)))
        .find(|(pop, imap)| freshness::equal(pop, imap) == Some(true))
}

#[cfg(test)]
mod tests;

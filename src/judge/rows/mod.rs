//! One file per row of the document: which figures it has in a part of the run, and what they say of the
//! claim. All are pure functions of rows.

mod backup;
mod connect;
mod devices;
mod mail;
mod mobile;
mod port;
mod reading;
mod resources;
mod stored;

use super::document::DocumentRow;
use super::evidence::{Part, Setting};
use super::figure::{Figure, Observed, Role};
use super::verdict::{Direction, Verdict, pop_takes_less};
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
    /// One sentence.
    pub(super) reason: String,
}

impl Ruling {
    fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self {
            verdict,
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
        5 => resources::measure(part),
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
pub(super) fn decide(row: &DocumentRow, setting: &Setting, arms: &[ArmFigures]) -> Vec<Ruling> {
    match row.number {
        4 | 5 => {
            let ruling = compare(row, arms);
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

/// The rule of rows 4 and 5: the judged figures of both protocols, block by block.
fn compare(row: &DocumentRow, arms: &[ArmFigures]) -> Ruling {
    let of = |protocol| arms.iter().find(|arm| arm.arm.protocol() == protocol);
    let (Some(pop), Some(imap)) = (of(Protocol::Pop3), of(Protocol::Imap)) else {
        return Ruling::not_measured("second protocol to compare with");
    };
    let mut directions = Vec::new();
    let mut lower_pop = Vec::new();
    let mut lower_imap = Vec::new();
    let mut neither = Vec::new();
    let mut blocks = 0;
    for metric in row
        .metrics
        .iter()
        .filter(|metric| metric.role == Role::Judged)
    {
        let (Some(p), Some(i)) = (pop.figure(metric.name), imap.figure(metric.name)) else {
            continue;
        };
        let Some(direction) = Direction::of(&p.blocks, &i.blocks, p.resolution.max(i.resolution))
        else {
            continue;
        };
        blocks = blocks.max(p.blocks.len().min(i.blocks.len()));
        directions.push(direction);
        match direction {
            Direction::PopLower => lower_pop.push(metric.english),
            Direction::ImapLower => lower_imap.push(metric.english),
            Direction::Neither => neither.push(metric.english),
        }
    }
    let verdict = pop_takes_less(&directions);
    if verdict == Verdict::NotMeasured {
        return Ruling::not_measured("figure that both protocols have");
    }
    let mut parts = Vec::new();
    for (what, names) in [
        ("lower for POP", &lower_pop),
        ("lower for IMAP", &lower_imap),
        ("no difference shown", &neither),
    ] {
        if !names.is_empty() {
            parts.push(format!("{what}: {}", names.join("; ")));
        }
    }
    if blocks < 2 {
        parts.push("one block only, so the directions were seen once".to_owned());
    }
    Ruling::new(verdict, parts.join(" – "))
}

#[cfg(test)]
mod tests;

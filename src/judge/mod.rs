//! From run directories to verdicts: validity first, then the document's table row by row. Everything here
//! is a pure function of the rows a run left; nothing knows how they came to be or how they will be drawn.

pub mod bounds;
pub mod capacity;
pub mod claims;
pub mod comparison;
pub mod consistency;
pub mod costs;
mod directions;
pub mod document;
pub mod evidence;
pub mod figure;
pub mod fresh;
pub mod gate;
mod lineup;
pub mod little;
pub mod prediction;
mod ratio;
pub mod regress;
mod rows;
pub mod stats;
mod steady;
#[cfg(test)]
pub(crate) mod synthetic;
pub mod validity;
pub mod verdict;
pub mod verdict_file;

use serde::Serialize;

pub use bounds::Held;
pub use claims::{JudgedClaim, Switch};
pub use document::{DOCUMENT, DocumentRow};
pub use evidence::{Ending, Evidence, Part, Setting};
pub use figure::{Figure, Kind, Metric, Role, Unit};
pub use lineup::{Column, Lineup, Standing};
pub use prediction::Prediction;
pub use ratio::Ratio;
pub use validity::Validity;
pub use verdict::Verdict;

use crate::metrics::row::CheckRow;
use crate::scenario::Arm;
use consistency::{Findings, WhereaboutsRow};
use ratio::Side;
use rows::ArmFigures;

/// Blocks below which no interval is given and a verdict about a direction is provisional: a paired sign test over
/// five blocks cannot reach 5 %.
pub const BLOCKS_FOR_INTERVALS: u32 = 6;

/// A share of fewer observations than this can pass a 95 % bound by luck alone: one in twenty.
pub const FEW_OBSERVATIONS: u64 = 20;

/// What a run says of the whole document.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// From the manifest.
    pub setting: Setting,
    /// The eight rows, in order.
    pub rows: Vec<JudgedRow>,
    /// What the document's text and its forerunner of 1994 claim, in their order.
    pub claims: Vec<JudgedClaim>,
    /// Whether the numbers can be trusted.
    pub validity: Validity,
    /// How near each arm came to the bounds of validity.
    pub held: Vec<Held>,
    /// Which arms show new mail about equally soon.
    pub fresh: Vec<fresh::Pair>,
    /// What steps would take on other networks.
    pub predictions: Vec<Prediction>,
    /// What the history shows.
    pub consistency: Findings,
    /// Where the mail was at each second.
    pub whereabouts: Vec<WhereaboutsRow>,
    /// What a unit of work costs the server.
    pub costs: Vec<costs::Cost>,
    /// Little's law in each cell.
    pub little: Vec<little::Balance>,
    /// Sums that must add up.
    pub checks: Vec<CheckRow>,
    /// What a reader of the figures must know, full sentences.
    pub notes: Vec<String>,
}

/// One row of the document, judged.
#[derive(Clone, Debug)]
pub struct JudgedRow {
    /// What the document says.
    pub document: &'static DocumentRow,
    /// One word for the row: the arms' verdict when they share one, else `depends`.
    pub verdict: Verdict,
    /// Each arm's claim.
    pub arms: Vec<JudgedArm>,
    /// Each IMAP arm's figures over each POP3 arm's.
    pub ratios: Vec<Ratio>,
    /// The switches that turn the row over: on which side of each this run stands, and the other side.
    pub sides: Vec<String>,
}

/// The document's claim on one protocol, judged by one arm.
#[derive(Clone, Debug, Serialize)]
pub struct JudgedArm {
    /// The arm.
    pub arm: Arm,
    /// What the run says of the claim.
    pub verdict: Verdict,
    /// The verdict is about a direction, and there are fewer than [`BLOCKS_FOR_INTERVALS`] blocks.
    pub provisional: bool,
    /// Why, one sentence.
    pub reason: String,
    /// In the order of the document's metrics.
    pub figures: Vec<Figure>,
}

impl JudgedRow {
    /// The judged claim of an arm.
    pub fn arm(&self, arm: Arm) -> Option<&JudgedArm> {
        self.arms.iter().find(|judged| judged.arm == arm)
    }
}

impl JudgedArm {
    /// The figure of that metric.
    pub fn figure(&self, name: &str) -> Option<&Figure> {
        self.figures
            .iter()
            .find(|figure| figure.metric.name == name)
    }
}

/// Judges a run.
pub fn judge(evidence: &Evidence) -> Judgement {
    let arms = &evidence.setting.arms;
    let measured: Vec<Vec<ArmFigures>> = DOCUMENT
        .iter()
        .map(|row| {
            let of = |arm: &Arm| ArmFigures {
                arm: *arm,
                figures: figures(row, evidence, *arm),
            };
            arms.iter().map(of).collect()
        })
        .collect();
    let sides: Vec<Side<'_>> = arms
        .iter()
        .enumerate()
        .map(|(index, arm)| Side {
            arm: *arm,
            figures: measured
                .iter()
                .flat_map(|row| &row[index].figures)
                .collect(),
        })
        .collect();
    let mut ratios = ratio::ratios(&sides);
    let mut rows: Vec<JudgedRow> = DOCUMENT
        .iter()
        .zip(measured)
        .map(|(row, figures)| {
            let in_row = |ratio: &mut Ratio| row.metric(ratio.metric.name).is_some();
            let ratios = ratios.extract_if(.., in_row).collect();
            judge_row(row, &evidence.setting, figures, ratios)
        })
        .collect();
    let little = little::balances(evidence);
    let assessment = validity::assess(evidence, &rows, &little);
    let predictions = prediction::predict(evidence);
    let sides = claims::sides(&evidence.setting, &rows, &predictions);
    for (row, sides) in rows.iter_mut().zip(sides) {
        row.sides = sides;
    }
    let consistency = consistency::examine(&evidence.observations, consistency::LATE);
    Judgement {
        setting: evidence.setting.clone(),
        notes: notes(evidence, &consistency),
        costs: costs::costs(evidence),
        little,
        consistency,
        whereabouts: evidence.whereabouts.clone(),
        checks: evidence.checks.clone(),
        claims: claims::judge(&evidence.setting, &rows, &predictions),
        fresh: fresh::pairs(&rows),
        predictions,
        rows,
        validity: assessment.validity,
        held: assessment.held,
    }
}

fn judge_row(
    document: &'static DocumentRow,
    setting: &Setting,
    arms: Vec<ArmFigures>,
    ratios: Vec<Ratio>,
) -> JudgedRow {
    let rulings = rows::decide(document, setting, &arms, &ratios);
    let arms: Vec<JudgedArm> = arms
        .into_iter()
        .zip(rulings)
        .map(|(arm, ruling)| JudgedArm {
            arm: arm.arm,
            verdict: ruling.verdict,
            provisional: ruling.provisional,
            reason: ruling.reason + &thin(&arm.figures),
            figures: arm.figures,
        })
        .collect();
    JudgedRow {
        document,
        verdict: verdict::together(arms.iter().map(|arm| arm.verdict)),
        arms,
        ratios,
        sides: Vec::new(),
    }
}

/// What must be added to the reason where a judged share rests on few observations.
fn thin(figures: &[Figure]) -> String {
    let shares = figures.iter().filter(|figure| {
        figure.metric.role == Role::Judged && figure.metric.unit == Unit::Percent && figure.n > 0
    });
    match shares.map(|figure| figure.n).max() {
        Some(n) if n < FEW_OBSERVATIONS => format!(" (only {n} observed)"),
        _ => String::new(),
    }
}

fn figures(document: &'static DocumentRow, evidence: &Evidence, arm: Arm) -> Vec<Figure> {
    let observed_in = |block| rows::measure(document, evidence.part(arm, block));
    let all = observed_in(None);
    let blocks: Vec<_> = evidence
        .blocks(arm)
        .into_iter()
        .map(|block| (block, observed_in(Some(block))))
        .collect();
    let find = |observed: &[(&str, figure::Observed)], name: &str| {
        observed
            .iter()
            .find(|(other, _)| *other == name)
            .and_then(|(_, observed)| *observed)
    };
    document
        .metrics
        .iter()
        .map(|metric| {
            let value = find(&all, metric.name);
            let blocks: Vec<(u32, f64)> = blocks
                .iter()
                .filter_map(|(block, observed)| Some((*block, find(observed, metric.name)?.0)))
                .collect();
            let interval = value.and_then(|(value, _)| interval(metric, value, &blocks));
            Figure {
                metric,
                value: value.map(|(value, _)| value),
                low: interval.map(|interval| interval.low),
                high: interval.map(|interval| interval.high),
                n: value.map_or(0, |(_, n)| n),
                resolution: rows::resolution(metric.name, evidence.part(arm, None)),
                blocks,
            }
        })
        .collect()
}

fn interval(metric: &Metric, value: f64, blocks: &[(u32, f64)]) -> Option<stats::Interval> {
    if blocks.len() < BLOCKS_FOR_INTERVALS as usize || metric.unit == Unit::Port {
        return None;
    }
    let ceiling = (metric.unit == Unit::Percent).then_some(100.0);
    let values: Vec<f64> = blocks.iter().map(|(_, value)| *value).collect();
    stats::around(value, &values, ceiling)
}

fn notes(evidence: &Evidence, consistency: &Findings) -> Vec<String> {
    let setting = &evidence.setting;
    let mut notes = Vec::new();
    if (setting.speed - 1.0).abs() > f64::EPSILON {
        notes.push(format!(
            "Simulated time ran {} times faster than the clock: pauses, polls and arrivals were that much shorter, service times were not. \
             So sessions, messages and CPU per clock second are that many times those of the same people in real time (figures per user-hour are not: they are of simulated time), \
             and of the open connections those of short sessions are overstated by the same factor; connections that are kept are counted as they are.",
            setting.speed
        ));
    }
    if setting.blocks < BLOCKS_FOR_INTERVALS {
        notes.push(format!(
            "{} block{} per arm: fewer than {BLOCKS_FOR_INTERVALS}, so no intervals are given, and a verdict about a direction is provisional (*): a small difference may turn over when the run is repeated.",
            setting.blocks,
            if setting.blocks == 1 { "" } else { "s" },
        ));
    }
    let violations = consistency.violations().count();
    if violations > 0 {
        notes.push(format!(
            "The history shows {violations} case{} in which the server broke a rule of its protocols: see the section on consistency, or `mailgauge consistency`.",
            if violations == 1 { "" } else { "s" },
        ));
    }
    notes.extend(forced_writes(evidence));
    if evidence.keeps_connections() {
        notes.push(
            "In one arm every connection was opened before the measured phase and kept, so the times to connect of all arms are those of the ramp-up and warm-up."
                .to_owned(),
        );
    }
    notes
}

/// That forced writes were not counted, or not everywhere, and why.
fn forced_writes(evidence: &Evidence) -> Option<String> {
    let samples = evidence.server.len();
    let without = evidence.server.iter();
    let without = without.filter(|row| row.disk_syncs.is_none()).count();
    if without == 0 {
        return None;
    }
    let reasons = &evidence.setting.no_disk_syncs;
    let why = if reasons.is_empty() {
        "the run does not say why; only root can, on the server's machine, where tracefs is mounted at /sys/kernel/tracing and the file system reports them".to_owned()
    } else {
        reasons.join("; ")
    };
    let often = if without == samples {
        "were not counted".to_owned()
    } else {
        format!("were not counted in {without} of {samples} samples")
    };
    Some(format!("Forced writes (fsync) {often}: {why}."))
}

#[cfg(test)]
mod tests;

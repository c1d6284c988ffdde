//! The arms side by side: each figure of an IMAP arm over the same figure of a POP arm, with its interval and how
//! often chance alone would give as much. A verdict about a direction rests on these.

use serde::Serialize;

use super::figure::{Figure, Metric, Role, Unit};
use super::stats::{Interval, LogRatios, SIGNIFICANT, joint_p};
use super::verdict::{Direction, SAME_WITHIN};
use super::{BLOCKS_FOR_INTERVALS, claims};
use crate::scenario::{Arm, Protocol};

/// A figure of one arm over that of another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ratio {
    /// What it is.
    #[serde(serialize_with = "super::figure::metric_name")]
    pub metric: &'static Metric,
    /// The arm above the line: an IMAP arm.
    pub arm: Arm,
    /// The arm below it: a POP3 arm.
    pub over: Arm,
    /// Geometric mean of the blocks' ratios.
    pub value: f64,
    /// Its 95 % interval; none of fewer than [`BLOCKS_FOR_INTERVALS`] blocks.
    pub interval: Option<Interval>,
    /// Exact two-sided sign-flip p of this figure alone.
    pub p: f64,
    /// The same, corrected for all figures of these two arms that a verdict rests on; none for one that none rests on.
    pub p_adjusted: Option<f64>,
    /// Blocks that have both.
    pub blocks: u32,
}

impl Ratio {
    /// Which arm's figure is lower, as far as there are blocks enough to say so; none where there are not. A difference is
    /// shown when the interval leaves 1 out, chance is unlikely after correction, and the ratio is not within what counts as the same.
    pub fn direction(&self) -> Option<Direction> {
        let interval = self.interval?;
        let unlikely = self.p_adjusted.unwrap_or(self.p) <= SIGNIFICANT;
        let large = self.value.ln().abs() > SAME_WITHIN.ln_1p();
        Some(if interval.holds(1.0) || !unlikely || !large {
            Direction::Neither
        } else if self.value > 1.0 {
            Direction::PopLower
        } else {
            Direction::ImapLower
        })
    }
}

/// The figures of an arm that ratios are made of.
pub(super) struct Side<'a> {
    pub(super) arm: Arm,
    pub(super) figures: Vec<&'a Figure>,
}

/// The ratios of every IMAP arm over every POP3 arm, in the order of the metrics.
pub(super) fn ratios(sides: &[Side<'_>]) -> Vec<Ratio> {
    let of = |protocol| {
        let speaks = move |side: &&Side<'_>| side.arm.protocol() == protocol;
        sides.iter().filter(speaks)
    };
    of(Protocol::Imap)
        .flat_map(|imap| of(Protocol::Pop3).flat_map(move |pop| of_pair(imap, pop)))
        .collect()
}

fn of_pair(imap: &Side<'_>, pop: &Side<'_>) -> Vec<Ratio> {
    // A number that only names something is no quantity.
    let quantities = imap
        .figures
        .iter()
        .filter(|it| it.metric.unit != Unit::Port);
    let logs = quantities.filter_map(|over| {
        let under = pop
            .figures
            .iter()
            .find(|under| under.metric.name == over.metric.name)?;
        LogRatios::of(&over.blocks, &under.blocks).map(|logs| (over.metric, logs))
    });
    let (metrics, logs): (Vec<&'static Metric>, Vec<LogRatios>) = logs.unzip();
    let family: Vec<usize> = (0..metrics.len())
        .filter(|index| a_verdict_rests_on(metrics[*index]))
        .collect();
    let in_family: Vec<LogRatios> = family.iter().map(|index| logs[*index].clone()).collect();
    let adjusted = joint_p(&in_family);
    metrics
        .into_iter()
        .zip(&logs)
        .enumerate()
        .map(|(index, (metric, logs))| Ratio {
            metric,
            arm: imap.arm,
            over: pop.arm,
            value: logs.ratio(),
            interval: (logs.blocks() >= BLOCKS_FOR_INTERVALS as usize)
                .then(|| logs.interval())
                .flatten(),
            p: logs.p(),
            p_adjusted: family
                .iter()
                .position(|it| *it == index)
                .map(|place| adjusted[place]),
            blocks: logs.blocks() as u32,
        })
        .collect()
}

fn a_verdict_rests_on(metric: &Metric) -> bool {
    metric.role == Role::Judged || claims::compare(metric.name)
}

//! Whether the measured phase was steady: the first third of it against the last. A server that fills up, warms up or slows
//! down has no one figure to report.

use super::evidence::Part;
use super::figure::quantile;
use super::validity::{Blame, LAG_ALLOWED_US, Validity};
use super::verdict::ONE_BLOCK_MARGIN;
use crate::metrics::row::Opening;

/// Medians of the first and the last third may differ by this much (relative), as SPEC's and others' practice has it.
const STEADY_WITHIN: f64 = 0.05;

/// From this factor on the run has no one figure at all.
const DRIFTED: f64 = 1.5;

/// A difference below this, µs, is what a scheduler does, not the server.
const VISIBLE_US: f64 = 1_000.0;

/// Values that a third must have for its median to say something.
const FOR_A_MEDIAN: usize = 20;

/// One timed thing: block, when, how long.
type Timed = (u32, u64, f64);

/// Looks at what people wait for in an arm.
pub(super) fn assess(part: Part<'_>, validity: &mut Validity) {
    let inboxes = part
        .sessions()
        .filter_map(|row| Some((row.block, row.due_at_us, row.usable_us? as f64)));
    let openings = part
        .openings()
        .filter(|row| matches!(row.outcome, Opening::Local | Opening::Fetched))
        .map(|row| (row.block, row.at_us, row.response_us as f64));
    let (inboxes, openings): (Vec<Timed>, Vec<Timed>) = (inboxes.collect(), openings.collect());
    for (what, values) in [("a usable inbox", inboxes), ("opening a message", openings)] {
        let Some(Drift { ratio, by_us }) = drift(&values, &part.windows()) else {
            continue;
        };
        if by_us < VISIBLE_US {
            continue;
        }
        let sentence = format!(
            "Arm {}: not steady: the median time to {what} in the last third of the measured phase is {ratio:.2} times that of the first.",
            part.arm
        );
        if ratio.max(1.0 / ratio) > DRIFTED && by_us > LAG_ALLOWED_US {
            validity.invalid(Blame::Drift, sentence);
        } else {
            validity.warnings.push(sentence);
        }
    }
}

/// How the medians of first and last third differ.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Drift {
    /// Last over first, geometric mean over blocks.
    ratio: f64,
    /// The size of the difference, µs, mean over blocks.
    by_us: f64,
}

/// None where that is within the bound, where the blocks do not
/// agree which way it goes, or where there is too little to say.
fn drift(values: &[Timed], windows: &[(u32, (u64, u64))]) -> Option<Drift> {
    let thirds: Vec<(f64, f64)> = windows
        .iter()
        .filter_map(|(block, (from, to))| {
            let third = to.saturating_sub(*from) / 3;
            let median = |begin: u64, end: u64| {
                let within = |(other, at, _): &&Timed| other == block && (begin..end).contains(at);
                let times: Vec<f64> = values.iter().filter(within).map(|timed| timed.2).collect();
                (times.len() >= FOR_A_MEDIAN).then(|| quantile(times, 0.5))?
            };
            let (first, _) = median(*from, from + third)?;
            let (last, _) = median(to - third, *to)?;
            (first > 0.0 && last > 0.0).then_some((first, last))
        })
        .collect();
    let logs: Vec<f64> = thirds
        .iter()
        .map(|(first, last)| (last / first).ln())
        .collect();
    let bound = match logs.len() {
        0 => return None,
        1 => ONE_BLOCK_MARGIN,
        _ => STEADY_WITHIN,
    };
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    let by_us = thirds
        .iter()
        .map(|(first, last)| (last - first).abs())
        .sum::<f64>()
        / logs.len() as f64;
    let agree = logs.iter().all(|log| log.signum() == mean.signum());
    (agree && mean.abs() > bound.ln_1p()).then(|| Drift {
        ratio: mean.exp(),
        by_us,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Windows = Vec<(u32, (u64, u64))>;

    const WINDOW: (u64, u64) = (0, 3_000);

    /// A value each unit of time over blocks of 3,000, growing evenly from 100 by `growth` (relative).
    fn growing(blocks: u32, growth: f64) -> (Vec<Timed>, Windows) {
        let value = |at: u64| 100.0 * (1.0 + growth * at as f64 / 3_000.0);
        let values = (1..=blocks)
            .flat_map(|block| (0..3_000).step_by(10).map(move |at| (block, at, value(at))))
            .collect();
        (values, (1..=blocks).map(|block| (block, WINDOW)).collect())
    }

    #[test]
    fn what_stays_the_same_is_steady_and_what_grows_is_not() {
        let drift = |blocks, growth| {
            let (values, windows) = growing(blocks, growth);
            super::drift(&values, &windows).map(|drift| drift.ratio)
        };
        assert_eq!(drift(2, 0.0), None);
        assert_eq!(drift(2, 0.05), None);
        let ratio = drift(2, 0.2).unwrap();
        assert!((1.10..1.15).contains(&ratio), "{ratio}");
        // One block alone must show more.
        assert_eq!(drift(1, 0.2), None);
        assert!(drift(1, 0.6).unwrap() > 1.25);
        assert!(drift(1, 2.0).unwrap() > DRIFTED);
    }

    #[test]
    fn few_values_and_blocks_that_disagree_say_nothing() {
        let (values, windows) = growing(1, 2.0);
        assert_eq!(drift(&values[..30], &windows), None);
        let (mut both, windows) = growing(2, 0.3);
        for (block, at, value) in &mut both {
            if *block == 2 {
                *value = 200.0 - *at as f64 / 100.0;
            }
        }
        assert_eq!(drift(&both, &windows), None);
    }
}

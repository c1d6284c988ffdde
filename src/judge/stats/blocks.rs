//! Values by block: an interval around one arm's figure, and two arms side by side as ratios. Ratios are handled by
//! their logarithms, where twice as much and half as much are equally far from the same.

use super::bootstrap::{Interval, studentized};
use super::sign_flip::sign_flip_p;

/// The interval around a figure, from how its blocks differ. `value` is over all blocks together, which for a
/// percentile is not the mean of the blocks'; the spread of the blocks says how far it can be trusted.
/// `ceiling` is the largest value there can be. None of fewer than two blocks.
pub fn around(value: f64, blocks: &[f64], ceiling: Option<f64>) -> Option<Interval> {
    // Times, bytes and counts differ by factors, shares by points.
    let by_factors = ceiling.is_none() && value > 0.0 && blocks.iter().all(|block| *block > 0.0);
    if by_factors {
        let logs: Vec<f64> = blocks.iter().map(|block| block.ln()).collect();
        let (below, above) = studentized(&logs)?;
        return Some(Interval {
            low: value * (-below).exp(),
            high: value * above.exp(),
        });
    }
    let (below, above) = studentized(blocks)?;
    Some(Interval {
        low: (value - below).max(0.0_f64.min(value)),
        high: (value + above).min(ceiling.unwrap_or(f64::INFINITY)),
    })
}

/// One figure of two arms, as the logarithm of their ratio in each block that has both.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRatios(Vec<(u32, f64)>);

impl LogRatios {
    /// Pairs two arms' values by block number, `over` ÷ `under`. None where no block has both, or where a value is
    /// not above zero: there is no ratio to nothing.
    pub fn of(over: &[(u32, f64)], under: &[(u32, f64)]) -> Option<Self> {
        let mut logs = Vec::new();
        for (block, over) in over {
            let Some((_, under)) = under.iter().find(|(other, _)| other == block) else {
                continue;
            };
            if *over <= 0.0 || *under <= 0.0 {
                return None;
            }
            logs.push((*block, (over / under).ln()));
        }
        (!logs.is_empty()).then_some(Self(logs))
    }

    /// Blocks that have both.
    pub fn blocks(&self) -> usize {
        self.0.len()
    }

    /// The logarithm in a block.
    pub(super) fn in_block(&self, block: u32) -> Option<f64> {
        self.0
            .iter()
            .find(|(other, _)| *other == block)
            .map(|(_, log)| *log)
    }

    /// The numbers of the blocks.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().map(|(block, _)| *block)
    }

    fn logs(&self) -> Vec<f64> {
        self.0.iter().map(|(_, log)| *log).collect()
    }

    /// The geometric mean of the blocks' ratios.
    pub fn ratio(&self) -> f64 {
        let logs = self.logs();
        (logs.iter().sum::<f64>() / logs.len() as f64).exp()
    }

    /// The interval of [`LogRatios::ratio`]; none of one block.
    pub fn interval(&self) -> Option<Interval> {
        let (below, above) = studentized(&self.logs())?;
        let ratio = self.ratio();
        Some(Interval {
            low: ratio * (-below).exp(),
            high: ratio * above.exp(),
        })
    }

    /// How often chance alone would give a ratio as far from 1: exact, two-sided.
    pub fn p(&self) -> f64 {
        sign_flip_p(&self.logs())
    }
}

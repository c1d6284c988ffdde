//! The paired sign-flip test (Fisher 1935). If the arms did not differ, each block could as well have come out the
//! other way round, so the share of sign patterns that give a result as extreme is an exact p. Over n blocks it
//! cannot be below 2/2^n: five blocks never reach 5 %.

use super::LogRatios;
use super::chance::Chance;

/// Up to so many blocks all patterns are tried.
const EXACT_UP_TO: usize = 16;
/// Beyond, so many random ones.
const RANDOM_PATTERNS: u64 = 100_000;
const SEED: u64 = 0x7369_676e_2066_6c69;
/// What rounding may move a sum of logarithms by.
const ROUNDING: f64 = 1e-9;

/// The two-sided p of differences, one per block. 1 of nothing.
pub fn sign_flip_p(differences: &[f64]) -> f64 {
    let observed = differences.iter().sum::<f64>().abs();
    let extreme = |pattern: u64| {
        let sum: f64 = differences
            .iter()
            .enumerate()
            .map(|(index, value)| signed(*value, pattern, index))
            .sum();
        sum.abs() >= observed * (1.0 - ROUNDING)
    };
    Patterns::of(differences.len()).share(extreme)
}

/// The p of each of several figures of the same blocks, corrected for their number so that among figures that do
/// not differ one in twenty *runs*, not one in twenty figures, shows a difference.
///
/// This is Holm's step-down procedure on joint sign flips (Westfall and Young 1993, algorithm 4.1): each pattern flips
/// the same blocks in all figures. It needs no assumption about how they move together, and no more blocks than
/// one figure does, whereas the bound that [`super::holm`] uses could not fall below 5 % with six blocks and two figures.
pub fn joint_p(figures: &[LogRatios]) -> Vec<f64> {
    let mut numbers: Vec<u32> = figures.iter().flat_map(LogRatios::numbers).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let values: Vec<Vec<Option<f64>>> = figures
        .iter()
        .map(|figure| {
            numbers
                .iter()
                .map(|block| figure.in_block(*block))
                .collect()
        })
        .collect();
    let mut order: Vec<(usize, f64)> = values
        .iter()
        .map(|values| statistic(values, 0))
        .enumerate()
        .collect();
    order.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let patterns = Patterns::of(numbers.len());
    let mut counts = vec![0_u64; figures.len()];
    let all = patterns.for_each(|pattern| {
        // From the weakest up: a figure is held against the largest among itself and the weaker ones.
        let mut largest = 0.0_f64;
        for (rank, (figure, observed)) in order.iter().enumerate().rev() {
            largest = largest.max(statistic(&values[*figure], pattern));
            if largest >= observed * (1.0 - ROUNDING) {
                counts[rank] += 1;
            }
        }
    });
    let mut adjusted = vec![1.0; figures.len()];
    let mut floor = 0.0_f64;
    for (rank, (figure, _)) in order.iter().enumerate() {
        floor = floor.max(patterns.p(counts[rank], all));
        adjusted[*figure] = floor;
    }
    adjusted
}

/// |mean| ÷ its standard error under a pattern, of the blocks that are there; larger than any real one where
/// all blocks are the same and not zero.
fn statistic(values: &[Option<f64>], pattern: u64) -> f64 {
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for (index, value) in values.iter().enumerate() {
        if let Some(value) = value {
            let value = signed(*value, pattern, index);
            n += 1.0;
            sum += value;
            squares += value * value;
        }
    }
    let mean = sum / n;
    let spread = squares / n - mean * mean;
    if squares <= 0.0 || n < 2.0 {
        0.0
    } else if spread <= ROUNDING * squares / n {
        f64::MAX
    } else {
        mean.abs() / (spread / (n - 1.0)).sqrt()
    }
}

fn signed(value: f64, pattern: u64, index: usize) -> f64 {
    if pattern >> index & 1 == 1 {
        -value
    } else {
        value
    }
}

/// The sign patterns over so many blocks. A pattern and its mirror image are equally extreme, so half will do.
#[derive(Clone, Copy)]
enum Patterns {
    All(usize),
    Random,
}

impl Patterns {
    const fn of(blocks: usize) -> Self {
        if blocks <= EXACT_UP_TO {
            Self::All(blocks)
        } else {
            Self::Random
        }
    }

    /// Goes through them, the observed one first where all are tried; returns their number.
    fn for_each(self, mut of: impl FnMut(u64)) -> u64 {
        match self {
            Self::All(0) => 0,
            Self::All(blocks) => {
                let half = 1_u64 << (blocks - 1);
                (0..half).for_each(of);
                half
            }
            Self::Random => {
                let mut chance = Chance::new(SEED);
                (0..RANDOM_PATTERNS).for_each(|_| of(chance.bits()));
                RANDOM_PATTERNS
            }
        }
    }

    /// The share as a p. Among random patterns the observed one counts as well, so that none is 0 (Phipson and Smyth 2010).
    fn p(self, extreme: u64, all: u64) -> f64 {
        match self {
            Self::All(0) => 1.0,
            Self::All(_) => extreme as f64 / all as f64,
            Self::Random => (extreme + 1) as f64 / (all + 1) as f64,
        }
    }

    fn share(self, extreme: impl Fn(u64) -> bool) -> f64 {
        let mut count = 0;
        let all = self.for_each(|pattern| count += u64::from(extreme(pattern)));
        self.p(count, all)
    }
}

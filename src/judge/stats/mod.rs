//! Statistics of a comparison, pure functions of numbers. The block is the unit: what happened within one is
//! correlated, so intervals and tests only ever see one value per block and arm (Kalibera and Jones 2013).
//! What the numbers are, and which words follow, is left to the callers.

mod blocks;
mod bootstrap;
mod chance;
mod holm;
pub mod least_squares;
pub mod line;
pub mod scaling;
mod sign_flip;
mod student;
pub mod survival;

pub use blocks::{LogRatios, around};
pub use bootstrap::{Interval, RESAMPLES, studentized};
pub use holm::holm;
pub use sign_flip::{joint_p, sign_flip_p};
pub use student::{Welch, mean_interval, runs_needed};

/// The level of all intervals.
pub const CONFIDENCE: f64 = 0.95;

/// A p below this is taken for a difference.
pub const SIGNIFICANT: f64 = 0.05;

/// The value at a share of what is sorted, nearest rank; 0 of nothing.
fn quantile_of(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1) as f64;
    sorted
        .get((share * last).round() as usize)
        .copied()
        .unwrap_or(0.0)
}

/// The mean and the standard error of the mean; none of fewer than two values, which have no spread.
fn mean_and_error(values: &[f64]) -> Option<(f64, f64)> {
    let n = values.len() as f64;
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((mean, (squares / (n - 1.0) / n).sqrt()))
}

/// Normal noise with a fixed seed, for tests of what is built on this.
#[cfg(test)]
pub(crate) struct Noise(chance::Chance);

#[cfg(test)]
impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(chance::Chance::new(seed))
    }

    pub(crate) fn next(&mut self) -> f64 {
        self.0.normal()
    }

    /// Uniform between 0 and 1, neither of them.
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.0.bits() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }
}

#[cfg(test)]
mod tests;

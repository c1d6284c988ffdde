//! Whether a new version is slower than the one before: two sets of runs, figure by figure. The run is the unit; nothing
//! within one is independent of the rest of it.

mod set;

use serde::Serialize;

use super::stats::{Interval, SIGNIFICANT, Welch, holm, runs_needed};

pub use set::{BASELINE_VERSION, Facts, Figures, RunSet, SetError};

/// A difference smaller than this is of no interest, however sure it is: ±5 %, what an idle machine differs by from day to day.
pub const OF_INTEREST: f64 = 0.05;

/// The difference that a set must be able to find, or it says that it cannot tell: 10 %.
pub const TO_BE_FOUND: f64 = 0.10;

/// How often two sets of the same system may differ by more than the noise band.
pub const LEVEL: f64 = 0.01;

/// How often a difference of [`TO_BE_FOUND`] must be found.
pub const POWER: f64 = 0.95;

/// What is said of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Change {
    /// More of what should be little: time, bytes, CPU.
    Slower,
    /// Less of it.
    Faster,
    /// A difference of 10 % would have been found in 95 % of cases, and none was.
    NoDifference,
    /// The runs differ too much among themselves for their number.
    CannotTell {
        /// How many more each side needs; none: it cannot be said, as a side has fewer than two.
        more_runs: Option<u32>,
    },
}

/// One figure of both sets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// `imap.usable_p50`, `pop3.check.response.p99`.
    pub figure: String,
    /// Geometric mean of the base's runs.
    pub base: f64,
    /// The same of the new ones.
    pub new: f64,
    /// New ÷ base.
    pub ratio: f64,
    /// The ratio's 95 % interval; none where a side has fewer than two runs.
    pub interval: Option<Interval>,
    /// Two-sided p, corrected for the number of figures (Holm).
    pub p: Option<f64>,
    /// How runs of one side differ, as a share.
    pub noise: Option<f64>,
    /// Within this share of 1 a ratio is noise: what two sets of one system differ by in 99 % of cases, and at least [`OF_INTEREST`].
    pub band: Option<f64>,
    /// What follows.
    #[serde(flatten)]
    pub change: Change,
}

/// Compares all figures that both sets have, in the order of their names. Those that are zero in some run, and so have no ratio, are left out.
pub fn compare(base: &RunSet, new: &RunSet) -> Vec<Comparison> {
    let pairs: Vec<(&str, Vec<f64>, Vec<f64>)> = base
        .names()
        .filter_map(|name| {
            let (base, new) = (base.values(name), new.values(name));
            let have = |values: &[f64]| !values.is_empty() && values.iter().all(|it| *it > 0.0);
            (have(&base) && have(&new)).then_some((name, base, new))
        })
        .collect();
    let welch: Vec<Option<Welch>> = pairs
        .iter()
        .map(|(_, base, new)| Welch::of(base, new))
        .collect();
    let ps: Vec<f64> = welch.iter().flatten().map(|welch| welch.p).collect();
    let figures = ps.len();
    let mut adjusted = holm(&ps).into_iter();
    pairs
        .into_iter()
        .zip(welch)
        .map(|((name, base, new), welch)| {
            let p = welch.and_then(|_| adjusted.next());
            let runs = base.len().min(new.len()) as u32;
            let (base, new) = (geometric_mean(&base), geometric_mean(&new));
            Comparison {
                figure: name.to_owned(),
                base,
                new,
                ratio: new / base,
                interval: welch.map(|welch| welch.interval),
                p,
                noise: welch.map(|welch| welch.noise.exp_m1()),
                band: welch.map(|welch| band(&welch).exp_m1()),
                change: match welch.zip(p) {
                    Some((welch, p)) => change(&welch, p, runs, figures),
                    None => Change::CannotTell { more_runs: None },
                },
            }
        })
        .collect()
}

fn geometric_mean(values: &[f64]) -> f64 {
    (values.iter().map(|it| it.ln()).sum::<f64>() / values.len() as f64).exp()
}

/// In logarithms.
fn band(welch: &Welch) -> f64 {
    welch.band(LEVEL).max(OF_INTEREST.ln_1p())
}

fn change(welch: &Welch, p: f64, runs: u32, figures: usize) -> Change {
    let difference = welch.ratio.ln();
    let outside = difference.abs() > band(welch);
    if outside && p <= SIGNIFICANT {
        return if difference > 0.0 {
            Change::Slower
        } else {
            Change::Faster
        };
    }
    // What is outside the band but not sure among so many figures needs the runs that the correction costs.
    let level = if outside {
        LEVEL.min(SIGNIFICANT / figures.max(1) as f64)
    } else {
        LEVEL
    };
    let needed = runs_needed(TO_BE_FOUND.ln_1p(), welch.noise, level, POWER);
    if outside || runs < needed {
        Change::CannotTell {
            more_runs: Some(needed.saturating_sub(runs).max(1)),
        }
    } else {
        Change::NoDifference
    }
}

#[cfg(test)]
mod tests;

//! Two sets of independent runs, which are not paired: Welch's t-test (1947) on logarithms, and how many runs a difference needs.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::bootstrap::Interval;
use super::{CONFIDENCE, mean_and_error};

/// The mean of independent values and its 95 % interval; none of fewer than two.
pub fn mean_interval(values: &[f64]) -> Option<(f64, Interval)> {
    let (mean, error) = mean_and_error(values)?;
    let t = StudentsT::new(0.0, 1.0, values.len() as f64 - 1.0).ok()?;
    let half = t.inverse_cdf(f64::midpoint(1.0, CONFIDENCE)) * error;
    let interval = Interval {
        low: mean - half,
        high: mean + half,
    };
    Some((mean, interval))
}

/// The ratio of two sets of runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Welch {
    /// Geometric mean of the second set ÷ that of the first.
    pub ratio: f64,
    /// Its 95 % interval.
    pub interval: Interval,
    /// Two-sided p of no difference.
    pub p: f64,
    /// How runs of one set differ, as a standard deviation of logarithms (0.03: 3 %).
    pub noise: f64,
    /// Degrees of freedom (Welch and Satterthwaite).
    freedom: f64,
    error: f64,
}

impl Welch {
    /// Compares two sets of values above zero; none where a set has fewer than two or a value is not above zero.
    pub fn of(base: &[f64], new: &[f64]) -> Option<Self> {
        let logs = |values: &[f64]| -> Option<Vec<f64>> {
            let log = |value: &f64| (*value > 0.0 && value.is_finite()).then(|| value.ln());
            values.iter().map(log).collect()
        };
        let (base, new) = (logs(base)?, logs(new)?);
        let (base_mean, base_error) = mean_and_error(&base)?;
        let (new_mean, new_error) = mean_and_error(&new)?;
        let [base_part, new_part] = [base_error.powi(2), new_error.powi(2)];
        let error = (base_part + new_part).sqrt();
        let [base_n, new_n] = [base.len() as f64, new.len() as f64];
        let noise = f64::midpoint(base_part * base_n, new_part * new_n).sqrt();
        let difference = new_mean - base_mean;
        let freedom = if error > 0.0 {
            (base_part + new_part).powi(2)
                / (base_part.powi(2) / (base_n - 1.0) + new_part.powi(2) / (new_n - 1.0))
        } else {
            base_n + new_n - 2.0
        };
        let t = StudentsT::new(0.0, 1.0, freedom).ok()?;
        let p = if error > 0.0 {
            2.0 * t.cdf(-(difference / error).abs())
        } else if difference.abs() > 0.0 {
            0.0
        } else {
            1.0
        };
        let half = t.inverse_cdf(f64::midpoint(1.0, CONFIDENCE)) * error;
        Some(Self {
            ratio: difference.exp(),
            interval: Interval {
                low: (difference - half).exp(),
                high: (difference + half).exp(),
            },
            p,
            noise,
            freedom,
            error,
        })
    }

    /// How far from 1, in logarithms, two sets of the same system may come out in all but `level` of cases.
    pub fn band(&self, level: f64) -> f64 {
        StudentsT::new(0.0, 1.0, self.freedom).map_or(f64::INFINITY, |t| {
            t.inverse_cdf(1.0 - level / 2.0) * self.error
        })
    }
}

/// How many runs each side needs so that a difference of `log_ratio` is found at `level` in `power` of cases, when runs differ by
/// `noise`. The usual formula with normal quantiles, plus the runs that not knowing the noise costs (Guenther 1981).
pub fn runs_needed(log_ratio: f64, noise: f64, level: f64, power: f64) -> u32 {
    let normal = Normal::standard();
    let z = normal.inverse_cdf(1.0 - level / 2.0);
    let runs = 2.0 * ((z + normal.inverse_cdf(power)) * noise / log_ratio).powi(2) + z * z / 4.0;
    runs.ceil().clamp(2.0, f64::from(u32::MAX)) as u32
}

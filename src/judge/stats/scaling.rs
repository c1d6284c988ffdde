//! The Universal Scalability Law (Gunther 1993; Guerrilla Capacity Planning, 2007): throughput against population,
//! X(N) = λN / (1 + σ(N−1) + κN(N−1)). λ is what one user brings, σ the share of the work that waits in line
//! (contention), κ what each pair of users costs (coherency). Divided through, N/X = a + b(N−1) + cN(N−1) with
//! λ = 1/a, σ = b/a, κ = c/a is linear, so the least squares have one solution, found without iterating.

use serde::Serialize;

use super::bootstrap::Interval;
use super::chance::Chance;
use super::{CONFIDENCE, quantile_of};

/// How often residuals are drawn anew. The pivots' tails at 2.5 % then rest on fifty draws each.
const RESAMPLES: usize = 2_000;
/// Chosen once: a fit must not change when a directory is judged again.
const SEED: u64 = 0x7573_6c66_6974_0001;
/// Three parameters; a fit through as many points says nothing of how well it holds.
pub const FEWEST_POPULATIONS: usize = 4;
/// The largest population over the smallest: below it a straight line and a bend look alike.
pub const LEAST_SPAN: f64 = 4.0;

/// One measured point: population, throughput (anything per second).
pub type Point = (f64, f64);

/// The law, fitted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Scaling {
    /// Throughput of one user.
    pub lambda: Parameter,
    /// Contention, 0 to 1.
    pub sigma: Parameter,
    /// Coherency, from 0.
    pub kappa: Parameter,
    /// Where throughput is highest, √((1−σ)/κ); none: it has no highest point.
    pub peak: Option<f64>,
    /// How far points lie from the curve, as a standard deviation relative to it.
    pub scatter: f64,
    /// Points.
    pub points: usize,
}

/// A parameter of the law, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Parameter {
    /// The estimate.
    pub value: f64,
    /// Studentized bootstrap of the residuals (Davison and Hinkley 1997, section 6.3).
    pub interval: Interval,
}

/// Why points carry no fit.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum NoFit {
    /// Too few different populations.
    #[error("{0} different populations, and three parameters need at least {FEWEST_POPULATIONS}")]
    Few(usize),
    /// They lie too close together.
    #[error(
        "the largest population is {0:.1} times the smallest, and a bend shows over a factor of {LEAST_SPAN} at least"
    )]
    Narrow(f64),
    /// No curve of this form goes through them.
    #[error("throughput does not rise with the population as the law has it")]
    Unlike,
}

impl Scaling {
    /// Fits the law to points; each counts by its relative distance, as noise of throughput grows with it.
    ///
    /// # Errors
    /// The points cannot carry it.
    pub fn fit(points: &[Point]) -> Result<Self, NoFit> {
        Self::fit_with(points, RESAMPLES)
    }

    fn fit_with(points: &[Point], resamples: usize) -> Result<Self, NoFit> {
        let points: Vec<Point> = points
            .iter()
            .copied()
            .filter(|(n, x)| *n >= 1.0 && *x > 0.0 && n.is_finite() && x.is_finite())
            .collect();
        let mut populations: Vec<f64> = points.iter().map(|(n, _)| *n).collect();
        populations.sort_by(f64::total_cmp);
        populations.dedup_by(|a, b| (*a - *b).abs() < 0.5);
        let (Some(least), Some(most)) = (populations.first(), populations.last()) else {
            return Err(NoFit::Few(0));
        };
        if populations.len() < FEWEST_POPULATIONS {
            return Err(NoFit::Few(populations.len()));
        }
        if most / least < LEAST_SPAN {
            return Err(NoFit::Narrow(most / least));
        }
        let design = Design::new(&points);
        let free = design.solve([true; 3]).ok_or(NoFit::Unlike)?;
        let held = design.solve_from_zero().ok_or(NoFit::Unlike)?;
        let estimate = Estimate::of(held, design.scale).ok_or(NoFit::Unlike)?;
        let unheld = Estimate::of(free, design.scale).ok_or(NoFit::Unlike)?;
        let intervals = design.intervals(&points, free, unheld, resamples);
        let parameter = |index: usize, least: f64, most: f64| Parameter {
            value: estimate.0[index],
            interval: intervals[index].map(|end| end.clamp(least, most)),
        };
        let [_, sigma, kappa] = estimate.0;
        Ok(Self {
            lambda: parameter(0, 0.0, f64::INFINITY),
            sigma: parameter(1, 0.0, 1.0),
            kappa: parameter(2, 0.0, f64::INFINITY),
            peak: (kappa > 0.0 && sigma < 1.0).then(|| ((1.0 - sigma) / kappa).sqrt()),
            scatter: design.scatter(&points, held),
            points: points.len(),
        })
    }

    /// Throughput at a population.
    pub fn throughput(&self, users: f64) -> f64 {
        let [sigma, kappa] = [self.sigma.value, self.kappa.value];
        self.lambda.value * users / (1.0 + sigma * (users - 1.0) + kappa * users * (users - 1.0))
    }

    /// Whether the points show any bend at all: an interval of contention or coherency that leaves zero out.
    pub fn bends(&self) -> bool {
        self.sigma.interval.low > 0.0 || self.kappa.interval.low > 0.0
    }

    /// The peak, where coherency is shown and not only allowed by the points.
    pub fn shown_peak(&self) -> Option<f64> {
        self.peak.filter(|_| self.kappa.interval.low > 0.0)
    }
}

/// λ, σ, κ.
#[derive(Clone, Copy)]
struct Estimate([f64; 3]);

impl Estimate {
    /// From the coefficients over scaled columns.
    fn of([a, b, c]: [f64; 3], scale: f64) -> Option<Self> {
        (a > 0.0).then(|| Self([1.0 / a, b / scale / a, c / (scale * scale) / a]))
    }
}

/// The columns of the linear form, each point's row divided by its N/X so that relative distances count, and N by
/// the largest population so that the columns are of one size.
struct Design {
    rows: Vec<[f64; 3]>,
    /// Leverage of each point in the free fit.
    leverage: Vec<f64>,
    inverse: [[f64; 3]; 3],
    scale: f64,
}

impl Design {
    fn new(points: &[Point]) -> Self {
        let scale = points.iter().map(|(n, _)| *n).fold(1.0, f64::max);
        let columns = |n: f64| [1.0, (n - 1.0) / scale, n * (n - 1.0) / (scale * scale)];
        let rows: Vec<[f64; 3]> = points
            .iter()
            .map(|(n, x)| columns(*n).map(|value| value * x / n))
            .collect();
        let inverse = inverse(normal(&rows)).unwrap_or([[0.0; 3]; 3]);
        let leverage = rows
            .iter()
            .map(|row| quadratic(&inverse, row).min(0.95))
            .collect();
        Self {
            rows,
            leverage,
            inverse,
            scale,
        }
    }

    /// Least squares over the chosen columns against a right side of ones; the others are held at zero.
    fn solve(&self, chosen: [bool; 3]) -> Option<[f64; 3]> {
        self.solve_for(&vec![1.0; self.rows.len()], chosen)
    }

    fn solve_for(&self, right: &[f64], chosen: [bool; 3]) -> Option<[f64; 3]> {
        let kept: Vec<[f64; 3]> = self
            .rows
            .iter()
            .map(|row| std::array::from_fn(|i| if chosen[i] { row[i] } else { 0.0 }))
            .collect();
        let mut matrix = normal(&kept);
        for (index, chosen) in chosen.into_iter().enumerate() {
            if !chosen {
                matrix[index][index] = 1.0;
            }
        }
        let inverse = inverse(matrix)?;
        let mut sums = [0.0; 3];
        for (row, value) in kept.iter().zip(right) {
            for (sum, cell) in sums.iter_mut().zip(row) {
                *sum += cell * value;
            }
        }
        Some(std::array::from_fn(|i| {
            inverse[i].iter().zip(&sums).map(|(m, s)| m * s).sum()
        }))
    }

    /// The best of all solutions without a negative contention or coherency.
    fn solve_from_zero(&self) -> Option<[f64; 3]> {
        let choices = [
            [true, true, true],
            [true, true, false],
            [true, false, true],
            [true, false, false],
        ];
        choices
            .into_iter()
            .filter_map(|chosen| self.solve(chosen))
            .filter(|solution| solution[0] > 0.0 && solution[1] >= 0.0 && solution[2] >= 0.0)
            .min_by(|one, other| self.squares(one).total_cmp(&self.squares(other)))
    }

    fn residual(&self, row: usize, solution: &[f64; 3]) -> f64 {
        let fitted: f64 = self.rows[row]
            .iter()
            .zip(solution)
            .map(|(x, b)| x * b)
            .sum();
        1.0 - fitted
    }

    fn squares(&self, solution: &[f64; 3]) -> f64 {
        (0..self.rows.len())
            .map(|row| self.residual(row, solution).powi(2))
            .sum()
    }

    fn scatter(&self, points: &[Point], solution: [f64; 3]) -> f64 {
        (self.squares(&solution) / (points.len() as f64 - 3.0).max(1.0)).sqrt()
    }

    /// Standard errors of λ, σ, κ by the delta method, for residuals of this variance.
    fn errors(&self, [a, b, c]: [f64; 3], variance: f64) -> [f64; 3] {
        let scale = self.scale;
        let gradients = [
            [-1.0 / (a * a), 0.0, 0.0],
            [-b / scale / (a * a), 1.0 / scale / a, 0.0],
            [
                -c / (scale * scale) / (a * a),
                0.0,
                1.0 / (scale * scale) / a,
            ],
        ];
        gradients.map(|gradient| {
            (quadratic(&self.inverse, &gradient) * variance)
                .max(0.0)
                .sqrt()
        })
    }

    /// Residuals, made as wide as the errors are that they stand for, are drawn anew and laid over the fitted curve; how far the
    /// refitted parameters lie from the first, in their own standard errors, gives the ends.
    fn intervals(
        &self,
        points: &[Point],
        free: [f64; 3],
        estimate: Estimate,
        resamples: usize,
    ) -> [Interval; 3] {
        let count = points.len();
        let freedom = (count as f64 - 3.0).max(1.0);
        let errors = self.errors(free, self.squares(&free) / freedom);
        let raw: Vec<f64> = (0..count)
            .map(|row| self.residual(row, &free) / (1.0 - self.leverage[row]).sqrt())
            .collect();
        let mean = raw.iter().sum::<f64>() / count as f64;
        let fitted: Vec<f64> = (0..count)
            .map(|row| 1.0 - self.residual(row, &free))
            .collect();
        let mut chance = Chance::new(SEED);
        let mut pivots: [Vec<f64>; 3] = Default::default();
        let mut right = vec![0.0; count];
        for _ in 0..resamples {
            for (place, fitted) in right.iter_mut().zip(&fitted) {
                *place = fitted + raw[chance.below(count)] - mean;
            }
            let Some(again) = self.solve_for(&right, [true; 3]) else {
                continue;
            };
            let Some(its) = Estimate::of(again, self.scale) else {
                continue;
            };
            let squares: f64 = right
                .iter()
                .zip(&self.rows)
                .map(|(right, row)| {
                    let fitted: f64 = row.iter().zip(&again).map(|(x, b)| x * b).sum();
                    (right - fitted).powi(2)
                })
                .sum();
            let its_errors = self.errors(again, squares / freedom);
            for index in 0..3 {
                if its_errors[index] > 0.0 {
                    pivots[index].push((its.0[index] - estimate.0[index]) / its_errors[index]);
                }
            }
        }
        let tail = (1.0 - CONFIDENCE) / 2.0;
        std::array::from_fn(|index| {
            let pivots = &mut pivots[index];
            pivots.sort_by(f64::total_cmp);
            let value = estimate.0[index];
            // A pivot too high means an estimate too high: the ends change sides.
            Interval {
                low: value - quantile_of(pivots, 1.0 - tail) * errors[index],
                high: value - quantile_of(pivots, tail) * errors[index],
            }
        })
    }
}

fn normal(rows: &[[f64; 3]]) -> [[f64; 3]; 3] {
    std::array::from_fn(|i| std::array::from_fn(|j| rows.iter().map(|row| row[i] * row[j]).sum()))
}

fn quadratic(matrix: &[[f64; 3]; 3], vector: &[f64; 3]) -> f64 {
    (0..3)
        .map(|i| vector[i] * (0..3).map(|j| matrix[i][j] * vector[j]).sum::<f64>())
        .sum()
}

/// By the cross products of its rows; none where the columns depend on each other.
fn inverse(matrix: [[f64; 3]; 3]) -> Option<[[f64; 3]; 3]> {
    let columns: [[f64; 3]; 3] =
        std::array::from_fn(|i| cross(&matrix[(i + 1) % 3], &matrix[(i + 2) % 3]));
    let determinant: f64 = matrix[0].iter().zip(columns[0]).map(|(m, c)| m * c).sum();
    let size: f64 = (0..3)
        .map(|i| matrix[i][i].abs().max(f64::MIN_POSITIVE))
        .product();
    (determinant.abs() > 1e-12 * size)
        .then(|| std::array::from_fn(|i| std::array::from_fn(|j| columns[j][i] / determinant)))
}

fn cross(one: &[f64; 3], other: &[f64; 3]) -> [f64; 3] {
    std::array::from_fn(|i| {
        one[(i + 1) % 3] * other[(i + 2) % 3] - one[(i + 2) % 3] * other[(i + 1) % 3]
    })
}

#[cfg(test)]
mod tests;

//! Least squares with a few regressors, and intervals by the jackknife over groups of observations (Wu 1986): each group is left
//! out in turn, so what is correlated within a group, or scattered more in some than in others, does not narrow the intervals.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::CONFIDENCE;
use super::bootstrap::Interval;

/// What is left of a column, relative to its own size, when it is no more than rounding.
const ROUNDING: f64 = 1e-9;

/// Observations of y beside regressors. There is no intercept but for a regressor that stands for one.
#[derive(Debug)]
pub struct LeastSquares {
    /// Each as long as `y`.
    columns: Vec<Vec<f64>>,
    y: Vec<f64>,
    /// Which group each observation is of.
    groups: Vec<usize>,
}

/// A coefficient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficient {
    /// The estimate.
    pub value: f64,
    /// Its 95 % interval; none with fewer groups than asked for.
    pub interval: Option<Interval>,
}

impl LeastSquares {
    /// Of observations and the groups that they are of, without regressors as yet.
    pub const fn new(y: Vec<f64>, groups: Vec<usize>) -> Self {
        Self {
            columns: Vec::new(),
            y,
            groups,
        }
    }

    /// Adds a regressor.
    pub fn add(&mut self, column: Vec<f64>) {
        self.columns.push(column);
    }

    /// How many times wider the others make the interval of a further regressor, squared (the variance inflation factor), against
    /// that beside the first one alone. None: it does not vary, or is a sum of the others.
    pub fn inflation(&self, column: &[f64]) -> Option<f64> {
        let alone = left_of(&self.columns[..self.columns.len().min(1)], column)?;
        let beside = left_of(&self.columns, column)?;
        Some(alone / beside)
    }

    /// The coefficients, in the order of the regressors. Intervals need at least `groups_needed` groups; none at all where the
    /// regressors do not determine them.
    pub fn fit(&self, groups_needed: usize) -> Option<Vec<Coefficient>> {
        let size = self.columns.len();
        let count = self.groups.iter().max().map_or(0, |last| last + 1);
        let mut sums = vec![Sums::new(size); count];
        for (row, group) in self.groups.iter().enumerate() {
            let x: Vec<f64> = self.columns.iter().map(|column| column[row]).collect();
            sums[*group].add(&x, self.y[row]);
        }
        let mut all = Sums::new(size);
        for sum in &sums {
            all.merge(sum, 1.0);
        }
        let values = all.solve()?;
        let without = |sum: &Sums| {
            let mut rest = all.clone();
            rest.merge(sum, -1.0);
            rest.solve()
        };
        let left_out: Option<Vec<Vec<f64>>> = (count >= groups_needed.max(2))
            .then(|| sums.iter().map(without).collect())
            .flatten();
        let intervals = left_out.and_then(|left_out| jackknife(&values, &left_out));
        let coefficient = |(index, value): (usize, &f64)| Coefficient {
            value: *value,
            interval: intervals.as_ref().map(|intervals| intervals[index]),
        };
        Some(values.iter().enumerate().map(coefficient).collect())
    }
}

/// The correlation of two columns, without its sign; 0 where one does not vary.
pub fn alike(a: &[f64], b: &[f64]) -> f64 {
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len().max(1) as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let [mut ab, mut aa, mut bb] = [0.0; 3];
    for (a, b) in a.iter().zip(b) {
        ab += (a - mean_a) * (b - mean_b);
        aa += (a - mean_a).powi(2);
        bb += (b - mean_b).powi(2);
    }
    let size = (aa * bb).sqrt();
    if size > 0.0 { ab.abs() / size } else { 0.0 }
}

/// From the estimates without each group.
fn jackknife(values: &[f64], left_out: &[Vec<f64>]) -> Option<Vec<Interval>> {
    let groups = left_out.len() as f64;
    let t = StudentsT::new(0.0, 1.0, groups - 1.0).ok()?;
    let t = t.inverse_cdf(f64::midpoint(1.0, CONFIDENCE));
    let interval = |(index, value): (usize, &f64)| {
        let of = |estimate: &Vec<f64>| estimate[index];
        let mean = left_out.iter().map(of).sum::<f64>() / groups;
        let squares: f64 = left_out.iter().map(|it| (of(it) - mean).powi(2)).sum();
        let half = t * (squares * (groups - 1.0) / groups).sqrt();
        Interval {
            low: value - half,
            high: value + half,
        }
    };
    Some(values.iter().enumerate().map(interval).collect())
}

/// The square of what others leave of a column; none: nothing but rounding.
fn left_of(columns: &[Vec<f64>], column: &[f64]) -> Option<f64> {
    let mut sums = Sums::new(columns.len());
    for (row, y) in column.iter().enumerate() {
        let x: Vec<f64> = columns.iter().map(|column| column[row]).collect();
        sums.add(&x, *y);
    }
    let values = sums.solve()?;
    let left: f64 = column
        .iter()
        .enumerate()
        .map(|(row, y)| {
            let explained: f64 = columns.iter().zip(&values).map(|(x, b)| x[row] * b).sum();
            (y - explained).powi(2)
        })
        .sum();
    let whole: f64 = column.iter().map(|y| y * y).sum();
    (left > ROUNDING * whole).then_some(left)
}

/// Sums of products, from which the coefficients follow.
#[derive(Clone, Debug)]
struct Sums {
    xx: Vec<Vec<f64>>,
    xy: Vec<f64>,
}

impl Sums {
    fn new(size: usize) -> Self {
        Self {
            xx: vec![vec![0.0; size]; size],
            xy: vec![0.0; size],
        }
    }

    fn add(&mut self, x: &[f64], y: f64) {
        for (row, a) in x.iter().enumerate() {
            for (column, b) in x.iter().enumerate() {
                self.xx[row][column] += a * b;
            }
            self.xy[row] += a * y;
        }
    }

    fn merge(&mut self, other: &Self, sign: f64) {
        for (row, others) in self.xx.iter_mut().zip(&other.xx) {
            for (sum, other) in row.iter_mut().zip(others) {
                *sum += sign * other;
            }
        }
        for (sum, other) in self.xy.iter_mut().zip(&other.xy) {
            *sum += sign * other;
        }
    }

    /// By elimination, in which the regressors are brought to one size first. None: they do not determine it.
    fn solve(&self) -> Option<Vec<f64>> {
        let size = self.xy.len();
        let scale: Vec<f64> = (0..size).map(|at| self.xx[at][at].sqrt()).collect();
        if scale.iter().any(|size| !size.is_normal()) {
            return None;
        }
        let mut rows: Vec<Vec<f64>> = (0..size)
            .map(|row| {
                let scaled = |column: usize| self.xx[row][column] / scale[row] / scale[column];
                let y = self.xy[row] / scale[row];
                (0..size).map(scaled).chain([y]).collect()
            })
            .collect();
        for at in 0..size {
            // The matrix is positive definite, so the pivots are on its diagonal.
            let pivot = rows[at].clone();
            if pivot[at] < ROUNDING {
                return None;
            }
            for (number, row) in rows.iter_mut().enumerate() {
                if number != at {
                    let factor = row[at] / pivot[at];
                    for (value, its) in row.iter_mut().zip(&pivot) {
                        *value -= factor * its;
                    }
                }
            }
        }
        let value = |at: usize| rows[at][size] / rows[at][at] / scale[at];
        Some((0..size).map(value).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::stats::Noise;

    /// y = 3 + 0.5 a − 2 b, with noise that grows with a and keeps for five observations in a row.
    fn noisy(noise: &mut Noise) -> LeastSquares {
        let count = 100;
        let a: Vec<f64> = (0..count).map(|_| noise.next().abs() * 4.0).collect();
        let b: Vec<f64> = (0..count).map(|_| noise.next()).collect();
        let mut kept = 0.0;
        let y = (0..count).map(|n| {
            if n % 5 == 0 {
                kept = noise.next();
            }
            3.0 + 0.5 * a[n] - 2.0 * b[n] + kept + 0.3 * a[n] * noise.next()
        });
        let y: Vec<f64> = y.collect();
        let mut squares = LeastSquares::new(y, (0..count).map(|n| n / 5).collect());
        squares.add(vec![1.0; count]);
        squares.add(a);
        squares.add(b);
        squares
    }

    #[test]
    fn coefficients_are_found_and_held_as_often_as_is_said() {
        let mut noise = Noise::new(11);
        let mut held = [0; 3];
        for _ in 0..600 {
            let fit = noisy(&mut noise).fit(6).unwrap();
            for ((held, truth), it) in held.iter_mut().zip([3.0, 0.5, -2.0]).zip(&fit) {
                *held += u32::from(it.interval.unwrap().holds(truth));
            }
        }
        // 95 % of 600 is 570; three standard deviations are 16.
        assert!(held.iter().all(|it| (550..=592).contains(it)), "{held:?}");
    }

    #[test]
    fn regressors_that_go_together_are_noticed() {
        let a: Vec<f64> = (0..40).map(f64::from).collect();
        let nearly: Vec<f64> = a.iter().map(|x| 2.0 * x + 0.01 * (x % 3.0)).collect();
        let twice: Vec<f64> = a.iter().map(|x| 2.0 * x + 1.0).collect();
        let other: Vec<f64> = a.iter().map(|x| x % 2.0).collect();
        let mut squares = LeastSquares::new(a.clone(), (0..40).map(|n| n / 5).collect());
        squares.add(vec![1.0; 40]);
        assert_eq!(squares.inflation(&[7.0; 40]), None, "it does not vary");
        squares.add(a);
        assert!(squares.inflation(&nearly).unwrap() > 1_000.0);
        assert_eq!(squares.inflation(&twice), None);
        assert!(squares.inflation(&other).unwrap() < 1.1);
        squares.add(twice);
        assert_eq!(squares.fit(6), None);
    }

    #[test]
    fn few_groups_give_no_interval() {
        let mut squares = LeastSquares::new(vec![2.0, 4.0, 6.0], vec![0, 1, 2]);
        squares.add(vec![1.0, 2.0, 3.0]);
        let fit = squares.fit(4).unwrap();
        assert!((fit[0].value - 2.0).abs() < 1e-9);
        assert_eq!(fit[0].interval, None);
        assert_eq!(
            LeastSquares::new(Vec::new(), Vec::new()).fit(2),
            Some(Vec::new())
        );
    }
}

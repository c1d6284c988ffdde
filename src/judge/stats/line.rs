//! A straight line through points by least squares, with the interval of its slope by Student's t.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::CONFIDENCE;
use super::bootstrap::Interval;
use super::scaling::Point;

/// y = intercept + slope · x.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Where it begins.
    pub intercept: f64,
    /// What each further unit brings.
    pub slope: f64,
    /// The slope's 95 % interval; none of two points, which have no spread.
    pub interval: Option<Interval>,
}

impl Line {
    /// Through points; none of fewer than two different places.
    pub fn through(points: &[Point]) -> Option<Self> {
        let n = points.len() as f64;
        let [sum_x, sum_y] = points
            .iter()
            .fold([0.0, 0.0], |[x, y], point| [x + point.0, y + point.1]);
        let (mean_x, mean_y) = (sum_x / n, sum_y / n);
        let squares: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        if squares.is_nan() || squares <= 0.0 {
            return None;
        }
        let products: f64 = points
            .iter()
            .map(|(x, y)| (x - mean_x) * (y - mean_y))
            .sum();
        let slope = products / squares;
        let intercept = mean_y - slope * mean_x;
        let rest: f64 = points
            .iter()
            .map(|(x, y)| (y - intercept - slope * x).powi(2))
            .sum();
        let freedom = n - 2.0;
        let interval = StudentsT::new(0.0, 1.0, freedom).ok().map(|t| {
            let half =
                t.inverse_cdf(f64::midpoint(1.0, CONFIDENCE)) * (rest / freedom / squares).sqrt();
            Interval {
                low: slope - half,
                high: slope + half,
            }
        });
        Some(Self {
            intercept,
            slope,
            interval,
        })
    }

    /// y at x.
    pub fn at(&self, x: f64) -> f64 {
        self.intercept + self.slope * x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::stats::Noise;

    #[test]
    fn a_line_is_found_and_its_slope_held_as_often_as_is_said() {
        assert_eq!(Line::through(&[(1.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(Line::through(&[]), None);
        let line = Line::through(&[(0.0, 1.0), (2.0, 5.0)]).unwrap();
        assert_eq!(
            (line.intercept, line.slope, line.interval),
            (1.0, 2.0, None)
        );
        assert!((line.at(10.0) - 21.0).abs() < 1e-9);
        let mut noise = Noise::new(5);
        let mut held = 0;
        for _ in 0..1_000 {
            let points: Vec<Point> = (1..=8)
                .map(|x| (f64::from(x), 3.0 + 0.5 * f64::from(x) + noise.next()))
                .collect();
            let line = Line::through(&points).unwrap();
            held += u32::from(line.interval.unwrap().holds(0.5));
        }
        assert!((930..=970).contains(&held), "{held}");
    }
}

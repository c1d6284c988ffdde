//! What charts need of a run directory beside the judgement: response times and what was sampled over time.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::chart::{Curve, OPERATIONS, SHARES};
use crate::metrics::Operation;
use crate::metrics::row::{ErrorRow, GeneratorRow, ServerRow};
use crate::rundir::{self, RunDir, Time};
use crate::scenario::{Arm, Phase};

/// Rows and curves, read once.
pub(super) struct Material {
    pub curves: Vec<Curve>,
    pub server: Vec<ServerRow>,
    pub generator: Vec<GeneratorRow>,
    pub errors: Vec<ErrorRow>,
}

impl Material {
    pub(super) fn read(run: &RunDir) -> Result<Self, rundir::Error> {
        Ok(Self {
            curves: curves(run)?,
            server: run.server()?,
            generator: run.generator()?,
            errors: run.errors()?,
        })
    }
}

/// Histograms of all devices and blocks merged; percentiles are never averaged.
fn curves(run: &RunDir) -> Result<Vec<Curve>, rundir::Error> {
    let histograms = run.latencies(|label| {
        label.time == Time::Response
            && label.key.phase == Phase::Measure
            && label.key.device.is_some()
            && OPERATIONS.contains(&label.key.operation)
    })?;
    let mut merged: BTreeMap<(Operation, Arm), Histogram<u64>> = BTreeMap::new();
    for (label, histogram) in histograms {
        let name = (label.key.operation, label.cell.arm);
        if let Some(sum) = merged.get_mut(&name) {
            // Same bounds and digits on both sides, so nothing can be out of range.
            let _ = sum.add(&histogram);
        } else {
            merged.insert(name, histogram);
        }
    }
    Ok(merged
        .into_iter()
        .filter(|(_, histogram)| !histogram.is_empty())
        .map(|((operation, arm), histogram)| Curve {
            operation,
            arm,
            n: histogram.len(),
            points: points(&histogram),
        })
        .collect())
}

/// The curve up to the last share that so many values can show, and the slowest.
fn points(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    let n = histogram.len() as f64;
    SHARES
        .into_iter()
        .filter(|share| 1.0 - share >= 1.0 / n || *share == 0.0)
        .map(|share| {
            let us = if share == 0.0 {
                histogram.min()
            } else {
                histogram.value_at_quantile(share)
            };
            (share, us as f64 / 1000.0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_ends_where_its_values_end() {
        let mut histogram = Histogram::<u64>::new(3).unwrap();
        for us in 1..=100 {
            histogram.record(us * 1000).unwrap();
        }
        let points = points(&histogram);
        assert!((points[0].1 - 1.0).abs() < 0.01);
        assert!((points.last().unwrap().0 - 0.99).abs() < 1e-9);
        assert!(points.windows(2).all(|pair| pair[0].1 <= pair[1].1));
    }
}

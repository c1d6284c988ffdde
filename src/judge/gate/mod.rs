//! Gates: which figure of a run one names, what the run left of it, and whether that meets the limit. No data is a failure.
//!
//! A figure's name is `ARM.` followed by
//! - `[DEVICE.]OPERATION.lag|service|response.p50|p99|p99.9|max|mean`, from histograms merged over all blocks;
//! - `[DEVICE.]OPERATION.count|errors|rx_bytes|tx_bytes|wire_rx_bytes|wire_tx_bytes|round_trips`, summed over the measured
//!   phases; with `.rate` per second, `errors.share` of the operations in percent, the others' `.mean` per operation;
//! - `server.COLUMN.max|mean|last` and `generator.COLUMN.max|mean|last`, columns of these CSVs, or `cpu` (mean number of processors);
//! - a metric of `comparison.csv`.

mod figure;
mod name;

use serde::Serialize;

use super::Judgement;
use crate::metrics::row::{GeneratorRow, OperationRow, ServerRow};
use crate::rundir::{self, RunDir};
use crate::scenario::{Arm, Dimension, Gate, GateError};

pub use name::Figure;

/// What gates are held against.
pub struct Material<'a> {
    run: &'a RunDir,
    judgement: &'a Judgement,
    operations: Vec<OperationRow>,
    server: Vec<ServerRow>,
    generator: Vec<GeneratorRow>,
}

/// A gate and what the run says of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The gate as it was written.
    pub gate: String,
    /// The figure in the limit's base unit (µs, bytes, percent, a number); none: the run left nothing of it.
    pub observed: Option<f64>,
    /// What that is a number of.
    #[serde(skip)]
    pub dimension: Dimension,
    /// It meets the limit.
    pub passed: bool,
}

/// Understands gates, or says which of them names no figure.
///
/// # Errors
/// The first mistake, with its place and what may have been meant.
pub fn understand(gates: &[Gate], arms: &[Arm]) -> Result<Vec<Figure>, GateError> {
    gates
        .iter()
        .map(|gate| name::understand(gate, arms))
        .collect()
}

impl<'a> Material<'a> {
    /// Reads what gates can ask for.
    pub fn read(run: &'a RunDir, judgement: &'a Judgement) -> Result<Self, rundir::Error> {
        Ok(Self {
            run,
            judgement,
            operations: run.ops()?,
            server: run.server()?,
            generator: run.generator()?,
        })
    }

    /// Holds each gate against the run.
    ///
    /// # Errors
    /// The histograms cannot be read.
    pub fn check(&self, gates: &[Gate], figures: &[Figure]) -> Result<Vec<Outcome>, rundir::Error> {
        gates
            .iter()
            .zip(figures)
            .map(|(gate, figure)| {
                let observed = self.value(figure)?;
                Ok(Outcome {
                    gate: gate.to_string(),
                    observed,
                    dimension: gate.limit().dimension,
                    passed: observed.is_some_and(|value| gate.holds(value)),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;

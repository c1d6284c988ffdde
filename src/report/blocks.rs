//! `blocks.csv`: each figure block by block, for statistics of one's own; and `agreement.csv` and `predictions.csv`, so that every number
//! of the report stands in a CSV file.

use std::io::Write;

use serde::Serialize;

use crate::judge::Judgement;
use crate::judge::comparison::rounded;
use crate::judge::prediction::RTTS_MS;
use crate::scenario::Arm;

/// Each figure block by block.
pub const BLOCKS: &str = "blocks.csv";
/// What all devices of a person can show at the end.
pub const AGREEMENT: &str = "agreement.csv";
/// What steps would take on other networks.
pub const PREDICTIONS: &str = "predictions.csv";

#[derive(Serialize)]
struct BlockLine {
    row: u8,
    arm: Arm,
    metric: &'static str,
    unit: String,
    block: u32,
    value: f64,
}

/// Writes `blocks.csv`.
pub(super) fn write_blocks(judgement: &Judgement, out: impl Write) -> Result<(), csv::Error> {
    let mut csv = csv::Writer::from_writer(out);
    for row in &judgement.rows {
        for (arm, figure) in row
            .arms
            .iter()
            .flat_map(|arm| arm.figures.iter().map(|figure| (arm.arm, figure)))
        {
            for (block, value) in &figure.blocks {
                csv.serialize(BlockLine {
                    row: row.document.number,
                    arm,
                    metric: figure.metric.name,
                    unit: figure.metric.unit.to_string(),
                    block: *block,
                    value: rounded(*value),
                })?;
            }
        }
    }
    csv.flush()?;
    Ok(())
}

#[derive(Serialize)]
struct AgreementLine {
    arm: Arm,
    on_all: u64,
    on_any: u64,
}

/// Writes `agreement.csv`.
pub(super) fn write_agreement(judgement: &Judgement, out: impl Write) -> Result<(), csv::Error> {
    let mut csv = csv::Writer::from_writer(out);
    for (arm, agreement) in &judgement.consistency.agreement {
        csv.serialize(AgreementLine {
            arm: *arm,
            on_all: agreement.on_all,
            on_any: agreement.on_any,
        })?;
    }
    csv.flush()?;
    Ok(())
}

/// The column of `predictions.csv` for the round-trip time of that index.
pub(super) fn rtt_column(index: usize) -> String {
    format!("at_{}_ms", RTTS_MS[index])
}

/// Writes `predictions.csv`.
pub(super) fn write_predictions(judgement: &Judgement, out: impl Write) -> Result<(), csv::Error> {
    let mut csv = csv::Writer::from_writer(out);
    let fixed = [
        "arm",
        "step",
        "n",
        "round_trips",
        "measured_ms",
        "server_ms",
    ]
    .map(str::to_owned);
    csv.write_record(fixed.into_iter().chain((0..RTTS_MS.len()).map(rtt_column)))?;
    for step in &judgement.predictions {
        let numbers = [step.round_trips, step.measured_ms, step.server_ms];
        let numbers = numbers.into_iter().chain(step.predicted_ms);
        let names = [
            step.arm.to_string(),
            step.step.to_string(),
            step.n.to_string(),
        ];
        let numbers = numbers.map(|value| rounded(value).to_string());
        csv.write_record(names.into_iter().chain(numbers))?;
    }
    csv.flush()?;
    Ok(())
}

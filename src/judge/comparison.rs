//! `comparison.csv`: the table for machines, one line per row of the document, arm and metric; and `ratios.csv`, the arms
//! side by side, whose columns would not fit the fixed ones of the first.

use std::io::Write;

use serde::{Deserialize, Serialize};

use super::{Column, DOCUMENT, Judgement, Lineup, Verdict};
use crate::scenario::Arm;

/// A line of `comparison.csv`. The column names are fixed: scripts rely on them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparisonRow {
    /// The document's row, 1 to 8.
    pub row: u8,
    /// The row's label and the document's word for this protocol, in English.
    pub claim: String,
    /// What was measured against.
    pub target: String,
    /// The arm.
    pub arm: Arm,
    /// The metric's name; `results/README.md` explains each.
    pub metric: String,
    /// Its value; empty: not measured.
    pub value: Option<f64>,
    /// Its unit.
    pub unit: String,
    /// 95 % interval of the value; empty with fewer than six blocks.
    pub low: Option<f64>,
    /// See `low`.
    pub high: Option<f64>,
    /// Observations behind the value.
    pub n: u64,
    /// The verdict on the claim, the same on each line of the row and arm; `not-measured` on a line without a value.
    pub verdict: Verdict,
}

/// The lines of a judgement.
pub fn lines(judgement: &Judgement) -> Vec<ComparisonRow> {
    let mut lines = Vec::new();
    for row in &judgement.rows {
        for arm in &row.arms {
            let word = row.document.word(arm.arm.protocol());
            for figure in &arm.figures {
                lines.push(ComparisonRow {
                    row: row.document.number,
                    claim: format!("{}: {}", row.document.english, word.english),
                    target: judgement.setting.target.clone(),
                    arm: arm.arm,
                    metric: figure.metric.name.to_owned(),
                    value: figure.value.map(rounded),
                    unit: figure.metric.unit.to_string(),
                    low: figure.low.map(rounded),
                    high: figure.high.map(rounded),
                    n: figure.n,
                    verdict: if figure.value.is_some() {
                        arm.verdict
                    } else {
                        Verdict::NotMeasured
                    },
                });
            }
        }
    }
    lines
}

/// The lines of several targets, one after another. A target without a run has the same lines, without values.
pub fn lineup_lines(lineup: &Lineup) -> Vec<ComparisonRow> {
    let lines = |column: &Column| match &column.result {
        Ok(judgement) => {
            let mut lines = lines(judgement);
            for line in &mut lines {
                line.target.clone_from(&column.target);
            }
            lines
        }
        Err(_) => lines_without_values(&column.target, &lineup.arms),
    };
    lineup.columns.iter().flat_map(lines).collect()
}

fn lines_without_values(target: &str, arms: &[Arm]) -> Vec<ComparisonRow> {
    let mut lines = Vec::new();
    for row in &DOCUMENT {
        for arm in arms {
            let word = row.word(arm.protocol());
            lines.extend(row.metrics.iter().map(|metric| ComparisonRow {
                row: row.number,
                claim: format!("{}: {}", row.english, word.english),
                target: target.to_owned(),
                arm: *arm,
                metric: metric.name.to_owned(),
                value: None,
                unit: metric.unit.to_string(),
                low: None,
                high: None,
                n: 0,
                verdict: Verdict::NotMeasured,
            }));
        }
    }
    lines
}

/// Writes the lines of a judgement with their header.
pub fn write(judgement: &Judgement, out: impl Write) -> Result<(), csv::Error> {
    write_lines(lines(judgement), out)
}

/// A line of `ratios.csv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatioRow {
    /// The document's row, 1 to 8.
    pub row: u8,
    /// What was measured against.
    pub target: String,
    /// The arm above the line.
    pub arm: Arm,
    /// The arm below it.
    pub over: Arm,
    /// The metric's name.
    pub metric: String,
    /// Geometric mean of the blocks' ratios.
    pub ratio: f64,
    /// Its 95 % interval; empty with fewer than six blocks.
    pub low: Option<f64>,
    /// See `low`.
    pub high: Option<f64>,
    /// Exact sign-flip p of this metric alone.
    pub p: f64,
    /// The same, corrected for all metrics that a verdict rests on; empty where none does.
    pub p_adjusted: Option<f64>,
    /// Blocks that have both.
    pub blocks: u32,
}

/// Writes the ratios of a judgement with their header.
pub fn write_ratios(judgement: &Judgement, out: impl Write) -> Result<(), csv::Error> {
    let mut csv = csv::WriterBuilder::new()
        .has_headers(false)
        .from_writer(out);
    // A run of one protocol has no ratios, and a header all the same.
    csv.write_record(RATIO_COLUMNS)?;
    for row in &judgement.rows {
        for ratio in &row.ratios {
            csv.serialize(RatioRow {
                row: row.document.number,
                target: judgement.setting.target.clone(),
                arm: ratio.arm,
                over: ratio.over,
                metric: ratio.metric.name.to_owned(),
                ratio: rounded(ratio.value),
                low: ratio.interval.map(|interval| rounded(interval.low)),
                high: ratio.interval.map(|interval| rounded(interval.high)),
                p: rounded(ratio.p),
                p_adjusted: ratio.p_adjusted.map(rounded),
                blocks: ratio.blocks,
            })?;
        }
    }
    csv.flush()?;
    Ok(())
}

const RATIO_COLUMNS: [&str; 11] = [
    "row",
    "target",
    "arm",
    "over",
    "metric",
    "ratio",
    "low",
    "high",
    "p",
    "p_adjusted",
    "blocks",
];

/// Writes the lines of several targets with their header.
pub fn write_lineup(lineup: &Lineup, out: impl Write) -> Result<(), csv::Error> {
    write_lines(lineup_lines(lineup), out)
}

fn write_lines(lines: Vec<ComparisonRow>, out: impl Write) -> Result<(), csv::Error> {
    let mut csv = csv::Writer::from_writer(out);
    for line in lines {
        csv.serialize(line)?;
    }
    csv.flush()?;
    Ok(())
}

/// Six significant digits: more than any of the measurements has.
pub fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = 5 - value.abs().log10().floor() as i32;
    if digits <= 0 {
        return value.round();
    }
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{DOCUMENT, judge, synthetic};

    fn written() -> String {
        let mut out = Vec::new();
        write(&judge(&synthetic::as_the_document_says()), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_columns_are_the_fixed_ones() {
        assert_eq!(
            written().lines().next(),
            Some("row,claim,target,arm,metric,value,unit,low,high,n,verdict")
        );
    }

    #[test]
    fn there_is_a_line_per_row_arm_and_metric() {
        let metrics: usize = DOCUMENT.iter().map(|row| row.metrics.len()).sum();
        assert_eq!(written().lines().count(), 1 + 2 * metrics);
    }

    #[test]
    fn a_line_reads_back_as_it_was_written() {
        let judgement = judge(&synthetic::as_the_document_says());
        let mut reader =
            csv::Reader::from_reader(written().into_bytes().as_slice().to_vec().leak() as &[u8]);
        let read: Vec<ComparisonRow> = reader.deserialize().map(Result::unwrap).collect();
        assert_eq!(read, lines(&judgement));
    }

    #[test]
    fn a_metric_without_observations_has_no_value_and_is_not_measured() {
        let mut evidence = synthetic::as_the_document_says();
        evidence.openings.clear();
        let lines = lines(&judge(&evidence));
        let line = lines
            .iter()
            .find(|line| line.metric == "opened_local")
            .unwrap();
        assert_eq!(line.value, None);
        assert_eq!(line.n, 0);
        assert_eq!(line.verdict, Verdict::NotMeasured);
    }

    #[test]
    fn ratios_read_back_and_have_intervals_from_six_blocks_on() {
        for (blocks, with_intervals) in [(2, false), (6, true)] {
            let judgement = judge(&synthetic::with_blocks(blocks));
            let mut out = Vec::new();
            write_ratios(&judgement, &mut out).unwrap();
            let mut reader = csv::Reader::from_reader(out.as_slice());
            assert_eq!(reader.headers().unwrap(), RATIO_COLUMNS.as_slice());
            let rows: Vec<RatioRow> = reader.deserialize().map(Result::unwrap).collect();
            let usable = rows.iter().find(|row| row.metric == "usable_p50").unwrap();
            assert!((usable.ratio - 3.0).abs() < 1e-9);
            assert_eq!(usable.blocks, blocks);
            assert_eq!(usable.low.is_some(), with_intervals);
            assert!(rows.iter().all(|row| row.metric != "port"));
        }
    }

    #[test]
    fn a_target_without_a_run_has_the_same_lines_without_values() {
        let judgement = judge(&synthetic::as_the_document_says());
        let full = lines(&judgement);
        let empty = lines_without_values("cyrus", &judgement.setting.arms);
        let names = |lines: &[ComparisonRow]| -> Vec<_> {
            let name = |line: &ComparisonRow| (line.claim.clone(), line.arm, line.metric.clone());
            lines.iter().map(name).collect()
        };
        assert_eq!(names(&empty), names(&full));
        let bare = |line: &ComparisonRow| line.target == "cyrus" && line.value.is_none();
        assert!(empty.iter().all(bare));
    }

    #[test]
    fn values_have_six_significant_digits() {
        assert!((rounded(123_456.789) - 123_457.0).abs() < 1e-9);
        assert!((rounded(0.001_234_567_8) - 0.001_234_57).abs() < 1e-12);
        assert!((rounded(0.0)).abs() < f64::EPSILON);
    }
}

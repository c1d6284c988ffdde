//! `verdict.json`: the judgement for machines. It is written last and whole or not at all, by whoever writes
//! the results, so that its absence marks a run that did not finish.

use serde::Serialize;

use super::{
    Held, JudgedArm, JudgedClaim, Judgement, Prediction, Ratio, Setting, Validity, Verdict,
};
use crate::metrics::row::CheckRow;

/// The version of this file's shape; grows when a reader would have to change.
pub const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct VerdictFile<'a> {
    schema_version: u32,
    /// `valid` or `invalid`.
    outcome: &'static str,
    ending: String,
    validity: &'a Validity,
    held: &'a [Held],
    setting: &'a Setting,
    rows: Vec<Row<'a>>,
    claims: &'a [JudgedClaim],
    predictions: &'a [Prediction],
    checks: &'a [CheckRow],
    notes: &'a [String],
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(rename = "row")]
    number: u8,
    name: &'static str,
    claim: &'static str,
    verdict: Verdict,
    arms: &'a [JudgedArm],
    ratios: &'a [Ratio],
    depends_on: &'a [String],
}

/// The text of `verdict.json`.
pub fn text(judgement: &Judgement) -> Result<String, serde_json::Error> {
    let file = VerdictFile {
        schema_version: SCHEMA_VERSION,
        outcome: if judgement.validity.is_valid() {
            "valid"
        } else {
            "invalid"
        },
        ending: judgement.setting.ending.to_string(),
        validity: &judgement.validity,
        held: &judgement.held,
        setting: &judgement.setting,
        rows: judgement
            .rows
            .iter()
            .map(|row| Row {
                number: row.document.number,
                name: row.document.slug,
                claim: row.document.english,
                verdict: row.verdict,
                arms: &row.arms,
                ratios: &row.ratios,
                depends_on: &row.sides,
            })
            .collect(),
        claims: &judgement.claims,
        predictions: &judgement.predictions,
        checks: &judgement.checks,
        notes: &judgement.notes,
    };
    serde_json::to_string_pretty(&file).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{judge, synthetic};

    #[test]
    fn the_file_says_outcome_rows_and_checks() {
        let judgement = judge(&synthetic::as_the_document_says());
        let text = text(&judgement).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["schema_version"], 1);
        assert_eq!(value["outcome"], "valid");
        assert_eq!(value["rows"].as_array().unwrap().len(), 8);
        assert_eq!(
            value["rows"][3]["arms"][0]["figures"][0]["metric"],
            "usable_p50"
        );
        assert_eq!(value["rows"][5]["arms"][1]["verdict"], "agrees");
        assert_eq!(value["rows"][4]["arms"][1]["provisional"], true);
        assert_eq!(value["rows"][4]["ratios"][0]["over"], "pop3");
        assert_eq!(value["claims"][0]["id"], "P1");
    }
}

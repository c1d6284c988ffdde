//! What a build page shows of a run and its gates: `JUnit` XML and a summary in Markdown.

use std::fmt::Write as _;
use std::path::Path;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Error, Lang, lang, number, table};
use crate::judge::Judgement;
use crate::judge::gate::Outcome;
use crate::rundir;
use crate::scenario::Dimension;

/// The gates as test cases.
const JUNIT: &str = "junit.xml";
/// The gates and the table in Markdown, for a build page.
const SUMMARY: &str = "summary.md";

/// Writes `junit.xml` and `summary.md` into a run directory.
pub fn write_gates(dir: &Path, judgement: &Judgement, outcomes: &[Outcome]) -> Result<(), Error> {
    rundir::write_whole(dir, JUNIT, junit(judgement, outcomes)?.as_bytes())?;
    rundir::write_whole(dir, SUMMARY, summary(judgement, outcomes).as_bytes())?;
    Ok(())
}

/// A gate and what was observed, one line.
pub fn gate_line(outcome: &Outcome) -> String {
    let sign = if outcome.passed { "✓" } else { "✗" };
    format!("{sign} {}: {}", outcome.gate, observed(outcome))
}

fn observed(outcome: &Outcome) -> String {
    let Some(value) = outcome.observed else {
        return "no data".to_owned();
    };
    match outcome.dimension {
        Dimension::Time => number::duration(value / 1e3),
        Dimension::Bytes => number::bytes(value),
        Dimension::Percent => format!("{} %", number::digits(value)),
        Dimension::Number => number::digits(value),
    }
}

/// One case says whether the run is a result at all, then one for each gate.
fn junit(judgement: &Judgement, outcomes: &[Outcome]) -> Result<String, Error> {
    let setting = &judgement.setting;
    let class = format!("mailgauge.{}.{}", setting.scenario, setting.target);
    let case = |name: &str, failure: Option<(&str, String)>| {
        let status = match failure {
            None => TestCaseStatus::success(),
            Some((kind, message)) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_type(kind).set_message(message);
                status
            }
        };
        let mut case = TestCase::new(name, status);
        case.set_classname(class.as_str());
        case
    };
    let mut suite = TestSuite::new(class.as_str());
    let reasons = &judgement.validity.reasons;
    let invalid = (!reasons.is_empty()).then(|| ("invalid", reasons.join(" ")));
    suite.add_test_case(case("the run is valid", invalid));
    for outcome in outcomes {
        let failure =
            (!outcome.passed).then(|| ("gate", format!("observed: {}", observed(outcome))));
        suite.add_test_case(case(&outcome.gate, failure));
    }
    let mut report = Report::new("mailgauge");
    report.add_test_suite(suite);
    Ok(report.to_string()?)
}

fn summary(judgement: &Judgement, outcomes: &[Outcome]) -> String {
    let setting = &judgement.setting;
    let mut out = String::new();
    if let Some(banner) = lang::banner(judgement, Lang::En) {
        let _ = writeln!(out, "**{banner}**\n");
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.passed).count();
    let _ = writeln!(
        out,
        "### mailgauge: {} on {}, {} of {} gates met\n",
        setting.scenario,
        setting.target,
        outcomes.len() - failed,
        outcomes.len(),
    );
    if !outcomes.is_empty() {
        out.push_str("| | gate | observed |\n|---|---|---|\n");
        for outcome in outcomes {
            let sign = if outcome.passed { "✓" } else { "✗" };
            let gate = outcome.gate.replace('|', "\\|");
            let _ = writeln!(out, "| {sign} | `{gate}` | {} |", observed(outcome));
        }
        out.push('\n');
    }
    for reason in &judgement.validity.reasons {
        let _ = writeln!(out, "- ✗ {reason}");
    }
    for warning in &judgement.validity.warnings {
        let _ = writeln!(out, "- ! {warning}");
    }
    let _ = write!(
        out,
        "\n<details><summary>The document's table</summary>\n\n"
    );
    out.push_str(&table::markdown_rows(judgement, Lang::En));
    out.push_str("\n</details>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::judge;
    use crate::judge::synthetic::{as_the_document_says, empty};

    fn outcomes() -> Vec<Outcome> {
        let outcome = |gate: &str, observed, dimension, passed| Outcome {
            gate: gate.to_owned(),
            observed,
            dimension,
            passed,
        };
        vec![
            outcome(
                "imap.login.response.p99 < 300ms",
                Some(12_345.0),
                Dimension::Time,
                true,
            ),
            outcome(
                "imap.search.errors.share < 1%",
                None,
                Dimension::Percent,
                false,
            ),
            outcome(
                "imap.server.rss_bytes.max < 1MB",
                Some(2e6),
                Dimension::Bytes,
                false,
            ),
        ]
    }

    #[test]
    fn junit_has_a_case_for_the_run_and_one_for_each_gate() {
        let text = junit(&judge(&as_the_document_says()), &outcomes()).unwrap();
        assert!(
            text.contains("tests=\"4\" skipped=\"0\" failures=\"2\" errors=\"0\""),
            "{text}"
        );
        assert!(
            text.contains("imap.login.response.p99 &lt; 300ms"),
            "{text}"
        );
        assert!(text.contains("observed: no data"), "{text}");
        let invalid = junit(&judge(&empty()), &[]).unwrap();
        assert!(
            invalid.contains("failures=\"1\"") && invalid.contains("type=\"invalid\""),
            "{invalid}"
        );
    }

    #[test]
    fn the_summary_says_what_failed_and_with_which_value() {
        let text = summary(&judge(&as_the_document_says()), &outcomes());
        assert!(
            text.starts_with("### mailgauge: quick on embedded, 1 of 3 gates met"),
            "{text}"
        );
        assert!(
            text.contains("| ✗ | `imap.server.rss_bytes.max < 1MB` | 2 MB |"),
            "{text}"
        );
        assert!(
            text.contains("| ✓ | `imap.login.response.p99 < 300ms` | 12.3 ms |"),
            "{text}"
        );
        assert!(summary(&judge(&empty()), &[]).starts_with("**INVALID"));
    }
}

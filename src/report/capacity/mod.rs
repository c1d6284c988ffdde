//! What `mailgauge capacity` leaves: the planner's page for the terminal and in Markdown, and its numbers as CSV.

mod answers;
mod arms;
mod layout;
mod lines;
mod sections;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use super::page::{CapacityPage, Words};
use super::table::{Look, columns};
use super::{Error, Lang, REPORT_HTML, chart, number};
use crate::judge::capacity::{Answer, Capacity, Rule, Trial, tightest};
use crate::judge::{Ending, Judgement, comparison, verdict_file};
use crate::rundir::{self, RunDir};
use crate::scenario::Dimension;

/// One line per figure.
const CAPACITY_CSV: &str = "capacity.csv";
/// One line per trial.
const TRIALS_CSV: &str = "trials.csv";
/// The whole page.
const CAPACITY_MD: &str = "capacity.md";

/// Writes `trials.csv`, `capacity.csv`, `capacity.md`, `report.html` and its charts into a search's directory.
pub fn write_capacity(dir: &Path, capacity: &Capacity, lang: Lang) -> Result<(), Error> {
    let words = Words::of(lang)?;
    rundir::write_whole(dir, TRIALS_CSV, &lines::trials(capacity)?)?;
    rundir::write_whole(dir, CAPACITY_CSV, &lines::figures(capacity)?)?;
    let sections = sections::of(capacity, &words);
    let page = layout::markdown(&sections);
    rundir::write_whole(dir, CAPACITY_MD, page.as_bytes())?;
    let charts = chart::capacity(capacity, &words)?;
    chart::write(&charts, &dir.join(rundir::CHARTS))?;
    let manifest = &capacity.manifest;
    let page = CapacityPage {
        banner: sections::banner(capacity, &words),
        target: &manifest.target,
        scenario: &manifest.scenario_name,
        started: &manifest.started,
        question: &manifest.scenario_question,
        sections: &sections,
        charts: &charts,
        lang,
    };
    rundir::write_whole(dir, REPORT_HTML, page.html()?.as_bytes())?;
    Ok(())
}

/// Prints the page to standard output, as wide as the terminal.
pub fn print_capacity(capacity: &Capacity, lang: Lang) -> std::io::Result<()> {
    let words = Words::of(lang).map_err(std::io::Error::other)?;
    let width = Look::of_stdout(lang).width;
    let text = layout::text(&sections::of(capacity, &words), width);
    std::io::stdout().write_all(text.as_bytes())
}

/// What a trial of a search leaves besides its rows: `comparison.csv` and, unless it was killed, `verdict.json`. Its charts and
/// pages are made when they are asked for (`mailgauge report`).
pub fn write_figures(run: &RunDir, judgement: &Judgement) -> Result<(), Error> {
    let mut figures = Vec::new();
    comparison::write(judgement, &mut figures)?;
    rundir::write_whole(run.path(), rundir::COMPARISON, &figures)?;
    let setting = &judgement.setting;
    // One that broke off, at a limit of the server for example, is an answer as well, and its verdict says why it is no result.
    if setting.ending != Ending::Unfinished || setting.failure.is_some() {
        let verdict = verdict_file::text(judgement)?;
        rundir::write_whole(run.path(), rundir::VERDICT, verdict.as_bytes())?;
    }
    Ok(())
}

/// A trial in one line.
pub fn trial_line(trial: &Trial) -> String {
    let facts = &trial.facts;
    let asked = facts
        .question
        .as_ref()
        .map(|asked| format!("{} × {}", asked.about, number::digits(asked.times)));
    let purpose = asked.unwrap_or_else(|| trial.purpose.to_string());
    let users = if facts.users == 1 { "user" } else { "users" };
    let mut line = format!(
        "{:>3} {} {} {users} ({purpose}): {}",
        facts.number,
        facts.arm,
        facts.users,
        answer(trial.answer)
    );
    // Writing to a string cannot fail.
    match trial.answer {
        Some(Answer::Met | Answer::Missed) if !trial.rules.is_empty() => {
            if let Some(rule) = tightest(&trial.rules) {
                let _ = write!(line, "; {}", rule_text(rule, "no data"));
            }
        }
        _ => {}
    }
    // A missed level that no rule shows has another reason.
    if trial.answer != Some(Answer::Met)
        && trial.rules.iter().all(|rule| rule.met)
        && let Some(reason) = trial.reasons.first()
    {
        let _ = write!(line, "; {reason}");
    }
    line
}

fn answer(answer: Option<Answer>) -> &'static str {
    match answer {
        Some(Answer::Met) => "✓ met",
        Some(Answer::Missed) => "✗ missed",
        Some(Answer::Invalid) => "· invalid",
        Some(Answer::Refused) => "· not tried",
        None => "· not finished",
    }
}

/// A rule with what was observed, or words for nothing.
fn rule_text(rule: &Rule, nothing: &str) -> String {
    let observed = rule.observed.map_or(nothing.to_owned(), |observed| {
        quantity(observed, rule.dimension)
    });
    format!("{}: {observed}", rule.rule)
}

fn quantity(value: f64, dimension: Dimension) -> String {
    match dimension {
        Dimension::Time => number::duration(value / 1e3),
        Dimension::Bytes => number::bytes(value),
        Dimension::Percent => format!("{} %", number::digits(value)),
        Dimension::Number => number::digits(value),
    }
}

#[cfg(test)]
mod tests;

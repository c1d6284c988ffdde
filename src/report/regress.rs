//! Two sets of runs side by side: a table for the terminal, the same in Markdown and CSV, and a line per run for change-point tools.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write;

use serde::Serialize;

use super::number;
use crate::judge::regress::{Change, Comparison, Figures};

/// The word for what is said of a figure.
fn words(change: Change) -> String {
    match change {
        Change::Slower => "✗ slower".to_owned(),
        Change::Faster => "✓ faster".to_owned(),
        Change::NoDifference => "= no difference".to_owned(),
        Change::CannotTell { more_runs: Some(1) } => "· can't tell, needs 1 more run".to_owned(),
        Change::CannotTell { more_runs: Some(n) } => format!("· can't tell, needs {n} more runs"),
        Change::CannotTell { more_runs: None } => {
            "· can't tell, needs at least 2 runs a side".to_owned()
        }
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(
        || "–".to_owned(),
        |share| format!("±{:.1} %", 100.0 * share),
    )
}

fn cells(comparison: &Comparison) -> [String; 7] {
    let interval = comparison.interval.map_or_else(
        || "–".to_owned(),
        |interval| format!("{:.3}–{:.3}", interval.low, interval.high),
    );
    [
        comparison.figure.clone(),
        number::digits(comparison.base),
        number::digits(comparison.new),
        format!("{:.3}", comparison.ratio),
        interval,
        percent(comparison.band),
        words(comparison.change),
    ]
}

const HEAD: [&str; 7] = [
    "figure",
    "base",
    "new",
    "new/base",
    "95 %",
    "noise band",
    "verdict",
];

/// The table as text. `all`: also what did not change.
pub fn regress_table(comparisons: &[Comparison], all: bool) -> String {
    let shown = comparisons
        .iter()
        .filter(|comparison| all || comparison.change != Change::NoDifference)
        .map(cells);
    let lines: Vec<[String; 7]> = std::iter::once(HEAD.map(str::to_owned))
        .chain(shown)
        .collect();
    let width = |column: usize| {
        let widths = lines
            .iter()
            .map(|line| console::measure_text_width(&line[column]));
        widths.max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut out = String::new();
    for line in &lines {
        let mut text = String::new();
        for (column, cell) in line.iter().enumerate() {
            let blank = " ".repeat(widths[column] - console::measure_text_width(cell));
            match column {
                0 | 6 => write!(text, "{cell}{blank}  "),
                _ => write!(text, "{blank}{cell}  "),
            }
            .unwrap_or_default();
        }
        let _ = writeln!(out, "{}", text.trim_end());
    }
    out.push_str(&counts(comparisons));
    out
}

/// How many figures had which verdict, one line.
fn counts(comparisons: &[Comparison]) -> String {
    let count = |wanted: fn(&Change) -> bool| {
        let changes = comparisons.iter().map(|comparison| &comparison.change);
        changes.filter(|change| wanted(change)).count()
    };
    format!(
        "{} figures: {} slower, {} faster, {} without a difference, {} that cannot be told\n",
        comparisons.len(),
        count(|it| *it == Change::Slower),
        count(|it| *it == Change::Faster),
        count(|it| *it == Change::NoDifference),
        count(|it| matches!(it, Change::CannotTell { .. })),
    )
}

/// The same in Markdown, for a build page.
pub fn regress_summary(comparisons: &[Comparison]) -> String {
    let mut out = format!("### mailgauge regress: {}\n", counts(comparisons));
    let _ = writeln!(
        out,
        "| {} |\n|{}",
        HEAD.join(" | "),
        "---|".repeat(HEAD.len())
    );
    for comparison in comparisons {
        let _ = writeln!(out, "| {} |", cells(comparison).join(" | "));
    }
    out
}

#[derive(Serialize)]
struct Line<'a> {
    figure: &'a str,
    base: f64,
    new: f64,
    ratio: f64,
    low: Option<f64>,
    high: Option<f64>,
    p: Option<f64>,
    noise: Option<f64>,
    band: Option<f64>,
    verdict: &'static str,
    more_runs: Option<u32>,
}

/// The same as CSV.
pub fn write_regress(comparisons: &[Comparison], out: impl Write) -> Result<(), csv::Error> {
    let mut csv = csv::Writer::from_writer(out);
    for comparison in comparisons {
        let (verdict, more_runs) = match comparison.change {
            Change::Slower => ("slower", None),
            Change::Faster => ("faster", None),
            Change::NoDifference => ("no-difference", None),
            Change::CannotTell { more_runs } => ("cannot-tell", more_runs),
        };
        csv.serialize(Line {
            figure: &comparison.figure,
            base: comparison.base,
            new: comparison.new,
            ratio: comparison.ratio,
            low: comparison.interval.map(|interval| interval.low),
            high: comparison.interval.map(|interval| interval.high),
            p: comparison.p,
            noise: comparison.noise,
            band: comparison.band,
            verdict,
            more_runs,
        })?;
    }
    csv.flush()?;
    Ok(())
}

const FACTS: [&str; 6] = ["time", "run", "mailgauge", "target", "version", "scenario"];

/// `history.csv` with further runs at its end: a line per run, a column per figure, the shape that Apache Otava's CSV importer
/// reads (`time_column: time`, the other facts as attributes). Figures that the file has no column for get one, empty in the lines
/// before; runs that are in it already are not added again.
pub fn history(before: &[u8], runs: &[Figures]) -> Result<Vec<u8>, csv::Error> {
    let mut reader = csv::Reader::from_reader(before);
    let mut columns: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    if columns.is_empty() {
        columns.extend(FACTS.map(str::to_owned));
    }
    let known: BTreeSet<&String> = columns.iter().collect();
    let names: BTreeSet<&String> = runs.iter().flat_map(|run| run.values.keys()).collect();
    let further: Vec<String> = names
        .difference(&known)
        .map(|name| (*name).clone())
        .collect();
    columns.extend(further);
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(&columns)?;
    let mut present = BTreeSet::new();
    for line in reader.records() {
        let line = line?;
        present.insert(line.get(1).unwrap_or_default().to_owned());
        let missing = columns.len().saturating_sub(line.len());
        csv.write_record(line.iter().chain(std::iter::repeat_n("", missing)))?;
    }
    for run in runs.iter().filter(|run| !present.contains(&run.facts.run)) {
        let facts = &run.facts;
        csv.write_record(columns.iter().map(|column| {
            match column.as_str() {
                "time" => facts.started.clone(),
                "run" => facts.run.clone(),
                "mailgauge" => facts.mailgauge.clone(),
                "target" => facts.target.clone(),
                "version" => facts.version.clone(),
                "scenario" => facts.scenario.clone(),
                name => run
                    .values
                    .get(name)
                    .map_or_else(String::new, f64::to_string),
            }
        }))?;
    }
    csv.into_inner().map_err(|error| error.into_error().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::regress::{Facts, RunSet, compare};

    fn run(id: &str, values: &[(&str, f64)]) -> Figures {
        Figures {
            facts: Facts {
                started: "2026-11-25T00:00:00Z".to_owned(),
                run: id.to_owned(),
                ..Facts::default()
            },
            values: values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), *value))
                .collect(),
        }
    }

    fn comparisons() -> Vec<Comparison> {
        let set = |factor: f64| RunSet {
            runs: (0..6)
                .map(|it| {
                    let noise = 1.0 + 0.01 * f64::from(it % 3);
                    run(
                        "",
                        &[("imap.a", 10.0 * factor * noise), ("imap.b", 5.0 * noise)],
                    )
                })
                .collect(),
            ..RunSet::default()
        };
        compare(&set(1.0), &set(1.3))
    }

    #[test]
    fn the_table_shows_what_changed_and_counts_the_rest() {
        let table = regress_table(&comparisons(), false);
        assert!(table.contains("imap.a"), "{table}");
        assert!(table.contains("1.300"), "{table}");
        assert!(table.contains("✗ slower"), "{table}");
        assert!(!table.contains("imap.b"), "{table}");
        assert!(table.ends_with(
            "2 figures: 1 slower, 0 faster, 1 without a difference, 0 that cannot be told\n"
        ));
        assert!(regress_table(&comparisons(), true).contains("= no difference"));
        assert!(regress_summary(&comparisons()).contains("| imap.a | 10.1 | 13.1 | 1.300 |"));
    }

    #[test]
    fn the_csv_has_a_line_for_each_figure() {
        let mut out = Vec::new();
        write_regress(&comparisons(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.starts_with(
                "figure,base,new,ratio,low,high,p,noise,band,verdict,more_runs\nimap.a,"
            )
        );
        assert!(text.contains(",slower,") && text.contains(",no-difference,"));
    }

    #[test]
    fn history_grows_by_a_line_per_run_and_a_column_per_new_figure() {
        let first = history(b"", &[run("one", &[("imap.a", 1.5)])]).unwrap();
        let again = [
            run("one", &[("imap.a", 9.0)]),
            run("two", &[("imap.a", 2.0), ("imap.b", 3.0)]),
        ];
        let text = String::from_utf8(history(&first, &again).unwrap()).unwrap();
        assert_eq!(
            text,
            "time,run,mailgauge,target,version,scenario,imap.a,imap.b\n\
             2026-11-25T00:00:00Z,one,,,,,1.5,\n\
             2026-11-25T00:00:00Z,two,,,,,2,3\n"
        );
    }
}

//! `mailgauge consistency DIR`: what the history of a run shows, and one anomaly explained with its history.

use std::path::PathBuf;
use std::time::Duration;

use super::UsageError;
use crate::exit::Exit;
use crate::judge::consistency::{self, Findings, LATE};
use crate::report;
use crate::rundir::{RunDir, RunSet};
use crate::scenario::parse_duration;

/// What `consistency` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory that a run left, such as results/latest.
    dir: PathBuf,
    /// Explain this anomaly in words, with its history; the numbers are those of the summary and of anomalies.csv.
    #[arg(long, value_name = "N")]
    anomaly: Option<u32>,
    /// Call it late when a device that listens is told after more than this [default: 5s].
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    late: Option<Duration>,
}

/// Prints it. Exit code 3 if the server broke a rule.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    if RunSet::is_at(&args.dir) {
        let message = format!(
            "{} holds the runs of several targets; give one of the directories in it",
            args.dir.display()
        );
        return Err(UsageError(message).into());
    }
    let run = RunDir::open(&args.dir)?;
    let rows = run.observations()?;
    let findings = consistency::examine(&rows, args.late.unwrap_or(LATE));
    let text = match args.anomaly {
        None => report::consistency::summary(&findings),
        Some(number) => {
            let anomaly = findings
                .anomaly(number)
                .ok_or_else(|| UsageError(unknown(number, &findings)))?;
            consistency::explain(anomaly, &rows)
        }
    };
    super::report::printed(print(&text))?;
    Ok(if findings.violations().next().is_some() {
        Exit::GateFailed
    } else {
        Exit::Pass
    })
}

fn print(text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    std::io::stdout().write_all(text.as_bytes())
}

fn unknown(number: u32, findings: &Findings) -> String {
    match findings.anomalies.len() {
        0 => format!("there is no anomaly {number}: nothing was found"),
        n => format!("there is no anomaly {number}; they are numbered from 1 to {n}"),
    }
}

//! `mailgauge regress BASE NEW`: whether a new version is slower than the one before, from sets of runs of both.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::UsageError;
use crate::exit::Exit;
use crate::judge::regress::{Change, RunSet, SetError, compare};
use crate::report;

/// Compare two sets of runs, figure by figure: slower, faster, no difference, or not enough runs to tell.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Runs of the version before: a run directory, a directory of run directories, or a stored baseline (.json).
    #[arg(value_name = "BASE")]
    base: PathBuf,
    /// Runs of the new version, likewise. Left out: nothing is compared (for `--save-baseline` and `--history`).
    #[arg(value_name = "NEW")]
    new: Option<PathBuf>,
    /// Also show the figures that did not change.
    #[arg(long)]
    all: bool,
    /// Store the figures of NEW (of BASE where there is no NEW) as a baseline for later.
    #[arg(long, value_name = "FILE")]
    save_baseline: Option<PathBuf>,
    /// Add a line for each of those runs to this CSV, for change-point tools.
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Write the comparison as CSV.
    #[arg(long, value_name = "FILE", requires = "new")]
    csv: Option<PathBuf>,
    /// Write the comparison as Markdown, for a build page.
    #[arg(long, value_name = "FILE", requires = "new")]
    summary: Option<PathBuf>,
}

/// Does it.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let base = read(&args.base)?;
    let mut exit = Exit::Pass;
    let new = match &args.new {
        None if args.save_baseline.is_none() && args.history.is_none() => {
            return Err(UsageError(
                "name the new runs after the base, or say what to do with these: --save-baseline FILE, --history FILE"
                    .to_owned(),
            )
            .into());
        }
        None => base,
        Some(path) => {
            let new = read(path)?;
            base.check_same_plan(&new, path).map_err(usage)?;
            exit = exit.worse(report(args, &base, &new)?);
            new
        }
    };
    if new.runs.is_empty() {
        exit = exit.worse(Exit::Invalid);
    }
    if let Some(path) = &args.save_baseline {
        write(path, new.baseline()?.as_bytes())?;
    }
    if let Some(path) = &args.history {
        let before = if path.exists() {
            fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?
        } else {
            Vec::new()
        };
        let text = report::history(&before, &new.runs)
            .with_context(|| format!("{} cannot be added to", path.display()))?;
        write(path, &text)?;
    }
    Ok(exit)
}

/// Reads a set and says which runs it leaves out.
fn read(path: &Path) -> anyhow::Result<RunSet> {
    let set = RunSet::read(path).map_err(usage)?;
    for reason in &set.left_out {
        eprintln!("mailgauge: left out, it is no result: {reason}");
    }
    Ok(set)
}

/// What was named on the command line is not what it should be.
fn usage(error: SetError) -> anyhow::Error {
    match error {
        SetError::Empty(_) | SetError::OtherPlan { .. } | SetError::NotABaseline { .. } => {
            UsageError(error.to_string()).into()
        }
        error => error.into(),
    }
}

fn report(args: &Args, base: &RunSet, new: &RunSet) -> anyhow::Result<Exit> {
    let comparisons = compare(base, new);
    print!("{}", report::regress_table(&comparisons, args.all));
    if let Some(path) = &args.csv {
        let mut text = Vec::new();
        report::write_regress(&comparisons, &mut text)?;
        write(path, &text)?;
    }
    if let Some(path) = &args.summary {
        write(path, report::regress_summary(&comparisons).as_bytes())?;
    }
    if base.runs.is_empty() || comparisons.is_empty() {
        eprintln!("mailgauge: nothing could be compared: no data is never a pass");
        return Ok(Exit::Invalid);
    }
    let slower = comparisons.iter().any(|it| it.change == Change::Slower);
    Ok(if slower { Exit::Regression } else { Exit::Pass })
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}

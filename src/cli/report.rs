//! `mailgauge report DIR`: judge a run directory, or a set of them, again and rebuild tables, charts and pages from what
//! the run left, nothing else.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::exit::Exit;
use crate::judge::{self, Column, Evidence, Judgement, Lineup};
use crate::report::{self, Lang};
use crate::rundir::{RunDir, RunSet, Search, SetTarget};

use super::capacity;

/// Rebuild table, charts and report from a run directory.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory that a run left, such as results/latest.
    pub dir: PathBuf,
    /// Language of the labels.
    #[arg(long, value_enum, default_value_t)]
    pub lang: Lang,
    /// Write the files, print nothing.
    #[arg(short, long)]
    pub quiet: bool,
}

/// Does it.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    if Search::is_at(&args.dir) {
        return capacity::conclude(&Search::open(&args.dir)?, args.quiet);
    }
    if RunSet::is_at(&args.dir) {
        return run_set(args);
    }
    let (_, judgement) = rebuild(&args.dir, args.lang)?;
    if !args.quiet {
        printed(report::print(&judgement, args.lang))?;
    }
    Ok(exit_of(&judgement))
}

/// The same for a set of runs: each target's, then the table of them all.
fn run_set(args: &Args) -> anyhow::Result<Exit> {
    let set = RunSet::open(&args.dir)?;
    let targets = set.manifest.targets.iter();
    let columns: Vec<Column> = targets
        .map(|target| column(&set, target, args.lang))
        .collect();
    let exit = columns
        .iter()
        .map(exit_of_column)
        .fold(Exit::Pass, Exit::worse);
    conclude_set(&set, columns, args.lang, args.quiet)?;
    Ok(exit)
}

/// Writes and prints the table of several targets.
pub(super) fn conclude_set(
    set: &RunSet,
    columns: Vec<Column>,
    lang: Lang,
    quiet: bool,
) -> anyhow::Result<()> {
    let lineup = Lineup::of(set, columns);
    report::write_lineup(set, &lineup, lang)?;
    if !quiet {
        printed(report::print_lineup(&lineup, lang))?;
    }
    Ok(())
}

/// Judges the run of one target of a set and rebuilds its own report; where that cannot be, the column says why.
pub(super) fn column(set: &RunSet, target: &SetTarget, lang: Lang) -> Column {
    let result = set.has_run(target).then(|| {
        let rebuilt = rebuild(&set.run_path(target), lang);
        rebuilt
            .map(|(run, judgement)| (judgement, run.manifest.plan_fingerprint))
            .map_err(|error| format!("{error:#}"))
    });
    Column::of(set, target, result)
}

/// Judges a run directory and writes everything that is made from it.
fn rebuild(dir: &Path, lang: Lang) -> anyhow::Result<(RunDir, Judgement)> {
    let run = RunDir::open(dir)?;
    let judgement = judge::judge(&Evidence::read(&run)?);
    report::write_all(&run, &judgement, lang)?;
    Ok((run, judgement))
}

pub(super) fn printed(result: std::io::Result<()>) -> anyhow::Result<()> {
    match result {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context("the table cannot be printed"),
    }
}

/// The exit code that a column stands for: a set in which one was not run is no result as a whole.
pub(super) fn exit_of_column(column: &Column) -> Exit {
    column.result.as_ref().map_or(Exit::Invalid, exit_of)
}

/// The exit code that a judgement stands for: a run that is no result is invalid, whatever it shows.
pub fn exit_of(judgement: &Judgement) -> Exit {
    if judgement.validity.is_valid() {
        Exit::Pass
    } else {
        Exit::Invalid
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Ending;
    use crate::judge::synthetic::as_the_document_says;

    #[test]
    fn the_exit_code_says_whether_the_run_is_a_result() {
        let mut evidence = as_the_document_says();
        let exit = |evidence: &Evidence| exit_of(&judge::judge(evidence));
        assert_eq!(exit(&evidence), Exit::Pass);
        evidence.checks[0].holds = false;
        assert_eq!(exit(&evidence), Exit::Invalid);
        evidence.setting.ending = Ending::Unfinished;
        assert_eq!(exit(&evidence), Exit::Invalid);
    }
}

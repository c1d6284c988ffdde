//! `mailgauge report DIR…`: judge run directories, or sets of them, again and rebuild tables, charts and pages from what
//! the runs left, nothing else. Several stand side by side in one report more.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::UsageError;
use crate::exit::Exit;
use crate::judge::{self, Column, Evidence, Judgement, Lineup};
use crate::report::{self, Lang};
use crate::rundir::{RunDir, RunSet, Search, SetTarget};

use super::capacity;

/// Rebuild table, charts and report from a run directory, or from several, side by side.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory that a run, or a comparison of several targets, left, such as results/latest. Of several, each has its
    /// own report rebuilt, and the one over all of them goes to `--out`.
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
    /// Where the report over several directories goes.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Language of the labels.
    #[arg(long, value_enum, default_value_t)]
    pub lang: Lang,
    /// Write the files, print nothing.
    #[arg(short, long)]
    pub quiet: bool,
}

/// Does it.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let dir = match (args.dirs.as_slice(), &args.out) {
        ([dir], None) => dir,
        (dirs, Some(out)) => return side_by_side(args, dirs, out),
        _ => {
            let what =
                "several directories need `--out DIR`, where the report over all of them goes";
            return Err(UsageError(what.to_owned()).into());
        }
    };
    if Search::is_at(dir) {
        return capacity::conclude(&Search::open(dir)?, args.lang, args.quiet);
    }
    if RunSet::is_at(dir) {
        return run_set(dir, args);
    }
    let (_, judgement) = rebuild(dir, args.lang)?;
    if !args.quiet {
        printed(report::print(&judgement, args.lang))?;
    }
    Ok(exit_of(&judgement))
}

/// One report over several runs; those of a set stand in it one by one.
fn side_by_side(args: &Args, dirs: &[PathBuf], out: &Path) -> anyhow::Result<Exit> {
    std::fs::create_dir_all(out)
        .with_context(|| format!("the directory {} cannot be made", out.display()))?;
    let mut columns = Vec::new();
    for dir in dirs {
        if RunSet::is_at(dir) {
            let set = RunSet::open(dir)?;
            for target in &set.manifest.targets {
                let folder = way(out, &set.run_path(target));
                let column = column(&set, target, args.lang);
                columns.push((dir, Column { folder, ..column }));
            }
        } else {
            let (run, judgement) = rebuild(dir, args.lang)?;
            let name = run.manifest.target.name.clone();
            let folder = way(out, dir);
            columns.push((dir, Column::of_run(name, folder, judgement, &run.manifest)));
        }
    }
    let lineup = Lineup::of_runs(told_apart(columns));
    report::write_lineup(out, &lineup, args.lang)?;
    if !args.quiet {
        printed(report::print_lineup(&lineup, args.lang))?;
    }
    let exits = lineup.columns.iter().map(exit_of_column);
    Ok(exits.fold(Exit::Pass, Exit::worse))
}

/// Columns by names of their own: where targets share one, the directory's is beside it, and a number where that is the
/// same too.
fn told_apart(columns: Vec<(&PathBuf, Column)>) -> Vec<Column> {
    let names: Vec<String> = columns.iter().map(|(_, it)| it.target.clone()).collect();
    let mut taken: Vec<String> = Vec::new();
    let rename = |(dir, column): (&PathBuf, Column)| {
        let mut name = column.target.clone();
        if name.is_empty() || names.iter().filter(|other| **other == name).count() > 1 {
            let stem = dir.file_name().unwrap_or(dir.as_os_str()).to_string_lossy();
            let both = format!("{name} {stem}");
            both.trim().clone_into(&mut name);
        }
        let full = name.clone();
        for number in 2.. {
            if !taken.contains(&name) {
                break;
            }
            name = format!("{full} {number}");
        }
        taken.push(name.clone());
        Column {
            target: name,
            ..column
        }
    };
    columns.into_iter().map(rename).collect()
}

/// How one directory is reached from another, both of which exist: for links, so that a folder of runs can be moved as a whole.
fn way(from: &Path, to: &Path) -> String {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let (from, to) = (whole(from), whole(to));
    let shared = from
        .components()
        .zip(to.components())
        .take_while(|(one, other)| one == other)
        .count();
    let up = from.components().skip(shared).map(|_| "..".into());
    let down = to.components().skip(shared);
    let down = down.map(|part| part.as_os_str().to_string_lossy());
    let parts: Vec<std::borrow::Cow<'_, str>> = up.chain(down).collect();
    parts.join("/")
}

/// The same for a set of runs: each target's, then the table of them all.
fn run_set(dir: &Path, args: &Args) -> anyhow::Result<Exit> {
    let set = RunSet::open(dir)?;
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
    report::write_lineup(set.path(), &lineup, lang)?;
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
            .map(|(run, judgement)| (judgement, run.manifest))
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

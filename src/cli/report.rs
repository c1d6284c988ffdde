//! `mailgauge report DIR`: judge a run directory again and rebuild its table, charts and pages from what
//! the run left, nothing else.

use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::exit::Exit;
use crate::judge::{self, Evidence, Judgement};
use crate::report::{self, Lang};
use crate::rundir::RunDir;

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
    let run = RunDir::open(&args.dir)?;
    let judgement = judge::judge(&Evidence::read(&run)?);
    report::write_all(&run, &judgement, args.lang)?;
    if !args.quiet {
        match report::print(&judgement, args.lang) {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            printed => printed.context("the table cannot be printed")?,
        }
    }
    Ok(exit_of(&judgement))
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

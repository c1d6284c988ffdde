//! The subcommands. Each file says what one command takes and what it prints; the work is done in the
//! other rooms.

/// `mailgauge capacity`: how many users a server carries.
pub mod capacity;
/// `mailgauge clean`: takes marked mail out of mailboxes.
pub mod clean;
/// `mailgauge compare`: the main job.
pub mod compare;
/// `mailgauge consistency`: what the history of a run shows.
pub mod consistency;
mod counter;
/// `mailgauge crossover`: where POP3 and IMAP change places.
pub mod crossover;
mod gates;
/// `mailgauge maildir-delivery`: a part of the target `courier`.
pub mod maildir_delivery;
mod measure;
/// `mailgauge probe`: what a target offers.
pub mod probe;
mod progress;
/// `mailgauge regress`: two sets of runs, before and after.
pub mod regress;
/// `mailgauge report`: judge a run directory again.
pub mod report;
/// `mailgauge run`: a load test with gates.
pub mod run;
/// `mailgauge scenario`, and the options that choose a scenario.
pub mod scenario;
/// `mailgauge seed`: puts a scenario's mail into mailboxes.
pub mod seed;
/// `mailgauge serve`: the embedded server.
pub mod serve;
mod several;

/// The options that say what may be done with a server that is already there.
pub mod target;

use clap::{ArgAction, Parser, Subcommand};

use crate::exit::Exit;

/// POP3 and IMAP side by side on a real mail server.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// Say more on standard error; repeat for more (or set `MAILGAUGE_LOG`).
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What mailgauge can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find the largest population that meets a service level, what binds first, a planner's figures.
    Capacity(capacity::Args),
    /// Take out of mailboxes what mailgauge put there, and nothing else.
    Clean(clean::Args),
    /// Compare POP3 and IMAP (the main job): run a scenario, judge the document's table.
    Compare(compare::Args),
    /// What the history of a run shows: lost, stale, doubled or stranded mail; explain one case.
    Consistency(consistency::Args),
    /// Measure the time to the first readable message against mailbox, attachment and round trip.
    Crossover(crossover::Args),
    /// A part of the target `courier`.
    #[command(hide = true)]
    MaildirDelivery(maildir_delivery::Args),
    /// Look at a target: what it offers, what of that works, and which arms can run there.
    Probe(probe::Args),
    /// Compare two sets of runs, before and after a change: exit code 4 on a regression.
    Regress(regress::Args),
    /// Rebuild table, charts and report from a run directory.
    Report(report::Args),
    /// Run one load test and hold it against gates (thresholds).
    Run(run::Args),
    /// Check, show and list scenarios; print the schema of scenario files.
    Scenario(scenario::Args),
    /// Put the mail of a scenario's start into mailboxes of a server that is already there.
    Seed(seed::Args),
    /// Run the embedded POP3, IMAP and LMTP server.
    Serve(serve::Args),
}

impl Command {
    /// Does it.
    pub fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::Capacity(args) => capacity::run(&args),
            Self::Clean(args) => clean::run(&args),
            Self::Compare(args) => compare::run(&args),
            Self::Consistency(args) => consistency::run(&args),
            Self::Crossover(args) => crossover::run(&args),
            Self::MaildirDelivery(args) => maildir_delivery::run(&args),
            Self::Probe(args) => probe::run(&args),
            Self::Regress(args) => regress::run(&args),
            Self::Report(args) => report::run(&args),
            Self::Run(args) => run::run(&args),
            Self::Scenario(args) => scenario::run(&args),
            Self::Seed(args) => seed::run(&args),
            Self::Serve(args) => serve::run(&args),
        }
    }
}

/// The command line asks for something that cannot be: nothing was started, the exit code is 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// The exit code that an error of a command stands for.
pub fn exit_of(error: &anyhow::Error) -> Exit {
    if error.chain().any(<dyn std::error::Error>::is::<UsageError>) {
        Exit::Usage
    } else {
        Exit::CouldNotRun
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};

    use super::{UsageError, exit_of};
    use crate::exit::Exit;

    #[test]
    fn a_usage_error_exits_with_2_however_deep_it_lies() {
        let error = Err::<(), _>(UsageError("no such arm".into()))
            .context("the scenario does not fit")
            .unwrap_err();
        assert_eq!(exit_of(&error), Exit::Usage);
        assert_eq!(exit_of(&anyhow!("no target")), Exit::CouldNotRun);
    }
}

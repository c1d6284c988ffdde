//! `mailgauge crossover`: where POP3 and IMAP change places. One picture and its numbers.

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::UsageError;
use super::counter::Counter;
use super::target::TargetOptions;
use crate::engine;
use crate::exit::Exit;
use crate::metrics::Visit;
use crate::report::{self, Lang};
use crate::rundir;
use crate::scenario::{Arm, Scenario};

/// Measure the time to the first readable message against mailbox, attachment and round trip, per arm.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A server that mailgauge starts itself: embedded, dovecot, cyrus, courier.
    #[arg(long, default_value = "embedded", value_name = "NAME")]
    target: String,
    /// Where `crossover.csv` and `charts/` go: a folder that does not exist or is empty.
    #[arg(long, value_name = "DIR", default_value = "results/crossover")]
    out: PathBuf,
    /// Arms whose phone comes for the first time.
    #[arg(
        long,
        value_name = "ARM,…",
        value_delimiter = ',',
        default_value = "pop3,imap,k9"
    )]
    first: Vec<Arm>,
    /// Arms whose phone has been there and knows all but the newest message.
    #[arg(
        long,
        value_name = "ARM,…",
        value_delimiter = ',',
        default_value = "pop3-keep,imap-cached"
    )]
    again: Vec<Arm>,
    /// How often each point is measured; the picture shows the median.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    repeat: u32,
    /// Language of the labels.
    #[arg(long, value_enum, default_value_t)]
    lang: Lang,
    /// Show no progress.
    #[arg(short, long)]
    quiet: bool,
}

impl Args {
    /// Each arm once, for its curve has one name.
    fn visits(&self, scenario: &Scenario) -> Result<Vec<(Arm, Visit)>, UsageError> {
        let first = self.first.iter().map(|arm| (*arm, Visit::First));
        let again = self.again.iter().map(|arm| (*arm, Visit::Again));
        let visits: Vec<(Arm, Visit)> = first.chain(again).collect();
        for (index, (arm, _)) in visits.iter().enumerate() {
            if visits[..index].iter().any(|(other, _)| other == arm) {
                let message = format!("the arm `{arm}` is named twice: a curve has one name");
                return Err(UsageError(message));
            }
            if !scenario.arm.contains_key(arm) {
                let known: Vec<String> = scenario.arm.keys().map(ToString::to_string).collect();
                let message = format!("unknown arm `{arm}`; known: {}", known.join(", "));
                return Err(UsageError(message));
            }
        }
        Ok(visits)
    }
}

/// Does it.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?
        .block_on(crossover(args))
}

async fn crossover(args: &Args) -> anyhow::Result<Exit> {
    let target = TargetOptions::default().open_to_look(&args.target)?;
    if target.external().is_some() {
        return Err(UsageError(
            "the crossover fills mailboxes of its own: name a server that mailgauge starts itself (embedded, dovecot, cyrus, courier)"
                .into(),
        )
        .into());
    }
    let scenario = Scenario::load("quick", &[])?;
    let visits = args.visits(&scenario)?;
    rundir::create_empty(&args.out)?;
    let mut counter = Counter::new(args.quiet, "points");
    let progress = |done, of| counter.show(done, of, "");
    let measured = engine::crossover(&target, &scenario, &visits, args.repeat, progress).await;
    drop(counter);
    let rows = match measured {
        Ok(rows) => rows,
        Err(reason) => bail!("{reason}"),
    };
    report::write_crossover(&rows, &args.out, args.lang)?;
    print!("{}", report::crossover_table(&rows));
    println!("results: {}", args.out.display());
    Ok(Exit::Pass)
}

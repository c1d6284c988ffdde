//! `mailgauge crossover`: where POP3 and IMAP change places. One picture and its numbers.

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::UsageError;
use super::counter::Counter;
use super::target::TargetOptions;
use crate::engine;
use crate::exit::Exit;
use crate::report::{self, Lang};
use crate::rundir;
use crate::scenario::Arm;

/// On its first visit a device has nothing yet, so what else an arm keeps or asks for later makes no difference.
const ARMS: [Arm; 2] = [Arm::POP3, Arm::IMAP];

/// Measure the time to the first readable message against mailbox, attachment and round trip, per arm.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A server that mailgauge starts itself: embedded, dovecot, cyrus, courier.
    #[arg(long, default_value = "embedded", value_name = "NAME")]
    target: String,
    /// Where `crossover.csv` and `charts/` go: a folder that does not exist or is empty.
    #[arg(long, value_name = "DIR", default_value = "results/crossover")]
    out: PathBuf,
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
    rundir::create_empty(&args.out)?;
    let mut counter = Counter::new(args.quiet, "points");
    let progress = |done, of| counter.show(done, of, "");
    let measured = engine::crossover(&target, &ARMS, args.repeat, progress).await;
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

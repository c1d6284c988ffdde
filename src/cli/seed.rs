//! `mailgauge seed`: puts the mail of a scenario's start into the mailboxes of a server that is already there, marked as ours.
//! It can be interrupted: given again, it goes on where it was.

use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::UsageError;
use super::counter::Counter;
use super::scenario::ScenarioOptions;
use super::target::TargetOptions;
use crate::engine::{self, Seeding};
use crate::exit::Exit;
use crate::plan::{Plan, Shard};
use crate::target::SweepProgress;

/// Put the mail of a scenario's start into mailboxes of a server that is already there.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A target file, or the host of a server that is already there.
    #[arg(value_name = "TARGET")]
    target: String,
    #[command(flatten)]
    scenario: ScenarioOptions,
    /// Show no progress.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    options: TargetOptions,
}

/// Does it.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?
        .block_on(seed(args))
}

async fn seed(args: &Args) -> anyhow::Result<Exit> {
    let scenario = args
        .scenario
        .load()
        .map_err(|error| UsageError(error.to_string()))?;
    let target = args.options.open_external(&args.target)?;
    let plan = Plan::new(&scenario, Shard::WHOLE);
    let endpoint = target.endpoint(plan.users.len() as u32).await?;
    let summary = plan.summary();
    let what = format!(
        "{} messages ({:.1} MB) in {} mailboxes",
        summary.messages_at_start,
        summary.octets_at_start as f64 / 1e6,
        plan.users.len()
    );
    if !endpoint.is_here() && !target.is_owned() {
        bail!(
            "this would put {what} of a server that is not on this machine: if it is yours, say so (`--i-own-this-target`)"
        );
    }
    let sweep = target.sweep(Arc::new(endpoint))?;

    let mut counter = Counter::new(args.quiet, "looking into mailboxes");
    let mut look = |SweepProgress { done, of, .. }: SweepProgress| counter.show(done, of, "");
    let inventories = sweep.inspect(&mut look).await?;
    drop(counter);
    sweep.refuse_foreign(&inventories)?;

    let mut counter = Counter::new(args.quiet, "filling mailboxes");
    let mut fill = |Seeding {
                        mailboxes,
                        of,
                        messages,
                        ..
                    }: Seeding| {
        counter.show(mailboxes, of, &format!(", {messages} messages"));
    };
    let connections = target.ceiling().connections;
    let seeded = engine::seed(&sweep, &plan, &inventories, connections, &mut fill).await?;
    drop(counter);
    println!(
        "{} messages ({:.1} MB) put into {} mailboxes, {} were there already",
        seeded.messages,
        seeded.octets as f64 / 1e6,
        seeded.mailboxes,
        seeded.already
    );
    Ok(Exit::Pass)
}

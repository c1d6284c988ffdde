//! `mailgauge clean`: takes out of the mailboxes of a server that is already there what mailgauge put there, by its mark, and
//! nothing else. It can be interrupted and given again at any time.

use std::sync::Arc;

use anyhow::Context as _;

use super::counter::Counter;
use super::target::TargetOptions;
use crate::exit::Exit;
use crate::target::{Inventory, SweepProgress};

/// Take out of mailboxes what mailgauge put there, and nothing else.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A target file, or the host of a server that is already there.
    #[arg(value_name = "TARGET")]
    target: String,
    /// Look only into the first N mailboxes [default: all that are named].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    users: Option<u32>,
    /// Say what would be taken out, and take nothing.
    #[arg(long)]
    dry_run: bool,
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
        .block_on(clean(args))
}

async fn clean(args: &Args) -> anyhow::Result<Exit> {
    let target = args.options.open_external(&args.target)?;
    let users = args.users.unwrap_or(target.accounts());
    let endpoint = target.endpoint(users.min(target.accounts())).await?;
    let sweep = target.sweep(Arc::new(endpoint))?;

    let mut counter = Counter::new(args.quiet, "looking into mailboxes");
    let mut look = |SweepProgress { done, of, .. }: SweepProgress| counter.show(done, of, "");
    let inventories = sweep.inspect(&mut look).await?;
    drop(counter);
    let marked: usize = inventories.iter().map(Inventory::marked).sum();
    let foreign: u64 = inventories.iter().map(|it| u64::from(it.foreign())).sum();
    let left = format!("{} of others left alone", messages(foreign));
    if args.dry_run {
        println!(
            "{} by mailgauge in {}, {left}; nothing was taken out",
            messages(marked as u64),
            mailboxes(inventories.len())
        );
        return Ok(Exit::Pass);
    }
    let mailboxes = mailboxes(inventories.len());
    let mut counter = Counter::new(args.quiet, "clearing mailboxes");
    let mut clear = |progress: SweepProgress| {
        let SweepProgress { done, of, messages } = progress;
        counter.show(done, of, &format!(", {messages} messages taken out"));
    };
    let removed = sweep.clear(inventories, &mut clear).await?;
    drop(counter);
    println!("{} taken out of {mailboxes}, {left}", messages(removed));
    Ok(Exit::Pass)
}

fn messages(count: u64) -> String {
    match count {
        1 => "1 message".into(),
        count => format!("{count} messages"),
    }
}

fn mailboxes(count: usize) -> String {
    match count {
        1 => "1 mailbox".into(),
        count => format!("{count} mailboxes"),
    }
}

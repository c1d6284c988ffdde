//! `mailgauge maildir-delivery`: not for people; the target `courier` runs it beside the server.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::exit::Exit;
use crate::target::deliver_into_maildirs;

/// What `maildir-delivery` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Port of 127.0.0.1 that takes LMTP.
    #[arg(long, value_name = "PORT")]
    port: u16,
    /// Folder with a folder per user, each with a Maildir.
    #[arg(long, value_name = "DIR")]
    mail: PathBuf,
}

/// Delivers until it is killed.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    deliver_into_maildirs(args.port, &args.mail)
        .with_context(|| format!("cannot take mail on port {}", args.port))?;
    Ok(Exit::Pass)
}

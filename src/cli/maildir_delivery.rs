//! `mailgauge maildir-delivery`: not for people; the target `courier` runs it beside the server, and so does Courier's container.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context as _;

use crate::exit::Exit;
use crate::target::deliver_into_maildirs;

/// What `maildir-delivery` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where LMTP is taken. There is no login: whoever reaches this address delivers.
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    /// The port that takes it.
    #[arg(long, value_name = "PORT")]
    port: u16,
    /// Folder with a folder per user, each with a Maildir.
    #[arg(long, value_name = "DIR")]
    mail: PathBuf,
}

/// Delivers until it is killed.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let address = SocketAddr::new(args.address, args.port);
    deliver_into_maildirs(address, &args.mail)
        .with_context(|| format!("cannot take mail at {address}"))?;
    Ok(Exit::Pass)
}

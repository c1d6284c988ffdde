//! `mailgauge probe --agent`: tells another mailgauge what a server on this machine uses.

use std::io::{ErrorKind, stdin, stdout};
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};

use crate::cli::UsageError;
use crate::exit::Exit;
use crate::probe::{Local, Ports, answer};

/// What the agent looks at.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "As an agent")]
pub(super) struct AgentOptions {
    /// Answer each line of standard input with a sample of a server on this machine, as a line of JSON. A target file names
    /// how to bring it up: `[server] agent = ["ssh", "mail.example.net", "mailgauge", "probe", "--agent", "--pid", "812"]`.
    #[arg(long, conflicts_with_all = ["target", "json"])]
    pub(super) agent: bool,
    /// The process that all others of the server descend from.
    #[arg(long, value_name = "PID", requires = "agent")]
    pid: Option<u32>,
    /// Its control group, below /sys/fs/cgroup; with --pid, the mount below which the group of that process is looked for.
    #[arg(long, value_name = "FOLDER", requires = "agent")]
    cgroup: Option<PathBuf>,
    /// The folder of its mail.
    #[arg(long, value_name = "FOLDER", requires = "agent")]
    storage: Option<PathBuf>,
    /// Ports on which it serves POP3, to count connections.
    #[arg(
        long,
        value_name = "PORTS",
        value_delimiter = ',',
        default_value = "110,995",
        requires = "agent"
    )]
    pop3_ports: Vec<u16>,
    /// Ports on which it serves IMAP.
    #[arg(
        long,
        value_name = "PORTS",
        value_delimiter = ',',
        default_value = "143,993",
        requires = "agent"
    )]
    imap_ports: Vec<u16>,
    /// Ports on which it takes mail.
    #[arg(
        long,
        value_name = "PORTS",
        value_delimiter = ',',
        default_value = "24,25,587",
        requires = "agent"
    )]
    delivery_ports: Vec<u16>,
}

/// Answers until there are no more lines.
pub(super) fn run(options: &AgentOptions) -> anyhow::Result<Exit> {
    let local = Local::find(
        options.pid,
        options.cgroup.as_deref(),
        options.storage.as_deref(),
    )
    .map_err(|error| anyhow!(error))?
    .ok_or_else(|| {
        UsageError("an agent needs to know the server: name its --pid or its --cgroup".to_owned())
    })?;
    let ports = Ports {
        pop3: options.pop3_ports.clone(),
        imap: options.imap_ports.clone(),
        delivery: options.delivery_ports.clone(),
    };
    match answer(&local, ports, stdin().lock(), stdout().lock()) {
        // Whoever asked has gone.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Exit::Pass),
        answered => {
            answered.context("the agent stops")?;
            Ok(Exit::Pass)
        }
    }
}

//! `mailgauge probe`: what a target offers, and which arms of a scenario can run there. Servers that mailgauge starts itself are
//! started for it, once with STARTTLS and once with TLS from the first byte, and stopped again.

mod agent;
mod page;

use std::io::Write as _;

use anyhow::Context as _;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use super::UsageError;
use super::scenario::ScenarioOptions;
use super::target::TargetOptions;
use crate::engine::{self, Fitness};
use crate::exit::Exit;
use crate::plan::{Plan, Shard};
use crate::scenario::{BUILTINS, TlsMode};
use crate::target::portrait::{Role, put_sample};
use crate::target::{Depth, Instance, Portrait, Request, Target};

/// The format of the JSON. Raised when a reader of the old one would misread the new one.
const SCHEMA_VERSION: u32 = 1;
/// Connections of a look besides the sessions of one user that are tried together.
const OWN_CONNECTIONS: u32 = 16;
/// Columns of a terminal.
const WIDTH: usize = 80;

/// Look at a target: what it offers before and after TLS and login, what of that works, and which arms can run there. Or, with
/// --agent, at what a server on this machine uses, for a mailgauge elsewhere.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to look at: `embedded`, `dovecot`, `cyrus`, `courier`, a target file, or a host. Without accounts nobody logs in.
    #[arg(value_name = "TARGET", required_unless_present = "agent")]
    target: Option<String>,
    #[command(flatten)]
    agent: agent::AgentOptions,
    #[command(flatten)]
    target_options: TargetOptions,
    /// Whose arms are to run there: a built-in scenario or a TOML file.
    #[arg(long, value_name = "NAME", default_value = BUILTINS[0].name)]
    scenario: String,
    /// Set any value of the scenario: `phone.imap.watch.poll=15m`. Can be given again.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// How many sessions of one user to try at the same time, for each protocol; 0: do not try.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(0..=100))]
    sessions: u32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Probe<'a> {
    schema_version: u32,
    mailgauge: &'static str,
    target: &'a str,
    #[serde(flatten)]
    portrait: &'a Portrait,
    scenario: &'a str,
    arms: &'a [Fitness],
}

/// Does it.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    match &args.target {
        Some(target) if !args.agent.agent => look_and_tell(args, target),
        _ => agent::run(&args.agent),
    }
}

fn look_and_tell(args: &Args, target: &str) -> anyhow::Result<Exit> {
    let options = ScenarioOptions {
        scenario: args.scenario.clone(),
        set: args.set.clone(),
        ..ScenarioOptions::default()
    };
    let scenario = options
        .load()
        .map_err(|error| UsageError(error.to_string()))?;
    let target = args.target_options.open_to_look(target)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let Some(portrait) = runtime.block_on(look_until_stopped(args, &target))? else {
        return Ok(Exit::Interrupted);
    };
    let arms = engine::fitness(&scenario, &Plan::new(&scenario, Shard::WHOLE), &portrait);
    let text = if args.json {
        let probe = Probe {
            schema_version: SCHEMA_VERSION,
            mailgauge: env!("CARGO_PKG_VERSION"),
            target: target.name(),
            portrait: &portrait,
            scenario: &scenario.name,
            arms: &arms,
        };
        serde_json::to_string_pretty(&probe)? + "\n"
    } else {
        page::text(target.name(), &portrait, &scenario.name, &arms, WIDTH)
    };
    // A reader that has seen enough (`| head`) is no failure.
    let _ = std::io::stdout().write_all(text.as_bytes());
    if arms.iter().all(|arm| arm.can_run == Some(false)) {
        return Ok(Exit::CouldNotRun);
    }
    Ok(Exit::Pass)
}

/// None: the user has had enough. What was started is stopped in any case.
async fn look_until_stopped(args: &Args, target: &Target) -> anyhow::Result<Option<Portrait>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch for signals")?;
    tokio::select! {
        portrait = look(args, target) => portrait.map(Some),
        _ = terminate.recv() => Ok(None),
        _ = interrupt.recv() => Ok(None),
    }
}

async fn look(args: &Args, target: &Target) -> anyhow::Result<Portrait> {
    let Some(external) = target.external() else {
        return look_at_ours(args, target).await;
    };
    let ceiling = external.ceiling().connections.unwrap_or(u32::MAX);
    let depth = Depth::Full {
        sessions: args.sessions.min(ceiling),
    };
    let endpoint = external.endpoint(external.accounts().min(1)).await?;
    let mut portrait = Portrait::of_endpoint(&endpoint, depth).await?;
    let doors = endpoint.other_doors();
    portrait.add_doors(&endpoint, &doors).await?;
    Ok(portrait)
}

async fn look_at_ours(args: &Args, target: &Target) -> anyhow::Result<Portrait> {
    let start = async |tls| {
        target
            .start(Request {
                accounts: 1,
                connections: args.sessions + OWN_CONNECTIONS,
                tls,
                cpus: None,
            })
            .await
    };
    let depth = Depth::Full {
        sessions: args.sessions,
    };
    let instance: Instance = start(TlsMode::Starttls).await?;
    // Some commands can only be tried on a message.
    if let Err(error) = put_sample(&instance.endpoint).await {
        tracing::warn!("{}: no message could be put there: {error}", target.name());
    }
    let portrait = Portrait::of(&instance, depth).await;
    instance.stop().await?;
    let mut portrait = portrait?;

    let instance = start(TlsMode::Implicit).await?;
    let endpoint = &instance.endpoint;
    let doors: Vec<_> = [(Role::Pop3, &endpoint.pop3), (Role::Imap, &endpoint.imap)]
        .into_iter()
        .filter_map(|(role, service)| Some((role, service.clone()?)))
        .collect();
    let added = portrait.add_doors(endpoint, &doors).await;
    instance.stop().await?;
    added?;
    Ok(portrait)
}

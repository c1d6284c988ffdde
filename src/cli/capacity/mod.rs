//! `mailgauge capacity`: how many users a server carries. Searches the largest population that meets a service level, arm by arm;
//! each trial is a run like any other, in a directory of its own below the search's. What follows from the trials is said by
//! `judge::capacity`; here they are carried out.

mod budget;
mod driver;
mod questions;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use self::budget::Budget;
use self::driver::Driver;
use super::UsageError;
use super::compare::{directory, runtime, stop_signal};
use super::measure::Task;
use super::report;
use super::scenario::ScenarioOptions;
use super::target::TargetOptions;
use crate::engine::{self, Stop};
use crate::exit::Exit;
use crate::judge::capacity::{Level, Standing};
use crate::judge::gate;
use crate::plan::{Plan, Shard};
use crate::report::{self as pages, Lang};
use crate::rundir::{CrowdFacts, Outcome, Search, SearchManifest};
use crate::scenario::{Gate, GateError, Override, Scenario, parse_duration};
use crate::target::portrait::Role;
use crate::target::{Depth, Portrait, Target};

/// Sessions of one user that are tried at once, to see where the server's limit is: Dovecot's default is ten.
const CROWD: u32 = 16;

/// Find the largest population that meets a service level, what binds first, and a planner's figures.
#[derive(Debug, clap::Args)]
#[command(mut_arg("scenario", |arg| arg.default_value("capacity")))]
pub struct Args {
    #[command(flatten)]
    pub(super) scenario: ScenarioOptions,
    /// What to measure, as for `compare`: embedded, dovecot, cyrus, courier, a target file, or a host.
    #[arg(long, value_name = "NAME", default_value = "embedded")]
    pub(super) target: String,
    #[command(flatten)]
    pub(super) target_options: TargetOptions,
    /// What users must be served with.
    #[arg(long, value_enum, default_value_t)]
    level: Level,
    /// A rule besides those of the level and the scenario's gates: `imap.login.response.p99 < 300ms`. Can be given again.
    #[arg(long = "gate", value_name = "GATE")]
    gates: Vec<String>,
    /// Try no more users than this.
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_users: u32,
    /// Begin no trial that would not end within this time. Each arm has the same share of it (a quarter is for the planner's
    /// questions); where that is too little for the resolution, the capacity is confirmed at a coarser one.
    #[arg(long, value_name = "TIME", default_value = "1h")]
    max_time: String,
    /// How narrow the gap between what does and what does not must become, in percent of the users.
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    resolution: f64,
    /// Processors that the server keeps to where mailgauge starts it, such as `0,1`; the load generator keeps to the others
    /// (`run.server_cpus`).
    #[arg(long, value_name = "N,N", value_delimiter = ',')]
    server_cpus: Option<Vec<u32>>,
    /// Leave the planner's questions out that take trials of their own (shorter polls, larger mailboxes, a restart).
    #[arg(long)]
    only_capacity: bool,
    /// Where the results go; new or empty [default: a new folder below `results`].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Show no progress and print no table.
    #[arg(short, long)]
    pub(super) quiet: bool,
}

/// Does it.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let (scenario, gates) = load(args)?;
    let max_time = parse_duration(&args.max_time)
        .map_err(|error| UsageError(format!("--max-time {}: {error}", args.max_time)))?;
    if !(0.5..=100.0).contains(&args.resolution) {
        return Err(UsageError(format!(
            "--resolution {}: give a percentage from 0.5 to 100",
            args.resolution
        ))
        .into());
    }
    let target = args.target_options.open(&args.target)?;
    runtime()?.block_on(search(args, &scenario, gates, target, max_time))
}

/// The scenario with the first population, and all gates.
fn load(args: &Args) -> Result<(Scenario, Vec<Gate>), UsageError> {
    let scenario = load_with(args, &[])?;
    let given = args.gates.iter().map(|gate| gate.parse());
    let given: Vec<Gate> = given
        .collect::<Result<_, GateError>>()
        .map_err(|error| UsageError(error.to_string()))?;
    let gates = [scenario.gates.clone(), given].concat();
    gate::understand(&gates, &scenario.run.arms).map_err(|error| UsageError(error.to_string()))?;
    if args.level == Level::Gates
        && let Some(arm) = scenario.run.arms.iter().find(|arm| {
            let name = arm.to_string();
            !gates.iter().any(|gate| gate.words().next() == Some(&name))
        })
    {
        return Err(UsageError(format!(
            "`--level gates` holds users against gates alone, and none is of the arm {arm}: give one (`--gate '{arm}.login.response.p99 < 300ms'`), or leave the arm out (`--arms`)"
        )));
    }
    Ok((scenario, gates))
}

/// The scenario with further overrides; each trial runs one arm once.
fn load_with(args: &Args, further: &[Override]) -> Result<Scenario, UsageError> {
    let mut overrides = vec![Override::option("--blocks", "run.blocks", "1")];
    if let Some(cpus) = &args.server_cpus {
        let list = format!("{cpus:?}");
        overrides.push(Override::option("--server-cpus", "run.server_cpus", &list));
    }
    overrides.extend_from_slice(further);
    args.scenario
        .load_with(&overrides)
        .map_err(|error| UsageError(error.to_string()))
}

async fn search(
    args: &Args,
    scenario: &Scenario,
    gates: Vec<Gate>,
    mut target: Target,
    max_time: Duration,
) -> anyhow::Result<Exit> {
    let (_, stop) = stop_signal()?;
    let plan = Plan::new(scenario, Shard::WHOLE);
    engine::admit_search(&target, &plan).await?;
    engine::make_room(&engine::request(scenario, &plan))?;
    let task = Task {
        scenario,
        plan: &plan,
        quiet: args.quiet,
        heading: "",
        kernel_networks: None,
    };
    let Some(seen) = task.look_at(&mut target, &stop).await? else {
        return Ok(Exit::Interrupted);
    };
    let crowd = if args.only_capacity {
        Vec::new()
    } else {
        crowd(&target, scenario, &plan).await?
    };
    let dir = directory(args.out.as_deref(), &scenario.name, target.name())?;
    let left_out = seen.skipped().iter();
    let manifest = SearchManifest {
        started: jiff::Timestamp::now().to_string(),
        scenario_name: scenario.name.clone(),
        scenario_question: scenario.question.clone(),
        scenario_toml: scenario.to_toml(),
        target: target.name().to_owned(),
        arms: seen.arms().to_vec(),
        left_out: left_out
            .map(|arm| format!("Arm {} was left out: {}.", arm.arm, arm.reasons.join("; ")))
            .collect(),
        level: args.level.to_string(),
        gates,
        first: scenario.users.count.min(args.max_users),
        most: args.max_users,
        resolution: args.resolution / 100.0,
        crowd,
        ..SearchManifest::default()
    };
    let search = Search::create(&dir, manifest)?;
    let budget = Budget::new(Instant::now(), max_time, !args.only_capacity);
    let mut driver = Driver::new(args, search, seen, stop.clone(), budget);
    let ended = driver.run().await;
    let mut search = driver.into_search();
    search.conclude(match &ended {
        Ok(()) if *stop.borrow() > Stop::No => Outcome::Interrupted,
        Ok(()) => Outcome::Complete,
        Err(error) => Outcome::Failed(format!("{error:#}")),
    })?;
    let judged = conclude(&search, Lang::En, args.quiet)?;
    if !args.quiet {
        eprintln!("results: {}", dir.display());
    }
    ended.with_context(|| format!("what was measured until then is in {}", dir.display()))?;
    Ok(if *stop.borrow() > Stop::No {
        judged.worse(Exit::Interrupted)
    } else {
        judged
    })
}

/// How many sessions of one user each protocol lets in at once. At a server that was there before, no more are tried than its
/// owner allows.
async fn crowd(
    target: &Target,
    scenario: &Scenario,
    plan: &Plan,
) -> anyhow::Result<Vec<CrowdFacts>> {
    let ceiling = target.external().and_then(|it| it.ceiling().connections);
    let sessions = CROWD.min(ceiling.unwrap_or(CROWD));
    let instance = target.start(engine::request(scenario, plan)).await?;
    let portrait = Portrait::of(&instance, Depth::Full { sessions }).await;
    instance.stop().await?;
    let portrait = portrait?;
    let of = |role: Role| {
        let crowd = portrait.service(role)?.crowd.clone()?;
        Some(CrowdFacts {
            protocol: role.to_string(),
            tried: crowd.tried,
            let_in: crowd.let_in,
            refused: crowd.refused,
        })
    };
    Ok([Role::Pop3, Role::Imap]
        .into_iter()
        .filter_map(of)
        .collect())
}

/// Judges what is there, writes and prints it.
pub(super) fn conclude(search: &Search, lang: Lang, quiet: bool) -> anyhow::Result<Exit> {
    let capacity = driver::judged(search);
    pages::write_capacity(search.path(), &capacity, lang)?;
    if !quiet {
        report::printed(pages::print_capacity(&capacity, lang))?;
    }
    Ok(match capacity.standing() {
        Standing::Found => Exit::Pass,
        Standing::Invalid | Standing::Unfinished => Exit::Invalid,
        Standing::NotOne => Exit::GateFailed,
    })
}

//! `mailgauge compare`: runs the arms of a scenario against a target and leaves a run directory, then judges the
//! document's table row by row from it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::engine::{self, Comparison, Ended, Progress, RunId, Stop};
use crate::exit::Exit;
use crate::plan::{Plan, Shard};
use crate::probe;
use crate::report::Lang;
use crate::rundir::{self, Manifest, Outcome, TargetFacts, Writer};
use crate::scenario::{Override, Scenario};
use crate::target::{Portrait, Target};

use super::UsageError;
use super::progress;
use super::report;
use super::scenario::ScenarioOptions;
use super::several;
use super::target::TargetOptions;

/// Where runs go that were given no directory.
const RESULTS: &str = "results";
/// Batches of results that may wait for the disk.
const BATCHES: usize = 1_024;

/// Compare POP3 and IMAP (the main job): run a scenario, judge the document's table.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    scenario: ScenarioOptions,
    /// What to measure: `embedded`, a private `dovecot` (or `dovecot:sdbox`, `dovecot:mdbox`), `cyrus` or `courier` (if
    /// installed), a target file, or the host of a server that is already there. Several, one `--target` each, are run
    /// one after another with the same plan and stand in one table.
    #[arg(long = "target", value_name = "NAME", default_value = "embedded")]
    targets: Vec<String>,
    #[command(flatten)]
    pub(super) target_options: TargetOptions,
    /// Number of blocks; each runs every arm once (`run.blocks`).
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    blocks: Option<String>,
    /// Where the results go; new or empty [default: results/<time>-<scenario>-<targets>].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Language of the labels.
    #[arg(long, value_enum, default_value_t)]
    pub(super) lang: Lang,
    /// Show no progress and print no table.
    #[arg(short, long)]
    pub(super) quiet: bool,
}

/// Does it.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let blocks = args
        .blocks
        .as_deref()
        .map(|blocks| Override::option("--blocks", "run.blocks", blocks));
    let scenario = args
        .scenario
        .load_with(blocks.as_slice())
        .map_err(|error| UsageError(error.to_string()))?;
    let plan = Plan::new(&scenario, Shard::WHOLE);
    let job = Job {
        args,
        scenario: &scenario,
        plan: &plan,
    };
    match args.targets.as_slice() {
        [name] => {
            let target = args.target_options.open(name)?;
            engine::make_room(&engine::request(&scenario, &plan))?;
            runtime()?.block_on(compare(job, target))
        }
        names => several::run(job, names),
    }
}

/// What is to be done, on each target alike.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) args: &'a Args,
    pub(super) scenario: &'a Scenario,
    pub(super) plan: &'a Plan,
}

pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

async fn compare(job: Job<'_>, target: Target) -> anyhow::Result<Exit> {
    let stop = stop_signal()?;
    let Some(portrait) = job.portrait(&target, &stop).await? else {
        return Ok(Exit::Interrupted);
    };
    let dir = directory(job, target.name())?;
    let ended = job.measure(target, portrait, &dir, stop).await?;
    conclude(job.args, &dir, ended)
}

impl Job<'_> {
    /// Starts the target once before the run, to see that it answers, and what it is. None: the user stopped it.
    pub(super) async fn portrait(
        self,
        target: &Target,
        stop: &watch::Receiver<Stop>,
    ) -> anyhow::Result<Option<Portrait>> {
        let load = engine::admit(target, self.scenario, self.plan).await?;
        if let Some(load) = load.filter(|_| !self.args.quiet) {
            eprintln!("{}: {load}", target.name());
        }
        let portrait = tokio::select! {
            portrait = portrait(target, self.scenario, self.plan) => portrait?,
            () = stopped(stop.clone()) => return Ok(None),
        };
        let misfits = engine::misfits(self.scenario, self.plan, &portrait);
        if !misfits.is_empty() {
            bail!(misfits.join("\n"));
        }
        Ok(Some(portrait))
    }

    /// Runs all cells against the target and leaves the run directory `dir`.
    pub(super) async fn measure(
        self,
        target: Target,
        portrait: Portrait,
        dir: &Path,
        stop: watch::Receiver<Stop>,
    ) -> anyhow::Result<Ended> {
        let Self {
            args,
            scenario,
            plan,
        } = self;
        let run_id = RunId::random();
        let started = jiff::Timestamp::now();
        let run_start = Instant::now();
        let manifest = Manifest {
            started: started.to_string(),
            run_id: run_id.to_string(),
            worker_threads: engine::workers(scenario, plan) as u32,
            target: facts(target.name(), portrait),
            ..manifest(scenario, plan)
        };
        let (records, writing) = Writer::create(dir, &manifest)?.spawn(BATCHES)?;
        let (progress, shown) = watch::channel(Progress::default());
        let comparison = Comparison {
            scenario: Arc::new(scenario.clone()),
            plan: Arc::new(plan.clone()),
            target,
            run_id,
            run_start,
            records,
            progress,
            stop,
        };
        let ended = tokio::select! {
            biased;
            ended = comparison.run() => ended,
            () = progress::show(shown, args.quiet) => bail!("the display of progress ended before the run"),
        };
        drop(comparison);
        let mut writer = writing
            .join()
            .map_err(|_| anyhow::anyhow!("the writer of the results panicked"))??;
        writer.update_manifest(|manifest| manifest.outcome = outcome(&ended))?;
        writer.finish()?;
        Ok(ended)
    }
}

/// Judges what is there, prints it, and says where it is.
fn conclude(args: &Args, dir: &Path, ended: Ended) -> anyhow::Result<Exit> {
    let judged = report::run(&report::Args {
        dir: dir.to_owned(),
        lang: args.lang,
        quiet: args.quiet,
    });
    if !args.quiet {
        eprintln!("results: {}", dir.display());
    }
    match ended {
        Ended::Failed(reason) => {
            bail!(
                "{reason} (what was measured until then is in {})",
                dir.display()
            )
        }
        Ended::Interrupted => judged.map(|exit| exit.worse(Exit::Interrupted)),
        Ended::Complete => judged,
    }
}

async fn portrait(target: &Target, scenario: &Scenario, plan: &Plan) -> anyhow::Result<Portrait> {
    let instance = target.start(engine::request(scenario, plan)).await?;
    let portrait = Portrait::of(&instance).await;
    let stopped = instance.stop().await;
    let portrait = portrait?;
    stopped?;
    Ok(portrait)
}

/// SIGINT, SIGTERM, SIGHUP: once to end in order, twice to end at once.
pub(super) fn stop_signal() -> anyhow::Result<watch::Receiver<Stop>> {
    let (sender, receiver) = watch::channel(Stop::No);
    for kind in [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ] {
        let mut signals = signal(kind).context("cannot watch for signals")?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                sender.send_modify(|stop| {
                    *stop = match stop {
                        Stop::No => Stop::Drain,
                        Stop::Drain | Stop::Now => Stop::Now,
                    };
                });
            }
        });
    }
    Ok(receiver)
}

async fn stopped(mut stop: watch::Receiver<Stop>) {
    if stop.wait_for(|stop| *stop > Stop::No).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The directory that was asked for, or a new one among the results, with a link to it.
pub(super) fn directory(job: Job<'_>, target: &str) -> anyhow::Result<PathBuf> {
    if let Some(dir) = &job.args.out {
        rundir::create_empty(dir)?;
        return Ok(dir.clone());
    }
    let base = Path::new(RESULTS);
    let now = jiff::Timestamp::now();
    let dir = rundir::create_unique(base, now, &job.scenario.name, target)?;
    if !rundir::link_latest(base, &dir)? {
        tracing::warn!("{RESULTS}/latest is no link and was left alone");
    }
    Ok(dir)
}

fn manifest(scenario: &Scenario, plan: &Plan) -> Manifest {
    Manifest {
        scenario_name: scenario.name.clone(),
        scenario_question: scenario.question.clone(),
        scenario_toml: scenario.to_toml(),
        scenario_hash: scenario.hash(),
        seed: scenario.seed,
        speed: scenario.speed,
        users: scenario.users.count,
        plan_fingerprint: plan.fingerprint(),
        arms: scenario.run.arms.clone(),
        blocks: scenario.run.blocks,
        host: probe::host(),
        ..Manifest::default()
    }
}

fn facts(name: &str, portrait: Portrait) -> TargetFacts {
    TargetFacts {
        name: name.to_owned(),
        version: portrait.software,
        banners: portrait.banners,
        facts: portrait.facts,
        capabilities: portrait.capabilities,
        ports: portrait.ports,
        tls: portrait.tls,
    }
}

pub(super) fn outcome(ended: &Ended) -> Outcome {
    match ended {
        Ended::Complete => Outcome::Complete,
        Ended::Interrupted => Outcome::Interrupted,
        Ended::Failed(reason) => Outcome::Failed(reason.clone()),
    }
}

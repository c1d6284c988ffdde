//! `mailgauge compare`: runs the arms of a scenario against a target and leaves a run directory, then judges the
//! document's table row by row from it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail};
use strum::IntoEnumIterator as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::engine::{self, Comparison, Ended, Progress, RunId, Stop};
use crate::exit::Exit;
use crate::plan::{Plan, Shard};
use crate::probe;
use crate::report::Lang;
use crate::rundir::{
    self, Manifest, NetworkFacts, Outcome, Shaper, SkippedArm, TargetFacts, Writer,
};
use crate::scenario::{Arm, DeviceKind, Override, Scenario};
use crate::target::{Depth, Portrait, Target};

use super::UsageError;
use super::gates::Gates;
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
    /// Where the results go; new or empty [default: a new folder below `results`].
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
    let scenario = load(args, None)?;
    let gates = Gates::of(&scenario, false)?;
    if args.targets.len() == 1 {
        let gates = (!scenario.gates.is_empty()).then_some(&gates);
        return on_one_target(args, &scenario, gates);
    }
    let plan = Plan::new(&scenario, Shard::WHOLE);
    let job = Job {
        args,
        scenario: &scenario,
        plan: &plan,
    };
    several::run(job, &args.targets)
}

/// Reads the scenario; `blocks` holds where the command line says nothing of them.
pub(super) fn load(args: &Args, blocks: Option<&str>) -> Result<Scenario, UsageError> {
    let blocks = args
        .blocks
        .as_deref()
        .or(blocks)
        .map(|blocks| Override::option("--blocks", "run.blocks", blocks));
    args.scenario
        .load_with(blocks.as_slice())
        .map_err(|error| UsageError(error.to_string()))
}

/// Runs the scenario against the one target that was named and holds it against its gates, if any.
pub(super) fn on_one_target(
    args: &Args,
    scenario: &Scenario,
    gates: Option<&Gates>,
) -> anyhow::Result<Exit> {
    let [name] = args.targets.as_slice() else {
        return Err(UsageError("name one `--target`".to_owned()).into());
    };
    let plan = Plan::new(scenario, Shard::WHOLE);
    let job = Job {
        args,
        scenario,
        plan: &plan,
    };
    let target = args.target_options.open(name)?;
    engine::make_room(&engine::request(scenario, &plan))?;
    runtime()?.block_on(compare(job, target, gates))
}

/// What a look at a target showed.
pub(super) struct Seen {
    portrait: Portrait,
    /// The arms that can run there.
    arms: Vec<Arm>,
    /// Those that cannot.
    skipped: Vec<SkippedArm>,
    /// Arms whose protocol does not work there at all.
    unusable: Vec<Arm>,
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

async fn compare(job: Job<'_>, mut target: Target, gates: Option<&Gates>) -> anyhow::Result<Exit> {
    let (ask_to_stop, stop) = stop_signal()?;
    let Some(seen) = job.look_at(&mut target, &stop).await? else {
        return Ok(Exit::Interrupted);
    };
    let dir = directory(job, target.name())?;
    let Some(gates) = gates else {
        let ended = job.measure(target, seen, &dir, stop).await?;
        return conclude(job.args, &dir, ended);
    };
    let ended = tokio::select! {
        ended = job.measure(target, seen, &dir, stop) => ended?,
        never = gates.watch(&dir, ask_to_stop) => match never {},
    };
    let ended = match ended {
        Ended::Interrupted if gates.stopped_the_run() => Ended::Complete,
        ended => ended,
    };
    let judged = conclude(job.args, &dir, ended)?;
    gates.conclude(&dir, judged, job.args.quiet)
}

impl Job<'_> {
    /// Looks at the target before the run: what it is, and which arms can run there. None: the user stopped it.
    ///
    /// # Errors
    /// The target cannot be had, or no arm can run there.
    pub(super) async fn look_at(
        self,
        target: &mut Target,
        stop: &watch::Receiver<Stop>,
    ) -> anyhow::Result<Option<Seen>> {
        let load = engine::admit(target, self.scenario, self.plan).await?;
        if let Some(load) = load.filter(|_| !self.args.quiet) {
            eprintln!("{}: {load}", target.name());
        }
        tokio::select! {
            seen = self.see(target) => seen.map(Some),
            () = stopped(stop.clone()) => Ok(None),
        }
    }

    /// A server that was there before is looked at first; only what works is then used, from the inspection of its mailboxes on.
    async fn see(self, target: &mut Target) -> anyhow::Result<Seen> {
        if let Some(external) = target.external() {
            let endpoint = external.endpoint(self.plan.users.len() as u32).await?;
            let portrait = Portrait::of_endpoint(&endpoint, Depth::Glance).await?;
            for arm in self.judge(target.name(), portrait)?.unusable {
                target.leave_out(arm.protocol());
            }
        }
        let instance = target
            .start(engine::request(self.scenario, self.plan))
            .await?;
        let portrait = Portrait::of(&instance, Depth::Glance).await;
        let stopped = instance.stop().await;
        let seen = self.judge(target.name(), portrait?)?;
        stopped?;
        for SkippedArm { arm, reasons } in &seen.skipped {
            let reasons = reasons.join("; ");
            eprintln!("{}: the arm {arm} is left out: {reasons}", target.name());
        }
        Ok(seen)
    }

    /// Tells the arms that can run from those that cannot.
    fn judge(self, target: &str, portrait: Portrait) -> anyhow::Result<Seen> {
        let mut seen = Seen {
            portrait,
            arms: Vec::new(),
            skipped: Vec::new(),
            unusable: Vec::new(),
        };
        for fitness in engine::fitness(self.scenario, self.plan, &seen.portrait) {
            for note in &fitness.notes {
                tracing::warn!("{target}: {note}");
            }
            if !fitness.protocol_works {
                seen.unusable.push(fitness.arm);
            }
            if fitness.can_run == Some(true) {
                seen.arms.push(fitness.arm);
            } else {
                seen.skipped.push(SkippedArm {
                    arm: fitness.arm,
                    reasons: fitness.reasons,
                });
            }
        }
        if seen.arms.is_empty() {
            let mut reasons: Vec<String> = Vec::new();
            for reason in seen.skipped.into_iter().flat_map(|it| it.reasons) {
                if !reasons.contains(&reason) {
                    reasons.push(reason);
                }
            }
            bail!("no arm can run on {target}: {}", reasons.join("; "));
        }
        Ok(seen)
    }

    /// Runs all cells against the target and leaves the run directory `dir`.
    pub(super) async fn measure(
        self,
        target: Target,
        seen: Seen,
        dir: &Path,
        stop: watch::Receiver<Stop>,
    ) -> anyhow::Result<Ended> {
        let Self {
            args,
            scenario,
            plan,
        } = self;
        let mut reduced = scenario.clone();
        reduced.run.arms = seen.arms;
        let run_id = RunId::random();
        let started = jiff::Timestamp::now();
        let run_start = Instant::now();
        let manifest = Manifest {
            started: started.to_string(),
            run_id: run_id.to_string(),
            worker_threads: engine::workers(scenario, plan) as u32,
            arms: reduced.run.arms.clone(),
            skipped_arms: seen.skipped,
            target: facts(target.name(), seen.portrait),
            ..manifest(scenario, plan)
        };
        let (records, writing) = Writer::create(dir, &manifest)?.spawn(BATCHES)?;
        let (progress, shown) = watch::channel(Progress::default());
        let comparison = Comparison {
            scenario: Arc::new(reduced),
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

/// SIGINT, SIGTERM, SIGHUP: once to end in order, twice to end at once.
pub(super) fn stop_signal() -> anyhow::Result<(watch::Sender<Stop>, watch::Receiver<Stop>)> {
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
    Ok((sender, receiver))
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
        shaper: if networks(scenario).any(|(_, facts)| facts.rtt_us.is_some()) {
            Shaper::InProcess
        } else {
            Shaper::None
        },
        networks: networks(scenario).collect(),
        host: probe::host(),
        ..Manifest::default()
    }
}

fn networks(scenario: &Scenario) -> impl Iterator<Item = (DeviceKind, NetworkFacts)> {
    DeviceKind::iter().map(|kind| {
        let network = &scenario.device(kind).network;
        let facts = NetworkFacts {
            name: network.to_string(),
            rtt_us: network.shape().map(|shape| shape.rtt.as_micros() as u64),
        };
        (kind, facts)
    })
}

fn facts(name: &str, portrait: Portrait) -> TargetFacts {
    TargetFacts {
        name: name.to_owned(),
        banners: portrait.banners(),
        capabilities: portrait.capabilities(),
        ports: portrait.ports(),
        tls: portrait.tls(),
        // What holds nothing but text, numbers and lists always has a JSON form.
        probe: serde_json::to_value(&portrait).unwrap_or_default(),
        version: portrait.software,
        facts: portrait.facts,
    }
}

pub(super) fn outcome(ended: &Ended) -> Outcome {
    match ended {
        Ended::Complete => Outcome::Complete,
        Ended::Interrupted => Outcome::Interrupted,
        Ended::Failed(reason) => Outcome::Failed(reason.clone()),
    }
}

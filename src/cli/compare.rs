//! `mailgauge compare`: runs the arms of a scenario against a target and leaves a run directory, then judges the
//! document's table row by row from it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::engine::{self, Ended, KernelNetworks, Stop};
use crate::exit::Exit;
use crate::plan::{Plan, Shard};
use crate::report::Lang;
use crate::rundir;
use crate::scenario::{Override, Scenario};
use crate::target::Target;

use super::UsageError;
use super::gates::Gates;
use super::measure::Task;
use super::report;
use super::scenario::ScenarioOptions;
use super::several;
use super::target::TargetOptions;

/// Where runs go that were given no directory.
const RESULTS: &str = "results";

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
    pub(super) out: Option<PathBuf>,
    /// Language of the labels.
    #[arg(long, value_enum, default_value_t)]
    pub(super) lang: Lang,
    /// Let the kernel emulate the networks of devices (`phone.network` and others), by netem in a network namespace for each
    /// device; needs root, `ip` and `tc`, and a kernel with netem. Otherwise mailgauge emulates rate and delay itself.
    #[arg(long)]
    netem: bool,
    /// Show no progress and print no table.
    #[arg(short, long)]
    pub(super) quiet: bool,
}

impl Args {
    fn kernel_networks(
        &self,
        scenario: &Scenario,
        plan: &Plan,
    ) -> anyhow::Result<Option<Arc<KernelNetworks>>> {
        let networks = self.netem.then(|| KernelNetworks::lay(scenario, plan));
        Ok(networks.transpose()?.map(Arc::new))
    }
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
    let networks = args.kernel_networks(&scenario, &plan)?;
    let job = Job {
        args,
        scenario: &scenario,
        plan: &plan,
        kernel_networks: networks.as_ref(),
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
    let networks = args.kernel_networks(scenario, &plan)?;
    let job = Job {
        args,
        scenario,
        plan: &plan,
        kernel_networks: networks.as_ref(),
    };
    let target = args.target_options.open(name)?;
    engine::make_room(&engine::request(scenario, &plan))?;
    runtime()?.block_on(compare(job, target, gates))
}

/// What is to be done, on each target alike.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) args: &'a Args,
    pub(super) scenario: &'a Scenario,
    pub(super) plan: &'a Plan,
    /// What emulates the devices' networks, if it is the kernel.
    pub(super) kernel_networks: Option<&'a Arc<KernelNetworks>>,
}

pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

async fn compare(job: Job<'_>, mut target: Target, gates: Option<&Gates>) -> anyhow::Result<Exit> {
    let (ask_to_stop, stop) = stop_signal()?;
    let Some(seen) = job.task().look_at(&mut target, &stop).await? else {
        return Ok(Exit::Interrupted);
    };
    let dir = directory(job.args.out.as_deref(), &job.scenario.name, target.name())?;
    let Some(gates) = gates else {
        let ended = job.task().measure(target, seen, &dir, stop).await?;
        return conclude(job.args, &dir, ended);
    };
    let ended = tokio::select! {
        ended = job.task().measure(target, seen, &dir, stop) => ended?,
        never = gates.watch(&dir, ask_to_stop) => match never {},
    };
    let ended = match ended {
        Ended::Interrupted if gates.stopped_the_run() => Ended::Complete,
        ended => ended,
    };
    let judged = conclude(job.args, &dir, ended)?;
    gates.conclude(&dir, judged, job.args.quiet)
}

impl<'a> Job<'a> {
    /// What is to be measured, whoever asked for it.
    pub(super) const fn task(self) -> Task<'a> {
        Task {
            scenario: self.scenario,
            plan: self.plan,
            kernel_networks: self.kernel_networks,
            quiet: self.args.quiet,
            heading: "",
        }
    }
}

/// Judges what is there, prints it, and says where it is.
fn conclude(args: &Args, dir: &Path, ended: Ended) -> anyhow::Result<Exit> {
    let judged = report::run(&report::Args {
        dirs: vec![dir.to_owned()],
        out: None,
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

/// The directory that was asked for, or a new one among the results, with a link to it.
pub(super) fn directory(
    out: Option<&Path>,
    scenario: &str,
    target: &str,
) -> anyhow::Result<PathBuf> {
    if let Some(dir) = out {
        rundir::create_empty(dir)?;
        return Ok(dir.to_owned());
    }
    let base = Path::new(RESULTS);
    let now = jiff::Timestamp::now();
    let dir = rundir::create_unique(base, now, scenario, target)?;
    if !rundir::link_latest(base, &dir)? {
        tracing::warn!("{RESULTS}/latest is no link and was left alone");
    }
    Ok(dir)
}

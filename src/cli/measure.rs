//! One run against one target: a look at it first, then all cells, and what they left in a run directory. What `compare` and `run` do once,
//! `capacity` does again and again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::bail;
use strum::IntoEnumIterator as _;
use tokio::sync::watch;

use crate::engine::{self, Comparison, Ended, KernelNetworks, Progress, RunId, Stop};
use crate::plan::Plan;
use crate::probe;
use crate::rundir::{Manifest, NetworkFacts, Outcome, Shaper, SkippedArm, TargetFacts, Writer};
use crate::scenario::{Arm, DeviceKind, Scenario};
use crate::target::{Depth, Portrait, Target};

use super::progress;

/// Batches of results that may wait for the disk.
const BATCHES: usize = 1_024;

/// What is to be measured.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) plan: &'a Plan,
    /// What emulates the devices' networks, if it is the kernel.
    pub(super) kernel_networks: Option<&'a Arc<KernelNetworks>>,
    /// Show no progress.
    pub(super) quiet: bool,
    /// Which of several runs this is, for the progress; empty: there is only one.
    pub(super) heading: &'a str,
}

/// What a look at a target showed.
#[derive(Clone)]
pub(super) struct Seen {
    portrait: Portrait,
    /// The arms that can run there.
    arms: Vec<Arm>,
    /// Those that cannot.
    skipped: Vec<SkippedArm>,
    /// Arms whose protocol does not work there at all.
    unusable: Vec<Arm>,
}

impl Seen {
    /// The same for a run of one of the arms.
    pub(super) fn only(&self, arm: Arm) -> Self {
        Self {
            arms: vec![arm],
            skipped: Vec::new(),
            ..self.clone()
        }
    }

    /// The arms that can run there.
    pub(super) fn arms(&self) -> &[Arm] {
        &self.arms
    }

    /// Those that cannot.
    pub(super) fn skipped(&self) -> &[SkippedArm] {
        &self.skipped
    }

    /// Has a target do without what does not work there.
    pub(super) fn apply(&self, target: &mut Target) {
        for arm in &self.unusable {
            target.leave_out(arm.protocol());
        }
    }
}

impl Task<'_> {
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
        if let Some(load) = load.filter(|_| !self.quiet) {
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
        let mut noted = BTreeSet::new();
        for fitness in engine::fitness(self.scenario, self.plan, &seen.portrait) {
            for note in fitness.notes {
                if noted.insert(note.clone()) {
                    tracing::warn!("{target}: {note}");
                }
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
            scenario,
            plan,
            kernel_networks,
            quiet,
            heading,
        } = self;
        let cpus = engine::request(scenario, plan).cpus;
        if let Some(cpus) = &cpus {
            cpus.leave()?;
        }
        let mut reduced = scenario.clone();
        reduced.run.arms = seen.arms;
        let run_id = RunId::random();
        let started = jiff::Timestamp::now();
        let run_start = Instant::now();
        let mut manifest = Manifest {
            started: started.to_string(),
            run_id: run_id.to_string(),
            worker_threads: engine::workers(scenario, plan) as u32,
            arms: reduced.run.arms.clone(),
            skipped_arms: seen.skipped,
            target: facts(target.name(), seen.portrait),
            ..manifest(scenario, plan, kernel_networks.is_some())
        };
        // What it is asked from counts those processors only that are left to it.
        manifest.host.cpus += cpus.map_or(0, |cpus| cpus.count());
        let (records, writing) = Writer::create(dir, &manifest)?.spawn(BATCHES)?;
        let (progress, shown) = watch::channel(Progress::default());
        let comparison = Comparison {
            scenario: Arc::new(reduced),
            plan: Arc::new(plan.clone()),
            target,
            kernel_networks: kernel_networks.cloned(),
            run_id,
            run_start,
            records,
            progress,
            stop,
        };
        let ended = tokio::select! {
            biased;
            ended = comparison.run() => ended,
            () = progress::show(shown, quiet, heading) => bail!("the display of progress ended before the run"),
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

async fn stopped(mut stop: watch::Receiver<Stop>) {
    if stop.wait_for(|stop| *stop > Stop::No).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn manifest(scenario: &Scenario, plan: &Plan, netem: bool) -> Manifest {
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
        shaper: match networks(scenario).any(|(_, facts)| facts.rtt_us.is_some()) {
            true if netem => Shaper::Netem,
            true => Shaper::InProcess,
            false => Shaper::None,
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

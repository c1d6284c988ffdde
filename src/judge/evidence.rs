//! The rows of a run, gathered for judging; [`Part`] is the view of them that a metric is computed from.

mod part;

use std::collections::{BTreeMap, BTreeSet};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::consistency::{self, WhereaboutsRow};
use crate::metrics::Operation;
use crate::metrics::row::{
    Cell, CheckRow, ConsistencyRow, ErrorRow, GeneratorRow, ObservationRow, OpeningRow,
    OperationRow, RadioRow, ServerRow, SessionRow, StorageRow,
};
use crate::rundir::{self, Manifest, Outcome, RunDir, Time};
use crate::scenario::{Arm, DeviceKind, Phase, Protocol, Scenario, TlsMode};

pub use part::Part;

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Ending {
    /// All of it was carried out.
    Finished,
    /// Stopped by the user; what had begun was drained.
    Interrupted,
    /// It broke off: a crash, a kill, a target that went away.
    #[default]
    Unfinished,
}

/// What the manifest says of a run, as far as judging needs it.
#[derive(Clone, Debug, Serialize)]
pub struct Setting {
    /// The scenario's name.
    pub scenario: String,
    /// The target's name: `embedded`, `dovecot`.
    pub target: String,
    /// Users in the plan.
    pub users: u32,
    /// Simulated seconds per clock second.
    pub speed: f64,
    /// The arms, in the scenario's order.
    pub arms: Vec<Arm>,
    /// Blocks that were planned.
    pub blocks: u32,
    /// Where POP3 was spoken.
    pub pop3_port: Option<u16>,
    /// Where IMAP was spoken.
    pub imap_port: Option<u16>,
    /// How the connections got their TLS.
    pub tls: TlsMode,
    /// Processors of the machine, where known.
    pub cpus: Option<u32>,
    /// Worker threads of the generator.
    pub workers: u32,
    /// Files that the generator may have open at once, where there is a limit.
    pub nofile: Option<u64>,
    /// The round trip that was emulated for each kind of device, µs; none: nothing was.
    #[serde(skip)]
    pub rtts_us: BTreeMap<DeviceKind, u64>,
    /// Kinds of device that, in an arm, are due at least twice in each cell: each of them is planned to come online.
    #[serde(skip)]
    pub due: BTreeSet<(Arm, DeviceKind)>,
    /// The measured window of each cell, µs since the run's start: (from, to).
    #[serde(skip)]
    pub windows: BTreeMap<Cell, (u64, u64)>,
    /// Mail is handed over on the ports of IMAP, so that not each connection to them is a device's.
    #[serde(skip)]
    pub delivery_by_append: bool,
    /// Why forced writes were not counted, as far as the run could say.
    #[serde(skip)]
    pub no_disk_syncs: Vec<String>,
    /// How the run ended.
    pub ending: Ending,
    /// Why it broke off, where it could say so.
    pub failure: Option<String>,
    /// A sentence for each arm that was asked for and cannot run on this target.
    pub left_out: Vec<String>,
}

impl Setting {
    /// What a manifest says. A phase that was under way when the run was killed ends with the last sample
    /// that it left.
    pub fn of(manifest: &Manifest, last_us: u64) -> Self {
        let (ending, failure) = match &manifest.outcome {
            Outcome::Complete => (Ending::Finished, None),
            Outcome::Interrupted => (Ending::Interrupted, None),
            Outcome::Running => (Ending::Unfinished, None),
            Outcome::Failed(reason) => (Ending::Unfinished, Some(reason.clone())),
        };
        let target = &manifest.target;
        let port = |plain: &str, implicit: &str| {
            let names = match target.tls {
                TlsMode::Implicit => [implicit, plain],
                TlsMode::Plain | TlsMode::Starttls => [plain, implicit],
            };
            names
                .into_iter()
                .find_map(|name| target.ports.get(name).copied())
        };
        Self {
            scenario: manifest.scenario_name.clone(),
            target: target.name.clone(),
            users: manifest.users,
            speed: manifest.speed,
            arms: manifest.arms.clone(),
            blocks: manifest.blocks,
            pop3_port: port("pop3", "pop3s"),
            imap_port: port("imap", "imaps"),
            tls: target.tls,
            cpus: (manifest.host.cpus > 0).then_some(manifest.host.cpus),
            workers: manifest.worker_threads,
            nofile: manifest.host.nofile,
            rtts_us: manifest
                .networks
                .iter()
                .filter_map(|(kind, network)| Some((*kind, network.rtt_us?)))
                .collect(),
            due: due(manifest),
            windows: manifest
                .phases
                .iter()
                .filter(|span| span.phase == Phase::Measure)
                .map(|span| {
                    let cell = Cell {
                        block: span.block,
                        arm: span.arm,
                    };
                    let end = span.end_us.unwrap_or(last_us).max(span.start_us);
                    (cell, (span.start_us, end))
                })
                .collect(),
            delivery_by_append: target.probe["delivery_by_append"] == true,
            no_disk_syncs: manifest.no_disk_syncs.clone(),
            ending,
            failure,
            left_out: left_out(manifest).collect(),
        }
    }

    /// The round trip that was emulated for a kind of device, ms; 0: none was.
    pub fn rtt_ms(&self, device: Option<DeviceKind>) -> f64 {
        let rtt = device.and_then(|device| self.rtts_us.get(&device));
        rtt.map_or(0.0, |us| *us as f64 / 1e3)
    }

    /// Whether each device of that kind was planned to come online in each cell.
    pub fn is_due(&self, arm: Arm, kind: DeviceKind) -> bool {
        self.due.contains(&(arm, kind))
    }

    /// The port that a protocol was spoken on.
    pub const fn port(&self, protocol: Protocol) -> Option<u16> {
        match protocol {
            Protocol::Pop3 => self.pop3_port,
            Protocol::Imap => self.imap_port,
        }
    }
}

/// By the scenario's text. A device without a poll listens, so it connects at once; nothing is known where the text is not
/// there or is another version's.
fn due(manifest: &Manifest) -> BTreeSet<(Arm, DeviceKind)> {
    let Ok(scenario) = Scenario::parse("scenario.toml", &manifest.scenario_toml, &[]) else {
        return BTreeSet::new();
    };
    let simulated = scenario.horizon().as_secs_f64() * manifest.speed;
    let often = |arm: Arm, kind: DeviceKind| match scenario.client(arm, kind).poll() {
        None => true,
        Some((poll, jitter)) => 2.0 * poll.as_secs_f64() * (1.0 + jitter.get()) <= simulated,
    };
    let kinds = || <DeviceKind as strum::IntoEnumIterator>::iter();
    manifest
        .arms
        .iter()
        .flat_map(|arm| kinds().map(move |kind| (*arm, kind)))
        .filter(|(arm, kind)| often(*arm, *kind))
        .collect()
}

/// How late the generator began what the plan wanted of an arm in the measured phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// 99th percentile of `sent − due`, µs, over all devices and blocks.
    pub p99_us: u64,
    /// Planned operations.
    pub n: u64,
}

/// How many operations of one name ended in one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Since the run's start.
    pub second: u32,
    /// Where.
    pub cell: Cell,
    /// None: the delivery side.
    pub device: Option<DeviceKind>,
    /// Its name.
    pub operation: Operation,
    /// Operations.
    pub count: u64,
}

impl Count {
    fn of(row: &OperationRow) -> Option<Self> {
        Some(Self {
            second: row.second?,
            cell: Cell {
                block: row.block,
                arm: row.arm,
            },
            device: row.device,
            operation: row.operation,
            count: row.count,
        })
    }
}

/// Everything that a judgement rests on.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// From the manifest.
    pub setting: Setting,
    /// `ops.csv`.
    pub operations: Vec<OperationRow>,
    /// `intervals.csv`, without its times.
    pub counts: Vec<Count>,
    /// `sessions.csv`.
    pub sessions: Vec<SessionRow>,
    /// `errors.csv`.
    pub errors: Vec<ErrorRow>,
    /// `server.csv`.
    pub server: Vec<ServerRow>,
    /// `generator.csv`.
    pub generator: Vec<GeneratorRow>,
    /// `openings.csv`.
    pub openings: Vec<OpeningRow>,
    /// `observations.csv`.
    pub observations: Vec<ObservationRow>,
    /// Where the mail was, by the observations.
    pub whereabouts: Vec<WhereaboutsRow>,
    /// `consistency.csv`.
    pub consistency: Vec<ConsistencyRow>,
    /// `storage.csv`.
    pub storage: Vec<StorageRow>,
    /// `radio.csv`.
    pub radio: Vec<RadioRow>,
    /// `checks.csv`.
    pub checks: Vec<CheckRow>,
    /// How late we were ourselves, per arm; an arm without an entry recorded nothing that was planned.
    pub lag: BTreeMap<Arm, Lag>,
    /// What the reader had to leave out or make up for.
    pub notices: Vec<String>,
}

impl Evidence {
    /// Reads all of it from a run directory.
    pub fn read(run: &RunDir) -> Result<Self, rundir::Error> {
        let generator = run.generator()?;
        let observations = run.observations()?;
        let last_us = generator.iter().map(|row| row.at_us).max().unwrap_or(0);
        let mut evidence = Self {
            setting: Setting::of(&run.manifest, last_us),
            operations: run.ops()?,
            counts: run.intervals()?.iter().filter_map(Count::of).collect(),
            sessions: run.sessions()?,
            errors: run.errors()?,
            server: run.server()?,
            generator,
            openings: run.openings()?,
            whereabouts: consistency::whereabouts(&observations),
            observations,
            consistency: run.consistency()?,
            storage: run.storage()?,
            radio: run.radio()?,
            checks: run.checks()?,
            lag: lag(run)?,
            notices: Vec::new(),
        };
        evidence.notices.clone_from(&evidence.setting.left_out);
        evidence.notices.extend(run.notices());
        Ok(evidence)
    }

    /// The view of one arm, in one block or (none) in all.
    pub const fn part(&self, arm: Arm, block: Option<u32>) -> Part<'_> {
        Part {
            evidence: self,
            arm,
            block,
        }
    }

    /// Some arm logged in before the measured phase and not once in it.
    pub fn keeps_connections(&self) -> bool {
        self.setting.arms.iter().any(|arm| self.keeps(*arm))
    }

    fn keeps(&self, arm: Arm) -> bool {
        let part = self.part(arm, None);
        let logged_in = |row: &SessionRow| row.login_us.is_some();
        part.all_sessions().any(logged_in) && !part.sessions().any(logged_in)
    }

    /// The blocks of an arm that left something, in order.
    pub fn blocks(&self, arm: Arm) -> Vec<u32> {
        let mut blocks = BTreeSet::new();
        let mut add = |block: u32, of: Arm| {
            if of == arm {
                blocks.insert(block);
            }
        };
        self.sessions.iter().for_each(|row| add(row.block, row.arm));
        self.server.iter().for_each(|row| add(row.block, row.arm));
        self.openings.iter().for_each(|row| add(row.block, row.arm));
        self.consistency
            .iter()
            .for_each(|row| add(row.block, row.arm));
        self.storage.iter().for_each(|row| add(row.block, row.arm));
        blocks.into_iter().collect()
    }
}

/// A sentence for each arm that was not run at all.
fn left_out(manifest: &Manifest) -> impl Iterator<Item = String> + '_ {
    manifest.skipped_arms.iter().map(|skipped| {
        format!(
            "Arm {} was left out, it cannot run on this target: {}.",
            skipped.arm,
            skipped.reasons.join("; ")
        )
    })
}

/// Merged from the histograms of what the plan sets the time of: checks and what people do. The commands
/// inside follow each other, and would hide a late beginning among many prompt successors.
fn lag(run: &RunDir) -> Result<BTreeMap<Arm, Lag>, rundir::Error> {
    let planned = |operation| {
        matches!(
            operation,
            Operation::Check
                | Operation::OpenMessage
                | Operation::FlagMessage
                | Operation::DeleteMessage
                | Operation::ReplyMessage
                | Operation::MoveMessage
                | Operation::SendMessage
                | Operation::SearchMailbox
        )
    };
    let histograms = run.latencies(|label| {
        label.time == Time::Lag
            && label.key.phase == Phase::Measure
            && label.key.device.is_some()
            && planned(label.key.operation)
    })?;
    let mut merged: BTreeMap<Arm, Histogram<u64>> = BTreeMap::new();
    for (label, histogram) in histograms {
        match merged.get_mut(&label.cell.arm) {
            // Same bounds and digits on both sides, so nothing can be out of range.
            Some(sum) => drop(sum.add(&histogram)),
            None => drop(merged.insert(label.cell.arm, histogram)),
        }
    }
    Ok(merged
        .into_iter()
        .filter(|(_, histogram)| !histogram.is_empty())
        .map(|(arm, histogram)| {
            let lag = Lag {
                p99_us: histogram.value_at_quantile(0.99),
                n: histogram.len(),
            };
            (arm, lag)
        })
        .collect())
}

/// Whether an operation is a step on the wire, not a span that contains such steps.
pub const fn is_on_the_wire(operation: Operation) -> bool {
    !matches!(
        operation,
        Operation::Session
            | Operation::UsableInbox
            | Operation::Check
            | Operation::OpenMessage
            | Operation::OpenAttachment
            | Operation::FlagMessage
            | Operation::DeleteMessage
            | Operation::ReplyMessage
            | Operation::MoveMessage
            | Operation::SendMessage
            | Operation::SearchMailbox
    )
}

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Error, files};
use crate::metrics::Host;
use crate::metrics::row::Cell;
use crate::scenario::{Arm, DeviceKind, Phase, TlsMode};

/// The format of the directory. Raised when a reader of the old one would misread the new one.
pub const SCHEMA_VERSION: u32 = 1;

/// `manifest.json`: what was run, with what, against what, on what. Written before the first row and
/// replaced whole at each turn of the run, so it is never half a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// Version of mailgauge.
    pub mailgauge: String,
    /// When the run began: its `t0` on the wall clock, RFC 3339.
    pub started: String,
    /// Eight hex digits, the first part of every `X-Mailgauge-Id`.
    pub run_id: String,
    /// Name of the scenario.
    pub scenario_name: String,
    /// The question that the scenario answers.
    pub scenario_question: String,
    /// The scenario's text after overrides, TOML.
    pub scenario_toml: String,
    /// Hash of that text.
    pub scenario_hash: String,
    /// Seed of the plan.
    pub seed: u64,
    /// Simulated seconds per clock second.
    pub speed: f64,
    /// Users of the whole population.
    pub users: u32,
    /// Fingerprint of the plan: two runs with the same one did the same.
    pub plan_fingerprint: String,
    /// Which part of the population.
    pub shard: ShardFacts,
    /// The arms that are run.
    pub arms: Vec<Arm>,
    /// The scenario's other arms: those that cannot run on this target.
    #[serde(default)]
    pub skipped_arms: Vec<SkippedArm>,
    /// Blocks; each runs every arm once.
    pub blocks: u32,
    /// What was measured against.
    pub target: TargetFacts,
    /// What emulates the networks of devices.
    #[serde(default)]
    pub shaper: Shaper,
    /// The network of each kind of device.
    #[serde(default)]
    pub networks: BTreeMap<DeviceKind, NetworkFacts>,
    /// The machine of the generator.
    pub host: Host,
    /// Worker threads of the generator.
    pub worker_threads: u32,
    /// Why forced writes of the target (fsync) were not counted, each reason once; empty: they were, or nothing of the target
    /// was seen.
    #[serde(default)]
    pub no_disk_syncs: Vec<String>,
    /// The phases so far, in the order in which they began.
    pub phases: Vec<PhaseSpan>,
    /// How the run ended.
    pub outcome: Outcome,
}

impl Default for Manifest {
    fn default() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            mailgauge: env!("CARGO_PKG_VERSION").to_owned(),
            started: String::new(),
            run_id: String::new(),
            scenario_name: String::new(),
            scenario_question: String::new(),
            scenario_toml: String::new(),
            scenario_hash: String::new(),
            seed: 0,
            speed: 1.0,
            users: 0,
            plan_fingerprint: String::new(),
            shard: ShardFacts::default(),
            arms: Vec::new(),
            skipped_arms: Vec::new(),
            blocks: 0,
            target: TargetFacts::default(),
            shaper: Shaper::default(),
            networks: BTreeMap::new(),
            host: Host::default(),
            worker_threads: 0,
            no_disk_syncs: Vec::new(),
            phases: Vec::new(),
            outcome: Outcome::Running,
        }
    }
}

/// What emulates the networks of devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Shaper {
    /// Nothing: connections are what the wire is.
    #[default]
    None,
    /// mailgauge itself, on each connection: rate and delay, not loss or slow start.
    InProcess,
    /// The kernel's netem, in a network namespace.
    Netem,
}

/// What one kind of device was connected by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkFacts {
    /// Name of the preset, or its figures.
    pub name: String,
    /// The round trip that was emulated, µs; none: nothing was.
    pub rtt_us: Option<u64>,
}

/// Part `index` (from 0) of `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardFacts {
    /// Which part, from 0.
    pub index: u32,
    /// How many parts.
    pub of: u32,
}

impl Default for ShardFacts {
    fn default() -> Self {
        Self { index: 0, of: 1 }
    }
}

/// What is known of the target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetFacts {
    /// `embedded`, `dovecot`, …
    pub name: String,
    /// Its version, as it or its package says; empty where it does not.
    pub version: String,
    /// First line that each protocol greeted with.
    pub banners: BTreeMap<String, String>,
    /// Whatever else matters for the figures: storage format, password scheme, fsync, process mode.
    pub facts: BTreeMap<String, String>,
    /// What each protocol offers, as announced.
    pub capabilities: BTreeMap<String, Vec<String>>,
    /// Port of each protocol.
    pub ports: BTreeMap<String, u16>,
    /// How connections get their TLS.
    pub tls: TlsMode,
    /// All that was seen of it before the run, as `mailgauge probe --json` prints it.
    pub probe: serde_json::Value,
}

/// An arm that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedArm {
    /// The arm.
    pub arm: Arm,
    /// Why it cannot run: sentences.
    pub reasons: Vec<String>,
}

/// When a cell was in a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseSpan {
    /// Block, from 1.
    pub block: u32,
    /// Arm.
    pub arm: Arm,
    /// Phase.
    pub phase: Phase,
    /// Begin, µs since the run's start.
    pub start_us: u64,
    /// End, µs since the run's start; none: it was under way when this was written.
    pub end_us: Option<u64>,
}

/// How a run ended, as far as the manifest knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It has not ended, or it was killed.
    Running,
    /// All blocks of all arms were run.
    Complete,
    /// The user stopped it.
    Interrupted,
    /// It could not go on, for this reason.
    Failed(String),
}

impl Manifest {
    /// Reads and checks `manifest.json` of `dir`.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        read_json(&dir.join(files::MANIFEST))
    }

    /// Puts the manifest in place of the one before, whole or not at all.
    pub fn write(&self, dir: &Path) -> Result<(), Error> {
        write_json(dir, files::MANIFEST, self)
    }

    /// The cell enters `phase`; whatever was under way ends.
    pub fn enter(&mut self, cell: Cell, phase: Phase, at_us: u64) {
        self.end_phase(at_us);
        self.phases.push(PhaseSpan {
            block: cell.block,
            arm: cell.arm,
            phase,
            start_us: at_us,
            end_us: None,
        });
    }

    /// Ends the phase that is under way, if one is.
    pub fn end_phase(&mut self, at_us: u64) {
        if let Some(last) = self.phases.last_mut() {
            last.end_us.get_or_insert(at_us);
        }
    }

    /// The span of a cell's phase; none if it did not get that far.
    pub fn span(&self, cell: Cell, phase: Phase) -> Option<&PhaseSpan> {
        self.phases
            .iter()
            .find(|span| (span.block, span.arm, span.phase) == (cell.block, cell.arm, phase))
    }
}

/// Reads a file of ours that begins with a schema version.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let path = path.to_path_buf();
    let bytes = fs::read(&path).map_err(|source| {
        if source.kind() == std::io::ErrorKind::NotFound {
            Error::NoManifest { path: path.clone() }
        } else {
            Error::read(&path, source)
        }
    })?;
    let broken = |source| Error::Manifest {
        path: path.clone(),
        source,
    };
    // The version first: a file of another version may lack fields of ours.
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(broken)?;
    let found = value
        .get("schema_version")
        .and_then(serde_json::Value::as_u64);
    if let Some(found) = found.filter(|&found| found != u64::from(SCHEMA_VERSION)) {
        let writer = value.get("mailgauge").and_then(serde_json::Value::as_str);
        return Err(Error::Schema {
            path,
            found,
            writer: writer.unwrap_or("unknown").to_owned(),
        });
    }
    serde_json::from_slice(&bytes).map_err(broken)
}

/// Puts a file in place of the one before, whole or not at all.
pub(super) fn write_json(dir: &Path, name: &str, value: &impl Serialize) -> Result<(), Error> {
    let path = dir.join(name);
    let failed = |source| Error::write(&path, source);
    let mut text = serde_json::to_vec_pretty(value).map_err(|e| failed(e.into()))?;
    text.push(b'\n');
    let mut file = tempfile::Builder::new()
        .prefix(".manifest-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(dir)
        .map_err(failed)?;
    file.write_all(&text).map_err(failed)?;
    file.persist(&path).map_err(|e| failed(e.error))?;
    Ok(())
}

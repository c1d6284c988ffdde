//! The scenario file: text → checked `Scenario`. Past this room no share is above one, no
//! distribution sums to 0.9 and every default is filled in. Clocks and sockets are unknown here.

mod arm;
mod arms;
mod check;
mod client;
mod diagnostic;
mod distribution;
mod document;
mod gate;
mod network;
mod outages;
mod parts;
mod people;
mod schema;
mod sizes_csv;
mod text;
mod units;
mod vocabulary;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use arm::{Arm, ArmNameError};
pub use arms::{ArmModel, Changes, Client};
pub use check::LARGEST_MAILBOX;
pub use client::{
    FetchText, Find, Hello, ImapClient, ImapCommands, ImapKeep, PopClient, PopListing, Resync,
    Watch, Wish,
};
pub use diagnostic::{Diagnostic, Place, ScenarioError};
pub use distribution::{Distribution, SizePreset, Sizes};
pub use document::{Override, SHORTHANDS};
pub use gate::{Comparison, Dimension, Gate, GateError, Limit};
pub use network::{Network, NetworkPreset, NetworkShape, Rate};
pub use outages::{OutageWindow, Outages};
pub use parts::{Arrivals, Device, Habits, Limits, Mail, Mailbox, Run, Transport, Users};
pub use people::{Class, ClassPreset, MailboxPreset, People};
pub use schema::schema;
pub use text::TomlText;
pub use units::{Octets, Share, duration_text, parse_duration};
pub use vocabulary::{DeviceKind, Language, Phase, Protocol, RadioKind, TlsMode};

use arms::Clients;
use document::{Document, Origin};

/// A mailgauge scenario: who reads which mail, on what, how, and how it is measured. Every key has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "mailgauge scenario")]
pub struct Scenario {
    /// Short name, used in file names. Left out: the name of the file.
    pub name: String,
    /// The question that this scenario answers, one sentence.
    pub question: String,
    /// Where all chance comes from: the same scenario and seed give the same plan on every machine.
    pub seed: u64,
    /// Simulated time runs this many times faster than the clock. Gaps between arrivals, polls, sittings, think
    /// times and the refresh of IDLE are divided by it, so rates per clock second (sessions, deliveries, commands,
    /// octets) are multiplied by it. What the server and the network take is not changed. The phases of `run` and the
    /// limits are clock time. Sessions that end by themselves (POP3, polling) last as long as they last, so their
    /// mean number open at once grows with `speed` too; connections that stay open (IDLE, `stay_connected`)
    /// are as many as at speed 1, only busier. At 1 every figure holds as it stands; otherwise a figure per
    /// clock second stands for `speed` simulated seconds of this population.
    #[schemars(range(min = 0.001, max = 100_000.0))]
    pub speed: f64,
    /// Thresholds that a run must meet, each a figure, a comparison and a limit: `imap.login.response.p99 < 300ms`.
    pub gates: Vec<Gate>,
    /// Arms, blocks and phases.
    pub run: Run,
    /// How many people, and what they own.
    pub users: Users,
    /// The phone's behaviour.
    pub phone: Device,
    /// The tablet's behaviour.
    pub tablet: Device,
    /// The notebook's behaviour.
    pub notebook: Device,
    /// The arms: those that are built in and the scenario's own, by name.
    pub arm: BTreeMap<Arm, ArmModel>,
    /// What `arm` comes to.
    #[serde(skip)]
    clients: Clients,
    /// The mailbox at the start.
    pub mailbox: Mailbox,
    /// How new mail comes.
    pub arrivals: Arrivals,
    /// What people do with it.
    pub habits: Habits,
    /// What messages look like.
    pub mail: Mail,
    /// Classes of users by name, each with a share of the users. Left out: everybody is as the tables above say.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<String, Class>,
    /// How connections are made.
    pub transport: Transport,
    /// Time limits.
    pub limits: Limits,
}

/// A scenario that is compiled in.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// Its file, comments included.
    pub text: &'static str,
}

/// The scenarios that are compiled in; the first is the default.
pub const BUILTINS: [Builtin; 5] = [
    Builtin {
        name: "quick",
        text: include_str!("../../scenarios/quick.toml"),
    },
    Builtin {
        name: "isp-evening",
        text: include_str!("../../scenarios/isp-evening.toml"),
    },
    Builtin {
        name: "phone-tablet-notebook",
        text: include_str!("../../scenarios/phone-tablet-notebook.toml"),
    },
    Builtin {
        name: "client-models",
        text: include_str!("../../scenarios/client-models.toml"),
    },
    Builtin {
        name: "capacity",
        text: include_str!("../../scenarios/capacity.toml"),
    },
];

const DEFAULTS: &str = include_str!("defaults.toml");
const PRESETS: &str = include_str!("presets.toml");

impl Scenario {
    /// The compiled-in scenario of this name.
    pub fn builtin(name: &str) -> Result<Self, ScenarioError> {
        match BUILTINS.iter().find(|builtin| builtin.name == name) {
            Some(builtin) => Self::parse(&format!("scenarios/{name}.toml"), builtin.text, &[]),
            None => Err(unknown_scenario(name)),
        }
    }

    /// The scenario in a file, or the compiled-in one of this name, with overrides laid over it.
    /// A name with a slash or ending in `.toml` is a file; any other is looked up among the compiled-in first.
    pub fn load(name_or_path: &str, overrides: &[Override]) -> Result<Self, ScenarioError> {
        let path = Path::new(name_or_path);
        let is_path =
            path.components().count() > 1 || path.extension().is_some_and(|end| end == "toml");
        if !is_path
            && let Some(builtin) = BUILTINS.iter().find(|builtin| builtin.name == name_or_path)
        {
            return Self::parse(
                &format!("scenarios/{}.toml", builtin.name),
                builtin.text,
                overrides,
            );
        }
        if !is_path && !path.exists() {
            return Err(unknown_scenario(name_or_path));
        }
        let text = std::fs::read_to_string(path).map_err(|source| ScenarioError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(name_or_path, &text, overrides)
    }

    /// A scenario from its text; `file` is the name that mistakes show, and, without its folder and ending, the
    /// scenario's name if the text gives none.
    pub fn parse(file: &str, text: &str, overrides: &[Override]) -> Result<Self, ScenarioError> {
        let single = |mistake| ScenarioError::Mistakes(vec![mistake]);
        let stem = Path::new(file)
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy();
        let name = Override::option("the file's name", "name", &stem);
        let inlined = layers(file, text, overrides, &name)
            .and_then(|document| document.read_sizes(Path::new(file)))
            .map_err(single)?;
        let mut document = layers(file, text, overrides, &name).map_err(single)?;
        for over in &inlined {
            document.set(over).map_err(single)?;
        }
        document.lay_below(PRESETS).map_err(single)?;
        let mut scenario: Self = document.read().map_err(single)?;
        let mut faults = scenario.arm_faults();
        scenario.resolve_arms(&document).map_err(single)?;
        faults.extend(check::check(&scenario));
        if faults.is_empty() {
            return Ok(scenario);
        }
        let mistakes = faults
            .into_iter()
            .map(|fault| document.diagnose(&fault.paths, fault.message, fault.help));
        Err(ScenarioError::Mistakes(mistakes.collect()))
    }

    /// The scenario as TOML with every value spelled out. It parses to the same scenario, and the same scenario
    /// always gives the same text.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }

    /// A hash over [`Scenario::to_toml`], 16 hexadecimal digits (XXH3-64).
    pub fn hash(&self) -> String {
        format!(
            "{:016x}",
            twox_hash::XxHash3_64::oneshot(self.to_toml().as_bytes())
        )
    }

    /// The behaviour of a kind of device.
    pub const fn device(&self, kind: DeviceKind) -> &Device {
        match kind {
            DeviceKind::Phone => &self.phone,
            DeviceKind::Tablet => &self.tablet,
            DeviceKind::Notebook => &self.notebook,
        }
    }

    /// Clock time of a simulated duration.
    pub fn clock(&self, simulated: Duration) -> Duration {
        Duration::from_micros((simulated.as_micros() as f64 / self.speed).round() as u64)
    }

    /// Clock time within which things become due in a cell (one arm of one block): ramp-up, warm-up and measure.
    pub fn horizon(&self) -> Duration {
        self.run.ramp_up + self.run.warm_up + self.run.measure
    }

    /// Clock time of a cell from the start of its ramp-up to the end of its drain.
    pub fn cell_length(&self) -> Duration {
        self.horizon() + self.run.drain
    }

    /// The phase at a clock offset from the start of a cell's ramp-up.
    pub fn phase_at(&self, offset: Duration) -> Phase {
        let warm_up = self.run.ramp_up;
        let measure = warm_up + self.run.warm_up;
        let drain = measure + self.run.measure;
        match offset {
            _ if offset < warm_up => Phase::RampUp,
            _ if offset < measure => Phase::WarmUp,
            _ if offset < drain => Phase::Measure,
            _ if offset < drain + self.run.drain => Phase::Drain,
            _ => Phase::Audit,
        }
    }
}

impl Users {
    /// Share of users who own this kind of device.
    pub const fn share(&self, kind: DeviceKind) -> Share {
        match kind {
            DeviceKind::Phone => self.phone,
            DeviceKind::Tablet => self.tablet,
            DeviceKind::Notebook => self.notebook,
        }
    }
}

/// The defaults, the file's name, the file and the overrides, each laid over the one before.
fn layers<'a>(
    file: &str,
    text: &'a str,
    overrides: &'a [Override],
    name: &'a Override,
) -> Result<Document<'a>, Diagnostic> {
    let mut document = Document::with_defaults(DEFAULTS)?;
    document.set(name)?;
    document.add(Origin::File(file.to_owned()), text)?;
    for over in overrides {
        document.set(over)?;
    }
    Ok(document)
}

fn unknown_scenario(name: &str) -> ScenarioError {
    let known: Vec<String> = BUILTINS
        .iter()
        .map(|builtin| builtin.name.to_owned())
        .collect();
    let suggestion = diagnostic::nearest(name, &known)
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    ScenarioError::Unknown {
        name: name.to_owned(),
        known: known.join(", "),
        suggestion,
    }
}

#[cfg(test)]
mod tests;

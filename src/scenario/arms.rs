//! What each arm does: the scenario's devices, changed by the arm's own table and by those of the arms it is based on.
//! The built-in arms stand in `defaults.toml`; a scenario may change them, or define its own under a new name.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator;
use toml::Table;

use super::arm::Arm;
use super::check::Fault;
use super::client::{ImapClient, PopClient, Watch};
use super::document::Document;
use super::{DeviceKind, Diagnostic, Protocol, Scenario, Share, diagnostic};

/// One side of a comparison: what it changes in how the devices read mail.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArmModel {
    /// What kind of mail client it stands for, one sentence.
    #[serde(default)]
    pub about: String,
    /// The arm whose devices it changes, of the same protocol. Left out: the scenario's devices as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Arm>,
    /// What is different on every device, below the arm's protocol: `[arm.NAME.every.imap]`.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    #[schemars(with = "DeviceClients")]
    pub every: Changes,
    /// What is different on the phone; it wins over `every`.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    #[schemars(with = "DeviceClients")]
    pub phone: Changes,
    /// What is different on the tablet.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    #[schemars(with = "DeviceClients")]
    pub tablet: Changes,
    /// What is different on the notebook.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    #[schemars(with = "DeviceClients")]
    pub notebook: Changes,
}

/// What an arm may change of a device, for the schema: its mail client, not its network or radio.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "stands for `Changes`, whose values are read as they are"
)]
struct DeviceClients {
    /// Its behaviour in arms that speak POP3.
    pop3: PopClient,
    /// Its behaviour in arms that speak IMAP.
    imap: ImapClient,
}

/// The values of a device that an arm sets, by protocol; what they are checked against is the whole that they make.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pop3: Table,
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    imap: Table,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.pop3.is_empty() && self.imap.is_empty()
    }

    const fn of(&self, protocol: Protocol) -> &Table {
        match protocol {
            Protocol::Pop3 => &self.pop3,
            Protocol::Imap => &self.imap,
        }
    }
}

impl ArmModel {
    /// The tables below `[arm.NAME]` that concern a kind of device, the weakest first, with their keys.
    fn changes(&self, kind: DeviceKind) -> [(&'static str, &Changes); 2] {
        let own = match kind {
            DeviceKind::Phone => &self.phone,
            DeviceKind::Tablet => &self.tablet,
            DeviceKind::Notebook => &self.notebook,
        };
        [("every", &self.every), (kind.into(), own)]
    }

    /// Keys below which something is set for a protocol.
    fn keys_of(&self, protocol: Protocol) -> BTreeSet<&'static str> {
        DeviceKind::iter()
            .flat_map(|kind| self.changes(kind))
            .filter(|(_, changes)| !changes.of(protocol).is_empty())
            .map(|(key, _)| key)
            .collect()
    }
}

/// How one device reads mail in one arm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Client<'a> {
    /// By POP3.
    Pop3(&'a PopClient),
    /// By IMAP.
    Imap(&'a ImapClient),
}

impl Client<'_> {
    /// Time between two checks (simulated) and its jitter; none: it does not poll.
    pub const fn poll(self) -> Option<(Duration, Share)> {
        match self {
            Self::Pop3(client) => Some((client.poll, client.jitter)),
            Self::Imap(client) => match client.watch {
                Watch::Poll(poll) => Some((poll, client.jitter)),
                Watch::Idle { .. } => None,
            },
        }
    }

    /// Connections that it holds at once, at most.
    pub fn connections(self) -> u32 {
        match self {
            Self::Pop3(_) => 1,
            Self::Imap(client) => client.connections.max(1),
        }
    }
}

/// The devices of the arms that change something, put together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Clients {
    pop3: BTreeMap<(Arm, DeviceKind), PopClient>,
    imap: BTreeMap<(Arm, DeviceKind), ImapClient>,
}

impl Clients {
    fn find(&self, arm: Arm, kind: DeviceKind) -> Option<Client<'_>> {
        match arm.protocol() {
            Protocol::Pop3 => self.pop3.get(&(arm, kind)).map(Client::Pop3),
            Protocol::Imap => self.imap.get(&(arm, kind)).map(Client::Imap),
        }
    }
}

impl Scenario {
    /// How a kind of device reads mail in an arm. An arm that the scenario does not know does what the scenario's devices
    /// do in its protocol.
    pub fn client(&self, arm: Arm, kind: DeviceKind) -> Client<'_> {
        self.clients
            .find(arm, kind)
            .unwrap_or_else(|| match arm.protocol() {
                Protocol::Pop3 => Client::Pop3(&self.device(kind).pop3),
                Protocol::Imap => Client::Imap(&self.device(kind).imap),
            })
    }

    /// Where to set a device's values for this arm alone: `phone.imap`, `arm.imap-idle.phone.imap`.
    pub fn client_path(&self, arm: Arm, kind: DeviceKind) -> String {
        let protocol = arm.protocol();
        if arm == Arm::of(protocol) {
            format!("{kind}.{protocol}")
        } else {
            format!("arm.{arm}.{kind}.{protocol}")
        }
    }

    /// An arm, what it is based on, and so on: the arm itself first. Ends where a base is unknown or would come again.
    pub(super) fn lineage(&self, arm: Arm) -> Vec<Arm> {
        let mut line = vec![arm];
        let mut next = self.arm.get(&arm).and_then(|model| model.base);
        while let Some(base) = next.filter(|base| !line.contains(base)) {
            line.push(base);
            next = self.arm.get(&base).and_then(|model| model.base);
        }
        line
    }

    /// Paths of the tables that make a device in an arm what it is, the strongest first; the scenario's own device is not
    /// among them.
    pub(super) fn layers(&self, arm: Arm, kind: DeviceKind) -> Vec<String> {
        let protocol = arm.protocol();
        let mut layers = Vec::new();
        for arm in self.lineage(arm) {
            let changes = self.arm.get(&arm).map(|model| model.changes(kind));
            let written = changes.into_iter().flatten().rev();
            layers.extend(
                written
                    .filter(|(_, changes)| !changes.of(protocol).is_empty())
                    .map(|(key, _)| format!("arm.{arm}.{key}.{protocol}")),
            );
        }
        layers
    }

    /// Puts the devices of each arm together.
    ///
    /// # Errors
    /// A value that does not fit, where it stands.
    pub(super) fn resolve_arms(&mut self, document: &Document<'_>) -> Result<(), Diagnostic> {
        let mut clients = Clients::default();
        for &arm in self.arm.keys() {
            for kind in DeviceKind::iter() {
                let mut upper = self.layers(arm, kind);
                upper.reverse();
                if upper.is_empty() {
                    continue;
                }
                let lower = format!("{kind}.{}", arm.protocol());
                match arm.protocol() {
                    Protocol::Pop3 => {
                        let client = document.read_layers(&lower, &upper)?;
                        clients.pop3.insert((arm, kind), client);
                    }
                    Protocol::Imap => {
                        let client = document.read_layers(&lower, &upper)?;
                        clients.imap.insert((arm, kind), client);
                    }
                }
            }
        }
        self.clients = clients;
        Ok(())
    }

    /// What is wrong with the arms as such: their names and their bases.
    pub(super) fn arm_faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let known: Vec<String> = self.arm.keys().map(ToString::to_string).collect();
        for (index, arm) in self.run.arms.iter().enumerate() {
            if !self.arm.contains_key(arm) {
                let path = format!("run.arms.{index}");
                faults.push(unknown(path, *arm, &known));
            }
        }
        for (&arm, model) in &self.arm {
            if let Some(base) = model.base {
                faults.extend(self.base_fault(arm, base, &known));
            }
            let other = match arm.protocol() {
                Protocol::Pop3 => Protocol::Imap,
                Protocol::Imap => Protocol::Pop3,
            };
            for key in model.keys_of(other) {
                faults.push(Fault {
                    paths: vec![format!("arm.{arm}.{key}.{other}")],
                    message: format!("the arm `{arm}` does not speak {other}"),
                    help: Some(format!(
                        "write `[arm.{arm}.{key}.{}]`, or give the arm a name that begins with `{other}`",
                        arm.protocol()
                    )),
                });
            }
        }
        faults
    }

    fn base_fault(&self, arm: Arm, base: Arm, known: &[String]) -> Option<Fault> {
        let path = format!("arm.{arm}.base");
        if !self.arm.contains_key(&base) {
            return Some(unknown(path, base, known));
        }
        let (message, help) = if base.protocol() != arm.protocol() {
            (
                format!(
                    "the arm `{arm}` can not be based on `{base}`, which speaks another protocol"
                ),
                format!("name an arm that begins with `{}`", arm.protocol()),
            )
        } else if self.lineage(base).contains(&arm) {
            (
                format!("the arm `{arm}` is based on itself, through `{base}`"),
                "take one `base` of that circle out".to_owned(),
            )
        } else {
            return None;
        };
        Some(Fault {
            paths: vec![path],
            message,
            help: Some(help),
        })
    }
}

fn unknown(path: String, arm: Arm, known: &[String]) -> Fault {
    let name = arm.to_string();
    let near = diagnostic::nearest(&name, known)
        .map_or_else(String::new, |near| format!("did you mean `{near}`? "));
    Fault {
        paths: vec![path],
        message: format!("unknown arm `{name}`"),
        help: Some(format!(
            "{near}known: {}; one of your own is defined below `[arm.{name}]`",
            known.join(", ")
        )),
    }
}

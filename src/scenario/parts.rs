//! The tables of a scenario file: what each key means, in which unit. Defaults and their sources stand
//! in `defaults.toml`, so nothing here has a value of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arm::Arm;
use super::client::{ImapClient, PopClient};
use super::distribution::{Distribution, Sizes};
use super::network::Network;
use super::outages::Outages;
use super::people::MailboxPreset;
use super::units::{DurationText, Octets, Share, duration, octets};
use super::vocabulary::{Language, RadioKind, TlsMode};

/// Shape of the run. These durations are clock time: `speed` does not touch them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The sides of the comparison, each named once. All replay the same plan.
    pub arms: Vec<Arm>,
    /// Each block runs every arm once on mailboxes prepared afresh; the order of the arms turns from block to
    /// block (A B, B A), so that a drift of the machine meets both. At least 6 for a sign test to reach 5 %.
    #[schemars(range(min = 1))]
    pub blocks: u32,
    /// Devices come online one after another within this time (clock).
    #[serde(with = "duration")]
    #[schemars(with = "DurationText")]
    pub ramp_up: Duration,
    /// Everything runs, nothing is judged yet (clock).
    #[serde(with = "duration")]
    #[schemars(with = "DurationText")]
    pub warm_up: Duration,
    /// What verdicts rest on (clock).
    #[serde(with = "duration")]
    #[schemars(with = "DurationText")]
    pub measure: Duration,
    /// At the end: nothing new begins, what has begun may end (clock).
    #[serde(with = "duration")]
    #[schemars(with = "DurationText")]
    pub drain: Duration,
    /// Write the history of what every device did to its mailbox and saw of it to observations.csv, from which
    /// consistency is checked. One row per act and per message that is new to a device.
    pub observations: bool,
    /// Worker threads of the load generator; left out: one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub workers: Option<u32>,
    /// The processors that a server which mailgauge starts itself keeps to, as Linux numbers them: `[0, 1]`. The load generator
    /// keeps to the others. Left out: both use all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_cpus: Option<Vec<u32>>,
}

/// How many people there are and what they own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Users {
    /// Number of users, each with one mailbox.
    #[schemars(range(min = 1))]
    pub count: u32,
    /// Share of users who own a phone. Owners of each device are drawn independently; whoever would own
    /// nothing gets one device, drawn by the same shares.
    pub phone: Share,
    /// Share of users who own a tablet.
    pub tablet: Share,
    /// Share of users who own a notebook.
    pub notebook: Share,
}

/// How one kind of device reads mail, by protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// What it is connected by: `direct` (whatever the wire is), `lan`, `wifi`, `cable`, `dsl`, `fast4g`, `slow4g`,
    /// `regular3g`, `slow3g`, `edge`, or `{ down = "1.6Mbit/s", up = "750kbit/s", rtt = "150ms", jitter = "10ms" }`.
    /// All connections of one device share it. Its times are clock time.
    pub network: Network,
    /// The radio whose wake-ups and energy are modelled from the device's packets: `3g`, `lte` or `wifi`. It shapes
    /// nothing; `network` does.
    pub radio: RadioKind,
    /// When it has no network (simulated): `{ random = { per_day = 6, minutes = { constant = 10 } } }` or
    /// `{ windows = [{ from = "10m", to = "25m" }] }`; left out: never. Its connections break then, and new ones fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outages: Option<Outages>,
    /// Its behaviour in arms that speak POP3.
    pub pop3: PopClient,
    /// Its behaviour in arms that speak IMAP.
    pub imap: ImapClient,
}

/// The mailbox as the run finds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mailbox {
    /// A kind of mailbox by name, such as "enron"; what is said besides goes before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<MailboxPreset>,
    /// Messages at the start, rounded to whole messages, at most 100,000 per user.
    pub messages: Distribution,
    /// Folders that messages are moved to, besides INBOX and those that mail programs make. POP3 sees INBOX only (RFC
    /// 1733: multiple remote mailboxes); there a folder is one on the device.
    #[schemars(range(max = 1000))]
    pub folders: u32,
    /// Share of the messages of the start that were read before and lie in `folders`, evenly; the others are in INBOX. POP3
    /// does not see them.
    pub filed: Share,
    /// How many days before the run they came, in simulated days; the oldest are cut to a hundred years.
    pub age_days: Distribution,
    /// Share of them that were not read before.
    pub unread: Share,
}

/// How new mail comes. Messages arrive one by one with exponential gaps at
/// `per_day` × `peak_share` × `speed` messages per clock hour and user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arrivals {
    /// Messages per user and day.
    pub per_day: f64,
    /// Share of the day's mail that falls into the hour that is simulated.
    pub peak_share: Share,
}

/// What people do with their mail. Each share is drawn once per message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Habits {
    /// Sittings per simulated hour and user, in the busiest hour: the person picks up one of their devices and reads
    /// what came.
    pub sittings_per_hour: f64,
    /// Hours of a day, from 1 to 24, in which the person gets, reads and writes mail. A run begins in the busiest hour,
    /// and all up to the first simulated hour of its measured part counts as that hour, with `peak_share` of the day.
    /// A run that simulates more sees the other active hours, over which the rest of the day is spread evenly, and
    /// then the hours in which nothing comes and nobody reads. Devices poll all day.
    #[schemars(range(min = 1.0, max = 24.0))]
    pub active_hours: f64,
    /// Gap between two acts of a sitting, in simulated seconds.
    pub think_s: Distribution,
    /// Share of messages that are ever opened.
    pub open: Share,
    /// Share of opened messages with an attachment whose attachment is opened too.
    pub attachment: Share,
    /// Share of opened messages that are answered.
    pub reply: Share,
    /// Messages per day that the person writes besides answers; `peak_share` of them in the busiest hour. Each is
    /// written in the next sitting.
    pub sent_per_day: f64,
    /// Share of opened messages that are flagged.
    pub flag: Share,
    /// Share of opened, not deleted messages that are moved from INBOX to one of the `folders`, where there are any.
    pub r#move: Share,
    /// Share of opened messages that are deleted after reading.
    pub delete: Share,
    /// Share of opened, not deleted messages that are opened once more, later, on another of the person's devices.
    pub revisit: Share,
    /// Probability that a sitting contains a search.
    pub search: Share,
}

/// What messages look like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Message sizes on the wire, headers and encoded attachments included.
    pub sizes: Sizes,
    /// Messages larger than this carry their bulk as an attachment.
    #[serde(with = "octets")]
    #[schemars(with = "Octets")]
    pub attachment_above: u64,
    /// Share of attachment octets that do not compress (random); the rest is like text.
    pub incompressible: Share,
    /// Share of messages that answer an earlier one of the same mailbox: In-Reply-To, References, "Re:".
    pub thread: Share,
    /// Shares of the languages that mail is written in, `{ english = 0.7, thai = 0.3 }`; they sum to 1.
    pub languages: BTreeMap<Language, Share>,
}

/// How connections are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transport {
    /// `plain` (110, 143), `starttls` (the same ports) or `implicit` (995, 993).
    pub tls: TlsMode,
    /// Re-arm `TCP_QUICKACK` after each read (Linux): otherwise a delayed ACK can hold a long reply's end for 40 ms.
    pub quickack: bool,
    /// Resume TLS sessions with tickets.
    pub resumption: bool,
}

/// Limits, in clock time; beyond them an operation fails with a typed error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// A connection must be made within this time (clock).
    #[serde(with = "duration")]
    #[schemars(with = "DurationText")]
    pub connect: Duration,
    /// A reply must be complete within this time (clock).
    #[serde(with = "duration")]
    #[schemars(with = "DurationText")]
    pub command: Duration,
    /// Connections of one delivery worker.
    #[schemars(range(min = 1))]
    pub deliveries: u32,
}

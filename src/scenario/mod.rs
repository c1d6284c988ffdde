//! The scenario file: text → checked [`Scenario`]. Past this room no share is above one, no
//! distribution sums to 0.9 and every default is filled in. Clocks and sockets are unknown here.

mod vocabulary;

use std::time::Duration;

pub use vocabulary::{Arm, DeviceKind, Phase, Protocol, TlsMode};

// CONTRACT (the scenario room's owner completes: serde, schema, spans, docs, checks).

/// A checked scenario with every default filled in.
pub struct Scenario {
    pub name: String,
    /// The question that this scenario answers, one sentence.
    pub question: String,
    pub seed: u64,
    /// Simulated seconds per clock second.
    pub speed: f64,
    pub run: Run,
    pub users: Users,
    pub phone: Device,
    pub tablet: Device,
    pub notebook: Device,
    pub mailbox: Mailbox,
    pub arrivals: Arrivals,
    pub habits: Habits,
    pub mail: Mail,
    pub transport: Transport,
    pub limits: Limits,
}

/// Shape of the run. Durations are CLOCK time (not multiplied by speed).
pub struct Run {
    pub arms: Vec<Arm>,
    /// Each block runs every arm once on fresh mailboxes; the order turns from block to block (A B, B A).
    pub blocks: u32,
    pub ramp_up: Duration,
    pub warm_up: Duration,
    pub measure: Duration,
    pub drain: Duration,
    /// Worker threads; none: one.
    pub workers: Option<u32>,
}

pub struct Users {
    pub count: u32,
    /// Share (0..=1) of users who own each; every user owns at least one device.
    pub phone: f64,
    pub tablet: f64,
    pub notebook: f64,
}

pub struct Device {
    pub pop3: PopClient,
    pub imap: ImapClient,
}

/// Simulated durations are `Duration`s of the users' time, divided by `speed` to get clock time.
pub struct PopClient {
    pub poll: Duration,
    /// Each gap is poll × (1 ± jitter), uniform.
    pub jitter: f64,
    pub leave_on_server: bool,
}

pub struct ImapClient {
    pub watch: Watch,
    pub jitter: f64,
    /// Connections held while online; the first watches INBOX, further ones SELECT other folders and stay.
    pub connections: u32,
    /// Stay logged in between checks (always so with idle).
    pub stay_connected: bool,
    /// How many of the newest messages the list view shows at first sight.
    pub window: u32,
    pub keep: ImapKeep,
}

pub enum Watch {
    /// IDLE (RFC 2177), re-issued after `refresh` (simulated).
    Idle {
        refresh: Duration,
    },
    Poll(Duration),
}

/// What an IMAP device keeps of what it fetched.
pub enum ImapKeep {
    /// Online: headers in memory while connected, bodies fetched at each opening.
    Nothing,
    /// Bodies stay once opened.
    Opened,
    /// Every new message is fetched whole.
    Everything,
}

pub struct Mailbox {
    /// Messages in INBOX at the start.
    pub messages: Distribution,
    /// Share of them not read yet.
    pub unread: f64,
}

pub struct Arrivals {
    pub per_day: f64,
    /// Share of the day's mail in the hour that is simulated.
    pub peak_share: f64,
}

pub struct Habits {
    /// Sittings per hour and user (simulated): the person picks up one of their devices and reads what came.
    pub sittings_per_hour: f64,
    /// Gap between two acts of a sitting, seconds (simulated).
    pub think_s: Distribution,
    /// Share of messages that are ever opened.
    pub open: f64,
    /// Share of opened messages with an attachment whose attachment is opened.
    pub attachment: f64,
    pub reply: f64,
    pub flag: f64,
    pub delete: f64,
    /// Share of opened messages that are opened once more, later, on another of the person's devices.
    pub revisit: f64,
    /// Searches per sitting (0..=1 a probability).
    pub search: f64,
}

pub struct Mail {
    /// Message size in bytes.
    pub sizes: Distribution,
    /// Messages larger than this carry their bulk as an attachment.
    pub attachment_above: u64,
    /// Share of attachment bytes that do not compress (random); the rest is text-like.
    pub incompressible: f64,
}

pub enum Distribution {
    Constant(f64),
    Exponential {
        mean: f64,
    },
    Lognormal {
        median: f64,
        sigma: f64,
    },
    Uniform {
        low: f64,
        high: f64,
    },
    /// [[value, share], …], shares sum to 1.
    Table(Vec<(f64, f64)>),
}

pub struct Transport {
    pub tls: TlsMode,
    /// Re-arm TCP_QUICKACK after each read (Linux): otherwise delayed ACK can hold a long reply's end for 40 ms.
    pub quickack: bool,
    /// TLS session tickets: resume or not.
    pub resumption: bool,
}

/// CLOCK time; beyond them an operation fails with a typed error.
pub struct Limits {
    pub connect: Duration,
    pub command: Duration,
    /// Connections of one delivery worker.
    pub deliveries: u32,
}

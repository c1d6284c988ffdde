//! Scenario + seed + shard → who does what when. Pure: the same input gives the same plan on every
//! machine, to the byte. All instants are clock offsets from `t0`, the start of ramp-up.

mod chance;
mod day;
mod fingerprint;
pub mod message;
mod outages;
mod sittings;
mod summary;
mod timeline;

use std::num::NonZeroU16;
use std::time::Duration;

use crate::scenario::{Arm, DeviceKind, Scenario};

pub use summary::Summary;

/// A message is read in a sitting only if it was due at least this long (clock) before it. Between the moment
/// a message is due and the moment it stands in the mailbox lie the queue of deliveries, the server's LMTP
/// dialogue and its writing to disk; a person who looks sooner has nothing to see yet, in either
/// protocol. With the margin an opening that finds no message tells of the protocol or of a server slower than
/// this, not of the plan.
pub const ARRIVAL_MARGIN: Duration = Duration::from_millis(300);

/// The most acts of one sitting; what is left over waits for the next.
pub const LONGEST_SITTING: usize = 40;

/// Messages of a thread that later ones refer to.
pub const LONGEST_THREAD: usize = 20;

/// The whole population's timeline, or a shard of it.
///
/// Held in memory: about 64 octets per message, 48 per event and 64 per act of a sitting. A mailbox of 50,000 messages costs 3.2 MB, so
/// a thousand of them 3.2 GB; a scenario whose plan would pass 50 million messages and events is refused when it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The scenario's seed.
    pub seed: u64,
    /// ramp-up + warm-up + measure; nothing is due later.
    pub horizon: Duration,
    /// One timeline per user, in the order of their numbers.
    pub users: Vec<UserPlan>,
}

/// A part of the population: part `index` of `of`, the users whose number modulo `of` is `index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    pub index: u32,
    /// Number of parts, at least 1.
    pub of: u32,
}

impl Shard {
    /// Everybody.
    pub const WHOLE: Self = Self { index: 0, of: 1 };
}

impl Plan {
    /// The timelines of a shard's users. A user's timeline depends on the scenario (its seed included) and the
    /// user's number, on nothing else: not on the shard, not on other users.
    pub fn new(scenario: &Scenario, shard: Shard) -> Self {
        let users = (shard.index..scenario.users.count).step_by(shard.of.max(1) as usize);
        Self {
            seed: scenario.seed,
            horizon: scenario.horizon(),
            users: users
                .map(|user| timeline::user_plan(scenario, UserId(user)))
                .collect(),
        }
    }

    /// A hash over the plan's canonical bytes, 16 hexadecimal digits (XXH3-64): two machines that have the same
    /// fingerprint do the same.
    pub fn fingerprint(&self) -> String {
        fingerprint::fingerprint(self)
    }

    /// What the plan holds, counted.
    pub fn summary(&self) -> Summary {
        Summary::of(self)
    }
}

/// A user's number, from 0, over the whole population (not within the shard).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub u32);

/// The name of a user's folder, by its number: a topic, and from the second round on a number behind it.
pub fn folder_name(folder: u32) -> String {
    let topics = message::words();
    let (round, place) = (
        folder as usize / topics.len(),
        folder as usize % topics.len(),
    );
    match round {
        0 => topics[place].clone(),
        _ => format!("{}-{}", topics[place], round + 1),
    }
}

/// One user's timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPlan {
    /// Whose it is.
    pub user: UserId,
    /// The class of users that the person is of, where the scenario has classes.
    pub class: Option<String>,
    /// Folders that the person moves mail to, numbered from 0.
    pub folders: u32,
    /// Devices the person owns, never empty, sorted.
    pub devices: Vec<DeviceKind>,
    /// Every message the user gets, index = sequence number. Those at the start come first, the oldest of them foremost; then by due time.
    pub mail: Vec<PlannedMessage>,
    /// Sorted by `at`.
    pub events: Vec<Event>,
    /// When devices have no network, sorted by device and time; those of one device do not overlap.
    pub outages: Vec<Outage>,
}

/// A span of time in which a device has no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Which device.
    pub device: DeviceKind,
    /// Its begin: clock offset from `t0`.
    pub from: Duration,
    /// Its end, likewise.
    pub to: Duration,
}

impl UserPlan {
    /// The messages before this one in its thread, the one that began it first and the one it answers last, at most
    /// [`LONGEST_THREAD`] of the latest.
    pub fn ancestors(&self, seq: u32) -> Vec<u32> {
        let answers = |seq: &u32| self.mail.get(*seq as usize).and_then(|it| it.answers);
        let mut ancestors: Vec<u32> = std::iter::successors(answers(&seq), answers)
            .take(LONGEST_THREAD)
            .collect();
        ancestors.reverse();
        ancestors
    }
}

/// A message of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedMessage {
    /// How it comes into the mailbox.
    pub arrival: Arrival,
    /// The earlier message that it answers, by its sequence number.
    pub answers: Option<u32>,
    /// What it is made of.
    pub spec: MessageSpec,
}

/// How a message comes into the mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// In the mailbox before the run.
    AtStart {
        /// Whether the person read it earlier.
        seen: bool,
        /// Simulated seconds before `t0` at which it came.
        age_s: u32,
        /// The folder that the person has put it into, counted from 1 to [`UserPlan::folders`]; none: INBOX.
        folder: Option<NonZeroU16>,
    },
    /// Handed to the server at this offset.
    Due(Duration),
}

impl Arrival {
    /// The number, below [`UserPlan::folders`], of the folder that the person has put it into before the run; none: INBOX.
    pub fn folder(&self) -> Option<u32> {
        match self {
            Self::AtStart { folder, .. } => folder.map(|folder| u32::from(folder.get()) - 1),
            Self::Due(_) => None,
        }
    }
}

/// Everything needed to write the message's bytes again, anywhere, with [`message::Writer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageSpec {
    /// Chooses the language, the subject and the words.
    pub seed: u64,
    /// Octets on the wire, CRLF line ends, headers included; at least [`message::SMALLEST`].
    pub octets: u64,
    /// Of these, octets of the attachment part's base64 body, line ends included; none: no attachment.
    pub attachment: Option<u64>,
    /// Of the attachment, octets that do not compress; the rest is base64 of text.
    pub incompressible: u64,
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When it is due: clock offset from `t0`.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The device is switched on: first check, then its polls run / its connection stays.
    Online(DeviceKind),
    /// The device's timer fires, in one arm.
    Poll {
        /// Whose timer.
        device: DeviceKind,
        /// In this arm.
        arm: Arm,
    },
    /// The message `mail[seq]` is handed to the server.
    Deliver {
        /// Its sequence number.
        seq: u32,
    },
    /// The person picks up the device: it checks for mail, then the steps follow.
    Sitting {
        /// The device in hand.
        device: DeviceKind,
        /// At most [`LONGEST_SITTING`]; none: there was nothing to read.
        steps: Vec<Step>,
    },
}

/// One act of a sitting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Clock time between the end of the step before (or of the check) and this one.
    pub think: Duration,
    /// What the person does.
    pub act: Act,
}

/// What a person does. `seq` indexes [`UserPlan::mail`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Open the message.
    Open {
        /// Which.
        seq: u32,
        /// With its attachment.
        attachment: bool,
        /// Read before, on another device.
        again: bool,
    },
    /// Flag it.
    Flag {
        /// Which.
        seq: u32,
    },
    /// Delete it.
    Delete {
        /// Which.
        seq: u32,
    },
    /// Answer it. The reply itself goes out by submission, which is neither protocol.
    Reply {
        /// The message that is answered.
        seq: u32,
        /// The answer.
        reply: MessageSpec,
    },
    /// Move it from INBOX to a folder.
    Move {
        /// Which.
        seq: u32,
        /// Below [`UserPlan::folders`].
        folder: u32,
    },
    /// Write a message that answers none.
    Send {
        /// How many the person wrote before, in the whole run.
        number: u32,
        /// The message.
        message: MessageSpec,
    },
    /// Search the mailbox.
    Search {
        /// A word, as it occurs in subjects and texts.
        term: String,
    },
}

#[cfg(test)]
mod tests;

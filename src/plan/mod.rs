//! Scenario + seed + shard → who does what when. Pure: the same input gives the same plan on every
//! machine, to the byte. All instants are clock offsets from `t0`, the start of ramp-up.

use std::time::Duration;

use crate::scenario::{DeviceKind, Protocol, Scenario};

// CONTRACT (the plan room's owner completes).

/// The whole population's timeline.
pub struct Plan {
    pub seed: u64,
    /// ramp-up + warm-up + measure; nothing is due later.
    pub horizon: Duration,
    pub users: Vec<UserPlan>,
}

/// A part of the population: part `index` of `of`.
#[derive(Clone, Copy, Debug)]
pub struct Shard {
    pub index: u32,
    pub of: u32,
}

impl Plan {
    pub fn new(scenario: &Scenario, shard: Shard) -> Self {
        let _ = (scenario, shard);
        todo!()
    }
    /// Canonical bytes, for hashes and for the test "two machines, one plan".
    pub fn fingerprint(&self) -> String {
        todo!()
    }
}

/// A user's number, from 0, over the whole population (not within the shard).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub u32);

pub struct UserPlan {
    pub user: UserId,
    /// Devices the person owns, never empty, sorted.
    pub devices: Vec<DeviceKind>,
    /// Every message the user gets, index = sequence number. Those at the start come first.
    pub mail: Vec<PlannedMessage>,
    /// Sorted by `at`.
    pub events: Vec<Event>,
}

pub struct PlannedMessage {
    pub arrival: Arrival,
    pub spec: MessageSpec,
}

pub enum Arrival {
    /// In the mailbox before the run; `seen`: read earlier.
    AtStart { seen: bool },
    /// Handed to the server at this offset.
    Due(Duration),
}

/// Everything needed to write the message's bytes again, anywhere (`plan::message::write`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageSpec {
    pub seed: u64,
    /// Octets on the wire, CRLF line ends, headers included.
    pub octets: u64,
    /// Of these, octets of the attachment part's base64 body; none: no attachment.
    pub attachment: Option<u64>,
}

pub struct Event {
    pub at: Duration,
    pub what: What,
}

pub enum What {
    /// The device is switched on: first check, then its polls run / its connection stays.
    Online(DeviceKind),
    /// The device's timer fires. Only for the arm that speaks `protocol`.
    Poll {
        device: DeviceKind,
        protocol: Protocol,
    },
    /// The message `mail[seq]` is handed to the server.
    Deliver { seq: u32 },
    /// The person picks up the device: it checks for mail, then the steps follow.
    Sitting {
        device: DeviceKind,
        steps: Vec<Step>,
    },
}

pub struct Step {
    /// Clock time between the end of the step before (or of the check) and this one.
    pub think: Duration,
    pub act: Act,
}

/// What a person does. `seq` indexes `UserPlan::mail`.
pub enum Act {
    /// Open the message; with its attachment or not; `again`: read before, on another device.
    Open {
        seq: u32,
        attachment: bool,
        again: bool,
    },
    Flag {
        seq: u32,
    },
    Delete {
        seq: u32,
    },
    /// Answer it: `octets` of new text. The reply itself goes out by submission, which is neither protocol.
    Reply {
        seq: u32,
        reply: MessageSpec,
    },
    Search {
        term: String,
    },
}

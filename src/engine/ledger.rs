//! What became of each message of one user, whatever the device: the mailbox as the harness knows it.

use std::fmt;
use std::time::{Duration, Instant};

use crate::plan::{Arrival, Plan, UserId, UserPlan};

/// Eight hex digits that mark the mail of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunId(u32);

impl RunId {
    /// A new one.
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// Marks mail that is put there without a run: the same for the same plan, so that it is known again.
    pub fn of_plan(plan: &Plan) -> Self {
        let digits = plan.fingerprint();
        Self(u32::from_str_radix(digits.get(..8).unwrap_or_default(), 16).unwrap_or_default())
    }

    /// The mark of one message: `X-Mailgauge-Id`.
    pub fn identity(self, user: UserId, seq: u32) -> String {
        format!("{self}-{}-{seq}", user.0)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// One user's messages, by sequence number.
#[derive(Debug)]
pub(super) struct Ledger {
    run: RunId,
    user: UserId,
    mail: Vec<Entry>,
}

/// One message.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) octets: u64,
    /// In the mailbox before the run, and whether read.
    pub(super) at_start: Option<bool>,
    /// How long before the run it came, in simulated time; of mail that comes during the run, zero.
    pub(super) age: Duration,
    /// The server took it.
    pub(super) accepted: Option<Instant>,
    /// Of the body as it was handed over.
    pub(super) body_hash: Option<u64>,
    /// The person wanted it gone.
    pub(super) deleted: bool,
    /// A device took it off the server, and the server agreed.
    pub(super) removed: bool,
}

impl Ledger {
    pub(super) fn new(run: RunId, plan: &UserPlan) -> Self {
        let entry = |message: &crate::plan::PlannedMessage| Entry {
            octets: message.spec.octets,
            at_start: match message.arrival {
                Arrival::AtStart { seen, .. } => Some(seen),
                Arrival::Due(_) => None,
            },
            age: match message.arrival {
                Arrival::AtStart { age_s, .. } => Duration::from_secs(age_s.into()),
                Arrival::Due(_) => Duration::ZERO,
            },
            accepted: None,
            body_hash: None,
            deleted: false,
            removed: false,
        };
        Self {
            run,
            user: plan.user,
            mail: plan.mail.iter().map(entry).collect(),
        }
    }

    /// The sequence number behind a mark; none if it is not this run's, or not this user's.
    pub(super) fn seq(&self, identity: &str) -> Option<u32> {
        let mut parts = identity.split('-');
        let run = u32::from_str_radix(parts.next()?, 16).ok()?;
        let user: u32 = parts.next()?.parse().ok()?;
        let seq: u32 = parts.next()?.parse().ok()?;
        let ours = run == self.run.0
            && user == self.user.0
            && (seq as usize) < self.mail.len()
            && parts.next().is_none();
        ours.then_some(seq)
    }

    pub(super) fn identity(&self, seq: u32) -> String {
        self.run.identity(self.user, seq)
    }

    pub(super) fn entry(&self, seq: u32) -> Option<&Entry> {
        self.mail.get(seq as usize)
    }

    pub(super) fn entry_mut(&mut self, seq: u32) -> Option<&mut Entry> {
        self.mail.get_mut(seq as usize)
    }

    pub(super) fn len(&self) -> usize {
        self.mail.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Entry)> {
        (0..).zip(&self.mail)
    }

    /// On the server, as far as the harness knows.
    pub(super) fn should_be_there(&self, seq: u32) -> bool {
        self.entry(seq)
            .is_some_and(|entry| entry.accepted.is_some() && !entry.removed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Entry, Ledger, RunId};
    use crate::plan::UserId;

    #[test]
    fn only_marks_of_this_run_and_this_user_are_known() {
        let entry = Entry {
            octets: 1000,
            at_start: None,
            age: Duration::ZERO,
            accepted: None,
            body_hash: None,
            deleted: false,
            removed: false,
        };
        let ledger = Ledger {
            run: RunId(0xbeef),
            user: UserId(7),
            mail: vec![entry; 3],
        };
        assert_eq!(ledger.identity(2), "0000beef-7-2");
        assert_eq!(ledger.seq("0000beef-7-2"), Some(2));
        for foreign in [
            "0000beef-7-3",
            "0000beef-8-2",
            "0000bee0-7-2",
            "0000beef-7-2-1",
            "",
            "x",
        ] {
            assert_eq!(ledger.seq(foreign), None, "{foreign}");
        }
    }
}

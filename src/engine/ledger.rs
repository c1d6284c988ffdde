//! What became of each message of one user, whatever the device: the mailbox as the harness knows it.

use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::plan::{Arrival, Plan, UserId, UserPlan};

use super::witness::Chronicle;

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
    /// Where it is written down what is done to them.
    chronicle: Rc<Chronicle>,
}

/// One message.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) octets: u64,
    /// In the mailbox before the run, and whether read.
    pub(super) at_start: Option<bool>,
    /// How long before the run it came, in simulated time; of mail that comes during the run, zero.
    pub(super) age: Duration,
    /// It was handed to the server, which has not refused it.
    pub(super) offered: bool,
    /// The server took it, and said so.
    pub(super) accepted: Option<Instant>,
    /// Of the body as it was handed over.
    pub(super) body_hash: Option<u64>,
    /// The person wanted it gone.
    pub(super) deleted: bool,
    /// A device asked for it to be moved from INBOX to this folder, and the server has not refused.
    pub(super) moved: Option<u32>,
    pub(super) removal: Removal,
}

impl Entry {
    /// How old the message is in simulated time, in a run whose `t0` is `begin` and which is `speed` times as fast as
    /// the clock. One that the server has not accepted has no age.
    pub(super) fn age_at(&self, now: Instant, begin: Instant, speed: f64) -> Duration {
        let since = match (self.at_start, self.accepted) {
            (Some(_), _) => begin,
            (None, Some(accepted)) => accepted,
            (None, None) => return Duration::ZERO,
        };
        self.age + now.saturating_duration_since(since).mul_f64(speed)
    }
}

/// How far a device came with taking a message off the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Removal {
    /// No device asked for it.
    #[default]
    NotAsked,
    /// A device asked. Until the server says yes, and for good if its answer is lost, the message may be there or not.
    Asked,
    /// The server agreed.
    Done,
}

/// Whether a message must be on the server at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    There,
    Gone,
    /// A delivery or a removal was never answered: what is found says how it went.
    Either,
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
            offered: false,
            accepted: None,
            body_hash: None,
            deleted: false,
            moved: None,
            removal: Removal::NotAsked,
        };
        Self {
            run,
            user: plan.user,
            mail: plan.mail.iter().map(entry).collect(),
            chronicle: Rc::new(Chronicle::silent(plan.user)),
        }
    }

    /// From now on everything is written down.
    pub(super) fn with_chronicle(mut self, chronicle: Chronicle) -> Self {
        self.chronicle = Rc::new(chronicle);
        self
    }

    pub(super) fn chronicle(&self) -> Rc<Chronicle> {
        Rc::clone(&self.chronicle)
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

    pub(super) fn identities(&self, seqs: &[u32]) -> Vec<String> {
        seqs.iter().map(|&seq| self.identity(seq)).collect()
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

    /// In INBOX, as far as the harness knows.
    pub(super) fn should_be_there(&self, seq: u32) -> bool {
        self.entry(seq).is_some_and(|entry| {
            entry.accepted.is_some() && entry.removal != Removal::Done && entry.moved.is_none()
        })
    }

    /// The folders that messages were moved to.
    pub(super) fn folders(&self) -> BTreeSet<u32> {
        self.mail.iter().filter_map(|entry| entry.moved).collect()
    }

    /// A device is about to ask for a message to be removed.
    pub(super) fn removal_asked(&mut self, seq: u32) {
        if let Some(entry) = self.entry_mut(seq)
            && entry.removal == Removal::NotAsked
        {
            entry.removal = Removal::Asked;
        }
    }

    /// The server agreed that a message is gone. Its octets, unless that was known.
    pub(super) fn removed(&mut self, seq: u32) -> Option<u64> {
        let entry = self
            .entry_mut(seq)
            .filter(|entry| entry.removal != Removal::Done)?;
        entry.removal = Removal::Done;
        Some(entry.octets)
    }
}

impl Entry {
    /// Whether it must be on the server when nothing is under way any more.
    pub(super) fn expected(&self) -> Expected {
        match (self.removal, self.accepted) {
            (Removal::Done, _) => Expected::Gone,
            (Removal::NotAsked, Some(_)) => Expected::There,
            (Removal::NotAsked, None) if !self.offered => Expected::Gone,
            (Removal::NotAsked, None) | (Removal::Asked, _) => Expected::Either,
        }
    }

    /// The server took it without saying so: it is there, or a device found it there.
    pub(super) fn was_taken_silently(&self, found: bool) -> bool {
        let seen = found || self.removal != Removal::NotAsked;
        self.accepted.is_none() && self.offered && seen
    }

    /// The server removed it without saying so.
    pub(super) fn was_removed_silently(&self, found: bool) -> bool {
        self.removal == Removal::Asked && !found
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Entry, Expected, Ledger, Removal, RunId};
    use crate::plan::UserId;

    fn entry() -> Entry {
        Entry {
            octets: 1000,
            at_start: None,
            age: Duration::ZERO,
            offered: false,
            accepted: None,
            body_hash: None,
            deleted: false,
            moved: None,
            removal: Removal::NotAsked,
        }
    }

    fn ledger(mail: Vec<Entry>) -> Ledger {
        Ledger {
            run: RunId(0xbeef),
            user: UserId(7),
            mail,
            chronicle: std::rc::Rc::new(crate::engine::witness::Chronicle::silent(UserId(7))),
        }
    }

    #[test]
    fn a_message_ages_in_simulated_time_on_top_of_the_age_that_it_came_with() {
        let begin = Instant::now();
        let hour = Duration::from_secs(3_600);
        let mut entry = entry();
        assert_eq!(entry.age_at(begin + hour, begin, 2.0), Duration::ZERO);
        entry.accepted = Some(begin + hour);
        assert_eq!(entry.age_at(begin + 2 * hour, begin, 2.0), 2 * hour);
        entry.at_start = Some(true);
        entry.age = 24 * hour;
        assert_eq!(entry.age_at(begin + hour, begin, 2.0), 26 * hour);
    }

    #[test]
    fn only_marks_of_this_run_and_this_user_are_known() {
        let ledger = ledger(vec![entry(); 3]);
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

    #[test]
    fn a_removal_without_an_answer_leaves_open_where_the_message_is() {
        let mut ledger = ledger(vec![Entry {
            offered: true,
            accepted: Some(Instant::now()),
            ..entry()
        }]);
        let expected = |ledger: &Ledger| ledger.entry(0).unwrap().expected();
        assert_eq!(expected(&ledger), Expected::There);
        ledger.removal_asked(0);
        assert_eq!(expected(&ledger), Expected::Either);
        assert!(ledger.should_be_there(0), "a device may look for it");
        assert!(ledger.entry(0).unwrap().was_removed_silently(false));
        assert!(!ledger.entry(0).unwrap().was_removed_silently(true));

        assert_eq!(ledger.removed(0), Some(1000));
        assert_eq!(ledger.removed(0), None, "it is counted once");
        // Another device asked for the same, too late.
        ledger.removal_asked(0);
        assert_eq!(expected(&ledger), Expected::Gone);
        assert!(!ledger.entry(0).unwrap().was_removed_silently(false));
    }

    #[test]
    fn a_delivery_without_an_answer_is_known_by_what_is_found_or_was_taken_away() {
        let refused = entry();
        assert_eq!(refused.expected(), Expected::Gone);
        let mut offered = Entry {
            offered: true,
            ..entry()
        };
        assert_eq!(offered.expected(), Expected::Either);
        assert!(offered.was_taken_silently(true) && !offered.was_taken_silently(false));
        offered.removal = Removal::Done;
        assert_eq!(offered.expected(), Expected::Gone);
        assert!(offered.was_taken_silently(false));
        offered.accepted = Some(Instant::now());
        assert!(!offered.was_taken_silently(true));
    }
}

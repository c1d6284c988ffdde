//! What the trials of one population say together.

use serde::Serialize;

use super::{Answer, CONFIRMATIONS, Purpose, Step, own};

/// A miss is looked at so often again: with the first trial it is the better of three.
const RECHECKS: usize = 2;

/// Trials of one population by their answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Votes {
    /// They met the level.
    pub met: usize,
    /// They missed it.
    pub missed: usize,
    /// They must not be made: with other chance, the same population may ask for more than is allowed.
    pub refused: usize,
}

impl Votes {
    fn count(&mut self, answer: Answer) {
        match answer {
            Answer::Met => self.met += 1,
            Answer::Missed => self.missed += 1,
            Answer::Refused => self.refused += 1,
            Answer::Invalid => {}
        }
    }

    /// Whether another confirmation is wanted, where so many must meet the level.
    pub(super) fn is_open(self, needed: usize) -> bool {
        self.met < needed && self.missed < CONFIRMATIONS && self.refused < CONFIRMATIONS
    }
}

/// All trials of one population that the search goes by.
#[derive(Default)]
pub(super) struct Tally {
    /// By which it was found, and those that looked again at a miss.
    looks: Votes,
    /// Confirmations.
    pub(super) votes: Votes,
    rechecks: usize,
    invalid: usize,
}

impl Tally {
    pub(super) fn of(steps: &[Step], users: u32) -> Self {
        let mut tally = Self::default();
        for step in own(steps).filter(|step| step.users == users) {
            if step.purpose == Purpose::Confirm {
                tally.votes.count(step.answer);
            } else {
                tally.looks.count(step.answer);
            }
            tally.rechecks += usize::from(step.purpose == Purpose::Recheck);
            tally.invalid += usize::from(step.answer == Answer::Invalid);
        }
        tally
    }

    /// The answer of the majority; none: nothing is known. Confirmations that came to an end outvote what there was before; one that is
    /// refused takes nothing back of what was met.
    pub(super) fn stands(&self) -> Option<Answer> {
        let Self { looks, votes, .. } = self;
        if votes.missed >= CONFIRMATIONS {
            Some(Answer::Missed)
        } else if votes.met >= CONFIRMATIONS {
            Some(Answer::Met)
        } else if looks.missed > 0 && looks.missed >= looks.met {
            Some(Answer::Missed)
        } else if self.invalid >= 2 && self.invalid >= looks.met + votes.met {
            Some(Answer::Invalid)
        } else if looks.met > 0 {
            Some(Answer::Met)
        } else {
            (looks.refused > 0).then_some(Answer::Refused)
        }
    }

    /// Whether it missed the level so narrowly that another look might turn that.
    pub(super) fn is_open(&self) -> bool {
        let most = self.looks.met.max(self.looks.missed);
        self.looks.missed > 0
            && most < 2
            && self.votes.missed < CONFIRMATIONS
            && self.rechecks < RECHECKS
    }

    /// Those by which it was found, and the confirmations.
    pub(super) fn all(&self) -> Votes {
        let Self { looks, votes, .. } = self;
        Votes {
            met: looks.met + votes.met,
            missed: looks.missed + votes.missed,
            refused: looks.refused + votes.refused,
        }
    }
}

//! The search for the largest population that meets a service level: double until one does not, halve the gap until it
//! is narrow, look again at the miss that ends it, confirm the winner, show 80 % and 120 % of it. A pure function of the
//! trials so far and of how many more there is time for, so a search that was killed is understood from what it left.
//!
//! Near the capacity a trial is decided by chance: in one the level is met, in the next it is missed. So nothing that the
//! answer rests on is decided by one trial. The winner must meet the level [`CONFIRMATIONS`] times before it misses it as
//! often: the better of five. One that meets the level with probability *p* is confirmed with probability
//! *p*³ (1 + 3*q* + 6*q*²), *q* = 1 − *p*: 0.999 for *p* = 0.95, 0.991 for 0.9, 0.942 for 0.8, 0.837 for 0.7, 0.5 for 0.5, 0.163
//! for 0.3 and 0.009 for 0.1. (That it had to meet the level three times in a row would confirm 0.729 at *p* = 0.9 and 0.512
//! at 0.8.) A miss right above the winner must be the better of three, which for a population that meets the level with
//! probability *p* it is with *q*² (1 + 2*p*), the first trial included: 0.028 for *p* = 0.9, 0.104 for 0.8 and 0.5 for 0.5.
//! What is found is therefore the population that meets the level in half of its trials, less at most the resolution.

mod votes;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use votes::Tally;
pub use votes::Votes;

/// Times that the winner must meet the level again, and times that it must miss it to be given up.
pub const CONFIRMATIONS: usize = 3;
/// What is shown besides the capacity, in percent of it: `SPECmail2001`'s load points.
pub const SHOWN: [u32; 2] = [80, 120];
/// Trials that are kept for the confirmations, five at most, and what is shown, however wide the gap still is.
const KEPT: usize = 2 * CONFIRMATIONS - 1 + SHOWN.len();
/// Trials that there is time for where none is set.
pub const NO_HURRY: usize = usize::MAX;
/// The resolution that is enough below a population at which the generator was the limit.
const COARSE: f64 = 0.25;
/// Trials of one search after which it is given up: a system without a limit needs half as many for any 32-bit population.
const MOST_TRIALS: usize = 80;

/// What a trial of a search was for.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Purpose {
    /// To find two populations with the capacity between them.
    Bracket,
    /// To bring them closer together.
    Bisect,
    /// Once more with the miss that would end the search.
    Recheck,
    /// Once more with what is taken for the capacity.
    Confirm,
    /// Below or above the capacity, for the reader; held out of the search and of every fit.
    Shown,
    /// For a planner's question: another setting.
    Question,
}

/// What a trial says of its population.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Answer {
    /// The level was met.
    Met,
    /// It was not.
    Missed,
    /// The generator was the limit, or the numbers cannot be trusted.
    Invalid,
    /// It must not be tried: the target's owner, or this machine, does not allow so much.
    Refused,
}

/// A trial, as the search sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Population.
    pub users: u32,
    /// What it was for.
    pub purpose: Purpose,
    /// What came of it.
    pub answer: Answer,
}

/// Where to search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// The first population.
    pub first: u32,
    /// The largest that is tried.
    pub most: u32,
    /// How narrow the gap must become, relative to the population that met the level.
    pub resolution: f64,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Try this population.
    Try(u32, Purpose),
    /// Nothing is left to be tried.
    Over,
}

/// How far a search has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The largest population that meets the level, as far as is known; none: not even one user does, or nothing was tried.
    pub capacity: Option<u32>,
    /// How it fared when it was tried again.
    pub votes: Votes,
    /// It met the level [`CONFIRMATIONS`] times more, before it missed it as often.
    pub confirmed: bool,
    /// The smallest population above it that is known not to do, and why.
    pub above: Option<(u32, Above)>,
    /// All trials of that population.
    pub above_votes: Votes,
    /// The gap between both is as narrow as was asked for; else the time was over before.
    pub resolved: bool,
    /// 120 % met the level as well: chance decides there, or the capacity is understated.
    pub understated: bool,
}

impl Found {
    /// What is above the capacity, as a share of it beyond 100 %; none: there is not both.
    pub fn gap_percent(&self) -> Option<f64> {
        let ((above, _), capacity) = self.above.zip(self.capacity)?;
        Some(100.0 * f64::from(above - capacity) / f64::from(capacity))
    }

    /// Three of its confirmations were refused, so no more were asked for.
    pub fn is_refused(&self) -> bool {
        !self.confirmed && self.votes.refused >= CONFIRMATIONS
    }
}

/// Why a population is out of reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Above {
    /// It missed the level.
    Missed,
    /// The generator was the limit there.
    Invalid,
    /// It must not be tried.
    Refused,
    /// The search was to go no further.
    Most,
}

impl Above {
    /// What its trials say; none: none was made.
    pub const fn answer(self) -> Option<Answer> {
        match self {
            Self::Missed => Some(Answer::Missed),
            Self::Invalid => Some(Answer::Invalid),
            Self::Refused => Some(Answer::Refused),
            Self::Most => None,
        }
    }
}

/// What is to be tried after these trials, if there is time for so many more. Where that is not enough to narrow the gap and to
/// confirm, it is confirmed what was found: a capacity that is known less exactly is worth more than one that may be luck.
pub fn next(range: Range, steps: &[Step], left: usize) -> Next {
    let most = range.most.max(1);
    if own(steps).count() >= MOST_TRIALS {
        return Next::Over;
    }
    let View { low, high } = View::of(range, steps);
    if let Some(last) = own(steps).next_back()
        && last.answer == Answer::Invalid
        && high.is_none_or(|(users, _)| last.users < users)
    {
        // It may have met a busy moment of the machine: it is repeated, with the purpose that it had.
        return Next::Try(last.users, last.purpose);
    }
    match (low, high) {
        (None, None) => Next::Try(range.first.clamp(1, most), Purpose::Bracket),
        (Some(low), None) => Next::Try(low.saturating_mul(2).min(most), Purpose::Bracket),
        (None, Some((1, _))) if is_open(steps, 1) => Next::Try(1, Purpose::Recheck),
        (None, Some((1, _))) => Next::Over,
        (None, Some((high, _))) => Next::Try((high / 2).max(1), Purpose::Bracket),
        (Some(low), Some(high)) => between(range, steps, left, low, high),
    }
}

/// What is to be tried when the capacity lies between two populations.
fn between(range: Range, steps: &[Step], left: usize, low: u32, high: (u32, Above)) -> Next {
    let votes = Tally::of(steps, low).votes;
    let narrow = narrow(range, low, high);
    if !narrow && left > KEPT && votes == Votes::default() {
        return Next::Try(low + (high.0 - low) / 2, Purpose::Bisect);
    }
    let open = votes.is_open(needed(high.1));
    if narrow && left > KEPT && high.1 == Above::Missed && is_open(steps, high.0) {
        return Next::Try(high.0, Purpose::Recheck);
    }
    if open {
        return Next::Try(low, Purpose::Confirm);
    }
    let shown: BTreeSet<u32> = steps
        .iter()
        .filter(|step| step.purpose == Purpose::Shown)
        .map(|step| step.users)
        .collect();
    SHOWN
        .into_iter()
        .map(|percent| share_of(low, percent))
        .find(|users| *users != low && !shown.contains(users))
        .map_or(Next::Over, |users| Next::Try(users, Purpose::Shown))
}

/// How far the search has come after these trials.
pub fn found(range: Range, steps: &[Step]) -> Found {
    let View { low, high } = View::of(range, steps);
    let votes = low.map_or(Votes::default(), |low| Tally::of(steps, low).votes);
    Found {
        capacity: low,
        votes,
        confirmed: high.is_some_and(|(_, why)| votes.met >= needed(why)),
        above: high,
        above_votes: high.map_or(Votes::default(), |(high, _)| Tally::of(steps, high).all()),
        resolved: low
            .zip(high)
            .is_some_and(|(low, high)| narrow(range, low, high)),
        understated: steps.iter().any(|step| {
            step.purpose == Purpose::Shown
                && step.answer == Answer::Met
                && high.is_some_and(|(high, why)| why == Above::Missed && step.users >= high)
        }),
    }
}

/// Trials that the search goes by.
fn own(steps: &[Step]) -> impl DoubleEndedIterator<Item = &Step> {
    steps.iter().filter(|step| step.purpose != Purpose::Shown)
}

/// Whether one more trial might turn a miss.
fn is_open(steps: &[Step], users: u32) -> bool {
    Tally::of(steps, users).is_open()
}

/// Whether the gap is narrow enough. Where the generator is the limit no capacity is found, whatever the effort.
fn narrow(range: Range, low: u32, (high, why): (u32, Above)) -> bool {
    let resolution = if why == Above::Invalid {
        range.resolution.max(COARSE)
    } else {
        range.resolution
    };
    high - low <= 1 || f64::from(high - low) <= resolution * f64::from(low)
}

const fn needed(why: Above) -> usize {
    if matches!(why, Above::Invalid) {
        1
    } else {
        CONFIRMATIONS
    }
}

/// A share of a population, at least one user.
pub fn share_of(users: u32, percent: u32) -> u32 {
    let share = (u64::from(users) * u64::from(percent) + 50) / 100;
    u32::try_from(share).unwrap_or(u32::MAX).max(1)
}

/// The largest population that does and the smallest that does not. What met the level above one that missed it was
/// luck: the smaller miss counts.
struct View {
    low: Option<u32>,
    high: Option<(u32, Above)>,
}

impl View {
    fn of(range: Range, steps: &[Step]) -> Self {
        let populations: BTreeSet<u32> = own(steps).map(|step| step.users).collect();
        let stands: Vec<(u32, Answer)> = populations
            .into_iter()
            .filter_map(|users| Some((users, Tally::of(steps, users).stands()?)))
            .collect();
        let high = stands.iter().find_map(|(users, answer)| match answer {
            Answer::Met => None,
            Answer::Missed => Some((*users, Above::Missed)),
            Answer::Invalid => Some((*users, Above::Invalid)),
            Answer::Refused => Some((*users, Above::Refused)),
        });
        let below = |users: u32| high.is_none_or(|(high, _)| users < high);
        let low = stands.iter().rev().find(|(users, _)| below(*users));
        let low = low.map(|(users, _)| *users);
        let end = range.most.max(1);
        let high = match (low, high) {
            (Some(low), None) if low >= end => Some((low.saturating_add(1), Above::Most)),
            (_, high) => high,
        };
        Self { low, high }
    }
}

#[cfg(test)]
mod tests;

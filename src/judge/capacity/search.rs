//! The search for the largest population that meets a service level: double until one does not, halve the gap until it
//! is narrow, confirm the winner, show 80 % and 120 % of it. A pure function of the trials so far, so a search that was
//! killed is understood from what it left.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Times that the winner must meet the level again.
pub const CONFIRMATIONS: usize = 3;
/// What is shown besides the capacity, in percent of it: `SPECmail2001`'s load points.
pub const SHOWN: [u32; 2] = [80, 120];
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
    /// It met the level [`CONFIRMATIONS`] times more.
    pub confirmed: bool,
    /// The smallest population above it that is known not to do, and why.
    pub above: Option<(u32, Above)>,
    /// 120 % met the level as well, so the miss that ended the search was bad luck, and the capacity is understated.
    pub understated: bool,
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

/// What is to be tried after these trials.
pub fn next(range: Range, steps: &[Step]) -> Next {
    let most = range.most.max(1);
    let own = steps.iter().filter(|step| step.purpose != Purpose::Shown);
    if own.clone().count() >= MOST_TRIALS {
        return Next::Over;
    }
    let View { low, high } = View::of(range, steps);
    let again = |users: u32| {
        // An invalid trial may have met a busy moment of the machine: it is repeated, with the purpose that it had.
        own.clone()
            .rev()
            .find(|step| step.users == users)
            .map_or(Purpose::Bracket, |step| step.purpose)
    };
    if let Some(last) = own.clone().next_back()
        && last.answer == Answer::Invalid
        && high.is_none_or(|(users, _)| last.users < users)
    {
        return Next::Try(last.users, again(last.users));
    }
    match (low, high) {
        (None, None) => Next::Try(range.first.clamp(1, most), Purpose::Bracket),
        (Some(low), None) => Next::Try(low.saturating_mul(2).min(most), Purpose::Bracket),
        (None, Some((1, _))) => Next::Over,
        (None, Some((high, _))) => Next::Try((high / 2).max(1), Purpose::Bracket),
        (Some(low), Some(high)) => {
            if !narrow(range, low, high) {
                return Next::Try(low + (high.0 - low) / 2, Purpose::Bisect);
            }
            if confirmations(steps, low) < needed(high.1) {
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
    }
}

/// How far the search has come after these trials.
pub fn found(range: Range, steps: &[Step]) -> Found {
    let View { low, high } = View::of(range, steps);
    Found {
        capacity: low,
        confirmed: low.zip(high).is_some_and(|(low, high)| {
            narrow(range, low, high) && confirmations(steps, low) >= needed(high.1)
        }),
        above: high,
        understated: steps.iter().any(|step| {
            step.purpose == Purpose::Shown
                && step.answer == Answer::Met
                && high.is_some_and(|(high, why)| why == Above::Missed && step.users >= high)
        }),
    }
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
        let own = || steps.iter().filter(|step| step.purpose != Purpose::Shown);
        let populations: BTreeSet<u32> = own().map(|step| step.users).collect();
        let count = |users: u32, answer: Answer| {
            own()
                .filter(|step| step.users == users && step.answer == answer)
                .count()
        };
        let reason = |users: u32| {
            let invalid = count(users, Answer::Invalid);
            if count(users, Answer::Missed) > 0 {
                Some(Above::Missed)
            } else if count(users, Answer::Refused) > 0 {
                Some(Above::Refused)
            } else if invalid >= 2 && invalid >= count(users, Answer::Met) {
                Some(Above::Invalid)
            } else {
                None
            }
        };
        let high = populations
            .iter()
            .find_map(|users| Some((*users, reason(*users)?)));
        let below = |users: &u32| high.is_none_or(|(high, _)| *users < high);
        let low = populations
            .iter()
            .rev()
            .copied()
            .find(|users| below(users) && count(*users, Answer::Met) > 0);
        let end = range.most.max(1);
        let high = match (low, high) {
            (Some(low), None) if low >= end => Some((low.saturating_add(1), Above::Most)),
            (_, high) => high,
        };
        Self { low, high }
    }
}

fn confirmations(steps: &[Step], users: u32) -> usize {
    steps
        .iter()
        .filter(|step| {
            step.users == users && step.purpose == Purpose::Confirm && step.answer == Answer::Met
        })
        .count()
}

#[cfg(test)]
mod tests;

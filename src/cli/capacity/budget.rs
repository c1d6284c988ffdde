//! The time of a search: how much of it each arm has, and how many more trials it is good for.

use std::time::{Duration, Instant};

/// What a trial takes besides its phases, before one was seen.
const OVERHEAD: Duration = Duration::from_secs(3);
/// Of the time, what is kept for the planner's questions: a quarter.
const QUESTIONS: u32 = 4;

/// When a search must end, and how long its trials take.
pub(super) struct Budget {
    searched: Instant,
    end: Instant,
    overhead: Duration,
    /// The population that it was seen with; the largest there is as long as none was seen.
    users: u32,
}

impl Budget {
    /// From now on; with questions, a quarter of the time is theirs.
    pub(super) fn new(now: Instant, time: Duration, questions: bool) -> Self {
        let kept = if questions {
            time / QUESTIONS
        } else {
            Duration::ZERO
        };
        Self {
            searched: now + time.saturating_sub(kept),
            end: now + time,
            overhead: OVERHEAD,
            users: u32::MAX,
        }
    }

    /// When all must be over.
    pub(super) const fn end(&self) -> Instant {
        self.end
    }

    /// When the next of so many arms must be over: each has the same share of the time that is left, so what one does not need is
    /// for those after it.
    pub(super) fn share(&self, now: Instant, arms: usize) -> Instant {
        let arms = u32::try_from(arms).unwrap_or(u32::MAX).max(1);
        now + self.searched.saturating_duration_since(now) / arms
    }

    /// Learns what a trial took besides its phases.
    pub(super) fn seen(&mut self, took: Duration, length: Duration, users: u32) {
        self.overhead = took.saturating_sub(length);
        self.users = users.max(1);
    }

    /// How many trials with so long phases end in time. What they take besides is mostly mailboxes to be filled, and more users have
    /// more of them.
    pub(super) fn left(&self, now: Instant, until: Instant, length: Duration, users: u32) -> usize {
        let more = (f64::from(users) / f64::from(self.users)).max(1.0);
        let trial = length.as_secs_f64() + more * self.overhead.as_secs_f64();
        let time = until.saturating_duration_since(now).as_secs_f64();
        (time / trial.max(f64::EPSILON)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn each_arm_has_its_share_and_what_one_leaves_is_for_the_next() {
        let now = Instant::now();
        let budget = Budget::new(now, 400 * SECOND, true);
        assert_eq!(budget.end() - now, 400 * SECOND);
        assert_eq!(budget.left(now, budget.end(), 17 * SECOND, 9), 20);
        assert_eq!(budget.share(now, 2) - now, 150 * SECOND);
        let sooner = now + 60 * SECOND;
        assert_eq!(budget.share(sooner, 1) - now, 300 * SECOND);
        let late = now + 350 * SECOND;
        assert_eq!(budget.share(late, 1), late);
        let alone = Budget::new(now, 400 * SECOND, false);
        assert_eq!(alone.share(now, 1), alone.end());
    }

    #[test]
    fn trials_are_counted_by_what_the_last_one_took_and_larger_ones_take_longer() {
        let now = Instant::now();
        let mut budget = Budget::new(now, 100 * SECOND, false);
        let until = budget.end();
        budget.seen(10 * SECOND, 8 * SECOND, 20);
        assert_eq!(budget.left(now, until, 8 * SECOND, 20), 10);
        assert_eq!(budget.left(now, until, 8 * SECOND, 10), 10);
        assert_eq!(budget.left(now, until, 8 * SECOND, 120), 5);
        assert_eq!(budget.left(until, until, 8 * SECOND, 20), 0);
    }
}

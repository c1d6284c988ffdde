//! How fast connections may follow each other, for a server whose owner allows only so many in any second.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A little more than a second: whoever is woken late would otherwise stand closer than that to one who was not.
const SECOND: Duration = Duration::from_millis(1_010);

/// The connections that were begun within the last second or are to be begun.
#[derive(Debug)]
pub(super) struct Pace {
    most: usize,
    /// So long no more than `most` are begun.
    window: Duration,
    begun: VecDeque<Instant>,
}

impl Pace {
    /// So many per second: whole ones in any second, and below one, one in as many seconds as it takes.
    pub(super) fn new(per_second: f64) -> Self {
        let most = (per_second.max(1.0) as usize).max(1);
        Self {
            most,
            window: SECOND.div_f64(per_second.clamp(1e-3, 1.0)),
            begun: VecDeque::new(),
        }
    }

    /// When the next connection may be begun; it counts as begun.
    pub(super) fn turn(&mut self, now: Instant) -> Instant {
        let turn = if self.begun.len() < self.most {
            now
        } else {
            let first = self.begun.pop_front();
            first.map_or(now, |first| (first + self.window).max(now))
        };
        self.begun.push_back(turn);
        turn
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Pace;

    /// Who comes at these times, in ms, is let through at those times.
    fn turns(per_second: f64, come: impl IntoIterator<Item = u64>) -> Vec<Duration> {
        let begin = Instant::now();
        let mut pace = Pace::new(per_second);
        come.into_iter()
            .map(|at| pace.turn(begin + Duration::from_millis(at)) - begin)
            .collect()
    }

    fn most_in_any(window: Duration, turns: &[Duration]) -> usize {
        let within = |from: &Duration| {
            turns
                .iter()
                .filter(|turn| (*from..*from + window).contains(*turn))
                .count()
        };
        turns.iter().map(within).max().unwrap()
    }

    #[test]
    fn no_second_sees_more_connections_than_allowed_and_none_waits_without_need() {
        for come in [
            vec![0; 60],
            (0..60).map(|n| n * 37).collect(),
            // Nobody for a while, and then all at once.
            [0, 1, 2].into_iter().chain([1_500; 57]).collect(),
        ] {
            let turns = turns(10.0, come.iter().copied());
            assert_eq!(most_in_any(Duration::from_secs(1), &turns), 10, "{turns:?}");
            assert_eq!(turns[2], Duration::from_millis(come[2]));
        }
    }

    #[test]
    fn less_than_one_in_a_second_is_one_in_several() {
        let turns = turns(0.5, [0; 5]);
        assert_eq!(most_in_any(Duration::from_secs(2), &turns), 1);
        assert!(turns[4] < Duration::from_secs(9), "{turns:?}");
    }
}

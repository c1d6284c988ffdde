//! Octets under way: what was put in at one end comes out at the other when its time has come.

use std::collections::VecDeque;
use std::time::Instant;

/// Memory that an empty line may keep.
const KEPT: usize = 4 * 1024;

/// One direction of one connection. Order is kept, whatever the instants say.
#[derive(Debug, Default)]
pub(super) struct DelayLine {
    octets: VecDeque<u8>,
    /// When so many octets arrive.
    parcels: VecDeque<(Instant, usize)>,
    last: Option<Instant>,
}

impl DelayLine {
    pub(super) fn len(&self) -> usize {
        self.octets.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// Puts octets in that arrive at `at`, or behind what arrives later than that.
    pub(super) fn put(&mut self, octets: &[u8], at: Instant) {
        let at = self.in_order(at);
        self.octets.extend(octets);
        self.parcels.push_back((at, octets.len()));
    }

    /// `at`, or when the last that was put in arrives, if that is later.
    pub(super) fn in_order(&mut self, at: Instant) -> Instant {
        let at = self.last.map_or(at, |last| last.max(at));
        self.last = Some(at);
        at
    }

    /// When the next octets arrive.
    pub(super) fn next(&self) -> Option<Instant> {
        self.parcels.front().map(|(at, _)| *at)
    }

    /// Octets that have arrived by `now`, as far as they lie in one piece; empty: none.
    pub(super) fn arrived(&self, now: Instant) -> &[u8] {
        let arrived: usize = self
            .parcels
            .iter()
            .take_while(|(at, _)| *at <= now)
            .map(|(_, octets)| octets)
            .sum();
        let (front, _) = self.octets.as_slices();
        &front[..arrived.min(front.len())]
    }

    /// The first octets are done with.
    pub(super) fn take(&mut self, octets: usize) {
        let octets = octets.min(self.octets.len());
        self.octets.drain(..octets);
        let mut left = octets;
        while let Some((_, waiting)) = self.parcels.front_mut() {
            let part = left.min(*waiting);
            *waiting -= part;
            left -= part;
            if *waiting > 0 {
                break;
            }
            self.parcels.pop_front();
        }
        if self.octets.is_empty() {
            self.octets.shrink_to(KEPT);
            self.parcels.shrink_to(KEPT / size_of::<(Instant, usize)>());
        }
    }

    /// Nobody will take what is in it.
    pub(super) fn clear(&mut self) {
        self.take(self.octets.len());
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{DelayLine, KEPT};

    #[test]
    fn octets_come_out_in_their_order_when_their_time_has_come() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut line = DelayLine::default();
        line.put(b"one", at(10));
        line.put(b"two", at(5));
        line.put(b"three", at(20));
        assert_eq!(line.next(), Some(at(10)));
        assert_eq!(line.arrived(at(9)), b"");
        assert_eq!(line.arrived(at(10)), b"onetwo");
        line.take(4);
        assert_eq!(line.arrived(at(10)), b"wo");
        line.take(2);
        assert_eq!(line.next(), Some(at(20)));
        assert_eq!(line.arrived(at(30)), b"three");
        line.take(5);
        assert!(line.is_empty() && line.next().is_none());
    }

    #[test]
    fn an_empty_line_gives_its_memory_back() {
        let now = Instant::now();
        let mut line = DelayLine::default();
        for _ in 0..1_000 {
            line.put(&[7; 1_000], now);
        }
        line.clear();
        assert!(line.is_empty());
        assert!(line.octets.capacity() <= 2 * KEPT && line.parcels.capacity() <= KEPT);
    }
}

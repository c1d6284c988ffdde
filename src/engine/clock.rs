//! The instants of one cell, and which phase they fall into.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::metrics::since_us;
use crate::scenario::{Phase, Run};

/// When a cell's phases begin. All of them follow from the start of its ramp-up, the plan's `t0`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    run_start: Instant,
    t0: Instant,
    warm_up: Duration,
    measure: Duration,
    drain: Duration,
}

impl Clock {
    /// A cell of the run that began at `run_start`, whose ramp-up begins at `t0`.
    pub(super) fn new(run_start: Instant, t0: Instant, run: &Run) -> Self {
        Self::of_phases(run_start, t0, run.ramp_up, run.warm_up, run.measure)
    }

    pub(super) fn of_phases(
        run_start: Instant,
        t0: Instant,
        ramp_up: Duration,
        warm_up: Duration,
        measure: Duration,
    ) -> Self {
        Self {
            run_start,
            t0,
            warm_up: ramp_up,
            measure: ramp_up + warm_up,
            drain: ramp_up + warm_up + measure,
        }
    }

    /// The instant of a plan's offset.
    pub(super) fn at(&self, offset: Duration) -> Instant {
        self.t0 + offset
    }

    /// From when until when is measured.
    pub(super) fn measured(&self) -> Range<Instant> {
        self.at(self.measure)..self.at(self.drain)
    }

    /// Phase by due time; what is due at a border belongs to the later phase.
    pub(super) fn phase(&self, due: Instant) -> Phase {
        let offset = due.saturating_duration_since(self.t0);
        if offset >= self.drain {
            Phase::Drain
        } else if offset >= self.measure {
            Phase::Measure
        } else if offset >= self.warm_up {
            Phase::WarmUp
        } else {
            Phase::RampUp
        }
    }

    /// The phases and when each begins.
    pub(super) fn turns(&self) -> [(Phase, Instant); 4] {
        [
            (Phase::RampUp, self.t0),
            (Phase::WarmUp, self.at(self.warm_up)),
            (Phase::Measure, self.at(self.measure)),
            (Phase::Drain, self.at(self.drain)),
        ]
    }

    /// Microseconds since the run's start.
    pub(super) fn us(&self, at: Instant) -> u64 {
        since_us(self.run_start, at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Clock;
    use crate::scenario::Phase;

    fn clock(start: Instant) -> Clock {
        let seconds = Duration::from_secs;
        let t0 = start + seconds(5);
        Clock::of_phases(start, t0, seconds(1), seconds(2), seconds(7))
    }

    #[test]
    fn a_phase_begins_with_its_first_instant() {
        let start = Instant::now();
        let clock = clock(start);
        let phase = |offset| clock.phase(clock.at(Duration::from_millis(offset)));
        assert_eq!(phase(0), Phase::RampUp);
        assert_eq!(phase(999), Phase::RampUp);
        assert_eq!(phase(1_000), Phase::WarmUp);
        assert_eq!(phase(3_000), Phase::Measure);
        assert_eq!(phase(9_999), Phase::Measure);
        assert_eq!(phase(10_000), Phase::Drain);
        assert_eq!(phase(99_000), Phase::Drain);
    }

    #[test]
    fn instants_are_told_since_the_start_of_the_run_not_of_the_cell() {
        let start = Instant::now();
        assert_eq!(clock(start).us(clock(start).at(Duration::ZERO)), 5_000_000);
    }
}

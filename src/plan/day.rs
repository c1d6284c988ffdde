//! How busy a person's day is: mail comes and is read at full rate in the busiest hour, more slowly in the other hours in
//! which the person is up, and not at all in the rest.

use std::time::Duration;

use super::chance::Chance;
use super::timeline::instants;
use crate::scenario::{People, Scenario};

const HOUR: f64 = 3_600.0;
const DAY: f64 = 24.0 * HOUR;

/// The day of one kind of people. The busiest hour is the first of the measured part; all that goes before counts as
/// part of it, so that a run of up to an hour sees nothing else. It comes again after 24 hours.
pub(super) struct Day {
    /// Where the measured part begins, clock seconds.
    begins: f64,
    speed: f64,
    /// Hours of the day in which the person is up.
    active: f64,
    /// How busy an active hour is when the busiest is 1.
    other: f64,
}

impl Day {
    pub(super) fn new(scenario: &Scenario, people: &People<'_>) -> Self {
        let peak = people.arrivals.peak_share.get();
        let active = people.habits.active_hours;
        // What the busiest hour leaves of the day, spread over the other hours.
        let other = (1.0 - peak) / (peak * (active - 1.0));
        Self {
            begins: (scenario.run.ramp_up + scenario.run.warm_up).as_secs_f64(),
            speed: scenario.speed,
            active: active * HOUR,
            other: if other.is_finite() {
                other.clamp(0.0, 1.0)
            } else {
                0.0
            },
        }
    }

    /// How busy an instant of clock time is, from 0 to 1.
    fn level(&self, at: f64) -> f64 {
        let since = (at - self.begins) * self.speed;
        match since.rem_euclid(DAY) {
            _ if since < HOUR => 1.0,
            in_day if in_day < HOUR => 1.0,
            in_day if in_day < self.active => self.other,
            _ => 0.0,
        }
    }

    /// Instants at a rate per clock hour, which holds in the busiest hour, with exponential gaps; after `start` and
    /// before `end`. Where the day is quieter, as many of them are left out (Lewis and Shedler 1979).
    pub(super) fn instants(
        &self,
        per_hour: f64,
        start: Duration,
        end: Duration,
        chance: &mut Chance,
    ) -> Vec<Duration> {
        let mut instants = instants(per_hour, start, end, chance);
        instants.retain(|at| {
            let level = self.level(at.as_secs_f64());
            level >= 1.0 || chance.unit() < level
        });
        instants
    }
}

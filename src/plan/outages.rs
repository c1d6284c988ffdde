//! When a user's devices have no network.

use std::time::Duration;

use super::chance::{Chance, Purpose};
use super::timeline::{clock, instants};
use super::{Outage, UserId};
use crate::scenario::{DeviceKind, Outages, Scenario};

/// The outages of all devices, sorted by device and time; those of one device do not overlap.
pub(super) fn outages(scenario: &Scenario, user: UserId, devices: &[DeviceKind]) -> Vec<Outage> {
    let mut chance = Chance::new(scenario.seed, user, Purpose::Outages);
    let mut all = Vec::new();
    for &device in devices {
        let Some(outages) = &scenario.device(device).outages else {
            continue;
        };
        let spans = match outages {
            Outages::Random { per_day, minutes } => {
                let per_hour = per_day / 24.0 * scenario.speed;
                let begins = instants(per_hour, Duration::ZERO, scenario.horizon(), &mut chance);
                let mut span = |from: Duration| {
                    let seconds = chance.draw(minutes) * 60.0 / scenario.speed;
                    (from, from + clock(seconds))
                };
                begins.into_iter().map(&mut span).collect()
            }
            Outages::Windows(windows) => windows
                .iter()
                .map(|window| (scenario.clock(window.from), scenario.clock(window.to)))
                .collect(),
        };
        all.extend(
            merged(spans)
                .into_iter()
                .map(|(from, to)| Outage { device, from, to }),
        );
    }
    all
}

/// Spans in order, those that meet made one.
fn merged(mut spans: Vec<(Duration, Duration)>) -> Vec<(Duration, Duration)> {
    spans.sort_unstable();
    let mut merged: Vec<(Duration, Duration)> = Vec::with_capacity(spans.len());
    for (from, to) in spans {
        match merged.last_mut() {
            Some((_, end)) if from <= *end => *end = to.max(*end),
            _ => merged.push((from, to)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::merged;
    use crate::plan::{Plan, Shard};
    use crate::scenario::{DeviceKind, Override, Scenario};

    fn plan(outages: &str) -> Plan {
        let settings = [
            "users=200",
            "users.phone=1",
            "measure=1h",
            "speed=10",
            outages,
        ];
        let settings = settings.map(|text| Override::set(text).unwrap());
        let scenario = Scenario::parse("x.toml", "", &settings).unwrap();
        Plan::new(&scenario, Shard::WHOLE)
    }

    #[test]
    fn outages_come_as_often_and_last_as_long_as_the_scenario_says() {
        let text =
            "phone.outages={ random = { per_day = 12, minutes = { exponential = { mean = 6 } } } }";
        let plan = plan(text);
        assert_eq!(plan, self::plan(text));
        let outages: Vec<_> = plan.users.iter().flat_map(|user| &user.outages).collect();
        assert!(outages.iter().all(|it| it.device == DeviceKind::Phone));
        let days = plan.horizon.as_secs_f64() * 10.0 / 86_400.0 * 200.0;
        let per_day = outages.len() as f64 / days;
        // A few meet and are made one: 12 a day of 6 minutes cover a twentieth of it.
        assert!((10.5..=12.5).contains(&per_day), "{per_day}");
        let total: Duration = outages.iter().map(|it| it.to.saturating_sub(it.from)).sum();
        let minutes = total.as_secs_f64() * 10.0 / 60.0 / outages.len() as f64;
        assert!((5.5..=7.0).contains(&minutes), "{minutes}");
    }

    #[test]
    fn windows_are_simulated_time_since_the_start() {
        let plan = plan(
            "phone.outages={ windows = [{ from = \"20m\", to = \"40m\" }, { from = \"30m\", to = \"50m\" }] }",
        );
        let minutes = |minutes: u64| Duration::from_secs(minutes * 6);
        for user in &plan.users {
            let [outage] = user.outages[..] else {
                panic!("{:?}", user.outages)
            };
            assert_eq!((outage.from, outage.to), (minutes(20), minutes(50)));
        }
    }

    #[test]
    fn spans_that_meet_become_one() {
        let s = Duration::from_secs;
        assert_eq!(
            merged(vec![(s(5), s(6)), (s(1), s(3)), (s(3), s(4)), (s(2), s(3))]),
            [(s(1), s(4)), (s(5), s(6))]
        );
    }
}

//! What a run may do to a server that is not ours alone: how much load it puts there is known before it begins, and held
//! against what the server's owner allows; and a run that meets mostly errors ends by itself.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use super::comparison::request;
use super::log::Gauges;
use crate::plan::{Plan, What};
use crate::scenario::{Arm, Scenario};
use crate::target::{Ceiling, Delivery, Endpoint, Target, TargetError};

/// Off this machine, more than this asks for the owner's word: sessions in a second …
const SMALL_RATE: f64 = 2.0;
/// … and connections at the same time.
const SMALL_CONNECTIONS: u32 = 24;
/// Errors are counted over so much time.
const WINDOW: Duration = Duration::from_secs(10);
/// Fewer sessions than this in that time say nothing.
const FEWEST: u64 = 10;

/// The load that a plan puts on a server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Sessions in the busiest second of any arm.
    pub busiest: f64,
    /// Sessions per second on average, in the arm that has more.
    pub mean: f64,
    /// Connections at the same time, at most.
    pub connections: u32,
    /// Messages handed over per second on average.
    pub deliveries: f64,
}

impl Load {
    /// Of a plan. Where mail is appended, each message may need a session of its own.
    pub fn of(scenario: &Scenario, plan: &Plan, delivery: &Delivery) -> Self {
        let seconds = plan.horizon.as_secs_f64().max(1.0);
        let appended = matches!(delivery, Delivery::Append);
        let mut load = Self {
            busiest: 0.0,
            mean: 0.0,
            connections: request(scenario, plan).connections,
            deliveries: plan.summary().deliveries as f64 / seconds,
        };
        for arm in &scenario.run.arms {
            let counts = sessions_by_second(scenario, plan, *arm, appended);
            let busiest = counts.iter().copied().max().unwrap_or(0);
            let all: u64 = counts.iter().sum();
            load.busiest = load.busiest.max(busiest as f64);
            load.mean = load.mean.max(all as f64 / seconds);
        }
        load
    }
}

fn sessions_by_second(scenario: &Scenario, plan: &Plan, arm: Arm, appended: bool) -> Vec<u64> {
    let mut counts = vec![0; plan.horizon.as_secs() as usize + 1];
    for event in plan.users.iter().flat_map(|user| &user.events) {
        let sessions = match &event.what {
            What::Online(kind) => u64::from(scenario.client(arm, *kind).connections()),
            What::Sitting { .. } => 1,
            What::Poll { arm: timer, .. } => u64::from(*timer == arm),
            What::Deliver { .. } => u64::from(appended),
        };
        if let Some(count) = counts.get_mut(event.at.as_secs() as usize) {
            *count += sessions;
        }
    }
    counts
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.1} sessions per second (up to {:.0} in one second), up to {} connections at once, {:.1} messages delivered per second",
            self.mean, self.busiest, self.connections, self.deliveries
        )
    }
}

/// What the owner of a server allows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Permit {
    /// Whatever the scenario says.
    pub ceiling: Ceiling,
    /// It runs on this machine.
    pub here: bool,
    /// The user says that it is theirs.
    pub owned: bool,
}

impl Permit {
    /// Whether so much load may be put there.
    ///
    /// # Errors
    /// A sentence that says what is too much, and what can be done.
    pub fn check(&self, load: &Load) -> Result<(), String> {
        let Ceiling {
            rate, connections, ..
        } = self.ceiling;
        if let Some(rate) = rate.filter(|&rate| load.busiest > rate) {
            return Err(format!(
                "the scenario reaches {:.0} sessions in one second, and the target file allows {rate} (`max_rate`): take fewer users (`--users`), a lower `speed` or a longer `ramp_up`",
                load.busiest
            ));
        }
        if let Some(most) = connections.filter(|&most| load.connections > most) {
            return Err(format!(
                "the scenario opens up to {} connections at once, and the target file allows {most} (`max_connections`): take fewer users (`--users`)",
                load.connections
            ));
        }
        let small = load.busiest <= SMALL_RATE && load.connections <= SMALL_CONNECTIONS;
        if !self.here && !self.owned && !small {
            return Err(format!(
                "this run would put {load} on a server that is not on this machine: if it is yours to put under load, say so (`--i-own-this-target`)"
            ));
        }
        Ok(())
    }
}

/// Whether a target may be put under the load of a plan. Nothing is connected to. None: the target is ours alone.
///
/// # Errors
/// It must not, and why; or it cannot be found.
pub async fn admit(
    target: &Target,
    scenario: &Scenario,
    plan: &Plan,
) -> Result<Option<Load>, TargetError> {
    let Some(external) = target.external() else {
        return Ok(None);
    };
    let endpoint = external.endpoint(plan.users.len() as u32).await?;
    let load = Load::of(scenario, plan, &endpoint.delivery);
    let permit = Permit {
        ceiling: external.ceiling(),
        here: Endpoint::is_here(&endpoint),
        owned: external.is_owned(),
    };
    permit
        .check(&load)
        .map_err(|reason| TargetError::Unsafe { reason })?;
    Ok(Some(load))
}

/// Whether a target may be searched for its capacity: that puts load on it until it is too much, so a server that is not on this
/// machine needs its owner's word, however small the first trial is. Nothing is connected to.
///
/// # Errors
/// It must not, and why; or it cannot be found.
pub async fn admit_search(target: &Target, plan: &Plan) -> Result<(), TargetError> {
    let Some(external) = target.external() else {
        return Ok(());
    };
    let endpoint = external.endpoint(plan.users.len() as u32).await?;
    if external.is_owned() || endpoint.is_here() {
        return Ok(());
    }
    Err(TargetError::Unsafe {
        reason: "a search for the capacity puts ever more load on a server, until it is too much, and this one is not on this machine: if it is yours to put under load, say so (`--i-own-this-target`)".to_owned(),
    })
}

/// Watches the share of sessions that fail.
#[derive(Debug)]
pub(super) struct ErrorWatch {
    most: f64,
    /// When, sessions that had ended, and of these, sessions that had failed.
    seconds: VecDeque<(Instant, u64, u64)>,
}

impl ErrorWatch {
    /// For a target that has a bound.
    pub(super) fn of(target: &Target) -> Option<Self> {
        let external = target.external()?;
        Some(Self::new(external.ceiling().error_share.get()))
    }

    fn new(most: f64) -> Self {
        Self {
            most,
            seconds: VecDeque::new(),
        }
    }

    /// A sentence, if in the last 10 s too many sessions failed.
    pub(super) fn look(&mut self, now: Instant, gauges: &Gauges) -> Option<String> {
        let Gauges {
            ended_sessions,
            failed_sessions,
            ..
        } = *gauges;
        self.seconds
            .push_back((now, ended_sessions, failed_sessions));
        // The youngest sample that is old enough stays: it is where the window begins.
        while self
            .seconds
            .get(1)
            .is_some_and(|(at, ..)| now.duration_since(*at) >= WINDOW)
        {
            self.seconds.pop_front();
        }
        let &(begin, ended, failed) = self.seconds.front()?;
        let (ended, failed) = (
            ended_sessions.saturating_sub(ended),
            failed_sessions.saturating_sub(failed),
        );
        let too_many = ended >= FEWEST && failed as f64 > self.most * ended as f64;
        (now.duration_since(begin) >= WINDOW && too_many).then(|| {
            format!(
                "the load was stopped: {failed} of the last {ended} sessions failed, more than the target may be made to bear (`max_error_share` is {})",
                self.most
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{ErrorWatch, Load, Permit};
    use crate::engine::log::Gauges;
    use crate::plan::{Plan, Shard};
    use crate::scenario::{Scenario, Share};
    use crate::target::{Ceiling, Delivery};

    const NO_CEILING: Ceiling = Ceiling {
        rate: None,
        connections: None,
        error_share: Share::ALL,
    };
    const LOAD: Load = Load {
        busiest: 30.0,
        mean: 12.0,
        connections: 200,
        deliveries: 3.0,
    };

    fn permit(here: bool, owned: bool) -> Permit {
        Permit {
            ceiling: NO_CEILING,
            here,
            owned,
        }
    }

    #[test]
    fn a_server_elsewhere_needs_its_owners_word_and_one_on_this_machine_does_not() {
        assert_eq!(permit(true, false).check(&LOAD), Ok(()));
        assert_eq!(permit(false, true).check(&LOAD), Ok(()));
        let refused = permit(false, false).check(&LOAD).unwrap_err();
        assert!(refused.contains("--i-own-this-target"), "{refused}");
        assert!(refused.contains("12.0 sessions per second"), "{refused}");
        assert!(refused.contains("up to 200 connections"), "{refused}");
    }

    #[test]
    fn a_small_run_needs_nobodys_word() {
        let small = Load {
            busiest: 1.0,
            mean: 0.2,
            connections: 20,
            deliveries: 0.1,
        };
        assert_eq!(permit(false, false).check(&small), Ok(()));
    }

    #[test]
    fn a_ceiling_holds_wherever_the_server_is_and_whoever_owns_it() {
        for (here, owned) in [(true, true), (false, true), (true, false)] {
            let mut permit = permit(here, owned);
            permit.ceiling.rate = Some(29.9);
            assert!(permit.check(&LOAD).unwrap_err().contains("max_rate"));
            permit.ceiling.rate = Some(30.0);
            assert_eq!(permit.check(&LOAD), Ok(()));
            permit.ceiling.connections = Some(199);
            assert!(permit.check(&LOAD).unwrap_err().contains("max_connections"));
            permit.ceiling.connections = Some(200);
            assert_eq!(permit.check(&LOAD), Ok(()));
        }
    }

    #[test]
    fn the_load_of_a_plan_is_known_before_it_runs() {
        let scenario = Scenario::builtin("quick").unwrap();
        let plan = Plan::new(&scenario, Shard::WHOLE);
        let load = Load::of(&scenario, &plan, &Delivery::Append);
        assert!(load.busiest >= load.mean && load.mean > 0.0);
        let handed_over = Load::of(
            &scenario,
            &plan,
            &Delivery::lmtp(crate::net::Address::new(([127, 0, 0, 1], 24).into(), "")),
        );
        assert!(handed_over.mean < load.mean);
        let deliveries = load.mean - handed_over.mean;
        assert!((deliveries - load.deliveries).abs() < 1e-6);
    }

    fn gauges(ended: u64, failed: u64) -> Gauges {
        Gauges {
            ended_sessions: ended,
            failed_sessions: failed,
            ..Gauges::default()
        }
    }

    #[test]
    fn the_load_stops_when_half_of_the_sessions_fail_for_ten_seconds() {
        let mut watch = ErrorWatch::new(0.5);
        let begin = Instant::now();
        let second = |n: u64| begin + Duration::from_secs(n);
        // 10 s without errors, then 60 % fail.
        let mut stopped = None;
        for n in 0..60u64 {
            let bad = n.saturating_sub(10);
            if let Some(why) = watch.look(second(n), &gauges(n * 10, bad * 6)) {
                stopped = Some((n, why));
                break;
            }
        }
        let (at, why) = stopped.unwrap();
        assert!((18..=20).contains(&at), "{at}");
        assert!(why.contains("of the last 100 sessions failed"), "{why}");
    }

    #[test]
    fn a_burst_of_errors_or_a_handful_of_sessions_does_not_stop_it() {
        let mut watch = ErrorWatch::new(0.5);
        let begin = Instant::now();
        for n in 0..60u64 {
            // All fail for 4 s, then none.
            let failed = n.clamp(20, 24) - 20;
            let now = begin + Duration::from_secs(n);
            assert_eq!(watch.look(now, &gauges(n * 10, failed * 10)), None);
        }
        let mut watch = ErrorWatch::new(0.5);
        for n in 0..60u64 {
            let now = begin + Duration::from_secs(n);
            assert_eq!(watch.look(now, &gauges(n / 2, n / 2)), None);
        }
    }
}

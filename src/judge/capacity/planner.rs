//! What planners ask (workload.md, section 8), answered from the trials: users per core and per GiB, connections,
//! bandwidth, growth of storage, what moving from POP to IMAP, shorter polls and larger mailboxes cost. Each answer says
//! whether it was measured, follows from what was, or is a model's.

use serde::Serialize;

use super::Trial;
use super::load::Load;
use super::search::{Answer, Found, Purpose, share_of};
use crate::judge::BLOCKS_FOR_INTERVALS;
use crate::judge::figure::{Kind, mean};
use crate::judge::stats::line::Line;
use crate::judge::stats::scaling::Scaling;
use crate::judge::stats::{Interval, around};
use crate::rundir::{CrowdFacts, SearchManifest};
use crate::scenario::{Arm, DeviceKind, Protocol, Scenario};

pub(super) const GIB: f64 = 1_073_741_824.0;
const MS_PER_HOUR: f64 = 3_600_000.0;

/// What a planner's question is about.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::Display, strum::EnumString, strum::EnumIter,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Subject {
    /// Devices check for mail more often.
    Polls,
    /// More messages lie in the mailbox at the start.
    Mailbox,
    /// All devices connect in the same moment, as after a restart of the server.
    Storm,
}

impl Subject {
    /// As in `capacity.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Polls => "polls",
            Self::Mailbox => "mailbox",
            Self::Storm => "storm",
        }
    }

    /// How much of it is tried: the last one is what a line is drawn to, the one before is held out and predicted.
    pub const fn times(self) -> &'static [f64] {
        match self {
            Self::Polls | Self::Mailbox => &[2.0, 4.0],
            Self::Storm => &[1.0],
        }
    }
}

/// A figure of the planner's page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanFigure {
    /// Its name in `capacity.csv`.
    pub name: &'static str,
    /// None: it cannot be told.
    pub value: Option<f64>,
    /// Its 95 % interval, where there are trials enough.
    pub interval: Option<Interval>,
    /// Unit.
    pub unit: &'static str,
    /// How it came about.
    pub kind: Kind,
    /// How it is computed, one sentence.
    pub how: &'static str,
}

/// What a fit says of a load that it was not made from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// Population.
    pub users: u32,
    /// What is predicted.
    pub what: &'static str,
    /// Unit.
    pub unit: &'static str,
    /// What the fit says.
    pub predicted: f64,
    /// What was measured.
    pub measured: f64,
}

impl Prediction {
    /// Relative error, percent of what was measured.
    pub fn error_percent(&self) -> f64 {
        100.0 * (self.predicted - self.measured) / self.measured
    }
}

/// What another setting costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// Of what.
    pub subject: Subject,
    /// Population at which it was tried.
    pub users: u32,
    /// CPU of the server in ms per user-hour as the scenario has it.
    pub base: f64,
    /// What was measured: how many times as much, and CPU then; none: that trial missed the level or was no result.
    pub measured: Vec<(f64, Option<f64>)>,
    /// CPU at the setting that was held out, by the line through the others.
    pub predicted: Option<f64>,
    /// CPU per user-hour by that line at ten times as much.
    pub tenfold: Option<f64>,
}

/// A person with phone, tablet and notebook against the number of sessions that one user may have.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Crowded {
    /// Connections of each device, and of all at once.
    pub needed: Vec<(DeviceKind, u32)>,
    /// What the server let in.
    pub limit: Option<CrowdFacts>,
}

impl Crowded {
    pub(super) fn of(manifest: &SearchManifest, scenario: Option<&Scenario>, arm: Arm) -> Self {
        let kinds = [DeviceKind::Phone, DeviceKind::Tablet, DeviceKind::Notebook];
        let needed = scenario.map_or(Vec::new(), |scenario| {
            kinds
                .map(|kind| (kind, scenario.client(arm, kind).connections()))
                .into()
        });
        let protocol = match arm.protocol() {
            Protocol::Pop3 => "pop3",
            Protocol::Imap => "imap",
        };
        let limit = manifest
            .crowd
            .iter()
            .find(|crowd| crowd.protocol == protocol);
        Self {
            needed,
            limit: limit.cloned(),
        }
    }

    /// Of all devices at once.
    pub fn all(&self) -> u32 {
        self.needed.iter().map(|(_, connections)| connections).sum()
    }

    /// Whether the server let in as many; none: it was not tried, or not that far.
    pub fn fits(&self) -> Option<bool> {
        let limit = self.limit.as_ref()?;
        if limit.let_in >= self.all() {
            Some(true)
        } else {
            limit.refused.as_ref().map(|_| false)
        }
    }
}

/// Loads of the trials that a fit may be made of; `met`: only those that met the level.
fn loads<'a>(own: &[&'a Trial], met: bool) -> Vec<&'a Load> {
    own.iter()
        .filter(|trial| trial.is_for_fits() && (!met || trial.answer == Some(Answer::Met)))
        .filter_map(|trial| trial.load.as_ref())
        .collect()
}

type Quantity = (&'static str, &'static str, fn(&Load) -> Option<f64>);

/// What grows with the population as long as the server keeps up.
const QUANTITIES: [Quantity; 4] = [
    ("server CPU", "processors", |load| load.server_cpus),
    ("memory", "bytes", |load| load.memory_bytes),
    ("open connections", "connections", |load| {
        Some(load.connections_kept + load.connections_short)
    }),
    ("bandwidth", "bytes/s", |load| Some(load.wire_bytes_per_s)),
];

/// Holds the fits against the trials at 80 % and 120 %, which no fit saw.
pub(super) fn predictions(own: &[&Trial], found: Found, fit: Option<&Scaling>) -> Vec<Prediction> {
    let known = loads(own, true);
    let mut predictions = Vec::new();
    for trial in own.iter().filter(|trial| trial.purpose == Purpose::Shown) {
        let (Some(load), Some(_)) = (&trial.load, found.capacity) else {
            continue;
        };
        let users = f64::from(load.users);
        let mut add = |what, unit, predicted: f64, measured: f64| {
            if measured > 0.0 && predicted.is_finite() {
                predictions.push(Prediction {
                    users: load.users,
                    what,
                    unit,
                    predicted,
                    measured,
                });
            }
        };
        if let Some(fit) = fit {
            let commands = load.commands_per_s;
            add("throughput", "commands/s", fit.throughput(users), commands);
        }
        for (what, unit, of) in QUANTITIES {
            let points: Vec<(f64, f64)> = known
                .iter()
                .filter_map(|load| Some((f64::from(load.users), of(load)?)))
                .collect();
            if let (Some(line), Some(measured)) = (Line::through(&points), of(load)) {
                add(what, unit, line.at(users), measured);
            }
        }
    }
    predictions
}

/// What the figures of an arm are: name, unit, kind, how.
const FIGURES: [(&str, &str, Kind, &str); 7] = [
    (
        "capacity",
        "users",
        Kind::Measured,
        "The largest population that met the level, at the scenario's speed.",
    ),
    (
        "capacity_in_real_time",
        "users",
        Kind::Derived,
        "Users whose checks, mail and commands in real time come to the same per second: capacity × speed. Memory and kept connections are those of the capacity itself.",
    ),
    (
        "users_per_core",
        "users",
        Kind::Derived,
        "In real time, of one processor that does nothing else: 3,600,000 ms by the CPU of a user's busiest hour.",
    ),
    (
        "users_per_gib",
        "users",
        Kind::Derived,
        "By the slope of memory over the population; empty where it did not grow.",
    ),
    (
        "connections_per_1000",
        "connections",
        Kind::Derived,
        "In real time, mean: kept connections as they are, the others by speed.",
    ),
    (
        "mbit_per_s_per_1000",
        "Mbit/s",
        Kind::Derived,
        "In real time, mean of the busiest hour, both directions, TCP payload of devices.",
    ),
    (
        "storage_per_user_year",
        "bytes",
        Kind::Modelled,
        "Mail that comes, by the share of seen mail that stays on the server, and what is filed there; the busiest hour by its share of the day.",
    ),
];

/// The figures of an arm, in the order of [`FIGURES`]. Costs per user are those at least at half of the capacity: idle servers are no measure.
pub(super) fn figures(
    scenario: Option<&Scenario>,
    own: &[&Trial],
    found: Found,
) -> Vec<PlanFigure> {
    let met = loads(own, true);
    let half = found.capacity.map_or(0, |users| share_of(users, 50));
    let busy: Vec<&Load> = met.iter().copied().filter(|it| it.users >= half).collect();
    let over = |of: &dyn Fn(&Load) -> Option<f64>| -> (Option<f64>, Option<Interval>) {
        let values: Vec<f64> = busy.iter().filter_map(|load| of(load)).collect();
        let value = mean(values.iter().copied()).map(|(value, _)| value);
        let enough = values.len() >= BLOCKS_FOR_INTERVALS as usize;
        (
            value,
            value
                .filter(|_| enough)
                .and_then(|value| around(value, &values, None)),
        )
    };
    let memory: Vec<(f64, f64)> = met
        .iter()
        .filter_map(|load| Some((f64::from(load.users), load.memory_bytes?)))
        .collect();
    let memory = Line::through(&memory).filter(|line| line.slope > 0.0);
    let busiest_hour = scenario.map(|scenario| scenario.arrivals.peak_share.get());
    let speed = met.first().map(|load| load.speed);
    let capacity = found.capacity.map(f64::from);
    let in_real_time = capacity.zip(speed).map(|(users, speed)| users * speed);
    let yearly = |load: &Load| {
        let a_day = load.delivered_bytes_per_user_hour * load.kept_on_server?
            + load.filed_bytes_per_user_hour;
        Some(365.0 * a_day / busiest_hour.filter(|share| *share > 0.0)?)
    };
    let slope = memory.and_then(|line| line.interval);
    let per_gib = slope.filter(|it| it.low > 0.0).map(|it| Interval {
        low: GIB / it.high,
        high: GIB / it.low,
    });
    let values = [
        (capacity, None),
        (in_real_time, None),
        over(&|load| {
            let cost = load.cpu_ms_per_user_hour.filter(|ms| *ms > 0.0)?;
            Some(MS_PER_HOUR / cost)
        }),
        (memory.map(|line| GIB / line.slope), per_gib),
        over(&|load| Some(1_000.0 * load.connections_per_user())),
        over(&|load| Some(8e-3 * load.wire_bytes_per_user_s())),
        over(&yearly),
    ];
    FIGURES
        .into_iter()
        .zip(values)
        .map(|((name, unit, kind, how), (value, interval))| PlanFigure {
            name,
            value,
            interval,
            unit,
            kind,
            how,
        })
        .collect()
}

/// What other settings cost, where they were tried.
pub(super) fn effects(own: &[&Trial]) -> Vec<Effect> {
    [Subject::Polls, Subject::Mailbox]
        .into_iter()
        .filter_map(|subject| effect(own, subject))
        .collect()
}

fn effect(own: &[&Trial], subject: Subject) -> Option<Effect> {
    let tried: Vec<(f64, &&Trial)> = own
        .iter()
        .filter_map(|trial| {
            let asked = trial.facts.question.as_ref()?;
            (asked.about == subject.name() && trial.answer.is_some())
                .then_some((asked.times, trial))
        })
        .collect();
    let users = tried.first()?.1.facts.users;
    let cost = |trial: &Trial| trial.load.as_ref()?.cpu_ms_per_user_hour;
    let base = own
        .iter()
        .filter(|trial| trial.facts.users == users && trial.is_for_fits())
        .filter_map(|trial| cost(trial));
    let (base, _) = mean(base)?;
    let measured: Vec<(f64, Option<f64>)> = tried
        .iter()
        .map(|(times, trial)| {
            let met = trial.answer == Some(Answer::Met);
            (*times, cost(trial).filter(|_| met))
        })
        .collect();
    let farthest = measured
        .iter()
        .filter_map(|(times, cost)| Some((*times, (*cost)?)));
    let farthest = farthest.max_by(|one, other| one.0.total_cmp(&other.0));
    let line = farthest.and_then(|farthest| Line::through(&[(1.0, base), farthest]));
    let held_out = measured
        .iter()
        .find(|(times, cost)| cost.is_some() && farthest.is_some_and(|(far, _)| *times < far));
    Some(Effect {
        subject,
        users,
        base,
        predicted: line.zip(held_out).map(|(line, (times, _))| line.at(*times)),
        tenfold: line.map(|line| line.at(10.0)),
        measured,
    })
}

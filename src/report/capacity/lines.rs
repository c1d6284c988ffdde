//! `trials.csv` and `capacity.csv`.

use serde::Serialize;

use super::super::Error;
use crate::judge::capacity::{
    Above, ArmCapacity, Capacity, Mixture, MixturePoint, Votes, tightest,
};
use crate::judge::figure::Kind;
use crate::judge::stats::Interval;
use crate::scenario::Arm;

/// A line of `trials.csv`.
#[derive(Serialize)]
struct TrialLine<'a> {
    trial: u32,
    arm: Arm,
    users: u32,
    purpose: &'a str,
    question: Option<&'a str>,
    times: Option<f64>,
    answer: Option<String>,
    rule: Option<&'a str>,
    rule_observed: Option<f64>,
    rule_limit: Option<f64>,
    commands_per_s: Option<f64>,
    sessions_per_s: Option<f64>,
    concurrency: Option<f64>,
    usable_p50_ms: Option<f64>,
    server_cpus: Option<f64>,
    generator_cpus: Option<f64>,
    cpu_ms_per_user_hour: Option<f64>,
    memory_bytes: Option<f64>,
    connections_most: Option<f64>,
    connections_kept: Option<f64>,
    connections_short: Option<f64>,
    processes: Option<u32>,
    wire_bytes_per_s: Option<f64>,
    disk_write_bytes_per_s: Option<f64>,
    disk_syncs_per_s: Option<f64>,
    lag_p99_us: Option<u64>,
    reasons: String,
    folder: &'a str,
}

/// A line of `capacity.csv`.
#[derive(Serialize)]
struct Line {
    arm: String,
    part: &'static str,
    at: String,
    figure: String,
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    unit: &'static str,
    kind: Kind,
}

pub(super) fn trials(capacity: &Capacity) -> Result<Vec<u8>, Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for trial in &capacity.trials {
        let facts = &trial.facts;
        let rule = tightest(&trial.rules);
        let load = trial.load.as_ref();
        writer.serialize(TrialLine {
            trial: facts.number,
            arm: facts.arm,
            users: facts.users,
            purpose: &facts.purpose,
            question: facts.question.as_ref().map(|asked| asked.about.as_str()),
            times: facts.question.as_ref().map(|asked| asked.times),
            answer: trial.answer.map(|answer| answer.to_string()),
            rule: rule.map(|rule| rule.rule.as_str()),
            rule_observed: rule.and_then(|rule| rule.observed),
            rule_limit: rule.map(|rule| rule.limit),
            commands_per_s: load.map(|load| load.commands_per_s),
            sessions_per_s: load.map(|load| load.sessions_per_s),
            concurrency: load.map(|load| load.concurrency),
            usable_p50_ms: load.and_then(|load| load.usable_p50_ms),
            server_cpus: load.and_then(|load| load.server_cpus),
            generator_cpus: load.map(|load| load.generator_cpus),
            cpu_ms_per_user_hour: load.and_then(|load| load.cpu_ms_per_user_hour),
            memory_bytes: load.and_then(|load| load.memory_bytes),
            connections_most: load.and_then(|load| load.connections_most),
            connections_kept: load.map(|load| load.connections_kept),
            connections_short: load.map(|load| load.connections_short),
            processes: load.and_then(|load| load.processes),
            wire_bytes_per_s: load.map(|load| load.wire_bytes_per_s),
            disk_write_bytes_per_s: load.and_then(|load| load.disk_write_bytes_per_s),
            disk_syncs_per_s: load.and_then(|load| load.disk_syncs_per_s),
            lag_p99_us: load.and_then(|load| load.lag_p99_us),
            reasons: trial.reasons.join(" ").replace('\n', " "),
            folder: &facts.folder,
        })?;
    }
    finished(writer)
}

fn finished(writer: csv::Writer<Vec<u8>>) -> Result<Vec<u8>, Error> {
    let bytes = writer.into_inner();
    Ok(bytes.map_err(|error| csv::Error::from(error.into_error()))?)
}

pub(super) fn figures(capacity: &Capacity) -> Result<Vec<u8>, Error> {
    let of_arms = capacity.arms.iter().flat_map(of_arm);
    let mut writer = csv::Writer::from_writer(Vec::new());
    for line in of_arms.chain(capacity.mixtures.iter().flat_map(mixed)) {
        writer.serialize(line)?;
    }
    finished(writer)
}

/// Lines of one part of one arm.
struct Lines {
    arm: Arm,
    part: &'static str,
    of: Vec<Line>,
}

impl Lines {
    const fn new(arm: Arm, part: &'static str) -> Self {
        Self {
            arm,
            part,
            of: Vec::new(),
        }
    }

    fn add(&mut self, at: &str, figure: &str, value: Option<f64>, unit: &'static str, kind: Kind) {
        self.of.push(Line {
            arm: self.arm.to_string(),
            part: self.part,
            at: at.to_owned(),
            figure: figure.to_owned(),
            value,
            low: None,
            high: None,
            unit,
            kind,
        });
    }
}

fn of_arm(arm: &ArmCapacity) -> Vec<Line> {
    let mut above = Lines::new(arm.arm, "capacity");
    if let Some((users, why)) = arm.found.above {
        let figure = format!("above_{why}");
        above.add("", &figure, Some(f64::from(users)), "users", Kind::Measured);
    }
    tried(arm, &mut above);
    let planner = arm.figures.iter().map(|figure| Line {
        arm: arm.arm.to_string(),
        part: "planner",
        at: String::new(),
        figure: figure.name.to_owned(),
        value: figure.value,
        low: figure.interval.map(|it| it.low),
        high: figure.interval.map(|it| it.high),
        unit: figure.unit,
        kind: figure.kind,
    });
    let mut lines = above.of;
    lines.extend(predictions(arm));
    lines.extend(effects(arm));
    lines.extend(storm(arm));
    lines.extend(devices(arm));
    lines.extend(fitted(arm));
    lines.extend(planner);
    lines
}

/// How often what the answer rests on met the level, and how wide the gap is.
fn tried(arm: &ArmCapacity, lines: &mut Lines) {
    let found = &arm.found;
    let mut add = |users: u32, of: &str, votes: Votes| {
        let at = format!("{users} users");
        for (answer, count) in [
            ("met", votes.met),
            ("missed", votes.missed),
            ("refused", votes.refused),
        ] {
            let figure = format!("{of}_{answer}");
            lines.add(&at, &figure, Some(count as f64), "trials", Kind::Measured);
        }
    };
    if let Some(users) = found.capacity {
        add(users, "confirmations", found.votes);
    }
    if let Some((users, why)) = found.above
        && why != Above::Most
    {
        add(users, "above", found.above_votes);
    }
    if let Some(percent) = found.gap_percent() {
        lines.add("", "gap", Some(percent), "%", Kind::Derived);
    }
}

fn predictions(arm: &ArmCapacity) -> Vec<Line> {
    let mut lines = Lines::new(arm.arm, "prediction");
    for prediction in &arm.predictions {
        let at = format!("{} users", prediction.users);
        let figure = |end: &str| format!("{}_{end}", prediction.what.replace(' ', "_"));
        for (end, value, unit, kind) in [
            (
                "predicted",
                prediction.predicted,
                prediction.unit,
                Kind::Modelled,
            ),
            (
                "measured",
                prediction.measured,
                prediction.unit,
                Kind::Measured,
            ),
            ("error", prediction.error_percent(), "%", Kind::Derived),
        ] {
            lines.add(&at, &figure(end), Some(value), unit, kind);
        }
    }
    lines.of
}

fn effects(arm: &ArmCapacity) -> Vec<Line> {
    let mut all = Vec::new();
    for effect in &arm.effects {
        let mut lines = Lines::new(arm.arm, effect.subject.name());
        let mut add = |times: f64, cost: Option<f64>, kind| {
            let at = format!("{times} times at {} users", effect.users);
            lines.add(&at, "server_cpu", cost, "ms/user-hour", kind);
        };
        add(1.0, Some(effect.base), Kind::Measured);
        for (times, cost) in &effect.measured {
            add(*times, *cost, Kind::Measured);
        }
        if let Some((held_out, _)) = effect.measured.first() {
            add(*held_out, effect.predicted, Kind::Modelled);
        }
        add(10.0, effect.tenfold, Kind::Modelled);
        all.extend(lines.of);
    }
    all
}

fn storm(arm: &ArmCapacity) -> Vec<Line> {
    let mut lines = Lines::new(arm.arm, "storm");
    if let Some((users, storm)) = arm.storm {
        let at = format!("{users} users");
        let count = |count: u32| Some(f64::from(count));
        for (figure, value, unit) in [
            ("devices", count(storm.devices), "devices"),
            (
                "logins_in_the_busiest_second",
                count(storm.logins_in_a_second),
                "1/s",
            ),
            ("recovered", storm.recovered_s, "s"),
            ("failed", count(storm.failed), "sessions"),
        ] {
            lines.add(&at, figure, value, unit, Kind::Measured);
        }
    }
    lines.of
}

fn devices(arm: &ArmCapacity) -> Vec<Line> {
    let mut lines = Lines::new(arm.arm, "devices");
    for (device, connections) in &arm.crowded.needed {
        let value = Some(f64::from(*connections));
        let figure = format!("connections_of_{device}");
        lines.add("", &figure, value, "connections", Kind::Derived);
    }
    if let Some(limit) = &arm.crowded.limit {
        let value = Some(f64::from(limit.let_in));
        let at = format!("{} tried", limit.tried);
        lines.add(
            &at,
            "sessions_of_one_user",
            value,
            "connections",
            Kind::Measured,
        );
    }
    lines.of
}

/// The law's parameters.
fn fitted(arm: &ArmCapacity) -> Vec<Line> {
    let Ok(fit) = &arm.fit else {
        return Vec::new();
    };
    let line = |figure: &str, value, interval: Option<Interval>, unit| Line {
        arm: arm.arm.to_string(),
        part: "scaling",
        at: String::new(),
        figure: figure.to_owned(),
        value,
        low: interval.map(|it| it.low),
        high: interval.map(|it| it.high),
        unit,
        kind: Kind::Modelled,
    };
    let parameters = [
        ("lambda", fit.lambda, "commands/s"),
        ("sigma", fit.sigma, ""),
        ("kappa", fit.kappa, ""),
    ];
    let mut lines: Vec<Line> = parameters
        .into_iter()
        .map(|(name, it, unit)| line(name, Some(it.value), Some(it.interval), unit))
        .collect();
    lines.push(line("peak", fit.shown_peak(), None, "users"));
    lines.push(line("scatter", Some(100.0 * fit.scatter), None, "%"));
    lines
}

/// The curve from POP to IMAP.
fn mixed(mixture: &Mixture) -> Vec<Line> {
    let of = |point: &MixturePoint| {
        [
            ("capacity", point.capacity, "users"),
            ("cpus_per_1000", point.cpus, "processors"),
            ("memory_per_1000", point.memory_bytes, "bytes"),
            ("connections_per_1000", point.connections, "connections"),
            ("mbit_per_s_per_1000", point.mbit_per_s, "Mbit/s"),
            (
                "storage_per_1000_and_year",
                point.storage_bytes_per_year,
                "bytes",
            ),
        ]
        .map(|(figure, value, unit)| Line {
            arm: format!("{} to {}", mixture.pop, mixture.imap),
            part: "moving",
            at: format!("{} % moved", point.moved_percent),
            figure: figure.to_owned(),
            value,
            low: None,
            high: None,
            unit,
            kind: Kind::Modelled,
        })
    };
    mixture.points.iter().flat_map(of).collect()
}

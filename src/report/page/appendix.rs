//! Other networks, consistency and errors, as the templates see them.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::Serialize;

use super::traced::{LINES, Line, Traced};
use crate::judge::consistency::{Findings, Propagation, PropagationRow};
use crate::judge::costs::{self, Resource};
use crate::judge::{Judgement, Prediction};
use crate::metrics::row::ErrorRow;
use crate::report::blocks::{AGREEMENT, PREDICTIONS, rtt_column};
use crate::report::{ANOMALIES, COSTS, PROPAGATION, lang, number};

const ERRORS: &str = "errors.csv";

/// A step here and on other networks.
#[derive(Serialize)]
pub(super) struct Step {
    arm: String,
    name: String,
    n: Traced,
    round_trips: Traced,
    measured: Traced,
    predicted: Vec<Traced>,
}

/// All steps of all arms.
pub(super) fn steps(judgement: &Judgement) -> Vec<Step> {
    let of = |step: &Prediction| {
        let line = Line::of(PREDICTIONS, &[("arm", &step.arm), ("step", &step.step)]);
        let time = |ms: f64, column: &str| Traced::new(number::duration(ms), ms, &line, column);
        let predicted = step.predicted_ms.iter().enumerate();
        Step {
            arm: lang::arm(step.arm),
            name: step.step.to_string(),
            n: Traced::count(step.n, &line, "n"),
            round_trips: Traced::new(
                number::digits(step.round_trips),
                step.round_trips,
                &line,
                "round_trips",
            ),
            measured: time(step.measured_ms, "measured_ms"),
            predicted: predicted
                .map(|(index, ms)| time(*ms, &rtt_column(index)))
                .collect(),
        }
    };
    judgement.predictions.iter().map(of).collect()
}

/// What a unit of work costs the server.
#[derive(Serialize)]
pub(super) struct Cost<'a> {
    arm: String,
    of: &'static str,
    resource: String,
    value: Traced,
    low: Traced,
    high: Traced,
    n: Traced,
    kind: String,
    reason: &'a str,
}

/// The costs of all arms.
pub(super) fn costs(judgement: &Judgement) -> Vec<Cost<'_>> {
    judgement.costs.iter().map(Cost::of).collect()
}

impl<'a> Cost<'a> {
    fn of(cost: &'a costs::Cost) -> Self {
        let columns: [(&str, &dyn Display); 3] = [
            ("arm", &cost.arm),
            ("of", &cost.of),
            ("resource", &cost.resource),
        ];
        let line = Line::of(COSTS, &columns);
        let traced = |value: Option<f64>, column: &str| {
            let text = |value| match cost.resource {
                Resource::Cpu => number::duration(value),
                Resource::Pss | Resource::Rss | Resource::Disk => number::bytes(value),
                Resource::Descriptors | Resource::Processes => number::digits(value),
            };
            value.map_or_else(Traced::nothing, |value| {
                Traced::new(text(value), value, &line, column)
            })
        };
        Self {
            arm: lang::arm(cost.arm),
            of: cost.of,
            resource: cost.resource.to_string(),
            value: traced(cost.value, "value"),
            low: traced(cost.low, "low"),
            high: traced(cost.high, "high"),
            n: Traced::new(number::digits(cost.n), cost.n, &line, "n"),
            kind: cost.kind.to_string(),
            reason: &cost.reason,
        }
    }
}

/// What the history shows.
#[derive(Serialize)]
pub(super) struct Consistency {
    observations: u64,
    kinds: Vec<Kind>,
    agreement: Vec<Agreement>,
    ways: Vec<Way>,
}

#[derive(Serialize)]
struct Kind {
    severity: String,
    name: String,
    rule: &'static str,
    meaning: &'static str,
    counts: Vec<Count>,
}

#[derive(Serialize)]
struct Count {
    arm: String,
    count: Traced,
}

#[derive(Serialize)]
struct Agreement {
    arm: String,
    on_all: Traced,
    on_any: Traced,
}

#[derive(Serialize)]
struct Way {
    arm: String,
    change: String,
    /// None: the delivery.
    from: Option<String>,
    to: String,
    learned: Traced,
    never: Traced,
    total: Vec<Traced>,
    server: Vec<Traced>,
}

/// The section on consistency.
pub(super) fn consistency(findings: &Findings) -> Consistency {
    let kinds = findings
        .counts()
        .into_iter()
        .map(|((severity, kind), arms)| Kind {
            severity: severity.to_string(),
            name: kind.to_string(),
            rule: kind.rule(),
            meaning: kind.meaning(),
            counts: arms
                .into_iter()
                .map(|(arm, n)| {
                    let columns: [(&str, &dyn Display); 3] =
                        [("severity", &severity), ("kind", &kind), ("arm", &arm)];
                    Count {
                        arm: lang::arm(arm),
                        count: Traced::count(n, &Line::of(ANOMALIES, &columns), LINES),
                    }
                })
                .collect(),
        });
    let agreement = findings.agreement.iter().map(|(arm, agreement)| {
        let line = Line::of(AGREEMENT, &[("arm", arm)]);
        Agreement {
            arm: lang::arm(*arm),
            on_all: Traced::count(agreement.on_all, &line, "on_all"),
            on_any: Traced::count(agreement.on_any, &line, "on_any"),
        }
    });
    Consistency {
        observations: findings.observations,
        kinds: kinds.collect(),
        agreement: agreement.collect(),
        ways: findings.propagation.iter().map(Way::of).collect(),
    }
}

impl Way {
    fn of(way: &Propagation) -> Self {
        let row = way.row();
        let from = way.from.map(|from| from.to_string());
        let columns: [(&str, &dyn Display); 4] = [
            ("arm", &way.arm),
            ("change", &way.change),
            ("from", &from.as_deref().unwrap_or_default()),
            ("to", &way.to),
        ];
        let line = Line::of(PROPAGATION, &columns);
        let times = |times: [(Option<u64>, &str); 3]| {
            let known = times.into_iter().filter_map(|(us, column)| {
                let us = us? as f64;
                Some(Traced::new(number::duration(us / 1e3), us, &line, column))
            });
            known.collect()
        };
        let PropagationRow {
            total_p50_us,
            total_p95_us,
            total_p99_us,
            server_p50_us,
            server_p95_us,
            server_p99_us,
            ..
        } = row;
        Self {
            arm: lang::arm(way.arm),
            change: way.change.to_string(),
            to: way.to.to_string(),
            learned: Traced::count(way.learned, &line, "learned"),
            never: Traced::count(way.never, &line, "never"),
            total: times([
                (total_p50_us, "total_p50_us"),
                (total_p95_us, "total_p95_us"),
                (total_p99_us, "total_p99_us"),
            ]),
            server: times([
                (server_p50_us, "server_p50_us"),
                (server_p95_us, "server_p95_us"),
                (server_p99_us, "server_p99_us"),
            ]),
            from,
        }
    }
}

/// Errors of one kind.
#[derive(Serialize)]
pub(super) struct Errors<'a> {
    arm: String,
    phase: String,
    class: String,
    count: Traced,
    example: &'a str,
}

/// Errors by arm, phase and class, most frequent first.
pub(super) fn errors(rows: &[ErrorRow]) -> Vec<Errors<'_>> {
    let mut counts: BTreeMap<(String, String, String), (u64, &str)> = BTreeMap::new();
    for row in rows {
        let name = (
            row.arm.to_string(),
            row.phase.to_string(),
            row.class.to_string(),
        );
        counts.entry(name).or_insert((0, row.detail.as_str())).0 += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    counts
        .into_iter()
        .map(|((arm, phase, class), (count, example))| {
            let columns: [(&str, &dyn Display); 3] =
                [("arm", &arm), ("phase", &phase), ("class", &class)];
            let line = Line::of(ERRORS, &columns);
            Errors {
                count: Traced::count(count, &line, LINES),
                arm,
                phase,
                class,
                example,
            }
        })
        .collect()
}

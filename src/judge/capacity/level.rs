//! Service levels: what a population must be served with. A level is a list of rules, each a figure and a limit, the same that
//! a gate is; the presets have one for each operation that a run holds, so a failure in one cannot be averaged away by another.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::judge::evidence::{Evidence, is_on_the_wire};
use crate::judge::gate::{Material, understand};
use crate::judge::{Judgement, validity};
use crate::metrics::row::ErrorRow;
use crate::metrics::{ErrorClass, Operation};
use crate::rundir::{self, RunDir, Time};
use crate::scenario::{Arm, Dimension, Gate, Phase};

/// A service level by name; gates are added to any of them.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    clap::ValueEnum,
    strum::Display,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Level {
    /// After the pass rule of `SPECmail2001` (architecture white paper, 2001): of each kind of request 95 % within 5 s, transfers of
    /// mail within 5 s and a second per 3,000 octets (half of a 56k modem), at most 1 % errors.
    Spec2001,
    /// What people expect today (ours): of each small command 99 % within 1 s, 95 % of inboxes usable and messages open within
    /// 3 s, 95 % of mail accepted within 10 s, at most 0.1 % errors.
    #[default]
    Modern,
    /// Nothing but the gates.
    Gates,
}

/// A rule and what a trial says of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// As a gate is written: `pop3.login.response.p99 < 1s`.
    pub rule: String,
    /// What was observed, in the limit's base unit (µs, bytes, percent, a number); none: no data, which fails.
    pub observed: Option<f64>,
    /// The limit, likewise.
    pub limit: f64,
    /// What both are numbers of.
    #[serde(skip)]
    pub dimension: Dimension,
    /// It is met.
    pub met: bool,
}

impl Rule {
    /// How much of the limit is used; none where the limit is no upper one or nothing was observed.
    pub fn used(&self) -> Option<f64> {
        let upper = self.rule.contains(" < ") || self.rule.contains(" <= ");
        (upper && self.limit > 0.0).then_some(self.observed? / self.limit)
    }
}

/// The rule that says most about a trial: one that is not met, else the one nearest to its limit.
pub fn tightest(rules: &[Rule]) -> Option<&Rule> {
    let used = |rule: &Rule| {
        rule.used()
            .unwrap_or(if rule.met { 0.0 } else { f64::INFINITY })
    };
    rules.iter().max_by(|one, other| {
        (!one.met, used(one))
            .partial_cmp(&(!other.met, used(other)))
            .unwrap_or(std::cmp::Ordering::Equal)
    })
}

/// The shortest time that any rule allows, µs: what the generator's own lag must be small against.
pub fn shortest_time(rules: &[Rule]) -> Option<f64> {
    let times = rules
        .iter()
        .filter(|rule| rule.dimension == Dimension::Time);
    times.map(|rule| rule.limit).min_by(f64::total_cmp)
}

/// Holds one arm of a run against a level and against gates of that arm.
///
/// # Errors
/// The histograms cannot be read.
pub fn check(
    level: Level,
    gates: &[Gate],
    run: &RunDir,
    evidence: &Evidence,
    judgement: &Judgement,
    arm: Arm,
) -> Result<Vec<Rule>, rundir::Error> {
    let mut rules = match level {
        Level::Gates => Vec::new(),
        Level::Spec2001 | Level::Modern => preset(level, run, evidence, arm)?,
    };
    let name = arm.to_string();
    let of_arm: Vec<Gate> = gates
        .iter()
        .filter(|gate| gate.words().next() == Some(&name))
        .cloned()
        .collect();
    // They were understood before the first trial.
    if let Ok(figures) = understand(&of_arm, &[arm])
        && !of_arm.is_empty()
    {
        let outcomes = Material::read(run, judgement)?.check(&of_arm, &figures)?;
        rules.extend(of_arm.iter().zip(outcomes).map(|(gate, outcome)| Rule {
            rule: outcome.gate,
            observed: outcome.observed,
            limit: gate.limit().value,
            dimension: outcome.dimension,
            met: outcome.passed,
        }));
    }
    Ok(rules)
}

/// A limit of a response time: the share of operations that must keep it, and the time.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Limit {
    name: &'static str,
    quantile: f64,
    us: f64,
}

const SECOND: f64 = 1e6;

fn limit(level: Level, operation: Operation, mean_bytes: f64) -> Option<Limit> {
    let p95 = |us| Limit {
        name: "p95",
        quantile: 0.95,
        us,
    };
    let on_the_wire = is_on_the_wire(operation) && operation.is_latency();
    let transfer = matches!(
        operation,
        Operation::Retr
            | Operation::FetchMessage
            | Operation::FetchPart
            | Operation::Append
            | Operation::Deliver
    );
    match level {
        Level::Gates => None,
        Level::Spec2001 if transfer => Some(p95((5.0 + mean_bytes / 3_000.0) * SECOND)),
        Level::Spec2001 => on_the_wire.then(|| p95(5.0 * SECOND)),
        Level::Modern => match operation {
            Operation::UsableInbox | Operation::OpenMessage => Some(p95(3.0 * SECOND)),
            Operation::Deliver => Some(p95(10.0 * SECOND)),
            _ if transfer || !on_the_wire => None,
            _ => Some(Limit {
                name: "p99",
                quantile: 0.99,
                us: SECOND,
            }),
        },
    }
}

const fn errors_allowed_percent(level: Level) -> f64 {
    match level {
        Level::Modern => 0.1,
        Level::Spec2001 | Level::Gates => 1.0,
    }
}

/// What the server failed to do in the measured phase. That it has no more what another device of the same user took away is none
/// of it: two devices met over one message (RFC 2180, section 4.1.2; POP3 without the lock of RFC 1939).
pub(super) fn failures(evidence: &Evidence, arm: Arm) -> impl Iterator<Item = &ErrorRow> {
    evidence.errors.iter().filter(move |row| {
        row.arm == arm
            && row.phase == Phase::Measure
            && validity::counts_against_the_run(row.class)
            && !is_gone(row)
    })
}

/// By the words of Dovecot, Cyrus, Courier and the embedded server.
fn is_gone(row: &ErrorRow) -> bool {
    const WORDS: [&str; 4] = [
        "expunged",
        "no such message",
        "message is deleted",
        "already deleted",
    ];
    let detail = row.detail.to_ascii_lowercase();
    row.class == ErrorClass::CommandRefused && WORDS.iter().any(|words| detail.contains(words))
}

fn preset(
    level: Level,
    run: &RunDir,
    evidence: &Evidence,
    arm: Arm,
) -> Result<Vec<Rule>, rundir::Error> {
    let part = evidence.part(arm, None);
    let mut sums: BTreeMap<Operation, (u64, u64)> = BTreeMap::new();
    for row in part.operations() {
        let (count, bytes) = sums.entry(row.operation).or_default();
        *count += row.count;
        *bytes += row.rx_bytes + row.tx_bytes;
    }
    let mut errors: BTreeMap<Operation, u64> = BTreeMap::new();
    for operation in failures(evidence, arm).filter_map(|row| row.operation) {
        *errors.entry(operation).or_default() += 1;
    }
    let mut responses: BTreeMap<Operation, Histogram<u64>> = BTreeMap::new();
    let histograms = run.latencies(|label| {
        label.cell.arm == arm && label.time == Time::Response && label.key.phase == Phase::Measure
    })?;
    for (label, histogram) in histograms {
        match responses.get_mut(&label.key.operation) {
            // Same bounds and digits on both sides, so nothing can be out of range.
            Some(sum) => drop(sum.add(&histogram)),
            None => drop(responses.insert(label.key.operation, histogram)),
        }
    }
    let mut rules = Vec::new();
    for (operation, (count, bytes)) in sums.into_iter().filter(|(_, (count, _))| *count > 0) {
        if is_on_the_wire(operation) {
            let share = 100.0 * errors.get(&operation).copied().unwrap_or(0) as f64 / count as f64;
            let allowed = errors_allowed_percent(level);
            rules.push(Rule {
                rule: format!("{arm}.{}errors.share <= {allowed}%", prefix(operation)),
                observed: Some(share),
                limit: allowed,
                dimension: Dimension::Percent,
                met: share <= allowed,
            });
        }
        let Some(limit) = limit(level, operation, bytes as f64 / count as f64) else {
            continue;
        };
        let observed = responses
            .get(&operation)
            .filter(|histogram| !histogram.is_empty())
            .map(|histogram| histogram.value_at_quantile(limit.quantile) as f64);
        rules.push(Rule {
            rule: format!(
                "{arm}.{}response.{} < {:.3}s",
                prefix(operation),
                limit.name,
                limit.us / SECOND
            )
            .replace(".000s", "s"),
            observed,
            limit: limit.us,
            dimension: Dimension::Time,
            met: observed.is_some_and(|us| us < limit.us),
        });
    }
    Ok(rules)
}

/// The delivery side is named as gates name it.
fn prefix(operation: Operation) -> String {
    if operation == Operation::Deliver {
        "delivery.deliver.".to_owned()
    } else {
        format!("{operation}.")
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::judge::judge;

    fn golden(level: Level, gates: &[&str]) -> Vec<Rule> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("results/golden");
        let run = RunDir::open(&path).unwrap();
        let evidence = Evidence::read(&run).unwrap();
        let judgement = judge(&evidence);
        let gates: Vec<Gate> = gates.iter().map(|gate| gate.parse().unwrap()).collect();
        check(level, &gates, &run, &evidence, &judgement, Arm::POP3).unwrap()
    }

    #[test]
    fn the_presets_have_a_rule_for_each_operation_and_each_can_be_written_as_a_gate() {
        for level in [Level::Spec2001, Level::Modern] {
            let rules = golden(level, &[]);
            assert!(
                rules
                    .iter()
                    .any(|it| it.rule.starts_with("pop3.login.response.p9"))
            );
            assert!(
                rules
                    .iter()
                    .any(|it| it.rule.starts_with("pop3.delivery.deliver.response.p95"))
            );
            for rule in &rules {
                let gate: Gate = rule.rule.parse().unwrap();
                assert!(understand(&[gate], &[Arm::POP3]).is_ok(), "{}", rule.rule);
                assert!(rule.met && rule.observed.is_some(), "{rule:?}");
            }
        }
    }

    #[test]
    fn the_figures_are_those_of_gates() {
        let text = "pop3.login.response.p95 < 5s";
        let rules = golden(Level::Spec2001, &[text]);
        let twice: Vec<_> = rules.iter().filter(|rule| rule.rule == text).collect();
        assert_eq!(twice.len(), 2);
        assert_eq!(twice[0].observed, twice[1].observed);
    }

    #[test]
    fn transfers_may_take_the_longer_the_more_they_carry() {
        let us =
            |level, operation, bytes| limit(level, operation, bytes).map(|limit| limit.us / SECOND);
        assert_eq!(us(Level::Spec2001, Operation::Retr, 30_000.0), Some(15.0));
        assert_eq!(us(Level::Spec2001, Operation::Login, 30_000.0), Some(5.0));
        assert_eq!(us(Level::Spec2001, Operation::Idle, 0.0), None);
        assert_eq!(us(Level::Modern, Operation::Retr, 30_000.0), None);
        assert_eq!(us(Level::Modern, Operation::UsableInbox, 0.0), Some(3.0));
    }

    #[test]
    fn gates_of_another_arm_are_not_held_against_this_one_and_a_missed_one_is_tightest() {
        let missed = "pop3.login.response.p50 < 1us";
        let rules = golden(Level::Gates, &["imap.login.response.p50 < 1us", missed]);
        assert_eq!(rules.len(), 1);
        let rules = golden(Level::Modern, &[missed]);
        assert_eq!(tightest(&rules).unwrap().rule, missed);
    }

    #[test]
    fn a_message_that_another_device_took_away_is_no_failure() {
        let row = |class, detail: &str| ErrorRow {
            at_us: 1,
            block: 1,
            arm: Arm::POP3,
            phase: Phase::Measure,
            user: Some(1),
            device: None,
            operation: Some(Operation::Retr),
            class,
            detail: detail.to_owned(),
        };
        let gone = "the server refused (retr): Message 3 expunged.";
        assert!(is_gone(&row(ErrorClass::CommandRefused, gone)));
        assert!(!is_gone(&row(ErrorClass::Timeout, gone)));
        let busy = "the server refused (retr): [SYS/TEMP] try again";
        assert!(!is_gone(&row(ErrorClass::CommandRefused, busy)));
    }
}

//! What was found for each arm: how many users, what bound, and what both rest on.

use super::super::number;
use super::layout::{Part, Section};
use super::rule_text;
use super::sections::dash;
use crate::judge::capacity::{
    Above, Answer, ArmCapacity, Bound, Capacity, Found, Load, Purpose, Resource, Trial, Votes,
    tightest,
};
use crate::judge::stats::scaling::Parameter;
use crate::report::page::Words;

pub(super) fn of(capacity: &Capacity, arm: &ArmCapacity, t: &Words) -> Section {
    if arm.found.capacity.is_none() && arm.found.above.is_none() {
        let nothing = t.word("cap_not_searched");
        return Section::new(t.say("cap_arm_without", &[("arm", &arm.arm), ("users", &nothing)]));
    }
    let users = users(arm, t);
    let mut section = Section::new(t.say("cap_arm", &[("arm", &arm.arm), ("users", &users)]));
    if let Some(bound) = &arm.bound {
        let at = arm.found.above.map_or(0, |(users, _)| users);
        section.text(bound_first(bound, at, t));
    }
    if arm.found.understated {
        section.text(t.word("cap_understated"));
    }
    if let Some(text) = rests_on(&arm.found, capacity.manifest.resolution, t) {
        section.text(text);
    }
    if let Some(users) = arm.found.capacity
        && (capacity.speed - 1.0).abs() > f64::EPSILON
    {
        let more = number::digits(f64::from(users) * capacity.speed);
        section.text(t.say(
            "cap_speed",
            &[
                ("speed", &capacity.speed),
                ("more", &more),
                ("users", &users),
            ],
        ));
    }
    let own = capacity.trials.iter();
    let own: Vec<&Trial> = own.filter(|trial| trial.facts.arm == arm.arm).collect();
    load_points(&mut section, arm, &own, t);
    section.text(scaling(arm, t));
    predictions(&mut section, arm, t);
    section
}

/// The capacity as a person would say it.
pub(super) fn users(arm: &ArmCapacity, t: &Words) -> String {
    let found = &arm.found;
    let Some(users) = found.capacity else {
        return match found.above {
            Some((above, Above::Missed)) => t.say("cap_fewer", &[("users", &above)]),
            Some(_) => t.word("cap_not_known"),
            None => t.word("cap_not_searched"),
        };
    };
    match found.above {
        Some((_, Above::Missed)) if found.confirmed && found.resolved && !found.understated => {
            users.to_string()
        }
        Some((above, Above::Missed)) if !found.understated => {
            t.say("cap_between", &[("low", &users), ("high", &above)])
        }
        _ => t.say("cap_at_least", &[("users", &users)]),
    }
}

/// What can bind, for people.
pub(super) fn resource(resource: Resource, t: &Words) -> String {
    t.word(&format!("cap_resource_{resource}").replace('-', "_"))
}

/// How many of its confirmations met the level.
pub(super) fn confirmed(found: &Found, t: &Words) -> String {
    let Votes {
        met,
        missed,
        refused,
    } = found.votes;
    let all = met + missed;
    let of = if refused > 0 {
        let values: [(&str, &dyn std::fmt::Display); 3] =
            [("met", &met), ("all", &all), ("refused", &refused)];
        t.say("cap_of_and_refused", &values)
    } else {
        t.say("cap_of", &[("met", &met), ("all", &all)])
    };
    match (found.confirmed, all + refused) {
        (true, _) => of,
        (false, 0) => t.word("cap_no"),
        (false, _) => format!("{} ({of})", t.word("cap_no")),
    }
}

fn bound_first(bound: &Bound, at: u32, t: &Words) -> String {
    let why = match bound.resource {
        Resource::Range => t.word("cap_range"),
        _ => t.say("cap_at", &[("users", &at), ("why", &bound.why)]),
    };
    let what = resource(bound.resource, t);
    t.say("cap_bound", &[("what", &what), ("why", &why)])
}

/// How often both ends of the gap were tried, and whether it is wider than was asked for.
fn rests_on(found: &Found, resolution: f64, t: &Words) -> Option<String> {
    let capacity = found.capacity?;
    let all = found.votes.met + found.votes.missed;
    let mut texts = vec![if all > 0 {
        let met = found.votes.met;
        let values: [(&str, &dyn std::fmt::Display); 3] =
            [("users", &capacity), ("met", &met), ("all", &all)];
        t.say("cap_met_again", &values)
    } else {
        t.say("cap_met_once", &[("users", &capacity)])
    }];
    if found.votes.refused > 0 {
        texts.push(t.say("cap_refusals", &[("refused", &found.votes.refused)]));
    }
    if let Some((above, Above::Missed)) = found.above {
        let Votes { met, missed, .. } = found.above_votes;
        texts.push(t.say(
            "cap_missed_above",
            &[
                ("users", &above),
                ("missed", &missed),
                ("all", &(met + missed)),
            ],
        ));
    }
    // One that was not confirmed was cut off for another reason, which stands above.
    if let (Some(gap), true) = (found.gap_percent(), found.confirmed && !found.resolved) {
        let (wanted, gap) = (number::digits(100.0 * resolution), number::digits(gap));
        texts.push(t.say("cap_coarse", &[("wanted", &wanted), ("gap", &gap)]));
    }
    Some(texts.join(" "))
}

/// 80, 100 and 120 %.
fn load_points(section: &mut Section, arm: &ArmCapacity, own: &[&Trial], t: &Words) {
    let Some(capacity) = arm.found.capacity else {
        return;
    };
    let mut shown: Vec<&Trial> = own
        .iter()
        .copied()
        .filter(|trial| {
            let at = trial.purpose == Purpose::Confirm && trial.facts.users == capacity;
            at || trial.purpose == Purpose::Shown
        })
        .collect();
    shown.sort_by_key(|trial| (trial.facts.users, trial.facts.number));
    let lines = shown.iter().map(|trial| load_line(trial, capacity));
    section.table(
        [
            "cap_load",
            "cap_users",
            "cap_level",
            "cap_commands",
            "cap_inbox",
            "cap_cpus",
            "cap_own",
            "cap_memory",
            "cap_connections",
        ]
        .map(|name| t.word(name)),
        lines.collect(),
    );
    let telling = shown
        .iter()
        .filter(|trial| trial.purpose == Purpose::Shown || trial.answer != Some(Answer::Met));
    let first = shown.iter().find(|trial| trial.purpose == Purpose::Confirm);
    let nearest: Vec<String> = telling
        .chain(first)
        .filter_map(|trial| {
            let rule = rule_text(tightest(&trial.rules)?, &t.word("cap_no_data"));
            let values: [(&str, &dyn std::fmt::Display); 2] =
                [("users", &trial.facts.users), ("rule", &rule)];
            Some(t.say("cap_nearest", &values))
        })
        .collect();
    if !nearest.is_empty() {
        section.parts.push(Part::List(nearest));
    }
}

fn load_line(trial: &Trial, capacity: u32) -> [String; 9] {
    let of = |text: &dyn Fn(&Load) -> String| {
        let load = trial.load.as_ref();
        load.map_or_else(|| "–".to_owned(), text)
    };
    let cpus = |cpus: Option<f64>| dash(cpus, |cpus| format!("{cpus:.2}"));
    [
        format!(
            "{:.0} %",
            100.0 * f64::from(trial.facts.users) / f64::from(capacity)
        ),
        trial.facts.users.to_string(),
        sign(trial.answer).to_owned(),
        of(&|load| number::digits(load.commands_per_s)),
        of(&|load| dash(load.usable_p50_ms, number::duration)),
        of(&|load| cpus(load.server_cpus)),
        of(&|load| cpus(Some(load.generator_cpus))),
        of(&|load| dash(load.memory_bytes, number::bytes)),
        of(&|load| number::digits(load.connections_kept + load.connections_short)),
    ]
}

const fn sign(answer: Option<Answer>) -> &'static str {
    match answer {
        Some(Answer::Met) => "✓",
        Some(Answer::Missed) => "✗",
        Some(Answer::Invalid | Answer::Refused) | None => "·",
    }
}

/// What the law says, or why it says nothing.
fn scaling(arm: &ArmCapacity, t: &Words) -> String {
    let fit = match &arm.fit {
        Ok(fit) => fit,
        Err(reason) => return t.say("cap_no_law", &[("reason", reason)]),
    };
    let parameter = |it: Parameter| {
        t.say(
            "cap_parameter",
            &[
                ("value", &number::digits(it.value)),
                ("low", &number::digits(it.interval.low)),
                ("high", &number::digits(it.interval.high)),
            ],
        )
    };
    let numbers = t.say(
        "cap_law",
        &[
            ("points", &fit.points),
            ("lambda", &parameter(fit.lambda)),
            ("sigma", &parameter(fit.sigma)),
            ("kappa", &parameter(fit.kappa)),
            ("scatter", &format!("{:.1}", 100.0 * fit.scatter)),
        ],
    );
    let says = if let Some(peak) = fit.shown_peak() {
        t.say("cap_peak", &[("peak", &format!("{peak:.0}"))])
    } else if fit.bends() {
        t.word("cap_bends")
    } else {
        t.word("cap_no_bend")
    };
    format!("{numbers} {says}")
}

/// Fits held against the loads that they were not made from.
fn predictions(section: &mut Section, arm: &ArmCapacity, t: &Words) {
    if arm.predictions.is_empty() {
        return;
    }
    section.text(t.word("cap_predictions"));
    let lines = arm.predictions.iter().map(|prediction| {
        let what = t.word(&format!(
            "cap_what_{}",
            prediction.what.replace(' ', "_").to_lowercase()
        ));
        [
            t.say(
                "cap_what_at",
                &[("what", &what), ("users", &prediction.users)],
            ),
            value(prediction.predicted, prediction.unit),
            value(prediction.measured, prediction.unit),
            format!("{:+.1} %", prediction.error_percent()),
        ]
    });
    section.table(
        ["cap_at_users", "cap_predicted", "cap_measured", "cap_error"].map(|name| t.word(name)),
        lines.collect(),
    );
}

fn value(value: f64, unit: &str) -> String {
    match unit {
        "bytes" => number::bytes(value),
        "bytes/s" => format!("{}/s", number::bytes(value)),
        _ => number::digits(value),
    }
}

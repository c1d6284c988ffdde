//! The page, section by section: first how many users, then what each answer rests on, then what planners ask, then what a reader must know.

use std::fmt::Write as _;

use super::super::number;
use super::answers;
use super::layout::{Part, Section};
use super::rule_text;
use crate::judge::capacity::{
    Above, Answer, ArmCapacity, Capacity, Found, Level, Purpose, Resource, Standing, Trial, Votes,
    tightest,
};
use crate::rundir::Outcome;

/// All of it.
pub(super) fn of(capacity: &Capacity) -> Vec<Section> {
    let mut sections = vec![head(capacity)];
    sections.extend(capacity.arms.iter().map(|arm| of_arm(capacity, arm)));
    sections.extend(answers::of(capacity));
    sections.push(notes(capacity));
    sections
}

pub(super) fn dash(value: Option<f64>, text: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), text)
}

fn head(capacity: &Capacity) -> Section {
    let manifest = &capacity.manifest;
    let mut section = Section::new(format!(
        "How many users? {} on {}, level {}",
        manifest.scenario_name, manifest.target, manifest.level
    ));
    if let Some(banner) = banner(capacity) {
        section.text(banner);
    }
    let lines = capacity.arms.iter().map(|arm| {
        [
            arm.arm.to_string(),
            users_of(arm),
            arm.bound
                .as_ref()
                .map_or("–", |bound| bound.resource.words())
                .to_owned(),
            confirmed(&arm.found),
        ]
    });
    section.table(
        ["", "users", "what bound first", "confirmed"],
        lines.collect(),
    );
    section
}

/// How many of its confirmations met the level.
fn confirmed(found: &Found) -> String {
    let Votes {
        met,
        missed,
        refused,
    } = found.votes;
    let of = format!("{met} of {}", met + missed);
    let refusals = if refused > 0 {
        format!(", {refused} refused")
    } else {
        String::new()
    };
    match (found.confirmed, met + missed + refused) {
        (true, _) => format!("{of}{refusals}"),
        (false, 0) => "no".to_owned(),
        (false, _) => format!("no ({of}{refusals})"),
    }
}

pub(super) fn banner(capacity: &Capacity) -> Option<String> {
    let manifest = &capacity.manifest;
    let standing = capacity.standing();
    let unfinished = match &manifest.outcome {
        Outcome::Complete if standing != Standing::Unfinished => None,
        Outcome::Complete if manifest.out_of_time => Some(
            "UNFINISHED: the time of the search (`--max-time`) was over before it was done."
                .to_owned(),
        ),
        Outcome::Complete if capacity.arms.iter().any(|arm| arm.found.is_refused()) => Some(
            "UNFINISHED: the capacity could not be confirmed, since its confirmations were refused."
                .to_owned(),
        ),
        Outcome::Complete => Some(
            "UNFINISHED: no population was confirmed in as many trials as a search may make."
                .to_owned(),
        ),
        Outcome::Running => {
            Some("UNFINISHED: the search was killed; this is what it left.".to_owned())
        }
        Outcome::Interrupted => {
            Some("UNFINISHED: the search was interrupted; this is what it left.".to_owned())
        }
        Outcome::Failed(reason) => Some(format!("UNFINISHED: the search broke off: {reason}")),
    };
    let standing = match standing {
        Standing::Invalid => Some(
            "INVALID: the load generator was the limit, not the server; of the server it is only known that it carries at least as many.".to_owned(),
        ),
        Standing::NotOne => Some("Not even one user is served as the level asks.".to_owned()),
        Standing::Unfinished | Standing::Found => None,
    };
    let banners: Vec<String> = unfinished.into_iter().chain(standing).collect();
    (!banners.is_empty()).then(|| banners.join(" "))
}

/// The capacity as a person would say it.
fn users_of(arm: &ArmCapacity) -> String {
    let Some(users) = arm.found.capacity else {
        return match arm.found.above {
            Some((above, _)) => format!("fewer than {above}"),
            None => "not searched".to_owned(),
        };
    };
    match arm.found.above {
        Some((above, Above::Missed)) if !arm.found.understated => {
            if arm.found.confirmed && arm.found.resolved {
                users.to_string()
            } else {
                format!("{users} to {above}")
            }
        }
        _ => format!("at least {users}"),
    }
}

fn of_arm(capacity: &Capacity, arm: &ArmCapacity) -> Section {
    if arm.found.capacity.is_none() && arm.found.above.is_none() {
        return Section::new(format!("{}: not searched", arm.arm));
    }
    let mut section = Section::new(format!("{}: {} users", arm.arm, users_of(arm)));
    if let Some(bound) = &arm.bound {
        let at = arm.found.above.map_or(0, |(users, _)| users);
        let why = match bound.resource {
            Resource::Range => bound.why.clone(),
            _ => format!("at {at} users: {}", bound.why),
        };
        section.text(format!(
            "What bound first: {}. {}",
            bound.resource.words(),
            upper(&why)
        ));
    }
    if arm.found.understated {
        section.text("120 % met the level as well: chance decides there, and more users may be carried than this. Run the search again, with a longer `--duration`.");
    }
    if let Some(text) = rests_on(&arm.found, capacity.manifest.resolution) {
        section.text(text);
    }
    if let Some(users) = arm.found.capacity
        && (capacity.speed - 1.0).abs() > f64::EPSILON
    {
        section.text(format!(
            "At speed {}: by what is counted per second (checks, mail, commands) the load of {} users in real time; by what is held (memory, kept connections) that of {users}.",
            capacity.speed,
            number::digits(f64::from(users) * capacity.speed)
        ));
    }
    let own = capacity
        .trials
        .iter()
        .filter(|trial| trial.facts.arm == arm.arm);
    let own: Vec<&Trial> = own.collect();
    load_points(&mut section, arm, &own);
    section.text(scaling(arm));
    if !arm.predictions.is_empty() {
        section.text("Predictions, from fits to the other trials, held against the loads that no fit was made from:");
        let lines = arm.predictions.iter().map(|prediction| {
            [
                format!("{} at {}", prediction.what, prediction.users),
                value(prediction.predicted, prediction.unit),
                value(prediction.measured, prediction.unit),
                format!("{:+.1} %", prediction.error_percent()),
            ]
        });
        section.table(
            ["at users", "predicted", "measured", "error"],
            lines.collect(),
        );
    }
    section
}

/// How often both ends of the gap were tried, and whether it is wider than was asked for.
fn rests_on(found: &Found, resolution: f64) -> Option<String> {
    let capacity = found.capacity?;
    let count = |votes: Votes| votes.met + votes.missed;
    let mut text = if count(found.votes) > 0 {
        format!(
            "{capacity} users met the level in {} of {} confirmation{}",
            found.votes.met,
            count(found.votes),
            plural(count(found.votes))
        )
    } else {
        format!("{capacity} users met the level, and that was not confirmed")
    };
    if found.votes.refused > 0 {
        let _ = write!(text, "; {} more were refused", found.votes.refused);
    }
    if let Some((above, Above::Missed)) = found.above {
        let votes = found.above_votes;
        let all = count(votes);
        let _ = write!(
            text,
            "; {above} missed it in {} of {all} trial{}",
            votes.missed,
            plural(all)
        );
    }
    text.push('.');
    if let (Some(gap), false) = (found.gap_percent(), found.resolved) {
        let _ = write!(
            text,
            " The time (`--max-time`) was too short for a gap of {} %: it is {} %.",
            number::digits(100.0 * resolution),
            number::digits(gap)
        );
    }
    Some(text)
}

const fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn value(value: f64, unit: &str) -> String {
    match unit {
        "bytes" => number::bytes(value),
        "bytes/s" => format!("{}/s", number::bytes(value)),
        _ => number::digits(value),
    }
}

fn upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// 80, 100 and 120 %.
fn load_points(section: &mut Section, arm: &ArmCapacity, own: &[&Trial]) {
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
    let lines = shown.iter().map(|trial| {
        let load = trial.load.as_ref();
        let of = |text: &dyn Fn(&crate::judge::capacity::Load) -> String| {
            load.map_or_else(|| "–".to_owned(), text)
        };
        let cpus = |cpus: Option<f64>| dash(cpus, |cpus| format!("{cpus:.2}"));
        [
            format!(
                "{:.0} %",
                100.0 * f64::from(trial.facts.users) / f64::from(capacity)
            ),
            trial.facts.users.to_string(),
            word(trial.answer).to_owned(),
            of(&|load| number::digits(load.commands_per_s)),
            of(&|load| dash(load.usable_p50_ms, number::duration)),
            of(&|load| cpus(load.server_cpus)),
            of(&|load| cpus(Some(load.generator_cpus))),
            of(&|load| dash(load.memory_bytes, number::bytes)),
            of(&|load| number::digits(load.connections_kept + load.connections_short)),
        ]
    });
    section.table(
        [
            "load", "users", "level", "cmds/s", "inbox", "CPUs", "own", "memory", "conns",
        ],
        lines.collect(),
    );
    let nearest: Vec<String> = shown
        .iter()
        .filter(|trial| trial.purpose == Purpose::Shown || trial.answer != Some(Answer::Met))
        .chain(
            shown
                .iter()
                .filter(|trial| trial.purpose == Purpose::Confirm)
                .take(1),
        )
        .filter_map(|trial| {
            let rule = tightest(&trial.rules)?;
            Some(format!(
                "{} users, nearest to its limit: {}",
                trial.facts.users,
                rule_text(rule)
            ))
        })
        .collect();
    if !nearest.is_empty() {
        section.parts.push(Part::List(nearest));
    }
}

const fn word(answer: Option<Answer>) -> &'static str {
    match answer {
        Some(Answer::Met) => "✓",
        Some(Answer::Missed) => "✗",
        Some(Answer::Invalid | Answer::Refused) | None => "·",
    }
}

/// What the law says, or why it says nothing.
fn scaling(arm: &ArmCapacity) -> String {
    let fit = match &arm.fit {
        Ok(fit) => fit,
        Err(reason) => {
            return format!(
                "Universal Scalability Law: the trials cannot carry the fit: {reason}."
            );
        }
    };
    let parameter = |it: crate::judge::stats::scaling::Parameter| {
        format!(
            "{} ({} to {})",
            number::digits(it.value),
            number::digits(it.interval.low),
            number::digits(it.interval.high)
        )
    };
    let numbers = format!(
        "Universal Scalability Law over {} trials (modelled, 95 % intervals): λ {} commands/s per user, contention σ {}, coherency κ {}; trials scatter by {:.1} %.",
        fit.points,
        parameter(fit.lambda),
        parameter(fit.sigma),
        parameter(fit.kappa),
        100.0 * fit.scatter
    );
    let says = if let Some(peak) = fit.shown_peak() {
        format!("Throughput is highest at {peak:.0} users.")
    } else if fit.bends() {
        "Throughput bends, and where it would be highest cannot be told from these trials."
            .to_owned()
    } else {
        "No bend is shown: as far as was measured, throughput grows with the users, so the law says nothing of where it ends.".to_owned()
    };
    format!("{numbers} {says}")
}

fn notes(capacity: &Capacity) -> Section {
    let mut section = Section::new("What this rests on");
    let mut items = vec![match capacity.level {
        Level::Spec2001 => "Level spec2001, after the pass rule of SPECmail2001 and no result of that benchmark: of each kind of request 95 % within 5 s, transfers within 5 s and a second per 3,000 octets of the mean one, at most 1 % errors of each. Mail counts as delivered when the server has accepted it.".to_owned(),
        Level::Modern => "Level modern (ours): 99 % of each small command within 1 s, 95 % of usable inboxes and openings within 3 s, 95 % of deliveries accepted within 10 s, at most 0.1 % errors of each.".to_owned(),
        Level::Gates => "No level but the gates.".to_owned(),
    }];
    if !capacity.manifest.gates.is_empty() {
        let gates: Vec<String> = capacity
            .manifest
            .gates
            .iter()
            .map(ToString::to_string)
            .collect();
        items.push(format!("Gates besides: {}.", gates.join("; ")));
    }
    items.extend(capacity.manifest.left_out.iter().cloned());
    if capacity.manifest.out_of_time {
        items.push("There was no time (`--max-time`) for all trials that were wanted: what is missing here was left out.".to_owned());
    }
    items.push("A refusal because another device of the same user had taken the message away is no failure of the server.".to_owned());
    items.push(format!(
        "Each trial is a run of one block with chance of its own, in a directory of its own; {} were made. Doubled, then halved to {} %; the miss that ended it was looked at again (the better of three), and the winner confirmed (the better of five).",
        capacity.trials.len(),
        number::digits(100.0 * capacity.manifest.resolution)
    ));
    if (capacity.speed - 1.0).abs() > f64::EPSILON {
        items.push("Simulated time ran faster than the clock: figures in real time are made from it by the factor, and short sessions are taken to hold no pauses.".to_owned());
    }
    items.push("Results are of this machine, and mostly of its page cache: a store that does not fit into memory is slower. Generator and server share the machine where the target is private.".to_owned());
    if !capacity.server_cpus.is_empty() {
        let cpus = capacity.server_cpus.iter();
        let cpus: Vec<String> = cpus.map(ToString::to_string).collect();
        items.push(format!(
            "The server kept to the processors {} (numbered from 0), the generator to the others (`run.server_cpus`).",
            cpus.join(", ")
        ));
    }
    items.push("Measured, derived and modelled figures are told apart in capacity.csv (`kind`); trials.csv has a line per trial.".to_owned());
    section.parts.push(Part::List(items));
    section
}

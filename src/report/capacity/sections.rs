//! The page, section by section: first how many users, then what each answer rests on, then what planners ask, then what a reader must know.

use super::super::number;
use super::layout::{Part, Section};
use super::{answers, arms};
use crate::judge::capacity::{Capacity, Level, Standing};
use crate::report::page::Words;
use crate::rundir::Outcome;

/// All of it.
pub(super) fn of(capacity: &Capacity, t: &Words) -> Vec<Section> {
    let mut sections = vec![head(capacity, t)];
    sections.extend(capacity.arms.iter().map(|arm| arms::of(capacity, arm, t)));
    sections.extend(answers::of(capacity, t));
    sections.push(notes(capacity, t));
    sections
}

pub(super) fn dash(value: Option<f64>, text: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), text)
}

fn head(capacity: &Capacity, t: &Words) -> Section {
    let manifest = &capacity.manifest;
    let mut section = Section::new(t.say(
        "cap_head",
        &[
            ("scenario", &manifest.scenario_name),
            ("target", &manifest.target),
            ("level", &manifest.level),
        ],
    ));
    if let Some(banner) = banner(capacity, t) {
        section.text(banner);
    }
    let lines = capacity.arms.iter().map(|arm| {
        let bound = arm.bound.as_ref();
        [
            arm.arm.to_string(),
            arms::users(arm, t),
            bound.map_or_else(|| "–".to_owned(), |bound| arms::resource(bound.resource, t)),
            arms::confirmed(&arm.found, t),
        ]
    });
    section.table(
        [
            String::new(),
            t.word("cap_users"),
            t.word("cap_bound_first"),
            t.word("cap_confirmed"),
        ],
        lines.collect(),
    );
    section
}

/// What makes it no full result, if anything does.
pub(super) fn banner(capacity: &Capacity, t: &Words) -> Option<String> {
    let manifest = &capacity.manifest;
    let standing = capacity.standing();
    let unfinished = match &manifest.outcome {
        Outcome::Complete if standing != Standing::Unfinished => None,
        Outcome::Complete if manifest.out_of_time => Some(t.word("cap_out_of_time")),
        Outcome::Complete if capacity.arms.iter().any(|arm| arm.found.is_refused()) => {
            Some(t.word("cap_refused"))
        }
        Outcome::Complete => Some(t.word("cap_too_many")),
        Outcome::Running => Some(t.word("cap_killed")),
        Outcome::Interrupted => Some(t.word("cap_interrupted")),
        Outcome::Failed(reason) => Some(t.say("cap_broke_off", &[("reason", reason)])),
    };
    let standing = match standing {
        Standing::Invalid => Some(t.word("cap_invalid")),
        Standing::NotOne => Some(t.word("cap_not_one")),
        Standing::Unfinished | Standing::Found => None,
    };
    let banners: Vec<String> = unfinished.into_iter().chain(standing).collect();
    (!banners.is_empty()).then(|| banners.join(" "))
}

fn notes(capacity: &Capacity, t: &Words) -> Section {
    let manifest = &capacity.manifest;
    let mut section = Section::new(t.word("rests"));
    let mut items = vec![t.word(match capacity.level {
        Level::Spec2001 => "cap_level_spec2001",
        Level::Modern => "cap_level_modern",
        Level::Gates => "cap_level_gates",
    })];
    if !manifest.gates.is_empty() {
        let gates: Vec<String> = manifest.gates.iter().map(ToString::to_string).collect();
        items.push(t.say("cap_gates", &[("gates", &gates.join("; "))]));
    }
    items.extend(manifest.left_out.iter().cloned());
    if manifest.out_of_time {
        items.push(t.word("cap_left_out"));
    }
    items.push(t.word("cap_gone"));
    items.push(t.say(
        "cap_trials",
        &[
            ("trials", &capacity.trials.len()),
            ("percent", &number::digits(100.0 * manifest.resolution)),
        ],
    ));
    if (capacity.speed - 1.0).abs() > f64::EPSILON {
        items.push(t.word("cap_faster"));
    }
    items.push(t.word("cap_cache"));
    if !capacity.server_cpus.is_empty() {
        let cpus = capacity.server_cpus.iter();
        let cpus: Vec<String> = cpus.map(ToString::to_string).collect();
        items.push(t.say("cap_placed", &[("cpus", &cpus.join(", "))]));
    }
    items.push(t.word("cap_kinds"));
    section.parts.push(Part::List(items));
    section
}

//! The planner's page: what each user costs, and what other settings would.

use super::super::number;
use super::layout::{Part, Section, Table};
use super::sections::dash;
use crate::judge::capacity::{ArmCapacity, Capacity, Effect, Mixture, PlanFigure, Subject};
use crate::report::page::Words;

/// The figures of the page, by their names in `capacity.csv`; `capacity` itself stands above.
pub(super) const FIGURES: [&str; 5] = [
    "users_per_core",
    "users_per_gib",
    "connections_per_1000",
    "mbit_per_s_per_1000",
    "storage_per_user_year",
];

pub(super) fn of(capacity: &Capacity, t: &Words) -> Vec<Section> {
    let arms = &capacity.arms;
    let mut sections = Vec::new();
    if arms.iter().any(|arm| arm.found.capacity.is_some()) {
        sections.push(per_user(arms, t));
    }
    sections.extend(capacity.mixtures.iter().map(|mixture| moving(mixture, t)));
    if arms.iter().any(|arm| !arm.effects.is_empty()) {
        sections.push(effects(arms, t));
    }
    if arms.iter().any(|arm| arm.storm.is_some()) {
        sections.push(storm(arms, t));
    }
    if arms.iter().any(|arm| arm.crowded.limit.is_some()) {
        sections.push(devices(arms, t));
    }
    sections
}

fn per_user(arms: &[ArmCapacity], t: &Words) -> Section {
    let mut section = Section::new(t.word("cap_costs"));
    let mut head = vec![String::new()];
    head.extend(arms.iter().map(|arm| arm.arm.to_string()));
    head.push(t.word("cap_kind"));
    let lines = FIGURES.iter().map(|name| {
        let of = |arm: &ArmCapacity| arm.figures.iter().find(|it| it.name == *name).cloned();
        let mut line = vec![t.word(&format!("cap_{name}"))];
        line.extend(arms.iter().map(|arm| cost(of(arm).as_ref())));
        let kind = arms.iter().find_map(of);
        line.push(kind.map_or_else(String::new, |figure| {
            t.word(&format!("cap_kind_{}", figure.kind))
        }));
        line
    });
    section.parts.push(Part::Table(Table {
        lines: lines.collect(),
        head,
    }));
    section.text(t.word("cap_costs_text"));
    section
}

/// A figure with its interval, where both ends are not the same as they are written.
fn cost(figure: Option<&PlanFigure>) -> String {
    let Some(figure) = figure else {
        return "–".to_owned();
    };
    let text = |value: f64| {
        if figure.name == "storage_per_user_year" {
            number::bytes(value)
        } else {
            number::digits(value)
        }
    };
    match (figure.value, figure.interval) {
        (Some(value), Some(interval)) if text(interval.low) != text(interval.high) => {
            let (low, high) = (text(interval.low), text(interval.high));
            format!("{} ({low}–{high})", text(value))
        }
        (value, _) => dash(value, text),
    }
}

fn moving(mixture: &Mixture, t: &Words) -> Section {
    let mut section = Section::new(t.say(
        "cap_moving",
        &[("pop", &mixture.pop), ("imap", &mixture.imap)],
    ));
    let lines = mixture.points.iter().map(|point| {
        [
            format!("{} %", point.moved_percent),
            dash(point.capacity, |users| format!("{users:.0}")),
            dash(point.cpus, number::digits),
            dash(point.memory_bytes, number::bytes),
            dash(point.connections, number::digits),
            dash(point.mbit_per_s, number::digits),
            dash(point.storage_bytes_per_year, number::bytes),
        ]
    });
    section.table(
        [
            t.word("cap_moved"),
            t.word("cap_capacity"),
            t.word("cap_cores"),
            t.word("cap_memory"),
            t.word("cap_connections"),
            "Mbit/s".to_owned(),
            t.word("cap_storage_year"),
        ],
        lines.collect(),
    );
    section.text(t.word("cap_moving_text"));
    section
}

fn effects(arms: &[ArmCapacity], t: &Words) -> Section {
    let mut section = Section::new(t.word("cap_effects"));
    let all = arms
        .iter()
        .flat_map(|arm| arm.effects.iter().map(move |effect| (arm, effect)));
    let lines = all.map(|(arm, effect)| {
        let what = match effect.subject {
            Subject::Polls => t.word("cap_effect_polls"),
            Subject::Mailbox => t.word("cap_effect_mailbox"),
            Subject::Storm => String::new(),
        };
        let at = |times: f64| {
            let mut measured = effect.measured.iter();
            let found = measured.find(|(other, _)| (other - times).abs() < 1e-9);
            dash(found.and_then(|(_, cost)| *cost), number::duration)
        };
        let [twice, four] = [2.0, 4.0];
        [
            t.say(
                "cap_effect_at",
                &[("arm", &arm.arm), ("users", &effect.users), ("what", &what)],
            ),
            number::duration(effect.base),
            at(twice),
            held_out(effect),
            at(four),
            dash(effect.tenfold, number::duration),
        ]
    });
    section.table(
        [
            "cap_at_users",
            "cap_as_is",
            "cap_twice",
            "cap_error_at_twice",
            "cap_4_times",
            "cap_10_times",
        ]
        .map(|name| t.word(name)),
        lines.collect(),
    );
    section.text(t.word("cap_effects_text"));
    section
}

fn held_out(effect: &Effect) -> String {
    let measured = effect.measured.first().and_then(|(_, cost)| *cost);
    match (effect.predicted, measured) {
        (Some(predicted), Some(measured)) if measured > 0.0 => {
            format!("{:+.1} %", 100.0 * (predicted - measured) / measured)
        }
        _ => "–".to_owned(),
    }
}

fn storm(arms: &[ArmCapacity], t: &Words) -> Section {
    let mut section = Section::new(t.word("cap_storm"));
    let lines = arms.iter().filter_map(|arm| {
        let (users, storm) = arm.storm?;
        Some([
            t.say("cap_what_at", &[("what", &arm.arm), ("users", &users)]),
            storm.devices.to_string(),
            storm.logins_in_a_second.to_string(),
            storm.failed.to_string(),
            dash(storm.recovered_s, |seconds| {
                format!("{} s", number::digits(seconds))
            }),
        ])
    });
    section.table(
        [
            "cap_at_users",
            "cap_devices",
            "cap_logins",
            "cap_failed",
            "cap_all_in",
        ]
        .map(|name| t.word(name)),
        lines.collect(),
    );
    section
}

fn devices(arms: &[ArmCapacity], t: &Words) -> Section {
    let mut section = Section::new(t.word("cap_crowd"));
    let lines = arms.iter().filter_map(|arm| {
        let crowded = &arm.crowded;
        let limit = crowded.limit.as_ref()?;
        let needed = crowded.needed.iter();
        let each: Vec<String> = needed.map(|(_, count)| count.to_string()).collect();
        let let_in = if limit.refused.is_some() {
            limit.let_in.to_string()
        } else {
            t.say("cap_at_least", &[("users", &limit.let_in)])
        };
        let fits = match crowded.fits() {
            Some(true) => "✓",
            Some(false) => "✗",
            None => "·",
        };
        Some([
            arm.arm.to_string(),
            each.join(" + "),
            crowded.all().to_string(),
            let_in,
            fits.to_owned(),
        ])
    });
    section.table(
        [
            String::new(),
            t.word("cap_each"),
            t.word("cap_together"),
            t.word("cap_let_in"),
            t.word("cap_fits"),
        ],
        lines.collect(),
    );
    section.text(t.word("cap_crowd_text"));
    section
}

//! The planner's page: what each user costs, and what other settings would.

use super::super::number;
use super::layout::{Part, Section, Table};
use super::sections::dash;
use crate::judge::capacity::{ArmCapacity, Capacity, Effect, Mixture, Subject};

/// What a figure of the page is called, how its values are written; `capacity` itself stands above.
const FIGURES: [(&str, &str); 5] = [
    ("users_per_core", "users per core, busiest hour"),
    ("users_per_gib", "users per GiB of memory"),
    ("connections_per_1000", "connections per 1,000 users"),
    ("mbit_per_s_per_1000", "Mbit/s per 1,000 users"),
    ("storage_per_user_year", "storage per user and year"),
];

pub(super) fn of(capacity: &Capacity) -> Vec<Section> {
    let arms = &capacity.arms;
    let mut sections = Vec::new();
    if arms.iter().any(|arm| arm.found.capacity.is_some()) {
        sections.push(per_user(arms));
    }
    sections.extend(capacity.mixtures.iter().map(moving));
    if arms.iter().any(|arm| !arm.effects.is_empty()) {
        sections.push(effects(arms));
    }
    if arms.iter().any(|arm| arm.storm.is_some()) {
        sections.push(storm(arms));
    }
    if arms.iter().any(|arm| arm.crowded.limit.is_some()) {
        sections.push(devices(arms));
    }
    sections
}

fn per_user(arms: &[ArmCapacity]) -> Section {
    let mut section = Section::new("What a user costs, in real time");
    let mut head = vec![String::new()];
    head.extend(arms.iter().map(|arm| arm.arm.to_string()));
    head.push("kind".to_owned());
    let lines = FIGURES.iter().map(|(name, label)| {
        let of = |arm: &ArmCapacity| {
            arm.figures
                .iter()
                .find(|figure| figure.name == *name)
                .cloned()
        };
        let mut line = vec![(*label).to_owned()];
        line.extend(arms.iter().map(|arm| {
            let figure = of(arm);
            let text = |value: f64| {
                if *name == "storage_per_user_year" {
                    number::bytes(value)
                } else {
                    number::digits(value)
                }
            };
            figure.map_or_else(
                || "–".to_owned(),
                |figure| match (figure.value, figure.interval) {
                    (Some(value), Some(interval)) if text(interval.low) != text(interval.high) => {
                        format!(
                            "{} ({}–{})",
                            text(value),
                            text(interval.low),
                            text(interval.high)
                        )
                    }
                    (value, _) => dash(value, text),
                },
            )
        }));
        let kind = arms.iter().find_map(of);
        line.push(kind.map_or_else(String::new, |figure| figure.kind.to_string()));
        line
    });
    section.parts.push(Part::Table(Table {
        lines: lines.collect(),
        head,
    }));
    section.text("Of a core that does nothing else, at 100 %; plan with less. In parentheses: 95 % intervals, from six trials on. A dash: memory did not grow with the users, or it was not seen.");
    section
}

fn moving(mixture: &Mixture) -> Section {
    let mut section = Section::new(format!(
        "Users move from {} to {} (modelled: what each costs alone, added up)",
        mixture.pop, mixture.imap
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
            "moved",
            "capacity",
            "cores",
            "memory",
            "conns",
            "Mbit/s",
            "storage/year",
        ],
        lines.collect(),
    );
    section.text("Capacity at the scenario's speed; the others per 1,000 users in the busiest hour, in real time.");
    section
}

fn effects(arms: &[ArmCapacity]) -> Section {
    let mut section = Section::new("Shorter polls, larger mailboxes: CPU per user-hour");
    let all = arms
        .iter()
        .flat_map(|arm| arm.effects.iter().map(move |effect| (arm, effect)));
    let lines = all.map(|(arm, effect)| {
        let name = match effect.subject {
            Subject::Polls => "checks",
            Subject::Mailbox => "messages",
            Subject::Storm => "",
        };
        let at = |times: f64| {
            let found = effect
                .measured
                .iter()
                .find(|(other, _)| (other - times).abs() < 1e-9);
            dash(found.and_then(|(_, cost)| *cost), number::duration)
        };
        let [twice, four] = [2.0, 4.0];
        [
            format!("{} at {}: {name}", arm.arm, effect.users),
            number::duration(effect.base),
            at(twice),
            held_out(effect),
            at(four),
            dash(effect.tenfold, number::duration),
        ]
    });
    section.table(
        [
            "at users",
            "as is",
            "twice",
            "error at twice",
            "4 times",
            "10 times (mod.)",
        ],
        lines.collect(),
    );
    section.text("As is, twice and four times are measured. A line goes through the first and the last; what it says of twice as many, which it was not made from, is held against what was measured there. A dash: that trial missed the level.");
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

fn storm(arms: &[ArmCapacity]) -> Section {
    let mut section = Section::new("All devices at once, as after a restart (measured)");
    let lines = arms.iter().filter_map(|arm| {
        let (users, storm) = arm.storm?;
        Some([
            format!("{} at {users}", arm.arm),
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
            "at users",
            "devices",
            "logins in the busiest second",
            "failed",
            "all in after",
        ],
        lines.collect(),
    );
    section
}

fn devices(arms: &[ArmCapacity]) -> Section {
    let mut section =
        Section::new("Phone, tablet and notebook of one user against the server's limit");
    let lines = arms.iter().filter_map(|arm| {
        let crowded = &arm.crowded;
        let limit = crowded.limit.as_ref()?;
        let each: Vec<String> = crowded
            .needed
            .iter()
            .map(|(_, count)| count.to_string())
            .collect();
        let let_in = if limit.refused.is_some() {
            limit.let_in.to_string()
        } else {
            format!("at least {}", limit.let_in)
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
        ["", "connections", "together", "sessions let in", "fits"],
        lines.collect(),
    );
    section.text("Sessions let in were tried (measured); what the devices need follows from the scenario (derived). Dovecot's default is 10 per user and address, which a household behind one address shares per user, not in all.");
    section
}

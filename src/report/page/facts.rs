//! Settings, versions and the machine, and what the report cannot say, as the templates see them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::words::filled;
use crate::report::number;
use crate::rundir::{Manifest, Shaper};

/// A setting by name.
#[derive(Serialize)]
pub(super) struct Fact {
    name: String,
    value: String,
}

/// All that decides the figures, as far as the manifest knows it.
pub(super) fn facts(m: &Manifest) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    let mut add = |name: &str, value: String| {
        if !value.trim().is_empty() {
            facts.push(Fact {
                name: name.to_owned(),
                value,
            });
        }
    };
    let arms: Vec<String> = m.arms.iter().map(ToString::to_string).collect();
    add("mailgauge", m.mailgauge.clone());
    add("started", m.started.clone());
    add("scenario", m.scenario_name.clone());
    add("scenario hash", m.scenario_hash.clone());
    add("seed", m.seed.to_string());
    add("plan", m.plan_fingerprint.clone());
    add("users", m.users.to_string());
    add(
        "speed",
        format!("{} simulated seconds per clock second", m.speed),
    );
    add("arms", arms.join(", "));
    let scenario: toml::Table = toml::from_str(&m.scenario_toml).unwrap_or_default();
    for arm in &arms {
        let about = scenario
            .get("arm")
            .and_then(|models| models.get(arm)?.get("about")?.as_str());
        add(&format!("arm {arm}"), about.unwrap_or_default().to_owned());
    }
    add("blocks", m.blocks.to_string());
    add("target", format!("{} {}", m.target.name, m.target.version));
    add("TLS", m.target.tls.to_string());
    for (protocol, port) in &m.target.ports {
        add(&format!("port of {protocol}"), port.to_string());
    }
    for (protocol, banner) in &m.target.banners {
        add(&format!("greeting of {protocol}"), banner.clone());
    }
    for (name, value) in &m.target.facts {
        add(&format!("target: {name}"), value.clone());
    }
    add("kernel", m.host.kernel.clone());
    add(
        "processor",
        format!("{} × {}", m.host.cpus, m.host.cpu_model),
    );
    add("memory", number::bytes(m.host.memory_bytes as f64));
    add("generator threads", m.worker_threads.to_string());
    facts
}

/// An instant of RFC 3339 as people read it; what is none stays as it is.
pub(super) fn to_the_minute(instant: &str) -> String {
    let read: Result<jiff::Timestamp, _> = instant.parse();
    read.map_or_else(
        |_| instant.to_owned(),
        |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    )
}

/// What the figures do not say, sentence by sentence.
pub(super) fn limits(m: &Manifest, words: &BTreeMap<String, String>) -> Vec<String> {
    let word = |name: &str| words.get(name).cloned().unwrap_or_default();
    let mut limits = vec![word("limit_machine")];
    if m.shaper == Shaper::None {
        limits.push(word("limit_bare"));
    } else {
        let networks = m.networks.iter();
        let networks: Vec<String> = networks
            .map(|(kind, network)| format!("{kind} {}", network.name))
            .collect();
        let shaper = m.shaper.to_string();
        let values = [
            ("shaper", shaper.as_str()),
            ("networks", &networks.join("; ")),
        ];
        limits.push(filled(&word("limit_networks"), &values));
    }
    if m.shaper == Shaper::InProcess {
        limits.push(word("limit_shaper"));
    }
    limits.extend(["limit_cache", "limit_simultaneous", "limit_backup"].map(word));
    limits
}

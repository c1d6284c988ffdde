//! What bound first. Read off the smallest population that is out of reach, beside the largest that is not: first what is
//! shown directly (the server's own words, the generator), then what is full, and only then what must be inferred.

use std::collections::BTreeMap;

use serde::Serialize;

use super::level::{self, Rule};
use super::load::Load;
use crate::judge::evidence::{Evidence, Part};
use crate::judge::validity::{self, Blame, Validity};
use crate::metrics::row::{ErrorRow, SessionRow};
use crate::rundir::Manifest;
use crate::scenario::{Arm, Dimension};

/// Of what it could use, a resource that is used to this share is full.
const FULL: f64 = 0.85;
/// Failed before they were logged in, as a share of sessions, from which something keeps clients out.
const SHUT_OUT: f64 = 0.01;
/// Below this share of a processor's time in use, it was not processors that requests waited for.
const IDLE: f64 = 0.7;

/// What can bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::Display, strum::EnumIter)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Resource {
    /// Processors.
    Cpu,
    /// Memory.
    Memory,
    /// Connections that the server lets in.
    Connections,
    /// Processes or threads that it starts.
    Processes,
    /// Its storage.
    Disk,
    /// The wire.
    Network,
    /// The load generator: then nothing is known of the server but that it carries at least this.
    Generator,
    /// The target's owner, or this machine, does not allow more to be tried.
    Ceiling,
    /// The search was to go no further.
    Range,
    /// None of what was looked at.
    NotTold,
}

/// What bound, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bound {
    /// What.
    pub resource: Resource,
    /// It was seen; else it is inferred from which operations became slow.
    pub seen: bool,
    /// How it is known: a sentence.
    pub why: String,
}

/// What a trial shows of its limits.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Signs {
    /// Sentences that blame the generator.
    pub generator: Vec<String>,
    /// Words of the server that name a limit.
    pub words: Option<(Resource, String)>,
    /// The failure that was met most often, and how often.
    pub failure: Option<(String, u64)>,
    /// Sessions that failed before they were logged in, and all.
    pub shut_out: (u64, u64),
    /// Processors of the machine, if the server is on it.
    pub cpus: Option<f64>,
    /// Processors that the server keeps to, while the generator keeps to others.
    pub given_cpus: Option<f64>,
    /// Memory of the machine, if the server is on it.
    pub memory_bytes: Option<f64>,
    /// Threads that serve, where the server has a fixed number.
    pub threads: Option<f64>,
    /// Devices are behind networks that are emulated.
    pub shaped: bool,
}

impl Signs {
    /// The server itself named a limit.
    pub fn names_a_limit(&self) -> bool {
        let named = self.words.as_ref();
        named.is_some_and(|(resource, _)| *resource != Resource::Generator)
    }

    /// Of a trial.
    pub fn of(manifest: &Manifest, evidence: &Evidence, validity: &Validity, arm: Arm) -> Self {
        let part = evidence.part(arm, None);
        let here = part
            .server_cells()
            .iter()
            .flatten()
            .any(|row| matches!(row.source.as_str(), "process-tree" | "cgroup"));
        let host = &manifest.host;
        let facts = &manifest.target.facts;
        let threads = facts.get("serving threads");
        let mut details = evidence.errors.iter().map(|row| row.detail.as_str());
        Self {
            generator: validity.blamed_on(Blame::Generator),
            words: details
                .find_map(named)
                .or_else(|| named(evidence.setting.failure.as_deref()?)),
            failure: most_frequent(level::failures(evidence, arm)),
            shut_out: shut_out(part),
            cpus: (here && host.cpus > 0).then(|| f64::from(host.cpus)),
            given_cpus: facts
                .get("processors")
                .map(|list| list.split(',').count() as f64),
            memory_bytes: (here && host.memory_bytes > 0).then_some(host.memory_bytes as f64),
            threads: threads.and_then(|threads| threads.parse().ok()),
            shaped: manifest
                .networks
                .values()
                .any(|network| network.rtt_us.is_some()),
        }
    }
}

fn most_frequent<'a>(failures: impl Iterator<Item = &'a ErrorRow>) -> Option<(String, u64)> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for row in failures {
        *counts.entry(&row.detail).or_default() += 1;
    }
    let (detail, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    Some((detail.to_owned(), count))
}

fn shut_out(part: Part<'_>) -> (u64, u64) {
    let out = |row: &&SessionRow| {
        row.login_us.is_none() && row.error.is_some_and(validity::counts_against_the_run)
    };
    (
        part.all_sessions().filter(out).count() as u64,
        part.all_sessions().count() as u64,
    )
}

/// The limit that an error names. The words are those of Dovecot, Cyrus, Courier, the embedded server and the C library.
fn named(detail: &str) -> Option<(Resource, String)> {
    const WORDS: [(&str, Resource); 15] = [
        ("too many connections", Resource::Connections),
        ("maximum number of connections", Resource::Connections),
        ("maximum connection limit", Resource::Connections),
        ("too many simultaneous", Resource::Connections),
        ("connection limit", Resource::Connections),
        ("userip_connections", Resource::Connections),
        // The C library on our own side: the server's words are not of files.
        ("too many open files", Resource::Generator),
        ("process_limit", Resource::Processes),
        ("client_limit", Resource::Processes),
        ("too many processes", Resource::Processes),
        ("resource temporarily unavailable", Resource::Processes),
        ("out of memory", Resource::Memory),
        ("cannot allocate memory", Resource::Memory),
        ("no space left", Resource::Disk),
        ("disk quota exceeded", Resource::Disk),
    ];
    let small = detail.to_ascii_lowercase();
    let (_, resource) = WORDS.into_iter().find(|(words, _)| small.contains(words))?;
    Some((resource, detail.to_owned()))
}

/// What bound in a trial that did not do, beside the largest one that did.
pub fn bound(signs: &Signs, rules: &[Rule], load: Option<&Load>, below: Option<&Load>) -> Bound {
    let seen = |resource, why: String| Bound {
        resource,
        seen: true,
        why,
    };
    if let Some((resource, words)) = &signs.words {
        return seen(*resource, format!("it was said: \u{201c}{words}\u{201d}."));
    }
    if let Some(reason) = signs.generator.first() {
        return seen(Resource::Generator, reason.clone());
    }
    let (out, all) = signs.shut_out;
    if all > 0 && out as f64 > SHUT_OUT * all as f64 {
        let most = load.and_then(|load| load.connections_most);
        let most = most.map_or(String::new(), |most| {
            format!(", and never more than {most:.0} connections were open")
        });
        return seen(
            Resource::Connections,
            format!("{out} of {all} sessions ended before they were logged in{most}."),
        );
    }
    let Some(load) = load else {
        return untold("The trial left no figures.".to_owned());
    };
    full(signs, load)
        .or_else(|| inferred(signs, rules, load, below))
        .unwrap_or_else(|| {
            let failure = signs.failure.as_ref().map(|(detail, count)| {
                format!(" Met most often ({count} times): \u{201c}{detail}\u{201d}.")
            });
            let cpus = load.server_cpus;
            untold(format!(
                "Processors{}, memory, connections and processes were not at a limit that is known, and what became slow is of no one kind.{}",
                cpus.map_or(String::new(), |cpus| format!(" ({cpus:.2} used)")),
                failure.unwrap_or_default(),
            ))
        })
}

fn untold(why: String) -> Bound {
    Bound {
        resource: Resource::NotTold,
        seen: false,
        why,
    }
}

/// A resource that is used up.
fn full(signs: &Signs, load: &Load) -> Option<Bound> {
    let (cpus, used) = (signs.cpus, load.server_cpus);
    if let (Some(cpus), Some(used)) = (cpus, used) {
        let left = (cpus - load.generator_cpus).max(0.0);
        let threads = signs.threads.unwrap_or(f64::INFINITY);
        if threads <= left && used >= FULL * threads {
            return Some(Bound {
                resource: Resource::Cpu,
                seen: true,
                why: format!(
                    "the server used {used:.2} processors, and it has {threads:.0} thread{} that serve{}.",
                    if threads > 1.0 { "s" } else { "" },
                    if threads > 1.0 { "" } else { "s" },
                ),
            });
        }
        if let Some(given) = signs.given_cpus {
            if used >= FULL * given {
                return Some(Bound {
                    resource: Resource::Cpu,
                    seen: true,
                    why: format!(
                        "the server used {used:.2} of the {given:.0} processor{} that it was given; the generator had others and used {:.2}.",
                        if given > 1.0 { "s" } else { "" },
                        load.generator_cpus
                    ),
                });
            }
        } else if used >= FULL * left {
            return Some(Bound {
                resource: Resource::Cpu,
                seen: true,
                why: format!(
                    "the server used {used:.2} and the generator {:.2} of {cpus:.0} processors: without the generator beside it the server would carry more.",
                    load.generator_cpus
                ),
            });
        }
    }
    let (memory, held) = (signs.memory_bytes?, load.memory_bytes?);
    (held >= FULL * memory).then(|| Bound {
        resource: Resource::Memory,
        seen: true,
        why: format!(
            "the server held {:.1} of {:.1} GiB.",
            held / GIB,
            memory / GIB
        ),
    })
}

const GIB: f64 = 1_073_741_824.0;

/// By which operations became slow while processors had time left, and by what stood still while the population grew.
fn inferred(signs: &Signs, rules: &[Rule], load: &Load, below: Option<&Load>) -> Option<Bound> {
    if let (Some(now), Some(then)) = (load.processes, below.and_then(|below| below.processes))
        && now > 20
        && now == then
        && below.is_some_and(|below| below.users < load.users)
    {
        return Some(Bound {
            resource: Resource::Processes,
            seen: false,
            why: format!(
                "inferred: the server's processes stayed at {now} while the population grew."
            ),
        });
    }
    let cpus = signs.cpus?;
    let used = load.server_cpus?;
    let busy = match signs.given_cpus {
        Some(given) => used > IDLE * given,
        None => used + load.generator_cpus > IDLE * cpus,
    };
    if busy {
        return None;
    }
    let missed: Vec<&str> = rules
        .iter()
        .filter(|rule| !rule.met && rule.dimension == Dimension::Time)
        .filter_map(|rule| rule.rule.split('.').nth(1))
        .collect();
    let all_of = |names: &[&str]| {
        !missed.is_empty() && missed.iter().all(|operation| names.contains(operation))
    };
    if all_of(&[
        "delivery", "append", "store", "expunge", "dele", "quit", "copy", "move",
    ]) {
        return Some(Bound {
            resource: Resource::Disk,
            seen: false,
            why: format!(
                "inferred: only what writes became slow ({}), with processors to spare.",
                missed.join(", ")
            ),
        });
    }
    all_of(&[
        "retr",
        "fetch-part",
        "fetch-message",
        "open-message",
        "fetch-headers",
    ])
    .then(|| Bound {
        resource: Resource::Network,
        seen: false,
        why: format!(
            "inferred: only transfers became slow ({}), with processors to spare{}.",
            missed.join(", "),
            if signs.shaped {
                "; the devices' networks are emulated"
            } else {
                ""
            }
        ),
    })
}

#[cfg(test)]
mod tests;

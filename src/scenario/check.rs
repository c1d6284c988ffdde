//! What the types can not say: checks over several values, each with the paths to blame and the remedy.

mod clients;
mod networks;
mod people;

use std::time::Duration;

use strum::IntoEnumIterator;

use super::{DeviceKind, People, Scenario};

/// The last processor of a mask as the C library has it (`CPU_SETSIZE`, `sched_setaffinity(2)`).
const HIGHEST_CPU: u32 = 1023;

/// A wrong value or a wrong combination.
pub(super) struct Fault {
    /// Dotted paths of the values to blame, the likeliest first.
    pub(super) paths: Vec<String>,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// Messages and events that a plan may hold; about 100 octets each.
const LARGEST_PLAN: f64 = 50e6;

/// The most messages in one mailbox at the start; draws beyond are cut to it.
pub const LARGEST_MAILBOX: f64 = 100_000.0;

/// Everything that is wrong with a scenario whose values are each of the right type.
pub(super) fn check(scenario: &Scenario) -> Vec<Fault> {
    let mut faults = Faults(Vec::new());
    faults.name(scenario);
    faults.speed(scenario);
    faults.run(scenario);
    faults.users(scenario);
    if faults.0.is_empty() {
        // They divide by the speed.
        faults.clients(scenario);
        faults.networks(scenario);
    }
    scenario
        .people()
        .iter()
        .for_each(|people| faults.people(people));
    faults.classes(scenario);
    if faults.0.is_empty() {
        faults.volume(scenario);
    }
    faults.0
}

/// Expected numbers of messages and of events in the plan.
fn volume(scenario: &Scenario) -> (f64, f64) {
    let users = f64::from(scenario.users.count);
    let hours = scenario.horizon().as_secs_f64() * scenario.speed / 3600.0;
    let people = scenario.people();
    let mean = |of: fn(&People<'_>) -> f64| -> f64 {
        people.iter().map(|people| people.share * of(people)).sum()
    };
    let arrivals = mean(|it| it.arrivals.per_day * it.arrivals.peak_share.get()) * hours;
    let polls: f64 = DeviceKind::iter()
        .map(|kind| {
            let arms = scenario.run.arms.iter();
            let per_owner: f64 = arms
                .filter_map(|arm| scenario.client(*arm, kind).poll())
                .map(|(poll, _)| 3600.0 * hours / poll.as_secs_f64())
                .sum();
            scenario.users.share(kind).get() * per_owner
        })
        .sum();
    let sittings = mean(|it| it.habits.sittings_per_hour) * hours;
    (
        users * (mean(|it| it.mailbox.messages.mean()) + arrivals),
        users * (polls + sittings + 2.0 * arrivals),
    )
}

struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, paths: &[&str], message: impl Into<String>, help: impl Into<String>) {
        self.0.push(Fault {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            message: message.into(),
            help: Some(help.into()),
        });
    }

    /// The name becomes a part of folder names.
    fn name(&mut self, scenario: &Scenario) {
        let name = &scenario.name;
        let is_odd = |character: char| character.is_control() || "/\\:".contains(character);
        if name.is_empty() || name.starts_with('.') || name.len() > 80 || name.contains(is_odd) {
            let message = format!(
                "{name:?} can not be the name of a scenario, as folders are named after it"
            );
            self.add(
                &["name"],
                message,
                "write a short word such as \"my-office\"",
            );
        }
    }

    fn speed(&mut self, scenario: &Scenario) {
        if !(0.001..=100_000.0).contains(&scenario.speed) {
            let message = format!("a speed of {} is not possible", scenario.speed);
            self.add(
                &["speed"],
                message,
                "simulated seconds per clock second, from 0.001 to 100000; 1 is real time",
            );
        }
    }

    fn run(&mut self, scenario: &Scenario) {
        let run = &scenario.run;
        let known: Vec<String> = scenario
            .arm
            .keys()
            .map(|arm| format!("\"{arm}\""))
            .collect();
        if run.arms.is_empty() {
            self.add(
                &["run.arms"],
                "no arm is named, so there is nothing to run",
                format!("name at least one of {}", known.join(", ")),
            );
        }
        for (index, arm) in run.arms.iter().enumerate() {
            if run.arms[..index].contains(arm) {
                let path = format!("run.arms.{index}");
                self.add(
                    &[&path],
                    format!("the arm `{arm}` is named twice"),
                    "name each arm once; `blocks` repeats them",
                );
            }
        }
        self.at_least_one("run.blocks", run.blocks, "each block runs every arm once");
        if let Some(workers) = run.workers {
            self.at_least_one(
                "run.workers",
                workers,
                "leave the key out for one worker thread",
            );
        }
        if let Some(cpus) = &run.server_cpus
            && (cpus.is_empty() || cpus.iter().any(|cpu| *cpu > HIGHEST_CPU))
        {
            self.add(
                &["run.server_cpus"],
                format!(
                    "processors are named by their numbers from 0 to {HIGHEST_CPU}, one at least"
                ),
                "write `server_cpus = [0]`, or leave the key out",
            );
        }
        self.not_zero(
            "run.measure",
            run.measure,
            "verdicts rest on this phase: give it a time such as \"5m\"",
        );
        self.not_zero(
            "limits.connect",
            scenario.limits.connect,
            "give connections a time limit such as \"10s\"",
        );
        self.not_zero(
            "limits.command",
            scenario.limits.command,
            "give replies a time limit such as \"60s\"",
        );
        self.at_least_one(
            "limits.deliveries",
            scenario.limits.deliveries,
            "mail is delivered over at least one connection",
        );
    }

    fn users(&mut self, scenario: &Scenario) {
        let users = &scenario.users;
        self.at_least_one(
            "users.count",
            users.count,
            "a comparison needs somebody who reads mail",
        );
        if DeviceKind::iter().all(|kind| users.share(kind).get() == 0.0) {
            self.add(
                &["users.phone", "users.tablet", "users.notebook"],
                "nobody owns a device: `users.phone`, `users.tablet` and `users.notebook` are all 0",
                "give at least one of them a share above 0, such as `phone = 0.9`",
            );
        }
    }

    fn volume(&mut self, scenario: &Scenario) {
        let (messages, events) = volume(scenario);
        if messages + events > LARGEST_PLAN {
            let message = format!(
                "the plan would hold about {:.0} million messages and {:.0} million events; {:.0} million together is the limit",
                messages / 1e6,
                events / 1e6,
                LARGEST_PLAN / 1e6,
            );
            let paths = [
                "users.count",
                "mailbox.messages",
                "mailbox.preset",
                "speed",
                "run.measure",
                "arrivals.per_day",
            ];
            self.add(
                &paths,
                message,
                "fewer users, smaller mailboxes, a shorter run or a lower speed",
            );
        }
    }

    fn amount(&mut self, path: &str, amount: f64, help: &str) {
        if !(amount.is_finite() && amount >= 0.0) {
            self.add(&[path], format!("{amount} is not possible here"), help);
        }
    }

    fn at_least_one(&mut self, path: &str, count: u32, help: &str) {
        if count == 0 {
            self.add(
                &[path],
                format!("`{path}` is 0, at least 1 is needed"),
                help,
            );
        }
    }

    fn not_zero(&mut self, path: &str, duration: Duration, help: &str) {
        if duration.is_zero() {
            self.add(&[path], format!("`{path}` is 0"), help);
        }
    }
}

//! What the types can not say: checks over several values, each with the paths to blame and the remedy.

mod clients;
mod networks;

use std::time::Duration;

use strum::IntoEnumIterator;

use super::{DeviceKind, Distribution, Scenario, Sizes};

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
    faults.mail(scenario);
    if faults.0.is_empty() {
        faults.volume(scenario);
    }
    faults.0
}

/// Expected numbers of messages and of events in the plan.
fn volume(scenario: &Scenario) -> (f64, f64) {
    let users = f64::from(scenario.users.count);
    let hours = scenario.horizon().as_secs_f64() * scenario.speed / 3600.0;
    let arrivals = scenario.arrivals.per_day * scenario.arrivals.peak_share.get() * hours;
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
    let sittings = scenario.habits.sittings_per_hour * hours;
    (
        users * (scenario.mailbox.messages.mean() + arrivals),
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

    fn mail(&mut self, scenario: &Scenario) {
        self.amount(
            "arrivals.per_day",
            scenario.arrivals.per_day,
            "messages per user and day, 0 or more",
        );
        self.amount(
            "habits.sittings_per_hour",
            scenario.habits.sittings_per_hour,
            "sittings per simulated hour and user, 0 or more",
        );
        self.distribution("mailbox.messages", &scenario.mailbox.messages);
        self.distribution("mailbox.age_days", &scenario.mailbox.age_days);
        self.distribution("habits.think_s", &scenario.habits.think_s);
        if let Sizes::Distribution(own) = &scenario.mail.sizes {
            self.distribution("mail.sizes", &own.numbers());
        }
        if scenario.mailbox.messages.mean() > LARGEST_MAILBOX {
            let message = format!(
                "{} messages per mailbox are more than {LARGEST_MAILBOX}",
                scenario.mailbox.messages.mean()
            );
            self.add(
                &["mailbox.messages"],
                message,
                "the hoarder in the literature keeps 50000",
            );
        }
    }

    fn distribution(&mut self, path: &str, distribution: &Distribution) {
        let value = |name: &str| format!("{path}.{name}");
        let not_negative = "0 or more is needed";
        match distribution {
            Distribution::Constant(constant) => {
                self.amount(&value("constant"), *constant, not_negative);
            }
            Distribution::Exponential { mean } => {
                self.amount(&value("exponential.mean"), *mean, not_negative);
            }
            Distribution::Lognormal { median, sigma } => {
                self.amount(&value("lognormal.median"), *median, not_negative);
                self.amount(&value("lognormal.sigma"), *sigma, not_negative);
                if *sigma > 5.0 {
                    self.add(
                        &[&value("lognormal.sigma")],
                        format!("a sigma of {sigma} spreads over more than 20 orders of magnitude"),
                        "sizes of mail have a sigma of about 1",
                    );
                }
            }
            Distribution::Uniform { low, high } => {
                self.amount(&value("uniform.low"), *low, not_negative);
                self.amount(&value("uniform.high"), *high, not_negative);
                if low > high {
                    self.add(
                        &[&value("uniform.low")],
                        format!("`low` is {low}, above `high`, which is {high}"),
                        "swap them",
                    );
                }
            }
            Distribution::Table(rows) => {
                let path = value("table");
                rows.iter().enumerate().for_each(|(row, (number, _))| {
                    self.amount(&format!("{path}.{row}.0"), *number, not_negative);
                });
                self.shares(&path, &rows.iter().map(|row| row.1).collect::<Vec<_>>());
            }
            Distribution::Mixture(parts) => {
                let path = value("mixture");
                parts.iter().enumerate().for_each(|(row, (part, _))| {
                    self.distribution(&format!("{path}.{row}.0"), part);
                });
                self.shares(&path, &parts.iter().map(|part| part.1).collect::<Vec<_>>());
            }
        }
    }

    /// Shares of a whole: each from 0 to 1, and one in sum (a rounding error of a published table is let pass).
    fn shares(&mut self, path: &str, shares: &[f64]) {
        for (row, share) in shares.iter().enumerate() {
            if !(0.0..=1.0).contains(share) {
                let path = format!("{path}.{row}.1");
                self.add(
                    &[&path],
                    format!("{share} is not a share: shares lie between 0 and 1"),
                    "rows are [value, share]",
                );
                return;
            }
        }
        let sum: f64 = shares.iter().sum();
        if (sum - 1.0).abs() > 0.0005 {
            let sum = (sum * 1e6).round() / 1e6;
            let gap = ((1.0 - sum) * 1e6).round() / 1e6;
            let help = if gap > 0.0 {
                format!("{gap} is missing")
            } else {
                format!("{} is too much", -gap)
            };
            self.add(&[path], format!("the shares sum to {sum}, not to 1"), help);
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

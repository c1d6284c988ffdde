//! Checks of what people and their mail are like, of everybody or of each class.

use super::{Faults, LARGEST_MAILBOX};
use crate::scenario::{Distribution, People, Scenario, Share, Sizes};

/// The most folders of one user.
const MOST_FOLDERS: u32 = 1_000;

impl Faults {
    pub(super) fn classes(&mut self, scenario: &Scenario) {
        if scenario.classes.is_empty() {
            return;
        }
        let sum: f64 = scenario.people().iter().map(|people| people.share).sum();
        if (sum - 1.0).abs() > 0.0005 {
            let sum = (sum * 1e6).round() / 1e6;
            let paths: Vec<String> = scenario
                .classes
                .keys()
                .map(|class| format!("classes.{class}.share"))
                .collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            self.add(
                &paths,
                format!("the shares of the classes sum to {sum}, not to 1"),
                "every user is of one class",
            );
        }
    }

    pub(super) fn people(&mut self, people: &People<'_>) {
        let [mailbox, arrivals, habits, mail] =
            ["mailbox", "arrivals", "habits", "mail"].map(|table| people.path(table));
        self.amount(
            &format!("{arrivals}.per_day"),
            people.arrivals.per_day,
            "messages per user and day, 0 or more",
        );
        self.amount(
            &format!("{habits}.sittings_per_hour"),
            people.habits.sittings_per_hour,
            "sittings per simulated hour and user, 0 or more",
        );
        self.amount(
            &format!("{habits}.sent_per_day"),
            people.habits.sent_per_day,
            "messages per user and day besides answers, 0 or more",
        );
        self.active_hours(people);
        self.distribution(&format!("{mailbox}.messages"), &people.mailbox.messages);
        self.distribution(&format!("{mailbox}.age_days"), &people.mailbox.age_days);
        self.distribution(&format!("{habits}.think_s"), &people.habits.think_s);
        if let Sizes::Distribution(own) = &people.mail.sizes {
            self.distribution(&format!("{mail}.sizes"), &own.numbers());
        }
        let languages = people.mail.languages.values();
        let languages: Vec<f64> = languages.map(|share| share.get()).collect();
        self.shares(&format!("{mail}.languages"), &languages);
        if people.mailbox.folders == 0 && people.mailbox.filed > Share::NONE {
            let (filed, folders) = (format!("{mailbox}.filed"), format!("{mailbox}.folders"));
            let message = format!(
                "`{filed}` is {}, and there are no folders",
                people.mailbox.filed.get()
            );
            let help = format!("set `{folders}`, or take `{filed}` out");
            self.add(&[&filed, &folders], message, help);
        }
        if people.mailbox.folders > MOST_FOLDERS {
            self.add(
                &[&format!("{mailbox}.folders")],
                format!(
                    "{} folders are more than {MOST_FOLDERS}",
                    people.mailbox.folders
                ),
                "people keep some tens of folders",
            );
        }
        let messages = people.mailbox.messages.mean();
        if messages > LARGEST_MAILBOX {
            self.add(
                &[&format!("{mailbox}.messages")],
                format!("{messages} messages per mailbox are more than {LARGEST_MAILBOX}"),
                "the hoarder in the literature keeps 50000",
            );
        }
    }

    fn active_hours(&mut self, people: &People<'_>) {
        let hours = people.habits.active_hours;
        let path = format!("{}.active_hours", people.path("habits"));
        if !(1.0..=24.0).contains(&hours) {
            let message = format!("a day of {hours} active hours is not possible");
            self.add(&[&path], message, "from 1 to 24; an office day has 8");
            return;
        }
        let peak = people.arrivals.peak_share.get();
        if peak > 0.0 && peak * hours < 0.9995 {
            let share = format!("{}.peak_share", people.path("arrivals"));
            let message = format!(
                "the busiest hour has {peak} of the day, less than the other {} active hours have each",
                hours - 1.0
            );
            let help = format!(
                "a `peak_share` of at least {:.3}, or fewer `active_hours`",
                1.0 / hours
            );
            self.add(&[&share, &path], message, help);
        }
    }

    pub(super) fn distribution(&mut self, path: &str, distribution: &Distribution) {
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
            Distribution::Pareto { least, shape } => {
                self.amount(&value("pareto.least"), *least, not_negative);
                if !(shape.is_finite() && *shape > 1.0) {
                    self.add(
                        &[&value("pareto.shape")],
                        format!("a Pareto distribution of shape {shape} has no mean"),
                        "a shape above 1; of large messages about 1.2",
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
    pub(super) fn shares(&mut self, path: &str, shares: &[f64]) {
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
}

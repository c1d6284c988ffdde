//! Who the users are: one kind of people, or several classes of them, each with its mail and its habits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::units::Share;
use super::{Arrivals, Habits, Mail, Mailbox, Scenario};

/// A class of users: a share of them, with mail and habits of their own. What is left out, its preset says, and what
/// that leaves out, the scenario's `[mailbox]`, `[arrivals]`, `[habits]` and `[mail]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// The preset that it follows; left out, the one of its own name, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub like: Option<ClassPreset>,
    /// Share of the users who are of this class, drawn for each by the seed; the shares sum to 1.
    pub share: Share,
    /// Their mailboxes at the start.
    pub mailbox: Mailbox,
    /// How new mail comes to them.
    pub arrivals: Arrivals,
    /// What they do with it.
    pub habits: Habits,
    /// What their mail looks like.
    pub mail: Mail,
}

/// Classes of users by name; their values and sources stand in `presets.toml`.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum ClassPreset {
    /// A customer of an ISP who looks at mail now and then: 4 messages a day (`SPECmail2001`).
    Consumer,
    /// Somebody whose phone is never off: 40 messages a day.
    AlwaysOn,
    /// Somebody who works with mail all day: 100 messages of 75 KB (Exchange's sizing example).
    Office,
    /// imaptest's user of that name: a message every ten seconds in the busiest hour.
    Aggressive,
}

/// Kinds of mailboxes by name; their values and sources stand in `presets.toml`.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum MailboxPreset {
    /// What waits at an ISP whose users download and delete: 3.4 messages on average (`SPECmail2001`).
    Spec2001,
    /// 757 messages and 18 folders, as at Enron.
    Enron,
    /// 5,000 messages and 20 folders.
    Keeper,
    /// 50,000 messages.
    Hoarder,
}

/// What one kind of people is like.
#[derive(Clone, Copy, Debug)]
pub struct People<'a> {
    /// The class's name; none where the scenario has no classes.
    pub class: Option<&'a str>,
    /// Share of the users.
    pub share: f64,
    /// Their mailboxes at the start.
    pub mailbox: &'a Mailbox,
    /// How new mail comes to them.
    pub arrivals: &'a Arrivals,
    /// What they do with it.
    pub habits: &'a Habits,
    /// What their mail looks like.
    pub mail: &'a Mail,
}

impl Scenario {
    /// The kinds of people that there are, never none: the classes in the order of their names, or everybody as one.
    pub fn people(&self) -> Vec<People<'_>> {
        if self.classes.is_empty() {
            return vec![People {
                class: None,
                share: 1.0,
                mailbox: &self.mailbox,
                arrivals: &self.arrivals,
                habits: &self.habits,
                mail: &self.mail,
            }];
        }
        let people = self.classes.iter().map(|(name, class)| People {
            class: Some(name),
            share: class.share.get(),
            mailbox: &class.mailbox,
            arrivals: &class.arrivals,
            habits: &class.habits,
            mail: &class.mail,
        });
        people.collect()
    }
}

impl People<'_> {
    /// The dotted path of one of their tables, `habits` or `classes.office.habits`.
    pub(super) fn path(&self, table: &str) -> String {
        match self.class {
            Some(class) => format!("classes.{class}.{table}"),
            None => table.to_owned(),
        }
    }
}

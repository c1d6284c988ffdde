//! What a plan holds, counted: for progress, the manifest, and tests that compare a run with its plan.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Act, Arrival, Plan, UserPlan, What};
use crate::scenario::{Arm, DeviceKind};

/// Counts of a plan, as planned for one cell (one arm of one block).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Users.
    pub users: u64,
    /// Phones.
    pub phones: u64,
    /// Tablets.
    pub tablets: u64,
    /// Notebooks.
    pub notebooks: u64,
    /// Messages in the mailboxes before the run.
    pub messages_at_start: u64,
    /// Octets of these.
    pub octets_at_start: u64,
    /// Messages handed to the server during the run.
    pub deliveries: u64,
    /// Octets of these.
    pub octets_delivered: u64,
    /// Messages, at the start or delivered, with an attachment.
    pub attachments: u64,
    /// Messages opened for the first time.
    pub openings: u64,
    /// Of all openings, those with the attachment.
    pub attachment_openings: u64,
    /// Openings of messages read before, on another device.
    pub revisits: u64,
    /// Messages flagged.
    pub flags: u64,
    /// Messages deleted by the person.
    pub deletes: u64,
    /// Messages answered.
    pub replies: u64,
    /// Octets of the answers.
    pub octets_replied: u64,
    /// Messages moved to folders.
    #[serde(default)]
    pub moves: u64,
    /// Messages written besides answers.
    #[serde(default)]
    pub sent: u64,
    /// Octets of these.
    #[serde(default)]
    pub octets_sent: u64,
    /// Searches.
    pub searches: u64,
    /// Sittings.
    pub sittings: u64,
    /// Timers of devices that fire, by arm; an arm in which none does is missing.
    pub polls: BTreeMap<Arm, u64>,
    /// The time over which all of it is spread, microseconds of clock time.
    pub horizon_us: u64,
    /// Users of each class, where the scenario has classes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<String, u64>,
}

impl Summary {
    pub(super) fn of(plan: &Plan) -> Self {
        let mut summary = Self {
            users: plan.users.len() as u64,
            horizon_us: plan.horizon.as_micros() as u64,
            ..Self::default()
        };
        plan.users.iter().for_each(|user| summary.add(user));
        summary
    }

    /// Devices of all kinds.
    pub fn devices(&self) -> u64 {
        self.phones + self.tablets + self.notebooks
    }

    /// Checks for mail in an arm: devices switched on, timers, sittings. Each is one session where the
    /// device does not stay connected; checks that fall together are merged at run time.
    pub fn checks(&self, arm: Arm) -> u64 {
        let polls = self.polls.get(&arm).copied().unwrap_or_default();
        self.devices() + polls + self.sittings
    }

    /// Mean number of checks per clock second in an arm.
    pub fn checks_per_second(&self, arm: Arm) -> f64 {
        let seconds = Duration::from_micros(self.horizon_us).as_secs_f64();
        if seconds > 0.0 {
            self.checks(arm) as f64 / seconds
        } else {
            0.0
        }
    }

    /// Mean octets delivered per clock second.
    pub fn octets_per_second(&self) -> f64 {
        let seconds = Duration::from_micros(self.horizon_us).as_secs_f64();
        if seconds > 0.0 {
            self.octets_delivered as f64 / seconds
        } else {
            0.0
        }
    }

    fn add(&mut self, user: &UserPlan) {
        if let Some(class) = &user.class {
            *self.classes.entry(class.clone()).or_default() += 1;
        }
        for device in &user.devices {
            match device {
                DeviceKind::Phone => self.phones += 1,
                DeviceKind::Tablet => self.tablets += 1,
                DeviceKind::Notebook => self.notebooks += 1,
            }
        }
        for message in &user.mail {
            match message.arrival {
                Arrival::AtStart { .. } => {
                    self.messages_at_start += 1;
                    self.octets_at_start += message.spec.octets;
                }
                Arrival::Due(_) => {
                    self.deliveries += 1;
                    self.octets_delivered += message.spec.octets;
                }
            }
            self.attachments += u64::from(message.spec.attachment.is_some());
        }
        for event in &user.events {
            match &event.what {
                What::Poll { arm, .. } => *self.polls.entry(*arm).or_default() += 1,
                What::Sitting { steps, .. } => {
                    self.sittings += 1;
                    for step in steps {
                        self.act(&step.act);
                    }
                }
                What::Online(_) | What::Deliver { .. } => {}
            }
        }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Open {
                attachment, again, ..
            } => {
                self.attachment_openings += u64::from(*attachment);
                if *again {
                    self.revisits += 1;
                } else {
                    self.openings += 1;
                }
            }
            Act::Flag { .. } => self.flags += 1,
            Act::Delete { .. } => self.deletes += 1,
            Act::Reply { reply, .. } => {
                self.replies += 1;
                self.octets_replied += reply.octets;
            }
            Act::Move { .. } => self.moves += 1,
            Act::Send { message, .. } => {
                self.sent += 1;
                self.octets_sent += message.octets;
            }
            Act::Search { .. } => self.searches += 1,
        }
    }
}

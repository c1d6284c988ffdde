//! The canonical bytes of a plan, hashed: every number little-endian, every choice by a number of its own, nothing
//! that depends on how Rust lays things out.

use std::hash::Hasher;
use std::time::Duration;

use twox_hash::XxHash3_64;

use super::{Act, Arrival, Event, MessageSpec, Plan, UserPlan, What};
use crate::scenario::DeviceKind;

/// XXH3-64 over the plan, 16 hexadecimal digits.
pub(super) fn fingerprint(plan: &Plan) -> String {
    let mut canon = Canon(XxHash3_64::new());
    canon.number(plan.seed);
    canon.time(plan.horizon);
    canon.count(plan.users.len());
    plan.users.iter().for_each(|user| canon.user(user));
    format!("{:016x}", canon.0.finish())
}

struct Canon(XxHash3_64);

impl Canon {
    fn number(&mut self, number: u64) {
        self.0.write(&number.to_le_bytes());
    }

    fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.write(text.as_bytes());
    }

    fn time(&mut self, time: Duration) {
        self.number(time.as_micros() as u64);
    }

    fn device(&mut self, device: DeviceKind) {
        self.number(match device {
            DeviceKind::Phone => 1,
            DeviceKind::Tablet => 2,
            DeviceKind::Notebook => 3,
        });
    }

    fn spec(&mut self, spec: &MessageSpec) {
        self.number(spec.seed);
        self.number(spec.octets);
        self.number(spec.attachment.map_or(0, |octets| octets + 1));
        self.number(spec.incompressible);
    }

    fn user(&mut self, user: &UserPlan) {
        self.number(u64::from(user.user.0));
        let class = user.class.as_deref().unwrap_or_default();
        self.count(class.len());
        self.0.write(class.as_bytes());
        self.number(u64::from(user.folders));
        self.count(user.devices.len());
        user.devices.iter().for_each(|device| self.device(*device));
        self.count(user.mail.len());
        for message in &user.mail {
            match message.arrival {
                Arrival::AtStart {
                    seen,
                    age_s,
                    folder,
                } => {
                    self.number(u64::from(seen));
                    self.number(u64::from(age_s));
                    // Written only where there is one: plans without keep the fingerprint that they always had.
                    if let Some(folder) = folder {
                        self.number(7);
                        self.number(u64::from(folder.get()));
                    }
                }
                Arrival::Due(at) => {
                    self.number(2);
                    self.time(at);
                }
            }
            self.number(message.answers.map_or(0, |seq| u64::from(seq) + 1));
            self.spec(&message.spec);
        }
        self.count(user.events.len());
        user.events.iter().for_each(|event| self.event(event));
        // Written only where there are any: plans without them keep the fingerprint that they always had.
        for outage in &user.outages {
            self.number(6);
            self.device(outage.device);
            self.time(outage.from);
            self.time(outage.to);
        }
    }

    fn event(&mut self, event: &Event) {
        self.time(event.at);
        match &event.what {
            What::Online(device) => {
                self.number(1);
                self.device(*device);
            }
            What::Poll { device, arm } => {
                self.number(2);
                self.text(&arm.to_string());
                self.device(*device);
            }
            What::Deliver { seq } => {
                self.number(4);
                self.number(u64::from(*seq));
            }
            What::Sitting { device, steps } => {
                self.number(5);
                self.device(*device);
                self.count(steps.len());
                for step in steps {
                    self.time(step.think);
                    self.act(&step.act);
                }
            }
        }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Open {
                seq,
                attachment,
                again,
            } => {
                self.number(1 + u64::from(*attachment) * 16 + u64::from(*again) * 32);
                self.number(u64::from(*seq));
            }
            Act::Flag { seq } => {
                self.number(2);
                self.number(u64::from(*seq));
            }
            Act::Delete { seq } => {
                self.number(3);
                self.number(u64::from(*seq));
            }
            Act::Reply { seq, reply } => {
                self.number(4);
                self.number(u64::from(*seq));
                self.spec(reply);
            }
            Act::Move { seq, folder } => {
                self.number(6);
                self.number(u64::from(*seq));
                self.number(u64::from(*folder));
            }
            Act::Send { number, message } => {
                self.number(7);
                self.number(u64::from(*number));
                self.spec(message);
            }
            Act::Search { term } => {
                self.number(5);
                self.text(term);
            }
        }
    }
}

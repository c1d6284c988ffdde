//! Whether the arms of a scenario can run on a target, by what was seen of it. What cannot work is refused before any load,
//! each with what can be done about it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::client::ImapExtension;
use crate::plan::Plan;
use crate::scenario::{
    Arm, Client, DeviceKind, ImapClient, Protocol, Resync, Scenario, Watch, Wish,
};
use crate::target::Portrait;
use crate::target::portrait::{Role, ServicePortrait};

/// Whether an arm can run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fitness {
    /// The arm.
    pub arm: Arm,
    /// None: that cannot be told, for nobody could log in.
    pub can_run: Option<bool>,
    /// Why it cannot, or why that cannot be told: sentences with the remedy.
    pub reasons: Vec<String>,
    /// What does not keep it from running, but will be felt.
    pub notes: Vec<String>,
    /// Its protocol works on this target, whatever else the arm asks for.
    #[serde(skip)]
    pub protocol_works: bool,
}

/// Looks at each arm of a scenario.
pub fn fitness(scenario: &Scenario, plan: &Plan, portrait: &Portrait) -> Vec<Fitness> {
    let look = Look {
        scenario,
        plan,
        portrait,
    };
    let arms = scenario.run.arms.iter();
    arms.map(|&arm| look.at(arm)).collect()
}

struct Look<'a> {
    scenario: &'a Scenario,
    plan: &'a Plan,
    portrait: &'a Portrait,
}

impl Look<'_> {
    fn at(&self, arm: Arm) -> Fitness {
        let role = match arm.protocol() {
            Protocol::Pop3 => Role::Pop3,
            Protocol::Imap => Role::Imap,
        };
        let service = self.portrait.service(role);
        let mut fitness = Fitness {
            arm,
            can_run: Some(true),
            reasons: Vec::new(),
            notes: Vec::new(),
            protocol_works: service.is_some_and(ServicePortrait::works),
        };
        match service {
            None => fitness.cannot(format!("the target offers no {}", role.title())),
            Some(service) => {
                if let Some(trouble) = service.trouble() {
                    fitness.cannot(format!("{}: {trouble}", role.title()));
                    fitness.suggest_other_door(self.portrait, service);
                } else if service.login.is_none() {
                    fitness.can_run = None;
                    fitness.reasons.push(
                        "nobody has logged in: name accounts (`--accounts FILE`, or a target file)"
                            .into(),
                    );
                }
                self.check_pop3(&mut fitness, service);
                self.check_imap(&mut fitness, service);
            }
        }
        if let Some(trouble) = self.delivery_trouble() {
            fitness.cannot(trouble);
        }
        fitness
    }

    /// Without mail in the mailboxes no arm has anything to do.
    fn delivery_trouble(&self) -> Option<String> {
        if self.portrait.delivery_by_append {
            let imap = self.portrait.service(Role::Imap);
            let trouble = match imap {
                None => "the target offers none",
                Some(service) => service.trouble()?,
            };
            return Some(format!(
                "mail is put into the mailboxes by IMAP APPEND, but IMAP cannot be used: {trouble} (another way is named below `[delivery]` of a target file)"
            ));
        }
        let service = self.portrait.service(Role::Delivery)?;
        let trouble = service.trouble()?;
        Some(format!("mail cannot be delivered: {trouble}"))
    }

    fn check_pop3(&self, fitness: &mut Fitness, service: &ServicePortrait) {
        let Some(traits) = &service.pop3 else { return };
        let uidl = traits.uidl_works.unwrap_or(traits.uidl);
        if !uidl && service.works() {
            fitness.cannot(
                "POP3 does not offer UIDL (RFC 1939), by which devices tell new mail from mail that they have: take the arm out (`--arms imap`)"
                    .into(),
            );
        }
        let mut hasty = Vec::new();
        for kind in self.devices() {
            let Client::Pop3(device) = self.scenario.client(fitness.arm, kind) else {
                continue;
            };
            let path = self.scenario.client_path(fitness.arm, kind);
            if device.leave_on_server && traits.expire.as_deref() == Some("0 days") {
                fitness.cannot(format!(
                    "POP3 announces EXPIRE 0, so mail may not stay on the server, and the scenario's {kind} leaves it there: set `{path}.leave_on_server=false`"
                ));
            }
            let poll = self.scenario.clock(device.poll);
            let delay = traits.login_delay_s.unwrap_or(0);
            if poll.as_secs_f64() < f64::from(delay) {
                hasty.push(kind);
            }
        }
        if let (Some(delay), false) = (traits.login_delay_s, hasty.is_empty()) {
            fitness.notes.push(format!(
                "POP3 announces LOGIN-DELAY {delay}, and the scenario's {} in sooner again: a server that means it refuses such logins; a lower `speed` or longer polls help",
                together(&hasty, "logs", "log")
            ));
        }
    }

    fn check_imap(&self, fitness: &mut Fitness, service: &ServicePortrait) {
        if service.imap.is_none() {
            return;
        }
        let mut connections = 0;
        let mut missing: BTreeMap<ImapExtension, Vec<(DeviceKind, String)>> = BTreeMap::new();
        for kind in self.devices() {
            let Client::Imap(device) = self.scenario.client(fitness.arm, kind) else {
                continue;
            };
            let path = self.scenario.client_path(fitness.arm, kind);
            connections += device.connections.max(1);
            for (extension, instead) in needs(device) {
                if service.works() && !service.offers(extension) {
                    let setting = format!("`{path}.{instead}`");
                    missing.entry(extension).or_default().push((kind, setting));
                }
            }
        }
        for (extension, asking) in missing {
            let (kinds, settings): (Vec<DeviceKind>, Vec<String>) = asking.into_iter().unzip();
            fitness.cannot(format!(
                "IMAP does not offer {} (RFC {}), which the scenario's {} for: set {} (`--set`)",
                extension.capability(),
                extension.rfc(),
                together(&kinds, "asks", "ask"),
                settings.join(", ")
            ));
        }
        let plan = self.plan.summary();
        let moves = service.offers(ImapExtension::Move) && !self.copies_instead(fitness.arm);
        for (count, alone, done, habit) in [
            (plan.deletes, false, "deleted", "delete"),
            (plan.moves, moves, "moved", "move"),
        ] {
            let uidplus = alone || service.offers(ImapExtension::Uidplus);
            if count > 0 && !uidplus && service.works() {
                fitness.cannot(format!(
                    "IMAP does not offer UIDPLUS (RFC 4315), without which one message alone cannot be {done}: let nobody {habit} any (`--set habits.{habit}=0`)"
                ));
            }
        }
        if let Some(crowd) = &service.crowd
            && let Some(refused) = &crowd.refused
            && crowd.let_in < connections
        {
            fitness.cannot(format!(
                "a user who owns every device opens {connections} IMAP connections, and session {} was refused ({refused}): raise the server's limit, or lower `imap.connections` of the devices",
                crowd.let_in + 1
            ));
        }
    }

    /// Some device does without MOVE.
    fn copies_instead(&self, arm: Arm) -> bool {
        let copies = |kind: &DeviceKind| matches!(self.scenario.client(arm, *kind), Client::Imap(device) if device.r#move == Wish::Never);
        self.devices().iter().any(copies)
    }

    /// Those that somebody owns.
    fn devices(&self) -> Vec<DeviceKind> {
        let users = self.plan.users.iter();
        let mut kinds: Vec<DeviceKind> = users.flat_map(|user| &user.devices).copied().collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}

/// Devices, and what they do.
fn together(kinds: &[DeviceKind], one: &str, several: &str) -> String {
    let names: Vec<String> = kinds.iter().map(ToString::to_string).collect();
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => {
            format!("{} and {last} {several}", others.join(", "))
        }
        _ => format!("{} {one}", names.concat()),
    }
}

/// What a client can not do without, and the setting with which it can.
fn needs(client: &ImapClient) -> Vec<(ImapExtension, &'static str)> {
    let always = |wish: Wish| wish == Wish::Always;
    let idles = matches!(client.watch, Watch::Idle { .. });
    [
        (idles, ImapExtension::Idle, "watch.poll=15m"),
        (
            always(client.compress),
            ImapExtension::Compress,
            "compress=false",
        ),
        (
            always(client.literal_plus),
            ImapExtension::LiteralPlus,
            "literal_plus=false",
        ),
        (always(client.r#move), ImapExtension::Move, "move=false"),
        (
            client.resync == Resync::Condstore,
            ImapExtension::Condstore,
            "resync=full",
        ),
        (
            client.resync == Resync::Qresync,
            ImapExtension::Qresync,
            "resync=full",
        ),
    ]
    .into_iter()
    .filter_map(|(asked, extension, instead)| asked.then_some((extension, instead)))
    .collect()
}

impl Fitness {
    fn cannot(&mut self, reason: String) {
        self.can_run = Some(false);
        self.reasons.push(reason);
    }

    /// A service that fails here may work next door.
    fn suggest_other_door(&mut self, portrait: &Portrait, service: &ServicePortrait) {
        let other = portrait.services.iter().find(|other| {
            !other.used
                && other.role == service.role
                && other.greeting.is_some()
                && other.failure.is_none()
        });
        if let (None, Some(other)) = (&service.greeting, other) {
            self.reasons.push(format!(
                "{} answers at port {}: write `port = {}` and `tls = \"{}\"` below `[{}]` of a target file",
                other.role.title(),
                other.address.port(),
                other.address.port(),
                other.tls_mode,
                other.role,
            ));
        }
    }
}

#[cfg(test)]
mod tests;

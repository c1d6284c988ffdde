//! Whether the arms of a scenario can run on a target, by what was seen of it. What cannot work is refused before any load,
//! each with what can be done about it.

use serde::Serialize;

use crate::plan::Plan;
use crate::scenario::{Arm, Client, DeviceKind, Protocol, Scenario, Watch, duration_text};
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
            if let Some(delay) = traits.login_delay_s
                && poll.as_secs_f64() < f64::from(delay)
            {
                fitness.notes.push(format!(
                    "POP3 announces LOGIN-DELAY {delay}, and the scenario's {kind} logs in every {}: a server that means it refuses such logins; a lower `speed` or a longer `{path}.poll` helps",
                    duration_text(poll)
                ));
            }
        }
    }

    fn check_imap(&self, fitness: &mut Fitness, service: &ServicePortrait) {
        let Some(traits) = &service.imap else { return };
        let idle = traits.idle_works.unwrap_or(traits.idle);
        let mut connections = 0;
        for kind in self.devices() {
            let Client::Imap(device) = self.scenario.client(fitness.arm, kind) else {
                continue;
            };
            let path = self.scenario.client_path(fitness.arm, kind);
            connections += device.connections.max(1);
            let waits = matches!(device.watch, Watch::Idle { .. });
            if waits && !idle && service.works() {
                fitness.cannot(format!(
                    "IMAP does not offer IDLE (RFC 2177), by which the scenario's {kind} learns of new mail: set `{path}.watch.poll=15m` (`--set`)"
                ));
            }
        }
        let compresses = |kind: &DeviceKind| matches!(self.scenario.client(fitness.arm, *kind), Client::Imap(device) if device.compress);
        if !traits.compress
            && service.works()
            && let Some(kind) = self.devices().iter().find(|kind| compresses(kind))
        {
            let path = self.scenario.client_path(fitness.arm, *kind);
            fitness.cannot(format!(
                "IMAP does not offer COMPRESS=DEFLATE (RFC 4978), which the scenario's {kind} asks for: set `{path}.compress=false`"
            ));
        }
        let plan = self.plan.summary();
        for (count, done, habit) in [
            (plan.deletes, "deleted", "delete"),
            (plan.moves, "moved", "move"),
        ] {
            if count > 0 && !traits.uidplus && service.works() {
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

    /// Those that somebody owns.
    fn devices(&self) -> Vec<DeviceKind> {
        let users = self.plan.users.iter();
        let mut kinds: Vec<DeviceKind> = users.flat_map(|user| &user.devices).copied().collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
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
mod tests {
    use super::*;
    use crate::client::LoginMethod;
    use crate::net::Address;
    use crate::plan::Shard;
    use crate::scenario::{Override, TlsMode};
    use crate::target::Service;
    use crate::target::portrait::{Crowd, ImapTraits, LoginPortrait, PopTraits};

    fn scenario(set: &[&str]) -> Scenario {
        let overrides: Vec<Override> = set.iter().filter_map(|it| Override::set(it)).collect();
        assert_eq!(overrides.len(), set.len());
        Scenario::load("quick", &overrides).unwrap()
    }

    fn service(role: Role) -> ServicePortrait {
        let service = Service {
            address: Address::new(([127, 0, 0, 1], 1100).into(), "localhost"),
            tls: TlsMode::Plain,
        };
        let mut seen = ServicePortrait::unseen(&service, role);
        seen.used = true;
        seen.greeting = Some("hello".into());
        seen.login = Some(LoginPortrait {
            method: LoginMethod::default(),
            error: None,
        });
        seen.pop3 = (role == Role::Pop3).then(|| PopTraits {
            uidl: true,
            ..PopTraits::default()
        });
        seen.imap = (role == Role::Imap).then(|| ImapTraits {
            idle: true,
            uidplus: true,
            ..ImapTraits::default()
        });
        seen
    }

    fn healthy() -> Portrait {
        Portrait {
            services: [Role::Pop3, Role::Imap, Role::Delivery].map(service).into(),
            ..Portrait::default()
        }
    }

    /// Which arms can run, and all that is said.
    fn judged(set: &[&str], ail: impl Fn(&mut Portrait)) -> (Vec<Option<bool>>, String) {
        let mut portrait = healthy();
        ail(&mut portrait);
        let scenario = scenario(set);
        let plan = Plan::new(&scenario, Shard::WHOLE);
        let judged = fitness(&scenario, &plan, &portrait);
        let said: Vec<_> = judged
            .iter()
            .flat_map(|it| it.reasons.iter().chain(&it.notes))
            .cloned()
            .collect();
        let can = judged.iter().map(|it| it.can_run).collect();
        (can, said.join("\n"))
    }

    const YES: Option<bool> = Some(true);
    const NO: Option<bool> = Some(false);

    #[test]
    fn on_a_healthy_target_every_arm_can_run_and_nothing_is_said() {
        assert_eq!(judged(&[], |_| {}), (vec![YES, YES], String::new()));
    }

    #[test]
    fn each_arm_lacks_what_it_needs_and_says_what_would_help() {
        type Ailment = fn(&mut Portrait);
        let no_uidl: Ailment = |it| it.services[0].pop3 = Some(PopTraits::default());
        let no_idle: Ailment = |it| it.services[1].imap = Some(ImapTraits::default());
        let no_uidplus: Ailment = |it| {
            if let Some(traits) = &mut it.services[1].imap {
                traits.uidplus = false;
            }
        };
        let no_pop3: Ailment = |it| drop(it.services.remove(0));
        let wrong_password: Ailment = |it| {
            if let Some(login) = &mut it.services[1].login {
                login.error = Some("the server refused (login): wrong".into());
            }
        };
        let silent: Ailment = |it| it.services[0].failure = Some("nobody listens there".into());
        let keeps_nothing: Ailment = |it| {
            if let Some(traits) = &mut it.services[0].pop3 {
                traits.expire = Some("0 days".into());
            }
        };
        let crowded: Ailment = |it| {
            it.services[1].crowd = Some(Crowd {
                tried: 12,
                let_in: 2,
                refused: Some("too many".into()),
            });
        };
        for (set, ailment, can, words) in [
            (&[][..], no_uidl, [NO, YES], "UIDL"),
            (&[], no_idle, [YES, NO], "`notebook.imap.watch.poll=15m`"),
            (
                &["arms=imap,imap-idle", "users.notebook=0", "habits.delete=0"],
                no_idle,
                [YES, NO],
                "`arm.imap-idle.phone.imap.watch.poll=15m`",
            ),
            (
                &["arms=imap,imap-compressed"],
                |_| {},
                [YES, NO],
                "`arm.imap-compressed.phone.imap.compress=false`",
            ),
            (&[], no_uidplus, [YES, NO], "habits.delete=0"),
            (
                &["mailbox.folders=3", "habits.move=1"],
                no_uidplus,
                [YES, NO],
                "habits.move=0",
            ),
            (&[], no_pop3, [NO, YES], "offers no POP3"),
            (&[], wrong_password, [YES, NO], "wrong"),
            (&[], silent, [NO, YES], "POP3: nobody listens there"),
            (&[], keeps_nothing, [YES, YES], ""),
            (
                &["phone.pop3.leave_on_server=true"],
                keeps_nothing,
                [NO, YES],
                "phone.pop3.leave_on_server=false",
            ),
            (&[], crowded, [YES, NO], "4 IMAP connections, and session 3"),
        ] {
            let (found, said) = judged(set, ailment);
            // Where an arm is gone from the portrait it is still judged.
            assert_eq!(found, can, "{said}");
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn what_nobody_has_or_does_need_not_be_offered() {
        let polls = [
            "users.tablet=0",
            "phone.imap.watch.poll=15m",
            "notebook.imap.watch.poll=15m",
            "habits.delete=0",
        ];
        let (can, _) = judged(&polls, |it| {
            it.services[1].imap = Some(ImapTraits::default());
        });
        assert_eq!(can, [YES, YES]);
    }

    #[test]
    fn without_delivery_no_arm_can_run() {
        let (can, said) = judged(&[], |it| {
            it.services[2].failure = Some("nobody listens there".into());
        });
        assert_eq!(can, [NO, NO]);
        assert!(said.contains("mail cannot be delivered"), "{said}");
        let (can, said) = judged(&[], |it| {
            it.delivery_by_append = true;
            it.services[1].failure = Some("nobody listens there".into());
        });
        assert_eq!(can, [NO, NO]);
        assert!(said.contains("APPEND"), "{said}");
    }

    #[test]
    fn without_a_login_nothing_can_be_told() {
        let (can, said) = judged(&[], |it| {
            it.services
                .iter_mut()
                .for_each(|service| service.login = None);
        });
        assert_eq!(can, [None, None]);
        assert!(said.contains("--accounts"), "{said}");
    }

    #[test]
    fn a_login_delay_longer_than_the_poll_is_noted() {
        let (can, said) = judged(&[], |it| {
            if let Some(traits) = &mut it.services[0].pop3 {
                traits.login_delay_s = Some(10);
            }
        });
        assert_eq!(can, [YES, YES]);
        assert!(said.contains("LOGIN-DELAY 10"), "{said}");
    }

    #[test]
    fn a_door_that_is_open_next_to_a_closed_one_is_pointed_out() {
        let (can, said) = judged(&[], |it| {
            it.services[0].greeting = None;
            it.services[0].failure = Some("nobody listens there".into());
            let mut other = service(Role::Pop3);
            other.used = false;
            other.address.set_port(110);
            other.tls_mode = TlsMode::Starttls;
            it.services.push(other);
        });
        assert_eq!(can, [NO, YES]);
        assert!(
            said.contains("`port = 110` and `tls = \"starttls\"`"),
            "{said}"
        );
    }
}

//! Whether the arms of a scenario can run on a target, by what it says of itself. What cannot work is refused before any
//! load, each with what can be done about it.

use crate::plan::Plan;
use crate::scenario::{Arm, DeviceKind, Protocol, Scenario, Watch};
use crate::target::Portrait;

/// Why arms of the scenario cannot run there: a sentence for each reason, none if all can.
pub fn misfits(scenario: &Scenario, plan: &Plan, portrait: &Portrait) -> Vec<String> {
    let look = Look {
        scenario,
        plan,
        portrait,
    };
    scenario
        .run
        .arms
        .iter()
        .flat_map(|&arm| look.misfits(arm))
        .collect()
}

struct Look<'a> {
    scenario: &'a Scenario,
    plan: &'a Plan,
    portrait: &'a Portrait,
}

impl Look<'_> {
    fn misfits(&self, arm: Arm) -> Vec<String> {
        let protocol = arm.protocol();
        let name = match protocol {
            Protocol::Pop3 => "POP3",
            Protocol::Imap => "IMAP",
        };
        if !self.portrait.ports.contains_key(<&str>::from(protocol)) {
            return vec![format!(
                "the arm `{arm}` cannot run: the target offers no {name}; {}",
                self.without(arm)
            )];
        }
        match protocol {
            Protocol::Pop3 if !self.offers("pop3", "UIDL") => vec![format!(
                "the arm `{arm}` cannot run: the server does not offer UIDL, without which a device cannot tell new mail from mail it has; {}",
                self.without(arm)
            )],
            Protocol::Pop3 => Vec::new(),
            Protocol::Imap => self.imap_misfits(arm),
        }
    }

    fn imap_misfits(&self, arm: Arm) -> Vec<String> {
        let mut misfits = Vec::new();
        if !self.offers("imap", "IDLE") {
            let idlers: Vec<DeviceKind> = self
                .devices()
                .into_iter()
                .filter(|&kind| matches!(self.scenario.device(kind).imap.watch, Watch::Idle { .. }))
                .collect();
            for kind in idlers {
                misfits.push(format!(
                    "the arm `{arm}` cannot run: the server does not offer IDLE, by which each {kind} of the scenario learns of new mail; let it poll (`--set {kind}.imap.watch.poll=15m`), or {}",
                    self.without(arm)
                ));
            }
        }
        let deletes = self.plan.summary().deletes > 0;
        if deletes && !self.offers("imap", "UIDPLUS") {
            misfits.push(format!(
                "the arm `{arm}` cannot run: the server does not offer UIDPLUS, without which one message alone cannot be deleted; let nobody delete (`--set habits.delete=0`), or {}",
                self.without(arm)
            ));
        }
        misfits
    }

    /// True as well where the server does not say what it offers.
    fn offers(&self, protocol: &str, word: &str) -> bool {
        let offered = self.portrait.capabilities.get(protocol);
        offered.is_none_or(|offered| {
            offered.is_empty()
                || offered.iter().any(|line| {
                    let first = line.split_ascii_whitespace().next();
                    first.is_some_and(|first| first.eq_ignore_ascii_case(word))
                })
        })
    }

    fn devices(&self) -> Vec<DeviceKind> {
        let mut kinds: Vec<DeviceKind> = self
            .plan
            .users
            .iter()
            .flat_map(|user| &user.devices)
            .copied()
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    fn without(&self, arm: Arm) -> String {
        let others: Vec<String> = self
            .scenario
            .run
            .arms
            .iter()
            .filter(|&&other| other != arm)
            .map(ToString::to_string)
            .collect();
        if others.is_empty() {
            "choose another arm (`--arms`)".into()
        } else {
            format!("leave the arm out (`--arms {}`)", others.join(","))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::misfits;
    use crate::plan::{Plan, Shard};
    use crate::scenario::{Override, Scenario};
    use crate::target::Portrait;

    fn portrait(pop3: &[&str], imap: &[&str]) -> Portrait {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        Portrait {
            ports: [("pop3".to_owned(), 110), ("imap".to_owned(), 143)].into(),
            capabilities: [
                ("pop3".to_owned(), words(pop3)),
                ("imap".to_owned(), words(imap)),
            ]
            .into(),
            ..Portrait::default()
        }
    }

    fn reasons(portrait: &Portrait, set: &[&str]) -> Vec<String> {
        let overrides: Vec<Override> = set.iter().filter_map(|set| Override::set(set)).collect();
        let scenario = Scenario::load("quick", &overrides).unwrap();
        misfits(&scenario, &Plan::new(&scenario, Shard::WHOLE), portrait)
    }

    #[test]
    fn a_server_that_offers_everything_fits() {
        let able = portrait(
            &["TOP", "uidl", "SASL PLAIN"],
            &["IMAP4rev1", "IDLE", "UIDPLUS"],
        );
        assert_eq!(reasons(&able, &[]), Vec::<String>::new());
    }

    #[test]
    fn a_server_that_does_not_say_what_it_offers_is_given_the_benefit() {
        assert_eq!(reasons(&portrait(&[], &[]), &[]), Vec::<String>::new());
    }

    #[test]
    fn what_is_missing_is_told_with_what_can_be_done() {
        let bare = portrait(&["TOP"], &["IMAP4rev1"]);
        let all = reasons(&bare, &[]).join("\n");
        for words in [
            "UIDL",
            "`--arms imap`",
            "IDLE",
            ".imap.watch.poll=15m",
            "UIDPLUS",
        ] {
            assert!(all.contains(words), "{words}: {all}");
        }
        let mut no_pop = bare;
        no_pop.ports.remove("pop3");
        let first = &reasons(&no_pop, &[])[0];
        assert!(first.contains("offers no POP3"), "{first}");
    }

    #[test]
    fn what_nobody_does_need_not_be_offered() {
        let bare = portrait(&["UIDL"], &["IMAP4rev1"]);
        let set = [
            "phone.imap.watch.poll=15m",
            "tablet.imap.watch.poll=15m",
            "notebook.imap.watch.poll=15m",
            "habits.delete=0",
        ];
        assert_eq!(reasons(&bare, &set), Vec::<String>::new());
    }
}

//! What a planner asks that takes trials of its own: which, at which population, and what each changes in the scenario.

use std::time::Duration;

use strum::IntoEnumIterator as _;

use crate::judge::capacity::{Answer, Purpose, Subject, Trial};
use crate::rundir::Asked;
use crate::scenario::{Arm, Client, DeviceKind, LARGEST_MAILBOX, Override, Scenario, Watch};

/// Everybody comes within this time, clock.
const AT_ONCE: &str = "100ms";

/// A question, as a trial asks it.
pub(super) struct Question {
    pub(super) asked: Asked,
    /// What is different in the scenario.
    pub(super) overrides: Vec<Override>,
}

/// The questions of an arm and the population of each, after its capacity was searched. The storm comes over all that are carried;
/// what is to cost up to four times as much is asked at a quarter.
pub(super) fn of(
    scenario: &Scenario,
    arm: Arm,
    capacity: Option<u32>,
    trials: &[Trial],
) -> Vec<(u32, Question)> {
    let Some(most) = capacity else {
        return Vec::new();
    };
    let met = trials.iter().filter(|trial| {
        trial.facts.arm == arm
            && trial.answer == Some(Answer::Met)
            && !matches!(trial.purpose, Purpose::Shown | Purpose::Question)
    });
    let mut met: Vec<u32> = met.map(|trial| trial.facts.users).collect();
    met.sort_unstable();
    let least = met.first().copied().unwrap_or(most);
    let quarter = met.iter().rev().find(|users| **users <= most / 4);
    let quarter = quarter.copied().unwrap_or(least);
    Subject::iter()
        .flat_map(|subject| subject.times().iter().map(move |times| (subject, *times)))
        .filter_map(|(subject, times)| {
            let overrides = changes(scenario, arm, subject, times);
            let asked = Asked {
                about: subject.name().to_owned(),
                times,
            };
            let users = match subject {
                Subject::Storm => most,
                Subject::Polls | Subject::Mailbox => quarter,
            };
            (!overrides.is_empty()).then_some((users, Question { asked, overrides }))
        })
        .collect()
}

/// Nothing: the scenario has nothing of the kind.
fn changes(scenario: &Scenario, arm: Arm, subject: Subject, times: f64) -> Vec<Override> {
    match subject {
        Subject::Polls => DeviceKind::iter()
            .filter_map(|kind| shorter_poll(scenario, arm, kind, times))
            .collect(),
        Subject::Mailbox => {
            let messages = (scenario.mailbox.messages.mean() * times).round();
            // Classes have mailboxes of their own.
            let possible =
                scenario.classes.is_empty() && (1.0..=LARGEST_MAILBOX).contains(&messages);
            let value = format!("{{ constant = {messages} }}");
            let larger = Override::option("--set", "mailbox.messages", &value);
            possible.then_some(larger).into_iter().collect()
        }
        Subject::Storm => vec![Override::option("--set", "run.ramp_up", AT_ONCE)],
    }
}

fn shorter_poll(scenario: &Scenario, arm: Arm, kind: DeviceKind, times: f64) -> Option<Override> {
    let path = scenario.client_path(arm, kind);
    let shorter = |poll: Duration| format!("{}ms", (poll.as_secs_f64() * 1e3 / times).ceil());
    let (key, value) = match scenario.client(arm, kind) {
        Client::Pop3(client) => ("poll", shorter(client.poll)),
        Client::Imap(client) => match client.watch {
            Watch::Poll(poll) => ("watch", format!("{{ poll = \"{}\" }}", shorter(poll))),
            Watch::Idle { .. } => return None,
        },
    };
    Some(Override::option("--set", &format!("{path}.{key}"), &value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rundir::SearchTrial;

    #[test]
    fn the_storm_comes_over_no_more_users_than_are_carried() {
        let trial = |users, answer| {
            let facts = SearchTrial {
                number: 1,
                arm: Arm::POP3,
                users,
                purpose: Purpose::Bisect.to_string(),
                question: None,
                folder: String::new(),
                refused: None,
                over: true,
            };
            let mut trial = Trial::without_run(&facts, None);
            trial.answer = Some(answer);
            trial
        };
        let scenario = Scenario::load("quick", &[]).unwrap();
        let trials = [20, 80, 100].map(|users| trial(users, Answer::Met));
        let asked = of(&scenario, Arm::POP3, Some(80), &trials);
        let storm = asked.iter().find(|(_, it)| it.asked.about == "storm");
        assert_eq!(storm.unwrap().0, 80);
        assert_eq!(asked[0].0, 20);
        assert!(of(&scenario, Arm::POP3, None, &trials).is_empty());
    }

    #[test]
    fn each_question_changes_what_it_asks_about_and_leaves_a_scenario() {
        let scenario = Scenario::load("quick", &[]).unwrap();
        for (arm, polls) in [("pop3", 3), ("imap", 2), ("imap-idle", 0)] {
            let arm: Arm = arm.parse().unwrap();
            let shorter = changes(&scenario, arm, Subject::Polls, 4.0);
            assert_eq!(shorter.len(), polls, "{arm}");
            let changed = Scenario::load("quick", &shorter).unwrap();
            if let (Client::Pop3(base), Client::Pop3(changed)) = (
                scenario.client(arm, DeviceKind::Phone),
                changed.client(arm, DeviceKind::Phone),
            ) {
                assert_eq!(changed.poll * 4, base.poll);
            }
        }
        let larger = changes(&scenario, Arm::POP3, Subject::Mailbox, 4.0);
        let changed = Scenario::load("quick", &larger).unwrap();
        assert!((changed.mailbox.messages.mean() - 32.0).abs() < 1e-9);
        let storm = changes(&scenario, Arm::POP3, Subject::Storm, 1.0);
        let changed = Scenario::load("quick", &storm).unwrap();
        assert_eq!(changed.run.ramp_up, Duration::from_millis(100));
    }
}

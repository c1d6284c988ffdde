//! What the command line may change.

use super::super::*;

fn with(arguments: &[&str]) -> Scenario {
    let overrides: Vec<Override> = arguments
        .iter()
        .map(|argument| Override::set(argument).unwrap())
        .collect();
    Scenario::parse(
        "x.toml",
        "[phone.imap]\nwatch = { poll = \"30m\" }\n",
        &overrides,
    )
    .unwrap()
}

#[test]
fn reach_any_value_by_its_path_and_the_common_ones_by_a_short_name() {
    let scenario = with(&[
        "users=200",
        "users.tablet=0.5",
        "duration=10s",
        "seed = 9",
        "mail.sizes=sun-heavy",
    ]);
    assert_eq!(scenario.users.count, 200);
    assert_eq!(Some(scenario.users.tablet), Share::new(0.5));
    assert_eq!(scenario.run.measure, Duration::from_secs(10));
    assert_eq!(scenario.seed, 9);
    assert_eq!(scenario.mail.sizes, Sizes::Preset(SizePreset::SunHeavy));
}

#[test]
fn take_lists_with_commas_and_toml_in_full() {
    assert_eq!(with(&["arms=imap,pop3"]).run.arms, [Arm::IMAP, Arm::POP3]);
    assert_eq!(with(&["arms=[\"imap\"]"]).run.arms, [Arm::IMAP]);
    let scenario = with(&["mailbox.messages={ uniform = { low = 1, high = 3 } }"]);
    assert_eq!(
        scenario.mailbox.messages,
        Distribution::Uniform {
            low: 1.0,
            high: 3.0
        }
    );
}

#[test]
fn replace_one_form_of_a_choice_by_another() {
    let idle = Watch::Idle {
        refresh: Duration::from_secs(600),
    };
    assert_eq!(
        with(&["phone.imap.watch.idle.refresh=10m"])
            .phone
            .imap
            .watch,
        idle
    );
    assert_eq!(
        with(&["phone.imap.watch.poll=20m"]).phone.imap.watch,
        Watch::Poll(Duration::from_secs(1_200))
    );
}

#[test]
fn win_over_each_other_in_the_order_given() {
    assert_eq!(with(&["users=5", "users.count=6"]).users.count, 6);
}

#[test]
fn need_a_key_and_a_value() {
    assert_eq!(Override::set("users"), None);
    assert_eq!(Override::set("=5"), None);
}

#[test]
fn reach_every_value_by_every_shorthand() {
    for (short, path) in SHORTHANDS {
        let value = match short {
            "users" | "blocks" | "workers" => "3",
            "arms" => "pop3",
            "tls" => "starttls",
            _ => "3s",
        };
        assert_eq!(
            with(&[&format!("{short}={value}")]),
            with(&[&format!("{path}={value}")]),
            "{short}"
        );
    }
}

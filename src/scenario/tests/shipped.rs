//! What is compiled in, and what is shown of it.

use super::super::*;

#[test]
fn scenarios_have_no_mistakes_and_say_first_what_they_answer() {
    for builtin in BUILTINS {
        let scenario = Scenario::builtin(builtin.name).unwrap();
        assert_eq!(scenario.name, builtin.name);
        let opening: Vec<&str> = builtin
            .text
            .lines()
            .take_while(|line| line.starts_with('#'))
            .collect();
        assert!(opening[0].starts_with("#:schema "), "{}", builtin.name);
        assert!(
            opening
                .iter()
                .any(|line| line.ends_with('?') || line.contains("? ")),
            "{}",
            builtin.name
        );
        assert!(scenario.question.ends_with('?'));
    }
}

#[test]
fn the_defaults_alone_are_a_scenario() {
    let scenario = Scenario::parse("evening.toml", "", &[]).unwrap();
    assert_eq!(scenario.name, "evening");
    assert_eq!(scenario.run.arms, [Arm::POP3, Arm::IMAP]);
}

#[test]
fn what_show_prints_is_read_as_the_same_scenario_and_prints_the_same() {
    for builtin in BUILTINS {
        let scenario = Scenario::builtin(builtin.name).unwrap();
        let text = scenario.to_toml();
        let again = Scenario::parse("x.toml", &text, &[]).unwrap();
        assert_eq!(again, scenario);
        assert_eq!(again.to_toml(), text);
        assert_eq!(again.hash(), scenario.hash());
    }
}

#[test]
fn every_form_of_every_choice_survives_being_shown() {
    for form in [
        "mailbox.messages={ table = [[2, 0.25], [4, 0.75]] }",
        "mailbox.messages={ mixture = [[{ constant = 2 }, 0.25], [{ exponential = { mean = 4 } }, 0.75]] }",
        "mail.sizes={ lognormal = { median = \"12KB\", sigma = 1.0 } }",
        "mail.sizes={ table = [[\"1KiB\", 0.5], [1000, 0.5]] }",
        "phone.network=fast4g",
        "tablet.outages={ random = { per_day = 6, minutes = { exponential = { mean = 10 } } } }",
        "phone.outages={ windows = [{ from = \"10m\", to = \"25m\" }] }",
        "phone.network={ down = \"1.6Mbit/s\", up = \"56kbit/s\", rtt = \"75ms\", jitter = \"5ms\" }",
        "tablet.imap.watch.poll=90s",
        "tablet.imap.keep=everything",
        "run.workers=2",
        "run.server_cpus=[0, 2]",
        "arm.pop3-week.every.pop3={ leave_on_server = true, delete_after = \"7d\" }",
        "arms=pop3,imap-idle",
    ] {
        let scenario = Scenario::load("quick", &[Override::set(form).unwrap()]).unwrap();
        assert_eq!(
            Scenario::parse("x.toml", &scenario.to_toml(), &[]).unwrap(),
            scenario,
            "{form}"
        );
    }
}

#[test]
fn an_arm_is_its_bases_with_its_own_changes_over_them() {
    let scenario = Scenario::parse(
        "x.toml",
        r#"
[phone.imap]
window = 7

[arm.imap-mine]
base = "imap-compressed"
every.imap.window = 9
phone.imap = { window = 8, watch = { idle = { refresh = "20m" } } }
"#,
        &[],
    )
    .unwrap();
    let client = |arm: &str, kind| match scenario.client(arm.parse().unwrap(), kind) {
        Client::Imap(client) => client.clone(),
        Client::Pop3(_) => panic!("not IMAP"),
    };
    let mine = client("imap-mine", DeviceKind::Phone);
    assert_eq!(
        (mine.window, mine.keep, mine.compress),
        (8, ImapKeep::Opened, Wish::Always)
    );
    assert!(matches!(mine.watch, Watch::Idle { .. }));
    assert_eq!(client("imap-mine", DeviceKind::Tablet).window, 9);
    assert_eq!(
        client("imap-mine", DeviceKind::Notebook).keep,
        ImapKeep::Everything
    );
    let cached = client("imap-cached", DeviceKind::Phone);
    assert_eq!((cached.window, cached.compress), (7, Wish::Never));
    assert_eq!(client("imap", DeviceKind::Phone), scenario.phone.imap);
}

#[test]
fn the_quick_one_ends_within_a_minute() {
    let scenario = Scenario::builtin("quick").unwrap();
    let cells = scenario.run.blocks * scenario.run.arms.len() as u32;
    assert!(
        scenario.cell_length() * cells <= Duration::from_secs(50),
        "the rest is for filling mailboxes"
    );
}

#[test]
fn the_phases_of_a_cell_follow_each_other_by_due_time() {
    let scenario = Scenario::builtin("quick").unwrap();
    let run = &scenario.run;
    assert_eq!(scenario.phase_at(Duration::ZERO), Phase::RampUp);
    assert_eq!(scenario.phase_at(run.ramp_up), Phase::WarmUp);
    assert_eq!(scenario.phase_at(run.ramp_up + run.warm_up), Phase::Measure);
    assert_eq!(scenario.phase_at(scenario.horizon()), Phase::Drain);
    assert_eq!(scenario.phase_at(scenario.cell_length()), Phase::Audit);
}

//! Classes of users, presets of mailboxes, and sizes out of a file.

#![allow(
    clippy::float_cmp,
    reason = "what was read is compared, not what was computed"
)]

use strum::IntoEnumIterator;

use super::super::*;

fn parse(text: &str) -> Scenario {
    Scenario::parse("x.toml", text, &[]).unwrap()
}

fn mistake(text: &str) -> String {
    let error = Scenario::parse("x.toml", text, &[]).unwrap_err();
    error.to_string()
}

#[test]
fn a_class_follows_its_preset_then_the_scenario() {
    let scenario = parse(
        "habits.revisit = 0.75\nhabits.think_s = { constant = 3 }\nmailbox.messages = { constant = 5 }\n\
         [classes.office]\nshare = 0.3\nhabits.search = 0.25\n\
         [classes.students]\nlike = \"consumer\"\nshare = 0.6\narrivals.per_day = 9\n\
         [classes.others]\nshare = 0.1\n",
    );
    let office = &scenario.classes["office"];
    assert_eq!(office.arrivals.per_day, 100.0, "its preset");
    assert_eq!(
        office.habits.search.get(),
        0.25,
        "what is written goes before it"
    );
    assert_eq!(
        office.habits.revisit.get(),
        0.2,
        "the preset goes before the scenario"
    );
    assert_eq!(office.mail.sizes, Sizes::Preset(SizePreset::Office75));
    assert_eq!(
        office.mailbox.messages,
        Distribution::Constant(5.0),
        "the scenario"
    );
    assert_eq!(office.habits.think_s, Distribution::Constant(3.0));
    let students = &scenario.classes["students"];
    assert_eq!(students.arrivals.per_day, 9.0);
    assert_eq!(students.habits.sittings_per_hour, 0.6);
    let others = &scenario.classes["others"];
    assert_eq!(others.habits, scenario.habits);
    assert_eq!(
        Scenario::parse("x.toml", &scenario.to_toml(), &[]).unwrap(),
        scenario
    );
}

#[test]
fn every_class_preset_makes_a_scenario_of_its_own() {
    for preset in ClassPreset::iter() {
        let scenario = parse(&format!("[classes.{preset}]\nshare = 1\n"));
        let people = scenario.people();
        assert_eq!(people.len(), 1);
        assert_eq!(people[0].class, Some(preset.to_string().as_str()));
        // What people send is their answers and what they write besides: 2 of 4, 10 of 40, 30 of 100, one for one.
        let habits = people[0].habits;
        let per_day = people[0].arrivals.per_day;
        let sent = per_day * habits.open.get() * habits.reply.get() + habits.sent_per_day;
        let ratio = sent / per_day;
        let wanted = match preset {
            ClassPreset::Consumer => 0.5,
            ClassPreset::AlwaysOn => 0.25,
            ClassPreset::Office => 0.3,
            ClassPreset::Aggressive => 1.0,
        };
        assert!((ratio - wanted).abs() < 0.03, "{preset}: {ratio}");
    }
}

#[test]
fn a_mailbox_preset_gives_way_to_what_is_written() {
    for (preset, messages, folders) in [
        (MailboxPreset::Spec2001, 3.4, 0),
        (MailboxPreset::Enron, 757.0, 18),
        (MailboxPreset::Keeper, 5_000.0, 20),
        (MailboxPreset::Hoarder, 50_000.0, 0),
    ] {
        let mailbox = parse(&format!("users.count = 1\nmailbox.preset = \"{preset}\"\n")).mailbox;
        assert_eq!(mailbox.preset, Some(preset));
        assert!(
            (mailbox.messages.mean() - messages).abs() < 0.05,
            "{preset}"
        );
        assert_eq!(mailbox.folders, folders, "{preset}");
    }
    let enron = 1.0 + 2.5 * 757.0_f64.ln();
    assert_eq!(enron.round(), 18.0);
    let own = parse("mailbox = { preset = \"keeper\", folders = 3 }\n").mailbox;
    assert_eq!((own.folders, own.unread.get()), (3, 0.05));
    let of_class =
        parse("[classes.office]\nshare = 1\nmailbox = { preset = \"enron\", unread = 0.5 }\n");
    let mailbox = &of_class.classes["office"].mailbox;
    assert_eq!((mailbox.folders, mailbox.unread.get()), (18, 0.5));
}

#[test]
fn mistakes_in_classes_are_shown_where_they_stand() {
    let sums = mistake("[classes.office]\nshare = 0.5\n[classes.consumer]\nshare = 0.4\n");
    assert!(
        sums.contains("sum to 0.9, not to 1") && sums.contains("x.toml:"),
        "{sums}"
    );
    let unknown = mistake("[classes.a]\nshare = 1\nlike = \"offices\"\n");
    assert!(
        unknown.contains("x.toml:3:8") && unknown.contains("`office`"),
        "{unknown}"
    );
    let missing = mistake("[classes.office]\nhabits.search = 0.1\n");
    assert!(missing.contains("share"), "{missing}");
    let wrong = mistake("[classes.office]\nshare = 1\nhabits.active_hours = 30\n");
    assert!(wrong.contains("x.toml:3:23"), "{wrong}");
    let quiet = mistake("habits.active_hours = 8\narrivals.peak_share = 0.05\n");
    assert!(
        quiet.contains("x.toml:2:23") && quiet.contains("0.125"),
        "{quiet}"
    );
    let pareto = mistake("mailbox.messages = { pareto = { least = 2, shape = 0.9 } }\n");
    assert!(
        pareto.contains("x.toml:1:") && pareto.contains("no mean"),
        "{pareto}"
    );
}

#[test]
fn sizes_of_a_file_stand_in_the_scenario_itself() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("sizes.csv"),
        "size,count\n1KB,3\n20000,1\n",
    )
    .unwrap();
    let file = folder.path().join("own.toml");
    std::fs::write(&file, "[mail]\nsizes = { csv = \"sizes.csv\" }\n").unwrap();
    let scenario = Scenario::load(&file.to_string_lossy(), &[]).unwrap();
    let table = Distribution::Table(vec![(Octets(1_000), 0.75), (Octets(20_000), 0.25)]);
    assert_eq!(scenario.mail.sizes, Sizes::Distribution(table));
    assert_eq!(
        parse(&scenario.to_toml()).mail,
        scenario.mail,
        "without the file"
    );
    std::fs::write(&file, "[mail]\nsizes = { csv = \"size.csv\" }\n").unwrap();
    let error = Scenario::load(&file.to_string_lossy(), &[])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("size.csv") && error.contains("own.toml:2:17"),
        "{error}"
    );
}

//! Each mistake in a scenario, as the person who made it reads it.

#![expect(
    clippy::needless_raw_string_hashes,
    reason = "all texts are quoted in one way, whether they hold quotes or not"
)]

use super::super::*;

/// What a person reads who wrote `text` into x.toml.
fn mistake(text: &str) -> String {
    Scenario::parse("x.toml", text, &[])
        .unwrap_err()
        .to_string()
}

/// What a person reads who gave these arguments of `--set` with a scenario without mistakes.
fn mistaken_override(argument: &str) -> String {
    let over = Override::set(argument).unwrap();
    Scenario::parse("x.toml", "seed = 5\n", &[over])
        .unwrap_err()
        .to_string()
}

#[test]
fn an_unknown_key_is_shown_in_its_place_with_the_one_that_was_meant() {
    let text = r#"speed = 10

[phone.pop3]
pol = "15m"
"#;
    let told = r#"
unknown key `pol`
 --> x.toml:4:1
  |
4 | pol = "15m"
  | ^^^
  = help: did you mean `poll`? known keys here: poll, jitter, leave_on_server, delete_after, listing, pipelining"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn a_key_of_another_table_is_sent_there() {
    let text = r#"[phone]
poll = "15m"
"#;
    let told = r#"
unknown key `poll`
 --> x.toml:2:1
  |
2 | poll = "15m"
  | ^^^^
  = help: it belongs elsewhere: `phone.pop3.poll`, `phone.imap.watch.poll`, `tablet.pop3.poll`; known keys here: network, radio, outages, pop3, imap"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn a_duration_in_a_unit_of_size_is_refused_with_the_units_of_time() {
    let text = r#"[notebook.pop3]
poll = "24KB"
"#;
    let told = r#"
`KB` is not a unit of time
 --> x.toml:2:8
  |
2 | poll = "24KB"
  |        ^^^^^^
  = help: durations are numbers with the units us, ms, s, m, h or d: "250ms", "30s", "15m", "1h 30m""#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn a_duration_without_a_unit_asks_for_one() {
    let text = r#"[run]
measure = 30
"#;
    let told = r#"
30 is a number without a unit: a duration needs one
 --> x.toml:2:11
  |
2 | measure = 30
  |           ^^
  = help: write "30s" for seconds or "30m" for minutes"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn a_size_in_a_unit_of_time_is_refused_with_the_units_of_size() {
    let text = r#"[mail]
attachment_above = "5m"
"#;
    let told = r#"
`m` is not a unit of size
 --> x.toml:2:20
  |
2 | attachment_above = "5m"
  |                    ^^^^
  = help: write octets, or text with a unit: "24KB" (1 KB = 1,000 octets), "24KiB" (1 KiB = 1,024); MB, GB, MiB, GiB"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn a_share_above_one_is_refused_and_a_percentage_recognised() {
    let text = r#"[users]
phone = 90
tablet = 0.4
"#;
    let told = r#"
90 is not a share: shares lie between 0 and 1
 --> x.toml:2:9
  |
2 | phone = 90
  |         ^^
  = help: if 90 % is meant, write 0.9"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn a_share_below_zero_is_refused() {
    let text = r#"[habits]
open = -0.1
"#;
    let told = r#"
-0.1 is not a share: shares lie between 0 and 1
 --> x.toml:2:8
  |
2 | open = -0.1
  |        ^^^^
  = help: write 0.5 for a half, 1 for all"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn a_table_that_sums_to_0_9_is_refused_with_what_is_missing() {
    let text = r#"[mail]
sizes = { table = [["2KB", 0.5], ["100KB", 0.4]] }
"#;
    let told = r#"
the shares sum to 0.9, not to 1
 --> x.toml:2:19
  |
2 | sizes = { table = [["2KB", 0.5], ["100KB", 0.4]] }
  |                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = help: 0.1 is missing"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn a_population_without_a_device_is_refused() {
    let text = r#"[users]
phone = 0
tablet = 0
notebook = 0
"#;
    let told = r#"
nobody owns a device: `users.phone`, `users.tablet` and `users.notebook` are all 0
 --> x.toml:2:9
  |
2 | phone = 0
  |         ^
  = help: give at least one of them a share above 0, such as `phone = 0.9`"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn a_poll_shorter_than_its_session_at_this_speed_is_refused() {
    let text = r#"speed = 600
[phone.pop3]
poll = "2m"
"#;
    let told = r#"
`phone.pop3.poll` is 2m, which at speed 600 leaves 180ms of clock time, less than a POP3 session may take (250ms)
 --> x.toml:3:8
  |
3 | poll = "2m"
  |        ^^^^
  = help: lower `speed` to 432 or less, or lengthen `phone.pop3.poll`"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn an_unknown_preset_is_refused_with_the_known_ones() {
    let text = r#"[mail]
sizes = "spec2011"
"#;
    let told = r#"
unknown preset `spec2011`
 --> x.toml:2:9
  |
2 | sizes = "spec2011"
  |         ^^^^^^^^^^
  = help: did you mean `spec2001`? known: spec2001, sun-heavy, office75"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn zero_users_are_refused() {
    let text = r#"[users]
count = 0
"#;
    let told = r#"
`users.count` is 0, at least 1 is needed
 --> x.toml:2:9
  |
2 | count = 0
  |         ^
  = help: a comparison needs somebody who reads mail"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn a_negative_duration_is_refused() {
    let text = r#"[run]
measure = "-5s"
"#;
    let told = r#"
a duration can not be negative
 --> x.toml:2:11
  |
2 | measure = "-5s"
  |           ^^^^^
  = help: durations are numbers with the units us, ms, s, m, h or d: "250ms", "30s", "15m", "1h 30m""#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn no_time_to_measure_is_refused() {
    let text = r#"[run]
measure = "0s"
"#;
    let told = r#"
`run.measure` is 0
 --> x.toml:2:11
  |
2 | measure = "0s"
  |           ^^^^
  = help: verdicts rest on this phase: give it a time such as "5m""#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn an_empty_list_of_arms_is_refused() {
    let text = r#"[run]
arms = []
"#;
    let told = r#"
no arm is named, so there is nothing to run
 --> x.toml:2:8
  |
2 | arms = []
  |        ^^
  = help: name at least one of "pop3", "pop3-keep", "pop3-keep14d", "outlook-pop", "imap", "imap-cached", "imap-compressed", "imap-idle", "imap-poll", "apple-mail", "ios-mail", "k9", "thunderbird""#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn an_unknown_arm_is_refused_with_the_known_ones() {
    let text = r#"[run]
arms = ["pop3", "imap4"]
"#;
    let told = r#"
`imap4` can not be the name of an arm: it begins with its protocol, as `pop3`, `imap` or `imap-cached` do
 --> x.toml:2:17
  |
2 | arms = ["pop3", "imap4"]
  |                 ^^^^^^^"#;
    assert_eq!(mistake(text), told.trim_start());
    let text = r#"[run]
arms = ["pop3", "imap-cahced"]
"#;
    let told = r#"
unknown arm `imap-cahced`
 --> x.toml:2:17
  |
2 | arms = ["pop3", "imap-cahced"]
  |                 ^^^^^^^^^^^^^
  = help: did you mean `imap-cached`? known: pop3, pop3-keep, pop3-keep14d, outlook-pop, imap, imap-cached, imap-compressed, imap-idle, imap-poll, apple-mail, ios-mail, k9, thunderbird; one of your own is defined below `[arm.imap-cahced]`"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn a_wrong_key_in_an_arm_is_refused_where_it_stands() {
    let text = r#"[arm.imap-mine.phone.imap]
windwo = 5
"#;
    let told = r#"
unknown key `windwo`
 --> x.toml:2:1
  |
2 | windwo = 5
  | ^^^^^^
  = help: did you mean `window`? known keys here: watch, jitter, connections, stay_connected, window, keep, keep_up_to, resync, compress, literal_plus, move, commands"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn an_arm_that_changes_the_other_protocol_is_refused() {
    let text = r#"[arm.imap-mine.every.pop3]
poll = "5m"
"#;
    let told = r#"
the arm `imap-mine` does not speak pop3
 --> x.toml:1:22
  |
1 | [arm.imap-mine.every.pop3]
  |                      ^^^^
  = help: write `[arm.imap-mine.every.imap]`, or give the arm a name that begins with `pop3`"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn an_age_at_which_to_delete_what_is_never_kept_is_refused() {
    let text = r#"[phone.pop3]
delete_after = "14d"
"#;
    let told = r#"
`phone.pop3.delete_after` says when to delete what is never left on the server
 --> x.toml:2:16
  |
2 | delete_after = "14d"
  |                ^^^^^
  = help: set `leave_on_server = true`, or take `delete_after` out"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn an_arm_without_ground_is_refused() {
    let text = r#"[arm.imap-a]
base = "imap-b"

[arm.imap-b]
base = "imap-a"
"#;
    let told = r#"
the arm `imap-a` is based on itself, through `imap-b`
 --> x.toml:2:8
  |
2 | base = "imap-b"
  |        ^^^^^^^^
  = help: take one `base` of that circle out

the arm `imap-b` is based on itself, through `imap-a`
 --> x.toml:5:8
  |
5 | base = "imap-a"
  |        ^^^^^^^^
  = help: take one `base` of that circle out"#;
    assert_eq!(mistake(text), told.trim_start());
    let told = r#"
the arm `imap-a` can not be based on `pop3`, which speaks another protocol
 --> x.toml:1:19
  |
1 | arm.imap-a.base = "pop3"
  |                   ^^^^^^
  = help: name an arm that begins with `imap`"#;
    assert_eq!(mistake("arm.imap-a.base = \"pop3\""), told.trim_start());
}

#[test]
fn a_gap_that_an_arm_makes_too_short_is_blamed_on_the_arm() {
    let text = r#"speed = 600
run.arms = ["pop3-often"]

[arm.pop3-often.every.pop3]
poll = "2m"
"#;
    let told = r#"
`arm.pop3-often.every.pop3.poll` is 2m, which at speed 600 leaves 180ms of clock time, less than a POP3 session may take (250ms)
 --> x.toml:5:8
  |
5 | poll = "2m"
  |        ^^^^
  = help: lower `speed` to 432 or less, or lengthen `arm.pop3-often.every.pop3.poll`"#;
    assert!(
        mistake(text).starts_with(told.trim_start()),
        "{}",
        mistake(text)
    );
}

#[test]
fn an_arm_named_twice_is_refused() {
    let text = r#"[run]
arms = ["pop3", "imap", "pop3"]
"#;
    let told = r#"
the arm `pop3` is named twice
 --> x.toml:2:25
  |
2 | arms = ["pop3", "imap", "pop3"]
  |                         ^^^^^^
  = help: name each arm once; `blocks` repeats them"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn text_for_a_number_is_refused() {
    let text = r#"[arrivals]
per_day = "many"
"#;
    let told = r#"
invalid type: string "many", expected a number
 --> x.toml:2:11
  |
2 | per_day = "many"
  |           ^^^^^^"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn two_forms_of_one_choice_are_refused() {
    let text = r#"[phone.imap]
watch = { idle = { refresh = "24m" }, poll = "15m" }
"#;
    let told = r#"
only one of these can hold: choose one form
 --> x.toml:2:9
  |
2 | watch = { idle = { refresh = "24m" }, poll = "15m" }
  |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = help: write { idle = { refresh = "29m" } } or { poll = "15m" }"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn a_form_without_its_values_is_refused_with_all_forms() {
    let text = r#"[phone.imap]
watch = "idle"
"#;
    let told = r#"
a form is named here, but not its values
 --> x.toml:2:9
  |
2 | watch = "idle"
  |         ^^^^^^
  = help: write { idle = { refresh = "29m" } } or { poll = "15m" }"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn a_wrong_part_of_a_distribution_is_refused() {
    let text = r#"[mailbox]
messages = { uniform = { low = 1, hi = 20 } }
"#;
    let told = r#"
unknown key `hi`
 --> x.toml:2:35
  |
2 | messages = { uniform = { low = 1, hi = 20 } }
  |                                   ^^
  = help: did you mean `high`? known keys here: low, high"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn a_value_where_a_table_belongs_is_refused() {
    let text = r#"users = 5
"#;
    let told = r#"
`users` is a table, not a value
 --> x.toml:1:9
  |
1 | users = 5
  |         ^
  = help: set one of its keys, such as `users.count`, `users.phone`, `users.tablet`"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn a_torn_line_is_refused() {
    let text = r#"[users
count = 5
"#;
    let told = r#"
unclosed table, expected `]`
 --> x.toml:1:7
  |
1 | [users
  |       ^"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn a_key_given_twice_is_refused() {
    let text = r#"[users]
count = 5
count = 6
"#;
    let told = r#"
duplicate key
 --> x.toml:3:1
  |
3 | count = 6
  | ^^^^^"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn a_plan_that_no_memory_holds_is_refused() {
    let text = r#"[users]
count = 2_000_000

[mailbox]
messages = { constant = 5_000 }
"#;
    let told = r#"
the plan would hold about 10005 million messages and 27 million events; 50 million together is the limit
 --> x.toml:2:9
  |
2 | count = 2_000_000
  |         ^^^^^^^^^
  = help: fewer users, smaller mailboxes, a shorter run or a lower speed"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn several_mistakes_are_told_at_once() {
    let text = r#"[users]
count = 0

[run]
measure = "0s"
arms = []
"#;
    let told = r#"
no arm is named, so there is nothing to run
 --> x.toml:6:8
  |
6 | arms = []
  |        ^^
  = help: name at least one of "pop3", "pop3-keep", "pop3-keep14d", "outlook-pop", "imap", "imap-cached", "imap-compressed", "imap-idle", "imap-poll", "apple-mail", "ios-mail", "k9", "thunderbird"

`run.measure` is 0
 --> x.toml:5:11
  |
5 | measure = "0s"
  |           ^^^^
  = help: verdicts rest on this phase: give it a time such as "5m"

`users.count` is 0, at least 1 is needed
 --> x.toml:2:9
  |
2 | count = 0
  |         ^
  = help: a comparison needs somebody who reads mail"#;
    assert_eq!(mistake(text), told.trim_start());
}

#[test]
fn an_unknown_key_in_an_override_shows_the_override() {
    let told = r#"
unknown key `cuont`
 --> the command line
  |
  | --set users.cuont=5
  |       ^^^^^^^^^^^
  = help: did you mean `count`? known keys here: count, phone, tablet, notebook"#;
    assert_eq!(mistaken_override("users.cuont=5"), told.trim_start());
}

#[test]
fn a_wrong_value_in_an_override_shows_the_override() {
    let told = r#"
1.5 is not a share: shares lie between 0 and 1
 --> the command line
  |
  | --set users.phone=1.5
  |                   ^^^
  = help: if 1.5 % is meant, write 0.015"#;
    assert_eq!(mistaken_override("users.phone=1.5"), told.trim_start());
}

#[test]
fn a_poll_too_short_by_an_override_shows_the_override() {
    let told = r#"
`phone.pop3.poll` is 1ms, which at speed 1 leaves 1ms of clock time, less than a POP3 session may take (250ms)
 --> the command line
  |
  | --set phone.pop3.poll=1ms
  |                       ^^^
  = help: lower `speed` to 0 or less, or lengthen `phone.pop3.poll`"#;
    assert_eq!(mistaken_override("phone.pop3.poll=1ms"), told.trim_start());
}

#[test]
fn an_override_of_a_whole_table_is_refused() {
    let told = r#"
`phone` is a table, not a value
 --> the command line
  |
  | --set phone=5
  |             ^
  = help: set one of its keys, such as `phone.network`, `phone.radio`, `phone.pop3`"#;
    assert_eq!(mistaken_override("phone=5"), told.trim_start());
}

#[test]
fn a_mistake_behind_thai_text_is_marked_in_its_place() {
    let told = mistake("question = \"โปรโตคอลไหนดีกว่ากัน\"\nspeed = 0 # เร็ว\n");
    assert!(told.contains("x.toml:2:9\n"), "{told}");
    let told = mistake("users = { \"จำนวน\" = 5 }\n");
    assert!(
        told.contains("unknown key `จำนวน`\n --> x.toml:1:11\n"),
        "{told}"
    );
}

#[test]
fn a_scenario_that_does_not_exist_is_named_with_the_ones_that_do() {
    let told = Scenario::load("quik", &[]).unwrap_err().to_string();
    assert_eq!(
        told,
        "there is no scenario named `quik`: neither a file nor one of the built-in scenarios \
         quick, isp-evening, phone-tablet-notebook, client-models, capacity; did you mean `quick`?"
    );
    let told = Scenario::load("no/such.toml", &[]).unwrap_err().to_string();
    assert!(
        told.starts_with("can not read the scenario file no/such.toml: "),
        "{told}"
    );
}

#[test]
fn a_name_that_no_folder_can_have_is_refused() {
    for name in ["", "../up", "a/b", ".hidden"] {
        let told = mistake(&format!("name = {name:?}\n"));
        assert!(told.contains("can not be the name of a scenario"), "{told}");
        assert!(told.contains(" --> x.toml:1:8\n"), "{told}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}") {
        let _ = Scenario::parse("x.toml", &text, &[]).map_err(|error| error.to_string());
    }

    #[test]
    fn no_override_makes_the_reader_panic(argument in "[a-z_.]{0,12}=.{0,40}") {
        if let Some(over) = Override::set(&argument) {
            let _ = Scenario::load("quick", &[over]).map_err(|error| error.to_string());
        }
    }

    #[test]
    fn no_edit_of_a_shipped_scenario_makes_the_reader_panic(
        at in 0..4_000_usize,
        cut in 0..20_usize,
        insert in "[-0-9a-z\"={}\\[\\], \n]{0,6}",
    ) {
        let text = BUILTINS[0].text;
        let at = at % text.len();
        if let (Some(before), Some(after)) = (text.get(..at), text.get(at + cut..)) {
            let text = format!("{before}{insert}{after}");
            let _ = Scenario::parse("x.toml", &text, &[]).map_err(|error| error.to_string());
        }
    }
}

#[test]
fn a_network_that_does_not_exist_is_refused_with_those_that_do() {
    let told = mistake("[phone]\nnetwork = \"slow5g\"\n");
    assert!(
        told.starts_with("unknown preset `slow5g`\n --> x.toml:2:11\n"),
        "{told}"
    );
    assert!(told.contains("did you mean `slow"), "{told}");
}

#[test]
fn loss_is_refused_with_the_reason() {
    let own = r#"network = { down = "1Mbit/s", up = "1Mbit/s", rtt = "50ms", loss = 0.01 }"#;
    let told = mistake(&format!("[tablet]\n{own}\n"));
    assert!(told.starts_with("packets can not be lost here"), "{told}");
    assert!(
        told.contains(" --> x.toml:2:") && told.contains("netem"),
        "{told}"
    );
}

#[test]
fn a_network_whose_figures_can_not_be_is_refused() {
    let own = |figures: &str| {
        let rates = r#"down = "1Mbit/s", up = "1Mbit/s""#;
        mistake(&format!("[phone]\nnetwork = {{ {rates}, {figures} }}\n"))
    };
    let told = own(r#"rtt = "50ms", jitter = "60ms""#);
    assert!(
        told.starts_with("the round trip is 50ms, it can not vary by 60ms\n --> x.toml:2:"),
        "{told}"
    );
    let told = own(r#"rtt = "11s""#);
    assert!(
        told.starts_with("a round trip of 11s is not possible\n"),
        "{told}"
    );
    let told = own(r#"rtt = "6s""#);
    assert!(
        told.contains("no connection can be made within 10s"),
        "{told}"
    );
    let told =
        mistaken_override("phone.network={ down = \"fast\", up = \"1Mbit/s\", rtt = \"1ms\" }");
    assert!(told.starts_with("\"fast\" is not a rate\n"), "{told}");
}

#[test]
fn a_poll_that_leaves_no_time_for_its_round_trips_is_refused() {
    let text = r#"speed = 600

[phone]
network = "edge"
"#;
    let told = mistake(text);
    assert!(told.starts_with("`phone.pop3.poll` is 15m, which at speed 600 leaves 1s 350ms of clock time, less than a POP3 session may take (6s 970ms)\n"), "{told}");
    assert!(Scenario::parse("x.toml", "speed = 600\n", &[]).is_ok());
}

#[test]
fn outages_that_end_before_they_begin_or_never_begin_are_refused() {
    let told = mistake("[phone]\noutages = { windows = [{ from = \"9m\", to = \"5m\" }] }\n");
    assert!(
        told.starts_with("the outage ends at 5m, before it begins at 9m\n --> x.toml:2:"),
        "{told}"
    );
    let told = mistake("[phone]\noutages = { windows = [{ from = \"90h\", to = \"91h\" }] }\n");
    assert!(told.contains("after the end of the run"), "{told}");
    let told = mistaken_override(
        "phone.outages={ random = { per_day = -1, minutes = { constant = 10 } } }",
    );
    assert!(told.starts_with("-1 is not possible here\n"), "{told}");
    let told = mistaken_override("phone.outages=often");
    assert!(told.contains("write { random = "), "{told}");
}

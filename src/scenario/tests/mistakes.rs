//! Each mistake in a scenario, as the person who made it reads it.

#![expect(
    clippy::needless_raw_string_hashes,
    reason = "all texts are quoted in one way, whether they hold quotes or not"
)]

mod arms;
mod networks;
mod overrides;

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

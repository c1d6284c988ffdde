//! In arms.

use super::mistake;

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

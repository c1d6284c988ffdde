//! In `--set`, in names, and behind text that is wider than its octets.

use super::{mistake, mistaken_override};
use crate::scenario::{BUILTINS, Override, Scenario};

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

//! `mailgauge scenario` as a person runs it.

use assert_cmd::Command;
use predicates::prelude::*;

fn scenario(arguments: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("mailgauge")
        .unwrap()
        .arg("scenario")
        .args(arguments)
        .assert()
}

#[test]
fn check_says_what_a_scenario_amounts_to() {
    scenario(&["check"]).success().stdout(
        predicate::str::starts_with("quick: no mistakes\n")
            .and(predicate::str::contains("80 users")),
    );
    scenario(&[
        "check",
        "isp-evening",
        "--users",
        "50",
        "--seed",
        "3",
        "--duration",
        "30s",
        "--arms",
        "imap",
    ])
    .success()
    .stdout(predicate::str::contains("50 users").and(predicate::str::contains("imap, 2 blocks")));
}

#[test]
fn a_mistake_ends_with_2_and_is_shown_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, "[users]\ncuont = 5\n").unwrap();
    scenario(&["check", file.to_str().unwrap()])
        .code(2)
        .stdout("")
        .stderr(
            predicate::str::contains("mine.toml:2:1\n")
                .and(predicate::str::contains("did you mean `count`?")),
        );
    scenario(&["check", "--users", "0"])
        .code(2)
        .stderr(predicate::str::contains("| --users 0\n"));
    scenario(&["check", "--set", "users"])
        .code(2)
        .stderr(predicate::str::contains("is not KEY=VALUE"));
    scenario(&["check", "nowhere"])
        .code(2)
        .stderr(predicate::str::contains("no scenario named `nowhere`"));
}

#[test]
fn what_show_prints_can_be_checked_and_shown_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("again.toml");
    let first = scenario(&["show", "phone-tablet-notebook", "--set", "users=7"]).success();
    let text = String::from_utf8(first.get_output().stdout.clone()).unwrap();
    assert!(text.contains("count = 7\n"));
    std::fs::write(&file, &text).unwrap();
    scenario(&["show", file.to_str().unwrap()])
        .success()
        .stdout(text);
}

#[test]
fn list_names_every_built_in_scenario_with_its_question() {
    scenario(&["list"]).success().stdout(
        predicate::str::is_match("(?m)^quick .*\\?$")
            .unwrap()
            .and(predicate::str::contains("phone-tablet-notebook")),
    );
}

#[test]
fn schema_prints_json() {
    let printed = scenario(&["schema"]).success();
    let schema: serde_json::Value = serde_json::from_slice(&printed.get_output().stdout).unwrap();
    assert_eq!(schema["title"], "mailgauge scenario");
}

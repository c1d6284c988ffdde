//! `mailgauge run` from end to end: gates that are met, gates that are not, gates that name nothing.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::compare::TINY;
use crate::support::mailgauge;

fn run(dir: &Path, more: &[&str]) -> Output {
    let mut command = mailgauge();
    command
        .args(["run", "quick"])
        .args(TINY)
        .arg("--out")
        .arg(dir.join("out"));
    command.args(more).current_dir(dir).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// On a busy machine the run may be no result; its gates are checked and written all the same.
fn code(output: &Output, expected: i32) {
    let code = output.status.code().unwrap();
    assert!(code == expected || code == 5, "{code}: {}", stderr(output));
}

#[test]
fn a_gate_that_is_met_passes_one_that_is_not_exits_with_3_and_both_are_on_the_build_page() {
    let dir = tempfile::tempdir().unwrap();
    let met = "pop3.login.response.p99 < 10min";
    let not_met = "pop3.login.response.p50 < 1us";
    let no_data = "pop3.move.service.p99 < 10min";
    let output = run(
        dir.path(),
        &["--gate", met, "--gate", not_met, "--gate", no_data],
    );
    code(&output, 3);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains(&format!("✓ {met}: ")), "{stdout}");
    assert!(stdout.contains(&format!("✗ {not_met}: ")), "{stdout}");
    assert!(
        stdout.contains(&format!("✗ {no_data}: no data")),
        "{stdout}"
    );
    let read = |name: &str| fs::read_to_string(dir.path().join("out").join(name)).unwrap();
    assert!(read("junit.xml").contains("pop3.login.response.p50 &lt; 1us"));
    assert!(read("summary.md").contains("1 of 3 gates met"));
    assert!(read("manifest.json").contains("pop3.login.response.p99 < 10min"));
}

#[test]
fn gates_of_the_scenario_hold_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(
        dir.path(),
        &["--set", "gates=[\"pop3.login.errors.share < 1%\"]"],
    );
    code(&output, 0);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        stdout.contains("✓ pop3.login.errors.share < 1%: 0 %"),
        "{stdout}"
    );
}

#[test]
fn a_gate_that_names_nothing_is_refused_before_the_run_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["--gate", "imap.logn.response.p99 < 1s"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let text = stderr(&output);
    assert!(text.contains("       ^ did you mean `login`?"), "{text}");
    assert!(!dir.path().join("out").exists());
    let output = run(dir.path(), &["--set", "gates=[\"imap.login\"]"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("a gate needs a comparison"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn fail_fast_ends_the_run_early_and_exits_with_3() {
    let dir = tempfile::tempdir().unwrap();
    let begun = std::time::Instant::now();
    let gate = ["--gate", "pop3.login.response.p50 < 1us", "--fail-fast"];
    let output = run(
        dir.path(),
        &[&gate[..], &["--set", "run.measure=300s"]].concat(),
    );
    code(&output, 3);
    let text = stderr(&output);
    assert!(
        text.contains("stopping early: ✗ pop3.login.response.p50"),
        "{text}"
    );
    // The plan was ten minutes long; this is no measurement, only that it did not run to its end.
    assert!(begun.elapsed().as_secs() < 290);
}

//! `mailgauge regress` on kept runs: what it prints, what it stores, how it exits.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::*;

fn regress(dir: &Path) -> Command {
    let mut command = Command::cargo_bin("mailgauge").unwrap();
    command.arg("regress").current_dir(dir);
    command
}

/// A stored baseline of so many runs, in which one figure is `factor` times ten, up to 10 % more.
fn baseline(dir: &Path, name: &str, runs: u32, factor: f64) -> PathBuf {
    let runs: Vec<serde_json::Value> = (0..runs)
        .map(|run| {
            let value = 10.0 * factor * (1.0 + 0.05 * f64::from(run % 3));
            serde_json::json!({
                "facts": {
                    "started": "2026-11-25T00:00:00Z", "run": format!("{name}{run}"), "mailgauge": "0.1.0",
                    "target": "embedded", "version": "1", "scenario": "quick",
                },
                "values": { "imap.usable_p50": value },
            })
        })
        .collect();
    let text = serde_json::json!({ "schema_version": 1, "plan_fingerprint": "one", "runs": runs });
    let path = dir.join(format!("{name}.json"));
    fs::write(&path, text.to_string()).unwrap();
    path
}

#[test]
fn a_slow_down_exits_with_4_and_its_absence_with_0() {
    let dir = tempfile::tempdir().unwrap();
    let base = baseline(dir.path(), "base", 6, 1.0);
    let slow = baseline(dir.path(), "slow", 6, 1.25);
    regress(dir.path())
        .args([&base, &slow])
        .args(["--csv", "changes.csv", "--summary", "summary.md"])
        .assert()
        .code(4)
        .stdout(predicate::str::contains("✗ slower"));
    let csv = fs::read_to_string(dir.path().join("changes.csv")).unwrap();
    assert!(
        csv.contains("imap.usable_p50") && csv.contains(",slower,"),
        "{csv}"
    );
    let summary = fs::read_to_string(dir.path().join("summary.md")).unwrap();
    assert!(summary.contains("1 slower"), "{summary}");
    regress(dir.path()).args([&base, &base]).assert().code(0);
    regress(dir.path())
        .args([&slow, &base])
        .assert()
        .code(0)
        .stdout(predicate::str::contains("✓ faster"));
}

#[test]
fn too_few_runs_say_how_many_more_are_needed() {
    let dir = tempfile::tempdir().unwrap();
    let base = baseline(dir.path(), "base", 2, 1.0);
    let new = baseline(dir.path(), "new", 2, 1.02);
    regress(dir.path())
        .args([base, new])
        .assert()
        .code(0)
        .stdout(predicate::str::is_match("can't tell, needs [0-9]+ more runs?").unwrap());
}

#[test]
fn a_kept_run_becomes_a_baseline_and_a_line_of_the_history() {
    let dir = tempfile::tempdir().unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("results/golden");
    for _ in 0..2 {
        regress(dir.path())
            .arg(&golden)
            .args(["--save-baseline", "base.json", "--history", "history.csv"])
            .assert()
            .code(0);
    }
    let history = fs::read_to_string(dir.path().join("history.csv")).unwrap();
    assert!(
        history.starts_with("time,run,mailgauge,target,version,scenario,"),
        "{history}"
    );
    assert_eq!(
        history.lines().count(),
        2,
        "the same run is not added twice"
    );
    // One run a side has no spread, so nothing can be told; that is no regression.
    regress(dir.path())
        .arg("base.json")
        .arg(&golden)
        .assert()
        .code(0)
        .stdout(predicate::str::contains("needs at least 2 runs a side"));
}

#[test]
fn runs_of_another_plan_and_folders_without_runs_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let base = baseline(dir.path(), "base", 2, 1.0);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("results/golden");
    regress(dir.path())
        .arg(&base)
        .arg(golden)
        .assert()
        .code(2)
        .stderr(predicate::str::contains("another plan"));
    regress(dir.path())
        .arg(&base)
        .arg(dir.path())
        .assert()
        .code(2)
        .stderr(predicate::str::contains("holds no run"));
    regress(dir.path())
        .arg(&base)
        .assert()
        .code(2)
        .stderr(predicate::str::contains("--save-baseline"));
}

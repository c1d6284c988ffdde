//! `mailgauge report DIR`: the kept run gives the kept comparison, and everything is rebuilt from the
//! directory alone.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::*;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("results/golden")
}

pub(crate) fn copy_of_golden() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(golden()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
    }
    dir
}

fn report(dir: &Path) -> Command {
    let mut command = Command::cargo_bin("mailgauge").unwrap();
    command.arg("report").arg(dir);
    command
}

#[test]
fn the_golden_run_gives_the_committed_comparison() {
    let dir = copy_of_golden();
    let committed = fs::read_to_string(golden().join("comparison.csv")).unwrap();
    fs::remove_file(dir.path().join("comparison.csv")).unwrap();
    report(dir.path()).arg("--quiet").assert().stdout("");
    let rebuilt = fs::read_to_string(dir.path().join("comparison.csv")).unwrap();
    assert_eq!(rebuilt, committed);
}

#[test]
fn every_result_is_rebuilt_and_the_table_printed() {
    let dir = copy_of_golden();
    report(dir.path())
        .assert()
        .stdout(predicate::str::contains("where mail is stored"))
        .stdout(predicate::str::contains('\u{1b}').not());
    for name in [
        "comparison.md",
        "report.md",
        "report.html",
        "verdict.json",
        "charts/latency.svg",
        "charts/latency.png",
        "charts/timeline.png",
        "charts/2-stored.svg",
    ] {
        assert!(dir.path().join(name).is_file(), "{name}");
    }
}

#[test]
fn a_killed_run_is_marked_in_every_output_and_has_no_verdict() {
    let dir = copy_of_golden();
    let manifest = dir.path().join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"complete\"", "\"running\"")).unwrap();
    report(dir.path())
        .assert()
        .code(5)
        .stdout(predicate::str::starts_with("UNFINISHED"));
    for name in ["comparison.md", "report.md", "report.html"] {
        let text = fs::read_to_string(dir.path().join(name)).unwrap();
        assert!(
            text.lines().next().unwrap().contains("UNFINISHED"),
            "{name}"
        );
    }
    assert!(!dir.path().join("verdict.json").exists());
}

#[test]
fn labels_come_in_thai() {
    let dir = copy_of_golden();
    report(dir.path())
        .args(["--lang", "th"])
        .assert()
        .stdout(predicate::str::contains("แหล่งที่เก็บ E-mail"));
}

#[test]
fn a_directory_that_no_run_left_is_an_error_that_says_so() {
    let dir = tempfile::tempdir().unwrap();
    report(dir.path())
        .assert()
        .code(1)
        .stderr(predicate::str::contains("manifest.json is missing"));
}

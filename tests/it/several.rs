//! `mailgauge compare` with several targets: one plan, a run directory for each, one table.

use std::fs;
use std::path::Path;
use std::process::Output;

use mailgauge::judge::comparison::ComparisonRow;
use mailgauge::rundir::{Manifest, Outcome, RunDir, RunSet};

use crate::compare::TINY;
use crate::support::{mailgauge, skipped};

mod alone;

fn compare(targets: &[&str], out: &Path) -> Output {
    let mut command = mailgauge();
    command.args(["compare", "quick"]).args(TINY);
    for target in targets {
        command.args(["--target", target]);
    }
    // Where no server was unpacked, Courier is not on the machine.
    let nowhere = out.with_extension("servers");
    fs::create_dir_all(&nowhere).unwrap();
    let command = command.env("MAILGAUGE_SERVERS", nowhere);
    command.arg("--out").arg(out).output().unwrap()
}

fn report(dir: &Path) -> Output {
    mailgauge().arg("report").arg(dir).output().unwrap()
}

fn comparison(dir: &Path) -> Vec<ComparisonRow> {
    let mut reader = csv::Reader::from_path(dir.join("comparison.csv")).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

/// Values that a target's column has, and lines in all.
fn filled(rows: &[ComparisonRow], target: &str) -> (usize, usize) {
    let of_target = || rows.iter().filter(|row| row.target == target);
    let with_value = of_target().filter(|row| row.value.is_some()).count();
    (with_value, of_target().count())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_same_target_twice_is_refused_before_anything_is_started() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("set");
    for twice in [["embedded", "embedded"], ["courier", "courier"]] {
        let output = compare(&twice, &out);
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        assert!(said.contains("is named twice"), "{said}");
        assert!(!out.exists());
    }
}

#[test]
fn a_target_that_cannot_be_is_refused_before_anything_is_started() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("set");
    for (wrong, sentence) in [
        ("dovcot", "there is no target `dovcot`"),
        ("dovecot:mbox", "`mbox` is no option of Dovecot"),
        (
            "embedded:fast",
            "`fast` is no option of the embedded server",
        ),
    ] {
        let output = compare(&["embedded", wrong], &out);
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        assert!(said.contains(sentence), "{said}");
        assert!(!out.exists());
    }
}

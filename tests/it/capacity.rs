//! `mailgauge capacity` from end to end: a limit that is small on purpose is found and named, and what it left says the same again.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use crate::support::mailgauge;

/// Short trials of people who keep two connections each.
const SHORT: &[&str] = &[
    "--set",
    "run.ramp_up=300ms",
    "--set",
    "run.warm_up=200ms",
    "--set",
    "run.measure=1s",
    "--set",
    "run.drain=200ms",
    "--set",
    "users.notebook=1",
    "--only-capacity",
];

fn capacity_of(arms: &str, dir: &Path, more: &[&str]) -> Output {
    let mut command = mailgauge();
    command.args(["capacity", "--arms", arms]).args(SHORT);
    command.arg("--out").arg(dir);
    command.args(more).output().unwrap()
}

fn capacity(dir: &Path, more: &[&str]) -> Output {
    capacity_of("imap", dir, more)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn alone_a_limit_of_connections_is_found_and_named_and_the_directory_says_so_again() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("out");
    // Twelve people keep 24 connections; the time ends the search soon after that is seen.
    let limits = ["--users", "12", "--max-time", "6s"];
    let target = ["--target", "embedded:max-connections=16"];
    let output = capacity(
        &dir,
        &[limits, [target[0], target[1], "--max-users", "12"]].concat(),
    );
    let (page, errors) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(5), "{page}{errors}");
    assert!(
        errors.contains("1 imap 12 users (bracket): ✗ missed"),
        "{errors}"
    );
    assert!(page.contains("UNFINISHED"), "{page}");
    assert!(page.contains("too many connections"), "{page}");
    let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
    assert!(read("capacity.md").contains("What bound first: connections."));
    assert!(read("capacity.csv").contains("imap,capacity,,above_missed,"));
    for file in ["manifest.json", "verdict.json"] {
        assert!(
            dir.join("001-imap-12-bracket").join(file).exists(),
            "{file}"
        );
    }
    let html = read("report.html");
    assert!(html.contains("What bound first: connections.") && html.contains("class=\"banner\""));
    assert!(
        html.contains("data-source=\"trials.csv?trial=1#"),
        "no figure names its line"
    );

    let (csv, trials) = (read("capacity.csv"), read("trials.csv"));
    fs::remove_file(dir.join("capacity.csv")).unwrap();
    let again = mailgauge().arg("report").arg(&dir).output().unwrap();
    assert_eq!(again.status.code(), Some(5));
    assert_eq!(text(&again.stdout), page);
    assert_eq!((read("capacity.csv"), read("trials.csv")), (csv, trials));

    let thai = mailgauge()
        .args(["report", "--lang", "th"])
        .arg(&dir)
        .output()
        .unwrap();
    assert_eq!(thai.status.code(), Some(5));
    assert!(text(&thai.stdout).contains("ยังไม่สมบูรณ์"));
    let page = read("report.html");
    assert!(page.contains("lang=\"th\"") && page.contains("สิ่งที่เต็มก่อน: การเชื่อมต่อ"));
}

#[test]
fn alone_each_protocol_has_its_share_of_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("out");
    let begun = Instant::now();
    let output = capacity_of("pop3,imap", &dir, &["--users", "1", "--max-time", "14s"]);
    assert!(begun.elapsed() < Duration::from_secs(40));
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("`--max-time`"));
    let trials = fs::read_to_string(dir.join("trials.csv")).unwrap();
    let of = |arm: &str| {
        let lines = trials.lines().skip(1);
        lines
            .filter(|line| line.split(',').nth(1) == Some(arm))
            .count()
    };
    assert!(of("pop3") >= 1 && of("imap") >= 1, "{trials}");
}

#[test]
fn a_server_elsewhere_is_not_connected_to_without_its_owners_word() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, target) = (folder.path().join("out"), folder.path().join("far.toml"));
    // An address of nobody (RFC 5737): whoever connects to it waits for ten seconds and says so.
    let far = "host = \"192.0.2.1\"\n[accounts]\nfile = \"accounts.csv\"\n";
    fs::write(&target, far).unwrap();
    fs::write(folder.path().join("accounts.csv"), "u1,hush\n").unwrap();
    let target = target.to_str().unwrap();
    let begun = Instant::now();
    let output = capacity(&dir, &["--users", "1", "--target", target]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    // These are the words about a search, not those about its first trial, which may be small enough to need nobody's word.
    assert!(said.contains("ever more load"), "{said}");
    assert!(said.contains("--i-own-this-target"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(8));
    assert!(!dir.exists());
}

#[test]
fn what_cannot_be_searched_is_refused_before_anything_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("out");
    for (wrong, words) in [
        (
            &["--gate", "imap.logn.response.p99 < 1s"][..],
            "did you mean `login`?",
        ),
        (&["--level", "gates"], "none is of the arm imap"),
        (&["--resolution", "0"], "from 0.5 to 100"),
        (&["--max-time", "soon"], "--max-time soon"),
        (&["--max-users", "0"], "--max-users"),
        (&["--server-cpus", "5000"], "from 0 to 1023"),
    ] {
        let output = capacity(&dir, wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(
            text(&output.stderr).contains(words),
            "{}",
            text(&output.stderr)
        );
        assert!(!dir.exists());
    }
}

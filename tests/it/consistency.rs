//! The embedded server made wrong on purpose, from end to end: each fault is found, named and located; a healthy server is
//! never blamed.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use mailgauge::judge::consistency::{Anomaly, AnomalyKind, Findings, LATE, Severity, examine};
use mailgauge::metrics::row::{Certainty, Event, ObservationRow};
use mailgauge::rundir::RunDir;

use crate::compare::{Run, assert_finished};
use crate::support::mailgauge;

/// People who read, mark and delete a lot.
const BUSY: &[&str] = &[
    "--quiet",
    "--set",
    "habits.delete=0.4",
    "--set",
    "habits.flag=0.4",
    "--set",
    "users.tablet=1",
];

/// A run of one arm against the embedded server with these faults, and its history.
struct Case {
    run: Run,
    rows: Vec<ObservationRow>,
}

impl Case {
    fn of(arm: &str, faults: &str) -> Self {
        let run = Run::new();
        let target = format!("embedded:{faults}");
        let mut command = run.command(BUSY);
        command.args(["--arms", arm, "--target", &target]);
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_finished(output.status.code(), &errors);
        let rows = run.read().observations().unwrap();
        assert!(rows.len() > 100, "{} observations", rows.len());
        Self { run, rows }
    }

    fn findings(&self) -> Findings {
        examine(&self.rows, LATE)
    }

    /// The first of this kind.
    fn first(&self, kind: AnomalyKind) -> (u32, Anomaly) {
        self.first_within(kind, LATE)
    }

    fn first_within(&self, kind: AnomalyKind, late: Duration) -> (u32, Anomaly) {
        let findings = examine(&self.rows, late);
        let kinds: Vec<_> = findings.anomalies.iter().map(|it| it.kind).collect();
        let place = kinds.iter().position(|it| *it == kind);
        let place = place.unwrap_or_else(|| panic!("no {kind} among {kinds:?}"));
        (place as u32 + 1, findings.anomalies[place].clone())
    }

    /// Rows of one kind about the message of an anomaly.
    fn rows_of(&self, anomaly: &Anomaly, event: Event) -> Vec<&ObservationRow> {
        let same = |row: &&ObservationRow| {
            row.event == event && row.user == anomaly.user && row.message == anomaly.message
        };
        self.rows.iter().filter(same).collect()
    }

    /// What `mailgauge consistency` says of it.
    fn explained(&self, number: u32, more: &[&str]) -> String {
        let mut command = mailgauge();
        command.arg("consistency").arg(self.run.out());
        command.args(["--anomaly", &number.to_string()]).args(more);
        let output = command.output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn a_lost_flag_is_found_and_traced_to_the_command_that_set_it() {
    let case = Case::of("imap", "lose-flag");
    let (number, anomaly) = case.first(AnomalyKind::LostFlag);
    assert_eq!(anomaly.severity, Severity::Violation);
    let writes = case.rows_of(&anomaly, Event::SetFlags);
    let write = writes
        .iter()
        .find(|row| Some(row.at_us) == anomaly.since_us);
    let write = write.expect("the write that was lost");
    assert_eq!(write.outcome, Certainty::Ok);
    assert_eq!(write.device, anomaly.other);
    let text = case.explained(number, &[]);
    assert!(
        text.contains("lost-flag") && text.contains("sets "),
        "{text}"
    );
}

#[test]
fn a_resurrected_message_is_found_under_both_protocols() {
    for arm in ["imap", "pop3"] {
        let case = Case::of(arm, "resurrect");
        let (number, anomaly) = case.first(AnomalyKind::Resurrected);
        assert_eq!(anomaly.severity, Severity::Violation);
        let text = case.explained(number, &[]);
        let deleted = if arm == "imap" { "deletes" } else { "marks" };
        assert!(text.contains(deleted), "{text}");
    }
}

#[test]
fn uids_that_are_given_twice_are_found_under_both_protocols() {
    let pop = Case::of("pop3", "reuse-uid");
    let (number, anomaly) = pop.first(AnomalyKind::UidlReused);
    let uidl = anomaly.number.clone().unwrap();
    let named: BTreeSet<_> = pop
        .rows
        .iter()
        .filter(|row| row.user == anomaly.user && row.uidl.as_ref() == Some(&uidl))
        .filter_map(|row| row.message.clone())
        .collect();
    assert!(named.len() > 1, "{named:?}");
    assert!(pop.explained(number, &[]).contains(&uidl));

    let imap = Case::of("imap", "reuse-uid");
    let kinds: BTreeSet<_> = imap.findings().violations().map(|it| it.kind).collect();
    let known = [
        AnomalyKind::UidReused,
        AnomalyKind::UidNotAscending,
        AnomalyKind::UidNextFell,
    ];
    assert!(known.iter().any(|kind| kinds.contains(kind)), "{kinds:?}");
}

#[test]
fn a_message_deleted_without_quit_is_traced_to_the_session_that_was_cut() {
    let case = Case::of("pop3", "delete-without-quit,hang-up");
    let (number, anomaly) = case.first(AnomalyKind::DeletedWithoutQuit);
    assert_eq!(anomaly.severity, Severity::Violation);
    let cut = |row: &&ObservationRow| {
        row.event == Event::Cut && row.user == anomaly.user && row.session == anomaly.session
    };
    assert_eq!(case.rows.iter().filter(cut).count(), 1);
    assert!(case.explained(number, &[]).contains("is cut off"));

    // A server that only hangs up breaks no rule.
    let cut = Case::of("pop3", "hang-up");
    assert_eq!(cut.findings().violations().count(), 0);
    assert!(cut.rows.iter().any(|row| row.event == Event::Cut));
}

#[test]
fn a_message_delivered_twice_is_found() {
    let case = Case::of("imap", "deliver-twice");
    let (_, anomaly) = case.first(AnomalyKind::Duplicated);
    assert_eq!(anomaly.severity, Severity::Violation);
    assert_eq!(case.rows_of(&anomaly, Event::Deliver).len(), 1);
    let uids: BTreeSet<_> = case
        .rows_of(&anomaly, Event::Shown)
        .iter()
        .filter_map(|row| row.uid)
        .collect();
    assert!(uids.len() > 1, "{uids:?}");
}

#[test]
fn a_notification_that_comes_late_is_found() {
    let case = Case::of("imap", "delay-notify=250ms");
    let (number, anomaly) = case.first_within(AnomalyKind::LateNotice, Duration::from_millis(200));
    let listened = |row: &&ObservationRow| {
        row.event == Event::Watched && row.user == anomaly.user && row.device == anomaly.device
    };
    assert!(case.rows.iter().any(|row| listened(&row)));
    let text = case.explained(number, &["--late", "200ms"]);
    assert!(text.contains("late-notice"), "{text}");
    assert!(
        case.findings()
            .anomalies
            .iter()
            .all(|it| it.kind != AnomalyKind::LateNotice)
    );
}

#[test]
fn a_replica_that_is_behind_is_found() {
    let case = Case::of("imap", "stale-replica=1s");
    let kinds: BTreeSet<_> = case.findings().anomalies.iter().map(|it| it.kind).collect();
    let known = [
        AnomalyKind::StaleRead,
        AnomalyKind::ReadYourWrites,
        AnomalyKind::NonMonotonicRead,
        AnomalyKind::ModSeqFell,
        AnomalyKind::UidNextFell,
    ];
    assert!(known.iter().any(|kind| kinds.contains(kind)), "{kinds:?}");
}

/// Two arms against a healthy server: nothing but what follows from the protocols.
fn assert_healthy(seed: u32, folder: &Path) -> u64 {
    let out = folder.join(seed.to_string());
    let mut command = mailgauge();
    command
        .args(["compare", "quick"])
        .args(crate::compare::TINY)
        .args(BUSY)
        .args(["--set", "run.measure=800ms", "--set", "run.ramp_up=300ms"])
        .args(["--set", "run.warm_up=200ms", "--seed", &seed.to_string()])
        .arg("--out")
        .arg(&out)
        .env("TMPDIR", folder);
    let output = command.output().unwrap();
    assert_finished(
        output.status.code(),
        &String::from_utf8_lossy(&output.stderr),
    );
    let findings = examine(&RunDir::open(&out).unwrap().observations().unwrap(), LATE);
    let blamed: Vec<_> = findings
        .anomalies
        .iter()
        .filter(|it| it.severity != Severity::Property)
        .collect();
    assert!(blamed.is_empty(), "seed {seed}: {blamed:#?}");
    assert!(!findings.propagation.is_empty());
    std::fs::remove_dir_all(&out).unwrap();
    findings.observations
}

#[test]
fn a_healthy_server_is_not_blamed() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 1..=3 {
        assert!(assert_healthy(seed, folder.path()) > 100);
    }
}

#[test]
#[ignore = "takes a quarter of an hour: cargo nextest run --run-ignored only a_hundred_seeds"]
fn a_healthy_server_is_not_blamed_in_a_hundred_seeds() {
    let folder = tempfile::tempdir().unwrap();
    let observations: u64 = (1..=100)
        .map(|seed| assert_healthy(seed, folder.path()))
        .sum();
    println!("{observations} observations");
}

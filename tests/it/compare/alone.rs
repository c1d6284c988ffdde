//! Whole runs on the embedded server: what they leave, what adds up, and how they end when they cannot go on as planned.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use mailgauge::metrics::ErrorClass;
use mailgauge::metrics::row::{Event, Purpose, SessionRow};
use mailgauge::rundir::Outcome;
use mailgauge::scenario::Phase;
use rustix::process::{Pid, Signal, kill_process};

use super::{
    Run, assert_all_rows_filled, assert_finished, assert_only_imap_shares, assert_sums_hold,
    assert_uncounted_syncs_are_explained, counts, finish, signal, wait_until_gone,
};
use crate::support::mailgauge;

#[test]
fn a_run_fills_every_row_and_every_sum_adds_up_twice_alike() {
    let [first, second] = [Run::new(), Run::new()];
    for run in [&first, &second] {
        let output = run.command(&["--seed", "7"]).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_finished(output.status.code(), &errors);
        assert!(String::from_utf8_lossy(&output.stdout).contains("143"));
        run.assert_clean();
        assert_all_rows_filled(run);
        assert_sums_hold(&run.read());
        assert_only_imap_shares(&run.read());
        assert_uncounted_syncs_are_explained(&run.read());
        assert!(run.out().join("verdict.json").exists());
        assert!(fs::read_dir(run.out().join("charts")).unwrap().count() >= 4);
    }
    let [first, second] = [first.read(), second.read()];
    assert_eq!(
        first.manifest.plan_fingerprint,
        second.manifest.plan_fingerprint
    );
    assert_eq!(counts(&first), counts(&second));
}

#[test]
fn every_byte_over_tls_is_accounted_for() {
    for tls in ["transport.tls=starttls", "transport.tls=implicit"] {
        let run = Run::new();
        let output = run.command(&["--quiet", "--set", tls]).output().unwrap();
        assert_finished(output.status.code(), "");
        assert!(output.stdout.is_empty() && output.stderr.is_empty());
        assert_sums_hold(&run.read());
        let sessions = run.read().sessions().unwrap();
        assert!(sessions.iter().all(|session| session.tls_us.is_some()));
    }
}

#[test]
fn what_was_delivered_is_accounted_for_when_the_run_is_cut() {
    let run = Run::new();
    // More mail than one connection can hand over in the time.
    let flood = [
        "limits.deliveries=1",
        "arrivals.per_day=20000",
        "mail.sizes={ constant = 2000000 }",
        "mailbox.messages={ constant = 1 }",
    ];
    let mut command = run.command(&["--quiet", "--arms", "pop3"]);
    for setting in flood {
        command.args(["--set", setting]);
    }
    command.output().unwrap();
    let checks = run.read().checks().unwrap();
    let of_delivery: Vec<_> = checks
        .iter()
        .filter(|it| it.check.starts_with("delivery: "))
        .collect();
    assert_eq!(of_delivery.len(), 2);
    for check in of_delivery {
        assert!(check.check.contains("connections were cut"), "{check:?}");
        assert!(check.holds && check.found > 1_000, "{check:?}");
    }
}

#[test]
fn a_run_that_was_killed_leaves_every_second_and_a_table_marked_unfinished() {
    let run = Run::new();
    let mut child = run.start(&["--duration", "20s"]);
    run.wait_for_measuring();
    sleep(Duration::from_secs(3));
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until_gone(&run.tmp());

    let read = run.read();
    assert!(read.unfinished);
    let seconds: Vec<u64> = read
        .generator()
        .unwrap()
        .iter()
        .map(|row| row.at_us / 1_000_000)
        .collect();
    assert!(seconds.len() >= 3, "{seconds:?}");
    assert!(
        seconds.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "{seconds:?}"
    );

    let report = mailgauge().arg("report").arg(run.out()).output().unwrap();
    let table = String::from_utf8_lossy(&report.stdout);
    assert!(table.to_lowercase().contains("unfinished"), "{table}");
    assert!(!run.out().join("verdict.json").exists());

    // What it could not clear away itself, the next run does.
    let next = Run::new();
    let mut command = next.command(&["--arms", "pop3,imap"]);
    command.env("TMPDIR", run.tmp());
    assert_finished(command.output().unwrap().status.code(), "the next run");
    run.assert_clean();
}

#[test]
fn ctrl_c_ends_a_run_in_order_and_keeps_what_was_measured() {
    let run = Run::new();
    let child = run.start(&["--duration", "60s"]);
    run.wait_for_measuring();
    sleep(Duration::from_millis(1_500));
    signal(&child, Signal::INT);
    let (code, errors) = finish(child);
    assert_eq!(code, Some(130), "{errors}");
    run.assert_clean();
    let read = run.read();
    assert_eq!(read.manifest.outcome, Outcome::Interrupted);
    assert!(!read.sessions().unwrap().is_empty());
    assert!(
        read.manifest
            .phases
            .iter()
            .any(|it| it.phase == Phase::Audit)
    );
    assert_sums_hold(&read);
    assert!(run.out().join("comparison.csv").exists());
}

#[test]
fn ctrl_c_twice_ends_a_run_at_once_and_leaves_nothing_running() {
    let run = Run::new();
    // Far enough away for nobody to say farewell in time.
    let far = ["--set", "notebook.network=slow3g", "--set", "speed=150"];
    let child = run.start(&[&["--duration", "60s", "--arms", "imap"][..], &far].concat());
    run.wait_for_measuring();
    sleep(Duration::from_secs(3));
    signal(&child, Signal::INT);
    sleep(Duration::from_millis(50));
    signal(&child, Signal::INT);
    let (code, errors) = finish(child);
    assert_eq!(code, Some(130), "{errors}");
    run.assert_clean();
    let read = run.read();
    assert_eq!(read.manifest.outcome, Outcome::Interrupted);
    // Connections that were open then have told of themselves too.
    let observations = read.observations().unwrap();
    let logins = observations
        .iter()
        .filter(|it| it.event == Event::Login && it.error.is_none() && it.device.is_some())
        .count();
    let sessions = read.sessions().unwrap();
    let of_devices = |it: &&SessionRow| it.purpose != Purpose::Audit;
    assert!(sessions.iter().filter(of_devices).count() >= logins);
    let cut = |it: &SessionRow| it.error == Some(ErrorClass::Cancelled);
    assert!(sessions.iter().any(cut));
}

#[test]
fn a_server_that_goes_away_in_the_middle_ends_the_run_with_a_sentence() {
    let run = Run::new();
    let child = run.start(&["--duration", "60s"]);
    run.wait_for_measuring();
    sleep(Duration::from_millis(1_200));
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap();
    let server: i32 = children.split_whitespace().next().unwrap().parse().unwrap();
    kill_process(Pid::from_raw(server).unwrap(), Signal::KILL).unwrap();
    let (code, errors) = finish(child);
    assert_eq!(code, Some(1), "{errors}");
    assert!(
        errors.contains("the embedded server ended in the middle"),
        "{errors}"
    );
    run.assert_clean();
    let read = run.read();
    assert!(matches!(read.manifest.outcome, Outcome::Failed(_)));
    assert!(!read.generator().unwrap().is_empty());
}

#[test]
fn a_target_or_scenario_that_does_not_exist_is_a_usage_error() {
    for arguments in [
        &["compare", "--target", "nonsense"][..],
        &["compare", "--arms", "pop4,imap"],
        &["compare", "--no-such-option"],
    ] {
        let output = mailgauge().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
}

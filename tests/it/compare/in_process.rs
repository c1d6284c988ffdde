//! A comparison without its command: against servers that are of no use.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mailgauge::engine::{Comparison, Ended, Progress, RunId, Stop};
use mailgauge::metrics::row::CheckRow;
use mailgauge::metrics::{ErrorClass, Record, record_channel};
use mailgauge::plan::{Plan, Shard};
use mailgauge::scenario::{Override, Scenario};
use mailgauge::target::{Embedded, Target};
use tokio::sync::watch;

/// How a comparison ended, its errors by class, and its sums.
struct Outcome {
    ended: Ended,
    errors: BTreeMap<ErrorClass, usize>,
    checks: Vec<CheckRow>,
}

/// Runs a small comparison against a server that the script starts.
fn compare(script: &str, settings: &[&str]) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario(settings);
    let (records, received) = record_channel(64);
    let (progress, _) = watch::channel(Progress::default());
    let (_stop, stopped) = watch::channel(Stop::No);
    let comparison = Comparison {
        plan: Arc::new(Plan::new(&scenario, Shard::WHOLE)),
        scenario: Arc::new(scenario),
        target: Target::Embedded(Embedded::served_by(program(folder.path(), script))),
        kernel_networks: None,
        run_id: RunId::random(),
        run_start: Instant::now(),
        records,
        progress,
        stop: stopped,
    };
    let writer = std::thread::spawn(move || {
        let mut errors: BTreeMap<ErrorClass, usize> = BTreeMap::new();
        let mut checks = Vec::new();
        for record in received.iter().flatten() {
            match record {
                Record::Error(error) => *errors.entry(error.class).or_default() += 1,
                Record::Check(check) => checks.push(check),
                _ => {}
            }
        }
        (errors, checks)
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let ended = runtime.block_on(async {
        let limit = Duration::from_secs(60);
        tokio::time::timeout(limit, comparison.run()).await.unwrap()
    });
    drop(comparison);
    let (errors, checks) = writer.join().unwrap();
    Outcome {
        ended,
        errors,
        checks,
    }
}

/// What `mailgauge serve` is started as, with these options.
fn serve_with(options: &str) -> String {
    format!("exec {} \"$@\" {options}", env!("CARGO_BIN_EXE_mailgauge"))
}

fn scenario(settings: &[&str]) -> Scenario {
    let settings: Vec<Override> = [
        "users=12",
        "blocks=1",
        "measure=10s",
        "ramp_up=500ms",
        "mailbox.messages={ constant = 0 }",
    ]
    .iter()
    .chain(settings)
    .map(|setting| Override::set(setting).unwrap())
    .collect();
    Scenario::load("quick", &settings).unwrap()
}

fn program(folder: &Path, script: &str) -> std::path::PathBuf {
    let path = folder.join("server");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn a_server_that_refuses_every_login_ends_the_run_with_a_sentence() {
    let Outcome { ended, errors, .. } = compare(&serve_with("--refuse-logins"), &[]);
    let Ended::Failed(reason) = ended else {
        panic!("{ended:?}");
    };
    assert!(reason.contains("refuses every login"), "{reason}");
    assert!(errors[&ErrorClass::Authentication] >= 10, "{errors:?}");
}

#[test]
fn a_server_that_refuses_logins_while_mailboxes_are_filled_ends_the_run_too() {
    let settings = ["mailbox.messages={ constant = 2 }", "mailbox.unread=0"];
    let Outcome { ended, .. } = compare(&serve_with("--refuse-logins"), &settings);
    assert!(
        matches!(&ended, Ended::Failed(reason) if reason.contains("could not be marked")),
        "{ended:?}"
    );
}

#[test]
fn a_server_that_nobody_can_reach_ends_the_run_with_a_sentence() {
    // Port 1 is nobody's; the process itself lives on.
    let nowhere = r#"echo '{"pop3":"127.0.0.1:1","imap":"127.0.0.1:1","lmtp":"127.0.0.1:1"}'; exec sleep 100"#;
    let Outcome { ended, errors, .. } = compare(nowhere, &[]);
    let Ended::Failed(reason) = ended else {
        panic!("{ended:?}");
    };
    assert!(reason.contains("no longer answers"), "{reason}");
    assert!(errors[&ErrorClass::Refused] >= 20, "{errors:?}");
}

#[test]
fn a_server_that_does_not_start_is_quoted() {
    let Outcome { ended, .. } = compare("echo 'no room on the disk' >&2; exit 1", &[]);
    assert!(
        matches!(&ended, Ended::Failed(reason) if reason.contains("no room on the disk")),
        "{ended:?}"
    );
}

/// A server that hangs up instead of answering, before or after it has done what it was asked to: no sum is off by a
/// message, whichever it was, for what is found at the end says so.
fn sums_hold_although_it_cuts(arm: &str, commands: &str, settings: &[&str]) {
    let server = serve_with(&format!("--cut {commands}"));
    let mut more = vec!["measure=4s", "warm_up=100ms"];
    let arms = format!("arms=[\"{arm}\"]");
    more.push(&arms);
    more.extend(settings);
    let outcome = compare(&server, &more);
    assert_eq!(outcome.ended, Ended::Complete);
    assert!(
        outcome.errors[&ErrorClass::ConnectionLost] >= 6,
        "{:?}",
        outcome.errors
    );
    let broken: Vec<_> = outcome.checks.iter().filter(|row| !row.holds).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    let settled = |row: &&CheckRow| row.check.contains("settled by what is there");
    let settled = outcome.checks.iter().find(settled);
    let row = settled.unwrap_or_else(|| panic!("{:#?}", outcome.checks));
    assert!(row.expected > 0);
}

#[test]
fn a_quit_without_an_answer_loses_no_message_from_the_sums() {
    sums_hold_although_it_cuts("pop3", "quit", &[]);
}

#[test]
fn an_expunge_without_an_answer_loses_no_message_from_the_sums() {
    sums_hold_although_it_cuts("imap", "expunge", &["habits.delete=1"]);
}

#[test]
fn a_delivery_without_an_answer_loses_no_message_from_the_sums() {
    for arm in ["pop3", "imap"] {
        sums_hold_although_it_cuts(arm, "delivery", &[]);
    }
}

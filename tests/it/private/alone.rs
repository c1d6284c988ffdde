//! Whole runs on Dovecot, Cyrus and Courier: every row is filled in each TLS mode, and however a run ends, no process, port,
//! folder or user of its server is left behind.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpStream;
use std::process::Child;

use mailgauge::judge::comparison::ComparisonRow;
use mailgauge::rundir::{Manifest, RunDir, RunSet};
use mailgauge::scenario::TlsMode;
use rustix::process::{Pid, Signal, kill_process};

use crate::compare::{Run, assert_finished, assert_sums_hold, finish, processes_of, signal};
use crate::support::{mailgauge, private_target, skipped};

/// Time enough for every device to come online and do something, be the machine a little busy.
const LONGER: [&str; 4] = ["--set", "run.ramp_up=2s", "--duration", "4s"];

/// The same of each server.
macro_rules! on_each_server {
    ($($server:ident),*) => {$(
        mod $server {
            const NAME: &str = stringify!($server);

            #[test]
            fn is_gone_after_ctrl_c() {
                super::is_gone_after_ctrl_c(NAME);
            }

            #[test]
            fn that_dies_fails_the_run_and_leaves_nothing() {
                super::that_dies_fails_the_run_and_leaves_nothing(NAME);
            }

            #[test]
            fn of_a_run_that_was_killed_is_cleared_away_by_the_next_start() {
                super::of_a_run_that_was_killed_is_cleared_away_by_the_next_start(NAME);
            }
        }
    )*};
}

on_each_server!(dovecot, cyrus, courier);

fn is_gone_after_ctrl_c(name: &str) {
    let Some((run, child, users)) = measuring(name, "Ctrl-C") else {
        return;
    };
    signal(&child, Signal::INT);
    let (code, errors) = finish(child);
    assert_eq!(code, Some(130), "{errors}");
    assert_nothing_is_left(&run, &users);
}

fn that_dies_fails_the_run_and_leaves_nothing(name: &str) {
    let Some((run, child, users)) = measuring(name, "a server that dies") else {
        return;
    };
    for pid in processes_of(&run.tmp()) {
        let pid = Pid::from_raw(pid.cast_signed()).unwrap();
        // Some end when their master does.
        let _ = kill_process(pid, Signal::KILL);
    }
    let (code, errors) = finish(child);
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains("ended in the middle"), "{errors}");
    assert!(!run.read().sessions().unwrap().is_empty());
    assert_nothing_is_left(&run, &users);
}

fn of_a_run_that_was_killed_is_cleared_away_by_the_next_start(name: &str) {
    let Some((run, mut child, users)) = measuring(name, "a run that is killed") else {
        return;
    };
    child.kill().unwrap();
    child.wait().unwrap();
    assert_ne!(fs::read_dir(run.tmp()).unwrap().count(), 0);
    // Whatever starts such a server next.
    let probe = mailgauge()
        .args(["probe", name])
        .env("TMPDIR", run.tmp())
        .output()
        .unwrap();
    assert!(probe.status.success(), "{probe:?}");
    assert_nothing_is_left(&run, &users);
}

/// A long run that has come to measure something, and the users of this machine before it.
fn measuring(name: &str, test: &str) -> Option<(Run, Child, String)> {
    private_target(name, test)?;
    let users = users();
    let run = Run::new();
    let child = run.start(&["--target", name, "--duration", "60s"]);
    run.wait_for_measuring();
    assert!(!processes_of(&run.tmp()).is_empty(), "{name} runs");
    Some((run, child, users))
}

fn users() -> String {
    fs::read_to_string("/etc/passwd").unwrap()
}

fn assert_nothing_is_left(run: &Run, users_before: &str) {
    run.assert_clean();
    assert_ports_are_closed(&Manifest::read(&run.out()).unwrap());
    assert_eq!(users(), users_before);
}

fn assert_ports_are_closed(manifest: &Manifest) {
    let ports = &manifest.target.ports;
    assert!(ports.len() >= 2, "{ports:?}");
    for port in ports.values() {
        let open = TcpStream::connect(("127.0.0.1", *port));
        assert!(open.is_err(), "port {port} is open");
    }
}

#[test]
fn three_servers_stand_in_one_table_by_starttls() {
    one_table(TlsMode::Starttls);
}

#[test]
fn three_servers_stand_in_one_table_within_tls() {
    one_table(TlsMode::Implicit);
}

fn one_table(tls: TlsMode) {
    let names = ["dovecot", "cyrus", "courier"];
    let there = |name: &&str| private_target(name, "one table of three servers").is_some();
    if !names.iter().all(there) {
        return;
    }
    let users = users();
    let run = Run::new();
    let setting = format!("tls={tls}");
    let mut command = run.command(&["--set", &setting]);
    command.args(LONGER);
    for name in names {
        command.args(["--target", name]);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_finished(output.status.code(), &errors);
    run.assert_clean();
    assert_eq!(self::users(), users);

    let set = RunSet::open(&run.out()).unwrap();
    for (name, target) in names.into_iter().zip(&set.manifest.targets) {
        assert_eq!(target.name, name);
        assert!(said.contains(name), "{said}");
        assert_run(&RunDir::open(&set.run_path(target)).unwrap(), tls);
    }
    if output.status.code() != Some(0) {
        let why = "the machine was too busy for a valid run";
        return skipped(&format!("every row of three servers, TLS {tls}"), why);
    }
    let mut reader = csv::Reader::from_path(run.out().join("comparison.csv")).unwrap();
    let rows: Vec<ComparisonRow> = reader.deserialize().map(Result::unwrap).collect();
    let arms: BTreeSet<String> = rows.iter().map(|row| row.arm.to_string()).collect();
    assert!(arms.len() >= 2, "{arms:?}");
    for name in names {
        for row in 1..=8 {
            for arm in &arms {
                let filled = rows.iter().any(|it| {
                    (it.row, it.target.as_str()) == (row, name)
                        && it.arm.to_string() == *arm
                        && it.value.is_some()
                });
                assert!(filled, "{name}, row {row}, {arm}: {said}");
            }
        }
    }
}

/// Its sums hold, and TLS was as it was asked for.
fn assert_run(run: &RunDir, tls: TlsMode) {
    assert_sums_hold(run);
    assert_eq!(run.manifest.target.tls, tls);
    assert_ports_are_closed(&run.manifest);
    let sessions = run.sessions().unwrap();
    let logged_in = sessions.iter().filter(|it| it.login_us.is_some());
    let encrypted = logged_in.map(|it| it.tls_us.is_some());
    let wanted = tls != TlsMode::Plain;
    assert!(encrypted.clone().count() > 0);
    assert!(encrypted.into_iter().all(|is| is == wanted));
}

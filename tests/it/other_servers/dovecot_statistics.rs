//! Dovecot's own statistics, of a real one, against what its processes used: why they are refused as a source.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use mailgauge::probe::{ExporterError, Exporters, ServerProbe};
use mailgauge::scenario::Phase;
use mailgauge::target::Instance;
use rustix::process::{Pid, Signal, kill_process};

use super::processor_time::{AT_ONCE, CELL, SETTLE, short_sessions, watched};
use super::{TlsMode, start_for, target};

const SESSIONS: usize = 200;
/// Dovecot needs this long to read its settings anew, on a slow machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Linux's `USER_HZ`: fields of `/proc/PID/stat` are in 1/100 s.
const TICK_US: u64 = 10_000;

/// Every tick that Dovecot tells is one of a process of its tree, so it cannot tell more than the tree used. It tells
/// less than half: a process is started for each session, ends with it, and as a rule uses less than a tick from login to logout.
#[tokio::test]
async fn dovecots_own_statistics_leave_out_most_of_what_short_sessions_use() {
    let Some(target) = target("dovecot", "its own statistics") else {
        return;
    };
    let instance = start_for(&target, AT_ONCE as u32, TlsMode::Plain).await;
    let statistics = Statistics::turn_on(&instance).await;
    short_sessions(&instance, AT_ONCE).await;
    tokio::time::sleep(SETTLE).await;

    let (sink, rows) = channel();
    let probe = ServerProbe::start(
        &watched(&instance),
        Instant::now(),
        |_| Some((CELL, Phase::Measure)),
        move |seen| sink.send(seen.row).unwrap(),
    )
    .unwrap();
    probe.sample_now();
    let first = rows.recv().unwrap();
    let before = statistics.read();
    short_sessions(&instance, SESSIONS).await;
    tokio::time::sleep(SETTLE).await;
    let after = statistics.read();
    probe.stop();
    let last = rows.iter().last().unwrap();
    let refused = statistics.exporters().check().unwrap_err();
    instance.stop().await.unwrap();

    let of_tree =
        (last.cpu_user_us + last.cpu_system_us) - (first.cpu_user_us + first.cpu_system_us);
    let told = after.cpu_us - before.cpu_us;
    println!("dovecot: its statistics {told} µs, its processes {of_tree} µs");
    assert_eq!(after.sessions - before.sessions, SESSIONS as u64);
    assert!(of_tree > 1_000 * SESSIONS as u64, "it worked: {of_tree} µs");
    assert!(told < of_tree / 2, "{told} of {of_tree} µs");
    assert!(
        matches!(refused, ExporterError::DovecotAlone { .. }),
        "{refused}"
    );
}

/// Where a Dovecot tells its statistics.
struct Statistics {
    port: u16,
}

/// What they tell of the sessions that ended.
struct Told {
    sessions: u64,
    cpu_us: u64,
}

impl Statistics {
    /// Adds them to the settings of a private Dovecot, with Dovecot's default of a process for each session, and has it read these.
    async fn turn_on(instance: &Instance) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let settings = format!(
            "service pop3 {{\n  service_count = 1\n}}\n\
             service stats {{\n  inet_listener http {{\n    address = 127.0.0.1\n    port = {port}\n  }}\n}}\n\
             metric user {{\n  filter = event=mail_user_session_finished\n  group_by = utime\n}}\n\
             metric system {{\n  filter = event=mail_user_session_finished\n  group_by = stime\n}}\n"
        );
        let folder = instance.storage.as_ref().unwrap().parent().unwrap();
        let mut file = OpenOptions::new()
            .append(true)
            .open(folder.join("dovecot.conf"))
            .unwrap();
        file.write_all(settings.as_bytes()).unwrap();
        let master = Pid::from_raw(instance.pid().unwrap().cast_signed()).unwrap();
        kill_process(master, Signal::HUP).unwrap();

        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "no statistics");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Self { port }
    }

    fn exporters(&self) -> Exporters {
        Exporters {
            urls: vec![format!("http://127.0.0.1:{}/metrics", self.port)],
            group: None,
        }
    }

    fn read(&self) -> Told {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.0\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        let value = |line: &str| line.rsplit(' ').next()?.parse::<u64>().ok();
        let sessions = page
            .lines()
            .find(|line| line.starts_with("dovecot_user_count "))
            .and_then(value)
            .unwrap();
        // So many sessions with so many ticks: `dovecot_user_total{utime="1"} 6`.
        let ticks = |line: &str| line.split('"').nth(1)?.parse::<u64>().ok();
        let labelled = ["dovecot_user_total{utime=", "dovecot_system_total{stime="];
        let ticks: u64 = page
            .lines()
            .filter(|line| labelled.iter().any(|it| line.starts_with(it)))
            .map(|line| ticks(line).unwrap() * value(line).unwrap())
            .sum();
        Told {
            sessions,
            cpu_us: ticks * TICK_US,
        }
    }
}

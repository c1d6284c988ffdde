//! What the processes of a server are said to have used, by the samples that a run takes, against the kernel's account of a
//! control group with the same processes: most of it is used by processes that lived for less than a sample.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use mailgauge::metrics::row::Cell;
use mailgauge::probe::{Ports, ServerProbe, Watched};
use mailgauge::scenario::{Arm, Phase};
use mailgauge::target::Instance;

use super::{TlsMode, pop, start_for, target};
use crate::cgroup::{NOT_ALLOWED, OurGroup};
use crate::support;

pub(super) const AT_ONCE: usize = 4;
/// How far the two may be apart, in per cent of the group's. The samples count whole ticks (10 ms) of each live process.
const WITHIN: f64 = 2.0;
/// What ends after the last answer has ended then.
pub(super) const SETTLE: Duration = Duration::from_millis(500);
pub(super) const CELL: Cell = Cell {
    block: 1,
    arm: Arm::POP3,
};

#[tokio::test]
async fn dovecot_loses_no_processor_time_of_short_sessions() {
    loses_none("dovecot", 5_000).await;
}

#[tokio::test]
async fn cyrus_loses_no_processor_time_of_short_sessions() {
    loses_none("cyrus", 2_000).await;
}

#[tokio::test]
async fn courier_loses_no_processor_time_of_short_sessions() {
    loses_none("courier", 2_000).await;
}

/// So many sessions that what they use is far above a tick for each process that lives at the end.
async fn loses_none(name: &str, sessions: usize) {
    let what = format!("{name}: processor time against a control group's");
    let Some(target) = target(name, "processor time against a control group's") else {
        return;
    };
    let Some(group) = OurGroup::create(name) else {
        return support::skipped(&what, NOT_ALLOWED);
    };
    let instance = start_for(&target, AT_ONCE as u32, TlsMode::Plain).await;
    // What a server keeps for later is started by its first sessions.
    short_sessions(&instance, AT_ONCE).await;
    group.take_in(instance.pid().unwrap());
    let mut meter = group.processor_time().meter();

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
    let before = meter.sample();
    short_sessions(&instance, sessions).await;
    tokio::time::sleep(SETTLE).await;
    let after = meter.sample();
    probe.stop();
    let last = rows.iter().last().unwrap();
    instance.stop().await.unwrap();

    let of_group =
        (after.cpu_user_us + after.cpu_system_us) - (before.cpu_user_us + before.cpu_system_us);
    let of_tree =
        (last.cpu_user_us + last.cpu_system_us) - (first.cpu_user_us + first.cpu_system_us);
    let difference = 100.0 * (of_tree as f64 - of_group as f64) / of_group as f64;
    println!("{name}: control group {of_group} µs, samples {of_tree} µs, {difference:+.2} %");
    assert!(
        of_group > 1_000 * sessions as u64,
        "it worked: {of_group} µs"
    );
    assert!(difference.abs() < WITHIN, "{difference:+.2} %");
}

pub(super) fn watched(instance: &Instance) -> Watched {
    Watched {
        by: instance.seen.clone().unwrap(),
        ports: Ports::default(),
    }
}

/// One after the other, at each of [`AT_ONCE`] mailboxes: logs in, asks what is there, ends.
pub(super) async fn short_sessions(instance: &Instance, count: usize) {
    let mailbox = |user| {
        Box::pin(async move {
            for _ in 0..count / AT_ONCE {
                let mut session = pop(instance, user).await.unwrap();
                assert_eq!(session.stat().await.unwrap().messages, 0);
                session.quit().await.1.unwrap();
            }
        })
    };
    tokio::join!(mailbox(0), mailbox(1), mailbox(2), mailbox(3));
}

//! Sums by hand: two phones, one block, an hour of simulated time.

use crate::judge::synthetic::{self, empty};
use crate::judge::{Evidence, judge};
use crate::metrics::row::{Cell, OperationRow};
use crate::metrics::{ErrorClass, Operation};
use crate::scenario::{Arm, DeviceKind, Phase};

const CELL: Cell = Cell {
    block: 1,
    arm: Arm::IMAP,
};
/// One minute at speed 60: an hour of each of two users.
const WINDOW: (u64, u64) = (100_000_000, 160_000_000);
/// The simulated days of both together.
const DAYS: f64 = 2.0 / 24.0;

/// Two users with a phone each, of which one also has a notebook; a connection of each is held through the measured phase.
fn held_connections() -> Evidence {
    let mut evidence = empty();
    evidence.setting.windows.insert(CELL, WINDOW);
    for (user, device) in [
        (0, DeviceKind::Phone),
        (1, DeviceKind::Phone),
        (1, DeviceKind::Notebook),
    ] {
        let mut session = synthetic::session(1, Arm::IMAP, user, device, WINDOW.0 - 1_000_000);
        session.phase = Phase::RampUp;
        session.end_at_us = WINDOW.1 + 1_000_000;
        evidence.sessions.push(session);
    }
    let phone = |operation| synthetic::operation(1, Arm::IMAP, DeviceKind::Phone, operation, 10);
    evidence.operations = vec![
        told(phone(Operation::FetchPart), [1000, 50, 4, 5, 208, 260]),
        told(phone(Operation::Idle), [60, 20, 3, 3, 156, 156]),
        // A span, whose commands stand beside it.
        told(phone(Operation::Check), [1060, 70, 7, 8, 364, 416]),
        // Of another phase.
        OperationRow {
            phase: Phase::RampUp,
            ..told(phone(Operation::FetchHeaders), [7777; 6])
        },
        told(
            synthetic::operation(1, Arm::IMAP, DeviceKind::Notebook, Operation::Noop, 10),
            [30, 10, 1, 2, 52, 104],
        ),
    ];
    evidence
}

/// Payload, segments and headers, each from the server and to it.
fn told(mut row: OperationRow, carried: [u64; 6]) -> OperationRow {
    let [rx, tx, in_rx, in_tx, head_rx, head_tx] = carried;
    row.wire_rx_bytes = rx;
    row.wire_tx_bytes = tx;
    row.packets_rx = Some(in_rx);
    row.packets_tx = Some(in_tx);
    row.header_rx_bytes = Some(head_rx);
    row.header_tx_bytes = Some(head_tx);
    row
}

fn untold(row: &mut OperationRow) {
    row.packets_rx = None;
    row.packets_tx = None;
    row.header_rx_bytes = None;
    row.header_tx_bytes = None;
}

/// A figure with its observations; of row 5 or 8.
fn figure(evidence: &Evidence, metric: &str) -> Option<(f64, u64)> {
    let number = if metric.starts_with("phone") { 8 } else { 5 };
    let rows = judge(evidence).rows;
    let arm = rows[number - 1].arm(Arm::IMAP).unwrap();
    let figure = arm.figure(metric).unwrap();
    figure.value.map(|value| (value, figure.n))
}

const METRICS: [&str; 6] = [
    "phone_wire_bytes",
    "phone_wire_up",
    "phone_header_bytes",
    "phone_packets",
    "wire_bytes_per_day",
    "packets_per_day",
];

#[test]
fn octets_headers_and_packets_of_the_measured_phase_are_divided_by_simulated_days() {
    let evidence = held_connections();
    let sums = [
        1000 + 50 + 60 + 20 + 208 + 260 + 156 + 156,
        50 + 20 + 260 + 156,
        208 + 260 + 156 + 156,
        4 + 5 + 3 + 3,
        1910 + 30 + 10 + 52 + 104,
        15 + 1 + 2,
    ];
    for (metric, sum) in METRICS.into_iter().zip(sums) {
        let (value, n) = figure(&evidence, metric).unwrap();
        assert!(
            (value - f64::from(sum) / DAYS).abs() < 1e-6,
            "{metric}: {value}"
        );
        assert_eq!(n, 2, "{metric}");
    }
}

#[test]
fn a_faster_clock_makes_more_days_of_the_same_minute() {
    let mut evidence = held_connections();
    let before = figure(&evidence, "phone_packets").unwrap().0;
    evidence.setting.speed = 30.0;
    let after = figure(&evidence, "phone_packets").unwrap().0;
    assert!((after - 2.0 * before).abs() < 1e-6, "{before} {after}");
}

#[test]
fn a_phone_that_kept_silent_has_its_days_too() {
    let mut evidence = held_connections();
    let mut of_another = evidence.sessions[0].clone();
    of_another.user = 2;
    evidence.sessions.push(of_another);
    let (value, n) = figure(&evidence, "phone_packets").unwrap();
    assert!((value - 15.0 / (3.0 / 24.0)).abs() < 1e-6, "{value}");
    assert_eq!(n, 3);
}

#[test]
fn without_the_packets_of_one_connection_there_is_no_figure() {
    let mut evidence = held_connections();
    evidence.sessions[1].packets_rx = None;
    for metric in METRICS {
        assert_eq!(figure(&evidence, metric), None, "{metric}");
    }
}

#[test]
fn a_notebook_without_packets_leaves_the_phones_their_figures() {
    let mut evidence = held_connections();
    evidence.sessions[2].packets_rx = None;
    assert!(figure(&evidence, "phone_wire_bytes").is_some());
    assert_eq!(figure(&evidence, "wire_bytes_per_day"), None);
}

#[test]
fn a_connection_that_was_over_before_the_measured_phase_or_never_made_takes_nothing_away() {
    let mut evidence = held_connections();
    let mut before = evidence.sessions[0].clone();
    before.end_at_us = WINDOW.0;
    before.packets_rx = None;
    let mut never = evidence.sessions[0].clone();
    never.connect_us = None;
    never.error = Some(ErrorClass::Refused);
    never.packets_rx = None;
    evidence.sessions.extend([before, never]);
    let mut refused = synthetic::operation(1, Arm::IMAP, DeviceKind::Phone, Operation::Connect, 10);
    refused.errors = refused.count;
    refused.wire_rx_bytes = 0;
    refused.wire_tx_bytes = 0;
    untold(&mut refused);
    evidence.operations.push(refused);
    let (value, _) = figure(&evidence, "phone_packets").unwrap();
    assert!((value - 15.0 / DAYS).abs() < 1e-6, "{value}");
}

#[test]
fn commands_without_packets_give_no_figure_and_neither_do_none() {
    let mut evidence = held_connections();
    untold(&mut evidence.operations[1]);
    assert_eq!(figure(&evidence, "phone_wire_bytes"), None);
    evidence.operations.clear();
    assert_eq!(figure(&evidence, "phone_wire_bytes"), None);
}

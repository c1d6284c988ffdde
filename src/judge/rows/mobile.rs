//! Row 8: what the phone's owner gets, and what it costs the phone.

use super::budget::Budget;
use super::{ArmFigures, Observed, Part, Ruling};
use crate::judge::figure::{mean, percent, quantile};
use crate::judge::verdict::Answer;
use crate::metrics::Operation;
use crate::metrics::row::{Opening, OpeningRow, Purpose, RadioRow};
use crate::scenario::{DeviceKind, Protocol};

pub(super) fn measure(part: Part<'_>) -> Vec<(&'static str, Observed)> {
    let planned: Vec<&OpeningRow> = part
        .openings()
        .filter(|row| row.device == DeviceKind::Phone)
        .collect();
    let found: Vec<&OpeningRow> = planned
        .iter()
        .copied()
        .filter(|row| matches!(row.outcome, Opening::Local | Opening::Fetched))
        .collect();
    let budget = Budget::of_kind(part, DeviceKind::Phone);
    let times = || found.iter().map(|row| row.response_us as f64 / 1000.0);
    vec![
        (
            "phone_openings_found",
            percent(found.len() as u64, planned.len() as u64),
        ),
        (
            "phone_bytes_per_opening",
            received(part)
                .filter(|_| !found.is_empty())
                .map(|bytes| (bytes as f64 / found.len() as f64, found.len() as u64)),
        ),
        ("phone_open_p50", quantile(times(), 0.5)),
        ("phone_open_p95", quantile(times(), 0.95)),
        ("phone_stored", stored(part)),
        ("phone_visible_p50", quantile(delays_ms(part), 0.5)),
        ("phone_check_bytes", check_bytes(part)),
        ("phone_wire_bytes", budget.and_then(Budget::octets)),
        ("phone_wire_up", budget.and_then(Budget::octets_up)),
        ("phone_header_bytes", budget.and_then(Budget::header_octets)),
        ("phone_packets", budget.and_then(Budget::packets)),
        ("phone_wake_ups", per_day(part, |row| row.wake_ups as f64)),
        ("phone_radio_on", per_day(part, |row| row.on_s)),
        ("phone_joules", per_day(part, |row| row.joules)),
    ]
}

/// From acceptance until the phone shows it: mail that came during the run and was seen there.
fn delays_ms(part: Part<'_>) -> impl Iterator<Item = f64> {
    part.consistency()
        .filter(|row| row.device == DeviceKind::Phone && row.due_at_us.is_some())
        .filter_map(|row| Some(row.visible_at_us?.saturating_sub(row.accepted_at_us?)))
        .map(|us| us as f64 / 1000.0)
}

/// Bytes that phones received in the measured phase; none when they said nothing at all.
fn received(part: Part<'_>) -> Option<u64> {
    part.commands()
        .filter(|row| row.device == Some(DeviceKind::Phone))
        .map(|row| row.rx_bytes)
        .reduce(|a, b| a + b)
}

/// A sum of the radio's model over all phones, per day of one phone.
fn per_day(part: Part<'_>, of: impl Fn(&RadioRow) -> f64) -> Observed {
    let (mut sum, mut days, mut phones) = (0.0, 0.0, 0);
    for row in part.radios(DeviceKind::Phone) {
        sum += of(row);
        days += row.simulated_s / 86_400.0;
        phones += 1;
    }
    (days > 0.0).then(|| (sum / days, phones))
}

/// Octets of mail on a phone at the end.
fn stored(part: Part<'_>) -> Observed {
    let phones = part.devices(DeviceKind::Phone);
    let held: Vec<u64> = part
        .storage()
        .filter(|row| row.place == DeviceKind::Phone.to_string())
        .map(|row| row.mail_bytes)
        .collect();
    if phones == 0 || held.is_empty() {
        return None;
    }
    Some((held.iter().sum::<u64>() as f64 / phones as f64, phones))
}

/// By the checks where they carry their traffic, else by the sessions that a timer opened.
fn check_bytes(part: Part<'_>) -> Observed {
    let (bytes, checks) = part
        .operations()
        .filter(|row| row.device == Some(DeviceKind::Phone) && row.operation == Operation::Check)
        .fold((0, 0), |(bytes, checks), row| {
            (bytes + row.rx_bytes, checks + row.count)
        });
    if bytes > 0 && checks > 0 {
        return Some((bytes as f64 / checks as f64, checks));
    }
    mean(
        part.sessions()
            .filter(|row| row.device == DeviceKind::Phone && row.purpose == Purpose::Poll)
            .map(|row| row.rx_bytes as f64),
    )
}

pub(super) fn decide(arm: &ArmFigures) -> Ruling {
    let Some(share) = arm.value("phone_openings_found") else {
        return Ruling::not_measured("opening that was planned on a phone");
    };
    let claimed = match arm.arm.protocol() {
        Protocol::Pop3 => Answer::No,
        Protocol::Imap => Answer::Yes,
    };
    Ruling::new(
        Answer::of(share).against(claimed),
        format!("{share:.0} % of the phone's openings found their message"),
    )
}

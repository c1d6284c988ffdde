//! Row 4: the time that connecting takes, in its several meanings.

use super::{Observed, Part};
use crate::judge::figure::{mean, quantile};
use crate::metrics::Operation;
use crate::metrics::row::SessionRow;
use crate::scenario::Protocol;

pub(super) fn measure(part: Part<'_>) -> Vec<(&'static str, Observed)> {
    let entries = part.entries();
    let usable = || {
        entries
            .iter()
            .filter_map(|row| row.usable_us)
            .map(|us| us as f64 / 1000.0)
    };
    let ended_well = part
        .sessions()
        .filter(|row| row.error.is_none())
        .map(|row| f64::from(row.round_trips));
    vec![
        ("usable_p50", quantile(usable(), 0.5)),
        ("usable_p99", quantile(usable(), 0.99)),
        (
            "way_in_p50",
            quantile(entries.iter().filter_map(|row| way_in_ms(row)), 0.5),
        ),
        ("connected_time", connected_time(part)),
        ("session_round_trips", mean(ended_well)),
        ("round_trips", round_trips(part)),
    ]
}

fn way_in_ms(row: &SessionRow) -> Option<f64> {
    let us = row.connect_us? + row.tls_us.unwrap_or(0) + row.greeting_us? + row.login_us?;
    Some(us as f64 / 1000.0)
}

fn round_trips(part: Part<'_>) -> Observed {
    let hours = part.user_hours(part.clock_seconds());
    let (waits, commands) = part.commands().fold((0, 0), |(waits, commands), row| {
        (waits + row.round_trips, commands + row.count)
    });
    (commands > 0 && hours > 0.0).then(|| (waits as f64 / hours, commands))
}

/// Connected seconds per user-hour of simulated time. At `speed` above one the people's pauses shrink and the
/// server's service times do not. A POP3 session is all service, so its clock time counts as it is. An IMAP
/// session is service and pauses: the commands' service time counts as it is, the rest times `speed`.
fn connected_time(part: Part<'_>) -> Observed {
    let windows = part.windows();
    let mut clock_s = 0.0;
    let mut n = 0;
    for row in part.all_sessions() {
        let Some((_, (from, to))) = windows.iter().find(|(block, _)| *block == row.block) else {
            continue;
        };
        let begin = row.start_at_us.max(*from);
        let end = row.end_at_us.min(*to);
        if end > begin {
            clock_s += (end - begin) as f64 / 1e6;
            n += 1;
        }
    }
    let hours = part.user_hours(part.clock_seconds());
    if n == 0 || hours <= 0.0 {
        return None;
    }
    let seconds = match part.arm.protocol() {
        Protocol::Pop3 => clock_s,
        Protocol::Imap => {
            let service_s = service_seconds(part).min(clock_s);
            service_s + (clock_s - service_s) * part.setting().speed
        }
    };
    Some((seconds / hours, n))
}

/// Clock seconds that commands of the measured phase took, IDLE excepted: it waits on purpose.
fn service_seconds(part: Part<'_>) -> f64 {
    part.commands()
        .filter(|row| row.operation != Operation::Idle)
        .map(|row| row.count.saturating_sub(row.errors) as f64 * row.service_mean_us / 1e6)
        .sum()
}

//! Row 5: what the arm costs the server.

use std::collections::BTreeMap;

use super::budget::Budget;
use super::{Observed, Part};
use crate::judge::figure::mean;
use crate::metrics::row::ServerRow;

pub(super) fn measure(part: Part<'_>) -> Vec<(&'static str, Observed)> {
    let cells = part.server_cells();
    let sessions = part.sessions().count();
    let cpu = cpu(&cells);
    let budget = Budget::of_users(part);
    let samples = || cells.iter().flatten();
    vec![
        (
            "cpu_per_user_hour",
            cpu.and_then(|cpu| {
                let hours = part.user_hours(cpu.seconds);
                (hours > 0.0).then(|| (cpu.ms / hours, cpu.samples))
            }),
        ),
        (
            "cpu_per_session",
            cpu.filter(|_| sessions > 0)
                .map(|cpu| (cpu.ms / sessions as f64, sessions as u64)),
        ),
        ("memory_mean", memory(&cells)),
        (
            "open_connections",
            mean(samples().map(|row| f64::from(row.pop3_connections + row.imap_connections))),
        ),
        ("network_bytes", network_bytes(part)),
        ("wire_bytes_per_day", budget.and_then(Budget::octets)),
        ("packets_per_day", budget.and_then(Budget::packets)),
        ("disk_at_end", disk_at_end(part, &cells)),
        (
            "disk_written",
            mean(
                cells
                    .iter()
                    .filter_map(|cell| rise(cell, |row| row.disk_write_bytes)),
            ),
        ),
        ("disk_syncs", disk_syncs(part, &cells)),
    ]
}

/// What devices and server sent each other, as TCP carried it.
fn network_bytes(part: Part<'_>) -> Observed {
    let hours = part.user_hours(part.clock_seconds());
    let (bytes, commands) = part.commands().fold((0, 0), |(bytes, commands), row| {
        (
            bytes + row.wire_rx_bytes + row.wire_tx_bytes,
            commands + row.count,
        )
    });
    (commands > 0 && hours > 0.0).then(|| (bytes as f64 / hours, commands))
}

#[derive(Clone, Copy)]
struct Cpu {
    ms: f64,
    seconds: f64,
    samples: u64,
}

/// CPU between the first and the last sample of each measured window, and the time between them.
fn cpu(cells: &[Vec<&ServerRow>]) -> Option<Cpu> {
    let mut sum = Cpu {
        ms: 0.0,
        seconds: 0.0,
        samples: 0,
    };
    for cell in cells {
        sum.ms += difference(cell, |row| row.cpu_user_us + row.cpu_system_us) as f64 / 1000.0;
        sum.seconds += difference(cell, |row| row.at_us) as f64 / 1e6;
        sum.samples += cell.len() as u64;
    }
    (sum.seconds > 0.0).then_some(sum)
}

/// The kernel counts CPU in ticks of 10 ms, in user and in kernel mode, and what a live process has of the
/// next tick is not seen: so much is uncertain per process and window, in ms per user-hour.
pub(super) fn cpu_resolution(part: Part<'_>) -> f64 {
    const MS_PER_PROCESS: f64 = 20.0;
    let cells = part.server_cells();
    let hours = part.user_hours(cpu(&cells).map_or(0.0, |cpu| cpu.seconds));
    if hours <= 0.0 {
        return 0.0;
    }
    let processes = cells.iter().flatten().filter_map(|row| row.processes).max();
    MS_PER_PROCESS * f64::from(processes.unwrap_or(1)) * cells.len() as f64 / hours
}

/// Last minus first of a counter in one cell; counters that fall (an instance restarted) count as nothing.
fn difference(cell: &[&ServerRow], of: impl Fn(&ServerRow) -> u64) -> u64 {
    match (cell.first(), cell.last()) {
        (Some(first), Some(last)) => of(last).saturating_sub(of(first)),
        _ => 0,
    }
}

/// By proportional share where the kernel gave it, else resident.
fn memory(cells: &[Vec<&ServerRow>]) -> Observed {
    let samples = || cells.iter().flatten();
    mean(samples().filter_map(|row| Some(row.pss_bytes? as f64)))
        .or_else(|| mean(samples().filter_map(|row| Some(row.rss_bytes? as f64))))
}

/// What a counter rose by in a window, where the system tells.
fn rise(cell: &[&ServerRow], of: impl Fn(&ServerRow) -> Option<u64>) -> Option<f64> {
    let (first, last) = (of(cell.first()?)?, of(cell.last()?)?);
    (cell.len() > 1).then(|| last.saturating_sub(first) as f64)
}

/// Per user-hour, of the windows in which they were counted; n is their number.
fn disk_syncs(part: Part<'_>, cells: &[Vec<&ServerRow>]) -> Observed {
    let (mut syncs, mut seconds) = (0.0, 0.0);
    for cell in cells {
        if let Some(rise) = rise(cell, |row| row.disk_syncs) {
            syncs += rise;
            seconds += difference(cell, |row| row.at_us) as f64 / 1e6;
        }
    }
    let hours = part.user_hours(seconds);
    (hours > 0.0).then(|| (syncs / hours, syncs as u64))
}

/// By `storage.csv`, which is counted after the drain; else by the last sample of the measured phase.
fn disk_at_end(part: Part<'_>, cells: &[Vec<&ServerRow>]) -> Observed {
    let counted: BTreeMap<u32, u64> = part
        .storage()
        .filter(|row| row.place == "server")
        .filter_map(|row| Some((row.block, row.disk_bytes?)))
        .collect();
    if counted.is_empty() {
        mean(
            cells
                .iter()
                .filter_map(|cell| cell.last())
                .filter_map(|row| Some(row.storage_bytes? as f64)),
        )
    } else {
        mean(counted.into_values().map(|bytes| bytes as f64))
    }
}

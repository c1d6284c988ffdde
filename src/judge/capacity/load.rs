//! What one trial did to the server and what that took, as numbers: the points that fits and the planner's page are made of.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::judge::evidence::{Evidence, Part};
use crate::judge::figure::mean;
use crate::judge::{Judgement, validity};
use crate::metrics::Operation;
use crate::metrics::row::{Purpose, ServerRow, SessionRow};
use crate::scenario::{Arm, Phase};

/// A session whose begin and end lie this near to the ends of the measured phase, or beyond them, was kept all the time.
const KEPT_SHARE: f64 = 0.9;

/// One arm of one trial.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Load {
    /// Population.
    pub users: u32,
    /// Simulated seconds per clock second.
    pub speed: f64,
    /// Clock seconds that were measured.
    pub seconds: f64,
    /// Commands of devices that were carried out, per clock second.
    pub commands_per_s: f64,
    /// Sessions of devices that began, per clock second.
    pub sessions_per_s: f64,
    /// Checks by timer per user-hour of simulated time.
    pub polls_per_user_hour: f64,
    /// Commands under way at once on average: Little's L = λ·W.
    pub concurrency: f64,
    /// Processors that the server used; none: nothing of it is seen.
    pub server_cpus: Option<f64>,
    /// Processors that the generator used.
    pub generator_cpus: f64,
    /// CPU of the server, ms per user-hour of simulated time.
    pub cpu_ms_per_user_hour: Option<f64>,
    /// Memory of the server, bytes: proportional where known, else resident.
    pub memory_bytes: Option<f64>,
    /// Most connections of devices open at the server at once.
    pub connections_most: Option<f64>,
    /// Connections open all through the measured phase.
    pub connections_kept: f64,
    /// Mean number of the others.
    pub connections_short: f64,
    /// Most processes of the server.
    pub processes: Option<u32>,
    /// Octets between devices and server as TCP carried them, per clock second.
    pub wire_bytes_per_s: f64,
    /// Written to storage by the server, bytes per clock second.
    pub disk_write_bytes_per_s: Option<f64>,
    /// Forced writes by the server, per clock second.
    pub disk_syncs_per_s: Option<f64>,
    /// Octets of mail delivered, per user-hour of simulated time.
    pub delivered_bytes_per_user_hour: f64,
    /// Octets of mail that devices filed on the server, per user-hour of simulated time.
    pub filed_bytes_per_user_hour: f64,
    /// Of the mail that was seen, what lies on the server at the end: 0 to 1.
    pub kept_on_server: Option<f64>,
    /// Median time to a usable inbox, ms.
    pub usable_p50_ms: Option<f64>,
    /// 99th percentile of our own lag, µs.
    pub lag_p99_us: Option<u64>,
}

/// All devices logging in at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Storm {
    /// Devices that came online before the measured phase.
    pub devices: u32,
    /// Logins in the busiest second.
    pub logins_in_a_second: u32,
    /// From the first connection until the last device's inbox was usable, s; none: one never was.
    pub recovered_s: Option<f64>,
    /// Sessions that failed on the way.
    pub failed: u32,
}

impl Load {
    /// What an arm left in a trial; none: it measured nothing.
    pub fn of(evidence: &Evidence, judgement: &Judgement, arm: Arm) -> Option<Self> {
        let part = evidence.part(arm, None);
        let seconds = part.clock_seconds();
        let hours = part.user_hours(seconds);
        if seconds <= 0.0 || hours <= 0.0 {
            return None;
        }
        let (mut done, mut busy_us, mut wire) = (0, 0.0, 0);
        for row in part.commands() {
            wire += row.wire_rx_bytes + row.wire_tx_bytes;
            if row.operation.is_latency() {
                let succeeded = row.count.saturating_sub(row.errors);
                done += succeeded;
                busy_us += row.service_mean_us * succeeded as f64;
            }
        }
        let moved = |operation: Operation| -> f64 {
            let rows = part.operations().filter(|row| row.operation == operation);
            rows.map(|row| row.tx_bytes).sum::<u64>() as f64
        };
        let figure = |name: &str| -> Option<f64> {
            let mut rows = judgement.rows.iter();
            rows.find_map(|row| row.arm(arm)?.figure(name)?.value)
        };
        let (kept, short) = connections(part, seconds);
        let samples: Vec<&ServerRow> = part.server_cells().into_iter().flatten().collect();
        let most = samples
            .iter()
            .map(|row| f64::from(row.pop3_connections + row.imap_connections))
            .max_by(f64::total_cmp);
        let polls = part.sessions().filter(|row| row.purpose == Purpose::Poll);
        Some(Self {
            users: part.setting().users,
            speed: part.setting().speed,
            seconds,
            commands_per_s: done as f64 / seconds,
            sessions_per_s: part.sessions().count() as f64 / seconds,
            polls_per_user_hour: polls.count() as f64 / hours,
            concurrency: busy_us / 1e6 / seconds,
            server_cpus: rate(&samples, |row| Some(row.cpu_user_us + row.cpu_system_us))
                .map(|us| us / 1e6),
            generator_cpus: generator_cpus(part),
            cpu_ms_per_user_hour: figure("cpu_per_user_hour"),
            memory_bytes: figure("memory_mean"),
            connections_most: most,
            connections_kept: kept,
            connections_short: short,
            processes: samples.iter().filter_map(|row| row.processes).max(),
            wire_bytes_per_s: wire as f64 / seconds,
            disk_write_bytes_per_s: rate(&samples, |row| row.disk_write_bytes),
            disk_syncs_per_s: rate(&samples, |row| row.disk_syncs),
            delivered_bytes_per_user_hour: moved(Operation::Deliver) / hours,
            filed_bytes_per_user_hour: moved(Operation::Append) / hours,
            kept_on_server: figure("seen_on_server").map(|percent| percent / 100.0),
            usable_p50_ms: figure("usable_p50"),
            lag_p99_us: evidence.lag.get(&arm).map(|lag| lag.p99_us),
        })
    }

    /// Connections that so many users would keep open on average in real time: those that are kept as they are, the others
    /// as much fewer as simulated time ran faster.
    pub fn connections_per_user(&self) -> f64 {
        let speed = self.speed.max(f64::MIN_POSITIVE);
        (self.connections_kept + self.connections_short / speed) / f64::from(self.users.max(1))
    }

    /// Octets per second and user in real time.
    pub fn wire_bytes_per_user_s(&self) -> f64 {
        let speed = self.speed.max(f64::MIN_POSITIVE);
        self.wire_bytes_per_s / speed / f64::from(self.users.max(1))
    }
}

impl Storm {
    /// What the ramp-up and warm-up of a trial show, in which everybody came at once.
    pub fn of(part: Part<'_>) -> Self {
        let early: Vec<&SessionRow> = part
            .all_sessions()
            .filter(|row| matches!(row.phase, Phase::RampUp | Phase::WarmUp))
            .collect();
        let begin = early.iter().map(|row| row.start_at_us).min().unwrap_or(0);
        let mut usable: BTreeMap<_, Option<u64>> = BTreeMap::new();
        let mut seconds: BTreeMap<u64, u32> = BTreeMap::new();
        for row in &early {
            let first = usable.entry((row.block, row.user, row.device)).or_default();
            let at = row.usable_us.map(|us| row.start_at_us + us);
            *first = match (*first, at) {
                (Some(first), Some(at)) => Some(first.min(at)),
                (first, at) => first.or(at),
            };
            if let Some(login) = row.login_us {
                let way = row.connect_us.unwrap_or(0)
                    + row.tls_us.unwrap_or(0)
                    + row.greeting_us.unwrap_or(0);
                let at = row.start_at_us + way + login;
                *seconds
                    .entry(at.saturating_sub(begin) / 1_000_000)
                    .or_default() += 1;
            }
        }
        let last: Option<u64> = usable
            .values()
            .copied()
            .collect::<Option<Vec<u64>>>()
            .and_then(|all| all.into_iter().max());
        let failed = early
            .iter()
            .filter(|row| row.error.is_some_and(validity::counts_against_the_run));
        Self {
            devices: usable.len() as u32,
            logins_in_a_second: seconds.into_values().max().unwrap_or(0),
            recovered_s: last.map(|at| at.saturating_sub(begin) as f64 / 1e6),
            failed: failed.count() as u32,
        }
    }
}

/// Connections kept all through the measured phases, and the mean number of others.
fn connections(part: Part<'_>, seconds: f64) -> (f64, f64) {
    let (mut kept, mut short_us) = (0.0, 0.0);
    let windows: BTreeMap<u32, (u64, u64)> = part.windows().into_iter().collect();
    for row in part.all_sessions() {
        let Some(&(from, to)) = windows.get(&row.block) else {
            continue;
        };
        let inside = row
            .end_at_us
            .min(to)
            .saturating_sub(row.start_at_us.max(from)) as f64;
        let length = to.saturating_sub(from) as f64;
        if inside >= KEPT_SHARE * length && length > 0.0 {
            kept += 1.0;
        } else {
            short_us += inside;
        }
    }
    let blocks = windows.len().max(1) as f64;
    (kept / blocks, short_us / 1e6 / seconds)
}

/// What a counter of the server rises by in a second.
fn rate(samples: &[&ServerRow], of: impl Fn(&ServerRow) -> Option<u64>) -> Option<f64> {
    let (first, last) = (samples.first()?, samples.last()?);
    let seconds = last.at_us.saturating_sub(first.at_us) as f64 / 1e6;
    let rise = of(last)?.saturating_sub(of(first)?) as f64;
    (seconds > 0.0).then(|| rise / seconds)
}

fn generator_cpus(part: Part<'_>) -> f64 {
    let cells = part.generator_cells();
    let per_cell = cells.iter().filter_map(|cell| {
        let (first, last) = (cell.first()?, cell.last()?);
        let seconds = last.at_us.saturating_sub(first.at_us) as f64 / 1e6;
        let cpu = (last.cpu_user_us + last.cpu_system_us)
            .saturating_sub(first.cpu_user_us + first.cpu_system_us);
        (seconds > 0.0).then(|| cpu as f64 / 1e6 / seconds)
    });
    mean(per_cell).map_or(0.0, |(cpus, _)| cpus)
}

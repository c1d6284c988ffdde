//! Whether a run's numbers can be trusted. A run whose generator was the limit, whose sums do not add up or
//! that broke off is invalid, whatever its figures; what only weakens it is a warning.

use std::collections::BTreeSet;

use serde::Serialize;

use super::bounds::{Held, Limit};
use super::evidence::{Ending, Evidence, Part};
use super::little::{Balance, Word};
use super::{JudgedRow, steady};
use crate::metrics::ErrorClass;
use crate::metrics::row::GeneratorRow;
use crate::scenario::{Arm, DeviceKind, Phase};

/// A device in a block: its block, its owner, its kind.
type Device = (u32, u32, DeviceKind);

/// Our own lag (sent − due) at its 99th percentile may always reach this, µs: what a timer and a busy
/// scheduler cost.
pub const LAG_ALLOWED_US: f64 = 10_000.0;

/// Or this share of the figure that is judged (the time to a usable inbox), where that is larger: a tenth.
pub const LAG_SHARE_OF_FIGURE: f64 = 0.10;

/// Seconds whose own lag is above the bound, as a share of an arm's measured ones, from which a reader is
/// warned although the whole is within it. Single late seconds are the rule on a shared machine.
pub const LATE_SECONDS: f64 = 0.05;

/// Failed sessions of an arm, beyond which its figures describe failures: `SPECmail2001`'s bound.
pub const ERRORS_ALLOWED: f64 = 0.01;

/// CPU of the generator per worker thread, beyond which it is saturated.
pub const GENERATOR_BUSY: f64 = 0.90;

/// Share of the descriptors that the generator may have, beyond which it was about to be refused further ones.
pub const DESCRIPTORS_USED: f64 = 0.95;

/// CPU of generator and server together per processor, beyond which the machine was full.
pub const MACHINE_FULL: f64 = 0.95;

/// Planned devices that tried and never got in: above this share the population is not the planned one.
pub const OFFLINE_ALLOWED: f64 = 0.01;

/// Planned checks that were merged into a running one, beyond which the load was visibly not the planned one.
pub const MISSED_WARNING: f64 = 0.05;

/// The same, beyond which it was another load: more checks were missed than made.
pub const MISSED_ALLOWED: f64 = 0.5;

/// Whether the numbers can be trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Validity {
    /// Why not; empty: they can.
    pub reasons: Vec<String>,
    /// What weakens them without making them worthless.
    pub warnings: Vec<String>,
    /// What each reason is laid to, in the order of [`Validity::reasons`].
    #[serde(skip)]
    blames: Vec<Blame>,
}

/// What a reason against a run is laid to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The run itself: it broke off, or sums do not add up.
    Run,
    /// The load generator: it was late.
    Lag,
    /// The load generator: it was saturated or out of descriptors.
    Generator,
    /// What was measured: sessions failed, devices stayed out.
    Service,
    /// What was measured: times drifted, so that no one figure describes them; a limit they may keep all the same.
    Drift,
}

impl Validity {
    /// No reason against it.
    pub fn is_valid(&self) -> bool {
        self.reasons.is_empty()
    }

    /// A reason where it is grave, else a warning.
    fn say(&mut self, grave: bool, blame: Blame, what: String) {
        if grave {
            self.invalid(blame, what);
        } else {
            self.warnings.push(what);
        }
    }

    /// The reasons that are laid to one of them.
    pub fn blamed_on(&self, blame: Blame) -> Vec<String> {
        let reasons = self.reasons.iter().zip(&self.blames);
        reasons
            .filter(|(_, of)| **of == blame)
            .map(|(reason, _)| reason.clone())
            .collect()
    }

    pub(super) fn invalid(&mut self, blame: Blame, reason: String) {
        self.reasons.push(reason);
        self.blames.push(blame);
    }
}

/// What an assessment finds: words, and the values behind them beside their bounds.
#[derive(Debug, Default)]
pub struct Assessment {
    /// Whether the numbers can be trusted.
    pub validity: Validity,
    /// How near each arm came to the bounds.
    pub held: Vec<Held>,
}

impl Assessment {
    fn hold(&mut self, arm: Arm, limit: Limit, value: f64, bound: f64, n: u64) {
        self.held.push(Held {
            arm,
            limit,
            value,
            bound,
            n,
        });
    }
}

/// Looks for everything that speaks against a run.
pub fn assess(evidence: &Evidence, rows: &[JudgedRow], little: &[Balance]) -> Assessment {
    let mut found = Assessment::default();
    let validity = &mut found.validity;
    match evidence.setting.ending {
        Ending::Finished => {}
        Ending::Interrupted => validity.invalid(
            Blame::Run,
            "The run was interrupted before its end.".to_owned(),
        ),
        Ending::Unfinished => validity.invalid(
            Blame::Run,
            match &evidence.setting.failure {
                Some(reason) => format!("The run did not finish: {reason}"),
                None => "The run did not finish.".to_owned(),
            },
        ),
    }
    for check in evidence.checks.iter().filter(|check| !check.holds) {
        validity.invalid(
            Blame::Run,
            format!(
                "Block {}, arm {}: \"{}\" does not hold: expected {}, found {}.",
                check.block, check.arm, check.check, check.expected, check.found
            ),
        );
    }
    if evidence.checks.is_empty() {
        validity.warnings.push("No sums were checked.".to_owned());
    }
    validity.warnings.extend(evidence.notices.iter().cloned());
    for arm in &evidence.setting.arms {
        let part = evidence.part(*arm, None);
        lag(evidence, *arm, usable_us(rows, *arm), &mut found);
        load(part, &mut found);
        descriptors(part, &mut found);
        errors(part, &mut found);
        missed(part, &mut found);
        steady::assess(part, &mut found.validity);
        devices(evidence, part, &mut found);
    }
    found.validity.warnings.extend(unbalanced(little));
    found
}

/// Cells in which Little's law does not hold. Only a warning: it says that connections and sessions do not go together, because
/// somebody else connects, connections outlive their sessions, or sessions left no row. That puts the mean number of open
/// connections in doubt and what is divided by sessions, but no time of an operation, and a lost row breaks a sum of its own.
fn unbalanced(little: &[Balance]) -> impl Iterator<Item = String> + '_ {
    let failed = little.iter().filter(|it| it.verdict == Word::Fails);
    failed.map(|it| {
        let difference = it.difference_percent.map_or_else(String::new, |percent| {
            format!(" ({percent:+.1} % in the mean)")
        });
        format!(
            "Block {}, arm {}: Little's law does not hold: {}{difference}. Numbers of open connections and figures per session are in doubt.",
            it.block, it.arm, it.reason
        )
    })
}

fn usable_us(rows: &[JudgedRow], arm: Arm) -> f64 {
    rows.iter()
        .find_map(|row| row.arm(arm)?.figure("usable_p50")?.value)
        .map_or(0.0, |ms| ms * 1000.0)
}

fn lag(evidence: &Evidence, arm: Arm, judged_us: f64, found: &mut Assessment) {
    let bound = LAG_ALLOWED_US.max(LAG_SHARE_OF_FIGURE * judged_us);
    let part = evidence.part(arm, None);
    let cells = part.generator_cells();
    let seconds = cells.iter().map(Vec::len).sum::<usize>();
    let Some(lag) = evidence.lag.get(&arm).filter(|_| seconds > 0) else {
        found.validity.invalid(Blame::Run, format!(
            "Arm {arm} has no measured second in which something was planned: nothing says whether the generator kept up."
        ));
        return;
    };
    let own_ms = lag.p99_us as f64 / 1000.0;
    found.hold(arm, Limit::Lag, own_ms, bound / 1000.0, lag.n);
    if lag.p99_us as f64 > bound {
        found.validity.invalid(Blame::Lag, format!(
            "Arm {arm}: the generator could not keep up: the 99th percentile of its lag over {} planned operations is {:.1} ms, bound {:.1} ms.",
            lag.n,
            lag.p99_us as f64 / 1000.0,
            bound / 1000.0
        ));
        return;
    }
    let late = cells
        .iter()
        .flatten()
        .filter(|row| row.lag_p99_us as f64 > bound)
        .count();
    let share = 100.0 * late as f64 / seconds as f64;
    found.hold(
        arm,
        Limit::LateSeconds,
        share,
        100.0 * LATE_SECONDS,
        seconds as u64,
    );
    if late as f64 > LATE_SECONDS * seconds as f64 {
        found.validity.warnings.push(format!(
            "Arm {arm}: the generator was late in {late} of {seconds} seconds (99th percentile of their lag above {:.1} ms).",
            bound / 1000.0
        ));
    }
}

fn load(part: Part<'_>, found: &mut Assessment) {
    let validity = &mut found.validity;
    let (mut busiest, mut fullest, mut cells) = (None, None, 0);
    let setting = part.setting();
    let arm = part.arm;
    let servers = part.server_cells();
    for cell in part.generator_cells() {
        let (Some(first), Some(last)) = (cell.first(), cell.last()) else {
            continue;
        };
        let seconds = last.at_us.saturating_sub(first.at_us) as f64 / 1e6;
        if seconds <= 0.0 {
            continue;
        }
        let cpu = |row: &GeneratorRow| row.cpu_user_us + row.cpu_system_us;
        let own = cpu(last).saturating_sub(cpu(first)) as f64 / 1e6 / seconds;
        let block = first.block;
        let workers = f64::from(setting.workers.max(1));
        cells += 1;
        busiest = Some(greater(busiest, 100.0 * own / workers));
        if own > GENERATOR_BUSY * workers {
            validity.invalid(Blame::Generator, format!(
                "Block {block}, arm {arm}: the generator used {own:.2} CPUs with {workers} worker thread(s): it was saturated."
            ));
        }
        let server = servers
            .iter()
            .filter(|cell| cell.first().is_some_and(|row| row.block == block))
            .find_map(|cell| {
                let (first, last) = (cell.first()?, cell.last()?);
                let cpu =
                    |row: &crate::metrics::row::ServerRow| row.cpu_user_us + row.cpu_system_us;
                let seconds = last.at_us.saturating_sub(first.at_us) as f64 / 1e6;
                (seconds > 0.0).then(|| cpu(last).saturating_sub(cpu(first)) as f64 / 1e6 / seconds)
            })
            .unwrap_or(0.0);
        if let Some(cpus) = setting.cpus {
            fullest = Some(greater(fullest, 100.0 * (own + server) / f64::from(cpus)));
            if own + server > MACHINE_FULL * f64::from(cpus) {
                validity.warnings.push(format!(
                    "Block {block}, arm {arm}: generator and server together used {:.2} of {cpus} CPUs: they were in each other's way.",
                    own + server
                ));
            }
        }
    }
    if let Some(share) = busiest {
        found.hold(
            arm,
            Limit::GeneratorCpu,
            share,
            100.0 * GENERATOR_BUSY,
            cells,
        );
    }
    if let Some(share) = fullest {
        found.hold(arm, Limit::MachineCpu, share, 100.0 * MACHINE_FULL, cells);
    }
}

fn greater(most: Option<f64>, value: f64) -> f64 {
    most.map_or(value, |most| most.max(value))
}

/// Descriptors and ports of the generator's machine: without one of either no connection is made, whatever the server does.
fn descriptors(part: Part<'_>, found: &mut Assessment) {
    let arm = part.arm;
    let cells = part.generator_cells();
    let samples = cells.iter().flatten();
    let most = samples.clone().map(|row| row.fds).max();
    if let (Some(most), Some(limit)) = (most, part.setting().nofile) {
        let bound = DESCRIPTORS_USED * limit as f64;
        let seen = samples.count() as u64;
        found.hold(arm, Limit::Descriptors, f64::from(most), bound, seen);
        if f64::from(most) > bound {
            found.validity.invalid(Blame::Generator, format!(
                "Arm {arm}: the generator had {most} of {limit} descriptors open: raise the limit (`ulimit -n`)."
            ));
        }
    }
    let unreachable = part
        .sessions()
        .filter(|row| row.error == Some(ErrorClass::Unreachable))
        .count();
    if unreachable > 0 {
        found.validity.warnings.push(format!(
            "Arm {arm}: {unreachable} connections could not be made at all: no free port or descriptor on the generator's machine, or no route."
        ));
    }
}

/// A refusal that is the protocol's own answer is a finding, and what our own end cut off is no error.
pub(super) const fn counts_against_the_run(class: ErrorClass) -> bool {
    !matches!(
        class,
        ErrorClass::InUse | ErrorClass::LoginDelay | ErrorClass::Cancelled | ErrorClass::Offline
    )
}

fn errors(part: Part<'_>, found: &mut Assessment) {
    let arm = part.arm;
    let sessions = part.sessions().count();
    let failed = part
        .sessions()
        .filter(|row| row.error.is_some_and(counts_against_the_run))
        .count();
    if sessions > 0 {
        let share = 100.0 * failed as f64 / sessions as f64;
        found.hold(
            arm,
            Limit::FailedSessions,
            share,
            100.0 * ERRORS_ALLOWED,
            sessions as u64,
        );
    }
    if failed > 0 {
        let what = format!(
            "Arm {arm}: {failed} of {sessions} sessions of the measured phase failed (bound {} %).",
            ERRORS_ALLOWED * 100.0
        );
        let grave = failed as f64 > ERRORS_ALLOWED * sessions as f64;
        found.validity.say(grave, Blame::Service, what);
    }
}

/// Checks that fell due while their device was still busy and were merged into the running one.
fn missed(part: Part<'_>, found: &mut Assessment) {
    let arm = part.arm;
    let sessions = part.sessions().count() as u64;
    let missed: u64 = part
        .generator_cells()
        .iter()
        .map(|cell| match (cell.first(), cell.last()) {
            (Some(first), Some(last)) => last.coalesced.saturating_sub(first.coalesced),
            _ => 0,
        })
        .sum();
    let planned = sessions + missed;
    if planned == 0 {
        return;
    }
    let share = missed as f64 / planned as f64;
    found.hold(
        arm,
        Limit::MissedChecks,
        100.0 * share,
        100.0 * MISSED_ALLOWED,
        planned,
    );
    if share > MISSED_WARNING {
        found.validity.say(share > MISSED_ALLOWED, Blame::Service, format!(
            "Arm {arm}: {missed} planned checks fell due while their device was still busy and were merged into the running one ({sessions} sessions began)."
        ));
    }
}

fn devices(evidence: &Evidence, part: Part<'_>, found: &mut Assessment) {
    let arm = part.arm;
    let tried: BTreeSet<_> = part
        .all_sessions()
        // Without a network nobody gets in, by plan.
        .filter(|row| row.phase != Phase::Prepare && row.error != Some(ErrorClass::Offline))
        .map(|row| (row.block, row.user, row.device))
        .collect();
    let entered: BTreeSet<_> = part
        .all_sessions()
        .filter(|row| row.login_us.is_some())
        .map(|row| (row.block, row.user, row.device))
        .collect();
    if tried.is_empty() {
        let what = format!("Arm {arm}: no device connected.");
        found.validity.invalid(Blame::Service, what);
        return;
    }
    let out = tried.difference(&entered).count();
    let share = 100.0 * out as f64 / tried.len() as f64;
    found.hold(
        arm,
        Limit::ShutOut,
        share,
        100.0 * OFFLINE_ALLOWED,
        tried.len() as u64,
    );
    if out > 0 {
        let what = format!(
            "Arm {arm}: {out} of {} devices that tried never logged in.",
            tried.len()
        );
        let grave = out as f64 > OFFLINE_ALLOWED * tried.len() as f64;
        found.validity.say(grave, Blame::Service, what);
    }
    absent(evidence, part, &tried, found);
}

/// Devices that never came online. One that asks so often that it was due at least twice in each cell was planned to; of
/// others the run is too short to say.
fn absent(evidence: &Evidence, part: Part<'_>, tried: &BTreeSet<Device>, found: &mut Assessment) {
    let arm = part.arm;
    let offline = part
        .all_sessions()
        .filter(|row| row.error == Some(ErrorClass::Offline))
        .map(|row| (row.block, row.user, row.device));
    let tried: BTreeSet<Device> = tried.iter().copied().chain(offline).collect();
    let owned: BTreeSet<Device> = evidence
        .part(arm, None)
        .consistency()
        .map(|row| (row.block, row.user, row.device))
        .collect();
    let planned = |device: &&Device| part.setting().is_due(arm, device.2);
    let due = owned.iter().filter(planned).count();
    let absent: Vec<&Device> = owned.difference(&tried).collect();
    let missing = absent.iter().copied().filter(planned).count();
    if due > 0 {
        let share = 100.0 * missing as f64 / due as f64;
        found.hold(
            arm,
            Limit::Absent,
            share,
            100.0 * OFFLINE_ALLOWED,
            due as u64,
        );
    }
    if missing as f64 > OFFLINE_ALLOWED * due as f64 {
        found.validity.invalid(
            Blame::Service,
            format!(
                "Arm {arm}: {missing} of {due} devices that were planned to come online never did."
            ),
        );
    } else if !absent.is_empty() {
        found.validity.warnings.push(format!(
            "Arm {arm}: {} of {} devices never came online during the run.",
            absent.len(),
            owned.len()
        ));
    }
}

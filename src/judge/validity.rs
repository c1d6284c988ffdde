//! Whether a run's numbers can be trusted. A run whose generator was the limit, whose sums do not add up or
//! that broke off is invalid, whatever its figures; what only weakens it is a warning.

use serde::Serialize;

use super::evidence::{Ending, Evidence, Part};
use super::{JudgedRow, steady};
use crate::metrics::ErrorClass;
use crate::metrics::row::GeneratorRow;
use crate::scenario::{Arm, Phase};

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

/// Sessions merged into a running one, beyond which the load was visibly not the planned one.
pub const COALESCED_WARNING: f64 = 0.05;

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
    /// What was measured: sessions failed, devices stayed out, times drifted.
    Service,
}

impl Validity {
    /// No reason against it.
    pub fn is_valid(&self) -> bool {
        self.reasons.is_empty()
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

/// Looks for everything that speaks against a run.
pub fn assess(evidence: &Evidence, rows: &[JudgedRow]) -> Validity {
    let mut validity = Validity::default();
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
        lag(evidence, *arm, usable_us(rows, *arm), &mut validity);
        load(part, &mut validity);
        descriptors(part, &mut validity);
        errors(part, &mut validity);
        steady::assess(part, &mut validity);
        devices(evidence, part, &mut validity);
    }
    validity
}

fn usable_us(rows: &[JudgedRow], arm: Arm) -> f64 {
    rows.iter()
        .find_map(|row| row.arm(arm)?.figure("usable_p50")?.value)
        .map_or(0.0, |ms| ms * 1000.0)
}

fn lag(evidence: &Evidence, arm: Arm, judged_us: f64, validity: &mut Validity) {
    let bound = LAG_ALLOWED_US.max(LAG_SHARE_OF_FIGURE * judged_us);
    let part = evidence.part(arm, None);
    let cells = part.generator_cells();
    let seconds = cells.iter().map(Vec::len).sum::<usize>();
    let Some(lag) = evidence.lag.get(&arm).filter(|_| seconds > 0) else {
        validity.invalid(Blame::Run, format!(
            "Arm {arm} has no measured second in which something was planned: nothing says whether the generator kept up."
        ));
        return;
    };
    if lag.p99_us as f64 > bound {
        validity.invalid(Blame::Lag, format!(
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
    if late as f64 > LATE_SECONDS * seconds as f64 {
        validity.warnings.push(format!(
            "Arm {arm}: the generator was late in {late} of {seconds} seconds (99th percentile of their lag above {:.1} ms).",
            bound / 1000.0
        ));
    }
}

fn load(part: Part<'_>, validity: &mut Validity) {
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
        if let Some(cpus) = setting.cpus
            && own + server > MACHINE_FULL * f64::from(cpus)
        {
            validity.warnings.push(format!(
                "Block {block}, arm {arm}: generator and server together used {:.2} of {cpus} CPUs: they were in each other's way.",
                own + server
            ));
        }
    }
}

/// Descriptors and ports of the generator's machine: without one of either no connection is made, whatever the server does.
fn descriptors(part: Part<'_>, validity: &mut Validity) {
    let arm = part.arm;
    let most = part
        .generator_cells()
        .iter()
        .flatten()
        .map(|row| row.fds)
        .max();
    if let (Some(most), Some(limit)) = (most, part.setting().nofile)
        && f64::from(most) > DESCRIPTORS_USED * limit as f64
    {
        validity.invalid(Blame::Generator, format!(
            "Arm {arm}: the generator had {most} of {limit} descriptors open: raise the limit (`ulimit -n`)."
        ));
    }
    let unreachable = part
        .sessions()
        .filter(|row| row.error == Some(ErrorClass::Unreachable))
        .count();
    if unreachable > 0 {
        validity.warnings.push(format!(
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

fn errors(part: Part<'_>, validity: &mut Validity) {
    let arm = part.arm;
    let sessions = part.sessions().count();
    let failed = part
        .sessions()
        .filter(|row| row.error.is_some_and(counts_against_the_run))
        .count();
    if failed > 0 {
        let what = format!(
            "Arm {arm}: {failed} of {sessions} sessions of the measured phase failed (bound {} %).",
            ERRORS_ALLOWED * 100.0
        );
        if failed as f64 > ERRORS_ALLOWED * sessions as f64 {
            validity.invalid(Blame::Service, what);
        } else {
            validity.warnings.push(what);
        }
    }
    let coalesced: u64 = part
        .generator_cells()
        .iter()
        .map(|cell| match (cell.first(), cell.last()) {
            (Some(first), Some(last)) => last.coalesced.saturating_sub(first.coalesced),
            _ => 0,
        })
        .sum();
    if coalesced as f64 > COALESCED_WARNING * sessions.max(1) as f64 && sessions > 0 {
        validity.warnings.push(format!(
            "Arm {arm}: {coalesced} planned checks fell due while their device was still busy and were merged into the running one ({sessions} sessions began)."
        ));
    }
}

fn devices(evidence: &Evidence, part: Part<'_>, validity: &mut Validity) {
    use std::collections::BTreeSet;
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
    let out = tried.difference(&entered).count();
    if out > 0 {
        let what = format!(
            "Arm {arm}: {out} of {} devices that tried never logged in.",
            tried.len()
        );
        if out as f64 > OFFLINE_ALLOWED * tried.len() as f64 {
            validity.invalid(Blame::Service, what);
        } else {
            validity.warnings.push(what);
        }
    }
    if tried.is_empty() {
        validity.invalid(Blame::Service, format!("Arm {arm}: no device connected."));
        return;
    }
    let owned: BTreeSet<_> = evidence
        .part(arm, None)
        .consistency()
        .map(|row| (row.block, row.user, row.device))
        .collect();
    let absent = owned.difference(&tried).count();
    if absent > 0 {
        validity.warnings.push(format!(
            "Arm {arm}: {absent} of {} devices never came online during the run.",
            owned.len()
        ));
    }
}

//! The same users, the same mail, the same reading, once per arm and block: arms in order, then in reverse, so that
//! whatever drifts with time meets all of them alike.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::metrics::RecordSender;
use crate::metrics::row::Cell;
use crate::plan::Plan;
use crate::scenario::{Arm, Phase, Scenario};
use crate::target::{Cpus, Request, Target};

use super::cell::CellRun;
use super::course::{Stop, StopReceiver};
use super::ledger::RunId;
use super::log::Gauges;
use super::network::KernelNetworks;
use super::progress::Progress;
use super::safety::admit;

/// Connections of the harness itself: filling mailboxes, looking into them.
const OWN_CONNECTIONS: u32 = 16;

/// A comparison that is ready to run.
pub struct Comparison {
    /// What is to be done.
    pub scenario: Arc<Scenario>,
    /// Who does what when; of this scenario.
    pub plan: Arc<Plan>,
    /// Against what.
    pub target: Target,
    /// What emulates the devices' networks, if it is the kernel.
    pub kernel_networks: Option<Arc<KernelNetworks>>,
    /// Marks this run's mail.
    pub run_id: RunId,
    /// The run's `t0`: all instants of the results are since then.
    pub run_start: Instant,
    /// Where results go.
    pub records: RecordSender,
    /// Where progress is told.
    pub progress: watch::Sender<Progress>,
    /// What the user wants.
    pub stop: StopReceiver,
}

/// How a comparison ended. What was measured until then has been handed over in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All cells were run.
    Complete,
    /// The user stopped it.
    Interrupted,
    /// It could not go on, for this reason: a sentence.
    Failed(String),
}

/// Counts over the whole run.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) cells_done: u32,
    pub(super) errors_before: u64,
    pub(super) gauges: Gauges,
    /// What the cells took besides their phases, in all.
    overhead: Duration,
}

impl Comparison {
    /// Runs all cells, or as many as it gets to.
    pub async fn run(&self) -> Ended {
        if let Err(error) = admit(&self.target, &self.scenario, &self.plan).await {
            return Ended::Failed(error.to_string());
        }
        let mut tally = Tally::default();
        for cell in cells(&self.scenario.run.arms, self.scenario.run.blocks) {
            if *self.stop.borrow() > Stop::No {
                return Ended::Interrupted;
            }
            let begun = Instant::now();
            match CellRun::new(self, cell, &mut tally).run().await {
                Ended::Complete => {}
                ended => return ended,
            }
            tally.cells_done += 1;
            tally.overhead += begun.elapsed().saturating_sub(self.plan.horizon);
        }
        Ended::Complete
    }

    pub(super) fn workers(&self) -> usize {
        workers(&self.scenario, &self.plan)
    }

    /// Devices of all users.
    pub(super) fn devices(&self) -> u64 {
        self.plan
            .users
            .iter()
            .map(|user| user.devices.len() as u64)
            .sum()
    }

    /// What an instance must be good for.
    pub(super) fn request(&self) -> Request {
        request(&self.scenario, &self.plan)
    }

    pub(super) fn tell(&self, cell: Cell, phase: Phase, tally: &Tally) {
        let run = &self.scenario.run;
        let cells = run.blocks * run.arms.len() as u32;
        let overhead = match tally.cells_done {
            0 => Duration::from_secs(2),
            done => tally.overhead / done,
        };
        let total = (self.plan.horizon + overhead) * cells;
        self.progress.send_replace(Progress {
            block: cell.block,
            blocks: run.blocks,
            arm: Some(cell.arm),
            phase: Some(phase),
            cells_done: tally.cells_done,
            cells,
            left: total.saturating_sub(self.run_start.elapsed()),
            total,
            open_sessions: tally.gauges.open_sessions,
            sessions: tally.gauges.sessions,
            deliveries: tally.gauges.deliveries,
            errors: tally.errors_before + tally.gauges.errors,
        });
    }
}

/// Worker threads. One, if the scenario does not say: the target needs the machine's other cores.
pub fn workers(scenario: &Scenario, plan: &Plan) -> usize {
    let wanted = scenario.run.workers.unwrap_or(1).max(1) as usize;
    wanted.min(plan.users.len().max(1))
}

/// What an instance must be good for, to carry out a plan.
pub fn request(scenario: &Scenario, plan: &Plan) -> Request {
    let most = |arm| -> u32 {
        plan.users
            .iter()
            .flat_map(|user| &user.devices)
            .map(|&kind| scenario.client(arm, kind).connections())
            .sum()
    };
    let arms = scenario.run.arms.iter().map(|arm| most(*arm));
    let workers = workers(scenario, plan) as u32;
    Request {
        accounts: plan.users.len() as u32,
        connections: arms.max().unwrap_or(0)
            + workers * scenario.limits.deliveries.max(1)
            + OWN_CONNECTIONS,
        tls: scenario.transport.tls,
        cpus: scenario.run.server_cpus.as_deref().and_then(Cpus::of),
    }
}

/// A B, B A, A B …
fn cells(arms: &[Arm], blocks: u32) -> impl Iterator<Item = Cell> {
    (1..=blocks).flat_map(move |block| {
        let order: Vec<Arm> = if block % 2 == 1 {
            arms.to_vec()
        } else {
            arms.iter().rev().copied().collect()
        };
        order.into_iter().map(move |arm| Cell { block, arm })
    })
}

#[cfg(test)]
mod tests {
    use super::cells;
    use crate::scenario::Arm;

    #[test]
    fn the_order_of_the_arms_turns_from_block_to_block() {
        let order: Vec<_> = cells(&[Arm::POP3, Arm::IMAP], 3)
            .map(|cell| (cell.block, cell.arm))
            .collect();
        assert_eq!(
            order,
            [
                (1, Arm::POP3),
                (1, Arm::IMAP),
                (2, Arm::IMAP),
                (2, Arm::POP3),
                (3, Arm::POP3),
                (3, Arm::IMAP)
            ]
        );
    }
}

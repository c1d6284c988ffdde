//! The gates of a scenario while and after it runs: watched each few seconds where a failure is to stop the run early, and in
//! the end written for the build page.

use std::cell::Cell;
use std::convert::Infallible;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::sync::watch;

use super::UsageError;
use crate::engine::Stop;
use crate::exit::Exit;
use crate::judge::gate::{self, Figure, Material, Outcome};
use crate::judge::{self, Ending, Evidence, Judgement};
use crate::report;
use crate::rundir::RunDir;
use crate::scenario::{Gate, Scenario};

/// How long a gate must have failed without a break before it ends the run: percentiles of the first few
/// operations jump about.
const PATIENCE: Duration = Duration::from_secs(10);
/// A look is taken this often, and never takes more than a twentieth of the time.
const LOOK_EVERY: Duration = Duration::from_secs(2);
const SHARE_OF_TIME: u32 = 20;

/// A scenario's gates, understood.
#[derive(Debug)]
pub(super) struct Gates {
    written: Vec<Gate>,
    figures: Vec<Figure>,
    fail_fast: bool,
    stopped: Cell<bool>,
}

impl Gates {
    /// Understands them.
    ///
    /// # Errors
    /// One names a figure that there is not.
    pub(super) fn of(scenario: &Scenario, fail_fast: bool) -> Result<Self, UsageError> {
        let figures = gate::understand(&scenario.gates, &scenario.run.arms)
            .map_err(|error| UsageError(error.to_string()))?;
        Ok(Self {
            written: scenario.gates.clone(),
            figures,
            fail_fast,
            stopped: Cell::new(false),
        })
    }

    /// Whether a gate ended the run.
    pub(super) fn stopped_the_run(&self) -> bool {
        self.stopped.get()
    }

    /// Looks at what the run has left so far and asks it to end in order when a gate has failed for long enough. Never
    /// returns. A gate of which nothing was measured yet is given time.
    pub(super) async fn watch(&self, dir: &Path, stop: watch::Sender<Stop>) -> Infallible {
        let mut failing: Vec<Option<Instant>> = vec![None; self.written.len()];
        let mut pause = LOOK_EVERY;
        while self.fail_fast && !self.written.is_empty() && !self.stopped.get() {
            tokio::time::sleep(pause).await;
            let begun = Instant::now();
            let look = {
                let (dir, gates, figures) =
                    (dir.to_owned(), self.written.clone(), self.figures.clone());
                tokio::task::spawn_blocking(move || checked(&dir, &gates, &figures)).await
            };
            pause = LOOK_EVERY.max(begun.elapsed() * SHARE_OF_TIME);
            // A directory that is just being written can be unreadable for a moment; the end will tell.
            let Ok(Ok((_, outcomes))) = look else {
                continue;
            };
            for (since, outcome) in failing.iter_mut().zip(&outcomes) {
                let failed = !outcome.passed && outcome.observed.is_some();
                *since = failed.then(|| since.unwrap_or(begun));
                if since.is_some_and(|since| since.elapsed() >= PATIENCE) {
                    eprintln!("mailgauge: stopping early: {}", report::gate_line(outcome));
                    self.stopped.set(true);
                    stop.send_modify(|stop| *stop = (*stop).max(Stop::Drain));
                    break;
                }
            }
        }
        std::future::pending().await
    }

    /// Holds the gates against the finished run, writes `junit.xml` and `summary.md`, prints a line each. `judged` is how the run
    /// stands without them.
    pub(super) fn conclude(&self, dir: &Path, judged: Exit, quiet: bool) -> anyhow::Result<Exit> {
        let (judgement, outcomes) = checked(dir, &self.written, &self.figures)?;
        report::write_gates(dir, &judgement, &outcomes)?;
        if !quiet {
            for outcome in &outcomes {
                println!("{}", report::gate_line(outcome));
            }
        }
        let run = if self.stopped.get() && only_stopped(&judgement) {
            Exit::Pass
        } else {
            judged
        };
        let all_passed = outcomes.iter().all(|outcome| outcome.passed);
        Ok(run.worse(if all_passed {
            Exit::Pass
        } else {
            Exit::GateFailed
        }))
    }
}

/// That a gate ended the run is no reason to distrust what failed it.
fn only_stopped(judgement: &Judgement) -> bool {
    judgement.setting.ending == Ending::Interrupted && judgement.validity.reasons.len() == 1
}

fn checked(
    dir: &Path,
    gates: &[Gate],
    figures: &[Figure],
) -> anyhow::Result<(Judgement, Vec<Outcome>)> {
    let run = RunDir::open(dir)?;
    let judgement = judge::judge(&Evidence::read(&run)?);
    let outcomes = Material::read(&run, &judgement)?
        .check(gates, figures)
        .context("the gates cannot be checked")?;
    Ok((judgement, outcomes))
}

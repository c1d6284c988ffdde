//! Carries a search out: asks what to try next, tries it, judges it, until nothing is left to try, the user stops it or its
//! time is over. Each arm has its share of the time, so that none is left out for another.

use std::io::IsTerminal as _;
use std::time::Instant;

use anyhow::{Context as _, bail};

use super::budget::Budget;
use super::questions::{self, Question};
use super::{Args, load_with};
use crate::cli::measure::{Seen, Task};
use crate::engine::{self, Ended, Stop, StopReceiver};
use crate::judge::capacity::{self, Answer, Capacity, Next, Purpose, Trial};
use crate::plan::{Plan, Shard};
use crate::report as pages;
use crate::rundir::{RunDir, Search, SearchTrial};
use crate::scenario::{Arm, Override, Scenario};

/// A search that is carried out.
pub(super) struct Driver<'a> {
    args: &'a Args,
    search: Search,
    trials: Vec<Trial>,
    seen: Seen,
    stop: StopReceiver,
    budget: Budget,
}

/// What came of a trial that was wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// It was made, or cannot be made at all.
    Done,
    /// The user stops the search.
    Stopped,
    /// It would not have ended in time.
    OutOfTime,
}

/// A trial that is to be.
struct Wanted {
    arm: Arm,
    users: u32,
    purpose: Purpose,
    question: Option<Question>,
}

impl<'a> Driver<'a> {
    pub(super) fn new(
        args: &'a Args,
        search: Search,
        seen: Seen,
        stop: StopReceiver,
        budget: Budget,
    ) -> Self {
        Self {
            args,
            search,
            trials: Vec::new(),
            seen,
            stop,
            budget,
        }
    }

    pub(super) fn into_search(self) -> Search {
        self.search
    }

    /// All arms, then the planner's questions.
    ///
    /// # Errors
    /// A trial could not be run at all.
    pub(super) async fn run(&mut self) -> anyhow::Result<()> {
        let arms = self.search.manifest.arms.clone();
        for (index, arm) in arms.iter().enumerate() {
            let until = self.budget.share(Instant::now(), arms.len() - index);
            if self.search_for(*arm, until).await? == Attempt::Stopped {
                return Ok(());
            }
        }
        if self.args.only_capacity {
            return Ok(());
        }
        for arm in arms {
            let scenario = self.scenario(arm, self.search.manifest.first, 0, None)?;
            let found = capacity::found(&self.search.manifest, &self.trials, arm);
            for (users, question) in questions::of(&scenario, arm, found.capacity, &self.trials) {
                let wanted = Wanted {
                    arm,
                    users,
                    purpose: Purpose::Question,
                    question: Some(question),
                };
                let until = self.budget.end();
                if self.attempt(wanted, until).await? != Attempt::Done {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The search for one arm, which ends by itself as long as there is time.
    async fn search_for(&mut self, arm: Arm, until: Instant) -> anyhow::Result<Attempt> {
        let first = self.search.manifest.first;
        let length = self.scenario(arm, first, 0, None)?.cell_length();
        loop {
            let own = self.trials.iter().rev().find(|it| it.facts.arm == arm);
            let users = own.map_or(first, |trial| trial.facts.users);
            let left = self.budget.left(Instant::now(), until, length, users);
            let manifest = &self.search.manifest;
            let Next::Try(users, purpose) = capacity::next(manifest, &self.trials, arm, left)
            else {
                return Ok(Attempt::Done);
            };
            let wanted = Wanted {
                arm,
                users,
                purpose,
                question: None,
            };
            let attempt = self.attempt(wanted, until).await?;
            if attempt != Attempt::Done {
                return Ok(attempt);
            }
        }
    }

    /// One trial.
    async fn attempt(&mut self, wanted: Wanted, until: Instant) -> anyhow::Result<Attempt> {
        let Wanted {
            arm,
            users,
            purpose,
            question,
        } = wanted;
        let number = self.search.manifest.trials.len() as u64 + 1;
        let scenario = match self.scenario(arm, users, number, question.as_ref()) {
            Ok(scenario) => scenario,
            // Four times as many checks may be more than the scenario's speed allows.
            Err(error) if question.is_some() => {
                tracing::warn!("a question is left out: {error:#}");
                return Ok(Attempt::Done);
            }
            Err(error) => return Err(error),
        };
        if *self.stop.borrow() > Stop::No {
            return Ok(Attempt::Stopped);
        }
        let length = scenario.cell_length();
        if self.budget.left(Instant::now(), until, length, users) == 0 {
            self.search.manifest.out_of_time = true;
            return Ok(Attempt::OutOfTime);
        }
        let asked = question.map(|question| question.asked);
        let facts = self
            .search
            .begin(arm, users, &purpose.to_string(), asked.as_ref())?;
        let begun = Instant::now();
        let trial = match self.measure(&scenario, &facts).await? {
            Measured::Refused(reason) => {
                self.search.end(Some(reason.clone()))?;
                let facts = SearchTrial {
                    refused: Some(reason),
                    ..facts
                };
                Trial::without_run(&facts, None)
            }
            Measured::Run => {
                let (trial, judgement) = self.judged(&facts)?;
                let run = RunDir::open(&self.search.run_path(&facts))?;
                pages::write_figures(&run, &judgement)?;
                self.search.end(None)?;
                trial
            }
        };
        if trial.answer != Some(Answer::Refused) {
            self.budget.seen(begun.elapsed(), length, users);
        }
        if !self.args.quiet {
            eprintln!("{}", pages::trial_line(&trial));
        }
        let first_of_arm = !self.trials.iter().any(|before| before.facts.arm == arm);
        if first_of_arm && trial.load.is_none() && trial.answer == Some(Answer::Missed) {
            // Nothing was ever measured: that is no question of how many users there are.
            bail!("{}", trial.reasons.join(" "));
        }
        self.trials.push(trial);
        Ok(Attempt::Done)
    }

    fn judged(&self, facts: &SearchTrial) -> anyhow::Result<(Trial, crate::judge::Judgement)> {
        let dir = self.search.run_path(facts);
        let run = RunDir::open(&dir)?;
        Trial::judge(facts, &self.search.manifest, &run)
            .with_context(|| format!("the trial in {} cannot be judged", dir.display()))
    }

    async fn measure(&self, scenario: &Scenario, facts: &SearchTrial) -> anyhow::Result<Measured> {
        let plan = Plan::new(scenario, Shard::WHOLE);
        let mut target = self.args.target_options.open(&self.args.target)?;
        self.seen.apply(&mut target);
        if let Err(reason) = engine::make_room(&engine::request(scenario, &plan)) {
            return Ok(Measured::Refused(reason.to_string()));
        }
        if let Err(reason) = engine::admit(&target, scenario, &plan).await {
            return Ok(Measured::Refused(reason.to_string()));
        }
        let heading = format!(
            "trial {}, {} {} users ({}): ",
            facts.number, facts.arm, facts.users, facts.purpose
        );
        let task = Task {
            scenario,
            plan: &plan,
            // Elsewhere the line of each trial is progress enough.
            quiet: self.args.quiet || !std::io::stderr().is_terminal(),
            heading: &heading,
            kernel_networks: None,
        };
        let dir = self.search.run_path(facts);
        let seen = self.seen.only(facts.arm);
        match task.measure(target, seen, &dir, self.stop.clone()).await? {
            Ended::Complete | Ended::Interrupted => {}
            Ended::Failed(reason) => tracing::info!("trial {}: {reason}", facts.number),
        }
        Ok(Measured::Run)
    }

    /// The scenario of a trial: one arm, so many users, chance of its own.
    fn scenario(
        &self,
        arm: Arm,
        users: u32,
        number: u64,
        question: Option<&Question>,
    ) -> anyhow::Result<Scenario> {
        let seed = load_with(self.args, &[])?.seed.saturating_add(number);
        let (arm, users, seed) = (arm.to_string(), users.to_string(), seed.to_string());
        let mut overrides = vec![
            Override::option("--users", "users.count", &users),
            Override::option("--arms", "run.arms", &arm),
            Override::option("--seed", "seed", &seed),
            // Those of other arms name nothing here.
            Override::option("--gate", "gates", "[]"),
        ];
        if let Some(question) = question {
            overrides.extend(question.overrides.iter().cloned());
        }
        Ok(load_with(self.args, &overrides)?)
    }
}

enum Measured {
    /// There is a run directory.
    Run,
    /// It must not be: a sentence.
    Refused(String),
}

/// Judges all trials of a search again from what they left.
pub(super) fn judged(search: &Search) -> Capacity {
    let mut trials = Vec::new();
    for facts in &search.manifest.trials {
        let dir = search.run_path(facts);
        let judged = RunDir::open(&dir)
            .and_then(|run| Trial::judge(facts, &search.manifest, &run))
            .map(|(trial, _)| trial);
        trials.push(match judged {
            Ok(trial) => trial,
            Err(_) if facts.refused.is_some() => Trial::without_run(facts, None),
            Err(error) => Trial::without_run(facts, Some(error.to_string())),
        });
    }
    Capacity::of(&search.manifest, trials)
}

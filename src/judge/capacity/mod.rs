//! How many users a server carries: from the run directories of a search to its capacity per arm, what bound first, how
//! throughput grows with the population, and the page that a planner asks for. Each trial is judged by itself, as any
//! run is; everything here is a pure function of the trials.

pub mod bound;
pub mod level;
pub mod load;
mod mixture;
mod planner;
pub mod search;

use serde::Serialize;

pub use bound::{Bound, Resource, Signs};
pub use level::{Level, Rule, tightest};
pub use load::{Load, Storm};
pub use mixture::{Mixture, Point as MixturePoint};
pub use planner::{Crowded, Effect, PlanFigure, Prediction, Subject};
pub use search::{
    Above, Answer, CONFIRMATIONS, Found, NO_HURRY, Next, Purpose, Range, Step, Votes,
};

use super::evidence::Evidence;
use super::stats::scaling::{NoFit, Scaling};
use super::validity::{Blame, LAG_SHARE_OF_FIGURE};
use super::{Ending, Judgement, judge};
use crate::rundir::{self, Outcome, RunDir, SearchManifest, SearchTrial};
use crate::scenario::{Arm, Scenario};

/// One trial, judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// What it was for, and where it is.
    pub facts: SearchTrial,
    /// What it was for.
    pub purpose: Purpose,
    /// What it says of its population; none: it did not come to its end.
    pub answer: Option<Answer>,
    /// Why not [`Answer::Met`]: sentences.
    pub reasons: Vec<String>,
    /// The service level's rules.
    pub rules: Vec<Rule>,
    /// What it did to the server.
    pub load: Option<Load>,
    /// What came of everybody coming at once.
    pub storm: Option<Storm>,
    /// What it shows of limits.
    #[serde(skip)]
    pub signs: Signs,
}

/// The capacity of a server for one arm.
#[derive(Clone, Debug, Serialize)]
pub struct ArmCapacity {
    /// The arm.
    pub arm: Arm,
    /// How far the search came.
    pub found: Found,
    /// What bound first; none where nothing above was tried.
    pub bound: Option<Bound>,
    /// The law of its throughput.
    #[serde(skip)]
    pub fit: Result<Scaling, NoFit>,
    /// What the fits say of loads that they were not made from, beside what was measured there.
    pub predictions: Vec<Prediction>,
    /// The planner's figures.
    pub figures: Vec<PlanFigure>,
    /// What other settings cost.
    pub effects: Vec<Effect>,
    /// What a restart costs, at which population.
    pub storm: Option<(u32, Storm)>,
    /// A person with every device against the server's limit.
    pub crowded: Crowded,
}

/// A search, judged.
#[derive(Clone, Debug, Serialize)]
pub struct Capacity {
    /// What was searched for.
    pub manifest: SearchManifest,
    /// The level that was asked for.
    pub level: Level,
    /// Simulated seconds per clock second.
    pub speed: f64,
    /// The processors that the server kept to; none: all.
    pub server_cpus: Vec<u32>,
    /// Per arm.
    pub arms: Vec<ArmCapacity>,
    /// What moving from each POP arm to each IMAP arm costs.
    pub mixtures: Vec<Mixture>,
    /// All trials, in order.
    pub trials: Vec<Trial>,
}

/// How a search stands as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Standing {
    /// Each arm has a capacity that was confirmed.
    Found,
    /// The generator was the limit of an arm, so that nothing is known but that the server carries at least so much.
    Invalid,
    /// An arm's search was not brought to its end.
    Unfinished,
    /// An arm does not serve even one user as the level asks.
    NotOne,
}

impl Trial {
    /// Judges the run directory of a trial: as a trial, and as any run.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn judge(
        facts: &SearchTrial,
        manifest: &SearchManifest,
        run: &RunDir,
    ) -> Result<(Self, Judgement), rundir::Error> {
        let evidence = Evidence::read(run)?;
        let judgement = judge(&evidence);
        let arm = facts.arm;
        let level = level(manifest);
        let rules = level::check(level, &manifest.gates, run, &evidence, &judgement, arm)?;
        let validity = &judgement.validity;
        let blamed = |blame| validity.blamed_on(blame);
        let mut signs = Signs::of(&run.manifest, &evidence, validity, arm);
        let lag = evidence.lag.get(&arm).map_or(0.0, |lag| lag.p99_us as f64);
        if lag > LAG_SHARE_OF_FIGURE * level::shortest_time(&rules).unwrap_or(0.0) {
            signs.generator.extend(blamed(Blame::Lag));
        }
        let missed = rules.iter().filter(|rule| !rule.met);
        let missed: Vec<String> = missed
            .map(|rule| format!("{} is not met.", rule.rule))
            .collect();
        let failed = match &run.manifest.outcome {
            Outcome::Failed(reason) => Some(format!("The run broke off: {reason}")),
            _ => None,
        };
        let service = [missed, blamed(Blame::Service)].concat();
        let (answer, reasons) = if let Some(reason) = failed {
            (Some(Answer::Missed), vec![reason])
        } else if evidence.setting.ending != Ending::Finished {
            (None, validity.reasons.clone())
        } else if signs.names_a_limit() && !service.is_empty() {
            // The server says itself that it was the limit, however busy the generator was.
            (Some(Answer::Missed), service)
        } else if !signs.generator.is_empty() {
            (Some(Answer::Invalid), signs.generator.clone())
        } else if !service.is_empty() {
            // Sums that an overloaded server leaves open are no reason to doubt that it is overloaded.
            (Some(Answer::Missed), service)
        } else if !blamed(Blame::Run).is_empty() {
            (Some(Answer::Invalid), blamed(Blame::Run))
        } else {
            (Some(Answer::Met), Vec::new())
        };
        let asked = facts.question.as_ref().map(|asked| asked.about.as_str());
        let trial = Self {
            facts: facts.clone(),
            purpose: purpose(facts),
            answer,
            reasons,
            rules,
            load: Load::of(&evidence, &judgement, arm),
            storm: (asked == Some(Subject::Storm.name()))
                .then(|| Storm::of(evidence.part(arm, None))),
            signs,
        };
        Ok((trial, judgement))
    }

    /// A trial without a run: one that must not be, or of which nothing can be read.
    pub fn without_run(facts: &SearchTrial, unreadable: Option<String>) -> Self {
        Self {
            facts: facts.clone(),
            purpose: purpose(facts),
            answer: facts.refused.as_ref().map(|_| Answer::Refused),
            reasons: facts.refused.iter().cloned().chain(unreadable).collect(),
            rules: Vec::new(),
            load: None,
            storm: None,
            signs: Signs::default(),
        }
    }

    /// As the search sees it; none: it is no part of it, or left no answer.
    pub fn step(&self) -> Option<Step> {
        (self.purpose != Purpose::Question).then_some(Step {
            users: self.facts.users,
            purpose: self.purpose,
            answer: self.answer?,
        })
    }

    /// What fits may be made of: neither held out nor of another setting, and measured.
    fn is_for_fits(&self) -> bool {
        !matches!(self.purpose, Purpose::Shown | Purpose::Question)
            && matches!(self.answer, Some(Answer::Met | Answer::Missed))
    }
}

fn purpose(facts: &SearchTrial) -> Purpose {
    facts.purpose.parse().unwrap_or(Purpose::Question)
}

/// The level that a search asked for.
pub fn level(manifest: &SearchManifest) -> Level {
    <Level as clap::ValueEnum>::from_str(&manifest.level, true).unwrap_or_default()
}

/// Where a search looks.
pub const fn range(manifest: &SearchManifest) -> Range {
    Range {
        first: manifest.first,
        most: manifest.most,
        resolution: manifest.resolution,
    }
}

/// What to try next for an arm, if there is time for so many more trials.
pub fn next(manifest: &SearchManifest, trials: &[Trial], arm: Arm, left: usize) -> Next {
    search::next(range(manifest), &steps(trials, arm), left)
}

/// How far the search for an arm has come.
pub fn found(manifest: &SearchManifest, trials: &[Trial], arm: Arm) -> Found {
    search::found(range(manifest), &steps(trials, arm))
}

fn steps(trials: &[Trial], arm: Arm) -> Vec<Step> {
    let of_arm = trials.iter().filter(|trial| trial.facts.arm == arm);
    of_arm.filter_map(Trial::step).collect()
}

impl Capacity {
    /// Judges a search by its trials.
    pub fn of(manifest: &SearchManifest, trials: Vec<Trial>) -> Self {
        let scenario = Scenario::parse("capacity.toml", &manifest.scenario_toml, &[]).ok();
        let arms: Vec<ArmCapacity> = manifest
            .arms
            .iter()
            .map(|arm| ArmCapacity::of(manifest, scenario.as_ref(), &trials, *arm))
            .collect();
        Self {
            manifest: manifest.clone(),
            level: level(manifest),
            speed: scenario.as_ref().map_or(1.0, |scenario| scenario.speed),
            server_cpus: scenario
                .and_then(|scenario| scenario.run.server_cpus)
                .unwrap_or_default(),
            mixtures: mixture::mixtures(&arms),
            arms,
            trials,
        }
    }

    /// How it stands as a whole; the gravest goes first.
    pub fn standing(&self) -> Standing {
        let any = |of: &dyn Fn(&ArmCapacity) -> bool| self.arms.iter().any(of);
        if any(&ArmCapacity::generator_was_the_limit) {
            Standing::Invalid
        } else if self.arms.is_empty() || any(&|arm| !arm.found.confirmed && !arm.serves_nobody()) {
            Standing::Unfinished
        } else if any(&ArmCapacity::serves_nobody) {
            Standing::NotOne
        } else {
            Standing::Found
        }
    }
}

impl ArmCapacity {
    fn of(
        manifest: &SearchManifest,
        scenario: Option<&Scenario>,
        trials: &[Trial],
        arm: Arm,
    ) -> Self {
        let own: Vec<&Trial> = trials.iter().filter(|it| it.facts.arm == arm).collect();
        let found = found(manifest, trials, arm);
        let points: Vec<(f64, f64)> = own
            .iter()
            .filter(|trial| trial.is_for_fits())
            .filter_map(|trial| {
                let load = trial.load.as_ref()?;
                Some((f64::from(load.users), load.commands_per_s))
            })
            .collect();
        let fit = Scaling::fit(&points);
        Self {
            arm,
            found,
            bound: bound_of(&own, found),
            predictions: planner::predictions(&own, found, fit.as_ref().ok()),
            figures: planner::figures(scenario, &own, found),
            effects: planner::effects(&own),
            storm: own
                .iter()
                .rev()
                .find_map(|trial| Some((trial.facts.users, trial.storm?))),
            crowded: Crowded::of(manifest, scenario, arm),
            fit,
        }
    }

    /// Nothing is known of the server but that it carries at least so much.
    pub fn generator_was_the_limit(&self) -> bool {
        matches!(self.found.above, Some((_, Above::Invalid)))
    }

    /// Not even one user.
    pub fn serves_nobody(&self) -> bool {
        self.found.capacity.is_none() && matches!(self.found.above, Some((1, Above::Missed)))
    }
}

/// What bound at the smallest population out of reach.
fn bound_of(own: &[&Trial], found: Found) -> Option<Bound> {
    let (users, above) = found.above?;
    let at = |users: u32, answer: Answer| {
        own.iter().rev().find(|trial| {
            trial.facts.users == users
                && trial.purpose != Purpose::Question
                && trial.answer == Some(answer)
        })
    };
    let Some(answer) = above.answer() else {
        return Some(Bound {
            resource: Resource::Range,
            seen: true,
            why: "The search was not to go further (`--max-users`).".to_owned(),
        });
    };
    let trial = at(users, answer)?;
    if above == Above::Refused {
        return Some(Bound {
            resource: Resource::Ceiling,
            seen: true,
            why: trial.reasons.join(" "),
        });
    }
    if above == Above::Invalid && trial.signs.generator.is_empty() {
        return Some(Bound {
            resource: Resource::Generator,
            seen: true,
            why: trial.reasons.join(" "),
        });
    }
    let below = found.capacity.and_then(|users| at(users, Answer::Met));
    let below = below.and_then(|trial| trial.load.as_ref());
    Some(bound::bound(
        &trial.signs,
        &trial.rules,
        trial.load.as_ref(),
        below,
    ))
}

#[cfg(test)]
mod tests;

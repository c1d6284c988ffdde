//! Several runs: a judgement per run, side by side, as of one plan on several targets, or of runs that somebody put together.
//! Nothing is computed across them; a target without a run keeps its column, and the column says why.

use super::{Ending, Judgement};
use crate::rundir::{Manifest, Outcome, RunSet, SetTarget};
use crate::scenario::Arm;

/// Judgements side by side, a column per run.
#[derive(Clone, Debug)]
pub struct Lineup {
    /// The scenario's name.
    pub scenario: String,
    /// Users in the plan.
    pub users: u32,
    /// The arms, in the scenario's order.
    pub arms: Vec<Arm>,
    /// In the order in which the targets, or the runs, were named.
    pub columns: Vec<Column>,
}

/// What is known of one target, or one run.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub target: String,
    /// The way to its run directory from where the table of all is.
    pub folder: String,
    /// What the server calls itself; empty where there is no run.
    pub server: String,
    /// When its run began.
    pub started: String,
    /// Fingerprint of the plan that its run carried out.
    pub plan: String,
    /// What its run says, or why there is none: a sentence.
    pub result: Result<Judgement, String>,
}

/// How a column stands, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its figures are a result.
    Valid,
    /// Its figures cannot be trusted.
    Invalid,
    /// The user stopped it.
    Interrupted,
    /// It broke off.
    Unfinished,
    /// There are no figures.
    NotRun,
}

impl Lineup {
    /// The columns of a set under its heading.
    pub fn of(set: &RunSet, columns: Vec<Column>) -> Self {
        Self {
            scenario: set.manifest.scenario_name.clone(),
            users: set.manifest.users,
            arms: set.manifest.arms.clone(),
            columns,
        }
    }

    /// Runs that somebody put together, each with all that it has: an arm that a run lacks has no figures in its column.
    pub fn of_runs(columns: Vec<Column>) -> Self {
        let judged: Vec<&Judgement> = columns
            .iter()
            .filter_map(|column| column.result.as_ref().ok())
            .collect();
        let mut arms: Vec<Arm> = Vec::new();
        let mut scenarios: Vec<&str> = Vec::new();
        for judgement in &judged {
            let setting = &judgement.setting;
            arms.extend(
                setting
                    .arms
                    .iter()
                    .filter(|arm| !arms.contains(arm))
                    .copied()
                    .collect::<Vec<_>>(),
            );
            if !scenarios.contains(&setting.scenario.as_str()) {
                scenarios.push(&setting.scenario);
            }
        }
        arms.sort_by_key(|arm| arm.protocol());
        Self {
            scenario: scenarios.join(", "),
            users: judged.first().map_or(0, |it| it.setting.users),
            arms,
            columns,
        }
    }

    /// Whether all runs carried out the same plan.
    pub fn is_of_one_plan(&self) -> bool {
        let mut plans = self.columns.iter().filter(|it| it.result.is_ok());
        let first = plans.next().map(|column| &column.plan);
        plans.all(|column| Some(&column.plan) == first)
    }

    /// How many targets have figures.
    pub fn judged(&self) -> usize {
        self.columns.iter().filter(|it| it.result.is_ok()).count()
    }
}

impl Default for Column {
    fn default() -> Self {
        Self {
            target: String::new(),
            folder: String::new(),
            server: String::new(),
            started: String::new(),
            plan: String::new(),
            result: Err(String::new()),
        }
    }
}

impl Column {
    /// The column of a target: `result` is what its run directory gave, where it has one. A run of another plan than
    /// the set's has no place in it.
    pub fn of(
        set: &RunSet,
        target: &SetTarget,
        result: Option<Result<(Judgement, Manifest), String>>,
    ) -> Self {
        let plan = &set.manifest.plan_fingerprint;
        let result = match result {
            None => Err(why_none(target.outcome.as_ref())),
            Some(Ok((_, its))) if its.plan_fingerprint != *plan => Err(format!(
                "its run carried out another plan ({}) than the set ({plan}), so it cannot stand beside the others",
                its.plan_fingerprint
            )),
            Some(result) => result,
        };
        let (name, folder) = (target.name.clone(), target.folder.clone());
        match result {
            Ok((judgement, manifest)) => Self::of_run(name, folder, judgement, &manifest),
            Err(reason) => Self {
                target: name,
                folder,
                result: Err(reason),
                ..Self::default()
            },
        }
    }

    /// The column of a run.
    pub fn of_run(
        target: String,
        folder: String,
        judgement: Judgement,
        manifest: &Manifest,
    ) -> Self {
        Self {
            target,
            folder,
            server: format!("{} {}", manifest.target.name, manifest.target.version),
            started: manifest.started.clone(),
            plan: manifest.plan_fingerprint.clone(),
            result: Ok(judgement),
        }
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        match &self.result {
            Err(_) => Standing::NotRun,
            Ok(judgement) => match judgement.setting.ending {
                Ending::Interrupted => Standing::Interrupted,
                Ending::Unfinished => Standing::Unfinished,
                Ending::Finished if judgement.validity.is_valid() => Standing::Valid,
                Ending::Finished => Standing::Invalid,
            },
        }
    }
}

fn why_none(outcome: Option<&Outcome>) -> String {
    match outcome {
        None => "its turn did not come".to_owned(),
        Some(Outcome::Failed(reason)) => reason.clone(),
        Some(Outcome::Interrupted) => "it was stopped before its run began".to_owned(),
        Some(Outcome::Running) => "it broke off before its run began".to_owned(),
        Some(Outcome::Complete) => "its run directory is gone".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::judge;
    use crate::judge::synthetic::as_the_document_says;
    use crate::rundir::SetManifest;

    fn set() -> (tempfile::TempDir, RunSet) {
        let dir = tempfile::tempdir().unwrap();
        let manifest = SetManifest {
            plan_fingerprint: "one".into(),
            targets: SetTarget::waiting(&["dovecot"]),
            ..SetManifest::default()
        };
        let set = RunSet::create(dir.path(), manifest).unwrap();
        (dir, set)
    }

    #[test]
    fn a_run_of_another_plan_has_no_place_in_the_set() {
        let (_dir, set) = set();
        let target = &set.manifest.targets[0];
        let of = |plan: &str| {
            let judgement = judge(&as_the_document_says());
            let manifest = Manifest {
                plan_fingerprint: plan.to_owned(),
                ..Manifest::default()
            };
            Column::of(&set, target, Some(Ok((judgement, manifest))))
        };
        assert_eq!(of("one").standing(), Standing::Valid);
        assert_eq!(of("two").standing(), Standing::NotRun);
        assert!(of("two").result.unwrap_err().contains("another plan"));
    }

    #[test]
    fn a_target_without_a_run_says_why() {
        let (_dir, set) = set();
        let mut target = set.manifest.targets[0].clone();
        let reason = |target: &SetTarget| Column::of(&set, target, None).result.unwrap_err();
        assert_eq!(reason(&target), "its turn did not come");
        target.outcome = Some(Outcome::Failed("Dovecot is not installed".into()));
        assert_eq!(reason(&target), "Dovecot is not installed");
    }
}

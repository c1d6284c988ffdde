//! The same plan on several targets: a judgement per target, side by side. Nothing is computed across targets; a target
//! without a run keeps its column, and the column says why.

use super::{Ending, Judgement};
use crate::rundir::{Outcome, RunSet, SetTarget};
use crate::scenario::Arm;

/// Judgements of one plan, a column per target.
#[derive(Clone, Debug)]
pub struct Lineup {
    /// The scenario's name.
    pub scenario: String,
    /// Users in the plan.
    pub users: u32,
    /// The arms, in the scenario's order.
    pub arms: Vec<Arm>,
    /// In the order in which the targets were named.
    pub columns: Vec<Column>,
}

/// What is known of one target.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub target: String,
    /// Name of its run directory in the set's.
    pub folder: String,
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

    /// How many targets have figures.
    pub fn judged(&self) -> usize {
        self.columns.iter().filter(|it| it.result.is_ok()).count()
    }
}

impl Column {
    /// The column of a target: `result` is what its run directory gave, where it has one. A run of another plan than
    /// the set's has no place in it.
    pub fn of(
        set: &RunSet,
        target: &SetTarget,
        result: Option<Result<(Judgement, String), String>>,
    ) -> Self {
        let plan = &set.manifest.plan_fingerprint;
        let result = match result {
            None => Err(why_none(target.outcome.as_ref())),
            Some(Err(reason)) => Err(reason),
            Some(Ok((judgement, its_plan))) if its_plan == *plan => Ok(judgement),
            Some(Ok((_, its_plan))) => Err(format!(
                "its run carried out another plan ({its_plan}) than the set ({plan}), so it cannot stand beside the others"
            )),
        };
        Self {
            target: target.name.clone(),
            folder: target.folder.clone(),
            result,
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
            Column::of(&set, target, Some(Ok((judgement, plan.to_owned()))))
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

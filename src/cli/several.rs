//! `mailgauge compare` with several targets: the same plan on each, one after another, a run directory for each, and one
//! table of them all. A target that fails keeps its column, which says why; the others go on.

use std::path::Path;

use anyhow::bail;
use tokio::sync::watch;

use crate::engine::{self, Ended, Stop};
use crate::exit::Exit;
use crate::rundir::{Outcome, RunSet, SetManifest, SetTarget};
use crate::target::{Target, TargetError};

use super::UsageError;
use super::compare::{Job, directory, runtime, stop_signal};
use super::measure::outcome;
use super::report;
use super::target::TargetOptions;

/// A target by its name, or why it cannot be had on this machine.
struct Candidate {
    name: String,
    target: Result<Target, TargetError>,
}

impl Candidate {
    fn find(name: &str, options: &TargetOptions) -> Result<Self, UsageError> {
        let target = options.find(name)?;
        let name = target.as_ref().map_or(name, Target::name).to_owned();
        Ok(Self { name, target })
    }
}

/// Does it.
pub(super) fn run(job: Job<'_>, names: &[String]) -> anyhow::Result<Exit> {
    let candidates: Vec<Candidate> = names
        .iter()
        .map(|name| Candidate::find(name, &job.args.target_options))
        .collect::<Result<_, _>>()?;
    refuse_doubles(&candidates)?;
    if candidates.iter().all(|candidate| candidate.target.is_err()) {
        let reasons = candidates.iter().filter_map(|it| it.target.as_ref().err());
        let reasons: Vec<String> = reasons.map(ToString::to_string).collect();
        bail!("none of the targets can be run: {}", reasons.join("; "));
    }
    engine::make_room(&engine::request(job.scenario, job.plan))?;
    runtime()?.block_on(compare(job, candidates))
}

/// The name is all that tells two columns apart.
fn refuse_doubles(candidates: &[Candidate]) -> Result<(), UsageError> {
    for (index, Candidate { name, .. }) in candidates.iter().enumerate() {
        if candidates[..index].iter().any(|other| other.name == *name) {
            return Err(UsageError(format!(
                "the target `{name}` is named twice: each `--target` may stand once (for what one server differs by from run to run, take more blocks: `--blocks`)"
            )));
        }
    }
    Ok(())
}

async fn compare(job: Job<'_>, candidates: Vec<Candidate>) -> anyhow::Result<Exit> {
    let (_, stop) = stop_signal()?;
    let (lang, quiet) = (job.args.lang, job.args.quiet);
    // What an owner must agree to is asked for before the first load, not in the middle of the night.
    for target in candidates.iter().filter_map(|it| it.target.as_ref().ok()) {
        let admitted = engine::admit(target, job.scenario, job.plan).await;
        if let Err(error @ TargetError::Unsafe { .. }) = admitted {
            return Err(error.into());
        }
    }
    let names: Vec<&str> = candidates.iter().map(|it| it.name.as_str()).collect();
    let dir = directory(
        job.args.out.as_deref(),
        &job.scenario.name,
        &names.join("+"),
    )?;
    let mut set = RunSet::create(&dir, manifest(job, &names))?;
    let mut exit = Exit::Pass;
    let count = candidates.len();
    for (index, candidate) in candidates.into_iter().enumerate() {
        if *stop.borrow() > Stop::No {
            break;
        }
        let name = candidate.name;
        if !quiet {
            eprintln!("target {}/{count}: {name}", index + 1);
        }
        set.note(index, Outcome::Running)?;
        let run_dir = set.run_path(&set.manifest.targets[index]);
        let ended = match candidate.target {
            Ok(target) => turn(job, target, &run_dir, stop.clone())
                .await
                .unwrap_or_else(|error| Ended::Failed(format!("{error:#}"))),
            Err(error) => Ended::Failed(error.to_string()),
        };
        set.note(index, outcome(&ended))?;
        if let Ended::Failed(reason) = &ended {
            eprintln!("mailgauge: {name}: {reason}");
            exit = exit.worse(Exit::CouldNotRun);
        }
    }
    if *stop.borrow() > Stop::No {
        exit = exit.worse(Exit::Interrupted);
    }
    let targets = set.manifest.targets.iter();
    let columns: Vec<_> = targets.map(|it| report::column(&set, it, lang)).collect();
    exit = columns
        .iter()
        .map(report::exit_of_column)
        .fold(exit, Exit::worse);
    report::conclude_set(&set, columns, lang, quiet)?;
    if !quiet {
        eprintln!("results: {}", dir.display());
    }
    Ok(exit)
}

/// One target's run.
async fn turn(
    job: Job<'_>,
    mut target: Target,
    dir: &Path,
    stop: watch::Receiver<Stop>,
) -> anyhow::Result<Ended> {
    match job.task().look_at(&mut target, &stop).await? {
        Some(seen) => job.task().measure(target, seen, dir, stop).await,
        None => Ok(Ended::Interrupted),
    }
}

fn manifest(job: Job<'_>, names: &[&str]) -> SetManifest {
    SetManifest {
        started: jiff::Timestamp::now().to_string(),
        scenario_name: job.scenario.name.clone(),
        users: job.scenario.users.count,
        arms: job.scenario.run.arms.clone(),
        plan_fingerprint: job.plan.fingerprint(),
        targets: SetTarget::waiting(names),
        ..SetManifest::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Candidate, refuse_doubles};
    use crate::target::TargetError;

    fn candidates(names: &[&str]) -> Vec<Candidate> {
        let absent = |name: &&str| Candidate {
            name: (*name).to_owned(),
            target: Err(TargetError::Unusable {
                reason: "it is not here".into(),
            }),
        };
        names.iter().map(absent).collect()
    }

    #[test]
    fn a_target_may_stand_once_and_its_variants_beside_it() {
        assert!(refuse_doubles(&candidates(&["dovecot", "dovecot:mdbox", "cyrus"])).is_ok());
        let error = refuse_doubles(&candidates(&["dovecot", "cyrus", "dovecot"])).unwrap_err();
        assert!(error.to_string().contains("`dovecot` is named twice"));
    }
}

//! The figures of a set of runs, read from their directories or from a baseline that was stored.

use std::collections::BTreeMap;
use std::path::Path;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::judge::{Evidence, Judgement, Unit, judge};
use crate::metrics::Operation;
use crate::rundir::{self, RunDir, Time};
use crate::scenario::{Arm, Phase};

/// The version of a stored baseline's shape; grows when a reader would have to change.
pub const BASELINE_VERSION: u32 = 1;

/// Operations behind a quantile below which it says nothing of a run: a median, a 99th percentile.
const FOR_MEDIAN: u64 = 20;
const FOR_P99: u64 = 200;

/// What a run is, beside its figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// When it began, RFC 3339.
    pub started: String,
    /// Its id.
    pub run: String,
    /// Version of mailgauge.
    pub mailgauge: String,
    /// What was measured against.
    pub target: String,
    /// Its version.
    pub version: String,
    /// The scenario.
    pub scenario: String,
}

/// One run: its figures by name, all of which are better when they are less.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// What it is.
    pub facts: Facts,
    /// `imap.usable_p50` and its value.
    pub values: BTreeMap<String, f64>,
}

/// Runs of one version of one system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunSet {
    /// [`BASELINE_VERSION`] of the writer.
    pub schema_version: u32,
    /// Of the plan that all runs carried out.
    pub plan_fingerprint: String,
    /// The runs.
    pub runs: Vec<Figures>,
    /// Runs that were left out because they are no result: directory and reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// A set cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// A file or directory cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A run directory cannot be read.
    #[error(transparent)]
    Run(#[from] rundir::Error),
    /// There is no run in it.
    #[error(
        "{0} holds no run: name a run directory, a directory of run directories, or a stored baseline (.json)"
    )]
    Empty(String),
    /// It is no baseline.
    #[error(
        "{path} is no stored baseline: {reason}; `mailgauge regress RUNS --save-baseline FILE` makes one"
    )]
    NotABaseline {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// Runs of different plans cannot be compared.
    #[error(
        "{path} carried out another plan ({found}) than the runs before it ({wanted}): take the same scenario, seed and users for all"
    )]
    OtherPlan {
        /// Which.
        path: String,
        /// Its plan.
        found: String,
        /// Theirs.
        wanted: String,
    },
}

impl RunSet {
    /// Reads a run directory, a directory of run directories, or a stored baseline.
    ///
    /// # Errors
    /// There is nothing to read, or the runs do not belong together.
    pub fn read(path: &Path) -> Result<Self, SetError> {
        let unreadable = |source| SetError::Unreadable {
            path: path.display().to_string(),
            source,
        };
        if path.is_file() {
            return Self::of_baseline(path, &std::fs::read_to_string(path).map_err(unreadable)?);
        }
        let mut set = Self {
            schema_version: BASELINE_VERSION,
            ..Self::default()
        };
        if path.join(rundir::MANIFEST).is_file() {
            set.add(path)?;
        } else {
            let entries = std::fs::read_dir(path).map_err(unreadable)?;
            let mut folders: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
            folders.sort();
            // `latest` is a link to one of the others.
            folders.retain(|it| !it.is_symlink() && it.join(rundir::MANIFEST).is_file());
            for folder in folders {
                set.add(&folder)?;
            }
        }
        if set.runs.is_empty() && set.left_out.is_empty() {
            return Err(SetError::Empty(path.display().to_string()));
        }
        Ok(set)
    }

    fn of_baseline(path: &Path, text: &str) -> Result<Self, SetError> {
        let not = |reason: String| SetError::NotABaseline {
            path: path.display().to_string(),
            reason,
        };
        let set: Self = serde_json::from_str(text).map_err(|error| not(error.to_string()))?;
        if set.schema_version != BASELINE_VERSION {
            return Err(not(format!(
                "it has schema version {}, this is version {BASELINE_VERSION}",
                set.schema_version
            )));
        }
        Ok(set)
    }

    /// The text of a baseline file.
    pub fn baseline(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// Another set must have carried out the same plan.
    pub fn check_same_plan(&self, other: &Self, path: &Path) -> Result<(), SetError> {
        if self.plan_fingerprint == other.plan_fingerprint {
            return Ok(());
        }
        Err(SetError::OtherPlan {
            path: path.display().to_string(),
            found: other.plan_fingerprint.clone(),
            wanted: self.plan_fingerprint.clone(),
        })
    }

    /// The names of all figures, each once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<&str> = self
            .runs
            .iter()
            .flat_map(|run| run.values.keys())
            .map(String::as_str)
            .collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter()
    }

    /// A figure in each run that has it.
    pub fn values(&self, name: &str) -> Vec<f64> {
        let runs = self.runs.iter();
        runs.filter_map(|run| run.values.get(name).copied())
            .collect()
    }

    fn add(&mut self, path: &Path) -> Result<(), SetError> {
        let run = RunDir::open(path)?;
        let plan = &run.manifest.plan_fingerprint;
        if self.plan_fingerprint.is_empty() {
            self.plan_fingerprint.clone_from(plan);
        } else if self.plan_fingerprint != *plan {
            return Err(SetError::OtherPlan {
                path: path.display().to_string(),
                found: plan.clone(),
                wanted: self.plan_fingerprint.clone(),
            });
        }
        let judgement = judge(&Evidence::read(&run)?);
        if judgement.validity.is_valid() {
            self.runs.push(figures(&run, &judgement)?);
        } else {
            let reasons = judgement.validity.reasons.join(" ");
            self.left_out.push(format!("{}: {reasons}", path.display()));
        }
        Ok(())
    }
}

fn figures(run: &RunDir, judgement: &Judgement) -> Result<Figures, rundir::Error> {
    let manifest = &run.manifest;
    let facts = Facts {
        started: manifest.started.clone(),
        run: manifest.run_id.clone(),
        mailgauge: manifest.mailgauge.clone(),
        target: manifest.target.name.clone(),
        version: manifest.target.version.clone(),
        scenario: manifest.scenario_name.clone(),
    };
    let mut values = latencies(run)?;
    for row in &judgement.rows {
        for arm in &row.arms {
            // Shares have a floor and a ceiling, not ratios; gates are for those.
            let quantities = arm.figures.iter().filter(|figure| {
                !matches!(figure.metric.unit, Unit::Port | Unit::Percent) && figure.value.is_some()
            });
            for figure in quantities {
                let name = format!("{}.{}", arm.arm, figure.metric.name);
                values.insert(name, figure.value.unwrap_or_default());
            }
        }
    }
    Ok(Figures { facts, values })
}

/// Response times by arm and operation, from histograms merged over devices and blocks.
fn latencies(run: &RunDir) -> Result<BTreeMap<String, f64>, rundir::Error> {
    let histograms = run.latencies(|label| {
        label.time == Time::Response
            && label.key.phase == Phase::Measure
            && label.key.operation.is_latency()
    })?;
    let mut merged: BTreeMap<(Arm, Operation), Histogram<u64>> = BTreeMap::new();
    for (label, histogram) in histograms {
        match merged.get_mut(&(label.cell.arm, label.key.operation)) {
            // Same bounds and digits on both sides, so nothing can be out of range.
            Some(sum) => drop(sum.add(&histogram)),
            None => drop(merged.insert((label.cell.arm, label.key.operation), histogram)),
        }
    }
    let mut values = BTreeMap::new();
    for ((arm, operation), histogram) in merged {
        for (name, q, enough) in [("p50", 0.5, FOR_MEDIAN), ("p99", 0.99, FOR_P99)] {
            if histogram.len() >= enough {
                let name = format!("{arm}.{operation}.response.{name}");
                values.insert(name, histogram.value_at_quantile(q) as f64 / 1e3);
            }
        }
    }
    Ok(values)
}

//! Several runs of one plan, side by side: a directory with an ordinary run directory per target, and `set.json`,
//! which says which there are, which plan they share, and why one of them may be missing.

use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Serialize};

use super::manifest::{Outcome, SCHEMA_VERSION, read_json, write_json};
use super::{Error, create_empty, files, plain};
use crate::scenario::Arm;

/// `set.json`: what the set holds. Replaced whole whenever a target's turn begins or ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetManifest {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// Version of mailgauge.
    pub mailgauge: String,
    /// When the first target's turn came, RFC 3339.
    pub started: String,
    /// Name of the scenario.
    pub scenario_name: String,
    /// Users of the whole population.
    pub users: u32,
    /// The arms.
    pub arms: Vec<Arm>,
    /// Fingerprint of the plan: a run with another one is no part of the set.
    pub plan_fingerprint: String,
    /// The targets, in the order in which they are run.
    pub targets: Vec<SetTarget>,
}

/// One target of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetTarget {
    /// Its name, as in the `target` column.
    pub name: String,
    /// Name of its run directory in the set's; not there if the target never got as far as a run.
    pub folder: String,
    /// How its run ended; none: its turn has not come.
    pub outcome: Option<Outcome>,
}

impl SetTarget {
    /// Targets whose turn has not come, each with a folder of its own.
    pub fn waiting<S: AsRef<str>>(names: &[S]) -> Vec<Self> {
        let mut targets: Vec<Self> = Vec::new();
        for name in names {
            let name = name.as_ref();
            let stem = plain(name);
            let mut folder = stem.clone();
            let mut number = 2;
            while targets.iter().any(|other| other.folder == folder) {
                folder = format!("{stem}-{number}");
                number += 1;
            }
            targets.push(Self {
                name: name.to_owned(),
                folder,
                outcome: None,
            });
        }
        targets
    }
}

/// A directory of runs of one plan against several targets.
#[derive(Debug)]
pub struct RunSet {
    /// What it holds.
    pub manifest: SetManifest,
    path: PathBuf,
}

impl RunSet {
    /// Creates the directory, or takes an empty one, for runs that are to come.
    pub fn create(path: &Path, manifest: SetManifest) -> Result<Self, Error> {
        create_empty(path)?;
        write_json(path, files::SET, &manifest)?;
        let path = path.to_path_buf();
        Ok(Self { manifest, path })
    }

    /// Whether a directory holds a set; else it may hold a run.
    pub fn is_at(path: &Path) -> bool {
        path.join(files::SET).is_file()
    }

    /// Opens a set, finished or not.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = path.join(files::SET);
        let manifest: SetManifest = read_json(&file)?;
        // The folders become paths, so no text that somebody changed may lead out of the directory.
        let stray = manifest
            .targets
            .iter()
            .find(|target| plain(&target.folder) != target.folder);
        if let Some(target) = stray {
            let source = serde_json::Error::custom(format!(
                "`{}` is no folder that a set has",
                target.folder
            ));
            return Err(Error::Manifest { path: file, source });
        }
        let path = path.to_path_buf();
        Ok(Self { manifest, path })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the run of a target is, or would be.
    pub fn run_path(&self, target: &SetTarget) -> PathBuf {
        self.path.join(&target.folder)
    }

    /// Whether that target got as far as a run.
    pub fn has_run(&self, target: &SetTarget) -> bool {
        self.run_path(target).join(files::MANIFEST).is_file()
    }

    /// Notes how a target's run stands, on disk too. The index is that of [`SetManifest::targets`].
    pub fn note(&mut self, index: usize, outcome: Outcome) -> Result<(), Error> {
        if let Some(target) = self.manifest.targets.get_mut(index) {
            target.outcome = Some(outcome);
        }
        write_json(&self.path, files::SET, &self.manifest)
    }
}

impl Default for SetManifest {
    fn default() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            mailgauge: env!("CARGO_PKG_VERSION").to_owned(),
            started: String::new(),
            scenario_name: String::new(),
            users: 0,
            arms: Vec::new(),
            plan_fingerprint: String::new(),
            targets: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn each_target_has_a_folder_of_its_own() {
        let names = ["dovecot", "dovecot:mdbox", "a.b", "a-b", "…"];
        let folders: Vec<String> = SetTarget::waiting(&names)
            .into_iter()
            .map(|target| target.folder)
            .collect();
        let expected = ["dovecot", "dovecot-mdbox", "a-b", "a-b-2", "unnamed"];
        assert_eq!(folders, expected);
    }

    #[test]
    fn a_set_is_read_back_as_it_was_noted() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!RunSet::is_at(dir.path()));
        let manifest = SetManifest {
            targets: SetTarget::waiting(&["one", "two"]),
            ..SetManifest::default()
        };
        let mut set = RunSet::create(dir.path(), manifest).unwrap();
        set.note(1, Outcome::Failed("not installed".into()))
            .unwrap();
        assert!(RunSet::is_at(dir.path()));
        let read = RunSet::open(dir.path()).unwrap();
        assert_eq!(read.manifest, set.manifest);
        assert_eq!(read.manifest.targets[0].outcome, None);
        assert!(!read.has_run(&read.manifest.targets[0]));
    }

    #[test]
    fn a_folder_that_leads_elsewhere_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = SetManifest {
            targets: SetTarget::waiting(&["one"]),
            ..SetManifest::default()
        };
        RunSet::create(dir.path(), manifest).unwrap();
        let file = dir.path().join(files::SET);
        let text = fs::read_to_string(&file).unwrap();
        for stray in ["../one", "/etc", "", "one/two"] {
            let changed = text.replace("\"folder\": \"one\"", &format!("\"folder\": \"{stray}\""));
            assert_ne!(changed, text);
            fs::write(&file, changed).unwrap();
            assert!(RunSet::open(dir.path()).is_err(), "{stray}");
        }
    }
}

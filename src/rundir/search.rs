//! A search for the capacity of a server: a directory with an ordinary run directory per trial, and `capacity.json`, which
//! says what was searched for, what each trial was for, and how the search ended. Nothing that follows from the trials
//! is in it, so that a search that was killed is understood from what it left.

use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Serialize};

use super::manifest::{Outcome, SCHEMA_VERSION, read_json, write_json};
use super::{Error, create_empty, files, plain};
use crate::scenario::{Arm, Gate};

/// `capacity.json`. Replaced whole whenever a trial begins or ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchManifest {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// Version of mailgauge.
    pub mailgauge: String,
    /// When the search began, RFC 3339.
    pub started: String,
    /// Name of the scenario.
    pub scenario_name: String,
    /// The question that the scenario answers.
    pub scenario_question: String,
    /// The scenario's text with the first population, TOML.
    pub scenario_toml: String,
    /// Name of the target.
    pub target: String,
    /// The arms, in the order in which they are searched.
    pub arms: Vec<Arm>,
    /// A sentence for each arm that cannot run there.
    pub left_out: Vec<String>,
    /// Name of the service level.
    pub level: String,
    /// Rules besides those of the level.
    pub gates: Vec<Gate>,
    /// The first population that is tried.
    pub first: u32,
    /// The largest that may be tried.
    pub most: u32,
    /// How narrow the gap must become, relative to the population.
    pub resolution: f64,
    /// How many sessions of one user each protocol let in at once, and how many were tried.
    #[serde(default)]
    pub crowd: Vec<CrowdFacts>,
    /// The trials so far, in order.
    pub trials: Vec<SearchTrial>,
    /// How the search ended.
    pub outcome: Outcome,
    /// There was no time for a trial that it wanted.
    #[serde(default)]
    pub out_of_time: bool,
}

/// How many sessions of one user a protocol let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrowdFacts {
    /// `pop3` or `imap`.
    pub protocol: String,
    /// So many were tried.
    pub tried: u32,
    /// So many were let in.
    pub let_in: u32,
    /// The server's words to the next one.
    pub refused: Option<String>,
}

/// One trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchTrial {
    /// From 1, over all arms.
    pub number: u32,
    /// The arm.
    pub arm: Arm,
    /// The population.
    pub users: u32,
    /// What it is for: `bracket`, `bisect`, `recheck`, `confirm`, `shown`, `question`.
    pub purpose: String,
    /// Which of the planner's questions, and how much of what it asks about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Asked>,
    /// Name of its run directory in the search's.
    pub folder: String,
    /// Why it was not run at all: a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// It came to its end, whatever that was.
    pub over: bool,
}

/// A planner's question as a trial asks it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// `polls`, `mailbox`, `storm`.
    pub about: String,
    /// How many times as much as in the scenario.
    pub times: f64,
}

/// A directory of trials.
#[derive(Debug)]
pub struct Search {
    /// What it holds.
    pub manifest: SearchManifest,
    path: PathBuf,
}

impl Search {
    /// Creates the directory, or takes an empty one.
    pub fn create(path: &Path, manifest: SearchManifest) -> Result<Self, Error> {
        create_empty(path)?;
        let search = Self {
            manifest,
            path: path.to_path_buf(),
        };
        search.write()?;
        Ok(search)
    }

    /// Whether a directory holds a search; else it may hold a run.
    pub fn is_at(path: &Path) -> bool {
        path.join(files::SEARCH).is_file()
    }

    /// Opens a search, finished or not.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = path.join(files::SEARCH);
        let manifest: SearchManifest = read_json(&file)?;
        // The folders become paths, so no text that somebody changed may lead out of the directory.
        let mut trials = manifest.trials.iter();
        if let Some(stray) = trials.find(|trial| plain(&trial.folder) != trial.folder) {
            let text = format!("`{}` is no folder that a search has", stray.folder);
            let source = serde_json::Error::custom(text);
            return Err(Error::Manifest { path: file, source });
        }
        Ok(Self {
            manifest,
            path: path.to_path_buf(),
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the run of a trial is, or would be.
    pub fn run_path(&self, trial: &SearchTrial) -> PathBuf {
        self.path.join(&trial.folder)
    }

    /// Notes a trial that begins, on disk too, and numbers it.
    pub fn begin(
        &mut self,
        arm: Arm,
        users: u32,
        purpose: &str,
        question: Option<&Asked>,
    ) -> Result<SearchTrial, Error> {
        let number = self.manifest.trials.len() as u32 + 1;
        let what = question.map_or(purpose, |asked| &asked.about);
        let trial = SearchTrial {
            number,
            arm,
            users,
            purpose: purpose.to_owned(),
            question: question.cloned(),
            folder: plain(&format!("{number:03}-{arm}-{users}-{what}")),
            refused: None,
            over: false,
        };
        self.manifest.trials.push(trial.clone());
        self.write()?;
        Ok(trial)
    }

    /// Notes that the trial begun last is over, or why it was not run.
    pub fn end(&mut self, refused: Option<String>) -> Result<(), Error> {
        if let Some(trial) = self.manifest.trials.last_mut() {
            trial.over = true;
            trial.refused = refused;
        }
        self.write()
    }

    /// Notes how the search ended.
    pub fn conclude(&mut self, outcome: Outcome) -> Result<(), Error> {
        self.manifest.outcome = outcome;
        self.write()
    }

    fn write(&self) -> Result<(), Error> {
        write_json(&self.path, files::SEARCH, &self.manifest)
    }
}

impl Default for SearchManifest {
    fn default() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            mailgauge: env!("CARGO_PKG_VERSION").to_owned(),
            started: String::new(),
            scenario_name: String::new(),
            scenario_question: String::new(),
            scenario_toml: String::new(),
            target: String::new(),
            arms: Vec::new(),
            left_out: Vec::new(),
            level: String::new(),
            gates: Vec::new(),
            first: 1,
            most: 1,
            resolution: 0.0,
            crowd: Vec::new(),
            trials: Vec::new(),
            outcome: Outcome::Running,
            out_of_time: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_search_is_read_back_as_it_was_noted_and_leads_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!Search::is_at(dir.path()));
        let mut search = Search::create(dir.path(), SearchManifest::default()).unwrap();
        let first = search.begin(Arm::POP3, 20, "bracket", None).unwrap();
        assert_eq!(first.folder, "001-pop3-20-bracket");
        search.end(None).unwrap();
        let asked = Asked {
            about: "polls".to_owned(),
            times: 4.0,
        };
        search
            .begin(Arm::IMAP, 20, "question", Some(&asked))
            .unwrap();
        let read = Search::open(dir.path()).unwrap();
        assert_eq!(read.manifest, search.manifest);
        assert!(read.manifest.trials[0].over && !read.manifest.trials[1].over);
        let file = dir.path().join(files::SEARCH);
        let text = fs::read_to_string(&file).unwrap();
        for stray in ["../x", "/etc", "", "a/b"] {
            let changed = text.replace("001-pop3-20-bracket", stray);
            fs::write(&file, changed).unwrap();
            assert!(Search::open(dir.path()).is_err(), "{stray}");
        }
    }
}

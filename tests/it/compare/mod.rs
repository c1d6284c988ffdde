//! `mailgauge compare` from end to end: how a small run is made, and what is asked of what it leaves.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use mailgauge::rundir::{Manifest, RunDir};
use mailgauge::scenario::{Arm, Phase};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::mailgauge;

mod alone;
mod arms;
mod habits;
mod in_process;

/// Few users, short phases: a cell takes about three seconds.
pub(crate) const TINY: &[&str] = &[
    "--users",
    "4",
    "--blocks",
    "1",
    "--set",
    "run.measure=1500ms",
    "--set",
    "run.ramp_up=500ms",
    "--set",
    "run.warm_up=500ms",
    "--set",
    "users.phone=1",
    "--set",
    "users.notebook=1",
    "--set",
    "habits.sittings_per_hour=12",
    "--set",
    "habits.revisit=0.5",
];

/// A comparison of the tiny scenario, with its own folder for temporary files.
pub(crate) struct Run {
    folder: tempfile::TempDir,
}

impl Run {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tmp")).unwrap();
        Self { folder }
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    pub(crate) fn tmp(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    pub(crate) fn command(&self, more: &[&str]) -> Command {
        let mut command = mailgauge();
        command
            .args(["compare", "quick"])
            .args(TINY)
            .arg("--out")
            .arg(self.out())
            .args(more)
            .current_dir(self.folder.path())
            .env("TMPDIR", self.tmp())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn start(&self, more: &[&str]) -> Child {
        let mut command = self.command(more);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    pub(crate) fn read(&self) -> RunDir {
        RunDir::open(&self.out()).unwrap()
    }

    /// Nothing of ours is left in the folder for temporary files, and no process that was told of it.
    pub(crate) fn assert_clean(&self) {
        let left: Vec<_> = fs::read_dir(self.tmp())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert!(left.is_empty(), "left behind: {left:?}");
        assert_eq!(processes_of(&self.tmp()), Vec::<u32>::new());
    }

    /// Waits until a cell is in its measured phase.
    pub(crate) fn wait_for_measuring(&self) {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(60) {
            if let Ok(manifest) = Manifest::read(&self.out())
                && manifest.phases.iter().any(|it| it.phase == Phase::Measure)
            {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        panic!("it never came to measure anything");
    }
}

/// Living processes that have a path below `folder` among their arguments or as their working directory.
pub(crate) fn processes_of(folder: &Path) -> Vec<u32> {
    let below = |path: &Path| path.starts_with(folder);
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let cwd = fs::read_link(format!("/proc/{pid}/cwd"));
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let told = line
                .split(|byte| *byte == 0)
                .filter_map(|argument| std::str::from_utf8(argument).ok())
                .any(|argument| below(Path::new(argument)));
            told || cwd.is_ok_and(|cwd| below(&cwd))
        })
        .collect()
}

/// Waits until none of them lives any more.
pub(crate) fn wait_until_gone(folder: &Path) {
    let begun = Instant::now();
    while !processes_of(folder).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(20), "still running");
        sleep(Duration::from_millis(20));
    }
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

pub(crate) fn finish(child: Child) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// What a person would count of a run.
#[derive(Debug, PartialEq)]
pub(crate) struct Counts {
    openings: BTreeMap<(Arm, u32), usize>,
    messages: BTreeMap<Arm, usize>,
    accepted: BTreeMap<Arm, usize>,
}

pub(crate) fn counts(run: &RunDir) -> Counts {
    let mut counts = Counts {
        openings: BTreeMap::new(),
        messages: BTreeMap::new(),
        accepted: BTreeMap::new(),
    };
    for opening in run.openings().unwrap() {
        *counts
            .openings
            .entry((opening.arm, opening.user))
            .or_default() += 1;
    }
    for row in run.consistency().unwrap() {
        *counts.messages.entry(row.arm).or_default() += 1;
        *counts.accepted.entry(row.arm).or_default() += usize::from(row.accepted_at_us.is_some());
    }
    counts
}

/// A machine that is busy with other tests may make the generator late: then the run is done, and rightly called invalid.
pub(crate) fn assert_finished(code: Option<i32>, errors: &str) {
    assert!(matches!(code, Some(0 | 5)), "{code:?}: {errors}");
}

pub(crate) fn assert_sums_hold(run: &RunDir) {
    let checks = run.checks().unwrap();
    assert!(!checks.is_empty());
    let broken: Vec<_> = checks.iter().filter(|check| !check.holds).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

/// By row of the document and arm: whether anything was measured.
pub(crate) fn measured(run: &Run) -> BTreeMap<(u32, String), bool> {
    let mut reader = csv::Reader::from_path(run.out().join("comparison.csv")).unwrap();
    let mut measured = BTreeMap::new();
    for line in reader.records() {
        let line = line.unwrap();
        let key = (line[0].parse().unwrap(), line[3].to_owned());
        *measured.entry(key).or_default() |= !line[5].is_empty() && &line[10] != "not-measured";
    }
    measured
}

pub(crate) fn assert_all_rows_filled(run: &Run) {
    let measured = measured(run);
    for row in 1..=8 {
        for arm in ["pop3", "imap"] {
            assert_eq!(
                measured.get(&(row, arm.into())),
                Some(&true),
                "row {row} {arm}"
            );
        }
    }
}

/// A reason stands in the manifest where forced writes were not counted, and none where they were.
pub(crate) fn assert_uncounted_syncs_are_explained(run: &RunDir) {
    let uncounted = run
        .server()
        .unwrap()
        .iter()
        .any(|row| row.disk_syncs.is_none());
    let reasons = &run.manifest.no_disk_syncs;
    assert_eq!(uncounted, !reasons.is_empty(), "{reasons:?}");
}

/// Under POP the second device does not find what the first one took; under IMAP it does.
pub(crate) fn assert_only_imap_shares(run: &RunDir) {
    let rows = run.consistency().unwrap();
    let shown = |arm: Arm| {
        let mut by_message: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.arm == arm) {
            let (devices, showing) = by_message.entry(&row.message).or_default();
            *devices += 1;
            *showing += usize::from(row.visible_at_us.is_some());
        }
        by_message
    };
    let pop = shown(Arm::POP3);
    assert!(pop.values().all(|(_, showing)| *showing <= 1), "{pop:?}");
    assert!(
        pop.values()
            .any(|(devices, showing)| *devices > 1 && *showing == 1)
    );
    let imap = shown(Arm::IMAP);
    let old = imap
        .values()
        .filter(|(devices, showing)| devices == showing);
    assert!(old.count() * 10 > imap.len() * 8, "{imap:?}");

    let found_nothing = |arm: Arm| {
        let openings = run.openings().unwrap();
        openings
            .iter()
            .filter(|it| it.arm == arm && it.outcome.to_string() == "missing")
            .count()
    };
    assert!(found_nothing(Arm::POP3) > 0);
    assert_eq!(found_nothing(Arm::IMAP), 0);
}

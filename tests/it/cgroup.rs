//! A control group of our own, read while a child in it is busy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mailgauge::probe::{Cgroup, CgroupError, Tree};
use tempfile::TempDir;

use crate::support;

const MOUNT: &str = "/sys/fs/cgroup";
/// Controllers of version 1, and what version 2 is called beside them.
const HIERARCHIES: [&str; 5] = ["cpuacct", "memory", "pids", "blkio", "unified"];
/// The kernel's clock for processes, by which the tree is read.
const TICK_US: u64 = 10_000;

/// A group in every hierarchy that there is; removed at the end.
pub(crate) struct OurGroup(Vec<PathBuf>, TempDir);

impl OurGroup {
    /// None: not allowed here.
    pub(crate) fn create(name: &str) -> Option<Self> {
        let name = format!("mailgauge-test-{}-{name}", std::process::id());
        let mount = Path::new(MOUNT);
        let hierarchies = if mount.join("cgroup.controllers").exists() {
            vec![mount.to_owned()]
        } else {
            HIERARCHIES.map(|name| mount.join(name)).into()
        };
        let mut group = Self(Vec::new(), tempfile::tempdir().ok()?);
        for hierarchy in hierarchies.iter().filter(|path| path.is_dir()) {
            let folder = hierarchy.join(&name);
            fs::create_dir(&folder).ok()?;
            group.0.push(folder);
        }
        let writable = |folder: &PathBuf| {
            let procs = folder.join("cgroup.procs");
            fs::OpenOptions::new().write(true).open(procs).is_ok()
        };
        (!group.0.is_empty() && group.0.iter().all(writable)).then_some(group)
    }

    /// Its folders, and that of version 2 once more by a way that does not show what is mounted beside it.
    fn seen(&self) -> Vec<PathBuf> {
        let mut folders = self.0.clone();
        if let (Some(unified), Some(last)) = (self.unified_alone(), self.0.last()) {
            folders.push(unified.join(last.file_name().unwrap()));
        }
        folders
    }

    /// A link to the mount of version 2 beside version 1, if there is one.
    fn unified_alone(&self) -> Option<PathBuf> {
        let link = self.1.path().join("version-2");
        let mount = self.0.last()?.parent()?;
        (mount.file_name()? == "unified").then_some(())?;
        std::os::unix::fs::symlink(mount, &link).ok()?;
        Some(link)
    }

    /// Moves a process and all that descend from it into the group.
    pub(crate) fn take_in(&self, root: u32) {
        let tree = Tree::new(root);
        // A member may have had a child meanwhile, so until none is left outside.
        loop {
            let inside = self.processor_time().members();
            let mut outside = tree.members();
            outside.retain(|pid| !inside.contains(pid));
            if outside.is_empty() {
                return;
            }
            for (folder, pid) in self
                .0
                .iter()
                .flat_map(|it| outside.iter().map(move |pid| (it, pid)))
            {
                // It may have ended.
                let _ = fs::write(folder.join("cgroup.procs"), pid.to_string());
            }
        }
    }

    /// What tells the processor time of its members.
    pub(crate) fn processor_time(&self) -> Cgroup {
        Cgroup::at(&self.0[0]).unwrap()
    }

    /// Starts a shell that has moved itself into the group before it does anything.
    fn run(&self, script: &str) -> Busy {
        let enter = "for folder; do echo $$ > \"$folder/cgroup.procs\"; done";
        let child = Command::new("sh")
            .arg("-c")
            .arg(format!("{enter}; {script}"))
            .arg("sh")
            .args(&self.0)
            .stdin(Stdio::piped())
            .spawn();
        Busy(child.unwrap())
    }
}

impl Drop for OurGroup {
    fn drop(&mut self) {
        for folder in &self.0 {
            // A process that was killed leaves its group a little later.
            let begin = Instant::now();
            while fs::remove_dir(folder).is_err() && begin.elapsed() < Duration::from_secs(5) {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

struct Busy(Child);

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) const NOT_ALLOWED: &str =
    "control groups cannot be made here (it takes root and a writable /sys/fs/cgroup)";

/// A child that works, alone and through short-lived children of its own, as a mail server does.
const WORK: &str = "while :; do i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; cat /proc/self/stat >/dev/null; done";

/// A child that holds [`HELD`] bytes and waits: the kernel charges a group in batches, so of a few pages it may tell late.
const HOLD: &str = "x=$(head -c 8000000 /dev/zero | tr '\\0' x); read line";
const HELD: u64 = 8_000_000;

#[test]
fn a_group_and_a_tree_tell_the_same_cpu_time_of_a_busy_child_alone() {
    let Some(group) = OurGroup::create("busy") else {
        return support::skipped("a control group's CPU time against the tree's", NOT_ALLOWED);
    };
    let busy = group.run(WORK);
    // What it used before it was in the group is in the tree only, so the rise is compared.
    std::thread::sleep(Duration::from_millis(300));
    let pid = busy.0.id();
    for folder in group.seen() {
        let Ok(found) = Cgroup::at(&folder) else {
            continue;
        };
        let mut meter = found.meter();
        let mut tree = Tree::new(pid);
        let (group_before, tree_before) = (meter.sample(), tree.sample(false).unwrap());
        std::thread::sleep(Duration::from_millis(1_500));
        let (group_after, tree_after) = (meter.sample(), tree.sample(false).unwrap());
        let group_us = (group_after.cpu_user_us + group_after.cpu_system_us)
            - (group_before.cpu_user_us + group_before.cpu_system_us);
        let tree_us = (tree_after.cpu_user_us + tree_after.cpu_system_us)
            - (tree_before.cpu_user_us + tree_before.cpu_system_us);
        assert!(group_us > 100_000, "it was busy: {group_us} µs");
        // 2 %, and two ticks for each live process at either end of the time.
        let processes = u64::from(tree_before.processes + tree_after.processes);
        let bound = group_us / 50 + 2 * TICK_US * processes;
        assert!(
            group_us.abs_diff(tree_us) <= bound,
            "{}: {group_us} µs, tree {tree_us} µs",
            folder.display()
        );
        assert!((1..=2).contains(&group_after.processes));
        println!("{}: {group_us} µs, tree {tree_us} µs", folder.display());
    }
}

#[test]
fn the_group_of_a_process_is_found_below_the_mount() {
    let Some(group) = OurGroup::create("found") else {
        return support::skipped("finding a process's control group", NOT_ALLOWED);
    };
    let idle = group.run(HOLD);
    let begin = Instant::now();
    // Until the shell has moved itself into all of them, and alone holds what it made there.
    let sample = loop {
        assert!(begin.elapsed() < Duration::from_secs(30), "never charged");
        std::thread::sleep(Duration::from_millis(10));
        let Ok(found) = Cgroup::of(idle.0.id(), Path::new(MOUNT)) else {
            continue;
        };
        let sample = found.meter().sample();
        let charged = sample.resident_bytes.is_none_or(|bytes| bytes >= HELD);
        if found == Cgroup::at(&group.0[0]).unwrap() && sample.processes == 1 && charged {
            break sample;
        }
    };
    assert_eq!(sample.threads, 1);
}

#[test]
fn a_process_that_shares_our_group_is_refused() {
    let child = Busy(Command::new("sleep").arg("60").spawn().unwrap());
    match Cgroup::of(child.0.id(), Path::new(MOUNT)) {
        Err(CgroupError::HoldsUs { .. }) => {}
        Err(CgroupError::NotFound { .. } | CgroupError::NotThere { .. }) => {
            support::skipped(
                "a control group shared with mailgauge",
                "there are none here",
            );
        }
        other => panic!("{other:?}"),
    }
}

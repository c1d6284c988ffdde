//! Where the folders of a control group are.

use std::fs;
use std::path::{Component, Path, PathBuf};

use walkdir::WalkDir;

use super::{Cgroup, MOST_GROUPS};

/// The name of version 2 among the controllers of version 1, on machines that have both.
const UNIFIED: &str = "unified";

impl Cgroup {
    /// Where the folder of a controller is kept, if it is one that we read.
    fn slot(&mut self, controller: &str) -> Option<&mut Option<PathBuf>> {
        match controller {
            UNIFIED => Some(&mut self.unified),
            "cpuacct" => Some(&mut self.cpuacct),
            "memory" => Some(&mut self.memory),
            "pids" => Some(&mut self.pids),
            "blkio" => Some(&mut self.blkio),
            _ => None,
        }
    }

    fn set(&mut self, hierarchy: &str, folder: &Path) {
        for controller in hierarchy.split(',') {
            if let Some(slot) = self.slot(controller) {
                *slot = Some(folder.to_owned());
            }
        }
    }
}

/// All folders of the group that has one at `path`: under version 1 the same path below each controller.
pub(super) fn siblings(path: &Path) -> Cgroup {
    let mut group = Cgroup::default();
    for hierarchy in path.ancestors() {
        let Some(mount) = hierarchy.parent().filter(|mount| is_version_1(mount)) else {
            continue;
        };
        let rest = path.strip_prefix(hierarchy).unwrap_or(Path::new(""));
        for (name, hierarchy) in hierarchies(mount) {
            let folder = hierarchy.join(rest);
            if folder.is_dir() {
                group.set(&name, &folder);
            }
        }
        return group;
    }
    group.unified = Some(path.to_owned());
    group
}

/// The folders of the group of `pid` below `mount`, by what `/proc/PID/cgroup` says: `4:memory:/docker/0123` for version
/// 1, `0::/docker/0123` for version 2. What is not found there stays away.
pub(super) fn of_process(groups: &str, pid: u32, mount: &Path) -> Cgroup {
    let mut group = Cgroup::default();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        let (name, hierarchy) = if !controllers.is_empty() {
            let found = hierarchies(mount).find(|(name, _)| name == controllers);
            match found {
                Some(found) => found,
                None => continue,
            }
        } else if is_version_1(mount) {
            (UNIFIED.to_owned(), mount.join(UNIFIED))
        } else {
            (UNIFIED.to_owned(), mount.to_owned())
        };
        if let Some(folder) = folder_of(&hierarchy, Path::new(path), pid) {
            group.set(&name, &folder);
        }
    }
    group
}

/// `path` below `hierarchy`. Seen from another container, a path is relative to that container's group
/// (`/../0123`), so what counts then is its last part, and that the group holds the process.
fn folder_of(hierarchy: &Path, path: &Path, pid: u32) -> Option<PathBuf> {
    let below: PathBuf = path
        .components()
        .filter(|part| matches!(part, Component::Normal(_)))
        .collect();
    let at_once = hierarchy.join(&below);
    if lists(&at_once, pid) {
        return Some(at_once);
    }
    let name = below.file_name()?;
    walk(hierarchy).find(|folder| folder.file_name() == Some(name) && lists(folder, pid))
}

/// Whether `pid` is in the group or in one below it.
pub(super) fn holds(folder: &Path, pid: u32) -> bool {
    walk(folder).any(|folder| lists(&folder, pid))
}

/// The process with the lowest number; those of other PID namespaces show as 0 and are none.
pub(super) fn first_process(folder: &Path) -> Option<u32> {
    let text = fs::read_to_string(folder.join("cgroup.procs")).ok()?;
    text.lines()
        .filter_map(|line| line.parse().ok())
        .filter(|pid| *pid > 0)
        .min()
}

/// Processes in the group and in those below it; those of other PID namespaces show as 0 and are left out.
pub(super) fn processes(folder: &Path) -> Vec<i32> {
    walk(folder)
        .filter_map(|folder| fs::read_to_string(folder.join("cgroup.procs")).ok())
        .flat_map(|text| {
            let numbers = text.lines().filter_map(|line| line.parse().ok());
            numbers.filter(|pid| *pid > 0).collect::<Vec<i32>>()
        })
        .collect()
}

/// Processes in the group and in those below it, also those that show only as 0, being of another PID namespace.
pub(super) fn count_processes(folder: &Path) -> u32 {
    count_lines(folder, "cgroup.procs")
}

/// Threads, likewise.
pub(super) fn count_threads(folder: &Path) -> u32 {
    match count_lines(folder, "cgroup.threads") {
        0 => count_lines(folder, "tasks"),
        threads => threads,
    }
}

fn count_lines(folder: &Path, file: &str) -> u32 {
    walk(folder)
        .filter_map(|folder| fs::read_to_string(folder.join(file)).ok())
        .map(|text| text.lines().count() as u32)
        .fold(0, u32::saturating_add)
}

fn lists(folder: &Path, pid: u32) -> bool {
    fs::read_to_string(folder.join("cgroup.procs"))
        .is_ok_and(|text| text.lines().any(|line| line.parse() == Ok(pid)))
}

/// The folder and all below it.
fn walk(folder: &Path) -> impl Iterator<Item = PathBuf> {
    WalkDir::new(folder)
        .into_iter()
        .filter_entry(|entry| entry.file_type().is_dir())
        .filter_map(Result::ok)
        .take(MOST_GROUPS)
        .map(walkdir::DirEntry::into_path)
}

/// Whether controllers of version 1 are mounted below it.
fn is_version_1(mount: &Path) -> bool {
    hierarchies(mount).any(|(name, _)| name != UNIFIED)
}

/// The hierarchies below a mount of version 1, by their names: `memory`, `cpu,cpuacct` …
fn hierarchies(mount: &Path) -> impl Iterator<Item = (String, PathBuf)> {
    fs::read_dir(mount)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        // `cpu` and `cpuacct` may be links to `cpu,cpuacct`, which is what /proc calls them.
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .filter(|(name, path)| is_hierarchy(name) && path.join("cgroup.procs").exists())
}

fn is_hierarchy(name: &str) -> bool {
    name.split(',')
        .any(|part| Cgroup::default().slot(part).is_some())
}

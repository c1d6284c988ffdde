//! A target on this machine: its processes, its control group, its ports, its mail storage, by what the kernel tells.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::cgroup::{Cgroup, CgroupError, CgroupMeter, CgroupSample};
use super::connections::{Connections, Ports};
use super::process::{Tree, TreeSample, threads_of};
use super::storage::{StorageSize, storage_size};
use super::syncs::{NotCounted, Syncs};
use super::usage::Usage;

/// The kernel walks through all pages for it, so it is not asked each second.
const PSS_EVERY: u64 = 5;
const WALK_EVERY: Duration = Duration::from_secs(1);
/// Walking through the mail storage takes at most one part in this many of the time.
const WALK_SHARE: u32 = 20;

/// What of a target can be seen on this machine.
#[derive(Clone, Debug, Default)]
pub struct Local {
    /// The process that all others of the target descend from, if it can be seen.
    pub root: Option<u32>,
    /// The control group that holds the target and nothing else. Its figures go before those of the processes.
    pub cgroup: Option<Cgroup>,
    /// Folder of its mail storage.
    pub storage: Option<PathBuf>,
}

/// Where this machine's control groups are.
const CGROUPS: &str = "/sys/fs/cgroup";

/// Why a target cannot be seen on this machine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// No such process.
    #[error("process {pid}, which is said to be the server, does not run on this machine")]
    NotRunning {
        /// Its number.
        pid: u32,
    },
    /// The control group cannot be read, or must not be.
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
}

impl Local {
    /// The target with this process, in this control group (below `/sys/fs/cgroup`; with a process too, the mount of
    /// control groups below which the group of that process is looked for), whose mail is in this folder. None: neither a
    /// process nor a group is named.
    ///
    /// # Errors
    /// The process does not run here, or the group cannot be read.
    pub fn find(
        pid: Option<u32>,
        cgroup: Option<&Path>,
        storage: Option<&Path>,
    ) -> Result<Option<Self>, LocalError> {
        if let Some(pid) = pid
            && !Path::new(&format!("/proc/{pid}")).exists()
        {
            return Err(LocalError::NotRunning { pid });
        }
        let cgroup = cgroup.map(|path| {
            let path = Path::new(CGROUPS).join(path);
            match pid {
                Some(pid) => Cgroup::of(pid, &path),
                None => Cgroup::at(&path),
            }
        });
        let cgroup = cgroup.transpose()?;
        let root = pid.or_else(|| cgroup.as_ref().and_then(Cgroup::first_process));
        let seen = root.is_some() || cgroup.is_some();
        Ok(seen.then(|| Self {
            root,
            cgroup,
            storage: storage.map(Path::to_owned),
        }))
    }
}

/// Reads a [`Local`] again and again.
#[derive(Debug)]
pub(super) struct LocalMeter {
    root: Option<u32>,
    tree: Option<Tree>,
    group: Option<CgroupMeter>,
    ports: Ports,
    walker: Option<Walker>,
    syncs: Result<Syncs, NotCounted>,
    /// The target is in a network namespace of its own, so what its interfaces carry is its own.
    own_network: bool,
    samples: u64,
}

impl LocalMeter {
    pub(super) fn new(local: &Local, ports: Ports) -> io::Result<Self> {
        Ok(Self {
            root: local.root,
            tree: local.root.map(Tree::new),
            group: local.cgroup.as_ref().map(Cgroup::meter),
            ports,
            walker: local.storage.clone().map(Walker::start).transpose()?,
            syncs: Syncs::of(&members(local)),
            own_network: local.root.is_some_and(has_own_network),
            samples: 0,
        })
    }

    /// How CPU and memory are known.
    pub(super) fn source(&self) -> &'static str {
        match self.group {
            Some(_) => "cgroup",
            None => "process-tree",
        }
    }

    /// None: there is nothing to be seen.
    pub(super) fn sample(&mut self) -> Option<Usage> {
        let mut usage = self.processes()?;
        self.samples += 1;
        usage.connections = match self.root {
            Some(root) => Connections::of(root, &self.ports),
            None => Connections::from_here(&self.ports),
        };
        usage.storage = self.walker.as_ref().and_then(Walker::size);
        match self.syncs() {
            Ok(count) => usage.disk_syncs = Some(count),
            Err(reason) => usage.no_disk_syncs = Some(reason),
        }
        if let Some((rx, tx)) = self.root.filter(|_| self.own_network).and_then(network) {
            usage.network_rx_bytes = Some(rx);
            usage.network_tx_bytes = Some(tx);
        }
        Some(usage)
    }

    fn syncs(&self) -> Result<u64, String> {
        let syncs = self.syncs.as_ref().map_err(ToString::to_string)?;
        syncs.count().ok_or_else(|| NotCounted::Stopped.to_string())
    }

    fn processes(&mut self) -> Option<Usage> {
        // Not asked of processes whose group is read: it would tell another memory than the group.
        let with_pss = self.group.is_none() && self.samples.is_multiple_of(PSS_EVERY);
        // Fails only where there is no /proc: then there is nothing to say.
        let tree = self
            .tree
            .as_mut()
            .and_then(|tree| tree.sample(with_pss).ok());
        match &mut self.group {
            Some(group) => Some(of_group(group.sample(), tree)),
            None => tree.map(of_tree),
        }
    }
}

fn of_tree(tree: TreeSample) -> Usage {
    Usage {
        cpu_user_us: tree.cpu_user_us,
        cpu_system_us: tree.cpu_system_us,
        rss_bytes: Some(tree.rss_bytes),
        pss_bytes: tree.pss_bytes,
        processes: Some(tree.processes),
        threads: Some(tree.threads),
        fds: Some(tree.fds),
        disk_read_bytes: tree.disk_read_bytes,
        disk_write_bytes: tree.disk_write_bytes,
        ..Usage::default()
    }
}

/// By the group, and by the processes what a group does not tell.
fn of_group(group: CgroupSample, tree: Option<TreeSample>) -> Usage {
    let tree = tree.map(of_tree).unwrap_or_default();
    Usage {
        cpu_user_us: group.cpu_user_us,
        cpu_system_us: group.cpu_system_us,
        rss_bytes: group.resident_bytes.or(tree.rss_bytes),
        pss_bytes: group.resident_bytes,
        processes: Some(group.processes),
        threads: Some(group.threads),
        disk_read_bytes: group.disk_read_bytes.or(tree.disk_read_bytes),
        disk_write_bytes: group.disk_write_bytes.or(tree.disk_write_bytes),
        ..tree
    }
}

/// Threads of all processes that the target has now.
fn members(local: &Local) -> Vec<i32> {
    let tree = local.root.map(|root| Tree::new(root).members());
    let group = local.cgroup.as_ref().map(Cgroup::members);
    let processes: BTreeSet<i32> = tree.into_iter().chain(group).flatten().collect();
    processes.into_iter().flat_map(threads_of).collect()
}

fn has_own_network(root: u32) -> bool {
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).ok();
    let theirs = namespace(&root.to_string());
    theirs.is_some() && theirs != namespace("self")
}

/// Octets that the interfaces of a process's network namespace received and sent, but for those that stay inside.
fn network(root: u32) -> Option<(u64, u64)> {
    let table = fs::read_to_string(format!("/proc/{root}/net/dev")).ok()?;
    Some(interfaces(&table))
}

/// Of `/proc/net/dev`, `eth0: RECEIVED … seven more … SENT …`.
fn interfaces(table: &str) -> (u64, u64) {
    table
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.trim() != "lo")
        .filter_map(|(_, figures)| {
            let mut figures = figures.split_ascii_whitespace();
            let rx: u64 = figures.next()?.parse().ok()?;
            let tx: u64 = figures.nth(7)?.parse().ok()?;
            Some((rx, tx))
        })
        .fold((0, 0), |(rx, tx), (more_rx, more_tx)| {
            (rx + more_rx, tx + more_tx)
        })
}

/// Walks through the storage again and again, on a thread of its own: a large one takes seconds.
#[derive(Debug)]
struct Walker {
    size: Arc<Mutex<Option<StorageSize>>>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Walker {
    fn start(dir: PathBuf) -> io::Result<Self> {
        let size = Arc::new(Mutex::new(None));
        let (stop, stopped) = channel();
        let shared = Arc::clone(&size);
        let thread = thread::Builder::new()
            .name("storage-probe".to_owned())
            .spawn(move || {
                loop {
                    let begin = Instant::now();
                    let walked = storage_size(Path::new(&dir));
                    *shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(walked);
                    let wait = WALK_EVERY.max(begin.elapsed() * WALK_SHARE);
                    if stopped.recv_timeout(wait) == Err(RecvTimeoutError::Disconnected) {
                        return;
                    }
                }
            })?;
        Ok(Self {
            size,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    fn size(&self) -> Option<StorageSize> {
        *self.size.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Walker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_inside_a_namespace_is_not_the_networks() {
        let table = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:  900      10    0    0    0     0          0         0   900      10    0    0    0     0       0          0
  eth0: 5000      40    0    0    0     0          0         0  7000      60    0    0    0     0       0          0
  eth1:   50       1    0    0    0     0          0         0    70       1    0    0    0     0       0          0
";
        assert_eq!(interfaces(table), (5_050, 7_070));
    }

    #[test]
    fn a_group_goes_before_the_processes_and_they_fill_what_it_does_not_tell() {
        let group = CgroupSample {
            cpu_user_us: 5,
            resident_bytes: None,
            processes: 2,
            ..CgroupSample::default()
        };
        let tree = TreeSample {
            cpu_user_us: 4,
            rss_bytes: 900,
            processes: 1,
            fds: 7,
            ..TreeSample::default()
        };
        let usage = of_group(group, Some(tree));
        assert_eq!((usage.cpu_user_us, usage.processes), (5, Some(2)));
        assert_eq!((usage.rss_bytes, usage.fds), (Some(900), Some(7)));
        assert_eq!(of_group(group, None).fds, None);
    }

    #[test]
    fn a_process_that_does_not_run_here_is_refused() {
        let error = Local::find(Some(u32::MAX), None, None)
            .unwrap_err()
            .to_string();
        assert!(error.contains("does not run on this machine"), "{error}");
    }

    #[test]
    fn a_control_group_is_a_folder_that_shows_its_cpu_time() {
        let group = tempfile::tempdir().unwrap();
        let find = || Local::find(None, Some(group.path()), None);
        let error = find().unwrap_err().to_string();
        assert!(error.contains("`cpu.stat`"), "{error}");

        fs::write(
            group.path().join("cpu.stat"),
            "user_usec 5\nsystem_usec 2\n",
        )
        .unwrap();
        fs::write(group.path().join("cgroup.procs"), "4000001\n4000009\n").unwrap();
        let found = find().unwrap();
        let found = found.unwrap();
        assert!(found.cgroup.is_some());
        assert_eq!(found.root, Some(4_000_001));
    }

    #[test]
    fn nothing_said_is_nothing_seen() {
        assert!(Local::find(None, None, None).unwrap().is_none());
    }
}

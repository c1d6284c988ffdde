use std::collections::{HashMap, HashSet};

use procfs::process::{Process, Stat, all_processes};
use procfs::{ProcResult, page_size, ticks_per_second};

/// A process and all that descend from it, seen from outside.
///
/// Much of a mail server's CPU is spent in processes that live for less than a second. When such a process
/// ends, Linux adds its time to the "children" time of the parent that waits for it; so the sum of own
/// and children's time over the live tree misses nothing that was waited for. Three things are made up for:
/// - between a child's end and its parent's wait the sum dips, so it is kept from falling;
/// - a member whose parent ended is given to a process outside the tree; it stays a member, and what it had used is kept
///   when it ends;
/// - the kernel counts in ticks, so up to two ticks for each live process may be missing at any instant. That is the bound.
///
/// Of a child whose parent ignores its end (`SIGCHLD` ignored) nothing is known.
#[derive(Debug)]
pub struct Tree {
    root: i32,
    /// The root was seen: another process of its number would be another process.
    begun: bool,
    members: HashMap<i32, Member>,
    /// Used by members that ended outside of the tree, where no member waited for them.
    retired: Usage,
    highest: Usage,
    disk_readable: bool,
}

/// What a tree used since it began, and what it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeSample {
    /// CPU in user mode, µs; never falls.
    pub cpu_user_us: u64,
    /// CPU in the kernel, µs; never falls.
    pub cpu_system_us: u64,
    /// Resident memory, summed: shared pages count for each process.
    pub rss_bytes: u64,
    /// Proportional share of memory; none: not asked for, or not readable for one of the processes.
    pub pss_bytes: Option<u64>,
    /// Live processes; 0: the target is gone.
    pub processes: u32,
    /// Their threads.
    pub threads: u32,
    /// Their open file descriptors, of those processes that let us look.
    pub fds: u32,
    /// Read from storage; none: not readable for one of the processes.
    pub disk_read_bytes: Option<u64>,
    /// Written to storage; none: likewise.
    pub disk_write_bytes: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    parent: i32,
    /// Tells a process from a later one with the same number.
    start: u64,
    usage: Usage,
}

/// What only ever grows. Children that were waited for are included.
#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    user_us: u64,
    system_us: u64,
    read_bytes: u64,
    write_bytes: u64,
}

impl Tree {
    /// The tree below, and with, process `root`.
    pub fn new(root: u32) -> Self {
        Self {
            root: root.cast_signed(),
            begun: false,
            members: HashMap::new(),
            retired: Usage::default(),
            highest: Usage::default(),
            disk_readable: true,
        }
    }

    /// Looks at every process of the machine once. `with_pss` makes the kernel walk through the members'
    /// pages, which takes it a millisecond or so for each.
    pub fn sample(&mut self, with_pss: bool) -> ProcResult<TreeSample> {
        let live = self.live_members()?;
        let mut sample = TreeSample {
            pss_bytes: with_pss.then_some(0),
            ..TreeSample::default()
        };
        let mut members = HashMap::new();
        let mut sum = Usage::default();
        for (process, stat) in &live {
            let usage = self.usage(process, stat);
            sum.add(usage);
            let member = Member {
                parent: stat.ppid,
                start: stat.starttime,
                usage,
            };
            members.insert(stat.pid, member);
            sample.add_now(process, stat);
        }
        self.retire(&members);
        self.begun |= !members.is_empty();
        self.members = members;
        sum.add(self.retired);
        self.highest.rise_to(sum);
        sample.cpu_user_us = self.highest.user_us;
        sample.cpu_system_us = self.highest.system_us;
        let disk = |bytes| self.disk_readable.then_some(bytes);
        sample.disk_read_bytes = disk(self.highest.read_bytes);
        sample.disk_write_bytes = disk(self.highest.write_bytes);
        Ok(sample)
    }

    /// Numbers of the processes that are members now.
    pub fn members(&self) -> Vec<i32> {
        let live = self.live_members().unwrap_or_default();
        live.into_iter().map(|(_, stat)| stat.pid).collect()
    }

    /// The root, who was a member before and still lives, and all that descend from them.
    fn live_members(&self) -> ProcResult<Vec<(Process, Stat)>> {
        let all: HashMap<i32, (Process, Stat)> = all_processes()?
            .filter_map(Result::ok)
            .filter_map(|process| {
                let stat = process.stat().ok()?;
                Some((stat.pid, (process, stat)))
            })
            .collect();
        let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
        for (_, stat) in all.values() {
            children.entry(stat.ppid).or_default().push(stat.pid);
        }
        let known = |pid: i32, stat: &Stat| {
            let member = self.members.get(&pid);
            member.map_or(pid == self.root && !self.begun, |member| {
                member.start == stat.starttime
            })
        };
        let mut waiting: Vec<i32> = all
            .iter()
            .filter(|(pid, (_, stat))| known(**pid, stat))
            .map(|(pid, _)| *pid)
            .collect();
        let mut found = HashSet::new();
        while let Some(pid) = waiting.pop() {
            if found.insert(pid) {
                waiting.extend(children.get(&pid).into_iter().flatten());
            }
        }
        Ok(all
            .into_iter()
            .filter(|(pid, _)| found.contains(pid))
            .map(|(_, process)| process)
            .collect())
    }

    fn usage(&mut self, process: &Process, stat: &Stat) -> Usage {
        let io = process.io().ok();
        // A process that has just ended has no figures either, but that says nothing about the others.
        if io.is_none() && process.is_alive() && stat.state != 'Z' {
            self.disk_readable = false;
        }
        Usage {
            user_us: ticks_us(stat.utime) + ticks_us(stat.cutime.unsigned_abs()),
            system_us: ticks_us(stat.stime) + ticks_us(stat.cstime.unsigned_abs()),
            read_bytes: io.map_or(0, |io| io.read_bytes),
            write_bytes: io.map_or(0, |io| io.write_bytes),
        }
    }

    /// Keeps what those used that ended since the last sample without a live member to have waited for them.
    fn retire(&mut self, live: &HashMap<i32, Member>) {
        for (pid, member) in &self.members {
            if !live.contains_key(pid) && !self.has_live_ancestor(*member, live) {
                self.retired.add(member.usage);
            }
        }
    }

    fn has_live_ancestor(&self, of: Member, live: &HashMap<i32, Member>) -> bool {
        let mut parent = of.parent;
        // As many steps as there are members: a number used anew could otherwise make a ring.
        for _ in 0..=self.members.len() {
            if live.contains_key(&parent) {
                return true;
            }
            match self.members.get(&parent) {
                Some(member) => parent = member.parent,
                None => return false,
            }
        }
        false
    }
}

impl TreeSample {
    /// Adds what one process holds now. A process that ends meanwhile holds nothing.
    fn add_now(&mut self, process: &Process, stat: &Stat) {
        self.processes += 1;
        self.threads += stat.num_threads as u32;
        self.rss_bytes += stat.rss * page_size();
        self.fds += process.fd_count().unwrap_or(0) as u32;
        if let Some(sum) = self.pss_bytes {
            self.pss_bytes = match pss(process) {
                Some(pss) => Some(sum + pss),
                None if !process.is_alive() || stat.state == 'Z' => Some(sum),
                None => None,
            };
        }
    }
}

impl Usage {
    fn add(&mut self, other: Self) {
        self.user_us += other.user_us;
        self.system_us += other.system_us;
        self.read_bytes += other.read_bytes;
        self.write_bytes += other.write_bytes;
    }

    fn rise_to(&mut self, other: Self) {
        self.user_us = self.user_us.max(other.user_us);
        self.system_us = self.system_us.max(other.system_us);
        self.read_bytes = self.read_bytes.max(other.read_bytes);
        self.write_bytes = self.write_bytes.max(other.write_bytes);
    }
}

/// Numbers of a process's threads; none: it has ended.
pub(super) fn threads_of(pid: i32) -> Vec<i32> {
    let tasks = Process::new(pid).and_then(|process| process.tasks());
    tasks
        .into_iter()
        .flatten()
        .filter_map(|task| Some(task.ok()?.tid))
        .collect()
}

fn pss(process: &Process) -> Option<u64> {
    let rollup = process.smaps_rollup().ok()?.memory_map_rollup;
    let map = rollup.into_iter().next()?;
    map.extension.map.get("Pss").copied()
}

/// Ticks of the kernel's clock in µs.
pub(super) fn ticks_us(ticks: u64) -> u64 {
    ticks.saturating_mul(1_000_000) / ticks_per_second().max(1)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use super::*;

    /// A shell that carries out one line after another and says `done` after each.
    struct Shell(Child);

    impl Shell {
        fn start() -> Self {
            let shell = Command::new("sh")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn();
            Self(shell.unwrap())
        }

        fn run(&mut self, line: &str) {
            let stdin = self.0.stdin.as_mut().unwrap();
            writeln!(stdin, "{line}\necho done").unwrap();
            let stdout = BufReader::with_capacity(1, self.0.stdout.as_mut().unwrap());
            let answer = stdout.lines().map_while(Result::ok).find(|l| l == "done");
            assert!(answer.is_some());
        }
    }

    impl Drop for Shell {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    const SPIN: &str = "i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done";

    #[test]
    fn the_time_of_children_that_came_and_went_is_counted() {
        let mut shell = Shell::start();
        let mut tree = Tree::new(shell.0.id());
        let before = tree.sample(false).unwrap();
        assert_eq!(before.processes, 1);
        shell.run(&format!("sh -c '{SPIN}'"));
        let after = tree.sample(false).unwrap();
        assert_eq!(after.processes, 1, "the child is gone");
        assert!(after.cpu_user_us > before.cpu_user_us);
    }

    #[test]
    fn a_live_child_is_a_member_with_memory_and_descriptors() {
        let mut shell = Shell::start();
        let mut tree = Tree::new(shell.0.id());
        let alone = tree.sample(true).unwrap();
        shell.run("sleep 60 & child=$!");
        // The pages of a process that has just begun are counted a little later.
        let samples = std::iter::repeat_with(|| {
            std::thread::sleep(Duration::from_millis(10));
            tree.sample(true).unwrap()
        });
        let two = samples
            .take(1_000)
            .find(|sample| sample.rss_bytes > alone.rss_bytes)
            .unwrap();
        assert_eq!(two.processes, 2);
        assert!(two.fds > alone.fds);
        if let (Some(alone), Some(two)) = (alone.pss_bytes, two.pss_bytes) {
            assert!(two > alone);
        }
        shell.run("kill $child; wait $child 2>/dev/null");
    }

    #[test]
    fn a_member_whose_parent_ends_stays_a_member_and_its_time_stays_counted() {
        let mut shell = Shell::start();
        let mut tree = Tree::new(shell.0.id());
        let dir = tempfile::tempdir().unwrap();
        let (go, pid) = (dir.path().join("go"), dir.path().join("pid"));
        // The middle process starts a grandchild and waits until it may end.
        let middle = format!(
            "sh -c '({SPIN}; sleep 60) & echo $! > {pid}; while [ ! -e {go} ]; do sleep 0.01; done' &",
            pid = pid.display(),
            go = go.display()
        );
        shell.run(&format!(
            "{middle} while [ ! -s {} ]; do sleep 0.01; done",
            pid.display()
        ));
        assert!(tree.sample(false).unwrap().processes >= 3);
        std::fs::write(&go, "").unwrap();
        shell.run("wait");
        let orphaned = tree.sample(false).unwrap();
        assert!(orphaned.processes >= 2, "the grandchild is still a member");
        let grandchild = std::fs::read_to_string(&pid).unwrap();
        shell.run(&format!(
            "kill {} $(cat /proc/{0}/task/{0}/children)",
            grandchild.trim()
        ));
        let ended = tree.sample(false).unwrap();
        assert!(ended.cpu_user_us >= orphaned.cpu_user_us);
    }

    #[test]
    fn a_tree_whose_root_is_gone_has_no_processes_and_keeps_what_it_used() {
        let mut shell = Shell::start();
        let mut tree = Tree::new(shell.0.id());
        shell.run(SPIN);
        let before = tree.sample(false).unwrap();
        assert!(before.cpu_user_us > 0);
        drop(shell);
        let after = tree.sample(false).unwrap();
        assert_eq!(after.processes, 0);
        assert_eq!(after.cpu_user_us, before.cpu_user_us);
    }
}

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where the kernel's tracing has its instances, if the machine has it mounted.
const INSTANCES: &str = "/sys/kernel/tracing/instances";
/// What our instances are called, with the number of our process behind it.
const PREFIX: &str = "mailgauge-";
/// Events that a file system reports when a file is forced to storage. They cost nothing as long as nobody asks for it, unlike
/// the events of system calls, which make every system call of the machine slower.
const EVENTS: [&str; 6] = [
    "ext4/ext4_sync_file_enter",
    "xfs/xfs_file_fsync",
    "btrfs/btrfs_sync_file",
    "f2fs/f2fs_sync_file_enter",
    "nfs/nfs_fsync_enter",
    "fuse/fuse_fsync",
];

/// Counts how often some processes, and all that descend from them, force files to storage (fsync, fdatasync). Linux keeps no
/// such count, so its tracing is asked: an instance of its own, with a ring buffer of a page that is never read, of which only
/// the number of events counts. Only root may do that, and only file systems that report it can be counted.
#[derive(Debug)]
pub(super) struct Syncs {
    instance: PathBuf,
}

impl Syncs {
    /// Begins to count for `threads` (numbers of threads, those of processes among them) and what they start from now on.
    ///
    /// # Errors
    /// We are not root, or the kernel has no tracing or no file system that reports syncs.
    pub(super) fn of(threads: &[i32]) -> io::Result<Self> {
        let instances = Path::new(INSTANCES);
        if !instances.is_dir() {
            return Err(io::Error::other(format!(
                "there is no {INSTANCES}: as root, `mount -t tracefs tracefs /sys/kernel/tracing`"
            )));
        }
        remove_left_behind(instances);
        let instance = free_name(instances)?;
        fs::create_dir(&instance)?;
        let syncs = Self { instance };
        syncs.set_up(threads)?;
        Ok(syncs)
    }

    fn set_up(&self, threads: &[i32]) -> io::Result<()> {
        self.write("buffer_size_kb", "4")?;
        self.write("options/event-fork", "1")?;
        let threads: Vec<String> = threads.iter().map(ToString::to_string).collect();
        self.write("set_event_pid", &threads.join(" "))?;
        let enabled = EVENTS
            .iter()
            .filter(|event| self.write(&format!("events/{event}/enable"), "1").is_ok());
        if enabled.count() == 0 {
            return Err(io::Error::other("no file system reports syncs"));
        }
        Ok(())
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        fs::write(self.instance.join(file), text)
    }

    /// How often since counting began; none: the kernel does not tell any more.
    pub(super) fn count(&self) -> Option<u64> {
        let processors = fs::read_dir(self.instance.join("per_cpu")).ok()?;
        let mut sum = 0;
        for processor in processors {
            let stats = fs::read_to_string(processor.ok()?.path().join("stats")).ok()?;
            sum += events(&stats);
        }
        Some(sum)
    }
}

impl Drop for Syncs {
    fn drop(&mut self) {
        // If it cannot be removed now, the next run removes it.
        let _ = fs::remove_dir(&self.instance);
    }
}

/// Events that a ring buffer has taken, those that others have overwritten since among them.
fn events(stats: &str) -> u64 {
    stats
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| ["entries", "overrun", "dropped events"].contains(name))
        .filter_map(|(_, number)| number.trim().parse::<u64>().ok())
        .sum()
}

/// Instances of runs that were killed.
fn remove_left_behind(instances: &Path) {
    for entry in fs::read_dir(instances).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| {
            name.strip_prefix(PREFIX)?
                .split('-')
                .next()?
                .parse::<u32>()
                .ok()
        });
        if owner.is_some_and(|owner| !Path::new(&format!("/proc/{owner}")).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

fn free_name(instances: &Path) -> io::Result<PathBuf> {
    (0..1_000)
        .map(|number| instances.join(format!("{PREFIX}{}-{number}", std::process::id())))
        .find(|path| !path.exists())
        .ok_or_else(|| io::Error::other("too many tracing instances"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Child, Command, Stdio};

    use super::*;

    #[test]
    fn all_events_of_a_ring_buffer_count_also_those_that_are_gone() {
        let stats = "entries: 121\noverrun: 7\ncommit overrun: 0\nbytes: 40\noldest event ts: 12.5\nnow ts: 3.1\ndropped events: 2\nread events: 0\n";
        assert_eq!(events(stats), 130);
        assert_eq!(events(""), 0);
    }

    /// A shell that waits for a line before it begins.
    struct Waiting(Child);

    impl Waiting {
        fn spawn(dir: &Path, script: &str) -> Self {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("read go; {script}")]);
            let shell = shell.current_dir(dir).stdin(Stdio::piped());
            Self(shell.spawn().unwrap())
        }

        fn syncs(&self) -> io::Result<Syncs> {
            Syncs::of(&[self.0.id().cast_signed()])
        }

        fn go(mut self) {
            self.0.stdin.take().unwrap().write_all(b"go\n").unwrap();
            assert!(self.0.wait().unwrap().success());
        }
    }

    impl Drop for Waiting {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn syncs_of_children_that_came_and_went_are_counted_and_nobody_elses() {
        let dir = tempfile::tempdir().unwrap();
        // Ten times, each time by a process of its own.
        let ten = "for i in 1 2 3 4 5 6 7 8 9 10; do dd if=/dev/zero of=file bs=1 count=1 conv=fsync 2>/dev/null; done";
        let busy = Waiting::spawn(dir.path(), ten);
        let idle = Waiting::spawn(dir.path(), "true");
        let (Ok(syncs), Ok(none)) = (busy.syncs(), idle.syncs()) else {
            println!("skipped: counting syncs needs root and a kernel with tracing");
            return;
        };
        busy.go();
        if syncs.count() == Some(0) {
            println!("skipped: this file system does not report syncs");
            return;
        }
        assert_eq!(syncs.count(), Some(10));
        assert_eq!(none.count(), Some(0));
        let instance = syncs.instance.clone();
        drop(syncs);
        assert!(!instance.exists());
    }
}

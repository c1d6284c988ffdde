use std::fs;
use std::io::{self, ErrorKind};
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

/// Why syncs are not counted.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotCounted {
    /// Nothing is known whose syncs they would be.
    #[error("no process of the target is seen")]
    NoProcess,
    /// The kernel's tracing is not there.
    #[error(
        "{INSTANCES} is not there: as root, on the server's machine, `mount -t tracefs tracefs /sys/kernel/tracing`"
    )]
    NoTracing,
    /// We may not use it.
    #[error("only root may ask the kernel's tracing for them: {}: {source}", path.display())]
    NotPermitted {
        /// What was refused.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No event of [`EVENTS`] is there.
    #[error(
        "no file system of the server's kernel reports them (ext4, XFS, Btrfs, F2FS, NFS and FUSE can)"
    )]
    NoFileSystem,
    /// It counted, and does so no more.
    #[error("the kernel's tracing does not answer any more")]
    Stopped,
    /// The kernel's tracing does not do what it is told.
    #[error("the kernel's tracing cannot be set up: {}: {source}", path.display())]
    Tracing {
        /// What was asked.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl NotCounted {
    fn at(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Self::NotPermitted { path, source }
            }
            _ => Self::Tracing { path, source },
        }
    }
}

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
    /// There are none, we are not root, or the kernel has no tracing or no file system that reports syncs.
    pub(super) fn of(threads: &[i32]) -> Result<Self, NotCounted> {
        Self::below(Path::new(INSTANCES), threads)
    }

    fn below(instances: &Path, threads: &[i32]) -> Result<Self, NotCounted> {
        if threads.is_empty() {
            return Err(NotCounted::NoProcess);
        }
        // Who may not look into the folder above is told so, and not that nothing is there.
        match fs::metadata(instances) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(NotCounted::NoTracing);
            }
            Err(error) => return Err(NotCounted::at(instances, error)),
            Ok(_) => {}
        }
        remove_left_behind(instances);
        let instance = free_name(instances).map_err(|error| NotCounted::at(instances, error))?;
        fs::create_dir(&instance).map_err(|error| NotCounted::at(&instance, error))?;
        let syncs = Self { instance };
        syncs.set_up(threads)?;
        Ok(syncs)
    }

    fn set_up(&self, threads: &[i32]) -> Result<(), NotCounted> {
        self.write("buffer_size_kb", "4")?;
        self.write("options/event-fork", "1")?;
        let threads: Vec<String> = threads.iter().map(ToString::to_string).collect();
        self.write("set_event_pid", &threads.join(" "))?;
        let enabled = EVENTS
            .iter()
            .filter(|event| self.write(&format!("events/{event}/enable"), "1").is_ok());
        if enabled.count() == 0 {
            return Err(NotCounted::NoFileSystem);
        }
        Ok(())
    }

    fn write(&self, file: &str, text: &str) -> Result<(), NotCounted> {
        let path = self.instance.join(file);
        fs::write(&path, text).map_err(|error| NotCounted::at(&path, error))
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

        fn syncs(&self) -> Result<Syncs, NotCounted> {
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

    /// What a kernel's tracing would have, as plain files, so that no event is there.
    #[test]
    fn who_cannot_count_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("instances");
        let of = |path: &Path, threads: &[i32]| Syncs::below(path, threads).unwrap_err();
        assert!(matches!(of(dir.path(), &[]), NotCounted::NoProcess));
        assert!(matches!(of(&missing, &[1]), NotCounted::NoTracing));
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let odd = of(&file, &[1]);
        assert!(matches!(odd, NotCounted::Tracing { .. }), "{odd}");
        fs::create_dir_all(&missing).unwrap();
        let own = missing.join(format!("{PREFIX}{}-0", std::process::id()));
        let bare = of(&missing, &[1]);
        assert!(bare.to_string().contains("options/event-fork"), "{bare}");
        fs::remove_dir_all(own).unwrap();
        let denied = NotCounted::at(&missing, ErrorKind::PermissionDenied.into()).to_string();
        assert!(denied.starts_with("only root may ask"), "{denied}");
        assert!(denied.contains("instances: permission denied"), "{denied}");
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

//! Temporary directories of private servers. Their names say which process made them, so that what a
//! killed run left behind is recognised, and cleared away, by the next one.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long processes may take to end after SIGTERM, before SIGKILL.
const PATIENCE: Duration = Duration::from_secs(5);

/// A directory that goes, with whatever still runs in it, when this value does.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes `<tmp>/mailgauge-<kind>-<pid>-<start of that process>-<n>`, open to other users for passing
    /// through (a server's mail process may run as another user), not for listing.
    pub(super) fn create(kind: &str) -> io::Result<Self> {
        let me = std::process::id();
        let started = start_of(me).unwrap_or(0);
        let stem = format!("mailgauge-{kind}-{me}-{started}");
        for n in 0..10_000 {
            let path = std::env::temp_dir().join(format!("{stem}-{n}"));
            match fs::DirBuilder::new().mode(0o711).create(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until nothing runs in here any more; insists after a while.
    pub(super) fn wait_until_quiet(&self) {
        end_processes_in(&self.path);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        end_processes_in(&self.path);
        remove_mailboxes(&self.path);
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!("cannot remove {}: {error}", self.path.display());
        }
    }
}

/// Removes what lies two levels deep, which is where servers have their mailboxes. On some systems each removal of a
/// folder waits for the kernel, 3 ms and more, and several at a time wait together: one thread takes 5 s for eighty
/// users, four take a quarter of a second. What goes wrong here is left for the removal of the whole.
fn remove_mailboxes(directory: &Path) {
    const THREADS: usize = 4;
    let below = |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten();
    let folders: Vec<PathBuf> = below(directory.to_owned())
        .filter(|entry| entry.file_type().is_ok_and(|it| it.is_dir()))
        .flat_map(|entry| below(entry.path()))
        .filter(|entry| entry.file_type().is_ok_and(|it| it.is_dir()))
        .map(|entry| entry.path())
        .collect();
    thread::scope(|scope| {
        for share in folders.chunks(folders.len().div_ceil(THREADS).max(1)) {
            let remove = move || {
                for folder in share {
                    let _ = fs::remove_dir_all(folder);
                }
            };
            // Where there is no thread to be had, the removal of the whole does it.
            let _ = thread::Builder::new().spawn_scoped(scope, remove);
        }
    });
}

/// Clears away the directories, and the servers, of runs of this user whose process is gone.
pub(super) fn sweep_leftovers(kind: &str) {
    let prefix = format!("mailgauge-{kind}-");
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else {
        return;
    };
    let own_uid = rustix::process::geteuid().as_raw();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(&prefix)) else {
            continue;
        };
        let ours = fs::symlink_metadata(entry.path())
            .is_ok_and(|meta| meta.is_dir() && meta.uid() == own_uid);
        if ours && maker_is_gone(rest) {
            tracing::info!("clearing away {}", entry.path().display());
            drop(Scratch { path: entry.path() });
        }
    }
}

/// `rest` is `<pid>-<start>-<n>`; anything else is not ours to judge.
fn maker_is_gone(rest: &str) -> bool {
    let mut parts = rest.split('-').map(str::parse::<u64>);
    let (Some(Ok(pid)), Some(Ok(started)), Some(Ok(_)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    u32::try_from(pid).is_ok_and(|pid| start_of(pid) != Some(started))
}

/// When a process started, in clock ticks since boot (field 22 of `/proc/PID/stat`); none if it is gone.
fn start_of(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command's name, field 2, may hold spaces and parentheses.
    let after_name = &stat[stat.rfind(')')? + 1..];
    after_name.split_ascii_whitespace().nth(19)?.parse().ok()
}

fn end_processes_in(directory: &Path) {
    let begun = Instant::now();
    let mut asked = Vec::new();
    loop {
        let living = processes_in(directory);
        if living.is_empty() {
            return;
        }
        let waited = begun.elapsed();
        for pid in living {
            if waited > PATIENCE {
                let _ = kill_process(pid, Signal::KILL);
            } else if !asked.contains(&pid) {
                let _ = kill_process(pid, Signal::TERM);
                asked.push(pid);
            }
        }
        if waited > PATIENCE * 2 {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Processes, other than ourselves and other than dead ones, that work in the directory or were told of it
/// when they were started.
fn processes_in(directory: &Path) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let me = std::process::id().cast_signed();
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|&pid| pid != me && belongs_to(pid, directory))
        .filter_map(Pid::from_raw)
        .collect()
}

fn belongs_to(pid: i32, directory: &Path) -> bool {
    let works_there =
        fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(directory));
    let serves_it = || {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
            let mut arguments = line.split(|&byte| byte == 0);
            let program = arguments.next().unwrap_or_default();
            is_server(program) && arguments.any(|argument| names(argument, directory))
        })
    };
    works_there || serves_it()
}

/// Only servers that we start ourselves; never an editor or a shell that has the directory among its arguments.
fn is_server(program: &[u8]) -> bool {
    let name = program
        .rsplit(|&byte| byte == b'/')
        .next()
        .unwrap_or(program);
    name == b"dovecot" || name.starts_with(b"mailgauge")
}

fn names(argument: &[u8], directory: &Path) -> bool {
    std::str::from_utf8(argument).is_ok_and(|argument| Path::new(argument).starts_with(directory))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{Scratch, maker_is_gone, start_of, sweep_leftovers};

    #[test]
    fn a_directory_is_gone_with_what_ran_in_it() {
        let scratch = Scratch::create("test").unwrap();
        let path = scratch.path().to_owned();
        let mut sleeper = Command::new("sleep")
            .arg("100")
            .current_dir(&path)
            .spawn()
            .unwrap();
        let waiter = std::thread::spawn(move || sleeper.wait().unwrap());
        drop(scratch);
        assert!(!path.exists());
        assert!(!waiter.join().unwrap().success());
    }

    #[test]
    fn only_directories_of_dead_runs_are_swept() {
        let living = Scratch::create("sweep").unwrap();
        let dead = std::env::temp_dir().join("mailgauge-sweep-4194304-1-0");
        let foreign = std::env::temp_dir().join("mailgauge-sweep-keep-this");
        std::fs::create_dir_all(&dead).unwrap();
        std::fs::create_dir_all(&foreign).unwrap();
        sweep_leftovers("sweep");
        assert!(living.path().exists());
        assert!(!dead.exists());
        assert!(foreign.exists());
        std::fs::remove_dir(foreign).unwrap();
    }

    #[test]
    fn a_pid_that_was_given_to_another_process_does_not_protect_a_directory() {
        let me = std::process::id();
        let started = start_of(me).unwrap();
        assert!(!maker_is_gone(&format!("{me}-{started}-0")));
        assert!(maker_is_gone(&format!("{me}-{}-0", started + 1)));
        assert!(!maker_is_gone("what-is-this"));
    }
}

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::cgroup::{Cgroup, CgroupMeter, CgroupSample};
use super::connections::{Connections, Ports};
use super::process::{Tree, TreeSample};
use super::storage::{StorageSize, storage_size};
use crate::metrics::row::{Cell, ServerRow};
use crate::metrics::since_us;
use crate::scenario::Phase;

const EVERY: Duration = Duration::from_secs(1);
/// The kernel walks through all pages for it, so it is not asked each second.
const PSS_EVERY: u64 = 5;
/// Walking through the mail storage takes at most one part in this many of the time.
const WALK_SHARE: u32 = 20;

/// A target of which this machine can see something.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// The process that all others of the target descend from, if it can be seen.
    pub root: Option<u32>,
    /// The control group that holds the target and nothing else. Its figures go before those of the processes.
    pub cgroup: Option<Cgroup>,
    /// Where it listens.
    pub ports: Ports,
    /// Folder of its mail storage.
    pub storage: Option<PathBuf>,
}

/// The part of the run that an instant belongs to; none: to no part that is recorded.
type Place = Option<(Cell, Phase)>;

/// Samples a target from outside, each second on threads of its own, until stopped or dropped.
pub struct ServerProbe {
    orders: Option<Sender<Place>>,
    place: Arc<dyn Fn(Instant) -> Place + Send + Sync>,
    sampler: Option<JoinHandle<()>>,
    walker: Option<(Sender<()>, JoinHandle<()>)>,
}

impl ServerProbe {
    /// Starts sampling at `t0` + 1 s, + 2 s, …, and hands each row to `sink`. `place` says what part of the
    /// run an instant belongs to; there is no row for an instant that belongs to none. A sample that
    /// is late by more than a second takes the place of those it missed: `at_us` says when it was taken.
    pub fn start(
        watched: Watched,
        t0: Instant,
        place: impl Fn(Instant) -> Option<(Cell, Phase)> + Send + Sync + 'static,
        sink: impl FnMut(ServerRow) + Send + 'static,
    ) -> io::Result<Self> {
        let storage = Arc::new(Mutex::new(None));
        let walker = watched
            .storage
            .clone()
            .map(|dir| start_walker(dir, Arc::clone(&storage)))
            .transpose()?;
        let (orders, received) = channel();
        let place: Arc<dyn Fn(Instant) -> Place + Send + Sync> = Arc::new(place);
        let sampler = Sampler {
            tree: watched.root.map(Tree::new),
            meter: watched.cgroup.as_ref().map(Cgroup::meter),
            watched,
            t0,
            place: Arc::clone(&place),
            sink,
            storage,
            samples: 0,
        };
        let sampler = thread::Builder::new()
            .name("server-probe".to_owned())
            .spawn(move || sampler.run(&received))?;
        Ok(Self {
            orders: Some(orders),
            place,
            sampler: Some(sampler),
            walker,
        })
    }

    /// Takes a sample now, besides those of each second. It is taken on the probe's thread and this does not
    /// wait for it, but it belongs to the part of the run that is under way at this call. Called just before
    /// and just after the turn from one phase to the next, it tells what each used to the instant.
    pub fn sample_now(&self) {
        if let Some(orders) = &self.orders {
            // Fails only when the sampler has ended, so there is nothing to sample any more.
            let _ = orders.send((self.place)(Instant::now()));
        }
    }

    /// Takes a last sample and ends.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for ServerProbe {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(sampler) = self.sampler.take() {
            let _ = sampler.join();
        }
        if let Some((stop, walker)) = self.walker.take() {
            drop(stop);
            let _ = walker.join();
        }
    }
}

struct Sampler<S> {
    watched: Watched,
    tree: Option<Tree>,
    meter: Option<CgroupMeter>,
    t0: Instant,
    place: Arc<dyn Fn(Instant) -> Place + Send + Sync>,
    sink: S,
    storage: Arc<Mutex<Option<StorageSize>>>,
    samples: u64,
}

impl<S: FnMut(ServerRow)> Sampler<S> {
    fn run(mut self, orders: &Receiver<Place>) {
        loop {
            let due = self.next_due(Instant::now());
            let wait = due.saturating_duration_since(Instant::now());
            let now = || (self.place)(Instant::now());
            match orders.recv_timeout(wait) {
                Ok(place) => self.sample(place),
                Err(RecvTimeoutError::Timeout) => self.sample(now()),
                Err(RecvTimeoutError::Disconnected) => return self.sample(now()),
            }
        }
    }

    /// The first `t0 + n s` after `now`.
    fn next_due(&self, now: Instant) -> Instant {
        let whole = now.saturating_duration_since(self.t0).as_secs();
        self.t0 + EVERY * (whole as u32 + 1)
    }

    fn sample(&mut self, place: Place) {
        let Some((cell, phase)) = place else {
            return;
        };
        let now = Instant::now();
        let Some(usage) = self.usage() else {
            return;
        };
        self.samples += 1;
        let connections = match self.watched.root {
            Some(root) => Connections::of(root, &self.watched.ports),
            None => Connections::from_here(&self.watched.ports),
        };
        let storage = *self.storage.lock().unwrap_or_else(PoisonError::into_inner);
        (self.sink)(ServerRow {
            at_us: since_us(self.t0, now),
            block: cell.block,
            arm: cell.arm,
            phase,
            source: usage.source.to_owned(),
            cpu_user_us: usage.sample.cpu_user_us,
            cpu_system_us: usage.sample.cpu_system_us,
            rss_bytes: usage.sample.rss_bytes,
            pss_bytes: usage.sample.pss_bytes,
            processes: usage.sample.processes,
            threads: usage.sample.threads,
            fds: usage.sample.fds,
            pop3_connections: connections.pop3,
            imap_connections: connections.imap,
            delivery_connections: connections.delivery,
            disk_read_bytes: usage.sample.disk_read_bytes,
            disk_write_bytes: usage.sample.disk_write_bytes,
            storage_bytes: storage.map(|size| size.bytes),
            storage_files: storage.map(|size| size.files),
        });
    }

    /// None: there is nothing to be seen.
    fn usage(&mut self) -> Option<Usage> {
        // Not asked of processes whose group is read: it would tell another memory than the group.
        let with_pss = self.meter.is_none() && self.samples.is_multiple_of(PSS_EVERY);
        // Fails only where there is no /proc: then there is nothing to say.
        let tree = self
            .tree
            .as_mut()
            .and_then(|tree| tree.sample(with_pss).ok());
        match &mut self.meter {
            Some(meter) => Some(Usage::of_group(meter.sample(), tree.unwrap_or_default())),
            None => tree.map(|sample| Usage {
                source: "process-tree",
                sample,
            }),
        }
    }
}

/// What the target used and holds, and how that is known.
struct Usage {
    source: &'static str,
    sample: TreeSample,
}

impl Usage {
    /// By the group, and by the processes what a group does not tell.
    fn of_group(group: CgroupSample, tree: TreeSample) -> Self {
        Self {
            source: "cgroup",
            sample: TreeSample {
                cpu_user_us: group.cpu_user_us,
                cpu_system_us: group.cpu_system_us,
                rss_bytes: group.resident_bytes.unwrap_or(tree.rss_bytes),
                pss_bytes: group.resident_bytes,
                processes: group.processes,
                threads: group.threads,
                fds: tree.fds,
                disk_read_bytes: group.disk_read_bytes.or(tree.disk_read_bytes),
                disk_write_bytes: group.disk_write_bytes.or(tree.disk_write_bytes),
            },
        }
    }
}

/// Walks through the storage again and again, on a thread of its own: a large one takes seconds.
fn start_walker(
    dir: PathBuf,
    size: Arc<Mutex<Option<StorageSize>>>,
) -> io::Result<(Sender<()>, JoinHandle<()>)> {
    let (stop, stopped) = channel();
    let walker = thread::Builder::new()
        .name("storage-probe".to_owned())
        .spawn(move || {
            loop {
                let begin = Instant::now();
                let walked = storage_size(&dir);
                *size.lock().unwrap_or_else(PoisonError::into_inner) = Some(walked);
                let wait = EVERY.max(begin.elapsed() * WALK_SHARE);
                if stopped.recv_timeout(wait) == Err(RecvTimeoutError::Disconnected) {
                    return;
                }
            }
        })?;
    Ok((stop, walker))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Arm;

    const CELL: Cell = Cell {
        block: 2,
        arm: Arm::IMAP,
    };

    #[test]
    fn samples_come_on_order_and_at_the_end_with_the_place_they_belong_to() {
        let storage = tempfile::tempdir().unwrap();
        std::fs::write(storage.path().join("mail"), [0; 700]).unwrap();
        let (sender, rows) = channel();
        let watched = Watched {
            root: Some(std::process::id()),
            storage: Some(storage.path().to_path_buf()),
            ..Watched::default()
        };
        let place = |_: Instant| Some((CELL, Phase::Measure));
        let t0 = Instant::now();
        let probe = ServerProbe::start(watched, t0, place, move |row| {
            let _ = sender.send(row);
        })
        .unwrap();
        probe.sample_now();
        let first = rows.recv().unwrap();
        assert_eq!((first.block, first.arm), (2, Arm::IMAP));
        assert_eq!(first.phase, Phase::Measure);
        assert!(first.rss_bytes > 0 && first.processes >= 1);
        let walked = rows.iter().find(|row| row.storage_files == Some(1));
        assert_eq!(walked.unwrap().storage_bytes, Some(700));
        probe.stop();
        let last = rows.iter().last().unwrap();
        assert!(last.at_us > first.at_us);
        assert!(last.cpu_user_us >= first.cpu_user_us);
    }

    #[test]
    fn a_sample_on_order_belongs_to_the_phase_in_which_it_was_ordered() {
        let (sender, rows) = channel();
        let watched = Watched {
            root: Some(std::process::id()),
            ..Watched::default()
        };
        let phase = Arc::new(Mutex::new(Phase::WarmUp));
        let current = Arc::clone(&phase);
        let place = move |_: Instant| Some((CELL, *current.lock().unwrap()));
        let probe = ServerProbe::start(watched, Instant::now(), place, move |row| {
            let _ = sender.send(row.phase);
        })
        .unwrap();
        probe.sample_now();
        *phase.lock().unwrap() = Phase::Measure;
        probe.sample_now();
        probe.stop();
        let phases: Vec<Phase> = rows.iter().collect();
        assert_eq!(phases[..2], [Phase::WarmUp, Phase::Measure]);
    }

    #[test]
    fn an_instant_that_belongs_to_no_part_of_the_run_leaves_no_row() {
        let (sender, rows) = channel();
        let watched = Watched {
            root: Some(std::process::id()),
            ..Watched::default()
        };
        let place = |_: Instant| None;
        let probe = ServerProbe::start(watched, Instant::now(), place, move |row| {
            let _ = sender.send(row);
        })
        .unwrap();
        probe.sample_now();
        probe.stop();
        assert_eq!(rows.iter().count(), 0);
    }
}

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::agent::{Agent, AgentMeter};
use super::connections::Ports;
use super::exporter::{ExporterMeter, Exporters};
use super::local::{Local, LocalMeter};
use super::usage::Usage;
use crate::metrics::row::{Cell, ServerRow};
use crate::metrics::since_us;
use crate::scenario::Phase;

const EVERY: Duration = Duration::from_secs(1);

/// By what a target is seen.
#[derive(Clone, Debug)]
pub enum Instrument {
    /// It is on this machine.
    Local(Local),
    /// Its machine has exporters for Prometheus.
    Exporters(Exporters),
    /// Its machine runs a mailgauge that looks at it.
    Agent(Agent),
}

impl Instrument {
    /// For a server of ours: its processes are seen, and the folder of its mail.
    pub fn process(pid: u32, storage: PathBuf) -> Self {
        Self::Local(Local {
            root: Some(pid),
            cgroup: None,
            storage: Some(storage),
        })
    }
}

/// A target of which something can be seen.
#[derive(Clone, Debug)]
pub struct Watched {
    /// By what.
    pub by: Instrument,
    /// Where it listens.
    pub ports: Ports,
}

/// What was seen of a target at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// All that the instrument told.
    pub row: ServerRow,
    /// Why it did not tell how often files were forced to storage; none: it did.
    pub no_disk_syncs: Option<String>,
}

/// The part of the run that an instant belongs to; none: to no part that is recorded.
type Place = Option<(Cell, Phase)>;

/// Samples a target from outside, each second on a thread of its own, until stopped or dropped.
pub struct ServerProbe {
    orders: Option<Sender<Place>>,
    place: Arc<dyn Fn(Instant) -> Place + Send + Sync>,
    sampler: Option<JoinHandle<()>>,
}

impl ServerProbe {
    /// Starts sampling at `t0` + 1 s, + 2 s, …, and hands each sample to `sink`. `place` says what part of the
    /// run an instant belongs to; there is no row for an instant that belongs to none. A sample that
    /// is late by more than a second takes the place of those it missed: `at_us` says when it was taken.
    pub fn start(
        watched: &Watched,
        t0: Instant,
        place: impl Fn(Instant) -> Option<(Cell, Phase)> + Send + Sync + 'static,
        sink: impl FnMut(Seen) + Send + 'static,
    ) -> io::Result<Self> {
        let (orders, received) = channel();
        let place: Arc<dyn Fn(Instant) -> Place + Send + Sync> = Arc::new(place);
        let sampler = Sampler {
            meter: Meter::new(watched)?,
            t0,
            place: Arc::clone(&place),
            sink,
        };
        let sampler = thread::Builder::new()
            .name("server-probe".to_owned())
            .spawn(move || sampler.run(&received))?;
        Ok(Self {
            orders: Some(orders),
            place,
            sampler: Some(sampler),
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
    }
}

struct Sampler<S> {
    meter: Meter,
    t0: Instant,
    place: Arc<dyn Fn(Instant) -> Place + Send + Sync>,
    sink: S,
}

impl<S: FnMut(Seen)> Sampler<S> {
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
        let asked = Instant::now();
        let Some(usage) = self.meter.sample() else {
            return;
        };
        // What is elsewhere was looked at between question and answer.
        let at = asked + asked.elapsed() / 2;
        let untold = || self.meter.without_syncs().to_owned();
        let no_disk_syncs = match usage.disk_syncs {
            Some(_) => None,
            None => Some(usage.no_disk_syncs.unwrap_or_else(untold)),
        };
        let row = ServerRow {
            at_us: since_us(self.t0, at),
            block: cell.block,
            arm: cell.arm,
            phase,
            source: self.meter.source().to_owned(),
            cpu_user_us: usage.cpu_user_us,
            cpu_system_us: usage.cpu_system_us,
            rss_bytes: usage.rss_bytes,
            pss_bytes: usage.pss_bytes,
            processes: usage.processes,
            threads: usage.threads,
            fds: usage.fds,
            pop3_connections: usage.connections.pop3,
            imap_connections: usage.connections.imap,
            delivery_connections: usage.connections.delivery,
            disk_read_bytes: usage.disk_read_bytes,
            disk_write_bytes: usage.disk_write_bytes,
            disk_syncs: usage.disk_syncs,
            network_rx_bytes: usage.network_rx_bytes,
            network_tx_bytes: usage.network_tx_bytes,
            storage_bytes: usage.storage.map(|size| size.bytes),
            storage_disk_bytes: usage.storage.map(|size| size.disk_bytes),
            storage_files: usage.storage.map(|size| size.files),
        };
        (self.sink)(Seen { row, no_disk_syncs });
    }
}

/// An instrument at work.
enum Meter {
    Local(Box<LocalMeter>),
    Exporter(ExporterMeter),
    Agent(AgentMeter),
}

impl Meter {
    fn new(watched: &Watched) -> io::Result<Self> {
        let ports = watched.ports.clone();
        Ok(match &watched.by {
            Instrument::Local(local) => Self::Local(Box::new(LocalMeter::new(local, ports)?)),
            Instrument::Exporters(exporters) => {
                Self::Exporter(ExporterMeter::new(exporters, ports))
            }
            Instrument::Agent(agent) => {
                Self::Agent(AgentMeter::start(agent).map_err(io::Error::other)?)
            }
        })
    }

    fn source(&self) -> &str {
        match self {
            Self::Local(meter) => meter.source(),
            Self::Exporter(meter) => meter.source(),
            Self::Agent(meter) => meter.source(),
        }
    }

    /// Why it does not count forced writes, where it does not say so itself.
    const fn without_syncs(&self) -> &'static str {
        match self {
            Self::Local(_) => "the kernel does not tell them",
            Self::Exporter(_) => "exporters for Prometheus do not tell them",
            Self::Agent(_) => "the agent does not tell them, nor why",
        }
    }

    /// None: nothing is to be seen, this time.
    fn sample(&mut self) -> Option<Usage> {
        match self {
            Self::Local(meter) => meter.sample(),
            Self::Exporter(meter) => meter.sample(),
            Self::Agent(meter) => meter.sample(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::scenario::Arm;

    const CELL: Cell = Cell {
        block: 2,
        arm: Arm::IMAP,
    };

    /// Ourselves as the target.
    fn us(storage: Option<PathBuf>) -> Watched {
        Watched {
            by: Instrument::Local(Local {
                root: Some(std::process::id()),
                cgroup: None,
                storage,
            }),
            ports: Ports::default(),
        }
    }

    #[test]
    fn samples_come_on_order_and_at_the_end_with_the_place_they_belong_to() {
        let storage = tempfile::tempdir().unwrap();
        std::fs::write(storage.path().join("mail"), [0; 700]).unwrap();
        let (sender, rows) = channel();
        let watched = us(Some(storage.path().to_path_buf()));
        let place = |_: Instant| Some((CELL, Phase::Measure));
        let t0 = Instant::now();
        let probe = ServerProbe::start(&watched, t0, place, move |seen| {
            assert_eq!(seen.row.disk_syncs.is_none(), seen.no_disk_syncs.is_some());
            let _ = sender.send(seen.row);
        })
        .unwrap();
        probe.sample_now();
        let first = rows.recv().unwrap();
        assert_eq!((first.block, first.arm), (2, Arm::IMAP));
        assert_eq!(first.phase, Phase::Measure);
        assert!(first.rss_bytes > Some(0) && first.processes >= Some(1));
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
        let watched = us(None);
        let phase = Arc::new(Mutex::new(Phase::WarmUp));
        let current = Arc::clone(&phase);
        let place = move |_: Instant| Some((CELL, *current.lock().unwrap()));
        let probe = ServerProbe::start(&watched, Instant::now(), place, move |seen| {
            let _ = sender.send(seen.row.phase);
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
        let watched = us(None);
        let place = |_: Instant| None;
        let probe = ServerProbe::start(&watched, Instant::now(), place, move |seen| {
            let _ = sender.send(seen);
        })
        .unwrap();
        probe.sample_now();
        probe.stop();
        assert_eq!(rows.iter().count(), 0);
    }

    /// The instruments that cannot count say so without being asked.
    #[test]
    fn a_source_that_tells_no_syncs_is_named_as_the_reason() {
        let agent = r#"while read n; do echo "{\"order\":\"$n\",\"source\":\"x\",\"usage\":{$MORE}}"; done"#;
        let reason = |more: &str| {
            let (sender, seen) = channel();
            let script = format!("MORE='{more}'; {agent}");
            let watched = Watched {
                by: Instrument::Agent(Agent {
                    command: ["sh", "-c", &script].map(str::to_owned).into(),
                }),
                ports: Ports::default(),
            };
            let place = |_: Instant| Some((CELL, Phase::Measure));
            let probe = ServerProbe::start(&watched, Instant::now(), place, move |seen| {
                let _ = sender.send(seen);
            })
            .unwrap();
            probe.sample_now();
            let seen: Seen = seen.recv().unwrap();
            (seen.row.disk_syncs, seen.no_disk_syncs)
        };
        let told = r#""no_disk_syncs":"no tracefs there""#;
        assert_eq!(reason(told), (None, Some("no tracefs there".to_owned())));
        assert_eq!(reason(r#""disk_syncs":7"#), (Some(7), None));
        let (_, silent) = reason("");
        assert_eq!(silent.unwrap(), "the agent does not tell them, nor why");
    }
}

//! One cell: one arm in one block, on a fresh instance, from filling the mailboxes to the sums at the end.

mod closing;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::{Sleep, sleep_until};

use crate::metrics::row::Cell;
use crate::metrics::{Record, since_us};
use crate::net::{Dialer, TimeLimits};
use crate::probe::{Ports, Seen, ServerProbe, Watched};
use crate::scenario::{DeviceKind, Phase};
use crate::target::{Endpoint, Instance, Service};

use super::clock::Clock;
use super::collector::Collector;
use super::comparison::{Comparison, Ended, Tally};
use super::course::{Course, Helm, Stop, StopReceiver};
use super::log::{Count, Totals};
use super::safety::ErrorWatch;
use super::trouble::trouble;
use super::worker::{Assignment, Done, Report};

/// Between telling workers when the plan begins and its beginning.
const LEAD: Duration = Duration::from_millis(100);
/// Looking into the mailboxes may take this long.
const AUDIT_LIMIT: Duration = Duration::from_secs(300);

/// A cell that runs.
pub(super) struct CellRun<'a> {
    comparison: &'a Comparison,
    cell: Cell,
    phase: Phase,
    /// For the probe's thread.
    place: Arc<Mutex<Phase>>,
    collector: Collector,
    tally: &'a mut Tally,
    error_watch: Option<ErrorWatch>,
    helm: Helm,
    ended: Ended,
    totals: Totals,
    held: BTreeMap<DeviceKind, Count>,
}

/// What the main loop waits for besides reports.
#[derive(Clone, Copy)]
enum Turn {
    Phase(Phase),
    DrainIsOver,
    AuditIsOver,
}

impl<'a> CellRun<'a> {
    pub(super) fn new(comparison: &'a Comparison, cell: Cell, tally: &'a mut Tally) -> Self {
        let workers = comparison.workers();
        Self {
            comparison,
            cell,
            phase: Phase::Prepare,
            place: Arc::new(Mutex::new(Phase::Prepare)),
            collector: Collector::new(cell, comparison.run_start, workers),
            tally,
            error_watch: ErrorWatch::of(&comparison.target),
            helm: Helm::new(),
            ended: Ended::Complete,
            totals: Totals::default(),
            held: BTreeMap::new(),
        }
    }

    /// Runs it to its end, whatever that is. What was measured has been handed over by then.
    pub(super) async fn run(mut self) -> Ended {
        self.enter(Phase::Prepare, None);
        let request = self.comparison.request();
        let mut stop = self.comparison.stop.clone();
        let started = tokio::select! {
            started = self.comparison.target.start(request) => started,
            () = stopped(&mut stop, Stop::Drain) => return Ended::Interrupted,
        };
        let mut instance = match started {
            Ok(instance) => instance,
            Err(error) => return Ended::Failed(error.to_string()),
        };
        if let Err(reason) = self.on(&mut instance).await {
            self.fail(reason);
        }
        self.close(instance).await
    }

    async fn on(&mut self, instance: &mut Instance) -> Result<(), String> {
        let dialer = self.dialer(&instance.endpoint)?;
        let probe = self.probe(instance);
        let (reports, received) = mpsc::channel(64);
        let workers = self.spawn_workers(instance, &dialer, &reports)?;
        drop(reports);
        self.attend(instance, received, probe.as_ref()).await;
        for worker in workers {
            if worker.join().is_err() {
                self.fail("a worker panicked; its words are on standard error".into());
            }
        }
        if let Some(probe) = probe {
            probe.stop();
        }
        let rest = self.collector.rest(self.phase);
        self.hand_over(rest);
        Ok(())
    }

    fn dialer(&self, endpoint: &Endpoint) -> Result<Dialer, String> {
        let scenario = &self.comparison.scenario;
        let limits = TimeLimits {
            connect: scenario.limits.connect,
            command: scenario.limits.command,
        };
        let transport = &scenario.transport;
        endpoint
            .dialer(transport.resumption, transport.quickack, limits)
            .map_err(|error| error.to_string())
    }

    fn probe(&self, instance: &Instance) -> Option<ServerProbe> {
        let watched = Watched {
            by: instance.seen.clone()?,
            ports: ports(&instance.endpoint),
        };
        let (cell, place) = (self.cell, Arc::clone(&self.place));
        let place = move |_| {
            let phase = *place.lock().unwrap_or_else(PoisonError::into_inner);
            Some((cell, phase))
        };
        let records = self.comparison.records.clone();
        let mut told = None;
        let sink = move |seen: Seen| {
            let mut batch = vec![Record::Server(seen.row)];
            if seen.no_disk_syncs != told {
                batch.extend(seen.no_disk_syncs.clone().map(Record::NoDiskSyncs));
                told = seen.no_disk_syncs;
            }
            // Nobody listens any more: the run is over.
            let _ = records.send(batch);
        };
        ServerProbe::start(&watched, self.comparison.run_start, place, sink)
            .inspect_err(|error| tracing::warn!("the server is not sampled: {error}"))
            .ok()
    }

    fn spawn_workers(
        &self,
        instance: &Instance,
        dialer: &Dialer,
        reports: &mpsc::Sender<Report>,
    ) -> Result<Vec<JoinHandle<()>>, String> {
        let workers = self.comparison.workers();
        let run_start = self.comparison.run_start;
        let assignment = |worker| Assignment {
            worker,
            workers,
            cell: self.cell,
            scenario: Arc::clone(&self.comparison.scenario),
            plan: Arc::clone(&self.comparison.plan),
            endpoint: Arc::clone(&instance.endpoint),
            dialer: dialer.clone(),
            kernel_networks: self.comparison.kernel_networks.clone(),
            run: self.comparison.run_id,
            clock: Clock::new(run_start, run_start, &self.comparison.scenario.run),
            run_start,
            guide: self.helm.guide(),
            reports: reports.clone(),
        };
        (0..workers)
            .map(|worker| assignment(worker).spawn())
            .collect::<Result<_, _>>()
            .map_err(|error| format!("a worker thread could not be started: {error}"))
    }

    /// Steers the workers through the phases and takes in what they tell, until all are done.
    async fn attend(
        &mut self,
        instance: &mut Instance,
        mut received: mpsc::Receiver<Report>,
        probe: Option<&ServerProbe>,
    ) {
        let workers = self.comparison.workers();
        let mut stop = self.comparison.stop.clone();
        let mut wish = Stop::No;
        let mut gone = false;
        let (mut prepared, mut quiet) = (0, 0);
        let mut turns: Vec<(Instant, Turn)> = Vec::new();
        loop {
            let next = turns.first().map(|(at, _)| *at);
            tokio::select! {
                report = received.recv() => match report {
                    None => return,
                    Some(Report::Second(second)) => {
                        let records = self.collector.take(*second, self.phase);
                        self.hand_over(records);
                        self.look_for_trouble();
                    }
                    Some(Report::Prepared(Ok(()))) => {
                        prepared += 1;
                        if prepared == workers {
                            turns = self.begin();
                        }
                    }
                    Some(Report::Prepared(Err(reason))) => self.fail(reason),
                    Some(Report::Quiet) => {
                        quiet += 1;
                        if quiet == workers {
                            turns = self.begin_audit(probe);
                        }
                    }
                    Some(Report::Done(done)) => self.add(*done),
                },
                () = at(next) => {
                    let (_, turn) = turns.remove(0);
                    self.take_turn(turn, probe);
                }
                reason = instance.gone(), if !gone => {
                    gone = true;
                    self.fail(reason);
                }
                () = stopped(&mut stop, next_wish(wish)) => {
                    wish = *stop.borrow();
                    turns = self.obey(wish, turns, probe);
                }
            }
        }
    }

    /// All mailboxes are filled: the plan begins.
    fn begin(&mut self) -> Vec<(Instant, Turn)> {
        let run = &self.comparison.scenario.run;
        let clock = Clock::new(self.comparison.run_start, Instant::now() + LEAD, run);
        self.helm.steer(Course::Run(clock));
        let mut turns: Vec<(Instant, Turn)> = clock
            .turns()
            .map(|(phase, at)| (at, Turn::Phase(phase)))
            .into();
        let drain = clock.at(self.comparison.plan.horizon) + run.drain;
        turns.push((drain, Turn::DrainIsOver));
        turns
    }

    fn take_turn(&mut self, turn: Turn, probe: Option<&ServerProbe>) {
        match turn {
            Turn::Phase(phase) => {
                self.enter(phase, probe);
                if phase == Phase::Drain {
                    self.helm.steer(Course::Drain { hurried: false });
                }
            }
            Turn::DrainIsOver => self.helm.steer(Course::Cut),
            Turn::AuditIsOver => {
                self.helm.steer(Course::Abandon);
                self.fail("looking into the mailboxes took too long".into());
            }
        }
    }

    /// Nothing runs any more on any worker.
    fn begin_audit(&mut self, probe: Option<&ServerProbe>) -> Vec<(Instant, Turn)> {
        // Where the server is gone, or never was filled, there is nothing to look into.
        if matches!(self.ended, Ended::Failed(_)) {
            self.helm.steer(Course::Abandon);
            return Vec::new();
        }
        self.enter(Phase::Audit, probe);
        self.helm.steer(Course::Audit);
        vec![(Instant::now() + AUDIT_LIMIT, Turn::AuditIsOver)]
    }

    /// The user wants it to end.
    fn obey(
        &mut self,
        wish: Stop,
        turns: Vec<(Instant, Turn)>,
        probe: Option<&ServerProbe>,
    ) -> Vec<(Instant, Turn)> {
        if wish == Stop::No {
            return turns;
        }
        if self.ended == Ended::Complete {
            self.ended = Ended::Interrupted;
        }
        if wish == Stop::Now {
            self.helm.steer(Course::Abandon);
            return Vec::new();
        }
        match self.phase {
            Phase::Prepare => {
                self.helm.steer(Course::Cut);
                Vec::new()
            }
            Phase::Audit => turns,
            Phase::RampUp | Phase::WarmUp | Phase::Measure | Phase::Drain => {
                if self.phase != Phase::Drain {
                    self.enter(Phase::Drain, probe);
                }
                self.helm.steer(Course::Drain { hurried: true });
                let limit = self.comparison.scenario.run.drain;
                vec![(Instant::now() + limit, Turn::DrainIsOver)]
            }
        }
    }

    /// The first reason stays. Nothing more is begun or counted.
    fn fail(&mut self, reason: String) {
        tracing::info!("{reason}");
        if !matches!(self.ended, Ended::Failed(_)) {
            self.ended = Ended::Failed(reason);
        }
        self.helm.steer(Course::Abandon);
    }

    fn look_for_trouble(&mut self) {
        let gauges = self.collector.gauges();
        let watch = self.error_watch.as_mut();
        let reason = trouble(&gauges, self.comparison.devices())
            .or_else(|| watch.and_then(|watch| watch.look(Instant::now(), &gauges)));
        if let Some(reason) = reason {
            self.fail(reason);
        }
        self.tally.gauges = gauges;
        self.comparison.tell(self.cell, self.phase, self.tally);
    }

    fn add(&mut self, done: Done) {
        self.totals += done.totals;
        for (kind, count) in done.held {
            *self.held.entry(kind).or_default() += count;
        }
    }

    fn enter(&mut self, phase: Phase, probe: Option<&ServerProbe>) {
        // One sample for the phase that ends and one for the phase that begins: what each used is known to the instant.
        let sample = || probe.map_or((), ServerProbe::sample_now);
        sample();
        self.phase = phase;
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = phase;
        sample();
        let at_us = since_us(self.comparison.run_start, Instant::now());
        self.hand_over(vec![Record::Phase(self.cell, phase, at_us)]);
        self.comparison.tell(self.cell, phase, self.tally);
    }

    fn hand_over(&mut self, records: Vec<Record>) {
        if !records.is_empty() && self.comparison.records.send(records).is_err() {
            let reason = "the results could not be written";
            if !matches!(self.ended, Ended::Failed(_)) {
                self.ended = Ended::Failed(reason.into());
            }
            self.helm.steer(Course::Abandon);
        }
    }
}

fn ports(endpoint: &Endpoint) -> Ports {
    let of = |service: Option<&Service>| {
        service
            .map(|service| service.address.socket.port())
            .into_iter()
            .collect()
    };
    Ports {
        pop3: of(endpoint.pop3.as_ref()),
        imap: of(endpoint.imap.as_ref()),
        delivery: of(endpoint.delivery.service()),
    }
}

fn at(instant: Option<Instant>) -> impl Future<Output = ()> {
    let sleep: Option<Pin<Box<Sleep>>> = instant.map(|at| Box::pin(sleep_until(at.into())));
    async move {
        match sleep {
            Some(sleep) => sleep.await,
            None => std::future::pending().await,
        }
    }
}

const fn next_wish(wish: Stop) -> Stop {
    match wish {
        Stop::No => Stop::Drain,
        Stop::Drain | Stop::Now => Stop::Now,
    }
}

/// Resolves when the user wants at least that. Never, if nobody can want anything any more, or it was answered.
pub(super) async fn stopped(stop: &mut StopReceiver, least: Stop) {
    if stop.wait_for(|wish| *wish >= least).await.is_err() {
        std::future::pending::<()>().await;
    }
}

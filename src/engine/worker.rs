//! One thread with a runtime of its own: a share of the users, all devices of a user together, so that nothing between
//! them needs a lock. It fills their mailboxes, lets them live through the plan, and counts at the end.

use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::sleep_until;

use crate::metrics::row::Cell;
use crate::metrics::{ErrorClass, Interval, Record};
use crate::net::{Dialer, Reach};
use crate::plan::{Plan, UserId, UserPlan};
use crate::scenario::{DeviceKind, Scenario};
use crate::target::{Account, Endpoint};

use super::audit;
use super::clock::Clock;
use super::course::Guide;
use super::delivery::{Carrier, Post};
use super::device::{Device, Owner};
use super::ledger::{Ledger, RunId};
use super::log::{Count, Gauges, Log, Totals};
use super::network::{self, KernelNetworks};
use super::person::Person;
use super::prepare;
use super::radio::Radio;
use super::witness::Chronicle;

/// Rows that are waiting are handed over early when there are so many.
pub(super) const MANY_ROWS: usize = 5_000;

/// What a worker has to do in one cell.
#[derive(Clone, Debug)]
pub(super) struct Assignment {
    pub(super) worker: usize,
    pub(super) workers: usize,
    pub(super) cell: Cell,
    pub(super) scenario: Arc<Scenario>,
    pub(super) plan: Arc<Plan>,
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) dialer: Dialer,
    pub(super) kernel_networks: Option<Arc<KernelNetworks>>,
    pub(super) run: RunId,
    /// Until the plan runs, its instants mean nothing; the run's start does.
    pub(super) clock: Clock,
    pub(super) run_start: Instant,
    pub(super) guide: Guide,
    pub(super) reports: mpsc::Sender<Report>,
}

/// What a worker tells.
#[derive(Debug)]
pub(super) enum Report {
    /// What was noted in a second of the run.
    Second(Box<Second>),
    /// The mailboxes are filled, or why not.
    Prepared(Result<(), String>),
    /// Nothing runs any more.
    Quiet,
    /// The stores are counted; nothing follows.
    Done(Box<Done>),
}

/// What one worker noted in a second of the run.
#[derive(Debug)]
pub(super) struct Second {
    pub(super) worker: usize,
    /// Which, since the run's start.
    pub(super) number: u32,
    /// Histograms of this second.
    pub(super) interval: Interval,
    pub(super) records: Vec<Record>,
    /// Since the cell's start.
    pub(super) gauges: Gauges,
    /// It has only handed over rows early: the second goes on.
    pub(super) early: bool,
}

/// A worker's end of a cell.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) totals: Totals,
    pub(super) held: BTreeMap<DeviceKind, Count>,
}

impl Assignment {
    /// Does it, on a thread of its own.
    pub(super) fn spawn(self) -> io::Result<JoinHandle<()>> {
        thread::Builder::new()
            .name(format!("worker-{}", self.worker))
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                match runtime {
                    Ok(runtime) => LocalSet::new().block_on(&runtime, self.work()),
                    Err(error) => {
                        let failed = Err(format!("a worker could not start: {error}"));
                        let _ = self.reports.blocking_send(Report::Prepared(failed));
                    }
                }
            })
    }

    async fn work(self) {
        let log = Rc::new(Log::new(self.cell, self.clock));
        let ticker = tokio::task::spawn_local(tick(self.clone(), Rc::clone(&log)));
        let post = Rc::new(Post::default());
        let people = self.people(&log, &post);

        let prepared = tokio::select! {
            prepared = self.prepare(&log, &people) => prepared,
            () = self.guide.cut() => Err("the run was stopped".to_owned()),
        };
        let _ = self.reports.send(Report::Prepared(prepared)).await;
        if let Some(clock) = self.guide.started().await {
            log.run(clock);
            people
                .iter()
                .flat_map(|(person, _)| &person.devices)
                .for_each(|device| device.owner().radio.watch(clock.measured()));
            self.live(&log, &post, &people, clock).await;
        }
        self.tell_of_radios(&log, &people).await;
        let _ = self.reports.send(Report::Quiet).await;
        if self.guide.audits().await {
            log.fix_phase(crate::scenario::Phase::Audit);
            tokio::select! {
                () = audit::look_into_mailboxes(&self, &log, &people) => {}
                () = self.guide.abandoned() => {}
            }
        }
        ticker.abort();
        let _ = self
            .reports
            .send(self.second(&log, Instant::now(), false))
            .await;
        let done = Done {
            totals: log.totals(),
            held: held(&people),
        };
        let _ = self.reports.send(Report::Done(Box::new(done))).await;
    }

    async fn prepare(
        &self,
        log: &Rc<Log>,
        people: &[(Rc<Person>, &UserPlan)],
    ) -> Result<(), String> {
        if let Some(networks) = &self.kernel_networks {
            let users: Vec<UserId> = people.iter().map(|(_, plan)| plan.user).collect();
            networks.open_ways(&self.endpoint, &users).await?;
        }
        prepare::fill_mailboxes(self, log, people).await
    }

    async fn tell_of_radios(&self, log: &Rc<Log>, people: &[(Rc<Person>, &UserPlan)]) {
        for device in people.iter().flat_map(|(person, _)| &person.devices) {
            let owner = device.owner();
            if let Some(row) = owner.radio.row(self.cell, owner.user, owner.kind) {
                log.row(Record::Radio(row));
                self.relieve(log).await;
            }
        }
    }

    /// This worker's users: every `workers`-th, all devices of each.
    fn people(&self, log: &Rc<Log>, post: &Rc<Post>) -> Vec<(Rc<Person>, &UserPlan)> {
        let accounts = &self.endpoint.accounts;
        self.plan
            .users
            .iter()
            .zip(accounts)
            .enumerate()
            .skip(self.worker)
            .step_by(self.workers)
            .map(|(index, (plan, account))| {
                let person = self.person(index, plan, account, log, post);
                (Rc::new(person), plan)
            })
            .collect()
    }

    fn person(
        &self,
        index: usize,
        plan: &UserPlan,
        account: &Account,
        log: &Rc<Log>,
        post: &Rc<Post>,
    ) -> Person {
        let mut ledger = Ledger::new(self.run, plan);
        if self.scenario.run.observations {
            ledger = ledger.with_chronicle(Chronicle::new(log, plan.user));
        }
        let ledger = Rc::new(ledger.into());
        let devices = plan.devices.iter().map(|&kind| {
            let dialer = self.dialer.for_another_device();
            let dialer = match (
                &self.kernel_networks,
                network::link(&self.scenario, plan.user, kind),
            ) {
                (Some(networks), _) => match networks.of(plan.user, kind) {
                    Some(namespace) => dialer.inside(namespace),
                    None => dialer,
                },
                (None, Some(link)) => dialer.over(link),
                (None, None) => dialer,
            };
            let radio = Radio::new(self.scenario.device(kind).radio, self.scenario.speed);
            let radio = Arc::new(radio);
            let reach = Reach::new();
            let dialer = if plan.outages.iter().any(|outage| outage.device == kind) {
                dialer.within(reach.clone())
            } else {
                dialer
            };
            let owner = Owner {
                user: plan.user,
                kind,
                login: account.login(),
                address: account.address.clone(),
                ledger: Rc::clone(&ledger),
                log: Rc::clone(log),
                guide: self.guide.clone(),
                endpoint: Arc::clone(&self.endpoint),
                dialer: dialer.witnessed_by(Arc::<Radio>::clone(&radio)),
                reach,
                radio,
            };
            Rc::new(Device::new(owner, self.cell.arm, &self.scenario))
        });
        Person {
            index,
            address: account.address.clone(),
            login: Rc::new(account.login()),
            devices: devices.collect(),
            ledger,
            log: Rc::clone(log),
            guide: self.guide.clone(),
            post: Rc::clone(post),
            attention: Mutex::default(),
        }
    }

    /// The plan runs. Ends when all people are done and all letters delivered, or when everything is cut.
    async fn live(
        &self,
        log: &Rc<Log>,
        post: &Rc<Post>,
        people: &[(Rc<Person>, &UserPlan)],
        clock: Clock,
    ) {
        let mut carriers = self.carriers(log, post);
        let mut lives = JoinSet::new();
        for (person, _) in people {
            lives.spawn_local(Rc::clone(person).live(Arc::clone(&self.plan), clock));
        }
        let all = async {
            while let Some(ended) = lives.join_next().await {
                if ended.is_err_and(|error| error.is_panic()) {
                    log.fault(
                        None,
                        Instant::now(),
                        None,
                        ErrorClass::Panic,
                        "a user's task panicked; its words are on standard error",
                    );
                }
            }
            post.close();
            while carriers.join_next().await.is_some() {}
        };
        tokio::select! {
            () = all => {}
            () = self.guide.cut() => {}
        }
        // Whoever still lives is cut here: sessions note that they were cancelled.
        lives.shutdown().await;
        while carriers.join_next().await.is_some() {}
        for device in people.iter().flat_map(|(person, _)| &person.devices) {
            device.cut().await;
        }
    }

    pub(super) fn carriers(&self, log: &Rc<Log>, post: &Rc<Post>) -> JoinSet<()> {
        let mut carriers = JoinSet::new();
        for _ in 0..self.scenario.limits.deliveries.max(1) {
            let carrier = Carrier {
                post: Rc::clone(post),
                log: Rc::clone(log),
                dialer: self.dialer.clone(),
                endpoint: Arc::clone(&self.endpoint),
                guide: self.guide.clone(),
            };
            carriers.spawn_local(carrier.work());
        }
        carriers
    }

    /// Hands over rows before the second is over, when they are many.
    pub(super) async fn relieve(&self, log: &Log) {
        if log.rows_waiting() >= MANY_ROWS {
            let second = self.second(log, Instant::now(), true);
            let _ = self.reports.send(second).await;
        }
    }

    fn second(&self, log: &Log, at: Instant, early: bool) -> Report {
        let second = at.saturating_duration_since(self.run_start).as_secs() as u32;
        let (interval, records) = if early {
            (Interval::default(), log.take_rows())
        } else {
            log.take()
        };
        Report::Second(Box::new(Second {
            worker: self.worker,
            number: second,
            interval,
            records,
            gauges: log.gauges(),
            early,
        }))
    }
}

/// Hands over what was noted, at the end of each second of the run.
async fn tick(assignment: Assignment, log: Rc<Log>) {
    loop {
        let begun = Instant::now();
        let whole = begun
            .saturating_duration_since(assignment.run_start)
            .as_secs();
        let end = assignment.run_start + Duration::from_secs(whole + 1);
        sleep_until(end.into()).await;
        let report = assignment.second(&log, begun, false);
        if assignment.reports.send(report).await.is_err() {
            return;
        }
    }
}

/// What lies on all devices of a kind.
fn held(people: &[(Rc<Person>, &UserPlan)]) -> BTreeMap<DeviceKind, Count> {
    let mut held: BTreeMap<DeviceKind, Count> = BTreeMap::new();
    for device in people.iter().flat_map(|(person, _)| &person.devices) {
        let (messages, octets) = device.store().borrow().sum();
        *held.entry(device.owner().kind).or_default() += Count { messages, octets };
    }
    held
}

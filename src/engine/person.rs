//! One user: switches devices on, gets mail, picks a device up, reads, answers, deletes. When, says the plan; what comes of
//! it is noted here.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep_until;

use crate::client::Login;
use crate::metrics::row::{OpeningRow, Purpose};
use crate::metrics::{ErrorClass, Record};
use crate::plan::{Act, Event, Plan, Step, UserPlan, What};
use crate::scenario::DeviceKind;

use super::clock::Clock;
use super::course::Guide;
use super::delivery::{Letter, Post};
use super::device::Device;
use super::ledger::Ledger;
use super::log::Log;

/// One user with all devices.
#[derive(Debug)]
pub(super) struct Person {
    /// Place in the plan's list of users.
    pub(super) index: usize,
    pub(super) address: String,
    pub(super) login: Rc<Login>,
    pub(super) devices: Vec<Rc<Device>>,
    pub(super) ledger: Rc<RefCell<Ledger>>,
    pub(super) log: Rc<Log>,
    pub(super) guide: Guide,
    pub(super) post: Rc<Post>,
    /// People do one thing at a time.
    pub(super) attention: Mutex<()>,
}

impl Person {
    /// Lives through the plan. Ends when everything that began has ended and all connections are closed.
    pub(super) async fn live(self: Rc<Self>, plan: Arc<Plan>, clock: Clock) {
        let mut tasks = JoinSet::new();
        for outage in self.plan(&plan).map_or(&[][..], |plan| &plan.outages) {
            let (from, to) = (clock.at(outage.from), clock.at(outage.to));
            if let Some(device) = self.device(outage.device) {
                tasks.spawn_local(async move { device.lose_network(from, to).await });
            }
        }
        let events = self.plan(&plan).map_or(0, |plan| plan.events.len());
        for index in 0..events {
            let Some(event) = self.event(&plan, index) else {
                break;
            };
            let due = clock.at(event.at);
            // Whatever is due before the drain begins, even if its turn comes a little later.
            tokio::select! {
                biased;
                () = self.guide.hurry() => break,
                () = sleep_until(due.into()) => {}
            }
            self.begin(&plan, index, due, &mut tasks);
            while let Some(ended) = tasks.try_join_next() {
                self.note_panic(ended);
            }
        }
        self.guide.draining().await;
        while let Some(ended) = tasks.join_next().await {
            self.note_panic(ended);
        }
        for device in &self.devices {
            device.close().await;
        }
    }

    fn plan<'a>(&self, plan: &'a Plan) -> Option<&'a UserPlan> {
        plan.users.get(self.index)
    }

    fn event<'a>(&self, plan: &'a Plan, index: usize) -> Option<&'a Event> {
        self.plan(plan)?.events.get(index)
    }

    fn begin(
        self: &Rc<Self>,
        plan: &Arc<Plan>,
        index: usize,
        due: Instant,
        tasks: &mut JoinSet<()>,
    ) {
        let (Some(mine), Some(event)) = (self.plan(plan), self.event(plan, index)) else {
            return;
        };
        match &event.what {
            What::Deliver { seq } => self.letter(mine, *seq, due),
            What::Online(kind) => {
                if let Some(device) = self.device(*kind) {
                    tasks.spawn_local(async move { device.online(due).await });
                }
            }
            What::Poll { device, arm } => {
                if *arm != self.log.cell.arm {
                    return;
                }
                let Some(device) = self.device(*device) else {
                    return;
                };
                if device.busy() {
                    self.log.gauge(|gauges| gauges.coalesced += 1);
                } else {
                    tasks.spawn_local(async move { device.check(due, Purpose::Poll).await });
                }
            }
            What::Sitting { device, .. } => {
                let Some(device) = self.device(*device) else {
                    return;
                };
                let (person, plan) = (Rc::clone(self), Arc::clone(plan));
                tasks.spawn_local(async move {
                    if let Some(mine) = person.plan(&plan)
                        && let Some(What::Sitting { steps, .. }) =
                            mine.events.get(index).map(|event| &event.what)
                    {
                        person.sit(mine, &device, steps, due).await;
                    }
                });
            }
        }
    }

    fn device(&self, kind: DeviceKind) -> Option<Rc<Device>> {
        self.devices
            .iter()
            .find(|device| device.owner().kind == kind)
            .cloned()
    }

    fn letter(&self, plan: &UserPlan, seq: u32, due: Instant) {
        let Some(message) = plan.mail.get(seq as usize) else {
            return;
        };
        self.post.hand_in(Letter {
            user: plan.user,
            seq,
            spec: message.spec,
            ancestors: plan.ancestors(seq),
            address: self.address.clone(),
            login: Rc::clone(&self.login),
            ledger: Rc::clone(&self.ledger),
            due: Some(due),
        });
    }

    /// Picks the device up, looks for new mail, takes the steps, puts it down.
    async fn sit(&self, plan: &UserPlan, device: &Device, steps: &[Step], due: Instant) {
        let (_attention, due) = match self.attention.try_lock() {
            Ok(attention) => (attention, due),
            // Still busy with the sitting before: this one begins when that has ended.
            Err(_) => (self.attention.lock().await, Instant::now()),
        };
        device.check(due, Purpose::Sitting).await;
        for step in steps {
            let due = self.think(step.think).await;
            if self.guide.hurried() {
                break;
            }
            self.act(plan, device, &step.act, due).await;
        }
        device.put_down().await;
    }

    /// Returns when the next step is due: after the pause, or, once nothing new begins, at once.
    async fn think(&self, pause: Duration) -> Instant {
        let due = Instant::now() + pause;
        tokio::select! {
            biased;
            () = self.guide.draining() => Instant::now(),
            () = sleep_until(due.into()) => due,
        }
    }

    async fn act(&self, plan: &UserPlan, device: &Device, act: &Act, due: Instant) {
        match act {
            Act::Open {
                seq,
                attachment,
                again,
            } => self.open(device, *seq, *attachment, *again, due).await,
            Act::Flag { seq } => device.flag(*seq, due).await,
            Act::Delete { seq } => device.delete(*seq, due).await,
            Act::Reply { seq, reply } => {
                let mut ancestors = plan.ancestors(*seq);
                ancestors.push(*seq);
                device.reply(*seq, reply, &ancestors, due).await;
            }
            Act::Move { seq, folder } => device.move_to(*seq, *folder, due).await,
            Act::Send { number, message } => device.send(*number, message, due).await,
            Act::Search { term } => device.search(term, due).await,
        }
    }

    async fn open(&self, device: &Device, seq: u32, attachment: bool, again: bool, due: Instant) {
        let owner = device.owner();
        let offline = !owner.reach.is_there();
        let opened = device.open(seq, attachment, due).await;
        self.log.row(Record::Opening(OpeningRow {
            block: self.log.cell.block,
            arm: self.log.cell.arm,
            phase: self.log.phase(due),
            user: owner.user.0,
            device: owner.kind,
            message: self.ledger.borrow().identity(seq),
            at_us: self.log.clock().us(due),
            again,
            attachment,
            offline,
            outcome: opened.outcome,
            response_us: opened.at.saturating_duration_since(due).as_micros() as u64,
            rx_bytes: opened.cost.traffic.rx,
            tx_bytes: opened.cost.traffic.tx,
        }));
    }

    /// A panic in one task is ours, is counted, and takes nobody else down.
    fn note_panic(&self, ended: Result<(), JoinError>) {
        if ended.is_err_and(|error| error.is_panic()) {
            let user = self
                .devices
                .first()
                .map(|device| (device.owner().user, None));
            self.log.fault(
                user,
                Instant::now(),
                None,
                ErrorClass::Panic,
                "a task of this user panicked; its words are on standard error",
            );
        }
    }
}

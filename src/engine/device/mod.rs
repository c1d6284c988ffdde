//! A phone, a tablet or a notebook: what it does in each arm. It checks for mail, shows it, and does what its owner
//! wants of it. When that happens is the person's and the plan's business.

mod imap;
mod pop;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep_until;

use crate::client::{ClientError, Login};
use crate::metrics::row::{Event, Opening, Purpose};
use crate::metrics::{ErrorClass, Operation, Sample, Timing, Traffic};
use crate::net::{Dialer, Reach};
use crate::plan::{MessageSpec, UserId};
use crate::scenario::{Arm, Client, DeviceKind, Scenario, Watch};
use crate::target::Endpoint;

pub(super) use imap::{Folders, ImapDevice, bits, say_hello, text_part};
pub(super) use pop::PopDevice;

use super::course::Guide;
use super::ledger::Ledger;
use super::log::{Log, Tap};
use super::radio::Radio;
use super::store::Store;
use super::witness::Witness;

/// Whose device it is, and everything it needs to connect and to note down what happens.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) user: UserId,
    pub(super) kind: DeviceKind,
    pub(super) login: Login,
    pub(super) address: String,
    pub(super) ledger: Rc<RefCell<Ledger>>,
    pub(super) log: Rc<Log>,
    pub(super) guide: Guide,
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) dialer: Dialer,
    /// Hears of the packets of all its connections.
    pub(super) radio: Arc<Radio>,
    /// Whether it has a network.
    pub(super) reach: Reach,
}

impl Owner {
    pub(super) fn tap(&self) -> Tap {
        Tap {
            log: Rc::clone(&self.log),
            device: Some(self.kind),
        }
    }

    pub(super) fn error(&self, due: Instant, error: &ClientError) {
        self.log
            .error(Some((self.user, Some(self.kind))), due, error);
    }

    /// A connection of this device logged in, or failed to, since `sent`.
    pub(super) fn witness(&self, sent: Instant, error: Option<&ClientError>) -> Witness {
        let chronicle = self.ledger.borrow().chronicle();
        chronicle.login(Some(self.kind), sent, error)
    }

    /// The same of the harness.
    pub(super) fn harness(&self, sent: Instant, error: Option<&ClientError>) -> Witness {
        let chronicle = self.ledger.borrow().chronicle();
        chronicle.login(None, sent, error)
    }

    /// So much of a message lies on the device from now on.
    fn keeps(&self, seq: u32, event: Event, octets: u64) {
        let ledger = self.ledger.borrow();
        let now = Instant::now();
        let source = ledger.chronicle().aside(Some(self.kind));
        source.note(event, (now, now), |row| {
            row.message = Some(ledger.identity(seq));
            row.octets = Some(octets);
        });
    }

    fn logged_in(&self) {
        self.log.gauge(|gauges| {
            gauges.logins += 1;
            gauges.lost_in_a_row = 0;
        });
    }

    /// A connection could not be had: nobody there, or no answer.
    pub(super) fn not_reached(&self, error: &ClientError) {
        if !error.is_refusal() && error.class != ErrorClass::Offline {
            self.log.gauge(|gauges| gauges.lost_in_a_row += 1);
        }
    }

    /// A person's operation came to its end.
    fn sample(
        &self,
        operation: Operation,
        timing: Timing,
        cost: Cost,
        outcome: Result<(), ErrorClass>,
    ) {
        let sample = Sample {
            operation,
            timing,
            traffic: cost.traffic,
            round_trips: cost.round_trips,
            outcome,
        };
        self.log.sample(Some(self.kind), &sample);
    }

    /// The server agreed that the message is gone.
    fn removed(&self, seq: u32) {
        if let Some(octets) = self.ledger.borrow_mut().removed(seq) {
            self.log.total(|totals| totals.removed.add(octets));
        }
    }

    /// A whole message came: is it what was sent?
    fn verify(&self, seq: u32, body_hash: u64) {
        let sent = self
            .ledger
            .borrow()
            .entry(seq)
            .and_then(|entry| entry.body_hash);
        if sent.is_some_and(|sent| sent != body_hash) {
            self.log.total(|totals| totals.corrupt += 1);
            let identity = self.ledger.borrow().identity(seq);
            self.log.fault(
                Some((self.user, Some(self.kind))),
                Instant::now(),
                None,
                ErrorClass::Corrupt,
                &format!("message {identity} came with another body than it was sent with"),
            );
        }
    }
}

/// What something took on the wire.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    pub(super) traffic: Traffic,
    pub(super) round_trips: u32,
}

impl Cost {
    pub(super) fn between(
        before: &crate::client::SessionFigures,
        after: &crate::client::SessionFigures,
    ) -> Self {
        Self {
            traffic: after.traffic.since(before.traffic),
            round_trips: after.round_trips.saturating_sub(before.round_trips),
        }
    }
}

/// How opening a message went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opened {
    pub(super) outcome: Opening,
    /// The text was readable, or the person gave up.
    pub(super) at: Instant,
    pub(super) cost: Cost,
}

/// One device of one user.
#[derive(Debug)]
pub(super) enum Device {
    Pop(Box<PopDevice>),
    Imap(Box<ImapDevice>),
}

impl Device {
    pub(super) fn new(owner: Owner, arm: Arm, scenario: &Scenario) -> Self {
        match scenario.client(arm, owner.kind) {
            Client::Pop3(client) => {
                Self::Pop(Box::new(PopDevice::new(owner, client, scenario.speed)))
            }
            Client::Imap(client) => {
                let refresh = match client.watch {
                    Watch::Idle { refresh } => Some(scenario.clock(refresh)),
                    Watch::Poll(_) => None,
                };
                Self::Imap(Box::new(ImapDevice::new(owner, client, refresh)))
            }
        }
    }

    /// Whether a check is under way or waiting.
    pub(super) fn busy(&self) -> bool {
        match self {
            Self::Pop(device) => device.busy(),
            Self::Imap(device) => device.busy(),
        }
    }

    /// The run ends with connections still open: those that live on between the device's tasks are cut here.
    /// They may have been stopped a moment ago and let go of their connection only when they are looked at next, so it is waited for.
    pub(super) async fn cut(&self) {
        match self {
            // Its sessions are its tasks'.
            Self::Pop(_) => {}
            Self::Imap(device) => device.cut().await,
        }
    }

    /// The device is switched on: its first check, and from then on it watches if that is its way. Ends when the
    /// device need not be looked after any more.
    pub(super) async fn online(&self, due: Instant) {
        match self {
            Self::Pop(device) => device.check(due, Purpose::Poll).await,
            Self::Imap(device) => device.online(due).await,
        }
    }

    /// The device looks for new mail.
    pub(super) async fn check(&self, due: Instant, purpose: Purpose) {
        match self {
            Self::Pop(device) => device.check(due, purpose).await,
            Self::Imap(device) => device.check(due, purpose).await,
        }
    }

    pub(super) async fn open(&self, seq: u32, attachment: bool, due: Instant) -> Opened {
        match self {
            Self::Pop(device) => device.open(seq, attachment, due).await,
            Self::Imap(device) => device.open(seq, attachment, due).await,
        }
    }

    pub(super) async fn flag(&self, seq: u32, due: Instant) {
        match self {
            Self::Pop(device) => device.touch(Operation::FlagMessage, seq, due),
            Self::Imap(device) => device.flag(seq, due).await,
        }
    }

    pub(super) async fn delete(&self, seq: u32, due: Instant) {
        match self {
            Self::Pop(device) => device.delete(seq, due),
            Self::Imap(device) => device.delete(seq, due).await,
        }
    }

    pub(super) async fn reply(
        &self,
        seq: u32,
        reply: &MessageSpec,
        ancestors: &[u32],
        due: Instant,
    ) {
        match self {
            Self::Pop(device) => device.touch(Operation::ReplyMessage, seq, due),
            Self::Imap(device) => device.reply(seq, reply, ancestors, due).await,
        }
    }

    /// From INBOX to a folder; under POP3 a folder is one of the device's own.
    pub(super) async fn move_to(&self, seq: u32, folder: u32, due: Instant) {
        match self {
            Self::Pop(device) => device.touch(Operation::MoveMessage, seq, due),
            Self::Imap(device) => device.move_to(seq, folder, due).await,
        }
    }

    /// Writes a message that answers none. It leaves by submission, which is neither protocol; its copy is kept.
    pub(super) async fn send(&self, number: u32, message: &MessageSpec, due: Instant) {
        match self {
            Self::Pop(device) => device.send(due),
            Self::Imap(device) => device.send(number, message, due).await,
        }
    }

    pub(super) async fn search(&self, term: &str, due: Instant) {
        match self {
            Self::Pop(device) => device.search(due),
            Self::Imap(device) => device.search(term, due).await,
        }
    }

    /// The person puts the device down.
    pub(super) async fn put_down(&self) {
        match self {
            Self::Pop(_) => {}
            Self::Imap(device) => device.put_down().await,
        }
    }

    /// The end of the run: connections are closed in order.
    pub(super) async fn close(&self) {
        match self {
            Self::Pop(_) => {}
            Self::Imap(device) => device.close().await,
        }
    }

    /// Is without a network from one instant to another, at most until the drain.
    pub(super) async fn lose_network(&self, from: Instant, to: Instant) {
        let Owner { reach, guide, .. } = &**self.owner();
        tokio::select! {
            () = guide.draining() => return,
            () = sleep_until(from.into()) => {}
        }
        reach.lose();
        tokio::select! {
            () = guide.draining() => {}
            () = sleep_until(to.into()) => {}
        }
        reach.regain();
    }

    pub(super) fn owner(&self) -> &Rc<Owner> {
        match self {
            Self::Pop(device) => &device.owner,
            Self::Imap(device) => &device.owner,
        }
    }

    pub(super) fn store(&self) -> &RefCell<Store> {
        match self {
            Self::Pop(device) => &device.store,
            Self::Imap(device) => &device.store,
        }
    }
}

/// How long a device waits before it tries again, or none if trying again is of no use.
fn pause_before_retry(error: &ClientError, attempt: u32) -> Option<Duration> {
    let (first, most) = match error.class {
        ErrorClass::InUse | ErrorClass::LoginDelay => (500, 6),
        ErrorClass::Refused
        | ErrorClass::Unreachable
        | ErrorClass::ConnectionLost
        | ErrorClass::Greeting => (250, 3),
        _ => return None,
    };
    // Half of it at random, so that those who were refused together do not come back together.
    let full = Duration::from_millis(first << attempt.min(8));
    (attempt < most).then(|| full / 2 + full.mul_f64(rand::random::<f64>() / 2.0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::pause_before_retry;
    use crate::client::ClientError;
    use crate::metrics::{ErrorClass, Operation};

    #[test]
    fn a_refused_password_is_not_tried_again_but_a_busy_maildrop_is() {
        let error = |class| ClientError::new(class, Operation::Login, "no");
        assert_eq!(
            pause_before_retry(&error(ErrorClass::Authentication), 0),
            None
        );
        let pauses: Vec<Duration> = (0..)
            .map_while(|attempt| pause_before_retry(&error(ErrorClass::InUse), attempt))
            .collect();
        assert_eq!(pauses.len(), 6);
        assert!(pauses[0] >= Duration::from_millis(250));
        assert!(pauses[5] <= Duration::from_secs(16));
    }
}

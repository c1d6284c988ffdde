//! New mail on its way to the server: letters wait in one queue per worker, and a few connections take them from there.
//! What the server accepted is entered in its owner's ledger.

mod way;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;

use crate::client::{ClientError, Login, OpenError};
use crate::metrics::row::Event;
use crate::net::Dialer;
use crate::plan::message::{Envelope, Writer};
use crate::plan::{MessageSpec, UserId};
use crate::proto::digest::Digester;
use crate::target::Endpoint;

use super::course::Guide;
use super::ledger::Ledger;
use super::log::{Log, Tap};
pub(super) use way::{Parcel, Way};

/// Who the mail is from. `.test` is reserved (RFC 6761): nothing ever reaches anybody.
pub(super) const SENDER: &str = "sender@mailgauge.test";

/// Letters that wait while mailboxes are filled.
const QUEUED: usize = 256;

/// One message on its way.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) user: UserId,
    pub(super) seq: u32,
    pub(super) spec: MessageSpec,
    /// Sequence numbers of the messages before it in its thread.
    pub(super) ancestors: Vec<u32>,
    pub(super) address: String,
    /// Whose it is, where mail is handed over as its owner.
    pub(super) login: Rc<Login>,
    pub(super) ledger: Rc<RefCell<Ledger>>,
    /// None: now, as a connection is free.
    pub(super) due: Option<Instant>,
}

impl Letter {
    /// When its sender sent it, seconds since 1970: mail of the start did so before the run.
    fn sent_unix(&self) -> i64 {
        let age = self.ledger.borrow().entry(self.seq).map(|it| it.age);
        unix_now() - age.unwrap_or_default().as_secs().cast_signed()
    }

    /// Whether the server may have it from now on.
    fn offer(&self, octets: u64, offered: bool) {
        if let Some(entry) = self.ledger.borrow_mut().entry_mut(self.seq) {
            entry.octets = octets;
            entry.offered = offered;
        }
    }
}

/// The queue of one worker.
#[derive(Debug, Default)]
pub(super) struct Post {
    queue: RefCell<VecDeque<Letter>>,
    bell: Notify,
    /// A letter was taken.
    room: Notify,
    closed: Cell<bool>,
    failed: RefCell<Option<ClientError>>,
}

impl Post {
    pub(super) fn hand_in(&self, letter: Letter) {
        self.queue.borrow_mut().push_back(letter);
        self.bell.notify_one();
    }

    /// Hands a letter in when few are waiting, so that mailboxes of any size are filled in bounded memory.
    pub(super) async fn hand_in_when_there_is_room(&self, letter: Letter) {
        while self.queue.borrow().len() >= QUEUED {
            self.room.notified().await;
        }
        self.hand_in(letter);
    }

    /// No more letters will come: carriers end when the queue is empty.
    pub(super) fn close(&self) {
        self.closed.set(true);
        self.bell.notify_waiters();
    }

    /// The first failure, if any letter was not delivered.
    pub(super) fn failure(&self) -> Option<ClientError> {
        self.failed.borrow().clone()
    }

    /// A letter that had to wait for a carrier is due when one is free: the server was slow, not the generator. How
    /// long it waited stands in consistency.csv, between due and accepted.
    async fn next(&self) -> Option<Letter> {
        let mut idle = false;
        loop {
            // Registered before looking, so that no ring is missed.
            let ring = self.bell.notified();
            if let Some(mut letter) = self.queue.borrow_mut().pop_front() {
                letter.due = letter.due.filter(|_| idle);
                self.room.notify_one();
                return Some(letter);
            }
            if self.closed.get() {
                return None;
            }
            ring.await;
            idle = true;
        }
    }

    fn fail(&self, error: &ClientError) {
        self.failed
            .borrow_mut()
            .get_or_insert_with(|| error.clone());
    }
}

/// One connection's worth of deliveries.
#[derive(Debug)]
pub(super) struct Carrier {
    pub(super) post: Rc<Post>,
    pub(super) log: Rc<Log>,
    pub(super) dialer: Dialer,
    pub(super) endpoint: std::sync::Arc<Endpoint>,
    pub(super) guide: Guide,
}

impl Carrier {
    /// Delivers until the post is closed and empty, or the run is cut; what its connection carried until then counts.
    pub(super) async fn work(self) {
        let mut way = None;
        tokio::select! {
            () = self.carry(&mut way) => {}
            () = self.guide.cut() => match way {
                Some(way) => self.give_up(way),
                // It may have been on its way in or out.
                None => self.log.total(|totals| totals.cut += 1),
            },
        }
    }

    /// A connection is made when there is something to deliver.
    async fn carry(&self, way: &mut Option<Way<Tap>>) {
        while let Some(mut letter) = self.post.next().await {
            if let Some(other) = way.take_if(|way| !way.serves(&letter.login)) {
                self.leave(other).await;
            }
            if way.is_none() {
                *way = self.connect(&letter).await;
                letter.due = None;
            }
            let Some(open) = way.as_mut() else { continue };
            if !self.deliver(open, &letter).await
                && let Some(broken) = way.take()
            {
                self.give_up(broken);
            }
        }
        if let Some(way) = way.take() {
            self.leave(way).await;
        }
    }

    fn give_up(&self, way: Way<Tap>) {
        let figures = way.abort();
        self.log.total(|totals| {
            totals.delivery += figures.traffic;
            totals.cut += 1;
        });
    }

    async fn leave(&self, way: Way<Tap>) {
        let (figures, farewell) = way.quit().await;
        self.log.total(|totals| {
            totals.delivery += figures.traffic;
            totals.cut += u64::from(farewell.is_err());
        });
    }

    async fn connect(&self, letter: &Letter) -> Option<Way<Tap>> {
        let tap = Tap {
            log: Rc::clone(&self.log),
            device: None,
        };
        match Way::open(&self.dialer, &self.endpoint, &letter.login, tap).await {
            Ok(way) => Some(way),
            Err(OpenError { error, figures }) => {
                self.log.total(|totals| {
                    totals.delivery += figures.traffic;
                    totals.cut += 1;
                });
                self.failed(letter, &error);
                None
            }
        }
    }

    /// False: the connection is of no more use.
    async fn deliver(&self, way: &mut Way<Tap>, letter: &Letter) -> bool {
        let (id, ancestors) = {
            let ledger = letter.ledger.borrow();
            (
                ledger.identity(letter.seq),
                ledger.identities(&letter.ancestors),
            )
        };
        let envelope = Envelope {
            id: &id,
            from: SENDER,
            to: &letter.address,
            date_unix: letter.sent_unix(),
            ancestors: &ancestors,
        };
        let writer = Writer::new(&letter.spec, &envelope);
        let octets = writer.octets();
        let mut digester = Digester::new();
        let parcel = Parcel {
            sender: SENDER,
            recipient: &letter.address,
            flags: &[],
            octets,
            body: writer.inspect(|chunk| digester.update(chunk)),
            due: letter.due.unwrap_or_else(Instant::now),
        };
        // The answer may never come, or not be waited for.
        letter.offer(octets, true);
        let chronicle = letter.ledger.borrow().chronicle();
        let deed = chronicle.aside(None).begin(Event::Deliver).with(|row| {
            row.message = Some(id.clone());
            row.octets = Some(octets);
        });
        let delivered = way.deliver(parcel).await;
        deed.end(&delivered);
        let body_hash = digester.finish().body_hash;
        match delivered {
            Ok(()) => {
                self.accepted(letter, octets, body_hash);
                true
            }
            Err(mut error) => {
                let usable = error.is_refusal();
                if usable {
                    letter.offer(octets, false);
                    error.detail =
                        format!("the server did not take message {id}: {}", error.detail);
                }
                self.failed(letter, &error);
                usable
            }
        }
    }

    fn accepted(&self, letter: &Letter, octets: u64, body_hash: u64) {
        if let Some(entry) = letter.ledger.borrow_mut().entry_mut(letter.seq) {
            entry.accepted = Some(Instant::now());
            entry.octets = octets;
            entry.body_hash = Some(body_hash);
        }
        self.log.total(|totals| totals.accepted.add(octets));
        self.log.gauge(|gauges| gauges.deliveries += 1);
    }

    fn failed(&self, letter: &Letter, error: &ClientError) {
        self.post.fail(error);
        let due = letter.due.unwrap_or_else(Instant::now);
        self.log.error(Some((letter.user, None)), due, error);
    }
}

/// Seconds since 1970.
pub(super) fn unix_now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs().cast_signed())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::time::{Duration, Instant};

    use super::{Letter, Post};
    use crate::client::Login;
    use crate::engine::ledger::{Ledger, RunId};
    use crate::plan::{MessageSpec, UserId, UserPlan};

    fn letter(due: Instant) -> Letter {
        let plan = UserPlan {
            user: UserId(0),
            class: None,
            folders: 0,
            devices: Vec::new(),
            mail: Vec::new(),
            events: Vec::new(),
            outages: Vec::new(),
        };
        Letter {
            user: plan.user,
            seq: 0,
            spec: MessageSpec {
                seed: 0,
                octets: 1_000,
                attachment: None,
                incompressible: 0,
            },
            ancestors: Vec::new(),
            address: "u0@localhost".into(),
            login: Rc::new(Login::new("u0", "secret")),
            ledger: Rc::new(RefCell::new(Ledger::new(RunId::random(), &plan))),
            due: Some(due),
        }
    }

    #[tokio::test]
    async fn a_letter_that_waited_for_a_carrier_is_not_the_generators_lag() {
        let post = Post::default();
        let due = Instant::now();
        post.hand_in(letter(due));
        assert_eq!(post.next().await.and_then(|letter| letter.due), None);
        let late = async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            post.hand_in(letter(due));
            post.close();
        };
        let (taken, ()) = tokio::join!(post.next(), late);
        assert_eq!(taken.and_then(|letter| letter.due), Some(due));
        assert!(post.next().await.is_none());
    }
}

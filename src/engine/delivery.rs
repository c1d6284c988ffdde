//! New mail on its way to the server: letters wait in one queue per worker, and a few connections take them from there.
//! What the server accepted is entered in its owner's ledger.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;

use crate::client::{ClientError, DeliverySession, OpenError};
use crate::metrics::{ErrorClass, Operation};
use crate::net::Dialer;
use crate::plan::message::{Envelope, Writer};
use crate::plan::{MessageSpec, UserId};
use crate::proto::digest::Digester;
use crate::scenario::TlsMode;
use crate::target::Endpoint;

use super::ledger::Ledger;
use super::log::{Log, Tap};

/// Who the mail is from. `.test` is reserved (RFC 6761): nothing ever reaches anybody.
pub(super) const SENDER: &str = "sender@mailgauge.test";

/// One message on its way.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) user: UserId,
    pub(super) seq: u32,
    pub(super) spec: MessageSpec,
    pub(super) address: String,
    pub(super) ledger: Rc<RefCell<Ledger>>,
    /// None: as soon as a connection is free.
    pub(super) due: Option<Instant>,
}

/// The queue of one worker.
#[derive(Debug, Default)]
pub(super) struct Post {
    queue: RefCell<VecDeque<Letter>>,
    bell: Notify,
    closed: Cell<bool>,
    failed: RefCell<Option<ClientError>>,
}

impl Post {
    pub(super) fn hand_in(&self, letter: Letter) {
        self.queue.borrow_mut().push_back(letter);
        self.bell.notify_one();
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

    async fn next(&self) -> Option<Letter> {
        loop {
            // Registered before looking, so that no ring is missed.
            let ring = self.bell.notified();
            if let Some(letter) = self.queue.borrow_mut().pop_front() {
                return Some(letter);
            }
            if self.closed.get() {
                return None;
            }
            ring.await;
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
}

impl Carrier {
    /// Delivers until the post is closed and empty. A connection is made when there is something to deliver.
    pub(super) async fn work(self) {
        let mut session = None;
        while let Some(letter) = self.post.next().await {
            if session.is_none() {
                session = self.connect(&letter).await;
            }
            let Some(open) = &mut session else { continue };
            if !self.deliver(open, &letter).await
                && let Some(broken) = session.take()
            {
                let figures = broken.abort();
                self.log.total(|totals| {
                    totals.delivery += figures.traffic;
                    totals.cut += 1;
                });
            }
        }
        if let Some(session) = session {
            let (figures, farewell) = session.quit().await;
            self.log.total(|totals| {
                totals.delivery += figures.traffic;
                totals.cut += u64::from(farewell.is_err());
            });
        }
    }

    async fn connect(&self, letter: &Letter) -> Option<DeliverySession<Tap>> {
        let tap = Tap {
            log: Rc::clone(&self.log),
            device: None,
        };
        let due = Instant::now();
        let Endpoint {
            delivery, dialect, ..
        } = &*self.endpoint;
        let opened =
            DeliverySession::open(&self.dialer, delivery, TlsMode::Plain, *dialect, due, tap).await;
        match opened {
            Ok(session) => Some(session),
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
    async fn deliver(&self, session: &mut DeliverySession<Tap>, letter: &Letter) -> bool {
        let id = letter.ledger.borrow().identity(letter.seq);
        let envelope = Envelope {
            id: &id,
            from: SENDER,
            to: &letter.address,
            date_unix: unix_now(),
        };
        let writer = Writer::new(&letter.spec, &envelope);
        let octets = writer.octets();
        let due = letter.due.unwrap_or_else(Instant::now);
        let mut digester = Digester::new();
        let body = writer.inspect(|chunk| digester.update(chunk));
        let recipients = [letter.address.as_str()];
        let answers = session
            .deliver(SENDER, &recipients, octets, body, due)
            .await;
        let body_hash = digester.finish().body_hash;
        match answers.map(|answers| answers.into_iter().next()) {
            Ok(Some(Ok(()))) => {
                self.accepted(letter, octets, body_hash);
                true
            }
            Ok(Some(Err(refusal))) => {
                let detail = format!("the server did not take message {id}: {refusal}");
                let error =
                    ClientError::new(ErrorClass::CommandRefused, Operation::Deliver, detail);
                self.failed(letter, &error);
                true
            }
            Ok(None) => true,
            Err(error) => {
                self.failed(letter, &error);
                error.is_refusal()
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

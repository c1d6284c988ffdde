//! A device that reads its mail by POP3: it downloads what is new, whole, and by default has it deleted from the server.
//! Everything its owner does afterwards happens in its own store.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::client::{ClientError, OpenError, PopSession};
use crate::engine::journal::Journal;
use crate::engine::log::Tap;
use crate::engine::store::{Downloaded, Store};
use crate::engine::witness::{Deed, Witness};
use crate::metrics::row::{Event, Opening, Purpose};
use crate::metrics::{ErrorClass, Operation, Timing};
use crate::proto::pop3::UidlEntry;
use crate::scenario::{PopClient, PopListing, Protocol};
use crate::target::Service;

use super::{Cost, Opened, Owner, pause_before_retry};

/// A POP3 device.
#[derive(Debug)]
pub(in crate::engine) struct PopDevice {
    pub(super) owner: Rc<Owner>,
    client: PopClient,
    /// Simulated seconds per clock second.
    speed: f64,
    pub(super) store: RefCell<Store>,
    /// One session at a time.
    line: Mutex<()>,
    /// The last check did not get through: what is missing may still be on the server.
    blind: Cell<bool>,
}

/// What a session achieved before its QUIT.
struct Fetched {
    /// The new mail was on the device.
    at: Instant,
    /// Marked for deletion.
    marked: Vec<u32>,
}

impl PopDevice {
    pub(super) fn new(owner: Owner, client: &PopClient, speed: f64) -> Self {
        let messages = owner.ledger.borrow().len();
        Self {
            owner: Rc::new(owner),
            client: client.clone(),
            speed,
            store: RefCell::new(Store::new(messages)),
            line: Mutex::new(()),
            blind: Cell::new(true),
        }
    }

    pub(super) fn busy(&self) -> bool {
        self.line.try_lock().is_err()
    }

    /// Downloads what is new; when the maildrop is locked or the connection breaks, after a pause again.
    pub(super) async fn check(&self, due: Instant, purpose: Purpose) {
        let asked = Instant::now();
        let (_line, mut session_due) = match self.line.try_lock() {
            Ok(line) => (line, due),
            // Waiting for our own earlier session is not the generator being late.
            Err(_) => (self.line.lock().await, Instant::now()),
        };
        let timing = |done| Timing {
            due,
            sent: asked,
            first_byte: None,
            done,
        };
        for attempt in 0.. {
            let (outcome, cost) = self.session(session_due, purpose).await;
            let error = match outcome {
                Ok(at) => {
                    self.blind.set(false);
                    self.owner
                        .sample(Operation::Check, timing(at), cost, Ok(()));
                    return;
                }
                Err(error) => error,
            };
            self.blind.set(true);
            let pause = pause_before_retry(&error, attempt);
            let Some(pause) = pause.filter(|_| self.owner.guide.running()) else {
                let timing = timing(Instant::now());
                self.owner
                    .sample(Operation::Check, timing, cost, Err(error.class));
                return;
            };
            sleep(pause).await;
            session_due = Instant::now();
        }
    }

    /// One connection. Returns when the new mail was on the device.
    async fn session(
        &self,
        due: Instant,
        purpose: Purpose,
    ) -> (Result<Instant, ClientError>, Cost) {
        let owner = &self.owner;
        let mut journal = Journal::begin(owner, Protocol::Pop3, purpose, due);
        let Some(Service { address, tls }) = &owner.endpoint.pop3 else {
            let error = ClientError::new(
                ErrorClass::NotOffered,
                Operation::Connect,
                "the target offers no POP3",
            );
            journal.end(&crate::client::SessionFigures::default(), Some(&error));
            return (Err(error), Cost::default());
        };
        let sent = Instant::now();
        let opened = PopSession::open(&owner.dialer, address, *tls, &owner.login, due, owner.tap());
        let mut session = match opened.await {
            Ok(session) => session,
            Err(OpenError { error, figures }) => {
                drop(owner.witness(sent, Some(&error)));
                owner.not_reached(&error);
                journal.end(&figures, Some(&error));
                let cost = Cost::between(&crate::client::SessionFigures::default(), &figures);
                return (Err(error), cost);
            }
        };
        owner.logged_in();
        journal.knows(session.figures());
        let witness = owner.witness(sent, None);
        let fetched = self.fetch(&mut session, &mut journal, &witness).await;
        if let Ok(fetched) = &fetched {
            // The answer to QUIT may never come, or not be waited for.
            let mut ledger = owner.ledger.borrow_mut();
            for seq in &fetched.marked {
                ledger.removal_asked(*seq);
            }
        }
        let (figures, farewell) = match &fetched {
            Err(error) if !error.is_refusal() => (session.abort(), Ok(())),
            _ => {
                journal.knows(session.figures());
                let deed = witness.farewell(Event::Quit);
                let (figures, farewell) = session.quit().await;
                deed.end(&farewell);
                (figures, farewell)
            }
        };
        if let (Ok(fetched), Ok(())) = (&fetched, &farewell) {
            for seq in &fetched.marked {
                owner.removed(*seq);
            }
            self.forget_deleted(&witness, &fetched.marked);
        }
        journal.end(&figures, fetched.as_ref().err().or(farewell.as_ref().err()));
        let cost = Cost::between(&crate::client::SessionFigures::default(), &figures);
        (fetched.map(|fetched| fetched.at), cost)
    }

    /// What is there, RETR of what is new, DELE of what need not stay.
    async fn fetch(
        &self,
        session: &mut PopSession<Tap>,
        journal: &mut Journal,
        witness: &Witness,
    ) -> Result<Fetched, ClientError> {
        let asked = Instant::now();
        let listing = self.list(session).await?;
        journal.usable(&session.figures());
        self.write_list(witness, asked, &listing);

        let mut new: HashMap<u32, &str> = HashMap::new();
        let mut numbers = Vec::new();
        {
            let store = self.store.borrow();
            for entry in &listing {
                if store.downloaded(&entry.uidl).is_none() {
                    new.insert(entry.number, &entry.uidl);
                    numbers.push(entry.number);
                }
            }
        }
        let mut arrived = 0;
        let asked = Instant::now();
        let retrieved = session
            .retrieve(&numbers, |number, digest| {
                arrived += 1;
                let seq = digest
                    .id
                    .as_deref()
                    .and_then(|identity| self.owner.ledger.borrow().seq(identity));
                let mut store = self.store.borrow_mut();
                if let Some(uidl) = new.get(&number) {
                    store.remember((*uidl).to_owned(), seq);
                }
                if let Some(seq) = seq {
                    store.show(seq, Instant::now());
                    store.keep_whole(seq, digest.octets);
                    self.owner.verify(seq, digest.body_hash);
                    let octets = digest.octets;
                    self.write_download(witness, asked, (seq, octets), new.get(&number));
                }
            })
            .await;
        journal.messages += arrived;
        let at = Instant::now();
        // One message that is refused does not keep the others on the server.
        self.pass_over_refusal(at, retrieved)?;
        let unwanted = self.to_delete(&listing);
        let numbers: Vec<u32> = unwanted.keys().copied().collect();
        let mut marked = Vec::new();
        let mut deeds = self.begin_marks(witness, &listing, &unwanted);
        let deleted = session
            .delete(&numbers, |number| {
                marked.extend(unwanted.get(&number));
                if let Some(deed) = deeds.remove(&number) {
                    deed.end(&Ok(()));
                }
            })
            .await;
        // Of those that were not answered well, the first refusal or failure is all that is known.
        for deed in deeds.into_values() {
            deed.end(&deleted);
        }
        // Somebody else took a message: where the server lets a second session in, another device.
        self.pass_over_refusal(Instant::now(), deleted)?;
        Ok(Fetched { at, marked })
    }

    /// In the order in which the client asks.
    async fn list(&self, session: &mut PopSession<Tap>) -> Result<Vec<UidlEntry>, ClientError> {
        if !self.client.pipelining {
            session.wait_for_each_reply();
        }
        let mut listing = Vec::new();
        for command in &self.client.listing {
            match command {
                PopListing::Stat if session.stat().await?.messages == 0 => break,
                PopListing::Stat => {}
                PopListing::List => drop(session.list().await?),
                PopListing::Uidl => listing = session.uidl().await?,
            }
        }
        Ok(listing)
    }

    /// Notes a refusal; what is worse ends the session.
    fn pass_over_refusal(
        &self,
        at: Instant,
        result: Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        match result {
            Err(error) if error.is_refusal() => {
                self.owner.error(at, &error);
                Ok(())
            }
            other => other,
        }
    }

    /// The list was read: what this device had downloaded and is no longer there, it forgets.
    fn write_list(&self, witness: &Witness, asked: Instant, listing: &[UidlEntry]) {
        let span = (asked, Instant::now());
        witness.note(Event::Listed, span, |row| {
            row.messages = Some(listing.len() as u32);
        });
        let on_server = listing.iter().map(|entry| entry.uidl.as_str());
        for (uidl, downloaded) in self.store.borrow_mut().forget_all_but(on_server) {
            if let Downloaded::Ours(seq) = downloaded {
                self.write_gone(witness, span, seq, uidl);
            }
        }
    }

    /// The server said that they are deleted: if it ever tells of their UIDLs again, they stand for something new.
    fn forget_deleted(&self, witness: &Witness, marked: &[u32]) {
        let now = Instant::now();
        for (uidl, seq) in self.store.borrow_mut().forget_downloaded(marked) {
            self.write_gone(witness, (now, now), seq, uidl);
        }
    }

    fn write_gone(&self, witness: &Witness, span: (Instant, Instant), seq: u32, uidl: String) {
        witness.note(Event::Gone, span, |row| {
            row.message = Some(self.owner.ledger.borrow().identity(seq));
            row.uidl = Some(uidl);
        });
    }

    fn write_download(
        &self,
        witness: &Witness,
        asked: Instant,
        (seq, octets): (u32, u64),
        uidl: Option<&&str>,
    ) {
        witness.note(Event::Retrieve, (asked, Instant::now()), |row| {
            row.message = Some(self.owner.ledger.borrow().identity(seq));
            row.uidl = uidl.map(|uidl| (*uidl).to_owned());
            row.octets = Some(octets);
        });
        self.owner.keeps(seq, Event::Keep, octets);
    }

    /// By number in the listing.
    fn begin_marks(
        &self,
        witness: &Witness,
        listing: &[UidlEntry],
        unwanted: &BTreeMap<u32, u32>,
    ) -> BTreeMap<u32, Deed> {
        let begin = |entry: &UidlEntry| {
            let seq = *unwanted.get(&entry.number)?;
            let deed = witness.begin(Event::Dele).with(|row| {
                row.message = Some(self.owner.ledger.borrow().identity(seq));
                row.uidl = Some(entry.uidl.clone());
            });
            Some((entry.number, deed))
        };
        listing.iter().filter_map(begin).collect()
    }

    /// Of what this device has downloaded and the server still has: everything, or, where mail stays on the server,
    /// what the person has deleted here and what has been there long enough. Never what mailgauge did not put there.
    /// By number in the listing.
    fn to_delete(&self, listing: &[UidlEntry]) -> BTreeMap<u32, u32> {
        let store = self.store.borrow();
        listing
            .iter()
            .filter_map(|entry| {
                let Downloaded::Ours(seq) = store.downloaded(&entry.uidl)? else {
                    return None;
                };
                let unwanted = !self.client.leave_on_server
                    || store.copy(seq).deleted
                    || self.is_outdated(seq);
                unwanted.then_some((entry.number, seq))
            })
            .collect()
    }

    fn is_outdated(&self, seq: u32) -> bool {
        let Some(limit) = self.client.delete_after else {
            return false;
        };
        let begin = self.owner.log.clock().at(Duration::ZERO);
        let ledger = self.owner.ledger.borrow();
        let entry = ledger.entry(seq);
        entry.is_some_and(|entry| entry.age_at(Instant::now(), begin, self.speed) >= limit)
    }

    /// From the device's own store, or not at all. What arrived after the last check is looked for once more, as a
    /// person would.
    pub(super) async fn open(&self, seq: u32, attachment: bool, due: Instant) -> Opened {
        let asked = Instant::now();
        let there = self.owner.ledger.borrow().should_be_there(seq);
        if !self.store.borrow().holds(seq, false) && there {
            self.check(Instant::now(), Purpose::Sitting).await;
        }
        let at = Instant::now();
        let opened = |outcome| Opened {
            outcome,
            at,
            cost: Cost::default(),
        };
        if !self.store.borrow().holds(seq, false) {
            let arrived = self
                .owner
                .ledger
                .borrow()
                .entry(seq)
                .is_some_and(|entry| entry.accepted.is_some());
            let gone = arrived && !self.blind.get();
            return opened(if gone {
                Opening::Missing
            } else {
                Opening::Failed
            });
        }
        self.store.borrow_mut().open(seq, at);
        let timing = Timing {
            due,
            sent: asked,
            first_byte: None,
            done: at,
        };
        let owner = &self.owner;
        owner.sample(Operation::OpenMessage, timing, Cost::default(), Ok(()));
        if attachment {
            owner.sample(Operation::OpenAttachment, timing, Cost::default(), Ok(()));
        }
        opened(Opening::Local)
    }

    /// Something that happens on the device alone.
    pub(super) fn touch(&self, operation: Operation, seq: u32, due: Instant) {
        if self.store.borrow().holds(seq, false) {
            self.local(operation, due);
        }
    }

    pub(super) fn delete(&self, seq: u32, due: Instant) {
        if !self.store.borrow().holds(seq, false) {
            return;
        }
        self.store.borrow_mut().delete(seq);
        self.owner.keeps(seq, Event::Discard, 0);
        if let Some(entry) = self.owner.ledger.borrow_mut().entry_mut(seq) {
            entry.deleted = true;
        }
        self.local(Operation::DeleteMessage, due);
    }

    pub(super) fn send(&self, due: Instant) {
        self.local(Operation::SendMessage, due);
    }

    pub(super) fn search(&self, due: Instant) {
        self.local(Operation::SearchMailbox, due);
    }

    fn local(&self, operation: Operation, due: Instant) {
        let now = Instant::now();
        let timing = Timing {
            due,
            sent: now,
            first_byte: None,
            done: now,
        };
        self.owner
            .sample(operation, timing, Cost::default(), Ok(()));
    }
}

//! What a person does on an IMAP device: everything is done on the server, over the connection that shows INBOX.

mod opening;
mod writing;

use std::time::Instant;

use crate::client::{ClientError, SessionFigures};
use crate::engine::device::Cost;
use crate::metrics::row::{Event, Opening, Purpose};
use crate::metrics::{ErrorClass, Operation, Timing};
use crate::proto::imap::{Criterion, Part};

use super::ImapDevice;
use super::line::Line;

/// An act that met a broken connection is tried once more on a new one: servers close connections that were silent.
const ATTEMPTS: u32 = 2;

/// Where a message is for this device.
enum Place {
    /// In its own store, whole; on the server too, if it is known there.
    Here(Option<u32>),
    /// On the server, by UID.
    Server(u32),
    /// Nowhere that the device can see.
    Nowhere,
}

impl ImapDevice {
    /// The mail is gone, unless it has not arrived yet: then the attempt failed.
    fn not_found(&self, seq: u32) -> Opening {
        let arrived = self
            .owner
            .ledger
            .borrow()
            .entry(seq)
            .is_some_and(|entry| entry.accepted.is_some());
        if arrived {
            Opening::Missing
        } else {
            Opening::Failed
        }
    }

    /// In the list; or in what arrived since; or further down than the list was shown.
    async fn locate(
        &self,
        line: &mut Line,
        seq: u32,
        attachment: bool,
    ) -> Result<Place, ClientError> {
        let place = || {
            let store = self.store.borrow();
            match (store.holds(seq, attachment), store.copy(seq).uid) {
                (true, uid) => Place::Here(uid),
                (false, Some(uid)) => Place::Server(uid),
                (false, None) => Place::Nowhere,
            }
        };
        if !matches!(place(), Place::Nowhere) {
            return Ok(place());
        }
        let there = self.owner.ledger.borrow().should_be_there(seq);
        if there {
            line.session()?.noop().await?;
            line.list_new(self).await?;
        }
        if there && matches!(place(), Place::Nowhere) {
            line.list_older(self).await?;
        }
        Ok(place())
    }

    async fn connected(&self, line: &mut Line) -> Result<(), ClientError> {
        if line.is_open() {
            return Ok(());
        }
        line.look(self, Instant::now(), Purpose::Sitting).await
    }

    /// Tells the server what was read without it (RFC 4549 section 4.2: the client's own actions first). What cannot be
    /// told now waits for the next time.
    pub(super) async fn play_back(&self, line: &mut Line) {
        loop {
            let Some(seq) = self.unsaid.borrow().last().copied() else {
                return;
            };
            if let Err(error) = self.tell_read(line, seq).await {
                line.fail(self, &error);
                if !error.is_refusal() {
                    return;
                }
            }
            self.unsaid.borrow_mut().retain(|told| *told != seq);
        }
    }

    async fn tell_read(&self, line: &mut Line, seq: u32) -> Result<(), ClientError> {
        let Some(uid) = self.store.borrow().copy(seq).uid else {
            return Ok(());
        };
        line.due_next(Instant::now());
        self.connected(line).await?;
        line.set_flag(self, seq, uid, "\\Seen").await?;
        Ok(())
    }

    /// STORE +FLAGS (\Flagged).
    pub(in crate::engine::device) async fn flag(&self, seq: u32, due: Instant) {
        self.act(Operation::FlagMessage, due, async |line| {
            let Some(uid) = self.on_server(line, seq).await? else {
                return Ok(false);
            };
            line.set_flag(self, seq, uid, "\\Flagged").await?;
            Ok(true)
        })
        .await;
    }

    /// STORE +FLAGS (\Deleted), UID EXPUNGE.
    pub(in crate::engine::device) async fn delete(&self, seq: u32, due: Instant) {
        self.act(Operation::DeleteMessage, due, async |line| {
            let Some(uid) = self.on_server(line, seq).await? else {
                return Ok(false);
            };
            line.set_flag(self, seq, uid, "\\Deleted").await?;
            if let Some(entry) = self.owner.ledger.borrow_mut().entry_mut(seq) {
                entry.deleted = true;
            }
            // The answer may never come, or not be waited for.
            self.owner.ledger.borrow_mut().removal_asked(seq);
            line.expunge(self, seq, uid).await?;
            self.owner.removed(seq);
            self.owner.keeps(seq, Event::Discard, 0);
            let mut store = self.store.borrow_mut();
            store.delete(seq);
            store.unplace(seq);
            Ok(true)
        })
        .await;
    }

    /// UID MOVE to a folder, which is made if there is none; what it does not hold any more, INBOX does not show.
    pub(in crate::engine::device) async fn move_to(&self, seq: u32, folder: u32, due: Instant) {
        self.act(Operation::MoveMessage, due, async |line| {
            let Some(uid) = self.on_server(line, seq).await? else {
                return Ok(false);
            };
            let name = line.find_or_make_own(folder).await?;
            let note = |moved| {
                if let Some(entry) = self.owner.ledger.borrow_mut().entry_mut(seq) {
                    entry.moved = moved;
                }
            };
            // The answer may never come: then it is in one place or the other.
            note(Some(folder));
            let moved = line.move_to(self, seq, uid, &name).await;
            if moved.as_ref().is_err_and(ClientError::is_refusal) {
                note(None);
            }
            moved?;
            self.store.borrow_mut().unplace(seq);
            Ok(true)
        })
        .await;
    }

    /// UID SEARCH over the whole message.
    pub(in crate::engine::device) async fn search(&self, term: &str, due: Instant) {
        self.act(Operation::SearchMailbox, due, async |line| {
            let criteria = [Criterion::Text(term.to_owned())];
            line.session()?.search(&criteria).await?;
            Ok(true)
        })
        .await;
    }

    async fn on_server(&self, line: &mut Line, seq: u32) -> Result<Option<u32>, ClientError> {
        Ok(match self.locate(line, seq, false).await? {
            Place::Here(uid) => uid,
            Place::Server(uid) => Some(uid),
            Place::Nowhere => None,
        })
    }

    /// Does something on the server and times it. `Ok(false)`: there was nothing to do it to.
    async fn act(
        &self,
        operation: Operation,
        due: Instant,
        work: impl AsyncFn(&mut Line) -> Result<bool, ClientError>,
    ) {
        let asked = Instant::now();
        let (mut taken, step_due) = self.take_for(due).await;
        let line = &mut taken.line;
        for attempt in 1.. {
            line.due_next(step_due);
            let mut before = SessionFigures::default();
            let done = match self.connected(line).await {
                Ok(()) => {
                    before = line.figures();
                    work(line).await
                }
                Err(error) => Err(error),
            };
            let cost = Cost::between(&before, &line.figures());
            let timing = timing(due, asked);
            match done {
                Ok(false) => return,
                Ok(true) => return self.owner.sample(operation, timing, cost, Ok(())),
                Err(error) => {
                    line.fail(self, &error);
                    if attempt >= ATTEMPTS || error.class != ErrorClass::ConnectionLost {
                        return self.owner.sample(operation, timing, cost, Err(error.class));
                    }
                }
            }
        }
    }
}

fn timing(due: Instant, sent: Instant) -> Timing {
    until(due, sent, Instant::now())
}

fn until(due: Instant, sent: Instant, done: Instant) -> Timing {
    Timing {
        due,
        sent,
        first_byte: None,
        done,
    }
}

/// What a mail program shows: the HTML form where there is one, else the first text.
pub(in crate::engine) fn text_part(parts: &[Part]) -> Option<&Part> {
    let texts = || parts.iter().filter(|part| !part.is_attachment);
    texts()
        .find(|part| part.media_type == "text/html")
        .or_else(|| texts().find(|part| part.media_type.starts_with("text/")))
        .or_else(|| texts().next())
}

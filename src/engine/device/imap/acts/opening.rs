//! Opening a message on an IMAP device: from its own store where it lies there, else from the server, whole or in parts.

use std::time::Instant;

use super::{ATTEMPTS, Place, timing, until};
use crate::client::{ClientError, SessionFigures};
use crate::engine::device::imap::ImapDevice;
use crate::engine::device::imap::line::Line;
use crate::engine::device::{Cost, Opened};
use crate::metrics::row::{Event, Opening};
use crate::metrics::{ErrorClass, Operation};
use crate::proto::imap::Part;
use crate::scenario::ImapKeep;

impl ImapDevice {
    /// Structure, text, `\Seen`, and the attachment if it is wanted.
    pub(in crate::engine::device) async fn open(
        &self,
        seq: u32,
        attachment: bool,
        due: Instant,
    ) -> Opened {
        let asked = Instant::now();
        if self.store.borrow().holds(seq, attachment) {
            let at = self.open_here(seq, attachment, due, asked);
            self.unsaid.borrow_mut().push(seq);
            if self.owner.reach.is_there() {
                let mut taken = self.take().await;
                if taken.line.is_open() {
                    self.play_back(&mut taken.line).await;
                }
            }
            return Opened {
                outcome: Opening::Local,
                at,
                cost: Cost::default(),
            };
        }
        let (mut taken, step_due) = self.take_for(due).await;
        let line = &mut taken.line;
        let mut cost = Cost::default();
        for attempt in 1.. {
            let before = line.figures();
            line.due_next(step_due);
            let opened = self.try_to_open(line, seq, attachment, due, asked).await;
            cost = Cost::between(&before, &line.figures());
            match opened {
                Ok((outcome, at)) => return Opened { outcome, at, cost },
                Err(error) => {
                    line.fail(self, &error);
                    if attempt >= ATTEMPTS || error.class != ErrorClass::ConnectionLost {
                        let timing = timing(due, asked);
                        self.owner
                            .sample(Operation::OpenMessage, timing, cost, Err(error.class));
                        break;
                    }
                }
            }
        }
        Opened {
            outcome: Opening::Failed,
            at: Instant::now(),
            cost,
        }
    }

    async fn try_to_open(
        &self,
        line: &mut Line,
        seq: u32,
        attachment: bool,
        due: Instant,
        asked: Instant,
    ) -> Result<(Opening, Instant), ClientError> {
        self.connected(line).await?;
        let uid = match self.locate(line, seq, attachment).await? {
            Place::Here(uid) => {
                let at = self.open_here(seq, attachment, due, asked);
                if let Some(uid) = uid {
                    line.set_flag(self, seq, uid, "\\Seen").await?;
                }
                return Ok((Opening::Local, at));
            }
            Place::Server(uid) => uid,
            Place::Nowhere => return Ok((self.not_found(seq), Instant::now())),
        };
        if self.octets(seq) <= self.client.commands.whole_up_to {
            return self
                .open_whole(line, (seq, uid), attachment, due, asked)
                .await;
        }
        let before = line.figures();
        let Some((mut octets, parts)) = line.structure_and_text(uid).await? else {
            self.store.borrow_mut().unplace(seq);
            return Ok((self.not_found(seq), Instant::now()));
        };
        let readable = self.readable(seq, &before, &line.figures(), due, asked);
        line.set_flag(self, seq, uid, "\\Seen").await?;
        if attachment && let Some(part) = parts.iter().find(|part| part.is_attachment) {
            octets += self.open_attachment(line, uid, part).await?;
        }
        self.keep_opened(
            seq,
            octets,
            attachment || !parts.iter().any(|it| it.is_attachment),
        );
        Ok((Opening::Fetched, readable))
    }

    /// The client fetches a message of this size whole, its attachment with it.
    async fn open_whole(
        &self,
        line: &mut Line,
        (seq, uid): (u32, u32),
        attachment: bool,
        due: Instant,
        asked: Instant,
    ) -> Result<(Opening, Instant), ClientError> {
        let before = line.figures();
        if !line.fetch_whole(self, seq, uid).await? {
            self.store.borrow_mut().unplace(seq);
            return Ok((self.not_found(seq), Instant::now()));
        }
        let readable = self.readable(seq, &before, &line.figures(), due, asked);
        if attachment {
            let timing = until(readable, readable, Instant::now());
            self.owner
                .sample(Operation::OpenAttachment, timing, Cost::default(), Ok(()));
        }
        line.set_flag(self, seq, uid, "\\Seen").await?;
        Ok((Opening::Fetched, readable))
    }

    /// The text of a message can be read from now on.
    fn readable(
        &self,
        seq: u32,
        before: &SessionFigures,
        after: &SessionFigures,
        due: Instant,
        asked: Instant,
    ) -> Instant {
        let readable = Instant::now();
        let timing = until(due, asked, readable);
        let cost = Cost::between(before, after);
        self.owner
            .sample(Operation::OpenMessage, timing, cost, Ok(()));
        self.store.borrow_mut().open(seq, readable);
        readable
    }

    async fn open_attachment(
        &self,
        line: &mut Line,
        uid: u32,
        part: &Part,
    ) -> Result<u64, ClientError> {
        let due = Instant::now();
        let before = line.figures();
        let fetched = line.session()?.fetch_part(uid, &part.section, true).await;
        let cost = Cost::between(&before, &line.figures());
        let outcome = fetched.as_ref().map(drop).map_err(|error| error.class);
        self.owner
            .sample(Operation::OpenAttachment, timing(due, due), cost, outcome);
        Ok(fetched?.map_or(0, |digest| digest.octets))
    }

    /// From the store of a device that keeps what it fetched.
    fn open_here(&self, seq: u32, attachment: bool, due: Instant, asked: Instant) -> Instant {
        let at = Instant::now();
        self.store.borrow_mut().open(seq, at);
        let timing = until(due, asked, at);
        let owner = &self.owner;
        owner.sample(Operation::OpenMessage, timing, Cost::default(), Ok(()));
        if attachment {
            owner.sample(Operation::OpenAttachment, timing, Cost::default(), Ok(()));
        }
        at
    }

    /// How long a message is, as the list tells it.
    pub(in crate::engine::device::imap) fn octets(&self, seq: u32) -> u64 {
        let ledger = self.owner.ledger.borrow();
        ledger.entry(seq).map_or(0, |entry| entry.octets)
    }

    /// All of it came; it stays where the client keeps something.
    pub(in crate::engine::device::imap) fn keep_whole(&self, seq: u32, octets: u64) {
        if self.client.keep == ImapKeep::Nothing {
            return;
        }
        self.store.borrow_mut().keep_whole(seq, octets);
        self.owner.keeps(seq, Event::Keep, octets);
    }

    pub(in crate::engine::device::imap) fn keep_opened(&self, seq: u32, octets: u64, whole: bool) {
        let of = self.octets(seq);
        if whole {
            return self.keep_whole(seq, of);
        }
        let mut store = self.store.borrow_mut();
        if self.client.keep != ImapKeep::Nothing && !store.copy(seq).whole {
            store.keep_text(seq, octets, of);
            self.owner.keeps(seq, Event::KeepPart, octets.min(of));
        }
    }
}

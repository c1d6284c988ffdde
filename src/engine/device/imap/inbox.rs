//! What an IMAP device was told of INBOX, as far as the history needs it: which UIDs with which flags, and which sequence
//! numbers they have, so that what the server tells unasked can be traced to a message.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use crate::client::{Changes, ClientError, FlagEntry, FlagSet, News};
use crate::engine::ledger::Ledger;
use crate::engine::witness::{Deed, Source, Witness};
use crate::metrics::row::{Event, FlagBits, ObservationRow};
use crate::proto::imap::StoreMode;
use crate::scenario::Wish;

use super::ImapDevice;
use super::line::Line;

/// INBOX, as the history has been told of it by one device.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// By UID; only mail of this run.
    known: BTreeMap<u32, Known>,
    /// UIDs by sequence number, from 1; none: not known, as the list was not read from its beginning.
    order: Option<Vec<u32>>,
    /// Until when it is known what the server told unasked. What comes next was sent after that, nobody knows when.
    heard: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    seq: u32,
    flags: FlagBits,
}

/// One line of a list, ours or not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed {
    pub(super) uid: u32,
    /// None: not told; the mail of others has none either.
    pub(super) seq: Option<u32>,
    pub(super) flags: FlagBits,
    pub(super) mod_seq: Option<u64>,
}

impl Listed {
    pub(super) fn is_seen(&self) -> bool {
        self.flags.each().any(|flag| flag == FlagBits::SEEN)
    }
}

impl From<FlagEntry> for Listed {
    fn from(entry: FlagEntry) -> Self {
        Self {
            uid: entry.uid,
            seq: None,
            flags: bits(&entry.flags),
            mod_seq: entry.mod_seq,
        }
    }
}

/// The system flags among them.
pub(in crate::engine) fn bits(flags: &FlagSet) -> FlagBits {
    ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"]
        .into_iter()
        .filter(|name| flags.has(name))
        .fold(FlagBits::NONE, |set, name| {
            set.with(FlagBits::of_name(name))
        })
}

/// Writes the rows of one device.
pub(super) struct Scribe<'a> {
    pub(super) ledger: &'a RefCell<Ledger>,
    pub(super) source: &'a Source,
    /// When what follows was asked for, and when it came.
    pub(super) span: (Instant, Instant),
}

impl Scribe<'_> {
    fn note(&self, event: Event, uid: u32, seq: u32, fill: impl FnOnce(&mut ObservationRow)) {
        self.source.note(event, self.span, |row| {
            row.uid = Some(uid);
            row.message = Some(self.ledger.borrow().identity(seq));
            fill(row);
        });
    }
}

impl Inbox {
    /// The mailbox was opened anew under another UIDVALIDITY, or for the first time.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// A list of the UIDs from `first` to `end` (none: to the end) was read: what is new is told, and what is gone.
    pub(super) fn listed(
        &mut self,
        scribe: &Scribe<'_>,
        (first, end): (u32, Option<u32>),
        entries: &[Listed],
    ) {
        scribe.source.note(Event::Listed, scribe.span, |row| {
            (row.uid, row.uid_to) = (Some(first), end);
            row.messages = Some(entries.len() as u32);
        });
        let range = first..=end.unwrap_or(u32::MAX).max(first);
        let there: HashSet<u32> = entries.iter().map(|entry| entry.uid).collect();
        let known = self.known.range(range).map(|(uid, _)| *uid);
        let gone: Vec<u32> = known.filter(|uid| !there.contains(uid)).collect();
        for uid in gone {
            self.gone(scribe, uid);
        }
        for entry in entries {
            self.shown(scribe, *entry);
        }
        self.number((first, end), entries);
    }

    /// Sequence numbers are known where everything was listed from the beginning, and what came later at its end.
    fn number(&mut self, (first, end): (u32, Option<u32>), entries: &[Listed]) {
        let uids = entries.iter().map(|entry| entry.uid);
        let beyond = end.is_some_and(|end| self.known.keys().any(|uid| *uid > end));
        match &mut self.order {
            // A list that ends before what is known leaves a gap.
            _ if first <= 1 => self.order = (!beyond).then(|| uids.collect()),
            Some(order) => {
                let greatest = order.last().copied().unwrap_or(0);
                order.extend(uids.filter(|uid| *uid > greatest));
            }
            None => return,
        }
        if let Some(order) = &mut self.order {
            order.sort_unstable();
            order.dedup();
        }
    }

    /// The server told of a message's flags.
    pub(super) fn shown(&mut self, scribe: &Scribe<'_>, entry: Listed) {
        let before = self.known.get(&entry.uid).copied();
        let Some(seq) = entry.seq.or(before.map(|known| known.seq)) else {
            return;
        };
        let now = Known {
            seq,
            flags: entry.flags,
        };
        if before != Some(now) {
            self.known.insert(entry.uid, now);
            scribe.note(Event::Shown, entry.uid, seq, |row| {
                row.flags = Some(entry.flags);
                row.mod_seq = entry.mod_seq;
            });
        }
    }

    /// What happened while the device was away, from a server that remembers (RFC 7162).
    pub(super) fn differs(
        &mut self,
        scribe: &Scribe<'_>,
        changed: &[Listed],
        is_gone: impl Fn(u32) -> bool,
    ) {
        let known = self.known.keys().copied();
        let gone: Vec<u32> = known.filter(|uid| is_gone(*uid)).collect();
        if let Some(order) = &mut self.order {
            order.retain(|uid| !is_gone(*uid));
        }
        for uid in gone {
            self.gone(scribe, uid);
        }
        for entry in changed {
            self.shown(scribe, *entry);
        }
    }

    /// The message is no longer there.
    pub(super) fn gone(&mut self, scribe: &Scribe<'_>, uid: u32) {
        if let Some(known) = self.known.remove(&uid) {
            scribe.note(Event::Gone, uid, known.seq, |_| {});
        }
    }

    /// A connection begins to listen.
    pub(super) fn listen(&mut self, since: Instant) {
        self.heard = Some(since);
    }

    /// Numbers can no longer be trusted: messages went while the list was read.
    pub(super) fn lose_count(&mut self) {
        self.order = None;
    }

    /// What the server told unasked.
    fn take_in(&mut self, scribe: &Scribe<'_>, changes: &Changes) {
        for news in &changes.news {
            match news {
                News::Expunged(sequence) => {
                    let uid = self.order.as_mut().and_then(|order| {
                        let index = (*sequence as usize).checked_sub(1)?;
                        (index < order.len()).then(|| order.remove(index))
                    });
                    if let Some(uid) = uid {
                        self.gone(scribe, uid);
                    }
                }
                News::Vanished(uids) => {
                    for uid in uids {
                        if let Some(order) = &mut self.order {
                            order.retain(|it| it != uid);
                        }
                        self.gone(scribe, *uid);
                    }
                }
                News::Flags(update) => {
                    let by_number = || {
                        let index = (update.sequence as usize).checked_sub(1)?;
                        self.order.as_ref()?.get(index).copied()
                    };
                    if let Some(uid) = update.uid.or_else(by_number) {
                        let entry = Listed {
                            uid,
                            seq: None,
                            flags: bits(&update.flags),
                            mod_seq: update.mod_seq,
                        };
                        self.shown(scribe, entry);
                    }
                }
            }
        }
        if changes.is_cut_short() {
            self.lose_count();
        }
    }
}

impl Line {
    /// Takes in what the server told unasked; true if there are messages that were not listed yet.
    pub(super) fn news(&mut self, device: &ImapDevice) -> bool {
        let Some(open) = &mut self.open else {
            return false;
        };
        let changes = open.session.changes();
        let now = Instant::now();
        let scribe = Scribe {
            ledger: &device.owner.ledger,
            source: &open.witness,
            span: (self.inbox.heard.replace(now).unwrap_or(now), now),
        };
        self.inbox.take_in(&scribe, &changes);
        changes.exists.is_some()
    }

    /// A list was read: rows for the history, before what came unasked beside it.
    pub(super) fn write_list(
        &mut self,
        device: &ImapDevice,
        sent: Instant,
        range: (u32, Option<u32>),
        list: &[Listed],
    ) {
        let span = (sent, Instant::now());
        let Some(open) = &mut self.open else { return };
        let scribe = Scribe {
            ledger: &device.owner.ledger,
            source: &open.witness,
            span,
        };
        self.inbox.listed(&scribe, range, list);
        // EXPUNGE beside a list that is read anew may count from before it or after it: not worth a guess.
        if range.0 <= 1 && open.session.has_expunged() {
            self.inbox.lose_count();
        }
    }

    /// What happened while the device was away: rows for the history.
    pub(super) fn write_difference(
        &mut self,
        device: &ImapDevice,
        sent: Instant,
        changed: &[Listed],
        is_gone: impl Fn(u32) -> bool,
    ) {
        let Some(open) = &self.open else { return };
        let scribe = Scribe {
            ledger: &device.owner.ledger,
            source: &open.witness,
            span: (sent, Instant::now()),
        };
        self.inbox.differs(&scribe, changed, is_gone);
    }

    /// UID STORE +FLAGS of one flag, as the history has it: what was wanted, how it ended, what the server then showed.
    pub(super) async fn set_flag(
        &mut self,
        device: &ImapDevice,
        seq: u32,
        uid: u32,
        flag: &str,
    ) -> Result<Vec<FlagEntry>, ClientError> {
        let sent = Instant::now();
        let deed = self.witness()?.begin(Event::SetFlags).with(|row| {
            row.uid = Some(uid);
            row.message = Some(device.owner.ledger.borrow().identity(seq));
            row.flags = Some(FlagBits::of_name(flag));
        });
        let session = self.session()?;
        let stored = if device.client.commands.silent {
            session.store_silently(uid, StoreMode::Add, &[flag]).await
        } else {
            session.store(uid, StoreMode::Add, &[flag]).await
        };
        deed.end(&stored);
        let stored = stored?;
        if let Some(open) = &self.open {
            let scribe = Scribe {
                ledger: &device.owner.ledger,
                source: &open.witness,
                span: (sent, Instant::now()),
            };
            for entry in &stored {
                self.inbox.shown(&scribe, entry.clone().into());
            }
        }
        Ok(stored)
    }

    /// UID EXPUNGE of one message that is marked.
    pub(super) async fn expunge(
        &mut self,
        device: &ImapDevice,
        seq: u32,
        uid: u32,
    ) -> Result<(), ClientError> {
        let sent = Instant::now();
        let deed = self.begin_removal(device, Event::Expunge, seq, uid)?;
        let expunged = self.session()?.expunge_uids(uid).await;
        deed.end(&expunged);
        expunged?;
        self.write_gone(device, sent, uid);
        Ok(())
    }

    /// UID MOVE of one message to a folder.
    pub(super) async fn move_to(
        &mut self,
        device: &ImapDevice,
        seq: u32,
        uid: u32,
        folder: &str,
    ) -> Result<(), ClientError> {
        let sent = Instant::now();
        let deed = self.begin_removal(device, Event::Move, seq, uid)?;
        let deed = deed.with(|row| row.to_mailbox = Some(folder.to_owned()));
        let session = self.session()?;
        let moved = if device.client.r#move == Wish::Never {
            session.copy_away(uid, folder).await
        } else {
            session.move_to(uid, folder).await
        };
        deed.end(&moved);
        moved?;
        self.write_gone(device, sent, uid);
        Ok(())
    }

    fn begin_removal(
        &self,
        device: &ImapDevice,
        event: Event,
        seq: u32,
        uid: u32,
    ) -> Result<Deed, ClientError> {
        Ok(self.witness()?.begin(event).with(|row| {
            row.uid = Some(uid);
            row.message = Some(device.owner.ledger.borrow().identity(seq));
        }))
    }

    fn write_gone(&mut self, device: &ImapDevice, sent: Instant, uid: u32) {
        if let Some(open) = &self.open {
            let scribe = Scribe {
                ledger: &device.owner.ledger,
                source: &open.witness,
                span: (sent, Instant::now()),
            };
            self.inbox.gone(&scribe, uid);
        }
    }

    pub(super) fn witness(&self) -> Result<&Witness, ClientError> {
        self.open
            .as_ref()
            .map(|open| &open.witness)
            .ok_or_else(Self::no_connection)
    }
}

#[cfg(test)]
mod tests;

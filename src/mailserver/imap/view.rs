//! A session's picture of its mailbox: which message has which sequence number, and what the client was told of
//! each. What others changed is found by comparing the picture with the mailbox, and told when it may be.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use imap_codec::imap_types::sequence::{SeqOrUid, Sequence, SequenceSet};
use tokio::sync::watch;

use super::resync::{Extensions, write_vanished};
use crate::mailserver::store::{
    Flags, Look, MAX_KEYWORDS, Mailbox, Message, Snapshot, StoreError, flag_names,
};
use crate::proto::imap::server::number;

/// The selected mailbox as the client knows it.
pub(super) struct View {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) read_only: bool,
    /// In the order of sequence numbers; UIDs ascend.
    entries: Vec<Entry>,
    /// UIDs of messages that this session was the first to be told of.
    recent: Vec<Range<u32>>,
    keywords: Vec<String>,
    /// Mod-sequence up to which the client knows everything.
    version: u64,
    changes: watch::Receiver<u64>,
    /// Served from a replica that is behind, on purpose: what it shows, and until when.
    replica: Option<(Arc<Snapshot>, Instant)>,
}

#[derive(Clone, Copy)]
struct Entry {
    uid: u32,
    /// Mod-sequence of the flags the client was told.
    told: u64,
}

/// A set names a message that is not there.
#[derive(Debug)]
pub(super) struct NoSuchMessage;

/// What SELECT tells besides the view.
pub(super) struct Opened {
    pub(super) uid_validity: u32,
    pub(super) uid_next: u32,
    pub(super) first_unseen: Option<usize>,
}

impl View {
    /// Opens a mailbox; `stale`: as it was up to so long ago.
    pub(super) fn open(
        mailbox: Arc<Mailbox>,
        read_only: bool,
        stale: Option<Duration>,
    ) -> Result<(Self, Opened), StoreError> {
        let changes = mailbox.watch()?;
        let replica = stale.map(|lag| mailbox.replica(lag)).transpose()?;
        let snapshot = match &replica {
            Some((replica, _)) => replica.as_ref().clone(),
            None => mailbox.snapshot(!read_only)?,
        };
        let opened = Opened {
            uid_validity: snapshot.uid_validity,
            uid_next: snapshot.uid_next,
            first_unseen: snapshot
                .messages
                .iter()
                .position(|message| !message.flags.contains(Flags::SEEN)),
        };
        let view = Self {
            entries: snapshot.messages.iter().map(Entry::of).collect(),
            recent: std::iter::once(snapshot.recent_from..snapshot.uid_next).collect(),
            keywords: mailbox.keywords()?,
            version: snapshot.highest_modseq,
            mailbox,
            read_only,
            changes,
            replica,
        };
        Ok((view, opened))
    }

    /// How many messages the client knows of.
    pub(super) fn exists(&self) -> usize {
        self.entries.len()
    }

    /// How many of them are recent.
    pub(super) fn recent(&self) -> usize {
        self.entries
            .iter()
            .filter(|entry| self.is_recent(entry.uid))
            .count()
    }

    fn is_recent(&self, uid: u32) -> bool {
        self.recent.iter().any(|range| range.contains(&uid))
    }

    /// Mod-sequence up to which the client knows everything.
    pub(super) fn highest_modseq(&self) -> u64 {
        self.version
    }

    /// Mod-sequence of the mailbox's last change.
    pub(super) fn latest_modseq(&self) -> Result<u64, StoreError> {
        self.mailbox.look(false, |now| now.highest_modseq)
    }

    pub(super) fn uid(&self, index: usize) -> u32 {
        self.entries[index].uid
    }

    /// The place of a UID in the picture.
    pub(super) fn index_of(&self, uid: u32) -> Option<usize> {
        self.entries
            .binary_search_by_key(&uid, |entry| entry.uid)
            .ok()
    }

    /// Resolves when the mailbox changes; never, when it is gone from memory.
    pub(super) async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Indices of the messages a set names, ascending. Sequence numbers must exist; UIDs need not.
    pub(super) fn resolve(
        &self,
        set: &SequenceSet,
        uid: bool,
    ) -> Result<Vec<usize>, NoSuchMessage> {
        let mut ranges = Vec::with_capacity(set.0.as_ref().len());
        for part in set.0.as_ref() {
            let (from, to) = match part {
                Sequence::Single(one) => (one, one),
                Sequence::Range(from, to) => (from, to),
            };
            ranges.push(if uid {
                self.range_of_uids(*from, *to)
            } else {
                self.range_of_numbers(*from, *to)?
            });
        }
        ranges.sort_unstable_by_key(|range| range.start);
        let mut indices = Vec::new();
        let mut next = 0;
        for range in ranges {
            indices.extend(range.start.max(next)..range.end.max(next));
            next = next.max(range.end);
        }
        Ok(indices)
    }

    fn range_of_uids(&self, from: SeqOrUid, to: SeqOrUid) -> Range<usize> {
        let last = self.entries.last().map_or(0, |entry| entry.uid);
        let value = |bound: SeqOrUid| match bound {
            SeqOrUid::Value(value) => value.get(),
            SeqOrUid::Asterisk => last,
        };
        let (low, high) = ordered(value(from), value(to));
        let start = self.entries.partition_point(|entry| entry.uid < low);
        let end = self.entries.partition_point(|entry| entry.uid <= high);
        start..end
    }

    fn range_of_numbers(
        &self,
        from: SeqOrUid,
        to: SeqOrUid,
    ) -> Result<Range<usize>, NoSuchMessage> {
        let value = |bound: SeqOrUid| match bound {
            SeqOrUid::Value(value) => value.get() as usize,
            SeqOrUid::Asterisk => self.entries.len(),
        };
        let (low, high) = ordered(value(from), value(to));
        if low == 0 || high > self.entries.len() {
            return Err(NoSuchMessage);
        }
        Ok(low - 1..high)
    }

    /// Looks at the mailbox and returns what the client knows of together with its index.
    pub(super) fn messages(&self, indices: &[usize]) -> Result<Vec<(usize, Message)>, StoreError> {
        let find = |messages: &[Message]| {
            indices
                .iter()
                .filter_map(|&index| {
                    let uid = self.entries[index].uid;
                    let at = messages.binary_search_by_key(&uid, |m| m.uid).ok()?;
                    Some((index, messages[at]))
                })
                .collect()
        };
        match &self.replica {
            Some((replica, until)) if Instant::now() < *until => Ok(find(&replica.messages)),
            _ => self.mailbox.look(false, |now| find(now.messages)),
        }
    }

    /// The client is being told the flags of a message as they are.
    pub(super) fn told(&mut self, index: usize, message: &Message) {
        let entry = &mut self.entries[index];
        entry.told = entry.told.max(message.modseq);
    }

    /// The client changed flags itself and need not be told, unless somebody else did just before.
    pub(super) fn changed_by_client(&mut self, index: usize, message: &Message, before: u64) {
        let entry = &mut self.entries[index];
        if before <= entry.told {
            entry.told = entry.told.max(message.modseq);
        }
    }

    /// Writes what the client does not know yet: messages that went (only where `expunges` may be told), flags
    /// that changed, messages that came.
    pub(super) fn tell_changes(
        &mut self,
        out: &mut Vec<u8>,
        expunges: bool,
        extensions: Extensions,
    ) -> Result<(), StoreError> {
        if self
            .replica
            .as_ref()
            .is_some_and(|(_, until)| Instant::now() < *until)
        {
            return Ok(());
        }
        self.replica = None;
        if *self.changes.borrow_and_update() == self.version {
            return Ok(());
        }
        let mailbox = Arc::clone(&self.mailbox);
        mailbox.look(!self.read_only, |now| {
            self.tell_keywords(out, &now);
            let all_told = self.tell_expunged(out, &now, expunges, extensions);
            self.tell_flags(out, &now, extensions.condstore);
            self.tell_arrived(out, &now);
            if all_told {
                self.version = now.highest_modseq;
            }
        })
    }

    fn tell_keywords(&mut self, out: &mut Vec<u8>, now: &Look<'_>) {
        if now.keywords.len() != self.keywords.len() {
            self.keywords = now.keywords.to_vec();
            self.write_flag_list(out);
        }
    }

    /// False: some went that may not be told now.
    fn tell_expunged(
        &mut self,
        out: &mut Vec<u8>,
        now: &Look<'_>,
        allowed: bool,
        extensions: Extensions,
    ) -> bool {
        let mut next = now.messages.iter().map(|message| message.uid).peekable();
        let mut is_gone = |uid: u32| {
            while next.next_if(|&there| there < uid).is_some() {}
            next.peek() != Some(&uid)
        };
        if !allowed {
            return !self.entries.iter().any(|entry| is_gone(entry.uid));
        }
        let mut sequence = 0;
        let mut vanished = Vec::new();
        self.entries.retain(|entry| {
            let gone = is_gone(entry.uid);
            if !gone {
                sequence += 1;
            } else if extensions.qresync {
                vanished.push(entry.uid..=entry.uid);
            } else {
                untagged(out, sequence + 1, b"EXPUNGE");
            }
            !gone
        });
        write_vanished(out, "", vanished);
        true
    }

    fn tell_flags(&mut self, out: &mut Vec<u8>, now: &Look<'_>, condstore: bool) {
        let mut next = now.messages.iter().peekable();
        for index in 0..self.entries.len() {
            let entry = self.entries[index];
            while next.next_if(|message| message.uid < entry.uid).is_some() {}
            let Some(&&message) = next.peek() else { return };
            if message.uid == entry.uid && message.modseq > entry.told {
                self.write_flags_response(out, index, &message, condstore);
                self.entries[index].told = message.modseq;
            }
        }
    }

    fn tell_arrived(&mut self, out: &mut Vec<u8>, now: &Look<'_>) {
        let last = self.entries.last().map_or(0, |entry| entry.uid);
        let start = now.messages.partition_point(|message| message.uid <= last);
        let arrived = &now.messages[start..];
        let Some(newest) = arrived.last() else { return };
        self.entries.extend(arrived.iter().map(Entry::of));
        let recent = now.recent_from..newest.uid.saturating_add(1);
        match self.recent.last_mut() {
            Some(range) if range.end >= recent.start => range.end = range.end.max(recent.end),
            _ => self.recent.push(recent),
        }
        untagged(out, self.exists(), b"EXISTS");
        untagged(out, self.recent(), b"RECENT");
    }

    /// `* FLAGS (...)`
    pub(super) fn write_flag_list(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"* FLAGS (");
        self.write_possible_flags(out);
        out.extend_from_slice(b")\r\n");
    }

    /// The system flags and the keywords in use.
    pub(super) fn write_possible_flags(&self, out: &mut Vec<u8>) {
        let system = Flags::SYSTEM.iter().map(|(_, name)| *name);
        let keywords = self.keywords.iter().map(String::as_str);
        for (n, name) in system.chain(keywords).enumerate() {
            if n > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(name.as_bytes());
        }
    }

    /// Whether clients may make keywords of their own.
    pub(super) fn takes_new_keywords(&self) -> bool {
        self.keywords.len() < MAX_KEYWORDS
    }

    /// `* n FETCH (UID u FLAGS (...))`, with MODSEQ once the client has shown that it knows it.
    pub(super) fn write_flags_response(
        &self,
        out: &mut Vec<u8>,
        index: usize,
        message: &Message,
        condstore: bool,
    ) {
        out.extend_from_slice(b"* ");
        number(out, index as u64 + 1);
        out.extend_from_slice(b" FETCH (UID ");
        number(out, u64::from(message.uid));
        out.push(b' ');
        self.write_flags(out, message);
        if condstore {
            out.push(b' ');
            write_modseq(out, message);
        }
        out.extend_from_slice(b")\r\n");
    }

    /// `FLAGS (...)`
    pub(super) fn write_flags(&self, out: &mut Vec<u8>, message: &Message) {
        out.extend_from_slice(b"FLAGS (");
        let mut first = true;
        let recent = self.is_recent(message.uid).then_some("\\Recent");
        for name in flag_names(message.flags, &self.keywords)
            .into_iter()
            .chain(recent)
        {
            if !first {
                out.push(b' ');
            }
            first = false;
            out.extend_from_slice(name.as_bytes());
        }
        out.push(b')');
    }

    /// The mailbox may have got keywords through this session's own command.
    pub(super) fn refresh_keywords(&mut self, out: &mut Vec<u8>) -> Result<(), StoreError> {
        let mailbox = Arc::clone(&self.mailbox);
        mailbox.look(false, |now| self.tell_keywords(out, &now))
    }

    /// The number of a keyword that the mailbox has.
    pub(super) fn keyword(&self, name: &str) -> Option<Flags> {
        let number = self
            .keywords
            .iter()
            .position(|keyword| keyword.eq_ignore_ascii_case(name))?;
        Flags::keyword(number)
    }

    /// Whether the client sees `\Recent` on a message.
    pub(super) fn shows_recent(&self, uid: u32) -> bool {
        self.is_recent(uid)
    }
}

impl Entry {
    fn of(message: &Message) -> Self {
        Self {
            uid: message.uid,
            told: message.modseq,
        }
    }
}

/// `MODSEQ (n)`
pub(super) fn write_modseq(out: &mut Vec<u8>, message: &Message) {
    out.extend_from_slice(b"MODSEQ (");
    number(out, message.modseq);
    out.push(b')');
}

/// `* n WHAT`
pub(super) fn untagged(out: &mut Vec<u8>, count: usize, what: &[u8]) {
    out.extend_from_slice(b"* ");
    number(out, count as u64);
    out.push(b' ');
    out.extend_from_slice(what);
    out.extend_from_slice(b"\r\n");
}

fn ordered<N: Ord>(a: N, b: N) -> (N, N) {
    if a <= b { (a, b) } else { (b, a) }
}

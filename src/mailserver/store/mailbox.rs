//! One mailbox: its messages, their UIDs, flags and mod-sequences, shared by all sessions that have it open.
//! Each change raises the highest mod-sequence and wakes who watches; a session finds out what changed by
//! comparing with what it knew, so nothing is queued for it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::index::{self, Batch, Contents};
use super::reconcile::reconcile;
use super::state::State;
use super::{
    Added, Amount, Change, Copied, Flags, Incoming, Look, Message, Snapshot, StoreError, Stored,
    Tally, flag_names, lock,
};
use crate::mailserver::message::Structure;

/// Structures of messages kept in memory per mailbox; beyond this they are computed again.
const CACHED_STRUCTURES: usize = 256;

/// A file that becomes a message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'p> {
    Link(&'p Path),
    Rename(&'p Path),
}

/// A mailbox. Its index is read when it is first needed.
#[derive(Debug)]
pub struct Mailbox {
    directory: PathBuf,
    fsync: bool,
    state: Mutex<Option<State>>,
    version: watch::Sender<u64>,
    structures: Mutex<HashMap<u32, Arc<Structure>>>,
    /// For a server that is stale on purpose: what it was, and until when that is shown.
    replica: Mutex<Option<(Arc<Snapshot>, Instant)>>,
}

impl Mailbox {
    /// Makes the folders of a Maildir and an index with `uid_validity`.
    pub(super) fn create(
        directory: PathBuf,
        uid_validity: u32,
        fsync: bool,
    ) -> Result<Self, StoreError> {
        for folder in ["tmp", "new", "cur"] {
            let folder = directory.join(folder);
            fs::create_dir_all(&folder).map_err(StoreError::io("cannot create", &folder))?;
        }
        let mailbox = Self::open(directory, fsync);
        let contents = Contents {
            uid_validity,
            uid_next: 1,
            highest_modseq: 1,
            ..Contents::default()
        };
        index::rewrite(&mailbox.index(), &contents, fsync)?;
        Ok(mailbox)
    }

    /// One that is there already.
    pub(super) fn open(directory: PathBuf, fsync: bool) -> Self {
        Self {
            directory,
            fsync,
            state: Mutex::new(None),
            version: watch::Sender::new(0),
            structures: Mutex::default(),
            replica: Mutex::default(),
        }
    }

    pub(super) fn index_of(directory: &Path) -> PathBuf {
        directory.join("mailgauge.index")
    }

    fn index(&self) -> PathBuf {
        Self::index_of(&self.directory)
    }

    /// Begins to receive a message for this mailbox.
    pub fn incoming(&self) -> Incoming {
        Incoming::new(&self.directory.join("tmp"), self.fsync)
    }

    /// Counts.
    pub fn tally(&self) -> Result<Tally, StoreError> {
        self.with(|state, _| {
            let messages = &state.contents.messages;
            Ok(Tally {
                messages: messages.len(),
                octets: messages.iter().map(|m| m.octets).sum(),
                recent: messages
                    .iter()
                    .rev()
                    .take_while(|m| m.uid >= state.recent_from)
                    .count(),
                unseen: messages
                    .iter()
                    .filter(|m| !m.flags.contains(Flags::SEEN))
                    .count(),
                uid_next: state.contents.uid_next,
                uid_validity: state.contents.uid_validity,
                highest_modseq: state.contents.highest_modseq,
            })
        })
    }

    /// All messages now. `claim`: the caller tells its client which are recent, so they no longer are.
    pub fn snapshot(&self, claim: bool) -> Result<Snapshot, StoreError> {
        self.with(|state, _| {
            let recent_from = state.recent_from;
            if claim {
                state.recent_from = state.contents.uid_next;
            }
            Ok(Snapshot {
                uid_validity: state.contents.uid_validity,
                uid_next: state.contents.uid_next,
                highest_modseq: state.contents.highest_modseq,
                messages: state.contents.messages.clone(),
                recent_from,
            })
        })
    }

    /// The mailbox as a replica has it that is brought up to date every `lag`, and when it will be.
    pub fn replica(&self, lag: Duration) -> Result<(Arc<Snapshot>, Instant), StoreError> {
        let mut replica = lock(&self.replica);
        if let Some((snapshot, until)) = &*replica
            && Instant::now() < *until
        {
            return Ok((Arc::clone(snapshot), *until));
        }
        let fresh = (Arc::new(self.snapshot(false)?), Instant::now() + lag);
        *replica = Some((Arc::clone(&fresh.0), fresh.1));
        Ok(fresh)
    }

    /// A fault on purpose: the UIDs of the last messages that were deleted are given to the next that come.
    pub fn give_uids_again(&self) -> Result<(), StoreError> {
        self.with(|state, _| {
            let last = state
                .contents
                .messages
                .last()
                .map_or(0, |message| message.uid);
            state.contents.uid_next = last + 1;
            state.recent_from = state.recent_from.min(last + 1);
            Ok(())
        })
    }

    /// Looks at the mailbox without copying it. `claim` as in [`Self::snapshot`].
    pub fn look<R>(&self, claim: bool, look: impl FnOnce(Look<'_>) -> R) -> Result<R, StoreError> {
        self.with(|state, _| {
            let recent_from = state.recent_from;
            if claim {
                state.recent_from = state.contents.uid_next;
            }
            Ok(look(Look {
                messages: &state.contents.messages,
                keywords: &state.contents.keywords,
                highest_modseq: state.contents.highest_modseq,
                recent_from,
                uid_next: state.contents.uid_next,
                vanished: &state.contents.vanished,
            }))
        })
    }

    /// One message, if it is still there.
    pub fn message(&self, uid: u32) -> Result<Option<Message>, StoreError> {
        self.with(|state, _| Ok(state.find(uid).map(|at| state.contents.messages[at])))
    }

    /// Names of the mailbox's keywords, by number.
    pub fn keywords(&self) -> Result<Vec<String>, StoreError> {
        self.with(|state, _| Ok(state.contents.keywords.clone()))
    }

    /// Highest mod-sequence now and at each later change.
    pub fn watch(&self) -> Result<watch::Receiver<u64>, StoreError> {
        self.with(|_, _| Ok(()))?;
        Ok(self.version.subscribe())
    }

    /// The message's file.
    pub fn open_message(&self, message: &Message) -> Result<File, StoreError> {
        let path = self.path(message, self.uid_validity()?);
        File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StoreError::MessageGone,
            _ => StoreError::io("cannot open", &path)(error),
        })
    }

    /// The structure of a message, computed from its file when it is not known yet.
    pub fn structure(&self, message: &Message) -> Result<Arc<Structure>, StoreError> {
        if let Some(structure) = lock(&self.structures).get(&message.uid) {
            return Ok(Arc::clone(structure));
        }
        let mut file = self.open_message(message)?;
        let structure =
            Structure::read(&mut file).map_err(StoreError::io("cannot read", &self.directory))?;
        let structure = Arc::new(structure);
        let mut structures = lock(&self.structures);
        if structures.len() >= CACHED_STRUCTURES {
            structures.clear();
        }
        structures.insert(message.uid, Arc::clone(&structure));
        Ok(structure)
    }

    /// Changes the flags of `uids`; with `unchanged_since` only of messages not changed later. Unknown UIDs
    /// are passed over.
    pub fn change_flags(
        &self,
        uids: &[u32],
        change: Change,
        names: &[&str],
        unchanged_since: Option<u64>,
    ) -> Result<Stored, StoreError> {
        self.with(|state, batch| {
            let mask = state.flags_named(names, batch);
            let mut stored = Stored::default();
            for &uid in uids {
                let Some(at) = state.find(uid) else { continue };
                let before = state.contents.messages[at];
                if unchanged_since.is_some_and(|since| before.modseq > since) {
                    stored.modified.push(uid);
                    continue;
                }
                let flags = match change {
                    Change::Replace => mask,
                    Change::Add => before.flags | mask,
                    Change::Remove => before.flags & !mask,
                };
                if flags != before.flags {
                    let modseq = state.next_modseq();
                    let message = &mut state.contents.messages[at];
                    message.flags = flags;
                    message.modseq = modseq;
                    batch.flags_set(message);
                }
                stored
                    .messages
                    .push((state.contents.messages[at], before.modseq));
            }
            Ok(stored)
        })
    }

    /// Removes the messages that `doomed` says, for good.
    pub fn expunge(&self, doomed: impl Fn(&Message) -> bool) -> Result<Amount, StoreError> {
        let mut removed = Vec::new();
        let uid_validity = self.with(|state, batch| {
            state.contents.messages.retain(|message| {
                let goes = doomed(message);
                if goes {
                    removed.push(*message);
                }
                !goes
            });
            for message in &removed {
                let modseq = state.next_modseq();
                batch.removed(message.uid, modseq);
                state.contents.vanished.add(message.uid, modseq);
            }
            Ok(state.contents.uid_validity)
        })?;
        let mut amount = Amount::default();
        for message in &removed {
            amount.add(message.octets);
            self.forget(message, uid_validity)?;
        }
        Ok(amount)
    }

    fn forget(&self, message: &Message, uid_validity: u32) -> Result<(), StoreError> {
        lock(&self.structures).remove(&message.uid);
        let path = self.path(message, uid_validity);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io("cannot remove", &path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Copies messages (links to their files) into `target`, all or none.
    pub fn copy_to(&self, uids: &[u32], target: &Self) -> Result<Copied, StoreError> {
        let (messages, keywords, uid_validity) = self.with(|state, _| {
            let messages: Vec<Message> = uids
                .iter()
                .filter_map(|&uid| state.find(uid).map(|at| state.contents.messages[at]))
                .collect();
            let keywords = state.contents.keywords.clone();
            Ok((messages, keywords, state.contents.uid_validity))
        })?;
        let mut copied = Vec::with_capacity(messages.len());
        let mut amount = Amount::default();
        let mut target_validity = target.uid_validity()?;
        for message in messages {
            let names = flag_names(message.flags, &keywords);
            let path = self.path(&message, uid_validity);
            let added = target.add(
                Source::Link(&path),
                message.octets,
                &names,
                message.internal_date,
            );
            match added {
                Ok(added) => {
                    target_validity = added.uid_validity;
                    copied.push((message.uid, added.uid));
                    amount.add(message.octets);
                }
                Err(error) => {
                    target.expunge(|m| copied.iter().any(|&(_, uid)| uid == m.uid))?;
                    return Err(error);
                }
            }
        }
        Ok(Copied {
            uid_validity: target_validity,
            uids: copied,
            amount,
        })
    }

    /// Takes a complete file in as a new message.
    pub(super) fn add(
        &self,
        source: Source<'_>,
        octets: u64,
        flag_names: &[&str],
        internal_date: i64,
    ) -> Result<Added, StoreError> {
        self.with(|state, batch| {
            if state.gone {
                return Err(StoreError::NoMailbox(self.directory.display().to_string()));
            }
            let uid = state.contents.uid_next;
            let uid_next = uid.checked_add(1).ok_or(StoreError::UidsUsedUp)?;
            let flags = state.flags_named(flag_names, batch);
            let mut message = Message {
                uid,
                octets,
                internal_date,
                modseq: 0,
                flags,
                in_new: matches!(source, Source::Rename(_)) && flag_names.is_empty(),
            };
            let path = self.path(&message, state.contents.uid_validity);
            match source {
                Source::Link(from) => fs::hard_link(from, &path),
                Source::Rename(from) => fs::rename(from, &path),
            }
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => StoreError::MessageGone,
                _ => StoreError::io("cannot deliver to", &path)(error),
            })?;
            if self.fsync
                && let Some(folder) = path.parent()
            {
                File::open(folder)
                    .and_then(|folder| folder.sync_all())
                    .map_err(StoreError::io("cannot sync", folder))?;
            }
            message.modseq = state.next_modseq();
            batch.added(&message);
            state.contents.uid_next = uid_next;
            state.contents.messages.push(message);
            Ok(Added {
                uid_validity: state.contents.uid_validity,
                uid,
            })
        })
    }

    /// The mailbox was deleted: its messages are gone for every session that has it open.
    pub(super) fn retire(&self) -> Result<Amount, StoreError> {
        let amount = self.expunge(|_| true)?;
        if let Some(state) = &mut *lock(&self.state) {
            state.gone = true;
        }
        Ok(amount)
    }

    /// The mailbox has another name now: sessions that have it open under the old one lose its messages.
    pub(super) fn abandon(&self) {
        let mut guard = lock(&self.state);
        if let Some(state) = &mut *guard {
            state.gone = true;
            state.contents.messages.clear();
            let now = state.next_modseq();
            drop(guard);
            self.version.send_replace(now);
        }
    }

    fn uid_validity(&self) -> Result<u32, StoreError> {
        self.with(|state, _| Ok(state.contents.uid_validity))
    }

    /// `SECONDS.V<uidvalidity>U<uid>.mailgauge,S=<octets>`: unique, and known without being stored.
    fn path(&self, message: &Message, uid_validity: u32) -> PathBuf {
        let (folder, info) = if message.in_new {
            ("new", "")
        } else {
            ("cur", ":2,")
        };
        self.directory.join(folder).join(format!(
            "{}.V{uid_validity}U{}.mailgauge,S={}{info}",
            message.internal_date, message.uid, message.octets
        ))
    }

    /// Runs `work` on the state, appends what it put into the batch to the index, and wakes watchers if
    /// something changed.
    fn with<R>(
        &self,
        work: impl FnOnce(&mut State, &mut Batch) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        let mut guard = lock(&self.state);
        let state = match &mut *guard {
            Some(state) => state,
            None => guard.insert(self.load()?),
        };
        let before = state.contents.highest_modseq;
        let mut batch = Batch::default();
        let result = work(state, &mut batch);
        if !state.gone {
            state.contents.records += batch.write(&self.index(), self.fsync)?;
            self.compact(state)?;
        }
        let now = state.contents.highest_modseq;
        drop(guard);
        if now != before {
            self.version.send_replace(now);
        }
        result
    }

    /// Writes the index anew when most of it is about what is no longer so.
    fn compact(&self, state: &mut State) -> Result<(), StoreError> {
        let contents = &state.contents;
        let live =
            contents.messages.len() + contents.keywords.len() + contents.vanished.iter().len();
        if state.contents.records > 4 * live + 256 {
            state.contents.records = index::rewrite(&self.index(), &state.contents, self.fsync)?;
        }
        Ok(())
    }

    /// Reads the index and puts it in accord with the files that are there.
    fn load(&self) -> Result<State, StoreError> {
        let path = self.index();
        let mut contents = index::read(&path)?.unwrap_or_else(|| Contents {
            uid_validity: now_u32(),
            uid_next: 1,
            highest_modseq: 1,
            ..Contents::default()
        });
        let changed = reconcile(&self.directory, &mut contents, |message, validity| {
            self.path(message, validity)
        })?;
        if changed || !path.exists() {
            contents.records = index::rewrite(&path, &contents, self.fsync)?;
        }
        self.version.send_replace(contents.highest_modseq);
        Ok(State {
            recent_from: contents.uid_next,
            contents,
            gone: false,
        })
    }
}

/// Seconds since 1970, as a UIDVALIDITY.
pub(super) fn now_u32() -> u32 {
    u32::try_from(super::now()).unwrap_or(u32::MAX).max(1)
}

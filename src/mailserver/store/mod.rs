//! Users and their mailboxes on disk: INBOX is `DIR/mail/USER/Maildir`, folders stand in it as Maildir++
//! (`.Sent`), messages are delivered by rename or link. What a Maildir lacks and mail protocols need
//! (persistent UIDs, UIDVALIDITY, mod-sequences, flags that change without renames) is in one index file per
//! mailbox. The `maildir` crate was looked at: it reads whole messages into memory and knows no UIDs, so the
//! few lines of the format are here. Protocols are unknown in this room.

mod facts;
mod flags;
mod incoming;
mod index;
mod mailbox;
mod reconcile;
mod state;
mod user;
mod vanished;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use facts::{Added, Change, Copied, Look, Message, Snapshot, Stored, Tally, flag_names};
pub use flags::{Flags, MAX_KEYWORDS};
pub use incoming::Incoming;
pub use mailbox::Mailbox;
pub use user::{Entry, INBOX, PopLock, SEPARATOR, SpecialUse, User};
pub use vanished::Vanished;

/// What can go wrong with the mail on disk.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried, as in "cannot create".
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The index of a mailbox is not one of ours.
    #[error("{}, line {line}: {problem}; remove the file to have the messages numbered anew", path.display())]
    Index {
        /// The index file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A name that may not be given to a mailbox.
    #[error("a mailbox cannot be called {0:?}")]
    BadName(String),
    /// There is no such mailbox.
    #[error("there is no mailbox {0:?}")]
    NoMailbox(String),
    /// There is one already.
    #[error("there is a mailbox {0:?} already")]
    MailboxExists(String),
    /// INBOX cannot be deleted.
    #[error("INBOX stays")]
    InboxStays,
    /// The message went away in the meantime.
    #[error("the message is gone")]
    MessageGone,
    /// A mailbox numbers its messages with 32 bits (RFC 3501 section 2.3.1.1).
    #[error("the mailbox has used up its UIDs")]
    UidsUsedUp,
}

impl StoreError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// Messages and their octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// How many messages.
    pub messages: u64,
    /// Their octets together, as transferred (CRLF line ends).
    pub octets: u64,
}

impl Amount {
    /// One more message.
    pub fn add(&mut self, octets: u64) {
        self.messages += 1;
        self.octets += octets;
    }
}

/// All mailboxes of all users. Shared by the protocols' sessions.
#[derive(Debug)]
pub struct Store {
    users: BTreeMap<String, Arc<User>>,
}

impl Store {
    /// Opens `directory`, creating what is missing for each of `users`.
    pub fn open<'u>(
        directory: &Path,
        users: impl IntoIterator<Item = &'u str>,
        fsync: bool,
    ) -> Result<Self, StoreError> {
        let mail = directory.join("mail");
        fs::create_dir_all(&mail).map_err(StoreError::io("cannot create", &mail))?;
        let users = users
            .into_iter()
            .map(|name| Ok((name.to_owned(), Arc::new(User::open(&mail, name, fsync)?))))
            .collect::<Result<_, StoreError>>()?;
        Ok(Self { users })
    }

    /// The mailboxes of one user.
    pub fn user(&self, name: &str) -> Option<&Arc<User>> {
        self.users.get(name)
    }

    /// What lies in all mailboxes. Reads the indexes of those that nobody has opened yet.
    pub fn stored(&self) -> Result<Amount, StoreError> {
        let mut stored = Amount::default();
        for user in self.users.values() {
            for mailbox in user.mailboxes() {
                let tally = mailbox.tally()?;
                stored.messages += tally.messages as u64;
                stored.octets += tally.octets;
            }
        }
        Ok(stored)
    }
}

/// A panic while the lock was held was caught and reported elsewhere; the state behind it is a list of
/// messages that each step leaves whole, so it is used on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Seconds since 1970.
pub fn now() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs().cast_signed())
}

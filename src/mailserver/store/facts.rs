//! What a mailbox tells about itself and its messages.

use super::{Amount, Flags, Vanished};

/// What the mailbox knows of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Unique identifier (RFC 3501 section 2.3.1.1).
    pub uid: u32,
    /// Its size as transferred.
    pub octets: u64,
    /// Seconds since 1970.
    pub internal_date: i64,
    /// Mod-sequence of its last change (RFC 7162 section 3.1).
    pub modseq: u64,
    /// System flags and keywords.
    pub flags: Flags,
    /// The file lies in `new`, otherwise in `cur`.
    pub(super) in_new: bool,
}

/// A mailbox in figures (RFC 3501 section 6.3.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// How many messages.
    pub messages: usize,
    /// Their octets.
    pub octets: u64,
    /// Messages no session was told about.
    pub recent: usize,
    /// Messages without `\Seen`.
    pub unseen: usize,
    /// The UID the next message gets.
    pub uid_next: u32,
    /// Constant as long as UIDs mean the same messages.
    pub uid_validity: u32,
    /// Mod-sequence of the mailbox's last change.
    pub highest_modseq: u64,
}

/// The messages of a mailbox at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// See [`Tally::uid_validity`].
    pub uid_validity: u32,
    /// See [`Tally::uid_next`].
    pub uid_next: u32,
    /// See [`Tally::highest_modseq`].
    pub highest_modseq: u64,
    /// By UID, ascending.
    pub messages: Vec<Message>,
    /// Messages from this UID on were recent and belong to who took the snapshot.
    pub recent_from: u32,
}

/// What `Mailbox::look` shows.
#[derive(Clone, Copy, Debug)]
pub struct Look<'m> {
    /// By UID, ascending.
    pub messages: &'m [Message],
    /// Names of keywords, by number.
    pub keywords: &'m [String],
    /// See [`Tally::highest_modseq`].
    pub highest_modseq: u64,
    /// No session was told about messages from this UID on.
    pub recent_from: u32,
    /// See [`Tally::uid_next`].
    pub uid_next: u32,
    /// What was taken away.
    pub vanished: &'m Vanished,
}

/// What became of flags that were to be changed.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// Messages as they are now, each with its mod-sequence before.
    pub messages: Vec<(Message, u64)>,
    /// UIDs of messages that were left because somebody had changed them (RFC 7162 section 3.1.3).
    pub modified: Vec<u32>,
}

/// Where a new message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// UIDVALIDITY of the mailbox.
    pub uid_validity: u32,
    /// UID of the message.
    pub uid: u32,
}

/// What was copied to another mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// UIDVALIDITY of the other mailbox.
    pub uid_validity: u32,
    /// UIDs here and there.
    pub uids: Vec<(u32, u32)>,
    /// How much that was.
    pub amount: Amount,
}

/// What to do with flags (RFC 3501 section 6.4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// `FLAGS`
    Replace,
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
}

/// The names of `flags` in a mailbox with these keywords.
pub fn flag_names(flags: Flags, keywords: &[String]) -> Vec<&str> {
    Flags::SYSTEM
        .iter()
        .filter(|(flag, _)| flags.contains(*flag))
        .map(|(_, name)| *name)
        .chain(
            flags
                .keywords()
                .filter_map(|number| keywords.get(number).map(String::as_str)),
        )
        .collect()
}

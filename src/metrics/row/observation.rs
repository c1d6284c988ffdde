//! `observations.csv`: the history of a run as its devices saw it, on one clock. The checker in `judge` reads it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::metrics::ErrorClass;
use crate::scenario::{Arm, DeviceKind};

/// What was done, or seen.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Event {
    /// A message was handed to the server for this user.
    Deliver,
    /// A connection logged in. Under POP3 the maildrop is this session's from here to its end.
    Login,
    /// IMAP: a mailbox was selected, and told UIDVALIDITY, UIDNEXT, HIGHESTMODSEQ and its size.
    Select,
    /// The list of a mailbox was read: all of it (POP3), or its UIDs `uid` to `uid_to` (IMAP; no `uid_to`: to the end). Of
    /// what it contains, only what is new to this device has a row of its own, `shown` or `gone`, with the same instants.
    Listed,
    /// The server told of a message, or of its flags.
    Shown,
    /// The server no longer tells of a message that it told of before.
    Gone,
    /// The server was asked whether there is news, and said no more than the rows beside this one.
    Asked,
    /// IMAP IDLE: from `sent_at_us` to `at_us` the server could tell of news at any time.
    Watched,
    /// Flags were added: STORE +FLAGS.
    SetFlags,
    /// Flags were taken away: STORE -FLAGS.
    ClearFlags,
    /// IMAP: a message was taken off the server.
    Expunge,
    /// A message was moved from `mailbox` to `to_mailbox`.
    Move,
    /// A message was put into a mailbox by the device.
    Append,
    /// A message was fetched whole: RETR, or FETCH of BODY[].
    Retrieve,
    /// POP3: a message was marked for deletion. It is to be deleted at QUIT, not before.
    Dele,
    /// POP3: QUIT. What was marked is deleted if the answer is +OK.
    Quit,
    /// IMAP: LOGOUT.
    Logout,
    /// The connection was lost, or dropped, without QUIT or LOGOUT.
    Cut,
    /// The message lies whole on the device from now on.
    Keep,
    /// `octets` of the message lie on the device from now on, not the whole of it.
    KeepPart,
    /// The person deleted the message on the device: it lies there no longer.
    Discard,
}

/// What is known of how it ended.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Certainty {
    /// The server said that it was done.
    Ok,
    /// The server refused: it was not done.
    Fail,
    /// The answer was lost: it may have been done, or not, or it may be done yet.
    Unknown,
}

/// The system flags of a message: `seen answered`; none of them: `-`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FlagBits(u8);

impl FlagBits {
    /// `\Seen`.
    pub const SEEN: Self = Self(1);
    /// `\Answered`.
    pub const ANSWERED: Self = Self(1 << 1);
    /// `\Flagged`.
    pub const FLAGGED: Self = Self(1 << 2);
    /// `\Deleted`.
    pub const DELETED: Self = Self(1 << 3);
    /// `\Draft`.
    pub const DRAFT: Self = Self(1 << 4);
    /// None of them.
    pub const NONE: Self = Self(0);

    /// Each with the word it is written as.
    const NAMES: [(Self, &'static str); 5] = [
        (Self::SEEN, "seen"),
        (Self::ANSWERED, "answered"),
        (Self::FLAGGED, "flagged"),
        (Self::DELETED, "deleted"),
        (Self::DRAFT, "draft"),
    ];

    /// The flag that IMAP writes as `\Seen`, and so on; none for keywords and `\Recent`.
    pub fn of_name(name: &str) -> Self {
        let word = name.strip_prefix('\\').unwrap_or_default();
        let known = Self::NAMES
            .iter()
            .find(|(_, known)| known.eq_ignore_ascii_case(word));
        known.map_or(Self::NONE, |(flag, _)| *flag)
    }

    /// Each flag of the set by itself.
    pub fn each(self) -> impl Iterator<Item = Self> {
        Self::NAMES
            .into_iter()
            .map(|(flag, _)| flag)
            .filter(move |flag| self.has(*flag))
    }

    /// Whether all flags of `other` are in it.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is none in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// With the flags of `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Without the flags of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl fmt::Display for FlagBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("-");
        }
        let mut separator = "";
        for (_, name) in Self::NAMES.iter().filter(|(flag, _)| self.has(*flag)) {
            write!(f, "{separator}{name}")?;
            separator = " ";
        }
        Ok(())
    }
}

/// A word that is no flag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no flag; known are seen, answered, flagged, deleted and draft, and - for none")]
pub struct UnknownFlag(String);

impl FromStr for FlagBits {
    type Err = UnknownFlag;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "-" {
            return Ok(Self::NONE);
        }
        text.split(' ').try_fold(Self::NONE, |set, word| {
            let known = Self::NAMES.iter().find(|(_, name)| *name == word);
            known
                .map(|(flag, _)| set.with(*flag))
                .ok_or_else(|| UnknownFlag(word.to_owned()))
        })
    }
}

impl Serialize for FlagBits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FlagBits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// `observations.csv`: one thing that one device did or saw. A row is written when its outcome is known, so rows are in
/// the order of `at_us` per device; what was begun and never answered is `unknown`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservationRow {
    /// When the outcome was known, or the news came.
    pub at_us: u64,
    /// When it was begun: the command was about to be sent. News that nobody asked for: when it came.
    pub sent_at_us: u64,
    /// Block, from 1.
    pub block: u32,
    /// Arm.
    pub arm: Arm,
    /// Number of the user.
    pub user: u32,
    /// Who did or saw it; empty: the delivery side (`deliver`), or the harness itself.
    pub device: Option<DeviceKind>,
    /// Number of the connection among those of this user in this cell, from 1; 0: none.
    pub session: u32,
    /// What was done or seen.
    pub event: Event,
    /// How it ended.
    pub outcome: Certainty,
    /// Why not, or why it is unknown.
    pub error: Option<ErrorClass>,
    /// The mailbox; empty: INBOX, or none in particular.
    pub mailbox: Option<String>,
    /// Where it was moved to.
    pub to_mailbox: Option<String>,
    /// X-Mailgauge-Id, where known.
    pub message: Option<String>,
    /// IMAP: UID; of `listed`: the first.
    pub uid: Option<u32>,
    /// IMAP, `listed`: the last UID; empty: to the end of the mailbox.
    pub uid_to: Option<u32>,
    /// POP3: the unique-id of the message.
    pub uidl: Option<String>,
    /// The flags that the server told, or that were set or taken away.
    pub flags: Option<FlagBits>,
    /// MODSEQ of the message; of `select`: HIGHESTMODSEQ (RFC 7162).
    pub mod_seq: Option<u64>,
    /// UIDVALIDITY.
    pub uid_validity: Option<u32>,
    /// UIDNEXT.
    pub uid_next: Option<u32>,
    /// Messages in the mailbox, or in the list.
    pub messages: Option<u32>,
    /// Octets of the message; of `keep-part`: those that lie on the device.
    pub octets: Option<u64>,
}

impl ObservationRow {
    /// A row that says no more than who did what when.
    pub const fn new(cell: super::Cell, user: u32, event: Event) -> Self {
        Self {
            at_us: 0,
            sent_at_us: 0,
            block: cell.block,
            arm: cell.arm,
            user,
            device: None,
            session: 0,
            event,
            outcome: Certainty::Ok,
            error: None,
            mailbox: None,
            to_mailbox: None,
            message: None,
            uid: None,
            uid_to: None,
            uidl: None,
            flags: None,
            mod_seq: None,
            uid_validity: None,
            uid_next: None,
            messages: None,
            octets: None,
        }
    }

    /// The mailbox by name.
    pub fn mailbox(&self) -> &str {
        self.mailbox.as_deref().unwrap_or("INBOX")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::FlagBits;

    #[test]
    fn flags_are_named_as_imap_names_them() {
        assert_eq!(FlagBits::of_name("\\sEEN"), FlagBits::SEEN);
        assert_eq!(FlagBits::of_name("$Junk"), FlagBits::NONE);
        assert_eq!(FlagBits::of_name("seen"), FlagBits::NONE, "a keyword");
        assert!("seen,flagged".parse::<FlagBits>().is_err());
    }

    proptest! {
        #[test]
        fn flags_are_read_as_they_were_written(bits in 0_u8..32) {
            let flags = FlagBits(bits);
            prop_assert_eq!(flags.to_string().parse::<FlagBits>(), Ok(flags));
        }
    }
}

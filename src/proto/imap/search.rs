//! What SEARCH can look for (RFC 3501 section 6.4.4), and how it is written.

use super::command::Command;
use super::set::UidSet;

/// A condition that a message meets or not. Several of them in a list must all be met.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Criterion {
    /// Every message.
    All,
    /// `\Seen` is set, or is not.
    Seen(bool),
    /// `\Answered` is set, or is not.
    Answered(bool),
    /// `\Flagged` is set, or is not.
    Flagged(bool),
    /// `\Deleted` is set, or is not.
    Deleted(bool),
    /// A keyword (a flag without backslash) is set.
    Keyword(String),
    /// The author's name or address holds this.
    From(String),
    /// The recipient's name or address holds this.
    To(String),
    /// The subject holds this.
    Subject(String),
    /// The text of the message, header left out, holds this.
    Body(String),
    /// The message holds this anywhere.
    Text(String),
    /// A field of the header holds this; empty: the field is there.
    Header(String, String),
    /// Arrived on or after this day.
    Since(SearchDate),
    /// Arrived before this day.
    Before(SearchDate),
    /// Larger than this, in octets.
    Larger(u32),
    /// Smaller than this, in octets.
    Smaller(u32),
    /// Among these.
    Uid(UidSet),
    /// Among these, by sequence number.
    Sequence(UidSet),
    /// Changed since (RFC 7162).
    ModSeq(u64),
    /// Not so.
    Not(Box<Criterion>),
    /// One or the other.
    Or(Box<Criterion>, Box<Criterion>),
}

/// A day, in the server's own time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchDate {
    /// Year.
    pub year: i16,
    /// Month, from 1.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
}

impl SearchDate {
    fn text(self) -> String {
        let month = MONTHS
            .get(usize::from(self.month).wrapping_sub(1))
            .unwrap_or(&MONTHS[0]);
        format!("{}-{month}-{:04}", self.day, self.year)
    }
}

/// Nothing is in an empty set, and IMAP cannot write one.
const NOTHING: &str = "NOT ALL";

/// As dates are written in IMAP.
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

impl Command {
    /// What to search for; without criteria, every message.
    #[must_use]
    pub fn criteria(self, criteria: &[Criterion]) -> Self {
        let command = if criteria.iter().all(Criterion::is_ascii) {
            self
        } else {
            self.word("CHARSET UTF-8")
        };
        if criteria.is_empty() {
            return command.word("ALL");
        }
        criteria
            .iter()
            .fold(command, |command, criterion| criterion.write(command))
    }
}

impl Criterion {
    fn write(&self, to: Command) -> Command {
        let flag = |to: Command, set: bool, is: &str| {
            to.word(&format!("{}{is}", if set { "" } else { "UN" }))
        };
        let text = |to: Command, key: &str, text: &str| to.word(key).string(text.as_bytes());
        match self {
            Self::All => to.word("ALL"),
            Self::Seen(set) => flag(to, *set, "SEEN"),
            Self::Answered(set) => flag(to, *set, "ANSWERED"),
            Self::Flagged(set) => flag(to, *set, "FLAGGED"),
            Self::Deleted(set) => flag(to, *set, "DELETED"),
            Self::Keyword(keyword) => {
                let keyword: String = keyword
                    .chars()
                    .filter(|c| c.is_ascii_alphanumeric() || "$_-.".contains(*c))
                    .collect();
                to.word("KEYWORD").word(&keyword)
            }
            Self::From(what) => text(to, "FROM", what),
            Self::To(what) => text(to, "TO", what),
            Self::Subject(what) => text(to, "SUBJECT", what),
            Self::Body(what) => text(to, "BODY", what),
            Self::Text(what) => text(to, "TEXT", what),
            Self::Header(field, what) => text(to, "HEADER", field).string(what.as_bytes()),
            Self::Since(day) => to.word("SINCE").word(&day.text()),
            Self::Before(day) => to.word("BEFORE").word(&day.text()),
            Self::Larger(octets) => to.word(&format!("LARGER {octets}")),
            Self::Smaller(octets) => to.word(&format!("SMALLER {octets}")),
            Self::Uid(set) => match set.texts(usize::MAX).first() {
                Some(uids) => to.word("UID").word(uids),
                None => to.word(NOTHING),
            },
            Self::Sequence(set) => match set.texts(usize::MAX).first() {
                Some(numbers) => to.word(numbers),
                None => to.word(NOTHING),
            },
            Self::ModSeq(least) => to.word(&format!("MODSEQ {least}")),
            Self::Not(other) => other.write(to.word("NOT")),
            Self::Or(one, other) => other.write(one.write(to.word("OR"))),
        }
    }

    fn is_ascii(&self) -> bool {
        match self {
            Self::From(text)
            | Self::To(text)
            | Self::Subject(text)
            | Self::Body(text)
            | Self::Text(text) => text.is_ascii(),
            Self::Header(field, text) => field.is_ascii() && text.is_ascii(),
            Self::Not(other) => other.is_ascii(),
            Self::Or(one, other) => one.is_ascii() && other.is_ascii(),
            _ => true,
        }
    }
}

//! The lines of STAT, LIST and UIDL.

use super::ReplyError;
use crate::proto::line::printable;

/// The answer to STAT (RFC 1939, section 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// Messages in the maildrop, without those marked as deleted.
    pub messages: u32,
    /// Their size.
    pub octets: u64,
}

/// A line of LIST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListEntry {
    /// Message number, from 1, of this session.
    pub number: u32,
    /// The message's size.
    pub octets: u64,
}

/// A line of UIDL (RFC 1939, section 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UidlEntry {
    /// Message number, from 1, of this session.
    pub number: u32,
    /// What names the message in every session.
    pub uidl: String,
}

/// Reads the text after STAT's `+OK`.
///
/// # Errors
/// [`ReplyError::BadLine`].
pub fn parse_stat(text: &[u8]) -> Result<Stat, ReplyError> {
    let mut words = words(text);
    let stat = (|| {
        Some(Stat {
            messages: decimal(words.next()?)?,
            octets: decimal(words.next()?)?,
        })
    })();
    stat.ok_or_else(|| bad("STAT", text))
}

/// Reads a line of a listing.
///
/// # Errors
/// [`ReplyError::BadLine`].
pub fn parse_entry<E: Entry>(line: &[u8]) -> Result<E, ReplyError> {
    E::parse(line).ok_or_else(|| bad(E::LISTING, line))
}

/// What a listing consists of.
pub trait Entry: Sized {
    /// The command that lists it.
    const LISTING: &'static str;
    /// Reads a line.
    fn parse(line: &[u8]) -> Option<Self>;
}

impl Entry for ListEntry {
    const LISTING: &'static str = "LIST";

    fn parse(line: &[u8]) -> Option<Self> {
        let mut words = words(line);
        Some(Self {
            number: number(words.next()?)?,
            octets: decimal(words.next()?)?,
        })
    }
}

impl Entry for UidlEntry {
    const LISTING: &'static str = "UIDL";

    fn parse(line: &[u8]) -> Option<Self> {
        // RFC 1939: 1 to 70 characters from 0x21 to 0x7E. Some servers write longer ones.
        const LONGEST: usize = 512;
        let mut words = words(line);
        let number = number(words.next()?)?;
        let uidl = words.next()?;
        if uidl.len() > LONGEST || !uidl.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        Some(Self {
            number,
            uidl: String::from_utf8_lossy(uidl).into_owned(),
        })
    }
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|octet| *octet == b' ')
        .filter(|word| !word.is_empty())
}

fn number(word: &[u8]) -> Option<u32> {
    decimal(word).filter(|number| *number > 0)
}

/// Digits only: no sign, no overflow.
fn decimal<N: TryFrom<u64>>(word: &[u8]) -> Option<N> {
    if word.is_empty() {
        return None;
    }
    let value = word.iter().try_fold(0u64, |value, octet| {
        let digit = octet.is_ascii_digit().then(|| u64::from(octet - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })?;
    N::try_from(value).ok()
}

fn bad(listing: &'static str, line: &[u8]) -> ReplyError {
    ReplyError::BadLine {
        listing,
        line: printable(line),
    }
}

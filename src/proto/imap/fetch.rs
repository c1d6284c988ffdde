//! FETCH responses (RFC 3501 section 7.4.2), item by item, each decoded only as far as it is asked for.

use super::envelope::RawEnvelope;
use super::scan::{Flags, Malformed, Nstring, Scanner};
use super::structure::RawStructure;

/// `* n FETCH (…)`: an iterator over its items. After an error it ends.
#[derive(Clone, Debug)]
pub struct Fetch<'a> {
    /// The message's sequence number.
    pub sequence: u32,
    items: Scanner<'a>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    First,
    Further,
    Over,
}

/// One thing that a FETCH response says of its message.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FetchItem<'a> {
    /// UID.
    Uid(u32),
    /// FLAGS.
    Flags(Flags<'a>),
    /// RFC822.SIZE, in octets.
    Size(u64),
    /// INTERNALDATE, as it came: `17-Jul-1996 02:44:25 -0700`.
    InternalDate(&'a [u8]),
    /// MODSEQ (RFC 7162).
    ModSeq(u64),
    /// ENVELOPE.
    Envelope(RawEnvelope<'a>),
    /// BODYSTRUCTURE, or BODY, which is the same without extensions.
    Structure(RawStructure<'a>),
    /// `BODY[…]`, `BINARY[…]`, RFC822, RFC822.HEADER or RFC822.TEXT.
    Body(BodyData<'a>),
    /// Something else, passed over: its name.
    Other(&'a [u8]),
}

/// Octets of a message or of a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyData<'a> {
    /// What stands in the brackets: empty for the whole message, `1.2`, `HEADER.FIELDS (Date)`.
    pub section: &'a [u8],
    /// `<n>`: where a partial fetch starts.
    pub origin: Option<u64>,
    /// NIL where the server has no such section, or the message is gone (RFC 2180 section 4.1).
    pub data: Nstring<'a>,
}

impl<'a> Fetch<'a> {
    pub(super) fn new(sequence: u32, mut items: Scanner<'a>) -> Result<Self, Malformed> {
        items.expect(b'(', "the items of a FETCH response")?;
        Ok(Self {
            sequence,
            items,
            state: State::First,
        })
    }

    fn step(&mut self) -> Result<Option<FetchItem<'a>>, Malformed> {
        match self.state {
            State::Over => return Ok(None),
            State::First => self.items.spaces(),
            // Some servers leave a space before the closing parenthesis.
            State::Further if self.items.peek() != Some(b')') => self.items.space()?,
            State::Further => {}
        }
        if self.items.take(b')') {
            self.state = State::Over;
            return Ok(None);
        }
        self.state = State::Further;
        self.item().map(Some)
    }

    fn item(&mut self) -> Result<FetchItem<'a>, Malformed> {
        let items = &mut self.items;
        let name = items.word();
        if name.is_empty() {
            return Err(items.malformed("the name of a FETCH item"));
        }
        if items.peek() == Some(b'[') {
            return self.sectioned(name);
        }
        items.space()?;
        Ok(match Name::of(name) {
            Name::Uid => FetchItem::Uid(items.number32()?),
            Name::Flags => FetchItem::Flags(items.flat_list()?),
            Name::Size => FetchItem::Size(items.number()?),
            Name::InternalDate => FetchItem::InternalDate(items.date()?),
            Name::ModSeq => {
                items.expect(b'(', "a modification sequence in parentheses")?;
                let value = items.number()?;
                items.expect(b')', "the end of a modification sequence")?;
                FetchItem::ModSeq(value)
            }
            Name::Envelope => FetchItem::Envelope(RawEnvelope(items.value()?)),
            Name::Structure => FetchItem::Structure(RawStructure(items.value()?)),
            Name::Rfc822(section) => FetchItem::Body(BodyData {
                section,
                origin: None,
                data: items.nstring()?,
            }),
            Name::Other => {
                items.skip_value()?;
                FetchItem::Other(name)
            }
        })
    }

    /// An item whose name goes on in brackets.
    fn sectioned(&mut self, name: &'a [u8]) -> Result<FetchItem<'a>, Malformed> {
        let items = &mut self.items;
        items.expect(b'[', "a section")?;
        let section = items.section()?;
        let origin = if items.take(b'<') {
            let origin = items.number()?;
            items.expect(b'>', "the end of a partial fetch's origin")?;
            Some(origin)
        } else {
            None
        };
        items.space()?;
        if name.eq_ignore_ascii_case(b"BODY") || name.eq_ignore_ascii_case(b"BINARY") {
            return Ok(FetchItem::Body(BodyData {
                section,
                origin,
                data: items.nstring()?,
            }));
        }
        items.skip_value()?;
        Ok(FetchItem::Other(name))
    }
}

impl<'a> Iterator for Fetch<'a> {
    type Item = Result<FetchItem<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            self.state = State::Over;
        }
        step.transpose()
    }
}

impl<'a> Scanner<'a> {
    /// A date between quotes, which holds no escapes.
    fn date(&mut self) -> Result<&'a [u8], Malformed> {
        self.expect(b'"', "a date in quotes")?;
        let rest = self.rest();
        let end = memchr::memchr(b'"', rest).ok_or_else(|| self.malformed("the end of a date"))?;
        self.skip(end + 1);
        Ok(&rest[..end])
    }

    /// One value, passed over and kept for later.
    fn value(&mut self) -> Result<Scanner<'a>, Malformed> {
        let start = self.clone();
        self.skip_value()?;
        Ok(self.since(&start))
    }
}

enum Name {
    Uid,
    Flags,
    Size,
    InternalDate,
    ModSeq,
    Envelope,
    Structure,
    Rfc822(&'static [u8]),
    Other,
}

impl Name {
    fn of(name: &[u8]) -> Self {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        match name.len() {
            3 if is("UID") => Self::Uid,
            4 if is("BODY") => Self::Structure,
            5 if is("FLAGS") => Self::Flags,
            6 if is("MODSEQ") => Self::ModSeq,
            6 if is("RFC822") => Self::Rfc822(b""),
            8 if is("ENVELOPE") => Self::Envelope,
            11 if is("RFC822.SIZE") => Self::Size,
            11 if is("RFC822.TEXT") => Self::Rfc822(b"TEXT"),
            12 if is("INTERNALDATE") => Self::InternalDate,
            13 if is("BODYSTRUCTURE") => Self::Structure,
            13 if is("RFC822.HEADER") => Self::Rfc822(b"HEADER"),
            _ => Self::Other,
        }
    }
}

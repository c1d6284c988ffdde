//! What a server says of mailboxes, and of itself.

use std::borrow::Cow;

use strum::IntoStaticStr;

use super::scan::{Malformed, Nstring, Scanner, Words};

/// One mailbox in a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// `\Noselect`, `\Sent` and so on.
    pub attributes: Words<'a>,
    /// What parts the levels of a name; none: names are flat.
    pub delimiter: Option<u8>,
    /// The name as the server writes it (modified UTF-7, RFC 3501 section 5.1.3).
    pub name: Cow<'a, [u8]>,
}

/// What STATUS can be asked for (RFC 3501 section 6.3.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "UPPERCASE")]
pub enum StatusItem {
    /// How many messages there are.
    Messages,
    /// How many are recent.
    Recent,
    /// The UID that the next message will probably get.
    UidNext,
    /// UIDVALIDITY.
    UidValidity,
    /// How many are not seen.
    Unseen,
    /// The highest modification sequence (RFC 7162); a server without CONDSTORE does not understand it.
    HighestModSeq,
    /// Octets of all messages (RFC 8438); a server without STATUS=SIZE does not understand it.
    Size,
}

impl StatusItem {
    /// What mail programs ask of a folder that they watch.
    pub const USUAL: [Self; 4] = [
        Self::Messages,
        Self::UidNext,
        Self::UidValidity,
        Self::Unseen,
    ];
}

/// STATUS of a mailbox. Only what was asked for is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailboxStatus<'a> {
    /// The mailbox.
    pub name: Cow<'a, [u8]>,
    /// MESSAGES.
    pub messages: Option<u32>,
    /// RECENT.
    pub recent: Option<u32>,
    /// UNSEEN: how many are not seen.
    pub unseen: Option<u32>,
    /// UIDNEXT.
    pub uid_next: Option<u32>,
    /// UIDVALIDITY.
    pub uid_validity: Option<u32>,
    /// HIGHESTMODSEQ (RFC 7162).
    pub highest_mod_seq: Option<u64>,
    /// SIZE, octets of all messages (RFC 8438).
    pub size: Option<u64>,
}

/// Where mailboxes lie (RFC 2342).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// The user's own.
    pub personal: Vec<Namespace>,
    /// Other users'.
    pub others: Vec<Namespace>,
    /// Everybody's.
    pub shared: Vec<Namespace>,
}

/// The beginning that a group of mailbox names shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// The prefix, as the server writes it.
    pub prefix: String,
    /// What parts the levels of a name.
    pub delimiter: Option<char>,
}

impl MailboxStatus<'_> {
    /// The same, on its own.
    pub fn into_owned(self) -> MailboxStatus<'static> {
        MailboxStatus {
            name: Cow::Owned(self.name.into_owned()),
            messages: self.messages,
            recent: self.recent,
            unseen: self.unseen,
            uid_next: self.uid_next,
            uid_validity: self.uid_validity,
            highest_mod_seq: self.highest_mod_seq,
            size: self.size,
        }
    }
}

impl<'a> Listed<'a> {
    pub(super) fn parse(mut scanner: Scanner<'a>) -> Result<Self, Malformed> {
        let attributes = scanner.flat_list()?;
        scanner.space()?;
        let delimiter = delimiter(&mut scanner)?;
        scanner.space()?;
        Ok(Self {
            attributes,
            delimiter,
            name: scanner.astring()?,
        })
    }
}

impl<'a> MailboxStatus<'a> {
    pub(super) fn parse(mut scanner: Scanner<'a>) -> Result<Self, Malformed> {
        let mut status = Self {
            name: scanner.astring()?,
            ..Self::default()
        };
        scanner.space()?;
        scanner.expect(b'(', "the items of a STATUS response")?;
        loop {
            scanner.spaces();
            if scanner.take(b')') {
                return Ok(status);
            }
            let name = scanner.atom()?.to_ascii_uppercase();
            scanner.space()?;
            match name.as_slice() {
                b"MESSAGES" => status.messages = Some(scanner.number32()?),
                b"RECENT" => status.recent = Some(scanner.number32()?),
                b"UNSEEN" => status.unseen = Some(scanner.number32()?),
                b"UIDNEXT" => status.uid_next = Some(scanner.number32()?),
                b"UIDVALIDITY" => status.uid_validity = Some(scanner.number32()?),
                b"HIGHESTMODSEQ" => status.highest_mod_seq = Some(scanner.number()?),
                b"SIZE" => status.size = Some(scanner.number()?),
                _ => scanner.skip_value()?,
            }
        }
    }
}

impl Namespaces {
    pub(super) fn parse(mut scanner: Scanner<'_>) -> Result<Self, Malformed> {
        let personal = Self::group(&mut scanner)?;
        scanner.space()?;
        let others = Self::group(&mut scanner)?;
        scanner.space()?;
        let shared = Self::group(&mut scanner)?;
        Ok(Self {
            personal,
            others,
            shared,
        })
    }

    fn group(scanner: &mut Scanner<'_>) -> Result<Vec<Namespace>, Malformed> {
        let mut group = Vec::new();
        if scanner.nil() {
            return Ok(group);
        }
        scanner.expect(b'(', "a group of namespaces")?;
        while !scanner.take(b')') {
            scanner.spaces();
            scanner.expect(b'(', "a namespace")?;
            let prefix = String::from_utf8_lossy(&scanner.astring()?).into_owned();
            scanner.space()?;
            let delimiter = delimiter(scanner)?.map(char::from);
            scanner.spaces();
            while !scanner.take(b')') {
                scanner.skip_value()?;
                scanner.spaces();
            }
            group.push(Namespace { prefix, delimiter });
        }
        Ok(group)
    }
}

fn delimiter(scanner: &mut Scanner<'_>) -> Result<Option<u8>, Malformed> {
    match scanner.nstring()? {
        Nstring::Inline(octets) if octets.len() == 1 => Ok(Some(octets[0])),
        Nstring::Nil => Ok(None),
        _ => Err(scanner.malformed("a delimiter of one character")),
    }
}

/// RFC 2971 section 3.3 allows 30 pairs.
pub(super) fn identity(
    mut scanner: Scanner<'_>,
) -> Result<Vec<(String, Option<String>)>, Malformed> {
    let text = |octets: Cow<'_, [u8]>| String::from_utf8_lossy(&octets).into_owned();
    let mut pairs = Vec::new();
    if scanner.nil() {
        return Ok(pairs);
    }
    scanner.expect(b'(', "names and values")?;
    loop {
        scanner.spaces();
        if scanner.take(b')') {
            return Ok(pairs);
        }
        let name = text(scanner.astring()?);
        scanner.space()?;
        let value = scanner.nstring()?.inline().map(text);
        if pairs.len() < 30 {
            pairs.push((name, value));
        }
    }
}

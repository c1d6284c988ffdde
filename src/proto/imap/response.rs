//! What a server says, one logical line at a time (RFC 3501 section 7). Data that a server may send at any time is
//! told apart from the answer to a command; what is not known is named and passed over.

use std::borrow::Cow;

use super::code::Code;
use super::fetch::Fetch;
use super::framer::Streamed;
use super::scan::{Flags, Malformed, Nstring, Scanner, Words};
use super::set::UidRanges;

/// One response.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Response<'a> {
    /// `+ …`: the server waits for the rest of the command.
    Continue(&'a [u8]),
    /// The end of the command with this tag.
    Tagged {
        /// The command's tag.
        tag: &'a [u8],
        /// How it went.
        condition: Condition,
        /// Why.
        text: Text<'a>,
    },
    /// `* OK …` and the like, the greeting among them.
    Status(Condition, Text<'a>),
    /// CAPABILITY.
    Capability(Words<'a>),
    /// ENABLED (RFC 5161).
    Enabled(Words<'a>),
    /// FLAGS: which the mailbox knows.
    Flags(Flags<'a>),
    /// EXISTS: how many messages there are.
    Exists(u32),
    /// RECENT.
    Recent(u32),
    /// EXPUNGE: the message with this sequence number is gone, those behind it move up.
    Expunge(u32),
    /// VANISHED: the messages with these UIDs are gone (RFC 7162).
    Vanished {
        /// They were gone before the mailbox was opened.
        earlier: bool,
        /// Their UIDs.
        uids: UidRanges<'a>,
    },
    /// FETCH.
    Fetch(Fetch<'a>),
    /// SEARCH.
    Search(Search),
    /// ESEARCH (RFC 4731).
    ESearch(ESearch<'a>),
    /// LIST or LSUB.
    List(Listed<'a>),
    /// STATUS.
    MailboxStatus(MailboxStatus<'a>),
    /// NAMESPACE (RFC 2342).
    Namespace(Namespaces),
    /// ID (RFC 2971): names and values, at most 30.
    Id(Vec<(String, Option<String>)>),
    /// Another untagged response: its name.
    Unknown(&'a [u8]),
}

/// How something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Well.
    Ok,
    /// The server will not or cannot.
    No,
    /// The server did not understand.
    Bad,
    /// The greeting of a connection that is logged in from the start.
    PreAuth,
    /// The server is about to close the connection.
    Bye,
}

/// The words that go with a [`Condition`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text<'a> {
    /// What stands in brackets before them.
    pub code: Option<Code<'a>>,
    /// The words for people.
    pub words: &'a [u8],
    /// Both, as they came.
    pub whole: &'a [u8],
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// UIDs, or sequence numbers, as was asked.
    pub found: Vec<u32>,
    /// The highest modification sequence among them (RFC 7162).
    pub mod_seq: Option<u64>,
}

/// What an extended search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ESearch<'a> {
    /// The tag of the command that this answers.
    pub tag: Option<Cow<'a, [u8]>>,
    /// All that was found.
    pub all: Option<UidRanges<'a>>,
    /// How many were found.
    pub count: Option<u64>,
}

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

impl<'a> Response<'a> {
    /// Reads a logical line as [`super::framer::Framer`] hands it out.
    pub fn parse(line: &'a [u8], streamed: &'a [Streamed]) -> Result<Self, Malformed> {
        let mut scanner = Scanner::new(line, streamed);
        if scanner.take(b'+') {
            scanner.spaces();
            return Ok(Self::Continue(scanner.rest()));
        }
        let tag = scanner.atom()?;
        scanner.space()?;
        if tag == b"*" {
            return Self::untagged(scanner);
        }
        match Condition::of(scanner.word()) {
            Some(condition @ (Condition::Ok | Condition::No | Condition::Bad)) => {
                scanner.spaces();
                Ok(Self::Tagged {
                    tag,
                    condition,
                    text: Text::split(scanner.rest()),
                })
            }
            _ => Err(scanner.malformed("OK, NO or BAD behind a tag")),
        }
    }

    fn untagged(mut scanner: Scanner<'a>) -> Result<Self, Malformed> {
        if scanner.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Self::numbered(scanner);
        }
        let name = scanner.word();
        scanner.spaces();
        if let Some(condition) = Condition::of(name) {
            return Ok(Self::Status(condition, Text::split(scanner.rest())));
        }
        Ok(match name.to_ascii_uppercase().as_slice() {
            b"CAPABILITY" => Self::Capability(Words(scanner.rest())),
            b"ENABLED" => Self::Enabled(Words(scanner.rest())),
            b"FLAGS" => Self::Flags(scanner.flat_list()?),
            b"SEARCH" => Self::Search(Search::parse(scanner)?),
            b"ESEARCH" => Self::ESearch(ESearch::parse(scanner)?),
            b"LIST" | b"LSUB" => Self::List(Listed::parse(scanner)?),
            b"STATUS" => Self::MailboxStatus(MailboxStatus::parse(scanner)?),
            b"NAMESPACE" => Self::Namespace(Namespaces::parse(scanner)?),
            b"ID" => Self::Id(identity(scanner)?),
            b"VANISHED" => {
                let earlier = scanner.take(b'(');
                if earlier {
                    scanner.word();
                    scanner.expect(b')', "EARLIER in parentheses")?;
                    scanner.space()?;
                }
                let uids = UidRanges::checked(scanner.rest())
                    .ok_or_else(|| scanner.malformed("a set of UIDs"))?;
                Self::Vanished { earlier, uids }
            }
            _ => Self::Unknown(name),
        })
    }

    /// `* n NAME`
    fn numbered(mut scanner: Scanner<'a>) -> Result<Self, Malformed> {
        let number = scanner.number32()?;
        scanner.space()?;
        let name = scanner.word();
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        Ok(if is(b"FETCH") {
            scanner.space()?;
            Self::Fetch(Fetch::new(number, scanner)?)
        } else if is(b"EXISTS") {
            Self::Exists(number)
        } else if is(b"EXPUNGE") {
            Self::Expunge(number)
        } else if is(b"RECENT") {
            Self::Recent(number)
        } else {
            Self::Unknown(name)
        })
    }
}

impl Condition {
    fn of(name: &[u8]) -> Option<Self> {
        [
            (&b"OK"[..], Self::Ok),
            (b"NO", Self::No),
            (b"BAD", Self::Bad),
            (b"BYE", Self::Bye),
            (b"PREAUTH", Self::PreAuth),
        ]
        .into_iter()
        .find_map(|(known, condition)| name.eq_ignore_ascii_case(known).then_some(condition))
    }
}

impl<'a> Text<'a> {
    fn split(text: &'a [u8]) -> Self {
        let (code, words) = Code::split(text);
        Self {
            code,
            words,
            whole: text,
        }
    }
}

impl Search {
    fn parse(mut scanner: Scanner<'_>) -> Result<Self, Malformed> {
        let mut search = Self::default();
        loop {
            scanner.spaces();
            if scanner.is_at_end() {
                return Ok(search);
            }
            if scanner.take(b'(') {
                scanner.word();
                scanner.space()?;
                search.mod_seq = Some(scanner.number()?);
                scanner.expect(b')', "the end of a modification sequence")?;
            } else {
                search.found.push(scanner.number32()?);
            }
        }
    }
}

impl<'a> ESearch<'a> {
    fn parse(mut scanner: Scanner<'a>) -> Result<Self, Malformed> {
        let mut search = Self::default();
        if scanner.take(b'(') {
            scanner.word();
            scanner.space()?;
            search.tag = Some(scanner.astring()?);
            scanner.expect(b')', "the end of a correlator")?;
        }
        loop {
            scanner.spaces();
            if scanner.is_at_end() {
                return Ok(search);
            }
            let name = scanner.atom()?;
            if name.eq_ignore_ascii_case(b"UID") {
                continue;
            }
            scanner.space()?;
            if name.eq_ignore_ascii_case(b"ALL") {
                let ranges = UidRanges::checked(scanner.atom()?);
                search.all = Some(ranges.ok_or_else(|| scanner.malformed("a set of UIDs"))?);
            } else if name.eq_ignore_ascii_case(b"COUNT") {
                search.count = Some(scanner.number()?);
            } else {
                scanner.skip_value()?;
            }
        }
    }
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
    fn parse(mut scanner: Scanner<'a>) -> Result<Self, Malformed> {
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
    fn parse(mut scanner: Scanner<'a>) -> Result<Self, Malformed> {
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
    fn parse(mut scanner: Scanner<'_>) -> Result<Self, Malformed> {
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
fn identity(mut scanner: Scanner<'_>) -> Result<Vec<(String, Option<String>)>, Malformed> {
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

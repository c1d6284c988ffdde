//! What a server says, one logical line at a time (RFC 3501 section 7). Data that a server may send at any time is
//! told apart from the answer to a command; what is not known is named and passed over.

use std::borrow::Cow;

use super::code::Code;
use super::fetch::Fetch;
use super::framer::Streamed;
use super::mailbox::{Listed, MailboxStatus, Namespaces, identity};
use super::scan::{Flags, Malformed, Scanner, Words};
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

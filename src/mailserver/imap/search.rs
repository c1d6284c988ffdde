//! SEARCH (RFC 3501 section 6.4.4, RFC 7162 section 3.1.5). What the index answers is asked first; files are
//! opened only for messages that are left.

use imap_codec::imap_types::core::{AString, Charset, Vec1};
use imap_codec::imap_types::datetime::NaiveDate;
use imap_codec::imap_types::search::SearchKey;

use super::candidate::{Candidate, Failed};
use super::view::{NoSuchMessage, View};
use super::{Answer, Session};
use crate::mailserver::connection::Ended;
use crate::mailserver::store::Flags;
use crate::proto::imap::server::{number, octets};

/// Messages are searched in turns of so many files.
const FILES_PER_TURN: usize = 16;

impl Session {
    pub(super) async fn search(
        &mut self,
        charset: Option<&Charset<'_>>,
        criteria: &Vec1<SearchKey<'_>>,
        uid: bool,
    ) -> Result<Answer, Ended> {
        let known = charset.is_none_or(|charset| {
            let name: &[u8] = match charset {
                Charset::Atom(atom) => atom.inner().as_bytes(),
                Charset::Quoted(quoted) => quoted.inner().as_bytes(),
            };
            name.eq_ignore_ascii_case(b"UTF-8") || name.eq_ignore_ascii_case(b"US-ASCII")
        });
        if !known {
            return Ok(Answer::no("[BADCHARSET (US-ASCII UTF-8)] Search in UTF-8"));
        }
        if criteria.as_ref().iter().any(asks_modseq) {
            self.use_condstore();
        }
        let Some(view) = &self.view else {
            return Ok(Answer::bad("Select a mailbox first"));
        };
        let query = match Query::all(view, criteria.as_ref()) {
            Ok(query) => query,
            Err(error) => return Ok(error.into()),
        };
        let all: Vec<usize> = (0..view.exists()).collect();
        let messages = match view.messages(&all) {
            Ok(messages) => messages,
            Err(error) => return Ok(error.into()),
        };
        let mut found = Vec::new();
        let mut highest = 0;
        let mut files = 0;
        for (index, message) in messages {
            let mut candidate = Candidate::new(view, index, message);
            match query.meets(&mut candidate) {
                Ok(true) => {
                    found.push(if uid { message.uid } else { index as u32 + 1 });
                    highest = highest.max(message.modseq);
                }
                // A message that went in this moment is not found.
                Ok(false) | Err(Failed::Gone) => {}
                Err(Failed::Unreadable) => {
                    return Ok(Answer::no("[SERVERBUG] A message cannot be read"));
                }
            }
            files += usize::from(candidate.was_opened());
            if files == FILES_PER_TURN {
                files = 0;
                tokio::task::yield_now().await;
            }
        }
        let with_modseq = criteria.as_ref().iter().any(asks_modseq) && !found.is_empty();
        let out = &mut self.connection.out;
        out.extend_from_slice(b"* SEARCH");
        for value in found {
            out.push(b' ');
            number(out, u64::from(value));
        }
        if with_modseq {
            out.extend_from_slice(b" (MODSEQ ");
            number(out, highest);
            out.push(b')');
        }
        out.extend_from_slice(b"\r\n");
        Ok(Answer::ok("Done"))
    }
}

fn asks_modseq(key: &SearchKey<'_>) -> bool {
    match key {
        SearchKey::ModSequence { .. } => true,
        SearchKey::And(keys) => keys.as_ref().iter().any(asks_modseq),
        SearchKey::Not(key) => asks_modseq(key),
        SearchKey::Or(a, b) => asks_modseq(a) || asks_modseq(b),
        _ => false,
    }
}

/// A search key, made ready: sets resolved, texts in lower case, dates as days.
#[derive(Debug)]
enum Query {
    All,
    Never,
    /// Cheap ones first.
    And(Vec<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    /// Indices, ascending.
    Among(Vec<usize>),
    Flag(Flags, bool),
    Recent(bool),
    Internal(Days),
    Larger(u64),
    Smaller(u64),
    ModSequence(u64),
    Sent(Days),
    Header(Vec<u8>, String),
    Body(String),
    Text(String),
}

/// Days since 1970, compared with a date.
#[derive(Clone, Copy, Debug)]
enum Days {
    Before(i64),
    On(i64),
    Since(i64),
}

impl Days {
    fn meet(self, day: i64) -> bool {
        match self {
            Self::Before(limit) => day < limit,
            Self::On(limit) => day == limit,
            Self::Since(limit) => day >= limit,
        }
    }
}

impl Query {
    fn all(view: &View, keys: &[SearchKey<'_>]) -> Result<Self, NoSuchMessage> {
        let mut queries = keys
            .iter()
            .map(|key| Self::new(view, key))
            .collect::<Result<Vec<_>, _>>()?;
        queries.sort_by_key(Self::needs_file);
        Ok(Self::And(queries))
    }

    fn new(view: &View, key: &SearchKey<'_>) -> Result<Self, NoSuchMessage> {
        Ok(match key {
            SearchKey::All => Self::All,
            SearchKey::And(keys) => Self::all(view, keys.as_ref())?,
            SearchKey::Or(a, b) => {
                Self::Or(Box::new(Self::new(view, a)?), Box::new(Self::new(view, b)?))
            }
            SearchKey::Not(key) => Self::Not(Box::new(Self::new(view, key)?)),
            SearchKey::SequenceSet(set) => Self::Among(view.resolve(set, false)?),
            SearchKey::Uid(set) => Self::Among(view.resolve(set, true)?),
            SearchKey::Larger(octets) => Self::Larger(u64::from(*octets)),
            SearchKey::Smaller(octets) => Self::Smaller(u64::from(*octets)),
            SearchKey::ModSequence { modseq, .. } => Self::ModSequence(*modseq),
            SearchKey::Keyword(name) => Self::keyword(view, name.inner(), true),
            SearchKey::Unkeyword(name) => Self::keyword(view, name.inner(), false),
            SearchKey::New => Self::And(vec![Self::Recent(true), Self::Flag(Flags::SEEN, false)]),
            SearchKey::Recent => Self::Recent(true),
            SearchKey::Old => Self::Recent(false),
            key => Self::flag(key)
                .or_else(|| Self::date(key))
                .or_else(|| Self::text(key))
                .unwrap_or(Self::Never),
        })
    }

    fn keyword(view: &View, name: &str, wanted: bool) -> Self {
        match (view.keyword(name), wanted) {
            (Some(flag), wanted) => Self::Flag(flag, wanted),
            (None, true) => Self::Never,
            (None, false) => Self::All,
        }
    }

    fn flag(key: &SearchKey<'_>) -> Option<Self> {
        let (flag, wanted) = match key {
            SearchKey::Answered => (Flags::ANSWERED, true),
            SearchKey::Unanswered => (Flags::ANSWERED, false),
            SearchKey::Deleted => (Flags::DELETED, true),
            SearchKey::Undeleted => (Flags::DELETED, false),
            SearchKey::Draft => (Flags::DRAFT, true),
            SearchKey::Undraft => (Flags::DRAFT, false),
            SearchKey::Flagged => (Flags::FLAGGED, true),
            SearchKey::Unflagged => (Flags::FLAGGED, false),
            SearchKey::Seen => (Flags::SEEN, true),
            SearchKey::Unseen => (Flags::SEEN, false),
            _ => return None,
        };
        Some(Self::Flag(flag, wanted))
    }

    fn date(key: &SearchKey<'_>) -> Option<Self> {
        Some(match key {
            SearchKey::Before(date) => Self::Internal(Days::Before(day(date)?)),
            SearchKey::On(date) => Self::Internal(Days::On(day(date)?)),
            SearchKey::Since(date) => Self::Internal(Days::Since(day(date)?)),
            SearchKey::SentBefore(date) => Self::Sent(Days::Before(day(date)?)),
            SearchKey::SentOn(date) => Self::Sent(Days::On(day(date)?)),
            SearchKey::SentSince(date) => Self::Sent(Days::Since(day(date)?)),
            _ => return None,
        })
    }

    fn text(key: &SearchKey<'_>) -> Option<Self> {
        let header = |name: &[u8], text: &AString<'_>| Self::Header(name.to_vec(), lower(text));
        Some(match key {
            SearchKey::Bcc(text) => header(b"bcc", text),
            SearchKey::Cc(text) => header(b"cc", text),
            SearchKey::From(text) => header(b"from", text),
            SearchKey::Subject(text) => header(b"subject", text),
            SearchKey::To(text) => header(b"to", text),
            SearchKey::Header(name, text) => header(octets(name), text),
            SearchKey::Body(text) => Self::Body(lower(text)),
            SearchKey::Text(text) => Self::Text(lower(text)),
            _ => return None,
        })
    }

    /// Header before body.
    fn needs_file(&self) -> u8 {
        match self {
            Self::And(queries) => queries.iter().map(Self::needs_file).max().unwrap_or(0),
            Self::Or(a, b) => a.needs_file().max(b.needs_file()),
            Self::Not(query) => query.needs_file(),
            Self::Sent(_) | Self::Header(..) => 1,
            Self::Body(_) | Self::Text(_) => 2,
            _ => 0,
        }
    }

    fn meets(&self, candidate: &mut Candidate<'_>) -> Result<bool, Failed> {
        let message = candidate.message;
        Ok(match self {
            Self::All => true,
            Self::Never => false,
            Self::And(queries) => {
                for query in queries {
                    if !query.meets(candidate)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Or(a, b) => a.meets(candidate)? || b.meets(candidate)?,
            Self::Not(query) => !query.meets(candidate)?,
            Self::Among(indices) => indices.binary_search(&candidate.index).is_ok(),
            Self::Flag(flag, wanted) => message.flags.contains(*flag) == *wanted,
            Self::Recent(wanted) => candidate.view.shows_recent(message.uid) == *wanted,
            Self::Internal(days) => days.meet(message.internal_date.div_euclid(86400)),
            Self::Larger(octets) => message.octets > *octets,
            Self::Smaller(octets) => message.octets < *octets,
            Self::ModSequence(modseq) => message.modseq >= *modseq,
            Self::Sent(days) => candidate.sent_day()?.is_some_and(|day| days.meet(day)),
            Self::Header(name, text) => candidate.header_has(name, text)?,
            Self::Body(text) => candidate.body_has(text)?,
            Self::Text(text) => candidate.header_mentions(text)? || candidate.body_has(text)?,
        })
    }
}

/// A date of a search as a day since 1970.
fn day(date: &NaiveDate) -> Option<i64> {
    let midnight = date.as_ref().and_hms_opt(0, 0, 0)?;
    Some(midnight.and_utc().timestamp().div_euclid(86400))
}

fn lower(text: &AString<'_>) -> String {
    String::from_utf8_lossy(octets(text)).to_lowercase()
}

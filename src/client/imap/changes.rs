//! What the client knows of the server's side without having asked: the mailbox as untagged data describes it.

use std::ops::RangeInclusive;

use super::{FlagSet, ImapCapabilities};
use crate::client::printable;
use crate::proto::imap::{Code, Condition, Fetch, FetchItem, Malformed, Response};

/// So much news is remembered; what is further is counted.
const MOST_UPDATES: usize = 10_000;

/// What came unasked since somebody asked last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The number of messages changed, to this.
    pub exists: Option<u32>,
    /// So many messages were expunged, by this session or another.
    pub expunged: u64,
    /// Their UIDs, where QRESYNC is on (RFC 7162): then the server tells these and no sequence numbers. At most 10,000
    /// ranges; `expunged` counts all.
    pub vanished: Vec<RangeInclusive<u32>>,
    /// What went and what flags changed, in the order in which it was told; at most 10,000.
    pub news: Vec<News>,
    /// How many flag updates came in all.
    pub flag_updates: u64,
    /// The server's `[ALERT]`, which a person must see.
    pub alert: Option<String>,
}

impl Changes {
    /// Flags that changed.
    pub fn flags(&self) -> Vec<&FlagUpdate> {
        let updates = self.news.iter().filter_map(|news| match news {
            News::Flags(update) => Some(update),
            _ => None,
        });
        updates.collect()
    }

    /// Whether more happened than is remembered.
    pub fn is_cut_short(&self) -> bool {
        self.news.len() >= MOST_UPDATES
    }

    /// Whether the mailbox changed at all.
    pub fn is_empty(&self) -> bool {
        self.exists.is_none() && self.expunged == 0 && self.flag_updates == 0
    }
}

/// One thing that the server told unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The message with this sequence number went; those behind it move up.
    Expunged(u32),
    /// The messages with these UIDs went (RFC 7162 section 3.2.10).
    Vanished(Vec<u32>),
    /// Flags of a message changed.
    Flags(FlagUpdate),
}

/// A message's flags as the server told them unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagUpdate {
    /// Its sequence number at that moment.
    pub sequence: u32,
    /// Its UID, if the server said so.
    pub uid: Option<u32>,
    /// Its flags from now on.
    pub flags: FlagSet,
    /// Modification sequence, where the server told one (RFC 7162).
    pub mod_seq: Option<u64>,
}

/// Everything that untagged data tells.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    pub(super) capabilities: ImapCapabilities,
    pub(super) changes: Changes,
    pub(super) exists: u32,
    pub(super) highest_mod_seq: Option<u64>,
    /// QRESYNC is on, for the rest of the session.
    pub(super) qresync: bool,
    pub(super) unknown: u64,
    /// Grows with each change of the mailbox.
    pub(super) news: u64,
    /// The words of BYE.
    bye: Option<String>,
}

impl Mirror {
    /// Takes note of a response, whoever it was meant for.
    pub(super) fn note(&mut self, response: &Response<'_>) {
        match response {
            Response::Exists(exists) => {
                self.news += 1;
                self.exists = *exists;
                self.changes.exists = Some(*exists);
            }
            Response::Expunge(sequence) => {
                self.gone(1);
                self.remember(|| News::Expunged(*sequence));
            }
            Response::Vanished {
                earlier: false,
                uids,
            } => {
                self.gone(uids.count());
                let room = MOST_UPDATES.saturating_sub(self.changes.vanished.len());
                self.changes.vanished.extend(uids.iter().take(room));
                self.remember(|| News::Vanished(uids.uids(MOST_UPDATES)));
            }
            Response::Enabled(words) => {
                self.qresync |= words
                    .iter()
                    .any(|word| word.eq_ignore_ascii_case(b"QRESYNC"));
            }
            Response::Capability(words) => self.capabilities = (*words).into(),
            Response::Tagged { text, .. } | Response::Status(_, text) => match text.code {
                Some(Code::Capability(words)) => self.capabilities = words.into(),
                Some(Code::HighestModSeq(number)) => self.reached(number),
                Some(Code::NoModSeq) => self.highest_mod_seq = None,
                Some(Code::Alert) => self.changes.alert = Some(printable(text.words)),
                _ => {}
            },
            Response::Unknown(_) => self.unknown += 1,
            _ => {}
        }
        if let Response::Status(Condition::Bye, text) = response {
            self.bye = Some(printable(text.whole));
        }
    }

    /// Takes note of flags that nobody asked for.
    pub(super) fn note_flags(&mut self, fetch: Fetch<'_>) -> Result<(), Malformed> {
        let sequence = fetch.sequence;
        let mut uid = None;
        let mut flags = None;
        let mut mod_seq = None;
        for item in fetch {
            match item? {
                FetchItem::Uid(number) => uid = Some(number),
                FetchItem::ModSeq(number) => mod_seq = Some(number),
                FetchItem::Flags(set) => flags = Some(FlagSet::from(set)),
                _ => {}
            }
        }
        if let Some(number) = mod_seq {
            self.reached(number);
        }
        let Some(flags) = flags else {
            return Ok(());
        };
        self.news += 1;
        self.changes.flag_updates += 1;
        self.remember(|| {
            News::Flags(FlagUpdate {
                sequence,
                uid,
                flags,
                mod_seq,
            })
        });
        Ok(())
    }

    /// Another mailbox is selected, or none.
    pub(super) fn forget_mailbox(&mut self) {
        self.exists = 0;
        self.highest_mod_seq = None;
        self.changes = Changes::default();
    }

    /// The mailbox has come to this modification sequence. The server may tell them in any order (RFC 7162 section 3.1.2).
    pub(super) fn reached(&mut self, mod_seq: u64) {
        self.highest_mod_seq = self.highest_mod_seq.max(Some(mod_seq));
    }

    pub(super) fn said_bye(&self) -> bool {
        self.bye.is_some()
    }

    pub(super) fn bye(&self) -> Option<&str> {
        self.bye.as_deref()
    }

    fn remember(&mut self, news: impl FnOnce() -> News) {
        if self.changes.news.len() < MOST_UPDATES {
            self.changes.news.push(news());
        }
    }

    fn gone(&mut self, messages: u64) {
        self.news += 1;
        self.changes.expunged = self.changes.expunged.saturating_add(messages);
        self.exists = self
            .exists
            .saturating_sub(u32::try_from(messages).unwrap_or(u32::MAX));
    }
}

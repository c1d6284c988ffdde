//! What happened while a device was away, asked of a server that remembers (RFC 7162): CONDSTORE tells whose flags changed,
//! QRESYNC also what was taken away.

use std::ops::RangeInclusive;

use super::exchange::{Taken, Unusable, push};
use super::message::{SET_OCTETS, flag_entry};
use super::{FlagEntry, ImapExtension, ImapSession, Selected, not_offered};
use crate::client::ClientError;
use crate::metrics::{Observer, Operation};
use crate::proto::imap::{FetchItems, Response, UidRanges, UidSet};

/// What a device remembers of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// UIDVALIDITY at that time.
    pub uid_validity: u32,
    /// The highest modification sequence at that time.
    pub mod_seq: u64,
    /// UIDs of the messages that it has; none: it does not say, and hears of all.
    pub uids: Option<UidSet>,
}

/// What happened since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Messages that came or whose flags changed.
    pub changed: Vec<FlagEntry>,
    /// UIDs of messages that are gone. A server that has forgotten which may name others that the device never had.
    pub vanished: Vec<RangeInclusive<u32>>,
}

impl Difference {
    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.vanished.is_empty()
    }

    fn add_vanished(&mut self, uids: UidRanges<'_>) -> Result<Taken, Unusable> {
        for range in uids.iter() {
            push(&mut self.vanished, range)?;
        }
        Ok(Taken::Yes)
    }
}

/// A mailbox opened by somebody who has been there before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resynced {
    /// The mailbox as it is.
    pub selected: Selected,
    /// What happened since. None: UIDs are not what they were, or the mailbox keeps no modification sequences, so that
    /// everything must be asked anew.
    pub difference: Option<Difference>,
}

impl<O: Observer> ImapSession<O> {
    /// SELECT (CONDSTORE): from here on the server tells modification sequences. `NotOffered` where it has none.
    pub async fn select_condstore(&mut self, mailbox: &str) -> Result<Selected, ClientError> {
        self.require(ImapExtension::Condstore, Operation::Select)?;
        let command = self
            .new_command("SELECT")
            .mailbox(mailbox)
            .word("(CONDSTORE)");
        self.open_mailbox(command, super::nothing).await
    }

    /// ENABLE QRESYNC, once per session; the server then tells UIDs of expunged messages and no sequence numbers.
    /// `NotOffered` where it is not, or where the server then does not enable it.
    pub async fn enable_qresync(&mut self) -> Result<(), ClientError> {
        if self.mirror.qresync {
            return Ok(());
        }
        self.require(ImapExtension::Qresync, Operation::Enable)?;
        self.enable(&["QRESYNC"]).await?;
        if self.mirror.qresync {
            return Ok(());
        }
        Err(not_offered(ImapExtension::Qresync, Operation::Enable))
    }

    /// SELECT (QRESYNC …), with ENABLE QRESYNC before it where that has not been: opens a mailbox and learns in the same
    /// round trip what happened since. `NotOffered` where it is not.
    pub async fn resync(&mut self, mailbox: &str, known: &Known) -> Result<Resynced, ClientError> {
        self.enable_qresync().await?;
        let command = self
            .new_command("SELECT")
            .mailbox(mailbox)
            .word(&known.parameter());
        let mut difference = Difference::default();
        let selected = self
            .open_mailbox(command, |response, _| match response {
                Response::Vanished {
                    earlier: true,
                    uids,
                } => difference.add_vanished(uids),
                Response::Fetch(fetch) => match flag_entry(fetch)? {
                    Some((_, entry)) => push(&mut difference.changed, entry),
                    None => Ok(Taken::No),
                },
                _ => Ok(Taken::No),
            })
            .await?;
        self.note_mod_seqs(&difference.changed);
        let holds =
            selected.uid_validity == Some(known.uid_validity) && selected.highest_mod_seq.is_some();
        Ok(Resynced {
            selected,
            difference: holds.then_some(difference),
        })
    }

    /// UID FETCH (FLAGS) (CHANGEDSINCE): those of these messages whose flags changed after `mod_seq`, or that came after it.
    /// Where QRESYNC is on, those that are gone as well (VANISHED). `NotOffered` without CONDSTORE.
    pub async fn changes_since(
        &mut self,
        uids: impl Into<UidSet>,
        mod_seq: u64,
    ) -> Result<Difference, ClientError> {
        let operation = Operation::FetchFlags;
        self.require(ImapExtension::Condstore, operation)?;
        let vanished = if self.mirror.qresync { " VANISHED" } else { "" };
        let modifier = format!("(CHANGEDSINCE {mod_seq}{vanished})");
        let items = FetchItems::new().flags().text();
        let uids = uids.into();
        let mut difference = Difference::default();
        for set in uids.texts(SET_OCTETS) {
            let command = self
                .new_command("UID FETCH")
                .word(&set)
                .word(&items)
                .word(&modifier);
            self.command(operation, command, |response, _| match response {
                Response::Vanished {
                    earlier: true,
                    uids,
                } => difference.add_vanished(uids),
                Response::Fetch(fetch) => match flag_entry(fetch)? {
                    Some((uid, entry)) if uids.contains(uid) => {
                        push(&mut difference.changed, entry)
                    }
                    _ => Ok(Taken::No),
                },
                _ => Ok(Taken::No),
            })
            .await?;
        }
        self.note_mod_seqs(&difference.changed);
        Ok(difference)
    }

    /// Modification sequences that came with what was asked for.
    pub(super) fn note_mod_seqs(&mut self, entries: &[FlagEntry]) {
        if let Some(highest) = entries.iter().filter_map(|entry| entry.mod_seq).max() {
            self.mirror.reached(highest);
        }
    }
}

impl Known {
    /// `(QRESYNC (uidvalidity modseq uids))`. A set that is too long for a command line, or open at its end, is left out: the
    /// server then tells of all.
    fn parameter(&self) -> String {
        let uids = self
            .uids
            .as_ref()
            .map(|uids| uids.texts(SET_OCTETS))
            .and_then(|mut texts| (texts.len() == 1).then(|| texts.swap_remove(0)))
            .filter(|text| !text.contains('*'))
            .map_or_else(String::new, |text| format!(" {text}"));
        format!("(QRESYNC ({} {}{uids}))", self.uid_validity, self.mod_seq)
    }
}

//! Commands that change mailboxes: flags, expunging, copies, new messages.

use std::ops::RangeInclusive;

use super::exchange::{Bodies, MOST_ENTRIES, Reply, Taken, nothing, push};
use super::message::{SET_OCTETS, flag_entry};
use super::{FlagEntry, ImapExtension, ImapSession};
use crate::client::ClientError;
use crate::metrics::{ErrorClass, Observer, Operation};
use crate::proto::imap::{Code, Response, StoreMode, UidSet};

/// Where an appended message lies (RFC 4315).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// UIDVALIDITY of the mailbox.
    pub uid_validity: u32,
    /// The message's UID.
    pub uid: u32,
}

/// What became of flags that were to be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The flags that the server told of messages that are there.
    pub flags: Vec<FlagEntry>,
    /// UIDs of messages that were left alone, for somebody had changed them.
    pub modified: Vec<RangeInclusive<u32>>,
}

/// The wire is flushed whenever this much of a body is buffered.
const BODY_FLUSH: usize = 32 * 1024;

impl<O: Observer> ImapSession<O> {
    /// UID STORE. Returns the flags that the server then told; of messages that are gone, none.
    pub async fn store(
        &mut self,
        uids: impl Into<UidSet>,
        mode: StoreMode,
        flags: &[&str],
    ) -> Result<Vec<FlagEntry>, ClientError> {
        let stored = self.store_if(uids.into(), None, mode.item(), flags).await?;
        Ok(stored.flags)
    }

    /// UID STORE ….SILENT: the server need not say what came of it.
    pub async fn store_silently(
        &mut self,
        uids: impl Into<UidSet>,
        mode: StoreMode,
        flags: &[&str],
    ) -> Result<Vec<FlagEntry>, ClientError> {
        let item = mode.silent_item();
        let stored = self.store_if(uids.into(), None, item, flags).await?;
        Ok(stored.flags)
    }

    /// UID STORE (UNCHANGEDSINCE) (RFC 7162 section 3.1.3): leaves messages alone that somebody has changed after `mod_seq`.
    /// `NotOffered` without CONDSTORE.
    pub async fn store_unchanged(
        &mut self,
        uids: impl Into<UidSet>,
        mod_seq: u64,
        mode: StoreMode,
        flags: &[&str],
    ) -> Result<Stored, ClientError> {
        self.require(ImapExtension::Condstore, Operation::Store)?;
        self.store_if(uids.into(), Some(mod_seq), mode.item(), flags)
            .await
    }

    async fn store_if(
        &mut self,
        uids: UidSet,
        unchanged_since: Option<u64>,
        item: &str,
        flags: &[&str],
    ) -> Result<Stored, ClientError> {
        let mut stored = Stored::default();
        for set in uids.texts(SET_OCTETS) {
            let mut command = self.new_command("UID STORE").word(&set);
            if let Some(mod_seq) = unchanged_since {
                command = command.word(&format!("(UNCHANGEDSINCE {mod_seq})"));
            }
            let command = command.word(item).flags(flags);
            self.command(Operation::Store, command, |response, _| {
                let fetch = match response {
                    Response::Fetch(fetch) => fetch,
                    Response::Tagged { text, .. } => {
                        if let Some(Code::Modified(left)) = text.code {
                            stored.modified.extend(left.iter().take(MOST_ENTRIES));
                        }
                        return Ok(Taken::No);
                    }
                    _ => return Ok(Taken::No),
                };
                match flag_entry(fetch)? {
                    Some((uid, entry)) if uids.contains(uid) => push(&mut stored.flags, entry),
                    _ => Ok(Taken::No),
                }
            })
            .await?;
        }
        self.note_mod_seqs(&stored.flags);
        Ok(stored)
    }

    /// UID EXPUNGE (RFC 4315): takes away those of these messages that are marked `\Deleted`. Without UIDPLUS
    /// it is `NotOffered`: [`Self::expunge`] would take others' messages too.
    pub async fn expunge_uids(&mut self, uids: impl Into<UidSet>) -> Result<(), ClientError> {
        self.require(ImapExtension::Uidplus, Operation::Expunge)?;
        for set in uids.into().texts(SET_OCTETS) {
            let command = self.new_command("UID EXPUNGE").word(&set);
            self.command(Operation::Expunge, command, nothing).await?;
        }
        Ok(())
    }

    /// EXPUNGE: takes away every message of the mailbox that is marked `\Deleted`, whoever marked it.
    pub async fn expunge(&mut self) -> Result<(), ClientError> {
        let command = self.new_command("EXPUNGE");
        self.command(Operation::Expunge, command, nothing).await
    }

    /// UID COPY.
    pub async fn copy(
        &mut self,
        uids: impl Into<UidSet>,
        mailbox: &str,
    ) -> Result<(), ClientError> {
        for set in uids.into().texts(SET_OCTETS) {
            let command = self.new_command("UID COPY").word(&set).mailbox(mailbox);
            self.command(Operation::Copy, command, nothing).await?;
        }
        Ok(())
    }

    /// UID MOVE (RFC 6851). Where it is not offered, [`Self::copy_away`].
    pub async fn move_to(
        &mut self,
        uids: impl Into<UidSet>,
        mailbox: &str,
    ) -> Result<(), ClientError> {
        if !self.capabilities().offers(ImapExtension::Move) {
            return self.copy_away(uids, mailbox).await;
        }
        for set in uids.into().texts(SET_OCTETS) {
            let command = self.new_command("UID MOVE").word(&set).mailbox(mailbox);
            self.command(Operation::Move, command, nothing).await?;
        }
        Ok(())
    }

    /// What mail programs do without MOVE: COPY, STORE `\Deleted` and UID EXPUNGE, each observed as what it is; without
    /// UIDPLUS, `NotOffered`.
    pub async fn copy_away(
        &mut self,
        uids: impl Into<UidSet>,
        mailbox: &str,
    ) -> Result<(), ClientError> {
        let uids = uids.into();
        self.require(ImapExtension::Uidplus, Operation::Move)?;
        self.copy(uids.clone(), mailbox).await?;
        self.store(uids.clone(), StoreMode::Add, &["\\Deleted"])
            .await?;
        self.expunge_uids(uids).await
    }

    /// APPEND of a message of exactly `octets` octets, which `body` gives piece by piece. Where it lies then, if
    /// the server says so.
    pub async fn append<B: AsRef<[u8]>>(
        &mut self,
        mailbox: &str,
        flags: &[&str],
        octets: u64,
        body: impl IntoIterator<Item = B>,
    ) -> Result<Option<Appended>, ClientError> {
        self.append_dated(mailbox, flags, None, octets, body).await
    }

    /// As [`Self::append`], under a date of arrival: seconds since 1970.
    pub async fn append_dated<B: AsRef<[u8]>>(
        &mut self,
        mailbox: &str,
        flags: &[&str],
        date: Option<i64>,
        octets: u64,
        body: impl IntoIterator<Item = B>,
    ) -> Result<Option<Appended>, ClientError> {
        let operation = Operation::Append;
        let mut command = self.new_command("APPEND").mailbox(mailbox);
        if !flags.is_empty() {
            command = command.flags(flags);
        }
        if let Some(date) = date.and_then(internal_date) {
            command = command.string(date.as_bytes());
        }
        let command = command.announce(octets);
        let running = self.link.begin(operation);
        let mut appended = None;
        let mut collect = |response: Response<'_>, _: &mut Bodies| {
            if let Response::Tagged { text, .. } = response
                && let Some(Code::AppendUid { validity, uids }) = text.code
            {
                appended = uids.uids(1).first().map(|&uid| Appended {
                    uid_validity: validity,
                    uid,
                });
            }
            Ok(Taken::No)
        };
        let reply = match self.send(operation, &command, &mut collect).await {
            Ok(None) => match self.send_body(operation, octets, body).await {
                Ok(()) => self.completion(operation, &mut collect).await,
                Err(error) => Err(error),
            },
            Ok(Some(refused)) => Ok(refused),
            Err(error) => Err(error),
        };
        let result = reply.and_then(|reply: Reply| reply.accept(operation));
        self.link.end(running, result)?;
        Ok(appended)
    }

    async fn send_body<B: AsRef<[u8]>>(
        &mut self,
        operation: Operation,
        octets: u64,
        body: impl IntoIterator<Item = B>,
    ) -> Result<(), ClientError> {
        let mut sent = 0;
        for piece in body {
            let piece = piece.as_ref();
            sent += piece.len() as u64;
            if sent > octets {
                break;
            }
            self.link.wire().send(piece);
            if self.link.wire().unsent() >= BODY_FLUSH {
                self.link
                    .flush(operation)
                    .await
                    .map_err(|error| self.explain(error))?;
            }
        }
        if sent != octets {
            return Err(ClientError::new(
                ErrorClass::Corrupt,
                operation,
                format!(
                    "the message to append has {sent} octets or more, not the {octets} announced"
                ),
            ));
        }
        self.link.wire().send(b"\r\n");
        self.link
            .flush(operation)
            .await
            .map_err(|error| self.explain(error))
    }
}

/// As APPEND takes it: ` 1-Feb-2026 03:04:05 +0000`.
fn internal_date(unix: i64) -> Option<String> {
    let at = jiff::Timestamp::from_second(unix).ok()?;
    let at = at.to_zoned(jiff::tz::TimeZone::UTC);
    Some(at.strftime("%e-%b-%Y %H:%M:%S +0000").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_arrival_has_its_day_in_two_places() {
        assert_eq!(internal_date(0).unwrap(), " 1-Jan-1970 00:00:00 +0000");
        assert_eq!(
            internal_date(1_795_478_399).unwrap(),
            "23-Nov-2026 23:59:59 +0000"
        );
    }
}

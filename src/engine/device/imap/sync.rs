//! How a device comes to know what is in INBOX: what its client asks for at first sight, when it comes back, and when there is
//! news.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::time::Instant;

use crate::client::{ClientError, Difference, Known, ListEntry, MARK, Selected};
use crate::metrics::row::Event;
use crate::proto::imap::{Criterion, FetchItems, Part, UidSet};
use crate::scenario::{Find, ImapKeep, Resync};

use super::ImapDevice;
use super::acts::text_part;
use super::inbox::{Listed, bits};
use super::line::Line;

/// Flags of known messages are asked for in groups of so many UIDs (RFC 4549 section 4.3.1).
const GROUP: u32 = 100;

impl Line {
    /// SELECT INBOX and the first list view of a connection.
    pub(super) async fn select_and_list(&mut self, device: &ImapDevice) -> Result<(), ClientError> {
        let sent = Instant::now();
        let (selected, difference) = self.select(device).await?;
        self.note_select(sent, &selected);
        let known = self.uid_validity == selected.uid_validity && self.highest_uid > 0;
        let remembers = known && device.client.keep != ImapKeep::Nothing;
        let remembered = self.lowest_uid..=self.highest_uid;
        if !remembers {
            device.store.borrow_mut().forget_uids();
            let next = selected.uid_next.unwrap_or(u32::MAX);
            // UIDs are dense where nothing was deleted; where something was, the window is a little smaller.
            let all = selected.exists <= device.client.window || next == u32::MAX;
            let window = next.saturating_sub(device.client.window).max(1);
            self.lowest_uid = if all { 1 } else { window };
            self.highest_uid = self.lowest_uid - 1;
        }
        self.uid_validity = selected.uid_validity;
        // One who lists flags first learns by the same command what became of what it knows.
        let by_flags = remembers && self.asks_all_flags(device);
        let nothing_new = selected
            .uid_next
            .is_some_and(|next| next <= self.highest_uid + 1);
        if by_flags {
            self.find(device, *remembered.start()).await?;
        } else if selected.exists > 0 && !nothing_new {
            self.find(device, self.highest_uid + 1).await?;
        }
        if let Some(open) = &mut self.open {
            open.journal.usable(&open.session.figures());
        }
        if remembers && !by_flags {
            self.resynchronise(device, remembered, sent, difference)
                .await?;
        }
        self.mod_seq = self.session()?.highest_mod_seq();
        self.fetch_bodies(device).await
    }

    /// SELECT as the client does it, and what it then knows to have happened since it was here.
    async fn select(
        &mut self,
        device: &ImapDevice,
    ) -> Result<(Selected, Option<Difference>), ClientError> {
        let known = self.memory(device);
        let session = self.session()?;
        match (device.client.resync, known) {
            (Resync::Qresync, Some(known)) => {
                let resynced = session.resync("INBOX", &known).await?;
                Ok((resynced.selected, resynced.difference))
            }
            (Resync::Condstore, _) => Ok((session.select_condstore("INBOX").await?, None)),
            (Resync::Full | Resync::Qresync, _) => Ok((session.select("INBOX").await?, None)),
        }
    }

    /// What a device that keeps something tells a server that remembers.
    fn memory(&self, device: &ImapDevice) -> Option<Known> {
        if device.client.keep == ImapKeep::Nothing || self.highest_uid < self.lowest_uid.max(1) {
            return None;
        }
        Some(Known {
            uid_validity: self.uid_validity?,
            mod_seq: self.mod_seq?,
            uids: Some((self.lowest_uid..=self.highest_uid).into()),
        })
    }

    fn asks_all_flags(&self, device: &ImapDevice) -> bool {
        let full = device.client.resync == Resync::Full || self.mod_seq.is_none();
        device.client.commands.find == Find::Flags && full
    }

    /// What became of the messages that the device knew. New mail was listed before (RFC 4549 section 4.3.1).
    async fn resynchronise(
        &mut self,
        device: &ImapDevice,
        known: RangeInclusive<u32>,
        sent: Instant,
        difference: Option<Difference>,
    ) -> Result<(), ClientError> {
        if let Some(difference) = difference {
            let gone = |uid: u32| difference.vanished.iter().any(|range| range.contains(&uid));
            self.take_difference(device, sent, &difference, gone);
            return Ok(());
        }
        let sent = Instant::now();
        if let (Resync::Condstore, Some(mod_seq)) = (device.client.resync, self.mod_seq) {
            let session = self.session()?;
            let difference = session.changes_since(known.clone(), mod_seq).await?;
            let criteria = [Criterion::Uid(known.clone().into())];
            let there: HashSet<u32> = session.search(&criteria).await?.into_iter().collect();
            let gone = |uid: u32| known.contains(&uid) && !there.contains(&uid);
            self.take_difference(device, sent, &difference, gone);
            return Ok(());
        }
        let mut told = Vec::new();
        for first in known.clone().step_by(GROUP as usize) {
            let last = first.saturating_add(GROUP - 1).min(*known.end());
            let items = FetchItems::verbatim(device.client.commands.flags.as_str());
            let flags = self.session()?.fetch_flags_by(first..=last, items).await?;
            told.extend(flags.into_iter().map(Listed::from));
        }
        self.take_flags(device, sent, &known, &told);
        Ok(())
    }

    /// Messages that changed, and those that are gone.
    fn take_difference(
        &mut self,
        device: &ImapDevice,
        sent: Instant,
        difference: &Difference,
        gone: impl Fn(u32) -> bool,
    ) {
        let changed: Vec<Listed> = difference
            .changed
            .iter()
            .cloned()
            .map(Listed::from)
            .collect();
        self.write_difference(device, sent, &changed, &gone);
        let seen = |uid| {
            let entry = changed.iter().find(|entry| entry.uid == uid)?;
            Some(entry.is_seen())
        };
        device.store.borrow_mut().update_uids(gone, seen);
    }

    /// The flags of all messages of a range: one that is not among them is gone.
    fn take_flags(
        &mut self,
        device: &ImapDevice,
        sent: Instant,
        range: &RangeInclusive<u32>,
        told: &[Listed],
    ) {
        self.write_list(device, sent, (*range.start(), Some(*range.end())), told);
        let there: HashMap<u32, bool> = told
            .iter()
            .map(|entry| (entry.uid, entry.is_seen()))
            .collect();
        let gone = |uid: u32| range.contains(&uid) && !there.contains_key(&uid);
        let seen = |uid: u32| there.get(&uid).copied();
        device.store.borrow_mut().update_uids(gone, seen);
    }

    fn note_select(&mut self, sent: Instant, selected: &Selected) {
        if self.uid_validity != selected.uid_validity {
            self.inbox.forget();
            self.mod_seq = None;
        }
        self.inbox.listen(sent);
        if let Some(open) = &self.open {
            let span = (sent, Instant::now());
            open.witness.note(Event::Select, span, |row| {
                row.uid_validity = selected.uid_validity;
                row.uid_next = selected.uid_next;
                row.mod_seq = selected.highest_mod_seq;
                row.messages = Some(selected.exists);
            });
        }
    }

    /// Lists what is new; a device that keeps everything fetches it too.
    pub(super) async fn list_new(&mut self, device: &ImapDevice) -> Result<(), ClientError> {
        self.find(device, self.highest_uid + 1).await?;
        self.fetch_bodies(device).await
    }

    /// Lists what lies beyond the highest UID known, as the client finds it. `first`: from where it asks for flags, if it does.
    async fn find(&mut self, device: &ImapDevice, first: u32) -> Result<(), ClientError> {
        let known = self.highest_uid;
        let sent = Instant::now();
        match device.client.commands.find {
            Find::Headers => {
                let mut list = self.headers(device, known + 1..).await?;
                // `n:*` names the last message even where its UID is below n (RFC 3501 section 6.4.8).
                list.retain(|entry| entry.uid > known);
                self.take_in(device, sent, (known + 1, None), &list);
                self.highest_uid = list.iter().map(|entry| entry.uid).fold(known, u32::max);
                Ok(())
            }
            Find::Flags => {
                let items = FetchItems::verbatim(device.client.commands.flags.as_str());
                let flags = self.session()?.fetch_flags_by(first.., items).await?;
                let told = flags.into_iter().map(Listed::from);
                let (old, new): (Vec<_>, Vec<_>) = told.partition(|entry| entry.uid <= known);
                if first <= known {
                    self.take_flags(device, sent, &(first..=known), &old);
                }
                self.list_those(device, new.iter().map(|entry| entry.uid).collect())
                    .await
            }
            Find::Search => {
                let there = self.session()?.exists();
                let window = there.saturating_sub(device.client.window).saturating_add(1);
                if there == 0 {
                    return Ok(());
                }
                let criteria = [
                    Criterion::Sequence((window..=there).into()),
                    Criterion::Not(Box::new(Criterion::Deleted(true))),
                ];
                let mut found = self.session()?.search(&criteria).await?;
                found.retain(|uid| *uid > known);
                self.list_those(device, found).await
            }
        }
    }

    /// Lists messages that are known to be there, so many at once as the client does.
    async fn list_those(
        &mut self,
        device: &ImapDevice,
        mut uids: Vec<u32>,
    ) -> Result<(), ClientError> {
        uids.sort_unstable();
        for group in uids.chunks(device.client.commands.batch.max(1) as usize) {
            let (Some(first), Some(last)) = (group.first(), group.last()) else {
                continue;
            };
            let sent = Instant::now();
            let mut listed = self.headers(device, group).await?;
            if device.client.commands.find == Find::Search {
                // What was not searched for may be there all the same: nothing is said of what lies between.
                listed.sort_unstable_by_key(|entry| entry.uid);
                for run in listed.chunk_by(|one, next| one.uid + 1 == next.uid) {
                    let (first, last) = (run[0].uid, run[run.len() - 1].uid);
                    self.take_in(device, sent, (first, Some(last)), run);
                }
                self.inbox.lose_count();
            } else {
                self.take_in(device, sent, (*first, Some(*last)), &listed);
            }
            self.highest_uid = *last;
        }
        Ok(())
    }

    /// UID FETCH of what the client's list shows.
    async fn headers(
        &mut self,
        device: &ImapDevice,
        uids: impl Into<UidSet>,
    ) -> Result<Vec<ListEntry>, ClientError> {
        let items = device.client.commands.headers.with_header_field(MARK);
        let items = FetchItems::verbatim(&items);
        self.session()?.list_view_by(uids, items).await
    }

    /// On a device that keeps everything: whatever is listed and not there yet, an interrupted download included.
    async fn fetch_bodies(&mut self, device: &ImapDevice) -> Result<(), ClientError> {
        if device.client.keep != ImapKeep::Everything {
            return Ok(());
        }
        let most = device.client.keep_up_to.unwrap_or(u64::MAX);
        let missing = device.store.borrow().listed_only();
        for (seq, uid) in missing {
            if device.octets(seq) <= most {
                self.fetch_whole(device, seq, uid).await?;
            } else if !device.store.borrow().holds(seq, false) {
                self.fetch_text(device, seq, uid).await?;
            }
        }
        Ok(())
    }

    /// What is older than the window, as if the person had scrolled to the end of the list.
    pub(super) async fn list_older(&mut self, device: &ImapDevice) -> Result<bool, ClientError> {
        if self.lowest_uid <= 1 {
            return Ok(false);
        }
        let lowest = self.lowest_uid;
        let sent = Instant::now();
        let list = self.headers(device, 1..=lowest - 1).await?;
        self.take_in(device, sent, (1, Some(lowest - 1)), &list);
        self.lowest_uid = 1;
        Ok(!list.is_empty())
    }

    /// Shows what was listed, as far as it is of this run.
    fn take_in(
        &mut self,
        device: &ImapDevice,
        sent: Instant,
        range: (u32, Option<u32>),
        list: &[ListEntry],
    ) {
        let now = Instant::now();
        self.write_list(device, sent, range, &listed(device, list));
        let ledger = device.owner.ledger.borrow();
        let mut store = device.store.borrow_mut();
        for entry in list {
            let Some(seq) = entry.id.as_deref().and_then(|id| ledger.seq(id)) else {
                continue;
            };
            store.show(seq, now);
            store.place(seq, entry.uid, entry.flags.is_seen());
        }
        if let Some(journal) = self.journal() {
            journal.headers += list.len() as u32;
        }
    }

    /// A whole message, into the store of a device that keeps it. False: it is gone.
    pub(super) async fn fetch_whole(
        &mut self,
        device: &ImapDevice,
        seq: u32,
        uid: u32,
    ) -> Result<bool, ClientError> {
        let deed = self.witness()?.begin(Event::Retrieve).with(|row| {
            row.uid = Some(uid);
            row.message = Some(device.owner.ledger.borrow().identity(seq));
        });
        let items = FetchItems::verbatim(device.client.commands.body.as_str());
        let fetched = self.session()?.fetch_message_by(uid, items).await;
        deed.end(&fetched);
        let Some(digest) = fetched? else {
            return Ok(false);
        };
        device.keep_whole(seq, digest.octets);
        device.owner.verify(seq, digest.body_hash);
        if let Some(journal) = self.journal() {
            journal.messages += 1;
        }
        Ok(true)
    }

    /// The structure of a large message and the text that is shown of it, into the store.
    async fn fetch_text(
        &mut self,
        device: &ImapDevice,
        seq: u32,
        uid: u32,
    ) -> Result<(), ClientError> {
        if let Some((octets, _)) = self.structure_and_text(uid).await? {
            device.keep_opened(seq, octets, false);
        }
        Ok(())
    }

    /// BODYSTRUCTURE, then the part that a mail program shows: its octets, and all parts. None: the message is gone.
    pub(super) async fn structure_and_text(
        &mut self,
        uid: u32,
    ) -> Result<Option<(u64, Vec<Part>)>, ClientError> {
        let session = self.session()?;
        let Some(parts) = session.structure(uid).await? else {
            return Ok(None);
        };
        let mut octets = 0;
        if let Some(text) = text_part(&parts) {
            let Some(digest) = session.fetch_part(uid, &text.section, true).await? else {
                return Ok(None);
            };
            octets = digest.octets;
        }
        Ok(Some((octets, parts)))
    }
}

/// What a list tells the history.
fn listed(device: &ImapDevice, list: &[ListEntry]) -> Vec<Listed> {
    let ledger = device.owner.ledger.borrow();
    let entry = |entry: &ListEntry| Listed {
        uid: entry.uid,
        seq: entry.id.as_deref().and_then(|id| ledger.seq(id)),
        flags: bits(&entry.flags),
        mod_seq: None,
    };
    list.iter().map(entry).collect()
}

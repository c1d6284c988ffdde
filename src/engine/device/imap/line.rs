//! The connections of an IMAP device: the one that shows INBOX, and those that hold other folders.

use std::collections::HashMap;
use std::future::Future;
use std::ops::RangeInclusive;
use std::time::Instant;

use crate::client::{
    ClientError, IdleEnd, ImapSession, ListEntry, OpenError, Selected, SessionFigures,
};
use crate::engine::journal::Journal;
use crate::engine::log::Tap;
use crate::engine::witness::Witness;
use crate::metrics::row::{Event, Purpose};
use crate::metrics::{ErrorClass, Operation};
use crate::scenario::{ImapKeep, Protocol};
use crate::target::Service;

use super::ImapDevice;
use super::folders::{Folder, Folders};
use super::inbox::{Inbox, Listed, bits};

/// Flags of known messages are asked for in groups of so many UIDs (RFC 4549 section 4.3.1).
const GROUP: u32 = 100;

/// A device's connections and what it knows by them.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) open: Option<Open>,
    extras: Vec<Open>,
    uid_validity: Option<u32>,
    /// What the history was told of it.
    pub(super) inbox: Inbox,
    /// All messages up to this UID were listed, or passed over because they were older than the window.
    highest_uid: u32,
    /// The oldest UID of the window.
    lowest_uid: u32,
    /// Where the user's folders lie, once asked for.
    folders: Option<Folders>,
}

#[derive(Debug)]
pub(super) struct Open {
    pub(super) session: ImapSession<Tap>,
    journal: Journal,
    pub(super) witness: Witness,
}

impl Line {
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Of the connection that shows INBOX; nothing when there is none.
    pub(super) fn figures(&self) -> SessionFigures {
        self.open
            .as_ref()
            .map(|open| open.session.figures())
            .unwrap_or_default()
    }

    pub(super) fn journal(&mut self) -> Option<&mut Journal> {
        self.open.as_mut().map(|open| &mut open.journal)
    }

    /// The open session. An error where there is none.
    pub(super) fn session(&mut self) -> Result<&mut ImapSession<Tap>, ClientError> {
        self.open
            .as_mut()
            .map(|open| &mut open.session)
            .ok_or_else(Self::no_connection)
    }

    pub(super) fn no_connection() -> ClientError {
        ClientError::new(
            ErrorClass::ConnectionLost,
            Operation::Noop,
            "the connection is gone",
        )
    }

    /// When the next command is due, if there is a connection.
    pub(super) fn due_next(&mut self, due: Instant) {
        if let Some(open) = &mut self.open {
            open.session.due_next(due);
        }
    }

    /// Connects if need be, and lists what is new.
    pub(super) async fn look(
        &mut self,
        device: &ImapDevice,
        due: Instant,
        purpose: Purpose,
    ) -> Result<(), ClientError> {
        if let Some(open) = &mut self.open {
            open.session.due_next(due);
            // One who idles has been told already, and what came in between is told with the next reply.
            let asked = Instant::now();
            if device.refresh.is_none() {
                open.session.noop().await?;
                let span = (asked, Instant::now());
                open.witness.note(Event::Asked, span, |_| {});
            }
            return if self.news(device) {
                self.list_new(device).await
            } else {
                Ok(())
            };
        }
        self.open = Some(connect(device, purpose, due).await?);
        self.select_and_list(device).await
    }

    /// SELECT INBOX and the first list view of a connection.
    async fn select_and_list(&mut self, device: &ImapDevice) -> Result<(), ClientError> {
        let sent = Instant::now();
        let selected = self.session()?.select("INBOX").await?;
        self.note_select(sent, &selected);
        let known = self.uid_validity == selected.uid_validity && self.highest_uid > 0;
        let remembers = known && device.keep != ImapKeep::Nothing;
        let remembered = self.lowest_uid..=self.highest_uid;
        if !remembers {
            device.store.borrow_mut().forget_uids();
            let next = selected.uid_next.unwrap_or(u32::MAX);
            // UIDs are dense where nothing was deleted; where something was, the window is a little smaller.
            let all = selected.exists <= device.window || next == u32::MAX;
            let window = next.saturating_sub(device.window).max(1);
            self.lowest_uid = if all { 1 } else { window };
            self.highest_uid = self.lowest_uid - 1;
        }
        self.uid_validity = selected.uid_validity;
        let empty = selected.exists == 0
            || selected
                .uid_next
                .is_some_and(|next| next <= self.highest_uid + 1);
        if !empty {
            self.list_headers(device).await?;
        }
        if let Some(open) = &mut self.open {
            open.journal.usable(&open.session.figures());
        }
        if remembers {
            self.resynchronise(device, remembered).await?;
        }
        self.fetch_bodies(device).await
    }

    /// What became of the messages that the device knew: their flags, in groups; one that is not among them is gone. New
    /// mail was listed before (RFC 4549 section 4.3.1).
    async fn resynchronise(
        &mut self,
        device: &ImapDevice,
        known: RangeInclusive<u32>,
    ) -> Result<(), ClientError> {
        let sent = Instant::now();
        let mut told = Vec::new();
        let mut there = HashMap::new();
        for first in known.clone().step_by(GROUP as usize) {
            let last = first.saturating_add(GROUP - 1).min(*known.end());
            let flags = self.session()?.fetch_flags(first..=last).await?;
            told.extend(flags.iter().map(|entry| Listed {
                uid: entry.uid,
                seq: None,
                flags: bits(&entry.flags),
                mod_seq: entry.mod_seq,
            }));
            there.extend(flags.iter().map(|entry| (entry.uid, entry.flags.is_seen())));
        }
        self.write_list(device, sent, (*known.start(), Some(*known.end())), &told);
        device.store.borrow_mut().keep_uids(&known, &there);
        Ok(())
    }

    fn note_select(&mut self, sent: Instant, selected: &Selected) {
        if self.uid_validity != selected.uid_validity {
            self.inbox.forget();
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
        self.list_headers(device).await?;
        self.fetch_bodies(device).await
    }

    /// Lists what lies beyond the highest UID known.
    async fn list_headers(&mut self, device: &ImapDevice) -> Result<(), ClientError> {
        let known = self.highest_uid;
        let sent = Instant::now();
        let mut list = self.session()?.list_view(known + 1..).await?;
        // `n:*` names the last message even where its UID is below n (RFC 3501 section 6.4.8).
        list.retain(|entry| entry.uid > known);
        self.take_in(device, sent, (known + 1, None), &list);
        self.highest_uid = list.iter().map(|entry| entry.uid).fold(known, u32::max);
        Ok(())
    }

    /// On a device that keeps everything: whatever is listed and not there yet, an interrupted download included.
    async fn fetch_bodies(&mut self, device: &ImapDevice) -> Result<(), ClientError> {
        if device.keep != ImapKeep::Everything {
            return Ok(());
        }
        let missing = device.store.borrow().listed_only();
        for (seq, uid) in missing {
            self.fetch_whole(device, seq, uid).await?;
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
        let list = self.session()?.list_view(1..=lowest - 1).await?;
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

    async fn fetch_whole(
        &mut self,
        device: &ImapDevice,
        seq: u32,
        uid: u32,
    ) -> Result<(), ClientError> {
        let deed = self.witness()?.begin(Event::Retrieve).with(|row| {
            row.uid = Some(uid);
            row.message = Some(device.owner.ledger.borrow().identity(seq));
        });
        let fetched = self.session()?.fetch_message(uid, true).await;
        deed.end(&fetched);
        let Some(digest) = fetched? else {
            return Ok(());
        };
        device.store.borrow_mut().keep_whole(seq, digest.octets);
        device.owner.keeps(seq, Event::Keep, digest.octets);
        device.owner.verify(seq, digest.body_hash);
        if let Some(journal) = self.journal() {
            journal.messages += 1;
        }
        Ok(())
    }

    pub(super) async fn idle(
        &mut self,
        stop: impl Future<Output = ()>,
    ) -> Result<IdleEnd, ClientError> {
        let sent = Instant::now();
        let end = self.session()?.idle(stop).await?;
        if let Some(open) = &self.open {
            let span = (sent, Instant::now());
            open.witness.note(Event::Watched, span, |_| {});
        }
        Ok(end)
    }

    /// Notes the error; unless it was a mere refusal, the connection is of no more use.
    pub(super) fn fail(&mut self, device: &ImapDevice, error: &ClientError) {
        if error.is_refusal() {
            // One that did not come to be has told of itself.
            if self.open.is_some() {
                device.owner.error(Instant::now(), error);
            }
            return;
        }
        // The witness, dropped here, tells that the connection was cut.
        if let Some(Open {
            session, journal, ..
        }) = self.open.take()
        {
            journal.end(&session.abort(), Some(error));
        }
    }

    pub(super) async fn hang_up(&mut self) {
        if let Some(open) = self.open.take() {
            open.hang_up().await;
        }
    }

    pub(super) async fn hang_up_extras(&mut self) {
        for open in std::mem::take(&mut self.extras) {
            open.hang_up().await;
        }
    }

    /// The name of a folder, which is made if there is none.
    pub(super) async fn find_or_make(&mut self, folder: Folder) -> Result<String, ClientError> {
        let mut folders = self.take_folders().await?;
        let name = folders.find_or_make(folder, self.session()?).await;
        self.folders = Some(folders);
        name
    }

    /// The name of a folder of the user's own, by its number in the plan; it is made if there is none.
    pub(super) async fn find_or_make_own(&mut self, folder: u32) -> Result<String, ClientError> {
        let mut folders = self.take_folders().await?;
        let name = folders.find_or_make_own(folder, self.session()?).await;
        self.folders = Some(folders);
        name
    }

    async fn take_folders(&mut self) -> Result<Folders, ClientError> {
        let known = self.folders.take();
        let session = self.session()?;
        match known {
            Some(folders) => Ok(folders),
            None => Folders::ask(session).await,
        }
    }

    /// The further connections, each with a folder of its own, as far as the server has them.
    pub(super) async fn open_extras(&mut self, device: &ImapDevice) {
        let further = device.connections.saturating_sub(1) as usize;
        for index in 0..further {
            let due = Instant::now();
            let Ok(mut open) = connect(device, Purpose::Extra, due).await else {
                return;
            };
            match self.hold(index, &mut open.session).await {
                Err(error) if !error.is_refusal() => {
                    open.journal.end(&open.session.abort(), Some(&error));
                    return;
                }
                // A folder that cannot be opened: the connection stays all the same.
                Err(error) => device.owner.error(due, &error),
                Ok(()) => open.journal.usable(&open.session.figures()),
            }
            self.extras.push(open);
        }
    }

    /// SELECTs one of the folders that mail programs hold open beside INBOX.
    async fn hold(
        &mut self,
        index: usize,
        session: &mut ImapSession<Tap>,
    ) -> Result<(), ClientError> {
        let folders = match &mut self.folders {
            Some(folders) => folders,
            unknown => unknown.insert(Folders::ask(session).await?),
        };
        let there = folders.expected();
        if let Some(folder) = there.get(index % there.len().max(1)) {
            session.select(folder).await?;
        }
        Ok(())
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

impl Open {
    async fn hang_up(mut self) {
        self.session.due_next(Instant::now());
        let deed = self.witness.farewell(Event::Logout);
        let (figures, farewell) = self.session.logout().await;
        deed.end(&farewell);
        self.journal.end(&figures, farewell.err().as_ref());
    }
}

async fn connect(device: &ImapDevice, purpose: Purpose, due: Instant) -> Result<Open, ClientError> {
    let owner = &device.owner;
    let journal = Journal::begin(owner, Protocol::Imap, purpose, due);
    let Some(Service { address, tls }) = &owner.endpoint.imap else {
        let detail = "the target offers no IMAP";
        let error = ClientError::new(ErrorClass::NotOffered, Operation::Connect, detail);
        journal.end(&SessionFigures::default(), Some(&error));
        return Err(error);
    };
    let sent = Instant::now();
    let opened = ImapSession::open(&owner.dialer, address, *tls, &owner.login, due, owner.tap());
    let mut session = match opened.await {
        Ok(session) => session,
        Err(OpenError { error, figures }) => {
            drop(owner.witness(sent, Some(&error)));
            owner.not_reached(&error);
            journal.end(&figures, Some(&error));
            return Err(error);
        }
    };
    owner.logged_in();
    let witness = owner.witness(sent, None);
    if device.compress
        && let Err(error) = session.compress().await
    {
        journal.end(&session.abort(), Some(&error));
        return Err(error);
    }
    Ok(Open {
        session,
        journal,
        witness,
    })
}

//! The connections of an IMAP device: the one that shows INBOX, and those that hold other folders.

use std::future::Future;
use std::time::Instant;

use crate::client::{ClientError, IdleEnd, ImapExtension, ImapSession, OpenError, SessionFigures};
use crate::engine::journal::Journal;
use crate::engine::log::Tap;
use crate::engine::witness::Witness;
use crate::metrics::row::{Event, Purpose};
use crate::metrics::{ErrorClass, Observer, Operation};
use crate::proto::imap::LiteralForm;
use crate::scenario::{Hello, ImapClient, Protocol, Resync, Wish};
use crate::target::Service;

use super::ImapDevice;
use super::folders::{Folder, Folders};
use super::inbox::Inbox;

/// A device's connections and what it knows by them.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) open: Option<Open>,
    extras: Vec<Open>,
    pub(super) uid_validity: Option<u32>,
    /// What the history was told of it.
    pub(super) inbox: Inbox,
    /// All messages up to this UID were listed, or passed over because they were older than the window.
    pub(super) highest_uid: u32,
    /// The oldest UID of the window.
    pub(super) lowest_uid: u32,
    /// All that happened up to this modification sequence is known (RFC 7162); none: the mailbox keeps none, or nobody asked.
    pub(super) mod_seq: Option<u64>,
    /// Where the user's folders lie, once asked for.
    folders: Option<Folders>,
}

#[derive(Debug)]
pub(super) struct Open {
    pub(super) session: ImapSession<Tap>,
    pub(super) journal: Journal,
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
                // What came before the answer has been told with it.
                self.mod_seq = open.session.highest_mod_seq();
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

    /// Drops all connections, as the run ends.
    pub(super) fn cut(&mut self) {
        let extras = std::mem::take(&mut self.extras);
        // The witness, dropped here, tells that the connection was cut.
        for Open {
            session, journal, ..
        } in self.open.take().into_iter().chain(extras)
        {
            journal.cut(&session.abort());
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
        let further = device.client.connections.saturating_sub(1) as usize;
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

impl Open {
    async fn hang_up(mut self) {
        self.session.due_next(Instant::now());
        self.journal.knows(self.session.figures());
        let deed = self.witness.farewell(Event::Logout);
        let (figures, farewell) = self.session.logout().await;
        deed.end(&farewell);
        self.journal.end(&figures, farewell.err().as_ref());
    }
}

async fn connect(device: &ImapDevice, purpose: Purpose, due: Instant) -> Result<Open, ClientError> {
    let owner = &device.owner;
    let mut journal = Journal::begin(owner, Protocol::Imap, purpose, due);
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
    journal.knows(session.figures());
    let witness = owner.witness(sent, None);
    if let Err(error) = say_hello(&mut session, &device.client).await {
        journal.end(&session.abort(), Some(&error));
        return Err(error);
    }
    Ok(Open {
        session,
        journal,
        witness,
    })
}

/// What the client says after its login, and what it turns on.
pub(in crate::engine) async fn say_hello<O: Observer>(
    session: &mut ImapSession<O>,
    client: &ImapClient,
) -> Result<(), ClientError> {
    let offers = |session: &ImapSession<O>, extension| session.capabilities().offers(extension);
    if client.literal_plus == Wish::Never {
        session.use_literals(LiteralForm::Synchronising)?;
    }
    if client
        .compress
        .uses(offers(session, ImapExtension::Compress))
    {
        session.compress().await?;
    }
    for hello in &client.commands.hello {
        match hello {
            Hello::Id if offers(session, ImapExtension::Id) => drop(session.id().await?),
            Hello::Namespace if offers(session, ImapExtension::Namespace) => {
                drop(session.namespace().await?);
            }
            Hello::List => drop(session.list_mailboxes().await?),
            Hello::Id | Hello::Namespace => {}
        }
    }
    if client.resync == Resync::Qresync {
        session.enable_qresync().await?;
    }
    Ok(())
}

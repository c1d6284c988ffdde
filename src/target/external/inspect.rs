//! One mailbox: what lies in it that mailgauge put there, and what does not, seen by IMAP in all folders and by POP3. Nothing
//! is changed by looking.

use std::time::Instant;

use crate::client::{ClientError, ImapSession, OpenError, PopSession};
use crate::metrics::ErrorClass;
use crate::net::Dialer;
use crate::proto::mark::is_mark;
use crate::target::{Account, Service};

/// Where new mail comes in.
pub(super) const INBOX: &str = "INBOX";

/// What one protocol shows of a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) folders: Vec<Folder>,
}

/// A folder, or the maildrop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) name: String,
    /// Messages that carry a mark, and the mark.
    pub(super) marked: Vec<Marked>,
    /// Messages that do not, or that could not be looked at.
    pub(super) foreign: u32,
}

/// A message that mailgauge put there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marked {
    /// UID, or message number in this session.
    pub(super) number: u32,
    pub(super) mark: String,
}

impl Seen {
    pub(super) fn marked(&self) -> usize {
        self.folders.iter().map(|folder| folder.marked.len()).sum()
    }

    /// The first folder is always INBOX.
    pub(super) fn marked_in_inbox(&self) -> usize {
        self.folders.first().map_or(0, |inbox| inbox.marked.len())
    }

    pub(super) fn foreign(&self) -> u32 {
        self.folders.iter().map(|folder| folder.foreign).sum()
    }
}

/// Logs in by IMAP and looks into every folder that is the user's own.
pub(super) async fn by_imap(
    dialer: &Dialer,
    service: &Service,
    account: &Account,
) -> Result<Seen, ClientError> {
    let mut session = open_imap(dialer, service, account).await?;
    let seen = look_into_folders(&mut session).await;
    leave(session, seen).await
}

pub(super) async fn open_imap(
    dialer: &Dialer,
    Service { address, tls }: &Service,
    account: &Account,
) -> Result<ImapSession<()>, ClientError> {
    let login = account.login();
    let opened = ImapSession::open(dialer, address, *tls, &login, Instant::now(), ()).await;
    opened.map_err(|OpenError { error, .. }| error)
}

/// Ends the session in order if it still can be.
pub(super) async fn leave<T>(
    session: ImapSession<()>,
    result: Result<T, ClientError>,
) -> Result<T, ClientError> {
    match &result {
        Err(error) if !error.is_refusal() => drop(session.abort()),
        _ => drop(session.logout().await),
    }
    result
}

async fn look_into_folders(session: &mut ImapSession<()>) -> Result<Seen, ClientError> {
    let mut seen = Seen::default();
    for name in own_folders(session).await? {
        match look_into(session, &name).await {
            Ok(folder) => seen.folders.push(folder),
            // A folder that cannot be opened cannot be harmed either.
            Err(error) if error.is_refusal() && !name.eq_ignore_ascii_case(INBOX) => {
                tracing::debug!("folder {name} cannot be opened: {error}");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(seen)
}

/// INBOX, and every folder that is neither another user's nor everybody's.
async fn own_folders(session: &mut ImapSession<()>) -> Result<Vec<String>, ClientError> {
    let others: Vec<String> = match session.namespace().await {
        Ok(namespaces) => namespaces
            .others
            .into_iter()
            .chain(namespaces.shared)
            .map(|namespace| namespace.prefix)
            .filter(|prefix| !prefix.is_empty())
            .collect(),
        Err(error) if error.is_refusal() => Vec::new(),
        Err(error) => return Err(error),
    };
    let listed = session.list_mailboxes().await?;
    let mut names = vec![INBOX.to_owned()];
    for folder in listed {
        let closed = folder.has("\\Noselect") || folder.has("\\NonExistent");
        let foreign = others.iter().any(|prefix| folder.name.starts_with(prefix));
        let is_inbox = folder.name.eq_ignore_ascii_case(INBOX);
        if !closed && !foreign && !is_inbox {
            names.push(folder.name);
        }
    }
    Ok(names)
}

async fn look_into(session: &mut ImapSession<()>, name: &str) -> Result<Folder, ClientError> {
    let exists = session.examine(name).await?.exists;
    look_at_messages(session, name, exists).await
}

/// Of the folder that is selected.
pub(super) async fn look_at_messages(
    session: &mut ImapSession<()>,
    name: &str,
    exists: u32,
) -> Result<Folder, ClientError> {
    let mut folder = Folder {
        name: name.to_owned(),
        marked: Vec::new(),
        foreign: 0,
    };
    if exists == 0 {
        return Ok(folder);
    }
    let list = session.list_view(1..).await?;
    // What the server did not tell of counts as foreign.
    folder.foreign = exists.saturating_sub(list.len() as u32);
    for entry in list {
        folder.add(entry.uid, entry.id);
    }
    Ok(folder)
}

impl Folder {
    fn add(&mut self, number: u32, mark: Option<String>) {
        match mark.filter(|mark| is_mark(mark)) {
            Some(mark) => self.marked.push(Marked { number, mark }),
            None => self.foreign += 1,
        }
    }
}

/// Logs in by POP3 and looks at the head of every message.
pub(super) async fn by_pop3(
    dialer: &Dialer,
    service: &Service,
    account: &Account,
) -> Result<Seen, ClientError> {
    let mut session = open_pop3(dialer, service, account).await?;
    let seen = look_at_heads(&mut session).await;
    match &seen {
        Err(error) if !error.is_refusal() => drop(session.abort()),
        _ => drop(session.quit().await),
    }
    let folder = seen?;
    Ok(Seen {
        folders: vec![folder],
    })
}

pub(super) async fn open_pop3(
    dialer: &Dialer,
    Service { address, tls }: &Service,
    account: &Account,
) -> Result<PopSession<()>, ClientError> {
    let login = account.login();
    let opened = PopSession::open(dialer, address, *tls, &login, Instant::now(), ()).await;
    opened.map_err(|OpenError { error, .. }| error)
}

/// By TOP, or where the server has none, by fetching the messages.
pub(super) async fn look_at_heads(session: &mut PopSession<()>) -> Result<Folder, ClientError> {
    let mut folder = Folder {
        name: "the maildrop".into(),
        marked: Vec::new(),
        foreign: 0,
    };
    if session.stat().await?.messages == 0 {
        return Ok(folder);
    }
    let numbers = numbers(session).await?;
    let mut marks: Vec<(u32, Option<String>)> = Vec::with_capacity(numbers.len());
    let looked = session
        .headers(&numbers, |number, digest| marks.push((number, digest.id)))
        .await;
    match looked {
        Err(error) if error.class == ErrorClass::CommandRefused && marks.is_empty() => {
            session
                .retrieve(&numbers, |number, digest| marks.push((number, digest.id)))
                .await?;
        }
        looked => looked?,
    }
    folder.foreign = (numbers.len() - marks.len()) as u32;
    for (number, mark) in marks {
        folder.add(number, mark);
    }
    Ok(folder)
}

/// By UIDL; where the server has none, by LIST.
async fn numbers(session: &mut PopSession<()>) -> Result<Vec<u32>, ClientError> {
    match session.uidl().await {
        Ok(list) => Ok(list.iter().map(|entry| entry.number).collect()),
        Err(error) if error.class == ErrorClass::CommandRefused => {
            let list = session.list().await?;
            Ok(list.iter().map(|entry| entry.number).collect())
        }
        Err(error) => Err(error),
    }
}

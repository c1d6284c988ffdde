//! One mailbox: takes the marked messages out, by UID EXPUNGE or DELE of exactly these. What carries no mark is never named.

use std::collections::HashSet;

use super::inspect::{
    INBOX, Marked, Seen, leave, look_at_heads, look_at_messages, open_imap, open_pop3,
};
use crate::client::{ClientError, ImapSession, PopSession};
use crate::metrics::{ErrorClass, Operation};
use crate::net::Dialer;
use crate::proto::imap::{Criterion, StoreMode};
use crate::target::{Account, Service};

/// UIDs of one command: its line stays short, and the server busy for a moment only.
const BATCH: usize = 500;

/// Takes what `seen` says is marked out of its folders. Returns how many messages went.
pub(super) async fn by_imap(
    dialer: &Dialer,
    service: &Service,
    account: &Account,
    seen: &Seen,
) -> Result<usize, ClientError> {
    let mut session = open_imap(dialer, service, account).await?;
    let removed = clear_folders(&mut session, seen).await;
    leave(session, removed).await
}

async fn clear_folders(session: &mut ImapSession<()>, seen: &Seen) -> Result<usize, ClientError> {
    let mut removed = 0;
    let marked = seen.folders.iter().filter(|it| !it.marked.is_empty());
    for folder in marked {
        removed += clear(session, &folder.name).await?;
    }
    Ok(removed)
}

/// UIDs may have changed since somebody looked, so it is looked again.
async fn clear(session: &mut ImapSession<()>, name: &str) -> Result<usize, ClientError> {
    let exists = session.select(name).await?.exists;
    let folder = look_at_messages(session, name, exists).await?;
    let uids: Vec<u32> = folder.marked.iter().map(|it| it.number).collect();
    if session.capabilities().has("UIDPLUS") {
        for batch in uids.chunks(BATCH) {
            let batch = batch.to_vec();
            let deleted = ["\\Deleted"];
            session
                .store(batch.clone(), StoreMode::Add, &deleted)
                .await?;
            session.expunge_uids(batch).await?;
        }
        return Ok(uids.len());
    }
    expunge_all(session, name, folder.foreign, uids).await
}

/// Without UIDPLUS there is only EXPUNGE, which takes whatever anybody has marked as deleted: it is used only where nothing
/// foreign lies.
async fn expunge_all(
    session: &mut ImapSession<()>,
    name: &str,
    foreign: u32,
    uids: Vec<u32>,
) -> Result<usize, ClientError> {
    let refused = |why: String| {
        ClientError::new(
            ErrorClass::NotOffered,
            Operation::Expunge,
            format!(
                "{name} cannot be cleared of marked mail alone: the server does not offer UIDPLUS, and {why}"
            ),
        )
    };
    if foreign > 0 {
        return Err(refused(format!("{foreign} foreign messages lie there too")));
    }
    if uids.is_empty() {
        return Ok(0);
    }
    let deleted = ["\\Deleted"];
    session
        .store(uids.clone(), StoreMode::Add, &deleted)
        .await?;
    let ours: HashSet<u32> = uids.iter().copied().collect();
    let found = session.search(&[Criterion::Deleted(true)]).await?;
    if found.iter().any(|uid| !ours.contains(uid)) {
        return Err(refused("somebody else deletes messages there".into()));
    }
    session.expunge().await?;
    Ok(uids.len())
}

/// Takes every marked message out of the maildrop. Returns how many went.
pub(super) async fn by_pop3(
    dialer: &Dialer,
    service: &Service,
    account: &Account,
) -> Result<usize, ClientError> {
    let mut session = open_pop3(dialer, service, account).await?;
    let deleted = delete_marked(&mut session).await;
    match deleted {
        Ok(count) => {
            session.quit().await.1?;
            Ok(count)
        }
        // Without QUIT nothing goes.
        Err(error) => {
            session.abort();
            Err(error)
        }
    }
}

async fn delete_marked(session: &mut PopSession<()>) -> Result<usize, ClientError> {
    let marked = look_at_heads(session).await?.marked;
    let numbers: Vec<u32> = marked.iter().map(|Marked { number, .. }| *number).collect();
    session.delete(&numbers, |_| {}).await?;
    Ok(numbers.len())
}

/// Whether POP3 can do what IMAP refused.
pub(super) fn is_for_pop3(seen: &Seen) -> bool {
    seen.folders
        .iter()
        .all(|folder| folder.name == INBOX || folder.marked.is_empty())
}

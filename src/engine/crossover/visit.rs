//! One visit: from connecting until the newest message can be read. A POP3 device downloads what it does not have, in the
//! maildrop's order, and the newest comes last; an IMAP device lists what it does not know and fetches one message.

use std::time::Instant;

use super::Desk;
use crate::client::{
    ClientError, ImapSession, ListEntry, MARK, OpenError, PopSession, Selected, SessionFigures,
};
use crate::engine::device::{say_hello, text_part};
use crate::metrics::{ErrorClass, Operation, Visit};
use crate::net::Dialer;
use crate::proto::imap::{Criterion, FetchItems, UidSet};
use crate::scenario::{Find, ImapClient, PopClient, PopListing, Resync};
use crate::target::Service;

/// When the message could be read, and what it took.
type Read = Result<(Instant, SessionFigures), ClientError>;

impl Desk {
    pub(super) async fn by_pop(
        &self,
        dialer: &Dialer,
        client: &PopClient,
        visit: Visit,
        begun: Instant,
    ) -> Read {
        let Service { address, tls } = offered(self.endpoint.pop3.as_ref())?;
        let login = self.account.login();
        let opened = PopSession::open(dialer, address, *tls, &login, begun, ()).await;
        let mut session = opened.map_err(|OpenError { error, .. }| error)?;
        if !client.pipelining {
            session.wait_for_each_reply();
        }
        let mut numbers = Vec::new();
        for command in &client.listing {
            match command {
                PopListing::Stat => drop(session.stat().await?),
                PopListing::List => drop(session.list().await?),
                PopListing::Uidl => {
                    let listing = session.uidl().await?;
                    numbers = listing.iter().map(|entry| entry.number).collect();
                }
            }
        }
        self.expect(numbers.len() as u32)?;
        let known = match visit {
            Visit::First => 0,
            Visit::Again => numbers.len().saturating_sub(1),
        };
        session.retrieve(&numbers[known..], |_, _| {}).await?;
        let read = (Instant::now(), session.figures());
        drop(session.quit().await);
        Ok(read)
    }

    pub(super) async fn by_imap(
        &self,
        dialer: &Dialer,
        client: &ImapClient,
        visit: Visit,
        begun: Instant,
    ) -> Read {
        let Service { address, tls } = offered(self.endpoint.imap.as_ref())?;
        let login = self.account.login();
        let opened = ImapSession::open(dialer, address, *tls, &login, begun, ()).await;
        let mut session = opened.map_err(|OpenError { error, .. }| error)?;
        say_hello(&mut session, client).await?;
        let selected = match client.resync {
            Resync::Condstore => session.select_condstore("INBOX").await?,
            Resync::Full | Resync::Qresync => session.select("INBOX").await?,
        };
        self.expect(selected.exists)?;
        let list = list(&mut session, client, visit, &selected).await?;
        let newest = list.iter().max_by_key(|entry| entry.uid);
        let newest = newest.map_or(1, |entry| entry.uid);
        let whole = self.case.octets() <= client.commands.whole_up_to;
        if whole {
            let items = FetchItems::verbatim(client.commands.body.as_str());
            session.fetch_message_by(newest, items).await?;
        } else {
            let parts = session.structure(newest).await?.unwrap_or_default();
            let section = text_part(&parts).map_or("1", |part| part.section.as_str());
            session.fetch_part(newest, section, true).await?;
        }
        let read = (Instant::now(), session.figures());
        drop(session.logout().await);
        Ok(read)
    }

    /// A case whose mail is not all there would be another case.
    fn expect(&self, messages: u32) -> Result<(), ClientError> {
        if messages == self.case.messages {
            return Ok(());
        }
        let detail = format!(
            "of {} messages that were handed over, {messages} are in the mailbox",
            self.case.messages
        );
        Err(ClientError::new(
            ErrorClass::Corrupt,
            Operation::Select,
            detail,
        ))
    }
}

/// What the client does not know of its window, as it finds it.
async fn list(
    session: &mut ImapSession<()>,
    client: &ImapClient,
    visit: Visit,
    selected: &Selected,
) -> Result<Vec<ListEntry>, ClientError> {
    let commands = &client.commands;
    let next = selected.uid_next.unwrap_or(selected.exists + 1);
    let oldest = next.saturating_sub(client.window).max(1);
    let new = match visit {
        Visit::First => oldest,
        Visit::Again => next.saturating_sub(1).max(oldest),
    };
    let found: Vec<u32> = match commands.find {
        Find::Headers => return headers(session, client, new..).await,
        Find::Flags => {
            let items = FetchItems::verbatim(commands.flags.as_str());
            let flags = session.fetch_flags_by(oldest.., items).await?;
            flags.into_iter().map(|entry| entry.uid).collect()
        }
        Find::Search => {
            let first = selected.exists.saturating_sub(client.window) + 1;
            let criteria = [
                Criterion::Sequence((first..=selected.exists).into()),
                Criterion::Not(Box::new(Criterion::Deleted(true))),
            ];
            session.search(&criteria).await?
        }
    };
    let found: Vec<u32> = found.into_iter().filter(|uid| *uid >= new).collect();
    let mut list = Vec::new();
    for group in found.chunks(commands.batch.max(1) as usize) {
        list.extend(headers(session, client, group).await?);
    }
    Ok(list)
}

async fn headers(
    session: &mut ImapSession<()>,
    client: &ImapClient,
    uids: impl Into<UidSet>,
) -> Result<Vec<ListEntry>, ClientError> {
    let items = client.commands.headers.with_header_field(MARK);
    session
        .list_view_by(uids, FetchItems::verbatim(&items))
        .await
}

fn offered(service: Option<&Service>) -> Result<&Service, ClientError> {
    let missing = || {
        let detail = "the target does not offer both protocols";
        ClientError::new(ErrorClass::NotOffered, Operation::Connect, detail)
    };
    service.ok_or_else(missing)
}

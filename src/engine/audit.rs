//! The end of a cell: what is on the server, what on each device, and whether that is what must be there.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

use crate::client::{ClientError, ImapSession, OpenError, PopSession};
use crate::metrics::row::{ConsistencyRow, Event, Purpose};
use crate::metrics::{ErrorClass, Operation, Record};
use crate::plan::{Arrival, PlannedMessage, UserPlan};
use crate::scenario::Protocol;
use crate::target::Service;

use super::device::{Device, Folders, Owner, bits};
use super::journal::Journal;
use super::ledger::{Entry, Expected, Ledger};
use super::log::{Log, Tap};
use super::person::Person;
use super::witness::Witness;
use super::worker::Assignment;

/// Mailboxes that are looked into at the same time.
const TOGETHER: usize = 4;

/// What was found of a message: read or not, where the server knows.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    seen: bool,
    octets: u64,
}

type Mailbox = HashMap<u32, Found>;

/// Looks into every mailbox and writes down what each device knows of each message.
pub(super) async fn look_into_mailboxes(
    assignment: &Assignment,
    log: &Rc<Log>,
    people: &[(Rc<Person>, &UserPlan)],
) {
    let mut tasks = tokio::task::JoinSet::new();
    let mut waiting = people.iter().enumerate();
    loop {
        while tasks.len() < TOGETHER
            && let Some((index, (person, _))) = waiting.next()
        {
            let person = Rc::clone(person);
            tasks.spawn_local(async move { (index, look(&person).await) });
        }
        let Some(looked) = tasks.join_next().await else {
            return;
        };
        let Ok((index, mailbox)) = looked else {
            log.total(|totals| totals.unseen_mailboxes += 1);
            continue;
        };
        let Some((person, plan)) = people.get(index) else {
            continue;
        };
        if let Some(mailbox) = &mailbox {
            count(log, &person.ledger.borrow(), mailbox);
        } else {
            log.total(|totals| totals.unseen_mailboxes += 1);
        }
        write_down(log, person, plan, &mailbox.unwrap_or_default());
        assignment.relieve(log).await;
    }
}

/// Holds what was found against the ledger, and settles by it what the server never answered.
fn count(log: &Log, ledger: &Ledger, mailbox: &Mailbox) {
    log.total(|totals| {
        for found in mailbox.values() {
            totals.found.add(found.octets);
        }
        for (seq, entry) in ledger.iter() {
            let found = mailbox.contains_key(&seq);
            match entry.expected() {
                Expected::There => totals.lost += u64::from(!found),
                Expected::Gone => totals.unexpected += u64::from(found),
                Expected::Either => totals.settled += 1,
            }
            if entry.was_taken_silently(found) {
                totals.accepted.add(entry.octets);
            }
            if entry.was_removed_silently(found) {
                totals.removed.add(entry.octets);
            }
        }
    });
}

/// None: the mailbox could not be looked at.
async fn look(person: &Person) -> Option<Mailbox> {
    let owner = person.devices.first()?.owner();
    let looked = if owner.endpoint.imap.is_some() {
        by_imap(owner).await
    } else {
        by_pop(owner).await
    };
    looked.ok()
}

async fn by_imap(owner: &Rc<Owner>) -> Result<Mailbox, ClientError> {
    let mut journal = Journal::begin(owner, Protocol::Imap, Purpose::Audit, Instant::now());
    let sent = Instant::now();
    let mut session = match super::prepare::try_to_open(owner).await {
        Ok(session) => session,
        Err(OpenError { error, figures }) => {
            journal.end(&figures, Some(&error));
            return Err(error);
        }
    };
    journal.knows(session.figures());
    let witness = owner.harness(sent, None);
    let listed = list(owner, &mut session, &mut journal, &witness).await;
    let (figures, farewell) = match &listed {
        Err(error) if !error.is_refusal() => (session.abort(), Ok(())),
        _ => {
            journal.knows(session.figures());
            let deed = witness.farewell(Event::Logout);
            let (figures, farewell) = session.logout().await;
            deed.end(&farewell);
            (figures, farewell)
        }
    };
    journal.end(&figures, listed.as_ref().err().or(farewell.as_ref().err()));
    listed
}

async fn list(
    owner: &Owner,
    session: &mut ImapSession<Tap>,
    journal: &mut Journal,
    witness: &Witness,
) -> Result<Mailbox, ClientError> {
    let mut mailbox = Mailbox::new();
    list_folder(owner, session, journal, witness, "INBOX", &mut mailbox).await?;
    let moved_to = owner.ledger.borrow().folders();
    if moved_to.is_empty() {
        return Ok(mailbox);
    }
    let folders = Folders::ask(session).await?;
    for folder in moved_to {
        let name = folders.own(folder);
        list_folder(owner, session, journal, witness, &name, &mut mailbox).await?;
    }
    Ok(mailbox)
}

async fn list_folder(
    owner: &Owner,
    session: &mut ImapSession<Tap>,
    journal: &mut Journal,
    witness: &Witness,
    folder: &str,
    mailbox: &mut Mailbox,
) -> Result<(), ClientError> {
    let name = (folder != "INBOX").then(|| folder.to_owned());
    let sent = Instant::now();
    let selected = session.examine(folder).await?;
    witness.note(Event::Select, (sent, Instant::now()), |row| {
        row.mailbox.clone_from(&name);
        row.uid_validity = selected.uid_validity;
        row.uid_next = selected.uid_next;
        row.mod_seq = selected.highest_mod_seq;
        row.messages = Some(selected.exists);
    });
    let sent = Instant::now();
    let list = match selected.exists {
        0 => Vec::new(),
        _ => session.list_view(1..).await?,
    };
    journal.headers += list.len() as u32;
    let ledger = owner.ledger.borrow();
    let span = (sent, Instant::now());
    witness.note(Event::Listed, span, |row| {
        row.mailbox.clone_from(&name);
        (row.uid, row.messages) = (Some(1), Some(list.len() as u32));
    });
    for entry in &list {
        if let Some(seq) = entry.id.as_deref().and_then(|id| ledger.seq(id)) {
            witness.note(Event::Shown, span, |row| {
                row.mailbox.clone_from(&name);
                (row.uid, row.message) = (Some(entry.uid), Some(ledger.identity(seq)));
                row.flags = Some(bits(&entry.flags));
            });
        }
    }
    mailbox.extend(list.iter().filter_map(|entry| {
        let seq = ledger.seq(entry.id.as_deref()?)?;
        let found = Found {
            seen: entry.flags.is_seen(),
            octets: entry.octets,
        };
        Some((seq, found))
    }));
    Ok(())
}

async fn by_pop(owner: &Rc<Owner>) -> Result<Mailbox, ClientError> {
    let mut journal = Journal::begin(owner, Protocol::Pop3, Purpose::Audit, Instant::now());
    let due = Instant::now();
    let Some(Service { address, tls }) = &owner.endpoint.pop3 else {
        let detail = "the target offers neither IMAP nor POP3";
        return Err(ClientError::new(
            ErrorClass::NotOffered,
            Operation::Connect,
            detail,
        ));
    };
    let opened = PopSession::open(&owner.dialer, address, *tls, &owner.login, due, owner.tap());
    let mut session = match opened.await {
        Ok(session) => session,
        Err(OpenError { error, figures }) => {
            journal.end(&figures, Some(&error));
            return Err(error);
        }
    };
    journal.knows(session.figures());
    let witness = owner.harness(due, None);
    let topped = top_all(owner, &mut session, &mut journal, &witness).await;
    let (figures, farewell) = match &topped {
        Err(error) if !error.is_refusal() => (session.abort(), Ok(())),
        _ => {
            journal.knows(session.figures());
            let deed = witness.farewell(Event::Quit);
            let (figures, farewell) = session.quit().await;
            deed.end(&farewell);
            (figures, farewell)
        }
    };
    journal.end(&figures, topped.as_ref().err().or(farewell.as_ref().err()));
    topped
}

async fn top_all(
    owner: &Owner,
    session: &mut PopSession<Tap>,
    journal: &mut Journal,
    witness: &Witness,
) -> Result<Mailbox, ClientError> {
    let mut mailbox = Mailbox::new();
    let sent = Instant::now();
    let list = session.list().await?;
    let listed = Instant::now();
    for entry in &list {
        let digest = session.top(entry.number, 0).await?;
        journal.headers += 1;
        let seq = digest
            .id
            .as_deref()
            .and_then(|id| owner.ledger.borrow().seq(id));
        if let Some(seq) = seq {
            let found = Found {
                seen: false,
                octets: entry.octets,
            };
            mailbox.insert(seq, found);
        }
    }
    witness.note(Event::Listed, (sent, listed), |row| {
        row.messages = Some(list.len() as u32);
    });
    for seq in mailbox.keys() {
        witness.note(Event::Shown, (sent, listed), |row| {
            row.message = Some(owner.ledger.borrow().identity(*seq));
        });
    }
    Ok(mailbox)
}

/// One row for each message and device of its owner. Mail that was not due before the end is left out.
fn write_down(log: &Log, person: &Person, plan: &UserPlan, mailbox: &Mailbox) {
    let ledger = person.ledger.borrow();
    let now = Instant::now();
    for ((seq, entry), message) in ledger.iter().zip(&plan.mail) {
        let due = match message.arrival {
            Arrival::AtStart { .. } => None,
            Arrival::Due(offset) => Some(log.clock().at(offset)),
        };
        if entry.accepted.is_none() && due.is_some_and(|due| due > now) {
            continue;
        }
        for device in &person.devices {
            let found = mailbox.get(&seq);
            let row = row(log, &ledger, (seq, entry, message), device, found);
            log.row(Record::Consistency(row));
        }
    }
}

fn row(
    log: &Log,
    ledger: &Ledger,
    (seq, entry, message): (u32, &Entry, &PlannedMessage),
    device: &Device,
    found: Option<&Found>,
) -> ConsistencyRow {
    let clock = log.clock();
    let us = |at: Instant| clock.us(at);
    let owner = device.owner();
    let copy = device.store().borrow().copy(seq);
    let shown_read = match device {
        Device::Pop(_) => copy.shown_read,
        // Whenever it looks, it shows what the server says.
        Device::Imap(_) => found.map_or(copy.shown_read, |found| found.seen),
    };
    ConsistencyRow {
        block: log.cell.block,
        arm: log.cell.arm,
        user: owner.user.0,
        message: ledger.identity(seq),
        device: owner.kind,
        octets: entry.octets,
        due_at_us: match message.arrival {
            Arrival::AtStart { .. } => None,
            Arrival::Due(offset) => Some(us(clock.at(offset))),
        },
        accepted_at_us: entry.accepted.map(us),
        visible_at_us: copy.visible.map(us),
        read_at_us: copy.read.map(us),
        deleted: entry.deleted,
        on_server: found.is_some(),
        on_device: copy.whole,
        shown_read,
    }
}

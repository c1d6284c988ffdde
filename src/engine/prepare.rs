//! Mailboxes as the plan has them at the start: mail is delivered like any other, and what was read before is marked so.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::client::{ClientError, ImapSession, ListEntry, OpenError, SessionFigures};
use crate::metrics::row::{Event, FlagBits};
use crate::metrics::{ErrorClass, Operation};
use crate::plan::{Arrival, UserPlan};
use crate::proto::imap::StoreMode;
use crate::target::Service;

use super::delivery::{Letter, Post};
use super::device::{Folders, Owner};
use super::log::{Log, Tap};
use super::person::Person;
use super::witness::{Deed, Witness};
use super::worker::Assignment;

/// Users whose mail is marked at the same time.
const TOGETHER: usize = 4;
/// How long accepted mail may take until it can be seen.
const VISIBLE_WITHIN: Duration = Duration::from_secs(60);

/// Delivers the mail of the start and marks what was read. The first thing that goes wrong is told: a cell must not begin on
/// mailboxes that are not as planned.
pub(super) async fn fill_mailboxes(
    assignment: &Assignment,
    log: &Rc<Log>,
    people: &[(Rc<Person>, &UserPlan)],
) -> Result<(), String> {
    let post = Rc::new(Post::default());
    let mut carriers = assignment.carriers(log, &post);
    for (person, plan) in people {
        for (seq, message) in (0..).zip(&plan.mail) {
            if matches!(message.arrival, Arrival::AtStart { .. }) {
                let letter = Letter {
                    user: plan.user,
                    seq,
                    spec: message.spec,
                    ancestors: plan.ancestors(seq),
                    address: person.address.clone(),
                    login: Rc::clone(&person.login),
                    ledger: Rc::clone(&person.ledger),
                    due: None,
                };
                tokio::select! {
                    () = post.hand_in_when_there_is_room(letter) => {}
                    // They end when the post is closed, and before that only by a fault of ours.
                    Some(_) = carriers.join_next() => {
                        return Err("filling the mailboxes panicked".into());
                    }
                }
            }
        }
    }
    post.close();
    while carriers.join_next().await.is_some() {}
    if let Some(error) = post.failure() {
        return Err(format!("the mailboxes could not be filled: {error}"));
    }
    mark_all(assignment, people).await
}

async fn mark_all(
    assignment: &Assignment,
    people: &[(Rc<Person>, &UserPlan)],
) -> Result<(), String> {
    if assignment.endpoint.imap.is_none() {
        return Ok(());
    }
    let mut tasks = tokio::task::JoinSet::new();
    let mut waiting = people.iter();
    loop {
        while tasks.len() < TOGETHER
            && let Some((person, plan)) = waiting.next()
        {
            let (person, filed) = (Rc::clone(person), Filed::of(plan));
            tasks.spawn_local(async move { mark(&person, &filed).await });
        }
        match tasks.join_next().await {
            None => return Ok(()),
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error))) => {
                return Err(format!("what was read before could not be marked: {error}"));
            }
            Some(Err(_)) => return Err("marking what was read before panicked".into()),
        }
    }
}

/// Messages of the start that lie in a folder, and in which.
struct Filed(HashMap<u32, u32>);

impl Filed {
    fn of(plan: &UserPlan) -> Self {
        let mail = (0..).zip(&plan.mail);
        let filed = mail.filter_map(|(seq, message)| Some((seq, message.arrival.folder()?)));
        Self(filed.collect())
    }
}

/// Sets `\Seen` on what the plan says was read, and files what it says was filed.
async fn mark(person: &Person, filed: &Filed) -> Result<(), ClientError> {
    let any = person
        .ledger
        .borrow()
        .iter()
        .any(|(_, entry)| entry.at_start == Some(true));
    let (Some(device), true) = (person.devices.first(), any) else {
        return Ok(());
    };
    let owner = device.owner();
    let sent = Instant::now();
    let mut session = match try_to_open(owner).await {
        Ok(session) => session,
        Err(error) => {
            owner.log.total(|totals| {
                totals.imap += error.figures.traffic;
                totals.cut += 1;
            });
            return Err(error.error);
        }
    };
    let witness = owner.harness(sent, None);
    let marked = mark_in(person, filed, &mut session, &witness).await;
    let figures = match &marked {
        Err(error) if !error.is_refusal() => session.abort(),
        _ => {
            let deed = witness.farewell(Event::Logout);
            let (figures, farewell) = session.logout().await;
            deed.end(&farewell);
            figures
        }
    };
    owner.log.total(|totals| {
        totals.imap += figures.traffic;
        totals.cut += u64::from(marked.is_err());
    });
    marked
}

async fn mark_in(
    person: &Person,
    filed: &Filed,
    session: &mut ImapSession<Tap>,
    witness: &Witness,
) -> Result<(), ClientError> {
    session.select("INBOX").await?;
    let list = list_when_all_is_there(person, session).await?;
    let seen: Vec<(u32, u32)> = {
        let ledger = person.ledger.borrow();
        list.iter()
            .filter_map(|entry| {
                let seq = entry.id.as_deref().and_then(|id| ledger.seq(id))?;
                let was_read = ledger.entry(seq)?.at_start == Some(true);
                was_read.then_some((seq, entry.uid))
            })
            .collect()
    };
    if seen.is_empty() {
        return Ok(());
    }
    let deeds: Vec<Deed> = seen
        .iter()
        .map(|(seq, uid)| {
            witness.begin(Event::SetFlags).with(|row| {
                row.uid = Some(*uid);
                row.message = Some(person.ledger.borrow().identity(*seq));
                row.flags = Some(FlagBits::SEEN);
            })
        })
        .collect();
    let uids: Vec<u32> = seen.iter().map(|(_, uid)| *uid).collect();
    let stored = session.store(uids, StoreMode::Add, &["\\Seen"]).await;
    for deed in deeds {
        deed.end(&stored);
    }
    stored?;
    file(person, filed, session, witness, &seen).await
}

/// Puts what was read into the folders that the person has put it into.
async fn file(
    person: &Person,
    filed: &Filed,
    session: &mut ImapSession<Tap>,
    witness: &Witness,
    seen: &[(u32, u32)],
) -> Result<(), ClientError> {
    let mut by_folder: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
    for (seq, uid) in seen {
        if let Some(folder) = filed.0.get(seq) {
            by_folder.entry(*folder).or_default().push((*seq, *uid));
        }
    }
    if by_folder.is_empty() {
        return Ok(());
    }
    let mut folders = Folders::ask(session).await?;
    for (folder, messages) in by_folder {
        let name = folders.find_or_make_own(folder, session).await?;
        let begin = |(seq, uid): &(u32, u32)| {
            witness.begin(Event::Move).with(|row| {
                row.uid = Some(*uid);
                row.message = Some(person.ledger.borrow().identity(*seq));
                row.to_mailbox = Some(name.clone());
            })
        };
        let deeds: Vec<Deed> = messages.iter().map(begin).collect();
        let uids: Vec<u32> = messages.iter().map(|(_, uid)| *uid).collect();
        let moved = session.move_to(uids, &name).await;
        for deed in deeds {
            deed.end(&moved);
        }
        moved?;
        let mut ledger = person.ledger.borrow_mut();
        for (seq, _) in messages {
            if let Some(entry) = ledger.entry_mut(seq) {
                entry.moved = Some(folder);
            }
        }
    }
    Ok(())
}

/// Mail that was handed over may still be on its way through the server's queue.
async fn list_when_all_is_there(
    person: &Person,
    session: &mut ImapSession<Tap>,
) -> Result<Vec<ListEntry>, ClientError> {
    let begun = Instant::now();
    loop {
        let list = session.list_view(1..).await?;
        let there = {
            let ledger = person.ledger.borrow();
            let accepted = ledger.iter().filter(|(_, it)| it.accepted.is_some());
            let known = |entry: &&ListEntry| {
                let mark = entry.id.as_deref();
                mark.is_some_and(|mark| ledger.seq(mark).is_some())
            };
            list.iter().filter(known).count() >= accepted.count()
        };
        if there {
            return Ok(list);
        }
        if begun.elapsed() > VISIBLE_WITHIN {
            return Err(ClientError::new(
                ErrorClass::Timeout,
                Operation::Deliver,
                format!(
                    "mail that the server accepted cannot be seen after {} s",
                    VISIBLE_WITHIN.as_secs()
                ),
            ));
        }
        sleep(Duration::from_millis(200)).await;
        session.noop().await?;
    }
}

/// A connection of the harness itself.
pub(super) async fn try_to_open(owner: &Owner) -> Result<ImapSession<Tap>, OpenError> {
    let Some(Service { address, tls }) = &owner.endpoint.imap else {
        let detail = "the target offers no IMAP";
        return Err(OpenError {
            error: ClientError::new(ErrorClass::NotOffered, Operation::Connect, detail),
            figures: SessionFigures::default(),
        });
    };
    ImapSession::open(
        &owner.dialer,
        address,
        *tls,
        &owner.login,
        Instant::now(),
        owner.tap(),
    )
    .await
}

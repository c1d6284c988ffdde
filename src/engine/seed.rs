//! The mail of a scenario's start, put into mailboxes of a server that is already there, without a run. What lies there by
//! its mark is not put there again, so that who was interrupted can go on.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::{JoinSet, LocalSet};
use tokio::time::sleep;

use super::delivery::{Parcel, SENDER, Way, unix_now};
use super::device::Folders;
use super::ledger::RunId;
use crate::client::{ClientError, ImapSession, Login, OpenError};
use crate::net::{Dialer, TimeLimits};
use crate::plan::message::{Envelope, Writer};
use crate::plan::{Arrival, Plan, UserPlan};
use crate::proto::imap::StoreMode;
use crate::target::{Account, Endpoint, Inventory, Service, Sweep, TargetError};

/// Connections at the same time.
const TOGETHER: usize = 8;
/// Of a connection, and of each command.
const LIMIT: Duration = Duration::from_secs(30);
/// Mail that was accepted may take so long until it can be seen.
const VISIBLE_WITHIN: Duration = Duration::from_secs(30);

/// How far it has got, and what it came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seeding {
    /// Mailboxes that are as they should be.
    pub mailboxes: u32,
    /// Of so many.
    pub of: u32,
    /// Messages that were put there.
    pub messages: u64,
    /// Their octets.
    pub octets: u64,
    /// Messages that were there before.
    pub already: u64,
}

/// A mailbox that is to be filled.
struct Job {
    account: Account,
    plan: UserPlan,
    /// Marks that are in INBOX.
    there: HashSet<String>,
    /// Marks that are in other folders.
    filed: HashSet<String>,
}

/// What is to be done with messages that were read, by mark: the number of the folder that they belong into.
type Read = HashMap<String, Option<u32>>;

/// What the tasks share.
struct Desk {
    endpoint: std::sync::Arc<Endpoint>,
    dialer: Dialer,
    run: RunId,
    jobs: RefCell<VecDeque<Job>>,
    progress: RefCell<Seeding>,
    failed: RefCell<Option<String>>,
}

/// Fills the mailboxes behind `inventories`, which stand in the order of the plan's users.
///
/// # Errors
/// The first thing that went wrong. What was put there until then stays.
pub async fn seed(
    sweep: &Sweep,
    plan: &Plan,
    inventories: &[Inventory],
    connections: Option<u32>,
    progress: &mut dyn FnMut(Seeding),
) -> Result<Seeding, TargetError> {
    let endpoint = std::sync::Arc::clone(sweep.endpoint());
    let limits = TimeLimits {
        connect: LIMIT,
        command: LIMIT,
    };
    let dialer = endpoint
        .dialer(true, true, limits)
        .map_err(|error| unusable(error.to_string()))?;
    let of = |index: usize| inventories.iter().filter(move |it| it.account == index);
    let jobs: VecDeque<Job> = plan
        .users
        .iter()
        .zip(&endpoint.accounts)
        .enumerate()
        .map(|(index, (plan, account))| Job {
            account: account.clone(),
            plan: plan.clone(),
            there: of(index)
                .flat_map(Inventory::marks)
                .map(str::to_owned)
                .collect(),
            filed: of(index)
                .flat_map(Inventory::marks_in_folders)
                .map(str::to_owned)
                .collect(),
        })
        .collect();
    let desk = Rc::new(Desk {
        run: RunId::of_plan(plan),
        dialer,
        progress: RefCell::new(Seeding {
            of: jobs.len() as u32,
            ..Seeding::default()
        }),
        jobs: jobs.into(),
        endpoint,
        failed: RefCell::default(),
    });
    let together = connections.map_or(TOGETHER, |most| TOGETHER.min(most as usize));
    LocalSet::new()
        .run_until(work(&desk, together, progress))
        .await;
    let done = *desk.progress.borrow();
    match desk.failed.take() {
        Some(reason) => Err(unusable(format!(
            "{reason}; what was put there stays, and the same command goes on from there"
        ))),
        None => Ok(done),
    }
}

async fn work(desk: &Rc<Desk>, together: usize, progress: &mut dyn FnMut(Seeding)) {
    let mut tasks = JoinSet::new();
    for _ in 0..together {
        let desk = Rc::clone(desk);
        tasks.spawn_local(async move { desk.work().await });
    }
    loop {
        tokio::select! {
            ended = tasks.join_next() => match ended {
                None => break,
                Some(Ok(())) => {}
                Some(Err(_)) => desk.fail("putting mail there panicked".into()),
            },
            () = sleep(Duration::from_millis(200)) => progress(*desk.progress.borrow()),
        }
    }
    progress(*desk.progress.borrow());
}

impl Desk {
    async fn work(&self) {
        let mut way = None;
        while self.failed.borrow().is_none() {
            let job = self.jobs.borrow_mut().pop_front();
            let Some(job) = job else { break };
            if let Err(error) = self.fill(&job, &mut way).await {
                self.fail(format!(
                    "the mailbox of `{}` could not be filled: {error}",
                    job.account.user
                ));
            }
            self.progress.borrow_mut().mailboxes += 1;
        }
        if let Some(way) = way {
            drop(way.quit().await);
        }
    }

    fn fail(&self, reason: String) {
        self.failed.borrow_mut().get_or_insert(reason);
    }

    async fn fill(&self, job: &Job, way: &mut Option<Way<()>>) -> Result<(), ClientError> {
        let login = Rc::new(job.account.login());
        let mut read = Read::new();
        for (seq, message) in (0..).zip(&job.plan.mail) {
            let Arrival::AtStart {
                seen: was_seen,
                age_s,
                ..
            } = message.arrival
            else {
                continue;
            };
            let folder = message.arrival.folder();
            let id = self.run.identity(job.plan.user, seq);
            let is_filed = folder.is_some() && job.filed.contains(&id);
            if is_filed || job.there.contains(&id) {
                self.progress.borrow_mut().already += 1;
            } else {
                let ancestors = job.plan.ancestors(seq);
                let ancestors: Vec<String> = ancestors
                    .into_iter()
                    .map(|seq| self.run.identity(job.plan.user, seq))
                    .collect();
                let envelope = Envelope {
                    id: &id,
                    from: SENDER,
                    to: &job.account.address,
                    date_unix: unix_now() - i64::from(age_s),
                    ancestors: &ancestors,
                };
                let writer = Writer::new(&message.spec, &envelope);
                let octets = writer.octets();
                let parcel = Parcel {
                    sender: SENDER,
                    recipient: &job.account.address,
                    flags: if was_seen { &["\\Seen"] } else { &[] },
                    octets,
                    body: writer,
                    due: Instant::now(),
                };
                self.hand_over(way, &login, parcel).await?;
                let mut progress = self.progress.borrow_mut();
                progress.messages += 1;
                progress.octets += octets;
            }
            if was_seen && !is_filed {
                read.insert(id, folder);
            }
        }
        self.settle(job, &login, &read).await
    }

    /// Whoever is cut off in the middle does not know whether the message was taken, so it is not tried again: the next
    /// inspection tells.
    async fn hand_over<B>(
        &self,
        way: &mut Option<Way<()>>,
        login: &Rc<Login>,
        parcel: Parcel<'_, B>,
    ) -> Result<(), ClientError>
    where
        B: IntoIterator,
        B::Item: AsRef<[u8]>,
    {
        if let Some(other) = way.take_if(|way| !way.serves(login)) {
            drop(other.quit().await);
        }
        let mut open = match way.take() {
            Some(open) => open,
            None => Way::open(&self.dialer, &self.endpoint, login, ())
                .await
                .map_err(|OpenError { error, .. }| error)?,
        };
        open.deliver(parcel).await?;
        *way = Some(open);
        Ok(())
    }

    /// What was handed over by LMTP or SMTP comes unread, and all mail comes into INBOX.
    async fn settle(&self, job: &Job, login: &Login, read: &Read) -> Result<(), ClientError> {
        let Some(service) = &self.endpoint.imap else {
            return Ok(());
        };
        if read.is_empty() {
            return Ok(());
        }
        let Service { address, tls } = service;
        let opened =
            ImapSession::open(&self.dialer, address, *tls, login, Instant::now(), ()).await;
        let mut session = opened.map_err(|OpenError { error, .. }| error)?;
        let settled = settle_in(&mut session, read).await;
        match &settled {
            Err(error) if !error.is_refusal() => drop(session.abort()),
            _ => drop(session.logout().await),
        }
        if !settled? {
            tracing::warn!(
                "not all mail for `{}` could be seen within {} s: what came later is unread, and in INBOX",
                job.account.user,
                VISIBLE_WITHIN.as_secs()
            );
        }
        Ok(())
    }
}

/// False: not all of it has arrived in time.
async fn settle_in(session: &mut ImapSession<()>, read: &Read) -> Result<bool, ClientError> {
    session.select("INBOX").await?;
    let begun = Instant::now();
    loop {
        let list = session.list_view(1..).await?;
        let (mut found, mut unread) = (0, Vec::new());
        let mut by_folder: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for entry in &list {
            let Some(folder) = entry.id.as_ref().and_then(|id| read.get(id)) else {
                continue;
            };
            found += 1;
            if !entry.flags.is_seen() {
                unread.push(entry.uid);
            }
            if let Some(folder) = folder {
                by_folder.entry(*folder).or_default().push(entry.uid);
            }
        }
        if !unread.is_empty() {
            session.store(unread, StoreMode::Add, &["\\Seen"]).await?;
        }
        let all_there = found >= read.len();
        if all_there || begun.elapsed() > VISIBLE_WITHIN {
            file(session, by_folder).await?;
            return Ok(all_there);
        }
        sleep(Duration::from_millis(500)).await;
        session.noop().await?;
    }
}

/// Moves messages into the user's own folders, by UID in INBOX.
async fn file(
    session: &mut ImapSession<()>,
    by_folder: BTreeMap<u32, Vec<u32>>,
) -> Result<(), ClientError> {
    if by_folder.is_empty() {
        return Ok(());
    }
    let mut folders = Folders::ask(session).await?;
    for (folder, uids) in by_folder {
        let name = folders.find_or_make_own(folder, session).await?;
        session.move_to(uids, &name).await?;
    }
    Ok(())
}

fn unusable(reason: String) -> TargetError {
    TargetError::Unusable { reason }
}

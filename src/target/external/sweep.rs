//! All mailboxes of a target: inspected, a few at a time, and cleared of what mailgauge put there. Whatever the target's
//! ceiling of connections and of sessions per second is, it holds here too.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::inspect::{self, Folder, Seen};
use super::{External, remove, unusable};
use crate::client::ClientError;
use crate::metrics::ErrorClass;
use crate::net::{Dialer, TimeLimits};
use crate::target::{Account, Endpoint, TargetError};

/// Connections at the same time.
const TOGETHER: u32 = 16;
/// Of a connection, and of each command.
const LIMIT: Duration = Duration::from_secs(20);
/// How often a mailbox that is in use, or a server that is busy, is tried again.
const ATTEMPTS: u32 = 6;
/// So many mailboxes with foreign mail are named.
const NAMED: usize = 3;

/// How far it has got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Mailboxes that are done.
    pub done: u32,
    /// Of so many.
    pub of: u32,
    /// Marked messages that were found, or taken away.
    pub messages: u64,
}

/// What lies in a mailbox.
#[derive(Clone, Debug)]
pub struct Inventory {
    /// Which account of the endpoint.
    pub account: usize,
    imap: Option<Seen>,
    pop3: Option<Seen>,
}

impl Inventory {
    /// Messages that carry a mark, wherever they were seen.
    pub fn marked(&self) -> usize {
        let count = |seen: &Option<Seen>| seen.as_ref().map_or(0, Seen::marked);
        count(&self.imap).max(count(&self.pop3))
    }

    /// Messages that carry none.
    pub fn foreign(&self) -> u32 {
        let count = |seen: &Option<Seen>| seen.as_ref().map_or(0, Seen::foreign);
        count(&self.imap).max(count(&self.pop3))
    }

    /// Marks of the messages in INBOX.
    pub fn marks(&self) -> impl Iterator<Item = &str> {
        marks(self.folders().iter().take(1))
    }

    /// Marks of the messages in all other folders.
    pub fn marks_in_folders(&self) -> impl Iterator<Item = &str> {
        marks(self.folders().iter().skip(1))
    }

    /// The first one is INBOX.
    fn folders(&self) -> &[Folder] {
        let seen = self.imap.as_ref().or(self.pop3.as_ref());
        seen.map_or(&[], |seen| &seen.folders)
    }
}

fn marks<'a>(folders: impl Iterator<Item = &'a Folder>) -> impl Iterator<Item = &'a str> {
    let marked = folders.flat_map(|folder| &folder.marked);
    marked.map(|marked| marked.mark.as_str())
}

/// Inspects and clears mailboxes.
#[derive(Clone, Debug)]
pub struct Sweep {
    endpoint: Arc<Endpoint>,
    dialer: Dialer,
    /// Indices of accounts that may hold foreign mail.
    disposable: Arc<HashSet<usize>>,
    together: usize,
    /// Where `disposable` is to be written.
    file: String,
}

impl Sweep {
    pub(super) fn new(target: &External, endpoint: Arc<Endpoint>) -> Result<Self, TargetError> {
        let limits = TimeLimits {
            connect: LIMIT,
            command: LIMIT,
        };
        let dialer = endpoint
            .dialer(true, true, limits)
            .map_err(|error| unusable(error.to_string()))?;
        let ceiling = target.ceiling;
        let disposable = (0..endpoint.accounts.len())
            .filter(|&index| {
                let account = endpoint.accounts.get(index);
                account.is_some_and(|account| {
                    target.disposable.contains(target.accounts.name_of(account))
                })
            })
            .collect();
        Ok(Self {
            together: ceiling.connections.unwrap_or(TOGETHER).min(TOGETHER) as usize,
            disposable: Arc::new(disposable),
            file: target
                .file
                .as_deref()
                .map_or_else(|| "a target file".into(), |file| file.display().to_string()),
            endpoint,
            dialer,
        })
    }

    /// The target, as clients must know it.
    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// Looks into every mailbox by every protocol that is offered. Nothing is changed.
    pub async fn inspect(
        &self,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Inventory>, TargetError> {
        let sweep = self.clone();
        let look = move |account| {
            let sweep = sweep.clone();
            async move { sweep.look_into(account).await }
        };
        let all = (0..self.endpoint.accounts.len()).collect();
        self.each(all, look, |inventory| inventory.marked() as u64, progress)
            .await
    }

    /// Refuses mailboxes with foreign mail, unless they are disposable.
    pub fn refuse_foreign(&self, inventories: &[Inventory]) -> Result<(), TargetError> {
        let refused: Vec<&Inventory> = inventories
            .iter()
            .filter(|it| it.foreign() > 0 && !self.disposable.contains(&it.account))
            .collect();
        let Some(first) = refused.first() else {
            return Ok(());
        };
        let name = |inventory: &Inventory| {
            let account = self.endpoint.accounts.get(inventory.account);
            account.map_or_else(String::new, |account| account.user.clone())
        };
        let named: Vec<String> = refused
            .iter()
            .take(NAMED)
            .map(|it| match it.foreign() {
                1 => format!("`{}` holds 1 message", name(it)),
                foreign => format!("`{}` holds {foreign} messages", name(it)),
            })
            .collect();
        let more = refused.len().saturating_sub(NAMED);
        let more = if more > 0 {
            format!(" (and so do {more} more)")
        } else {
            String::new()
        };
        let (mailbox, that) = if refused.len() == 1 {
            ("the mailbox of", "it is")
        } else {
            ("the mailboxes are not all ours:", "they are")
        };
        Err(TargetError::Unsafe {
            reason: format!(
                "{mailbox} {} that mailgauge did not put there{more}, so {that} not used: name accounts whose mailboxes are empty, or list the users under `disposable` in {} (`disposable = [\"{}\"]`); their mail is left alone even then",
                named.join(", "),
                self.file,
                name(first),
            ),
        })
    }

    /// Takes all marked messages out of these mailboxes. Returns how many.
    pub async fn clear(
        &self,
        inventories: Vec<Inventory>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<u64, TargetError> {
        let waiting: Vec<usize> = inventories
            .iter()
            .filter(|inventory| inventory.marked() > 0)
            .map(|inventory| inventory.account)
            .collect();
        let by_account: Arc<std::collections::HashMap<usize, Inventory>> = Arc::new(
            inventories
                .into_iter()
                .map(|inventory| (inventory.account, inventory))
                .collect(),
        );
        let sweep = self.clone();
        let clear = move |account| {
            let (sweep, inventories) = (sweep.clone(), Arc::clone(&by_account));
            async move {
                match inventories.get(&account) {
                    Some(inventory) => sweep.clear_one(inventory).await,
                    None => Ok(0),
                }
            }
        };
        let removed = self
            .each(waiting, clear, |count| *count as u64, progress)
            .await?;
        Ok(removed.into_iter().map(|count| count as u64).sum())
    }

    /// Inspects all, refuses foreign mail, takes marked mail away. Returns how many messages went.
    pub async fn make_fresh(&self, progress: &mut dyn FnMut(Progress)) -> Result<u64, TargetError> {
        let inventories = self.inspect(progress).await?;
        self.refuse_foreign(&inventories)?;
        self.clear(inventories, progress).await
    }

    /// Takes marked mail away, whatever else there is.
    pub async fn take_marked_away(
        &self,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<u64, TargetError> {
        let inventories = self.inspect(progress).await?;
        self.clear(inventories, progress).await
    }

    async fn look_into(&self, index: usize) -> Result<Inventory, ClientError> {
        let account = &self.endpoint.accounts[index];
        let mut inventory = Inventory {
            account: index,
            imap: None,
            pop3: None,
        };
        if let Some(service) = &self.endpoint.imap {
            inventory.imap = Some(inspect::by_imap(&self.dialer, service, account).await?);
        }
        if let Some(service) = &self.endpoint.pop3 {
            inventory.pop3 = Some(inspect::by_pop3(&self.dialer, service, account).await?);
        }
        Ok(inventory)
    }

    /// By IMAP, in all folders; by POP3 what is then still there, or what IMAP must not touch.
    async fn clear_one(&self, inventory: &Inventory) -> Result<usize, ClientError> {
        let account = &self.endpoint.accounts[inventory.account];
        let mut removed = 0;
        let mut left = inventory.pop3.as_ref().map_or(0, Seen::marked);
        if let (Some(service), Some(seen)) = (&self.endpoint.imap, &inventory.imap) {
            match remove::by_imap(&self.dialer, service, account, seen).await {
                Ok(count) => {
                    removed += count;
                    left = left.saturating_sub(seen.marked_in_inbox());
                }
                Err(error)
                    if error.class == ErrorClass::NotOffered
                        && left > 0
                        && remove::is_for_pop3(seen) => {}
                Err(error) => return Err(error),
            }
        }
        if let (Some(service), true) = (&self.endpoint.pop3, left > 0) {
            removed += remove::by_pop3(&self.dialer, service, account).await?;
        }
        Ok(removed)
    }

    /// Does something for each of these accounts, a few at a time, at the pace that the target allows. The first failure ends
    /// it.
    async fn each<T, F>(
        &self,
        accounts: Vec<usize>,
        work: impl Fn(usize) -> F + Clone + Send + Sync + 'static,
        messages: impl Fn(&T) -> u64,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<T>, TargetError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ClientError>> + Send + 'static,
    {
        let mut told = Progress {
            of: accounts.len() as u32,
            ..Progress::default()
        };
        let mut tasks = JoinSet::new();
        let mut waiting = accounts.into_iter();
        let mut results = Vec::with_capacity(told.of as usize);
        progress(told);
        loop {
            while tasks.len() < self.together
                && let Some(account) = waiting.next()
            {
                let work = work.clone();
                tasks.spawn(async move { (account, patiently(|| work(account)).await) });
            }
            let Some(ended) = tasks.join_next().await else {
                return Ok(results);
            };
            let (account, result) =
                ended.map_err(|_| unusable("looking into a mailbox panicked".into()))?;
            let result = result.map_err(|error| self.failed(account, &error))?;
            told.done += 1;
            told.messages += messages(&result);
            results.push(result);
            progress(told);
        }
    }

    fn failed(&self, index: usize, error: &ClientError) -> TargetError {
        let user = self.endpoint.accounts.get(index);
        let user = user.map_or("?", |account: &Account| account.user.as_str());
        unusable(match error.class {
            ErrorClass::Authentication => format!(
                "the server does not let `{user}` in: {error}; are the name and the password right?"
            ),
            _ => format!("the mailbox of `{user}` cannot be looked into: {error}"),
        })
    }
}

/// Tries again where waiting may help: another session holds the mailbox, or the server takes no more connections now.
async fn patiently<T, F>(mut work: impl FnMut() -> F) -> Result<T, ClientError>
where
    F: Future<Output = Result<T, ClientError>>,
{
    let mut pause = Duration::from_millis(250);
    let mut lost = 0;
    for _ in 1..ATTEMPTS {
        match work().await {
            Err(error) if matches!(error.class, ErrorClass::InUse | ErrorClass::LoginDelay) => {}
            Err(error)
                if matches!(
                    error.class,
                    ErrorClass::ConnectionLost | ErrorClass::Greeting
                ) && lost < 2 =>
            {
                lost += 1;
            }
            outcome => return outcome,
        }
        sleep(pause).await;
        pause *= 2;
    }
    work().await
}

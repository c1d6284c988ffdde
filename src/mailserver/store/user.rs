//! A user: the named mailboxes, subscriptions, and the maildrop lock of POP3. Names are hierarchical with `.`
//! between levels, as Maildir++ has them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::mailbox::{Mailbox, now_u32};
use super::{Amount, StoreError, lock};

/// What stands between the levels of a mailbox's name.
pub const SEPARATOR: char = '.';
/// The primary mailbox.
pub const INBOX: &str = "INBOX";
/// A name longer than this would not fit into a file name with its dots.
const LONGEST_NAME: usize = 200;

/// What a mailbox is for (RFC 6154).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialUse {
    /// Kept for later.
    Archive,
    /// Not sent yet.
    Drafts,
    /// Copies of what was sent.
    Sent,
    /// Deleted or about to be.
    Trash,
}

impl SpecialUse {
    /// With the names their mailboxes get.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Archive, "Archive"),
        (Self::Drafts, "Drafts"),
        (Self::Sent, "Sent"),
        (Self::Trash, "Trash"),
    ];

    fn of(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(special, _)| *special)
    }

    /// The attribute in LIST.
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::Archive => "\\Archive",
            Self::Drafts => "\\Drafts",
            Self::Sent => "\\Sent",
            Self::Trash => "\\Trash",
        }
    }
}

/// A line of LIST or LSUB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Full name.
    pub name: String,
    /// There is such a mailbox; otherwise the name only stands above others.
    pub exists: bool,
    /// There are names below it.
    pub has_children: bool,
    /// What it is for, if that is fixed.
    pub special_use: Option<SpecialUse>,
}

/// A user's mailboxes.
#[derive(Debug)]
pub struct User {
    directory: PathBuf,
    fsync: bool,
    mailboxes: Mutex<BTreeMap<String, Arc<Mailbox>>>,
    subscriptions: Mutex<BTreeSet<String>>,
    pop_locked: AtomicBool,
}

/// The exclusive lock on a user's maildrop (RFC 1939 section 4), held by one POP3 session.
#[derive(Debug)]
pub struct PopLock(Arc<User>);

impl Drop for PopLock {
    fn drop(&mut self) {
        self.0.pop_locked.store(false, Ordering::Release);
    }
}

impl User {
    pub(super) fn open(mail: &Path, name: &str, fsync: bool) -> Result<Self, StoreError> {
        let directory = mail.join(name).join("Maildir");
        fs::create_dir_all(&directory).map_err(StoreError::io("cannot create", &directory))?;
        let user = Self {
            subscriptions: Mutex::new(read_subscriptions(&directory)),
            mailboxes: Mutex::new(existing(&directory, fsync)?),
            directory,
            fsync,
            pop_locked: AtomicBool::new(false),
        };
        if user.mailbox(INBOX).is_err() {
            user.make(INBOX)?;
            let mut subscriptions = lock(&user.subscriptions);
            subscriptions.insert(INBOX.to_owned());
            subscriptions.extend(SpecialUse::ALL.map(|(_, name)| name.to_owned()));
            user.write_subscriptions(&subscriptions)?;
            drop(subscriptions);
        }
        Ok(user)
    }

    /// The mailbox of this name; INBOX in any case of letters. Those with a special use are always there, but
    /// get their folders on the disk when somebody first asks: most are never used, and folders are what a
    /// file system is slow at.
    pub fn mailbox(&self, name: &str) -> Result<Arc<Mailbox>, StoreError> {
        let name = canonical(name);
        let mut mailboxes = lock(&self.mailboxes);
        if let Some(mailbox) = mailboxes.get(name) {
            return Ok(Arc::clone(mailbox));
        }
        if SpecialUse::of(name).is_none() {
            return Err(StoreError::NoMailbox(name.to_owned()));
        }
        self.make_among(&mut mailboxes, name)
    }

    /// INBOX, where delivery goes and POP3 reads.
    pub fn inbox(&self) -> Result<Arc<Mailbox>, StoreError> {
        self.mailbox(INBOX)
    }

    pub(super) fn mailboxes(&self) -> Vec<Arc<Mailbox>> {
        lock(&self.mailboxes).values().cloned().collect()
    }

    /// Takes the maildrop for one POP3 session, or `None` while another has it.
    pub fn lock_for_pop(self: &Arc<Self>) -> Option<PopLock> {
        self.pop_locked
            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
            .ok()
            .map(|_| PopLock(Arc::clone(self)))
    }

    /// Makes a mailbox and what stands above it (RFC 3501 section 6.3.3).
    pub fn create(&self, name: &str) -> Result<(), StoreError> {
        let name = name.strip_suffix(SEPARATOR).unwrap_or(name);
        let name = checked(name)?;
        if self.mailbox(name).is_ok() {
            return Err(StoreError::MailboxExists(name.to_owned()));
        }
        for (at, _) in name.match_indices(SEPARATOR) {
            if self.mailbox(&name[..at]).is_err() {
                self.make(&name[..at])?;
            }
        }
        self.make(name)
    }

    /// Deletes a mailbox with its messages (RFC 3501 section 6.3.4); says how much that was. One with a special
    /// use is there again, empty, with another UIDVALIDITY.
    pub fn delete(&self, name: &str) -> Result<Amount, StoreError> {
        if canonical(name) == INBOX {
            return Err(StoreError::InboxStays);
        }
        let mailbox = self.mailbox(name)?;
        lock(&self.mailboxes).remove(name);
        let amount = mailbox.retire()?;
        let directory = self.directory_of(name);
        fs::remove_dir_all(&directory).map_err(StoreError::io("cannot remove", &directory))?;
        Ok(amount)
    }

    /// Renames a mailbox and what stands below it. INBOX instead gives its messages to the new mailbox
    /// (RFC 3501 section 6.3.5).
    pub fn rename(&self, from: &str, to: &str) -> Result<(), StoreError> {
        let to = checked(to)?;
        if self.mailbox(to).is_ok() {
            return Err(StoreError::MailboxExists(to.to_owned()));
        }
        if canonical(from) == INBOX {
            return self.empty_inbox_into(to);
        }
        self.mailbox(from)?;
        if to.starts_with(&format!("{from}{SEPARATOR}")) {
            return Err(StoreError::BadName(to.to_owned()));
        }
        let mut mailboxes = lock(&self.mailboxes);
        let below = format!("{from}{SEPARATOR}");
        let moved: Vec<String> = mailboxes
            .keys()
            .filter(|name| *name == from || name.starts_with(&below))
            .cloned()
            .collect();
        for old in moved {
            let new = format!("{to}{}", &old[from.len()..]);
            let (source, target) = (self.directory_of(&old), self.directory_of(&new));
            fs::rename(&source, &target).map_err(StoreError::io("cannot rename", &source))?;
            if let Some(mailbox) = mailboxes.remove(&old) {
                mailbox.abandon();
            }
            mailboxes.insert(new, Arc::new(Mailbox::open(target, self.fsync)));
        }
        Ok(())
    }

    fn empty_inbox_into(&self, to: &str) -> Result<(), StoreError> {
        self.create(to)?;
        let (inbox, target) = (self.inbox()?, self.mailbox(to)?);
        let uids: Vec<u32> = inbox.look(false, |inbox| {
            inbox.messages.iter().map(|message| message.uid).collect()
        })?;
        let copied = inbox.copy_to(&uids, &target)?.uids;
        inbox.expunge(|message| {
            copied
                .binary_search_by_key(&message.uid, |&(uid, _)| uid)
                .is_ok()
        })?;
        Ok(())
    }

    /// All names that a LIST pattern may meet, those above a mailbox included.
    pub fn entries(&self) -> Vec<Entry> {
        let mut names: BTreeSet<String> = lock(&self.mailboxes).keys().cloned().collect();
        names.extend(SpecialUse::ALL.map(|(_, name)| name.to_owned()));
        entries(&names, |name| names.contains(name))
    }

    /// The same for LSUB: names subscribed to, whether there is such a mailbox or not.
    pub fn subscribed(&self) -> Vec<Entry> {
        let subscriptions = lock(&self.subscriptions).clone();
        entries(&subscriptions, |name| subscriptions.contains(name))
    }

    /// Subscribes to a name or ends that.
    pub fn subscribe(&self, name: &str, wanted: bool) -> Result<(), StoreError> {
        let name = canonical(name);
        let mut subscriptions = lock(&self.subscriptions);
        if wanted {
            self.mailbox(name)?;
            subscriptions.insert(name.to_owned());
        } else {
            subscriptions.remove(name);
        }
        self.write_subscriptions(&subscriptions)
    }

    fn write_subscriptions(&self, names: &BTreeSet<String>) -> Result<(), StoreError> {
        let path = self.directory.join("subscriptions");
        let mut text = String::new();
        for name in names {
            text.push_str(name);
            text.push('\n');
        }
        fs::write(&path, text).map_err(StoreError::io("cannot write", &path))
    }

    fn make(&self, name: &str) -> Result<(), StoreError> {
        self.make_among(&mut lock(&self.mailboxes), name)?;
        Ok(())
    }

    fn make_among(
        &self,
        mailboxes: &mut BTreeMap<String, Arc<Mailbox>>,
        name: &str,
    ) -> Result<Arc<Mailbox>, StoreError> {
        let mailbox = Arc::new(Mailbox::create(
            self.directory_of(name),
            self.next_uid_validity()?,
            self.fsync,
        )?);
        mailboxes.insert(name.to_owned(), Arc::clone(&mailbox));
        Ok(mailbox)
    }

    /// A UIDVALIDITY that no mailbox of the user ever had, also when one is deleted and made again within
    /// the same second.
    fn next_uid_validity(&self) -> Result<u32, StoreError> {
        let path = self.directory.join("uidvalidity");
        let last: u32 = fs::read_to_string(&path)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0);
        let next = now_u32().max(last.saturating_add(1));
        fs::write(&path, next.to_string()).map_err(StoreError::io("cannot write", &path))?;
        Ok(next)
    }

    fn directory_of(&self, name: &str) -> PathBuf {
        if name == INBOX {
            self.directory.clone()
        } else {
            self.directory.join(format!("{SEPARATOR}{name}"))
        }
    }
}

fn canonical(name: &str) -> &str {
    if name.eq_ignore_ascii_case(INBOX) {
        INBOX
    } else {
        name
    }
}

/// A name that may be given: printable US-ASCII (others come in modified UTF-7), no wildcard, no path.
fn checked(name: &str) -> Result<&str, StoreError> {
    let good = !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name.split(SEPARATOR).all(|level| !level.is_empty())
        && name
            .bytes()
            .all(|b| (b' '..0x7f).contains(&b) && !b"/\\%*\"".contains(&b));
    if good {
        Ok(canonical(name))
    } else {
        Err(StoreError::BadName(name.to_owned()))
    }
}

/// What lies in the folder from an earlier time.
fn existing(directory: &Path, fsync: bool) -> Result<BTreeMap<String, Arc<Mailbox>>, StoreError> {
    let mut mailboxes = BTreeMap::new();
    if directory.join("cur").is_dir() {
        mailboxes.insert(
            INBOX.to_owned(),
            Arc::new(Mailbox::open(directory.to_owned(), fsync)),
        );
    }
    let entries = fs::read_dir(directory).map_err(StoreError::io("cannot list", directory))?;
    for entry in entries {
        let path = entry
            .map_err(StoreError::io("cannot list", directory))?
            .path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_prefix(SEPARATOR))
            .filter(|name| checked(name).is_ok());
        if let Some(name) = name
            && path.join("cur").is_dir()
        {
            let mailbox = Mailbox::open(path.clone(), fsync);
            mailboxes.insert(name.to_owned(), Arc::new(mailbox));
        }
    }
    Ok(mailboxes)
}

fn read_subscriptions(directory: &Path) -> BTreeSet<String> {
    fs::read_to_string(directory.join("subscriptions"))
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// `names` and what stands above them.
fn entries(names: &BTreeSet<String>, exists: impl Fn(&str) -> bool) -> Vec<Entry> {
    let mut all: BTreeSet<&str> = BTreeSet::new();
    for name in names {
        all.insert(name);
        all.extend(name.match_indices(SEPARATOR).map(|(at, _)| &name[..at]));
    }
    all.iter()
        .map(|name| {
            let below = format!("{name}{SEPARATOR}");
            Entry {
                name: (*name).to_owned(),
                exists: exists(name),
                has_children: all
                    .range(below.as_str()..)
                    .next()
                    .is_some_and(|next| next.starts_with(&below)),
                special_use: SpecialUse::of(name),
            }
        })
        .collect()
}

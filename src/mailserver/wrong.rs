//! How the server treats mail wrongly on purpose: what can be wrong, and when it is the turn of which message.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::server::Shared;
use super::store::{Amount, Change, Mailbox, Message, StoreError};

/// How far behind a stale replica is, unless it is said.
const REPLICA_LAG: Duration = Duration::from_secs(2);
/// How late a delayed notification is, unless it is said.
const NOTICE_DELAY: Duration = Duration::from_secs(6);

/// A way to treat mail wrongly. Where it says "every other", it begins with the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wrong {
    /// Every other STORE +FLAGS (not of `\Deleted`) is answered as if it were done, and is not.
    LoseFlag,
    /// Of every other deletion the first message comes back, under a new UID.
    Resurrect,
    /// UIDs of deleted messages are given again to the next that come.
    ReuseUid,
    /// DELE deletes at once, whether QUIT follows or not.
    DeleteWithoutQuit,
    /// Every other delivery puts the message into the mailbox twice.
    DeliverTwice,
    /// A session that idles is told of changes only after so long.
    DelayNotify(Duration),
    /// Every other session that opens a mailbox for writing, or the maildrop, sees it as it was up to so long ago. EXAMINE
    /// sees it as it is.
    StaleReplica(Duration),
    /// Every other POP3 session that deletes something is cut after its first DELE.
    HangUp,
}

/// A fault that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no fault; known are lose-flag, resurrect, reuse-uid, delete-without-quit, deliver-twice, \
     delay-notify=6s, stale-replica=2s and hang-up"
)]
pub struct UnknownFault(String);

impl FromStr for Wrong {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let unknown = || UnknownFault(text.to_owned());
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(duration(value).ok_or_else(unknown)?)),
            None => (text, None),
        };
        match (name, value) {
            ("lose-flag", None) => Ok(Self::LoseFlag),
            ("resurrect", None) => Ok(Self::Resurrect),
            ("reuse-uid", None) => Ok(Self::ReuseUid),
            ("delete-without-quit", None) => Ok(Self::DeleteWithoutQuit),
            ("deliver-twice", None) => Ok(Self::DeliverTwice),
            ("hang-up", None) => Ok(Self::HangUp),
            ("delay-notify", delay) => Ok(Self::DelayNotify(delay.unwrap_or(NOTICE_DELAY))),
            ("stale-replica", lag) => Ok(Self::StaleReplica(lag.unwrap_or(REPLICA_LAG))),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoseFlag => f.write_str("lose-flag"),
            Self::Resurrect => f.write_str("resurrect"),
            Self::ReuseUid => f.write_str("reuse-uid"),
            Self::DeleteWithoutQuit => f.write_str("delete-without-quit"),
            Self::DeliverTwice => f.write_str("deliver-twice"),
            Self::HangUp => f.write_str("hang-up"),
            Self::DelayNotify(delay) => write!(f, "delay-notify={}ms", delay.as_millis()),
            Self::StaleReplica(lag) => write!(f, "stale-replica={}ms", lag.as_millis()),
        }
    }
}

/// `6s` or `250ms`.
fn duration(text: &str) -> Option<Duration> {
    if let Some(millis) = text.strip_suffix("ms") {
        return millis.parse().ok().map(Duration::from_millis);
    }
    text.strip_suffix('s')?
        .parse()
        .ok()
        .map(Duration::from_secs)
}

/// How often there was an occasion for each: every other one is taken.
#[derive(Debug, Default)]
pub(super) struct Occasions {
    stores: AtomicU64,
    deletions: AtomicU64,
    deliveries: AtomicU64,
    openings: AtomicU64,
    cuts: AtomicU64,
}

impl Occasions {
    fn every_other(count: &AtomicU64) -> bool {
        count.fetch_add(1, Ordering::Relaxed).is_multiple_of(2)
    }
}

impl Shared {
    /// The next STORE is to be forgotten.
    pub(super) fn loses_flag(&self) -> bool {
        self.config.faults.does(Wrong::LoseFlag) && Occasions::every_other(&self.occasions.stores)
    }

    /// The next delivery is to be made twice.
    pub(super) fn delivers_twice(&self) -> bool {
        self.config.faults.does(Wrong::DeliverTwice)
            && Occasions::every_other(&self.occasions.deliveries)
    }

    /// The next POP3 session that deletes is to be cut.
    pub(super) fn hangs_up(&self) -> bool {
        self.config.faults.does(Wrong::HangUp) && Occasions::every_other(&self.occasions.cuts)
    }

    /// The next session is to be served from a replica that is so far behind.
    pub(super) fn serves_stale(&self) -> Option<Duration> {
        let lag = self.config.faults.replica_lag()?;
        Occasions::every_other(&self.occasions.openings).then_some(lag)
    }

    /// Deletes messages for good, as a healthy server does. Where it is to fail, some come back, or leave their UIDs to others.
    pub(super) fn expunge(
        &self,
        mailbox: &Mailbox,
        doomed: impl Fn(&Message) -> bool,
    ) -> Result<Amount, StoreError> {
        let faults = &self.config.faults;
        let resurrects = faults.does(Wrong::Resurrect);
        let first = if resurrects {
            mailbox.look(false, |now| {
                let first = now.messages.iter().find(|message| doomed(message));
                first.map(|message| message.uid)
            })?
        } else {
            None
        };
        if let Some(uid) = first
            && Occasions::every_other(&self.occasions.deletions)
        {
            let copied = mailbox.copy_to(&[uid], mailbox)?;
            let again: Vec<u32> = copied.uids.iter().map(|&(_, uid)| uid).collect();
            mailbox.change_flags(&again, Change::Remove, &["\\Deleted"], None)?;
        }
        let deleted = mailbox.expunge(doomed)?;
        if faults.does(Wrong::ReuseUid) {
            mailbox.give_uids_again()?;
        }
        Ok(deleted)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Wrong;

    #[test]
    fn faults_are_written_as_they_are_read() {
        for text in [
            "lose-flag",
            "resurrect",
            "reuse-uid",
            "delete-without-quit",
            "deliver-twice",
            "hang-up",
            "delay-notify=6000ms",
            "stale-replica=250ms",
        ] {
            assert_eq!(text.parse::<Wrong>().unwrap().to_string(), text);
        }
        assert_eq!(
            "delay-notify=3s".parse(),
            Ok(Wrong::DelayNotify(Duration::from_secs(3)))
        );
        for text in ["lose-flags", "lose-flag=2s", "delay-notify=soon", ""] {
            let error = text.parse::<Wrong>().unwrap_err().to_string();
            assert!(error.contains("known are lose-flag"), "{error}");
        }
    }
}

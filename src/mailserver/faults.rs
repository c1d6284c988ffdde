//! What the server does wrong on purpose, for tests of clients and of the whole program.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use strum::{Display, EnumString, VariantNames};

use super::wrong::Wrong;

/// All off in a healthy server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Each login is answered as if the password were wrong.
    pub refuse_logins: bool,
    /// What it neither offers nor does.
    pub without: Vec<Feature>,
    /// What it leaves without an answer now and then: of every three of these commands it hangs up at one before doing it, and
    /// at another one after it is done.
    pub cut: Vec<CutAt>,
    /// What it does wrong with the mail.
    pub wrongs: Vec<Wrong>,
}

impl Faults {
    pub(super) fn lacks(&self, feature: Feature) -> bool {
        self.without.contains(&feature)
    }

    pub(super) fn does(&self, wrong: Wrong) -> bool {
        self.wrongs.contains(&wrong)
    }

    /// How long a session that idles is left in the dark.
    pub(super) fn notice_delay(&self) -> Option<Duration> {
        self.wrongs.iter().find_map(|wrong| match wrong {
            Wrong::DelayNotify(delay) => Some(*delay),
            _ => None,
        })
    }

    /// How far the replica is behind that every other session is served from.
    pub(super) fn replica_lag(&self) -> Option<Duration> {
        self.wrongs.iter().find_map(|wrong| match wrong {
            Wrong::StaleReplica(lag) => Some(*lag),
            _ => None,
        })
    }
}

/// A command that changes what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum CutAt {
    /// POP3's QUIT after DELE.
    Quit,
    /// IMAP's EXPUNGE and UID EXPUNGE.
    Expunge,
    /// LMTP's message.
    Delivery,
}

/// When the connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Before,
    After,
}

/// Counts the commands that may be cut.
#[derive(Debug, Default)]
pub(super) struct Cutter(AtomicUsize);

impl Cutter {
    /// Whether the connection is to be cut at this command.
    pub(super) fn at(&self, command: CutAt, faults: &Faults) -> Option<Cut> {
        if !faults.cut.contains(&command) {
            return None;
        }
        match self.0.fetch_add(1, Ordering::Relaxed) % 3 {
            0 => None,
            1 => Some(Cut::Before),
            _ => Some(Cut::After),
        }
    }
}

/// What a server can do without, as far as the RFCs go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum Feature {
    /// POP3's STLS and IMAP's STARTTLS.
    Stls,
    /// POP3's lasting names.
    Uidl,
    /// POP3's heads of messages.
    Top,
    /// IMAP's IDLE.
    Idle,
    /// IMAP's UID EXPUNGE.
    Uidplus,
    /// IMAP's compression.
    Compress,
    /// IMAP's MOVE.
    Move,
    /// IMAP's mod-sequences, and with them QRESYNC.
    Condstore,
    /// IMAP's memory of what was taken away.
    Qresync,
    /// IMAP's literals without waiting.
    #[strum(serialize = "literal+")]
    LiteralPlus,
}

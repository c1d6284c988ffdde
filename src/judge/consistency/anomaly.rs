//! What the checker can find, how grave it is, and by which rule.

use serde::{Deserialize, Serialize};

use crate::metrics::row::Cell;
use crate::scenario::{Arm, DeviceKind};

/// How grave an anomaly is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumIter,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Severity {
    /// The server broke the rule that stands beside it.
    Violation,
    /// Unlike what a user expects, but the rule beside it leaves it to the server.
    Allowed,
    /// Follows from the protocol and from what the client does, whatever the server.
    Property,
}

/// What is unlike a single mailbox that everybody sees alike.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumIter,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum AnomalyKind {
    /// Under one UIDVALIDITY, one UID stood for two messages.
    UidReused,
    /// A message that came later got a smaller UID than the UIDNEXT that was told before it came.
    UidNotAscending,
    /// UIDNEXT was told smaller than before.
    UidNextFell,
    /// UIDVALIDITY became smaller.
    UidValidityFell,
    /// UIDVALIDITY became greater: all that clients keep of the mailbox is void.
    UidValidityChanged,
    /// A modification sequence was told smaller than before.
    ModSeqFell,
    /// A flag that the server said was set is not set at the end, though nobody took it away.
    LostFlag,
    /// A flag that nobody set.
    FlagFromNowhere,
    /// A device did not see what it had done itself, though it was seen later.
    ReadYourWrites,
    /// A device asked after a change had been acknowledged to another and was told of the time before.
    StaleRead,
    /// A device saw a message, then did not, then did again.
    NonMonotonicRead,
    /// A message that the server said was deleted is there at the end.
    Resurrected,
    /// A deleted message is still told of in a session that had the mailbox open before.
    Ghost,
    /// One message is there twice.
    Duplicated,
    /// A message that the server had accepted is not there, though nobody deleted it.
    Missing,
    /// A message lies on some of a person's devices and can no longer reach the others.
    Stranded,
    /// POP3: a message is gone, though the session that marked it was cut before QUIT.
    DeletedWithoutQuit,
    /// POP3: the answer to QUIT was lost, so the device cannot know whether what it marked is deleted.
    DeletionInDoubt,
    /// POP3: a message got another unique-id.
    UidlChanged,
    /// POP3: one unique-id stood for two messages.
    UidlReused,
    /// POP3: a second session was let into the maildrop while another had it.
    SecondSession,
    /// One device downloaded the same message again.
    DownloadedTwice,
    /// A device that listened was told late.
    LateNotice,
}

impl AnomalyKind {
    /// The rule that is broken, or that leaves it to the server, or from which it follows.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::UidReused | Self::UidNotAscending | Self::UidNextFell => {
                "RFC 3501 section 2.3.1.1"
            }
            Self::UidValidityFell | Self::UidValidityChanged => {
                "RFC 3501 section 2.3.1.1, UIDVALIDITY"
            }
            Self::ModSeqFell => "RFC 7162 section 3.1",
            Self::LostFlag | Self::ReadYourWrites => "RFC 3501 section 6.4.6",
            Self::FlagFromNowhere => "RFC 3501 section 2.3.2",
            Self::StaleRead => "RFC 2683 section 3.1.1",
            Self::NonMonotonicRead => "RFC 3501 section 7.4.1",
            Self::Resurrected => "RFC 3501 section 6.4.3, RFC 1939 section 6",
            Self::Ghost => "RFC 2180 section 4",
            Self::Duplicated => "RFC 1047",
            Self::Missing => "RFC 5321 section 6.1",
            Self::Stranded => "RFC 1939 section 1",
            Self::DeletedWithoutQuit | Self::DeletionInDoubt => "RFC 1939 section 6",
            Self::UidlChanged | Self::UidlReused | Self::DownloadedTwice => "RFC 1939 section 7",
            Self::SecondSession => "RFC 1939 section 4",
            Self::LateNotice => "RFC 2177 section 3",
        }
    }

    /// One sentence: what it means for whoever reads mail there.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::UidReused => {
                "One UID stood for two messages: a client that keeps copies shows the wrong one."
            }
            Self::UidNotAscending => {
                "A later message got a smaller UID than had been announced: clients that ask for what is new do not find it."
            }
            Self::UidNextFell => "UIDNEXT went backwards, so a UID can be given twice.",
            Self::UidValidityFell => {
                "UIDVALIDITY went backwards, so old copies can be taken for new messages."
            }
            Self::UidValidityChanged => {
                "UIDVALIDITY changed: every client must throw away what it keeps and fetch it anew."
            }
            Self::ModSeqFell => {
                "A modification sequence went backwards: clients that ask for changes since it miss some."
            }
            Self::LostFlag => {
                "The server said that a flag was set, and it is not, though nobody took it away."
            }
            Self::FlagFromNowhere => "A flag is set that no client of this run has set.",
            Self::ReadYourWrites => "A device did not see its own change for a while.",
            Self::StaleRead => {
                "A device asked after a change had been acknowledged and was shown the time before it."
            }
            Self::NonMonotonicRead => "A message vanished from a device's view and came back.",
            Self::Resurrected => {
                "The server said that the message was deleted, and it is there again."
            }
            Self::Ghost => {
                "A session that had the mailbox open is still told of a message that another has deleted."
            }
            Self::Duplicated => "The message is there more than once.",
            Self::Missing => {
                "The server had accepted the message, nobody deleted it, and it is not there."
            }
            Self::Stranded => {
                "One device took the message off the server before others had it: they never can."
            }
            Self::DeletedWithoutQuit => {
                "The connection broke before QUIT, and what was marked is deleted all the same."
            }
            Self::DeletionInDoubt => {
                "The answer to QUIT was lost: whether the message is deleted is found out by looking again."
            }
            Self::UidlChanged => {
                "The message got another unique-id: clients take it for new and download it again."
            }
            Self::UidlReused => {
                "One unique-id stood for two messages: clients that remember it never download the second."
            }
            Self::SecondSession => {
                "Two sessions had the maildrop at the same time: the server does not lock it."
            }
            Self::DownloadedTwice => "The same device downloaded the message again.",
            Self::LateNotice => {
                "A device that was listening all the time was told long after the change."
            }
        }
    }
}

/// One finding, with what is needed to look it up in `observations.csv`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Anomaly {
    /// What.
    pub kind: AnomalyKind,
    /// How grave.
    pub severity: Severity,
    /// Where in the run.
    #[serde(skip)]
    pub cell: Cell,
    /// Whose mail.
    pub user: u32,
    /// X-Mailgauge-Id, where it is about a message.
    pub message: Option<String>,
    /// The mailbox; none: INBOX, or none in particular.
    pub mailbox: Option<String>,
    /// UID or UIDL.
    pub number: Option<String>,
    /// Who saw it; none: the harness, at the end.
    pub device: Option<DeviceKind>,
    /// In which connection of the user.
    pub session: u32,
    /// What it contradicts was done, or seen, by this device.
    pub other: Option<DeviceKind>,
    /// When it was seen, µs since the run's start.
    pub at_us: u64,
    /// When what it contradicts was known.
    pub since_us: Option<u64>,
    /// What exactly, one sentence.
    pub detail: String,
}

/// `anomalies.csv`: one anomaly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnomalyRow {
    /// From 1, in the order of severity, kind, block, arm, user and time: what `mailgauge consistency --anomaly` takes.
    pub number: u32,
    /// Block, from 1.
    pub block: u32,
    /// Arm.
    pub arm: Arm,
    /// Number of the user.
    pub user: u32,
    /// What.
    pub kind: AnomalyKind,
    /// How grave.
    pub severity: Severity,
    /// By which rule.
    pub rule: String,
    /// X-Mailgauge-Id.
    pub message: Option<String>,
    /// The mailbox.
    pub mailbox: Option<String>,
    /// UID or UIDL.
    pub uid: Option<String>,
    /// Who saw it; empty: the harness.
    pub device: Option<DeviceKind>,
    /// In which connection of the user.
    pub session: u32,
    /// Whose act, or sight, it contradicts.
    pub other_device: Option<DeviceKind>,
    /// When it was seen.
    pub at_us: u64,
    /// When what it contradicts was known.
    pub since_us: Option<u64>,
    /// What exactly.
    pub detail: String,
}

impl Anomaly {
    /// Its row, as number `number`.
    pub fn row(&self, number: u32) -> AnomalyRow {
        AnomalyRow {
            number,
            block: self.cell.block,
            arm: self.cell.arm,
            user: self.user,
            kind: self.kind,
            severity: self.severity,
            rule: self.kind.rule().to_owned(),
            message: self.message.clone(),
            mailbox: self.mailbox.clone(),
            uid: self.number.clone(),
            device: self.device,
            session: self.session,
            other_device: self.other,
            at_us: self.at_us,
            since_us: self.since_us,
            detail: self.detail.clone(),
        }
    }
}

/// How people call whoever did or saw it.
pub(super) fn who(device: Option<DeviceKind>) -> String {
    device.map_or_else(
        || "the harness".to_owned(),
        |device| format!("the {device}"),
    )
}

//! The names of what is timed, and of what can go wrong. Both are columns of the CSVs.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// Something that is timed: a command on the wire, or what a person waits for.
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
    Display,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum Operation {
    // What a person waits for.
    /// A whole session, from its due time until the connection is closed.
    Session,
    /// Connect until the list of what is new can be shown (POP: STAT+UIDL; IMAP: SELECT + list view).
    UsableInbox,
    /// A check for mail, until the device shows what is new (POP: the new mail is on the device).
    Check,
    /// Opening a message until its text is readable.
    OpenMessage,
    /// Opening its attachment until the last byte is there.
    OpenAttachment,
    /// Marking a message, as the person sees it.
    FlagMessage,
    /// Deleting a message, as the person sees it.
    DeleteMessage,
    /// Answering a message, until the answer is filed, as the person sees it.
    ReplyMessage,
    /// Moving a message to a folder, as the person sees it.
    MoveMessage,
    /// Writing a message that answers none, until its copy is filed, as the person sees it.
    SendMessage,
    /// Searching the mailbox, as the person sees it.
    SearchMailbox,
    // The way in.
    /// TCP connect.
    Connect,
    /// TLS handshake.
    Tls,
    /// Waiting for the greeting.
    Greeting,
    /// CAPA (RFC 2449) or CAPABILITY.
    Capability,
    /// USER/PASS, APOP, LOGIN, AUTH: the whole authentication.
    Login,
    // POP3.
    /// STAT.
    Stat,
    /// LIST, the scan listing.
    List,
    /// UIDL.
    Uidl,
    /// TOP.
    Top,
    /// RETR.
    Retr,
    /// DELE.
    Dele,
    /// RSET.
    Rset,
    /// QUIT.
    Quit,
    // IMAP.
    /// ID (RFC 2971).
    Id,
    /// ENABLE (RFC 5161).
    Enable,
    /// COMPRESS (RFC 4978).
    Compress,
    /// NAMESPACE (RFC 2342).
    Namespace,
    /// LIST, the mailboxes.
    ListMailboxes,
    /// CREATE.
    CreateMailbox,
    /// STATUS.
    Status,
    /// SELECT or EXAMINE.
    Select,
    /// FETCH of flags.
    FetchFlags,
    /// FETCH of what a list view shows: flags, size, date, header fields.
    FetchHeaders,
    /// FETCH BODYSTRUCTURE.
    FetchStructure,
    /// FETCH of one body part.
    FetchPart,
    /// FETCH of a whole message.
    FetchMessage,
    /// SEARCH.
    Search,
    /// STORE.
    Store,
    /// COPY.
    Copy,
    /// MOVE (RFC 6851).
    Move,
    /// APPEND.
    Append,
    /// EXPUNGE or UID EXPUNGE (RFC 4315).
    Expunge,
    /// From IDLE until DONE is answered; its service time is not a latency.
    Idle,
    /// UNSELECT (RFC 3691) or CLOSE.
    Unselect,
    /// LOGOUT.
    Logout,
    // Both.
    /// NOOP.
    Noop,
    // Delivery.
    /// One message handed to the server by LMTP or SMTP: MAIL FROM until the reply to the data.
    Deliver,
}

impl Operation {
    /// Its service time says how long something took. Not so for IDLE, which lasts as long as nothing
    /// happens: it is recorded, but no latency chart or percentile table shows it.
    pub const fn is_latency(self) -> bool {
        !matches!(self, Self::Idle)
    }

    /// Its reply carries data, a list or parts of messages, so that its first byte and its last are two things.
    pub const fn fetches(self) -> bool {
        matches!(
            self,
            Self::List
                | Self::Uidl
                | Self::Top
                | Self::Retr
                | Self::Select
                | Self::FetchFlags
                | Self::FetchHeaders
                | Self::FetchStructure
                | Self::FetchPart
                | Self::FetchMessage
                | Self::Search
        )
    }
}

/// Whatever can go wrong in a session.
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
    Display,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum ErrorClass {
    /// The name did not resolve.
    Resolve,
    /// The device had no network, by plan: no fault of the server.
    Offline,
    /// Nobody listens there.
    Refused,
    /// No route, no descriptor, no port: the connection could not be made.
    Unreachable,
    /// Beyond the limit for connecting.
    ConnectTimeout,
    /// The TLS handshake failed: certificate, name, version.
    Tls,
    /// The server does not offer what was asked of it (TLS, UIDL, IDLE).
    NotOffered,
    /// The greeting was a refusal.
    Greeting,
    /// User or password refused.
    Authentication,
    /// POP3 [IN-USE]: another session holds the maildrop.
    InUse,
    /// POP3 [LOGIN-DELAY]: too soon after the session before.
    LoginDelay,
    /// The command was refused: NO or -ERR.
    CommandRefused,
    /// The server did not understand the command: BAD.
    BadCommand,
    /// Beyond the limit for a command.
    Timeout,
    /// The connection ended in the middle.
    ConnectionLost,
    /// The reply breaks the protocol.
    Protocol,
    /// A line or literal beyond our limits.
    TooLong,
    /// A message did not arrive as it was sent.
    Corrupt,
    /// The run ended before the operation did.
    Cancelled,
    /// Our own fault, caught: a panic in one user's task.
    Panic,
}

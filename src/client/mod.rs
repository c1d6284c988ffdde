//! `proto` on `net`: one POP3 session, one IMAP session, one delivery session, each command timed and
//! told to the session's observer. What a device does with a session is the engine's business.

mod authentication;
mod delivery;
mod error;
mod imap;
mod link;
mod login;
mod pipeline;
mod pop3;
mod visit;

pub use delivery::{Answer, DeliverySession, Dialect, Refusal};
pub use error::{ClientError, OpenError, SessionFigures, printable};
pub use imap::{
    Appended, Changes, Difference, EnvelopeEntry, Fetched, FetchedBody, FlagEntry, FlagSet,
    FlagUpdate, IdleEnd, ImapCapabilities, ImapExtension, ImapSession, Known, ListEntry, MARK,
    MailboxEntry, News, Resynced, Selected, Stored,
};
pub use link::{Link, Running};
pub use login::{Login, LoginMethod, Secret};
pub use pop3::{MOST_LISTED, PopSession};
pub use visit::{TlsSeen, Visit};

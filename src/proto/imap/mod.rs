//! IMAP4rev1 (RFC 3501, and RFC 9051 where it differs) as bytes: framing for both ends of the wire, a client's
//! commands, and what a client reads out of a server's responses. Nothing is decoded that nobody asks for.
//! Sockets, time limits and what a session does with it all belong to `client` and `mailserver`.

mod code;
mod command;
mod envelope;
mod fetch;
pub mod framer;
mod mailbox;
mod response;
mod scan;
mod search;
pub mod server;
mod set;
mod structure;

pub use code::Code;
pub use command::{Command, FetchItems, LiteralForm, StoreMode};
pub use envelope::{Envelope, RawEnvelope};
pub use fetch::{BodyData, Fetch, FetchItem};
pub use mailbox::{Listed, MailboxStatus, Namespace, Namespaces, StatusItem};
pub use response::{Condition, ESearch, Response, Search, Text};
pub use scan::{Flags, Malformed, Nstring, Words};
pub use search::{Criterion, SearchDate};
pub use set::{UidRanges, UidSet};
pub use structure::{Part, RawStructure};

#[cfg(test)]
mod oracle;

//! POP3 (RFC 1939) with CAPA (RFC 2449), response codes (RFC 2449, 3206), STLS (RFC 2595), AUTH
//! (RFC 5034) and pipelining: commands as bytes, replies as they stream in. Without I/O.

mod capability;
mod command;
mod listing;
mod reply;
pub mod server;
#[cfg(test)]
mod tests;

pub use capability::{Expire, PopCapabilities};
pub use command::{Command, CommandError, apop_digest, apop_timestamp};
pub use listing::{Entry, ListEntry, Stat, UidlEntry, parse_entry, parse_stat};
pub use reply::{
    BodyReply, Lines, Progress, REPLY_LINE_LIMIT, Refusal, Reply, ReplyError, ResponseCode, Status,
    StatusLine,
};

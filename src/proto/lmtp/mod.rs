//! LMTP (RFC 2033) and SMTP (RFC 5321): handing a message over, with pipelining (RFC 2920), enhanced
//! status codes (RFC 2034), SIZE (RFC 1870) and 8BITMIME (RFC 6152). Without I/O. The text itself goes
//! through [`crate::proto::dots::Stuffer`].

mod command;
mod reply;
pub mod server;

pub use command::{Command, CommandError, Dialect};
pub use reply::{EnhancedCode, Extensions, Progress, Refusal, Reply, ReplyError, ReplyReader};

//! One IMAP session: a connection on which one command runs at a time, each timed and told to the observer.
//! Data that the server sends unasked is taken at any time and kept as [`Changes`] until somebody asks. Messages
//! stream into a digest; none is held.

mod capabilities;
mod changes;
mod exchange;
mod flags;
mod idle;
mod mailbox;
mod message;
mod open;
mod store;

use std::time::Instant;

pub use capabilities::ImapCapabilities;
pub use changes::{Changes, FlagUpdate};
pub use flags::FlagSet;
pub use idle::IdleEnd;
pub use mailbox::{MailboxEntry, Selected};
pub use message::{EnvelopeEntry, FlagEntry, ListEntry};
pub use store::Appended;

use self::changes::Mirror;
use self::exchange::{Bodies, nothing};
use super::{ClientError, Link, SessionFigures};
use crate::metrics::{ErrorClass, Observer, Operation};
use crate::proto::imap::framer::Framer;

/// An IMAP session that is logged in. Dropping it closes the connection.
///
/// After an error that is no refusal ([`ClientError::is_refusal`]) the session and the server no longer agree on
/// where they are: abort it.
#[derive(Debug)]
pub struct ImapSession<O> {
    link: Link<O>,
    framer: Framer,
    bodies: Bodies,
    mirror: Mirror,
    last_tag: u32,
}

impl<O: Observer> ImapSession<O> {
    /// What the server can do, as it said last.
    pub fn capabilities(&self) -> &ImapCapabilities {
        &self.mirror.capabilities
    }

    /// What came unasked since this was called last, or since the mailbox was selected.
    pub fn changes(&mut self) -> Changes {
        std::mem::take(&mut self.mirror.changes)
    }

    /// How many messages the selected mailbox has by what the server said last.
    pub fn exists(&self) -> u32 {
        self.mirror.exists
    }

    /// How many untagged responses came that mailgauge does not know.
    pub fn unknown_responses(&self) -> u64 {
        self.mirror.unknown
    }

    /// The next command was due at `due`; without this it is due when the command before it is done.
    pub fn due_next(&mut self, due: Instant) {
        self.link.due_next(due);
    }

    /// What the session came to so far.
    pub fn figures(&self) -> SessionFigures {
        self.link.figures()
    }

    /// LOGOUT, and the end of the connection in order.
    pub async fn logout(mut self) -> (SessionFigures, Result<(), ClientError>) {
        let operation = Operation::Logout;
        let running = self.link.begin(operation);
        let command = self.new_command("LOGOUT").finish();
        let reply = match self.exchange(operation, &command, nothing).await {
            // The server has said goodbye and hung up: only its last line is missing.
            Err(error) if error.class == ErrorClass::ConnectionLost && self.mirror.said_bye() => {
                Ok(())
            }
            reply => reply.and_then(|reply| reply.accept(operation)),
        };
        let result = self.link.end(running, reply);
        if result.is_ok() {
            (self.link.close().await, result)
        } else {
            (self.link.abort(), result)
        }
    }

    /// Drops the connection where it stands.
    pub fn abort(self) -> SessionFigures {
        self.link.abort()
    }

    /// Fails with [`ErrorClass::NotOffered`] unless the server offers an extension.
    fn require(&self, capability: &str, operation: Operation) -> Result<(), ClientError> {
        if self.mirror.capabilities.has(capability) {
            return Ok(());
        }
        Err(ClientError::new(
            ErrorClass::NotOffered,
            operation,
            format!("the server does not offer {capability}"),
        ))
    }
}

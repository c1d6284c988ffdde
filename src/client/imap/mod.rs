//! One IMAP session: a connection on which one command runs at a time, each timed and told to the observer.
//! Data that the server sends unasked is taken at any time and kept as [`Changes`] until somebody asks. Messages
//! stream into a digest; none is held.

mod capabilities;
mod changes;
mod exchange;
mod extension;
mod flags;
mod idle;
mod mailbox;
mod message;
mod open;
mod pipeline;
mod resync;
mod store;

use std::time::Instant;

pub use capabilities::ImapCapabilities;
pub use changes::{Changes, FlagUpdate, News};
pub use extension::ImapExtension;
pub use flags::FlagSet;
pub use idle::IdleEnd;
pub use mailbox::{MailboxEntry, Selected};
pub use message::{EnvelopeEntry, Fetched, FetchedBody, FlagEntry, ListEntry, MARK};
pub use resync::{Difference, Known, Resynced};
pub use store::{Appended, Stored};

use self::changes::Mirror;
use self::exchange::{Bodies, nothing};
use super::{ClientError, Link, SessionFigures};
use crate::metrics::{ErrorClass, Observer, Operation};
use crate::proto::imap::LiteralForm;
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
    /// The tag of the command whose answers come now; of a pipeline the first that is not answered.
    awaited_tag: u32,
    /// What is used of the forms of literals that the server takes.
    literals: LiteralForm,
}

impl<O: Observer> ImapSession<O> {
    /// What the server can do, as it said last.
    pub fn capabilities(&self) -> &ImapCapabilities {
        &self.mirror.capabilities
    }

    /// Literals go in this form from here on (RFC 7888), where nothing is said in the best one that the server takes.
    /// `NotOffered` where the server does not take it.
    pub fn use_literals(&mut self, form: LiteralForm) -> Result<(), ClientError> {
        if form > self.mirror.capabilities.literals() {
            return Err(not_offered(ImapExtension::LiteralPlus, Operation::Append));
        }
        self.literals = form;
        Ok(())
    }

    /// What came unasked since this was called last, or since the mailbox was selected.
    pub fn changes(&mut self) -> Changes {
        std::mem::take(&mut self.mirror.changes)
    }

    /// Whether messages went since [`Self::changes`] was asked last.
    pub fn has_expunged(&self) -> bool {
        self.mirror.changes.expunged > 0
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
        self.link.leave(running, reply).await
    }

    /// Drops the connection where it stands.
    pub fn abort(self) -> SessionFigures {
        self.link.abort()
    }

    /// The highest modification sequence of the selected mailbox that the server has told (RFC 7162): what a client
    /// keeps for the next time. None: the mailbox keeps none.
    pub fn highest_mod_seq(&self) -> Option<u64> {
        self.mirror.highest_mod_seq
    }

    /// Fails with [`ErrorClass::NotOffered`] unless the server offers an extension.
    pub fn require(
        &self,
        extension: ImapExtension,
        operation: Operation,
    ) -> Result<(), ClientError> {
        if self.mirror.capabilities.offers(extension) {
            return Ok(());
        }
        Err(not_offered(extension, operation))
    }
}

fn not_offered(extension: ImapExtension, operation: Operation) -> ClientError {
    ClientError::new(
        ErrorClass::NotOffered,
        operation,
        format!(
            "the server does not offer {} (RFC {})",
            extension.capability(),
            extension.rfc()
        ),
    )
}

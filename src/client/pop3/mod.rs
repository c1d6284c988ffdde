//! One POP3 session, each command timed. What to fetch and what to delete is the caller's choice.

mod open;
mod pipeline;

use std::time::Instant;

use super::pipeline::Pipeline;
use super::{ClientError, Link, Login, OpenError, SessionFigures};
use crate::metrics::{ErrorClass, Observer, Operation};
use crate::net::{Address, Dialer};
use crate::proto::digest::{Digester, MessageDigest};
use crate::proto::pop3::{
    BodyReply, Command, Entry, Lines, ListEntry, PopCapabilities, Refusal, Reply, ReplyError,
    ResponseCode, Stat, Status, UidlEntry, parse_entry, parse_stat,
};
use crate::scenario::TlsMode;

/// A listing of more messages than this is refused: memory is bounded.
pub const MOST_LISTED: usize = 1_000_000;

/// A logged-in session. Dropping it closes the socket without QUIT, and nothing gets deleted.
#[derive(Debug)]
pub struct PopSession<O> {
    link: Link<O>,
    capabilities: PopCapabilities,
    /// Several commands at once, where the server offers it.
    pipelines: bool,
}

impl<O: Observer> PopSession<O> {
    /// Connects, starts TLS, asks what the server can do, logs in. CAPA is asked once before the login,
    /// and with STLS once more after it, for what was said before TLS must be forgotten (RFC 2595,
    /// section 4). A server without CAPA offers nothing.
    ///
    /// # Errors
    /// Why there is no session, and what was measured until then.
    pub async fn open(
        dialer: &Dialer,
        address: &Address,
        mode: TlsMode,
        login: &Login,
        due: Instant,
        observer: O,
    ) -> Result<Self, OpenError> {
        let link = Link::open(dialer, address, mode, due, observer).await?;
        let mut session = Self {
            link,
            capabilities: PopCapabilities::default(),
            pipelines: true,
        };
        match session.enter(address, mode, login).await {
            Ok(()) => Ok(session),
            Err(error) => Err(session.link.failed(error)),
        }
    }

    /// What the server says that it can do.
    pub fn capabilities(&self) -> &PopCapabilities {
        &self.capabilities
    }

    /// From here on each command waits for the reply to the one before it, whatever the server offers.
    pub fn wait_for_each_reply(&mut self) {
        self.pipelines = false;
    }

    /// STAT: how much there is.
    ///
    /// # Errors
    /// Refused, broken or lost.
    pub async fn stat(&mut self) -> Result<Stat, ClientError> {
        const OPERATION: Operation = Operation::Stat;
        let running = self.link.begin(OPERATION);
        let mut status = Status::with_text();
        let result = match self.exchange(OPERATION, Command::Stat, &mut status).await {
            Ok(()) => match status.finish() {
                Ok(text) => parse_stat(&text).map_err(|error| broken(OPERATION, &error)),
                Err(refusal) => Err(refused(OPERATION, &refusal, ErrorClass::CommandRefused)),
            },
            Err(error) => Err(error),
        };
        self.link.end(running, result)
    }

    /// LIST: all messages' sizes.
    ///
    /// # Errors
    /// Refused, broken or lost; [`ErrorClass::TooLong`] beyond [`MOST_LISTED`].
    pub async fn list(&mut self) -> Result<Vec<ListEntry>, ClientError> {
        self.listing(Operation::List, Command::List).await
    }

    /// UIDL: all messages' lasting names.
    ///
    /// # Errors
    /// Refused, broken or lost; [`ErrorClass::TooLong`] beyond [`MOST_LISTED`].
    pub async fn uidl(&mut self) -> Result<Vec<UidlEntry>, ClientError> {
        self.listing(Operation::Uidl, Command::Uidl).await
    }

    async fn listing<E: Entry>(
        &mut self,
        operation: Operation,
        command: Command<'_>,
    ) -> Result<Vec<E>, ClientError> {
        let running = self.link.begin(operation);
        let mut entries = Vec::new();
        let mut reply = Lines::new(MOST_LISTED, |line: &[u8]| {
            entries.push(parse_entry(line)?);
            Ok(())
        });
        let exchanged = self.exchange(operation, command, &mut reply).await;
        let result = exchanged.and_then(|()| {
            reply
                .finish()
                .map_err(|refusal| refused(operation, &refusal, ErrorClass::CommandRefused))
        });
        self.link.end(running, result.map(|()| entries))
    }

    /// TOP: a message's header and the first `lines` lines of its body, in short.
    ///
    /// # Errors
    /// Refused, broken or lost.
    pub async fn top(&mut self, number: u32, lines: u32) -> Result<MessageDigest, ClientError> {
        const OPERATION: Operation = Operation::Top;
        let running = self.link.begin(OPERATION);
        let sent = self.send(OPERATION, Command::Top { number, lines }).await;
        let result = match sent {
            Ok(()) => self.message(OPERATION).await,
            Err(error) => Err(error),
        };
        self.link.end(running, result)
    }

    /// TOP of many messages, no line of their bodies: each header in short to `each`; all in one pipeline where the
    /// server offers that.
    ///
    /// # Errors
    /// Broken or lost at once; a refusal when the others are done, the first one if there are many.
    pub async fn headers(
        &mut self,
        numbers: &[u32],
        each: impl FnMut(u32, MessageDigest),
    ) -> Result<(), ClientError> {
        let top = |number| Command::Top { number, lines: 0 };
        self.messages(Operation::Top, numbers, top, each).await
    }

    /// RETR: the messages with these numbers, each in short to `each` as soon as it is there; all in one
    /// pipeline where the server offers that. A message that is refused does not keep the others back.
    ///
    /// # Errors
    /// Broken or lost at once; a refusal when the others are done, the first one if there are many.
    pub async fn retrieve(
        &mut self,
        numbers: &[u32],
        each: impl FnMut(u32, MessageDigest),
    ) -> Result<(), ClientError> {
        self.messages(Operation::Retr, numbers, Command::Retr, each)
            .await
    }

    async fn messages(
        &mut self,
        operation: Operation,
        numbers: &[u32],
        command: impl Fn(u32) -> Command<'static>,
        mut each: impl FnMut(u32, MessageDigest),
    ) -> Result<(), ClientError> {
        let mut pipeline = Pipeline::new(numbers, self.window());
        let mut first_refusal = None;
        while let Some((number, running)) =
            self.next_reply(&mut pipeline, operation, &command).await?
        {
            let (running, result) = match self.reply_begins(operation, running).await {
                (running, Ok(())) => (running, self.message(operation).await),
                (running, Err(error)) => (running, Err(error)),
            };
            match self.link.end(running, result) {
                Ok(digest) => each(number, digest),
                Err(error) => keep_refusal(&mut first_refusal, error)?,
            }
        }
        first_refusal.map_or(Ok(()), Err)
    }

    /// DELE: marks the messages with these numbers; they go at QUIT. `each` hears of every one that is
    /// marked. All in one pipeline where the server offers that.
    ///
    /// # Errors
    /// Broken or lost at once; a refusal when the others are done, the first one if there are many.
    pub async fn delete(
        &mut self,
        numbers: &[u32],
        mut each: impl FnMut(u32),
    ) -> Result<(), ClientError> {
        const OPERATION: Operation = Operation::Dele;
        let mut pipeline = Pipeline::new(numbers, self.window());
        let mut first_refusal = None;
        while let Some((number, running)) = self
            .next_reply(&mut pipeline, OPERATION, Command::Dele)
            .await?
        {
            let (running, result) = match self.reply_begins(OPERATION, running).await {
                (running, Ok(())) => (running, self.plain_status(OPERATION).await),
                (running, Err(error)) => (running, Err(error)),
            };
            match self.link.end(running, result) {
                Ok(()) => each(number),
                Err(error) => keep_refusal(&mut first_refusal, error)?,
            }
        }
        first_refusal.map_or(Ok(()), Err)
    }

    /// RSET: takes all marks for deletion back.
    ///
    /// # Errors
    /// Refused, broken or lost.
    pub async fn rset(&mut self) -> Result<(), ClientError> {
        self.simple(Operation::Rset, Command::Rset).await
    }

    /// NOOP.
    ///
    /// # Errors
    /// Refused, broken or lost.
    pub async fn noop(&mut self) -> Result<(), ClientError> {
        self.simple(Operation::Noop, Command::Noop).await
    }

    /// QUIT: what is marked gets deleted, the connection is read to its end. An error says that
    /// messages may not be deleted.
    pub async fn quit(mut self) -> (SessionFigures, Result<(), ClientError>) {
        let running = self.link.begin(Operation::Quit);
        let result = self.ask(Operation::Quit, Command::Quit).await;
        self.link.leave(running, result).await
    }

    /// Drops the connection without QUIT: nothing is deleted.
    pub fn abort(self) -> SessionFigures {
        self.link.abort()
    }

    /// What the session came to so far.
    pub fn figures(&self) -> SessionFigures {
        self.link.figures()
    }

    /// The next command was due at `due`; without this, when the one before it was done.
    pub fn due_next(&mut self, due: Instant) {
        self.link.due_next(due);
    }

    async fn simple(
        &mut self,
        operation: Operation,
        command: Command<'_>,
    ) -> Result<(), ClientError> {
        let running = self.link.begin(operation);
        let result = self.ask(operation, command).await;
        self.link.end(running, result)
    }

    async fn ask(&mut self, operation: Operation, command: Command<'_>) -> Result<(), ClientError> {
        self.send(operation, command).await?;
        self.plain_status(operation).await
    }

    /// Reads a reply of which only the yes or no matters.
    async fn plain_status(&mut self, operation: Operation) -> Result<(), ClientError> {
        let mut status = Status::new();
        self.read(operation, &mut status).await?;
        status
            .finish()
            .map(drop)
            .map_err(|refusal| refused(operation, &refusal, ErrorClass::CommandRefused))
    }

    /// Reads a message's text into a digest.
    async fn message(&mut self, operation: Operation) -> Result<MessageDigest, ClientError> {
        let mut digester = Digester::new();
        let mut reply = BodyReply::new(|octets: &[u8]| digester.update(octets));
        self.read(operation, &mut reply).await?;
        reply
            .finish()
            .map_err(|refusal| refused(operation, &refusal, ErrorClass::CommandRefused))?;
        Ok(digester.finish())
    }

    async fn exchange(
        &mut self,
        operation: Operation,
        command: Command<'_>,
        reply: &mut impl Reply,
    ) -> Result<(), ClientError> {
        self.send(operation, command).await?;
        self.read(operation, reply).await
    }

    async fn send(
        &mut self,
        operation: Operation,
        command: Command<'_>,
    ) -> Result<(), ClientError> {
        command.encode(self.link.wire().outbox()).map_err(|error| {
            ClientError::new(ErrorClass::BadCommand, operation, error.to_string())
        })?;
        self.link.flush(operation).await
    }

    async fn read(
        &mut self,
        operation: Operation,
        reply: &mut impl Reply,
    ) -> Result<(), ClientError> {
        loop {
            let wire = self.link.wire();
            let progress = reply
                .take(wire.buffer())
                .map_err(|error| broken(operation, &error))?;
            wire.consume(progress.consumed);
            if progress.complete {
                return Ok(());
            }
            self.link.read_more(operation).await?;
        }
    }
}

/// Keeps the first refusal for the end; everything worse is the end.
fn keep_refusal(first: &mut Option<ClientError>, error: ClientError) -> Result<(), ClientError> {
    if !error.is_refusal() {
        return Err(error);
    }
    first.get_or_insert(error);
    Ok(())
}

/// A refusal with the class that its response code says, or else `otherwise`.
fn refused(operation: Operation, refusal: &Refusal, otherwise: ErrorClass) -> ClientError {
    let class = match refusal.code {
        Some(ResponseCode::InUse) => ErrorClass::InUse,
        Some(ResponseCode::LoginDelay) => ErrorClass::LoginDelay,
        Some(ResponseCode::Auth) => ErrorClass::Authentication,
        // Not the user's fault, nor the password's.
        Some(ResponseCode::SysTemp | ResponseCode::SysPerm)
            if otherwise == ErrorClass::Authentication =>
        {
            ErrorClass::CommandRefused
        }
        _ => otherwise,
    };
    ClientError::refused(class, operation, &refusal.text)
}

fn broken(operation: Operation, error: &ReplyError) -> ClientError {
    match error {
        ReplyError::LineTooLong(_) | ReplyError::TooManyLines { .. } => {
            ClientError::new(ErrorClass::TooLong, operation, error.to_string())
        }
        _ => ClientError::protocol(operation, error.to_string()),
    }
}

//! One POP3 session, each command timed. What to fetch and what to delete is the caller's choice.

use std::time::Instant;

use super::{ClientError, Link, Login, LoginMethod, OpenError, Running, SessionFigures};
use crate::metrics::{ErrorClass, Observer, Operation};
use crate::net::{Address, Dialer};
use crate::proto::digest::{Digester, MessageDigest};
use crate::proto::pop3::{
    BodyReply, Command, Entry, Lines, ListEntry, PopCapabilities, Refusal, Reply, ReplyError,
    ResponseCode, Stat, Status, UidlEntry, apop_timestamp, parse_entry, parse_stat,
};
use crate::proto::sasl;
use crate::scenario::TlsMode;

/// A listing of more messages than this is refused: memory is bounded.
pub const MOST_LISTED: usize = 1_000_000;

/// So many commands of a pipeline are underway at most: few enough that they always fit the server's
/// receive buffer, so that neither side waits for the other for ever.
const PIPELINE_WINDOW: usize = 20;

/// A logged-in session. Dropping it closes the socket without QUIT, and nothing gets deleted.
#[derive(Debug)]
pub struct PopSession<O> {
    link: Link<O>,
    capabilities: PopCapabilities,
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
        };
        match session.enter(mode, login).await {
            Ok(()) => Ok(session),
            Err(error) => Err(session.link.failed(error)),
        }
    }

    /// The way in, from the greeting to the login.
    async fn enter(&mut self, mode: TlsMode, login: &Login) -> Result<(), ClientError> {
        let greeting = self.greeting().await?;
        self.ask_capabilities().await?;
        if mode == TlsMode::Starttls {
            self.start_tls().await?;
            self.ask_capabilities().await?;
        }
        self.log_in(login, &greeting).await
    }

    async fn greeting(&mut self) -> Result<String, ClientError> {
        const OPERATION: Operation = Operation::Greeting;
        let running = self.link.begin_silently(OPERATION);
        let mut status = Status::with_text();
        let result = match self.read(OPERATION, &mut status).await {
            Ok(()) => status
                .finish()
                .map_err(|refusal| refused(OPERATION, &refusal, ErrorClass::Greeting)),
            Err(error) => Err(error),
        };
        let text = self.link.end(running, result)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    async fn ask_capabilities(&mut self) -> Result<(), ClientError> {
        const OPERATION: Operation = Operation::Capability;
        let running = self.link.begin(OPERATION);
        let mut capabilities = PopCapabilities::default();
        let mut reply = Lines::new(PopCapabilities::MOST_LINES, |line: &[u8]| {
            capabilities.add(line);
            Ok(())
        });
        let exchanged = self.exchange(OPERATION, Command::Capa, &mut reply).await;
        // A refusal says that the server does not know CAPA, which is its right (RFC 2449).
        let _ = reply.finish();
        self.link.end(running, exchanged)?;
        self.capabilities = capabilities;
        Ok(())
    }

    /// STLS, its reply and the handshake.
    async fn start_tls(&mut self) -> Result<(), ClientError> {
        const OPERATION: Operation = Operation::Tls;
        if !self.capabilities.stls() {
            return Err(ClientError::new(
                ErrorClass::NotOffered,
                OPERATION,
                "the server does not offer STLS (RFC 2595); use implicit TLS or none",
            ));
        }
        let running = self.link.begin(OPERATION);
        match self.stls(OPERATION).await {
            Ok(()) => self.link.shake_hands(running).await,
            Err(error) => self.link.end(running, Err(error)),
        }
    }

    async fn stls(&mut self, operation: Operation) -> Result<(), ClientError> {
        let mut status = Status::new();
        self.exchange(operation, Command::Stls, &mut status).await?;
        status
            .finish()
            .map(drop)
            .map_err(|refusal| refused(operation, &refusal, ErrorClass::NotOffered))
    }

    async fn log_in(&mut self, login: &Login, greeting: &str) -> Result<(), ClientError> {
        let running = self.link.begin(Operation::Login);
        let result = match login.method {
            LoginMethod::Plaintext => self.user_and_pass(login).await,
            LoginMethod::Apop => self.apop(login, greeting).await,
            LoginMethod::SaslPlain => self.auth_plain(login).await,
        };
        let result = result.map_err(|error| without_password(error, login));
        self.link.end(running, result)
    }

    async fn user_and_pass(&mut self, login: &Login) -> Result<(), ClientError> {
        self.authenticate(Command::User(&login.user)).await?;
        self.authenticate(Command::Pass(login.password.expose()))
            .await
    }

    async fn apop(&mut self, login: &Login, greeting: &str) -> Result<(), ClientError> {
        let timestamp = apop_timestamp(greeting).ok_or_else(|| {
            not_offered("the greeting has no timestamp, so the server does not offer APOP")
        })?;
        self.authenticate(Command::Apop {
            user: &login.user,
            timestamp,
            password: login.password.expose(),
        })
        .await
    }

    async fn auth_plain(&mut self, login: &Login) -> Result<(), ClientError> {
        const OPERATION: Operation = Operation::Login;
        if !self.capabilities.sasl("PLAIN") {
            return Err(not_offered("the server does not offer SASL PLAIN here"));
        }
        let answer = sasl::plain(&login.user, login.password.expose());
        let whole = Command::AuthPlain(&answer);
        if whole.encode(&mut Vec::new()).is_ok() {
            return self.authenticate(whole).await;
        }
        // Too long for one line: the server asks for it.
        let mut status = Status::new();
        self.exchange(OPERATION, Command::AuthPlainBegin, &mut status)
            .await?;
        if status.wants_more() {
            return self.authenticate(Command::SaslAnswer(&answer)).await;
        }
        let refusal = status.finish().err();
        Err(refusal.map_or_else(
            || ClientError::protocol(OPERATION, "AUTH ended before we answered"),
            |refusal| refused(OPERATION, &refusal, ErrorClass::Authentication),
        ))
    }

    /// One command of the way in.
    async fn authenticate(&mut self, command: Command<'_>) -> Result<(), ClientError> {
        let mut status = Status::new();
        self.exchange(Operation::Login, command, &mut status)
            .await?;
        status
            .finish()
            .map(drop)
            .map_err(|refusal| refused(Operation::Login, &refusal, ErrorClass::Authentication))
    }

    /// What the server says that it can do.
    pub fn capabilities(&self) -> &PopCapabilities {
        &self.capabilities
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

    /// RETR: the messages with these numbers, each in short to `each` as soon as it is there; all in one
    /// pipeline where the server offers that. A message that is refused does not keep the others back.
    ///
    /// # Errors
    /// Broken or lost at once; a refusal when the others are done, the first one if there are many.
    pub async fn retrieve(
        &mut self,
        numbers: &[u32],
        mut each: impl FnMut(u32, MessageDigest),
    ) -> Result<(), ClientError> {
        const OPERATION: Operation = Operation::Retr;
        let mut pipeline = Pipeline::new(numbers, self.window());
        let mut first_refusal = None;
        while let Some((number, running)) = self
            .next_reply(&mut pipeline, OPERATION, Command::Retr)
            .await?
        {
            let (running, result) = match self.reply_begins(OPERATION, running).await {
                (running, Ok(())) => (running, self.message(OPERATION).await),
                (running, Err(error)) => (running, Err(error)),
            };
            match self.link.end(running, result) {
                Ok(digest) => each(number, digest),
                Err(error) => keep_refusal(&mut first_refusal, error)?,
            }
        }
        first_refusal.map_or(Ok(()), Err)
    }

    /// DELE: marks the messages with these numbers; they go at QUIT. All in one pipeline where the
    /// server offers that.
    ///
    /// # Errors
    /// Broken or lost at once; a refusal when the others are done, the first one if there are many.
    pub async fn delete(&mut self, numbers: &[u32]) -> Result<(), ClientError> {
        const OPERATION: Operation = Operation::Dele;
        let mut pipeline = Pipeline::new(numbers, self.window());
        let mut first_refusal = None;
        while let Some((_, running)) = self
            .next_reply(&mut pipeline, OPERATION, Command::Dele)
            .await?
        {
            let (running, result) = match self.reply_begins(OPERATION, running).await {
                (running, Ok(())) => (running, self.plain_status(OPERATION).await),
                (running, Err(error)) => (running, Err(error)),
            };
            if let Err(error) = self.link.end(running, result) {
                keep_refusal(&mut first_refusal, error)?;
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
        let result = self.simple(Operation::Quit, Command::Quit).await;
        let figures = match result {
            Ok(()) => self.link.close().await,
            Err(_) => self.link.abort(),
        };
        (figures, result)
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
        let result = match self.send(operation, command).await {
            Ok(()) => self.plain_status(operation).await,
            Err(error) => Err(error),
        };
        self.link.end(running, result)
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

    fn window(&self) -> usize {
        if self.capabilities.pipelining() {
            PIPELINE_WINDOW
        } else {
            1
        }
    }

    /// Sends what the window allows and begins the next reply of a pipeline; none: all is done.
    async fn next_reply(
        &mut self,
        pipeline: &mut Pipeline<'_>,
        operation: Operation,
        command: impl Fn(u32) -> Command<'static>,
    ) -> Result<Option<(u32, Running)>, ClientError> {
        let fresh = pipeline.refill();
        let Some(number) = pipeline.answered() else {
            return Ok(None);
        };
        if !fresh.is_empty() {
            let outbox = self.link.wire().outbox();
            for number in fresh {
                // A command of a number always fits its line.
                let _ = command(*number).encode(outbox);
            }
            pipeline.flushed = Instant::now();
            if let Err(error) = self.link.flush(operation).await {
                let running = self.link.begin_pipelined(operation, pipeline.flushed);
                return self.link.end(running, Err(error));
            }
        }
        let running = self.link.begin_pipelined(operation, pipeline.flushed);
        Ok(Some((number, running)))
    }

    /// Waits for the first octet of a reply.
    async fn reply_begins(
        &mut self,
        operation: Operation,
        mut running: Running,
    ) -> (Running, Result<(), ClientError>) {
        if self.link.wire().buffer().is_empty()
            && let Err(error) = self.link.read_more(operation).await
        {
            return (running, Err(error));
        }
        self.link.reply_began(&mut running);
        (running, Ok(()))
    }
}

/// Commands about many messages, of which a window is underway.
struct Pipeline<'a> {
    waiting: &'a [u32],
    underway: std::collections::VecDeque<u32>,
    window: usize,
    flushed: Instant,
}

impl<'a> Pipeline<'a> {
    fn new(numbers: &'a [u32], window: usize) -> Self {
        Self {
            waiting: numbers,
            underway: std::collections::VecDeque::with_capacity(window),
            window,
            flushed: Instant::now(),
        }
    }

    /// What is to be sent now: when the window is half empty, so that commands go out in batches.
    fn refill(&mut self) -> &'a [u32] {
        if self.underway.len() > self.window / 2 {
            return &[];
        }
        let room = self.window - self.underway.len();
        let (fresh, rest) = self.waiting.split_at(room.min(self.waiting.len()));
        self.waiting = rest;
        self.underway.extend(fresh);
        fresh
    }

    /// Whose reply comes next.
    fn answered(&mut self) -> Option<u32> {
        self.underway.pop_front()
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

fn not_offered(detail: &str) -> ClientError {
    ClientError::new(ErrorClass::NotOffered, Operation::Login, detail)
}

/// Some servers repeat what they were sent.
fn without_password(mut error: ClientError, login: &Login) -> ClientError {
    let password = login.password.expose();
    if !password.is_empty() && error.detail.contains(password) {
        error.detail = error.detail.replace(password, "***");
    }
    error
}

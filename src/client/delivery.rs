//! Handing messages to a server by LMTP or SMTP: one connection, many messages, each timed as a whole.

use std::time::Instant;

use super::{ClientError, Link, Login, OpenError, SessionFigures};
use crate::metrics::{ErrorClass, Observer, Operation};
use crate::net::{Address, Dialer};
use crate::proto::dots::Stuffer;
use crate::proto::lmtp::{Command, Extensions, Reply, ReplyError, ReplyReader};
pub use crate::proto::lmtp::{Dialect, Refusal};
use crate::proto::sasl;
use crate::scenario::TlsMode;

/// The name by which we greet.
const OUR_NAME: &str = "localhost";

/// The text goes out in writes of about this size.
const WRITE_AT: usize = 32 * 1024;

/// With more recipients than this, nothing is pipelined: their replies must fit the buffers underway.
const MOST_PIPELINED: usize = 100;

/// A connection for delivery. Dropping it closes the socket without QUIT.
#[derive(Debug)]
pub struct DeliverySession<O> {
    link: Link<O>,
    dialect: Dialect,
    extensions: Extensions,
}

/// What became of a message, for one recipient.
pub type Answer = Result<(), Refusal>;

impl<O: Observer> DeliverySession<O> {
    /// Connects, starts TLS, greets.
    ///
    /// # Errors
    /// Why there is no session, and what was measured until then.
    pub async fn open(
        dialer: &Dialer,
        address: &Address,
        mode: TlsMode,
        dialect: Dialect,
        due: Instant,
        observer: O,
    ) -> Result<Self, OpenError> {
        let link = Link::open(dialer, address, mode, due, observer).await?;
        let mut session = Self {
            link,
            dialect,
            extensions: Extensions::default(),
        };
        match session.enter(mode).await {
            Ok(()) => Ok(session),
            Err(error) => Err(session.link.failed(error)),
        }
    }

    async fn enter(&mut self, mode: TlsMode) -> Result<(), ClientError> {
        let running = self.link.begin_silently(Operation::Greeting);
        let greeting = self.read(Operation::Greeting).await.and_then(|reply| {
            let accepted = reply.success();
            accepted.map_err(|no| refused(ErrorClass::Greeting, Operation::Greeting, &no))
        });
        self.link.end(running, greeting)?;
        self.hello().await?;
        if mode == TlsMode::Starttls {
            self.start_tls().await?;
            self.hello().await?;
        }
        Ok(())
    }

    async fn hello(&mut self) -> Result<(), ClientError> {
        const OPERATION: Operation = Operation::Capability;
        let running = self.link.begin(OPERATION);
        let hello = Command::Hello(self.dialect, OUR_NAME);
        let result = self.exchange(OPERATION, hello).await.and_then(|reply| {
            let extensions = Extensions::of(&reply);
            let accepted = reply.success().map(|()| extensions);
            accepted.map_err(|no| refused(ErrorClass::CommandRefused, OPERATION, &no))
        });
        self.extensions = self.link.end(running, result)?;
        Ok(())
    }

    async fn start_tls(&mut self) -> Result<(), ClientError> {
        const OPERATION: Operation = Operation::Tls;
        if !self.extensions.offers("STARTTLS") {
            return Err(ClientError::new(
                ErrorClass::NotOffered,
                OPERATION,
                "the server does not offer STARTTLS for delivery",
            ));
        }
        let running = self.link.begin(OPERATION);
        let consent = self.exchange(OPERATION, Command::StartTls).await;
        let consent = consent.and_then(|reply| {
            let accepted = reply.success();
            accepted.map_err(|no| refused(ErrorClass::NotOffered, OPERATION, &no))
        });
        match consent {
            Ok(()) => self.link.shake_hands(running).await,
            Err(error) => self.link.end(running, Err(error)),
        }
    }

    /// AUTH PLAIN, or AUTH LOGIN where that alone is offered (RFC 4954).
    ///
    /// # Errors
    /// Refused, not offered, broken or lost.
    pub async fn log_in(&mut self, login: &Login) -> Result<(), ClientError> {
        const OPERATION: Operation = Operation::Login;
        let running = self.link.begin(OPERATION);
        let result = self.present(OPERATION, login).await;
        let result = result.map_err(|error| login.conceal(error));
        self.link.end(running, result)
    }

    async fn present(&mut self, operation: Operation, login: &Login) -> Result<(), ClientError> {
        let password = login.password.expose();
        let reply = if self.extensions.auth("PLAIN") {
            let response = sasl::plain(&login.user, password);
            self.exchange(operation, Command::AuthPlain(&response))
                .await?
        } else if self.extensions.auth("LOGIN") {
            let mut reply = self.exchange(operation, Command::AuthLogin).await?;
            for answer in [login.user.as_str(), password] {
                if !reply.is_intermediate() {
                    break;
                }
                let answer = sasl::base64(answer.as_bytes());
                reply = self
                    .exchange(operation, Command::SaslAnswer(&answer))
                    .await?;
            }
            reply
        } else {
            return Err(ClientError::new(
                ErrorClass::NotOffered,
                operation,
                "the server offers neither AUTH PLAIN nor AUTH LOGIN for delivery on this connection",
            ));
        };
        let accepted = reply.success();
        accepted.map_err(|no| refused(ErrorClass::Authentication, operation, &no))
    }

    /// What the server offers.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Hands one message over: `octets` long, in pieces of any size, CRLF line ends, dots not stuffed.
    /// The answers stand in the order of `recipients`. The sample's outcome is
    /// [`ErrorClass::CommandRefused`] if any recipient's is a refusal.
    ///
    /// # Errors
    /// Broken or lost: then nobody knows whether the message was taken, and the session is over.
    pub async fn deliver<R, B>(
        &mut self,
        sender: &str,
        recipients: &[R],
        octets: u64,
        body: B,
        due: Instant,
    ) -> Result<Vec<Answer>, ClientError>
    where
        R: AsRef<str>,
        B: IntoIterator,
        B::Item: AsRef<[u8]>,
    {
        const OPERATION: Operation = Operation::Deliver;
        self.link.due_next(due);
        let running = self.link.begin(OPERATION);
        let result = self.transaction(sender, recipients, octets, body).await;
        let outcome = match &result {
            Err(error) => Err(error.clone()),
            Ok(answers) => match answers.iter().find_map(|answer| answer.as_ref().err()) {
                Some(no) => Err(refused(ErrorClass::CommandRefused, OPERATION, no)),
                None => Ok(()),
            },
        };
        // The sample carries the refusals, the caller gets them one by one.
        let _ = self.link.end(running, outcome);
        result
    }

    async fn transaction<R, B>(
        &mut self,
        sender: &str,
        recipients: &[R],
        octets: u64,
        body: B,
    ) -> Result<Vec<Answer>, ClientError>
    where
        R: AsRef<str>,
        B: IntoIterator,
        B::Item: AsRef<[u8]>,
    {
        let mail = Command::Mail {
            sender,
            octets: self.extensions.offers("SIZE").then_some(octets),
            eight_bit: self.extensions.offers("8BITMIME"),
        };
        let envelope = if self.extensions.offers("PIPELINING") && recipients.len() <= MOST_PIPELINED
        {
            self.envelope_at_once(mail, recipients).await?
        } else {
            self.envelope_in_turn(mail, recipients).await?
        };
        let mut answers = envelope.answers;
        if let Some(ready) = envelope.ready {
            if ready.is_intermediate() {
                if answers.iter().any(Result::is_ok) {
                    self.text(body).await?;
                } else {
                    // Asked for the text although nobody gets it: an empty one (RFC 2920, section 3.1).
                    self.text([[0u8; 0]; 0]).await?;
                }
                self.settle(&mut answers).await?;
                return Ok(answers);
            }
            let no = ready.into_refusal();
            for answer in answers.iter_mut().filter(|answer| answer.is_ok()) {
                *answer = Err(no.clone());
            }
        }
        if envelope.begun {
            self.exchange(Operation::Deliver, Command::Rset).await?;
        }
        Ok(answers)
    }

    /// MAIL, all RCPTs and DATA in one write (RFC 2920).
    async fn envelope_at_once<R: AsRef<str>>(
        &mut self,
        mail: Command<'_>,
        recipients: &[R],
    ) -> Result<Envelope, ClientError> {
        self.put(mail)?;
        for recipient in recipients {
            self.put(Command::Rcpt(recipient.as_ref()))?;
        }
        self.put(Command::Data)?;
        self.link.flush(Operation::Deliver).await?;
        let mail = self.read(Operation::Deliver).await?.success();
        let begun = mail.is_ok();
        let mut answers = Vec::with_capacity(recipients.len());
        for _ in recipients {
            let answer = self.read(Operation::Deliver).await?.success();
            // What refused the sender refuses everybody; the server's "no sender" says less.
            answers.push(mail.clone().and(answer));
        }
        let ready = Some(self.read(Operation::Deliver).await?);
        Ok(Envelope {
            begun,
            answers,
            ready,
        })
    }

    /// MAIL, each RCPT and DATA, each after the answer before it. DATA only if anybody is accepted.
    async fn envelope_in_turn<R: AsRef<str>>(
        &mut self,
        mail: Command<'_>,
        recipients: &[R],
    ) -> Result<Envelope, ClientError> {
        let mail = self.exchange(Operation::Deliver, mail).await?.success();
        if let Err(no) = mail {
            return Ok(Envelope {
                begun: false,
                answers: vec![Err(no); recipients.len()],
                ready: None,
            });
        }
        let mut answers = Vec::with_capacity(recipients.len());
        for recipient in recipients {
            let rcpt = Command::Rcpt(recipient.as_ref());
            answers.push(self.exchange(Operation::Deliver, rcpt).await?.success());
        }
        let ready = if answers.iter().any(Result::is_ok) {
            Some(self.exchange(Operation::Deliver, Command::Data).await?)
        } else {
            None
        };
        Ok(Envelope {
            begun: true,
            answers,
            ready,
        })
    }

    /// Sends the text, stuffed, and its end.
    async fn text<B>(&mut self, body: B) -> Result<(), ClientError>
    where
        B: IntoIterator,
        B::Item: AsRef<[u8]>,
    {
        let mut stuffer = Stuffer::new();
        for piece in body {
            for part in piece.as_ref().chunks(WRITE_AT) {
                stuffer.put(part, self.link.wire().outbox());
                if self.link.wire().unsent() >= WRITE_AT {
                    self.link.flush(Operation::Deliver).await?;
                }
            }
        }
        stuffer.end(self.link.wire().outbox());
        self.link.flush(Operation::Deliver).await
    }

    /// Reads the answers to the text: in LMTP one for each accepted recipient, in SMTP one for all.
    async fn settle(&mut self, answers: &mut [Answer]) -> Result<(), ClientError> {
        match self.dialect {
            Dialect::Lmtp => {
                for answer in answers.iter_mut().filter(|answer| answer.is_ok()) {
                    *answer = self.read(Operation::Deliver).await?.success();
                }
            }
            Dialect::Smtp => {
                let all = self.read(Operation::Deliver).await?.success();
                for answer in answers.iter_mut().filter(|answer| answer.is_ok()) {
                    answer.clone_from(&all);
                }
            }
        }
        Ok(())
    }

    /// QUIT, and the connection is read to its end.
    pub async fn quit(mut self) -> (SessionFigures, Result<(), ClientError>) {
        const OPERATION: Operation = Operation::Quit;
        // The connection may have been idle for long; that is nobody's lag.
        self.link.due_next(Instant::now());
        let running = self.link.begin(OPERATION);
        let result = self.exchange(OPERATION, Command::Quit).await;
        let result = result.and_then(|reply| {
            let accepted = reply.success();
            accepted.map_err(|no| refused(ErrorClass::CommandRefused, OPERATION, &no))
        });
        self.link.leave(running, result).await
    }

    /// Drops the connection where it stands.
    pub fn abort(self) -> SessionFigures {
        self.link.abort()
    }

    /// What the session came to so far.
    pub fn figures(&self) -> SessionFigures {
        self.link.figures()
    }

    async fn exchange(
        &mut self,
        operation: Operation,
        command: Command<'_>,
    ) -> Result<Reply, ClientError> {
        self.put(command)?;
        self.link.flush(operation).await?;
        self.read(operation).await
    }

    fn put(&mut self, command: Command<'_>) -> Result<(), ClientError> {
        let encoded = command.encode(self.link.wire().outbox());
        encoded.map_err(|error| {
            ClientError::new(
                ErrorClass::BadCommand,
                Operation::Deliver,
                error.to_string(),
            )
        })
    }

    async fn read(&mut self, operation: Operation) -> Result<Reply, ClientError> {
        let mut reader = ReplyReader::new();
        loop {
            let wire = self.link.wire();
            let progress = reader
                .take(wire.buffer())
                .map_err(|error| broken(operation, &error))?;
            wire.consume(progress.consumed);
            if progress.complete {
                return Ok(reader.finish());
            }
            self.link.read_more(operation).await?;
        }
    }
}

/// How far a message got before its text.
struct Envelope {
    /// MAIL was accepted, so the server waits for the rest or for RSET.
    begun: bool,
    answers: Vec<Answer>,
    /// The reply to DATA, if it was sent.
    ready: Option<Reply>,
}

fn refused(class: ErrorClass, operation: Operation, refusal: &Refusal) -> ClientError {
    ClientError::refused(class, operation, refusal.to_string().as_bytes())
}

fn broken(operation: Operation, error: &ReplyError) -> ClientError {
    match error {
        ReplyError::LineTooLong(_) | ReplyError::TooManyLines => {
            ClientError::new(ErrorClass::TooLong, operation, error.to_string())
        }
        _ => ClientError::protocol(operation, error.to_string()),
    }
}

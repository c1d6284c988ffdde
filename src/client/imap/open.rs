//! The way in: connection, greeting, TLS, login.

use std::time::Instant;

use super::changes::Mirror;
use super::exchange::{Bodies, Taken, Unusable, nothing};
use super::{ImapCapabilities, ImapSession};
use crate::client::authentication::{Authentication, nonce};
use crate::client::login::{Offer, Presentation};
use crate::client::{ClientError, Link, Login, OpenError, Visit, printable};
use crate::metrics::{ErrorClass, Observer, Operation};
use crate::net::{Address, Dialer};
use crate::proto::imap::framer::{Framer, Limits};
use crate::proto::imap::{Code, Command, Condition, LiteralForm, Response};
use crate::scenario::TlsMode;

/// The greeting.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Welcome {
    /// The user need not log in.
    logged_in: bool,
    words: String,
}

impl<O: Observer> ImapSession<O> {
    /// Connects, turns TLS on as `mode` says, logs in. CAPABILITY is asked only where the server has not told
    /// unasked: before the login, since LOGIN may be disabled, and after it, since more may be offered then.
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
        let mut session = Self::new(link);
        match session.enter(address, mode, login).await {
            Ok(()) => Ok(session),
            Err(error) => Err(session.link.failed(error)),
        }
    }

    /// Connects, with TLS from the first byte where `implicit`, asks what is offered, starts TLS where that is offered,
    /// asks again, and leaves. Nobody logs in.
    pub async fn visit(dialer: &Dialer, address: &Address, implicit: bool, observer: O) -> Visit {
        let mode = if implicit {
            TlsMode::Implicit
        } else {
            TlsMode::Plain
        };
        let mut session = match Link::open(dialer, address, mode, Instant::now(), observer).await {
            Ok(link) => Self::new(link),
            Err(failed) => return Visit::failed(failed),
        };
        let mut visit = Visit::default();
        visit.failure = session.look_around(implicit, &mut visit).await.err();
        visit.figures = match visit.failure {
            None => session.logout().await.0,
            Some(_) => session.abort(),
        };
        visit
    }

    async fn look_around(&mut self, implicit: bool, visit: &mut Visit) -> Result<(), ClientError> {
        visit.see_tls(&mut self.link);
        visit.greeting = Some(self.greeting().await?.words);
        if !implicit {
            visit.before_tls = Some(self.ask_anew().await?);
            if !self.mirror.capabilities.has("STARTTLS") {
                return Ok(());
            }
            self.start_tls().await?;
            visit.see_tls(&mut self.link);
        }
        visit.after_tls = Some(self.ask_anew().await?);
        Ok(())
    }

    /// CAPABILITY, whatever the server has told already.
    async fn ask_anew(&mut self) -> Result<Vec<String>, ClientError> {
        let command = self.new_command("CAPABILITY");
        self.command(Operation::Capability, command, nothing)
            .await?;
        let names = self.mirror.capabilities.names();
        Ok(names.map(str::to_owned).collect())
    }

    fn new(link: Link<O>) -> Self {
        Self {
            link,
            framer: Framer::for_responses(Limits::responses()),
            bodies: Bodies::default(),
            mirror: Mirror::default(),
            last_tag: 0,
            awaited_tag: 0,
            literals: LiteralForm::Plus,
        }
    }

    async fn enter(
        &mut self,
        address: &Address,
        mode: TlsMode,
        login: &Login,
    ) -> Result<(), ClientError> {
        let welcome = self.greeting().await?;
        if mode == TlsMode::Starttls {
            self.start_tls().await?;
        }
        if !welcome.logged_in {
            self.ask_if_unknown().await?;
            let running = self.link.begin(Operation::Login);
            let result = self.present(address, mode != TlsMode::Plain, login).await;
            let result = result.map_err(|error| login.conceal(error));
            self.link.end(running, result)?;
        }
        self.ask_if_unknown().await
    }

    async fn greeting(&mut self) -> Result<Welcome, ClientError> {
        let operation = Operation::Greeting;
        let running = self.link.begin_silently(operation);
        let result = self.read_greeting(operation).await;
        self.link.end(running, result)
    }

    async fn read_greeting(&mut self, operation: Operation) -> Result<Welcome, ClientError> {
        let mut welcome = None;
        let mut refusal = Vec::new();
        self.untagged(operation, &mut |response, _| {
            match response {
                Response::Status(condition @ (Condition::Ok | Condition::PreAuth), text) => {
                    welcome = Some(Welcome {
                        logged_in: condition == Condition::PreAuth,
                        words: printable(text.whole),
                    });
                }
                Response::Status(Condition::Bye, text) => refusal = text.whole.to_vec(),
                _ => {}
            }
            Ok(Taken::Yes)
        })
        .await?;
        match welcome {
            Some(welcome) => Ok(welcome),
            None if self.mirror.said_bye() => Err(ClientError::refused(
                ErrorClass::Greeting,
                operation,
                &refusal,
            )),
            None => Err(ClientError::protocol(
                operation,
                "the connection does not begin with OK, PREAUTH or BYE",
            )),
        }
    }

    async fn start_tls(&mut self) -> Result<(), ClientError> {
        self.ask_if_unknown().await?;
        let operation = Operation::Tls;
        if !self.mirror.capabilities.has("STARTTLS") {
            return Err(ClientError::new(
                ErrorClass::NotOffered,
                operation,
                "the server does not offer STARTTLS",
            ));
        }
        let command = self.new_command("STARTTLS").finish();
        // Its round trip is part of what TLS costs.
        let running = self.link.begin(operation);
        let consent = self.exchange(operation, &command, nothing).await;
        let consent = consent.and_then(|reply| reply.accept_as(operation, ErrorClass::NotOffered));
        if let Err(error) = consent {
            return self.link.end(running, Err(error));
        }
        // What was said before could have been said by anybody (RFC 3501 section 6.2.1).
        self.mirror.capabilities = ImapCapabilities::default();
        self.link.shake_hands(running).await
    }

    /// CAPABILITY, unless the server has told already.
    async fn ask_if_unknown(&mut self) -> Result<(), ClientError> {
        if !self.mirror.capabilities.is_unknown() {
            return Ok(());
        }
        let command = self.new_command("CAPABILITY");
        self.command(Operation::Capability, command, nothing).await
    }

    async fn present(
        &mut self,
        address: &Address,
        encrypted: bool,
        login: &Login,
    ) -> Result<(), ClientError> {
        let offered = std::mem::take(&mut self.mirror.capabilities);
        let presentation = login.method.settle(&Offer {
            sasl: &|name| offered.has(&format!("AUTH={name}")),
            command: !offered.has("LOGINDISABLED"),
            encrypted,
        })?;
        match presentation {
            Presentation::Command if offered.has("LOGINDISABLED") => Err(not_offered(
                "the server does not take LOGIN on this connection (LOGINDISABLED); turn TLS on, or log in by SASL",
            )),
            Presentation::Command => {
                let command = self
                    .new_command_in("LOGIN", offered.literals())
                    .string(login.user.as_bytes())
                    .string(login.password.expose().as_bytes());
                self.converse(command, None).await
            }
            Presentation::Apop => Err(not_offered("APOP is a way to log in by POP3 only")),
            Presentation::Sasl(mechanism) => {
                let nonce = nonce();
                let mut sasl = Authentication::begin(mechanism, login, address, &nonce)?;
                let mut command = self
                    .new_command_in("AUTHENTICATE", offered.literals())
                    .word(sasl.name());
                // Without SASL-IR (RFC 4959) the response waits for the server's challenge.
                if offered.has("SASL-IR")
                    && let Some(initial) = sasl.initial()
                {
                    command = command.word(&initial);
                }
                let result = self.converse(command, Some(&mut sasl)).await;
                sasl.end(result)
            }
        }
    }

    /// Sends the command of a login, answers what the server asks, and takes its verdict.
    async fn converse(
        &mut self,
        command: Command,
        mut sasl: Option<&mut Authentication<'_>>,
    ) -> Result<(), ClientError> {
        const OPERATION: Operation = Operation::Login;
        let command = command.finish();
        let mut note = Note::default();
        let mut reply = self.send(OPERATION, &command, &mut note.taker()).await?;
        while reply.is_none() {
            let Some(sasl) = &mut sasl else {
                let end = self.completion(OPERATION, &mut note.taker()).await?;
                return end.accept_as(OPERATION, note.class);
            };
            reply = self.turn(OPERATION, &mut note.taker()).await?;
            if reply.is_none() {
                match sasl.answer(&note.challenge) {
                    Ok(answer) => self.say(OPERATION, &answer).await?,
                    Err(error) => {
                        // The server refuses a login that is given up, as it should.
                        self.say(OPERATION, "*").await?;
                        let _ = self.completion(OPERATION, &mut nothing).await;
                        return Err(error);
                    }
                }
            }
        }
        reply.map_or(Ok(()), |reply| reply.accept_as(OPERATION, note.class))
    }

    /// A line of an exchange within a command.
    async fn say(&mut self, operation: Operation, line: &str) -> Result<(), ClientError> {
        self.link.wire().send(line.as_bytes());
        self.link.wire().send(b"\r\n");
        self.link.flush(operation).await
    }
}

/// What matters of the responses to a login.
struct Note {
    /// What a NO would mean.
    class: ErrorClass,
    /// What the server asked last.
    challenge: Vec<u8>,
}

impl Default for Note {
    fn default() -> Self {
        Self {
            class: ErrorClass::Authentication,
            challenge: Vec::new(),
        }
    }
}

impl Note {
    fn taker(&mut self) -> impl FnMut(Response<'_>, &mut Bodies) -> Result<Taken, Unusable> {
        |response, _| {
            match response {
                Response::Tagged { text, .. } => self.class = class_of_refusal(text.code.as_ref()),
                Response::Continue(text) => self.challenge = text.to_vec(),
                _ => {}
            }
            Ok(Taken::No)
        }
    }
}

fn not_offered(detail: &str) -> ClientError {
    ClientError::new(ErrorClass::NotOffered, Operation::Login, detail)
}

/// A NO to a login is about user and password, unless its code says that it is about the server.
fn class_of_refusal(code: Option<&Code<'_>>) -> ErrorClass {
    match code {
        Some(Code::InUse) => ErrorClass::InUse,
        Some(Code::Unavailable | Code::Limit) => ErrorClass::CommandRefused,
        Some(Code::PrivacyRequired) => ErrorClass::NotOffered,
        _ => ErrorClass::Authentication,
    }
}

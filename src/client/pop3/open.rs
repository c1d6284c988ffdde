//! The way into a session: greeting, capabilities, TLS, login.

use std::time::Instant;

use super::{PopSession, refused};
use crate::client::authentication::{Authentication, nonce};
use crate::client::login::{Offer, Presentation};
use crate::client::{ClientError, Link, Login, Visit, printable};
use crate::metrics::{ErrorClass, Observer, Operation};
use crate::net::{Address, Dialer};
use crate::proto::pop3::{Command, Lines, PopCapabilities, Status, apop_timestamp};
use crate::proto::sasl::Mechanism;
use crate::scenario::TlsMode;

impl<O: Observer> PopSession<O> {
    /// Connects, with TLS from the first byte where `implicit`, asks what is offered, starts TLS where that is offered,
    /// asks again, and leaves. Nobody logs in.
    pub async fn visit(dialer: &Dialer, address: &Address, implicit: bool, observer: O) -> Visit {
        let mode = if implicit {
            TlsMode::Implicit
        } else {
            TlsMode::Plain
        };
        let link = match Link::open(dialer, address, mode, Instant::now(), observer).await {
            Ok(link) => link,
            Err(failed) => return Visit::failed(failed),
        };
        let mut session = Self {
            link,
            capabilities: PopCapabilities::default(),
            pipelines: true,
        };
        let mut visit = Visit::default();
        visit.failure = session.look_around(implicit, &mut visit).await.err();
        visit.figures = match visit.failure {
            None => session.quit().await.0,
            Some(_) => session.abort(),
        };
        visit
    }

    async fn look_around(&mut self, implicit: bool, visit: &mut Visit) -> Result<(), ClientError> {
        visit.see_tls(&mut self.link);
        visit.greeting = Some(printable(self.greeting().await?.as_bytes()));
        if !implicit {
            self.ask_capabilities().await?;
            visit.before_tls = Some(self.capabilities.lines().to_vec());
            if !self.capabilities.stls() {
                return Ok(());
            }
            self.start_tls().await?;
            visit.see_tls(&mut self.link);
        }
        self.ask_capabilities().await?;
        visit.after_tls = Some(self.capabilities.lines().to_vec());
        Ok(())
    }

    /// The way in, from the greeting to the login.
    pub(super) async fn enter(
        &mut self,
        address: &Address,
        mode: TlsMode,
        login: &Login,
    ) -> Result<(), ClientError> {
        let greeting = self.greeting().await?;
        self.ask_capabilities().await?;
        if mode == TlsMode::Starttls {
            self.start_tls().await?;
            self.ask_capabilities().await?;
        }
        let running = self.link.begin(Operation::Login);
        let result = self
            .present(address, mode != TlsMode::Plain, login, &greeting)
            .await;
        let result = result.map_err(|error| login.conceal(error));
        self.link.end(running, result)
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

    /// CAPA: what the server offers now, which may be more after the login than before. A server that does not know the
    /// command offers nothing.
    ///
    /// # Errors
    /// Broken or lost.
    pub async fn ask_capabilities(&mut self) -> Result<(), ClientError> {
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

    async fn present(
        &mut self,
        address: &Address,
        encrypted: bool,
        login: &Login,
        greeting: &str,
    ) -> Result<(), ClientError> {
        let capabilities = &self.capabilities;
        let presentation = login.method.settle(&Offer {
            sasl: &|name| capabilities.sasl(name),
            // Without CAPA it is what there is.
            command: capabilities.offers("USER") || capabilities.lines().is_empty(),
            encrypted,
        })?;
        match presentation {
            Presentation::Command => self.user_and_pass(login).await,
            Presentation::Apop => self.apop(login, greeting).await,
            Presentation::Sasl(mechanism) => self.sasl(mechanism, login, address).await,
        }
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

    /// AUTH (RFC 5034).
    async fn sasl(
        &mut self,
        mechanism: Mechanism,
        login: &Login,
        address: &Address,
    ) -> Result<(), ClientError> {
        let nonce = nonce();
        let mut authentication = Authentication::begin(mechanism, login, address, &nonce)?;
        let mut initial = authentication.initial();
        let mut command = Command::Auth {
            mechanism: authentication.name(),
            initial: initial.as_deref(),
        };
        // Too long for one line: the server asks for it.
        if command.encode(&mut Vec::new()).is_err() {
            command = Command::Auth {
                mechanism: authentication.name(),
                initial: None,
            };
            if let Some(initial) = initial.take() {
                authentication.not_sent(initial);
            }
        }
        let result = self.converse(&mut authentication, command).await;
        authentication.end(result)
    }

    async fn converse(
        &mut self,
        authentication: &mut Authentication<'_>,
        command: Command<'_>,
    ) -> Result<(), ClientError> {
        const OPERATION: Operation = Operation::Login;
        let mut status = Status::with_text();
        self.exchange(OPERATION, command, &mut status).await?;
        while let Some(challenge) = status.challenge() {
            let answer = match authentication.answer(challenge) {
                Ok(answer) => answer,
                Err(error) => return Err(self.give_up(error).await),
            };
            status = Status::with_text();
            self.exchange(OPERATION, Command::SaslAnswer(&answer), &mut status)
                .await?;
        }
        status
            .finish()
            .map(drop)
            .map_err(|refusal| refused(OPERATION, &refusal, ErrorClass::Authentication))
    }

    /// Ends a conversation that cannot go on, in order.
    async fn give_up(&mut self, error: ClientError) -> ClientError {
        let cancelled = self.authenticate(Command::SaslAnswer("*")).await;
        // It is refused, as it should be.
        let _ = cancelled;
        error
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
}

fn not_offered(detail: &str) -> ClientError {
    ClientError::new(ErrorClass::NotOffered, Operation::Login, detail)
}

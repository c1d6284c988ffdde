//! The way in: connection, greeting, TLS, login.

use std::time::Instant;

use super::changes::Mirror;
use super::exchange::{Bodies, Taken, nothing};
use super::{ImapCapabilities, ImapSession};
use crate::client::{ClientError, Link, Login, LoginMethod, OpenError};
use crate::metrics::{ErrorClass, Observer, Operation};
use crate::net::{Address, Dialer};
use crate::proto::imap::framer::{Framer, Limits};
use crate::proto::imap::{Code, Condition, Response};
use crate::proto::sasl;
use crate::scenario::TlsMode;

/// What the greeting said of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Welcome {
    LoginNeeded,
    LoggedIn,
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
        let mut session = Self {
            link: Link::open(dialer, address, mode, due, observer).await?,
            framer: Framer::for_responses(Limits::responses()),
            bodies: Bodies::default(),
            mirror: Mirror::default(),
            last_tag: 0,
        };
        match session.enter(mode, login).await {
            Ok(()) => Ok(session),
            Err(error) => Err(session.link.failed(error)),
        }
    }

    async fn enter(&mut self, mode: TlsMode, login: &Login) -> Result<(), ClientError> {
        let welcome = self.greeting().await?;
        if mode == TlsMode::Starttls {
            self.start_tls().await?;
        }
        if welcome == Welcome::LoginNeeded {
            self.ask_if_unknown().await?;
            self.log_in(login).await?;
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
                Response::Status(Condition::Ok, _) => welcome = Some(Welcome::LoginNeeded),
                Response::Status(Condition::PreAuth, _) => welcome = Some(Welcome::LoggedIn),
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
        self.require("STARTTLS", Operation::Tls)?;
        let operation = Operation::Tls;
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

    async fn log_in(&mut self, login: &Login) -> Result<(), ClientError> {
        let operation = Operation::Login;
        let running = self.link.begin(operation);
        let result = self.present(operation, login).await;
        let result = result.map_err(|error| login.conceal(error));
        self.link.end(running, result)
    }

    async fn present(&mut self, operation: Operation, login: &Login) -> Result<(), ClientError> {
        let offered = std::mem::take(&mut self.mirror.capabilities);
        let command = match login.method {
            LoginMethod::Plaintext if offered.has("LOGINDISABLED") => {
                return Err(ClientError::new(
                    ErrorClass::NotOffered,
                    operation,
                    "the server does not take LOGIN on this connection (LOGINDISABLED); turn TLS on, or log in by SASL PLAIN",
                ));
            }
            LoginMethod::Plaintext => self
                .new_command_for("LOGIN", &offered)
                .string(login.user.as_bytes())
                .string(login.password.expose().as_bytes()),
            LoginMethod::SaslPlain if !offered.has("AUTH=PLAIN") => {
                return Err(ClientError::new(
                    ErrorClass::NotOffered,
                    operation,
                    "the server does not offer AUTH=PLAIN on this connection",
                ));
            }
            LoginMethod::SaslPlain => self.new_command_for("AUTHENTICATE", &offered).word("PLAIN"),
            LoginMethod::Apop => {
                return Err(ClientError::new(
                    ErrorClass::NotOffered,
                    operation,
                    "APOP is a way to log in by POP3 only",
                ));
            }
        };
        // Without SASL-IR (RFC 4959) the response waits for the server's challenge.
        let sasl = (login.method == LoginMethod::SaslPlain)
            .then(|| sasl::plain(&login.user, login.password.expose()));
        let (command, later) = match sasl {
            Some(response) if offered.has("SASL-IR") => (command.word(&response), None),
            sasl => (command, sasl),
        };
        let command = command.finish();
        let mut class = ErrorClass::Authentication;
        let mut collect = |response: Response<'_>, _: &mut Bodies| {
            if let Response::Tagged { text, .. } = response {
                class = class_of_refusal(text.code.as_ref());
            }
            Ok(Taken::No)
        };
        let mut reply = self.send(operation, &command, &mut collect).await?;
        if let Some(response) = later
            && reply.is_none()
        {
            reply = self.continuation(operation, &mut collect).await?;
            if reply.is_none() {
                self.link.wire().send(response.as_bytes());
                self.link.wire().send(b"\r\n");
                self.link.flush(operation).await?;
            }
        }
        let reply = match reply {
            Some(refused) => refused,
            None => self.completion(operation, &mut collect).await?,
        };
        reply.accept_as(operation, class)
    }
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

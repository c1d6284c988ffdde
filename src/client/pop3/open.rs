//! The way into a session: greeting, capabilities, TLS, login.

use super::{PopSession, refused};
use crate::client::{ClientError, Login, LoginMethod};
use crate::metrics::{ErrorClass, Observer, Operation};
use crate::proto::pop3::{Command, Lines, PopCapabilities, Status, apop_timestamp};
use crate::proto::sasl;
use crate::scenario::TlsMode;

impl<O: Observer> PopSession<O> {
    /// The way in, from the greeting to the login.
    pub(super) async fn enter(&mut self, mode: TlsMode, login: &Login) -> Result<(), ClientError> {
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
        let result = result.map_err(|error| login.conceal(error));
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
}

fn not_offered(detail: &str) -> ClientError {
    ClientError::new(ErrorClass::NotOffered, Operation::Login, detail)
}

//! A SASL login under way: what its mechanism says, as text for the protocol's lines, and what it comes to.

use rand::RngExt as _;
use rand::distr::Alphanumeric;

use super::login::hide;
use super::{ClientError, Login};
use crate::metrics::{ErrorClass, Operation};
use crate::net::Address;
use crate::proto::sasl::{self, Conversation, Credentials, Mechanism, SaslError};

const OPERATION: Operation = Operation::Login;
/// 142 bits.
const NONCE_LENGTH: usize = 24;

/// Random characters for one login.
pub(super) fn nonce() -> String {
    rand::rng()
        .sample_iter(Alphanumeric)
        .take(NONCE_LENGTH)
        .map(char::from)
        .collect()
}

/// A SASL login under way.
pub(super) struct Authentication<'a> {
    mechanism: Mechanism,
    conversation: Box<dyn Conversation + 'a>,
    /// What is to be said first, until it is.
    opening: Option<String>,
    /// What was sent and gives the password away.
    said: Vec<String>,
}

impl<'a> Authentication<'a> {
    /// `nonce` is from [`nonce`], a new one.
    pub(super) fn begin(
        mechanism: Mechanism,
        login: &'a Login,
        address: &'a Address,
        nonce: &'a str,
    ) -> Result<Self, ClientError> {
        let mut conversation = mechanism.begin(Credentials {
            user: &login.user,
            password: login.password.expose(),
            host: &address.server_name,
            port: address.socket.port(),
            nonce,
            keys: login.password.keys(),
        });
        let opening = conversation.opening().map_err(explain)?;
        let mut authentication = Self {
            mechanism,
            conversation,
            opening: None,
            said: Vec::new(),
        };
        authentication.opening = opening.map(|octets| authentication.encode(&octets));
        Ok(authentication)
    }

    /// The mechanism's name.
    pub(super) fn name(&self) -> &'static str {
        self.mechanism.name()
    }

    /// What can go with the command itself, where the protocol has room for it.
    pub(super) fn initial(&mut self) -> Option<String> {
        self.opening.take()
    }

    /// Keeps what did not fit, to be said when the server asks.
    pub(super) fn not_sent(&mut self, initial: String) {
        self.opening = Some(initial);
    }

    /// What to say to a challenge, which is in base64 still.
    pub(super) fn answer(&mut self, challenge: &[u8]) -> Result<String, ClientError> {
        // Whatever the server says before it was told anything is its way to ask for it.
        if let Some(opening) = self.opening.take() {
            return Ok(opening);
        }
        let challenge = sasl::unbase64(challenge).ok_or_else(|| {
            let detail = format!("a challenge of {} is no base64", self.name());
            ClientError::protocol(OPERATION, detail)
        })?;
        let answer = self.conversation.answer(&challenge).map_err(explain)?;
        Ok(self.encode(&answer))
    }

    fn encode(&mut self, octets: &[u8]) -> String {
        let text = sasl::base64(octets);
        if !self.mechanism.hides_password() {
            self.said.push(text.clone());
        }
        text
    }

    /// What the server's last word comes to.
    pub(super) fn end(&self, result: Result<(), ClientError>) -> Result<(), ClientError> {
        match result {
            Ok(()) => self.conversation.finish().map_err(explain),
            Err(error) => Err(self.refused(error)),
        }
    }

    /// A refusal, with what the mechanism knows of it, without what was said.
    fn refused(&self, error: ClientError) -> ClientError {
        let said = self.said.iter();
        let mut detail = said.fold(error.detail, |detail, secret| hide(detail, secret));
        if let Some(complaint) = self.conversation.complaint() {
            detail = format!("{detail} ({}: {complaint})", self.name());
        }
        ClientError { detail, ..error }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn explain(error: SaslError) -> ClientError {
    let class = match error {
        SaslError::Unusable { .. } => ErrorClass::BadCommand,
        SaslError::Unexpected { .. } => ErrorClass::Protocol,
        SaslError::Refused { .. } | SaslError::Unproven { .. } => ErrorClass::Authentication,
    };
    ClientError::new(class, OPERATION, error.to_string())
}

//! Who logs in, and how.

use std::fmt;

use super::ClientError;
use crate::proto::sasl;

/// A user's name and password, and the way to present them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The name as the server knows it.
    pub user: String,
    /// The password; never printed.
    pub password: Secret,
    /// How the two are presented.
    pub method: LoginMethod,
}

impl Login {
    /// A login by the protocol's own plain command.
    pub fn new(user: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self {
            user: user.into(),
            password: password.into(),
            method: LoginMethod::default(),
        }
    }

    /// Some servers repeat what they were sent: the error without the password, in clear and as SASL sends it.
    #[must_use]
    pub fn conceal(&self, error: ClientError) -> ClientError {
        let password = self.password.expose();
        if password.is_empty() {
            return error;
        }
        let forms = [
            password.to_owned(),
            sasl::plain(&self.user, password),
            sasl::base64(password.as_bytes()),
        ];
        let detail = forms.iter().fold(error.detail, |detail, secret| {
            detail.replace(secret.as_str(), "***")
        });
        ClientError { detail, ..error }
    }
}

/// How a user's name and password are presented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LoginMethod {
    /// The protocol's own command: USER and PASS in POP3 (RFC 1939), LOGIN in IMAP (RFC 3501).
    #[default]
    Plaintext,
    /// APOP (RFC 1939, section 7): a digest of the greeting's timestamp and the password. POP3 only.
    Apop,
    /// SASL PLAIN (RFC 4616): AUTH in POP3 (RFC 5034), AUTHENTICATE in IMAP.
    SaslPlain,
}

/// A password: never printed, not even for debugging.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The password itself, to send it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(password: String) -> Self {
        Self(password)
    }
}

impl From<&str> for Secret {
    fn from(password: &str) -> Self {
        Self(password.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_printed() {
        let login = Login::new("u0001", "hush");
        assert!(!format!("{login:?}").contains("hush"));
        assert_eq!(login.password.expose(), "hush");
    }
}

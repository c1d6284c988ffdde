//! PLAIN (RFC 4616) and LOGIN: the password as it is.

use super::{Conversation, Credentials, SaslError};

/// PLAIN: all at once.
pub(super) struct Plain<'a> {
    credentials: Credentials<'a>,
}

impl<'a> Plain<'a> {
    pub(super) fn new(credentials: Credentials<'a>) -> Self {
        Self { credentials }
    }
}

impl Conversation for Plain<'_> {
    fn opening(&mut self) -> Result<Option<Vec<u8>>, SaslError> {
        let Credentials { user, password, .. } = self.credentials;
        if user.contains('\0') || password.contains('\0') {
            return Err(SaslError::Unusable {
                mechanism: "PLAIN",
                reason: "it holds a NUL",
            });
        }
        Ok(Some(message(user, password)))
    }

    fn answer(&mut self, _: &[u8]) -> Result<Vec<u8>, SaslError> {
        Err(SaslError::Unexpected {
            mechanism: "PLAIN",
            reason: "it asks for more than user and password",
        })
    }
}

pub(super) fn message(user: &str, password: &str) -> Vec<u8> {
    [b"\0", user.as_bytes(), b"\0", password.as_bytes()].concat()
}

/// LOGIN: the server asks for the one, then for the other. Its prompts are not read: they differ.
pub(super) struct Login<'a> {
    user: Option<&'a str>,
    password: Option<&'a str>,
}

impl<'a> Login<'a> {
    pub(super) fn new(credentials: Credentials<'a>) -> Self {
        Self {
            user: Some(credentials.user),
            password: Some(credentials.password),
        }
    }
}

impl Conversation for Login<'_> {
    fn opening(&mut self) -> Result<Option<Vec<u8>>, SaslError> {
        Ok(None)
    }

    fn answer(&mut self, _: &[u8]) -> Result<Vec<u8>, SaslError> {
        let next = self.user.take().or_else(|| self.password.take());
        next.map(|word| word.as_bytes().to_vec())
            .ok_or(SaslError::Unexpected {
                mechanism: "LOGIN",
                reason: "it asks for more than user and password",
            })
    }
}

#[cfg(test)]
mod tests {
    use crate::proto::sasl::testing::credentials;
    use crate::proto::sasl::{Mechanism, SaslError};

    #[test]
    fn login_says_the_user_then_the_password_then_nothing() {
        let mut login = Mechanism::Login.begin(credentials("tim", "hush"));
        assert_eq!(login.opening(), Ok(None));
        assert_eq!(login.answer(b"Username:"), Ok(b"tim".to_vec()));
        assert_eq!(login.answer(b"Password:"), Ok(b"hush".to_vec()));
        let third = login.answer(b"And now?");
        assert!(matches!(third, Err(SaslError::Unexpected { .. })));
    }

    #[test]
    fn plain_does_not_send_what_would_be_read_as_another_user() {
        let mut plain = Mechanism::Plain.begin(credentials("tim\0root", "hush"));
        assert!(matches!(plain.opening(), Err(SaslError::Unusable { .. })));
    }
}

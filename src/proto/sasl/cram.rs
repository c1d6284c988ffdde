//! CRAM-MD5 (RFC 2195).

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;

use super::{Conversation, Credentials, SaslError};

pub(super) struct CramMd5<'a> {
    credentials: Credentials<'a>,
    answered: bool,
}

impl<'a> CramMd5<'a> {
    pub(super) fn new(credentials: Credentials<'a>) -> Self {
        Self {
            credentials,
            answered: false,
        }
    }
}

impl Conversation for CramMd5<'_> {
    fn opening(&mut self) -> Result<Option<Vec<u8>>, SaslError> {
        Ok(None)
    }

    fn answer(&mut self, challenge: &[u8]) -> Result<Vec<u8>, SaslError> {
        if std::mem::replace(&mut self.answered, true) {
            return Err(SaslError::Unexpected {
                mechanism: "CRAM-MD5",
                reason: "it sends a second challenge",
            });
        }
        let Credentials { user, password, .. } = self.credentials;
        // A key of any length will do.
        let mut mac =
            Hmac::<Md5>::new_from_slice(password.as_bytes()).map_err(|_| SaslError::Unusable {
                mechanism: "CRAM-MD5",
                reason: "the password is no key",
            })?;
        mac.update(challenge);
        let mut answer = format!("{user} ");
        for octet in mac.finalize().into_bytes() {
            // Writing to a string cannot fail.
            let _ = write!(answer, "{octet:02x}");
        }
        Ok(answer.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use crate::proto::sasl::Mechanism;
    use crate::proto::sasl::testing::credentials;

    #[test]
    fn the_digest_is_that_of_rfc_2195() {
        let mut cram = Mechanism::CramMd5.begin(credentials("tim", "tanstaaftanstaaf"));
        assert_eq!(cram.opening(), Ok(None));
        let challenge = b"<1896.697170952@postoffice.reston.mci.net>";
        let answer = b"tim b913a602c7eda7a495b4e6e7334d3890";
        assert_eq!(cram.answer(challenge), Ok(answer.to_vec()));
        assert!(cram.answer(challenge).is_err());
    }
}

//! Bearer tokens: OAUTHBEARER (RFC 7628) and its forerunner XOAUTH2. A token that is refused is explained in a challenge, in
//! JSON, which the client answers with nothing before the refusal itself comes.

use serde::Deserialize;

use super::{Conversation, Credentials, SaslError, escaped_name};
use crate::proto::line::printable;

pub(super) struct Bearer<'a> {
    credentials: Credentials<'a>,
    form: Form,
    complaint: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    XOauth2,
    OauthBearer,
}

impl<'a> Bearer<'a> {
    pub(super) fn xoauth2(credentials: Credentials<'a>) -> Self {
        Self::new(credentials, Form::XOauth2)
    }

    pub(super) fn oauthbearer(credentials: Credentials<'a>) -> Self {
        Self::new(credentials, Form::OauthBearer)
    }

    fn new(credentials: Credentials<'a>, form: Form) -> Self {
        Self {
            credentials,
            form,
            complaint: None,
        }
    }

    fn mechanism(&self) -> &'static str {
        match self.form {
            Form::XOauth2 => "XOAUTH2",
            Form::OauthBearer => "OAUTHBEARER",
        }
    }
}

impl Conversation for Bearer<'_> {
    fn opening(&mut self) -> Result<Option<Vec<u8>>, SaslError> {
        let Credentials {
            user,
            password: token,
            host,
            port,
            ..
        } = self.credentials;
        let control = |text: &str| text.bytes().any(|octet| octet.is_ascii_control());
        if control(user) || control(token) || control(host) {
            return Err(SaslError::Unusable {
                mechanism: self.mechanism(),
                reason: "it holds a control character",
            });
        }
        let message = match self.form {
            Form::XOauth2 => format!("user={user}\x01auth=Bearer {token}\x01\x01"),
            Form::OauthBearer => {
                let user = escaped_name(user);
                format!("n,a={user},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01")
            }
        };
        Ok(Some(message.into_bytes()))
    }

    fn answer(&mut self, challenge: &[u8]) -> Result<Vec<u8>, SaslError> {
        if self.complaint.is_some() {
            return Err(SaslError::Unexpected {
                mechanism: self.mechanism(),
                reason: "it goes on after it has said why it refuses",
            });
        }
        self.complaint = Some(Complaint::read(challenge));
        Ok(match self.form {
            Form::XOauth2 => Vec::new(),
            // RFC 7628, section 3.2.3: a lone separator.
            Form::OauthBearer => vec![1],
        })
    }

    fn finish(&self) -> Result<(), SaslError> {
        match &self.complaint {
            None => Ok(()),
            Some(reason) => Err(SaslError::Refused {
                mechanism: self.mechanism(),
                reason: reason.clone(),
            }),
        }
    }

    fn complaint(&self) -> Option<&str> {
        self.complaint.as_deref()
    }
}

/// RFC 7628, section 3.2.2. XOAUTH2 servers send numbers as text or as numbers.
#[derive(Deserialize)]
struct Complaint {
    status: serde_json::Value,
    scope: Option<String>,
}

impl Complaint {
    /// In words for people: the status, or all there is.
    fn read(challenge: &[u8]) -> String {
        let Ok(Self { status, scope }) = serde_json::from_slice(challenge) else {
            return printable(challenge);
        };
        let status = status
            .as_str()
            .map_or_else(|| status.to_string(), str::to_owned);
        let words = match scope {
            Some(scope) if !scope.is_empty() => format!("{status} (it wants the scope {scope})"),
            _ => status,
        };
        printable(words.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use crate::proto::sasl::testing::credentials;
    use crate::proto::sasl::{Credentials, Mechanism, SaslError, base64};

    #[test]
    fn oauthbearer_says_what_rfc_7628_shows() {
        let token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";
        let mut bearer = Mechanism::OauthBearer.begin(Credentials {
            host: "server.example.com",
            port: 143,
            ..credentials("user@example.com", token)
        });
        let opening = bearer.opening().unwrap().unwrap();
        assert_eq!(
            base64(&opening),
            "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
        );
        let challenge = br#"{"status":"invalid_token","scope":"example_scope","openid-configuration":"https://example.com/.well-known/openid-configuration"}"#;
        assert_eq!(bearer.answer(challenge), Ok(vec![1]));
        let complaint = "invalid_token (it wants the scope example_scope)";
        assert_eq!(bearer.complaint(), Some(complaint));
        assert!(bearer.answer(b"").is_err());
        // An OK after that is none.
        assert!(matches!(bearer.finish(), Err(SaslError::Refused { .. })));
    }

    #[test]
    fn xoauth2_says_user_and_token() {
        let token = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg";
        let mut bearer = Mechanism::XOauth2.begin(credentials("someuser@example.com", token));
        let opening = bearer.opening().unwrap().unwrap();
        assert_eq!(
            base64(&opening),
            "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
        );
        assert_eq!(bearer.finish(), Ok(()));
        let challenge = br#"{"status":"401","schemes":"bearer","scope":""}"#;
        assert_eq!(bearer.answer(challenge), Ok(Vec::new()));
        assert_eq!(bearer.complaint(), Some("401"));
    }

    #[test]
    fn a_token_that_would_end_its_field_is_not_sent() {
        for mechanism in [Mechanism::XOauth2, Mechanism::OauthBearer] {
            let mut bearer = mechanism.begin(credentials("user", "to\x01ken"));
            assert!(matches!(bearer.opening(), Err(SaslError::Unusable { .. })));
        }
    }
}

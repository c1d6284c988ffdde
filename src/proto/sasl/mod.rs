//! The client's side of SASL (RFC 4422): what POP3's AUTH (RFC 5034) and IMAP's AUTHENTICATE carry, line by line.
//! No base64 in here, no lines, no randomness: those are the protocol's and the session's.

mod cram;
mod keys;
mod oauth;
mod plain;
mod scram;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

pub use keys::KeyCache;

/// A way to show who one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// PLAIN (RFC 4616): user and password as they are.
    Plain,
    /// LOGIN (never standardised, widely offered): the same, asked for one by one.
    Login,
    /// CRAM-MD5 (RFC 2195): a digest of the password and the server's challenge.
    CramMd5,
    /// SCRAM-SHA-256 (RFC 5802, RFC 7677): each side proves that it knows the password, neither shows it.
    ScramSha256,
    /// XOAUTH2: a bearer token, in the form that came before the RFC.
    XOauth2,
    /// OAUTHBEARER (RFC 7628): a bearer token.
    OauthBearer,
}

impl Mechanism {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Plain,
        Self::Login,
        Self::CramMd5,
        Self::ScramSha256,
        Self::XOauth2,
        Self::OauthBearer,
    ];

    /// Its registered name, as servers offer it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::CramMd5 => "CRAM-MD5",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::XOauth2 => "XOAUTH2",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }

    /// Whether the password, or the token, stays unknown to whoever reads along.
    pub const fn hides_password(self) -> bool {
        matches!(self, Self::CramMd5 | Self::ScramSha256)
    }

    /// Begins a conversation.
    pub fn begin<'a>(self, credentials: Credentials<'a>) -> Box<dyn Conversation + 'a> {
        match self {
            Self::Plain => Box::new(plain::Plain::new(credentials)),
            Self::Login => Box::new(plain::Login::new(credentials)),
            Self::CramMd5 => Box::new(cram::CramMd5::new(credentials)),
            Self::ScramSha256 => Box::new(scram::ScramSha256::new(credentials)),
            Self::XOauth2 => Box::new(oauth::Bearer::xoauth2(credentials)),
            Self::OauthBearer => Box::new(oauth::Bearer::oauthbearer(credentials)),
        }
    }
}

/// Who logs in where, and with what.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The name as the server knows it.
    pub user: &'a str,
    /// The password, or the token.
    pub password: &'a str,
    /// The server's name, which OAUTHBEARER tells it.
    pub host: &'a str,
    /// Its port, likewise.
    pub port: u16,
    /// Random characters, new for each conversation: printable ASCII without a comma (RFC 5802, section 5.1).
    pub nonce: &'a str,
    /// Where keys that were derived from the password are kept.
    pub keys: &'a KeyCache,
}

/// One login by one mechanism: what to say, challenge by challenge.
pub trait Conversation: Send {
    /// What the client says unasked; none: the server begins. Asked for once, at the beginning.
    ///
    /// # Errors
    /// [`SaslError::Unusable`].
    fn opening(&mut self) -> Result<Option<Vec<u8>>, SaslError>;

    /// The answer to a challenge.
    ///
    /// # Errors
    /// The challenge is not what the mechanism allows here, or tells of a failure: cancel.
    fn answer(&mut self, challenge: &[u8]) -> Result<Vec<u8>, SaslError>;

    /// The server has let us in: whether it had to prove itself before, and has.
    ///
    /// # Errors
    /// [`SaslError::Unproven`].
    fn finish(&self) -> Result<(), SaslError> {
        Ok(())
    }

    /// Why the server is about to refuse, if it has said so in a challenge.
    fn complaint(&self) -> Option<&str> {
        None
    }
}

/// Why a conversation cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaslError {
    /// User, password or token cannot be said in this mechanism.
    #[error("{mechanism} cannot carry this user name, password or token: {reason}")]
    Unusable {
        /// The mechanism.
        mechanism: &'static str,
        /// What is in the way.
        reason: &'static str,
    },
    /// The server's words do not belong here.
    #[error("the server's side of {mechanism} is wrong: {reason}")]
    Unexpected {
        /// The mechanism.
        mechanism: &'static str,
        /// What was found.
        reason: &'static str,
    },
    /// The server says why it refuses, by the mechanism's own means.
    #[error("the server refused the {mechanism} login: {reason}")]
    Refused {
        /// The mechanism.
        mechanism: &'static str,
        /// The server's word, cleaned.
        reason: String,
    },
    /// The server does not know the password itself: it is not the one that it claims to be.
    #[error(
        "the server did not prove that it knows the password ({mechanism}): it may be an impostor"
    )]
    Unproven {
        /// The mechanism.
        mechanism: &'static str,
    },
}

/// The base64 text of a PLAIN response: no authorisation identity, the user, the password.
pub fn plain(user: &str, password: &str) -> String {
    base64(&plain::message(user, password))
}

/// RFC 4648 section 4, with padding.
pub fn base64(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

/// The octets of a base64 text; padding may be missing.
pub fn unbase64(text: &[u8]) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    LENIENT.decode(text.trim_ascii()).ok()
}

/// A name in SCRAM and GS2 headers: what would end it is escaped (RFC 5801, section 4).
fn escaped_name(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

#[cfg(test)]
mod testing {
    use std::sync::LazyLock;

    use super::{Credentials, KeyCache};

    pub(super) static KEYS: LazyLock<KeyCache> = LazyLock::new(KeyCache::default);

    pub(super) fn credentials(user: &'static str, password: &'static str) -> Credentials<'static> {
        Credentials {
            user,
            password,
            host: "mail.example.org",
            port: 110,
            nonce: "ours",
            keys: &KEYS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfcs_test_vectors() {
        for (octets, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(octets.as_bytes()), text);
            assert_eq!(unbase64(text.as_bytes()), Some(octets.into()));
            let bare = text.trim_end_matches('=');
            assert_eq!(unbase64(bare.as_bytes()), Some(octets.into()));
        }
        assert_eq!(unbase64(b"go ahead!"), None);
    }

    #[test]
    fn plain_has_an_empty_authorisation_identity() {
        assert_eq!(
            plain("tim", "tanstaaftanstaaf"),
            "AHRpbQB0YW5zdGFhZnRhbnN0YWFm"
        );
    }
}

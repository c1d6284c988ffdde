//! Who logs in, and how.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};

use super::ClientError;
use crate::metrics::{ErrorClass, Operation};
use crate::proto::sasl::{self, KeyCache, Mechanism};

/// A user's name and password, and the way to present them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The name as the server knows it.
    pub user: String,
    /// The password, or for XOAUTH2 and OAUTHBEARER the token; never printed.
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
        let detail = forms
            .iter()
            .fold(error.detail, |detail, secret| hide(detail, secret));
        ClientError { detail, ..error }
    }
}

/// `text` without `secret`, nor its beginning where the text was cut in the middle of it.
pub(super) fn hide(text: String, secret: &str) -> String {
    // Fewer characters give nothing away and are found by chance.
    const LEAST: usize = 4;
    if secret.is_empty() {
        return text;
    }
    let text = text.replace(secret, "***");
    let Some(cut) = text.strip_suffix('…') else {
        return text;
    };
    let beginnings = secret.char_indices().map(|(end, _)| &secret[..end]);
    let left = beginnings
        .rev()
        .take_while(|beginning| beginning.len() >= LEAST)
        .find_map(|beginning| cut.strip_suffix(beginning));
    match left {
        Some(left) => format!("{left}***…"),
        None => text,
    }
}

/// How a user's name and password are presented.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    EnumString,
    VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum LoginMethod {
    /// The protocol's own command: USER and PASS in POP3 (RFC 1939), LOGIN in IMAP (RFC 3501).
    #[default]
    #[serde(rename = "command")]
    #[strum(serialize = "command")]
    Plaintext,
    /// The strongest that the server offers for a password: SCRAM-SHA-256; without TLS CRAM-MD5; the protocol's own
    /// command; SASL PLAIN; SASL LOGIN.
    Auto,
    /// APOP (RFC 1939, section 7): a digest of the greeting's timestamp and the password. POP3 only.
    Apop,
    /// SASL PLAIN (RFC 4616): AUTH in POP3 (RFC 5034), AUTHENTICATE in IMAP.
    #[serde(rename = "plain")]
    #[strum(serialize = "plain")]
    SaslPlain,
    /// SASL LOGIN.
    #[serde(rename = "login")]
    #[strum(serialize = "login")]
    SaslLogin,
    /// SASL CRAM-MD5 (RFC 2195).
    CramMd5,
    /// SASL SCRAM-SHA-256 (RFC 7677).
    #[serde(rename = "scram-sha-256")]
    #[strum(serialize = "scram-sha-256")]
    ScramSha256,
    /// SASL XOAUTH2: the password is a bearer token.
    #[serde(rename = "xoauth2")]
    #[strum(serialize = "xoauth2")]
    XOauth2,
    /// SASL OAUTHBEARER (RFC 7628): the password is a bearer token.
    #[serde(rename = "oauthbearer")]
    #[strum(serialize = "oauthbearer")]
    OauthBearer,
}

impl LoginMethod {
    /// The password goes over the wire in a form from which it cannot be read. `Auto` may send it as it is.
    pub const fn hides_password(self) -> bool {
        matches!(self, Self::Apop | Self::CramMd5 | Self::ScramSha256)
    }

    /// What stands for the password is a bearer token.
    pub const fn takes_token(self) -> bool {
        matches!(self, Self::XOauth2 | Self::OauthBearer)
    }

    const fn mechanism(self) -> Option<Mechanism> {
        match self {
            Self::Plaintext | Self::Auto | Self::Apop => None,
            Self::SaslPlain => Some(Mechanism::Plain),
            Self::SaslLogin => Some(Mechanism::Login),
            Self::CramMd5 => Some(Mechanism::CramMd5),
            Self::ScramSha256 => Some(Mechanism::ScramSha256),
            Self::XOauth2 => Some(Mechanism::XOauth2),
            Self::OauthBearer => Some(Mechanism::OauthBearer),
        }
    }

    /// Settles on what a server takes.
    ///
    /// # Errors
    /// `NotOffered`, with what is offered.
    pub(super) fn settle(self, offer: &Offer<'_>) -> Result<Presentation, ClientError> {
        let offered = |mechanism: &Mechanism| (offer.sasl)(mechanism.name());
        if let Some(mechanism) = self.mechanism() {
            return if offered(&mechanism) {
                Ok(Presentation::Sasl(mechanism))
            } else {
                Err(not_offered(offer, &format!("SASL {}", mechanism.name())))
            };
        }
        if self != Self::Auto {
            return Ok(if self == Self::Apop {
                Presentation::Apop
            } else {
                Presentation::Command
            });
        }
        let first = |mechanisms: &[Mechanism]| {
            let found = mechanisms.iter().copied().find(offered);
            found.map(Presentation::Sasl)
        };
        let strong: &[_] = if offer.encrypted {
            &[Mechanism::ScramSha256]
        } else {
            &[Mechanism::ScramSha256, Mechanism::CramMd5]
        };
        let command = offer.command.then_some(Presentation::Command);
        first(strong)
            .or(command)
            .or_else(|| first(&[Mechanism::Plain, Mechanism::Login]))
            .ok_or_else(|| not_offered(offer, "a way to log in with a password"))
    }
}

/// What a server takes on a connection.
pub(super) struct Offer<'a> {
    /// Whether it offers the SASL mechanism of this name.
    pub(super) sasl: &'a dyn Fn(&str) -> bool,
    /// The protocol's own command.
    pub(super) command: bool,
    /// The connection has TLS.
    pub(super) encrypted: bool,
}

/// How a login is going to be presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presentation {
    Command,
    Apop,
    Sasl(Mechanism),
}

fn not_offered(offer: &Offer<'_>, wanted: &str) -> ClientError {
    let known: Vec<_> = Mechanism::ALL
        .map(Mechanism::name)
        .into_iter()
        .filter(|name| (offer.sasl)(name))
        .collect();
    let instead = match (known.as_slice(), offer.encrypted) {
        ([], true) => "no SASL mechanism that mailgauge knows".to_owned(),
        ([], false) => "none that mailgauge knows; it may offer more with TLS".to_owned(),
        (known, _) => known.join(", "),
    };
    ClientError::new(
        ErrorClass::NotOffered,
        Operation::Login,
        format!("the server does not offer {wanted} on this connection (it offers: {instead})"),
    )
}

/// A password or token: never printed, not even for debugging.
#[derive(Clone)]
pub struct Secret {
    text: String,
    keys: KeyCache,
}

impl Secret {
    /// The password itself, to send it.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Keys that were derived from it.
    pub(super) fn keys(&self) -> &KeyCache {
        &self.keys
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Secret {}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self {
            text,
            keys: KeyCache::default(),
        }
    }
}

impl From<&str> for Secret {
    fn from(password: &str) -> Self {
        password.to_owned().into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantNames as _;

    use super::*;

    #[test]
    fn a_password_is_not_printed() {
        let login = Login::new("u0001", "hush");
        assert!(!format!("{login:?}").contains("hush"));
        assert_eq!(login.password.expose(), "hush");
    }

    #[test]
    fn what_a_server_repeats_is_hidden_even_where_it_was_cut() {
        let login = Login::new("u0001", "correct horse");
        let told = |detail: &str| {
            let error = ClientError::new(ErrorClass::Authentication, Operation::Login, detail);
            login.conceal(error).detail
        };
        assert_eq!(told("no `correct horse` here"), "no `***` here");
        assert_eq!(told("PASS correct ho…"), "PASS ***…");
        assert_eq!(told("is it correct? co…"), "is it correct? co…");
        let sent = sasl::plain("u0001", "correct horse");
        assert_eq!(
            told(&format!("AUTH PLAIN {}…", &sent[..20])),
            "AUTH PLAIN ***…"
        );
    }

    #[test]
    fn auto_takes_the_strongest_that_is_offered() {
        let settled = |mechanisms: &[&str], command, encrypted| {
            let settled = LoginMethod::Auto.settle(&Offer {
                sasl: &|name| mechanisms.contains(&name),
                command,
                encrypted,
            });
            settled.map_err(|error| error.detail)
        };
        let all = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"];
        let sasl = |mechanism| Ok(Presentation::Sasl(mechanism));
        assert_eq!(settled(&all, true, true), sasl(Mechanism::ScramSha256));
        assert_eq!(settled(&all[..3], true, false), sasl(Mechanism::CramMd5));
        assert_eq!(settled(&all[..3], true, true), Ok(Presentation::Command));
        assert_eq!(settled(&all[..2], false, true), sasl(Mechanism::Plain));
        assert_eq!(settled(&["LOGIN"], false, true), sasl(Mechanism::Login));
        let none = settled(&["XOAUTH2"], false, true).unwrap_err();
        assert!(none.contains("it offers: XOAUTH2"), "{none}");
    }

    #[test]
    fn a_mechanism_that_is_not_offered_is_refused_with_what_is() {
        let error = LoginMethod::ScramSha256
            .settle(&Offer {
                sasl: &|name| name == "PLAIN" || name == "LOGIN",
                command: true,
                encrypted: true,
            })
            .unwrap_err();
        assert_eq!(error.class, ErrorClass::NotOffered);
        assert!(error.detail.contains("SCRAM-SHA-256"), "{error}");
        assert!(error.detail.contains("PLAIN, LOGIN"), "{error}");
    }

    #[test]
    fn methods_have_the_same_name_in_files_and_in_text() {
        for name in LoginMethod::VARIANTS {
            let method: LoginMethod = name.parse().unwrap();
            assert_eq!(serde_json::to_value(method).unwrap(), *name);
            assert_eq!(method.to_string(), *name);
        }
    }
}

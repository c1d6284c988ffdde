//! SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding.

use super::keys::{Hash, Keys, hash, hmac};
use super::{Conversation, Credentials, SaslError, base64, escaped_name, unbase64};
use crate::proto::line::printable;

const NAME: &str = "SCRAM-SHA-256";
/// No channel binding, no other identity to act as.
const GS2_HEADER: &str = "n,,";
/// A server that asks for more hashes than this wants our time, not our proof.
const MOST_ITERATIONS: u32 = 1_000_000;
/// Longest salt and nonce that are taken.
const LONGEST: usize = 1024;

pub(super) struct ScramSha256<'a> {
    credentials: Credentials<'a>,
    state: State,
}

enum State {
    /// Nothing was said.
    Begun,
    /// The user's name went out: this, without its header.
    Named(String),
    /// The proof went out; this must come back.
    Proven(Hash),
    /// The server has proven itself too.
    Trusted,
    /// Nothing more can come of it.
    Broken,
}

impl<'a> ScramSha256<'a> {
    pub(super) fn new(credentials: Credentials<'a>) -> Self {
        Self {
            credentials,
            state: State::Begun,
        }
    }

    /// Answers salt and count with the proof.
    fn prove(&mut self, first: &str, challenge: &str) -> Result<Vec<u8>, SaslError> {
        let Credentials {
            nonce,
            password,
            keys,
            ..
        } = self.credentials;
        let ServerFirst {
            nonce: both,
            salt,
            iterations,
        } = ServerFirst::parse(challenge, nonce)?;
        let Keys { client, server } = keys.keys(password, &salt, iterations);
        let without_proof = format!("c={},r={both}", base64(GS2_HEADER.as_bytes()));
        let message = format!("{first},{challenge},{without_proof}");
        let signature = hmac(&hash(&client), message.as_bytes());
        let mut proof = client;
        for (octet, mask) in proof.iter_mut().zip(signature) {
            *octet ^= mask;
        }
        self.state = State::Proven(hmac(&server, message.as_bytes()));
        Ok(format!("{without_proof},p={}", base64(&proof)).into_bytes())
    }

    /// Answers the server's own proof, with nothing.
    fn check(&mut self, expected: &Hash, challenge: &str) -> Result<Vec<u8>, SaslError> {
        let field = challenge.split(',').next().unwrap_or_default();
        if let Some(reason) = field.strip_prefix("e=") {
            return Err(SaslError::Refused {
                mechanism: NAME,
                reason: printable(reason.as_bytes()),
            });
        }
        let signature = field
            .strip_prefix("v=")
            .ok_or_else(|| unexpected("its last message holds no signature"))?;
        if unbase64(signature.as_bytes()).as_deref() != Some(expected) {
            return Err(SaslError::Unproven { mechanism: NAME });
        }
        self.state = State::Trusted;
        Ok(Vec::new())
    }
}

impl Conversation for ScramSha256<'_> {
    fn opening(&mut self) -> Result<Option<Vec<u8>>, SaslError> {
        let Credentials { user, nonce, .. } = self.credentials;
        let user = stringprep::saslprep(user).map_err(|_| SaslError::Unusable {
            mechanism: NAME,
            reason: "the user name has characters that SASLprep (RFC 4013) forbids",
        })?;
        let first = format!("n={},r={nonce}", escaped_name(&user));
        let message = format!("{GS2_HEADER}{first}").into_bytes();
        self.state = State::Named(first);
        Ok(Some(message))
    }

    fn answer(&mut self, challenge: &[u8]) -> Result<Vec<u8>, SaslError> {
        let challenge =
            std::str::from_utf8(challenge).map_err(|_| unexpected("its message is not UTF-8"))?;
        match std::mem::replace(&mut self.state, State::Broken) {
            State::Named(first) => self.prove(&first, challenge),
            State::Proven(expected) => self.check(&expected, challenge),
            State::Begun | State::Trusted | State::Broken => {
                Err(unexpected("it sends a message more than there are"))
            }
        }
    }

    fn finish(&self) -> Result<(), SaslError> {
        match self.state {
            State::Trusted => Ok(()),
            _ => Err(SaslError::Unproven { mechanism: NAME }),
        }
    }
}

/// The server's first message.
struct ServerFirst<'a> {
    nonce: &'a str,
    salt: Vec<u8>,
    iterations: u32,
}

impl<'a> ServerFirst<'a> {
    fn parse(message: &'a str, our_nonce: &str) -> Result<Self, SaslError> {
        // `m=` at the beginning would be an extension that must be understood: it is no `r=`.
        let mut fields = message.split(',');
        let mut field = |name: &str| fields.next().and_then(|field| field.strip_prefix(name));
        let (nonce, salt, iterations) = (field("r="), field("s="), field("i="));
        let nonce = nonce
            .filter(|nonce| nonce.len() > our_nonce.len() && nonce.starts_with(our_nonce))
            .filter(|nonce| nonce.len() <= LONGEST)
            .ok_or_else(|| unexpected("its nonce does not continue ours"))?;
        let salt = salt
            .and_then(|salt| unbase64(salt.as_bytes()))
            .filter(|salt| !salt.is_empty() && salt.len() <= LONGEST)
            .ok_or_else(|| unexpected("its salt is missing or is no base64"))?;
        let iterations = iterations
            .and_then(|count| count.parse().ok())
            .filter(|count| (1..=MOST_ITERATIONS).contains(count))
            .ok_or_else(|| unexpected("its iteration count is not between 1 and 1,000,000"))?;
        Ok(Self {
            nonce,
            salt,
            iterations,
        })
    }
}

fn unexpected(reason: &'static str) -> SaslError {
    SaslError::Unexpected {
        mechanism: NAME,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use crate::proto::sasl::testing::{KEYS, credentials};
    use crate::proto::sasl::{Conversation, Credentials, Mechanism, SaslError};

    const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
    const SERVER_FIRST: &str =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    fn begun(user: &'static str) -> Box<dyn Conversation> {
        Mechanism::ScramSha256.begin(Credentials {
            nonce: NONCE,
            ..credentials(user, "pencil")
        })
    }

    #[test]
    fn the_exchange_is_that_of_rfc_7677() {
        let mut scram = begun("user");
        let opening = scram.opening().unwrap().unwrap();
        assert_eq!(opening, b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        assert!(scram.finish().is_err());
        let answer = scram.answer(SERVER_FIRST.as_bytes()).unwrap();
        assert_eq!(
            String::from_utf8(answer).unwrap(),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        // An OK before the server's proof is the OK of a stranger.
        assert!(matches!(scram.finish(), Err(SaslError::Unproven { .. })));
        let last = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
        assert_eq!(scram.answer(last), Ok(Vec::new()));
        assert_eq!(scram.finish(), Ok(()));
    }

    #[test]
    fn a_server_that_does_not_know_the_password_is_not_trusted() {
        let mut scram = begun("user");
        scram.opening().unwrap();
        scram.answer(SERVER_FIRST.as_bytes()).unwrap();
        let last = b"v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
        let unproven = SaslError::Unproven {
            mechanism: "SCRAM-SHA-256",
        };
        assert_eq!(scram.answer(last), Err(unproven.clone()));
        assert_eq!(scram.finish(), Err(unproven));
    }

    #[test]
    fn a_refusal_has_the_servers_word() {
        let mut scram = begun("user");
        scram.opening().unwrap();
        scram.answer(SERVER_FIRST.as_bytes()).unwrap();
        let error = scram.answer(b"e=unknown-user").unwrap_err();
        assert!(error.to_string().ends_with("unknown-user"), "{error}");
    }

    #[test]
    fn a_first_message_that_would_cost_or_fool_us_is_refused() {
        for first in [
            "",
            "r=somebodyElses,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096",
            "r=rOprNGfwEbeRWgbNEkqOx,s=?,i=4096",
            "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0",
            "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4294967295",
            "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==",
            "m=must,r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        ] {
            let mut scram = begun("user");
            scram.opening().unwrap();
            let answer = scram.answer(first.as_bytes());
            assert!(
                matches!(answer, Err(SaslError::Unexpected { .. })),
                "{first}"
            );
        }
    }

    #[test]
    fn names_with_commas_and_equals_signs_are_escaped_and_prepared() {
        let mut scram = begun("a=b,\u{2168}");
        let opening = scram.opening().unwrap().unwrap();
        // SASLprep writes the Roman numeral as letters.
        assert!(opening.starts_with(b"n,,n=a=3Db=2CIX,r="));
    }

    #[test]
    fn keys_are_derived_once_for_each_salt() {
        let keys = KEYS.clone();
        let begun = || {
            Mechanism::ScramSha256.begin(Credentials {
                nonce: NONCE,
                keys: &keys,
                ..credentials("user", "pencil")
            })
        };
        let answers: Vec<_> = (0..2)
            .map(|_| {
                let mut scram = begun();
                scram.opening().unwrap();
                scram.answer(SERVER_FIRST.as_bytes()).unwrap()
            })
            .collect();
        assert_eq!(answers[0], answers[1]);
        let mut scram = begun();
        scram.opening().unwrap();
        let other = SERVER_FIRST.replace("i=4096", "i=4097");
        assert_ne!(scram.answer(other.as_bytes()).unwrap(), answers[0]);
    }
}

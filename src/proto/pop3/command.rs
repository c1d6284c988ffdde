//! Commands as bytes.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};

/// A command line is no longer than this, line end included (RFC 2449, section 4).
const LONGEST_LINE: usize = 255;

/// A command of the client.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    /// What the server can do (RFC 2449).
    Capa,
    /// Start TLS (RFC 2595).
    Stls,
    /// The user's name.
    User(&'a str),
    /// The user's password.
    Pass(&'a str),
    /// Name, and a digest of timestamp and password.
    Apop {
        /// The user's name.
        user: &'a str,
        /// From the greeting, see [`apop_timestamp`].
        timestamp: &'a str,
        /// The password, which is not sent.
        password: &'a str,
    },
    /// A SASL login (RFC 5034).
    Auth {
        /// The mechanism's registered name.
        mechanism: &'a str,
        /// What it says first, in base64; none: it follows on a line of its own.
        initial: Option<&'a str>,
    },
    /// The answer that a server asked for with `+`, in base64; `*` gives the login up.
    SaslAnswer(&'a str),
    /// How many messages, how many octets.
    Stat,
    /// All messages' sizes.
    List,
    /// All messages' lasting names.
    Uidl,
    /// A message's header and first lines.
    Top {
        /// Which message.
        number: u32,
        /// How many lines of its body.
        lines: u32,
    },
    /// A message.
    Retr(u32),
    /// Marks a message as deleted.
    Dele(u32),
    /// Takes all marks back.
    Rset,
    /// Nothing.
    Noop,
    /// Deletes what is marked, ends the session.
    Quit,
}

/// A command that must not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// It would be read as two commands.
    #[error("a user name or password with a control character cannot be sent in POP3")]
    ControlCharacter,
    /// It would be longer than a line may be.
    #[error(
        "a POP3 command is at most {LONGEST_LINE} octets long, this user name or password makes it longer"
    )]
    TooLong,
}

impl Command<'_> {
    /// Appends the command line to `out`; on an error `out` is as before.
    ///
    /// # Errors
    /// [`CommandError`]: only commands with a name or a password can fail.
    pub fn encode(self, out: &mut Vec<u8>) -> Result<(), CommandError> {
        let start = out.len();
        self.put(out);
        let line = &out[start..];
        let longest = match self {
            // RFC 5034, section 4: a SASL answer has its own limit.
            Self::SaslAnswer(_) => 12_288,
            _ => LONGEST_LINE,
        };
        let fault = if line.len() + 2 > longest {
            Some(CommandError::TooLong)
        } else if line.iter().any(u8::is_ascii_control) {
            Some(CommandError::ControlCharacter)
        } else {
            None
        };
        if let Some(fault) = fault {
            out.truncate(start);
            return Err(fault);
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn put(self, out: &mut Vec<u8>) {
        match self {
            Self::Capa => words(out, "CAPA", &[]),
            Self::Stls => words(out, "STLS", &[]),
            Self::User(user) => words(out, "USER", &[user]),
            Self::Pass(password) => words(out, "PASS", &[password]),
            Self::Apop {
                user,
                timestamp,
                password,
            } => words(out, "APOP", &[user, &apop_digest(timestamp, password)]),
            Self::Auth {
                mechanism,
                initial: Some(initial),
            } => words(out, "AUTH", &[mechanism, initial]),
            Self::Auth {
                mechanism,
                initial: None,
            } => words(out, "AUTH", &[mechanism]),
            Self::SaslAnswer(answer) => words(out, answer, &[]),
            Self::Stat => words(out, "STAT", &[]),
            Self::List => words(out, "LIST", &[]),
            Self::Uidl => words(out, "UIDL", &[]),
            Self::Top { number, lines } => {
                numbered(out, "TOP", number);
                numbered(out, "", lines);
            }
            Self::Retr(number) => numbered(out, "RETR", number),
            Self::Dele(number) => numbered(out, "DELE", number),
            Self::Rset => words(out, "RSET", &[]),
            Self::Noop => words(out, "NOOP", &[]),
            Self::Quit => words(out, "QUIT", &[]),
        }
    }
}

fn words(out: &mut Vec<u8>, keyword: &str, arguments: &[&str]) {
    out.extend_from_slice(keyword.as_bytes());
    for argument in arguments {
        out.push(b' ');
        out.extend_from_slice(argument.as_bytes());
    }
}

fn numbered(out: &mut Vec<u8>, keyword: &str, number: u32) {
    use std::io::Write as _;
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{keyword} {number}");
}

/// The timestamp in a greeting, with its angle brackets: the server offers APOP (RFC 1939, section 7).
pub fn apop_timestamp(greeting: &str) -> Option<&str> {
    let start = greeting.find('<')?;
    let length = greeting[start..].find('>')?;
    Some(&greeting[start..=start + length])
}

/// The digest that APOP sends: MD5 over timestamp and password, in lowercase hex.
pub fn apop_digest(timestamp: &str, password: &str) -> String {
    let mut md5 = Md5::new();
    md5.update(timestamp.as_bytes());
    md5.update(password.as_bytes());
    md5.finalize().iter().fold(String::new(), |mut hex, octet| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{octet:02x}");
        hex
    })
}

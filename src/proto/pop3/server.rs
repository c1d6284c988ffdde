//! The server's end of POP3 (RFC 1939, 2449, 5034): command lines taken apart, replies put together. What a
//! command does is left to the mail server.

use thiserror::Error;

/// A command line is at most this long, its line end not counted (RFC 2449 section 4), except for the
/// answers of a SASL exchange.
pub const LONGEST_LINE: usize = 1024;

/// A command of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<'l> {
    /// `USER name`
    User(&'l str),
    /// `PASS string`; may hold spaces.
    Pass(&'l str),
    /// `APOP name digest`
    Apop {
        /// Who.
        name: &'l str,
        /// MD5 of timestamp and shared secret, in hexadecimal.
        digest: &'l str,
    },
    /// `AUTH [mechanism [initial-response]]` (RFC 5034).
    Auth {
        /// Without it the server lists what it offers.
        mechanism: Option<&'l str>,
        /// In base64, or `=` for an empty one.
        initial: Option<&'l str>,
    },
    /// `STLS` (RFC 2595)
    Stls,
    /// `CAPA` (RFC 2449)
    Capa,
    /// `STAT`
    Stat,
    /// `LIST [msg]`
    List(Option<u32>),
    /// `UIDL [msg]`
    Uidl(Option<u32>),
    /// `RETR msg`
    Retr(u32),
    /// `TOP msg n`
    Top(u32, u64),
    /// `DELE msg`
    Dele(u32),
    /// `NOOP`
    Noop,
    /// `RSET`
    Rset,
    /// `QUIT`
    Quit,
}

/// Why a line is no command. The text stands behind `-ERR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadCommand {
    /// Not UTF-8.
    #[error("a command is a line of text")]
    NotText,
    /// No such keyword.
    #[error("this command is not known here")]
    Unknown,
    /// Too many, too few or wrong arguments.
    #[error("the arguments do not fit the command")]
    Arguments,
    /// Longer than [`LONGEST_LINE`].
    #[error("the line is too long")]
    TooLong,
}

impl<'l> Command<'l> {
    /// Takes a line apart (without its line end).
    pub fn parse(line: &'l [u8]) -> Result<Self, BadCommand> {
        let line = std::str::from_utf8(line).map_err(|_| BadCommand::NotText)?;
        let (keyword, rest) = match line.split_once(' ') {
            Some((keyword, rest)) => (keyword, Some(rest)),
            None => (line, None),
        };
        let is = |name: &str| keyword.eq_ignore_ascii_case(name);
        if is("PASS") {
            return rest.map(Self::Pass).ok_or(BadCommand::Arguments);
        }
        let mut words = Words(rest.unwrap_or_default().split_ascii_whitespace());
        let command = if is("USER") {
            Self::User(words.word()?)
        } else if is("APOP") {
            Self::Apop {
                name: words.word()?,
                digest: words.word()?,
            }
        } else if is("AUTH") {
            Self::Auth {
                mechanism: words.0.next(),
                initial: words.0.next(),
            }
        } else if is("LIST") {
            Self::List(words.maybe_number()?)
        } else if is("UIDL") {
            Self::Uidl(words.maybe_number()?)
        } else if is("RETR") {
            Self::Retr(words.number()?)
        } else if is("TOP") {
            Self::Top(words.number()?, words.number()?)
        } else if is("DELE") {
            Self::Dele(words.number()?)
        } else {
            Self::without_arguments(keyword).ok_or(BadCommand::Unknown)?
        };
        match words.0.next() {
            None => Ok(command),
            Some(_) => Err(BadCommand::Arguments),
        }
    }

    fn without_arguments(keyword: &str) -> Option<Self> {
        [
            ("STAT", Self::Stat),
            ("NOOP", Self::Noop),
            ("RSET", Self::Rset),
            ("QUIT", Self::Quit),
            ("CAPA", Self::Capa),
            ("STLS", Self::Stls),
        ]
        .into_iter()
        .find(|(name, _)| keyword.eq_ignore_ascii_case(name))
        .map(|(_, command)| command)
    }
}

struct Words<'l>(std::str::SplitAsciiWhitespace<'l>);

impl<'l> Words<'l> {
    fn word(&mut self) -> Result<&'l str, BadCommand> {
        self.0.next().ok_or(BadCommand::Arguments)
    }

    fn number<N: std::str::FromStr>(&mut self) -> Result<N, BadCommand> {
        decimal(self.word()?)
    }

    fn maybe_number(&mut self) -> Result<Option<u32>, BadCommand> {
        self.0.next().map(decimal).transpose()
    }
}

/// Digits only: Rust would also take a sign.
fn decimal<N: std::str::FromStr>(word: &str) -> Result<N, BadCommand> {
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        word.parse().map_err(|_| BadCommand::Arguments)
    } else {
        Err(BadCommand::Arguments)
    }
}

/// A response code (RFC 2449 section 8, RFC 3206).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The maildrop is in use by another session.
    InUse,
    /// The credentials are wrong.
    Auth,
    /// The server has a problem that may pass.
    SysTemp,
}

impl Code {
    const fn text(self) -> &'static str {
        match self {
            Self::InUse => "[IN-USE] ",
            Self::Auth => "[AUTH] ",
            Self::SysTemp => "[SYS/TEMP] ",
        }
    }
}

/// `+OK text`
pub fn ok(out: &mut Vec<u8>, text: impl std::fmt::Display) {
    reply(out, format_args!("+OK {text}\r\n"));
}

/// `-ERR [CODE] text`
pub fn err(out: &mut Vec<u8>, code: Option<Code>, text: impl std::fmt::Display) {
    let code = code.map_or("", Code::text);
    reply(out, format_args!("-ERR {code}{text}\r\n"));
}

/// A line of a multi-line reply. No such line here can begin with a dot.
pub fn line(out: &mut Vec<u8>, text: impl std::fmt::Display) {
    reply(out, format_args!("{text}\r\n"));
}

/// The end of a multi-line reply.
pub fn end(out: &mut Vec<u8>) {
    out.extend_from_slice(b".\r\n");
}

fn reply(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    // Writing to a Vec cannot fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keywords_are_known_in_any_case_of_letters() {
        assert_eq!(Command::parse(b"sTaT"), Ok(Command::Stat));
        assert_eq!(Command::parse(b"List 3"), Ok(Command::List(Some(3))));
        assert_eq!(Command::parse(b"LIST"), Ok(Command::List(None)));
        assert_eq!(Command::parse(b"top 1 0"), Ok(Command::Top(1, 0)));
    }

    #[test]
    fn a_password_keeps_its_spaces() {
        assert_eq!(
            Command::parse(b"PASS  two  words "),
            Ok(Command::Pass(" two  words "))
        );
    }

    #[test]
    fn arguments_too_many_too_few_or_wrong_are_refused() {
        for line in [
            &b"RETR"[..],
            b"RETR one",
            b"RETR -1",
            b"RETR +1",
            b"RETR 1 2",
            b"RETR 4294967296",
            b"TOP 1",
            b"STAT 1",
            b"USER",
            b"APOP ann",
        ] {
            assert_eq!(Command::parse(line), Err(BadCommand::Arguments), "{line:?}");
        }
    }

    #[test]
    fn auth_may_name_a_mechanism_and_an_initial_response() {
        assert_eq!(
            Command::parse(b"AUTH PLAIN AGFubgB4"),
            Ok(Command::Auth {
                mechanism: Some("PLAIN"),
                initial: Some("AGFubgB4")
            })
        );
        assert_eq!(
            Command::parse(b"AUTH"),
            Ok(Command::Auth {
                mechanism: None,
                initial: None
            })
        );
    }

    #[test]
    fn replies_have_their_code_in_front_of_the_text() {
        let mut out = Vec::new();
        ok(&mut out, "2 320");
        err(&mut out, Some(Code::InUse), "another session has it");
        line(&mut out, "1 120");
        end(&mut out);
        assert_eq!(
            out,
            b"+OK 2 320\r\n-ERR [IN-USE] another session has it\r\n1 120\r\n.\r\n"
        );
    }

    proptest! {
        #[test]
        fn any_line_is_a_command_or_refused(line in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Command::parse(&line);
        }

        #[test]
        fn anything_behind_a_keyword_is_a_command_or_refused(
            keyword in "(USER|PASS|APOP|AUTH|LIST|UIDL|RETR|TOP|DELE|STAT|QUIT)",
            rest in "[ \\t0-9a-z+=-]{0,40}",
        ) {
            let line = format!("{keyword} {rest}");
            let numbered = Command::parse(line.as_bytes());
            if let Ok(Command::Retr(number)) = numbered {
                prop_assert_eq!(rest.trim().parse(), Ok(number));
            }
        }
    }
}

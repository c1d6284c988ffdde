//! The server's end of LMTP (RFC 2033): command lines taken apart. What a command does is left to the mail
//! server.

use thiserror::Error;

/// A command line is at most this long (RFC 5321 section 4.5.3.1.4, with room for extensions).
pub const LONGEST_LINE: usize = 2048;

/// A command of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<'l> {
    /// `LHLO domain`
    Lhlo(&'l str),
    /// `MAIL FROM:<reverse-path> [parameters]`
    Mail {
        /// Empty for a bounce.
        sender: &'l str,
        /// `SIZE=n` (RFC 1870).
        size: Option<u64>,
    },
    /// `RCPT TO:<forward-path>`
    Rcpt(&'l str),
    /// `DATA`
    Data,
    /// `RSET`
    Rset,
    /// `NOOP [string]`
    Noop,
    /// `VRFY string`
    Vrfy,
    /// `QUIT`
    Quit,
}

/// Why a line is no command. The text stands behind the reply code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadCommand {
    /// Not UTF-8.
    #[error("500 5.5.2 A command is a line of text")]
    NotText,
    /// No such keyword. SMTP's HELO and EHLO are among them (RFC 2033 section 4.1).
    #[error("500 5.5.1 This command is not known here")]
    Unknown,
    /// The arguments are missing or wrong.
    #[error("501 5.5.4 The arguments do not fit the command")]
    Arguments,
    /// A parameter of MAIL or RCPT is not offered here.
    #[error("555 5.5.4 This parameter is not offered here")]
    Parameter,
    /// Longer than [`LONGEST_LINE`].
    #[error("500 5.5.2 The line is too long")]
    TooLong,
}

impl<'l> Command<'l> {
    /// Takes a line apart (without its line end).
    pub fn parse(line: &'l [u8]) -> Result<Self, BadCommand> {
        let line = std::str::from_utf8(line).map_err(|_| BadCommand::NotText)?;
        let (keyword, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        let is = |name: &str| keyword.eq_ignore_ascii_case(name);
        if is("MAIL") {
            return Self::mail(rest);
        }
        if is("RCPT") {
            let (recipient, parameters) = path("TO:", rest)?;
            return match (recipient, parameters) {
                ("", _) => Err(BadCommand::Arguments),
                (recipient, "") => Ok(Self::Rcpt(recipient)),
                _ => Err(BadCommand::Parameter),
            };
        }
        if is("LHLO") {
            return if rest.is_empty() {
                Err(BadCommand::Arguments)
            } else {
                Ok(Self::Lhlo(rest))
            };
        }
        if is("NOOP") {
            return Ok(Self::Noop);
        }
        if is("VRFY") {
            return Ok(Self::Vrfy);
        }
        let command = if is("DATA") {
            Self::Data
        } else if is("RSET") {
            Self::Rset
        } else if is("QUIT") {
            Self::Quit
        } else {
            return Err(BadCommand::Unknown);
        };
        if rest.is_empty() {
            Ok(command)
        } else {
            Err(BadCommand::Arguments)
        }
    }

    fn mail(rest: &'l str) -> Result<Self, BadCommand> {
        let (sender, parameters) = path("FROM:", rest)?;
        let mut size = None;
        for parameter in parameters.split_ascii_whitespace() {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if name.eq_ignore_ascii_case("SIZE") {
                size = Some(value.parse().map_err(|_| BadCommand::Arguments)?);
            } else if !(name.eq_ignore_ascii_case("BODY")
                && (value.eq_ignore_ascii_case("7BIT") || value.eq_ignore_ascii_case("8BITMIME")))
            {
                return Err(BadCommand::Parameter);
            }
        }
        Ok(Self::Mail { sender, size })
    }
}

/// `FROM:<path> parameters`; space behind the colon is forgiven.
fn path<'l>(prefix: &str, text: &'l str) -> Result<(&'l str, &'l str), BadCommand> {
    let behind = text
        .get(..prefix.len())
        .filter(|start| start.eq_ignore_ascii_case(prefix))
        .map(|_| text[prefix.len()..].trim_start())
        .and_then(|rest| rest.strip_prefix('<'))
        .ok_or(BadCommand::Arguments)?;
    let mut quoted = false;
    let mut escaped = false;
    for (at, character) in behind.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => return Ok((&behind[..at], behind[at + 1..].trim())),
            _ => {}
        }
    }
    Err(BadCommand::Arguments)
}

/// The user a recipient's address means here: what stands before the last `@`, without a source route and
/// without quotes.
pub fn local_part(recipient: &str) -> String {
    let mailbox = match recipient.strip_prefix('@') {
        Some(route) => route.split_once(':').map_or(recipient, |(_, rest)| rest),
        None => recipient,
    };
    let local = mailbox.rsplit_once('@').map_or(mailbox, |(local, _)| local);
    match local
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    {
        Some(quoted) => quoted.replace('\\', ""),
        None => local.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sender_may_be_empty_and_a_size_may_be_told() {
        assert_eq!(
            Command::parse(b"MAIL FROM:<> BODY=8BITMIME SIZE=1024"),
            Ok(Command::Mail {
                sender: "",
                size: Some(1024)
            })
        );
        assert_eq!(
            Command::parse(b"mail from: <ann@example.org>"),
            Ok(Command::Mail {
                sender: "ann@example.org",
                size: None
            })
        );
    }

    #[test]
    fn a_recipient_is_needed() {
        assert_eq!(
            Command::parse(b"RCPT TO:<bob@example.org>"),
            Ok(Command::Rcpt("bob@example.org"))
        );
        for line in [
            &b"RCPT TO:<>"[..],
            b"RCPT TO:bob",
            b"RCPT <bob>",
            b"RCPT TO:<bob",
        ] {
            assert_eq!(Command::parse(line), Err(BadCommand::Arguments), "{line:?}");
        }
    }

    #[test]
    fn smtp_greetings_are_not_lmtp() {
        assert_eq!(Command::parse(b"EHLO here"), Err(BadCommand::Unknown));
        assert_eq!(Command::parse(b"HELO here"), Err(BadCommand::Unknown));
        assert_eq!(Command::parse(b"LHLO here"), Ok(Command::Lhlo("here")));
    }

    #[test]
    fn what_was_not_offered_is_refused() {
        assert_eq!(
            Command::parse(b"MAIL FROM:<a@b> SMTPUTF8"),
            Err(BadCommand::Parameter)
        );
        assert_eq!(
            Command::parse(b"RCPT TO:<a@b> NOTIFY=NEVER"),
            Err(BadCommand::Parameter)
        );
    }

    #[test]
    fn the_user_stands_before_the_last_at_sign() {
        assert_eq!(local_part("ann@example.org"), "ann");
        assert_eq!(local_part("ann"), "ann");
        assert_eq!(local_part("@relay,@other:ann@example.org"), "ann");
        assert_eq!(local_part("\"an\\n@x\"@example.org"), "ann@x");
    }

    proptest! {
        #[test]
        fn any_line_is_a_command_or_refused(line in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Command::parse(&line);
        }

        #[test]
        fn anything_in_a_path_is_a_command_or_refused(
            path in "[<>@:\"\\\\a-z =é]{0,40}",
        ) {
            let _ = Command::parse(format!("MAIL FROM:{path}").as_bytes());
            if let Ok(Command::Rcpt(recipient)) = Command::parse(format!("RCPT TO:{path}").as_bytes()) {
                let _ = local_part(recipient);
            }
        }
    }
}

//! Commands as bytes.

use std::io::Write as _;

/// A command line is no longer than this, line end included (RFC 5321, section 4.5.3.1.4, with room for
/// the extensions' parameters).
const LONGEST_LINE: usize = 1024;

/// The two ways to hand a message over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// LHLO, and after the text one reply for each recipient (RFC 2033).
    Lmtp,
    /// EHLO, and after the text one reply (RFC 5321).
    Smtp,
}

/// A command of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// LHLO or EHLO with our name.
    Hello(Dialect, &'a str),
    /// STARTTLS (RFC 3207).
    StartTls,
    /// AUTH PLAIN with its response in base64 (RFC 4954).
    AuthPlain(&'a str),
    /// AUTH LOGIN: the server asks for name and password.
    AuthLogin,
    /// A base64 answer to what the server asks.
    SaslAnswer(&'a str),
    /// MAIL FROM: a message begins.
    Mail {
        /// The sender's address; empty for none.
        sender: &'a str,
        /// SIZE, where the server offers it.
        octets: Option<u64>,
        /// BODY=8BITMIME, where the server offers it.
        eight_bit: bool,
    },
    /// RCPT TO: one more recipient.
    Rcpt(&'a str),
    /// DATA: the text follows.
    Data,
    /// RSET: the message that was begun is dropped.
    Rset,
    /// QUIT: the end.
    Quit,
}

/// A command that must not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The address would be read as something else.
    #[error("`{}` is no address to put into a mail command", .address.escape_debug())]
    Address {
        /// The address.
        address: String,
    },
    /// The line would be too long.
    #[error("an address makes a mail command longer than {LONGEST_LINE} octets")]
    TooLong,
}

impl Command<'_> {
    /// Appends the command line to `out`; on an error `out` is as before.
    ///
    /// # Errors
    /// [`CommandError`]: only commands with an address can fail.
    pub fn encode(self, out: &mut Vec<u8>) -> Result<(), CommandError> {
        if let Self::Mail {
            sender: address, ..
        }
        | Self::Rcpt(address) = self
        {
            let harmless = |c: char| !c.is_control() && !matches!(c, '<' | '>' | ' ');
            if !address.chars().all(harmless) {
                return Err(CommandError::Address {
                    address: address.to_owned(),
                });
            }
            if address.len() + 64 > LONGEST_LINE {
                return Err(CommandError::TooLong);
            }
        }
        // Writing to a Vec cannot fail.
        let _ = self.put(out);
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn put(self, out: &mut Vec<u8>) -> std::io::Result<()> {
        match self {
            Self::Hello(Dialect::Lmtp, name) => write!(out, "LHLO {name}"),
            Self::Hello(Dialect::Smtp, name) => write!(out, "EHLO {name}"),
            Self::StartTls => write!(out, "STARTTLS"),
            Self::AuthPlain(response) => write!(out, "AUTH PLAIN {response}"),
            Self::AuthLogin => write!(out, "AUTH LOGIN"),
            Self::SaslAnswer(answer) => write!(out, "{answer}"),
            Self::Mail {
                sender,
                octets,
                eight_bit,
            } => {
                write!(out, "MAIL FROM:<{sender}>")?;
                if let Some(octets) = octets {
                    write!(out, " SIZE={octets}")?;
                }
                if eight_bit {
                    write!(out, " BODY=8BITMIME")?;
                }
                Ok(())
            }
            Self::Rcpt(recipient) => write!(out, "RCPT TO:<{recipient}>"),
            Self::Data => write!(out, "DATA"),
            Self::Rset => write!(out, "RSET"),
            Self::Quit => write!(out, "QUIT"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(command: Command<'_>) -> String {
        let mut out = Vec::new();
        command.encode(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_message_begins_with_what_the_server_offers() {
        let mail = |octets, eight_bit| {
            line(Command::Mail {
                sender: "a@example.org",
                octets,
                eight_bit,
            })
        };
        assert_eq!(mail(None, false), "MAIL FROM:<a@example.org>\r\n");
        assert_eq!(
            mail(Some(12), true),
            "MAIL FROM:<a@example.org> SIZE=12 BODY=8BITMIME\r\n"
        );
        assert_eq!(line(Command::Hello(Dialect::Lmtp, "here")), "LHLO here\r\n");
        assert_eq!(line(Command::Hello(Dialect::Smtp, "here")), "EHLO here\r\n");
    }

    #[test]
    fn an_address_cannot_smuggle_a_command_in() {
        for address in ["a\r\nDATA", "a> SIZE=0", "<a", "a b"] {
            let mut out = b"before".to_vec();
            assert!(Command::Rcpt(address).encode(&mut out).is_err());
            assert_eq!(out, b"before");
        }
        let long = "x".repeat(2000);
        let encoded = Command::Rcpt(&long).encode(&mut Vec::new());
        assert_eq!(encoded, Err(CommandError::TooLong));
    }
}

//! Replies of one or many lines, as they stream in.

use std::fmt;

use crate::proto::line::{Line, LineTooLong, printable, take_line};

/// A reply's line is no longer than this (RFC 5321 allows 512 octets, servers exceed it).
const LINE_LIMIT: usize = 4 * 1024;

/// A reply of more lines is refused.
const MOST_LINES: usize = 128;

/// A complete reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Three digits.
    pub code: u16,
    /// The text of each line, without code; cut and cleaned.
    pub lines: Vec<String>,
}

impl Reply {
    /// 2xx: done.
    pub fn is_success(&self) -> bool {
        self.code / 100 == 2
    }

    /// 3xx: go on (after DATA: the text may come).
    pub fn is_intermediate(&self) -> bool {
        self.code / 100 == 3
    }

    /// Nothing if it is done, the refusal otherwise.
    ///
    /// # Errors
    /// The refusal.
    pub fn success(self) -> Result<(), Refusal> {
        if self.is_success() {
            return Ok(());
        }
        Err(self.into_refusal())
    }

    /// The reply as a refusal, whatever its code.
    pub fn into_refusal(self) -> Refusal {
        let text = self.lines.join(" / ");
        Refusal {
            code: self.code,
            enhanced: EnhancedCode::parse(&text),
            text,
        }
    }
}

/// The server does not take a message, or not for a recipient.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} {text}")]
pub struct Refusal {
    /// Three digits.
    pub code: u16,
    /// The enhanced status code, if the text begins with one (RFC 3463).
    pub enhanced: Option<EnhancedCode>,
    /// The server's words, the enhanced code included; cut and cleaned.
    pub text: String,
}

impl Refusal {
    /// 4xx: the same attempt may succeed later. Otherwise it never will.
    pub fn is_temporary(&self) -> bool {
        self.code / 100 == 4
    }
}

/// An enhanced status code: class, subject, detail (RFC 3463).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnhancedCode {
    /// 2 success, 4 temporary, 5 permanent.
    pub class: u8,
    /// What it is about: 1 address, 2 mailbox, 3 system …
    pub subject: u16,
    /// Which of that subject's conditions.
    pub detail: u16,
}

impl EnhancedCode {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split_ascii_whitespace().next()?.split('.');
        let code = Self {
            class: parts.next()?.parse().ok()?,
            subject: parts.next()?.parse().ok()?,
            detail: parts.next()?.parse().ok()?,
        };
        (matches!(code.class, 2 | 4 | 5) && parts.next().is_none()).then_some(code)
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// What a reply may not look like.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// No three digits, or a strange sign after them.
    #[error("a reply begins with three digits, this one is `{line}`")]
    NotAReply {
        /// The line, cut and cleaned.
        line: String,
    },
    /// The lines of one reply have different codes.
    #[error("a reply of {first} goes on with {then}")]
    CodeChanges {
        /// The first line's code.
        first: u16,
        /// The other one.
        then: u16,
    },
    /// A line beyond its limit.
    #[error(transparent)]
    LineTooLong(#[from] LineTooLong),
    /// More lines than a reply has.
    #[error("the reply has more than {MOST_LINES} lines")]
    TooManyLines,
}

/// How far a reply is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Octets of the buffer that are done with.
    pub consumed: usize,
    /// The reply is complete; what follows belongs to another.
    pub complete: bool,
}

/// Reads one reply.
#[derive(Clone, Debug, Default)]
pub struct ReplyReader {
    code: Option<u16>,
    lines: Vec<String>,
}

impl ReplyReader {
    /// Ready for a reply's first octet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the lines of `buffer` that are complete, up to the reply's end.
    ///
    /// # Errors
    /// What breaks the protocol, or a limit. The connection cannot be used any further.
    pub fn take(&mut self, buffer: &[u8]) -> Result<Progress, ReplyError> {
        let mut consumed = 0;
        while let Some(Line { text, octets }) = take_line(&buffer[consumed..], LINE_LIMIT)? {
            consumed += octets;
            let (code, last, words) = split(text)?;
            let first = *self.code.get_or_insert(code);
            if first != code {
                return Err(ReplyError::CodeChanges { first, then: code });
            }
            if self.lines.len() == MOST_LINES {
                return Err(ReplyError::TooManyLines);
            }
            self.lines.push(printable(words));
            if last {
                return Ok(Progress {
                    consumed,
                    complete: true,
                });
            }
        }
        Ok(Progress {
            consumed,
            complete: false,
        })
    }

    /// The reply, once complete.
    pub fn finish(self) -> Reply {
        Reply {
            code: self.code.unwrap_or_default(),
            lines: self.lines,
        }
    }
}

/// Code, whether this is the last line, text.
fn split(line: &[u8]) -> Result<(u16, bool, &[u8]), ReplyError> {
    let strange = || ReplyError::NotAReply {
        line: printable(line),
    };
    let (digits, rest) = line.split_at_checked(3).ok_or_else(strange)?;
    let in_range = (b'2'..=b'5').contains(&digits[0]);
    if !in_range || !digits.iter().all(u8::is_ascii_digit) {
        return Err(strange());
    }
    let code = digits
        .iter()
        .fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    match rest {
        [] => Ok((code, true, rest)),
        [b' ', text @ ..] => Ok((code, true, text)),
        [b'-', text @ ..] => Ok((code, false, text)),
        _ => Err(strange()),
    }
}

/// What a server offers: the reply to LHLO or EHLO, its first line left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    lines: Vec<String>,
}

impl Extensions {
    /// Reads the reply to LHLO or EHLO.
    pub fn of(hello: &Reply) -> Self {
        Self {
            lines: hello.lines.iter().skip(1).cloned().collect(),
        }
    }

    /// The lines as the server wrote them.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Whether an extension of this name is offered.
    pub fn offers(&self, name: &str) -> bool {
        self.lines.iter().any(|line| {
            line.split_ascii_whitespace()
                .next()
                .is_some_and(|word| word.eq_ignore_ascii_case(name))
        })
    }

    /// Whether AUTH is offered with this mechanism (RFC 4954).
    pub fn auth(&self, mechanism: &str) -> bool {
        self.lines.iter().any(|line| {
            let mut words = line.split_ascii_whitespace();
            words
                .next()
                .is_some_and(|word| word.eq_ignore_ascii_case("AUTH"))
                && words.any(|word| word.eq_ignore_ascii_case(mechanism))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8], piece: usize) -> Result<(Reply, usize), ReplyError> {
        let (mut reader, mut buffer, mut consumed) = (ReplyReader::new(), Vec::new(), 0);
        for piece in bytes.chunks(piece.max(1)) {
            buffer.extend_from_slice(piece);
            let progress = reader.take(&buffer)?;
            buffer.drain(..progress.consumed);
            consumed += progress.consumed;
            if progress.complete {
                break;
            }
        }
        Ok((reader.finish(), consumed))
    }

    #[test]
    fn a_reply_of_many_lines_ends_at_the_line_with_a_blank() {
        let bytes = b"250-foo.edu greets you\r\n250-PIPELINING\r\n250-size 1000\r\n250 ENHANCEDSTATUSCODES\r\n250 next\r\n";
        for piece in 1..bytes.len() {
            let (reply, consumed) = read(bytes, piece).unwrap();
            assert_eq!(reply.lines.len(), 4);
            assert_eq!(&bytes[consumed..], b"250 next\r\n");
            let extensions = Extensions::of(&reply);
            assert!(extensions.offers("SIZE") && extensions.offers("PIPELINING"));
            assert!(!extensions.offers("foo.edu") && !extensions.offers("STARTTLS"));
        }
    }

    #[test]
    fn refusals_are_temporary_or_permanent_and_keep_their_enhanced_code() {
        let (reply, _) = read(b"452 4.2.2 Mailbox full\r\n", 99).unwrap();
        let refusal = reply.success().unwrap_err();
        assert!(refusal.is_temporary());
        assert_eq!(refusal.enhanced.unwrap().to_string(), "4.2.2");
        assert_eq!(refusal.to_string(), "452 4.2.2 Mailbox full");

        let (reply, _) = read(b"550 no such user\r\n", 99).unwrap();
        let refusal = reply.success().unwrap_err();
        assert!(!refusal.is_temporary());
        assert_eq!(refusal.enhanced, None);
    }

    #[test]
    fn what_is_no_reply_is_an_error() {
        for strange in ["hello\r\n", "25\r\n", "999 x\r\n", "250x\r\n", "\r\n"] {
            assert!(matches!(
                read(strange.as_bytes(), 99),
                Err(ReplyError::NotAReply { .. })
            ));
        }
        assert!(matches!(
            read(b"250-a\r\n251 b\r\n", 99),
            Err(ReplyError::CodeChanges { .. })
        ));
    }

    #[test]
    fn replies_have_limits() {
        let long = [b"250 ".as_slice(), &[b'x'; 5000]].concat();
        assert!(matches!(read(&long, 99), Err(ReplyError::LineTooLong(_))));
        let many = b"250-x\r\n".repeat(MOST_LINES + 1);
        assert_eq!(read(&many, 99).unwrap_err(), ReplyError::TooManyLines);
    }

    proptest! {
        #[test]
        fn any_octets_end_in_a_reply_or_an_error(bytes in "([245][0-9]{2}[- ][a-z]{0,5}\r?\n|[0-9a-z\r\n -]{0,9}){0,9}", piece in 1usize..20) {
            prop_assert_eq!(read(bytes.as_bytes(), piece).is_ok(), read(bytes.as_bytes(), bytes.len()).is_ok());
        }
    }
}

//! Replies as state machines: each takes what has been read so far and says how much it used.

use crate::proto::dots::Unstuffer;
use crate::proto::line::{LineTooLong, printable, take_line};

/// A line outside a message's text is no longer than this, line end included. RFC 1939 allows 512
/// octets, servers exceed it.
pub const REPLY_LINE_LIMIT: usize = 8 * 1024;

/// A reply that is being read.
pub trait Reply {
    /// Takes what it can of `buffer`, which begins where it left off.
    ///
    /// # Errors
    /// What breaks the protocol, or a limit. The connection cannot be used any further.
    fn take(&mut self, buffer: &[u8]) -> Result<Progress, ReplyError>;
}

/// How far a reply is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Octets of the buffer that are done with.
    pub consumed: usize,
    /// The reply is complete; what follows belongs to another.
    pub complete: bool,
}

/// What a reply may not look like.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// Neither `+OK` nor `-ERR`.
    #[error("a reply begins with +OK or -ERR, this one is `{line}`")]
    NotAStatus {
        /// The line, cut and cleaned.
        line: String,
    },
    /// A line beyond its limit.
    #[error(transparent)]
    LineTooLong(#[from] LineTooLong),
    /// A listing of more lines than we take.
    #[error("the listing has more than {limit} lines")]
    TooManyLines {
        /// The limit.
        limit: usize,
    },
    /// A line of a listing that does not read as one.
    #[error("`{line}` is not a line of {listing}")]
    BadLine {
        /// Which listing.
        listing: &'static str,
        /// The line, cut and cleaned.
        line: String,
    },
}

/// The first line of each reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusLine<'a> {
    /// `+OK`, and the text after it.
    Ok(&'a [u8]),
    /// `-ERR`, its response code if it has one, and the text after both.
    Err(Option<ResponseCode>, &'a [u8]),
    /// `+`: the server waits for more (AUTH, RFC 5034).
    Continue(&'a [u8]),
}

impl<'a> StatusLine<'a> {
    /// Reads a line (without its end).
    ///
    /// # Errors
    /// [`ReplyError::NotAStatus`].
    pub fn parse(line: &'a [u8]) -> Result<Self, ReplyError> {
        if let Some(text) = after_word(line, b"+OK") {
            return Ok(Self::Ok(text));
        }
        if let Some(text) = after_word(line, b"-ERR") {
            let (code, text) = ResponseCode::split(text);
            return Ok(Self::Err(code, text));
        }
        if let Some(text) = after_word(line, b"+") {
            return Ok(Self::Continue(text));
        }
        Err(ReplyError::NotAStatus {
            line: printable(line),
        })
    }
}

/// The text after `word` and a blank; none if the line does not begin with that word.
fn after_word<'a>(line: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (first, rest) = line.split_at_checked(word.len())?;
    if !first.eq_ignore_ascii_case(word) {
        return None;
    }
    match rest {
        [] => Some(rest),
        [b' ', text @ ..] => Some(text),
        _ => None,
    }
}

/// Why a server refused, in a form for programs (RFC 2449, section 8, and RFC 3206).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResponseCode {
    /// `[IN-USE]`: another session has the maildrop.
    InUse,
    /// `[LOGIN-DELAY]`: too soon after the session before.
    LoginDelay,
    /// `[SYS/TEMP]`: the system's fault, likely to pass.
    SysTemp,
    /// `[SYS/PERM]`: the system's fault, somebody must repair it.
    SysPerm,
    /// `[AUTH]`: user or password are wrong.
    Auth,
    /// Any other.
    Other,
}

impl ResponseCode {
    /// Takes the code in brackets off the beginning of a refusal's text.
    fn split(text: &[u8]) -> (Option<Self>, &[u8]) {
        let code = text.strip_prefix(b"[").and_then(|rest| {
            let end = memchr::memchr(b']', rest)?;
            Some((&rest[..end], &rest[end + 1..]))
        });
        match code {
            Some((code, text)) => (Some(Self::parse(code)), text.trim_ascii_start()),
            None => (None, text),
        }
    }

    fn parse(code: &[u8]) -> Self {
        let is = |name: &str| code.eq_ignore_ascii_case(name.as_bytes());
        match () {
            () if is("IN-USE") => Self::InUse,
            () if is("LOGIN-DELAY") => Self::LoginDelay,
            () if is("SYS/TEMP") => Self::SysTemp,
            () if is("SYS/PERM") => Self::SysPerm,
            () if is("AUTH") => Self::Auth,
            () => Self::Other,
        }
    }
}

/// `-ERR`, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The response code, if the server gave one.
    pub code: Option<ResponseCode>,
    /// The server's words.
    pub text: Vec<u8>,
}

/// A reply of one line.
#[derive(Clone, Debug, Default)]
pub struct Status {
    answer: Option<Answer>,
    keep_text: bool,
}

#[derive(Clone, Debug)]
enum Answer {
    Ok(Vec<u8>),
    Continue(Vec<u8>),
    Refused(Refusal),
}

impl Status {
    /// Only whether it is `+OK` matters.
    pub fn new() -> Self {
        Self::default()
    }

    /// The text after `+OK` or `+` matters too.
    pub fn with_text() -> Self {
        Self {
            keep_text: true,
            ..Self::default()
        }
    }

    /// Whether `+OK` was read.
    fn is_ok(&self) -> bool {
        matches!(self.answer, Some(Answer::Ok(_)))
    }

    /// The text after `+` (empty unless it was asked for), if the server wants more.
    pub fn challenge(&self) -> Option<&[u8]> {
        match &self.answer {
            Some(Answer::Continue(text)) => Some(text),
            _ => None,
        }
    }

    /// The text after `+OK` (empty unless it was asked for), or the refusal. An unfinished reply is a
    /// refusal without words.
    ///
    /// # Errors
    /// The refusal.
    pub fn finish(self) -> Result<Vec<u8>, Refusal> {
        match self.answer {
            Some(Answer::Ok(text)) => Ok(text),
            Some(Answer::Refused(refusal)) => Err(refusal),
            Some(Answer::Continue(_)) | None => Err(Refusal {
                code: None,
                text: Vec::new(),
            }),
        }
    }
}

impl Reply for Status {
    fn take(&mut self, buffer: &[u8]) -> Result<Progress, ReplyError> {
        let Some(line) = take_line(buffer, REPLY_LINE_LIMIT)? else {
            return Ok(Progress {
                consumed: 0,
                complete: false,
            });
        };
        self.answer = Some(match StatusLine::parse(line.text)? {
            StatusLine::Ok(text) if self.keep_text => Answer::Ok(text.to_vec()),
            StatusLine::Ok(_) => Answer::Ok(Vec::new()),
            StatusLine::Continue(text) if self.keep_text => Answer::Continue(text.to_vec()),
            StatusLine::Continue(_) => Answer::Continue(Vec::new()),
            StatusLine::Err(code, text) => Answer::Refused(Refusal {
                code,
                text: text.to_vec(),
            }),
        });
        Ok(Progress {
            consumed: line.octets,
            complete: true,
        })
    }
}

/// A status line, and after `+OK` lines up to a lone dot: CAPA, LIST, UIDL. Each line goes to a
/// function, dots un-stuffed.
#[derive(Debug)]
pub struct Lines<F> {
    status: Status,
    begun: bool,
    left: usize,
    limit: usize,
    each: F,
}

impl<F: FnMut(&[u8]) -> Result<(), ReplyError>> Lines<F> {
    /// At most `limit` lines, each to `each`.
    pub fn new(limit: usize, each: F) -> Self {
        Self {
            status: Status::new(),
            begun: false,
            left: limit,
            limit,
            each,
        }
    }

    /// The refusal, if it was one.
    ///
    /// # Errors
    /// The refusal.
    pub fn finish(self) -> Result<(), Refusal> {
        self.status.finish().map(drop)
    }

    /// Takes the lines that are complete.
    fn take_lines(&mut self, buffer: &[u8]) -> Result<Progress, ReplyError> {
        let mut consumed = 0;
        while let Some(line) = take_line(&buffer[consumed..], REPLY_LINE_LIMIT)? {
            consumed += line.octets;
            match line.text {
                b"." => {
                    return Ok(Progress {
                        consumed,
                        complete: true,
                    });
                }
                [b'.', text @ ..] | text => {
                    self.left = self
                        .left
                        .checked_sub(1)
                        .ok_or(ReplyError::TooManyLines { limit: self.limit })?;
                    (self.each)(text)?;
                }
            }
        }
        Ok(Progress {
            consumed,
            complete: false,
        })
    }
}

impl<F: FnMut(&[u8]) -> Result<(), ReplyError>> Reply for Lines<F> {
    fn take(&mut self, buffer: &[u8]) -> Result<Progress, ReplyError> {
        let mut consumed = 0;
        if !self.begun {
            let progress = self.status.take(buffer)?;
            if !progress.complete || !self.status.is_ok() {
                return Ok(progress);
            }
            self.begun = true;
            consumed = progress.consumed;
        }
        let progress = self.take_lines(&buffer[consumed..])?;
        Ok(Progress {
            consumed: consumed + progress.consumed,
            ..progress
        })
    }
}

/// A status line, and after `+OK` a message's text up to a lone dot: RETR, TOP. The text goes to a sink
/// as it comes, un-stuffed, in pieces of any size; its lines may be of any length.
#[derive(Debug)]
pub struct BodyReply<S> {
    status: Status,
    unstuffer: Option<Unstuffer>,
    sink: S,
}

impl<S: FnMut(&[u8])> BodyReply<S> {
    /// The text goes to `sink`.
    pub fn new(sink: S) -> Self {
        Self {
            status: Status::new(),
            unstuffer: None,
            sink,
        }
    }

    /// The refusal, if it was one.
    ///
    /// # Errors
    /// The refusal.
    pub fn finish(self) -> Result<(), Refusal> {
        self.status.finish().map(drop)
    }
}

impl<S: FnMut(&[u8])> Reply for BodyReply<S> {
    fn take(&mut self, buffer: &[u8]) -> Result<Progress, ReplyError> {
        let mut consumed = 0;
        if self.unstuffer.is_none() {
            let progress = self.status.take(buffer)?;
            if !progress.complete || !self.status.is_ok() {
                return Ok(progress);
            }
            consumed = progress.consumed;
        }
        let unstuffer = self.unstuffer.get_or_insert_default();
        consumed += unstuffer.take(&buffer[consumed..], &mut self.sink);
        Ok(Progress {
            consumed,
            complete: unstuffer.ended(),
        })
    }
}

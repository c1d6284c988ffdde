//! Cuts a stream of IMAP bytes into logical lines, for both ends of the wire. Small literals stay in their
//! line; large ones are handed on slice by slice and leave `{0}` behind, so a message of any size passes
//! through in bounded memory and the collected line can still be decoded. What a line means is left to others.
//!
//! ```
//! use mailgauge::proto::imap::framer::{Framer, Limits, Piece};
//!
//! let mut framer = Framer::for_responses(Limits { kept_literal: 4, ..Limits::responses() });
//! let mut input: &[u8] = b"* 1 FETCH (BODY[] {5}\r\nhello UID 7)\r\n";
//! let mut body = Vec::new();
//! while let Some(piece) = framer.next(&mut input).unwrap() {
//!     match piece {
//!         Piece::Literal(literal) => assert_eq!((literal.octets, literal.kept), (5, false)),
//!         Piece::Bytes(bytes) => body.extend_from_slice(bytes),
//!         Piece::LiteralEnd => assert_eq!(body, b"hello"),
//!         Piece::Line => assert_eq!(framer.line(), b"* 1 FETCH (BODY[] {0}\r\n UID 7)"),
//!     }
//! }
//! ```

mod announced;

use memchr::{memchr, memrchr};
use thiserror::Error;

use self::announced::{Announced, in_quotes, is_text_response};

/// What comes out of the stream, in the order in which it stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'i> {
    /// A literal is announced and its octets come next. The receiver of a command must answer a
    /// synchronising one with `+ ` now, or [`Framer::refuse`] it.
    Literal(Literal),
    /// The next octets of a literal that is not kept.
    Bytes(&'i [u8]),
    /// The literal that was not kept is complete.
    LiteralEnd,
    /// A logical line is complete: [`Framer::line`] holds it until the next call of [`Framer::next`].
    Line,
}

/// A literal as its sender announced it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Literal {
    /// Octets that follow.
    pub octets: u64,
    /// The sender waits for a continuation request before it goes on (RFC 3501 section 4.3); without this
    /// the literal is `{n+}` (RFC 7888). Says nothing in responses, where nobody waits.
    pub synchronising: bool,
    /// `~{n}`: may hold NUL octets (RFC 3516 section 4.4).
    pub binary: bool,
    /// It will stay in the line. Otherwise its octets come as [`Piece::Bytes`].
    pub kept: bool,
}

/// A literal that was handed on, as it is remembered beside its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streamed {
    /// Where its `{` stands in the line.
    pub at: usize,
    /// How many octets were handed on.
    pub octets: u64,
}

/// What a peer may send before it counts as broken. All in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A logical line without its literals.
    pub line: usize,
    /// Literals up to this size stay in their line.
    pub kept_literal: u64,
    /// All kept literals of one line together.
    pub kept_total: usize,
    /// A literal that is handed on.
    pub literal: u64,
    /// How many literals a line may have.
    pub literals: usize,
}

impl Limits {
    /// For a client: lines of 4 MiB, which is a SEARCH that finds half a million messages.
    pub const fn responses() -> Self {
        Self {
            line: 4 << 20,
            kept_literal: 4 << 10,
            kept_total: 1 << 20,
            literal: 2 << 30,
            literals: 1024,
        }
    }

    /// For a server: lines of 64 KiB. Literals of any size are announced, the server refuses what it will
    /// not have.
    pub const fn commands() -> Self {
        Self {
            line: 64 << 10,
            kept_literal: 4 << 10,
            kept_total: 64 << 10,
            literal: u64::MAX,
            literals: 256,
        }
    }
}

/// The peer went beyond a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The rest of the line is skipped: the framer can go on with the next one.
    #[error("a line is longer than {limit} octets")]
    LineTooLong {
        /// [`Limits::line`].
        limit: usize,
    },
    /// The framer is at an end: where the literal would stop is not known or not acceptable.
    #[error("a literal is announced with more than {limit} octets")]
    LiteralTooLong {
        /// [`Limits::literal`].
        limit: u64,
    },
    /// The framer is at an end.
    #[error("a line has more than {limit} literals")]
    TooManyLiterals {
        /// [`Limits::literals`].
        limit: usize,
    },
    /// The framer is at an end.
    #[error("the literals of a line have more than {limit} octets together")]
    LiteralsTooLong {
        /// [`Limits::kept_total`].
        limit: usize,
    },
}

/// Which end of the wire speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaker {
    Client,
    Server,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the text of a line.
    Text,
    /// In a literal that stays in the line; so many octets to come.
    Keeping(u64),
    /// In a literal that is handed on.
    Streaming(u64),
    /// In the text of a line that nobody wants.
    SkippingText,
    /// In a literal of such a line.
    SkippingLiteral(u64),
    /// Beyond repair.
    Broken(FrameError),
}

/// The state of one direction of one connection. Holds one line at most.
#[derive(Debug)]
pub struct Framer {
    speaker: Speaker,
    limits: Limits,
    state: State,
    line: Vec<u8>,
    /// Where the text since the line's start, or since its last literal, begins.
    segment: usize,
    kept: usize,
    literals: usize,
    streamed: Vec<Streamed>,
    /// The literal announced last.
    literal: Option<Literal>,
    /// The line was handed out; the next call begins another.
    complete: bool,
}

/// Buffers that grew beyond this are given back after their line.
const RETAINED: usize = 16 << 10;
/// How much of a skipped line is remembered, to see a literal at its end.
const TAIL: usize = 32;

impl Framer {
    /// Frames what a server sends.
    pub fn for_responses(limits: Limits) -> Self {
        Self::new(Speaker::Server, limits)
    }

    /// Frames what a client sends.
    pub fn for_commands(limits: Limits) -> Self {
        Self::new(Speaker::Client, limits)
    }

    fn new(speaker: Speaker, limits: Limits) -> Self {
        Self {
            speaker,
            limits,
            state: State::Text,
            line: Vec::new(),
            segment: 0,
            kept: 0,
            literals: 0,
            streamed: Vec::new(),
            literal: None,
            complete: false,
        }
    }

    /// Takes what it can from the front of `input` and tells what came of it. `None`: all of `input` is
    /// taken and more is needed.
    pub fn next<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Piece<'i>>, FrameError> {
        if self.complete {
            self.begin_line();
        }
        loop {
            match self.state {
                State::Text => match self.text(input)? {
                    Progress::Starved => return Ok(None),
                    Progress::Piece(piece) => return Ok(Some(piece)),
                },
                State::Keeping(left) => {
                    let bytes = take(input, left);
                    self.line.extend_from_slice(bytes);
                    let left = left - bytes.len() as u64;
                    if left > 0 {
                        self.state = State::Keeping(left);
                        return Ok(None);
                    }
                    self.segment = self.line.len();
                    self.state = State::Text;
                }
                State::Streaming(0) => {
                    self.segment = self.line.len();
                    self.state = State::Text;
                    return Ok(Some(Piece::LiteralEnd));
                }
                State::Streaming(left) => {
                    if input.is_empty() {
                        return Ok(None);
                    }
                    let bytes = take(input, left);
                    self.state = State::Streaming(left - bytes.len() as u64);
                    return Ok(Some(Piece::Bytes(bytes)));
                }
                State::SkippingText => {
                    if !self.skip_text(input) {
                        return Ok(None);
                    }
                }
                State::SkippingLiteral(left) => {
                    let left = left - take(input, left).len() as u64;
                    if left > 0 {
                        self.state = State::SkippingLiteral(left);
                        return Ok(None);
                    }
                    self.state = State::SkippingText;
                }
                State::Broken(error) => return Err(error),
            }
        }
    }

    /// The line that [`Piece::Line`] announced, without the line end behind it. Kept literals stand in it
    /// as they came (`{3}\r\nabc`), others as `{0}\r\n`.
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// The literals of the line that were handed on, in order.
    pub fn streamed(&self) -> &[Streamed] {
        &self.streamed
    }

    /// Right after [`Piece::Literal`]: hands its octets on although it is small enough to be kept.
    pub fn stream(&mut self) {
        let State::Keeping(octets) = self.state else {
            return;
        };
        self.kept -= octets as usize;
        self.begin_streaming(octets);
    }

    /// Right after [`Piece::Literal`], or between its [`Piece::Bytes`]: drops the line, its literal and all that
    /// follows on it. Of a synchronising literal the octets never come, for the sender reads a tagged NO in
    /// place of the continuation it waits for; others are read and thrown away.
    pub fn refuse(&mut self) {
        let (State::Keeping(left) | State::Streaming(left)) = self.state else {
            return;
        };
        let waits = self
            .literal
            .is_some_and(|literal| literal.synchronising && literal.octets == left);
        self.begin_line();
        self.state = if waits {
            State::Text
        } else {
            State::SkippingLiteral(left)
        };
    }

    fn begin_line(&mut self) {
        self.line.clear();
        self.line.shrink_to(RETAINED);
        self.streamed.clear();
        self.segment = 0;
        self.kept = 0;
        self.literals = 0;
        self.complete = false;
    }

    fn text<'i>(&mut self, input: &mut &'i [u8]) -> Result<Progress<'i>, FrameError> {
        let (bytes, ended) = match memchr(b'\n', input) {
            Some(at) => (take(input, at as u64 + 1), true),
            None => (std::mem::take(input), false),
        };
        if self.line.len() - self.kept + bytes.len() > self.limits.line {
            self.begin_line();
            self.line
                .extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL)..]);
            self.state = if ended {
                self.end_of_skipped_line()
            } else {
                State::SkippingText
            };
            return Err(FrameError::LineTooLong {
                limit: self.limits.line,
            });
        }
        self.line.extend_from_slice(bytes);
        if !ended {
            return Ok(Progress::Starved);
        }
        self.line.pop();
        if self.line.last() == Some(&b'\r') && self.line.len() > self.segment {
            self.line.pop();
        }
        if let Some(announced) = self.announced() {
            return self.begin_literal(&announced);
        }
        self.complete = true;
        Ok(Progress::Piece(Piece::Line))
    }

    /// The literal at the end of the segment, if one stands there where one may stand.
    fn announced(&self) -> Option<Announced> {
        let segment = &self.line[self.segment..];
        let announced = Announced::at_end_of(segment)?;
        if in_quotes(&segment[..announced.at]) {
            return None;
        }
        if self.speaker == Speaker::Server && is_text_response(&self.line) {
            return None;
        }
        Some(Announced {
            at: announced.at + self.segment,
            ..announced
        })
    }

    fn begin_literal<'i>(&mut self, announced: &Announced) -> Result<Progress<'i>, FrameError> {
        let Some(octets) = announced.octets.filter(|&n| n <= self.limits.literal) else {
            return Err(self.broken(FrameError::LiteralTooLong {
                limit: self.limits.literal,
            }));
        };
        self.literals += 1;
        if self.literals > self.limits.literals {
            return Err(self.broken(FrameError::TooManyLiterals {
                limit: self.limits.literals,
            }));
        }
        self.line.extend_from_slice(b"\r\n");
        let kept = octets <= self.limits.kept_literal;
        if kept {
            self.kept = self.kept.saturating_add(octets as usize);
            if self.kept > self.limits.kept_total {
                return Err(self.broken(FrameError::LiteralsTooLong {
                    limit: self.limits.kept_total,
                }));
            }
            self.state = State::Keeping(octets);
        } else {
            self.begin_streaming(octets);
        }
        let literal = Literal {
            octets,
            synchronising: announced.synchronising,
            binary: announced.binary,
            kept,
        };
        self.literal = Some(literal);
        Ok(Progress::Piece(Piece::Literal(literal)))
    }

    /// Puts `{0}` in the place of `{octets}` at the end of the line.
    fn begin_streaming(&mut self, octets: u64) {
        let plus = self.line.ends_with(b"+}\r\n");
        let at = memrchr(b'{', &self.line).unwrap_or_default();
        self.line.truncate(at);
        self.line
            .extend_from_slice(if plus { b"{0+}\r\n" } else { b"{0}\r\n" });
        self.streamed.push(Streamed { at, octets });
        self.state = State::Streaming(octets);
    }

    /// False: needs more input.
    fn skip_text(&mut self, input: &mut &[u8]) -> bool {
        let (bytes, ended) = match memchr(b'\n', input) {
            Some(at) => (take(input, at as u64 + 1), true),
            None => (std::mem::take(input), false),
        };
        self.line
            .extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL)..]);
        self.line.drain(..self.line.len().saturating_sub(TAIL));
        if ended {
            self.state = self.end_of_skipped_line();
        }
        ended
    }

    /// A skipped line goes on behind a literal for which nobody waits.
    fn end_of_skipped_line(&mut self) -> State {
        let text = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let state = match Announced::at_end_of(text) {
            Some(Announced {
                synchronising: false,
                octets: Some(octets),
                ..
            }) if self.speaker == Speaker::Client => State::SkippingLiteral(octets),
            _ => State::Text,
        };
        self.begin_line();
        state
    }

    fn broken(&mut self, error: FrameError) -> FrameError {
        self.begin_line();
        self.state = State::Broken(error);
        error
    }
}

enum Progress<'i> {
    Starved,
    Piece(Piece<'i>),
}

/// Cuts up to `most` octets off the front.
fn take<'i>(input: &mut &'i [u8], most: u64) -> &'i [u8] {
    let n = usize::try_from(most).map_or(input.len(), |most| most.min(input.len()));
    let (front, rest) = input.split_at(n);
    *input = rest;
    front
}

#[cfg(test)]
mod tests;

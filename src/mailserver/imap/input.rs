//! Lines of commands as the framer cuts them. Literals get their continuation request, the message of an APPEND
//! goes to its file as it comes, what is too large is refused before it is sent where that can be.

use super::append::Refused;
use super::{Answer, Session};
use crate::mailserver::Feature;
use crate::mailserver::connection::Ended;
use crate::proto::imap::framer::{FrameError, Framer, Limits, Literal, Piece};
use crate::proto::imap::server::{append_target, tag_of};

/// The client's side of the connection.
pub(super) struct Reader {
    framer: Framer,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            framer: Framer::for_commands(Limits::commands()),
        }
    }

    /// The line that came, literals in place.
    pub(super) fn line(&self) -> &[u8] {
        self.framer.line()
    }

    /// STARTTLS: what came before does not count.
    pub(super) fn reset(&mut self) {
        *self = Self::new();
    }
}

/// What came from the client.
pub(super) enum Input {
    /// [`Reader::line`] holds it.
    Line,
    /// Something that was answered already.
    Answered,
    /// Nothing can follow.
    Broken,
}

/// What a piece of input asks for, once it is no longer borrowed.
enum Step {
    More,
    Literal(Literal),
    Line,
    Ended,
    TooLong(FrameError),
}

impl Session {
    /// Waits for the next line.
    pub(super) async fn next_input(&mut self) -> Result<Input, Ended> {
        let limit = self.shared.config.limits.imap_idle;
        loop {
            if let Some(input) = self.buffered_input() {
                return Ok(input);
            }
            if self.pending.is_some() {
                self.connection.fill_in_bulk(limit).await?;
            } else {
                self.connection.fill(limit).await?;
            }
        }
    }

    /// The next line, if all of it is there.
    pub(super) fn buffered_input(&mut self) -> Option<Input> {
        loop {
            match self.step() {
                Step::More => {}
                Step::Literal(literal) => {
                    if let Some(input) = self.literal(literal) {
                        return Some(input);
                    }
                }
                Step::Line => return Some(Input::Line),
                Step::Ended => return None,
                Step::TooLong(FrameError::LineTooLong { .. }) => {
                    self.untagged("BAD The line is too long");
                    return Some(Input::Answered);
                }
                Step::TooLong(error) => {
                    tracing::debug!("IMAP: {error}");
                    return Some(Input::Broken);
                }
            }
        }
    }

    fn step(&mut self) -> Step {
        let mut input = self.connection.buffered();
        let before = input.len();
        let step = match self.reader.framer.next(&mut input) {
            Ok(None) => Step::Ended,
            Ok(Some(Piece::Literal(literal))) => Step::Literal(literal),
            Ok(Some(Piece::Bytes(bytes))) => {
                if let Some(pending) = &mut self.pending {
                    pending.write(bytes);
                }
                Step::More
            }
            Ok(Some(Piece::LiteralEnd)) => Step::More,
            Ok(Some(Piece::Line)) => Step::Line,
            Err(error) => Step::TooLong(error),
        };
        let taken = before - input.len();
        self.connection.consume(taken);
        step
    }

    /// A literal is announced: lets it come, or refuses its command.
    fn literal(&mut self, literal: Literal) -> Option<Input> {
        let target = if self.pending.is_none() {
            append_target(self.reader.framer.line())
        } else {
            None
        };
        let is_message = target.is_some();
        let refused = match target {
            _ if !literal.synchronising && self.is_without(Feature::LiteralPlus) => {
                Some(Refused(Answer::bad("Wait for + before a literal")))
            }
            Some(mailbox) => self.begin_append(&mailbox, literal.octets).err(),
            None if literal.kept => None,
            None => Some(Refused(Answer::bad("[TOOBIG] The literal is too large"))),
        };
        if let Some(Refused(answer)) = refused {
            let tag = tag_of(self.reader.framer.line()).unwrap_or_else(|| "*".to_owned());
            self.reader.framer.refuse();
            self.pending = None;
            self.tagged(&tag, &answer);
            return Some(Input::Answered);
        }
        if is_message {
            self.reader.framer.stream();
        }
        if literal.synchronising {
            self.connection.out.extend_from_slice(b"+ Go on\r\n");
        }
        None
    }
}

//! A command goes out, responses come in until the one with its tag. What all commands share.

use std::time::{Duration, Instant};

use super::ImapSession;
use crate::client::{ClientError, printable};
use crate::metrics::{ErrorClass, Observer, Operation};
use crate::proto::digest::{Digester, MessageDigest};
use crate::proto::imap::framer::{FrameError, Piece};
use crate::proto::imap::{Command, Condition, LiteralForm, Malformed, Nstring, Response};

/// A reply may take so many times the limit for a silence, as a whole: a server that never stops talking must
/// not hold a session for ever.
const REPLY_LIMITS: u32 = 60;

/// No list that a server sends may have more entries.
pub(super) const MOST_ENTRIES: usize = 2_000_000;

/// The tagged response of a command.
#[derive(Debug)]
pub(super) struct Reply {
    condition: Condition,
    /// Empty after OK.
    words: Vec<u8>,
}

impl Reply {
    /// OK, or an error with the server's words.
    pub(super) fn accept(self, operation: Operation) -> Result<(), ClientError> {
        self.accept_as(operation, ErrorClass::CommandRefused)
    }

    /// As [`Self::accept`]; NO is filed under `refusal`.
    pub(super) fn accept_as(
        self,
        operation: Operation,
        refusal: ErrorClass,
    ) -> Result<(), ClientError> {
        let class = match self.condition {
            Condition::Ok => return Ok(()),
            Condition::Bad => ErrorClass::BadCommand,
            _ => refusal,
        };
        Err(ClientError::refused(class, operation, &self.words))
    }
}

/// Why a response could not be taken.
#[derive(Debug)]
pub(super) enum Unusable {
    Malformed(Malformed),
    TooMany,
}

impl From<Malformed> for Unusable {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// Whether a response was part of what the command asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    No,
}

/// For commands whose tagged response says all.
#[expect(
    clippy::unnecessary_wraps,
    reason = "it stands where others take responses and may fail"
)]
pub(super) fn nothing(_: Response<'_>, _: &mut Bodies) -> Result<Taken, Unusable> {
    Ok(Taken::No)
}

/// Adds to a list that a server sends.
pub(super) fn push<T>(list: &mut Vec<T>, entry: T) -> Result<Taken, Unusable> {
    if list.len() >= MOST_ENTRIES {
        return Err(Unusable::TooMany);
    }
    list.push(entry);
    Ok(Taken::Yes)
}

/// The literals of the line being read that streamed by.
#[derive(Default)]
pub(super) struct Bodies(Vec<Option<Digester>>);

impl std::fmt::Debug for Bodies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Bodies").field(&self.0.len()).finish()
    }
}

impl Bodies {
    /// The digest of a string, however it came; none for NIL.
    pub(super) fn digest(&mut self, data: &Nstring<'_>) -> Option<MessageDigest> {
        match data {
            Nstring::Nil => None,
            Nstring::Inline(octets) => Some(MessageDigest::of([&octets[..]])),
            Nstring::Streamed { index, .. } => {
                let digester = self.0.get_mut(*index)?.take()?;
                Some(digester.finish())
            }
        }
    }
}

/// What a response was, to those who only wait for the end.
enum Step {
    Untagged,
    Continue,
    Tagged(Reply),
}

impl<O: Observer> ImapSession<O> {
    /// Begins a command under the next tag.
    pub(super) fn new_command(&mut self, name: &str) -> Command {
        let form = self.mirror.capabilities.literals().min(self.literals);
        self.new_command_in(name, form)
    }

    /// As [`Self::new_command`], with literals in a form of the caller's.
    pub(super) fn new_command_in(&mut self, name: &str, form: LiteralForm) -> Command {
        self.last_tag += 1;
        self.awaited_tag = self.last_tag;
        Command::new(&format!("m{}", self.last_tag), name, form)
    }

    /// One whole command: times it, sends it, hands each response to `collect`, and tells the observer.
    pub(super) async fn command(
        &mut self,
        operation: Operation,
        command: Command,
        collect: impl FnMut(Response<'_>, &mut Bodies) -> Result<Taken, Unusable>,
    ) -> Result<(), ClientError> {
        let running = self.link.begin(operation);
        let command = command.finish();
        let reply = self.exchange(operation, &command, collect).await;
        let result = reply.and_then(|reply| reply.accept(operation));
        self.link.end(running, result)
    }

    /// Sends a command and takes what comes until its tagged response. Not timed.
    pub(super) async fn exchange(
        &mut self,
        operation: Operation,
        command: &Command,
        mut collect: impl FnMut(Response<'_>, &mut Bodies) -> Result<Taken, Unusable>,
    ) -> Result<Reply, ClientError> {
        match self.send(operation, command, &mut collect).await? {
            Some(refused) => Ok(refused),
            None => self.completion(operation, &mut collect).await,
        }
    }

    /// Sends a command, waiting where it has to. If the server ends it before it is complete, with how.
    pub(super) async fn send(
        &mut self,
        operation: Operation,
        command: &Command,
        collect: &mut impl FnMut(Response<'_>, &mut Bodies) -> Result<Taken, Unusable>,
    ) -> Result<Option<Reply>, ClientError> {
        let mut pieces = command.pieces().peekable();
        while let Some(piece) = pieces.next() {
            self.link.wire().send(piece);
            self.link
                .flush(operation)
                .await
                .map_err(|error| self.explain(error))?;
            let waits = pieces.peek().is_some() || command.ends_waiting();
            if waits && let Some(reply) = self.continuation(operation, collect).await? {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    /// Waits until the server asks for more. If it ends the command instead, with how.
    pub(super) async fn continuation(
        &mut self,
        operation: Operation,
        collect: &mut impl FnMut(Response<'_>, &mut Bodies) -> Result<Taken, Unusable>,
    ) -> Result<Option<Reply>, ClientError> {
        let until = self.reply_deadline();
        loop {
            match self.response(operation, until, collect).await? {
                Step::Untagged => {}
                Step::Continue => return Ok(None),
                Step::Tagged(reply) if reply.condition == Condition::Ok => {
                    return Err(ClientError::protocol(
                        operation,
                        "OK came where the server had to ask for the rest of the command",
                    ));
                }
                Step::Tagged(reply) => return Ok(Some(reply)),
            }
        }
    }

    /// Takes responses until the tagged one, or until the server asks for more: then none.
    pub(super) async fn turn(
        &mut self,
        operation: Operation,
        collect: &mut impl FnMut(Response<'_>, &mut Bodies) -> Result<Taken, Unusable>,
    ) -> Result<Option<Reply>, ClientError> {
        let until = self.reply_deadline();
        loop {
            match self.response(operation, until, collect).await? {
                Step::Tagged(reply) => return Ok(Some(reply)),
                Step::Continue => return Ok(None),
                Step::Untagged => {}
            }
        }
    }

    /// Takes responses until the tagged one.
    pub(super) async fn completion(
        &mut self,
        operation: Operation,
        collect: &mut impl FnMut(Response<'_>, &mut Bodies) -> Result<Taken, Unusable>,
    ) -> Result<Reply, ClientError> {
        let until = self.reply_deadline();
        loop {
            match self.response(operation, until, collect).await? {
                Step::Tagged(reply) => return Ok(reply),
                // A continuation that nobody waits for says nothing.
                Step::Untagged | Step::Continue => {}
            }
        }
    }

    /// Takes one untagged response: the greeting.
    pub(super) async fn untagged(
        &mut self,
        operation: Operation,
        collect: &mut impl FnMut(Response<'_>, &mut Bodies) -> Result<Taken, Unusable>,
    ) -> Result<(), ClientError> {
        let until = self.reply_deadline();
        match self.response(operation, until, collect).await? {
            Step::Untagged => Ok(()),
            Step::Continue | Step::Tagged(_) => Err(ClientError::protocol(
                operation,
                "the connection does not begin with a greeting",
            )),
        }
    }

    fn reply_deadline(&mut self) -> Instant {
        Instant::now() + self.link.wire().limits().command * REPLY_LIMITS
    }

    async fn response(
        &mut self,
        operation: Operation,
        until: Instant,
        collect: &mut impl FnMut(Response<'_>, &mut Bodies) -> Result<Taken, Unusable>,
    ) -> Result<Step, ClientError> {
        while !self.take_line(operation)? {
            self.link
                .read_more(operation)
                .await
                .map_err(|error| self.explain(error))?;
            if Instant::now() > until {
                return Err(endless(operation, self.link.wire().limits().command));
            }
        }
        self.take_response(operation, collect)
    }

    /// Frames what is in the wire's buffer. True: a logical line is complete.
    fn take_line(&mut self, operation: Operation) -> Result<bool, ClientError> {
        let wire = self.link.wire();
        let mut input = wire.buffer();
        let waiting = input.len();
        let complete = loop {
            match self.framer.next(&mut input) {
                Ok(None) => break Ok(false),
                Ok(Some(Piece::Line)) => break Ok(true),
                Ok(Some(Piece::Literal(literal))) => {
                    if !literal.kept {
                        self.bodies.0.push(Some(Digester::new()));
                    }
                }
                Ok(Some(Piece::Bytes(octets))) => {
                    if let Some(Some(digester)) = self.bodies.0.last_mut() {
                        digester.update(octets);
                    }
                }
                Ok(Some(Piece::LiteralEnd)) => {}
                Err(error) => break Err(too_long(operation, error)),
            }
        };
        let taken = waiting - input.len();
        wire.consume(taken);
        complete
    }

    /// Reads the line that was framed last.
    fn take_response(
        &mut self,
        operation: Operation,
        collect: &mut impl FnMut(Response<'_>, &mut Bodies) -> Result<Taken, Unusable>,
    ) -> Result<Step, ClientError> {
        let line = self.framer.line();
        let unusable = |unusable| match unusable {
            Unusable::Malformed(malformed) => {
                ClientError::protocol(operation, format!("{malformed}, in `{}`", printable(line)))
            }
            Unusable::TooMany => ClientError::new(
                ErrorClass::TooLong,
                operation,
                format!("the server's answer has more than {MOST_ENTRIES} entries"),
            ),
        };
        let response = Response::parse(line, self.framer.streamed())
            .map_err(|error| unusable(error.into()))?;
        self.mirror.note(&response);
        let step = match &response {
            Response::Continue(_) => Step::Continue,
            Response::Tagged {
                tag,
                condition,
                text,
            } => {
                if !is_tag(tag, self.awaited_tag) {
                    let detail = format!("a response has the tag `{}`", printable(tag));
                    return Err(ClientError::protocol(operation, detail));
                }
                Step::Tagged(Reply {
                    condition: *condition,
                    words: match condition {
                        Condition::Ok => Vec::new(),
                        _ => text.whole.to_vec(),
                    },
                })
            }
            _ => Step::Untagged,
        };
        let fetch = match &response {
            Response::Fetch(fetch) => Some(fetch.clone()),
            _ => None,
        };
        let taken = collect(response, &mut self.bodies);
        self.bodies.0.clear();
        if taken.map_err(unusable)? == Taken::No
            && let Some(fetch) = fetch
        {
            self.mirror
                .note_flags(fetch)
                .map_err(|error| unusable(error.into()))?;
        }
        Ok(step)
    }

    /// A connection that was lost after BYE was ended by the server for the reason that it gave.
    pub(super) fn explain(&self, error: ClientError) -> ClientError {
        match self.mirror.bye() {
            Some(words) if error.class == ErrorClass::ConnectionLost => ClientError {
                detail: format!("the server said goodbye and closed the connection: {words}"),
                ..error
            },
            _ => error,
        }
    }

    /// Reads the responses that are in the buffer already; ends early with the tagged one.
    pub(super) fn take_buffered(
        &mut self,
        operation: Operation,
    ) -> Result<Option<Reply>, ClientError> {
        while self.take_line(operation)? {
            if let Step::Tagged(reply) = self.take_response(operation, &mut nothing)? {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }
}

fn is_tag(tag: &[u8], awaited: u32) -> bool {
    tag.strip_prefix(b"m")
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .and_then(|digits| digits.parse().ok())
        == Some(awaited)
}

fn too_long(operation: Operation, error: FrameError) -> ClientError {
    ClientError::new(
        ErrorClass::TooLong,
        operation,
        format!("the server's answer is beyond all bounds ({operation}): {error}"),
    )
}

fn endless(operation: Operation, limit: Duration) -> ClientError {
    ClientError::new(
        ErrorClass::Timeout,
        operation,
        format!(
            "the server was still answering after {:?} ({operation})",
            limit * REPLY_LIMITS
        ),
    )
}

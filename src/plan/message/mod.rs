//! Writes a planned message as the octets that travel: real MIME in several languages, exactly as long as planned, in
//! chunks that are slices of a few shared pools, so that a message of 25 MB costs no more memory than one of 2 KB.

mod attachment;
mod charset;
mod draft;
mod head;
mod manner;
mod pool;
mod prose;

use bytes::Bytes;

use super::MessageSpec;
use crate::scenario::Language;
pub(in crate::plan) use manner::{seed_in, seed_of_answer};
use pool::Pool;
use prose::Lexicon;

/// The smallest message that always fits its headers: sizes below are raised to it when a plan is made.
/// Holds for addresses of up to 64 octets each.
pub const SMALLEST: u64 = 768;

/// The largest message; sizes above are cut to it when a plan is made.
pub const LARGEST: u64 = 64 << 20;

/// The smallest message that is planned with an attachment.
pub const SMALLEST_WITH_ATTACHMENT: u64 = 4_096;

/// Headers, part headers and boundaries around an attachment take at most this much.
const LARGEST_FRAME: u64 = 1_536;

/// Octets of the attachment's body in a message of at least [`SMALLEST_WITH_ATTACHMENT`] octets that has about `text`
/// octets of text besides.
pub fn attachment_length(octets: u64, text: u64) -> u64 {
    pool::base64_length(octets.saturating_sub(LARGEST_FRAME + text))
}

/// The most octets of one chunk.
pub const LARGEST_CHUNK: usize = 64 << 10;

/// What is known about a message only when it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The message's identity, `<run>-<user>-<seq>`, the value of `X-Mailgauge-Id`.
    pub id: &'a str,
    /// Address of the sender.
    pub from: &'a str,
    /// Address of the recipient.
    pub to: &'a str,
    /// Seconds since 1970, for `Date`.
    pub date_unix: i64,
    /// Identities of the messages before it in its thread, the one that began it first, the one it answers last;
    /// none: it begins a thread.
    pub ancestors: &'a [String],
}

/// The words of which English subjects and texts are made that name things; a search for one of them finds something.
pub fn words() -> &'static [String] {
    Lexicon::of(Language::English).topics()
}

/// The Message-ID of the message with this identity, without its angle brackets.
fn message_id(identity: &str) -> String {
    format!("{identity}@mailgauge.invalid")
}

/// Iterates over a message's octets in chunks of at most [`LARGEST_CHUNK`]. The whole is exactly
/// [`Writer::octets`] long, ends in CRLF, has no line above 998 octets and no CR or LF alone, and depends on the
/// spec and the envelope only.
///
/// Text alone; text and HTML (`multipart/alternative`); either with a base64 attachment (`multipart/mixed`, RFC 2046).
/// In English, German, French, Thai or Japanese, in UTF-8 or in a character set that came before it, as 7bit,
/// quoted-printable or base64: the seed decides.
#[derive(Clone, Debug)]
pub struct Writer {
    octets: u64,
    pieces: std::vec::IntoIter<Piece>,
    current: Option<Piece>,
}

/// A run of octets still to be written.
#[derive(Clone, Debug)]
enum Piece {
    /// Headers, boundaries, short lines.
    Literal(Bytes),
    /// Octets of a pool from a place on, around its end.
    Cut {
        pool: &'static Pool,
        begin: usize,
        left: u64,
    },
}

impl Writer {
    /// Starts a message.
    pub fn new(spec: &MessageSpec, envelope: &Envelope<'_>) -> Self {
        draft::write(spec, envelope)
    }

    /// Octets of the whole message: the planned ones, unless longer addresses than [`SMALLEST`] allows for leave no
    /// room; then what the headers alone take.
    pub fn octets(&self) -> u64 {
        self.octets
    }
}

impl Iterator for Writer {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let piece = match self.current.take() {
            Some(piece) => piece,
            None => self.pieces.next()?,
        };
        match piece {
            Piece::Literal(bytes) => Some(bytes),
            Piece::Cut { pool, begin, left } => {
                let begin = begin % pool.len();
                let chunk = pool.slice(begin, left, LARGEST_CHUNK);
                let left = left - chunk.len() as u64;
                if left > 0 {
                    let begin = begin + chunk.len();
                    self.current = Some(Piece::Cut { pool, begin, left });
                }
                Some(chunk)
            }
        }
    }
}

#[cfg(test)]
mod tests;

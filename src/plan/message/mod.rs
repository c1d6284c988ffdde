//! Writes a planned message as the octets that travel: real MIME, exactly as long as planned, in chunks that
//! are slices of a few shared pools, so that a message of 25 MB costs no more memory than one of 2 KB.

mod head;
mod pool;

use std::sync::LazyLock;

use bytes::Bytes;

use super::MessageSpec;
use pool::{LINE, Pool};

/// The smallest message that always fits its headers: sizes below are raised to it when a plan is made.
/// Holds for addresses of up to 64 octets each.
pub const SMALLEST: u64 = 768;

/// The largest message; sizes above are cut to it when a plan is made.
pub const LARGEST: u64 = 64 << 20;

/// The smallest message that is planned with an attachment.
pub const SMALLEST_WITH_ATTACHMENT: u64 = 4_096;

/// Headers, part headers and boundaries around an attachment take at most this much.
const LARGEST_FRAME: u64 = 1_024;

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
}

/// The words that subjects and texts are made of; a search for one of them finds something.
pub fn words() -> &'static [&'static str] {
    &pool::WORDS
}

/// Iterates over a message's octets in chunks of at most [`LARGEST_CHUNK`]. The whole is exactly
/// [`Writer::octets`] long, ends in CRLF, has no line above 998 octets and no CR or LF alone, and depends on the
/// spec and the envelope only.
///
/// Three shapes: text alone; text and HTML (`multipart/alternative`); text and a base64 attachment
/// (`multipart/mixed`, RFC 2046).
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
    /// Whole lines of a pool, from a line on, around its end.
    Lines {
        pool: &'static Pool,
        line: usize,
        left: u64,
    },
}

static TEXT: LazyLock<Pool> = LazyLock::new(Pool::text);
static HTML: LazyLock<Pool> = LazyLock::new(Pool::html);
static RANDOM: LazyLock<Pool> = LazyLock::new(Pool::random);
static ENCODED_TEXT: LazyLock<Pool> = LazyLock::new(Pool::encoded_text);

const HTML_HEAD: &str = "<!DOCTYPE html>\r\n<html><head><title>mailgauge</title></head><body>\r\n";
const HTML_TAIL: &str = "</body></html>\r\n";
/// Text that goes with an attachment: at least this much is left for it.
const LEAST_TEXT: u64 = 160;

impl Writer {
    /// Starts a message.
    pub fn new(spec: &MessageSpec, envelope: &Envelope<'_>) -> Self {
        let mut draft = Draft {
            spec: *spec,
            pieces: Vec::with_capacity(12),
            octets: 0,
        };
        let boundary = format!("=_mailgauge_{:016x}", spec.seed);
        if let Some(attachment) = spec.attachment {
            let head = head::head(spec, envelope, &multipart("mixed", &boundary), None);
            if draft.mixed(head, &boundary, attachment, envelope.id) {
                return draft.finish();
            }
        } else if spec.seed.is_multiple_of(2) {
            // About half of the messages without attachment carry HTML besides, if there is room.
            let head = head::head(spec, envelope, &multipart("alternative", &boundary), None);
            if draft.alternative(head, &boundary, envelope.id) {
                return draft.finish();
            }
        }
        let head = head::head(spec, envelope, "text/plain; charset=us-ascii", Some("7bit"));
        draft.literal(head);
        draft.text(spec.octets, envelope.id);
        draft.finish()
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
            Piece::Lines { pool, line, left } => {
                let chunk = pool.slice(line, left);
                let left = left - chunk.len() as u64;
                if left > 0 {
                    let line = (line + chunk.len() / LINE) % pool.lines();
                    self.current = Some(Piece::Lines { pool, line, left });
                }
                Some(chunk)
            }
        }
    }
}

fn multipart(subtype: &str, boundary: &str) -> String {
    format!("multipart/{subtype}; boundary=\"{boundary}\"")
}

/// A message while it is put together.
struct Draft {
    spec: MessageSpec,
    pieces: Vec<Piece>,
    octets: u64,
}

impl Draft {
    /// Text and attachment; false, and nothing written, if they do not fit.
    fn mixed(&mut self, head: String, boundary: &str, attachment: u64, id: &str) -> bool {
        let text_head =
            format!("--{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n");
        let file_head = format!(
            "--{boundary}\r\nContent-Type: application/octet-stream; name=\"report-{0:04}.bin\"\r\n\
             Content-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment; filename=\"report-{0:04}.bin\"\r\n\r\n",
            self.spec.seed % 10_000,
        );
        let tail = format!("--{boundary}--\r\n");
        let frame = (head.len() + text_head.len() + file_head.len() + tail.len()) as u64;
        let Some(room) = self.spec.octets.checked_sub(frame + LEAST_TEXT) else {
            return false;
        };
        let attachment = pool::base64_length(attachment.min(room));
        if attachment == 0 {
            return false;
        }
        self.literal(head + &text_head);
        self.text(
            self.spec.octets - file_head.len() as u64 - attachment - tail.len() as u64,
            id,
        );
        self.literal(file_head);
        self.attachment(attachment);
        self.literal(tail);
        true
    }

    /// The same text plain and as HTML; false, and nothing written, if they do not fit.
    fn alternative(&mut self, head: String, boundary: &str, id: &str) -> bool {
        let text_head =
            format!("--{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n");
        let html_head =
            format!("--{boundary}\r\nContent-Type: text/html; charset=us-ascii\r\n\r\n{HTML_HEAD}");
        let tail = format!("{HTML_TAIL}--{boundary}--\r\n");
        let frame = (head.len() + text_head.len() + html_head.len() + tail.len()) as u64;
        let Some(room) = self.spec.octets.checked_sub(frame) else {
            return false;
        };
        if room < 2 * LEAST_TEXT {
            return false;
        }
        self.literal(head + &text_head);
        self.text(self.octets + room * 2 / 5, id);
        self.literal(html_head);
        self.lines(&HTML, self.spec.octets - tail.len() as u64 - self.octets);
        self.literal(tail);
        true
    }

    fn literal(&mut self, text: String) {
        self.octets += text.len() as u64;
        self.pieces.push(Piece::Literal(Bytes::from(text)));
    }

    /// Text until the message has `until` octets; its first line names the message, so that no two are alike.
    fn text(&mut self, until: u64, id: &str) {
        let Some(room) = until.checked_sub(self.octets) else {
            return;
        };
        let first = format!("This is message {id}.\r\n");
        let after = room.checked_sub(first.len() as u64);
        if after.is_some_and(|after| after == 0 || after >= 2) {
            self.literal(first);
        }
        self.lines(&TEXT, until - self.octets);
    }

    /// Lines of a pool, `octets` long in all: whole ones, then one of what is left.
    fn lines(&mut self, pool: &'static Pool, octets: u64) {
        let line = LINE as u64;
        let mut whole = octets / line;
        let mut rest = octets % line;
        if rest == 1 {
            // CRLF alone takes two.
            (whole, rest) = match whole.checked_sub(1) {
                Some(fewer) => (fewer, line + 1),
                None => return,
            };
        }
        self.run(pool, whole * line);
        if rest > 0 {
            let words = pool::filler(self.spec.seed, rest as usize - 2);
            self.literal(words + "\r\n");
        }
    }

    /// The base64 body of an attachment: incompressible lines first, then such of text.
    fn attachment(&mut self, octets: u64) {
        let line = LINE as u64;
        let whole = octets / line * line;
        let random = (self.spec.incompressible.min(octets) + line / 2) / line * line;
        let random = random.min(whole);
        self.run(&RANDOM, random);
        self.run(&ENCODED_TEXT, whole - random);
        let rest = octets - whole;
        if rest > 0 {
            let pool = if random == whole {
                &*RANDOM
            } else {
                &*ENCODED_TEXT
            };
            let characters = pool.slice(self.spec.seed as usize % pool.lines(), rest - 2);
            self.octets += rest;
            self.pieces.push(Piece::Literal(characters));
            self.pieces
                .push(Piece::Literal(Bytes::from_static(b"\r\n")));
        }
    }

    fn run(&mut self, pool: &'static Pool, octets: u64) {
        if octets > 0 {
            let line = (self.spec.seed >> 8) as usize % pool.lines();
            self.octets += octets;
            self.pieces.push(Piece::Lines {
                pool,
                line,
                left: octets,
            });
        }
    }

    fn finish(self) -> Writer {
        Writer {
            octets: self.octets,
            pieces: self.pieces.into_iter(),
            current: None,
        }
    }
}

#[cfg(test)]
mod tests;

//! A message while it is put together: which parts it has, and how the octets that were planned are shared among them.

use bytes::Bytes;

use super::attachment::Kind;
use super::charset::Transfer;
use super::head::Head;
use super::manner::{MANNERS, Manner};
use super::pool::{self, LINE, Pool};
use super::{Envelope, MessageSpec, Piece, Writer};

/// A part of text, and one of HTML, has at least this much, or it is left out.
const LEAST_TEXT: u64 = 160;

/// What a part holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Text,
    Page,
    File,
}

/// A part: what stands before it and what is in it.
struct Part {
    head: String,
    content: Content,
}

/// The parts in their order, the content headers of the whole, and what stands at the end.
struct Shape {
    content: String,
    parts: Vec<Part>,
    tail: String,
}

impl Shape {
    fn text(manner: &Manner) -> Self {
        Self {
            content: manner.part_head("plain"),
            parts: vec![Part {
                head: String::new(),
                content: Content::Text,
            }],
            tail: String::new(),
        }
    }

    /// Text and the same as HTML (RFC 2046, section 5.1.4).
    fn alternative(manner: &Manner, boundary: &str) -> Self {
        let part = |head: String, content| Part {
            head: format!("--{boundary}\r\n{head}\r\n"),
            content,
        };
        Self {
            content: multipart("alternative", boundary),
            parts: vec![
                part(manner.part_head("plain"), Content::Text),
                part(manner.part_head("html"), Content::Page),
            ],
            tail: format!("--{boundary}--\r\n"),
        }
    }

    /// A file with this before it (RFC 2046, section 5.1.3).
    fn mixed(inner: Self, file: &str, boundary: &str) -> Self {
        let mut parts = inner.parts;
        if let Some(first) = parts.first_mut() {
            first.head = format!("--{boundary}\r\n{}\r\n{}", inner.content, first.head);
        }
        parts.push(Part {
            head: format!("{}--{boundary}\r\n{file}\r\n", inner.tail),
            content: Content::File,
        });
        Self {
            content: multipart("mixed", boundary),
            parts,
            tail: format!("--{boundary}--\r\n"),
        }
    }

    /// The shapes that a message may have, the wanted one first.
    fn wanted(spec: &MessageSpec, manner: &Manner) -> Vec<Self> {
        let boundary = |level| format!("=_mailgauge_{level}_{:016x}", spec.seed);
        // About half of the messages carry HTML besides.
        let with_page = spec.seed.is_multiple_of(2);
        let alternative = || with_page.then(|| Self::alternative(manner, &boundary("a")));
        let mut shapes = Vec::with_capacity(3);
        if spec.attachment.is_some() {
            let file = Kind::of(spec).part_head(spec, manner);
            let mixed = |inner| Self::mixed(inner, &file, &boundary("m"));
            shapes.extend(alternative().map(mixed));
            shapes.push(mixed(Self::text(manner)));
        } else {
            shapes.extend(alternative());
        }
        shapes.push(Self::text(manner));
        shapes
    }

    /// Octets of all that is not content.
    fn frame(&self) -> usize {
        let heads: usize = self.parts.iter().map(|part| part.head.len()).sum();
        heads + self.tail.len()
    }

    fn has(&self, content: Content) -> bool {
        self.parts.iter().any(|part| part.content == content)
    }
}

fn multipart(subtype: &str, boundary: &str) -> String {
    format!("Content-Type: multipart/{subtype};\r\n boundary=\"{boundary}\"\r\n")
}

/// Puts a message together: in the wanted shape, or in a simpler one where the wanted does not fit.
pub(super) fn write(spec: &MessageSpec, envelope: &Envelope<'_>) -> Writer {
    let manner = Manner::of(spec.seed);
    for shape in Shape::wanted(spec, manner) {
        let head = Head::new(spec, envelope, manner, &shape.content);
        if let Some(writer) = Draft::new(spec, manner).fit(head, shape, envelope.id) {
            return writer;
        }
    }
    let plain = &MANNERS[0];
    let shape = Shape::text(plain);
    let head = Head::lean(spec, envelope, &shape.content);
    // The headers come whole, whatever was planned; the text takes what is left.
    let mut draft = Draft::new(
        &MessageSpec {
            seed: spec.seed & (u64::MAX >> 8),
            ..*spec
        },
        plain,
    );
    let room = spec.octets.saturating_sub(head.len() as u64);
    draft.text(room, envelope.id);
    draft.finish(head, spec.octets)
}

struct Draft<'a> {
    spec: MessageSpec,
    manner: &'a Manner,
    pieces: Vec<Piece>,
    octets: u64,
}

impl<'a> Draft<'a> {
    fn new(spec: &MessageSpec, manner: &'a Manner) -> Self {
        Self {
            spec: *spec,
            manner,
            // The head's place.
            pieces: vec![Piece::Literal(Bytes::new())],
            octets: 0,
        }
    }

    /// None if it does not fit.
    fn fit(mut self, head: Head, shape: Shape, id: &str) -> Option<Writer> {
        let planned = self.spec.octets;
        let frame = (head.len() + shape.frame()) as u64;
        let room = planned.checked_sub(frame)?;
        let least = LEAST_TEXT * (1 + u64::from(shape.has(Content::Page)));
        let for_file = if shape.has(Content::File) {
            let wanted = self.spec.attachment.unwrap_or(0);
            pool::base64_length(wanted.min(room.checked_sub(least)?))
        } else {
            0
        };
        if shape.has(Content::File) && for_file == 0 || room - for_file < least {
            return None;
        }
        // What one part leaves, the next one takes.
        let mut left = room - for_file;
        let has_page = shape.has(Content::Page);
        for part in shape.parts {
            self.literal(part.head);
            let before = self.octets;
            match part.content {
                Content::Text if has_page => self.text(left * 2 / 5, id),
                Content::Text => self.text(left, id),
                Content::Page => self.run(pool::page(self.spec.seed), left),
                Content::File => {
                    self.file(for_file);
                    continue;
                }
            }
            left -= self.octets - before;
        }
        self.literal(shape.tail);
        Some(self.finish(head, planned))
    }

    fn literal(&mut self, text: String) {
        self.octets += text.len() as u64;
        self.pieces.push(Piece::Literal(Bytes::from(text)));
    }

    /// At most so many octets of text, a few less where the encoding cannot meet them; its first line names the
    /// message, so that no two are alike.
    fn text(&mut self, octets: u64, id: &str) {
        let mut first = Vec::new();
        let line = format!("This is message {id}.");
        self.manner
            .transfer
            .encode(self.manner.charset, &line, &mut first);
        let mut left = octets;
        if let Some(after) = octets.checked_sub(first.len() as u64)
            && after != 1
        {
            left = after;
            self.octets += first.len() as u64;
            self.pieces.push(Piece::Literal(Bytes::from(first)));
        }
        self.run(pool::text(self.spec.seed), left);
    }

    /// Lines of a pool, and then one or a few that fill up what is left.
    fn run(&mut self, pool: &'static Pool, octets: u64) {
        let begin = pool.begin(self.spec.seed >> 8);
        let encodes = self.manner.transfer == Transfer::Base64;
        let least = if encodes { 0 } else { 2 };
        let whole = pool.whole(begin, octets.saturating_sub(least));
        self.cut(pool, begin, whole);
        let left = octets - whole;
        if !encodes {
            self.literal(pool::filler(self.spec.seed, left as usize));
            return;
        }
        let body = pool::base64_length(left);
        if body > 0 {
            let raw = pool::filler(self.spec.seed, pool::base64_raw(body) as usize);
            let mut lines = Vec::with_capacity(body as usize);
            super::charset::base64_lines(raw.as_bytes(), &mut lines);
            self.octets += lines.len() as u64;
            self.pieces.push(Piece::Literal(Bytes::from(lines)));
        }
    }

    /// The base64 body of a file: its first octets, then lines that do not compress, then such of text.
    fn file(&mut self, octets: u64) {
        let whole = octets / LINE * LINE;
        let random = (self.spec.incompressible.min(octets) + LINE / 2) / LINE * LINE;
        let random = random.min(whole);
        let opening = Kind::of(&self.spec).opening();
        let mut skipped = 0;
        if whole > 0 {
            // It takes the place of as many characters of the first line.
            skipped = opening.len() as u64;
            self.literal(opening);
        }
        for (pool, length) in [
            (&*pool::RANDOM, random),
            (&*pool::ENCODED_TEXT, whole - random),
        ] {
            if length > 0 {
                let begin = pool.begin(self.spec.seed >> 8) + skipped as usize;
                self.cut(pool, begin, length - skipped);
                skipped = 0;
            }
        }
        let rest = octets - whole;
        if rest > 0 {
            let pool = if random == whole {
                &*pool::RANDOM
            } else {
                &*pool::ENCODED_TEXT
            };
            self.cut(pool, pool.begin(self.spec.seed), rest - 2);
            self.literal("\r\n".to_owned());
        }
    }

    fn cut(&mut self, pool: &'static Pool, begin: usize, octets: u64) {
        if octets > 0 {
            self.octets += octets;
            self.pieces.push(Piece::Cut {
                pool,
                begin,
                left: octets,
            });
        }
    }

    /// What the encodings could not meet, a few octets, lengthens the head.
    fn finish(mut self, head: Head, planned: u64) -> Writer {
        let octets = self.octets + head.len() as u64;
        let head = head.padded(planned.saturating_sub(octets) as usize);
        self.octets += head.len() as u64;
        if let Some(first) = self.pieces.first_mut() {
            *first = Piece::Literal(Bytes::from(head));
        }
        Writer {
            octets: self.octets,
            pieces: self.pieces.into_iter(),
            current: None,
        }
    }
}

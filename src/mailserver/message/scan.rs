//! Finds the MIME parts of a message in one pass over its lines. Nesting, number of parts and size of headers
//! are bounded; what goes beyond counts as octets of the part it stands in.

use std::io::{self, BufRead, BufReader, Read};

use super::field::fields;
use super::mime::MediaType;
use super::{Content, LONGEST_HEADER, Part, render};

/// Parts within parts.
const DEEPEST: usize = 32;
/// Parts of one message.
const MOST_PARTS: usize = 1000;
/// Of a line in a body, what could be a boundary: `--`, 70 characters, `--` and space behind.
const LOOKED_AT: usize = 256;

/// What a pass found.
pub(super) struct Scanned {
    pub(super) root: Part,
    pub(super) envelope: Vec<u8>,
}

/// Reads a message to its end.
pub(super) fn scan(source: impl Read) -> io::Result<Scanned> {
    let mut reader = BufReader::with_capacity(64 << 10, source);
    let mut scanner = Scanner::new();
    let mut line = Vec::with_capacity(LOOKED_AT);
    while let Some(octets) = next_line(&mut reader, &mut line, scanner.looks_at())? {
        scanner.line(&line, octets);
    }
    Ok(scanner.finish())
}

/// Reads a line, keeps its first `keep` octets, and returns its length with its line end; None at the end.
fn next_line(
    reader: &mut impl BufRead,
    line: &mut Vec<u8>,
    keep: usize,
) -> io::Result<Option<u64>> {
    line.clear();
    let mut octets = 0;
    loop {
        let available = reader.fill_buf()?;
        if available.is_empty() {
            return Ok((octets > 0).then_some(octets));
        }
        let end = memchr::memchr(b'\n', available).map(|at| at + 1);
        let taken = end.unwrap_or(available.len());
        let wanted = taken.min(keep.saturating_sub(line.len()));
        line.extend_from_slice(&available[..wanted]);
        octets += taken as u64;
        reader.consume(taken);
        if end.is_some() {
            return Ok(Some(octets));
        }
    }
}

/// A part whose end is not known yet.
struct Open {
    header_start: u64,
    /// None while the header is read.
    body_start: Option<u64>,
    header: Vec<u8>,
    lines_before: u64,
    media: MediaType,
    boundary: Option<Vec<u8>>,
    children: Vec<Part>,
    is_message: bool,
    /// The envelope of the message in it.
    envelope: Vec<u8>,
}

impl Open {
    fn new(at: u64, media: MediaType) -> Self {
        Self {
            header_start: at,
            body_start: None,
            header: Vec::new(),
            lines_before: 0,
            media,
            boundary: None,
            children: Vec::new(),
            is_message: false,
            envelope: Vec::new(),
        }
    }
}

struct Scanner {
    stack: Vec<Open>,
    offset: u64,
    /// Line ends so far.
    lines: u64,
    parts: usize,
    /// Length of the last line's end: 2, 1 or 0.
    last_end: u64,
    finished: Option<Part>,
    envelope: Vec<u8>,
}

impl Scanner {
    fn new() -> Self {
        Self {
            stack: vec![Open::new(0, MediaType::default())],
            offset: 0,
            lines: 0,
            parts: 1,
            last_end: 0,
            finished: None,
            envelope: Vec::new(),
        }
    }

    fn looks_at(&self) -> usize {
        match self.stack.last() {
            Some(open) if open.body_start.is_none() => LONGEST_HEADER,
            _ => LOOKED_AT,
        }
    }

    fn line(&mut self, line: &[u8], octets: u64) {
        let start = self.offset;
        let lines = self.lines;
        let last_end = self.last_end;
        self.offset += octets;
        self.last_end = match line {
            [.., b'\r', b'\n'] => 2,
            [.., b'\n'] => 1,
            // A line too long to be kept whole; its end was a line end all the same.
            _ if line.len() as u64 != octets => 2,
            _ => 0,
        };
        self.lines += u64::from(self.last_end > 0);
        if line.starts_with(b"--") && self.boundary(line, start - last_end, lines, last_end) {
            return;
        }
        self.header_line(line);
    }

    /// Ends the parts that a boundary line ends, begins the next; false if it is none.
    fn boundary(&mut self, line: &[u8], end: u64, lines: u64, last_end: u64) -> bool {
        let found = self.stack.iter().enumerate().rev().find_map(|(at, open)| {
            let rest = line[2..].strip_prefix(open.boundary.as_deref()?)?;
            let closing = rest.starts_with(b"--");
            let rest = if closing { &rest[2..] } else { rest };
            rest.trim_ascii().is_empty().then_some((at, closing))
        });
        let Some((level, closing)) = found else {
            return false;
        };
        // The line end before a boundary belongs to the boundary (RFC 2046 section 5.1.1).
        let lines = lines - u64::from(last_end > 0);
        while self.stack.len() > level + 1 {
            self.close(end, lines);
        }
        if let Some(multipart) = self.stack.last_mut() {
            if closing {
                multipart.boundary = None;
            } else if self.parts < MOST_PARTS {
                let media = if multipart.media.subtype == "digest" {
                    MediaType::in_digest()
                } else {
                    MediaType::default()
                };
                self.parts += 1;
                self.stack.push(Open::new(self.offset, media));
            }
        }
        true
    }

    fn header_line(&mut self, line: &[u8]) {
        let Some(open) = self.stack.last_mut() else {
            return;
        };
        if open.body_start.is_some() {
            return;
        }
        if open.header.len() + line.len() <= LONGEST_HEADER {
            open.header.extend_from_slice(line);
        }
        if matches!(line, b"\r\n" | b"\n") {
            self.end_of_header();
        }
    }

    fn end_of_header(&mut self) {
        let deep = self.stack.len() >= DEEPEST;
        let (offset, lines) = (self.offset, self.lines);
        let Some(open) = self.stack.last_mut() else {
            return;
        };
        open.body_start = Some(offset);
        open.lines_before = lines;
        for field in fields(&open.header) {
            open.media.note(&field);
        }
        let envelope_wanted = self.stack.len() == 1
            || self
                .stack
                .get(self.stack.len() - 2)
                .is_some_and(|outer| outer.is_message);
        if envelope_wanted {
            self.note_envelope();
        }
        let Some(open) = self.stack.last_mut() else {
            return;
        };
        open.header = Vec::new();
        if deep {
            return;
        }
        if open.media.kind == "multipart" {
            open.boundary = open
                .media
                .parameter(b"boundary")
                .filter(|boundary| !boundary.is_empty())
                .map(<[u8]>::to_vec);
        } else if open.media.kind == "message" && open.media.subtype == "rfc822" {
            open.is_message = true;
            self.parts += 1;
            self.stack.push(Open::new(offset, MediaType::default()));
        }
    }

    /// The header at the top of the stack is that of a message: of the whole, or of one in a part.
    fn note_envelope(&mut self) {
        let Some(open) = self.stack.last() else {
            return;
        };
        let envelope = render::envelope(&open.header);
        match self.stack.len().checked_sub(2) {
            None => self.envelope = envelope,
            Some(outer) => self.stack[outer].envelope = envelope,
        }
    }

    /// Ends the part at the top of the stack and gives it to the one it stands in.
    fn close(&mut self, end: u64, lines: u64) {
        // The line end before the boundary may be that of the header, or of the boundary before.
        let end = self.stack.last().map_or(end, |open| {
            let inner = open.children.last().map_or(0, |part| part.body.end);
            end.max(open.body_start.unwrap_or(open.header_start))
                .max(inner)
        });
        if self
            .stack
            .last()
            .is_some_and(|open| open.body_start.is_none())
        {
            // A header without an empty line behind it.
            let (offset, all_lines) = (self.offset, self.lines);
            self.offset = end;
            self.lines = lines;
            let depth = self.stack.len();
            self.end_of_header();
            if self.stack.len() > depth {
                self.stack.pop();
                if let Some(open) = self.stack.last_mut() {
                    open.is_message = false;
                }
            }
            (self.offset, self.lines) = (offset, all_lines);
        }
        let Some(open) = self.stack.pop() else { return };
        let body_start = open.body_start.unwrap_or(end);
        let mut children = open.children;
        let content = if open.is_message && children.len() == 1 {
            Content::Message(Box::new(children.remove(0)), open.envelope)
        } else if open.media.kind == "multipart" {
            Content::Multipart(children)
        } else {
            Content::Leaf
        };
        let part = Part {
            header: open.header_start..body_start,
            body: body_start..end,
            lines: lines.saturating_sub(open.lines_before),
            media: open.media,
            content,
        };
        match self.stack.last_mut() {
            Some(outer) => outer.children.push(part),
            None => self.finished = Some(part),
        }
    }

    fn finish(mut self) -> Scanned {
        let (end, lines) = (self.offset, self.lines);
        while !self.stack.is_empty() {
            self.close(end, lines);
        }
        let root = self.finished.unwrap_or_else(|| Part {
            header: 0..end,
            body: end..end,
            lines: 0,
            media: MediaType::default(),
            content: Content::Leaf,
        });
        Scanned {
            root,
            envelope: if self.envelope.is_empty() {
                render::envelope(b"")
            } else {
                self.envelope
            },
        }
    }
}

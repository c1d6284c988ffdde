//! What IMAP asks about a message beyond its octets: its MIME parts and where they lie in the file, the
//! ENVELOPE and BODYSTRUCTURE that follow from its header fields. Messages are read once, line by line, and
//! never held whole.

mod address;
mod field;
mod mime;
mod render;
mod scan;

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

pub use field::{Field, fields};
pub use mime::{MediaType, Parameter};
pub use render::envelope;

/// Octets of a header that are looked at.
const LONGEST_HEADER: usize = 256 << 10;

/// Reads the header of a message with the empty line behind it, or as much of it as is looked at.
pub fn read_header(file: &File) -> io::Result<Vec<u8>> {
    let mut header = Vec::new();
    let mut piece = 4 << 10;
    while header.len() < LONGEST_HEADER {
        let start = header.len();
        header.resize(start + piece, 0);
        let read = file.read_at(&mut header[start..], start as u64)?;
        header.truncate(start + read);
        let searched = start.saturating_sub(3);
        if let Some(end) = end_of_header(&header, searched) {
            header.truncate(end);
            break;
        }
        if read == 0 {
            break;
        }
        piece = 32 << 10;
    }
    Ok(header)
}

/// Where the body begins: behind the first empty line.
fn end_of_header(text: &[u8], from: usize) -> Option<usize> {
    if text.starts_with(b"\r\n") {
        return Some(2);
    }
    memchr::memchr_iter(b'\n', &text[from..])
        .map(|at| from + at + 1)
        .find_map(|at| {
            let rest = &text[at..];
            if rest.starts_with(b"\r\n") {
                Some(at + 2)
            } else if rest.starts_with(b"\n") {
                Some(at + 1)
            } else {
                None
            }
        })
}

/// Where a message's parts lie and what IMAP says about them.
#[derive(Debug)]
pub struct Structure {
    /// The message itself.
    pub root: Part,
    /// ENVELOPE as it goes on the wire (RFC 3501 section 7.4.2).
    pub envelope: Vec<u8>,
    /// BODY without extension data, as it goes on the wire.
    pub body: Vec<u8>,
    /// BODYSTRUCTURE as it goes on the wire.
    pub body_structure: Vec<u8>,
}

/// A message or a part of one. Ranges are octets of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Header fields with the empty line behind them.
    pub header: Range<u64>,
    /// What follows.
    pub body: Range<u64>,
    /// Line ends in the body.
    pub lines: u64,
    /// What the header says about the body.
    pub media: MediaType,
    /// What stands in the body.
    pub content: Content,
}

/// What a part holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Octets.
    Leaf,
    /// Parts.
    Multipart(Vec<Part>),
    /// A message, with the ENVELOPE that its header makes.
    Message(Box<Part>, Vec<u8>),
}

impl Structure {
    /// Reads a message from the start of its file.
    pub fn read(file: &mut File) -> io::Result<Self> {
        let scanned = scan::scan(file)?;
        Ok(Self::new(scanned.root, scanned.envelope))
    }

    fn new(root: Part, envelope: Vec<u8>) -> Self {
        let mut body = Vec::new();
        render::body_structure(&mut body, &root, false);
        let mut body_structure = Vec::new();
        render::body_structure(&mut body_structure, &root, true);
        Self {
            root,
            envelope,
            body,
            body_structure,
        }
    }

    /// The part that a section number names (RFC 3501 section 6.4.5): `[1, 2]` for `1.2`.
    pub fn part(&self, numbers: &[u32]) -> Option<&Part> {
        let mut part = &self.root;
        for (depth, &number) in numbers.iter().enumerate() {
            // A message's parts are those of its body; the root counts as the body of the whole.
            let inside = match &part.content {
                _ if depth == 0 => part,
                Content::Message(message, _) => message,
                Content::Multipart(_) => part,
                Content::Leaf => return None,
            };
            part = match &inside.content {
                Content::Multipart(parts) => parts.get((number as usize).checked_sub(1)?)?,
                _ if number == 1 => inside,
                _ => return None,
            };
        }
        Some(part)
    }
}

#[cfg(test)]
mod tests;

//! Body sections (RFC 3501 section 6.4.5): which octets `BODY[...]` means, and how it is named in the reply.

use std::fs::File;
use std::io;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

use imap_codec::imap_types::core::AString;
use imap_codec::imap_types::fetch::{Part, Section};

use crate::mailserver::message::{self, Content, Structure, fields};
use crate::mailserver::store::{Mailbox, Message, StoreError};
use crate::proto::imap::server::{astring, number, octets};

/// The octets a section means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Octets {
    /// So many of the file.
    OfFile(Range<u64>),
    /// Put together here.
    Here(Vec<u8>),
    /// There is no such section.
    None,
}

impl Octets {
    /// Cuts out what a partial fetch asks for.
    pub(super) fn partial(self, partial: Option<(u32, NonZeroU32)>) -> Self {
        let Some((start, most)) = partial else {
            return self;
        };
        let (start, most) = (u64::from(start), u64::from(most.get()));
        match self {
            Self::OfFile(range) => {
                let from = range.start.saturating_add(start).min(range.end);
                let to = from.saturating_add(most).min(range.end);
                Self::OfFile(from..to)
            }
            Self::Here(octets) => {
                let from = (start as usize).min(octets.len());
                let to = from.saturating_add(most as usize).min(octets.len());
                Self::Here(octets[from..to].to_vec())
            }
            Self::None => Self::None,
        }
    }
}

/// A message whose file is open; its header and structure are read when a section asks for them.
pub(super) struct Source<'m> {
    mailbox: &'m Mailbox,
    message: Message,
    pub(super) file: File,
    header: Option<Vec<u8>>,
    structure: Option<Arc<Structure>>,
}

impl<'m> Source<'m> {
    pub(super) fn open(mailbox: &'m Mailbox, message: &Message) -> Result<Self, StoreError> {
        Ok(Self {
            mailbox,
            message: *message,
            file: mailbox.open_message(message)?,
            header: None,
            structure: None,
        })
    }

    /// The header of the message with the empty line behind it.
    pub(super) fn header(&mut self) -> io::Result<&[u8]> {
        match &mut self.header {
            Some(header) => Ok(header),
            none => Ok(none.insert(message::read_header(&self.file)?)),
        }
    }

    pub(super) fn structure(&mut self) -> Result<Arc<Structure>, StoreError> {
        if let Some(structure) = &self.structure {
            return Ok(Arc::clone(structure));
        }
        let structure = self.mailbox.structure(&self.message)?;
        self.structure = Some(Arc::clone(&structure));
        Ok(structure)
    }

    /// The octets of a section. An error means that the message cannot be read.
    pub(super) fn section(&mut self, section: Option<&Section<'_>>) -> io::Result<Octets> {
        let Some(section) = section else {
            return Ok(Octets::OfFile(0..self.message.octets));
        };
        match section {
            Section::Header(None) => Ok(Octets::Here(self.header()?.to_vec())),
            Section::Text(None) => {
                let start = self.header()?.len() as u64;
                Ok(Octets::OfFile(start..self.message.octets.max(start)))
            }
            Section::HeaderFields(None, names) => {
                Ok(Octets::Here(pick(self.header()?, names.as_ref(), true)))
            }
            Section::HeaderFieldsNot(None, names) => {
                Ok(Octets::Here(pick(self.header()?, names.as_ref(), false)))
            }
            Section::Part(part)
            | Section::Header(Some(part))
            | Section::HeaderFields(Some(part), _)
            | Section::HeaderFieldsNot(Some(part), _)
            | Section::Text(Some(part))
            | Section::Mime(part) => self.of_part(section, part),
        }
    }

    fn of_part(&mut self, section: &Section<'_>, part: &Part) -> io::Result<Octets> {
        let structure = self.structure().map_err(io::Error::other)?;
        let numbers: Vec<u32> = part.0.as_ref().iter().map(|n| n.get()).collect();
        let Some(part) = structure.part(&numbers) else {
            return Ok(Octets::None);
        };
        let inner = match &part.content {
            Content::Message(message, _) => Some(message),
            _ => None,
        };
        Ok(match (section, inner) {
            (Section::Part(_), _) => Octets::OfFile(part.body.clone()),
            (Section::Mime(_), _) => Octets::OfFile(part.header.clone()),
            (Section::Header(_), Some(message)) => Octets::OfFile(message.header.clone()),
            (Section::Text(_), Some(message)) => Octets::OfFile(message.body.clone()),
            (Section::HeaderFields(_, names), Some(message)) => Octets::Here(pick(
                &self.read(message.header.clone())?,
                names.as_ref(),
                true,
            )),
            (Section::HeaderFieldsNot(_, names), Some(message)) => Octets::Here(pick(
                &self.read(message.header.clone())?,
                names.as_ref(),
                false,
            )),
            _ => Octets::None,
        })
    }

    /// Reads a range that is known to be small, or its beginning.
    pub(super) fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        use std::os::unix::fs::FileExt as _;
        const MOST: u64 = 1 << 20;
        let octets = range.end.saturating_sub(range.start).min(MOST);
        let mut text = vec![0; octets as usize];
        self.file.read_exact_at(&mut text, range.start)?;
        Ok(text)
    }
}

/// The fields with (or without) these names, and an empty line.
fn pick(header: &[u8], names: &[AString<'_>], wanted: bool) -> Vec<u8> {
    let mut picked = Vec::new();
    for field in fields(header) {
        if names.iter().any(|name| field.is(octets(name))) == wanted {
            picked.extend_from_slice(field.raw);
        }
    }
    picked.extend_from_slice(b"\r\n");
    picked
}

/// `BODY[...]` and, for a partial fetch, `<start>`.
pub(super) fn write_name(
    out: &mut Vec<u8>,
    section: Option<&Section<'_>>,
    partial: Option<(u32, NonZeroU32)>,
) {
    out.extend_from_slice(b"BODY[");
    if let Some(section) = section {
        write_section(out, section);
    }
    out.push(b']');
    if let Some((start, _)) = partial {
        out.push(b'<');
        number(out, u64::from(start));
        out.push(b'>');
    }
}

fn write_section(out: &mut Vec<u8>, section: &Section<'_>) {
    let (part, word, names) = match section {
        Section::Part(part) => (Some(part), "", None),
        Section::Header(part) => (part.as_ref(), "HEADER", None),
        Section::Text(part) => (part.as_ref(), "TEXT", None),
        Section::Mime(part) => (Some(part), "MIME", None),
        Section::HeaderFields(part, names) => (part.as_ref(), "HEADER.FIELDS", Some(names)),
        Section::HeaderFieldsNot(part, names) => (part.as_ref(), "HEADER.FIELDS.NOT", Some(names)),
    };
    if let Some(part) = part {
        for (n, value) in part.0.as_ref().iter().enumerate() {
            if n > 0 {
                out.push(b'.');
            }
            number(out, u64::from(value.get()));
        }
        if !word.is_empty() {
            out.push(b'.');
        }
    }
    out.extend_from_slice(word.as_bytes());
    if let Some(names) = names {
        for (n, name) in names.as_ref().iter().enumerate() {
            out.extend_from_slice(if n == 0 { b" (" } else { b" " });
            astring(out, &String::from_utf8_lossy(octets(name)));
        }
        out.push(b')');
    }
}

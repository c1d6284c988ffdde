//! A message that a search may find: its fields and texts, decoded and in lower case, read when they are asked
//! for.

use std::io;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::parsers::MessageStream;

use super::section::Source;
use super::view::View;
use crate::mailserver::message::{Content, Field, Part, fields};
use crate::mailserver::store::{Message, StoreError};

/// Why a message cannot be searched.
pub(super) enum Failed {
    Gone,
    Unreadable,
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::MessageGone => Self::Gone,
            error => {
                tracing::warn!("IMAP: {error}");
                Self::Unreadable
            }
        }
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        tracing::warn!("IMAP: {error}");
        Self::Unreadable
    }
}

/// A message that may be found; its file is opened when a key asks for it.
pub(super) struct Candidate<'v> {
    pub(super) view: &'v View,
    pub(super) index: usize,
    pub(super) message: Message,
    source: Option<Source<'v>>,
}

impl<'v> Candidate<'v> {
    pub(super) fn new(view: &'v View, index: usize, message: Message) -> Self {
        Self {
            view,
            index,
            message,
            source: None,
        }
    }

    /// Whether the file had to be opened.
    pub(super) fn was_opened(&self) -> bool {
        self.source.is_some()
    }

    fn source(&mut self) -> Result<&mut Source<'v>, Failed> {
        match &mut self.source {
            Some(source) => Ok(source),
            none => Ok(none.insert(Source::open(&self.view.mailbox, &self.message)?)),
        }
    }

    /// The day in the Date field, as its sender counted.
    pub(super) fn sent_day(&mut self) -> Result<Option<i64>, Failed> {
        let header = self.source()?.header()?;
        let date = fields(header)
            .find(|field| field.is(b"date"))
            .and_then(|field| {
                mail_parser::DateTime::parse_rfc822(&String::from_utf8_lossy(&field.unfolded()))
            });
        Ok(date.map(|date| date.to_timestamp_local().div_euclid(86400)))
    }

    /// Whether a field of this name holds a text.
    pub(super) fn header_has(&mut self, name: &[u8], text: &str) -> Result<bool, Failed> {
        let header = self.source()?.header()?;
        Ok(fields(header)
            .any(|field| field.is(name) && (text.is_empty() || decoded(&field).contains(text))))
    }

    /// Whether a text stands in the header, names of fields included.
    pub(super) fn header_mentions(&mut self, text: &str) -> Result<bool, Failed> {
        let header = self.source()?.header()?;
        Ok(fields(header).any(|field| {
            let name = String::from_utf8_lossy(field.name).to_lowercase();
            format!("{name}: {}", decoded(&field)).contains(text)
        }))
    }

    /// Whether a text stands in the texts of the body.
    pub(super) fn body_has(&mut self, text: &str) -> Result<bool, Failed> {
        let source = self.source()?;
        let structure = source.structure()?;
        part_has(source, &structure.root, text)
    }
}

/// A field's text in lower case, encoded words decoded.
fn decoded(field: &Field<'_>) -> String {
    let mut value = field.unfolded();
    value.push(b'\n');
    MessageStream::new(&value)
        .parse_unstructured()
        .into_text()
        .unwrap_or_default()
        .to_lowercase()
}

/// Whether a text stands in a part's texts.
fn part_has(source: &Source<'_>, part: &Part, text: &str) -> Result<bool, Failed> {
    match &part.content {
        Content::Multipart(parts) => {
            for part in parts {
                if part_has(source, part, text)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Content::Message(message, _) => part_has(source, message, text),
        Content::Leaf if part.media.is_text() => {
            let octets = source.read(part.body.clone())?;
            Ok(text_of(part, &octets).to_lowercase().contains(text))
        }
        Content::Leaf => Ok(false),
    }
}

/// A text part decoded; as it stands where the encoding is broken.
fn text_of(part: &Part, octets: &[u8]) -> String {
    let encoding = part.media.encoding.as_deref().unwrap_or_default();
    let decoded = if encoding.eq_ignore_ascii_case(b"base64") {
        base64_decode(octets)
    } else if encoding.eq_ignore_ascii_case(b"quoted-printable") {
        quoted_printable_decode(octets)
    } else {
        None
    };
    let octets = decoded.as_deref().unwrap_or(octets);
    let charset = part.media.parameter(b"charset").unwrap_or(b"utf-8");
    match charset_decoder(charset) {
        Some(decode) => decode(octets),
        None => String::from_utf8_lossy(octets).into_owned(),
    }
}

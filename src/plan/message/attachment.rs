//! What is attached: the kinds of files, their names, and the first octets by which programs know them.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::charset::Charset;
use super::manner::Manner;
use super::prose::Lexicon;
use crate::plan::MessageSpec;
use crate::scenario::Language;

/// A kind of file.
#[derive(Debug)]
pub(super) struct Kind {
    media_type: &'static str,
    ending: &'static str,
    /// Its first octets, a multiple of three of them.
    magic: &'static [u8],
}

/// Files that are compressed already.
const PACKED: [Kind; 5] = [
    Kind {
        media_type: "application/pdf",
        ending: "pdf",
        magic: b"%PDF-1.7\n",
    },
    Kind {
        media_type: "image/jpeg",
        ending: "jpg",
        magic: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01",
    },
    Kind {
        media_type: "image/png",
        ending: "png",
        magic: b"\x89PNG\r\n\x1a\n\x00",
    },
    Kind {
        media_type: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ending: "docx",
        magic: b"PK\x03\x04\x14\x00",
    },
    Kind {
        media_type: "application/zip",
        ending: "zip",
        magic: b"PK\x03\x04\x14\x00",
    },
];

/// Files of text.
const PLAIN: [Kind; 2] = [
    Kind {
        media_type: "text/csv",
        ending: "csv",
        magic: b"",
    },
    Kind {
        media_type: "application/rtf",
        ending: "rtf",
        magic: b"{\\rtf1",
    },
];

impl Kind {
    /// What fits the message: files that mostly do not compress, or such that do.
    pub(super) fn of(spec: &MessageSpec) -> &'static Self {
        let pick = (spec.seed >> 4) as usize;
        if spec.incompressible * 2 >= spec.attachment.unwrap_or(0) {
            &PACKED[pick % PACKED.len()]
        } else {
            &PLAIN[pick % PLAIN.len()]
        }
    }

    /// The headers of its part; a name that is not ASCII is written as RFC 2231 has it.
    pub(super) fn part_head(&self, spec: &MessageSpec, manner: &Manner) -> String {
        let number = spec.seed % 10_000;
        let language = match manner.language {
            // Its words are not Unicode here.
            Language::Japanese => Language::English,
            language => language,
        };
        let topics = Lexicon::of(language).topics();
        let topic = &topics[(spec.seed >> 16) as usize % topics.len()];
        let name = format!("{topic}-{number:04}.{}", self.ending);
        let disposition = if name.is_ascii() {
            format!("filename=\"{name}\"")
        } else {
            format!("filename*=utf-8''{}", percent_encoded(&name))
        };
        format!(
            "Content-Type: {}\r\nContent-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment;\r\n {disposition}\r\n",
            self.media_type,
        )
    }

    /// The first characters of its base64 body.
    pub(super) fn opening(&self) -> String {
        BASE64.encode(self.magic)
    }
}

fn percent_encoded(name: &str) -> String {
    let mut encoded = String::with_capacity(3 * name.len());
    for octet in Charset::Utf8.encode(name) {
        match octet {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' => {
                encoded.push(char::from(octet));
            }
            _ => _ = write!(encoded, "%{octet:02X}"),
        }
    }
    encoded
}

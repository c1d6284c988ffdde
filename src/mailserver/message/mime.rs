//! The MIME fields of a header (RFC 2045 section 5, RFC 2183), as IMAP repeats them: not decoded.

use super::field::Field;

/// What a header says about the body behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// `text`, `multipart`, ... in lower case.
    pub kind: String,
    /// `plain`, `mixed`, ... in lower case.
    pub subtype: String,
    /// Parameters of Content-Type.
    pub parameters: Vec<Parameter>,
    /// Content-ID.
    pub id: Option<Vec<u8>>,
    /// Content-Description.
    pub description: Option<Vec<u8>>,
    /// Content-Transfer-Encoding.
    pub encoding: Option<Vec<u8>>,
    /// Content-MD5.
    pub md5: Option<Vec<u8>>,
    /// Content-Disposition with its parameters.
    pub disposition: Option<(Vec<u8>, Vec<Parameter>)>,
    /// Content-Language.
    pub language: Vec<Vec<u8>>,
    /// Content-Location.
    pub location: Option<Vec<u8>>,
}

/// `name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// As written.
    pub name: Vec<u8>,
    /// Without quotes.
    pub value: Vec<u8>,
}

impl Default for MediaType {
    /// What holds without a Content-Type (RFC 2045 section 5.2).
    fn default() -> Self {
        Self {
            kind: "text".to_owned(),
            subtype: "plain".to_owned(),
            parameters: Vec::new(),
            id: None,
            description: None,
            encoding: None,
            md5: None,
            disposition: None,
            language: Vec::new(),
            location: None,
        }
    }
}

impl MediaType {
    /// What holds in a multipart/digest (RFC 2046 section 5.1.5).
    pub(super) fn in_digest() -> Self {
        Self {
            kind: "message".to_owned(),
            subtype: "rfc822".to_owned(),
            ..Self::default()
        }
    }

    /// Takes note of a field, if it is one about the body.
    pub(super) fn note(&mut self, field: &Field<'_>) {
        if !field
            .name
            .get(..8)
            .is_some_and(|p| p.eq_ignore_ascii_case(b"content-"))
        {
            return;
        }
        let value = field.unfolded();
        match field.name[8..].to_ascii_lowercase().as_slice() {
            b"type" => self.note_type(&value),
            b"id" => self.id = some(value),
            b"description" => self.description = some(value),
            b"transfer-encoding" => self.encoding = some(first_word(&value)),
            b"md5" => self.md5 = some(value),
            b"location" => self.location = some(value),
            b"language" => {
                self.language = value
                    .split(|&byte| byte == b',')
                    .map(|tag| tag.trim_ascii().to_vec())
                    .filter(|tag| !tag.is_empty())
                    .collect();
            }
            b"disposition" => {
                let (word, parameters) = with_parameters(&value);
                self.disposition = (!word.is_empty()).then_some((word, parameters));
            }
            _ => {}
        }
    }

    fn note_type(&mut self, value: &[u8]) {
        let (word, parameters) = with_parameters(value);
        let word = String::from_utf8_lossy(&word).to_ascii_lowercase();
        let Some((kind, subtype)) = word.split_once('/') else {
            return;
        };
        let (kind, subtype) = (kind.trim(), subtype.trim());
        if !kind.is_empty() && !subtype.is_empty() {
            kind.clone_into(&mut self.kind);
            subtype.clone_into(&mut self.subtype);
            self.parameters = parameters;
        }
    }

    /// The value of a parameter of Content-Type.
    pub fn parameter(&self, name: &[u8]) -> Option<&[u8]> {
        self.parameters
            .iter()
            .find(|parameter| parameter.name.eq_ignore_ascii_case(name))
            .map(|parameter| parameter.value.as_slice())
    }

    /// Whether the body is a text.
    pub fn is_text(&self) -> bool {
        self.kind == "text"
    }
}

fn some(value: Vec<u8>) -> Option<Vec<u8>> {
    (!value.is_empty()).then_some(value)
}

fn first_word(value: &[u8]) -> Vec<u8> {
    value
        .split(|byte| matches!(byte, b' ' | b'\t' | b';' | b'('))
        .next()
        .unwrap_or_default()
        .to_vec()
}

/// `word; name=value; name="value"`, with comments passed over.
fn with_parameters(value: &[u8]) -> (Vec<u8>, Vec<Parameter>) {
    let mut pieces = split_outside_quotes(value).into_iter();
    let word = pieces.next().unwrap_or_default();
    let parameters = pieces
        .filter_map(|piece| {
            let equals = piece.iter().position(|&byte| byte == b'=')?;
            let name = piece[..equals].trim_ascii().to_vec();
            (!name.is_empty()).then(|| Parameter {
                name,
                value: unquoted(piece[equals + 1..].trim_ascii()),
            })
        })
        .collect();
    (word.trim_ascii().to_vec(), parameters)
}

/// The pieces between semicolons that stand outside quotes; comments are left out.
fn split_outside_quotes(value: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = vec![Vec::new()];
    let (mut quoted, mut comment, mut escaped) = (false, 0_u32, false);
    for &byte in value {
        let keep = comment == 0;
        if escaped {
            escaped = false;
        } else {
            match byte {
                b'\\' if quoted || comment > 0 => escaped = true,
                b'"' if comment == 0 => quoted = !quoted,
                b'(' if !quoted => {
                    comment += 1;
                    continue;
                }
                b')' if comment > 0 => {
                    comment -= 1;
                    continue;
                }
                b';' if !quoted && comment == 0 => {
                    pieces.push(Vec::new());
                    continue;
                }
                _ => {}
            }
        }
        if keep && let Some(piece) = pieces.last_mut() {
            piece.push(byte);
        }
    }
    pieces
}

fn unquoted(value: &[u8]) -> Vec<u8> {
    let Some(inner) = value.strip_prefix(b"\"") else {
        return value.to_vec();
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'"' => break,
            b'\\' => out.extend(bytes.next()),
            _ => out.push(byte),
        }
    }
    out
}

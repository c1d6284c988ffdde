//! BODYSTRUCTURE (RFC 3501 section 7.4.2): the tree of a message's parts, flattened into the parts that can be
//! fetched, each under its section number.

use super::scan::{Malformed, Nstring, Scanner};

/// A BODYSTRUCTURE or BODY not taken apart yet.
#[derive(Clone, Debug)]
pub struct RawStructure<'a>(pub(super) Scanner<'a>);

/// One part that is not a multipart itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The name under which to fetch it: `1`, `2.1`.
    pub section: String,
    /// Type and subtype in lower case: `text/plain`.
    pub media_type: String,
    /// Content-Transfer-Encoding in lower case: `base64`.
    pub encoding: String,
    /// Size as transferred, that is, encoded.
    pub octets: u64,
    /// Content-Disposition without its parameters, in lower case.
    pub disposition: Option<String>,
    /// A person would see it as an attachment: it says so, or it says nothing and is neither text nor a
    /// message.
    pub is_attachment: bool,
}

/// Parts within parts, deeper than any program makes them.
const DEPTH: usize = 50;
/// More parts than any message has.
const PARTS: usize = 1000;

impl RawStructure<'_> {
    /// Takes it apart. Nested deeper than 50 levels, or of more than 1000 parts, it counts as malformed.
    pub fn parts(mut self) -> Result<Vec<Part>, Malformed> {
        let mut parts = Vec::new();
        body(&mut self.0, "", 0, &mut parts)?;
        Ok(parts)
    }
}

/// A body at the top of a message whose own section is `outer` (empty for the message itself).
fn body(
    scanner: &mut Scanner<'_>,
    outer: &str,
    depth: usize,
    parts: &mut Vec<Part>,
) -> Result<(), Malformed> {
    if scanner.rest().starts_with(b"((") {
        return multipart(scanner, outer, depth, parts);
    }
    single(scanner, &numbered(outer, 1), depth, parts)
}

/// `(part part … "mixed" extensions)`
fn multipart(
    scanner: &mut Scanner<'_>,
    outer: &str,
    depth: usize,
    parts: &mut Vec<Part>,
) -> Result<(), Malformed> {
    if depth >= DEPTH {
        return Err(scanner.malformed("fewer parts within parts"));
    }
    scanner.expect(b'(', "a multipart")?;
    let mut number = 1;
    while scanner.peek() == Some(b'(') {
        let section = numbered(outer, number);
        if scanner.rest().starts_with(b"((") {
            multipart(scanner, &section, depth + 1, parts)?;
        } else {
            single(scanner, &section, depth + 1, parts)?;
        }
        number += 1;
        scanner.spaces();
    }
    word(scanner)?;
    rest_of_list(scanner)
}

/// `("text" "plain" (parameters) id description encoding octets …)`
fn single(
    scanner: &mut Scanner<'_>,
    section: &str,
    depth: usize,
    parts: &mut Vec<Part>,
) -> Result<(), Malformed> {
    if depth >= DEPTH || parts.len() >= PARTS {
        return Err(scanner.malformed("fewer parts"));
    }
    scanner.expect(b'(', "a body part")?;
    let top = word(scanner)?;
    scanner.space()?;
    let sub = word(scanner)?;
    // parameters, id, description
    for _ in 0..3 {
        scanner.space()?;
        scanner.skip_value()?;
    }
    scanner.space()?;
    let encoding = word(scanner)?;
    scanner.space()?;
    let octets = scanner.number()?;
    let at = parts.len();
    parts.push(Part {
        section: section.to_owned(),
        media_type: format!("{top}/{sub}"),
        encoding,
        octets,
        disposition: None,
        is_attachment: false,
    });
    if top == "text" {
        scanner.space()?;
        scanner.skip_value()?;
    } else if top == "message" && (sub == "rfc822" || sub == "global") {
        scanner.space()?;
        scanner.skip_value()?;
        scanner.space()?;
        body(scanner, section, depth + 1, parts)?;
        scanner.space()?;
        scanner.skip_value()?;
    }
    let disposition = disposition(scanner)?;
    parts[at].is_attachment = match disposition.as_deref() {
        Some(disposition) => disposition == "attachment",
        None => top != "text" && top != "message",
    };
    parts[at].disposition = disposition;
    rest_of_list(scanner)
}

/// Behind the fields that every part has: the checksum, then the disposition, if the server says so much.
fn disposition(scanner: &mut Scanner<'_>) -> Result<Option<String>, Malformed> {
    if !scanner.take(b' ') {
        return Ok(None);
    }
    scanner.skip_value()?;
    if !scanner.take(b' ') || !scanner.take(b'(') {
        return Ok(None);
    }
    let disposition = word(scanner)?;
    rest_of_list(scanner)?;
    Ok(Some(disposition))
}

/// Passes over what else stands in a list, and its end.
fn rest_of_list(scanner: &mut Scanner<'_>) -> Result<(), Malformed> {
    loop {
        scanner.spaces();
        if scanner.take(b')') {
            return Ok(());
        }
        scanner.skip_value()?;
    }
}

/// A short string, in lower case. NIL is empty: some servers say so for an encoding that they cannot tell.
fn word(scanner: &mut Scanner<'_>) -> Result<String, Malformed> {
    match scanner.nstring()? {
        Nstring::Inline(octets) => Ok(String::from_utf8_lossy(&octets).to_ascii_lowercase()),
        Nstring::Nil => Ok(String::new()),
        Nstring::Streamed { .. } => Err(scanner.malformed("a shorter literal")),
    }
}

fn numbered(outer: &str, number: u32) -> String {
    if outer.is_empty() {
        number.to_string()
    } else {
        format!("{outer}.{number}")
    }
}

//! ENVELOPE, BODY and BODYSTRUCTURE as they go on the wire (RFC 3501 sections 7.4.2 and 9).

use super::address::{Address, addresses};
use super::field::fields;
use super::{Content, MediaType, Parameter, Part};
use crate::proto::imap::server::{nstring, number, string};

/// ENVELOPE of a message with this header:
/// `(date subject from sender reply-to to cc bcc in-reply-to message-id)`.
pub fn envelope(header: &[u8]) -> Vec<u8> {
    let value = |name: &[u8]| -> Option<Vec<u8>> {
        fields(header)
            .find(|field| field.is(name))
            .map(|field| field.unfolded())
    };
    let list = |name: &[u8]| -> Vec<Address> {
        fields(header)
            .filter(|field| field.is(name))
            .flat_map(|field| addresses(&field.unfolded()))
            .collect()
    };
    let from = list(b"from");
    // Without these fields the author answers for them (RFC 3501 section 7.4.2).
    let or_from = |list: Vec<Address>| if list.is_empty() { from.clone() } else { list };
    let mut out = Vec::with_capacity(256);
    out.push(b'(');
    nstring(&mut out, value(b"date").as_deref());
    out.push(b' ');
    nstring(&mut out, value(b"subject").as_deref());
    for list in [
        from.clone(),
        or_from(list(b"sender")),
        or_from(list(b"reply-to")),
        list(b"to"),
        list(b"cc"),
        list(b"bcc"),
    ] {
        out.push(b' ');
        address_list(&mut out, &list);
    }
    out.push(b' ');
    nstring(&mut out, value(b"in-reply-to").as_deref());
    out.push(b' ');
    nstring(&mut out, value(b"message-id").as_deref());
    out.push(b')');
    out
}

fn address_list(out: &mut Vec<u8>, list: &[Address]) {
    if list.is_empty() {
        out.extend_from_slice(b"NIL");
        return;
    }
    out.push(b'(');
    for address in list {
        out.push(b'(');
        nstring(out, address.name.as_deref());
        out.extend_from_slice(b" NIL ");
        nstring(out, address.mailbox.as_deref());
        out.push(b' ');
        nstring(out, address.host.as_deref());
        out.push(b')');
    }
    out.push(b')');
}

/// A part and the parts in it; `extended` for BODYSTRUCTURE.
pub(super) fn body_structure(out: &mut Vec<u8>, part: &Part, extended: bool) {
    out.push(b'(');
    match &part.content {
        Content::Multipart(parts) => {
            for part in parts {
                body_structure(out, part, extended);
            }
            if parts.is_empty() {
                empty_text(out);
            }
            out.push(b' ');
            string(out, part.media.subtype.as_bytes());
            if extended {
                out.push(b' ');
                parameters(out, &part.media.parameters);
                extension(out, &part.media);
            }
        }
        content => single(out, part, content, extended),
    }
    out.push(b')');
}

/// A multipart has one part at least; one without any shows as holding an empty text.
fn empty_text(out: &mut Vec<u8>) {
    out.extend_from_slice(b"(\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0)");
}

fn single(out: &mut Vec<u8>, part: &Part, content: &Content, extended: bool) {
    let media = &part.media;
    string(out, media.kind.as_bytes());
    out.push(b' ');
    string(out, media.subtype.as_bytes());
    out.push(b' ');
    parameters(out, &media.parameters);
    out.push(b' ');
    nstring(out, media.id.as_deref());
    out.push(b' ');
    nstring(out, media.description.as_deref());
    out.push(b' ');
    string(out, media.encoding.as_deref().unwrap_or(b"7bit"));
    out.push(b' ');
    number(out, part.body.end - part.body.start);
    if let Content::Message(message, envelope) = content {
        out.push(b' ');
        out.extend_from_slice(envelope);
        out.push(b' ');
        body_structure(out, message, extended);
    }
    if media.is_text() || matches!(content, Content::Message(..)) {
        out.push(b' ');
        number(out, part.lines);
    }
    if extended {
        out.push(b' ');
        nstring(out, media.md5.as_deref());
        extension(out, media);
    }
}

/// Disposition, language and location.
fn extension(out: &mut Vec<u8>, media: &MediaType) {
    out.push(b' ');
    match &media.disposition {
        None => out.extend_from_slice(b"NIL"),
        Some((kind, list)) => {
            out.push(b'(');
            string(out, kind);
            out.push(b' ');
            parameters(out, list);
            out.push(b')');
        }
    }
    out.push(b' ');
    match media.language.as_slice() {
        [] => out.extend_from_slice(b"NIL"),
        [one] => string(out, one),
        several => {
            for (n, language) in several.iter().enumerate() {
                out.push(if n == 0 { b'(' } else { b' ' });
                string(out, language);
            }
            out.push(b')');
        }
    }
    out.push(b' ');
    nstring(out, media.location.as_deref());
}

fn parameters(out: &mut Vec<u8>, list: &[Parameter]) {
    if list.is_empty() {
        out.extend_from_slice(b"NIL");
        return;
    }
    for (n, parameter) in list.iter().enumerate() {
        out.push(if n == 0 { b'(' } else { b' ' });
        string(out, &parameter.name);
        out.push(b' ');
        string(out, &parameter.value);
    }
    out.push(b')');
}

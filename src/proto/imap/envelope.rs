//! ENVELOPE (RFC 3501 section 7.4.2): the header fields that a list of messages shows. Passed over in a FETCH
//! response, and taken apart only on demand.

use super::scan::{Malformed, Nstring, Scanner};

/// An ENVELOPE not taken apart yet.
#[derive(Clone, Debug)]
pub struct RawEnvelope<'a>(pub(super) Scanner<'a>);

/// What a list of messages shows of one. Texts are as in the header (RFC 2047 words not decoded), octets that
/// are not UTF-8 replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Date, as its sender wrote it.
    pub date: Option<String>,
    /// Subject.
    pub subject: Option<String>,
    /// The address of the first author, `user@host`.
    pub from: Option<String>,
    /// Message-ID.
    pub message_id: Option<String>,
}

impl RawEnvelope<'_> {
    /// Takes it apart.
    pub fn parse(mut self) -> Result<Envelope, Malformed> {
        let fields = &mut self.0;
        fields.expect(b'(', "an envelope")?;
        let date = text(fields.nstring()?);
        fields.space()?;
        let subject = text(fields.nstring()?);
        fields.space()?;
        let from = first_address(fields)?;
        // sender, reply-to, to, cc, bcc
        for _ in 0..5 {
            fields.space()?;
            fields.skip_value()?;
        }
        // in-reply-to
        fields.space()?;
        fields.nstring()?;
        fields.space()?;
        let message_id = text(fields.nstring()?);
        fields.expect(b')', "the end of an envelope")?;
        Ok(Envelope {
            date,
            subject,
            from,
            message_id,
        })
    }
}

/// Reads a list of addresses, `((name route user host) …)`, for its first one.
fn first_address(fields: &mut Scanner<'_>) -> Result<Option<String>, Malformed> {
    let mut inside = fields.clone();
    fields.skip_value()?;
    if !inside.take(b'(') || !inside.take(b'(') {
        return Ok(None);
    }
    inside.nstring()?;
    inside.space()?;
    inside.nstring()?;
    inside.space()?;
    let user = text(inside.nstring()?);
    inside.space()?;
    let host = text(inside.nstring()?);
    Ok(user.zip(host).map(|(user, host)| format!("{user}@{host}")))
}

fn text(value: Nstring<'_>) -> Option<String> {
    value
        .inline()
        .map(|octets| String::from_utf8_lossy(&octets).into_owned())
}

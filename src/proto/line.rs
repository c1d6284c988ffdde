//! Lines of a reply, taken from whatever has been read so far.

use memchr::memchr;

/// A complete line at the beginning of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Without its line end.
    pub text: &'a [u8],
    /// With its line end: so much to consume.
    pub octets: usize,
}

/// A line longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a line is longer than {limit} octets")]
pub struct LineTooLong {
    /// The limit, line end included.
    pub limit: usize,
}

/// The first line of `buffer`; none while its end has not come. CRLF ends a line, and a lone LF too:
/// some servers write that.
///
/// # Errors
/// [`LineTooLong`] if there is no line end within `limit` octets.
pub fn take_line(buffer: &[u8], limit: usize) -> Result<Option<Line<'_>>, LineTooLong> {
    let searched = &buffer[..buffer.len().min(limit)];
    let Some(newline) = memchr(b'\n', searched) else {
        return if buffer.len() >= limit {
            Err(LineTooLong { limit })
        } else {
            Ok(None)
        };
    };
    let text = &buffer[..newline];
    Ok(Some(Line {
        text: text.strip_suffix(b"\r").unwrap_or(text),
        octets: newline + 1,
    }))
}

/// What a server said, fit for an error's sentence: control characters replaced, 120 characters at most.
pub(crate) fn shown(text: &[u8]) -> String {
    const LONGEST: usize = 120;
    let cut = &text[..text.len().min(LONGEST)];
    let mut shown: String = String::from_utf8_lossy(cut)
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    if cut.len() < text.len() {
        shown.push('…');
    }
    shown
}

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

/// What a server said, fit for a log or an error's sentence: control characters replaced, 200 characters
/// at most.
pub fn printable(words: &[u8]) -> String {
    const LONGEST: usize = 200;
    let words = words.trim_ascii();
    // A character has four octets at most.
    let text = String::from_utf8_lossy(&words[..words.len().min(4 * LONGEST)]);
    let mut clean: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        clean.push('…');
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_with_crlf_or_with_lf() {
        let line = take_line(b"one\r\ntwo", 9).unwrap().unwrap();
        assert_eq!((line.text, line.octets), (b"one".as_slice(), 5));
        let line = take_line(b"\n", 9).unwrap().unwrap();
        assert_eq!((line.text, line.octets), (b"".as_slice(), 1));
        assert_eq!(take_line(b"two", 9), Ok(None));
    }

    #[test]
    fn a_line_may_be_as_long_as_its_limit() {
        assert!(take_line(b"1234567\r\n", 9).unwrap().is_some());
        let too_long = Err(LineTooLong { limit: 9 });
        assert_eq!(take_line(b"12345678\r\n", 9), too_long);
        assert_eq!(take_line(b"123456789", 9), too_long);
    }

    #[test]
    fn a_servers_words_are_cut_and_cleaned() {
        let words = [b" no\x1b[31m\x00 ".as_slice(), &[b'x'; 900]].concat();
        let clean = printable(&words);
        assert!(clean.starts_with("no?[31m? xxx"));
        assert_eq!(clean.chars().count(), 201);
        assert!(clean.ends_with('…'));
    }
}

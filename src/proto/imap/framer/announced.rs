//! Where a literal is announced, and where what looks like it is not: within quotes, within free text.

use memchr::{memchr, memchr2};

/// `{n}`, `{n+}` or either behind `~`, at the end of a text.
pub(super) struct Announced {
    /// Where the `{` stands.
    pub(super) at: usize,
    /// None: more than a u64 holds.
    pub(super) octets: Option<u64>,
    pub(super) synchronising: bool,
    pub(super) binary: bool,
}

impl Announced {
    pub(super) fn at_end_of(text: &[u8]) -> Option<Self> {
        let inner = text.strip_suffix(b"}")?;
        let (digits_end, synchronising) = match inner.strip_suffix(b"+") {
            Some(inner) => (inner.len(), false),
            None => (inner.len(), true),
        };
        let digits = text[..digits_end]
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let at = (digits_end - digits).checked_sub(1)?;
        if digits == 0 || text[at] != b'{' {
            return None;
        }
        let octets = text[at + 1..digits_end]
            .iter()
            .try_fold(0u64, |value, digit| {
                value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
            });
        Some(Self {
            at,
            octets,
            synchronising,
            binary: at > 0 && text[at - 1] == b'~',
        })
    }
}

/// Whether the end of `text` lies within a quoted string.
pub(super) fn in_quotes(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(open) = memchr(b'"', rest) {
        rest = &rest[open + 1..];
        loop {
            match memchr2(b'"', b'\\', rest) {
                None => return true,
                Some(at) if rest[at] == b'"' => {
                    rest = &rest[at + 1..];
                    break;
                }
                Some(at) => rest = rest.get(at + 2..).unwrap_or_default(),
            }
        }
    }
    false
}

/// Whether a server's line is free text, in which no literal can stand: a continuation request, or OK, NO, BAD,
/// BYE or PREAUTH behind a tag or `*`.
pub(super) fn is_text_response(line: &[u8]) -> bool {
    let mut words = line.splitn(3, |&byte| byte == b' ');
    if words.next() == Some(b"+") {
        return true;
    }
    words.next().is_some_and(|word| {
        [&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"]
            .iter()
            .any(|status| word.eq_ignore_ascii_case(status))
    })
}

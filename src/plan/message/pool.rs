//! The shared stuff that messages are cut from: fixed-length lines of text, of HTML, and of base64. Made once per
//! process from a constant, the same everywhere.

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::LARGEST_CHUNK;

/// Octets of a pool's line, CRLF included: base64 lines are 76 long (RFC 2045), the others likewise, so that any
/// length is a matter of arithmetic.
pub(super) const LINE: usize = 78;

/// Octets of each pool: far more than the 32 KiB that DEFLATE looks back.
const LINES: usize = (1 << 20) / LINE;

/// Lines, one after another.
#[derive(Debug)]
pub(super) struct Pool {
    bytes: Bytes,
}

/// What subjects, texts and searches are made of.
pub(super) const WORDS: [&str; 64] = [
    "account", "address", "agenda", "answer", "april", "attached", "autumn", "balance", "branch",
    "budget", "calendar", "carrier", "change", "confirm", "contract", "copy", "customer",
    "deadline", "delivery", "detail", "document", "draft", "evening", "figure", "forward",
    "friday", "holiday", "hotel", "invoice", "kitchen", "letter", "library", "meeting", "minutes",
    "monday", "morning", "network", "notice", "number", "office", "order", "parcel", "password",
    "payment", "picture", "please", "project", "question", "receipt", "regards", "reminder",
    "reply", "report", "request", "schedule", "school", "server", "station", "summary", "ticket",
    "travel", "tuesday", "update", "window",
];

impl Pool {
    /// English-like words; a line in a hundred begins with a dot, as dot-stuffing must be met.
    pub(super) fn text() -> Self {
        Self::of_lines(1, |rng, line| {
            match rng.next_u32() % 100 {
                0 => line.push('.'),
                1 => line.push_str(".. "),
                _ => {}
            }
            fill(rng, line, LINE - 2);
        })
    }

    /// Paragraphs of words.
    pub(super) fn html() -> Self {
        Self::of_lines(2, |rng, line| {
            line.push_str("<p>");
            fill(rng, line, LINE - 6);
            line.push_str("</p>");
        })
    }

    /// Base64 of random octets.
    pub(super) fn random() -> Self {
        Self::of_lines(3, |rng, line| {
            let mut raw = [0; (LINE - 2) / 4 * 3];
            rng.fill_bytes(&mut raw);
            line.push_str(&base64(&raw));
        })
    }

    /// Base64 of words.
    pub(super) fn encoded_text() -> Self {
        Self::of_lines(4, |rng, line| {
            let mut raw = String::new();
            fill(rng, &mut raw, (LINE - 2) / 4 * 3);
            line.push_str(&base64(raw.as_bytes()));
        })
    }

    /// Number of lines.
    pub(super) fn lines(&self) -> usize {
        self.bytes.len() / LINE
    }

    /// From line `line` on, at most `octets` and at most to the pool's end; whole lines unless it ends with `octets`.
    pub(super) fn slice(&self, line: usize, octets: u64) -> Bytes {
        let start = line * LINE;
        let most = (LARGEST_CHUNK / LINE * LINE).min(self.bytes.len() - start);
        let length = usize::try_from(octets).unwrap_or(usize::MAX).min(most);
        self.bytes.slice(start..start + length)
    }

    fn of_lines(seed: u8, write: impl Fn(&mut ChaCha8Rng, &mut String)) -> Self {
        let mut rng = ChaCha8Rng::from_seed([seed; 32]);
        let mut bytes = Vec::with_capacity(LINES * LINE);
        let mut line = String::with_capacity(LINE);
        for _ in 0..LINES {
            line.clear();
            write(&mut rng, &mut line);
            bytes.extend_from_slice(line.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        Self {
            bytes: Bytes::from(bytes),
        }
    }
}

/// Appends words until `line` is `length` long; the last word may be cut.
fn fill(rng: &mut ChaCha8Rng, line: &mut String, length: usize) {
    while line.len() < length {
        line.push_str(WORDS[rng.next_u32() as usize % WORDS.len()]);
        line.push(if line.len() + 1 >= length { '.' } else { ' ' });
    }
    line.truncate(length);
    if line.ends_with(' ') {
        line.pop();
        line.push('.');
    }
}

/// Text of exactly `length` octets, at most a line.
pub(super) fn filler(seed: u64, length: usize) -> String {
    let word = WORDS[seed as usize % WORDS.len()];
    let mut text: String = std::iter::repeat_n([word, "-"], length / word.len() + 1)
        .flatten()
        .collect();
    text.truncate(length);
    text
}

/// The longest base64 body, line ends included, of at most `octets`: whole lines, then a last one of whole groups of four.
pub(super) fn base64_length(octets: u64) -> u64 {
    let line = LINE as u64;
    let rest = octets % line;
    octets - rest + if rest >= 6 { (rest - 2) / 4 * 4 + 2 } else { 0 }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 (RFC 4648) with padding.
pub(super) fn base64(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len().div_ceil(3) * 4);
    for group in octets.chunks(3) {
        let bits = group
            .iter()
            .enumerate()
            .fold(0_u32, |bits, (place, octet)| {
                bits | u32::from(*octet) << (16 - 8 * place)
            });
        for place in 0..4 {
            let sextet = ALPHABET[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= group.len() {
                char::from(sextet)
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_every_pool_is_as_long_as_the_arithmetic_says() {
        for pool in [
            Pool::text(),
            Pool::html(),
            Pool::random(),
            Pool::encoded_text(),
        ] {
            assert_eq!(pool.bytes.len(), pool.lines() * LINE);
            for line in pool.bytes.chunks(LINE) {
                assert!(line.ends_with(b"\r\n"));
                assert!(
                    line[..LINE - 2]
                        .iter()
                        .all(|octet| (b' '..=b'~').contains(octet))
                );
            }
        }
    }

    #[test]
    fn some_lines_of_text_begin_with_a_dot() {
        let text = Pool::text();
        let dots = text
            .bytes
            .chunks(LINE)
            .filter(|line| line[0] == b'.')
            .count();
        assert!(dots > text.lines() / 200, "{dots}");
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn a_base64_body_is_whole_lines_and_whole_groups() {
        for (wanted, possible) in [
            (0, 0),
            (5, 0),
            (6, 6),
            (77, 74),
            (78, 78),
            (83, 78),
            (84, 84),
            (160, 156),
        ] {
            assert_eq!(base64_length(wanted), possible, "{wanted}");
        }
    }
}

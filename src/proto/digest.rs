//! What remains of a message that streams by: its sizes, a hash of its body, its identity. The message
//! itself is never held.

use std::hash::Hasher as _;

use memchr::memchr;
use twox_hash::XxHash3_64;

/// The header field that carries a message's identity.
pub const IDENTITY_FIELD: &str = "X-Mailgauge-Id";

/// An identity is no longer than this, in octets.
pub const LONGEST_IDENTITY: usize = 128;

/// The identity is looked for in this much of a header.
const HEADER_SCAN: u64 = 64 * 1024;

/// So much of a header line is kept to be looked at: field name, colon, blanks and the identity.
const LINE_HEAD: usize = IDENTITY_FIELD.len() + 1 + 8 + LONGEST_IDENTITY + 2;

/// A message in short. Equal for a message however it was cut on its way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageDigest {
    /// All octets, CRLF line ends counted as two.
    pub octets: u64,
    /// Octets up to the first empty line, that line included.
    pub header_octets: u64,
    /// Octets after it.
    pub body_octets: u64,
    /// XXH3-64 of the octets after the first empty line.
    pub body_hash: u64,
    /// The value of `X-Mailgauge-Id`, if the header has it: who sent this.
    pub id: Option<String>,
}

impl MessageDigest {
    /// The digest of a message that is at hand in pieces.
    pub fn of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut digester = Digester::new();
        for piece in pieces {
            digester.update(piece);
        }
        digester.finish()
    }
}

/// Takes a message's octets in any cutting (dots un-stuffed already) and ends in a [`MessageDigest`].
/// Of bounded size, whatever comes.
pub struct Digester {
    header: Option<LineHead>,
    hasher: XxHash3_64,
    digest: MessageDigest,
}

impl Digester {
    /// Ready for a message's first octet.
    pub fn new() -> Self {
        Self {
            header: Some(LineHead::new()),
            hasher: XxHash3_64::new(),
            digest: MessageDigest::default(),
        }
    }

    /// Takes the next octets.
    pub fn update(&mut self, octets: &[u8]) {
        self.digest.octets += octets.len() as u64;
        let body = self.take_header(octets);
        if !body.is_empty() {
            self.digest.body_octets += body.len() as u64;
            self.hasher.write(body);
        }
    }

    /// Takes what belongs to the header, returns the rest.
    fn take_header<'a>(&mut self, mut octets: &'a [u8]) -> &'a [u8] {
        while let Some(head) = &mut self.header {
            let Some(newline) = memchr(b'\n', octets) else {
                head.extend(octets);
                self.digest.header_octets += octets.len() as u64;
                return &[];
            };
            let (line, rest) = octets.split_at(newline + 1);
            head.extend(line);
            octets = rest;
            self.digest.header_octets += line.len() as u64;
            if head.is_empty_line() {
                self.header = None;
            } else {
                if self.digest.id.is_none() && self.digest.header_octets <= HEADER_SCAN {
                    self.digest.id = head.identity();
                }
                head.clear();
            }
        }
        octets
    }

    /// The message is complete.
    pub fn finish(self) -> MessageDigest {
        MessageDigest {
            body_hash: self.hasher.finish(),
            ..self.digest
        }
    }
}

impl Default for Digester {
    fn default() -> Self {
        Self::new()
    }
}

/// The beginning of a header line.
struct LineHead {
    kept: [u8; LINE_HEAD],
    length: usize,
    /// The line is longer than what is kept.
    cut: bool,
}

impl LineHead {
    const fn new() -> Self {
        Self {
            kept: [0; LINE_HEAD],
            length: 0,
            cut: false,
        }
    }

    fn extend(&mut self, octets: &[u8]) {
        let room = &mut self.kept[self.length..];
        let fits = room.len().min(octets.len());
        room[..fits].copy_from_slice(&octets[..fits]);
        self.length += fits;
        self.cut |= fits < octets.len();
    }

    fn clear(&mut self) {
        self.length = 0;
        self.cut = false;
    }

    fn is_empty_line(&self) -> bool {
        matches!(&self.kept[..self.length], b"\r\n" | b"\n")
    }

    fn identity(&self) -> Option<String> {
        let line = &self.kept[..self.length];
        let (name, value) = line.split_at_checked(IDENTITY_FIELD.len())?;
        if self.cut || !name.eq_ignore_ascii_case(IDENTITY_FIELD.as_bytes()) {
            return None;
        }
        let value = value.strip_prefix(b":")?.trim_ascii();
        let fits = (1..=LONGEST_IDENTITY).contains(&value.len());
        (fits && value.iter().all(u8::is_ascii_graphic))
            .then(|| String::from_utf8_lossy(value).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MESSAGE: &[u8] = b"From: a@example.org\r\nx-mailgauge-ID:  0badcafe-7-42 \r\nSubject: x\r\n\r\nHello,\r\n\r\nworld\r\n";

    #[test]
    fn a_message_is_counted_hashed_and_recognised() {
        let digest = MessageDigest::of([MESSAGE]);
        assert_eq!(digest.octets, MESSAGE.len() as u64);
        assert_eq!(digest.body_octets, 17);
        assert_eq!(digest.header_octets, digest.octets - 17);
        assert_eq!(
            digest.body_hash,
            XxHash3_64::oneshot(b"Hello,\r\n\r\nworld\r\n")
        );
        assert_eq!(digest.id.as_deref(), Some("0badcafe-7-42"));
    }

    #[test]
    fn a_message_without_an_empty_line_is_all_header() {
        let digest = MessageDigest::of([b"Subject: x\r\n".as_slice()]);
        assert_eq!((digest.header_octets, digest.body_octets), (12, 0));
        assert_eq!(digest.id, None);
    }

    #[test]
    fn an_identity_in_the_body_is_not_the_messages() {
        let digest = MessageDigest::of([b"\r\nX-Mailgauge-Id: forged\r\n".as_slice()]);
        assert_eq!(digest.header_octets, 2);
        assert_eq!(digest.id, None);
    }

    #[test]
    fn an_identity_beyond_its_limit_is_none() {
        let line = format!(
            "X-Mailgauge-Id: {}\r\n\r\n",
            "x".repeat(LONGEST_IDENTITY + 1)
        );
        assert_eq!(MessageDigest::of([line.as_bytes()]).id, None);
        let line = format!("X-Mailgauge-Id: {}\r\n\r\n", "x".repeat(LONGEST_IDENTITY));
        assert!(MessageDigest::of([line.as_bytes()]).id.is_some());
    }

    #[test]
    fn the_identity_is_not_looked_for_without_end() {
        let padding = "Received: somewhere\r\n".repeat(4000);
        let message = format!("{padding}X-Mailgauge-Id: late\r\n\r\nbody");
        let digest = MessageDigest::of([message.as_bytes()]);
        assert_eq!(digest.id, None);
        assert_eq!(digest.body_octets, 4);
    }

    proptest! {
        #[test]
        fn cutting_does_not_change_the_digest(
            message in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..2000),
                "(([A-Z]{1,5}: [a-z]{0,9}|X-Mailgauge-Id: [a-z0-9-]{1,20}|)\r?\n){0,9}".prop_map(String::into_bytes),
            ],
            cuts in proptest::collection::vec(0usize..64, 0..200),
        ) {
            let mut pieces = Vec::new();
            let mut rest = message.as_slice();
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);
            prop_assert_eq!(MessageDigest::of(pieces), MessageDigest::of([message.as_slice()]));
        }
    }
}

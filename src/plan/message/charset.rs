//! Character sets and transfer encodings that mail is written in: what text is as octets, and how these are made fit
//! for lines of seven bits. All that mailgauge sends is seven-bit, as no server need offer 8BITMIME (RFC 6152).

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Octets that one line of base64 stands for: 76 characters (RFC 2045, section 6.8).
pub(super) const BASE64_RAW: usize = 57;

/// The longest line of quoted-printable (RFC 2045, section 6.7), less the `=` of a soft line break.
const QUOTED_LINE: usize = 75;

/// Octets of text that one encoded word may hold: 75 characters less the frame, in base64 (RFC 2047, section 2).
const ENCODED_WORD: usize = 39;

/// Two-octet characters of JIS X 0208 are kept as private-use characters from here on, 94 to a row, so that text
/// of every language is a `str`.
const JIS: u32 = 0xF_0000;

/// A character set by its IANA name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    UsAscii,
    Utf8,
    /// ISO-8859-1.
    Latin1,
    /// Thai; windows-874 has the same letters.
    Tis620,
    /// Japanese (RFC 1468): seven bits, escape sequences between the sets; every line begins and ends in ASCII.
    Iso2022Jp,
}

/// How octets become lines of mail (RFC 2045).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transfer {
    SevenBit,
    QuotedPrintable,
    Base64,
}

impl Charset {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::UsAscii => "us-ascii",
            Self::Utf8 => "utf-8",
            Self::Latin1 => "iso-8859-1",
            Self::Tis620 => "tis-620",
            Self::Iso2022Jp => "iso-2022-jp",
        }
    }

    /// One line's text as octets. What the set lacks becomes a question mark.
    pub(super) fn encode(self, text: &str) -> Vec<u8> {
        let mut octets = Vec::with_capacity(text.len());
        match self {
            Self::Utf8 => octets.extend_from_slice(text.as_bytes()),
            Self::Iso2022Jp => iso_2022_jp(text, &mut octets),
            Self::UsAscii | Self::Latin1 | Self::Tis620 => {
                octets.extend(text.chars().map(|character| self.octet(character)));
            }
        }
        octets
    }

    /// The octet of a character, in sets that have one for each.
    fn octet(self, character: char) -> u8 {
        let highest = match self {
            Self::Latin1 => 0xff,
            _ => 0x7f,
        };
        match u32::from(character) {
            code if code <= highest => code as u8,
            // TIS-620 has the Thai letters in Unicode's order.
            code @ 0x0e01..=0x0e5b if self == Self::Tis620 => (code - 0x0e01 + 0xa1) as u8,
            _ => b'?',
        }
    }

    /// Text as a header's value: itself, or encoded words, folded, each cut between characters (RFC 2047).
    pub(super) fn header(self, text: &str) -> String {
        if text.is_ascii() {
            return text.to_owned();
        }
        let mut words = Vec::new();
        let mut word = String::new();
        for character in text.chars() {
            word.push(character);
            if self.encode(&word).len() > ENCODED_WORD {
                word.pop();
                words.push(std::mem::replace(&mut word, character.to_string()));
            }
        }
        words.push(word);
        let words: Vec<String> = words.iter().map(|word| self.encoded_word(word)).collect();
        words.join("\r\n ")
    }

    fn encoded_word(self, text: &str) -> String {
        let octets = self.encode(text);
        let name = self.name().to_ascii_uppercase();
        if self != Self::Latin1 {
            return format!("=?{name}?B?{}?=", BASE64.encode(octets));
        }
        let mut word = format!("=?{name}?Q?");
        for octet in octets {
            match octet {
                b' ' => word.push('_'),
                b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' => word.push(char::from(octet)),
                _ => _ = write!(word, "={octet:02X}"),
            }
        }
        word + "?="
    }
}

/// The character of JIS X 0208 with these two octets.
pub(super) fn jis(first: u8, second: u8) -> char {
    let code = JIS + u32::from(first) * 256 + u32::from(second);
    char::from_u32(code).unwrap_or('?')
}

fn iso_2022_jp(text: &str, octets: &mut Vec<u8>) {
    let mut in_jis = false;
    for character in text.chars() {
        let code = u32::from(character);
        let wants_jis = code >= JIS;
        if wants_jis != in_jis {
            octets.extend_from_slice(if wants_jis { b"\x1b$B" } else { b"\x1b(B" });
            in_jis = wants_jis;
        }
        if wants_jis {
            octets.extend_from_slice(&[(code >> 8 & 0x7f) as u8, (code & 0x7f) as u8]);
        } else {
            octets.push(if code < 0x80 { code as u8 } else { b'?' });
        }
    }
    if in_jis {
        octets.extend_from_slice(b"\x1b(B");
    }
}

impl Transfer {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::SevenBit => "7bit",
            Self::QuotedPrintable => "quoted-printable",
            Self::Base64 => "base64",
        }
    }

    /// One line of text, and its line end, as lines of mail. What base64 makes of it can be decoded by itself.
    pub(super) fn encode(self, charset: Charset, line: &str, out: &mut Vec<u8>) {
        match self {
            Self::SevenBit => {
                out.extend_from_slice(&charset.encode(line));
                out.extend_from_slice(b"\r\n");
            }
            Self::QuotedPrintable => quoted_printable(charset, line, out),
            Self::Base64 => {
                let mut raw = charset.encode(line);
                let padded = (raw.len() + 2).next_multiple_of(BASE64_RAW);
                raw.resize(padded - 2, b' ');
                raw.extend_from_slice(b"\r\n");
                base64_lines(&raw, out);
            }
        }
    }
}

/// Lines of base64, the last of which may be shorter.
pub(super) fn base64_lines(raw: &[u8], out: &mut Vec<u8>) {
    for line in raw.chunks(BASE64_RAW) {
        out.extend_from_slice(BASE64.encode(line).as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// Soft line breaks stand between characters, so that no line ends within one.
fn quoted_printable(charset: Charset, line: &str, out: &mut Vec<u8>) {
    let mut column = 0;
    let mut characters = line.chars().peekable();
    let mut one = [0; 4];
    while let Some(character) = characters.next() {
        let octets = charset.encode(character.encode_utf8(&mut one));
        let is_last = characters.peek().is_none();
        let literal =
            character.is_ascii_graphic() && character != '=' || character == ' ' && !is_last;
        let width = if literal { 1 } else { 3 * octets.len() };
        if column + width > QUOTED_LINE {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        column += width;
        if literal {
            out.extend_from_slice(&octets);
        } else {
            for octet in octets {
                out.extend_from_slice(format!("={octet:02X}").as_bytes());
            }
        }
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(transfer: Transfer, charset: Charset, line: &str) -> String {
        let mut out = Vec::new();
        transfer.encode(charset, line, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_set_writes_its_octets() {
        assert_eq!(Charset::Latin1.encode("Grüße"), b"Gr\xfc\xdfe");
        assert_eq!(Charset::Tis620.encode("ไทย"), b"\xe4\xb7\xc2");
        // "会" is 0x32 0x71 in JIS X 0208.
        let text: String = ['a', jis(0x32, 0x71), 'b'].iter().collect();
        assert_eq!(Charset::Iso2022Jp.encode(&text), b"a\x1b$B2q\x1b(Bb");
        assert_eq!(Charset::UsAscii.encode("ü"), b"?");
    }

    #[test]
    fn quoted_printable_is_that_of_rfc_2045() {
        let quoted = |text: &str| lines(Transfer::QuotedPrintable, Charset::Utf8, text);
        assert_eq!(quoted("a=b"), "a=3Db\r\n");
        assert_eq!(quoted("ends in a blank "), "ends in a blank=20\r\n");
        let long = quoted(&"é".repeat(20));
        assert_eq!(
            long,
            format!("{}=\r\n{}\r\n", "=C3=A9".repeat(12), "=C3=A9".repeat(8))
        );
    }

    #[test]
    fn base64_of_a_line_is_whole_lines() {
        let encoded = lines(Transfer::Base64, Charset::Utf8, &"ก".repeat(20));
        assert_eq!(encoded.len(), 2 * 78);
        assert!(!encoded.contains('='));
    }

    #[test]
    fn headers_are_encoded_words_of_at_most_75_characters() {
        assert_eq!(Charset::Latin1.header("plain"), "plain");
        assert_eq!(
            Charset::Latin1.header("Köln am Rhein"),
            "=?ISO-8859-1?Q?K=F6ln_am_Rhein?="
        );
        for (charset, text) in [
            (Charset::Utf8, "ก".repeat(40)),
            (Charset::Tis620, "ก".repeat(90)),
            (Charset::Latin1, "ü".repeat(90)),
            (Charset::Iso2022Jp, jis(0x32, 0x71).to_string().repeat(50)),
        ] {
            let header = charset.header(&text);
            for word in header.split("\r\n ") {
                assert!(word.len() <= 75 || charset == Charset::Latin1, "{word}");
            }
        }
    }
}

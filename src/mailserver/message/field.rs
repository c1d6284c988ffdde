//! Header fields of a block of header octets (RFC 5322 section 2.2), folded lines included.

use memchr::memchr;

/// One header field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'h> {
    /// What stands before the colon.
    pub name: &'h [u8],
    /// What stands behind it, folded as it came.
    pub value: &'h [u8],
    /// All of it with its line ends.
    pub raw: &'h [u8],
}

impl Field<'_> {
    /// Whether the field is called so, in any case of letters.
    pub fn is(&self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value on one line, without space around it.
    pub fn unfolded(&self) -> Vec<u8> {
        let value: Vec<u8> = self
            .value
            .iter()
            .filter(|byte| !matches!(byte, b'\r' | b'\n'))
            .copied()
            .collect();
        value.trim_ascii().to_vec()
    }
}

/// The fields of a header block, up to its empty line. A line without a colon is part of no field.
pub fn fields(header: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut rest = header;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let length = length_of_field(rest);
            let (raw, after) = rest.split_at(length);
            rest = after;
            if matches!(raw, b"\r\n" | b"\n") {
                rest = &[];
                return None;
            }
            if let Some(colon) = memchr(b':', raw) {
                return Some(Field {
                    name: raw[..colon].trim_ascii_end(),
                    value: &raw[colon + 1..],
                    raw,
                });
            }
        }
        None
    })
}

/// A line and the lines behind it that begin with white space.
fn length_of_field(text: &[u8]) -> usize {
    let mut length = 0;
    loop {
        match memchr(b'\n', &text[length..]) {
            None => return text.len(),
            Some(at) => length += at + 1,
        }
        let empty = matches!(&text[..length], b"\r\n" | b"\n");
        if empty || !matches!(text.get(length), Some(b' ' | b'\t')) {
            return length;
        }
    }
}

//! A cursor over one logical line as the framer collects it: atoms, numbers, quoted strings, literals, and
//! skipping of values that nobody asked for. It never recurses, so that no depth of parentheses exhausts the stack.

use std::borrow::Cow;

use memchr::memchr2;
use thiserror::Error;

use super::framer::Streamed;

/// A response that breaks the protocol's grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the response breaks off or goes wrong at octet {at}: {expected} expected")]
pub struct Malformed {
    /// Where in the logical line.
    pub at: usize,
    /// What should have stood there.
    pub expected: &'static str,
}

/// A string, or NIL (RFC 3501 section 4.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nstring<'a> {
    /// There is none.
    Nil,
    /// Its octets, with the escapes of a quoted string undone.
    Inline(Cow<'a, [u8]>),
    /// A literal that the framer handed on.
    Streamed {
        /// Which of the line's [`Streamed`] literals it is.
        index: usize,
        /// Its octets.
        octets: u64,
    },
}

impl<'a> Nstring<'a> {
    /// The octets, where they are at hand.
    pub fn inline(self) -> Option<Cow<'a, [u8]>> {
        match self {
            Self::Inline(octets) => Some(octets),
            Self::Nil | Self::Streamed { .. } => None,
        }
    }
}

/// A list of words that spaces part, not yet taken apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Words<'a>(pub(super) &'a [u8]);

impl<'a> Words<'a> {
    /// One word after the other.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        self.0
            .split(|&byte| byte == b' ')
            .filter(|word| !word.is_empty())
    }

    /// Whether a word is among them, whatever its case.
    pub fn contains(self, wanted: &str) -> bool {
        self.iter()
            .any(|word| word.eq_ignore_ascii_case(wanted.as_bytes()))
    }
}

/// The flags of a message or a mailbox: words such as `\Seen` and `$Forwarded`.
pub type Flags<'a> = Words<'a>;

/// The cursor.
#[derive(Clone, Debug)]
pub(super) struct Scanner<'a> {
    line: &'a [u8],
    at: usize,
    streamed: &'a [Streamed],
}

impl<'a> Scanner<'a> {
    pub(super) fn new(line: &'a [u8], streamed: &'a [Streamed]) -> Self {
        Self {
            line,
            at: 0,
            streamed,
        }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        &self.line[self.at..]
    }

    /// Goes on by `octets`, which the caller has seen to be there.
    pub(super) fn skip(&mut self, octets: usize) {
        self.at = (self.at + octets).min(self.line.len());
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.line.len()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    pub(super) fn malformed(&self, expected: &'static str) -> Malformed {
        Malformed {
            at: self.at,
            expected,
        }
    }

    /// What stands between `from` (a scanner over the same line) and here.
    pub(super) fn since(&self, from: &Self) -> Self {
        Self {
            line: &self.line[..self.at],
            at: from.at,
            streamed: self.streamed,
        }
    }

    /// Takes `byte` if it is next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), Malformed> {
        if self.take(byte) {
            return Ok(());
        }
        Err(self.malformed(expected))
    }

    /// One space; some servers send more.
    pub(super) fn space(&mut self) -> Result<(), Malformed> {
        self.expect(b' ', "a space")?;
        self.spaces();
        Ok(())
    }

    pub(super) fn spaces(&mut self) {
        while self.take(b' ') {}
    }

    /// A run of octets that end at a space, a parenthesis, a bracket or a quote; may be empty.
    pub(super) fn word(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let end = rest
            .iter()
            .position(|byte| matches!(byte, b' ' | b'(' | b')' | b'[' | b'"' | b'{' | b'\r'))
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// As [`Self::word`], with brackets in it: mailbox names and flags may hold them.
    pub(super) fn atom(&mut self) -> Result<&'a [u8], Malformed> {
        let rest = self.rest();
        let end = rest
            .iter()
            .position(|byte| matches!(byte, b' ' | b'(' | b')' | b'"' | b'{' | b'\r'))
            .unwrap_or(rest.len());
        if end == 0 {
            return Err(self.malformed("an atom"));
        }
        self.at += end;
        Ok(&rest[..end])
    }

    pub(super) fn number(&mut self) -> Result<u64, Malformed> {
        let rest = self.rest();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let value = decimal(&rest[..digits]).ok_or_else(|| self.malformed("a number"))?;
        self.at += digits;
        Ok(value)
    }

    pub(super) fn number32(&mut self) -> Result<u32, Malformed> {
        let before = self.malformed("a number below 2^32");
        u32::try_from(self.number()?).map_err(|_| before)
    }

    /// Takes `NIL` if it is next.
    pub(super) fn nil(&mut self) -> bool {
        let rest = self.rest();
        let found = rest.len() >= 3
            && rest[..3].eq_ignore_ascii_case(b"NIL")
            && rest
                .get(3)
                .is_none_or(|byte| matches!(byte, b' ' | b')' | b'('));
        self.at += 3 * usize::from(found);
        found
    }

    /// A quoted string, a literal or NIL.
    pub(super) fn nstring(&mut self) -> Result<Nstring<'a>, Malformed> {
        match self.peek() {
            Some(b'"') => Ok(Nstring::Inline(unescape(self.quoted()?))),
            Some(b'{' | b'~') => self.literal(),
            _ if self.nil() => Ok(Nstring::Nil),
            _ => Err(self.malformed("a string or NIL")),
        }
    }

    /// An atom, a quoted string or a literal.
    pub(super) fn astring(&mut self) -> Result<Cow<'a, [u8]>, Malformed> {
        match self.peek() {
            Some(b'"') => Ok(unescape(self.quoted()?)),
            Some(b'{') => match self.literal()? {
                Nstring::Inline(octets) => Ok(octets),
                _ => Err(self.malformed("a shorter literal")),
            },
            _ => self.atom().map(Cow::Borrowed),
        }
    }

    /// The inside of a quoted string, escapes and all.
    fn quoted(&mut self) -> Result<&'a [u8], Malformed> {
        let open = self.malformed("a quoted string that ends");
        self.expect(b'"', "a quoted string")?;
        let inside = self.rest();
        let mut at = 0;
        loop {
            match memchr2(b'"', b'\\', &inside[at..]) {
                Some(found) if inside[at + found] == b'"' => {
                    self.at += at + found + 1;
                    return Ok(&inside[..at + found]);
                }
                Some(found) if at + found + 2 <= inside.len() => at += found + 2,
                _ => return Err(open),
            }
        }
    }

    fn literal(&mut self) -> Result<Nstring<'a>, Malformed> {
        self.take(b'~');
        let open = self.at;
        self.expect(b'{', "a literal")?;
        let octets = self.number()?;
        self.expect(b'}', "the end of a literal's length")?;
        self.expect(b'\r', "a line end behind a literal's length")?;
        self.expect(b'\n', "a line end behind a literal's length")?;
        if let Ok(index) = self.streamed.binary_search_by_key(&open, |one| one.at) {
            let octets = self.streamed[index].octets;
            return Ok(Nstring::Streamed { index, octets });
        }
        let rest = self.rest();
        let octets = usize::try_from(octets)
            .ok()
            .filter(|&octets| octets <= rest.len())
            .ok_or_else(|| self.malformed("the octets of a literal"))?;
        self.at += octets;
        Ok(Nstring::Inline(Cow::Borrowed(&rest[..octets])))
    }

    /// The inside of a parenthesised list without nested ones or strings: flags, attributes.
    pub(super) fn flat_list(&mut self) -> Result<Words<'a>, Malformed> {
        self.expect(b'(', "a list")?;
        let rest = self.rest();
        let end = memchr2(b')', b'"', rest)
            .filter(|&end| rest[end] == b')')
            .ok_or_else(|| self.malformed("a list of words that ends"))?;
        self.at += end + 1;
        Ok(Words(&rest[..end]))
    }

    /// Passes over one value: atom, number, string, NIL, or a list of values to any depth.
    pub(super) fn skip_value(&mut self) -> Result<(), Malformed> {
        let mut depth = 0usize;
        loop {
            match self.peek() {
                Some(b'(') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(b')') if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                Some(b' ') if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                Some(b'"') => {
                    self.quoted()?;
                }
                Some(b'{') => {
                    self.literal()?;
                }
                Some(b'~') if self.line.get(self.at + 1) == Some(&b'{') => {
                    self.literal()?;
                }
                _ => {
                    self.atom()?;
                }
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Behind a `[`: passes over a section up to and with its `]`; strings in it may hold brackets.
    pub(super) fn section(&mut self) -> Result<&'a [u8], Malformed> {
        let start = self.at;
        loop {
            match self.peek() {
                None => return Err(self.malformed("the end of a section")),
                Some(b']') => {
                    self.at += 1;
                    return Ok(&self.line[start..self.at - 1]);
                }
                Some(b'"') => {
                    self.quoted()?;
                }
                Some(b'{') => {
                    self.literal()?;
                }
                Some(_) => self.at += 1,
            }
        }
    }
}

/// A number made of all of `digits`, if it is one and fits.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &byte| {
        let digit = char::from(byte).to_digit(10)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

fn unescape(inside: &[u8]) -> Cow<'_, [u8]> {
    if !inside.contains(&b'\\') {
        return Cow::Borrowed(inside);
    }
    let mut octets = Vec::with_capacity(inside.len());
    let mut bytes = inside.iter();
    while let Some(&byte) = bytes.next() {
        octets.push(if byte == b'\\' {
            bytes.next().copied().unwrap_or(byte)
        } else {
            byte
        });
    }
    Cow::Owned(octets)
}

//! Flags of a message as one word: five system flags and the mailbox's keywords, which are numbered.

use std::ops::{BitAnd, BitOr, Not};

/// Keywords a mailbox can have.
pub const MAX_KEYWORDS: usize = 56;
/// The first keyword's bit.
const KEYWORD_SHIFT: usize = 8;

/// A set of flags (RFC 3501 section 2.3.2). Keyword `n` means the `n`th in the mailbox's list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u64);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// `\Seen`
    pub const SEEN: Self = Self(1);
    /// `\Answered`
    pub const ANSWERED: Self = Self(2);
    /// `\Flagged`
    pub const FLAGGED: Self = Self(4);
    /// `\Deleted`
    pub const DELETED: Self = Self(8);
    /// `\Draft`
    pub const DRAFT: Self = Self(16);
    /// The system flags with their names.
    pub const SYSTEM: [(Self, &'static str); 5] = [
        (Self::ANSWERED, "\\Answered"),
        (Self::FLAGGED, "\\Flagged"),
        (Self::DELETED, "\\Deleted"),
        (Self::SEEN, "\\Seen"),
        (Self::DRAFT, "\\Draft"),
    ];

    /// The keyword with this number, if it is below [`MAX_KEYWORDS`].
    pub fn keyword(number: usize) -> Option<Self> {
        (number < MAX_KEYWORDS).then(|| Self(1 << (KEYWORD_SHIFT + number)))
    }

    /// The numbers of the keywords in the set.
    pub fn keywords(self) -> impl Iterator<Item = usize> {
        (0..MAX_KEYWORDS).filter(move |n| self.0 >> (KEYWORD_SHIFT + n) & 1 == 1)
    }

    /// Whether all of `other` is in the set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// As it stands in the index.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// From the index.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Flags {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Not for Flags {
    type Output = Self;

    fn not(self) -> Self {
        Self(!self.0)
    }
}

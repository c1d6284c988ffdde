//! The languages, character sets and transfer encodings in which messages are written, and which of them a message's
//! seed means.

use super::charset::{Charset, Transfer};
use crate::scenario::Language;

/// One way of writing a text down.
#[derive(Debug)]
pub(super) struct Manner {
    pub(super) language: Language,
    pub(super) charset: Charset,
    pub(super) transfer: Transfer,
    /// Characters of a line of text.
    pub(super) width: usize,
}

const fn manner(language: Language, charset: Charset, transfer: Transfer, width: usize) -> Manner {
    Manner {
        language,
        charset,
        transfer,
        width,
    }
}

/// All manners. A language with several is written in each of them as often.
pub(super) const MANNERS: [Manner; 8] = [
    manner(Language::English, Charset::UsAscii, Transfer::SevenBit, 76),
    manner(
        Language::English,
        Charset::Utf8,
        Transfer::QuotedPrintable,
        72,
    ),
    manner(
        Language::German,
        Charset::Latin1,
        Transfer::QuotedPrintable,
        72,
    ),
    manner(
        Language::German,
        Charset::Utf8,
        Transfer::QuotedPrintable,
        72,
    ),
    manner(
        Language::French,
        Charset::Utf8,
        Transfer::QuotedPrintable,
        72,
    ),
    manner(Language::Thai, Charset::Utf8, Transfer::Base64, 56),
    manner(Language::Thai, Charset::Tis620, Transfer::Base64, 55),
    manner(
        Language::Japanese,
        Charset::Iso2022Jp,
        Transfer::SevenBit,
        34,
    ),
];

/// The upper half of a seed is the topic, which an answer has in common with what it answers: in its first octet the
/// manner, in the rest the subject. The lower half chooses the words of the message.
const TOPIC: u64 = 0xffff_ffff << 32;

/// A seed for a message in this language; `bits` are random.
pub(in crate::plan) fn seed_in(language: Language, bits: u64) -> u64 {
    let of_language = (0_u64..)
        .zip(&MANNERS)
        .filter(|(_, manner)| manner.language == language);
    let count = of_language.clone().count() as u64;
    let index = of_language
        .map(|(index, _)| index)
        .nth((bits >> 56) as usize % count.max(1) as usize)
        .unwrap_or_default();
    index << 56 | bits & (u64::MAX >> 8)
}

/// A seed for an answer to the message of seed `of`.
pub(in crate::plan) const fn seed_of_answer(of: u64, bits: u64) -> u64 {
    of & TOPIC | bits & !TOPIC
}

impl Manner {
    /// Its number in [`MANNERS`].
    pub(super) const fn index_of(seed: u64) -> usize {
        (seed >> 56) as usize % MANNERS.len()
    }

    pub(super) const fn of(seed: u64) -> &'static Self {
        &MANNERS[Self::index_of(seed)]
    }

    /// The headers of a part in this manner.
    pub(super) fn part_head(&self, subtype: &str) -> String {
        format!(
            "Content-Type: text/{subtype}; charset={}\r\nContent-Transfer-Encoding: {}\r\n",
            self.charset.name(),
            self.transfer.name()
        )
    }
}

//! The flags of one message.

use crate::proto::imap::Flags;

/// System flags, in the order of the bits.
const SYSTEM: [&str; 6] = [
    "\\Seen",
    "\\Answered",
    "\\Flagged",
    "\\Deleted",
    "\\Draft",
    "\\Recent",
];

/// More keywords than any message has are not remembered.
const MOST_KEYWORDS: usize = 100;

/// The flags of one message: system flags as bits, keywords as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagSet {
    system: u8,
    keywords: Vec<String>,
}

impl FlagSet {
    /// `\Seen`: somebody has read it.
    pub fn is_seen(&self) -> bool {
        self.has_system(0)
    }

    /// `\Answered`.
    pub fn is_answered(&self) -> bool {
        self.has_system(1)
    }

    /// `\Flagged`.
    pub fn is_flagged(&self) -> bool {
        self.has_system(2)
    }

    /// `\Deleted`: the next EXPUNGE takes it away.
    pub fn is_deleted(&self) -> bool {
        self.has_system(3)
    }

    /// Whether a flag is set, system flag or keyword, whatever its case.
    pub fn has(&self, flag: &str) -> bool {
        SYSTEM
            .iter()
            .position(|known| known.eq_ignore_ascii_case(flag))
            .map_or_else(
                || self.keywords.iter().any(|k| k.eq_ignore_ascii_case(flag)),
                |bit| self.has_system(bit),
            )
    }

    /// Flags that are no system flags.
    pub fn keywords(&self) -> &[String] {
        &self.keywords
    }

    fn has_system(&self, bit: usize) -> bool {
        self.system & (1 << bit) != 0
    }
}

impl From<Flags<'_>> for FlagSet {
    fn from(flags: Flags<'_>) -> Self {
        let mut set = Self::default();
        for flag in flags.iter() {
            let bit = SYSTEM
                .iter()
                .position(|known| flag.eq_ignore_ascii_case(known.as_bytes()));
            match bit {
                Some(bit) => set.system |= 1 << bit,
                None if set.keywords.len() < MOST_KEYWORDS => {
                    set.keywords
                        .push(String::from_utf8_lossy(flag).into_owned());
                }
                None => {}
            }
        }
        set
    }
}

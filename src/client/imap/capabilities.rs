//! What an IMAP server says that it can do.

use std::collections::BTreeSet;

use crate::proto::imap::{LiteralForm, Words};

/// More capabilities than any server has are not remembered.
const MOST: usize = 500;

/// The names of a CAPABILITY response or response code, in capital letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImapCapabilities(BTreeSet<String>);

impl ImapCapabilities {
    /// Whether a capability is among them, by its name in capital letters: `IDLE`, `AUTH=PLAIN`.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// All of them, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// How the server takes literals (RFC 7888).
    pub fn literals(&self) -> LiteralForm {
        if self.has("LITERAL+") {
            LiteralForm::Plus
        } else if self.has("LITERAL-") || self.has("IMAP4REV2") {
            LiteralForm::Minus
        } else {
            LiteralForm::Synchronising
        }
    }

    /// The server has not said anything.
    pub(super) fn is_unknown(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Words<'_>> for ImapCapabilities {
    fn from(words: Words<'_>) -> Self {
        let name = |word: &[u8]| String::from_utf8_lossy(word).to_ascii_uppercase();
        Self(words.iter().take(MOST).map(name).collect())
    }
}

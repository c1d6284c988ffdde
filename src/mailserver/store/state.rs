//! A mailbox in memory: the contents of its index, and what only matters while the server runs.

use super::index::{Batch, Contents};
use super::{Flags, MAX_KEYWORDS};

#[derive(Debug)]
pub(super) struct State {
    pub(super) contents: Contents,
    /// No session was told about messages from this UID on.
    pub(super) recent_from: u32,
    /// The mailbox was deleted.
    pub(super) gone: bool,
}

impl State {
    /// The place of a message among all.
    pub(super) fn find(&self, uid: u32) -> Option<usize> {
        self.contents
            .messages
            .binary_search_by_key(&uid, |message| message.uid)
            .ok()
    }

    /// Something changes: its mod-sequence.
    pub(super) fn next_modseq(&mut self) -> u64 {
        self.contents.highest_modseq += 1;
        self.contents.highest_modseq
    }

    /// The set that `names` make; new keywords get a number while there are any left, and are dropped after.
    pub(super) fn flags_named(&mut self, names: &[&str], batch: &mut Batch) -> Flags {
        let mut flags = Flags::NONE;
        for name in names {
            if let Some(flag) = system_flag(name) {
                flags = flags | flag;
            } else if !name.starts_with('\\')
                && let Some(flag) = self.keyword(name, batch)
            {
                flags = flags | flag;
            }
        }
        flags
    }

    fn keyword(&mut self, name: &str, batch: &mut Batch) -> Option<Flags> {
        let keywords = &mut self.contents.keywords;
        let known = keywords.iter().position(|k| k.eq_ignore_ascii_case(name));
        let number = match known {
            Some(number) => number,
            None if keywords.len() < MAX_KEYWORDS => {
                batch.keyword(name);
                keywords.push(name.to_owned());
                keywords.len() - 1
            }
            None => return None,
        };
        Flags::keyword(number)
    }
}

/// The system flag of this name, in any case of letters.
fn system_flag(name: &str) -> Option<Flags> {
    Flags::SYSTEM
        .iter()
        .find(|(_, known)| known.eq_ignore_ascii_case(name))
        .map(|(flag, _)| *flag)
}

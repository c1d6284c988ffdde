//! Which messages of a mailbox were taken away, so that a client that was away can be told (RFC 7162 section 3.2). So many
//! are remembered; who was away for longer hears of every UID that is not there.

use std::collections::VecDeque;

/// So many are remembered for each mailbox: 128 KiB of memory, about 100 KB of the index.
const MOST: usize = 8192;

/// The messages that were taken away last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vanished {
    /// In the order in which they went.
    messages: VecDeque<Gone>,
    /// What went up to this mod-sequence may not be among them.
    forgotten: u64,
}

/// A message that was taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gone {
    pub(super) uid: u32,
    /// Mod-sequence of its going.
    pub(super) modseq: u64,
}

impl Vanished {
    /// One more is gone.
    pub(super) fn add(&mut self, uid: u32, modseq: u64) {
        self.messages.push_back(Gone { uid, modseq });
        if self.messages.len() > MOST
            && let Some(oldest) = self.messages.pop_front()
        {
            self.forgotten = oldest.modseq;
        }
    }

    /// What went up to this mod-sequence is not known.
    pub(super) fn forget_up_to(&mut self, modseq: u64) {
        self.forgotten = self.forgotten.max(modseq);
    }

    /// See [`Self::forget_up_to`].
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// All that are remembered, in the order in which they went.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = Gone> {
        self.messages.iter().copied()
    }

    /// UIDs of messages that went after a mod-sequence, ascending. None: that is not known any more.
    pub fn since(&self, modseq: u64) -> Option<Vec<u32>> {
        if modseq < self.forgotten {
            return None;
        }
        let start = self
            .messages
            .partition_point(|message| message.modseq <= modseq);
        let mut uids: Vec<u32> = self
            .messages
            .range(start..)
            .map(|message| message.uid)
            .collect();
        uids.sort_unstable();
        Some(uids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_went_later_are_told_in_the_order_of_their_uids() {
        let mut vanished = Vanished::default();
        for (uid, modseq) in [(7, 10), (3, 11), (5, 12)] {
            vanished.add(uid, modseq);
        }
        assert_eq!(vanished.since(0), Some(vec![3, 5, 7]));
        assert_eq!(vanished.since(10), Some(vec![3, 5]));
        assert_eq!(vanished.since(12), Some(vec![]));
    }

    #[test]
    fn the_oldest_are_forgotten_and_that_is_known() {
        let mut vanished = Vanished::default();
        let all = MOST as u32 + 10;
        for uid in 1..=all {
            vanished.add(uid, u64::from(uid) + 100);
        }
        assert_eq!(vanished.iter().len(), MOST);
        assert_eq!(vanished.since(109), None);
        assert_eq!(vanished.since(110).unwrap().len(), MOST);
        vanished.forget_up_to(200);
        assert_eq!(vanished.since(199), None);
        assert!(vanished.since(200).is_some());
    }
}

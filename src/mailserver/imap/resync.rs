//! What happened while a client was away (RFC 7162): its parameters to SELECT and FETCH, and what it is told.

use std::ops::RangeInclusive;

use imap_codec::imap_types::command::SelectParameter;
use imap_codec::imap_types::sequence::{SeqOrUid, Sequence, SequenceSet};

use super::view::View;
use super::{Answer, Session};
use crate::mailserver::store::StoreError;
use crate::proto::imap::server::uid_ranges;

/// What the client has shown that it understands. It holds for the rest of the session.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extensions {
    /// Mod-sequences (RFC 7162 section 3.1).
    pub(super) condstore: bool,
    /// UIDs of messages that are gone, in place of sequence numbers (RFC 7162 section 3.2).
    pub(super) qresync: bool,
}

/// What a client knew of a mailbox that it opens.
pub(super) struct Before<'s> {
    uid_validity: u32,
    modseq: u64,
    uids: Option<&'s SequenceSet>,
}

impl Session {
    /// The client understands mod-sequences. If a mailbox is open already, it hears of its highest now.
    pub(super) fn use_condstore(&mut self) {
        if self.extensions.condstore {
            return;
        }
        self.extensions.condstore = true;
        if let Some(view) = &self.view {
            let line = format!("OK [HIGHESTMODSEQ {}] Noted", view.highest_modseq());
            self.untagged(&line);
        }
    }

    /// Reads what stands in parentheses behind the name of a mailbox to be opened.
    pub(super) fn select_parameters<'s>(
        &mut self,
        parameters: &'s [SelectParameter],
    ) -> Result<Option<Before<'s>>, Answer> {
        let mut before = None;
        for parameter in parameters {
            match parameter {
                SelectParameter::CondStore => self.extensions.condstore = true,
                // Pairs of sequence numbers and UIDs only save octets, and need not be looked at.
                SelectParameter::QResync {
                    uid_validity,
                    mod_sequence_value,
                    known_uids,
                    seq_match_data: _,
                } => {
                    if !self.extensions.qresync {
                        return Err(Answer::bad("ENABLE QRESYNC first"));
                    }
                    before = Some(Before {
                        uid_validity: uid_validity.get(),
                        modseq: mod_sequence_value.get(),
                        uids: known_uids.as_ref(),
                    });
                }
            }
        }
        Ok(before)
    }
}

impl View {
    /// What happened since the client was here: which messages are gone, which came or changed their flags. Nothing, if its
    /// UIDs mean nothing any more.
    pub(super) fn tell_what_happened(
        &self,
        out: &mut Vec<u8>,
        before: &Before<'_>,
        uid_validity: u32,
    ) -> Result<(), StoreError> {
        if before.uid_validity != uid_validity {
            return Ok(());
        }
        self.tell_vanished_since(out, before.modseq, before.uids)?;
        let indices = match before.uids {
            None => (0..self.exists()).collect(),
            // UIDs need not exist.
            Some(set) => self.resolve(set, true).unwrap_or_default(),
        };
        for (index, message) in self.messages(&indices)? {
            if message.modseq > before.modseq {
                self.write_flags_response(out, index, &message, true);
            }
        }
        Ok(())
    }

    /// `* VANISHED (EARLIER) …`: messages that went after a mod-sequence, of those that the client asks for.
    pub(super) fn tell_vanished_since(
        &self,
        out: &mut Vec<u8>,
        modseq: u64,
        asked: Option<&SequenceSet>,
    ) -> Result<(), StoreError> {
        let (known, uid_next) = self
            .mailbox
            .look(false, |now| (now.vanished.since(modseq), now.uid_next))?;
        let gone = match known {
            // One that went in this moment is told as going, not as having gone.
            Some(uids) => {
                let uids = uids.into_iter().filter(|&uid| self.index_of(uid).is_none());
                uids.map(|uid| uid..=uid).collect()
            }
            None => self.gaps(uid_next),
        };
        let gone = match asked {
            None => gone,
            Some(set) => common(&gone, &ranges(set, uid_next)),
        };
        write_vanished(out, " (EARLIER)", gone);
        Ok(())
    }

    /// All UIDs that no message has.
    fn gaps(&self, uid_next: u32) -> Vec<RangeInclusive<u32>> {
        let mut gaps = Vec::new();
        let mut next = 1;
        for index in 0..self.exists() {
            let uid = self.uid(index);
            if uid > next {
                gaps.push(next..=uid - 1);
            }
            next = uid.saturating_add(1);
        }
        if uid_next > next {
            gaps.push(next..=uid_next - 1);
        }
        gaps
    }
}

/// `* VANISHED… uids`, if there are any. Ranges ascend.
pub(super) fn write_vanished(out: &mut Vec<u8>, tag: &str, gone: Vec<RangeInclusive<u32>>) {
    if gone.is_empty() {
        return;
    }
    out.extend_from_slice(b"* VANISHED");
    out.extend_from_slice(tag.as_bytes());
    out.push(b' ');
    uid_ranges(out, gone);
    out.extend_from_slice(b"\r\n");
}

/// The ranges of a set, ascending. `*` is the last UID that was given.
fn ranges(set: &SequenceSet, uid_next: u32) -> Vec<RangeInclusive<u32>> {
    let value = |bound: &SeqOrUid| match bound {
        SeqOrUid::Value(value) => value.get(),
        SeqOrUid::Asterisk => uid_next.saturating_sub(1).max(1),
    };
    let mut ranges: Vec<_> = set
        .0
        .as_ref()
        .iter()
        .map(|part| match part {
            Sequence::Single(one) => value(one)..=value(one),
            Sequence::Range(from, to) => value(from).min(value(to))..=value(from).max(value(to)),
        })
        .collect();
    ranges.sort_unstable_by_key(|range| *range.start());
    ranges
}

/// What is in both lists. Both ascend, the first without overlaps.
fn common(
    gone: &[RangeInclusive<u32>],
    wanted: &[RangeInclusive<u32>],
) -> Vec<RangeInclusive<u32>> {
    let mut common: Vec<RangeInclusive<u32>> = Vec::new();
    for asked in wanted {
        // What overlapping parts of the set ask for twice is told once.
        let told = common.last().map_or(0, |last| *last.end());
        let from = (*asked.start()).max(told.saturating_add(1));
        let first = gone.partition_point(|range| *range.end() < from);
        for range in &gone[first..] {
            let (start, end) = ((*range.start()).max(from), (*range.end()).min(*asked.end()));
            if start > end {
                break;
            }
            common.push(start..=end);
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_twice_is_told_once() {
        let gone = [1..=3, 7..=7, 10..=20];
        for (asked, told) in [
            (vec![1..=30], vec![1..=3, 7..=7, 10..=20]),
            (vec![2..=2, 7..=12], vec![2..=2, 7..=7, 10..=12]),
            (vec![1..=12, 2..=15], vec![1..=3, 7..=7, 10..=12, 13..=15]),
            (vec![4..=6, 8..=9, 21..=40], vec![]),
        ] {
            assert_eq!(common(&gone, &asked), told, "{asked:?}");
        }
    }
}

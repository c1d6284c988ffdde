//! Sets of UIDs: written as short as they go (`1:5,9`), read without being expanded.

use std::fmt::Write;
use std::ops::{RangeFrom, RangeInclusive};

use super::scan::decimal;

/// Which messages a command is about, by UID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UidSet {
    /// Ascending and apart from each other. An end of `u32::MAX` is written `*`.
    ranges: Vec<RangeInclusive<u32>>,
}

impl UidSet {
    /// Every message of the mailbox: `1:*`.
    pub fn all() -> Self {
        Self::from(1..)
    }

    /// Whether no message is in it. A command with an empty set must not be sent.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether a UID is in it.
    pub fn contains(&self, uid: u32) -> bool {
        let after = self.ranges.partition_point(|range| *range.start() <= uid);
        after > 0 && self.ranges[after - 1].contains(&uid)
    }

    /// The set as texts of about `octets` each, so that no command line grows too long for a server
    /// (RFC 7162 section 4 asks for 8192 octets at most).
    pub fn texts(&self, octets: usize) -> Vec<String> {
        let mut texts = Vec::new();
        let mut text = String::new();
        for range in &self.ranges {
            if text.len() >= octets {
                texts.push(std::mem::take(&mut text));
            }
            if !text.is_empty() {
                text.push(',');
            }
            let (first, last) = (*range.start(), *range.end());
            // Writing to a String cannot fail.
            let _ = match last {
                u32::MAX => write!(text, "{first}:*"),
                _ if first == last => write!(text, "{first}"),
                _ => write!(text, "{first}:{last}"),
            };
        }
        if !text.is_empty() {
            texts.push(text);
        }
        texts
    }

    fn of(mut uids: Vec<u32>) -> Self {
        uids.retain(|&uid| uid > 0);
        uids.sort_unstable();
        uids.dedup();
        let mut ranges: Vec<RangeInclusive<u32>> = Vec::new();
        for uid in uids {
            match ranges.last_mut() {
                Some(range) if *range.end() + 1 == uid => *range = *range.start()..=uid,
                _ => ranges.push(uid..=uid),
            }
        }
        Self { ranges }
    }
}

impl From<&[u32]> for UidSet {
    fn from(uids: &[u32]) -> Self {
        Self::of(uids.to_vec())
    }
}

impl<const N: usize> From<&[u32; N]> for UidSet {
    fn from(uids: &[u32; N]) -> Self {
        Self::of(uids.to_vec())
    }
}

impl From<&Vec<u32>> for UidSet {
    fn from(uids: &Vec<u32>) -> Self {
        Self::of(uids.clone())
    }
}

impl From<Vec<u32>> for UidSet {
    fn from(uids: Vec<u32>) -> Self {
        Self::of(uids)
    }
}

impl From<u32> for UidSet {
    fn from(uid: u32) -> Self {
        Self::of(vec![uid])
    }
}

/// Nothing, if it runs backwards.
impl From<RangeInclusive<u32>> for UidSet {
    fn from(range: RangeInclusive<u32>) -> Self {
        let range = (*range.start()).max(1)..=*range.end();
        Self {
            ranges: if range.is_empty() {
                vec![]
            } else {
                vec![range]
            },
        }
    }
}

/// From a UID up to the last message there is.
impl From<RangeFrom<u32>> for UidSet {
    fn from(range: RangeFrom<u32>) -> Self {
        Self {
            ranges: vec![range.start.max(1)..=u32::MAX],
        }
    }
}

/// A set that a server sent, checked and not expanded: a few octets can stand for four thousand million UIDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UidRanges<'a>(&'a [u8]);

impl<'a> UidRanges<'a> {
    pub(super) fn checked(text: &'a [u8]) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        text.split(|&byte| byte == b',')
            .all(|part| range(part).is_some())
            .then_some(Self(text))
    }

    /// Its ranges, in the order in which the server wrote them.
    pub fn iter(self) -> impl Iterator<Item = RangeInclusive<u32>> + use<'a> {
        self.0.split(|&byte| byte == b',').filter_map(range)
    }

    /// How many UIDs it stands for.
    pub fn count(self) -> u64 {
        self.iter()
            .map(|range| u64::from(range.end() - range.start()) + 1)
            .sum()
    }

    /// The first `most` UIDs, in the server's order.
    pub fn uids(self, most: usize) -> Vec<u32> {
        self.iter().flatten().take(most).collect()
    }
}

fn range(part: &[u8]) -> Option<RangeInclusive<u32>> {
    let number = |digits: &[u8]| {
        decimal(digits)
            .and_then(|number| u32::try_from(number).ok())
            .filter(|&number| number > 0)
    };
    match memchr::memchr(b':', part) {
        None => number(part).map(|one| one..=one),
        Some(at) => {
            let (one, other) = (number(&part[..at])?, number(&part[at + 1..])?);
            Some(one.min(other)..=one.max(other))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_written_as_a_range() {
        for (uids, text) in [
            (vec![9, 1, 2, 3, 4, 5, 3], "1:5,9"),
            (vec![7], "7"),
            (vec![1, 3, 5], "1,3,5"),
            (vec![0, 2], "2"),
        ] {
            assert_eq!(UidSet::from(uids).texts(1000), [text]);
        }
        assert_eq!(UidSet::all().texts(1000), ["1:*"]);
        assert_eq!(UidSet::from(5..).texts(1000), ["5:*"]);
        assert_eq!(UidSet::from(0..=3).texts(1000), ["1:3"]);
    }

    #[test]
    fn an_empty_set_has_no_text() {
        for set in [UidSet::from(vec![]), UidSet::from(vec![0])] {
            assert!(set.is_empty() && set.texts(10).is_empty());
        }
        #[expect(clippy::reversed_empty_ranges, reason = "that is what is tested")]
        let backwards = UidSet::from(5..=4);
        assert!(backwards.is_empty());
    }

    #[test]
    fn a_long_set_is_cut_into_lines_that_servers_take() {
        let uids: Vec<u32> = (1..10_000).step_by(2).collect();
        let texts = UidSet::from(&uids).texts(1000);
        assert!(texts.len() > 1 && texts.iter().all(|text| text.len() < 1030));
        let back: Vec<u32> = texts
            .iter()
            .flat_map(|text| {
                UidRanges::checked(text.as_bytes())
                    .unwrap()
                    .iter()
                    .flatten()
            })
            .collect();
        assert_eq!(back, uids);
    }

    #[test]
    fn membership_follows_the_ranges() {
        let set = UidSet::from(&[2, 3, 4, 9]);
        let members: Vec<u32> = (0..12).filter(|&uid| set.contains(uid)).collect();
        assert_eq!(members, [2, 3, 4, 9]);
        assert!(UidSet::from(10..).contains(10) && !UidSet::from(10..).contains(9));
    }

    #[test]
    fn a_servers_set_is_not_expanded_unless_asked_for_and_then_only_so_far() {
        let set = UidRanges::checked(b"1:4294967295,7").unwrap();
        assert_eq!(set.count(), 4_294_967_296);
        assert_eq!(set.uids(3), [1, 2, 3]);
        assert_eq!(UidRanges::checked(b"5:3").unwrap().uids(9), [3, 4, 5]);
        for bad in [&b""[..], b"0", b"1,", b"a", b"1:", b"4294967296", b"1:*"] {
            assert_eq!(UidRanges::checked(bad), None);
        }
    }
}

//! What can be said of a claim, and the thresholds between the words. The rules are general; which figure
//! goes through which rule is decided in `rows`.

use serde::{Deserialize, Serialize};

/// What the run says of one claim of the document.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::EnumIter,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Verdict {
    /// What was measured is what the document says.
    Agrees,
    /// What was measured is the opposite.
    Disagrees,
    /// It turns on a setting, or on which figure is meant.
    Depends,
    /// The arms cannot be told apart.
    NoDifference,
    /// Nothing was observed that could decide it. Never a pass.
    NotMeasured,
}

/// A share (percent) from which the answer is yes. `SPECmail2001` calls a service good when 95 % of its
/// requests meet the bound, and one failure in twenty is about what a person still forgives.
pub const YES_FROM: f64 = 95.0;

/// A share (percent) below which the answer is no: more attempts fail than succeed.
pub const NO_BELOW: f64 = 50.0;

/// Two values closer than this (relative) are the same: CPU comes in ticks and histograms have three digits.
pub const SAME_WITHIN: f64 = 0.02;

/// With one block nothing shows how much a repetition would differ, so a difference counts only above
/// this (relative), about what one block differs from the next on a shared machine.
pub const ONE_BLOCK_MARGIN: f64 = 0.25;

/// An answer to a yes-or-no question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// At least [`YES_FROM`].
    Yes,
    /// Below [`NO_BELOW`].
    No,
    /// Between the two.
    Between,
}

impl Answer {
    /// The answer that a share (percent) gives.
    pub fn of(share: f64) -> Self {
        if share >= YES_FROM {
            Self::Yes
        } else if share < NO_BELOW {
            Self::No
        } else {
            Self::Between
        }
    }

    /// What the answer says of a document that claims `claimed`.
    pub fn against(self, claimed: Self) -> Verdict {
        match (self, claimed) {
            (Self::Between, _) | (_, Self::Between) => Verdict::Depends,
            (answer, claimed) if answer == claimed => Verdict::Agrees,
            _ => Verdict::Disagrees,
        }
    }
}

/// Where a figure of the POP arm stands beside the same figure of the IMAP arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// POP's is lower, in every block.
    PopLower,
    /// IMAP's is lower, in every block.
    ImapLower,
    /// The blocks do not agree, or the values are the same.
    Neither,
}

impl Direction {
    /// Compares block by block, by block number; none when no block has both. Differences up to `resolution`
    /// are none.
    pub fn of(pop: &[(u32, f64)], imap: &[(u32, f64)], resolution: f64) -> Option<Self> {
        let pairs: Vec<(f64, f64)> = pop
            .iter()
            .filter_map(|(block, p)| {
                let (_, i) = imap.iter().find(|(other, _)| other == block)?;
                Some((*p, *i))
            })
            .collect();
        let margin = match pairs.len() {
            0 => return None,
            1 => ONE_BLOCK_MARGIN,
            _ => SAME_WITHIN,
        };
        let mut directions = pairs
            .iter()
            .map(|(p, i)| Self::of_pair(*p, *i, margin, resolution));
        let first = directions.next()?;
        if directions.all(|direction| direction == first) {
            Some(first)
        } else {
            Some(Self::Neither)
        }
    }

    fn of_pair(pop: f64, imap: f64, margin: f64, resolution: f64) -> Self {
        let margin = margin * pop.abs().max(imap.abs());
        if (pop - imap).abs() <= margin.max(resolution) {
            Self::Neither
        } else if pop < imap {
            Self::PopLower
        } else {
            Self::ImapLower
        }
    }
}

/// The verdict on "POP takes little, IMAP takes much" from the directions of several figures: one word only
/// when all of them say it.
pub fn pop_takes_less(directions: &[Direction]) -> Verdict {
    let all = |wanted| directions.iter().all(|direction| *direction == wanted);
    if directions.is_empty() {
        Verdict::NotMeasured
    } else if all(Direction::PopLower) {
        Verdict::Agrees
    } else if all(Direction::ImapLower) {
        Verdict::Disagrees
    } else if all(Direction::Neither) {
        Verdict::NoDifference
    } else {
        Verdict::Depends
    }
}

/// One word for several claims: theirs when they all have the same, `depends` when they differ; claims that
/// were not measured have no say.
pub fn together(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
    let mut spoken = verdicts
        .into_iter()
        .filter(|verdict| *verdict != Verdict::NotMeasured);
    let Some(first) = spoken.next() else {
        return Verdict::NotMeasured;
    };
    if spoken.all(|verdict| verdict == first) {
        first
    } else {
        Verdict::Depends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_yes_from_95_a_no_below_50_and_between_it_depends() {
        assert_eq!(Answer::of(95.0), Answer::Yes);
        assert_eq!(Answer::of(94.9), Answer::Between);
        assert_eq!(Answer::of(50.0), Answer::Between);
        assert_eq!(Answer::of(49.9), Answer::No);
        assert_eq!(Answer::Yes.against(Answer::No), Verdict::Disagrees);
        assert_eq!(Answer::No.against(Answer::No), Verdict::Agrees);
        assert_eq!(Answer::Between.against(Answer::Yes), Verdict::Depends);
    }

    #[test]
    fn every_block_must_point_the_same_way() {
        let pop = [(1, 10.0), (2, 11.0)];
        assert_eq!(
            Direction::of(&pop, &[(1, 20.0), (2, 21.0)], 0.0),
            Some(Direction::PopLower)
        );
        assert_eq!(
            Direction::of(&pop, &[(1, 5.0), (2, 6.0)], 0.0),
            Some(Direction::ImapLower)
        );
        assert_eq!(
            Direction::of(&pop, &[(1, 5.0), (2, 21.0)], 0.0),
            Some(Direction::Neither)
        );
        assert_eq!(Direction::of(&pop, &[(3, 5.0)], 0.0), None);
    }

    #[test]
    fn one_block_needs_a_larger_difference_than_several() {
        assert_eq!(
            Direction::of(&[(1, 10.0)], &[(1, 11.0)], 0.0),
            Some(Direction::Neither)
        );
        assert_eq!(
            Direction::of(&[(1, 10.0), (2, 10.0)], &[(1, 11.0), (2, 11.0)], 0.0),
            Some(Direction::PopLower)
        );
        assert_eq!(
            Direction::of(&[(1, 10.0)], &[(1, 20.0)], 0.0),
            Some(Direction::PopLower)
        );
        assert_eq!(
            Direction::of(&[(1, 0.0)], &[(1, 0.0)], 0.0),
            Some(Direction::Neither)
        );
    }

    #[test]
    fn a_difference_below_the_instruments_resolution_is_none() {
        let (pop, imap) = ([(1, 0.0), (2, 0.0)], [(1, 30.0), (2, 30.0)]);
        assert_eq!(Direction::of(&pop, &imap, 40.0), Some(Direction::Neither));
        assert_eq!(Direction::of(&pop, &imap, 20.0), Some(Direction::PopLower));
    }

    #[test]
    fn figures_that_point_in_different_directions_depend() {
        use Direction::{ImapLower, Neither, PopLower};
        assert_eq!(pop_takes_less(&[]), Verdict::NotMeasured);
        assert_eq!(pop_takes_less(&[PopLower, PopLower]), Verdict::Agrees);
        assert_eq!(pop_takes_less(&[ImapLower, ImapLower]), Verdict::Disagrees);
        assert_eq!(pop_takes_less(&[Neither, Neither]), Verdict::NoDifference);
        assert_eq!(pop_takes_less(&[PopLower, ImapLower]), Verdict::Depends);
        assert_eq!(pop_takes_less(&[PopLower, Neither]), Verdict::Depends);
    }

    #[test]
    fn what_was_not_measured_has_no_say() {
        assert_eq!(together([]), Verdict::NotMeasured);
        assert_eq!(
            together([Verdict::Agrees, Verdict::NotMeasured]),
            Verdict::Agrees
        );
        assert_eq!(
            together([Verdict::Agrees, Verdict::Disagrees]),
            Verdict::Depends
        );
    }
}

//! Where several figures of POP stand beside IMAP's: lower, higher, or no difference shown, and the one word for all of
//! them. Rows 4 and 5 and the claims about more and less are judged by this.

use super::BLOCKS_FOR_INTERVALS;
use super::figure::Figure;
use super::ratio::Ratio;
use super::verdict::{Direction, Verdict, pop_takes_less};

/// Figures compared so far.
#[derive(Debug, Default)]
pub(super) struct Directions {
    found: Vec<(Direction, String)>,
    /// The fewest blocks behind one of them.
    blocks: Option<usize>,
}

impl Directions {
    /// Compares one figure: by the ratio's interval and p where there are blocks enough, else block by block, all of
    /// which must then point the same way. Differences below what the instrument can tell are none.
    pub(super) fn add(&mut self, pop: &Figure, imap: &Figure, ratio: Option<&Ratio>) {
        let resolution = pop.resolution.max(imap.resolution);
        let tested = ratio.and_then(Ratio::direction).map(|direction| {
            let visible = |(p, i): (f64, f64)| (p - i).abs() > resolution;
            if pop.value.zip(imap.value).is_some_and(visible) {
                direction
            } else {
                Direction::Neither
            }
        });
        let by_block = || Direction::of(&pop.blocks, &imap.blocks, resolution);
        let Some(direction) = tested.or_else(by_block) else {
            return;
        };
        let blocks = pop.blocks.len().min(imap.blocks.len());
        self.blocks = Some(self.blocks.map_or(blocks, |fewest| fewest.min(blocks)));
        self.found
            .push((direction, words(pop.metric.english, ratio)));
    }

    /// One word for all.
    pub(super) fn verdict(&self) -> Verdict {
        let directions: Vec<Direction> = self.found.iter().map(|(found, _)| *found).collect();
        pop_takes_less(&directions)
    }

    /// Too few blocks to be sure of a direction.
    pub(super) fn provisional(&self) -> bool {
        self.blocks
            .is_some_and(|blocks| blocks < BLOCKS_FOR_INTERVALS as usize)
    }

    /// Which figures point where, with their ratios.
    pub(super) fn reason(&self) -> String {
        let mut parts = Vec::new();
        for (direction, what) in [
            (Direction::PopLower, "lower for POP"),
            (Direction::ImapLower, "lower for IMAP"),
            (Direction::Neither, "no difference shown"),
        ] {
            let its = self.found.iter().filter(|(found, _)| *found == direction);
            let names: Vec<&str> = its.map(|(_, words)| words.as_str()).collect();
            if !names.is_empty() {
                parts.push(format!("{what}: {}", names.join("; ")));
            }
        }
        if self.blocks.is_some_and(|blocks| blocks < 2) {
            parts.push("one block only, so the directions were seen once".to_owned());
        }
        parts.join(" – ")
    }
}

/// A figure's name, and how many times POP's IMAP's is.
fn words(name: &str, ratio: Option<&Ratio>) -> String {
    let Some(ratio) = ratio else {
        return name.to_owned();
    };
    match ratio.interval {
        None => format!("{name} (IMAP/POP {})", digits(ratio.value)),
        Some(interval) => format!(
            "{name} (IMAP/POP {}, 95 % from {} to {}, p {})",
            digits(ratio.value),
            digits(interval.low),
            digits(interval.high),
            digits(ratio.p_adjusted.unwrap_or(ratio.p)),
        ),
    }
}

/// Three significant digits.
pub(super) fn digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let places = (2.0 - value.abs().log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{value:.places$}")
}

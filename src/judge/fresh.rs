//! How soon new mail is shown, arm beside arm. A client that asks less often costs the server less and shows staler mail, so costs
//! compare fairly only where both sides are about equally fresh.

use super::JudgedRow;
use crate::scenario::{Arm, Protocol};

/// The metric of freshness.
pub const METRIC: &str = "delivery_to_visible_p50";

/// Medians within this factor are taken for equally fresh.
pub const WITHIN: f64 = 1.25;

/// The costs that are compared at equal freshness, by metric.
pub const COSTS: [&str; 4] = [
    "cpu_per_user_hour",
    "memory_mean",
    "open_connections",
    "network_bytes",
];

/// A POP3 arm beside an IMAP arm: after how many seconds of simulated time each shows new mail, medians.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The POP3 arm.
    pub pop: Arm,
    /// The IMAP arm.
    pub imap: Arm,
    /// Median of the POP3 arm, seconds.
    pub pop_after: f64,
    /// Median of the IMAP arm, seconds.
    pub imap_after: f64,
}

impl Pair {
    /// Both show new mail about equally soon.
    pub fn is_equal(&self) -> bool {
        equal(self.pop_after, self.imap_after)
    }
}

/// Two medians that count as the same.
pub(super) fn equal(one: f64, other: f64) -> bool {
    one.max(other) <= one.min(other) * WITHIN
}

/// All pairs of which both sides were measured.
pub(super) fn pairs(rows: &[JudgedRow]) -> Vec<Pair> {
    let arms = rows.iter().flat_map(|row| &row.arms);
    let after: Vec<(Arm, f64)> = arms
        .filter_map(|arm| Some((arm.arm, arm.figure(METRIC)?.value?)))
        .collect();
    let of = |protocol| {
        let speaks = move |(arm, _): &&(Arm, f64)| arm.protocol() == protocol;
        after.iter().filter(speaks)
    };
    of(Protocol::Pop3)
        .flat_map(|(pop, pop_after)| {
            of(Protocol::Imap).map(|(imap, imap_after)| Pair {
                pop: *pop,
                imap: *imap,
                pop_after: *pop_after,
                imap_after: *imap_after,
            })
        })
        .collect()
}

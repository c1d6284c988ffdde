//! Users who move from POP to IMAP: what a mixture of both takes, by what a user of each takes alone. A model: the mixture
//! itself was not run.

use serde::Serialize;

use super::ArmCapacity;
use super::planner::GIB;
use crate::scenario::{Arm, Protocol};

/// Users move from a POP arm to an IMAP arm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mixture {
    /// From here.
    pub pop: Arm,
    /// To there.
    pub imap: Arm,
    /// From 0 to 100 % moved.
    pub points: Vec<Point>,
}

/// What 1,000 users of a mixture take in the busiest hour, and how many are carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Point {
    /// Of the users, who moved to IMAP, percent.
    pub moved_percent: u32,
    /// The largest population of this mixture, at the scenario's speed.
    pub capacity: Option<f64>,
    /// Processors per 1,000 users.
    pub cpus: Option<f64>,
    /// Memory per 1,000 users, bytes.
    pub memory_bytes: Option<f64>,
    /// Connections per 1,000 users.
    pub connections: Option<f64>,
    /// Mbit/s per 1,000 users.
    pub mbit_per_s: Option<f64>,
    /// Growth of 1,000 users' storage in a year, bytes.
    pub storage_bytes_per_year: Option<f64>,
}

/// What moving users from each POP arm to each IMAP arm costs, by what a user of each costs alone.
pub(super) fn mixtures(arms: &[ArmCapacity]) -> Vec<Mixture> {
    let of = |protocol| {
        arms.iter()
            .filter(move |arm| arm.arm.protocol() == protocol && arm.found.capacity.is_some())
    };
    of(Protocol::Pop3)
        .flat_map(|pop| of(Protocol::Imap).map(move |imap| (pop, imap)))
        .map(|(pop, imap)| Mixture {
            pop: pop.arm,
            imap: imap.arm,
            points: (0..=10).map(|tenth| point(pop, imap, tenth * 10)).collect(),
        })
        .collect()
}

fn point(pop: &ArmCapacity, imap: &ArmCapacity, moved_percent: u32) -> Point {
    let share = f64::from(moved_percent) / 100.0;
    let both = |of: &dyn Fn(&ArmCapacity) -> Option<f64>| match (of(pop), of(imap)) {
        (Some(pop), Some(imap)) => Some((1.0 - share) * pop + share * imap),
        _ => None,
    };
    let figure = |name: &'static str| {
        move |arm: &ArmCapacity| arm.figures.iter().find(|it| it.name == name)?.value
    };
    let confirmed = |arm: &ArmCapacity| {
        let users = arm.found.capacity.filter(|_| arm.found.confirmed)?;
        Some(1.0 / f64::from(users))
    };
    Point {
        moved_percent,
        capacity: both(&confirmed).map(|taken| 1.0 / taken),
        cpus: both(&|arm| Some(1_000.0 / figure("users_per_core")(arm)?)),
        memory_bytes: both(&|arm| Some(1_000.0 * GIB / figure("users_per_gib")(arm)?)),
        connections: both(&figure("connections_per_1000")),
        mbit_per_s: both(&figure("mbit_per_s_per_1000")),
        storage_bytes_per_year: both(&|arm| Some(1_000.0 * figure("storage_per_user_year")(arm)?)),
    }
}

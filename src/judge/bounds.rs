//! How near a run came to the bounds that validity is judged by: for each arm the value that was found beside its bound, so that a
//! reader sees what the generator added, and not only that it was little enough. `validity.csv` holds them.

use std::io::Write;

use serde::Serialize;

use super::{Judgement, Unit};
use crate::scenario::Arm;

/// Something that has a bound.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::Display, strum::EnumIter,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Limit {
    /// The generator's own lag, 99th percentile, of all planned operations.
    Lag,
    /// Seconds in which that lag was above its bound.
    LateSeconds,
    /// CPU of the generator per worker thread, in its busiest cell.
    GeneratorCpu,
    /// CPU of generator and server together per processor, in the fullest cell.
    MachineCpu,
    /// Descriptors that the generator had open at once.
    Descriptors,
    /// Sessions of the measured phase that failed.
    FailedSessions,
    /// Planned checks that were merged into a running one.
    MissedChecks,
    /// Devices that tried and never logged in.
    ShutOut,
    /// Devices that were planned to come online and never did.
    Absent,
}

impl Limit {
    /// Beyond the bound the run is invalid; of others a reader is warned.
    pub const fn is_grave(self) -> bool {
        !matches!(self, Self::LateSeconds | Self::MachineCpu)
    }

    /// The unit of value and bound.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Lag => Unit::Milliseconds,
            Self::Descriptors => Unit::Descriptors,
            _ => Unit::Percent,
        }
    }
}

/// What one arm showed of a limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Held {
    /// The arm.
    pub arm: Arm,
    /// What has the bound.
    pub limit: Limit,
    /// What was found, in the limit's unit.
    pub value: f64,
    /// How far it may go.
    pub bound: f64,
    /// Observations behind the value.
    pub n: u64,
}

impl Held {
    /// Not beyond the bound.
    pub fn is_within(&self) -> bool {
        self.value <= self.bound
    }
}

/// A line of `validity.csv`.
#[derive(Serialize)]
struct Line {
    arm: Arm,
    limit: Limit,
    value: f64,
    unit: String,
    bound: f64,
    n: u64,
    beyond: &'static str,
    within: bool,
}

/// Writes `validity.csv`: one line per arm and limit.
pub fn write(judgement: &Judgement, out: impl Write) -> Result<(), csv::Error> {
    let mut csv = csv::Writer::from_writer(out);
    for held in &judgement.held {
        csv.serialize(Line {
            arm: held.arm,
            limit: held.limit,
            value: super::comparison::rounded(held.value),
            unit: held.limit.unit().to_string(),
            bound: super::comparison::rounded(held.bound),
            n: held.n,
            beyond: if held.limit.is_grave() {
                "invalid"
            } else {
                "warning"
            },
            within: held.is_within(),
        })?;
    }
    csv.flush()?;
    Ok(())
}

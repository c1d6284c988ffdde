//! When a device has no network: a tunnel, a flight.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::distribution::Distribution;
use super::units::{DurationText, duration};

/// When a device has no network, in the users' time: `{ random = { per_day = 6, minutes = { constant = 10 } } }` or
/// `{ windows = [{ from = "10m", to = "25m" }] }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Outages {
    /// Now and then, with exponential gaps, drawn for each device.
    Random {
        /// How often in a simulated day.
        per_day: f64,
        /// How long, in simulated minutes.
        minutes: Distribution,
    },
    /// At these times, all devices of the kind together.
    Windows(Vec<OutageWindow>),
}

/// A span of time without a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutageWindow {
    /// Its begin, since the start of the ramp-up (simulated).
    #[serde(with = "duration")]
    #[schemars(with = "DurationText")]
    pub from: Duration,
    /// Its end (simulated).
    #[serde(with = "duration")]
    #[schemars(with = "DurationText")]
    pub to: Duration,
}

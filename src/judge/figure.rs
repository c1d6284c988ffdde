//! A figure: one metric of one arm, its value over the whole run, the same value block by block, and on how
//! many observations it rests. What each metric means is said once, in [`super::document`].

use serde::Serialize;

/// How a figure came about; reports never mix the three without saying so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Kind {
    /// Read off this server, this network, this run.
    Measured,
    /// Follows from what happened in the run's stores, or from the protocol, by a rule that is stated.
    Derived,
    /// An estimate by a published model.
    Modelled,
}

/// What a metric is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The verdict rests on it.
    Judged,
    /// In the table beside the judged ones, for the reader.
    Shown,
    /// In `comparison.csv` and the report's long table only.
    Detail,
}

/// The unit of a metric. The spelling is the `unit` column of `comparison.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::Display, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A TCP port number.
    #[strum(serialize = "port")]
    Port,
    /// 0 to 100.
    #[strum(serialize = "%")]
    Percent,
    /// Milliseconds of clock time.
    #[strum(serialize = "ms")]
    Milliseconds,
    /// Seconds of simulated time.
    #[strum(serialize = "s")]
    Seconds,
    /// Milliseconds of CPU for one session.
    #[strum(serialize = "ms/session")]
    MillisecondsPerSession,
    /// Milliseconds of CPU for one hour of one user's simulated time.
    #[strum(serialize = "ms/user-hour")]
    MillisecondsPerUserHour,
    /// Seconds in one hour of one user's simulated time.
    #[strum(serialize = "s/user-hour")]
    SecondsPerUserHour,
    /// How often in one hour of one user's simulated time.
    #[strum(serialize = "1/user-hour")]
    CountPerUserHour,
    /// Waits for the other side.
    #[strum(serialize = "round trips")]
    RoundTrips,
    /// Waits for the other side in one session.
    #[strum(serialize = "round trips/session")]
    RoundTripsPerSession,
    /// Waits for the other side in one hour of one user's simulated time.
    #[strum(serialize = "round trips/user-hour")]
    RoundTripsPerUserHour,
    /// Octets.
    #[strum(serialize = "bytes")]
    Bytes,
    /// Octets for one opening of a message.
    #[strum(serialize = "bytes/opening")]
    BytesPerOpening,
    /// Octets for one check for mail.
    #[strum(serialize = "bytes/check")]
    BytesPerCheck,
    /// Octets in one hour of one user's simulated time.
    #[strum(serialize = "bytes/user-hour")]
    BytesPerUserHour,
    /// Octets on one phone.
    #[strum(serialize = "bytes/phone")]
    BytesPerPhone,
    /// Wake-ups of one phone's radio in a day of its owner's simulated time.
    #[strum(serialize = "wake-ups/phone-day")]
    WakeUpsPerPhoneDay,
    /// Seconds in a day of one phone's simulated time.
    #[strum(serialize = "s/phone-day")]
    SecondsPerPhoneDay,
    /// Energy in a day of one phone's simulated time.
    #[strum(serialize = "J/phone-day")]
    JoulesPerPhoneDay,
    /// Octets in a day of one phone's simulated time.
    #[strum(serialize = "bytes/phone-day")]
    BytesPerPhoneDay,
    /// TCP segments in a day of one phone's simulated time.
    #[strum(serialize = "packets/phone-day")]
    PacketsPerPhoneDay,
    /// Octets in a day of one user's simulated time.
    #[strum(serialize = "bytes/user-day")]
    BytesPerUserDay,
    /// TCP segments in a day of one user's simulated time.
    #[strum(serialize = "packets/user-day")]
    PacketsPerUserDay,
    /// TCP connections.
    #[strum(serialize = "connections")]
    Connections,
    /// Open files and sockets of a process.
    #[strum(serialize = "descriptors")]
    Descriptors,
}

/// A metric of the document's table, as data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Metric {
    /// The `metric` column of `comparison.csv`.
    pub name: &'static str,
    /// A short label for people.
    pub english: &'static str,
    /// The same in Thai.
    pub thai: &'static str,
    /// The unit of its values.
    pub unit: Unit,
    /// How it comes about.
    pub kind: Kind,
    /// What it is there for.
    pub role: Role,
    /// How it is computed, one sentence.
    pub how: &'static str,
}

/// A value and the number of observations behind it; none: there was nothing to observe.
pub type Observed = Option<(f64, u64)>;

/// One metric of one arm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// What it is.
    #[serde(serialize_with = "metric_name")]
    pub metric: &'static Metric,
    /// Over all blocks; none: not measured.
    pub value: Option<f64>,
    /// The 95 % interval of the value, from how the blocks differ; empty with fewer than
    /// [`super::BLOCKS_FOR_INTERVALS`] of them.
    pub low: Option<f64>,
    /// See [`Figure::low`].
    pub high: Option<f64>,
    /// Observations behind the value.
    pub n: u64,
    /// Differences up to this, in the metric's unit, are below what the instrument can tell.
    pub resolution: f64,
    /// The same metric in each block that has it: (block, value).
    pub blocks: Vec<(u32, f64)>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference to the field"
)]
pub(super) fn metric_name<S: serde::Serializer>(
    metric: &&'static Metric,
    out: S,
) -> Result<S::Ok, S::Error> {
    out.serialize_str(metric.name)
}

/// The mean of what is there; none of nothing.
pub fn mean(values: impl IntoIterator<Item = f64>) -> Observed {
    let mut sum = 0.0;
    let mut n = 0_u64;
    for value in values {
        sum += value;
        n += 1;
    }
    (n > 0).then(|| (sum / n as f64, n))
}

/// The exact quantile (nearest rank) of what is there, `q` in 0..=1; none of nothing.
pub fn quantile(values: impl IntoIterator<Item = f64>, q: f64) -> Observed {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    if sorted.is_empty() {
        return None;
    }
    sorted.sort_by(f64::total_cmp);
    let rank = (q.clamp(0.0, 1.0) * sorted.len() as f64).ceil() as usize;
    let index = rank.saturating_sub(1).min(sorted.len() - 1);
    Some((sorted[index], sorted.len() as u64))
}

/// `part` of `whole` in percent; none when there is no whole.
pub fn percent(part: u64, whole: u64) -> Observed {
    (whole > 0).then(|| (100.0 * part as f64 / whole as f64, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_observed_gives_no_value_and_never_zero() {
        assert_eq!(mean([]), None);
        assert_eq!(quantile([], 0.5), None);
        assert_eq!(percent(0, 0), None);
    }

    #[test]
    fn quantiles_are_values_that_occurred() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(values, 0.5), Some((2.0, 4)));
        assert_eq!(quantile(values, 0.99), Some((4.0, 4)));
        assert_eq!(quantile(values, 0.0), Some((1.0, 4)));
    }
}

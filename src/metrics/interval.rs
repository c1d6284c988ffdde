use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::row::{Cell, OperationRow};
use super::{ErrorClass, Key, Sample, Traffic};

/// The longest time that a histogram holds: one day. Longer ones are recorded as this and counted as clipped.
pub const HIGHEST_US: u64 = 86_400_000_000;

/// A new histogram covers 1 µs to 2 ms; it grows with what it is given.
const SMALLEST: u64 = 2_047;
const DIGITS: u8 = 3;

/// What one worker, or after [`Interval::merge`] all of them, recorded in about one second.
#[derive(Clone, Debug, Default)]
pub struct Interval {
    figures: BTreeMap<Key, Box<Figures>>,
}

impl From<BTreeMap<Key, Box<Figures>>> for Interval {
    fn from(figures: BTreeMap<Key, Box<Figures>>) -> Self {
        Self { figures }
    }
}

impl Interval {
    /// Nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.figures.is_empty()
    }

    /// The figures of each key that was used, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &Figures)> {
        self.figures.iter().map(|(key, figures)| (*key, &**figures))
    }

    /// Adds what another worker, or another second, recorded: the same as recording everything in one place.
    pub fn merge(&mut self, other: &Self) {
        for (key, figures) in &other.figures {
            self.entry(*key).merge(figures);
        }
    }

    /// The figures of `key`, empty if there were none.
    pub fn entry(&mut self, key: Key) -> &mut Figures {
        self.figures.entry(key).or_default()
    }

    /// Rows of `intervals.csv` for the `second` (since the run's start) in which this was recorded.
    pub fn rows(&self, second: u32, cell: Cell) -> Vec<OperationRow> {
        self.iter()
            .map(|(key, figures)| figures.row(Some(second), cell, key))
            .collect()
    }

    /// Rows of `ops.csv`: the same without a second, for an interval that is a whole cell.
    pub fn total_rows(&self, cell: Cell) -> Vec<OperationRow> {
        self.iter()
            .map(|(key, figures)| figures.row(None, cell, key))
            .collect()
    }

    /// Lag over all operations of all keys: how late the generator was.
    pub fn lag(&self) -> Histogram<u64> {
        let mut all = empty();
        for figures in self.figures.values() {
            add(&mut all, &figures.lag);
        }
        all
    }
}

/// What is known of one key: histograms in µs, and sums.
///
/// `lag` holds every operation. `service` and `response` hold those that succeeded: a refusal is quick
/// and a lost connection stops the watch, so neither says how long the work takes; they are in the
/// error count. So `service().len()` = `count() − error_count()`. Of these, `first_byte` holds those whose replies
/// carry data ([`super::Operation::fetches`]).
#[derive(Clone, Debug)]
pub struct Figures {
    lag: Histogram<u64>,
    service: Histogram<u64>,
    response: Histogram<u64>,
    /// Made when it is first needed.
    first_byte: Option<Histogram<u64>>,
    count: u64,
    clipped: u64,
    round_trips: u64,
    traffic: Traffic,
    /// Empty, so without an allocation, as long as nothing fails.
    errors: BTreeMap<ErrorClass, u64>,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            lag: empty(),
            service: empty(),
            response: empty(),
            first_byte: None,
            count: 0,
            clipped: 0,
            round_trips: 0,
            traffic: Traffic::default(),
            errors: BTreeMap::new(),
        }
    }
}

impl Figures {
    /// Counts one finished operation.
    pub fn record(&mut self, sample: &Sample) {
        self.count += 1;
        self.round_trips += u64::from(sample.round_trips);
        self.traffic += sample.traffic;
        self.clipped += clip_into(&mut self.lag, sample.timing.lag());
        match sample.outcome {
            Ok(()) => {
                self.clipped += clip_into(&mut self.service, sample.timing.service());
                self.clipped += clip_into(&mut self.response, sample.timing.response());
                if sample.operation.fetches()
                    && let Some(time) = sample.timing.to_first_byte()
                {
                    let histogram = self.first_byte.get_or_insert_with(empty);
                    self.clipped += clip_into(histogram, time);
                }
            }
            Err(class) => *self.errors.entry(class).or_default() += 1,
        }
    }

    /// Adds another worker's or another second's figures of the same key.
    pub fn merge(&mut self, other: &Self) {
        add(&mut self.lag, &other.lag);
        add(&mut self.service, &other.service);
        add(&mut self.response, &other.response);
        if let Some(first_byte) = &other.first_byte {
            add(self.first_byte.get_or_insert_with(empty), first_byte);
        }
        self.count += other.count;
        self.clipped += other.clipped;
        self.round_trips += other.round_trips;
        self.traffic += other.traffic;
        for (class, count) in &other.errors {
            *self.errors.entry(*class).or_default() += count;
        }
    }

    /// `sent − due` of every operation, µs.
    pub fn lag(&self) -> &Histogram<u64> {
        &self.lag
    }

    /// `done − sent` of the operations that succeeded, µs.
    pub fn service(&self) -> &Histogram<u64> {
        &self.service
    }

    /// `done − due` of the operations that succeeded, µs.
    pub fn response(&self) -> &Histogram<u64> {
        &self.response
    }

    /// `first byte − sent` of the operations that succeeded, µs; none: they fetch nothing.
    pub fn first_byte(&self) -> Option<&Histogram<u64>> {
        self.first_byte.as_ref()
    }

    /// Operations, failed ones included.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Operations that failed.
    pub fn error_count(&self) -> u64 {
        self.errors.values().sum()
    }

    /// Failed operations by class, classes in their order.
    pub fn errors(&self) -> impl Iterator<Item = (ErrorClass, u64)> {
        self.errors.iter().map(|(class, count)| (*class, *count))
    }

    /// Times beyond [`HIGHEST_US`], recorded as that.
    pub fn clipped(&self) -> u64 {
        self.clipped
    }

    /// Bytes moved by all of them.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    fn row(&self, second: Option<u32>, cell: Cell, key: Key) -> OperationRow {
        let packets = self.traffic.packets;
        let mut row = OperationRow {
            second,
            block: cell.block,
            arm: cell.arm,
            phase: key.phase,
            device: key.device,
            operation: key.operation,
            count: self.count,
            errors: self.error_count(),
            lag_p50_us: 0,
            lag_p99_us: 0,
            lag_max_us: 0,
            service_mean_us: 0.0,
            service_p50_us: 0,
            service_p90_us: 0,
            service_p99_us: 0,
            service_max_us: 0,
            response_mean_us: 0.0,
            response_p50_us: 0,
            response_p90_us: 0,
            response_p99_us: 0,
            response_max_us: 0,
            rx_bytes: self.traffic.rx,
            tx_bytes: self.traffic.tx,
            wire_rx_bytes: self.traffic.wire_rx,
            wire_tx_bytes: self.traffic.wire_tx,
            round_trips: self.round_trips,
            first_byte_mean_us: None,
            first_byte_p50_us: None,
            first_byte_p99_us: None,
            packets_rx: packets.map(|it| it.rx),
            packets_tx: packets.map(|it| it.tx),
            retransmitted: packets.map(|it| it.retransmitted),
            header_rx_bytes: packets.map(|it| it.header_rx),
            header_tx_bytes: packets.map(|it| it.header_tx),
        };
        row.set_times(&self.lag, &self.service, &self.response);
        row.set_first_byte(self.first_byte.as_ref());
        row
    }
}

impl OperationRow {
    /// Fills the columns of times from the three histograms (µs).
    pub fn set_times(
        &mut self,
        lag: &Histogram<u64>,
        service: &Histogram<u64>,
        response: &Histogram<u64>,
    ) {
        self.lag_p50_us = lag.value_at_quantile(0.50);
        self.lag_p99_us = lag.value_at_quantile(0.99);
        self.lag_max_us = lag.max();
        self.service_mean_us = tenth(service.mean());
        self.service_p50_us = service.value_at_quantile(0.50);
        self.service_p90_us = service.value_at_quantile(0.90);
        self.service_p99_us = service.value_at_quantile(0.99);
        self.service_max_us = service.max();
        self.response_mean_us = tenth(response.mean());
        self.response_p50_us = response.value_at_quantile(0.50);
        self.response_p90_us = response.value_at_quantile(0.90);
        self.response_p99_us = response.value_at_quantile(0.99);
        self.response_max_us = response.max();
    }

    /// Fills the columns of the time to the first byte (µs).
    pub fn set_first_byte(&mut self, first_byte: Option<&Histogram<u64>>) {
        self.first_byte_mean_us = first_byte.map(|times| tenth(times.mean()));
        self.first_byte_p50_us = first_byte.map(|times| times.value_at_quantile(0.50));
        self.first_byte_p99_us = first_byte.map(|times| times.value_at_quantile(0.99));
    }

    /// Adds the columns that are sums; percentiles cannot be added, see [`Self::set_times`].
    pub fn add_sums(&mut self, other: &Self) {
        self.count += other.count;
        self.errors += other.errors;
        self.rx_bytes += other.rx_bytes;
        self.tx_bytes += other.tx_bytes;
        self.wire_rx_bytes += other.wire_rx_bytes;
        self.wire_tx_bytes += other.wire_tx_bytes;
        self.round_trips += other.round_trips;
        let sum = |a: &mut Option<u64>, b: Option<u64>| {
            if let Some(b) = b {
                *a.get_or_insert_default() += b;
            }
        };
        sum(&mut self.packets_rx, other.packets_rx);
        sum(&mut self.packets_tx, other.packets_tx);
        sum(&mut self.retransmitted, other.retransmitted);
        sum(&mut self.header_rx_bytes, other.header_rx_bytes);
        sum(&mut self.header_tx_bytes, other.header_tx_bytes);
    }
}

/// An empty histogram of µs with three significant digits that grows as needed.
fn empty() -> Histogram<u64> {
    #[expect(
        clippy::expect_used,
        reason = "fails only on bounds that are out of order or more than five digits; these are constants"
    )]
    let mut histogram =
        Histogram::new_with_bounds(1, SMALLEST, DIGITS).expect("constant bounds are in order");
    histogram.auto(true);
    histogram
}

/// Adds `from` to `into`, which grows as needed.
fn add(into: &mut Histogram<u64>, from: &Histogram<u64>) {
    let added = into.add(from);
    debug_assert!(added.is_ok(), "a growing histogram takes any other");
}

/// Records `time`, clipped to [`HIGHEST_US`]; returns how many values were clipped.
fn clip_into(histogram: &mut Histogram<u64>, time: Duration) -> u64 {
    // Not `as_micros`: this is done for each sample, and 128-bit arithmetic is slow.
    let micros = time
        .as_secs()
        .saturating_mul(1_000_000)
        .saturating_add(u64::from(time.subsec_micros()));
    let recorded = histogram.record(micros.min(HIGHEST_US));
    debug_assert!(recorded.is_ok(), "a growing histogram takes any value");
    u64::from(micros > HIGHEST_US)
}

/// Three digits of a histogram do not carry more than a tenth of a microsecond, so the CSVs don't either.
fn tenth(micros: f64) -> f64 {
    (micros * 10.0).round() / 10.0
}

//! The value of a figure in a run, in the base unit of its dimension; none where the run left nothing of it.

use hdrhistogram::Histogram;

use super::Material;
use super::name::{Aggregate, Figure, Operations, Over, Per, Side, Sum, What, dimension};
use crate::judge::Unit;
use crate::metrics::row::{Cell, GeneratorRow, OperationRow, ServerRow};
use crate::rundir::{self, Time};
use crate::scenario::{Arm, DeviceKind, Dimension, Phase};

impl Material<'_> {
    pub(super) fn value(&self, figure: &Figure) -> Result<Option<f64>, rundir::Error> {
        let arm = figure.arm;
        Ok(match &figure.what {
            What::Latency(operations, time, aggregate) => {
                self.latency(arm, *operations, *time, *aggregate)?
            }
            What::Sum(operations, sum, per) => self.sum(arm, *operations, *sum, *per),
            What::Server(column, over) => {
                let rows = self
                    .server
                    .iter()
                    .filter(|row| row.arm == arm && row.phase == Phase::Measure);
                let rows: Vec<_> = rows.collect();
                match *column {
                    "cpu" => cpus(&rows, |row| {
                        (row.block, row.at_us, row.cpu_user_us + row.cpu_system_us)
                    }),
                    column => over_rows(rows.iter().filter_map(|row| server(row, column)), *over),
                }
            }
            What::Generator(column, over) => {
                let rows = self
                    .generator
                    .iter()
                    .filter(|row| row.arm == arm && row.phase == Phase::Measure);
                let rows: Vec<_> = rows.collect();
                match *column {
                    "cpu" => cpus(&rows, |row| {
                        (row.block, row.at_us, row.cpu_user_us + row.cpu_system_us)
                    }),
                    column => over_rows(rows.iter().map(|row| generator(row, column)), *over),
                }
            }
            What::Metric(metric) => {
                let mut rows = self.judgement.rows.iter();
                let value = rows.find_map(|row| row.arm(arm)?.figure(metric.name)?.value);
                value.map(|value| match (dimension(metric.unit), metric.unit) {
                    (Dimension::Time, Unit::Seconds | Unit::SecondsPerUserHour) => value * 1e6,
                    (Dimension::Time, _) => value * 1e3,
                    _ => value,
                })
            }
        })
    }

    fn latency(
        &self,
        arm: Arm,
        operations: Operations,
        time: Time,
        aggregate: Aggregate,
    ) -> Result<Option<f64>, rundir::Error> {
        let histograms = self.run.latencies(|label| {
            label.cell.arm == arm
                && label.time == time
                && label.key.phase == Phase::Measure
                && label.key.operation == operations.operation
                && operations.of.takes(label.key.device)
        })?;
        let merged = histograms.into_values().reduce(|mut sum, histogram| {
            // Same bounds and digits on both sides, so nothing can be out of range.
            let _ = sum.add(&histogram);
            sum
        });
        let value = |histogram: Histogram<u64>| match aggregate {
            Aggregate::Mean => histogram.mean(),
            Aggregate::Quantile(q) => histogram.value_at_quantile(q) as f64,
        };
        Ok(merged.filter(|histogram| !histogram.is_empty()).map(value))
    }

    fn sum(&self, arm: Arm, operations: Operations, sum: Sum, per: Per) -> Option<f64> {
        let rows = || {
            self.operations.iter().filter(|row| {
                row.arm == arm
                    && row.phase == Phase::Measure
                    && row.operation == operations.operation
                    && operations.of.takes(row.device)
            })
        };
        let count: u64 = rows().map(|row| row.count).sum();
        if count == 0 {
            return None;
        }
        let total = rows().map(|row| part(row, sum)).sum::<u64>() as f64;
        match (per, sum) {
            (Per::Run, _) => Some(total),
            (Per::Operation, Sum::Errors) => Some(100.0 * total / count as f64),
            (Per::Operation, _) => Some(total / count as f64),
            (Per::Second, _) => {
                let windows = &self.judgement.setting.windows;
                let of_arm = windows
                    .iter()
                    .filter(|(Cell { arm: other, .. }, _)| *other == arm);
                let us: u64 = of_arm.map(|(_, (from, to))| to.saturating_sub(*from)).sum();
                (us > 0).then(|| total / (us as f64 / 1e6))
            }
        }
    }
}

impl Side {
    fn takes(self, device: Option<DeviceKind>) -> bool {
        match self {
            Self::AnyDevice => device.is_some(),
            Self::Device(kind) => device == Some(kind),
            Self::Delivery => device.is_none(),
        }
    }
}

const fn part(row: &OperationRow, sum: Sum) -> u64 {
    match sum {
        Sum::Count => row.count,
        Sum::Errors => row.errors,
        Sum::RxBytes => row.rx_bytes,
        Sum::TxBytes => row.tx_bytes,
        Sum::WireRxBytes => row.wire_rx_bytes,
        Sum::WireTxBytes => row.wire_tx_bytes,
        Sum::RoundTrips => row.round_trips,
    }
}

fn server(row: &ServerRow, column: &str) -> Option<f64> {
    Some(match column {
        "rss_bytes" => row.rss_bytes? as f64,
        "pss_bytes" => row.pss_bytes? as f64,
        "processes" => f64::from(row.processes?),
        "threads" => f64::from(row.threads?),
        "fds" => f64::from(row.fds?),
        "pop3_connections" => f64::from(row.pop3_connections),
        "imap_connections" => f64::from(row.imap_connections),
        "delivery_connections" => f64::from(row.delivery_connections),
        "storage_bytes" => row.storage_bytes? as f64,
        _ => row.storage_files? as f64,
    })
}

fn generator(row: &GeneratorRow, column: &str) -> f64 {
    match column {
        "rss_bytes" => row.rss_bytes as f64,
        "fds" => f64::from(row.fds),
        "threads" => f64::from(row.threads),
        "open_sessions" => f64::from(row.open_sessions),
        "lag_p99_us" => row.lag_p99_us as f64,
        "lag_max_us" => row.lag_max_us as f64,
        _ => row.errors as f64,
    }
}

fn over_rows(values: impl Iterator<Item = f64>, over: Over) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    match over {
        Over::Max => values.into_iter().max_by(f64::total_cmp),
        Over::Last => values.last().copied(),
        Over::Mean if values.is_empty() => None,
        Over::Mean => Some(values.iter().sum::<f64>() / values.len() as f64),
    }
}

/// CPU time between the first and the last sample of each block, over the time between them.
fn cpus<R>(rows: &[&R], of: impl Fn(&R) -> (u32, u64, u64)) -> Option<f64> {
    let (mut cpu, mut time) = (0, 0);
    for block in rows.chunk_by(|a, b| of(a).0 == of(b).0) {
        if let (Some(first), Some(last)) = (block.first(), block.last()) {
            time += of(last).1.saturating_sub(of(first).1);
            cpu += of(last).2.saturating_sub(of(first).2);
        }
    }
    (time > 0).then(|| cpu as f64 / time as f64)
}

//! What the workers of a cell note each second, put together: one histogram set per second and cell, one row about
//! ourselves, and the gauges.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::metrics::row::{Cell, GeneratorRow};
use crate::metrics::{Interval, Record, since_us};
use crate::probe::generator;
use crate::scenario::Phase;

use super::log::Gauges;
use super::worker::Second;

/// Collects the seconds of one cell.
#[derive(Debug)]
pub(super) struct Collector {
    cell: Cell,
    run_start: Instant,
    gauges: Vec<Gauges>,
    /// Seconds that not every worker has told of yet: how many have.
    pending: BTreeMap<u32, (usize, Interval)>,
}

impl Collector {
    pub(super) fn new(cell: Cell, run_start: Instant, workers: usize) -> Self {
        Self {
            cell,
            run_start,
            gauges: vec![Gauges::default(); workers],
            pending: BTreeMap::new(),
        }
    }

    /// Takes a worker's second. Returns what is ready for the run directory.
    pub(super) fn take(&mut self, second: Second, phase: Phase) -> Vec<Record> {
        let Second {
            worker,
            number,
            interval,
            mut records,
            gauges,
            early,
        } = second;
        if let Some(slot) = self.gauges.get_mut(worker) {
            *slot = gauges;
        }
        if early {
            return records;
        }
        let workers = self.gauges.len();
        let (told, merged) = self.pending.entry(number).or_default();
        *told += 1;
        merged.merge(&interval);
        if *told >= workers
            && let Some((_, interval)) = self.pending.remove(&number)
        {
            self.finish(number, interval, phase, &mut records);
        }
        records
    }

    /// What is still waiting for a worker that will not tell any more.
    pub(super) fn rest(&mut self, phase: Phase) -> Vec<Record> {
        let mut records = Vec::new();
        for (number, (_, interval)) in std::mem::take(&mut self.pending) {
            self.finish(number, interval, phase, &mut records);
        }
        records
    }

    fn finish(&self, second: u32, interval: Interval, phase: Phase, records: &mut Vec<Record>) {
        records.extend(self.generator_row(&interval, phase).map(Record::Generator));
        if !interval.is_empty() {
            records.push(Record::Interval(second, self.cell, interval));
        }
    }

    fn generator_row(&self, interval: &Interval, phase: Phase) -> Option<GeneratorRow> {
        let sample = generator().ok()?;
        let lag = interval.lag();
        let gauges = self.gauges();
        Some(GeneratorRow {
            at_us: since_us(self.run_start, Instant::now()),
            block: self.cell.block,
            arm: self.cell.arm,
            phase,
            cpu_user_us: sample.cpu_user_us,
            cpu_system_us: sample.cpu_system_us,
            rss_bytes: sample.rss_bytes,
            fds: sample.fds,
            threads: sample.threads,
            open_sessions: gauges.open_sessions,
            sessions: gauges.sessions,
            errors: gauges.errors,
            lag_p50_us: lag.value_at_quantile(0.5),
            lag_p99_us: lag.value_at_quantile(0.99),
            lag_max_us: lag.max(),
            coalesced: gauges.coalesced,
        })
    }

    /// Of all workers.
    pub(super) fn gauges(&self) -> Gauges {
        let mut sum = Gauges::default();
        for gauges in &self.gauges {
            sum += *gauges;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::Collector;
    use crate::engine::log::Gauges;
    use crate::engine::worker::Second;
    use crate::metrics::row::Cell;
    use crate::metrics::{Interval, Record};
    use crate::scenario::{Arm, Phase};

    fn second(worker: usize, number: u32, sessions: u64) -> Second {
        Second {
            worker,
            number,
            interval: Interval::default(),
            records: Vec::new(),
            gauges: Gauges {
                sessions,
                ..Gauges::default()
            },
            early: false,
        }
    }

    #[test]
    fn a_second_is_over_when_every_worker_has_told_of_it() {
        let cell = Cell {
            block: 1,
            arm: Arm::IMAP,
        };
        let mut collector = Collector::new(cell, Instant::now(), 2);
        assert!(collector.take(second(0, 7, 3), Phase::Measure).is_empty());
        let records = collector.take(second(1, 7, 4), Phase::Measure);
        assert!(matches!(&records[..], [Record::Generator(row)] if row.sessions == 7));
    }
}

//! The end of a cell: what lies where, the instance stopped, the sums.

use std::time::Instant;

use crate::engine::checks;
use crate::engine::comparison::Ended;
use crate::engine::log::{Count, Gauges};
use crate::metrics::row::StorageRow;
use crate::metrics::{Record, since_us};
use crate::probe::storage_size;
use crate::scenario::Phase;
use crate::target::{Instance, ServerCount};

use super::CellRun;

impl CellRun<'_> {
    /// Stops the instance and writes the sums.
    pub(super) async fn close(mut self, instance: Instance) -> Ended {
        let audited = self.phase == Phase::Audit && !matches!(self.ended, Ended::Failed(_));
        let mut records = Vec::new();
        if audited {
            records.extend(self.storage(&instance).into_iter().map(Record::Storage));
        }
        let stopped = instance.stop().await;
        let server: Option<ServerCount> = match stopped {
            Ok(count) => count,
            Err(error) => {
                if self.ended == Ended::Complete {
                    self.ended = Ended::Failed(error.to_string());
                }
                None
            }
        };
        if audited {
            let rows = checks::check(self.cell, &self.totals, server.as_ref());
            for row in rows.iter().filter(|row| !row.holds) {
                tracing::warn!(
                    "block {} {}: {}: expected {}, found {}",
                    row.block,
                    row.arm,
                    row.check,
                    row.expected,
                    row.found
                );
            }
            records.extend(rows.into_iter().map(Record::Check));
        }
        let at_us = since_us(self.comparison.run_start, Instant::now());
        records.push(Record::CellEnd(self.cell, at_us));
        self.hand_over(records);
        self.tally.errors_before += self.collector.gauges().errors;
        self.tally.gauges = Gauges::default();
        self.ended
    }

    fn storage(&self, instance: &Instance) -> Vec<StorageRow> {
        let disk = instance.storage.as_deref().map(storage_size);
        let row = |place: String, count: Count| StorageRow {
            block: self.cell.block,
            arm: self.cell.arm,
            place,
            messages: count.messages,
            mail_bytes: count.octets,
            files: None,
            disk_bytes: None,
        };
        let server = StorageRow {
            files: disk.map(|size| size.files),
            disk_bytes: disk.map(|size| size.disk_bytes),
            ..row("server".into(), self.totals.found)
        };
        let devices = self
            .held
            .iter()
            .map(|(kind, count)| row(kind.to_string(), *count));
        std::iter::once(server).chain(devices).collect()
    }
}

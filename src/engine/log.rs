//! What one worker notes down in the course of a cell: samples into its recorder, rows into a batch, a few gauges. One
//! per worker and never shared between threads, so nothing here is locked.

use std::cell::{Cell as Mutable, RefCell};
use std::collections::HashMap;

use crate::client::ClientError;
use crate::metrics::row::{Cell, ErrorRow};
use crate::metrics::{
    ErrorClass, Interval, Key, Observer, Operation, Record, Recorder, Sample, Traffic,
};
use crate::plan::UserId;
use crate::scenario::{DeviceKind, Phase, Protocol};

use super::clock::Clock;

/// Rows of errors.csv per class and second; more of the same would only fill the disk. All are counted.
const ERROR_ROWS: u32 = 20;

/// A worker's notes.
pub(super) struct Log {
    pub(super) cell: Cell,
    /// For phases that do not follow from due times.
    fixed_phase: Mutable<Option<Phase>>,
    clock: Mutable<Clock>,
    recorder: RefCell<Recorder>,
    records: RefCell<Vec<Record>>,
    error_rows: RefCell<HashMap<ErrorClass, u32>>,
    gauges: Mutable<Gauges>,
    totals: Mutable<Totals>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

/// Counts since the cell began, for progress and for generator.csv.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gauges {
    pub(super) open_sessions: u32,
    pub(super) sessions: u64,
    pub(super) errors: u64,
    pub(super) coalesced: u64,
    pub(super) logins: u64,
    pub(super) refused_logins: u64,
    pub(super) deliveries: u64,
    /// Sessions of devices that are over, and of these, those that ended with an error.
    pub(super) ended_sessions: u64,
    pub(super) failed_sessions: u64,
    /// Sessions that could not be had since the last one that could.
    pub(super) lost_in_a_row: u64,
}

impl std::ops::AddAssign for Gauges {
    fn add_assign(&mut self, other: Self) {
        self.open_sessions += other.open_sessions;
        self.sessions += other.sessions;
        self.errors += other.errors;
        self.coalesced += other.coalesced;
        self.logins += other.logins;
        self.refused_logins += other.refused_logins;
        self.deliveries += other.deliveries;
        self.ended_sessions += other.ended_sessions;
        self.failed_sessions += other.failed_sessions;
        self.lost_in_a_row += other.lost_in_a_row;
    }
}

/// Sums that must add up at the end of the cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) pop3: Traffic,
    pub(super) imap: Traffic,
    pub(super) delivery: Traffic,
    /// Connections that were cut, on purpose or not: bytes may have been under way.
    pub(super) cut: u64,
    pub(super) accepted: Count,
    pub(super) appended: Count,
    /// Those that the server has not answered.
    pub(super) unanswered_appends: u64,
    /// Taken off the server by devices.
    pub(super) removed: Count,
    /// Marked messages in the inboxes at the end.
    pub(super) found: Count,
    /// Those that the ledger does not expect there, and those it expects in vain.
    pub(super) unexpected: u64,
    pub(super) lost: u64,
    /// Deliveries and removals that were never answered: what was found in the mailbox says how they went.
    pub(super) settled: u64,
    pub(super) corrupt: u64,
    /// Mailboxes that could not be looked at.
    pub(super) unseen_mailboxes: u64,
}

/// Messages and their octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) messages: u64,
    pub(super) octets: u64,
}

impl Count {
    pub(super) fn add(&mut self, octets: u64) {
        self.messages += 1;
        self.octets += octets;
    }
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.messages += other.messages;
        self.octets += other.octets;
    }
}

impl std::ops::AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.pop3 += other.pop3;
        self.imap += other.imap;
        self.delivery += other.delivery;
        self.cut += other.cut;
        self.accepted += other.accepted;
        self.appended += other.appended;
        self.unanswered_appends += other.unanswered_appends;
        self.removed += other.removed;
        self.found += other.found;
        self.unexpected += other.unexpected;
        self.lost += other.lost;
        self.settled += other.settled;
        self.corrupt += other.corrupt;
        self.unseen_mailboxes += other.unseen_mailboxes;
    }
}

impl Log {
    pub(super) fn new(cell: Cell, clock: Clock) -> Self {
        Self {
            cell,
            fixed_phase: Mutable::new(Some(Phase::Prepare)),
            clock: Mutable::new(clock),
            recorder: RefCell::new(Recorder::new()),
            records: RefCell::default(),
            error_rows: RefCell::default(),
            gauges: Mutable::default(),
            totals: Mutable::default(),
        }
    }

    /// From now on phases follow from due times.
    pub(super) fn run(&self, clock: Clock) {
        self.clock.set(clock);
        self.fixed_phase.set(None);
    }

    /// From now on everything belongs to one phase.
    pub(super) fn fix_phase(&self, phase: Phase) {
        self.fixed_phase.set(Some(phase));
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock.get()
    }

    pub(super) fn phase(&self, due: std::time::Instant) -> Phase {
        self.fixed_phase
            .get()
            .unwrap_or_else(|| self.clock.get().phase(due))
    }

    pub(super) fn sample(&self, device: Option<DeviceKind>, sample: &Sample) {
        let key = Key {
            phase: self.phase(sample.timing.due),
            device,
            operation: sample.operation,
        };
        self.recorder.borrow_mut().record(key, sample);
    }

    pub(super) fn row(&self, record: Record) {
        self.records.borrow_mut().push(record);
    }

    pub(super) fn error(
        &self,
        who: Option<(UserId, Option<DeviceKind>)>,
        due: std::time::Instant,
        error: &ClientError,
    ) {
        self.fault(who, due, Some(error.operation), error.class, &error.detail);
    }

    pub(super) fn fault(
        &self,
        who: Option<(UserId, Option<DeviceKind>)>,
        due: std::time::Instant,
        operation: Option<Operation>,
        class: ErrorClass,
        detail: &str,
    ) {
        // An outage is the plan's, nobody's error.
        self.gauge(|gauges| gauges.errors += u64::from(class != ErrorClass::Offline));
        let mut rows = self.error_rows.borrow_mut();
        let rows = rows.entry(class).or_default();
        *rows += 1;
        if *rows > ERROR_ROWS {
            return;
        }
        self.row(Record::Error(ErrorRow {
            at_us: self.clock().us(std::time::Instant::now()),
            block: self.cell.block,
            arm: self.cell.arm,
            phase: self.phase(due),
            user: who.map(|(user, _)| user.0),
            device: who.and_then(|(_, device)| device),
            operation,
            class,
            detail: detail.to_owned(),
        }));
    }

    pub(super) fn gauge(&self, change: impl FnOnce(&mut Gauges)) {
        let mut gauges = self.gauges.get();
        change(&mut gauges);
        self.gauges.set(gauges);
    }

    pub(super) fn total(&self, change: impl FnOnce(&mut Totals)) {
        let mut totals = self.totals.get();
        change(&mut totals);
        self.totals.set(totals);
    }

    /// Bytes of a finished connection of a device.
    pub(super) fn traffic(&self, protocol: Protocol, traffic: Traffic) {
        self.total(|totals| match protocol {
            Protocol::Pop3 => totals.pop3 += traffic,
            Protocol::Imap => totals.imap += traffic,
        });
    }

    pub(super) fn gauges(&self) -> Gauges {
        self.gauges.get()
    }

    pub(super) fn totals(&self) -> Totals {
        self.totals.get()
    }

    /// Takes what was noted since the last call.
    pub(super) fn take(&self) -> (Interval, Vec<Record>) {
        self.error_rows.borrow_mut().clear();
        (
            self.recorder.borrow_mut().take_interval(),
            self.records.take(),
        )
    }

    /// Takes the rows alone: the second goes on.
    pub(super) fn take_rows(&self) -> Vec<Record> {
        self.records.take()
    }

    pub(super) fn rows_waiting(&self) -> usize {
        self.records.borrow().len()
    }
}

/// Tells a worker's log of the commands of one connection.
#[derive(Clone, Debug)]
pub(super) struct Tap {
    pub(super) log: std::rc::Rc<Log>,
    /// None: the delivery side, or the harness itself.
    pub(super) device: Option<DeviceKind>,
}

impl Observer for Tap {
    fn operation(&self, sample: &Sample) {
        self.log.sample(self.device, sample);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{ERROR_ROWS, Log};
    use crate::engine::clock::Clock;
    use crate::metrics::row::Cell;
    use crate::metrics::{ErrorClass, Record};
    use crate::scenario::{Arm, Phase};

    fn log() -> Log {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        Log::new(
            Cell {
                block: 1,
                arm: Arm::POP3,
            },
            Clock::of_phases(now, now, second, second, second),
        )
    }

    #[test]
    fn a_flood_of_errors_is_counted_whole_but_written_in_part() {
        let log = log();
        for _ in 0..1_000 {
            log.fault(None, Instant::now(), None, ErrorClass::Refused, "no");
        }
        let (_, rows) = log.take();
        assert_eq!(rows.len(), ERROR_ROWS as usize);
        assert_eq!(log.gauges().errors, 1_000);
        log.fault(None, Instant::now(), None, ErrorClass::Refused, "no");
        assert_eq!(log.take().1.len(), 1, "the next second has its own share");
    }

    #[test]
    fn until_the_plan_runs_everything_belongs_to_the_preparation() {
        let log = log();
        log.fault(None, Instant::now(), None, ErrorClass::Panic, "ours");
        assert!(matches!(&log.take().1[0], Record::Error(row) if row.phase == Phase::Prepare));
        log.run(log.clock());
        assert_eq!(log.phase(Instant::now()), Phase::RampUp);
    }
}

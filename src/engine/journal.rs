//! One connection of one device, from the moment it was due until it is closed: what becomes its row in sessions.csv.

use std::rc::Rc;
use std::time::Instant;

use crate::client::{ClientError, SessionFigures};
use crate::metrics::row::{Purpose, SessionRow};
use crate::metrics::{ErrorClass, Operation, Record, Sample, Timing};
use crate::scenario::Protocol;

use super::device::Owner;

/// A connection's story while it is told. Dropped untold, it ends as cancelled, with what was known of it last.
#[derive(Debug)]
pub(super) struct Journal {
    owner: Rc<Owner>,
    protocol: Protocol,
    purpose: Purpose,
    due: Instant,
    start: Instant,
    usable: Option<Instant>,
    known: SessionFigures,
    /// Messages fetched whole.
    pub(super) messages: u32,
    /// Entries of list views.
    pub(super) headers: u32,
    told: bool,
}

impl Journal {
    /// The device begins to connect.
    pub(super) fn begin(
        owner: &Rc<Owner>,
        protocol: Protocol,
        purpose: Purpose,
        due: Instant,
    ) -> Self {
        owner.log.gauge(|gauges| {
            gauges.open_sessions += 1;
            gauges.sessions += 1;
        });
        Self {
            owner: Rc::clone(owner),
            protocol,
            purpose,
            due,
            start: Instant::now(),
            usable: None,
            known: SessionFigures::default(),
            messages: 0,
            headers: 0,
            told: false,
        }
    }

    /// What the connection came to so far: told once it stands and before it is left, for its owner may be stopped while it waits
    /// for an answer.
    pub(super) const fn knows(&mut self, figures: SessionFigures) {
        self.known = figures;
    }

    /// The list of what is new can be shown. Only the first time counts.
    pub(super) fn usable(&mut self, figures: &SessionFigures) {
        self.knows(*figures);
        if self.usable.is_some() {
            return;
        }
        let now = Instant::now();
        self.usable = Some(now);
        self.sample(Operation::UsableInbox, now, figures, Ok(()));
    }

    /// The connection is closed.
    pub(super) fn end(mut self, figures: &SessionFigures, error: Option<&ClientError>) {
        if let Some(error) = error {
            self.owner.error(self.due, error);
        }
        let log = &self.owner.log;
        log.traffic(self.protocol, figures.traffic);
        let cut = error.is_some_and(|error| !error.is_refusal());
        log.total(|totals| totals.cut += u64::from(cut));
        log.gauge(|gauges| {
            let refused = error.is_some_and(|error| error.class == ErrorClass::Authentication);
            gauges.refused_logins += u64::from(refused);
        });
        self.tell(figures, error.map(|error| error.class));
    }

    /// The run ends before the connection does.
    pub(super) fn cut(mut self, figures: &SessionFigures) {
        self.cut_short(figures);
    }

    fn cut_short(&mut self, figures: &SessionFigures) {
        let log = &self.owner.log;
        log.traffic(self.protocol, figures.traffic);
        log.total(|totals| totals.cut += 1);
        self.tell(figures, Some(ErrorClass::Cancelled));
    }

    fn tell(&mut self, figures: &SessionFigures, error: Option<ErrorClass>) {
        self.told = true;
        let Owner {
            log, kind, user, ..
        } = &*self.owner;
        let own = |class| matches!(class, ErrorClass::Cancelled | ErrorClass::Offline);
        let failed = error.is_some_and(|class| !own(class));
        log.gauge(|gauges| {
            gauges.open_sessions = gauges.open_sessions.saturating_sub(1);
            gauges.ended_sessions += 1;
            gauges.failed_sessions += u64::from(failed);
        });
        let now = Instant::now();
        self.sample(Operation::Session, now, figures, error.map_or(Ok(()), Err));
        let clock = log.clock();
        let packets = figures.traffic.packets;
        let us = |duration: std::time::Duration| duration.as_micros() as u64;
        log.row(Record::Session(SessionRow {
            block: log.cell.block,
            arm: log.cell.arm,
            phase: log.phase(self.due),
            user: user.0,
            device: *kind,
            purpose: self.purpose,
            due_at_us: clock.us(self.due),
            start_at_us: clock.us(self.start),
            end_at_us: clock.us(now),
            connect_us: figures.connect.map(us),
            tls_us: figures.tls.map(us),
            greeting_us: figures.greeting.map(us),
            login_us: figures.login.map(us),
            usable_us: self.usable.map(|usable| us(usable - self.start)),
            rx_bytes: figures.traffic.rx,
            tx_bytes: figures.traffic.tx,
            wire_rx_bytes: figures.traffic.wire_rx,
            wire_tx_bytes: figures.traffic.wire_tx,
            round_trips: figures.round_trips,
            commands: figures.commands,
            messages: self.messages,
            headers: self.headers,
            error,
            local_port: figures.local_port,
            packets_rx: packets.map(|it| it.rx),
            packets_tx: packets.map(|it| it.tx),
            retransmitted: packets.map(|it| it.retransmitted),
            header_rx_bytes: packets.map(|it| it.header_rx),
            header_tx_bytes: packets.map(|it| it.header_tx),
        }));
    }

    fn sample(
        &self,
        operation: Operation,
        done: Instant,
        figures: &SessionFigures,
        outcome: Result<(), ErrorClass>,
    ) {
        let sample = Sample {
            operation,
            timing: Timing {
                due: self.due,
                sent: self.start,
                first_byte: None,
                done,
            },
            traffic: figures.traffic,
            round_trips: figures.round_trips,
            outcome,
        };
        self.owner.log.sample(Some(self.owner.kind), &sample);
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if !self.told {
            let known = self.known;
            self.cut_short(&known);
        }
    }
}

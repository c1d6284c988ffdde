//! The history of one user's mail, written down as it happens: what each connection did and what it was shown, one row of
//! observations.csv each. Where no history is wanted, nothing is made up and nothing is kept.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::time::Instant;

use crate::client::ClientError;
use crate::metrics::Record;
use crate::metrics::row::{Certainty, Event, ObservationRow};
use crate::plan::UserId;
use crate::scenario::DeviceKind;

use super::log::Log;

/// Where the rows of one user go.
pub(super) struct Chronicle {
    /// None: no history is written.
    log: Option<Rc<Log>>,
    user: UserId,
    sessions: Cell<u32>,
}

impl fmt::Debug for Chronicle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chronicle")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl Chronicle {
    pub(super) fn new(log: &Rc<Log>, user: UserId) -> Self {
        Self {
            log: Some(Rc::clone(log)),
            user,
            sessions: Cell::new(0),
        }
    }

    /// One that writes nothing.
    pub(super) fn silent(user: UserId) -> Self {
        Self {
            log: None,
            user,
            sessions: Cell::new(0),
        }
    }

    /// A connection has logged in, or not, since `sent`. `device`: none for the harness.
    pub(super) fn login(
        self: &Rc<Self>,
        device: Option<DeviceKind>,
        sent: Instant,
        error: Option<&ClientError>,
    ) -> Witness {
        let session = self.sessions.get() + 1;
        self.sessions.set(session);
        let witness = Witness {
            source: Source {
                chronicle: Rc::clone(self),
                device,
                session,
            },
            over: Cell::new(error.is_some()),
        };
        let deed = witness.source.begin_at(Event::Login, sent);
        deed.end(&error.map_or(Ok(()), |error| Err(error.clone())));
        witness
    }

    /// What happens without a connection of the user's own: deliveries, and what a person does on a device alone.
    pub(super) fn aside(self: &Rc<Self>, device: Option<DeviceKind>) -> Source {
        Source {
            chronicle: Rc::clone(self),
            device,
            session: 0,
        }
    }

    fn write(&self, row: ObservationRow) {
        if let Some(log) = &self.log {
            log.row(Record::Observation(row));
        }
    }
}

/// Who does and sees things.
#[derive(Clone, Debug)]
pub(super) struct Source {
    chronicle: Rc<Chronicle>,
    device: Option<DeviceKind>,
    session: u32,
}

impl Source {
    /// Something is begun now.
    pub(super) fn begin(&self, event: Event) -> Deed {
        self.begin_at(event, Instant::now())
    }

    fn begin_at(&self, event: Event, sent: Instant) -> Deed {
        let row = self.chronicle.log.as_ref().map(|log| {
            let row = ObservationRow::new(log.cell, self.chronicle.user.0, event);
            Box::new(ObservationRow {
                sent_at_us: log.clock().us(sent),
                device: self.device,
                session: self.session,
                ..row
            })
        });
        Deed {
            chronicle: Rc::clone(&self.chronicle),
            row,
        }
    }

    /// Something that is over: it was begun at `sent`, and ended well at `at`.
    pub(super) fn note(
        &self,
        event: Event,
        (sent, at): (Instant, Instant),
        fill: impl FnOnce(&mut ObservationRow),
    ) {
        let mut deed = self.begin_at(event, sent).with(fill);
        if let Some(row) = deed.row.take() {
            deed.write(*row, Certainty::Ok, at);
        }
    }
}

/// One connection that is logged in. If it is dropped without a farewell, it was cut.
#[derive(Debug)]
pub(super) struct Witness {
    source: Source,
    over: Cell<bool>,
}

impl Witness {
    /// QUIT or LOGOUT is about to be sent.
    pub(super) fn farewell(&self, event: Event) -> Deed {
        self.over.set(true);
        self.source.begin(event)
    }
}

impl std::ops::Deref for Witness {
    type Target = Source;

    fn deref(&self) -> &Source {
        &self.source
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        if !self.over.get() {
            let now = Instant::now();
            self.source.note(Event::Cut, (now, now), |_| {});
        }
    }
}

/// Something that was begun. Dropped before its outcome is known, it is unknown: whoever waited for it was cut.
#[derive(Debug)]
#[must_use = "its outcome must be told"]
pub(super) struct Deed {
    chronicle: Rc<Chronicle>,
    /// None: told already, or no history is written.
    row: Option<Box<ObservationRow>>,
}

impl Deed {
    /// What exactly.
    pub(super) fn with(mut self, fill: impl FnOnce(&mut ObservationRow)) -> Self {
        if let Some(row) = &mut self.row {
            fill(row);
        }
        self
    }

    /// How it ended: what is refused was not done; of what was lost on the way nobody knows.
    pub(super) fn end<T>(mut self, result: &Result<T, ClientError>) {
        let Some(mut row) = self.row.take() else {
            return;
        };
        let outcome = match result {
            Ok(_) => Certainty::Ok,
            Err(error) if error.is_refusal() => Certainty::Fail,
            Err(_) => Certainty::Unknown,
        };
        row.error = result.as_ref().err().map(|error| error.class);
        self.write(*row, outcome, Instant::now());
    }

    fn write(&self, row: ObservationRow, outcome: Certainty, at: Instant) {
        let Some(log) = &self.chronicle.log else {
            return;
        };
        self.chronicle.write(ObservationRow {
            outcome,
            at_us: log.clock().us(at),
            ..row
        });
    }
}

impl Drop for Deed {
    fn drop(&mut self) {
        if let Some(row) = self.row.take() {
            self.write(*row, Certainty::Unknown, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::time::{Duration, Instant};

    use super::Chronicle;
    use crate::client::ClientError;
    use crate::engine::clock::Clock;
    use crate::engine::log::Log;
    use crate::metrics::row::{Cell, Certainty, Event, ObservationRow};
    use crate::metrics::{ErrorClass, Operation, Record};
    use crate::plan::UserId;
    use crate::scenario::{Arm, DeviceKind};

    fn log() -> Rc<Log> {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let cell = Cell {
            block: 2,
            arm: Arm::IMAP,
        };
        Rc::new(Log::new(
            cell,
            Clock::of_phases(now, now, second, second, second),
        ))
    }

    fn rows(log: &Log) -> Vec<ObservationRow> {
        let rows = log.take().1.into_iter();
        rows.map(|record| match record {
            Record::Observation(row) => row,
            other => panic!("{other:?}"),
        })
        .collect()
    }

    #[test]
    fn what_was_refused_was_not_done_and_of_what_was_lost_nobody_knows() {
        let log = log();
        let chronicle = Rc::new(Chronicle::new(&log, UserId(7)));
        let witness = chronicle.login(Some(DeviceKind::Phone), Instant::now(), None);
        let error = |class| Err::<(), _>(ClientError::new(class, Operation::Store, "no"));
        witness.begin(Event::SetFlags).end(&Ok(()));
        witness
            .begin(Event::SetFlags)
            .end(&error(ErrorClass::CommandRefused));
        witness
            .begin(Event::SetFlags)
            .end(&error(ErrorClass::Timeout));
        drop(witness.begin(Event::SetFlags));
        drop(witness.farewell(Event::Logout));
        drop(witness);
        let told: Vec<_> = rows(&log)
            .iter()
            .map(|row| (row.event, row.outcome, row.session, row.user))
            .collect();
        let told_of = |event, outcome| (event, outcome, 1, 7);
        assert_eq!(
            told,
            [
                told_of(Event::Login, Certainty::Ok),
                told_of(Event::SetFlags, Certainty::Ok),
                told_of(Event::SetFlags, Certainty::Fail),
                told_of(Event::SetFlags, Certainty::Unknown),
                told_of(Event::SetFlags, Certainty::Unknown),
                told_of(Event::Logout, Certainty::Unknown),
            ]
        );
    }

    #[test]
    fn a_connection_that_ends_without_a_farewell_was_cut() {
        let log = log();
        let chronicle = Rc::new(Chronicle::new(&log, UserId(0)));
        drop(chronicle.login(None, Instant::now(), None));
        let refused = ClientError::new(ErrorClass::InUse, Operation::Login, "in use");
        drop(chronicle.login(None, Instant::now(), Some(&refused)));
        let told: Vec<_> = rows(&log)
            .iter()
            .map(|row| (row.event, row.outcome, row.session))
            .collect();
        assert_eq!(
            told,
            [
                (Event::Login, Certainty::Ok, 1),
                (Event::Cut, Certainty::Ok, 1),
                (Event::Login, Certainty::Fail, 2),
            ]
        );
    }

    #[test]
    fn a_silent_chronicle_writes_nothing() {
        let chronicle = Rc::new(Chronicle::silent(UserId(0)));
        let witness = chronicle.login(None, Instant::now(), None);
        witness
            .begin(Event::Append)
            .with(|_| panic!("nothing is filled in"))
            .end(&Ok(()));
    }
}

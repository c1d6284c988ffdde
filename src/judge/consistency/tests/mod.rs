//! Histories written by hand: for each kind of anomaly one that shows it and one that only looks like it.

mod deletions;
mod messages;
mod numbers;
mod pop;
mod random;
mod timing;
mod whereabouts;
mod writes;

use super::{Anomaly, AnomalyKind, Findings, LATE, Severity, examine};
use crate::metrics::row::{Cell, Certainty, Event, FlagBits, ObservationRow};
use crate::scenario::{Arm, DeviceKind};

use DeviceKind::{Notebook, Phone};

const HARNESS: Option<DeviceKind> = None;
const SEEN: FlagBits = FlagBits::SEEN;

/// A history as it is told: each thing takes 10 µs and comes 100 µs after the one before.
struct Tale {
    cell: Cell,
    now: u64,
    rows: Vec<ObservationRow>,
}

impl Tale {
    fn new(arm: Arm) -> Self {
        Self {
            cell: Cell { block: 1, arm },
            now: 0,
            rows: Vec::new(),
        }
    }

    fn imap() -> Self {
        Self::new(Arm::IMAP)
    }

    fn pop() -> Self {
        Self::new(Arm::POP3)
    }

    /// Adds a row and returns it for details.
    fn tell(
        &mut self,
        device: Option<DeviceKind>,
        session: u32,
        event: Event,
    ) -> &mut ObservationRow {
        self.now += 100;
        let mut row = ObservationRow::new(self.cell, 0, event);
        (row.sent_at_us, row.at_us) = (self.now, self.now + 10);
        (row.device, row.session) = (device, session);
        self.rows.push(row);
        self.rows.last_mut().unwrap()
    }

    fn deliver(&mut self, message: &str) -> &mut ObservationRow {
        let row = self.tell(None, 0, Event::Deliver);
        row.message = Some(message.into());
        row
    }

    /// Logs in and opens INBOX.
    fn open(&mut self, device: Option<DeviceKind>, session: u32) -> &mut ObservationRow {
        self.tell(device, session, Event::Login);
        let row = self.tell(device, session, Event::Select);
        row.uid_validity = Some(7);
        row
    }

    /// Reads the whole list, in which this is new, all without flags.
    fn look(&mut self, device: Option<DeviceKind>, session: u32, new: &[(u32, &str)]) {
        let flagged: Vec<_> = new
            .iter()
            .map(|&(uid, id)| (uid, id, FlagBits::NONE))
            .collect();
        self.look_at(device, session, &flagged);
    }

    fn look_at(&mut self, device: Option<DeviceKind>, session: u32, new: &[(u32, &str, FlagBits)]) {
        self.tell(device, session, Event::Listed).uid = Some(1);
        for &(uid, message, flags) in new {
            self.beside(device, session, Event::Shown, uid, message)
                .flags = Some(flags);
        }
    }

    /// The same, and this is no longer there.
    fn look_without(&mut self, device: Option<DeviceKind>, session: u32, gone: &[(u32, &str)]) {
        self.tell(device, session, Event::Listed).uid = Some(1);
        for &(uid, message) in gone {
            self.beside(device, session, Event::Gone, uid, message);
        }
    }

    /// A row with the instants of the row before it.
    fn beside(
        &mut self,
        device: Option<DeviceKind>,
        session: u32,
        event: Event,
        uid: u32,
        message: &str,
    ) -> &mut ObservationRow {
        self.now -= 100;
        let row = self.act(device, session, event, uid, message);
        (row.uid, row.message) = (Some(uid), Some(message.into()));
        row
    }

    fn act(
        &mut self,
        device: Option<DeviceKind>,
        session: u32,
        event: Event,
        uid: u32,
        message: &str,
    ) -> &mut ObservationRow {
        let row = self.tell(device, session, event);
        (row.uid, row.message) = (Some(uid), Some(message.into()));
        row
    }

    /// `+FLAGS (\Seen)`.
    fn read(&mut self, device: DeviceKind, session: u32, uid: u32, message: &str) {
        let device = Some(device);
        self.act(device, session, Event::SetFlags, uid, message)
            .flags = Some(SEEN);
        self.beside(device, session, Event::Shown, uid, message)
            .flags = Some(SEEN);
    }

    /// POP3: logs in and lists.
    fn pop_open(&mut self, device: DeviceKind, session: u32) {
        self.tell(Some(device), session, Event::Login);
        self.tell(Some(device), session, Event::Listed);
    }

    /// POP3: downloads, keeps.
    fn retrieve(&mut self, device: DeviceKind, session: u32, uidl: &str, message: &str) {
        for event in [Event::Retrieve, Event::Keep] {
            let row = self.tell(Some(device), session, event);
            (row.uidl, row.message) = (Some(uidl.into()), Some(message.into()));
        }
    }

    fn dele(&mut self, device: DeviceKind, session: u32, uidl: &str, message: &str) {
        let row = self.tell(Some(device), session, Event::Dele);
        (row.uidl, row.message) = (Some(uidl.into()), Some(message.into()));
    }

    fn quit(&mut self, device: DeviceKind, session: u32) -> &mut ObservationRow {
        self.tell(Some(device), session, Event::Quit)
    }

    fn cut(&mut self, device: DeviceKind, session: u32) {
        self.tell(Some(device), session, Event::Cut);
    }

    fn wait(&mut self, us: u64) {
        self.now += us;
    }

    fn findings(&self) -> Findings {
        examine(&self.rows, LATE)
    }

    fn found(&self) -> Vec<Anomaly> {
        self.findings().anomalies
    }

    fn kinds(&self) -> Vec<AnomalyKind> {
        self.found().iter().map(|it| it.kind).collect()
    }

    /// The only anomaly.
    fn only(&self) -> Anomaly {
        let mut found = self.found();
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    }

    fn assert_clean(&self) {
        assert_eq!(self.found(), []);
    }
}

/// What was found, of which kind, how grave, and by whom it was seen.
#[track_caller]
fn assert_is(anomaly: &Anomaly, kind: AnomalyKind, severity: Severity, device: Option<DeviceKind>) {
    assert_eq!(
        (anomaly.kind, anomaly.severity, anomaly.device),
        (kind, severity, device),
        "{anomaly:#?}"
    );
}

#[test]
fn a_day_without_trouble_shows_nothing() {
    let mut tale = Tale::imap();
    tale.deliver("a");
    tale.open(Some(Phone), 1);
    tale.look(Some(Phone), 1, &[(1, "a")]);
    tale.open(Some(Notebook), 2);
    tale.look(Some(Notebook), 2, &[(1, "a")]);
    tale.read(Phone, 1, 1, "a");
    tale.look_at(Some(Notebook), 2, &[(1, "a", SEEN)]);
    tale.deliver("b");
    tale.look(Some(Phone), 1, &[(2, "b")]);
    tale.act(Some(Phone), 1, Event::Expunge, 1, "a");
    tale.beside(Some(Phone), 1, Event::Gone, 1, "a");
    tale.look_without(Some(Notebook), 2, &[(1, "a")]);
    tale.open(HARNESS, 3);
    tale.look(HARNESS, 3, &[(2, "b")]);
    tale.assert_clean();
    assert_eq!(tale.findings().observations, tale.rows.len() as u64);
}

#[test]
fn two_people_and_two_cells_are_never_mixed_up() {
    let mut tale = Tale::imap();
    tale.deliver("a");
    tale.open(HARNESS, 1);
    tale.look(HARNESS, 1, &[(1, "a")]);
    let first = tale.rows.clone();
    for (row, user) in tale.rows.iter_mut().zip(std::iter::repeat(1)) {
        row.user = user;
        row.message = row.message.as_ref().map(|_| "b".into());
    }
    tale.rows.extend(first);
    let mut other = tale.rows.clone();
    for row in &mut other {
        row.block = 2;
        row.message = row.message.as_ref().map(|_| "c".into());
    }
    tale.rows.extend(other);
    tale.assert_clean();
}

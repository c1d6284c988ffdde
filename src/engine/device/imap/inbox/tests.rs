use std::rc::Rc;
use std::time::Duration;

use super::*;
use crate::client::FlagUpdate;
use crate::engine::clock::Clock;
use crate::engine::ledger::RunId;
use crate::engine::log::Log;
use crate::engine::witness::Chronicle;
use crate::metrics::Record;
use crate::metrics::row::Cell;
use crate::plan::{UserId, UserPlan};
use crate::scenario::{Arm, DeviceKind};

/// A device's INBOX, and what it wrote.
struct Device {
    log: Rc<Log>,
    source: Source,
    ledger: RefCell<Ledger>,
    inbox: Inbox,
}

impl Device {
    fn new() -> Self {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let cell = Cell {
            block: 1,
            arm: Arm::IMAP,
        };
        let clock = Clock::of_phases(now, now, second, second, second);
        let log = Rc::new(Log::new(cell, clock));
        let plan = UserPlan {
            user: UserId(0),
            class: None,
            folders: 0,
            devices: Vec::new(),
            mail: Vec::new(),
            events: Vec::new(),
            outages: Vec::new(),
        };
        let chronicle = Rc::new(Chronicle::new(&log, plan.user));
        Self {
            source: chronicle.aside(Some(DeviceKind::Phone)),
            ledger: RefCell::new(Ledger::new(RunId::random(), &plan)),
            inbox: Inbox::default(),
            log,
        }
    }

    fn tell(&mut self, what: impl FnOnce(&mut Inbox, &Scribe<'_>)) -> Vec<(Event, Option<u32>)> {
        let now = Instant::now();
        let scribe = Scribe {
            ledger: &self.ledger,
            source: &self.source,
            span: (now, now),
        };
        what(&mut self.inbox, &scribe);
        let rows = self.log.take().1.into_iter();
        rows.map(|record| match record {
            Record::Observation(row) => (row.event, row.uid),
            other => panic!("{other:?}"),
        })
        .collect()
    }
}

/// UIDs 10, 20, 30 …, the last one somebody else's.
fn list(uids: &[u32]) -> Vec<Listed> {
    let entry = |&uid: &u32| Listed {
        uid,
        seq: (uid < 90).then_some(uid / 10),
        flags: FlagBits::NONE,
        mod_seq: None,
    };
    uids.iter().map(entry).collect()
}

fn told(news: Vec<News>) -> Changes {
    Changes {
        news,
        ..Changes::default()
    }
}

#[test]
fn only_what_is_new_gets_a_row() {
    let mut device = Device::new();
    let rows = device.tell(|inbox, scribe| inbox.listed(scribe, (1, None), &list(&[10, 20, 90])));
    assert_eq!(
        rows,
        [
            (Event::Listed, Some(1)),
            (Event::Shown, Some(10)),
            (Event::Shown, Some(20)),
        ]
    );
    let rows = device.tell(|inbox, scribe| inbox.listed(scribe, (1, None), &list(&[20, 90])));
    assert_eq!(rows, [(Event::Listed, Some(1)), (Event::Gone, Some(10))]);
    let rows = device.tell(|inbox, scribe| inbox.listed(scribe, (91, None), &list(&[])));
    assert_eq!(rows, [(Event::Listed, Some(91))], "20 is not in that range");
}

#[test]
fn sequence_numbers_are_traced_to_messages_in_the_order_in_which_they_were_told() {
    let mut device = Device::new();
    device.tell(|inbox, scribe| inbox.listed(scribe, (1, None), &list(&[10, 20, 30, 90])));
    let seen = |sequence, uid| {
        News::Flags(FlagUpdate {
            sequence,
            uid,
            flags: FlagSet::default(),
            mod_seq: Some(7),
        })
    };
    // The first goes, so that the second, 20, is the first; it goes too, and the first is 30.
    let changes = told(vec![News::Expunged(1), News::Expunged(1), seen(1, None)]);
    let rows = device.tell(|inbox, scribe| inbox.take_in(scribe, &changes));
    assert_eq!(rows, [(Event::Gone, Some(10)), (Event::Gone, Some(20))]);
    device.tell(|inbox, scribe| inbox.listed(scribe, (91, None), &list(&[100])));
    let changes = told(vec![
        News::Expunged(9),
        News::Expunged(0),
        News::Expunged(1),
    ]);
    let rows = device.tell(|inbox, scribe| inbox.take_in(scribe, &changes));
    assert_eq!(rows, [(Event::Gone, Some(30))]);
}

#[test]
fn a_list_of_older_messages_leaves_no_gap_to_count_over() {
    let mut device = Device::new();
    device.tell(|inbox, scribe| inbox.listed(scribe, (30, None), &list(&[30, 40])));
    device.tell(|inbox, scribe| inbox.listed(scribe, (1, Some(29)), &list(&[10, 20])));
    device.tell(|inbox, scribe| inbox.listed(scribe, (41, None), &list(&[50])));
    let changes = told(vec![News::Expunged(3)]);
    let rows = device.tell(|inbox, scribe| inbox.take_in(scribe, &changes));
    assert_eq!(
        rows,
        [],
        "the third is 30, which no complete list has shown"
    );
}

#[test]
fn what_cannot_be_traced_is_not_guessed() {
    let mut device = Device::new();
    device.tell(|inbox, scribe| inbox.listed(scribe, (20, None), &list(&[20, 30])));
    let changes = told(vec![News::Expunged(1)]);
    let rows = device.tell(|inbox, scribe| inbox.take_in(scribe, &changes));
    assert_eq!(rows, [], "the list did not begin at UID 1");
    let changes = told(vec![News::Vanished(vec![30, 40])]);
    let rows = device.tell(|inbox, scribe| inbox.take_in(scribe, &changes));
    assert_eq!(rows, [(Event::Gone, Some(30))]);
}

#[test]
fn what_happened_meanwhile_is_told_once_and_numbers_move_up() {
    let mut device = Device::new();
    device.tell(|inbox, scribe| inbox.listed(scribe, (1, None), &list(&[10, 20, 30])));
    let mut seen = list(&[30, 40])[..].to_vec();
    seen[0].flags = FlagBits::SEEN;
    // 40 is new to the device: it has not been listed yet, so that nobody knows what it is.
    seen[1].seq = None;
    let rows = device.tell(|inbox, scribe| inbox.differs(scribe, &seen, |uid| uid == 10));
    assert_eq!(rows, [(Event::Gone, Some(10)), (Event::Shown, Some(30))]);
    let rows = device.tell(|inbox, scribe| inbox.differs(scribe, &seen, |_| false));
    assert_eq!(rows, []);
    let changes = told(vec![News::Expunged(1)]);
    let rows = device.tell(|inbox, scribe| inbox.take_in(scribe, &changes));
    assert_eq!(rows, [(Event::Gone, Some(20))]);
}

use std::time::Duration;

use super::*;
use crate::judge::consistency::{Change, Propagation};

fn way(tale: &Tale, change: Change) -> Propagation {
    let ways = tale.findings().propagation;
    let mut found = ways.iter().filter(|way| way.change == change);
    let way = *found.next().unwrap();
    assert!(found.next().is_none(), "{ways:#?}");
    way
}

#[test]
fn until_a_device_asks_it_is_the_clients_share() {
    let mut tale = Tale::imap();
    tale.open(Some(Phone), 1);
    tale.look(Some(Phone), 1, &[]);
    tale.deliver("a");
    tale.wait(1_000_000);
    tale.look(Some(Phone), 1, &[(1, "a")]);
    let way = way(&tale, Change::Delivery);
    assert_eq!(
        (way.from, way.to, way.learned, way.never),
        (None, Phone, 1, 0)
    );
    assert_eq!(way.total.p50_us, 1_000_100);
    assert_eq!(way.server.p50_us, 10, "the look itself");
}

#[test]
fn from_the_first_look_that_could_have_shown_it_on_it_is_the_servers() {
    let mut tale = Tale::imap();
    tale.open(Some(Phone), 1);
    tale.deliver("a");
    tale.wait(1_000);
    tale.tell(Some(Phone), 1, Event::Asked);
    tale.wait(5_000);
    tale.look(Some(Phone), 1, &[(1, "a")]);
    let way = way(&tale, Change::Delivery);
    assert_eq!((way.total.p50_us, way.server.p50_us), (6_200, 5_110));
}

/// A message comes while the phone idles; it learns of it `after` µs later.
fn told_after(after: u64) -> Tale {
    let mut tale = Tale::imap();
    tale.open(Some(Phone), 1);
    tale.look(Some(Phone), 1, &[]);
    tale.deliver("a");
    let sent = tale.now - 50;
    tale.wait(after);
    let row = tale.tell(Some(Phone), 1, Event::Watched);
    row.sent_at_us = sent;
    tale.look(Some(Phone), 1, &[(1, "a")]);
    tale
}

#[test]
fn who_listens_and_is_told_late_is_told_so() {
    told_after(1_000_000).assert_clean();
    let tale = told_after(6_000_000);
    let anomaly = tale.only();
    assert_is(
        &anomaly,
        AnomalyKind::LateNotice,
        Severity::Allowed,
        Some(Phone),
    );
    assert_eq!(anomaly.message.as_deref(), Some("a"));
    assert!(way(&tale, Change::Delivery).server.p50_us > 6_000_000);
    // The bound is the caller's.
    assert!(
        examine(&tale.rows, Duration::from_secs(7))
            .anomalies
            .is_empty()
    );
    // Had it not listened, it would have been its own choice not to ask.
    let mut silent = told_after(6_000_000);
    silent.rows.retain(|row| row.event != Event::Watched);
    silent.assert_clean();
}

#[test]
fn flags_and_deletions_propagate_to_those_who_show_the_message() {
    let mut tale = Tale::imap();
    tale.deliver("a");
    tale.open(Some(Phone), 1);
    tale.look(Some(Phone), 1, &[(1, "a")]);
    tale.open(Some(Notebook), 2);
    tale.look(Some(Notebook), 2, &[(1, "a")]);
    tale.read(Phone, 1, 1, "a");
    tale.look_at(Some(Notebook), 2, &[(1, "a", SEEN)]);
    tale.act(Some(Notebook), 2, Event::Expunge, 1, "a");
    tale.beside(Some(Notebook), 2, Event::Gone, 1, "a");
    let read = way(&tale, Change::Read);
    assert_eq!(
        (read.from, read.to, read.learned),
        (Some(Phone), Notebook, 1)
    );
    let delete = way(&tale, Change::Delete);
    assert_eq!((delete.from, delete.to), (Some(Notebook), Phone));
    assert_eq!((delete.learned, delete.never), (0, 1));
}

#[test]
fn under_pop_nobody_learns_what_was_read_elsewhere() {
    let mut tale = Tale::pop();
    tale.deliver("a");
    for (device, session) in [(Phone, 1), (Notebook, 2)] {
        tale.pop_open(device, session);
        tale.retrieve(device, session, "u1", "a");
        tale.quit(device, session);
    }
    let changes: Vec<Change> = tale
        .findings()
        .propagation
        .iter()
        .map(|it| it.change)
        .collect();
    assert_eq!(changes, [Change::Delivery, Change::Delivery]);
}

use super::*;

#[test]
fn a_uid_that_stands_for_two_messages_is_reused() {
    let mut tale = Tale::imap();
    tale.deliver("a");
    tale.open(Some(Phone), 1);
    tale.look(Some(Phone), 1, &[(1, "a")]);
    tale.act(Some(Phone), 1, Event::Expunge, 1, "a");
    tale.beside(Some(Phone), 1, Event::Gone, 1, "a");
    tale.deliver("b");
    tale.open(Some(Notebook), 2);
    tale.look(Some(Notebook), 2, &[(1, "b")]);
    let anomaly = tale.only();
    assert_is(
        &anomaly,
        AnomalyKind::UidReused,
        Severity::Violation,
        Some(Notebook),
    );
    assert_eq!(anomaly.message.as_deref(), Some("b"));
    assert_eq!(anomaly.number.as_deref(), Some("1"));
    assert_eq!(anomaly.other, Some(Phone));
    assert!(anomaly.detail.contains("message a"), "{}", anomaly.detail);

    // Under another UIDVALIDITY it is another UID; that the old ones are void is allowed, and told.
    tale.rows
        .iter_mut()
        .filter(|row| row.session == 2)
        .for_each(|row| {
            row.uid_validity = row.uid_validity.map(|_| 8);
        });
    let anomaly = tale.only();
    assert_is(
        &anomaly,
        AnomalyKind::UidValidityChanged,
        Severity::Allowed,
        Some(Notebook),
    );
}

#[test]
fn uidvalidity_may_grow_but_not_shrink() {
    let mut tale = Tale::imap();
    tale.open(Some(Phone), 1);
    tale.open(Some(Phone), 2).uid_validity = Some(6);
    assert_is(
        &tale.only(),
        AnomalyKind::UidValidityFell,
        Severity::Violation,
        Some(Phone),
    );
}

#[test]
fn uidnext_never_falls() {
    let mut tale = Tale::imap();
    tale.open(Some(Phone), 1).uid_next = Some(5);
    tale.open(Some(Notebook), 2).uid_next = Some(4);
    assert_is(
        &tale.only(),
        AnomalyKind::UidNextFell,
        Severity::Violation,
        Some(Notebook),
    );
    // Two who ask at the same time may be answered in either order.
    let last = tale.rows.last_mut().unwrap();
    last.sent_at_us = 0;
    tale.assert_clean();
}

#[test]
fn a_later_message_has_a_uid_from_uidnext_on() {
    let tale = |uid| {
        let mut tale = Tale::imap();
        tale.open(Some(Phone), 1).uid_next = Some(5);
        tale.deliver("a");
        tale.look(Some(Phone), 1, &[(uid, "a")]);
        tale
    };
    tale(5).assert_clean();
    assert_is(
        &tale(4).only(),
        AnomalyKind::UidNotAscending,
        Severity::Violation,
        Some(Phone),
    );
    // It was on its way already when UIDNEXT was told.
    let mut concurrent = tale(4);
    let delivery = concurrent
        .rows
        .iter_mut()
        .find(|row| row.event == Event::Deliver);
    delivery.unwrap().sent_at_us = 0;
    concurrent.assert_clean();
}

#[test]
fn modification_sequences_never_fall() {
    let mut tale = Tale::imap();
    tale.open(Some(Phone), 1).mod_seq = Some(50);
    tale.open(Some(Notebook), 2).mod_seq = Some(49);
    assert_is(
        &tale.only(),
        AnomalyKind::ModSeqFell,
        Severity::Violation,
        Some(Notebook),
    );

    let mut tale = Tale::imap();
    tale.deliver("a");
    tale.open(Some(Phone), 1);
    for mod_seq in [9, 9, 12] {
        tale.act(Some(Phone), 1, Event::Shown, 1, "a").mod_seq = Some(mod_seq);
    }
    tale.assert_clean();
    tale.act(Some(Phone), 1, Event::Shown, 1, "a").mod_seq = Some(11);
    let anomaly = tale.only();
    assert_is(
        &anomaly,
        AnomalyKind::ModSeqFell,
        Severity::Violation,
        Some(Phone),
    );
    assert!(anomaly.detail.contains("12"), "{}", anomaly.detail);
}

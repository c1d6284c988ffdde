use super::*;

/// The phone has deleted the only message in session 1; the notebook has the mailbox open as session 2.
fn deleted_by_phone() -> Tale {
    let mut tale = Tale::imap();
    tale.deliver("a");
    for (device, session) in [(Phone, 1), (Notebook, 2)] {
        tale.open(Some(device), session);
        tale.look(Some(device), session, &[(1, "a")]);
    }
    tale.act(Some(Phone), 1, Event::Expunge, 1, "a");
    tale.beside(Some(Phone), 1, Event::Gone, 1, "a");
    tale
}

#[test]
fn a_deleted_message_that_is_there_at_the_end_was_resurrected() {
    for uid in [1, 2] {
        let mut tale = deleted_by_phone();
        tale.open(HARNESS, 3);
        tale.look(HARNESS, 3, &[(uid, "a")]);
        let anomaly = tale.only();
        assert_is(
            &anomaly,
            AnomalyKind::Resurrected,
            Severity::Violation,
            HARNESS,
        );
        assert_eq!(
            (anomaly.other, anomaly.number.as_deref()),
            (Some(Phone), Some("1"))
        );
    }
}

#[test]
fn a_deletion_whose_answer_was_lost_may_have_failed() {
    let mut tale = deleted_by_phone();
    let expunge = tale.rows.iter_mut().find(|row| row.event == Event::Expunge);
    expunge.unwrap().outcome = Certainty::Unknown;
    tale.open(HARNESS, 3);
    tale.look(HARNESS, 3, &[(1, "a")]);
    tale.assert_clean();
    // Nor is it missing if it worked.
    let mut tale = deleted_by_phone();
    let expunge = tale.rows.iter_mut().find(|row| row.event == Event::Expunge);
    expunge.unwrap().outcome = Certainty::Unknown;
    tale.open(HARNESS, 3);
    tale.look(HARNESS, 3, &[]);
    tale.assert_clean();
}

#[test]
fn what_is_put_back_is_no_resurrection() {
    let mut tale = deleted_by_phone();
    tale.act(Some(Notebook), 2, Event::Append, 2, "a");
    tale.open(HARNESS, 3);
    tale.look(HARNESS, 3, &[(2, "a")]);
    tale.assert_clean();
}

#[test]
fn a_session_that_was_open_may_still_be_told_of_it() {
    let mut tale = deleted_by_phone();
    tale.look(Some(Notebook), 2, &[]);
    tale.look_without(Some(Notebook), 2, &[(1, "a")]);
    let anomaly = tale.only();
    assert_is(
        &anomaly,
        AnomalyKind::Ghost,
        Severity::Allowed,
        Some(Notebook),
    );
    assert!(anomaly.kind.rule().contains("2180"));
}

#[test]
fn a_new_session_that_is_told_of_it_and_then_not_was_shown_the_past() {
    let mut tale = deleted_by_phone();
    tale.open(Some(Notebook), 3);
    tale.look(Some(Notebook), 3, &[]);
    tale.look_without(Some(Notebook), 3, &[(1, "a")]);
    assert_is(
        &tale.only(),
        AnomalyKind::StaleRead,
        Severity::Allowed,
        Some(Notebook),
    );

    let mut tale = deleted_by_phone();
    tale.open(Some(Phone), 3);
    tale.look(Some(Phone), 3, &[(1, "a")]);
    tale.look_without(Some(Phone), 3, &[(1, "a")]);
    assert_is(
        &tale.only(),
        AnomalyKind::ReadYourWrites,
        Severity::Violation,
        Some(Phone),
    );
}

#[test]
fn a_message_that_nobody_removed_and_that_is_not_there_is_missing() {
    let mut tale = Tale::imap();
    tale.deliver("a");
    tale.deliver("b");
    tale.open(HARNESS, 1);
    tale.look(HARNESS, 1, &[(2, "b")]);
    let anomaly = tale.only();
    assert_is(&anomaly, AnomalyKind::Missing, Severity::Violation, HARNESS);
    assert_eq!(anomaly.message.as_deref(), Some("a"));
    // What was refused, or may not have been taken, need not be there.
    for outcome in [Certainty::Fail, Certainty::Unknown] {
        tale.rows[0].outcome = outcome;
        tale.assert_clean();
    }
}

#[test]
fn a_message_that_was_moved_is_not_missing() {
    let mut tale = deleted_by_phone();
    tale.deliver("b");
    tale.look(Some(Phone), 1, &[(2, "b")]);
    let row = tale.act(Some(Phone), 1, Event::Move, 2, "b");
    row.to_mailbox = Some("Archive".into());
    tale.beside(Some(Phone), 1, Event::Gone, 2, "b");
    tale.open(HARNESS, 3);
    tale.look(HARNESS, 3, &[]);
    tale.assert_clean();
}

#[test]
fn a_message_that_vanishes_and_comes_back_is_no_monotonic_read() {
    let mut tale = Tale::imap();
    tale.deliver("a");
    tale.open(Some(Phone), 1);
    tale.look(Some(Phone), 1, &[(1, "a")]);
    tale.open(Some(Phone), 2);
    tale.look_without(Some(Phone), 2, &[(1, "a")]);
    tale.open(Some(Phone), 3);
    tale.look(Some(Phone), 3, &[(1, "a")]);
    let anomaly = tale.only();
    assert_is(
        &anomaly,
        AnomalyKind::NonMonotonicRead,
        Severity::Violation,
        Some(Phone),
    );
    assert_eq!(anomaly.session, 3);
}

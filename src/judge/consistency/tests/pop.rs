use super::*;

/// The phone downloads a message and deletes it from the server; the notebook comes too late.
fn phone_takes_a() -> Tale {
    let mut tale = Tale::pop();
    tale.deliver("a");
    tale.pop_open(Phone, 1);
    tale.retrieve(Phone, 1, "u1", "a");
    tale.dele(Phone, 1, "u1", "a");
    tale.quit(Phone, 1);
    tale.pop_open(Notebook, 2);
    tale.quit(Notebook, 2);
    tale
}

#[test]
fn what_one_device_took_is_stranded_there() {
    let mut tale = phone_takes_a();
    let anomaly = tale.only();
    assert_is(
        &anomaly,
        AnomalyKind::Stranded,
        Severity::Property,
        Some(Phone),
    );
    assert_eq!(anomaly.other, Some(Notebook));
    let agreement = tale.findings().agreement[&Arm::POP3];
    assert_eq!((agreement.on_all, agreement.on_any), (0, 1));
    // The person did not want it: nothing is stranded.
    let row = tale.tell(Some(Phone), 0, Event::Discard);
    row.message = Some("a".into());
    tale.assert_clean();
}

#[test]
fn mail_that_stays_on_the_server_is_stranded_nowhere() {
    let mut tale = Tale::pop();
    tale.deliver("a");
    for (device, session) in [(Phone, 1), (Notebook, 2)] {
        tale.pop_open(device, session);
        tale.retrieve(device, session, "u1", "a");
        tale.quit(device, session);
    }
    tale.open(HARNESS, 3);
    tale.look(HARNESS, 3, &[(1, "a")]);
    tale.assert_clean();
}

/// A session that was cut after DELE, and what the harness then finds.
fn cut_after_dele(left: &[(u32, &str)]) -> Tale {
    let mut tale = Tale::pop();
    tale.deliver("a");
    tale.pop_open(Phone, 1);
    tale.retrieve(Phone, 1, "u1", "a");
    tale.dele(Phone, 1, "u1", "a");
    tale.cut(Phone, 1);
    tale.open(HARNESS, 2);
    tale.look(HARNESS, 2, left);
    tale
}

#[test]
fn nothing_is_deleted_by_a_session_that_was_cut_before_quit() {
    cut_after_dele(&[(1, "a")]).assert_clean();
    let anomaly = cut_after_dele(&[]).only();
    assert_is(
        &anomaly,
        AnomalyKind::DeletedWithoutQuit,
        Severity::Violation,
        HARNESS,
    );
    assert_eq!((anomaly.session, anomaly.other), (1, Some(Phone)));
}

#[test]
fn a_quit_whose_answer_was_lost_leaves_both_open() {
    for left in [&[(1, "a")][..], &[]] {
        let mut tale = cut_after_dele(left);
        let cut = tale
            .rows
            .iter_mut()
            .find(|row| row.event == Event::Cut)
            .unwrap();
        (cut.event, cut.outcome) = (Event::Quit, Certainty::Unknown);
        let anomaly = tale.only();
        assert_is(
            &anomaly,
            AnomalyKind::DeletionInDoubt,
            Severity::Property,
            Some(Phone),
        );
    }
}

#[test]
fn after_a_cut_a_message_is_downloaded_again() {
    let mut tale = Tale::pop();
    tale.deliver("a");
    tale.pop_open(Phone, 1);
    tale.retrieve(Phone, 1, "u1", "a");
    tale.cut(Phone, 1);
    tale.pop_open(Phone, 2);
    tale.retrieve(Phone, 2, "u1", "a");
    tale.quit(Phone, 2);
    let anomaly = tale.only();
    assert_is(
        &anomaly,
        AnomalyKind::DownloadedTwice,
        Severity::Property,
        Some(Phone),
    );
    assert!(anomaly.detail.contains("cut"), "{}", anomaly.detail);
}

#[test]
fn a_unique_id_that_changes_makes_clients_download_again() {
    let mut tale = Tale::pop();
    tale.deliver("a");
    for (session, uidl) in [(1, "u1"), (2, "u2")] {
        tale.pop_open(Phone, session);
        if session == 2 {
            let row = tale.tell(Some(Phone), session, Event::Gone);
            (row.uidl, row.message) = (Some("u1".into()), Some("a".into()));
        }
        tale.retrieve(Phone, session, uidl, "a");
        tale.quit(Phone, session);
    }
    assert_eq!(
        tale.kinds(),
        [AnomalyKind::UidlChanged, AnomalyKind::DownloadedTwice]
    );
    assert_eq!(tale.found()[0].severity, Severity::Violation);
}

#[test]
fn two_copies_in_one_session_are_a_duplicate_and_no_change_of_unique_ids() {
    let mut tale = Tale::pop();
    tale.deliver("a");
    tale.pop_open(Phone, 1);
    tale.retrieve(Phone, 1, "u1", "a");
    tale.retrieve(Phone, 1, "u2", "a");
    tale.quit(Phone, 1);
    assert_is(
        &tale.only(),
        AnomalyKind::Duplicated,
        Severity::Violation,
        Some(Phone),
    );
}

#[test]
fn a_unique_id_may_be_used_again_only_when_its_message_is_gone() {
    let mut tale = phone_takes_a();
    tale.deliver("b");
    tale.pop_open(Notebook, 3);
    tale.retrieve(Notebook, 3, "u1", "b");
    let kinds = |tale: &Tale| {
        let found = tale.found();
        let reused = found.iter().find(|it| it.kind == AnomalyKind::UidlReused);
        reused.map(|it| it.severity)
    };
    assert_eq!(kinds(&tale), Some(Severity::Allowed));
    tale.rows.retain(|row| row.event != Event::Dele);
    assert_eq!(kinds(&tale), Some(Severity::Violation));
}

#[test]
fn a_deleted_message_that_is_downloaded_again_was_resurrected() {
    let mut tale = phone_takes_a();
    tale.pop_open(Phone, 3);
    tale.retrieve(Phone, 3, "u9", "a");
    tale.dele(Phone, 3, "u9", "a");
    tale.quit(Phone, 3);
    let found = tale.found();
    let anomaly = found.iter().find(|it| it.kind == AnomalyKind::Resurrected);
    assert_is(
        anomaly.unwrap(),
        AnomalyKind::Resurrected,
        Severity::Violation,
        Some(Phone),
    );
}

#[test]
fn two_sessions_at_once_are_told_as_what_this_server_does() {
    let tale = |overlap: bool| {
        let mut tale = Tale::pop();
        tale.pop_open(Phone, 1);
        if !overlap {
            tale.quit(Phone, 1);
        }
        tale.pop_open(Notebook, 2);
        tale.quit(Notebook, 2);
        if overlap {
            tale.quit(Phone, 1);
        }
        tale
    };
    tale(false).assert_clean();
    let anomaly = tale(true).only();
    assert_is(
        &anomaly,
        AnomalyKind::SecondSession,
        Severity::Allowed,
        Some(Notebook),
    );
    // Of a session that was cut nobody knows how long the server held it.
    let mut cut = tale(true);
    let last = cut.rows.last_mut().unwrap();
    (last.event, last.outcome) = (Event::Cut, Certainty::Unknown);
    cut.assert_clean();
}

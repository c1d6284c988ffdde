use super::*;

/// One message; the phone and the notebook have it in their lists, sessions 1 and 2.
fn both_know_a() -> Tale {
    let mut tale = Tale::imap();
    tale.deliver("a");
    for (device, session) in [(Phone, 1), (Notebook, 2)] {
        tale.open(Some(device), session);
        tale.look(Some(device), session, &[(1, "a")]);
    }
    tale
}

#[test]
fn a_flag_that_is_gone_at_the_end_is_lost() {
    let mut tale = both_know_a();
    tale.read(Phone, 1, 1, "a");
    tale.open(HARNESS, 3);
    tale.look(HARNESS, 3, &[(1, "a")]);
    let anomaly = tale.only();
    assert_is(
        &anomaly,
        AnomalyKind::LostFlag,
        Severity::Violation,
        HARNESS,
    );
    assert_eq!(
        (anomaly.other, anomaly.number.as_deref()),
        (Some(Phone), Some("1"))
    );
}

#[test]
fn of_two_flags_set_at_once_each_must_be_there() {
    let mut tale = both_know_a();
    tale.read(Phone, 1, 1, "a");
    let read = tale
        .rows
        .iter()
        .rfind(|row| row.event == Event::SetFlags)
        .cloned()
        .unwrap();
    let flag = tale.act(Some(Notebook), 2, Event::SetFlags, 1, "a");
    // At the very same time.
    (flag.sent_at_us, flag.at_us) = (read.sent_at_us, read.at_us);
    flag.flags = Some(FlagBits::FLAGGED);
    tale.open(HARNESS, 3);
    let mut whole = Tale {
        rows: tale.rows.clone(),
        ..tale
    };
    whole.look_at(HARNESS, 3, &[(1, "a", SEEN.with(FlagBits::FLAGGED))]);
    whole.assert_clean();
    tale.look_at(HARNESS, 3, &[(1, "a", FlagBits::FLAGGED)]);
    let anomaly = tale.only();
    assert_is(
        &anomaly,
        AnomalyKind::LostFlag,
        Severity::Violation,
        HARNESS,
    );
    assert!(anomaly.detail.contains("seen"), "{}", anomaly.detail);
}

#[test]
fn a_flag_that_somebody_took_away_or_that_was_refused_is_not_lost() {
    for outcome in [Certainty::Ok, Certainty::Unknown] {
        let mut tale = both_know_a();
        tale.read(Phone, 1, 1, "a");
        let row = tale.act(Some(Notebook), 2, Event::ClearFlags, 1, "a");
        (row.flags, row.outcome) = (Some(SEEN), outcome);
        tale.open(HARNESS, 3);
        tale.look(HARNESS, 3, &[(1, "a")]);
        tale.assert_clean();
    }
    for outcome in [Certainty::Fail, Certainty::Unknown] {
        let mut tale = both_know_a();
        let row = tale.act(Some(Phone), 1, Event::SetFlags, 1, "a");
        (row.flags, row.outcome) = (Some(SEEN), outcome);
        tale.open(HARNESS, 3);
        tale.look(HARNESS, 3, &[(1, "a")]);
        tale.assert_clean();
    }
}

#[test]
fn who_does_not_see_his_own_flag_and_then_does_was_shown_the_past() {
    let mut tale = both_know_a();
    tale.read(Phone, 1, 1, "a");
    tale.open(Some(Phone), 3);
    tale.look(Some(Phone), 3, &[(1, "a")]);
    tale.look_at(Some(Phone), 3, &[(1, "a", SEEN)]);
    let anomaly = tale.only();
    assert_is(
        &anomaly,
        AnomalyKind::ReadYourWrites,
        Severity::Violation,
        Some(Phone),
    );
    assert_eq!(anomaly.session, 3);
}

#[test]
fn another_device_that_asks_too_late_to_be_told_the_past_has_a_stale_read() {
    let mut tale = both_know_a();
    tale.read(Phone, 1, 1, "a");
    // Nothing new in this look: it confirms what the notebook knew, that the message is unread.
    tale.look(Some(Notebook), 2, &[]);
    tale.look_at(Some(Notebook), 2, &[(1, "a", SEEN)]);
    let anomaly = tale.only();
    assert_is(
        &anomaly,
        AnomalyKind::StaleRead,
        Severity::Allowed,
        Some(Notebook),
    );
    // Had it asked before the phone had its OK, both orders would be right.
    let look = tale.rows.len() - 3;
    assert_eq!(tale.rows[look].event, Event::Listed);
    tale.rows[look].sent_at_us = tale.rows[look - 2].at_us;
    tale.assert_clean();
}

#[test]
fn a_look_at_other_uids_says_nothing_of_this_one() {
    let mut tale = both_know_a();
    tale.read(Phone, 1, 1, "a");
    tale.deliver("b");
    tale.look(Some(Notebook), 2, &[(2, "b")]);
    let look = tale.rows.iter_mut().rfind(|row| row.event == Event::Listed);
    look.unwrap().uid = Some(2);
    tale.assert_clean();
}

#[test]
fn a_flag_that_nobody_set_comes_from_nowhere() {
    let mut tale = both_know_a();
    tale.look_at(Some(Notebook), 2, &[(1, "a", FlagBits::FLAGGED)]);
    let anomaly = tale.only();
    assert_is(
        &anomaly,
        AnomalyKind::FlagFromNowhere,
        Severity::Allowed,
        Some(Notebook),
    );

    // A write whose answer was lost, and reading without PEEK, explain a flag.
    let mut tale = both_know_a();
    let row = tale.act(Some(Phone), 1, Event::SetFlags, 1, "a");
    (row.flags, row.outcome) = (Some(FlagBits::FLAGGED), Certainty::Unknown);
    tale.act(Some(Phone), 1, Event::Retrieve, 1, "a");
    tale.look_at(Some(Notebook), 2, &[(1, "a", SEEN.with(FlagBits::FLAGGED))]);
    tale.assert_clean();
}

use super::*;
use crate::judge::consistency::{Agreement, explain};

#[test]
fn a_message_that_was_handed_over_once_and_is_there_twice_is_the_servers_fault() {
    let mut tale = Tale::imap();
    tale.deliver("a");
    tale.open(Some(Phone), 1);
    tale.look(Some(Phone), 1, &[(1, "a"), (2, "a")]);
    let anomaly = tale.only();
    assert_is(
        &anomaly,
        AnomalyKind::Duplicated,
        Severity::Violation,
        Some(Phone),
    );

    // Handed over again, because the first answer was lost: nobody could know.
    tale.rows[0].outcome = Certainty::Unknown;
    tale.rows.insert(1, tale.rows[0].clone());
    let anomaly = tale.only();
    assert_is(
        &anomaly,
        AnomalyKind::Duplicated,
        Severity::Property,
        Some(Phone),
    );
}

#[test]
fn the_same_message_under_another_uidvalidity_is_no_duplicate() {
    let mut tale = Tale::imap();
    tale.deliver("a");
    tale.open(Some(Phone), 1);
    tale.look(Some(Phone), 1, &[(1, "a")]);
    tale.open(Some(Phone), 2).uid_validity = Some(8);
    tale.look(Some(Phone), 2, &[(5, "a")]);
    assert_eq!(tale.kinds(), [AnomalyKind::UidValidityChanged]);
}

#[test]
fn devices_agree_on_what_all_of_them_can_show() {
    let mut tale = Tale::imap();
    tale.deliver("a");
    tale.deliver("b");
    tale.open(Some(Phone), 1);
    tale.look(Some(Phone), 1, &[(1, "a"), (2, "b")]);
    tale.open(Some(Notebook), 2);
    tale.look(Some(Notebook), 2, &[(1, "a")]);
    let agreement = tale.findings().agreement[&Arm::IMAP];
    assert_eq!(
        agreement,
        Agreement {
            on_all: 1,
            on_any: 2
        }
    );
}

#[test]
fn an_anomaly_is_explained_with_everything_that_was_done_to_its_message_and_nothing_else() {
    let mut tale = Tale::imap();
    tale.deliver("a");
    tale.deliver("other");
    tale.open(Some(Phone), 1);
    tale.look(Some(Phone), 1, &[(1, "a"), (2, "other")]);
    tale.read(Phone, 1, 1, "a");
    tale.open(HARNESS, 2);
    tale.look(HARNESS, 2, &[(1, "a"), (2, "other")]);
    let text = explain(&tale.only(), &tale.rows);
    for part in [
        "lost-flag: ",
        "violates RFC 3501 section 6.4.6",
        "message a",
        "phone#1: sets seen on UID 1 in INBOX",
        "delivery: hands the message over",
        "harness#2: is shown UID 1 in INBOX, flags: -",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!text.contains("UID 2"), "{text}");
}

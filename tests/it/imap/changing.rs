//! Commands that change something, and waiting for others to.

use std::time::Duration;

use mailgauge::client::{ClientError, IdleEnd};
use mailgauge::metrics::ErrorClass;
use mailgauge::proto::imap::StoreMode;

use super::script::{FallSilent, Hear, say, scripted};

#[test]
fn flags_are_stored_messages_moved_and_expunged_by_uid() {
    scripted(
        "UIDPLUS MOVE",
        || {
            vec![
                Hear("m2 UID STORE 1:3,9 +FLAGS (\\Seen $Done)"),
                say("* 1 FETCH (UID 1 FLAGS (\\Seen $Done) MODSEQ (12))\nm2 OK done\n"),
                Hear("m3 UID MOVE 2 Trash"),
                say("* OK [COPYUID 38505 2 7] moved\n* 2 EXPUNGE\nm3 OK done\n"),
                Hear("m4 UID EXPUNGE 1:3"),
                say("* VANISHED 1,3\nm4 OK done\n"),
                Hear("m5 UID COPY 9 \"A b\""),
                say("m5 OK done\n"),
            ]
        },
        |mut session| async move {
            let list = session
                .store(&[3, 1, 2, 9], StoreMode::Add, &["\\Seen", "$Done"])
                .await
                .unwrap();
            assert_eq!((list[0].uid, list[0].mod_seq), (1, Some(12)));
            session.move_to(2, "Trash").await.unwrap();
            session.expunge_uids(1..=3).await.unwrap();
            session.copy(9, "A b").await.unwrap();
            assert_eq!(session.changes().expunged, 3);
        },
    );
}

#[test]
fn nothing_is_sent_for_no_messages() {
    scripted("UIDPLUS MOVE", Vec::new, |mut session| async move {
        let none: &[u32] = &[];
        assert!(session.list_view(none).await.unwrap().is_empty());
        assert!(session.fetch_flags(none).await.unwrap().is_empty());
        session
            .store(none, StoreMode::Add, &["\\Seen"])
            .await
            .unwrap();
        session.expunge_uids(none).await.unwrap();
    });
}

#[test]
fn a_move_that_is_not_offered_is_made_of_what_is() {
    scripted(
        "UIDPLUS",
        || {
            vec![
                Hear("m2 UID COPY 5 Trash"),
                say("m2 OK done\n"),
                Hear("m3 UID STORE 5 +FLAGS (\\Deleted)"),
                say("m3 OK done\n"),
                Hear("m4 UID EXPUNGE 5"),
                say("* 1 EXPUNGE\nm4 OK done\n"),
            ]
        },
        |mut session| async move { session.move_to(5, "Trash").await.unwrap() },
    );
}

#[test]
fn an_append_waits_where_it_must_and_not_where_it_need_not() {
    let body = ["Subject: x\r\n", "\r\n", "text\r\n"];
    for (capabilities, announced, waits) in [
        ("", "m2 APPEND Sent (\\Seen) {20}", true),
        ("LITERAL+", "m2 APPEND Sent (\\Seen) {20+}", false),
        ("LITERAL-", "m2 APPEND Sent (\\Seen) {20+}", false),
    ] {
        let appended = scripted(
            capabilities,
            || {
                let mut script = vec![Hear(announced)];
                if waits {
                    script.push(say("* 4 EXISTS\n+ go on\n"));
                }
                script.extend([
                    Hear("Subject: x"),
                    Hear(""),
                    Hear("text"),
                    Hear(""),
                    say("m2 OK [APPENDUID 38505 3955] done\n"),
                ]);
                script
            },
            |mut session| async move { session.append("Sent", &["\\Seen"], 20, body).await },
        );
        let appended = appended.unwrap().unwrap();
        assert_eq!((appended.uid_validity, appended.uid), (38505, 3955));
    }
}

#[test]
fn an_append_that_is_refused_sends_no_message() {
    let error = scripted(
        "",
        || {
            vec![
                Hear("m2 APPEND Sent \" 1-Jan-1970 00:00:00 +0000\" {20}"),
                say("m2 NO [TRYCREATE] no such mailbox\n"),
                Hear("m3 NOOP"),
                say("m3 OK done\n"),
            ]
        },
        |mut session| async move {
            let error = session
                .append_dated("Sent", &[], Some(0), 20, ["x"])
                .await
                .unwrap_err();
            session.noop().await.unwrap();
            error
        },
    );
    assert_eq!(error.class, ErrorClass::CommandRefused);
    assert!(error.detail.contains("[TRYCREATE]"));
}

#[test]
fn a_message_of_another_size_than_announced_is_never_completed() {
    let error = scripted(
        "LITERAL+",
        || vec![Hear("m2 APPEND Sent {20+}"), FallSilent],
        |mut session| async move {
            let error = session.append("Sent", &[], 20, ["too short"]).await;
            session.abort();
            error.unwrap_err()
        },
    );
    assert!(!error.is_refusal());
    assert!(error.detail.contains("announced"));
}

#[test]
fn idle_ends_with_the_first_change_and_says_done() {
    let ends = scripted(
        "IDLE",
        || {
            vec![
                Hear("m2 IDLE"),
                say("* 3 EXISTS\n+ idling\n"),
                Hear("DONE"),
                say("* 4 EXISTS\nm2 OK done\n"),
                Hear("m3 IDLE"),
                say("+ idling\n* OK still here\n"),
                say("* 2 FETCH (FLAGS (\\Seen))\n"),
                Hear("DONE"),
                say("m3 OK done\n"),
                Hear("m4 IDLE"),
                say("+ idling\n"),
                Hear("DONE"),
                say("m4 OK done\n"),
                Hear("m5 IDLE"),
                say("m5 NO not now\n"),
                Hear("m6 IDLE"),
                say("m6 BAD no\n"),
            ]
        },
        |mut session| async move {
            let first = session.idle(std::future::pending()).await;
            assert_eq!(session.changes().exists, Some(4));
            let second = session.idle(std::future::pending()).await;
            assert!(session.changes().flags()[0].flags.is_seen());
            let third = session
                .idle(tokio::time::sleep(Duration::from_millis(30)))
                .await;
            let refused = session.idle(std::future::pending()).await;
            let bad = session.idle(std::future::pending()).await;
            let class = |end: Result<IdleEnd, ClientError>| end.map_err(|error| error.class);
            [first, second, third, refused, bad].map(class)
        },
    );
    assert_eq!(
        ends,
        [
            Ok(IdleEnd::Changed),
            Ok(IdleEnd::Changed),
            Ok(IdleEnd::Stopped),
            Err(ErrorClass::CommandRefused),
            Err(ErrorClass::BadCommand)
        ]
    );
}

//! CONDSTORE and QRESYNC (RFC 7162) by script, with the examples of the RFC where it has them.

use mailgauge::client::{Difference, ImapExtension, Known};
use mailgauge::metrics::{ErrorClass, Operation};
use mailgauge::proto::imap::{StoreMode, UidSet};

use super::script::{Hear, say, scripted};

fn known(uids: Option<UidSet>) -> Known {
    Known {
        uid_validity: 67_890_007,
        mod_seq: 90_060_115_194_045_000,
        uids,
    }
}

#[test]
fn one_command_tells_what_happened_since() {
    // RFC 7162 section 3.2.5.1, first example, with the mailbox's other data around it.
    let (resynced, highest, news) = scripted(
        "ENABLE CONDSTORE QRESYNC",
        || {
            vec![
                Hear("m2 ENABLE QRESYNC"),
                say("* ENABLED QRESYNC\nm2 OK enabled\n"),
                Hear("m3 SELECT INBOX (QRESYNC (67890007 90060115194045000 41:211,214:541))"),
                say("* OK [CLOSED]\n* 314 EXISTS\n* 15 RECENT\n* OK [UIDVALIDITY 67890007] ok\n"),
                say(
                    "* OK [UIDNEXT 567] ok\n* OK [HIGHESTMODSEQ 90060115205545359] Highest\n* OK [UNSEEN 7] ok\n",
                ),
                say("* FLAGS (\\Answered \\Flagged)\n* OK [PERMANENTFLAGS (\\Answered \\*)] ok\n"),
                say("* VANISHED (EARLIER) 41,43:116,118,120:211,214:540\n"),
                say("* 49 FETCH (UID 117 FLAGS (\\Seen \\Answered) MODSEQ (90060115194045001))\n"),
                say("* 50 FETCH (UID 119 FLAGS (\\Draft $MDNSent) MODSEQ (90060115194045308))\n"),
                say("m3 OK [READ-WRITE] mailbox selected\n"),
            ]
        },
        |mut session| async move {
            let set = UidSet::from((41..=211).chain(214..=541).collect::<Vec<u32>>());
            let resynced = session.resync("INBOX", &known(Some(set))).await.unwrap();
            (resynced, session.highest_mod_seq(), session.changes())
        },
    );
    assert_eq!(resynced.selected.exists, 314);
    assert_eq!(highest, Some(90_060_115_205_545_359));
    let difference = resynced.difference.unwrap();
    assert_eq!(difference.vanished[1], 43..=116);
    let changed: Vec<_> = difference
        .changed
        .iter()
        .map(|entry| (entry.uid, entry.flags.has("$mdnsent"), entry.mod_seq))
        .collect();
    assert_eq!(
        changed,
        [
            (117, false, Some(90_060_115_194_045_001)),
            (119, true, Some(90_060_115_194_045_308))
        ]
    );
    assert!(news.is_empty(), "what was asked for is no news");
}

#[test]
fn where_uids_are_not_what_they_were_there_is_no_difference() {
    for state in [
        "* OK [UIDVALIDITY 3857529045] ok\n* OK [HIGHESTMODSEQ 20] ok\n",
        "* OK [UIDVALIDITY 67890007] ok\n* OK [NOMODSEQ] none here\n",
    ] {
        let resynced = scripted(
            "ENABLE QRESYNC",
            || {
                vec![
                    Hear("m2 ENABLE QRESYNC"),
                    say("* ENABLED QRESYNC\nm2 OK\n"),
                    Hear("m3 SELECT INBOX (QRESYNC (67890007 90060115194045000))"),
                    say("* 1 EXISTS\n"),
                    say(state),
                    say("m3 OK\n"),
                    Hear("m4 SELECT Sent (QRESYNC (67890007 90060115194045000))"),
                    say("m4 NO [NONEXISTENT] no\n"),
                ]
            },
            |mut session| async move {
                // A set that is open at its end cannot be written there.
                let resynced = session
                    .resync("INBOX", &known(Some(UidSet::all())))
                    .await
                    .unwrap();
                // ENABLE is for the session.
                let refused = session.resync("Sent", &known(None)).await.unwrap_err();
                assert!(refused.is_refusal());
                resynced
            },
        );
        assert_eq!((resynced.difference, resynced.selected.exists), (None, 1));
    }
}

#[test]
fn with_qresync_on_expunged_messages_are_told_by_uid() {
    let (changes, exists) = scripted(
        "ENABLE CONDSTORE QRESYNC UIDPLUS",
        || {
            vec![
                Hear("m2 ENABLE QRESYNC"),
                say("* ENABLED CONDSTORE QRESYNC\nm2 OK\n"),
                Hear("m3 SELECT INBOX (CONDSTORE)"),
                say("* 8 EXISTS\n* OK [HIGHESTMODSEQ 715194045007] ok\nm3 OK\n"),
                Hear("m4 UID EXPUNGE 405,407"),
                say("* VANISHED 405,407\nm4 OK [HIGHESTMODSEQ 20010715194045319] expunged\n"),
                Hear("m5 NOOP"),
                say("* VANISHED 410:412\nm5 OK\n"),
                Hear("m6 UID FETCH 300:500 (UID FLAGS) (CHANGEDSINCE 12345 VANISHED)"),
                say("* VANISHED (EARLIER) 300:310,405,411\n"),
                say("* 1 FETCH (UID 404 MODSEQ (65402) FLAGS (\\Seen))\n"),
                say("* 2 FETCH (UID 600 FLAGS ())\n"),
                say("m6 OK done\n"),
            ]
        },
        |mut session| async move {
            session.enable_qresync().await.unwrap();
            session.select_condstore("INBOX").await.unwrap();
            session.expunge_uids(&[405, 407]).await.unwrap();
            assert_eq!(session.highest_mod_seq(), Some(20_010_715_194_045_319));
            session.noop().await.unwrap();
            let difference = session.changes_since(300..=500, 12_345).await.unwrap();
            assert_eq!(difference.vanished, [300..=310, 405..=405, 411..=411]);
            assert_eq!(difference.changed.len(), 1);
            (session.changes(), session.exists())
        },
    );
    assert_eq!(changes.vanished, [405..=405, 407..=407, 410..=412]);
    assert_eq!((changes.expunged, exists), (5, 3));
    assert_eq!(changes.flags()[0].uid, Some(600), "not asked for: news");
}

#[test]
fn flags_changed_by_another_are_left_alone() {
    // RFC 7162 section 3.1.3, example 3.
    let stored = scripted(
        "CONDSTORE",
        || {
            vec![
                Hear("m2 UID STORE 5,7,9 (UNCHANGEDSINCE 320162338) +FLAGS (\\Deleted)"),
                say("* 5 FETCH (UID 5 MODSEQ (320162350))\n"),
                say("* 6 FETCH (UID 6 FLAGS (\\Deleted) MODSEQ (320162360))\n"),
                say("m2 OK [MODIFIED 7,9] Conditional STORE failed\n"),
            ]
        },
        |mut session| async move {
            session
                .store_unchanged(&[7, 5, 9], 320_162_338, StoreMode::Add, &["\\Deleted"])
                .await
                .unwrap()
        },
    );
    assert_eq!(stored.modified, [7..=7, 9..=9]);
    assert_eq!(stored.flags, []);
}

#[test]
fn what_a_server_does_not_offer_or_not_enable_is_not_used() {
    scripted("", Vec::new, |mut session| async move {
        let errors = [
            session.enable_qresync().await.err(),
            session.resync("INBOX", &known(None)).await.err(),
            session.select_condstore("INBOX").await.err(),
            session.changes_since(1.., 1).await.err(),
            session
                .store_unchanged(1, 1, StoreMode::Add, &[])
                .await
                .err(),
            session
                .require(ImapExtension::Compress, Operation::Compress)
                .err(),
        ];
        for error in errors {
            assert_eq!(error.unwrap().class, ErrorClass::NotOffered);
        }
    });
    let error = scripted(
        "ENABLE QRESYNC",
        || vec![Hear("m2 ENABLE QRESYNC"), say("* ENABLED\nm2 OK nothing\n")],
        |mut session| async move { session.resync("INBOX", &known(None)).await.unwrap_err() },
    );
    assert_eq!(error.class, ErrorClass::NotOffered);
    assert!(error.detail.contains("QRESYNC (RFC 7162)"), "{error}");
}

#[test]
fn a_difference_is_empty_when_nothing_happened() {
    let difference = scripted(
        "CONDSTORE",
        || {
            vec![
                Hear("m2 UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 9)"),
                say("m2 OK\n"),
            ]
        },
        |mut session| async move { session.changes_since(1.., 9).await.unwrap() },
    );
    assert!(difference.is_empty());
    assert_eq!(difference, Difference::default());
}

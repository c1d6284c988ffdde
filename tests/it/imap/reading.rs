//! Commands that read: what is sent to the octet, and what is understood.

use mailgauge::proto::imap::{Criterion, SearchDate, UidSet};

use super::script::{Hear, SayOctets, say, scripted};

#[test]
fn select_reads_what_the_mailbox_is() {
    let selected = scripted(
        "",
        || {
            vec![
                Hear("m2 SELECT \"Sent Items\""),
                say(
                    "* 9 EXISTS\n* OK [UIDVALIDITY 4] old\n* OK [CLOSED] the one before\n* FLAGS (\\Seen)\n* 172 EXISTS\n* 1 RECENT\n",
                ),
                say(
                    "* OK [UNSEEN 12] x\n* OK [UIDVALIDITY 3857529045] x\n* OK [UIDNEXT 4392] x\n* OK [HIGHESTMODSEQ 715194045007] x\n",
                ),
                say(
                    "* OK [PERMANENTFLAGS (\\Seen \\*)] x\n* XFUTURE (\"{3}\" 1 (2))\nm2 OK [READ-ONLY] done\n",
                ),
            ]
        },
        |mut session| async move {
            let selected = session.select("Sent Items").await.unwrap();
            assert_eq!(session.unknown_responses(), 1);
            assert!(session.changes().is_empty());
            selected
        },
    );
    assert_eq!((selected.exists, selected.recent), (172, 1));
    assert_eq!(selected.first_unseen, Some(12));
    assert_eq!(selected.uid_validity, Some(3_857_529_045));
    assert_eq!(selected.uid_next, Some(4392));
    assert_eq!(selected.highest_mod_seq, Some(715_194_045_007));
    assert!(selected.read_only);
}

#[test]
fn the_list_view_reads_flags_sizes_and_identities_and_leaves_out_what_was_not_asked_for() {
    let list = scripted(
        "",
        || {
            vec![
                Hear(
                    "m2 UID FETCH 7:* (UID FLAGS RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER.FIELDS (DATE FROM SUBJECT X-MAILGAUGE-ID)])",
                ),
                say(
                    "* 1 FETCH (UID 3 FLAGS () RFC822.SIZE 1 BODY[HEADER.FIELDS (DATE)] {2}\n\n)\n",
                ),
                say(
                    "* 2 FETCH (FLAGS (\\Seen $Forwarded) UID 7 RFC822.SIZE 5000000000 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" BODY[HEADER.FIELDS (DATE FROM SUBJECT X-MAILGAUGE-ID)] {64}\nSubject: ) (\"{3}\nX-Mailgauge-Id: 0123abcd-17-4\nFrom: a@b.c\n\n)\n",
                ),
                // Another session reads a message, and one goes, in the middle.
                say("* 1 FETCH (FLAGS (\\Answered))\n* 1 EXPUNGE\n* 5 EXISTS\n"),
                say(
                    "* 2 FETCH (UID 9 BODY[HEADER.FIELDS (DATE FROM SUBJECT X-MAILGAUGE-ID)] \"X-mailgauge-id: q-1-2\" RFC822.SIZE 20 FLAGS (\\Deleted))\nm2 OK done\n",
                ),
            ]
        },
        |mut session| async move {
            let list = session.list_view(7..).await.unwrap();
            let changes = session.changes();
            assert_eq!((changes.exists, changes.expunged), (Some(5), 1));
            assert_eq!(changes.flags()[0].sequence, 1);
            assert!(
                changes
                    .flags()
                    .iter()
                    .any(|update| update.flags.is_answered())
            );
            assert!(session.changes().is_empty());
            list
        },
    );
    assert_eq!(list.len(), 2);
    assert_eq!((list[0].uid, list[0].octets), (7, 5_000_000_000));
    assert_eq!(list[0].id.as_deref(), Some("0123abcd-17-4"));
    assert!(list[0].flags.is_seen() && list[0].flags.has("$forwarded"));
    assert_eq!(list[1].uid, 9);
    assert!(list[1].flags.is_deleted());
}

#[test]
fn a_message_streams_into_its_digest_whether_small_large_or_quoted() {
    let small = "X-Mailgauge-Id: a-1-2\r\nSubject: x\r\n\r\nbody {5}\r\n";
    let large = format!("{small}{}", "0123456789\r\n".repeat(1000));
    for message in [small.to_owned(), large] {
        let expected = mailgauge::proto::digest::MessageDigest::of([message.as_bytes()]);
        let octets = message.len();
        let digest = scripted(
            "",
            || {
                vec![
                    Hear("m2 UID FETCH 5 (UID BODY[])"),
                    say("* 3 EXISTS\n"),
                    SayOctets(format!("* 2 FETCH (BODY[] {{{octets}}}\r\n{message} UID 5 FLAGS (\\Seen))\r\nm2 OK done\r\n").into_bytes()),
                    Hear("m3 UID FETCH 5 (UID BODY.PEEK[1.2]<100.50>)"),
                    say("* 2 FETCH (UID 5 BODY[1.2]<100> \"abc\\\"d\")\nm3 OK done\n"),
                ]
            },
            |mut session| async move {
                let digest = session.fetch_message(5, false).await.unwrap().unwrap();
                let part = session
                    .fetch_stretch(5, "1.2", 100, 50, true)
                    .await
                    .unwrap();
                assert_eq!(part.unwrap().octets, 5);
                assert!(session.changes().flags()[0].flags.is_seen());
                digest
            },
        );
        assert_eq!(digest, expected);
        assert_eq!(digest.id.as_deref(), Some("a-1-2"));
    }
}

#[test]
fn searches_are_written_in_the_servers_words() {
    let found = scripted(
        "",
        || {
            vec![
                Hear(
                    "m2 UID SEARCH UNSEEN SUBJECT \"hello \\\"you\\\"\" SINCE 1-Feb-1994 NOT DELETED OR FLAGGED UID 5:9",
                ),
                say("* SEARCH 9 7\n* SEARCH 8 7 (MODSEQ 917162500)\nm2 OK done\n"),
                Hear("m3 UID SEARCH CHARSET UTF-8 TEXT {6}"),
                say("+\n"),
                Hear("späß"),
                say("* SEARCH\nm3 OK done\n"),
                Hear("m4 UID SEARCH ALL"),
                say("* ESEARCH (TAG \"m4\") UID COUNT 3 ALL 2,4:5\nm4 OK done\n"),
            ]
        },
        |mut session| async move {
            let day = SearchDate {
                year: 1994,
                month: 2,
                day: 1,
            };
            let found = session
                .search(&[
                    Criterion::Seen(false),
                    Criterion::Subject("hello \"you\"".into()),
                    Criterion::Since(day),
                    Criterion::Not(Box::new(Criterion::Deleted(true))),
                    Criterion::Or(
                        Box::new(Criterion::Flagged(true)),
                        Box::new(Criterion::Uid(UidSet::from(5..=9))),
                    ),
                ])
                .await
                .unwrap();
            let text = Criterion::Text("späß".into());
            assert!(session.search(&[text]).await.unwrap().is_empty());
            assert_eq!(session.search(&[]).await.unwrap(), [2, 4, 5]);
            found
        },
    );
    assert_eq!(found, [7, 8, 9]);
}

#[test]
fn mailboxes_namespaces_status_and_identity_are_read_in_all_their_forms() {
    scripted(
        "NAMESPACE ID ENABLE",
        || {
            vec![
                Hear("m2 LIST \"\" \"*\""),
                say(
                    "* LIST (\\HasNoChildren \\Sent) \"/\" \"Sent Items\"\n* LIST () NIL {3}\na\"b\n* LIST (\\Noselect) \"\\\\\" R&AOk-sum&AOk- (\"CHILDINFO\" (\"SUBSCRIBED\"))\nm2 OK done\n",
                ),
                Hear("m3 NAMESPACE"),
                say(
                    "* NAMESPACE ((\"\" \"/\")(\"#mh/\" \"/\" \"X-PARAM\" (\"FLAG1\" \"FLAG2\"))) NIL ((\"Public.\" NIL))\nm3 OK done\n",
                ),
                Hear("m4 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"),
                say(
                    "* STATUS \"INBOX\" (MESSAGES 17 UNSEEN 5 UIDNEXT 44292 UIDVALIDITY 9 SIZE 99999999999 )\nm4 OK done\n",
                ),
                Hear(concat!(
                    "m5 ID (\"name\" \"mailgauge\" \"version\" \"",
                    env!("CARGO_PKG_VERSION"),
                    "\")"
                )),
                say("* ID (\"name\" \"Cyrus\" \"os\" NIL)\nm5 OK done\n"),
                Hear("m6 ENABLE CONDSTORE"),
                say("* ENABLED CONDSTORE\nm6 OK done\n"),
                Hear("m7 CREATE \"Sent Items\""),
                say("m7 OK done\n"),
                Hear("m8 CREATE Sent"),
                say("m8 NO [CANNOT] below INBOX. only\n"),
            ]
        },
        |mut session| async move {
            let mailboxes = session.list_mailboxes().await.unwrap();
            let names: Vec<_> = mailboxes
                .iter()
                .map(|m| (m.name.as_str(), m.delimiter))
                .collect();
            assert_eq!(
                names,
                [
                    ("Sent Items", Some('/')),
                    ("a\"b", None),
                    ("R&AOk-sum&AOk-", Some('\\'))
                ]
            );
            assert!(mailboxes[0].has("\\sent") && mailboxes[2].has("\\Noselect"));
            let namespaces = session.namespace().await.unwrap();
            assert_eq!(namespaces.personal[1].prefix, "#mh/");
            assert!(namespaces.others.is_empty());
            assert_eq!(namespaces.shared[0].delimiter, None);
            let status = session.status("INBOX").await.unwrap();
            assert_eq!(
                (status.messages, status.unseen, status.uid_next),
                (Some(17), Some(5), Some(44292))
            );
            assert_eq!(status.size, Some(99_999_999_999));
            let id = session.id().await.unwrap();
            assert_eq!(
                id,
                [("name".into(), Some("Cyrus".into())), ("os".into(), None)]
            );
            assert_eq!(session.enable(&["CONDSTORE"]).await.unwrap(), ["CONDSTORE"]);
            session.create("Sent Items").await.unwrap();
            assert!(session.create("Sent").await.unwrap_err().is_refusal());
        },
    );
}

#[test]
fn a_structure_names_its_parts_and_knows_attachments() {
    let parts = scripted(
        "",
        || {
            vec![
                Hear("m2 UID FETCH 5 (UID BODYSTRUCTURE)"),
                say(
                    "* 1 FETCH (UID 5 BODYSTRUCTURE (((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"utf-8\") NIL NIL \"7BIT\" 3028 92 NIL NIL NIL)(\"text\" \"html\" NIL NIL NIL \"quoted-printable\" 5000 120) \"alternative\" (\"boundary\" \"x\"))(\"application\" \"pdf\" (\"name\" {4}\na)(b) NIL NIL \"base64\" 123456789 NIL (\"attachment\" (\"filename\" \"a \\\")\")) NIL)(\"message\" \"rfc822\" NIL NIL NIL NIL 700 (NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL) (\"image\" \"png\" NIL NIL NIL \"base64\" 9) 12) \"mixed\"))\nm2 OK done\n",
                ),
            ]
        },
        |mut session| async move { session.structure(5).await.unwrap().unwrap() },
    );
    let told: Vec<_> = parts
        .iter()
        .map(|p| {
            (
                p.section.as_str(),
                p.media_type.as_str(),
                p.octets,
                p.is_attachment,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("1.1", "text/plain", 3028, false),
            ("1.2", "text/html", 5000, false),
            ("2", "application/pdf", 123_456_789, true),
            ("3", "message/rfc822", 700, false),
            ("3.1", "image/png", 9, true),
        ]
    );
}

#[test]
fn envelopes_and_flags_are_read() {
    scripted(
        "",
        || {
            vec![
                Hear("m2 UID FETCH 1:* (UID FLAGS RFC822.SIZE ENVELOPE)"),
                say(
                    "* 1 FETCH (UID 5 FLAGS () RFC822.SIZE 9 ENVELOPE (\"Mon, 1 Jan\" {2}\nhi ((\"A B\" NIL \"ab\" \"c.de\")(NIL NIL \"x\" \"y\")) NIL NIL NIL NIL NIL \"<r@x>\" \"<m@x>\"))\nm2 OK done\n",
                ),
                Hear("m3 UID FETCH 1:* (UID FLAGS)"),
                say("* 1 FETCH (UID 5 FLAGS (\\Flagged))\nm3 OK done\n"),
            ]
        },
        |mut session| async move {
            let list = session.envelopes(UidSet::all()).await.unwrap();
            let envelope = &list[0].envelope;
            assert_eq!(envelope.subject.as_deref(), Some("hi"));
            assert_eq!(envelope.from.as_deref(), Some("ab@c.de"));
            assert_eq!(envelope.message_id.as_deref(), Some("<m@x>"));
            let flags = session.fetch_flags(UidSet::all()).await.unwrap();
            assert!(flags[0].flags.is_flagged());
            assert!(session.changes().is_empty());
        },
    );
}

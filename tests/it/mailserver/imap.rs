//! Mailboxes that several sessions look at.

use super::{Client, MESSAGE, code, deliver, start};

#[test]
fn a_second_imap_session_hears_what_the_first_does() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let (mut first, mut second) = (Client::imap_as_ann(&server), Client::imap_as_ann(&server));
    first.ok("SELECT INBOX");
    second.ok("SELECT INBOX");
    first.append("INBOX", MESSAGE);
    assert_eq!(second.ok("NOOP"), ["* 1 EXISTS", "* 0 RECENT"]);
    first.ok("STORE 1 +FLAGS (\\Seen)");
    assert_eq!(second.ok("NOOP"), ["* 1 FETCH (UID 1 FLAGS (\\Seen))"]);
    assert_eq!(second.ok("NOOP"), [""; 0]);
    deliver(&server, &["ann"], MESSAGE);
    assert_eq!(second.ok("NOOP"), ["* 2 EXISTS", "* 1 RECENT"]);
    first.ok("STORE 1 +FLAGS.SILENT (\\Deleted)");
    first.ok("EXPUNGE");
    assert_eq!(second.ok("NOOP"), ["* 1 EXPUNGE"]);
    assert_eq!(second.ok("UID SEARCH ALL"), ["* SEARCH 2"]);
}

#[test]
fn sequence_numbers_do_not_change_under_a_fetch_a_store_or_a_search() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    for _ in 0..2 {
        deliver(&server, &["ann"], MESSAGE);
    }
    let (mut first, mut second) = (Client::imap_as_ann(&server), Client::imap_as_ann(&server));
    second.ok("SELECT INBOX");
    first.ok("SELECT INBOX");
    first.ok("STORE 1 +FLAGS.SILENT (\\Deleted)");
    first.ok("EXPUNGE");
    let quiet = |lines: Vec<String>| !lines.iter().any(|line| line.contains("EXPUNGE"));
    assert!(quiet(second.ok("FETCH 2 (UID)")));
    assert!(quiet(second.ok("STORE 2 +FLAGS (\\Seen)")));
    assert!(quiet(second.ok("SEARCH ALL")));
    assert_eq!(second.ok("FETCH 2 (UID)"), ["* 2 FETCH (UID 2)"]);
    assert_eq!(second.ok("NOOP"), ["* 1 EXPUNGE"]);
    assert_eq!(second.ok("FETCH 1 (UID)"), ["* 1 FETCH (UID 2)"]);
}

#[test]
fn idle_tells_of_changes_as_they_happen() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let mut idle = Client::imap_as_ann(&server);
    idle.ok("SELECT INBOX");
    idle.send("i IDLE\r\n");
    assert!(idle.read().starts_with("+ "));
    deliver(&server, &["ann"], MESSAGE);
    assert_eq!(idle.read(), "* 1 EXISTS");
    assert_eq!(idle.read(), "* 1 RECENT");
    let mut pop = Client::pop3_as_ann(&server);
    pop.ask("DELE 1");
    pop.ask("QUIT");
    assert_eq!(idle.read(), "* 1 EXPUNGE");
    idle.send("DONE\r\n");
    assert!(idle.until("i").1.starts_with("OK"));
}

#[test]
fn append_copy_and_move_tell_the_uids_of_what_they_made() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let mut imap = Client::imap_as_ann(&server);
    let answer = imap.append("INBOX", MESSAGE);
    let uid_validity = imap.ok("STATUS INBOX (UIDVALIDITY)")[0].clone();
    let appended = code(&answer, "APPENDUID");
    assert!(uid_validity.contains(appended[0]));
    assert_eq!(appended[1], "1");
    imap.append("INBOX", MESSAGE);
    imap.append("INBOX", MESSAGE);
    imap.ok("SELECT INBOX");
    imap.ok("UID STORE 3 +FLAGS.SILENT (\\Flagged mine)");
    let copied = imap.answer("UID COPY 1,3 Archive");
    assert_eq!(code(&copied, "COPYUID")[1..], ["1,3", "1:2"]);
    let (untagged, answer) = imap.command("UID MOVE 2 Trash");
    assert_eq!(code(&untagged[0], "COPYUID")[1..], ["2", "1"]);
    assert_eq!(untagged[1..], ["* 2 EXPUNGE"]);
    assert!(answer.starts_with("OK"));
    assert!(
        imap.answer("UID COPY 1 Nowhere")
            .starts_with("NO [TRYCREATE]")
    );
    imap.ok("SELECT Archive");
    let flags = imap.ok("FETCH 2 (FLAGS)");
    assert!(flags[0].contains("\\Flagged mine"), "{flags:?}");
    drop(imap);
    let stats = server.stop().unwrap();
    assert_eq!(stats.appended.messages, 3);
    assert_eq!(stats.copied.messages, 3);
    assert_eq!(stats.deleted.messages, 1);
    assert_eq!(stats.stored.messages, 5);
}

#[test]
fn mod_sequences_tell_what_changed_and_guard_a_store() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let mut imap = Client::imap_as_ann(&server);
    for _ in 0..3 {
        imap.append("INBOX", MESSAGE);
    }
    let selected = imap.ok("SELECT INBOX (CONDSTORE)");
    let highest = selected
        .iter()
        .find_map(|line| line.split("[HIGHESTMODSEQ ").nth(1))
        .and_then(|rest| rest.split(']').next())
        .unwrap()
        .to_owned();
    let stored = imap.ok("STORE 2 +FLAGS (\\Seen)");
    assert!(stored[0].contains("MODSEQ ("), "{stored:?}");
    let changed = imap.ok(&format!("FETCH 1:* (FLAGS) (CHANGEDSINCE {highest})"));
    assert_eq!(changed.len(), 1);
    assert!(changed[0].starts_with("* 2 FETCH"));
    let (_, answer) = imap.command(&format!(
        "STORE 1:3 (UNCHANGEDSINCE {highest}) +FLAGS.SILENT (\\Deleted)"
    ));
    assert_eq!(code(&answer, "MODIFIED"), ["2"]);
    assert_eq!(imap.ok("SEARCH DELETED"), ["* SEARCH 1 3"]);
    let found = imap.ok(&format!(
        "SEARCH MODSEQ {}",
        highest.parse::<u64>().unwrap() + 1
    ));
    assert!(found[0].starts_with("* SEARCH 1 2 3 (MODSEQ "), "{found:?}");
    assert!(imap.ok("STATUS INBOX (HIGHESTMODSEQ)")[0].contains("HIGHESTMODSEQ"));
}

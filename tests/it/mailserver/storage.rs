//! What outlives a restart, a torn file, and another program in the Maildir.

use super::{Client, MESSAGE, deliver, start};

#[test]
fn uids_uidls_flags_and_uidvalidity_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    for _ in 0..3 {
        deliver(&server, &["ann"], MESSAGE);
    }
    let mut pop = Client::pop3_as_ann(&server);
    pop.ask("DELE 2");
    pop.ask("QUIT");
    pop.at_end();
    let mut imap = Client::imap_as_ann(&server);
    imap.ok("SELECT INBOX");
    imap.ok("UID STORE 3 +FLAGS.SILENT (\\Flagged $Later)");
    let mut pop = Client::pop3_as_ann(&server);
    let uidls = pop.list("UIDL");
    let before = imap.ok("STATUS INBOX (UIDVALIDITY UIDNEXT HIGHESTMODSEQ)");
    server.stop().unwrap();

    let server = start(directory.path());
    let mut pop = Client::pop3_as_ann(&server);
    assert_eq!(pop.list("UIDL"), uidls);
    let mut imap = Client::imap_as_ann(&server);
    let after = imap.ok("STATUS INBOX (UIDVALIDITY UIDNEXT HIGHESTMODSEQ)");
    // The first had a mailbox open, and heard of its highest mod-sequence besides.
    assert_eq!(after, before[..1]);
    imap.ok("SELECT INBOX");
    assert_eq!(imap.ok("UID SEARCH ALL"), ["* SEARCH 1 3"]);
    let flags = imap.ok("UID FETCH 3 (FLAGS)");
    assert!(flags[0].contains("(\\Flagged $Later)"), "{flags:?}");
}

#[test]
fn a_mailbox_that_is_made_again_has_another_uidvalidity() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let mut imap = Client::imap_as_ann(&server);
    let mut seen = Vec::new();
    for _ in 0..3 {
        imap.ok("CREATE Again");
        seen.extend(imap.ok("STATUS Again (UIDVALIDITY)"));
        imap.ok("DELETE Again");
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 3);
}

#[test]
fn a_torn_record_and_a_lost_record_cost_nothing_but_the_record() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    deliver(&server, &["ann"], MESSAGE);
    deliver(&server, &["ann"], MESSAGE);
    server.stop().unwrap();
    let index = directory.path().join("mail/ann/Maildir/mailgauge.index");
    let text = std::fs::read_to_string(&index).unwrap();
    // The second delivery's record is cut off in the middle: its file is there all the same.
    std::fs::write(&index, &text[..text.len() - 9]).unwrap();

    let server = start(directory.path());
    let mut imap = Client::imap_as_ann(&server);
    imap.ok("SELECT INBOX");
    assert_eq!(imap.ok("UID SEARCH ALL"), ["* SEARCH 1 2"]);
    assert_eq!(
        imap.ok("FETCH 2 RFC822.SIZE")[0],
        format!("* 2 FETCH (RFC822.SIZE {})", MESSAGE.len())
    );
}

#[test]
fn what_another_program_puts_into_the_maildir_becomes_a_message() {
    let directory = tempfile::tempdir().unwrap();
    start(directory.path()).stop().unwrap();
    let maildir = directory.path().join("mail/ann/Maildir");
    std::fs::write(maildir.join("new/1.foreign"), MESSAGE).unwrap();
    std::fs::write(maildir.join("cur/2.foreign:2,FS"), MESSAGE).unwrap();
    let server = start(directory.path());
    let mut imap = Client::imap_as_ann(&server);
    imap.ok("SELECT INBOX");
    assert_eq!(imap.ok("SEARCH SEEN FLAGGED").len(), 1);
    assert_eq!(imap.ok("SEARCH ALL"), ["* SEARCH 1 2"]);
}

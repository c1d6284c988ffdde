//! Maildrops: locks, snapshots and deletion at QUIT.

use super::{Client, MESSAGE, deliver, start};

#[test]
fn a_second_pop_session_is_told_in_use_and_imap_is_not_affected() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let mut first = Client::pop3_as_ann(&server);
    let mut second = Client::pop3(&server);
    second.ask("USER ann");
    assert!(second.ask("PASS a").starts_with("-ERR [IN-USE]"));
    let mut imap = Client::imap_as_ann(&server);
    imap.ok("SELECT INBOX");
    first.ask("QUIT");
    first.at_end();
    second.ask("USER ann");
    assert!(second.ask("PASS a").starts_with("+OK"));
}

#[test]
fn a_dropped_pop_session_deletes_nothing_and_quit_does() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    deliver(&server, &["ann"], MESSAGE);
    let mut dropped = Client::pop3_as_ann(&server);
    assert!(dropped.ask("DELE 1").starts_with("+OK"));
    drop(dropped);
    // The lock goes when the server has seen the end of the connection.
    let mut again = loop {
        let mut client = Client::pop3(&server);
        client.ask("USER ann");
        if client.ask("PASS a").starts_with("+OK") {
            break client;
        }
    };
    assert_eq!(again.ask("STAT"), format!("+OK 1 {}", MESSAGE.len()));
    again.ask("DELE 1");
    again.ask("QUIT");
    again.at_end();
    let stats = server.stop().unwrap();
    assert_eq!(stats.deleted, stats.delivered);
    assert_eq!(stats.stored.messages, 0);
}

#[test]
fn a_pop_session_sees_its_snapshot_whatever_imap_does() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    deliver(&server, &["ann"], MESSAGE);
    deliver(&server, &["ann"], MESSAGE);
    let mut pop = Client::pop3_as_ann(&server);
    let mut imap = Client::imap_as_ann(&server);
    imap.ok("SELECT INBOX");
    imap.ok("STORE 1 +FLAGS (\\Deleted)");
    imap.ok("EXPUNGE");
    deliver(&server, &["ann"], MESSAGE);
    assert_eq!(pop.list("UIDL").len(), 2);
    assert!(pop.ask("RETR 1").starts_with("-ERR [SYS/TEMP]"));
    assert!(pop.ask("NOOP").starts_with("+OK"));
    assert_eq!(pop.list("RETR 2").len(), 5);
}

#[test]
fn pipelined_commands_are_answered_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    deliver(&server, &["ann"], MESSAGE);
    let mut pop = Client::pop3(&server);
    pop.send("USER ann\r\nPASS a\r\nSTAT\r\nLIST 1\r\nDELE 1\r\nRSET\r\nQUIT\r\n");
    let replies: Vec<String> = (0..7).map(|_| pop.read()).collect();
    assert!(replies.iter().all(|reply| reply.starts_with("+OK")));
    assert_eq!(replies[3], format!("+OK 1 {}", MESSAGE.len()));
}

//! Refused logins, crowds, idlers, the end of a server, and two at once.

use std::time::Duration;

use mailgauge::mailserver::{Config, Faults, Server, Stats};

use super::{Client, MESSAGE, accounts, deliver, start};

#[test]
fn refused_logins_are_refused_in_each_protocol_and_end_the_connection_after_some() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = Config::new(directory.path(), accounts());
    config.faults = Faults {
        refuse_logins: true,
        ..Faults::default()
    };
    let server = Server::start(config).unwrap();
    let mut imap = Client::imap(&server);
    for _ in 0..5 {
        assert!(
            imap.answer("LOGIN ann a")
                .starts_with("NO [AUTHENTICATIONFAILED]")
        );
    }
    assert!(imap.read().starts_with("* BYE"));
    let mut pop = Client::pop3(&server);
    for _ in 0..5 {
        pop.ask("USER ann");
        assert!(pop.ask("PASS a").starts_with("-ERR [AUTH]"));
    }
    pop.at_end();
}

#[test]
fn more_connections_than_allowed_are_closed_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = Config::new(directory.path(), accounts());
    config.limits.connections = 2;
    let server = Server::start(config).unwrap();
    let first = Client::pop3(&server);
    let _second = Client::imap(&server);
    let mut third = Client::connect(server.addresses().pop3);
    assert_eq!(third.read(), "-ERR [SYS/TEMP] too many connections");
    third.at_end();
    drop(first);
}

#[test]
fn a_session_that_says_nothing_is_ended() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = Config::new(directory.path(), accounts());
    config.limits.imap_idle = Duration::from_millis(50);
    config.limits.pop3_idle = Duration::from_millis(50);
    let server = Server::start(config).unwrap();
    let mut imap = Client::imap(&server);
    assert!(imap.read().starts_with("* BYE"));
    imap.at_end();
    Client::pop3(&server).at_end();
    // An IDLE that hears nothing is no exception.
    let mut idle = Client::imap_as_ann(&server);
    idle.send("i IDLE\r\n");
    assert!(idle.read().starts_with("+ "));
    assert!(idle.read().starts_with("* BYE"));
}

#[test]
fn a_server_that_stops_says_bye_and_leaves_its_mail() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let mut imap = Client::imap_as_ann(&server);
    imap.append("INBOX", MESSAGE);
    let stats: Stats = server.stop().unwrap();
    assert!(imap.read().starts_with("* BYE"));
    assert_eq!(stats.stored.messages, 1);
    assert_eq!(
        start(directory.path()).stop().unwrap().stored_at_start,
        stats.stored
    );
}

#[test]
fn a_folder_is_served_by_one_server_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let error = Server::start(Config::new(directory.path(), accounts())).unwrap_err();
    assert!(error.to_string().contains("in use by another server"));
    server.stop().unwrap();
    start(directory.path());
}

#[test]
fn two_threads_serve_one_mailbox() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = Config::new(directory.path(), accounts());
    config.threads = 2;
    let server = Server::start(config).unwrap();
    let mut sessions: Vec<Client> = (0..4).map(|_| Client::imap_as_ann(&server)).collect();
    for session in &mut sessions {
        session.ok("SELECT INBOX");
    }
    deliver(&server, &["ann"], MESSAGE);
    for session in &mut sessions {
        assert_eq!(session.ok("NOOP")[0], "* 1 EXISTS");
    }
}

//! Input that no client should send: whatever one sends, the next one is served.

use proptest::test_runner::{Config as Cases, TestRunner};

use super::{Client, MESSAGE, deliver, start};

#[test]
fn nonsense_is_answered_and_the_session_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let mut imap = Client::imap_as_ann(&server);
    imap.ok("SELECT INBOX");
    for line in [
        "x FETCH",
        "x FETCH 1",
        "x FETCH 1 (NONSENSE)",
        "x STORE 1 FLAGS",
        "x SEARCH NONSENSE",
        "x FETCH 0 FLAGS",
        "x FETCH 1 FLAGS",
        "x FETCH * FLAGS",
        "x LOGIN a b",
        "x NONSENSE",
        "x SELECT {99999999999999999999999}",
    ] {
        if line.ends_with('}') {
            imap.send(&format!("{line}\r\n"));
            assert!(imap.read().starts_with("* BYE"));
            break;
        }
        let reply = imap.ask(line);
        assert!(reply.starts_with("x BAD"), "{line}: {reply}");
    }
    let mut imap = Client::imap_as_ann(&server);
    assert!(imap.ask("\u{1}\u{2}").starts_with("* BAD"));
    assert!(imap.ask("").starts_with("* BAD"));
    let long = "x".repeat(100_000);
    assert!(imap.ask(&format!("y NOOP {long}")).starts_with("* BAD"));
    imap.ok("NOOP");
    let mut pop = Client::pop3(&server);
    assert!(pop.ask(&long).starts_with("-ERR"));
    assert!(pop.ask("NOOP").starts_with("-ERR"));
    assert!(pop.ask("QUIT").starts_with("+OK"));
}

fn after(prefix: &[&str], words: &'static str, imap: bool) {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    deliver(&server, &["ann"], MESSAGE);
    let mut runner = TestRunner::new(Cases::with_cases(200));
    let lines = proptest::collection::vec(words, 1..6);
    runner
        .run(&lines, |lines| {
            let address = if imap {
                server.addresses().imap
            } else {
                server.addresses().pop3
            };
            let mut client = Client::connect(address);
            for line in prefix
                .iter()
                .copied()
                .chain(lines.iter().map(String::as_str))
            {
                client.send(line);
                client.send("\r\n");
            }
            client.hang_up();
            client.at_end();
            Ok(())
        })
        .unwrap();
    let mut next = Client::imap_as_ann(&server);
    next.ok("SELECT INBOX");
    next.ok("NOOP");
    assert!(Client::pop3(&server).ask("QUIT").starts_with("+OK"));
}

#[test]
fn random_imap_lines_end_at_most_their_own_session() {
    after(
        &["a LOGIN ann a", "b SELECT INBOX"],
        "([a-z]{1,3} )?(UID )?(FETCH|STORE|SEARCH|COPY|MOVE|APPEND|LIST|STATUS|IDLE|DONE|EXPUNGE|CREATE|RENAME|CLOSE)?[ ()\\[\\]<>{}+*:,.\"A-Za-z0-9\\\\-]{0,40}",
        true,
    );
}

#[test]
fn fetches_of_any_section_end_at_most_their_own_session() {
    after(
        &["a LOGIN ann a", "b SELECT INBOX"],
        "c FETCH [0-9*:,]{1,4} (BODY(\\.PEEK)?\\[([0-9.]{0,5}(HEADER|TEXT|MIME|HEADER\\.FIELDS \\(A B\\))?)\\](<[0-9]{1,10}\\.[0-9]{1,10}>)?|ENVELOPE|BODYSTRUCTURE|FULL|\\(UID MODSEQ\\))",
        true,
    );
}

#[test]
fn random_pop_lines_end_at_most_their_own_session() {
    after(
        &["USER ann", "PASS a"],
        "(STAT|LIST|UIDL|RETR|TOP|DELE|RSET|AUTH|APOP|CAPA|NOOP|USER|PASS)?[ 0-9A-Za-z=+.-]{0,20}",
        false,
    );
}

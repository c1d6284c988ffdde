//! The embedded server as its clients see it, in this process and with the simplest of clients: lines sent and
//! lines read.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use mailgauge::mailserver::{Accounts, Config, Faults, Running, Server, Stats};

const MESSAGE: &str = "From: a@example.org\r\nSubject: hello\r\n\r\nfirst line\r\nsecond line\r\n";

fn accounts() -> Accounts {
    let mut accounts = Accounts::default();
    accounts.add("ann", "a").unwrap();
    accounts.add("bob", "b").unwrap();
    accounts
}

fn start(directory: &Path) -> Running {
    Server::start(Config::new(directory, accounts())).unwrap()
}

/// A client that counts what it sends and receives.
struct Client {
    reader: BufReader<TcpStream>,
    sent: u64,
    received: u64,
    tags: u32,
}

impl Client {
    fn connect(address: Option<SocketAddr>) -> Self {
        let stream = TcpStream::connect(address.unwrap()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Self {
            reader: BufReader::new(stream),
            sent: 0,
            received: 0,
            tags: 0,
        }
    }

    fn pop3(server: &Running) -> Self {
        let mut client = Self::connect(server.addresses().pop3);
        assert!(client.read().starts_with("+OK"));
        client
    }

    fn pop3_as_ann(server: &Running) -> Self {
        let mut client = Self::pop3(server);
        assert!(client.ask("USER ann").starts_with("+OK"));
        assert!(client.ask("PASS a").starts_with("+OK"));
        client
    }

    fn imap(server: &Running) -> Self {
        let mut client = Self::connect(server.addresses().imap);
        assert!(client.read().starts_with("* OK"));
        client
    }

    fn imap_as_ann(server: &Running) -> Self {
        let mut client = Self::imap(server);
        client.ok("LOGIN ann a");
        client
    }

    fn send(&mut self, text: &str) {
        self.reader.get_mut().write_all(text.as_bytes()).unwrap();
        self.sent += text.len() as u64;
    }

    fn read(&mut self) -> String {
        let mut line = String::new();
        let octets = self.reader.read_line(&mut line).unwrap();
        assert!(octets > 0, "the server closed the connection");
        self.received += octets as u64;
        line.trim_end_matches("\r\n").to_owned()
    }

    fn ask(&mut self, line: &str) -> String {
        self.send(&format!("{line}\r\n"));
        self.read()
    }

    /// The lines of a multi-line reply of POP3, without the status line.
    fn list(&mut self, line: &str) -> Vec<String> {
        let status = self.ask(line);
        assert!(status.starts_with("+OK"), "{line}: {status}");
        let mut lines = Vec::new();
        loop {
            match self.read().as_str() {
                "." => return lines,
                line => lines.push(line.to_owned()),
            }
        }
    }

    /// An IMAP command: its untagged lines and its tagged one without the tag.
    fn command(&mut self, line: &str) -> (Vec<String>, String) {
        self.tags += 1;
        let tag = format!("t{}", self.tags);
        self.send(&format!("{tag} {line}\r\n"));
        self.until(&tag)
    }

    fn until(&mut self, tag: &str) -> (Vec<String>, String) {
        let mut untagged = Vec::new();
        loop {
            let line = self.read();
            if let Some(answer) = line.strip_prefix(&format!("{tag} ")) {
                return (untagged, answer.to_owned());
            }
            untagged.push(line);
        }
    }

    /// An IMAP command that must succeed.
    fn ok(&mut self, line: &str) -> Vec<String> {
        let (untagged, answer) = self.command(line);
        assert!(answer.starts_with("OK"), "{line}: {answer}");
        untagged
    }

    fn answer(&mut self, line: &str) -> String {
        self.command(line).1
    }

    fn append(&mut self, mailbox: &str, message: &str) -> String {
        self.tags += 1;
        let tag = format!("t{}", self.tags);
        self.send(&format!(
            "{tag} APPEND {mailbox} {{{}+}}\r\n{message}\r\n",
            message.len()
        ));
        self.until(&tag).1
    }

    /// Nothing more will be sent.
    fn hang_up(&mut self) {
        self.reader
            .get_mut()
            .shutdown(std::net::Shutdown::Write)
            .unwrap();
    }

    fn at_end(&mut self) {
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest).unwrap();
        self.received += rest.len() as u64;
    }
}

fn deliver(server: &Running, recipients: &[&str], message: &str) -> Client {
    let mut client = Client::connect(server.addresses().lmtp);
    assert!(client.read().starts_with("220"));
    client.send("LHLO test\r\n");
    while !client.read().starts_with("250 ") {}
    assert!(client.ask("MAIL FROM:<x@example.org>").starts_with("250"));
    for recipient in recipients {
        assert!(
            client
                .ask(&format!("RCPT TO:<{recipient}@localhost>"))
                .starts_with("250")
        );
    }
    assert!(client.ask("DATA").starts_with("354"));
    client.send(message);
    client.send(".\r\n");
    for _ in recipients {
        assert!(client.read().starts_with("250"));
    }
    assert!(client.ask("QUIT").starts_with("221"));
    client.at_end();
    client
}

fn code<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let start = text.find(&format!("[{name} ")).unwrap() + name.len() + 2;
    text[start..]
        .split(']')
        .next()
        .unwrap()
        .split(' ')
        .collect()
}

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

#[test]
fn what_was_expunged_is_remembered_over_a_restart_and_told_to_those_who_were_away() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let mut imap = Client::imap_as_ann(&server);
    for _ in 0..5 {
        imap.append("INBOX", MESSAGE);
    }
    let selected = imap.ok("SELECT INBOX");
    let number = |code: &str| -> u64 {
        let found = selected.iter().find_map(|line| line.split(code).nth(1));
        found.unwrap().split(']').next().unwrap().parse().unwrap()
    };
    let (validity, before) = (number("[UIDVALIDITY "), number("[HIGHESTMODSEQ "));
    let (_, refused) = imap.command(&format!("SELECT INBOX (QRESYNC ({validity} {before}))"));
    assert!(refused.starts_with("BAD"), "not enabled: {refused}");
    imap.ok("SELECT INBOX");
    let enabled = imap.ok("ENABLE QRESYNC");
    assert!(
        enabled[0].starts_with("* OK [HIGHESTMODSEQ "),
        "{enabled:?}"
    );
    assert_eq!(enabled[1], "* ENABLED QRESYNC");

    imap.ok("STORE 2:4 +FLAGS.SILENT (\\Deleted)");
    let (gone, answer) = imap.command("UID EXPUNGE 2,4");
    assert_eq!(gone, ["* VANISHED 2,4"]);
    assert!(answer.starts_with("OK [HIGHESTMODSEQ "), "{answer}");
    let (gone, _) = imap.command("EXPUNGE");
    assert_eq!(gone, ["* VANISHED 3"]);
    let asked = format!("(CHANGEDSINCE {before} VANISHED)");
    let told = imap.ok(&format!("UID FETCH 1:3 (FLAGS) {asked}"));
    assert_eq!(told, ["* VANISHED (EARLIER) 2:3"]);
    for bad in [
        format!("FETCH 1 (FLAGS) {asked}"),
        "UID FETCH 1 (FLAGS) (VANISHED)".to_owned(),
    ] {
        assert!(imap.command(&bad).1.starts_with("BAD"), "{bad}");
    }
    server.stop().unwrap();

    let server = start(directory.path());
    let mut imap = Client::imap_as_ann(&server);
    imap.ok("ENABLE QRESYNC CONDSTORE");
    let told = |lines: &[String]| -> Vec<String> {
        let about = |line: &&String| line.contains("VANISHED") || line.contains("FETCH");
        lines.iter().filter(about).cloned().collect()
    };
    let lines = imap.ok(&format!("SELECT INBOX (QRESYNC ({validity} {before}))"));
    assert_eq!(told(&lines), ["* VANISHED (EARLIER) 2:4"]);
    imap.ok("UID STORE 5 +FLAGS.SILENT (\\Seen)");
    let lines = imap.ok(&format!(
        "SELECT INBOX (QRESYNC ({validity} {before} 3:9 (1 1)))"
    ));
    assert_eq!(lines[0], "* OK [CLOSED] The mailbox before is closed");
    let lines = told(&lines);
    assert_eq!(lines[0], "* VANISHED (EARLIER) 3:4");
    assert!(
        lines[1].starts_with("* 2 FETCH (UID 5 FLAGS (\\Seen) MODSEQ ("),
        "{lines:?}"
    );
    let lines = imap.ok(&format!(
        "SELECT INBOX (QRESYNC ({} {before}))",
        validity + 1
    ));
    assert_eq!(told(&lines), [""; 0], "other UIDs, other messages");
}

#[test]
fn who_was_away_for_too_long_hears_of_every_uid_that_is_not_there() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let mut imap = Client::imap_as_ann(&server);
    for _ in 0..4 {
        imap.append("INBOX", MESSAGE);
    }
    imap.ok("SELECT INBOX");
    imap.ok("STORE 1,3 +FLAGS.SILENT (\\Deleted)");
    imap.ok("CLOSE");
    server.stop().unwrap();
    // As if it had been written anew before removals were kept.
    let index = directory.path().join("mail/ann/Maildir/mailgauge.index");
    let text = std::fs::read_to_string(&index).unwrap();
    let dead = ["-", "n", "+ 1 ", "+ 3 "];
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| !dead.iter().any(|start| line.starts_with(start)))
        .collect();
    std::fs::write(&index, kept.join("\n") + "\nn 5 99\n").unwrap();

    let server = start(directory.path());
    let mut imap = Client::imap_as_ann(&server);
    imap.ok("ENABLE QRESYNC");
    imap.ok("SELECT INBOX");
    let told = imap.ok("UID FETCH 1:* (UID) (CHANGEDSINCE 2 VANISHED)");
    assert_eq!(told[0], "* VANISHED (EARLIER) 1,3");
    let told = imap.ok("UID FETCH 1:* (UID) (CHANGEDSINCE 99 VANISHED)");
    assert_eq!(told, [""; 0]);
}

#[test]
fn a_server_without_an_extension_knows_nothing_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = Config::new(directory.path(), accounts());
    config.faults.without = ["condstore", "move", "compress", "literal+"]
        .map(|name| name.parse().unwrap())
        .to_vec();
    let server = Server::start(config).unwrap();
    let mut imap = Client::imap_as_ann(&server);
    let offered = imap.ok("CAPABILITY")[0].clone();
    for name in ["CONDSTORE", "QRESYNC", "MOVE", "COMPRESS", "LITERAL+"] {
        assert!(!offered.contains(name), "{offered}");
    }
    assert_eq!(imap.ok("ENABLE CONDSTORE QRESYNC"), ["* ENABLED"]);
    let selected = imap.ok("SELECT INBOX");
    assert!(!selected.iter().any(|line| line.contains("HIGHESTMODSEQ")));
    for command in [
        "SELECT INBOX (CONDSTORE)",
        "UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1)",
        "FETCH 1:* (MODSEQ)",
        "UID STORE 1:* (UNCHANGEDSINCE 1) +FLAGS (\\Seen)",
        "STATUS INBOX (HIGHESTMODSEQ)",
        "MOVE 1 Trash",
        "COMPRESS DEFLATE",
        "CREATE {3+}\r\nnew",
    ] {
        let (_, answer) = imap.command(command);
        assert!(answer.starts_with("BAD"), "{command}: {answer}");
    }
}

#[test]
fn a_synchronising_literal_waits_and_one_that_is_too_large_is_refused_before_it_comes() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = Config::new(directory.path(), accounts());
    config.limits.message = 1000;
    let server = Server::start(config).unwrap();
    let mut imap = Client::imap(&server);
    assert!(imap.ask("a LOGIN {3}").starts_with("+ "));
    assert!(imap.ask("ann {1}").starts_with("+ "));
    assert!(imap.ask("a").starts_with("a OK"));
    assert!(
        imap.ask("b APPEND INBOX {1001}")
            .starts_with("b NO [TOOBIG]")
    );
    assert!(
        imap.ask("c APPEND Nowhere {10}")
            .starts_with("c NO [TRYCREATE]")
    );
    let long = "x".repeat(1001);
    imap.send(&format!("d APPEND INBOX {{1001+}}\r\n{long}\r\n"));
    assert!(imap.read().starts_with("d NO [TOOBIG]"));
    assert!(imap.ask("e CREATE {9999}").starts_with("e BAD"));
    assert!(imap.ask("f NOOP").starts_with("f OK"));
    let mut lmtp = Client::connect(server.addresses().lmtp);
    lmtp.read();
    lmtp.send("LHLO x\r\n");
    while !lmtp.read().starts_with("250 ") {}
    assert!(lmtp.ask("MAIL FROM:<> SIZE=1001").starts_with("552 5.3.4"));
    lmtp.ask("MAIL FROM:<>");
    lmtp.ask("RCPT TO:<ann>");
    lmtp.ask("RCPT TO:<bob>");
    lmtp.ask("DATA");
    lmtp.send(&format!("{long}\r\n.\r\n"));
    assert!(lmtp.read().starts_with("552 5.3.4"));
    assert!(lmtp.read().starts_with("552 5.3.4"));
    assert!(lmtp.ask("NOOP").starts_with("250"));
}

#[test]
fn lmtp_answers_for_each_recipient_and_knows_who_is_not_here() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let mut lmtp = Client::connect(server.addresses().lmtp);
    lmtp.read();
    assert!(lmtp.ask("MAIL FROM:<>").starts_with("503"));
    lmtp.send("LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ann@x>\r\nRCPT TO:<eve@x>\r\nRCPT TO:<bob@x>\r\nDATA\r\n");
    let mut replies = Vec::new();
    while replies
        .last()
        .is_none_or(|reply: &String| !reply.starts_with("354"))
    {
        replies.push(lmtp.read());
    }
    assert_eq!(
        replies
            .iter()
            .filter(|reply| reply.starts_with("550 5.1.1"))
            .count(),
        1
    );
    lmtp.send("Subject: x\r\n\r\n..\r\n.\r\n");
    assert!(lmtp.read().starts_with("250"));
    assert!(lmtp.read().starts_with("250"));
    assert!(lmtp.ask("DATA").starts_with("503"));
    drop(lmtp);
    let stats = server.stop().unwrap();
    assert_eq!(
        (stats.delivered.messages, stats.delivered.octets),
        (2, 2 * 17)
    );
    assert_eq!(stats.stored, stats.delivered);
}

#[test]
fn the_server_counts_what_its_clients_count_to_the_octet() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let lmtp = deliver(&server, &["ann", "bob"], MESSAGE);
    let mut pop = Client::pop3_as_ann(&server);
    pop.list("CAPA");
    pop.list("RETR 1");
    pop.ask("DELE 1");
    pop.ask("QUIT");
    pop.at_end();
    let mut imap = Client::imap(&server);
    imap.ok("LOGIN bob b");
    imap.ok("SELECT INBOX");
    imap.ok("FETCH 1 (BODY.PEEK[])");
    imap.ok("LOGOUT");
    imap.at_end();
    let stats = server.stop().unwrap();
    for (counted, client) in [(stats.lmtp, &lmtp), (stats.pop3, &pop), (stats.imap, &imap)] {
        assert_eq!(counted.connections, 1);
        assert_eq!(
            (counted.rx_bytes, counted.wire_rx_bytes),
            (client.sent, client.sent)
        );
        assert_eq!(
            (counted.tx_bytes, counted.wire_tx_bytes),
            (client.received, client.received)
        );
    }
    assert_eq!(
        stats.delivered.messages,
        stats.stored.messages + stats.deleted.messages
    );
    assert_eq!(
        stats.delivered.octets,
        stats.stored.octets + stats.deleted.octets
    );
}

#[test]
fn a_large_message_passes_through_unchanged() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let line = format!(".{}\r\n", "0123456789".repeat(7));
    let body = line.repeat(60_000);
    let message = format!("Subject: large\r\n\r\n{body}");
    let stuffed = format!(
        "Subject: large\r\n\r\n{}",
        body.replace("\r\n.", "\r\n..").replacen('.', "..", 1)
    );
    deliver(&server, &["ann"], &stuffed);
    let mut pop = Client::pop3_as_ann(&server);
    let lines = pop.list("RETR 1");
    assert_eq!(lines.len(), 60_002);
    assert!(
        lines[2..]
            .iter()
            .all(|got| *got == format!(".{}", line.trim_end()))
    );
    let mut imap = Client::imap_as_ann(&server);
    imap.ok("SELECT INBOX");
    imap.send("f FETCH 1 BODY.PEEK[]\r\n");
    assert_eq!(
        imap.read(),
        format!("* 1 FETCH (BODY[] {{{}}}", message.len())
    );
    let mut got = vec![0; message.len()];
    imap.reader.read_exact(&mut got).unwrap();
    assert!(got == message.as_bytes());
    assert_eq!(imap.read(), ")");
}

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

mod nonsense {
    //! Whatever a client sends, the next one is served.

    use proptest::test_runner::{Config as Cases, TestRunner};

    use super::{Client, MESSAGE, deliver, start};

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
}

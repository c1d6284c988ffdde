//! Mod-sequences, and what is told to those who were away.

use mailgauge::mailserver::{Config, Server};

use super::{Client, MESSAGE, accounts, start};

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

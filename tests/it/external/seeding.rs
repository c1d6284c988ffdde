//! Putting a scenario's mail into mailboxes and taking it out again, by hand.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Mail, Server, run};
use crate::support::mailgauge;

const USERS: u32 = 6;

fn command(name: &str, server: &Server, more: &[&str]) -> Command {
    let mut command = mailgauge();
    command.arg(name).arg(server.path("somebody.toml"));
    command.args(more);
    command
}

fn seed(server: &Server, more: &[&str]) -> String {
    let mut seed = command("seed", server, &["quick", "--users", "6"]);
    let (code, said) = run(seed.args(more));
    assert_eq!(code, Some(0), "{said}");
    said
}

fn clean(server: &Server, more: &[&str]) -> String {
    let (code, said) = run(&mut command("clean", server, more));
    assert_eq!(code, Some(0), "{said}");
    said
}

fn assert_once_each(mail: &Mail, count: usize) {
    assert_eq!(mail.marked.len(), count);
    assert!(mail.marked.values().all(|&times| times == 1));
}

#[test]
fn mail_is_put_there_once_however_often_it_is_asked_for() {
    let server = Server::start(USERS, &[]);
    server.target("");
    let said = seed(&server, &[]);
    let first = server.mail();
    let count = first.marked.len();
    assert!(count > 10, "{said}");
    assert!(said.contains(&format!("{count} messages (")), "{said}");
    assert_once_each(&first, count);
    let said = seed(&server, &[]);
    assert!(
        said.contains(&format!("{count} were there already")),
        "{said}"
    );
    assert_eq!(server.mail(), first);
}

#[test]
fn what_was_read_is_marked_as_read_whichever_way_it_came() {
    let seen = |server: &Server| {
        let mut seen = 0;
        for user in 0..USERS {
            let address = server.addresses.imap.unwrap();
            let mut imap =
                super::Imap::log_in(address, &format!("u{user}"), &format!("hush-hush-{user}"));
            imap.command("EXAMINE INBOX");
            let found = imap.command("SEARCH SEEN");
            let line = found.lines().next().unwrap();
            seen += line.split_ascii_whitespace().skip(2).count();
        }
        seen
    };
    let by_lmtp = Server::start(USERS, &[]);
    by_lmtp.target("");
    seed(&by_lmtp, &[]);
    let by_append = Server::start(USERS, &[]);
    let (pop3, imap) = (by_append.addresses.pop3, by_append.addresses.imap);
    by_append.target_of(&format!(
        "host = \"127.0.0.1\"\npop3.port = {}\nimap.port = {}\n",
        pop3.unwrap().port(),
        imap.unwrap().port()
    ));
    seed(&by_append, &[]);
    assert!(seen(&by_lmtp) > 0);
    assert_eq!(seen(&by_lmtp), seen(&by_append));
    assert_eq!(by_lmtp.mail().marked, by_append.mail().marked);
}

#[test]
fn what_was_filed_lies_in_folders_and_is_not_put_there_again() {
    let server = Server::start(USERS, &[]);
    server.target("");
    let filed = [
        "--set",
        "mailbox.messages={constant=40}",
        "--set",
        "mailbox.folders=2",
        "--set",
        "mailbox.filed=0.5",
    ];
    seed(&server, &filed);
    let in_inbox = || {
        let exists = |user: u32| {
            let address = server.addresses.imap.unwrap();
            let (name, password) = (format!("u{user}"), format!("hush-hush-{user}"));
            let mut imap = super::Imap::log_in(address, &name, &password);
            let opened = imap.command("EXAMINE INBOX");
            let line = opened.lines().find(|line| line.ends_with(" EXISTS"));
            let count = line.and_then(|line| line.split(' ').nth(1)).unwrap();
            count.parse::<usize>().unwrap()
        };
        (0..USERS).map(exists).sum::<usize>()
    };
    // About 80 % were read, half of these filed.
    let left = in_inbox();
    assert!((100..200).contains(&left), "{left} of 240 are in INBOX");
    assert_once_each(&server.mail(), 240);
    let said = seed(&server, &filed);
    assert!(said.contains("240 were there already"), "{said}");
    assert_eq!(in_inbox(), left);
    assert_once_each(&server.mail(), 240);
    clean(&server, &[]);
    assert!(server.mail().marked.is_empty());
}

#[test]
fn a_seeding_that_was_killed_goes_on_where_it_was() {
    let server = Server::start(USERS, &[]);
    server.target("");
    let many = [
        "quick",
        "--users",
        "6",
        "--set",
        "mailbox.messages={constant=150}",
    ];
    let mut child = command("seed", &server, &many)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while server.mail().marked.len() < 20 && begun.elapsed() < Duration::from_secs(30) {
        sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let part = server.mail().marked.len();
    assert!(part >= 20);
    let (code, said) = run(&mut command("seed", &server, &many));
    assert_eq!(code, Some(0), "{said}");
    assert_once_each(&server.mail(), 900);
}

#[test]
fn cleaning_takes_out_what_is_marked_and_leaves_the_rest() {
    let server = Server::start(USERS, &[]);
    server.target("disposable = [\"u{0..5}\"]\n");
    server.deliver_foreign("u0", "a letter");
    server.deliver_foreign("u0", "a letter");
    server.deliver_foreign("u5", "another one");
    let before = server.mail();
    assert_eq!(before.foreign.values().sum::<usize>(), 3);
    seed(&server, &[]);
    let count = server.mail().marked.len();

    let said = clean(&server, &["--dry-run"]);
    assert!(
        said.contains(&format!("{count} messages by mailgauge")),
        "{said}"
    );
    assert!(said.contains("3 messages of others"), "{said}");
    assert_eq!(server.mail().marked.len(), count);

    let said = clean(&server, &[]);
    assert!(
        said.contains(&format!("{count} messages taken out")),
        "{said}"
    );
    server.mail().assert_only_foreign_as_in(&before);
    let said = clean(&server, &[]);
    assert!(said.contains("0 messages taken out"), "{said}");
}

#[test]
fn a_cleaning_that_was_killed_goes_on_where_it_was() {
    let server = Server::start(USERS, &[]);
    server.target("disposable = [\"u0\"]\n");
    server.deliver_foreign("u0", "a letter");
    let before = server.mail();
    seed(&server, &["--set", "mailbox.messages={constant=100}"]);
    let mut child = command("clean", &server, &[])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while server.mail().marked.len() > 550 && begun.elapsed() < Duration::from_secs(30) {
        sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    clean(&server, &[]);
    server.mail().assert_only_foreign_as_in(&before);
}

#[test]
fn folders_other_than_inbox_are_cleaned_too() {
    let server = Server::start(USERS, &[]);
    server.target("");
    let mut imap = super::Imap::log_in(server.addresses.imap.unwrap(), "u2", "hush-hush-2");
    let message = "X-Mailgauge-Id: 0123abcd-2-7-reply\r\nSubject: an answer\r\n\r\nYes.\r\n";
    imap.append("Sent", "\\Seen", message);
    imap.append("Sent", "\\Seen", "Subject: my own\r\n\r\nNo.\r\n");
    drop(imap);
    let said = clean(&server, &[]);
    assert!(said.contains("1 message taken out"), "{said}");
    let left = server.mail();
    assert!(left.marked.is_empty());
    assert_eq!(left.foreign.values().sum::<usize>(), 1);
}

#[test]
fn without_uidplus_mail_that_others_have_marked_as_deleted_stays() {
    let server = Server::start(USERS, &["--without", "uidplus"]);
    server.target("disposable = [\"u1\"]\n");
    seed(&server, &[]);
    server.deliver_foreign("u1", "to be deleted later");
    let mut imap = super::Imap::log_in(server.addresses.imap.unwrap(), "u1", "hush-hush-1");
    imap.command("SELECT INBOX");
    imap.command("STORE * +FLAGS (\\Deleted)");
    drop(imap);
    clean(&server, &[]);
    let left = server.mail();
    assert!(left.marked.is_empty(), "{:?}", left.marked);
    assert_eq!(left.foreign.values().sum::<usize>(), 1);
}

#[test]
fn a_server_without_top_uidl_or_imap_can_be_cleaned() {
    let server = Server::start(USERS, &["--without", "top,uidl"]);
    server.target("");
    seed(&server, &[]);
    server.deliver_foreign("u4", "a letter");
    server.target("imap.offered = false");
    let said = clean(&server, &["--dry-run"]);
    assert!(
        said.contains("1 message of others") || said.contains("1 messages"),
        "{said}"
    );
    clean(&server, &[]);
    let left = server.mail();
    assert!(left.marked.is_empty(), "{:?}", left.marked);
    assert_eq!(left.foreign.values().sum::<usize>(), 1);
}

#[test]
fn a_private_server_is_neither_seeded_nor_cleaned() {
    for name in ["seed", "clean"] {
        let (code, said) = run(mailgauge().args([name, "embedded"]));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("started afresh"), "{said}");
    }
}

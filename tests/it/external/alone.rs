//! Whole runs against a server that is already there: they measure, they clean up after themselves, and not a byte of
//! anybody's mail is changed.

use std::fs;
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{Mail, Server, assert_no_password_in, run, target_option};
use crate::compare::{
    Run, assert_finished, assert_only_imap_shares, assert_sums_hold, finish, measured, signal,
};

mod elsewhere;
mod replies;

#[test]
fn a_server_that_was_there_before_fills_all_rows_but_that_of_its_resources() {
    let server = Server::start(5, &[]);
    let target = server.target("");
    let compare = Run::new();
    // Said at the top of its voice, for no password may be among all that.
    let (code, said) = run(compare.command(&target_option(&target)).arg("-vvv"));
    assert_finished(code, &said);
    let measured = measured(&compare);
    for row in 1..=8 {
        for arm in ["pop3", "imap"] {
            let of_the_servers_process = row == 5;
            assert_eq!(
                measured[&(row, arm.to_owned())],
                !of_the_servers_process,
                "row {row} {arm}"
            );
        }
    }
    let results = compare.read();
    assert_sums_hold(&results);
    assert_only_imap_shares(&results);
    assert_eq!(results.manifest.target.name, "somebody");
    assert_no_password_in(&compare.out());
    compare.assert_clean();
    assert_eq!(server.mail(), Mail::default());
}

#[test]
fn with_its_process_named_its_resources_are_measured_too() {
    let server = Server::start(4, &[]);
    let more = format!(
        "server.pid = {}\nserver.storage = \"{}\"",
        server.pid(),
        server.path("server").join("mail").display()
    );
    let target = server.target(&more);
    let compare = Run::new();
    let (code, said) = run(&mut compare.command(&target_option(&target)));
    assert_finished(code, &said);
    crate::compare::assert_all_rows_filled(&compare);
}

#[test]
fn an_agent_tells_of_a_server_that_only_it_can_see() {
    let server = Server::start(4, &[]);
    let port = |address: Option<SocketAddr>| address.unwrap().port();
    let more = format!(
        "server.agent = [\"{}\", \"probe\", \"--agent\", \"--pid\", \"{}\", \"--imap-ports\", \"{}\"]",
        env!("CARGO_BIN_EXE_mailgauge"),
        server.pid(),
        port(server.addresses.imap),
    );
    let target = server.target(&more);
    let compare = Run::new();
    let (code, said) = run(&mut compare.command(&target_option(&target)));
    assert_finished(code, &said);
    let samples = compare.read().server().unwrap();
    assert!(!samples.is_empty());
    assert!(samples.iter().all(|row| row.source == "agent/process-tree"));
    assert!(samples.iter().any(|row| row.imap_connections > 0));
    assert!(samples.iter().all(|row| row.rss_bytes > Some(0)));
    // What an agent was not told of, it does not tell.
    assert!(samples.iter().all(|row| row.storage_files.is_none()));
}

#[test]
fn mail_can_be_appended_and_tls_be_had_in_two_ways_at_once() {
    let server = Server::start(4, &["--self-signed", "--pop3s", "--imaps"]);
    let port = |address: Option<SocketAddr>| address.unwrap().port();
    let target = server.target_of(&format!(
        "host = \"localhost\"\n[pop3]\nport = {}\ntls = \"implicit\"\n[imap]\nport = {}\ntls = \"starttls\"\n[tls]\nca = \"{}\"\n",
        port(server.addresses.pop3s),
        port(server.addresses.imap),
        server.addresses.ca.as_ref().unwrap().display(),
    ));
    let compare = Run::new();
    let (code, said) = run(&mut compare.command(&target_option(&target)));
    assert_finished(code, &said);
    let results = compare.read();
    assert_sums_hold(&results);
    let facts = &results.manifest.target.facts;
    assert_eq!(facts["TLS of POP3"], "implicit");
    assert_eq!(facts["TLS of IMAP"], "starttls");
    assert!(facts["delivery"].contains("APPEND"));
    let sessions = results.sessions().unwrap();
    assert!(sessions.iter().all(|session| session.tls_us.is_some()));
    assert_eq!(server.mail(), Mail::default());
}

#[test]
fn a_server_with_pop3_alone_is_filled_measured_and_cleared() {
    let server = Server::start(4, &[]);
    let target = server.target("imap.offered = false");
    let compare = Run::new();
    let mut command = compare.command(&target_option(&target));
    let (code, said) = run(command.args(["--arms", "pop3"]));
    assert_finished(code, &said);
    assert_sums_hold(&compare.read());
    assert!(!compare.read().sessions().unwrap().is_empty());
    assert_eq!(server.mail(), Mail::default());
}

#[test]
fn certificates_that_were_not_verified_are_stated() {
    let server = Server::start(4, &["--self-signed", "--pop3s", "--imaps"]);
    let port = |address: Option<SocketAddr>| address.unwrap().port();
    let target = server.target_of(&format!(
        "host = \"127.0.0.1\"\n[pop3]\nport = {}\ntls = \"implicit\"\n[imap]\nport = {}\ntls = \"implicit\"\n",
        port(server.addresses.pop3s),
        port(server.addresses.imaps),
    ));
    let compare = Run::new();
    let mut command = compare.command(&target_option(&target));
    let (code, said) = run(command.arg("--insecure"));
    assert_finished(code, &said);
    let facts = compare.read().manifest.target.facts;
    assert!(facts["certificates"].contains("not verified"), "{facts:?}");
    let report = fs::read_to_string(compare.out().join("report.md")).unwrap();
    assert!(report.contains("not verified (--insecure)"), "{report}");
}

#[test]
fn an_interrupted_run_takes_its_mail_away() {
    let server = Server::start(4, &[]);
    let target = server.target("");
    let compare = Run::new();
    let mut more = target_option(&target).to_vec();
    more.extend(["--duration", "30s", "--arms", "imap"]);
    let child = compare.start(&more);
    compare.wait_for_measuring();
    assert!(!server.mail().marked.is_empty());
    signal(&child, Signal::INT);
    let (code, said) = finish(child);
    assert_eq!(code, Some(130), "{said}");
    assert_eq!(server.mail(), Mail::default());
}

#[test]
fn a_load_that_meets_mostly_errors_ends_by_itself() {
    let server = Server::start(4, &[]);
    let target = server.target("limits.max_error_share = 0.05");
    let compare = Run::new();
    let mut more = target_option(&target).to_vec();
    // A second session that holds the maildrop: POP3 refuses each login then.
    more.extend([
        "--duration",
        "60s",
        "--arms",
        "pop3",
        "--set",
        "limits.command=2s",
    ]);
    let child = compare.start(&more);
    compare.wait_for_measuring();
    let mut holders = Vec::new();
    for user in 0..4 {
        holders.push(hold_maildrop(server.addresses.pop3.unwrap(), user));
    }
    let (code, said) = finish(child);
    drop(holders);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the load was stopped"), "{said}");
    assert!(said.contains("max_error_share"), "{said}");
    assert!(!compare.read().sessions().unwrap().is_empty());
}

/// Logs in until it is let in, and stays.
fn hold_maildrop(address: SocketAddr, user: u32) -> std::net::TcpStream {
    use std::io::{BufRead as _, BufReader, Write as _};

    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(30) {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let login = format!("USER u{user}\r\nPASS hush-hush-{user}\r\n");
        stream.write_all(login.as_bytes()).unwrap();
        let mut words = String::new();
        for _ in 0..3 {
            words.clear();
            reader.read_line(&mut words).unwrap();
        }
        if words.starts_with("+OK") {
            return stream;
        }
        sleep(Duration::from_millis(20));
    }
    panic!("the maildrop of u{user} was never free");
}

//! `mailgauge serve` as a process: what it prints, what it leaves, how it ends.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use mailgauge::mailserver::{Addresses, Stats};

struct Serve {
    child: Child,
    addresses: Addresses,
}

fn command(directory: &Path, options: &[&str]) -> Command {
    let accounts = directory.join("accounts");
    fs::write(&accounts, "ann:a\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailgauge"));
    command
        .arg("serve")
        .arg("--dir")
        .arg(directory)
        .arg("--accounts")
        .arg(accounts)
        .args(options)
        .stdout(Stdio::piped());
    command
}

fn serve(directory: &Path, options: &[&str]) -> Serve {
    let mut child = command(directory, options).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    Serve {
        child,
        addresses: serde_json::from_str(&line).unwrap(),
    }
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, signal).unwrap();
}

#[test]
fn it_prints_its_ports_and_leaves_its_figures_when_it_is_asked_to_stop() {
    let directory = tempfile::tempdir().unwrap();
    let mut serve = serve(directory.path(), &["--self-signed", "--pop3s", "--imaps"]);
    assert!(serve.addresses.pop3s.is_some() && serve.addresses.imaps.is_some());
    let ca = serve.addresses.ca.clone().unwrap();
    assert!(
        fs::read_to_string(ca)
            .unwrap()
            .starts_with("-----BEGIN CERTIFICATE")
    );
    let mut pop = TcpStream::connect(serve.addresses.pop3.unwrap()).unwrap();
    pop.write_all(b"QUIT\r\n").unwrap();
    let mut said = Vec::new();
    pop.read_to_end(&mut said).unwrap();
    signal(&serve.child, rustix::process::Signal::TERM);
    assert!(serve.child.wait().unwrap().success());
    let stats = fs::read(directory.path().join("stats.json")).unwrap();
    let stats: Stats = serde_json::from_slice(&stats).unwrap();
    assert_eq!(stats.pop3.connections, 1);
    assert_eq!(stats.pop3.rx_bytes, 6);
    assert_eq!(stats.pop3.tx_bytes, said.len() as u64);
}

#[test]
fn an_interrupt_stops_it_as_well() {
    let directory = tempfile::tempdir().unwrap();
    let mut serve = serve(directory.path(), &[]);
    signal(&serve.child, rustix::process::Signal::INT);
    assert!(serve.child.wait().unwrap().success());
    assert!(directory.path().join("stats.json").exists());
}

#[test]
fn it_ends_with_the_process_that_started_it() {
    let directory = tempfile::tempdir().unwrap();
    let serve = command(directory.path(), &["--die-with-parent"]);
    // A shell starts it, prints what it prints, and is killed.
    let mut shell = Command::new("sh")
        .arg("-c")
        .arg("\"$0\" \"$@\" & wait")
        .arg(serve.get_program())
        .args(serve.get_args())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(shell.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let addresses: Addresses = serde_json::from_str(&line).unwrap();
    assert!(TcpStream::connect(addresses.pop3.unwrap()).is_ok());
    shell.kill().unwrap();
    shell.wait().unwrap();
    // Its standard output closes when it ends.
    assert_eq!(out.read_to_end(&mut Vec::new()).unwrap(), 0);
    assert!(TcpStream::connect(addresses.pop3.unwrap()).is_err());
}

#[test]
fn mistakes_on_the_command_line_are_usage_errors() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = directory.path().join("accounts");
    for (text, options, said) in [
        ("ann\n", &[][..], "line 1: write user:password"),
        ("ann:a\n", &["--pop3s"][..], "--self-signed"),
    ] {
        let mut command = command(directory.path(), options);
        fs::write(&accounts, text).unwrap();
        let output = command.stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(said));
    }
}

#[test]
fn without_accounts_a_person_is_told_how_to_log_in() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mailgauge"))
        .arg("serve")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("Ctrl-C") {
        assert!(out.read_line(&mut text).unwrap() > 0);
    }
    assert!(text.contains("user1") && text.contains("IMAP   127.0.0.1:"));
    signal(&child, rustix::process::Signal::INT);
    assert!(child.wait().unwrap().success());
}

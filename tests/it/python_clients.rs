//! Python's own mail clients, poplib and imaplib, and a socket of its own, do everything they offer against the embedded server.

use std::path::Path;
use std::process::Command;

use crate::support::skipped;
use mailgauge::mailserver::{Accounts, Config, Running, Server};

#[test]
fn poplib_can_do_all_it_offers() {
    run("pop3_client.py");
}

#[test]
fn imaplib_can_do_all_it_offers() {
    run("imap_client.py");
}

/// imaplib cannot compress: zlib on a socket can.
#[test]
fn another_zlib_understands_ours() {
    run("imap_compress.py");
}

fn run(script: &str) {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path());
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python");
    let output = Command::new("python3")
        .arg("-B")
        .arg(scripts.join(script))
        .arg(serde_json::to_string(server.addresses()).unwrap())
        .output();
    let output = match output {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            skipped(script, "python3 is not installed");
            return;
        }
        output => output.unwrap(),
    };
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(
        output.status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.contains("checks passed"));
    server.stop().unwrap();
}

fn server(directory: &Path) -> Running {
    let mut accounts = Accounts::default();
    accounts.add("ann", "secret of ann").unwrap();
    accounts.add("bob", "secret of bob").unwrap();
    Server::start(Config::new(directory, accounts).with_tls()).unwrap()
}

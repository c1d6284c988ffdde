//! What is wrong with a server, its accounts or its certificate is told in one sentence, before any load, with exit code 1.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;

use super::{Server, run};
use crate::compare::TINY;
use crate::support::mailgauge;

fn compare(server: &Server, target: &Path, more: &[&str]) -> Command {
    let mut command = mailgauge();
    command
        .args(["compare", "quick"])
        .args(TINY)
        .arg("--target")
        .arg(target)
        .arg("--out")
        .arg(server.path("out"))
        .args(more);
    command
}

/// It ends with 1 and says `words`, in one sentence after "mailgauge:", and nothing was measured.
fn assert_refused(server: &Server, target: &Path, more: &[&str], words: &[&str]) {
    let (code, said) = run(&mut compare(server, target, more));
    assert_eq!(code, Some(1), "{said}");
    for words in words {
        assert!(said.contains(words), "`{words}` is not in: {said}");
    }
    let complaints = said.lines().filter(|it| it.starts_with("mailgauge: "));
    assert_eq!(complaints.count(), 1, "{said}");
    assert!(!server.path("out").exists(), "{said}");
}

#[test]
fn a_wrong_password() {
    let server = Server::start(4, &[]);
    let target = server.target("");
    let accounts = "u0,hush-wrong\nu1,hush-wrong\nu2,hush-wrong\nu3,hush-wrong\n";
    fs::write(server.path("accounts.csv"), accounts).unwrap();
    assert_refused(
        &server,
        &target,
        &[],
        &["`u0`", "name and the password right"],
    );
}

#[test]
fn a_wrong_password_for_delivery() {
    let server = Server::start(4, &[]);
    let port = submission_that_knows_nobody();
    let ports = &server.addresses;
    let target = server.target_of(&format!(
        "host = \"127.0.0.1\"\npop3.port = {}\nimap.port = {}\n[delivery]\nby = \"smtp\"\nport = {port}\nuser = \"load\"\npassword_env = \"SMTP_PASSWORD\"\n",
        ports.pop3.unwrap().port(),
        ports.imap.unwrap().port(),
    ));
    let mut command = compare(&server, &target, &[]);
    let (code, said) = run(command.env("SMTP_PASSWORD", "hush-wrong"));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("mail cannot be delivered"), "{said}");
    assert!(said.contains("535 who is that"), "{said}");
    assert!(!said.contains("hush-wrong"), "{said}");
    assert!(!server.path("out").exists(), "{said}");
}

/// An SMTP server that lets nobody in: its port. It ends with the test's process.
fn submission_that_knows_nobody() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = |mut stream: TcpStream| -> io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        stream.write_all(b"220 submission\r\n")?;
        while let Some(Ok(line)) = lines.next() {
            stream.write_all(match line.split(' ').next().unwrap_or_default() {
                "EHLO" => b"250-submission\r\n250 AUTH PLAIN\r\n",
                "AUTH" => b"535 who is that\r\n",
                _ => b"221 so long\r\n",
            })?;
        }
        Ok(())
    };
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away is no trouble of this server's.
            let _ = serve(stream);
        }
    });
    port
}

#[test]
fn an_account_that_does_not_exist() {
    let server = Server::start(4, &[]);
    let target = server.target("");
    let path = server.path("accounts.csv");
    let accounts = fs::read_to_string(&path).unwrap();
    fs::write(&path, accounts.replace("u2,", "nobody,")).unwrap();
    assert_refused(&server, &target, &[], &["`nobody`"]);
}

#[test]
fn fewer_accounts_than_users() {
    let server = Server::start(3, &[]);
    let target = server.target("");
    assert_refused(&server, &target, &[], &["3 accounts", "--users 3"]);
}

#[test]
fn nobody_listens() {
    let server = Server::start(4, &[]);
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let target = server.target_of(&format!(
        "host = \"127.0.0.1\"\npop3.port = {port}\nimap.port = {port}\n"
    ));
    assert_refused(
        &server,
        &target,
        &[],
        &["nobody listens on 127.0.0.1", "the connection was refused"],
    );
}

#[test]
fn a_host_without_an_address() {
    let server = Server::start(4, &[]);
    let target = server.target_of("host = \"mail.invalid\"\n");
    assert_refused(&server, &target, &[], &["`mail.invalid`", "resolved"]);
}

/// A target file for services within TLS.
fn over_tls(server: &Server, tls: &str, name: &str) -> std::path::PathBuf {
    let port = |address: Option<std::net::SocketAddr>| address.unwrap().port();
    server.target_of(&format!(
        "host = \"127.0.0.1\"\n[pop3]\nport = {}\ntls = \"implicit\"\nserver_name = \"{name}\"\n[imap]\nport = {}\ntls = \"implicit\"\nserver_name = \"{name}\"\n[delivery]\nby = \"lmtp\"\nport = {}\n[tls]\n{tls}\n",
        port(server.addresses.pop3s),
        port(server.addresses.imaps),
        port(server.addresses.lmtp),
    ))
}

const TLS: &[&str] = &["--self-signed", "--pop3s", "--imaps"];

#[test]
fn a_certificate_of_an_unknown_authority() {
    let server = Server::start(4, TLS);
    let target = over_tls(&server, "", "localhost");
    assert_refused(
        &server,
        &target,
        &[],
        &["certificate is signed by nobody we trust"],
    );
}

#[test]
fn a_certificate_for_another_name() {
    let server = Server::start(4, TLS);
    let ca = server.addresses.ca.clone().unwrap();
    let target = over_tls(
        &server,
        &format!("ca = \"{}\"", ca.display()),
        "mail.example.net",
    );
    assert_refused(
        &server,
        &target,
        &[],
        &["`mail.example.net`", "certificate is for another name"],
    );
}

/// The server shows a certificate that it has signed itself, which the target file trusts.
fn assert_self_signed_is_refused(parameters: &rcgen::CertificateParams, words: &str) {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    let (chain, secret) = (folder.path().join("cert.pem"), folder.path().join("key"));
    fs::write(&chain, certificate.pem()).unwrap();
    fs::write(&secret, key.serialize_pem()).unwrap();
    let server = Server::start(
        4,
        &[
            "--tls-cert",
            chain.to_str().unwrap(),
            "--tls-key",
            secret.to_str().unwrap(),
            "--pop3s",
            "--imaps",
        ],
    );
    let ca = format!("ca = \"{}\"", chain.display());
    let target = over_tls(&server, &ca, "localhost");
    assert_refused(&server, &target, &[], &[words]);
}

#[test]
fn a_certificate_that_has_expired() {
    let mut parameters = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap();
    parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2021, 1, 1);
    assert_self_signed_is_refused(&parameters, "certificate has expired");
}

#[test]
fn a_certificate_of_an_authority_in_place_of_a_servers() {
    let mut parameters = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    assert_self_signed_is_refused(&parameters, "make one with CA:FALSE");
}

#[test]
fn a_plain_port_where_tls_was_meant() {
    let server = Server::start(4, &[]);
    let port = |address: Option<std::net::SocketAddr>| address.unwrap().port();
    let target = server.target_of(&format!(
        "host = \"127.0.0.1\"\n[imap]\nport = {}\ntls = \"implicit\"\n[pop3]\noffered = false\n",
        port(server.addresses.imap)
    ));
    assert_refused(
        &server,
        &target,
        &["--arms", "imap"],
        &["did not answer in TLS"],
    );
}

#[test]
fn a_server_that_offers_no_tls() {
    for protocol in ["pop3", "imap"] {
        let server = Server::start(4, &["--self-signed", "--without", "stls"]);
        let target = server.target(&format!("{protocol}.tls = \"starttls\""));
        let arm = ["--arms", protocol];
        assert_refused(&server, &target, &arm, &["does not offer ST"]);
    }
}

#[test]
fn a_server_that_offers_no_uidl() {
    let server = Server::start(4, &["--without", "uidl"]);
    let target = server.target("");
    assert_refused(
        &server,
        &target,
        &["--arms", "pop3"],
        &["UIDL", "--arms imap"],
    );
}

#[test]
fn a_server_that_offers_no_idle() {
    let server = Server::start(4, &["--without", "idle"]);
    let target = server.target("");
    assert_refused(
        &server,
        &target,
        &[
            "--arms",
            "imap",
            "--set",
            "phone.imap.watch.idle.refresh=29m",
        ],
        &["IDLE", "phone.imap.watch.poll=15m"],
    );
}

#[test]
fn a_server_without_imap() {
    let server = Server::start(4, &[]);
    let target = server.target("imap.offered = false");
    assert_refused(&server, &target, &["--arms", "imap"], &["offers no IMAP"]);
}

#[test]
fn a_mailbox_with_foreign_mail() {
    let server = Server::start(4, &[]);
    server.deliver_foreign("u1", "birthday");
    server.deliver_foreign("u1", "birthday again");
    let before = server.mail();
    let target = server.target("");
    assert_refused(
        &server,
        &target,
        &[],
        &["`u1` holds 2 messages", "disposable = [\"u1\"]"],
    );
    server.mail().assert_only_foreign_as_in(&before);
}

#[test]
fn foreign_mail_in_another_folder_than_inbox_counts_too() {
    let server = Server::start(4, &[]);
    let mut imap = super::Imap::log_in(server.addresses.imap.unwrap(), "u3", "hush-hush-3");
    imap.command("CREATE Family");
    imap.append(
        "Family",
        "\\Seen",
        "Subject: pictures\r\n\r\nHere they are.\r\n",
    );
    drop(imap);
    let target = server.target("");
    assert_refused(&server, &target, &[], &["`u3` holds 1 message"]);
}

#[test]
fn more_load_than_the_target_file_allows() {
    let server = Server::start(4, &[]);
    let target = server.target("limits.max_rate = 0.5");
    assert_refused(&server, &target, &[], &["max_rate", "0.5"]);
    let target = server.target("limits.max_connections = 3");
    assert_refused(&server, &target, &[], &["max_connections", "allows 3"]);
}

#[test]
fn a_target_file_with_a_mistake_is_a_matter_of_usage() {
    let server = Server::start(1, &[]);
    let target = server.target("imap.prot = 143");
    let (code, said) = run(&mut compare(&server, &target, &[]));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("somebody.toml:2:6"), "{said}");
    assert!(said.contains("did you mean `port`"), "{said}");
}

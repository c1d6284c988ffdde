//! Whole runs against a server that is already there: they measure, they clean up after themselves, and not a byte of
//! anybody's mail is changed.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use mailgauge::scenario::{Arm, Protocol, TlsMode};
use mailgauge::target::{Instance, Request, Target};
use rustix::process::Signal;
use strum::IntoEnumIterator as _;

use super::{Imap, Mail, Server, assert_no_password_in, deliver_foreign, run};
use crate::compare::{
    Run, assert_finished, assert_only_imap_shares, assert_sums_hold, finish, measured, signal,
};
use crate::support::skipped;

fn target_option(path: &Path) -> [&str; 2] {
    ["--target", path.to_str().unwrap()]
}

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

/// A server with other people's mail on it.
trait Populated {
    fn target(&self) -> PathBuf;
    fn mail(&self) -> Mail;
}

/// Foreign mail in INBOX, in the folder that answers go to, and in one of the user's own; some of it read, flagged, and even
/// marked as deleted by its owner.
fn populate(imap: SocketAddr, lmtp: SocketAddr, login: impl Fn(u32) -> (String, String)) {
    for user in 0..4 {
        let (name, password) = login(user);
        for n in 0..3 {
            deliver_foreign(lmtp, &name, &format!("letter {n} to {name}"));
        }
        let mut session = Imap::log_in(imap, &name, &password);
        session.command("SELECT INBOX");
        session.command("STORE 1 +FLAGS (\\Seen \\Flagged)");
        session.command("STORE 2 +FLAGS (\\Deleted)");
        let folders = session.command("LIST \"\" \"*\"");
        if !folders.contains("Sent") {
            session.command("CREATE Sent");
        }
        session.command("CREATE Family");
        for folder in ["Sent", "Family"] {
            let message = format!("Subject: kept in {folder}\r\n\r\nBy {name}.\r\n");
            session.append(folder, "\\Seen \\Deleted", &message);
            session.append(folder, "", &message);
        }
        session.command("LOGOUT");
    }
}

/// Through every arm, through a run that is killed, and through cleaning up after it.
fn assert_nothing_foreign_is_harmed(server: &impl Populated) {
    let before = server.mail();
    assert_eq!(before.foreign.values().sum::<usize>(), 4 * 7);
    let target = server.target();
    let arms: Vec<String> = Arm::iter().map(|arm| arm.to_string()).collect();
    let compare = Run::new();
    let mut command = compare.command(&target_option(&target));
    let (code, said) = run(command.args(BUSY).args(["--arms", &arms.join(",")]));
    assert_finished(code, &said);
    assert_sums_hold(&compare.read());
    server.mail().assert_only_foreign_as_in(&before);

    for arm in Arm::iter() {
        kill_in_the_middle(&target, arm);
        let after = server.mail();
        assert_eq!(after.foreign, before.foreign, "{arm}");
        // By POP3 the devices may have taken everything by then.
        assert!(arm.protocol() == Protocol::Pop3 || !after.marked.is_empty());
        let (code, said) = run(crate::support::mailgauge().arg("clean").arg(&target));
        assert_eq!(code, Some(0), "{said}");
        server.mail().assert_only_foreign_as_in(&before);
    }
}

fn kill_in_the_middle(target: &Path, arm: Arm) {
    let arm = arm.to_string();
    let compare = Run::new();
    let mut more = target_option(target).to_vec();
    more.extend(BUSY);
    more.extend(["--arms", &arm, "--duration", "30s"]);
    let mut child = compare.start(&more);
    compare.wait_for_measuring();
    sleep(Duration::from_secs(2));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// People who do everything often.
const BUSY: [&str; 8] = [
    "--set",
    "habits.delete=0.5",
    "--set",
    "habits.reply=0.5",
    "--set",
    "habits.flag=0.5",
    "--set",
    "habits.search=0.5",
];

impl Populated for Server {
    fn target(&self) -> PathBuf {
        Server::target(self, "disposable = [\"u{0..3}\"]")
    }

    fn mail(&self) -> Mail {
        Server::mail(self)
    }
}

#[test]
fn foreign_mail_on_the_embedded_server_keeps_every_byte() {
    let server = Server::start(4, &[]);
    populate(
        server.addresses.imap.unwrap(),
        server.addresses.lmtp.unwrap(),
        |user| (format!("u{user}"), format!("hush-hush-{user}")),
    );
    assert_nothing_foreign_is_harmed(&server);
}

struct Private {
    instance: Instance,
    folder: tempfile::TempDir,
}

impl Private {
    /// A private server, described as if it were somebody's.
    async fn start(target: &Target) -> Self {
        let request = Request {
            accounts: 4,
            connections: 100,
            tls: TlsMode::Plain,
        };
        let instance = target.start(request).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let accounts = instance.endpoint.accounts.iter();
        let lines: Vec<String> = accounts
            .map(|it| format!("{},{},{}", it.user, it.password, it.address))
            .collect();
        fs::write(folder.path().join("accounts.csv"), lines.join("\n")).unwrap();
        Self { instance, folder }
    }

    fn ports(&self) -> [SocketAddr; 3] {
        let endpoint = &self.instance.endpoint;
        [
            endpoint.pop3.as_ref(),
            endpoint.imap.as_ref(),
            endpoint.delivery.service(),
        ]
        .map(|service| service.unwrap().address.socket)
    }
}

impl Populated for Private {
    fn target(&self) -> PathBuf {
        let path = self.folder.path().join("somebody.toml");
        let [pop3, imap, lmtp] = self.ports().map(|address| address.port());
        let users: Vec<String> = self.instance.endpoint.accounts[..4]
            .iter()
            .map(|it| format!("{:?}", it.user))
            .collect();
        let text = format!(
            "host = \"127.0.0.1\"\ndisposable = [{}]\npop3.port = {pop3}\nimap.port = {imap}\n[delivery]\nby = \"lmtp\"\nport = {lmtp}\n[accounts]\nfile = \"accounts.csv\"\n",
            users.join(", ")
        );
        fs::write(&path, text).unwrap();
        path
    }

    fn mail(&self) -> Mail {
        Mail::in_folder(self.instance.storage.as_ref().unwrap())
    }
}

#[tokio::test]
async fn foreign_mail_on_dovecot_keeps_every_byte() {
    let target = match Target::named("dovecot") {
        Ok(target) => target,
        Err(error) => {
            return skipped(
                "external::foreign_mail_on_dovecot_keeps_every_byte",
                &error.to_string(),
            );
        }
    };
    let server = Private::start(&target).await;
    let [_, imap, lmtp] = server.ports();
    let accounts = server.instance.endpoint.accounts.clone();
    populate(imap, lmtp, |user| {
        let account = &accounts[user as usize];
        (account.user.clone(), account.password.clone())
    });
    assert_nothing_foreign_is_harmed(&server);
    server.instance.stop().await.unwrap();
}

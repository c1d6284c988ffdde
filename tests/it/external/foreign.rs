//! Other people's mail in the mailboxes of a run: whatever the run does, and however it ends, not a byte of it is changed.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use mailgauge::scenario::{Arm, Protocol, Scenario};

use super::private::{Private, USERS};
use super::{HUSH, Imap, Mail, Server, deliver_foreign, run, target_option};
use crate::compare::{Run, assert_finished, assert_sums_hold};

/// A server with other people's mail on it.
trait Populated {
    fn target(&self) -> PathBuf;
    fn mail(&self) -> Mail;
}

/// Foreign mail in INBOX, in the folder that answers go to, and in one of the user's own; some of it read, flagged, and even
/// marked as deleted by its owner.
fn populate(imap: SocketAddr, lmtp: SocketAddr, login: impl Fn(u32) -> (String, String)) {
    for user in 0..USERS {
        let (name, password) = login(user);
        for n in 0..3 {
            deliver_foreign(lmtp, &name, &format!("letter {n} to {name}"));
        }
        let mut session = Imap::log_in(imap, &name, &password);
        session.command("SELECT INBOX");
        session.command("STORE 1 +FLAGS (\\Seen \\Flagged)");
        session.command("STORE 2 +FLAGS (\\Deleted)");
        let folders = session.command("LIST \"\" \"*\"");
        let prefix = if folders.contains("INBOX.") {
            "INBOX."
        } else {
            ""
        };
        if !folders.contains("Sent") {
            session.command(&format!("CREATE {prefix}Sent"));
        }
        session.command(&format!("CREATE {prefix}Family"));
        for folder in ["Sent", "Family"] {
            let message = format!("Subject: kept in {folder}\r\n\r\nBy {name}.\r\n");
            let folder = format!("{prefix}{folder}");
            session.append(&folder, "\\Seen \\Deleted", &message);
            session.append(&folder, "", &message);
        }
        session.command("LOGOUT");
    }
}

/// Through every arm, through a run that is killed, and through cleaning up after it.
fn assert_nothing_foreign_is_harmed(server: &impl Populated) {
    let before = server.mail();
    assert_eq!(
        before.foreign.values().sum::<usize>(),
        usize::try_from(USERS).unwrap() * 7
    );
    let target = server.target();
    let known = Scenario::builtin("quick").unwrap().arm;
    let arms: Vec<String> = known.keys().map(ToString::to_string).collect();
    let compare = Run::new();
    let mut command = compare.command(&target_option(&target));
    let (code, said) = run(command.args(BUSY).args(["--arms", &arms.join(",")]));
    assert_finished(code, &said);
    assert_sums_hold(&compare.read());
    server.mail().assert_only_foreign_as_in(&before);

    for arm in [Arm::POP3, Arm::IMAP] {
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
    let server = Server::start(USERS, &[]);
    populate(
        server.addresses.imap.unwrap(),
        server.addresses.lmtp.unwrap(),
        |user| (format!("u{user}"), format!("{HUSH}{user}")),
    );
    assert_nothing_foreign_is_harmed(&server);
}

impl Populated for Private {
    fn target(&self) -> PathBuf {
        Private::target(self)
    }

    fn mail(&self) -> Mail {
        Private::mail(self)
    }
}

#[tokio::test]
async fn foreign_mail_on_dovecot_keeps_every_byte() {
    keeps_every_byte("dovecot").await;
}

#[tokio::test]
async fn foreign_mail_on_cyrus_keeps_every_byte() {
    keeps_every_byte("cyrus").await;
}

#[tokio::test]
async fn foreign_mail_on_courier_keeps_every_byte() {
    keeps_every_byte("courier").await;
}

async fn keeps_every_byte(name: &str) {
    let Some(server) = Private::start(name, "foreign mail keeps every byte").await else {
        return;
    };
    let accounts = server.accounts();
    populate(server.imap(), server.lmtp(), |user| {
        let account = &accounts[user as usize];
        (account.user.clone(), account.password.clone())
    });
    assert_nothing_foreign_is_harmed(&server);
    server.stop().await;
}

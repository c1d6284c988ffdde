//! Private servers, started for real and driven by our own clients in all three TLS modes; what they leave behind
//! when they are stopped, and when who started them is killed.

mod dovecot_statistics;
mod processor_time;
mod traces;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mailgauge::client::{
    ClientError, DeliverySession, Dialect, IdleEnd, ImapSession, Login, OpenError, PopSession,
};
use mailgauge::metrics::ErrorClass;
use mailgauge::net::{Dialer, TimeLimits};
use mailgauge::proto::digest::MessageDigest;
use mailgauge::proto::imap::StoreMode;
use mailgauge::scenario::TlsMode;
use mailgauge::target::{Account, Instance, Request, Target};

use self::traces::Traces;
use crate::fake::Ear;
use crate::support::private_target as target;

const MANY: u32 = 60;
const MODES: [TlsMode; 3] = [TlsMode::Plain, TlsMode::Starttls, TlsMode::Implicit];

#[tokio::test]
async fn cyrus_serves_both_protocols_in_every_tls_mode_and_leaves_nothing_behind() {
    serves_in_every_mode("cyrus").await;
}

#[tokio::test]
async fn several_cyrus_run_beside_each_other() {
    Box::pin(several_beside_each_other("cyrus")).await;
}

#[tokio::test]
async fn a_cyrus_whose_owner_was_killed_is_cleared_away_by_the_next_start() {
    cleared_away_by_the_next_start("cyrus").await;
}

#[tokio::test]
async fn two_pop3_sessions_of_cyrus_that_end_at_once_delete_what_they_were_asked_to() {
    const DELIVERED: u32 = 10;
    let Some(target) = target("cyrus", "two POP3 sessions that end at once") else {
        return;
    };
    let instance = start(&target, TlsMode::Plain).await;
    let rounds: [(&[u32], &[u32]); 3] = [
        (&[5, 6], &[1, 2, 3]),
        (&[1, 2, 3], &[5, 6]),
        (&[1, 2, 3, 4], &[1, 2, 3, 4, 5, 6]),
    ];
    for (round, (ones, others)) in rounds.into_iter().enumerate() {
        let id = |number| format!("a1b2c3d4-{round}-{number}");
        for number in 1..=DELIVERED {
            deliver(&instance, 0, &message(&id(number))).await;
        }
        let mut one = pop(&instance, 0).await.unwrap();
        let mut other = pop(&instance, 0).await.unwrap();
        one.delete(ones, |_| {}).await.unwrap();
        other.delete(others, |_| {}).await.unwrap();
        let (one, other) = tokio::join!(one.quit(), other.quit());
        one.1.unwrap();
        other.1.unwrap();

        let mut last = pop(&instance, 0).await.unwrap();
        let numbers: Vec<u32> = (1..=last.stat().await.unwrap().messages).collect();
        let mut left = Vec::new();
        last.headers(&numbers, |_, digest| left.push(digest.id.unwrap()))
            .await
            .unwrap();
        let gone = |number: &u32| ones.contains(number) || others.contains(number);
        let wanted: Vec<String> = (1..=DELIVERED).filter(|it| !gone(it)).map(id).collect();
        assert_eq!(left, wanted, "round {round}");
        last.delete(&numbers, |_| {}).await.unwrap();
        last.quit().await.1.unwrap();
    }
    instance.stop().await.unwrap();
}

#[tokio::test]
async fn courier_serves_both_protocols_in_every_tls_mode_and_leaves_nothing_behind() {
    serves_in_every_mode("courier").await;
}

#[tokio::test]
async fn several_couriers_run_beside_each_other() {
    Box::pin(several_beside_each_other("courier")).await;
}

#[tokio::test]
async fn a_courier_whose_owner_was_killed_is_cleared_away_by_the_next_start() {
    cleared_away_by_the_next_start("courier").await;
}

async fn serves_in_every_mode(name: &str) {
    let Some(target) = target(name, "serving in every TLS mode") else {
        return;
    };
    for tls in MODES {
        let instance = start(&target, tls).await;
        let traces = Traces::of(&instance);
        use_it(&instance).await;
        instance.stop().await.unwrap();
        traces.assert_gone();
    }
}

async fn several_beside_each_other(name: &str) {
    let Some(target) = target(name, "several at once") else {
        return;
    };
    let (one, two) = (
        start(&target, TlsMode::Plain).await,
        start(&target, TlsMode::Plain).await,
    );
    assert_ne!(one.storage, two.storage);
    deliver(&one, 0, &message("only-1")).await;
    assert_eq!(
        pop(&one, 0).await.unwrap().stat().await.unwrap().messages,
        1
    );
    assert_eq!(
        pop(&two, 0).await.unwrap().stat().await.unwrap().messages,
        0
    );
    let traces = [Traces::of(&one), Traces::of(&two)];
    one.stop().await.unwrap();
    assert_eq!(
        pop(&two, 0).await.unwrap().stat().await.unwrap().messages,
        0
    );
    two.stop().await.unwrap();
    for traces in traces {
        traces.assert_gone();
    }
}

/// Servers as they come take 4 to 40 connections from one address.
mod alone {
    use super::{MANY, TlsMode, imap, pop, start_for, target};

    #[tokio::test]
    async fn cyrus_serves_many_sessions_from_one_address() {
        serves_many("cyrus").await;
    }

    #[tokio::test]
    async fn courier_serves_many_sessions_from_one_address() {
        serves_many("courier").await;
    }

    async fn serves_many(name: &str) {
        let Some(target) = target(name, "many sessions at once") else {
            return;
        };
        let instance = start_for(&target, MANY, TlsMode::Plain).await;
        let mut readers = Vec::new();
        let mut fetchers = Vec::new();
        for user in 0..MANY as usize {
            let mut session = imap(&instance, user).await.unwrap();
            session.select("INBOX").await.unwrap();
            readers.push(session);
            fetchers.push(pop(&instance, user).await.unwrap());
        }
        for session in &mut readers {
            session.noop().await.unwrap();
        }
        for mut session in fetchers {
            assert_eq!(session.stat().await.unwrap().messages, 0);
            session.quit().await.1.unwrap();
        }
        drop(readers);
        instance.stop().await.unwrap();
    }
}

/// What a person does with two devices: mail comes, is read by POP3, deleted, read by IMAP, answered, awaited.
async fn use_it(instance: &Instance) {
    let first = message("a1b2c3d4-0-0");
    let second = message("a1b2c3d4-0-1");
    deliver(instance, 0, &first).await;
    deliver(instance, 0, &second).await;
    deliver(instance, 1, &first).await;

    refuse_strangers(instance).await;
    read_and_delete_by_pop(instance, &[&first, &second]).await;
    read_and_answer_by_imap(instance, &second).await;
    delete_by_imap(instance).await;
    wait_for_mail(instance).await;
}

/// Both at once: servers take their time over wrong passwords.
async fn refuse_strangers(instance: &Instance) {
    let login = stranger(instance);
    let (pop, imap) = tokio::join!(pop_as(instance, &login), imap_as(instance, &login));
    for refused in [pop.err().unwrap(), imap.err().unwrap()] {
        assert_eq!(refused.error.class, ErrorClass::Authentication);
    }
}

async fn read_and_delete_by_pop(instance: &Instance, sent: &[&Vec<u8>]) {
    let mut session = pop(instance, 0).await.unwrap();
    assert_eq!(session.stat().await.unwrap().messages, 2);
    let uidl = session.uidl().await.unwrap();
    assert_eq!(uidl.len(), 2);
    let mut digests = Vec::new();
    session
        .retrieve(&[1, 2], |_, digest| digests.push(digest))
        .await
        .unwrap();
    let unchanged = |digest: &MessageDigest| {
        sent.iter().any(|sent| {
            let sent = MessageDigest::of([&sent[..]]);
            (sent.id.as_ref(), sent.body_hash) == (digest.id.as_ref(), digest.body_hash)
        })
    };
    assert!(digests.iter().all(unchanged), "{digests:?}");
    assert_ne!(digests[0].id, digests[1].id);
    let number = if digests[0].id == MessageDigest::of([&sent[0][..]]).id {
        1
    } else {
        2
    };
    session.delete(&[number], |_| {}).await.unwrap();
    session.quit().await.1.unwrap();

    // At once again: no pause between logins is enforced.
    let mut session = pop(instance, 0).await.unwrap();
    assert_eq!(session.stat().await.unwrap().messages, 1);
    let left = session.uidl().await.unwrap();
    assert!(uidl.iter().any(|before| before.uidl == left[0].uidl));
    session.quit().await.1.unwrap();
}

async fn read_and_answer_by_imap(instance: &Instance, sent: &[u8]) {
    let mut session = imap(instance, 0).await.unwrap();
    assert_eq!(session.select("INBOX").await.unwrap().exists, 1);
    let list = session.list_view(1..).await.unwrap();
    let sent = MessageDigest::of([sent]);
    assert_eq!(list[0].id, sent.id);
    let digest = session.fetch_message(list[0].uid, false).await.unwrap();
    let digest = digest.expect("the message is there");
    assert_eq!(digest.body_hash, sent.body_hash);
    session
        .store(list[0].uid, StoreMode::Add, &["\\Answered"])
        .await
        .unwrap();
    let flags = session.fetch_flags(1..).await.unwrap();
    assert!(flags[0].flags.is_seen() && flags[0].flags.is_answered());

    let mailboxes = session.list_mailboxes().await.unwrap();
    let names: Vec<&str> = mailboxes
        .iter()
        .filter_map(|mailbox| mailbox.name.rsplit(['.', '/']).next())
        .collect();
    for name in ["Sent", "Drafts", "Trash", "Archive"] {
        assert!(names.contains(&name), "{name} is missing: {names:?}");
    }
    let filed = mailboxes
        .iter()
        .find(|mailbox| mailbox.name.ends_with("Sent"))
        .unwrap();
    let answer = message("answer");
    session
        .append(&filed.name, &["\\Seen"], answer.len() as u64, [&answer[..]])
        .await
        .unwrap();
    let status = session.status(&filed.name).await.unwrap();
    assert_eq!(status.messages, Some(1));
    session.logout().await.1.unwrap();
}

async fn delete_by_imap(instance: &Instance) {
    let mut session = imap(instance, 0).await.unwrap();
    session.select("INBOX").await.unwrap();
    let uid = session.list_view(1..).await.unwrap()[0].uid;
    session
        .store(uid, StoreMode::Add, &["\\Deleted"])
        .await
        .unwrap();
    session.expunge_uids(uid).await.unwrap();
    session.logout().await.1.unwrap();
    let mut session = pop(instance, 0).await.unwrap();
    assert_eq!(session.stat().await.unwrap().messages, 0);
    session.quit().await.1.unwrap();
}

async fn wait_for_mail(instance: &Instance) {
    let mut session = imap(instance, 0).await.unwrap();
    assert_eq!(session.select("INBOX").await.unwrap().exists, 0);
    let _ = session.changes();
    let news = message("news");
    let deliver = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        deliver(instance, 0, &news).await;
    };
    // Courier looks by itself each 60 s, which is when it tells of mail that came before its watch had begun.
    let patience = tokio::time::sleep(Duration::from_secs(90));
    let (end, ()) = tokio::join!(session.idle(patience), deliver);
    assert_eq!(end.unwrap(), IdleEnd::Changed);
    assert_eq!(session.changes().exists, Some(1));
    session.logout().await.1.unwrap();
}

/// The other half of [`cleared_away_by_the_next_start`]: owns a server until it is killed.
#[tokio::test]
#[ignore = "another test starts it as a process of its own"]
async fn owner_that_is_killed() {
    let name = std::env::var("MAILGAUGE_TEST_OWNS").expect("started by the test below");
    let target = target(&name, "").unwrap();
    let instance = start(&target, TlsMode::Plain).await;
    deliver(&instance, 0, &message("abandoned")).await;
    println!(
        "\nowns {} {}",
        instance.pid().unwrap(),
        instance.storage.as_ref().unwrap().display()
    );
    tokio::time::sleep(Duration::from_secs(120)).await;
    unreachable!("nobody killed it");
}

async fn cleared_away_by_the_next_start(name: &str) {
    let Some(target) = target(name, "clearing away after a kill") else {
        return;
    };
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "other_servers::owner_that_is_killed"])
        .args(["--ignored", "--nocapture"])
        .env("MAILGAUGE_TEST_OWNS", name)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    let told = lines
        .map(Result::unwrap)
        .find_map(|line| line.strip_prefix("owns ").map(str::to_owned))
        .expect("the owner says what it owns");
    let (pid, storage) = told.split_once(' ').unwrap();
    let traces = Traces::at(pid.parse().unwrap(), Path::new(storage));
    assert!(traces.dir.exists());
    owner.kill().unwrap();
    owner.wait().unwrap();

    let instance = start(&target, TlsMode::Plain).await;
    traces.assert_gone();
    instance.stop().await.unwrap();
}

async fn start(target: &Target, tls: TlsMode) -> Instance {
    start_for(target, 3, tls).await
}

async fn start_for(target: &Target, accounts: u32, tls: TlsMode) -> Instance {
    let request = Request {
        accounts,
        connections: accounts * 3,
        tls,
        cpus: None,
    };
    target.start(request).await.unwrap()
}

fn message(id: &str) -> Vec<u8> {
    let text =
        "A line of text that is neither short nor long.\r\n.and one with a dot\r\n".repeat(40);
    format!(
        "From: <a@example.org>\r\nTo: <b@localhost>\r\nSubject: {id}\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\n\
         Message-ID: <{id}@example.org>\r\nX-Mailgauge-Id: {id}\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=us-ascii\r\n\r\n{text}"
    )
    .into_bytes()
}

fn dialer(instance: &Instance) -> Dialer {
    let limits = TimeLimits {
        connect: Duration::from_secs(20),
        command: Duration::from_secs(20),
    };
    instance.endpoint.dialer(true, true, limits).unwrap()
}

fn login(account: &Account) -> Login {
    Login::new(account.user.clone(), account.password.clone())
}

/// The first user, with another password.
fn stranger(instance: &Instance) -> Login {
    Login::new(instance.endpoint.accounts[0].user.clone(), "wrong")
}

async fn pop(instance: &Instance, user: usize) -> Result<PopSession<Ear>, ClientError> {
    let login = login(&instance.endpoint.accounts[user]);
    pop_as(instance, &login).await.map_err(|error| error.error)
}

async fn pop_as(instance: &Instance, login: &Login) -> Result<PopSession<Ear>, OpenError> {
    let endpoint = &instance.endpoint;
    let service = endpoint.pop3.as_ref().unwrap();
    let due = Instant::now();
    PopSession::open(
        &dialer(instance),
        &service.address,
        service.tls,
        login,
        due,
        Ear::default(),
    )
    .await
}

async fn imap(instance: &Instance, user: usize) -> Result<ImapSession<Ear>, ClientError> {
    let login = login(&instance.endpoint.accounts[user]);
    imap_as(instance, &login).await.map_err(|error| error.error)
}

async fn imap_as(instance: &Instance, login: &Login) -> Result<ImapSession<Ear>, OpenError> {
    let endpoint = &instance.endpoint;
    let service = endpoint.imap.as_ref().unwrap();
    let due = Instant::now();
    ImapSession::open(
        &dialer(instance),
        &service.address,
        service.tls,
        login,
        due,
        Ear::default(),
    )
    .await
}

async fn deliver(instance: &Instance, user: usize, message: &[u8]) {
    let endpoint = &instance.endpoint;
    let mut session = DeliverySession::open(
        &dialer(instance),
        &endpoint.delivery.service().unwrap().address,
        TlsMode::Plain,
        Dialect::Lmtp,
        Instant::now(),
        Ear::default(),
    )
    .await
    .unwrap();
    let recipient = &endpoint.accounts[user].address;
    let answers = session
        .deliver(
            "a@example.org",
            &[recipient],
            message.len() as u64,
            [message],
            Instant::now(),
        )
        .await
        .unwrap();
    assert_eq!(answers, [Ok(())]);
    session.quit().await.1.unwrap();
}

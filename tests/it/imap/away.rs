//! A phone that was away, by QRESYNC and by CONDSTORE, compressed and not: on the embedded server, on Dovecot and on Cyrus.

use std::time::{Duration, Instant};

use mailgauge::client::{FlagSet, ImapSession, Known, Login};
use mailgauge::net::TimeLimits;
use mailgauge::proto::imap::{Criterion, StatusItem, StoreMode, UidSet};
use mailgauge::scenario::TlsMode;
use mailgauge::target::{Cyrus, Dovecot, Embedded, Instance, Request, Target};

use super::script::Notes;
use crate::support::skipped;

#[tokio::test]
async fn on_the_embedded_server() {
    let program = env!("CARGO_BIN_EXE_mailgauge");
    away_and_back(&Target::Embedded(Embedded::served_by(program))).await;
}

#[tokio::test]
async fn on_dovecot() {
    match Dovecot::installed() {
        Ok(_) => away_and_back(&Target::named("dovecot").unwrap()).await,
        Err(why) => skipped("resynchronising with Dovecot", &why.to_string()),
    }
}

#[tokio::test]
async fn on_cyrus() {
    match Cyrus::installed() {
        Ok(cyrus) => away_and_back(&Target::Cyrus(cyrus)).await,
        Err(why) => skipped("resynchronising with Cyrus", &why.to_string()),
    }
}

async fn away_and_back(target: &Target) {
    for (tls, compressed) in [(TlsMode::Plain, false), (TlsMode::Implicit, true)] {
        let request = Request {
            accounts: 1,
            connections: 4,
            tls,
            cpus: None,
        };
        let instance = target.start(request).await.unwrap();
        let mut tablet = enter(&instance, compressed).await;
        let mut phone = enter(&instance, compressed).await;
        assert_eq!(phone.figures().compressed.is_some(), compressed);

        let uids = fill(&mut tablet).await;
        let known = look(&mut phone, &uids).await;
        while_it_was_away(&mut tablet, &uids).await;
        come_back(&mut phone, &known, &uids).await;
        stay(&mut phone, &mut tablet, &uids).await;
        do_not_overwrite(&mut phone, &mut tablet, &known, uids[4]).await;
        ask_for_little(&mut tablet, &uids).await;

        phone.logout().await.1.unwrap();
        tablet.logout().await.1.unwrap();
        instance.stop().await.unwrap();
    }
}

async fn enter(instance: &Instance, compressed: bool) -> ImapSession<Notes> {
    let limits = TimeLimits {
        connect: Duration::from_secs(20),
        command: Duration::from_secs(20),
    };
    let endpoint = &instance.endpoint;
    let service = endpoint.imap.as_ref().unwrap();
    let account = &endpoint.accounts[0];
    let login = Login::new(account.user.clone(), account.password.clone());
    let mut session = ImapSession::open(
        &endpoint.dialer(true, true, limits).unwrap(),
        &service.address,
        service.tls,
        &login,
        Instant::now(),
        Notes::default(),
    )
    .await
    .unwrap();
    if compressed {
        session.compress().await.unwrap();
    }
    session
}

fn message(number: usize) -> String {
    let line = "All that a device knows it has from the server.\r\n";
    format!(
        "From: <ann@example.org>\r\nTo: <bob@example.org>\r\nSubject: number {number}\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\n\
         Message-ID: <{number}@example.org>\r\nX-Mailgauge-Id: 0badcafe-0-{number}\r\n\r\n{}",
        line.repeat(100)
    )
}

async fn append(session: &mut ImapSession<Notes>, number: usize) -> u32 {
    let message = message(number);
    let appended = session
        .append("INBOX", &[], message.len() as u64, [message.as_bytes()])
        .await
        .unwrap();
    appended.expect("UIDPLUS is offered").uid
}

async fn fill(tablet: &mut ImapSession<Notes>) -> Vec<u32> {
    let mut uids = Vec::new();
    for number in 0..6 {
        uids.push(append(tablet, number).await);
    }
    tablet.select("INBOX").await.unwrap();
    uids
}

/// Sees everything once, and goes.
async fn look(phone: &mut ImapSession<Notes>, uids: &[u32]) -> Known {
    phone.enable_qresync().await.unwrap();
    let selected = phone.select_condstore("INBOX").await.unwrap();
    let flags = phone.fetch_flags(1..).await.unwrap();
    assert_eq!(flags.len(), 6);
    let known = Known {
        uid_validity: selected.uid_validity.unwrap(),
        mod_seq: phone.highest_mod_seq().unwrap(),
        uids: Some(UidSet::from(uids)),
    };
    // Another mailbox is open, so INBOX is not.
    phone.create("Elsewhere").await.unwrap();
    phone.select("Elsewhere").await.unwrap();
    known
}

/// One is flagged, two are gone, one is new.
async fn while_it_was_away(tablet: &mut ImapSession<Notes>, uids: &[u32]) {
    tablet
        .store(uids[0], StoreMode::Add, &["\\Flagged"])
        .await
        .unwrap();
    tablet
        .store(&uids[1..3], StoreMode::Add, &["\\Deleted"])
        .await
        .unwrap();
    tablet.expunge_uids(&uids[1..3]).await.unwrap();
    append(tablet, 6).await;
}

async fn come_back(phone: &mut ImapSession<Notes>, known: &Known, uids: &[u32]) {
    let resynced = phone.resync("INBOX", known).await.unwrap();
    assert_eq!(resynced.selected.exists, 5);
    let difference = resynced.difference.unwrap();
    let vanished: Vec<u32> = difference.vanished.into_iter().flatten().collect();
    assert_eq!(vanished, uids[1..3]);
    let changed: Vec<(u32, bool)> = difference
        .changed
        .iter()
        .map(|entry| (entry.uid, entry.flags.is_flagged()))
        .collect();
    assert_eq!(
        changed,
        [(uids[0], true)],
        "new mail is not among those known"
    );
    assert!(
        difference
            .changed
            .iter()
            .all(|entry| entry.mod_seq > Some(known.mod_seq))
    );
    assert_eq!(phone.changes().expunged, 0);

    // The same asked of the open mailbox, and of all there is.
    let again = phone.changes_since(1.., known.mod_seq).await.unwrap();
    let new = uids[5] + 1..;
    assert_eq!(again.changed.len(), 2, "the new one too: {again:?}");
    assert!(again.changed.iter().any(|entry| new.contains(&entry.uid)));
    let vanished: Vec<u32> = again.vanished.into_iter().flatten().collect();
    assert_eq!(vanished, uids[1..3]);

    let now = Known {
        mod_seq: phone.highest_mod_seq().unwrap(),
        ..known.clone()
    };
    let nothing = phone
        .resync("INBOX", &now)
        .await
        .unwrap()
        .difference
        .unwrap();
    assert!(nothing.changed.is_empty(), "{nothing:?}");
    let strange = Known {
        uid_validity: known.uid_validity + 1,
        ..now
    };
    assert_eq!(
        phone.resync("INBOX", &strange).await.unwrap().difference,
        None
    );
}

/// With the mailbox open, it hears of UIDs.
async fn stay(phone: &mut ImapSession<Notes>, tablet: &mut ImapSession<Notes>, uids: &[u32]) {
    tablet
        .store(uids[3], StoreMode::Add, &["\\Deleted"])
        .await
        .unwrap();
    tablet.expunge_uids(uids[3]).await.unwrap();
    phone.noop().await.unwrap();
    let changes = phone.changes();
    assert_eq!(changes.vanished, [uids[3]..=uids[3]]);
    assert_eq!((changes.expunged, phone.exists()), (1, 4));
}

async fn do_not_overwrite(
    phone: &mut ImapSession<Notes>,
    tablet: &mut ImapSession<Notes>,
    known: &Known,
    uid: u32,
) {
    tablet
        .store(uid, StoreMode::Add, &["\\Answered"])
        .await
        .unwrap();
    let stored = phone
        .store_unchanged(uid, known.mod_seq, StoreMode::Add, &["\\Flagged"])
        .await
        .unwrap();
    assert_eq!(stored.modified, [uid..=uid]);
    let flags: FlagSet = phone.fetch_flags(uid).await.unwrap()[0].flags.clone();
    assert!(flags.is_answered() && !flags.is_flagged());
    let stored = phone
        .store_unchanged(
            uid,
            phone.highest_mod_seq().unwrap(),
            StoreMode::Add,
            &["\\Flagged"],
        )
        .await
        .unwrap();
    assert_eq!(stored.modified, []);
}

/// What other commands devices use: moving, several at once, searching by number, some octets.
async fn ask_for_little(tablet: &mut ImapSession<Notes>, uids: &[u32]) {
    tablet.move_to(uids[5], "Elsewhere").await.unwrap();
    tablet.noop().await.unwrap();
    let all = tablet.search(&[]).await.unwrap();
    assert_eq!(all.len(), 3);
    let not_deleted = Criterion::Not(Box::new(Criterion::Deleted(true)));
    let found = tablet
        .search(&[Criterion::Sequence(UidSet::from(2..=3)), not_deleted])
        .await
        .unwrap();
    assert_eq!(found, all[1..]);
    let known = Criterion::Uid(UidSet::from(1..=uids[4]));
    assert_eq!(tablet.search(&[known]).await.unwrap(), [uids[0], uids[4]]);

    let mut asked = StatusItem::USUAL.to_vec();
    asked.push(StatusItem::HighestModSeq);
    let statuses = tablet
        .statuses(&["Elsewhere", "No such", "Elsewhere"], &asked)
        .await
        .unwrap();
    let messages: Vec<Option<u32>> = statuses
        .iter()
        .map(|status| status.as_ref().ok().and_then(|status| status.messages))
        .collect();
    assert_eq!(messages, [Some(1), None, Some(1)]);
    assert!(statuses[0].as_ref().unwrap().highest_mod_seq.is_some());
    assert!(statuses[1].as_ref().unwrap_err().is_refusal());

    let mut wanted = all.clone();
    wanted.insert(1, uids[1]);
    let digests = tablet.fetch_messages(&wanted, true).await.unwrap();
    assert_eq!(digests[1], None);
    for (digest, number) in [(&digests[0], 0), (&digests[2], 4), (&digests[3], 6)] {
        let digest = digest.as_ref().unwrap();
        assert_eq!(digest.octets, message(number).len() as u64);
        assert_eq!(digest.id, Some(format!("0badcafe-0-{number}")));
    }
    let stretch = tablet.fetch_stretch(uids[0], "TEXT", 49, 10, true).await;
    assert_eq!(stretch.unwrap().unwrap().octets, 10);
}

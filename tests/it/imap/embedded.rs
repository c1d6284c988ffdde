//! The client against the embedded server: every command, over each kind of connection, and the sums at the end.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use mailgauge::client::{IdleEnd, ImapSession, Login, LoginMethod};
use mailgauge::mailserver::{Accounts, Config, Running, Server};
use mailgauge::metrics::Traffic;
use mailgauge::net::{Address, Dialer, TimeLimits, Trust};
use mailgauge::proto::digest::MessageDigest;
use mailgauge::proto::imap::{Criterion, StoreMode, UidSet};
use mailgauge::scenario::TlsMode;

use super::script::{Notes, PATIENCE, run};

/// A server with two accounts, TLS, and a folder that goes with it.
struct House {
    server: Running,
    dialer: Dialer,
    received: Rc<RefCell<Traffic>>,
    _folder: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut accounts = Accounts::default();
        accounts.add("u1", "pa\"ss").unwrap();
        accounts.add("u2", "pa\"ss").unwrap();
        let server = Server::start(Config::new(folder.path(), accounts).with_tls()).unwrap();
        let ca = std::fs::read(server.addresses().ca.as_ref().unwrap()).unwrap();
        let limits = TimeLimits {
            connect: PATIENCE,
            command: PATIENCE,
        };
        Self {
            server,
            dialer: Dialer::new(&Trust::Ca(ca), true, true, limits).unwrap(),
            received: Rc::default(),
            _folder: folder,
        }
    }

    async fn enter(&self, mode: TlsMode, method: LoginMethod) -> ImapSession<Notes> {
        let addresses = self.server.addresses();
        let socket = match mode {
            TlsMode::Implicit => addresses.imaps,
            _ => addresses.imap,
        };
        let login = Login {
            method,
            ..Login::new("u1", "pa\"ss")
        };
        ImapSession::open(
            &self.dialer,
            &Address::new(socket.unwrap(), "localhost"),
            mode,
            &login,
            Instant::now(),
            Notes::default(),
        )
        .await
        .unwrap()
    }

    async fn leave(&self, session: ImapSession<Notes>) {
        let (figures, result) = session.logout().await;
        assert_eq!(result, Ok(()));
        *self.received.borrow_mut() += figures.traffic;
    }

    /// Stops the server and holds its counts against ours.
    fn close(self) {
        let stats = self.server.stop().unwrap();
        let ours = *self.received.borrow();
        assert_eq!(
            (ours.rx, ours.tx, ours.wire_rx),
            (
                stats.imap.tx_bytes,
                stats.imap.rx_bytes,
                stats.imap.wire_tx_bytes
            )
        );
        // TLS's last farewell may come when the server has gone.
        let farewell = ours.wire_tx - stats.imap.wire_rx_bytes;
        assert!(
            farewell < 100,
            "{farewell} octets were sent and not received"
        );
    }
}

/// A message with an attachment of about 400 KB.
fn message(number: u32) -> String {
    let head = format!(
        "From: Ann <ann@example.org>\r\nSubject: number {number}\r\nDate: Fri, 17 Jul 2026 02:44:25 +0200\r\nX-Mailgauge-Id: 0badcafe-1-{number}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    );
    let text = "--b\r\nContent-Type: text/plain\r\n\r\nhello needle\r\n";
    let file = "--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=x\r\n\r\n";
    let octets = format!("{}\r\n", "QUJD".repeat(19)).repeat(5000);
    [&head, text, file, &octets, "--b--\r\n"].concat()
}

#[test]
fn every_command_is_understood_on_every_kind_of_connection_and_the_octets_add_up() {
    for (mode, method, compressed) in [
        (TlsMode::Plain, LoginMethod::Plaintext, false),
        (TlsMode::Starttls, LoginMethod::SaslPlain, false),
        (TlsMode::Implicit, LoginMethod::Plaintext, false),
        (TlsMode::Plain, LoginMethod::Plaintext, true),
        (TlsMode::Implicit, LoginMethod::Plaintext, true),
    ] {
        run(async {
            let house = House::new();
            let mut session = house.enter(mode, method).await;
            assert_eq!(
                session.figures().tls_facts.is_some(),
                mode != TlsMode::Plain
            );
            if compressed {
                session.compress().await.unwrap();
            }
            look_around(&mut session).await;
            let uids = fill(&mut session).await;
            read(&mut session, &uids).await;
            change(&mut session, &uids).await;
            assert_eq!(session.unknown_responses(), 0);
            let figures = session.figures();
            let whole = figures.traffic;
            let (rx, tx) = figures.compressed.unwrap_or((whole.rx, whole.tx));
            assert_eq!(figures.compressed.is_some(), compressed);
            // The messages that went up and came down repeat themselves.
            assert_eq!(rx * 20 < whole.rx && tx * 20 < whole.tx, compressed);
            assert!(rx <= whole.wire_rx && tx <= whole.wire_tx);
            assert_eq!(
                (rx, tx) == (whole.wire_rx, whole.wire_tx),
                mode == TlsMode::Plain
            );
            house.leave(session).await;
            house.close();
        });
    }
}

async fn look_around(session: &mut ImapSession<Notes>) {
    session.id().await.unwrap();
    assert_eq!(session.enable(&["CONDSTORE"]).await.unwrap(), ["CONDSTORE"]);
    assert_eq!(session.namespace().await.unwrap().personal.len(), 1);
    let mailboxes = session.list_mailboxes().await.unwrap();
    assert!(mailboxes.iter().any(|mailbox| mailbox.name == "INBOX"));
    assert!(mailboxes.iter().any(|mailbox| mailbox.has("\\Sent")));
    session.ask_capabilities().await.unwrap();
    assert!(session.capabilities().has("UIDPLUS"));
}

/// Three messages into INBOX; returns their UIDs.
async fn fill(session: &mut ImapSession<Notes>) -> Vec<u32> {
    assert_eq!(session.select("INBOX").await.unwrap().exists, 0);
    let mut uids = Vec::new();
    for number in 1..=3 {
        let message = message(number);
        let pieces = message.as_bytes().chunks(10_000);
        let appended = session
            .append_dated(
                "INBOX",
                &["\\Flagged"],
                Some(1_700_000_000),
                message.len() as u64,
                pieces,
            )
            .await
            .unwrap();
        uids.push(appended.unwrap().uid);
    }
    session.noop().await.unwrap();
    assert_eq!((session.exists(), session.changes().exists), (3, Some(3)));
    uids
}

async fn read(session: &mut ImapSession<Notes>, uids: &[u32]) {
    let list = session.list_view(UidSet::all()).await.unwrap();
    let ids: Vec<_> = list
        .iter()
        .filter_map(|entry| entry.id.as_deref())
        .collect();
    assert_eq!(ids, ["0badcafe-1-1", "0badcafe-1-2", "0badcafe-1-3"]);
    assert!(list.iter().all(|entry| entry.flags.is_flagged()));
    assert_eq!(list[0].octets, message(1).len() as u64);
    assert!(session.list_view(uids[2] + 1..).await.unwrap().is_empty());
    let envelopes = session.envelopes(uids).await.unwrap();
    assert_eq!(envelopes[1].envelope.subject.as_deref(), Some("number 2"));
    assert_eq!(
        envelopes[1].envelope.from.as_deref(),
        Some("ann@example.org")
    );

    let parts = session.structure(uids[0]).await.unwrap().unwrap();
    assert_eq!(parts[0].media_type, "text/plain");
    assert!(parts[1].is_attachment);
    for part in &parts {
        let fetched = session
            .fetch_part(uids[0], &part.section, true)
            .await
            .unwrap();
        assert_eq!(fetched.unwrap().octets, part.octets);
    }
    let stretch = session
        .fetch_stretch(uids[0], "", 10, 50, true)
        .await
        .unwrap();
    assert_eq!(stretch.unwrap().octets, 50);
    let whole = session
        .fetch_message(uids[0], false)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(whole, MessageDigest::of([message(1).as_bytes()]));
    assert_eq!(session.fetch_message(999, true).await, Ok(None));
    let flags = session.fetch_flags(UidSet::all()).await.unwrap();
    let seen: Vec<bool> = flags.iter().map(|entry| entry.flags.is_seen()).collect();
    assert_eq!(seen, [true, false, false]);

    let needle = Criterion::Body("needle".into());
    assert_eq!(
        session
            .search(&[needle, Criterion::Seen(false)])
            .await
            .unwrap(),
        uids[1..]
    );
    let subject = Criterion::Subject("number 3".into());
    assert_eq!(session.search(&[subject]).await.unwrap(), uids[2..]);
}

async fn change(session: &mut ImapSession<Notes>, uids: &[u32]) {
    session.changes();
    let stored = session
        .store(uids, StoreMode::Add, &["\\Answered", "$Done"])
        .await
        .unwrap();
    assert!(
        stored
            .iter()
            .all(|entry| entry.flags.is_answered() && entry.flags.has("$done"))
    );
    session
        .store(uids[0], StoreMode::Remove, &["$Done"])
        .await
        .unwrap();
    session.copy(uids[0], "Archive").await.unwrap();
    session.move_to(uids[1], "Trash").await.unwrap();
    session
        .store(uids[2], StoreMode::Replace, &["\\Deleted"])
        .await
        .unwrap();
    session.expunge_uids(uids[2]).await.unwrap();
    assert_eq!((session.changes().expunged, session.exists()), (2, 1));
    let status = session.status("Trash").await.unwrap();
    assert_eq!((status.messages, status.unseen), (Some(1), Some(1)));
    let refused = session.copy(uids[0], "No such").await.unwrap_err();
    assert!(refused.is_refusal() && refused.detail.contains("TRYCREATE"));
    session.unselect().await.unwrap();
    assert!(session.examine("Archive").await.unwrap().read_only);
    session.close().await.unwrap();
}

#[test]
fn what_one_session_does_another_sees_idle_or_not() {
    run(async {
        let house = House::new();
        let mut phone = house.enter(TlsMode::Plain, LoginMethod::Plaintext).await;
        let mut tablet = house.enter(TlsMode::Plain, LoginMethod::Plaintext).await;
        phone.select("INBOX").await.unwrap();
        let uid = fill(&mut tablet).await[0];

        phone.noop().await.unwrap();
        assert_eq!(phone.changes().exists, Some(3));
        let (ended, ()) = tokio::join!(phone.idle(std::future::pending()), async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            tablet
                .store(uid, StoreMode::Add, &["\\Seen"])
                .await
                .unwrap();
        });
        assert_eq!(ended, Ok(IdleEnd::Changed));
        assert!(phone.changes().flags()[0].flags.is_seen());
        let stop = tokio::time::sleep(Duration::from_millis(20));
        assert_eq!(phone.idle(stop).await, Ok(IdleEnd::Stopped));

        // Gone before the phone has heard of it.
        tablet
            .store(uid, StoreMode::Add, &["\\Deleted"])
            .await
            .unwrap();
        tablet.expunge().await.unwrap();
        assert_eq!(phone.fetch_message(uid, true).await, Ok(None));
        phone.noop().await.unwrap();
        assert_eq!(phone.changes().expunged, 1);

        house.leave(phone).await;
        house.leave(tablet).await;
        house.close();
    });
}

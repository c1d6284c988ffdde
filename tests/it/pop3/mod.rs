//! POP3 sessions against servers that behave, and against servers that do not.

mod tls;
mod trouble;

use std::time::Instant;

use mailgauge::client::{ClientError, LoginMethod, OpenError, PopSession};
use mailgauge::metrics::{ErrorClass, Operation, Traffic};
use mailgauge::net::{Address, Dialer};
use mailgauge::proto::digest::MessageDigest;
use mailgauge::scenario::TlsMode;

use crate::fake::{self, Ear, Peer};

const READY: &str = "+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n";
const BARE_CAPA: &str = "+OK\r\nUIDL\r\nSASL PLAIN\r\nSTLS\r\n.\r\n";
const PIPELINING_CAPA: &str = "+OK\r\nUIDL\r\nPIPELINING\r\n.\r\n";

async fn open(
    dialer: &Dialer,
    address: &Address,
    mode: TlsMode,
) -> Result<PopSession<Ear>, OpenError> {
    let login = fake::login();
    PopSession::open(
        dialer,
        address,
        mode,
        &login,
        Instant::now(),
        Ear::default(),
    )
    .await
}

/// Opens a plain session against a server that goes on after the greeting as told, and returns the failure.
async fn failure(script: &'static [(&'static str, &'static str)]) -> ClientError {
    let (address, _task) = fake::server(move |mut peer: Peer| async move {
        peer.say(READY).await;
        peer.play(script).await;
        peer.linger().await;
    })
    .await;
    open(&fake::dialer(), &address, TlsMode::Plain)
        .await
        .err()
        .unwrap()
        .error
}

async fn greet(peer: &mut Peer, capabilities: &str) {
    peer.say(READY).await;
    peer.play(&[
        ("CAPA", capabilities),
        ("USER u0001", "+OK\r\n"),
        ("PASS hush", "+OK logged in\r\n"),
    ])
    .await;
}

#[tokio::test]
async fn a_session_counts_what_the_server_counts() {
    use Operation::{
        Capability, Connect, Dele, Greeting, List, Login, Noop, Quit, Retr, Rset, Stat, Top, Uidl,
    };

    let (address, task) = fake::server(|mut peer: Peer| async move {
        greet(&mut peer, BARE_CAPA).await;
        peer.play(&[
            ("STAT", "+OK 2 320\r\n"),
            ("LIST", "+OK\r\n1 120\r\n2 200\r\n.\r\n"),
            ("UIDL", "+OK\r\n1 a\r\n2 b\r\n.\r\n"),
            ("TOP 1 0", "+OK\r\nSubject: x\r\n\r\n.\r\n"),
            (
                "RETR 2",
                "+OK\r\nX-Mailgauge-Id: r-1-2\r\n\r\n..dot\r\n.\r\n",
            ),
            ("DELE 2", "+OK\r\n"),
            ("RSET", "+OK\r\n"),
            ("NOOP", "+OK\r\n"),
            ("QUIT", "+OK bye\r\n"),
        ])
        .await;
        peer.close().await
    })
    .await;

    let ear = Ear::default();
    let due = Instant::now();
    let login = fake::login();
    let mut session = PopSession::open(
        &fake::dialer(),
        &address,
        TlsMode::Plain,
        &login,
        due,
        ear.clone(),
    )
    .await
    .unwrap();
    assert!(session.capabilities().offers("UIDL"));
    let stat = session.stat().await.unwrap();
    assert_eq!((stat.messages, stat.octets), (2, 320));
    assert_eq!(session.list().await.unwrap()[1].octets, 200);
    assert_eq!(session.uidl().await.unwrap()[1].uidl, "b");
    assert_eq!(session.top(1, 0).await.unwrap().octets, 14);
    let mut got = Vec::new();
    session
        .retrieve(&[2], |number, digest| got.push((number, digest)))
        .await
        .unwrap();
    let message: &[u8] = b"X-Mailgauge-Id: r-1-2\r\n\r\n.dot\r\n";
    assert_eq!(got, [(2, MessageDigest::of([message]))]);
    assert_eq!(got[0].1.id.as_deref(), Some("r-1-2"));
    session.delete(&[2], |_| {}).await.unwrap();
    session.rset().await.unwrap();
    session.noop().await.unwrap();
    let (figures, quit) = session.quit().await;
    quit.unwrap();

    let server = task.await.unwrap();
    assert_eq!(
        (figures.traffic.rx, figures.traffic.tx),
        (server.tx, server.rx)
    );
    assert_eq!(
        (figures.traffic.wire_rx, figures.traffic.wire_tx),
        (server.tx, server.rx)
    );
    // TCP, greeting, CAPA, USER, PASS and the nine commands.
    assert_eq!(figures.round_trips, 14);
    // CAPA, the login and the nine commands.
    assert_eq!(figures.commands, 11);
    assert!(figures.connect.is_some() && figures.greeting.is_some() && figures.login.is_some());
    assert_eq!(figures.tls, None);

    assert_eq!(
        ear.operations(),
        [
            Connect, Greeting, Capability, Login, Stat, List, Uidl, Top, Retr, Dele, Rset, Noop,
            Quit
        ]
    );
    let samples = ear.samples();
    assert_eq!(samples[0].timing.due, due);
    assert!(samples.iter().all(|sample| sample.outcome.is_ok()));
    let mut told = Traffic::default();
    for sample in &samples {
        told += sample.traffic;
    }
    assert_eq!(told, figures.traffic, "octets and packets add up");
    assert_eq!(told.packets.is_some(), cfg!(target_os = "linux"));
    let told: u32 = samples.iter().map(|sample| sample.round_trips).sum();
    assert_eq!(told, figures.round_trips, "the samples' round trips add up");
    for (before, after) in samples.iter().zip(&samples[1..]) {
        assert_eq!(after.timing.due, before.timing.done);
        let first_byte = after.timing.first_byte.unwrap();
        assert!(after.timing.sent <= first_byte && first_byte <= after.timing.done);
    }
}

#[tokio::test]
async fn many_messages_are_fetched_and_deleted_in_a_pipeline_without_overrunning_it() {
    const MESSAGES: u32 = 100;
    let (address, task) = fake::server(|mut peer: Peer| async move {
        greet(&mut peer, PIPELINING_CAPA).await;
        let mut most_waiting = 0;
        for number in 1..=MESSAGES {
            peer.expect(&format!("RETR {number}")).await;
            most_waiting = most_waiting.max(peer.waiting());
            peer.say(format!("+OK\r\n\r\n{}\r\n.\r\n", "x".repeat(5000)))
                .await;
        }
        for number in 1..=MESSAGES {
            peer.expect(&format!("DELE {number}")).await;
            peer.say("+OK\r\n").await;
        }
        peer.play(&[("QUIT", "+OK\r\n")]).await;
        peer.close().await;
        most_waiting
    })
    .await;
    let mut session = open(&fake::dialer(), &address, TlsMode::Plain)
        .await
        .unwrap();
    let numbers: Vec<u32> = (1..=MESSAGES).collect();
    let mut got = Vec::new();
    session
        .retrieve(&numbers, |number, digest| {
            assert_eq!(digest.body_octets, 5002);
            got.push(number);
        })
        .await
        .unwrap();
    assert_eq!(got, numbers);
    let before = session.figures().round_trips;
    session.delete(&numbers, |_| {}).await.unwrap();
    let round_trips = session.figures().round_trips - before;
    assert!(round_trips < MESSAGES / 2, "{round_trips} round trips");
    session.quit().await.1.unwrap();
    let most_waiting = task.await.unwrap();
    assert!(
        (1..20 * 10).contains(&most_waiting),
        "{most_waiting} octets"
    );
}

#[tokio::test]
async fn a_message_that_is_refused_does_not_keep_the_others_back() {
    let (address, _task) = fake::server(|mut peer: Peer| async move {
        greet(&mut peer, PIPELINING_CAPA).await;
        peer.play(&[
            ("RETR 1", "+OK\r\n\r\na\r\n.\r\n"),
            ("RETR 2", "-ERR no such message\r\n"),
            ("RETR 3", "+OK\r\n\r\nc\r\n.\r\n"),
            ("NOOP", "+OK\r\n"),
            ("DELE 1", "+OK\r\n"),
            ("DELE 2", "-ERR no such message\r\n"),
            ("DELE 3", "+OK\r\n"),
        ])
        .await;
    })
    .await;
    let mut session = open(&fake::dialer(), &address, TlsMode::Plain)
        .await
        .unwrap();
    let mut got = Vec::new();
    let error = session
        .retrieve(&[1, 2, 3], |number, _| got.push(number))
        .await
        .unwrap_err();
    assert_eq!(error.class, ErrorClass::CommandRefused);
    assert!(error.to_string().contains("no such message"));
    assert_eq!(got, [1, 3]);
    session.noop().await.unwrap();
    let mut marked = Vec::new();
    let error = session
        .delete(&[1, 2, 3], |number| marked.push(number))
        .await
        .unwrap_err();
    assert!(error.is_refusal());
    assert_eq!(marked, [1, 3]);
}

#[tokio::test]
async fn a_user_can_log_in_by_digest_or_by_sasl() {
    for (method, line) in [
        (
            LoginMethod::Apop,
            "APOP u0001 fd61b209029e1ad3050769f090b979f3",
        ),
        (LoginMethod::SaslPlain, "AUTH PLAIN AHUwMDAxAGh1c2g="),
    ] {
        let (address, task) = fake::server(|mut peer: Peer| async move {
            peer.say(READY).await;
            peer.play(&[("CAPA", BARE_CAPA)]).await;
            let line = peer.line().await;
            peer.say("+OK\r\n").await;
            line
        })
        .await;
        let mut login = fake::login();
        login.method = method;
        PopSession::open(
            &fake::dialer(),
            &address,
            TlsMode::Plain,
            &login,
            Instant::now(),
            Ear::default(),
        )
        .await
        .unwrap();
        assert_eq!(task.await.unwrap(), line);
    }
}

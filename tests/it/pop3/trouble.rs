//! Servers that are not there, are silent, slow or talk nonsense.

use std::time::{Duration, Instant};

use mailgauge::client::{Login, LoginMethod, PopSession};
use mailgauge::metrics::{ErrorClass, Operation};
use mailgauge::scenario::TlsMode;

use super::{BARE_CAPA, READY, failure, greet, open};
use crate::fake::{self, Ear, PATIENCE, Peer};

#[tokio::test]
async fn nobody_listening_is_a_refused_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = fake::here(listener.local_addr().unwrap());
    drop(listener);
    let ear = Ear::default();
    let login = fake::login();
    let failed = PopSession::open(
        &fake::dialer(),
        &address,
        TlsMode::Plain,
        &login,
        Instant::now(),
        ear.clone(),
    )
    .await
    .err()
    .unwrap();
    assert_eq!(failed.error.class, ErrorClass::Refused);
    assert!(failed.to_string().contains("nobody listens"));
    assert_eq!(failed.figures.connect, None);
    assert_eq!(ear.samples()[0].outcome, Err(ErrorClass::Refused));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_backlog_is_a_connect_timeout_within_the_limit() {
    use socket2::{Domain, Socket, Type};
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    listener.bind(&any.into()).unwrap();
    listener.listen(0).unwrap();
    let socket = listener.local_addr().unwrap().as_socket().unwrap();
    let _crowd: Vec<Socket> = (0..8)
        .map(|_| {
            let one = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            one.set_nonblocking(true).unwrap();
            let _ = one.connect(&socket.into());
            one
        })
        .collect();
    let began = Instant::now();
    let failed = open(&fake::dialer(), &fake::here(socket), TlsMode::Plain).await;
    assert_eq!(
        failed.err().unwrap().error.class,
        ErrorClass::ConnectTimeout
    );
    assert!(began.elapsed() >= PATIENCE);
}

#[tokio::test]
async fn a_silent_server_is_a_timeout_within_the_limit() {
    let (address, _task) = fake::server(|mut peer: Peer| async move {
        greet(&mut peer, BARE_CAPA).await;
        peer.linger().await;
    })
    .await;
    let mut session = open(&fake::dialer(), &address, TlsMode::Plain)
        .await
        .unwrap();
    let began = Instant::now();
    let error = session.stat().await.unwrap_err();
    assert_eq!(
        (error.class, error.operation),
        (ErrorClass::Timeout, Operation::Stat)
    );
    let waited = began.elapsed();
    assert!(waited >= PATIENCE && waited < PATIENCE + Duration::from_secs(5));
}

#[tokio::test]
async fn a_server_that_trickles_cannot_hold_a_client_for_ever() {
    let (address, _task) = fake::server(|mut peer: Peer| async move {
        greet(&mut peer, BARE_CAPA).await;
        peer.line().await;
        for _ in 0..1000 {
            peer.try_to_say(b"+").await;
            tokio::time::sleep(PATIENCE / 10).await;
        }
    })
    .await;
    let mut session = open(&fake::dialer(), &address, TlsMode::Plain)
        .await
        .unwrap();
    let began = Instant::now();
    assert_eq!(session.stat().await.unwrap_err().class, ErrorClass::Timeout);
    assert!(began.elapsed() < PATIENCE * 20);
}

#[tokio::test]
async fn a_long_reply_that_keeps_coming_has_more_time_than_a_command() {
    let (address, _task) = fake::server(|mut peer: Peer| async move {
        greet(&mut peer, BARE_CAPA).await;
        peer.expect("RETR 1").await;
        peer.say("+OK\r\n\r\n").await;
        for _ in 0..6 {
            tokio::time::sleep(PATIENCE / 3).await;
            peer.say(format!("{}\r\n", "x".repeat(998))).await;
        }
        peer.say(".\r\n").await;
    })
    .await;
    let mut session = open(&fake::dialer(), &address, TlsMode::Plain)
        .await
        .unwrap();
    let mut octets = 0;
    let retrieved = session.retrieve(&[1], |_, digest| octets = digest.octets);
    retrieved.await.unwrap();
    assert_eq!(octets, 6002);
}

#[tokio::test]
async fn a_sasl_answer_too_long_for_its_command_goes_on_a_line_of_its_own() {
    let (address, task) = fake::server(|mut peer: Peer| async move {
        peer.say(READY).await;
        peer.play(&[("CAPA", BARE_CAPA), ("AUTH PLAIN", "+ \r\n")])
            .await;
        let answer = peer.line().await;
        peer.say("+OK\r\n").await;
        answer
    })
    .await;
    let mut login = Login::new("u".repeat(300), "hush");
    login.method = LoginMethod::SaslPlain;
    let (dialer, due) = (fake::dialer(), Instant::now());
    PopSession::open(
        &dialer,
        &address,
        TlsMode::Plain,
        &login,
        due,
        Ear::default(),
    )
    .await
    .unwrap();
    assert_eq!(task.await.unwrap().len(), (306usize).div_ceil(3) * 4);
}

#[tokio::test]
async fn garbage_is_a_protocol_error() {
    let (address, _task) = fake::server(|mut peer: Peer| async move {
        peer.say("SSH-2.0-OpenSSH_9.2\r\n").await;
        peer.linger().await;
    })
    .await;
    let failed = open(&fake::dialer(), &address, TlsMode::Plain).await;
    let error = failed.err().unwrap().error;
    assert_eq!(
        (error.class, error.operation),
        (ErrorClass::Protocol, Operation::Greeting)
    );
    assert!(error.to_string().contains("SSH-2.0-OpenSSH_9.2"));

    let strange = [("CAPA", BARE_CAPA), ("USER u0001", "\u{0}\u{1}\r\n")];
    let error = failure(Box::leak(Box::new(strange))).await;
    assert_eq!(error.class, ErrorClass::Protocol);
}

#[tokio::test]
async fn a_line_of_a_megabyte_is_too_long_and_is_not_kept() {
    let (address, _task) = fake::server(|mut peer: Peer| async move {
        greet(&mut peer, BARE_CAPA).await;
        peer.line().await;
        peer.try_to_say(&vec![b'x'; 1 << 20]).await;
        peer.linger().await;
    })
    .await;
    let mut session = open(&fake::dialer(), &address, TlsMode::Plain)
        .await
        .unwrap();
    let error = session.uidl().await.unwrap_err();
    assert_eq!(error.class, ErrorClass::TooLong);
    assert!(session.figures().traffic.rx < 100_000);
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_of_a_message_is_lost() {
    let (address, _task) = fake::server(|mut peer: Peer| async move {
        greet(&mut peer, BARE_CAPA).await;
        peer.expect("RETR 1").await;
        peer.say("+OK\r\nSubject: x\r\n\r\nhalf a li").await;
    })
    .await;
    let mut session = open(&fake::dialer(), &address, TlsMode::Plain)
        .await
        .unwrap();
    let mut got = 0;
    let error = session
        .retrieve(&[1, 2], |_, _| got += 1)
        .await
        .unwrap_err();
    assert_eq!(
        (error.class, error.operation),
        (ErrorClass::ConnectionLost, Operation::Retr)
    );
    assert_eq!(got, 0, "half a message is none");
}

#[tokio::test]
async fn response_codes_say_why_a_login_failed() {
    for (answer, class) in [
        ("-ERR [IN-USE] locked\r\n", ErrorClass::InUse),
        ("-ERR [AUTH] wrong\r\n", ErrorClass::Authentication),
        ("-ERR wrong\r\n", ErrorClass::Authentication),
        ("-ERR [LOGIN-DELAY] wait\r\n", ErrorClass::LoginDelay),
        ("-ERR [SYS/TEMP] later\r\n", ErrorClass::CommandRefused),
    ] {
        let script = [
            ("CAPA", "-ERR what?\r\n"),
            ("USER u0001", "+OK\r\n"),
            ("PASS hush", answer),
        ];
        let error = failure(Box::leak(Box::new(script))).await;
        assert_eq!((error.class, error.operation), (class, Operation::Login));
    }
}

#[tokio::test]
async fn a_greeting_that_refuses_is_no_session() {
    let (address, _task) = fake::server(|mut peer: Peer| async move {
        peer.say("-ERR too many connections\r\n").await;
        peer.linger().await;
    })
    .await;
    let failed = open(&fake::dialer(), &address, TlsMode::Plain).await;
    assert_eq!(failed.err().unwrap().error.class, ErrorClass::Greeting);
}

#[tokio::test]
async fn a_password_that_the_server_repeats_is_not_told_on() {
    let error = failure(&[
        ("CAPA", BARE_CAPA),
        ("USER u0001", "+OK\r\n"),
        ("PASS hush", "-ERR unknown command PASS hush\r\n"),
    ])
    .await;
    assert!(error.detail.contains("***") && !error.detail.contains("hush"));
}

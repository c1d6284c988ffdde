//! POP3 sessions against servers that behave, and against servers that do not.

use std::time::{Duration, Instant};

use mailgauge::client::{ClientError, Login, LoginMethod, OpenError, PopSession};
use mailgauge::metrics::{ErrorClass, Operation, Traffic};
use mailgauge::net::{Address, Dialer, Trust};
use mailgauge::proto::digest::MessageDigest;
use mailgauge::scenario::TlsMode;

use crate::fake::{self, Certificate, Ear, NAME, PATIENCE, Peer};

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

#[tokio::test]
async fn tls_from_the_first_byte_counts_above_and_below() {
    let certificate = Certificate::of(NAME);
    let dialer = certificate.dialer();
    let mut resumed = Vec::new();
    for dialer in [&dialer, &dialer, &dialer.for_another_device()] {
        let certificate = certificate.clone();
        let (address, task) = fake::server(|mut peer: Peer| async move {
            peer.tls(&certificate).await;
            greet(&mut peer, BARE_CAPA).await;
            peer.play(&[("QUIT", "+OK\r\n")]).await;
            peer.close().await
        })
        .await;
        let session = open(dialer, &address, TlsMode::Implicit).await.unwrap();
        let (figures, quit) = session.quit().await;
        quit.unwrap();
        let server = task.await.unwrap();
        assert_eq!(
            (figures.traffic.rx, figures.traffic.tx),
            (server.tx, server.rx)
        );
        assert!(figures.traffic.wire_rx > figures.traffic.rx);
        assert!(figures.traffic.wire_tx > figures.traffic.tx);
        // TCP, one flight of TLS 1.3, greeting, CAPA, USER, PASS, QUIT.
        assert_eq!(figures.round_trips, 7);
        let facts = figures.tls_facts.unwrap();
        assert_eq!(facts.version, "TLSv1_3");
        assert!(figures.tls.is_some());
        resumed.push(facts.resumed);
    }
    assert_eq!(resumed, [false, true, false]);
}

#[tokio::test]
async fn stls_starts_tls_and_asks_for_capabilities_again() {
    let certificate = Certificate::of(NAME);
    let dialer = certificate.dialer();
    let (address, task) = fake::server(|mut peer: Peer| async move {
        peer.say(READY).await;
        peer.play(&[("CAPA", BARE_CAPA), ("STLS", "+OK begin\r\n")])
            .await;
        peer.tls(&certificate).await;
        peer.play(&[
            ("CAPA", PIPELINING_CAPA),
            ("USER u0001", "+OK\r\n"),
            ("PASS hush", "+OK\r\n"),
            ("QUIT", "+OK\r\n"),
        ])
        .await;
        peer.close().await
    })
    .await;
    let session = open(&dialer, &address, TlsMode::Starttls).await.unwrap();
    assert!(session.capabilities().pipelining());
    assert!(!session.capabilities().stls());
    let (figures, quit) = session.quit().await;
    quit.unwrap();
    let server = task.await.unwrap();
    assert_eq!(
        (figures.traffic.rx, figures.traffic.tx),
        (server.tx, server.rx)
    );
    // TCP, greeting, CAPA, STLS, TLS, CAPA, USER, PASS, QUIT.
    assert_eq!(figures.round_trips, 9);
}

#[tokio::test]
async fn what_is_injected_before_tls_is_not_believed() {
    let certificate = Certificate::of(NAME);
    let (address, _task) = fake::server(|mut peer: Peer| async move {
        peer.say(READY).await;
        peer.play(&[
            ("CAPA", BARE_CAPA),
            ("STLS", "+OK begin\r\n+OK injected\r\n"),
        ])
        .await;
        peer.linger().await;
    })
    .await;
    let failed = open(&certificate.dialer(), &address, TlsMode::Starttls).await;
    let error = failed.err().unwrap().error;
    assert_eq!(
        (error.class, error.operation),
        (ErrorClass::Protocol, Operation::Tls)
    );
    assert!(error.to_string().contains("injected"));
}

#[tokio::test]
async fn tls_that_is_not_offered_is_not_silently_left_out() {
    let (address, _task) = fake::server(|mut peer: Peer| async move {
        peer.say(READY).await;
        peer.play(&[("CAPA", PIPELINING_CAPA)]).await;
        assert_eq!(peer.line().await, "", "nothing more is sent in the clear");
    })
    .await;
    let failed = open(&fake::dialer(), &address, TlsMode::Starttls).await;
    assert_eq!(failed.err().unwrap().error.class, ErrorClass::NotOffered);
}

async fn tls_failure(dialer: &Dialer, certificate: &Certificate) -> ClientError {
    let certificate = certificate.clone();
    let (address, _task) = fake::server(|mut peer: Peer| async move {
        peer.tls(&certificate).await;
    })
    .await;
    let failed = open(dialer, &address, TlsMode::Implicit).await;
    failed.err().unwrap().error
}

#[tokio::test]
async fn a_certificate_that_is_not_the_servers_is_refused_with_the_reason() {
    let other_name = Certificate::of("other.example.org");
    let error = tls_failure(&other_name.dialer(), &other_name).await;
    assert_eq!(error.class, ErrorClass::Tls);
    let sentence = error.to_string();
    assert!(
        sentence.contains(NAME) && sentence.contains("is for another name"),
        "{sentence}"
    );
    assert!(sentence.contains("other.example.org"), "{sentence}");

    let stranger = Certificate::of(NAME);
    let error = tls_failure(&Certificate::of(NAME).dialer(), &stranger).await;
    assert_eq!(error.class, ErrorClass::Tls);
    assert!(error.to_string().contains("signed"), "{error}");
}

#[tokio::test]
async fn without_a_check_any_certificate_will_do() {
    let certificate = Certificate::of("other.example.org");
    let (address, _task) = fake::server(|mut peer: Peer| async move {
        peer.tls(&certificate).await;
        greet(&mut peer, BARE_CAPA).await;
        peer.linger().await;
    })
    .await;
    let dialer = Dialer::new(&Trust::Insecure, true, false, fake::limits()).unwrap();
    open(&dialer, &address, TlsMode::Implicit).await.unwrap();
}

#[tokio::test]
async fn a_plain_text_port_is_recognised_by_a_client_that_speaks_tls() {
    let (address, _task) = fake::server(|mut peer: Peer| async move {
        peer.say(READY).await;
        peer.linger().await;
    })
    .await;
    let failed = open(&fake::dialer(), &address, TlsMode::Implicit).await;
    let error = failed.err().unwrap().error;
    assert_eq!(error.class, ErrorClass::Tls);
    assert!(error.to_string().contains("plain-text port"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_silent_in_the_handshake_is_a_timeout() {
    let (address, _task) = fake::server(|mut peer: Peer| async move {
        peer.linger().await;
    })
    .await;
    let failed = open(&fake::dialer(), &address, TlsMode::Implicit).await;
    let failed = failed.err().unwrap();
    assert_eq!(failed.error.class, ErrorClass::Timeout);
    assert!(failed.figures.traffic.wire_tx > 0, "the hello is counted");
}

//! Delivery by LMTP and SMTP against servers that behave, and against servers that do not.

use std::time::Instant;

use mailgauge::client::{Answer, DeliverySession, Dialect};
use mailgauge::metrics::{ErrorClass, Operation};
use mailgauge::net::Address;
use mailgauge::scenario::TlsMode;

use crate::fake::{self, Certificate, Ear, NAME, Peer};

const PIPELINING: &str =
    "250-here\r\n250-PIPELINING\r\n250-SIZE\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n";
const MAIL: &str = "MAIL FROM:<a@example.org> SIZE=30 BODY=8BITMIME";
const MESSAGE: &[u8] = b"Subject: x\r\n\r\n.dot\r\nno dot 1\r\n";
const GO_ON: &str = "354 go on\r\n";

async fn open(address: &Address, dialect: Dialect, ear: Ear) -> DeliverySession<Ear> {
    let due = Instant::now();
    DeliverySession::open(&fake::dialer(), address, TlsMode::Plain, dialect, due, ear)
        .await
        .unwrap()
}

async fn deliver(session: &mut DeliverySession<Ear>, recipients: &[&str]) -> Vec<Answer> {
    let octets = MESSAGE.len() as u64;
    session
        .deliver(
            "a@example.org",
            recipients,
            octets,
            MESSAGE.chunks(5),
            Instant::now(),
        )
        .await
        .unwrap()
}

fn codes(answers: &[Answer]) -> Vec<u16> {
    let code = |answer: &Answer| answer.as_ref().err().map_or(250, |no| no.code);
    answers.iter().map(code).collect()
}

#[tokio::test]
async fn lmtp_answers_once_for_each_accepted_recipient() {
    use Operation::{Capability, Connect, Deliver, Greeting, Quit};

    let (address, task) = fake::server(|mut peer: Peer| async move {
        peer.say("220 lmtp ready\r\n").await;
        peer.play(&[("LHLO localhost", PIPELINING)]).await;
        for _message in 0..2 {
            // The whole envelope is here before the first answer.
            for line in [
                MAIL,
                "RCPT TO:<one>",
                "RCPT TO:<two>",
                "RCPT TO:<three>",
                "DATA",
            ] {
                peer.expect(line).await;
            }
            peer.say("250 2.1.0 ok\r\n250 ok\r\n550 5.1.1 no such user\r\n250 ok\r\n")
                .await;
            peer.say(GO_ON).await;
            let text = peer.text().await;
            assert_eq!(text, ["Subject: x", "", "..dot", "no dot 1"]);
            peer.say("250 2.0.0 stored\r\n452 4.2.2 full\r\n").await;
        }
        peer.play(&[("QUIT", "221 bye\r\n")]).await;
        peer.close().await
    })
    .await;
    let ear = Ear::default();
    let mut session = open(&address, Dialect::Lmtp, ear.clone()).await;
    for _message in 0..2 {
        let answers = deliver(&mut session, &["one", "two", "three"]).await;
        assert_eq!(codes(&answers), [250, 550, 452]);
        assert!(!answers[1].as_ref().unwrap_err().is_temporary());
        assert!(answers[2].as_ref().unwrap_err().is_temporary());
    }
    let (figures, quit) = session.quit().await;
    quit.unwrap();
    let server = task.await.unwrap();
    assert_eq!(
        (figures.traffic.rx, figures.traffic.tx),
        (server.tx, server.rx)
    );
    assert_eq!(
        ear.operations(),
        [Connect, Greeting, Capability, Deliver, Deliver, Quit]
    );
    let delivery = ear.samples()[3];
    assert_eq!(delivery.outcome, Err(ErrorClass::CommandRefused));
    // The envelope, and the text.
    assert_eq!(delivery.round_trips, 2);
}

#[tokio::test]
async fn smtp_answers_once_and_without_pipelining_each_command_waits() {
    let (address, _task) = fake::server(|mut peer: Peer| async move {
        peer.say("220-smtp\r\n220 ready\r\n").await;
        peer.play(&[
            ("EHLO localhost", "250 here\r\n"),
            ("MAIL FROM:<a@example.org>", "250 ok\r\n"),
            ("RCPT TO:<one>", "250 ok\r\n"),
            ("RCPT TO:<two>", "451 later\r\n"),
            ("RCPT TO:<three>", "250 ok\r\n"),
            ("DATA", GO_ON),
        ])
        .await;
        peer.text().await;
        peer.say("250 queued\r\n").await;
        peer.play(&[("QUIT", "221 bye\r\n")]).await;
        peer.close().await;
    })
    .await;
    let ear = Ear::default();
    let mut session = open(&address, Dialect::Smtp, ear.clone()).await;
    let answers = deliver(&mut session, &["one", "two", "three"]).await;
    assert_eq!(codes(&answers), [250, 451, 250]);
    assert_eq!(ear.samples()[3].round_trips, 6);
    session.quit().await.1.unwrap();
}

#[tokio::test]
async fn a_message_that_nobody_gets_is_taken_back_and_the_next_one_goes_through() {
    let (address, _task) = fake::server(|mut peer: Peer| async move {
        peer.say("220 ready\r\n").await;
        peer.play(&[("LHLO localhost", PIPELINING)]).await;
        // Nobody is accepted: DATA is refused.
        for line in [MAIL, "RCPT TO:<one>", "DATA"] {
            peer.expect(line).await;
        }
        peer.say("250 ok\r\n550 no such user\r\n503 no recipients\r\n")
            .await;
        peer.play(&[("RSET", "250 ok\r\n")]).await;
        // Nobody is accepted, and the server wants the text all the same.
        for line in [MAIL, "RCPT TO:<one>", "DATA"] {
            peer.expect(line).await;
        }
        peer.say("250 ok\r\n550 no such user\r\n354 go on\r\n")
            .await;
        assert!(peer.text().await.is_empty());
        // The sender is refused.
        for line in [MAIL, "RCPT TO:<one>", "DATA"] {
            peer.expect(line).await;
        }
        peer.say("452 4.3.1 disk full\r\n503 no sender\r\n503 no sender\r\n")
            .await;
        // All is well.
        for line in [MAIL, "RCPT TO:<one>", "DATA"] {
            peer.expect(line).await;
        }
        peer.say("250 ok\r\n250 ok\r\n354 go on\r\n").await;
        peer.text().await;
        peer.say("250 stored\r\n").await;
    })
    .await;
    let mut session = open(&address, Dialect::Lmtp, Ear::default()).await;
    for expected in [550, 550, 452, 250] {
        let answers = deliver(&mut session, &["one"]).await;
        assert_eq!(codes(&answers), [expected]);
    }
}

#[tokio::test]
async fn a_large_message_streams_and_arrives_whole() {
    const LINES: usize = 40_000;
    let (address, task) = fake::server(|mut peer: Peer| async move {
        peer.say("220 ready\r\n").await;
        peer.play(&[("LHLO localhost", "250-here\r\n250 PIPELINING\r\n")])
            .await;
        for line in ["MAIL FROM:<>", "RCPT TO:<one>", "DATA"] {
            peer.expect(line).await;
        }
        peer.say("250 ok\r\n250 ok\r\n354 go on\r\n").await;
        let text = peer.text().await;
        peer.say("250 stored\r\n").await;
        text
    })
    .await;
    let mut session = open(&address, Dialect::Lmtp, Ear::default()).await;
    let body = (0..LINES).map(|line| format!(".{line:060}\r\n"));
    let octets = LINES as u64 * 63;
    let answers = session
        .deliver("", &["one"], octets, body, Instant::now())
        .await
        .unwrap();
    assert_eq!(codes(&answers), [250]);
    let text = task.await.unwrap();
    assert_eq!(text.len(), LINES);
    assert_eq!(text[7], format!("..{:060}", 7));
}

#[tokio::test]
async fn a_connection_that_ends_before_the_answer_leaves_the_message_unknown() {
    let (address, _task) = fake::server(|mut peer: Peer| async move {
        peer.say("220 ready\r\n").await;
        peer.play(&[("LHLO localhost", PIPELINING)]).await;
        for line in [MAIL, "RCPT TO:<one>", "DATA"] {
            peer.expect(line).await;
        }
        peer.say("250 ok\r\n250 ok\r\n354 go on\r\n").await;
        peer.text().await;
    })
    .await;
    let mut session = open(&address, Dialect::Lmtp, Ear::default()).await;
    let lost = session
        .deliver("a@example.org", &["one"], 30, [MESSAGE], Instant::now())
        .await;
    assert_eq!(lost.unwrap_err().class, ErrorClass::ConnectionLost);
}

#[tokio::test]
async fn servers_that_are_not_for_delivery_are_told_apart() {
    for (greeting, class) in [
        ("421 too busy\r\n", ErrorClass::Greeting),
        ("+OK POP3 ready\r\n", ErrorClass::Protocol),
        ("* OK IMAP ready\r\n", ErrorClass::Protocol),
    ] {
        let (address, _task) = fake::server(move |mut peer: Peer| async move {
            peer.say(greeting).await;
            peer.linger().await;
        })
        .await;
        let failed = DeliverySession::open(
            &fake::dialer(),
            &address,
            TlsMode::Plain,
            Dialect::Lmtp,
            Instant::now(),
            Ear::default(),
        )
        .await;
        assert_eq!(failed.err().unwrap().error.class, class);
    }
}

#[tokio::test]
async fn delivery_can_be_encrypted() {
    let certificate = Certificate::of(NAME);
    let dialer = certificate.dialer();
    let (address, task) = fake::server(|mut peer: Peer| async move {
        peer.say("220 ready\r\n").await;
        peer.play(&[
            ("LHLO localhost", "250-here\r\n250 STARTTLS\r\n"),
            ("STARTTLS", "220 begin\r\n"),
        ])
        .await;
        peer.tls(&certificate).await;
        peer.play(&[("LHLO localhost", "250 here\r\n"), ("QUIT", "221 bye\r\n")])
            .await;
        peer.close().await
    })
    .await;
    let session = DeliverySession::open(
        &dialer,
        &address,
        TlsMode::Starttls,
        Dialect::Lmtp,
        Instant::now(),
        Ear::default(),
    )
    .await
    .unwrap();
    let (figures, quit) = session.quit().await;
    quit.unwrap();
    let server = task.await.unwrap();
    assert_eq!(
        (figures.traffic.rx, figures.traffic.tx),
        (server.tx, server.rx)
    );
    assert!(figures.tls_facts.is_some());
}

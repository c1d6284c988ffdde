//! TLS, from the first octet or by STLS, and what is refused.

use mailgauge::client::ClientError;
use mailgauge::metrics::{ErrorClass, Operation};
use mailgauge::net::{Dialer, Trust};
use mailgauge::scenario::TlsMode;

use super::{BARE_CAPA, PIPELINING_CAPA, READY, greet, open};
use crate::fake::{self, Certificate, NAME, Peer};

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

//! How connections to somebody's server are made: who we say we are, and from where; and what the README says of it.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mailgauge::client::{DeliverySession, Dialect, Login};
use mailgauge::metrics::ErrorClass;
use mailgauge::net::{Address, ClientCertificate, Dialer, TimeLimits, Trust};
use mailgauge::scenario::TlsMode;
use mailgauge::target::{External, ExternalOptions};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::fake::{self, Ear, Peer};

const LIMITS: TimeLimits = TimeLimits {
    connect: Duration::from_secs(20),
    command: Duration::from_secs(20),
};

/// Signed by itself, so it is its own authority.
fn certificate(name: &str) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (parameters.self_signed(&key).unwrap(), key)
}

/// Lets in whoever shows `client`.
fn acceptor(
    server: &(rcgen::Certificate, KeyPair),
    client: &CertificateDer<'static>,
) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(client.clone()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .unwrap();
    let key = PrivateKeyDer::try_from(server.1.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![server.0.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_a_server_that_asks_for_one() {
    let (server, client) = (certificate("localhost"), certificate("a client"));
    let acceptor = acceptor(&server, client.0.der());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::new(listener.local_addr().unwrap(), "localhost");
    let shown = tokio::spawn(async move {
        let mut shown = Vec::new();
        for _ in 0..2 {
            let (tcp, _) = listener.accept().await.unwrap();
            match acceptor.accept(tcp).await {
                Ok(mut stream) => {
                    let certificates = stream.get_ref().1.peer_certificates();
                    shown.push(certificates.map(|it| it[0].clone().into_owned()));
                    let _ = stream.write_all(b"hello\r\n").await;
                    let _ = stream.shutdown().await;
                }
                Err(_) => shown.push(None),
            }
        }
        shown
    });
    let trust = Trust::Ca(server.0.pem().into_bytes());
    let stranger = Dialer::new(&trust, false, true, LIMITS).unwrap();
    let ours = ClientCertificate {
        chain: client.0.pem().into_bytes(),
        key: client.1.serialize_pem().into_bytes(),
    };
    let known = stranger.clone().showing(&ours).unwrap();
    for (dialer, let_in) in [(stranger, false), (known, true)] {
        let mut wire = dialer.connect(&address).await.unwrap();
        // With TLS 1.3 the refusal comes with the first read.
        let spoken = match wire.start_tls().await {
            Ok(_) => wire.fill().await.is_ok_and(|octets| octets > 0),
            Err(_) => false,
        };
        assert_eq!(spoken, let_in);
    }
    let shown = shown.await.unwrap();
    assert_eq!(shown, [None, Some(client.0.der().clone())]);
}

#[test]
fn a_client_key_that_cannot_be_used_is_refused_and_not_shown() {
    let (certificate, _) = certificate("a client");
    let broken = ClientCertificate {
        chain: certificate.pem().into_bytes(),
        key: b"-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n".to_vec(),
    };
    let dialer = Dialer::new(&Trust::Insecure, false, true, LIMITS).unwrap();
    let error = dialer.showing(&broken).unwrap_err();
    assert!(error.to_string().contains("key"), "{error}");
    assert!(!format!("{error} {error:?} {broken:?}").contains("hush"));
}

#[tokio::test]
async fn source_addresses_take_turns_and_those_of_the_other_family_are_passed_over() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::new(listener.local_addr().unwrap(), "localhost");
    let sources: [IpAddr; 3] = [
        Ipv4Addr::new(127, 0, 0, 2).into(),
        std::net::Ipv6Addr::LOCALHOST.into(),
        Ipv4Addr::new(127, 0, 0, 3).into(),
    ];
    let dialer = Dialer::new(&Trust::Insecure, false, true, LIMITS)
        .unwrap()
        .from_addresses(&sources);
    let mut seen = Vec::new();
    for _ in 0..4 {
        let connected = dialer.clone();
        let (wire, accepted) = tokio::join!(connected.connect(&address), listener.accept());
        wire.unwrap();
        let peer: SocketAddr = accepted.unwrap().1;
        seen.push(peer.ip());
    }
    let [second, _, third] = sources;
    assert_eq!(seen, [second, third, second, third]);
}

async fn smtp(
    offer: &'static str,
    script: &'static [(&'static str, &'static str)],
) -> Result<(), mailgauge::client::ClientError> {
    let (address, _task) = fake::server(move |mut peer: Peer| async move {
        peer.say("220 smtp ready\r\n").await;
        peer.play(&[("EHLO localhost", offer)]).await;
        peer.play(script).await;
        peer.close().await
    })
    .await;
    let due = Instant::now();
    let dialer = fake::dialer();
    let opened = DeliverySession::open(
        &dialer,
        &address,
        TlsMode::Plain,
        Dialect::Smtp,
        due,
        Ear::default(),
    );
    let login = Login::new("tim", "tanstaaftanstaaf");
    opened.await.unwrap().log_in(&login).await
}

#[tokio::test]
async fn smtp_logs_in_by_plain_or_where_that_is_not_offered_by_login() {
    let plain = smtp(
        "250-here\r\n250 AUTH LOGIN PLAIN\r\n",
        &[("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "235 welcome\r\n")],
    );
    plain.await.unwrap();
    let login = smtp(
        "250-here\r\n250 AUTH LOGIN\r\n",
        &[
            ("AUTH LOGIN", "334 VXNlcm5hbWU6\r\n"),
            ("dGlt", "334 UGFzc3dvcmQ6\r\n"),
            ("dGFuc3RhYWZ0YW5zdGFhZg==", "235 welcome\r\n"),
        ],
    );
    login.await.unwrap();
}

#[tokio::test]
async fn a_refused_smtp_login_does_not_repeat_the_password() {
    let refused = smtp(
        "250-here\r\n250 AUTH PLAIN\r\n",
        &[(
            "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm",
            "535 no: AHRpbQB0YW5zdGFhZnRhbnN0YWFm tanstaaftanstaaf\r\n",
        )],
    );
    let error = refused.await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Authentication);
    assert!(!error.detail.contains("tanstaaf"), "{error}");
    assert!(!error.detail.contains("AHRpbQB0"), "{error}");
}

#[tokio::test]
async fn smtp_without_auth_is_told_as_such() {
    let error = smtp("250 here\r\n", &[]).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::NotOffered);
}

#[test]
fn the_target_file_of_the_readme_can_be_read() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let mut blocks = readme.split("```toml\n").skip(1);
    let block = blocks.find(|block| block.starts_with("host = ")).unwrap();
    let text = block.split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hush"), "hush\n").unwrap();
    // A test cannot set variables of its own process.
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            if line.starts_with("password_env") {
                "password_file = \"hush\"".to_owned()
            } else {
                line.to_owned()
            }
        })
        .collect();
    let path = folder.path().join("mine.toml");
    fs::write(&path, lines.join("\n")).unwrap();
    let target = External::read(&path, &ExternalOptions::default()).unwrap();
    assert_eq!(target.name(), "mine");
    assert_eq!(target.accounts(), 200);
    assert_eq!(target.ceiling().connections, Some(400));
}

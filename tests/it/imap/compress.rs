//! COMPRESS=DEFLATE (RFC 4978) by script: what comes right behind the consent, and what is no compression at all.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use mailgauge::client::{LoginMethod, SessionFigures};
use mailgauge::metrics::{ErrorClass, Operation};

use super::script::{FallSilent, Hear, PATIENCE, SayOctets, meet, run, say, scripted, well_met};

/// The consent, and what follows it, in one piece.
fn consent_and(more: &[u8]) -> Vec<u8> {
    [b"m2 OK from here on\r\n", more].concat()
}

fn deflated(text: &str) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(text.replace('\n', "\r\n").as_bytes())
        .unwrap();
    // A sync flush, as between two replies.
    encoder.flush().unwrap();
    encoder.get_ref().clone()
}

#[test]
fn what_comes_in_one_piece_with_the_consent_is_compressed_already() {
    const TEXT: &str = "* 3 EXISTS\nm3 OK nothing else\n";
    let figures: SessionFigures = scripted(
        "COMPRESS=DEFLATE",
        || {
            vec![
                Hear("m2 COMPRESS DEFLATE"),
                SayOctets(consent_and(&deflated(TEXT))),
                FallSilent,
            ]
        },
        |mut session| async move {
            let before = session.figures();
            assert_eq!(before.compressed, None);
            session.compress().await.unwrap();
            session.noop().await.unwrap();
            assert_eq!(session.exists(), 3);
            let twice = session.compress().await.unwrap_err();
            assert_eq!(twice.class, ErrorClass::NotOffered);
            let after = session.abort();
            let consent = consent_and(b"").len() as u64;
            let came = after.traffic.rx - before.traffic.rx - consent;
            assert_eq!(came, TEXT.replace('\n', "\r\n").len() as u64);
            after
        },
    );
    let (rx, tx) = figures.compressed.unwrap();
    assert_eq!(
        (rx, tx),
        (figures.traffic.wire_rx, figures.traffic.wire_tx),
        "without TLS all that passes is compressed or came before"
    );
}

#[test]
fn what_is_not_compressed_although_it_was_agreed_is_an_error() {
    for plain in ["* 3 EXISTS\r\n", "+ go on\r\n"] {
        let mut script = well_met("COMPRESS=DEFLATE");
        script.extend([
            Hear("m2 COMPRESS DEFLATE"),
            SayOctets(consent_and(plain.as_bytes())),
            FallSilent,
        ]);
        let error = run(async {
            let met = meet(script, 1 << 16, LoginMethod::Plaintext, PATIENCE).await;
            let mut session = met.session.unwrap();
            let error = session.compress().await.unwrap_err();
            session.abort();
            met.server.await.unwrap();
            error
        });
        assert_eq!(error.class, ErrorClass::Protocol);
        assert!(error.detail.contains("not compressed"), "{error}");
    }
}

#[test]
fn a_refusal_leaves_the_connection_as_it_is() {
    let (error, figures) = scripted(
        "COMPRESS=DEFLATE",
        || {
            vec![
                Hear("m2 COMPRESS DEFLATE"),
                say("m2 NO [COMPRESSIONACTIVE] TLS compresses\n"),
                Hear("m3 NOOP"),
                say("m3 OK plainly\n"),
            ]
        },
        |mut session| async move {
            let error = session.compress().await.unwrap_err();
            session.noop().await.unwrap();
            (error, session.abort())
        },
    );
    assert!(error.is_refusal());
    assert_eq!(error.operation, Operation::Compress);
    assert_eq!(figures.compressed, None);
    let offered = scripted("", Vec::new, |mut session| async move {
        session.compress().await.unwrap_err()
    });
    assert_eq!(offered.class, ErrorClass::NotOffered);
}

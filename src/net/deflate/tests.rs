use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::{Deflated, NotDeflate, READ, UNSENT};

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(60), future)
            .await
            .expect("the test hangs")
    })
}

/// `plain` as a peer's compressor writes it, to its end.
fn deflated(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// The receiving end of a peer that has sent `octets` and closed.
async fn sent(octets: &[u8], early: usize) -> Deflated<DuplexStream> {
    let (mut peer, ours) = duplex(octets.len().max(1));
    peer.write_all(&octets[early..]).await.unwrap();
    Deflated::new(ours, &octets[..early])
}

/// Something as compressible as a protocol, or not at all.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..400),
        (1usize..9000).prop_map(|times| b"* 1 FETCH (FLAGS ())\r\n".repeat(times)),
        "[a-z ]{0,200}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_flush_arrives_whole_however_the_pipe_cuts_it(
        pieces in vec(piece(), 1..6),
        // Room for what a flush adds behind the last octet of the text: nobody may be reading any more.
        pipe in 16usize..300,
        room in 1usize..5000,
    ) {
        run(async {
            let (near, far) = duplex(pipe);
            let (mut near, mut far) = (Deflated::new(near, &[]), Deflated::new(far, &[]));
            for piece in &pieces {
                let write = async {
                    near.write_all(piece).await.unwrap();
                    near.flush().await.unwrap();
                };
                // Nothing follows: what was flushed must be there by itself.
                let read = async {
                    let mut got = Vec::new();
                    while got.len() < piece.len() {
                        let mut part = vec![0; room];
                        let octets = far.read(&mut part).await.unwrap();
                        assert!(octets > 0);
                        got.extend_from_slice(&part[..octets]);
                    }
                    got
                };
                let ((), got) = tokio::join!(write, read);
                prop_assert!(&got == piece);
            }
            near.shutdown().await.unwrap();
            prop_assert_eq!(far.read(&mut [0; 9]).await.unwrap(), 0);
            prop_assert_eq!(near.sent(), far.received());
            Ok(())
        })?;
    }

    #[test]
    fn any_octets_are_read_or_refused_in_bounded_memory(octets in vec(any::<u8>(), 0..3000), room in 1usize..300) {
        run(async {
            let mut ours = sent(&octets, 0).await;
            let mut part = vec![0; room];
            let mut all = 0;
            loop {
                match ours.read(&mut part).await {
                    Ok(0) => break,
                    Ok(got) => all += got,
                    Err(error) => {
                        let inner = error.get_ref().unwrap();
                        assert!(inner.downcast_ref::<NotDeflate>().is_some());
                        break;
                    }
                }
                assert!(ours.compressed.capacity() <= READ);
            }
            // No octet of DEFLATE stands for more than 1032.
            assert!(all <= octets.len() * 1032 + 258);
        });
    }

    #[test]
    fn a_stream_with_one_octet_changed_gives_an_error_or_something_else_but_no_panic(
        plain in piece(), at in any::<prop::sample::Index>(), flip in 1u8..,
    ) {
        let mut octets = deflated(&plain);
        let at = at.index(octets.len());
        octets[at] ^= flip;
        run(async {
            let mut got = Vec::new();
            let _ = sent(&octets, 0).await.take(1 << 22).read_to_end(&mut got).await;
        });
    }

    #[test]
    fn what_came_with_the_consent_is_the_beginning_of_the_stream(plain in piece(), early in any::<prop::sample::Index>()) {
        let octets = deflated(&plain);
        let early = early.index(octets.len());
        run(async {
            let mut ours = sent(&octets, early).await;
            let mut got = Vec::new();
            ours.read_to_end(&mut got).await.unwrap();
            prop_assert!(got == plain);
            prop_assert_eq!(ours.received(), octets.len() as u64);
            Ok(())
        })?;
    }
}

#[test]
fn a_bomb_is_taken_in_only_as_fast_as_somebody_reads_it() {
    let bomb = deflated(&vec![0; 256 << 20]);
    assert!(bomb.len() < 300_000);
    run(async {
        let mut ours = sent(&bomb, 0).await;
        let mut part = vec![0; 64 << 10];
        let mut got = 0;
        while got < 8 << 20 {
            got += ours.read(&mut part).await.unwrap();
        }
        assert!(ours.received() < 8 * 1032 + 3 * READ as u64);
        assert!(ours.compressed.capacity() <= READ);
    });
}

#[test]
fn a_peer_that_takes_nothing_is_not_buffered_for() {
    run(async {
        let (near, _far) = duplex(10);
        let mut near = Deflated::new(near, &[]);
        let mut noise = vec![0; 1 << 20];
        rand::RngExt::fill(&mut rand::rng(), &mut noise[..]);
        let writing = near.write_all(&noise);
        assert!(
            tokio::time::timeout(Duration::from_millis(200), writing)
                .await
                .is_err()
        );
        assert!(near.unsent.capacity() <= 4 * UNSENT);
    });
}

#[test]
fn a_flush_that_was_given_up_is_taken_up_again() {
    run(async {
        let (near, far) = duplex(8);
        let (mut near, mut far) = (Deflated::new(near, &[]), Deflated::new(far, &[]));
        let text = b"0123456789abcdefghijklmnopqrstuvwxyz".repeat(20);
        near.write_all(&text).await.unwrap();
        for _ in 0..3 {
            let given_up = tokio::time::timeout(Duration::from_millis(5), near.flush()).await;
            assert!(given_up.is_err(), "the pipe is too small to take it all");
        }
        let mut got = vec![0; text.len()];
        let (flushed, read) = tokio::join!(near.flush(), far.read_exact(&mut got));
        flushed.unwrap();
        read.unwrap();
        assert_eq!(got, text);
        assert_eq!(near.sent(), far.received());
    });
}

#[test]
fn behind_the_end_of_a_stream_comes_nothing() {
    run(async {
        let mut octets = deflated(b"bye");
        let mut got = Vec::new();
        let mut ours = sent(&octets, 0).await;
        ours.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"bye");
        octets.extend_from_slice(b"* 1 EXISTS\r\n");
        let refused = sent(&octets, 0)
            .await
            .read_to_end(&mut got)
            .await
            .unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::InvalidData);
    });
}

//! What IMAP's octets cost: lists of messages, a body that streams by, each beside a full decode by imap-codec.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use imap_codec::ResponseCodec;
use imap_codec::decode::Decoder;
use mailgauge::proto::digest::Digester;
use mailgauge::proto::imap::framer::{Framer, Limits, Piece};
use mailgauge::proto::imap::{FetchItem, Response};

const READ: usize = 16 * 1024;
const MESSAGES: u32 = 1000;
const BODY: usize = 1024 * 1024;

/// A list view with envelope and structure, as a mail program asks for it at first sight.
fn full() -> Vec<u8> {
    let address = r#"(("Ann Other" NIL "ann" "example.org"))"#;
    let part = r#"("text" "plain" ("charset" "utf-8" "format" "flowed") NIL NIL "quoted-printable" 1152 23 NIL NIL NIL NIL)"#;
    let file = r#"("application" "pdf" ("name" "report (final).pdf") NIL NIL "base64" 231456 NIL ("attachment" ("filename" "report (final).pdf")) NIL NIL)"#;
    let mut octets = Vec::new();
    for number in 1..=MESSAGES {
        let line = format!(
            "* {number} FETCH (UID {uid} FLAGS (\\Seen $Forwarded) RFC822.SIZE {size} INTERNALDATE \"17-Jul-2026 02:44:25 +0200\" ENVELOPE (\"Fri, 17 Jul 2026 02:44:25 +0200\" \"UID 99 ) (\\\"FLAGS ( {number}\" {address} {address} {address} {address} NIL NIL NIL \"<{number}.5f3e2a@example.org>\") BODYSTRUCTURE ({part}{file} \"mixed\" (\"boundary\" \"----=_Part_{number}\") NIL NIL NIL))\r\n",
            uid = number * 3,
            size = 2000 + number,
        );
        octets.extend_from_slice(line.as_bytes());
    }
    octets
}

/// Flags alone, as a program that knows the messages asks.
fn flags() -> Vec<u8> {
    (1..=MESSAGES)
        .flat_map(|number| {
            let (uid, modified) = (number * 3, u64::from(number) * 7 + 900_000);
            format!("* {number} FETCH (UID {uid} MODSEQ ({modified}) FLAGS (\\Seen))\r\n")
                .into_bytes()
        })
        .collect()
}

/// Frames what comes in reads of [`READ`] octets and takes from each FETCH what a list needs.
fn read_list(octets: &[u8]) -> u64 {
    let mut framer = Framer::for_responses(Limits::responses());
    let mut sum = 0;
    for mut input in octets.chunks(READ) {
        while let Ok(Some(piece)) = framer.next(&mut input) {
            if piece != Piece::Line {
                continue;
            }
            let Ok(Response::Fetch(fetch)) = Response::parse(framer.line(), framer.streamed())
            else {
                continue;
            };
            for item in fetch {
                sum += match item {
                    Ok(FetchItem::Uid(uid)) => u64::from(uid),
                    Ok(FetchItem::Size(octets)) => octets,
                    Ok(FetchItem::ModSeq(number)) => number,
                    Ok(FetchItem::Flags(flags)) => u64::from(flags.contains("\\Seen")),
                    _ => 0,
                };
            }
        }
    }
    sum
}

/// All at once and at hand as a whole: the best that a full decode can have.
fn decode_list(mut octets: &[u8]) -> usize {
    let codec = ResponseCodec::default();
    let mut responses = 0;
    while let Ok((rest, response)) = codec.decode(octets) {
        black_box(response);
        octets = rest;
        responses += 1;
    }
    responses
}

fn lists(c: &mut Criterion) {
    for (name, octets) in [("whole list view", full()), ("flags alone", flags())] {
        assert_eq!(decode_list(&octets), MESSAGES as usize);
        assert!(read_list(&octets) > 0);
        let mut group = c.benchmark_group(format!("imap: 1,000 FETCH, {name}"));
        group.throughput(Throughput::Bytes(octets.len() as u64));
        group.bench_function("framed and extracted, in reads of 16 KiB", |b| {
            b.iter(|| read_list(black_box(&octets)));
        });
        group.bench_function("decoded by imap-codec, at hand", |b| {
            b.iter(|| decode_list(black_box(&octets)));
        });
        group.finish();
    }
}

fn body(c: &mut Criterion) {
    let mut octets = format!("* 1 FETCH (UID 7 BODY[] {{{BODY}}}\r\n").into_bytes();
    let line = [[b'a'; 76].as_slice(), b"\r\n"].concat();
    octets.extend(line.iter().cycle().take(BODY));
    octets.extend_from_slice(b" FLAGS (\\Seen))\r\n");
    let mut group = c.benchmark_group("imap: a literal of 1 MiB in reads of 16 KiB");
    group.throughput(Throughput::Bytes(BODY as u64));
    group.bench_function("framed and counted", |b| {
        b.iter(|| stream(black_box(&octets), &mut |_| {}));
    });
    group.bench_function("framed and digested", |b| {
        b.iter(|| {
            let mut digester = Digester::new();
            let counted = stream(black_box(&octets), &mut |bytes| digester.update(bytes));
            (counted, digester.finish())
        });
    });
    group.bench_function("collected, then decoded by imap-codec", |b| {
        b.iter(|| {
            let mut whole = Vec::new();
            for read in black_box(&octets).chunks(READ) {
                whole.extend_from_slice(read);
            }
            decode_list(&whole)
        });
    });
    group.finish();
}

fn stream(octets: &[u8], each: &mut impl FnMut(&[u8])) -> usize {
    let mut framer = Framer::for_responses(Limits::responses());
    let mut counted = 0;
    for mut input in octets.chunks(READ) {
        while let Ok(Some(piece)) = framer.next(&mut input) {
            if let Piece::Bytes(bytes) = piece {
                counted += bytes.len();
                each(bytes);
            }
        }
    }
    counted
}

criterion_group!(benches, lists, body);
criterion_main!(benches);

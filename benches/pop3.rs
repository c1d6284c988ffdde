//! What POP3's octets cost: a listing, a message, the dots.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mailgauge::proto::digest::Digester;
use mailgauge::proto::dots::{Stuffer, Unstuffer};
use mailgauge::proto::pop3::{BodyReply, Lines, Reply, UidlEntry, parse_entry};

const READ: usize = 16 * 1024;
const MESSAGE: usize = 1024 * 1024;

fn uidl_listing(c: &mut Criterion) {
    let lines = (1..=1000).map(|number| format!("{number} {:08x}5f3e2a{number:06}", number * 7919));
    let reply = format!("+OK\r\n{}\r\n.\r\n", lines.collect::<Vec<_>>().join("\r\n"));
    let mut group = c.benchmark_group("pop3");
    group.throughput(Throughput::Bytes(reply.len() as u64));
    group.bench_function("UIDL of 1,000 messages", |b| {
        b.iter(|| {
            let mut entries: Vec<UidlEntry> = Vec::new();
            let mut lines = Lines::new(10_000, |line: &[u8]| {
                entries.push(parse_entry(line)?);
                Ok(())
            });
            let progress = lines.take(black_box(reply.as_bytes()));
            assert!(progress.is_ok_and(|progress| progress.complete));
            entries
        });
    });
    group.finish();
}

/// A megabyte in lines of 76, of which one in ten begins with a dot.
fn message() -> Vec<u8> {
    let mut message = b"Subject: x\r\nX-Mailgauge-Id: 0badcafe-1-2\r\n\r\n".to_vec();
    let mut line = 0;
    while message.len() < MESSAGE {
        let first = if line % 10 == 0 { b'.' } else { b'x' };
        message.push(first);
        message.extend_from_slice(&[b'a'; 75]);
        message.extend_from_slice(b"\r\n");
        line += 1;
    }
    message
}

fn stuffed(message: &[u8], out: &mut Vec<u8>) {
    let mut stuffer = Stuffer::new();
    for piece in message.chunks(READ) {
        stuffer.put(piece, out);
    }
    stuffer.end(out);
}

fn body(c: &mut Criterion) {
    let message = message();
    let mut reply = b"+OK\r\n".to_vec();
    stuffed(&message, &mut reply);
    let text = &reply[5..];

    let mut group = c.benchmark_group("pop3");
    group.throughput(Throughput::Bytes(reply.len() as u64));
    group.bench_function("RETR of 1 MiB in 16 KiB reads, to a digest", |b| {
        b.iter(|| {
            let mut digester = Digester::new();
            let mut body = BodyReply::new(|octets: &[u8]| digester.update(octets));
            let mut complete = false;
            for read in black_box(&reply).chunks(READ) {
                complete = body.take(read).is_ok_and(|progress| progress.complete);
            }
            assert!(complete);
            digester.finish()
        });
    });
    group.bench_function("un-stuff 1 MiB in 16 KiB reads", |b| {
        b.iter(|| {
            let (mut unstuffer, mut octets) = (Unstuffer::new(), 0);
            for read in black_box(text).chunks(READ) {
                unstuffer.take(read, |piece| octets += piece.len());
            }
            assert!(unstuffer.ended());
            octets
        });
    });
    group.bench_function("stuff 1 MiB in 16 KiB pieces", |b| {
        b.iter_batched_ref(
            || Vec::with_capacity(2 * MESSAGE),
            |out| stuffed(black_box(&message), out),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, uidl_listing, body);
criterion_main!(benches);

//! What it costs to record one sample, and to read what the kernel counted on its connection: each happens once for each
//! command on the wire, on the thread that measures. And whether samples leave memory behind.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot begin may end")]

use std::hint::black_box;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mailgauge::metrics::row::Cell;
use mailgauge::metrics::{Key, Operation, Recorder, Sample, Timing, Traffic};
use mailgauge::net::{Address, Dialer, TimeLimits, Trust};
use mailgauge::scenario::{Arm, DeviceKind, Phase};

const KEYS: usize = 24;

/// Samples of `KEYS` keys with service times from 50 µs to some 30 ms.
fn samples() -> Vec<(Key, Sample)> {
    let operations = [
        Operation::Connect,
        Operation::Greeting,
        Operation::Login,
        Operation::Stat,
        Operation::Uidl,
        Operation::Retr,
        Operation::Dele,
        Operation::Quit,
    ];
    let devices = [DeviceKind::Phone, DeviceKind::Tablet, DeviceKind::Notebook];
    let due = Instant::now();
    (0..1_024_u64)
        .map(|n| {
            let operation = operations[n as usize % operations.len()];
            let device = devices[n as usize / operations.len() % devices.len()];
            let sent = due + Duration::from_micros(n % 40);
            let done = sent + Duration::from_micros(50 + n * n % 30_000);
            let key = Key {
                phase: Phase::Measure,
                device: Some(device),
                operation,
            };
            let sample = Sample {
                operation,
                timing: Timing {
                    due,
                    sent,
                    first_byte: Some(sent + Duration::from_micros(40)),
                    done,
                },
                traffic: Traffic {
                    rx: 120,
                    tx: 12,
                    wire_rx: 120,
                    wire_tx: 12,
                    packets: None,
                },
                round_trips: 1,
                outcome: Ok(()),
            };
            (key, sample)
        })
        .collect()
}

fn record(criterion: &mut Criterion) {
    let samples = samples();
    let cell = Cell {
        block: 1,
        arm: Arm::POP3,
    };
    let mut recorder = Recorder::new();
    let mut group = criterion.benchmark_group("record");

    group.throughput(Throughput::Elements(1));
    let mut next = samples.iter().cycle();
    group.bench_function("one sample", |bencher| {
        bencher.iter(|| {
            if let Some((key, sample)) = next.next() {
                recorder.record(black_box(*key), black_box(sample));
            }
        });
    });

    group.throughput(Throughput::Elements(KEYS as u64));
    group.bench_function("rows of one second", |bencher| {
        let mut recorder = Recorder::new();
        for (key, sample) in &samples {
            recorder.record(*key, sample);
        }
        let interval = recorder.take_interval();
        bencher.iter(|| black_box(&interval).rows(0, cell));
    });
    group.finish();
}

/// `TCP_INFO` of an idle connection on loopback, with the octets counted so far.
fn traffic(criterion: &mut Criterion) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::new(listener.local_addr().unwrap(), "localhost");
    let limits = TimeLimits {
        connect: Duration::from_secs(5),
        command: Duration::from_secs(5),
    };
    let dialer = Dialer::new(&Trust::Insecure, false, true, limits).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let wire = runtime.block_on(dialer.connect(&address)).unwrap();
    criterion.bench_function("record/what a connection carried", |bencher| {
        bencher.iter(|| black_box(&wire).traffic());
    });
}

/// Ten million samples, taken away each second as a worker does, must not leave memory behind after the first million.
fn memory(_: &mut Criterion) {
    const PER_SECOND: usize = 50_000;
    const MILLION: usize = 1_000_000;
    /// What an allocator may round by.
    const FLAT: u64 = 4 << 20;
    let samples = samples();
    let mut recorder = Recorder::new();
    let mut after_one = 0;
    for (index, (key, sample)) in samples.iter().cycle().take(10 * MILLION).enumerate() {
        recorder.record(black_box(*key), black_box(sample));
        if (index + 1) % PER_SECOND == 0 {
            black_box(recorder.take_interval());
        }
        if index + 1 == MILLION {
            after_one = resident();
        }
    }
    let after_ten = resident();
    println!("resident after 1 M samples: {after_one} bytes, after 10 M: {after_ten} bytes");
    assert!(
        after_ten <= after_one + FLAT,
        "memory grew from {after_one} to {after_ten} bytes"
    );
}

/// Our own resident memory, bytes.
fn resident() -> u64 {
    mailgauge::probe::generator().unwrap().rss_bytes
}

criterion_group!(benches, record, traffic, memory);
criterion_main!(benches);

//! What it costs to record one sample: it happens once for each command on the wire, on the thread that measures.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mailgauge::metrics::row::Cell;
use mailgauge::metrics::{Key, Operation, Recorder, Sample, Timing, Traffic};
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

criterion_group!(benches, record);
criterion_main!(benches);

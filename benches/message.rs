//! What it costs to write the mail that is sent: planning a message, and its octets.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot begin may end")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mailgauge::plan::message::{Envelope, Writer};
use mailgauge::plan::{MessageSpec, Plan, Shard};
use mailgauge::scenario::{Override, Scenario};

const ENVELOPE: Envelope<'static> = Envelope {
    id: "0badcafe-17-3",
    from: "sender@mailgauge.test",
    to: "user00017@mailgauge.invalid",
    date_unix: 1_700_000_000,
    ancestors: &[],
};

fn scenario(sizes: &str) -> Scenario {
    let settings = [
        "users=1".to_owned(),
        "mailbox.messages={ constant = 2000 }".to_owned(),
        format!("mail.sizes={sizes}"),
    ];
    let settings: Vec<Override> = settings.iter().filter_map(|it| Override::set(it)).collect();
    Scenario::load("quick", &settings).unwrap()
}

fn octets(specs: &[MessageSpec]) -> u64 {
    specs.iter().map(|spec| spec.octets).sum()
}

fn write(specs: &[MessageSpec]) -> usize {
    let chunks = specs.iter().flat_map(|spec| Writer::new(spec, &ENVELOPE));
    chunks.map(|chunk| black_box(chunk).len()).sum()
}

fn writing(c: &mut Criterion) {
    for sizes in ["spec2001", "office75", "sun-heavy"] {
        let plan = Plan::new(&scenario(sizes), Shard::WHOLE);
        let mail = plan.users.iter().flat_map(|user| &user.mail);
        let specs: Vec<MessageSpec> = mail.map(|message| message.spec).collect();
        let mut group = c.benchmark_group(format!("{} messages of {sizes}", specs.len()));
        group.throughput(Throughput::Elements(specs.len() as u64));
        group.bench_function("written", |b| {
            b.iter(|| write(black_box(&specs)));
        });
        group.throughput(Throughput::Bytes(octets(&specs)));
        group.bench_function("written, in octets", |b| {
            b.iter(|| write(black_box(&specs)));
        });
        group.finish();
    }
}

fn planning(c: &mut Criterion) {
    let scenario = scenario("spec2001");
    let mut group = c.benchmark_group("a plan");
    group.throughput(Throughput::Elements(2_000));
    group.bench_function("of 2,000 messages", |b| {
        b.iter(|| Plan::new(black_box(&scenario), Shard::WHOLE));
    });
    group.finish();
}

criterion_group!(benches, writing, planning);
criterion_main!(benches);

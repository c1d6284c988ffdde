//! A small made-up run: one user with a phone and a tablet, two arms. Its figures are invented, its shape is
//! that of a real run: under POP3 the phone takes the mail and the tablet misses it.

use std::path::Path;
use std::time::{Duration, Instant};

use mailgauge::metrics::row::{
    Cell, CheckRow, ConsistencyRow, ErrorRow, Event, FlagBits, GeneratorRow, ObservationRow,
    Opening, OpeningRow, Purpose, RadioRow, ServerRow, SessionRow, StorageRow,
};
use mailgauge::metrics::{
    ErrorClass, Interval, Key, Operation, Packets, Record, Recorder, Sample, Timing, Traffic,
};
use mailgauge::rundir::{Manifest, Outcome, RunDir, Writer};
use mailgauge::scenario::{Arm, DeviceKind, Phase, RadioKind};

pub(crate) const FIRST: Cell = Cell {
    block: 1,
    arm: Arm::POP3,
};
pub(crate) const SECOND: Cell = Cell {
    block: 1,
    arm: Arm::IMAP,
};
/// Seconds of each cell.
pub(crate) const SECONDS: u32 = 4;
const CELL_US: u64 = SECONDS as u64 * 1_000_000;

/// Writes the run and opens it.
pub(crate) fn write(path: &Path) -> RunDir {
    write_blocks(path, 1)
}

/// The same over so many blocks, each a little slower than the one before.
pub(crate) fn write_blocks(path: &Path, blocks: u32) -> RunDir {
    let manifest = Manifest {
        blocks,
        ..manifest()
    };
    let mut writer = Writer::create(path, &manifest).unwrap();
    for record in (1..=blocks).flat_map(block) {
        writer.write(&record).unwrap();
    }
    writer
        .update_manifest(|manifest| manifest.outcome = Outcome::Complete)
        .unwrap();
    writer.finish().unwrap();
    RunDir::open(path).unwrap()
}

pub(crate) fn manifest() -> Manifest {
    Manifest {
        started: "2026-11-23T14:05:06Z".to_owned(),
        run_id: "0badcafe".to_owned(),
        scenario_name: "sample".to_owned(),
        scenario_question: "What does a run directory look like?".to_owned(),
        arms: vec![Arm::POP3, Arm::IMAP],
        blocks: 1,
        users: 1,
        worker_threads: 1,
        ..Manifest::default()
    }
}

pub(crate) fn records() -> Vec<Record> {
    block(1)
}

fn block(block: u32) -> Vec<Record> {
    let mut records = Vec::new();
    let start = u64::from(block - 1) * 2 * CELL_US;
    for (cell, begin) in [(FIRST, start), (SECOND, start + CELL_US)] {
        let cell = Cell { block, ..cell };
        records.push(Record::Phase(cell, Phase::RampUp, begin));
        records.push(Record::Phase(cell, Phase::Measure, begin + 1_000_000));
        for second in 0..SECONDS {
            let at = begin + u64::from(second) * 1_000_000;
            let since_start = (at / 1_000_000) as u32;
            records.push(Record::Interval(since_start, cell, interval(cell, second)));
            records.push(Record::Session(session(cell, at)));
            records.push(Record::Server(server(cell, at)));
            records.push(Record::Generator(generator(cell, at)));
        }
        records.push(Record::Error(error(cell)));
        for device in [DeviceKind::Phone, DeviceKind::Tablet] {
            records.push(Record::Opening(opening(cell, device)));
            records.push(Record::Observation(observation(cell, device)));
            records.push(Record::Consistency(consistency(cell, device)));
        }
        for place in ["server", "phone", "tablet"] {
            records.push(Record::Storage(storage(cell, place)));
        }
        records.push(Record::Radio(radio(cell)));
        records.push(Record::Check(check(cell)));
        records.push(Record::CellEnd(cell, begin + CELL_US));
    }
    records
}

/// Three keys, one of them on the delivery side, one with an error.
pub(crate) fn interval(cell: Cell, second: u32) -> Interval {
    let mut recorder = Recorder::new();
    let slow = if cell.arm == Arm::IMAP { 3 } else { 1 };
    let phone = Some(DeviceKind::Phone);
    for n in 1..=20 {
        let micros = n * n * 100 * slow + u64::from(second) * 10_000;
        let outcome = if n == 20 {
            Err(ErrorClass::Timeout)
        } else {
            Ok(())
        };
        for (device, operation, micros, outcome) in [
            (phone, Operation::OpenMessage, micros, outcome),
            (phone, Operation::Retr, micros / 7, Ok(())),
            (None, Operation::Deliver, micros / 2, Ok(())),
        ] {
            recorder.record(key(device, operation), &sample(operation, micros, outcome));
        }
    }
    recorder.take_interval()
}

fn key(device: Option<DeviceKind>, operation: Operation) -> Key {
    Key {
        phase: Phase::Measure,
        device,
        operation,
    }
}

fn sample(operation: Operation, micros: u64, outcome: Result<(), ErrorClass>) -> Sample {
    let due = Instant::now();
    let sent = due + Duration::from_micros(7);
    Sample {
        operation,
        timing: Timing {
            due,
            sent,
            first_byte: Some(sent + Duration::from_micros(micros / 3)),
            done: sent + Duration::from_micros(micros),
        },
        traffic: Traffic {
            rx: 2_000,
            tx: 40,
            wire_rx: 2_100,
            wire_tx: 80,
            packets: Some(Packets {
                rx: 3,
                tx: 2,
                retransmitted: 0,
                header_rx: 156,
                header_tx: 104,
            }),
        },
        round_trips: 2,
        outcome,
    }
}

pub(crate) fn session(cell: Cell, due: u64) -> SessionRow {
    let imap = cell.arm == Arm::IMAP;
    SessionRow {
        block: cell.block,
        arm: cell.arm,
        phase: Phase::Measure,
        user: 0,
        device: DeviceKind::Phone,
        purpose: Purpose::Poll,
        due_at_us: due,
        start_at_us: due + 20,
        end_at_us: due + 12_000,
        connect_us: Some(90),
        tls_us: None,
        greeting_us: Some(400),
        login_us: Some(if imap { 900 } else { 1_200 }),
        usable_us: Some(u64::from(cell.block) * 37 + if imap { 4_063 } else { 3_363 }),
        rx_bytes: 10_000,
        tx_bytes: 300,
        wire_rx_bytes: 10_000,
        wire_tx_bytes: 300,
        round_trips: 6,
        commands: 7,
        messages: if imap { 0 } else { 2 },
        headers: if imap { 2 } else { 0 },
        error: None,
        local_port: Some(40_000),
        packets_rx: Some(12),
        packets_tx: Some(11),
        retransmitted: Some(0),
        header_rx_bytes: Some(632),
        header_tx_bytes: Some(580),
    }
}

pub(crate) fn error(cell: Cell) -> ErrorRow {
    ErrorRow {
        at_us: 2_500_000,
        block: cell.block,
        arm: cell.arm,
        phase: Phase::Measure,
        user: Some(0),
        device: Some(DeviceKind::Phone),
        operation: Some(Operation::OpenMessage),
        class: ErrorClass::Timeout,
        detail: "no answer within 10 s, \"RETR 3\" was sent".to_owned(),
    }
}

pub(crate) fn opening(cell: Cell, device: DeviceKind) -> OpeningRow {
    let outcome = match (cell.arm, device) {
        (Arm::IMAP, _) => Opening::Fetched,
        (_, DeviceKind::Phone) => Opening::Local,
        _ => Opening::Missing,
    };
    let fetched = outcome == Opening::Fetched;
    OpeningRow {
        block: cell.block,
        arm: cell.arm,
        phase: Phase::Measure,
        user: 0,
        device,
        message: "0badcafe-0-0".to_owned(),
        at_us: 2_000_000,
        again: device == DeviceKind::Tablet,
        attachment: false,
        offline: false,
        outcome,
        response_us: if fetched { 5_000 } else { 30 },
        rx_bytes: if fetched { 4_300 } else { 0 },
        tx_bytes: if fetched { 120 } else { 0 },
    }
}

pub(crate) fn observation(cell: Cell, device: DeviceKind) -> ObservationRow {
    let imap = cell.arm == Arm::IMAP;
    ObservationRow {
        at_us: 2_003_000,
        sent_at_us: 2_001_000,
        device: Some(device),
        session: 1,
        message: Some("0badcafe-0-0".to_owned()),
        uid: imap.then_some(1),
        uidl: (!imap).then(|| "7.1".to_owned()),
        flags: imap.then_some(FlagBits::SEEN.with(FlagBits::FLAGGED)),
        ..ObservationRow::new(cell, 0, Event::Shown)
    }
}

pub(crate) fn consistency(cell: Cell, device: DeviceKind) -> ConsistencyRow {
    let imap = cell.arm == Arm::IMAP;
    let has_it = imap || device == DeviceKind::Phone;
    ConsistencyRow {
        block: cell.block,
        arm: cell.arm,
        user: 0,
        message: "0badcafe-0-0".to_owned(),
        device,
        octets: 4_096,
        due_at_us: Some(1_100_000),
        accepted_at_us: Some(1_101_000),
        visible_at_us: has_it.then_some(2_003_000),
        read_at_us: has_it.then_some(2_500_000),
        deleted: false,
        on_server: imap,
        on_device: !imap && device == DeviceKind::Phone,
        shown_read: has_it,
    }
}

pub(crate) fn storage(cell: Cell, place: &str) -> StorageRow {
    let server = place == "server";
    let holds = match cell.arm {
        Arm::IMAP => server,
        _ => place == "phone",
    };
    StorageRow {
        block: cell.block,
        arm: cell.arm,
        place: place.to_owned(),
        messages: u64::from(holds),
        mail_bytes: if holds { 4_096 } else { 0 },
        files: server.then_some(4 + u64::from(holds)),
        disk_bytes: server.then_some(16_384 + if holds { 4_096 } else { 0 }),
    }
}

pub(crate) fn radio(cell: Cell) -> RadioRow {
    RadioRow {
        block: cell.block,
        arm: cell.arm,
        user: 0,
        device: DeviceKind::Phone,
        radio: RadioKind::Lte,
        simulated_s: 600.0,
        wake_ups: 12,
        on_s: 124.25,
        joules: 132.5,
    }
}

pub(crate) fn check(cell: Cell) -> CheckRow {
    CheckRow {
        block: cell.block,
        arm: cell.arm,
        check: "delivered = stored + deleted".to_owned(),
        expected: 40,
        found: 40,
        holds: true,
    }
}

pub(crate) fn server(cell: Cell, at_us: u64) -> ServerRow {
    ServerRow {
        at_us,
        block: cell.block,
        arm: cell.arm,
        phase: Phase::Measure,
        source: "process-tree".to_owned(),
        cpu_user_us: at_us / 10,
        cpu_system_us: at_us / 20,
        rss_bytes: Some(30_000_000),
        pss_bytes: at_us.is_multiple_of(CELL_US).then_some(22_000_000),
        processes: Some(3),
        threads: Some(5),
        fds: Some(40),
        pop3_connections: u32::from(cell.arm == Arm::POP3),
        imap_connections: u32::from(cell.arm == Arm::IMAP),
        delivery_connections: 1,
        disk_read_bytes: Some(0),
        disk_write_bytes: Some(at_us / 5),
        disk_syncs: Some(40),
        network_rx_bytes: None,
        network_tx_bytes: None,
        storage_bytes: Some(20_480),
        storage_disk_bytes: Some(20_480),
        storage_files: Some(5),
    }
}

pub(crate) fn generator(cell: Cell, at_us: u64) -> GeneratorRow {
    GeneratorRow {
        at_us,
        block: cell.block,
        arm: cell.arm,
        phase: Phase::Measure,
        cpu_user_us: at_us / 8,
        cpu_system_us: at_us / 16,
        rss_bytes: 9_000_000,
        fds: 21,
        threads: 4,
        open_sessions: 1,
        sessions: at_us / 1_000_000,
        errors: 0,
        lag_p50_us: 7,
        lag_p99_us: 7,
        lag_max_us: 7,
        coalesced: 0,
    }
}

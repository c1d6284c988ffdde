//! Rows with a known truth, for tests: two users with phone, tablet and notebook, two blocks of ten measured
//! seconds, in which both protocols behave as the document says.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::Lag;
use super::{Ending, Evidence, Setting};
use crate::metrics::Operation;
use crate::metrics::row::{
    Cell, CheckRow, ConsistencyRow, GeneratorRow, Opening, OpeningRow, OperationRow, Purpose,
    ServerRow, SessionRow, StorageRow,
};
use crate::scenario::{Arm, DeviceKind, Phase, Protocol, TlsMode};

const DEVICES: [DeviceKind; 3] = [DeviceKind::Phone, DeviceKind::Tablet, DeviceKind::Notebook];
/// Measured seconds of a cell.
const SECONDS: u64 = 10;
const MESSAGES: u32 = 20;

/// POP downloads and deletes, is quick and cheap; IMAP leaves all on the server, is slower and costs more.
pub(crate) fn as_the_document_says() -> Evidence {
    with_blocks(2)
}

/// The same over so many blocks.
pub(crate) fn with_blocks(blocks: u32) -> Evidence {
    let mut evidence = empty();
    evidence.setting.blocks = blocks;
    let arms = evidence.setting.arms.clone();
    let lag = Lag {
        p99_us: 2_000,
        n: 240,
    };
    evidence.lag = arms.iter().map(|arm| (*arm, lag)).collect();
    for block in 1..=evidence.setting.blocks {
        for (index, arm) in arms.iter().enumerate() {
            let start = (u64::from(block) * 10 + index as u64) * 30_000_000;
            add_cell(&mut evidence, block, *arm, start);
        }
    }
    evidence
}

/// The same rows with the arms' names exchanged, ports excepted.
pub(crate) fn exchanged() -> Evidence {
    let mut evidence = as_the_document_says();
    let other = |arm: &mut Arm| {
        *arm = match arm.protocol() {
            Protocol::Pop3 => Arm::IMAP,
            Protocol::Imap => Arm::POP3,
        };
    };
    evidence
        .operations
        .iter_mut()
        .for_each(|row| other(&mut row.arm));
    evidence
        .sessions
        .iter_mut()
        .for_each(|row| other(&mut row.arm));
    evidence
        .server
        .iter_mut()
        .for_each(|row| other(&mut row.arm));
    evidence
        .openings
        .iter_mut()
        .for_each(|row| other(&mut row.arm));
    evidence
        .consistency
        .iter_mut()
        .for_each(|row| other(&mut row.arm));
    evidence
        .storage
        .iter_mut()
        .for_each(|row| other(&mut row.arm));
    evidence.setting.windows = evidence
        .setting
        .windows
        .into_iter()
        .map(|(mut cell, window)| {
            other(&mut cell.arm);
            (cell, window)
        })
        .collect();
    evidence
}

/// A finished run that left no rows.
pub(crate) fn empty() -> Evidence {
    Evidence {
        setting: Setting {
            scenario: "quick".to_owned(),
            target: "embedded".to_owned(),
            users: 2,
            speed: 60.0,
            arms: vec![Arm::POP3, Arm::IMAP],
            blocks: 2,
            pop3_port: Some(110),
            imap_port: Some(143),
            tls: TlsMode::Plain,
            cpus: Some(2),
            workers: 1,
            nofile: Some(1024),
            rtts_us: BTreeMap::new(),
            due: BTreeSet::new(),
            windows: BTreeMap::new(),
            delivery_by_append: false,
            no_disk_syncs: Vec::new(),
            ending: Ending::Finished,
            failure: None,
            left_out: Vec::new(),
        },
        operations: Vec::new(),
        counts: Vec::new(),
        sessions: Vec::new(),
        errors: Vec::new(),
        server: Vec::new(),
        generator: Vec::new(),
        openings: Vec::new(),
        radio: Vec::new(),
        observations: Vec::new(),
        whereabouts: Vec::new(),
        consistency: Vec::new(),
        storage: Vec::new(),
        checks: Vec::new(),
        lag: BTreeMap::new(),
        notices: Vec::new(),
    }
}

fn add_cell(evidence: &mut Evidence, block: u32, arm: Arm, start: u64) {
    let pop = arm == Arm::POP3;
    let end = start + SECONDS * 1_000_000;
    evidence
        .setting
        .windows
        .insert(Cell { block, arm }, (start, end));
    for second in 0..=SECONDS {
        let at_us = start + second * 1_000_000;
        evidence.server.push(server(block, arm, at_us, second));
        evidence
            .generator
            .push(generator(block, arm, at_us, second));
    }
    for user in 0..evidence.setting.users {
        for (index, device) in DEVICES.into_iter().enumerate() {
            for poll in 0..5_u64 {
                evidence.sessions.push(session(
                    block,
                    arm,
                    user,
                    device,
                    start + poll * 2_000_000 + index as u64 * 1000,
                ));
            }
        }
        for message in 0..MESSAGES {
            add_message(evidence, block, arm, user, message, start);
        }
    }
    count_connections(evidence, Cell { block, arm });
    for device in DEVICES {
        evidence.operations.extend(operations(block, arm, device));
    }
    let mail = 2 * u64::from(MESSAGES) * 10_000;
    for place in ["server", "phone", "tablet", "notebook"] {
        let bytes = match (pop, place) {
            (true, "notebook") | (false, "server") => mail,
            _ => 0,
        };
        evidence.storage.push(StorageRow {
            block,
            arm,
            place: place.to_owned(),
            messages: bytes / 10_000,
            mail_bytes: bytes,
            files: (place == "server").then_some(bytes / 10_000),
            disk_bytes: (place == "server").then_some(bytes + 4096),
        });
    }
    evidence.checks.push(CheckRow {
        block,
        arm,
        check: "delivered = stored + deleted".to_owned(),
        expected: 40,
        found: 40,
        holds: true,
    });
}

/// The kernel counts the sessions that are open.
fn count_connections(evidence: &mut Evidence, cell: Cell) {
    for row in &mut evidence.server {
        let open = |session: &&SessionRow| {
            (session.block, session.arm) == (cell.block, cell.arm)
                && (session.start_at_us..session.end_at_us).contains(&row.at_us)
        };
        if (row.block, row.arm) == (cell.block, cell.arm) {
            let connections = evidence.sessions.iter().filter(open).count() as u32;
            match cell.arm.protocol() {
                Protocol::Pop3 => row.pop3_connections = connections,
                Protocol::Imap => row.imap_connections = connections,
            }
        }
    }
}

/// The notebook reads each message first; the phone tries to open it afterwards.
fn add_message(evidence: &mut Evidence, block: u32, arm: Arm, user: u32, message: u32, start: u64) {
    let pop = arm == Arm::POP3;
    let id = format!("0badcafe-{user}-{message}");
    for device in DEVICES {
        let notebook = device == DeviceKind::Notebook;
        evidence.consistency.push(ConsistencyRow {
            block,
            arm,
            user,
            message: id.clone(),
            device,
            octets: 10_000,
            due_at_us: None,
            accepted_at_us: None,
            visible_at_us: (notebook || !pop).then_some(start + 1),
            read_at_us: notebook.then_some(start + 2),
            deleted: false,
            on_server: !pop,
            on_device: pop && notebook,
            shown_read: notebook || !pop,
        });
    }
    for (device, again) in [(DeviceKind::Notebook, false), (DeviceKind::Phone, true)] {
        evidence.openings.push(OpeningRow {
            block,
            arm,
            phase: Phase::Measure,
            user,
            device,
            message: id.clone(),
            at_us: start + 2,
            again,
            attachment: false,
            offline: false,
            outcome: match (pop, again) {
                (true, false) => Opening::Local,
                (true, true) => Opening::Missing,
                (false, _) => Opening::Fetched,
            },
            response_us: if pop {
                200
            } else {
                4_000 + u64::from(message) * 100
            },
            rx_bytes: if pop { 0 } else { 10_000 },
            tx_bytes: 50,
        });
    }
}

pub(crate) fn session(block: u32, arm: Arm, user: u32, device: DeviceKind, at: u64) -> SessionRow {
    let factor = if arm == Arm::POP3 { 1 } else { 3 };
    SessionRow {
        block,
        arm,
        phase: Phase::Measure,
        user,
        device,
        purpose: Purpose::Poll,
        due_at_us: at,
        start_at_us: at,
        end_at_us: at + if arm == Arm::POP3 { 8_000 } else { 1_500_000 },
        connect_us: Some(200 * factor),
        tls_us: None,
        greeting_us: Some(300 * factor),
        login_us: Some(500 * factor),
        usable_us: Some((3_000 + u64::from(user) * 100) * factor),
        rx_bytes: 5_000,
        tx_bytes: 200,
        wire_rx_bytes: 5_000,
        wire_tx_bytes: 200,
        round_trips: 7 * factor as u32,
        commands: 6,
        messages: 1,
        headers: 0,
        error: None,
        local_port: Some(40_000),
        packets_rx: Some(12),
        packets_tx: Some(11),
        retransmitted: Some(0),
        header_rx_bytes: Some(632),
        header_tx_bytes: Some(580),
    }
}

pub(crate) fn operation(
    block: u32,
    arm: Arm,
    device: DeviceKind,
    operation: Operation,
    service_us: u64,
) -> OperationRow {
    OperationRow {
        second: None,
        block,
        arm,
        phase: Phase::Measure,
        device: Some(device),
        operation,
        count: 50,
        errors: 0,
        lag_p50_us: 100,
        lag_p99_us: 800,
        lag_max_us: 2_000,
        service_mean_us: service_us as f64,
        service_p50_us: service_us,
        service_p90_us: service_us * 2,
        service_p99_us: service_us * 5,
        service_max_us: service_us * 9,
        response_mean_us: service_us as f64,
        response_p50_us: service_us,
        response_p90_us: service_us * 2,
        response_p99_us: service_us * 5,
        response_max_us: service_us * 9,
        rx_bytes: 50_000,
        tx_bytes: 500,
        wire_rx_bytes: 50_000,
        wire_tx_bytes: 500,
        round_trips: 50,
        first_byte_mean_us: operation.fetches().then_some(service_us as f64 / 2.0),
        first_byte_p50_us: operation.fetches().then_some(service_us / 2),
        first_byte_p99_us: operation.fetches().then_some(service_us),
        packets_rx: Some(100),
        packets_tx: Some(100),
        retransmitted: Some(0),
        header_rx_bytes: Some(5_200),
        header_tx_bytes: Some(5_200),
    }
}

fn operations(block: u32, arm: Arm, device: DeviceKind) -> Vec<OperationRow> {
    let one = |name, us| operation(block, arm, device, name, us);
    if arm == Arm::POP3 {
        vec![
            one(Operation::UsableInbox, 3_000),
            one(Operation::Login, 500),
            one(Operation::Retr, 900),
            one(Operation::Check, 6_000),
            one(Operation::OpenMessage, 150),
        ]
    } else {
        vec![
            one(Operation::UsableInbox, 9_000),
            one(Operation::Login, 1_500),
            one(Operation::FetchPart, 1_800),
            one(Operation::Check, 9_500),
            one(Operation::OpenMessage, 5_000),
        ]
    }
}

fn server(block: u32, arm: Arm, at_us: u64, second: u64) -> ServerRow {
    let factor = if arm == Arm::POP3 { 1 } else { 4 };
    ServerRow {
        at_us,
        block,
        arm,
        phase: Phase::Measure,
        source: "process-tree".to_owned(),
        cpu_user_us: second * 30_000 * factor,
        cpu_system_us: second * 10_000 * factor,
        rss_bytes: Some(10_000_000 * factor),
        pss_bytes: None,
        processes: Some(1),
        threads: Some(3),
        fds: Some(20),
        pop3_connections: 0,
        imap_connections: 0,
        delivery_connections: 1,
        disk_read_bytes: Some(0),
        disk_write_bytes: Some(second * 1_000),
        disk_syncs: Some(40),
        network_rx_bytes: None,
        network_tx_bytes: None,
        storage_bytes: Some(400_000 * factor),
        storage_disk_bytes: Some(400_000 * factor),
        storage_files: Some(40),
    }
}

fn generator(block: u32, arm: Arm, at_us: u64, second: u64) -> GeneratorRow {
    GeneratorRow {
        at_us,
        block,
        arm,
        phase: Phase::Measure,
        cpu_user_us: second * 100_000,
        cpu_system_us: second * 50_000,
        rss_bytes: 30_000_000,
        fds: 30,
        threads: 3,
        open_sessions: if arm == Arm::POP3 {
            2 + (second % 3) as u32
        } else {
            12
        },
        sessions: second * 3,
        errors: 0,
        lag_p50_us: 200,
        lag_p99_us: 900,
        lag_max_us: 2_000,
        coalesced: 0,
    }
}

//! Bytes, packets and times against a capture of the same packets.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mailgauge::client::{ImapSession, PopSession};
use mailgauge::mailserver::{Accounts, Config, Running, Server};
use mailgauge::metrics::row::SessionRow;
use mailgauge::metrics::{Operation, Sample};
use mailgauge::scenario::TlsMode;

use crate::capture::{Capture, within};
use crate::compare::{Run, assert_finished, assert_sums_hold};
use crate::fake::{self, Ear};
use crate::support::skipped;

/// A network namespace in which loopback is like Ethernet: no packet is larger than its frames, none waits to be cut. Gone with
/// the value.
struct Namespace(String);

impl Namespace {
    fn lay() -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("network namespaces need root".to_owned());
        }
        let namespace = Self(format!("mailgauge-{}-wire", std::process::id()));
        let name = &namespace.0;
        ip(&["netns", "add", name])?;
        let loopback = ["-n", name, "link", "set", "lo", "up", "mtu", "1500"];
        ip(&[&loopback[..], &["gso_max_segs", "1"]].concat())?;
        Ok(namespace)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = ip(&["netns", "del", &self.0]);
    }
}

fn ip(words: &[&str]) -> Result<(), String> {
    let said = Command::new("ip").args(words).output();
    let said = said.map_err(|error| format!("ip: {error}"))?;
    if said.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&said.stderr);
    Err(format!("ip {}: {}", words.join(" "), why.trim()))
}

const FIELDS: [&str; 10] = [
    "frame.time_epoch",
    "tcp.stream",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.seq",
    "tcp.len",
    "tcp.flags.syn",
    "tcp.flags.fin",
    "ip.hdr_len",
    "tcp.hdr_len",
];

/// One packet of the capture.
#[derive(Clone, Copy, Debug)]
struct Packet {
    /// Seconds since 1970.
    at: f64,
    stream: u32,
    from: u16,
    to: u16,
    /// Relative to the SYN's.
    seq: u64,
    payload: u64,
    syn: bool,
    fin: bool,
    headers: u64,
}

impl Packet {
    fn read(fields: &[String]) -> Option<Self> {
        let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
        let flag = |at: usize| matches!(fields[at].as_str(), "1" | "True");
        Some(Self {
            at: fields.first()?.parse().ok()?,
            stream: number(1)? as u32,
            from: number(2)? as u16,
            to: number(3)? as u16,
            seq: number(4)?,
            payload: number(5)?,
            syn: flag(6),
            fin: flag(7),
            headers: number(8)? + number(9)?,
        })
    }

    /// The end of what it takes of the sequence.
    fn end(&self) -> u64 {
        self.seq + self.payload + u64::from(self.syn) + u64::from(self.fin)
    }
}

/// One direction of one connection.
#[derive(Debug, Default, PartialEq, Eq)]
struct Way {
    packets: u64,
    /// Each octet once.
    payload: u64,
    /// Packets that carry only what another has carried before.
    again: u64,
    headers: u64,
    /// Packets after the client's FIN, and acknowledgements that may still have been under way to it then.
    late: u64,
}

impl Way {
    /// `under_way`: how long a packet that was captured may take to be counted, s.
    fn of<'a>(packets: impl Iterator<Item = &'a Packet>, fin_at: f64, under_way: f64) -> Self {
        let mut way = Self::default();
        let mut reached = 0;
        for packet in packets {
            way.packets += 1;
            let carries = packet.end() > packet.seq;
            way.again += u64::from(carries && packet.end() <= reached);
            reached = reached.max(packet.end());
            // A SYN takes one of the sequence, before all payload.
            way.payload = way.payload.max(match packet.payload {
                0 => 0,
                octets => packet.seq + octets - 1,
            });
            // A reset has no options: 12 octets less than our sum takes it for. One with blocks of selective
            // acknowledgement has more.
            way.headers += if packet.syn { packet.headers } else { 52 };
            let waits = !carries && packet.at > fin_at - under_way;
            way.late += u64::from(packet.at > fin_at || waits);
        }
        way
    }
}

/// What speaks against a session's row, by the packets of its connection.
fn faults(row: &SessionRow, packets: &[Packet]) -> Vec<String> {
    let port = row.local_port.unwrap();
    let ours = |packet: &&Packet| packet.from == port;
    let fin_at = packets.iter().filter(ours).find(|packet| packet.fin);
    let fin_at = fin_at.map_or(f64::INFINITY, |packet| packet.at);
    let rx = Way::of(packets.iter().filter(|packet| !ours(packet)), fin_at, 2e-4);
    let tx = Way::of(packets.iter().filter(ours), fin_at, 0.0);
    let mut faults = Vec::new();
    let mut hold = |what: &str, found: u64, expected: u64, late: u64| {
        if !(expected - late..=expected).contains(&found) {
            faults.push(format!(
                "{what}: {found}, by the capture {expected} ({late} late)"
            ));
        }
    };
    hold("wire_rx", row.wire_rx_bytes, rx.payload, 0);
    hold("wire_tx", row.wire_tx_bytes, tx.payload, 0);
    let [packets_rx, packets_tx] = [row.packets_rx, row.packets_tx].map(Option::unwrap);
    hold("packets_rx", packets_rx, rx.packets, rx.late);
    hold("packets_tx", packets_tx, tx.packets, tx.late);
    let again = row.retransmitted.unwrap();
    hold("retransmitted", again, tx.again, tx.late.min(tx.again));
    let missing = |way: &Way, counted: u64| 52 * (way.packets - counted.min(way.packets));
    let headers_rx = rx.headers - missing(&rx, packets_rx);
    let headers_tx = tx.headers - missing(&tx, packets_tx);
    hold("header_rx", row.header_rx_bytes.unwrap(), headers_rx, 0);
    hold("header_tx", row.header_tx_bytes.unwrap(), headers_tx, 0);
    faults
}

/// All connections, by the client's port.
fn connections(packets: &[Packet]) -> BTreeMap<u16, Vec<Vec<Packet>>> {
    let mut streams: BTreeMap<u32, Vec<Packet>> = BTreeMap::new();
    for packet in packets {
        streams.entry(packet.stream).or_default().push(*packet);
    }
    let mut by_port: BTreeMap<u16, Vec<Vec<Packet>>> = BTreeMap::new();
    for stream in streams.into_values() {
        by_port.entry(stream[0].from).or_default().push(stream);
    }
    by_port
}

/// Runs a comparison in a namespace of its own while its packets are written down, and holds each session against them.
fn hold_against_the_packets(tls: &str) -> Result<(), String> {
    let namespace = Namespace::lay()?;
    let run = Run::new();
    let folder = tempfile::tempdir().unwrap();
    let capture = Capture::start(folder.path(), Some(&namespace.0), "tcp")?;
    let setting = format!("transport.tls={tls}");
    let command = run.command(&["--quiet", "--set", &setting, "--set", "run.measure=1s"]);
    let output = inside(&namespace, &command).output().unwrap();
    let packets = capture.stop(&FIELDS);
    assert_finished(
        output.status.code(),
        &String::from_utf8_lossy(&output.stderr),
    );
    let packets: Vec<Packet> = packets?.iter().filter_map(|it| Packet::read(it)).collect();

    let run = run.read();
    assert_sums_hold(&run);
    let started: jiff::Timestamp = run.manifest.started.parse().unwrap();
    let started = started.as_microsecond() as f64 / 1e6;
    let connections = connections(&packets);
    let (mut wrong, mut held) = (Vec::new(), 0);
    for row in run.sessions().unwrap() {
        // What was cut off may have been under way.
        if row.error.is_some() {
            continue;
        }
        let begun = started + row.start_at_us as f64 / 1e6;
        let away = |stream: &&Vec<Packet>| (stream[0].at - begun).abs();
        let of_port = connections.get(&row.local_port.unwrap());
        let nearest = of_port
            .into_iter()
            .flatten()
            .min_by(|a, b| away(a).total_cmp(&away(b)));
        let stream = nearest.unwrap_or_else(|| panic!("no connection of {row:?}"));
        let faults = faults(&row, stream);
        if !faults.is_empty() {
            wrong.push(format!("{faults:#?} of {row:?} in {stream:#?}"));
        }
        held += 1;
    }
    println!("{tls}: {held} sessions, {} packets", packets.len());
    assert!(
        wrong.is_empty(),
        "{} of {held}: {}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(held >= 8, "only {held} sessions");
    Ok(())
}

/// A command as it is, in a namespace.
fn inside(namespace: &Namespace, command: &Command) -> Command {
    let program = command.get_program().to_str().unwrap();
    let mut inside = within(Some(&namespace.0), program);
    inside.args(command.get_args()).stdin(Stdio::null());
    inside.current_dir(command.get_current_dir().unwrap_or(Path::new(".")));
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => inside.env(name, value),
            None => inside.env_remove(name),
        };
    }
    inside
}

#[test]
fn bytes_and_packets_of_each_session_are_those_of_the_capture() {
    for tls in ["plain", "implicit"] {
        if let Err(why) = hold_against_the_packets(tls) {
            return skipped("bytes and packets against a capture", &why);
        }
    }
}

/// Commands that are timed, of each protocol.
const COMMANDS: usize = 300;

fn server(folder: &Path) -> Running {
    let mut accounts = Accounts::default();
    accounts.add("u0001", "hush").unwrap();
    Server::start(Config::new(folder, accounts)).unwrap()
}

/// From each packet of a client with a request to the last one with its reply, s.
fn waits(packets: &[Packet], service: u16) -> Vec<f64> {
    let mut waits: Vec<f64> = Vec::new();
    let mut asked = None;
    for packet in packets.iter().filter(|packet| packet.payload > 0) {
        if packet.to == service {
            asked = Some(packet.at);
            waits.push(0.0);
        } else if packet.from == service
            && let (Some(asked), Some(wait)) = (asked, waits.last_mut())
        {
            *wait = packet.at - asked;
        }
    }
    waits
}

/// Our time of each command less the capture's, µs, in order of size.
fn differences(samples: &[Sample], timed: Operation, packets: &[Packet], service: u16) -> Vec<f64> {
    let waits = waits(packets, service);
    // The farewell comes after the last of them.
    let waits = &waits[waits.len() - COMMANDS - 1..waits.len() - 1];
    let ours = samples.iter().filter(|sample| sample.operation == timed);
    let ours: Vec<Duration> = ours.map(|sample| sample.timing.service()).collect();
    assert_eq!(ours.len(), COMMANDS);
    let pairs = ours.iter().zip(waits);
    let mut differences: Vec<f64> = pairs
        .map(|(ours, theirs)| (ours.as_secs_f64() - theirs) * 1e6)
        .collect();
    differences.sort_by(f64::total_cmp);
    differences
}

async fn ask_by_pop3(running: &Running, ear: Ear) {
    let address = fake::here(running.addresses().pop3.unwrap());
    let (dialer, login) = (fake::dialer(), fake::login());
    let session = PopSession::open(
        &dialer,
        &address,
        TlsMode::Plain,
        &login,
        Instant::now(),
        ear,
    );
    let mut session = session.await.unwrap();
    for _ in 0..COMMANDS {
        session.stat().await.unwrap();
    }
    session.quit().await.1.unwrap();
}

async fn ask_by_imap(running: &Running, ear: Ear) {
    let address = fake::here(running.addresses().imap.unwrap());
    let (dialer, login) = (fake::dialer(), fake::login());
    let session = ImapSession::open(
        &dialer,
        &address,
        TlsMode::Plain,
        &login,
        Instant::now(),
        ear,
    );
    let mut session = session.await.unwrap();
    for _ in 0..COMMANDS {
        session.noop().await.unwrap();
    }
    session.logout().await.1.unwrap();
}

#[tokio::test]
async fn the_time_of_each_command_is_that_of_its_packets() {
    let (mails, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let running = server(mails.path());
    let addresses = running.addresses();
    let [pop3, imap] = [addresses.pop3, addresses.imap].map(|it| it.unwrap().port());
    let filter = format!("tcp port {pop3} or tcp port {imap}");
    let capture = match Capture::start(folder.path(), None, &filter) {
        Ok(capture) => capture,
        Err(why) => return skipped("times against a capture", &why),
    };
    let (of_pop3, of_imap) = (Ear::default(), Ear::default());
    ask_by_pop3(&running, of_pop3.clone()).await;
    ask_by_imap(&running, of_imap.clone()).await;
    running.stop().unwrap();
    let packets = match capture.stop(&FIELDS) {
        Ok(packets) => packets,
        Err(why) => return skipped("times against a capture", &why),
    };
    let packets: Vec<Packet> = packets.iter().filter_map(|it| Packet::read(it)).collect();
    for (name, ear, timed, service) in [
        ("STAT", of_pop3, Operation::Stat, pop3),
        ("NOOP", of_imap, Operation::Noop, imap),
    ] {
        let differences = differences(&ear.samples(), timed, &packets, service);
        let at = |share: f64| differences[((COMMANDS - 1) as f64 * share) as usize];
        println!(
            "{name}: ours less the capture's over {COMMANDS} commands: least {:.0}, median {:.0}, p90 {:.0}, p99 {:.0}, most {:.0} µs",
            at(0.0),
            at(0.5),
            at(0.9),
            at(0.99),
            at(1.0)
        );
        // The packets lie within what we time; the two clocks may be told apart by a few µs.
        assert!(at(0.0) > -20.0, "{differences:?}");
        assert!(at(0.5) < 5_000.0, "{differences:?}");
    }
}

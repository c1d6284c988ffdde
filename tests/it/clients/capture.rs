//! What goes over loopback while a run lasts, by tshark: the commands of each connection.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::compare::signal;

/// The fields of a packet that are kept.
const FIELDS: [&str; 4] = [
    "frame.time_epoch",
    "tcp.stream",
    "tcp.srcport",
    "tcp.payload",
];

/// A capture that is under way.
pub(super) struct Capture {
    tshark: Child,
    told: PathBuf,
}

/// One connection of a device.
#[derive(Debug)]
pub(super) struct Session {
    /// Seconds since 1970.
    pub(super) begun: f64,
    /// What the client sent, line by line: without tags, without what follows an announced literal.
    pub(super) commands: Vec<String>,
}

impl Capture {
    /// Begins; or why that is not possible here.
    pub(super) fn start(folder: &Path) -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("capturing packets needs root".into());
        }
        let told = folder.join("packets");
        let fields = FIELDS.iter().flat_map(|field| ["-e", field]);
        let tshark = Command::new("tshark")
            .args(["-i", "lo", "-l", "-Q", "-f", "tcp"])
            .args(["-T", "fields"])
            .args(fields)
            .stdout(File::create(&told).unwrap())
            .stderr(Stdio::null())
            .spawn();
        let Ok(tshark) = tshark else {
            return Err("there is no tshark".into());
        };
        let capture = Self { tshark, told };
        if capture.sees() {
            Ok(capture)
        } else {
            capture.stop();
            Err("tshark sees no packets here".into())
        }
    }

    /// Knocks until the knocking is told.
    fn sees(&self) -> bool {
        let door = TcpListener::bind("127.0.0.1:0").unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) {
            drop(TcpStream::connect(door.local_addr().unwrap()));
            sleep(Duration::from_millis(100));
            if fs::metadata(&self.told).unwrap().len() > 0 {
                return true;
            }
        }
        false
    }

    /// Ends it: the connections to POP3 and IMAP servers.
    pub(super) fn stop(mut self) -> Vec<Session> {
        // The last packets are on their way through it.
        sleep(Duration::from_secs(1));
        // Killed outright it would leave its helper behind.
        signal(&self.tshark, Signal::INT);
        self.tshark.wait().unwrap();
        sessions(&fs::read_to_string(&self.told).unwrap())
    }
}

/// Both directions of one connection.
#[derive(Default)]
struct Stream {
    begun: f64,
    /// Port of the side that connected.
    client: u16,
    sent: Vec<u8>,
    received: Vec<u8>,
}

fn sessions(packets: &str) -> Vec<Session> {
    let mut streams: BTreeMap<u32, Stream> = BTreeMap::new();
    for line in packets.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [at, stream, from, payload] = fields[..] else {
            continue;
        };
        let (Ok(at), Ok(stream), Ok(from)) = (at.parse(), stream.parse(), from.parse::<u16>())
        else {
            continue;
        };
        let stream = streams.entry(stream).or_insert_with(|| Stream {
            begun: at,
            client: from,
            ..Stream::default()
        });
        let octets = octets(payload);
        if from == stream.client {
            stream.sent.extend(octets);
        } else {
            stream.received.extend(octets);
        }
    }
    streams.into_values().filter_map(Stream::session).collect()
}

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks_exact(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

impl Stream {
    fn session(self) -> Option<Session> {
        let imap = self.received.starts_with(b"* OK");
        if !imap && !self.received.starts_with(b"+OK") {
            return None;
        }
        let mut commands = Vec::new();
        let mut rest = self.sent.as_slice();
        while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
            let line = String::from_utf8_lossy(&rest[..end]).into_owned();
            rest = &rest[end + 2..];
            if let Some(length) = announced(&line).filter(|_| imap) {
                rest = rest.get(length + 2..).unwrap_or_default();
            }
            let untagged = !imap || line == "DONE";
            let command = match line.split_once(' ') {
                Some((_, command)) if !untagged => command.to_owned(),
                _ => line,
            };
            commands.push(command);
        }
        Some(Session {
            begun: self.begun,
            commands,
        })
    }
}

/// The length of a literal that follows a line: `{12}` or `{12+}`.
fn announced(line: &str) -> Option<usize> {
    let (_, length) = line.strip_suffix('}')?.rsplit_once('{')?;
    length.trim_end_matches('+').parse().ok()
}

#[test]
fn packets_become_the_commands_of_sessions() {
    let hex = |text: &str| {
        text.bytes()
            .fold(String::new(), |all, byte| format!("{all}{byte:02x}"))
    };
    let packets = [
        ("1.5", "0", "40000", ""),
        ("1.6", "0", "143", "* OK hello\r\n"),
        ("1.7", "0", "40000", "m1 LOG"),
        (
            "1.8",
            "0",
            "40000",
            "IN a b\r\nm2 APPEND Sent {5+}\r\nm3 x\n\r\nm4 IDLE\r\n",
        ),
        ("1.9", "0", "40000", "DONE\r\n"),
        ("2.5", "1", "40001", "LHLO x\r\n"),
        ("2.6", "1", "24", "220 hello\r\n"),
    ]
    .map(|(at, stream, from, text)| format!("{at}\t{stream}\t{from}\t{}", hex(text)));
    let sessions = sessions(&packets.join("\n"));
    assert_eq!(sessions.len(), 1);
    assert_eq!(
        sessions[0].commands,
        ["LOGIN a b", "APPEND Sent {5+}", "IDLE", "DONE"]
    );
}

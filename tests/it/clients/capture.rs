//! The commands of each connection, from a capture of its packets.

use std::collections::BTreeMap;

/// The fields of a packet that are kept.
pub(super) const FIELDS: [&str; 4] = [
    "frame.time_epoch",
    "tcp.stream",
    "tcp.srcport",
    "tcp.payload",
];

/// One connection of a device.
#[derive(Debug)]
pub(super) struct Session {
    /// Seconds since 1970.
    pub(super) begun: f64,
    /// What the client sent, line by line: without tags, without what follows an announced literal.
    pub(super) commands: Vec<String>,
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

/// The connections to POP3 and IMAP servers.
pub(super) fn sessions(packets: &[Vec<String>]) -> Vec<Session> {
    let mut streams: BTreeMap<u32, Stream> = BTreeMap::new();
    for packet in packets {
        let [at, stream, from, payload] = &packet[..] else {
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
    .map(|(at, stream, from, text)| [at, stream, from, &hex(text)].map(str::to_owned).into());
    let sessions = sessions(&packets);
    assert_eq!(sessions.len(), 1);
    assert_eq!(
        sessions[0].commands,
        ["LOGIN a b", "APPEND Sent {5+}", "IDLE", "DONE"]
    );
}

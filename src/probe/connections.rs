use std::fs;

use serde::{Deserialize, Serialize};

/// TCP ports that the target listens on, by what they serve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// POP3, with and without TLS.
    pub pop3: Vec<u16>,
    /// IMAP, with and without TLS.
    pub imap: Vec<u16>,
    /// LMTP or SMTP.
    pub delivery: Vec<u16>,
}

/// Established connections to the target's ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connections {
    /// To POP3 ports.
    pub pop3: u32,
    /// To IMAP ports.
    pub imap: u32,
    /// To delivery ports.
    pub delivery: u32,
}

impl Connections {
    /// Counts in the kernel's tables (IPv4 and IPv6) as the process `pid` sees them, so a target in a network
    /// namespace of its own is seen too. Only the target's end of a connection counts.
    pub fn of(pid: u32, ports: &Ports) -> Self {
        Self::in_tables(&pid.to_string(), End::Local, ports)
    }

    /// Counts at our end, for a target whose own tables cannot be seen: what goes from here to these ports.
    pub fn from_here(ports: &Ports) -> Self {
        Self::in_tables("self", End::Remote, ports)
    }

    fn in_tables(process: &str, end: End, ports: &Ports) -> Self {
        let mut connections = Self::default();
        for table in ["tcp", "tcp6"] {
            // A kernel without IPv6 has no such table.
            if let Ok(table) = fs::read_to_string(format!("/proc/{process}/net/{table}")) {
                connections.count(&table, end, ports);
            }
        }
        connections
    }

    fn count(&mut self, table: &str, end: End, ports: &Ports) {
        let established = table.lines().skip(1);
        for port in established.filter_map(|line| established_port(line, end)) {
            if ports.pop3.contains(&port) {
                self.pop3 += 1;
            } else if ports.imap.contains(&port) {
                self.imap += 1;
            } else if ports.delivery.contains(&port) {
                self.delivery += 1;
            }
        }
    }
}

/// Which address of a connection is meant.
#[derive(Clone, Copy, Debug)]
enum End {
    Local,
    Remote,
}

/// Port of a line of `/proc/net/tcp` if its state is ESTABLISHED (01):
/// `sl local_address rem_address st …`, addresses as `HEX:PORT`.
fn established_port(line: &str, end: End) -> Option<u16> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (local, remote) = (fields.next()?, fields.next()?);
    if fields.next()? != "01" {
        return None;
    }
    let address = match end {
        End::Local => local,
        End::Remote => remote,
    };
    u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok()
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn only_established_connections_to_the_ports_count() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:006E 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:006E 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 20 4 30 10 -1
   2: 0100007F:9C40 0100007F:006E 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 20 4 30 10 -1
   3: 0100007F:008F 0100007F:9C41 06 00000000:00000000 00:00000000 00000000     0        0 4 1 0 20 4 30 10 -1
garbage";
        let ports = Ports {
            pop3: vec![110],
            imap: vec![143],
            delivery: vec![24],
        };
        let expected = Connections {
            pop3: 1,
            ..Connections::default()
        };
        for end in [End::Local, End::Remote] {
            let mut connections = Connections::default();
            connections.count(table, end, &ports);
            assert_eq!(connections, expected, "{end:?}");
        }
    }

    #[test]
    fn a_real_connection_is_seen_at_either_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let _client = TcpStream::connect(address).unwrap();
        let _server = listener.accept().unwrap();
        let ports = Ports {
            imap: vec![address.port()],
            ..Ports::default()
        };
        assert_eq!(Connections::of(std::process::id(), &ports).imap, 1);
        assert_eq!(Connections::from_here(&ports).imap, 1);
    }
}

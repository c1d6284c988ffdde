//! The embedded server as its clients see it, in this process and with the simplest of clients: lines sent and
//! lines read.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use mailgauge::mailserver::{Accounts, Config, Running, Server};

mod imap;
mod limits;
mod nonsense;
mod octets;
mod pop3;
mod resync;
mod storage;

const MESSAGE: &str = "From: a@example.org\r\nSubject: hello\r\n\r\nfirst line\r\nsecond line\r\n";

fn accounts() -> Accounts {
    let mut accounts = Accounts::default();
    accounts.add("ann", "a").unwrap();
    accounts.add("bob", "b").unwrap();
    accounts
}

fn start(directory: &Path) -> Running {
    Server::start(Config::new(directory, accounts())).unwrap()
}

/// A client that counts what it sends and receives.
struct Client {
    reader: BufReader<TcpStream>,
    sent: u64,
    received: u64,
    tags: u32,
}

impl Client {
    fn connect(address: Option<SocketAddr>) -> Self {
        let stream = TcpStream::connect(address.unwrap()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Self {
            reader: BufReader::new(stream),
            sent: 0,
            received: 0,
            tags: 0,
        }
    }

    fn pop3(server: &Running) -> Self {
        let mut client = Self::connect(server.addresses().pop3);
        assert!(client.read().starts_with("+OK"));
        client
    }

    fn pop3_as_ann(server: &Running) -> Self {
        let mut client = Self::pop3(server);
        assert!(client.ask("USER ann").starts_with("+OK"));
        assert!(client.ask("PASS a").starts_with("+OK"));
        client
    }

    fn imap(server: &Running) -> Self {
        let mut client = Self::connect(server.addresses().imap);
        assert!(client.read().starts_with("* OK"));
        client
    }

    fn imap_as_ann(server: &Running) -> Self {
        let mut client = Self::imap(server);
        client.ok("LOGIN ann a");
        client
    }

    fn send(&mut self, text: &str) {
        self.reader.get_mut().write_all(text.as_bytes()).unwrap();
        self.sent += text.len() as u64;
    }

    fn read(&mut self) -> String {
        let mut line = String::new();
        let octets = self.reader.read_line(&mut line).unwrap();
        assert!(octets > 0, "the server closed the connection");
        self.received += octets as u64;
        line.trim_end_matches("\r\n").to_owned()
    }

    fn ask(&mut self, line: &str) -> String {
        self.send(&format!("{line}\r\n"));
        self.read()
    }

    /// The lines of a multi-line reply of POP3, without the status line.
    fn list(&mut self, line: &str) -> Vec<String> {
        let status = self.ask(line);
        assert!(status.starts_with("+OK"), "{line}: {status}");
        let mut lines = Vec::new();
        loop {
            match self.read().as_str() {
                "." => return lines,
                line => lines.push(line.to_owned()),
            }
        }
    }

    /// An IMAP command: its untagged lines and its tagged one without the tag.
    fn command(&mut self, line: &str) -> (Vec<String>, String) {
        self.tags += 1;
        let tag = format!("t{}", self.tags);
        self.send(&format!("{tag} {line}\r\n"));
        self.until(&tag)
    }

    fn until(&mut self, tag: &str) -> (Vec<String>, String) {
        let mut untagged = Vec::new();
        loop {
            let line = self.read();
            if let Some(answer) = line.strip_prefix(&format!("{tag} ")) {
                return (untagged, answer.to_owned());
            }
            untagged.push(line);
        }
    }

    /// An IMAP command that must succeed.
    fn ok(&mut self, line: &str) -> Vec<String> {
        let (untagged, answer) = self.command(line);
        assert!(answer.starts_with("OK"), "{line}: {answer}");
        untagged
    }

    fn answer(&mut self, line: &str) -> String {
        self.command(line).1
    }

    fn append(&mut self, mailbox: &str, message: &str) -> String {
        self.tags += 1;
        let tag = format!("t{}", self.tags);
        self.send(&format!(
            "{tag} APPEND {mailbox} {{{}+}}\r\n{message}\r\n",
            message.len()
        ));
        self.until(&tag).1
    }

    /// Nothing more will be sent.
    fn hang_up(&mut self) {
        self.reader
            .get_mut()
            .shutdown(std::net::Shutdown::Write)
            .unwrap();
    }

    fn at_end(&mut self) {
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest).unwrap();
        self.received += rest.len() as u64;
    }
}

fn deliver(server: &Running, recipients: &[&str], message: &str) -> Client {
    let mut client = Client::connect(server.addresses().lmtp);
    assert!(client.read().starts_with("220"));
    client.send("LHLO test\r\n");
    while !client.read().starts_with("250 ") {}
    assert!(client.ask("MAIL FROM:<x@example.org>").starts_with("250"));
    for recipient in recipients {
        assert!(
            client
                .ask(&format!("RCPT TO:<{recipient}@localhost>"))
                .starts_with("250")
        );
    }
    assert!(client.ask("DATA").starts_with("354"));
    client.send(message);
    client.send(".\r\n");
    for _ in recipients {
        assert!(client.read().starts_with("250"));
    }
    assert!(client.ask("QUIT").starts_with("221"));
    client.at_end();
    client
}

fn code<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let start = text.find(&format!("[{name} ")).unwrap() + name.len() + 2;
    text[start..]
        .split(']')
        .next()
        .unwrap()
        .split(' ')
        .collect()
}

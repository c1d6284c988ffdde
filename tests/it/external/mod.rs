//! Servers that are already there, with other people's mail on them: what is refused, what is left alone, and how it goes
//! when something is wrong. `mailgauge serve` and a private Dovecot stand in for them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use mailgauge::mailserver::Addresses;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::mailgauge;

mod alone;
mod foreign;
mod private;
mod seeding;
mod trouble;
mod wire;

fn target_option(path: &Path) -> [&str; 2] {
    ["--target", path.to_str().unwrap()]
}

/// The beginning of every password.
const HUSH: &str = "hush-hush-";

/// What a person does in all of a run fits into so much time; whoever takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Somebody's mail server.
pub(crate) struct Server {
    child: Child,
    folder: tempfile::TempDir,
    pub(crate) addresses: Addresses,
}

impl Server {
    /// `mailgauge serve` with users u0, u1 …
    pub(crate) fn start(users: u32, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (mut passwords, mut accounts) = (String::new(), String::new());
        for user in 0..users {
            writeln!(passwords, "u{user}:{HUSH}{user}").unwrap();
            writeln!(accounts, "u{user},{HUSH}{user}").unwrap();
        }
        fs::write(folder.path().join("passwords"), passwords).unwrap();
        fs::write(folder.path().join("accounts.csv"), accounts).unwrap();
        let mut child = mailgauge()
            .arg("serve")
            .arg("--dir")
            .arg(folder.path().join("server"))
            .arg("--accounts")
            .arg(folder.path().join("passwords"))
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            addresses: serde_json::from_str(&line).unwrap(),
            child,
            folder,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The target file: plain, mail by LMTP, and `more` at its beginning.
    pub(crate) fn target(&self, more: &str) -> PathBuf {
        let port = |address: Option<SocketAddr>| address.unwrap().port();
        self.target_of(&format!(
            "host = \"127.0.0.1\"\n{more}\npop3.port = {}\nimap.port = {}\n[delivery]\nby = \"lmtp\"\nport = {}\n",
            port(self.addresses.pop3),
            port(self.addresses.imap),
            port(self.addresses.lmtp),
        ))
    }

    /// A target file of this text, with the server's accounts.
    pub(crate) fn target_of(&self, text: &str) -> PathBuf {
        let path = self.path("somebody.toml");
        let text = format!("{text}\n[accounts]\nfile = \"accounts.csv\"\ndomain = \"localhost\"\n");
        fs::write(&path, text).unwrap();
        path
    }

    /// Puts a message in without any mark, by LMTP.
    pub(crate) fn deliver_foreign(&self, user: &str, subject: &str) {
        deliver_foreign(self.addresses.lmtp.unwrap(), user, subject);
    }

    /// All messages that lie there, by file, as octets.
    pub(crate) fn mail(&self) -> Mail {
        Mail::in_folder(&self.path("server").join("mail"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = Pid::from_child(&self.child);
        let _ = kill_process(pid, Signal::TERM);
        let _ = self.child.wait();
    }
}

/// LMTP by hand: nothing of mailgauge is to put its mark there.
pub(crate) fn deliver_foreign(lmtp: SocketAddr, user: &str, subject: &str) {
    let mut stream = TcpStream::connect(lmtp).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut exchange = |line: &str| {
        stream.write_all(line.as_bytes()).unwrap();
        let mut reply = String::new();
        let is_last = |line: &str| line.as_bytes().get(3) == Some(&b' ');
        while reply.lines().last().is_none_or(|line| !is_last(line)) {
            assert_ne!(reader.read_line(&mut reply).unwrap(), 0, "{reply}");
        }
        assert!(reply.starts_with(['2', '3']), "{line}: {reply}");
    };
    exchange("");
    exchange("LHLO here\r\n");
    exchange("MAIL FROM:<aunt@example.org>\r\n");
    exchange(&format!("RCPT TO:<{user}@localhost>\r\n"));
    exchange("DATA\r\n");
    exchange(&format!(
        "From: aunt@example.org\r\nSubject: {subject}\r\nX-Mailgauge-Idea: no\r\n\r\nPrecious: {subject}\r\nX-Mailgauge-Id: 0123abcd-0-0\r\n.\r\n"
    ));
    exchange("QUIT\r\n");
}

/// IMAP by hand.
pub(crate) struct Imap {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Imap {
    pub(crate) fn log_in(address: SocketAddr, user: &str, password: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        reader.read_line(&mut String::new()).unwrap();
        let mut imap = Self { stream, reader };
        imap.command(&format!("LOGIN {user} \"{password}\""));
        imap
    }

    /// Everything up to and with the tagged OK.
    pub(crate) fn command(&mut self, line: &str) -> String {
        self.stream
            .write_all(format!("t {line}\r\n").as_bytes())
            .unwrap();
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.reader.read_line(&mut line).unwrap(), 0, "{reply}");
            reply.push_str(&line);
            if line.starts_with("t ") {
                assert!(line.starts_with("t OK"), "{reply}");
                return reply;
            }
        }
    }

    pub(crate) fn append(&mut self, mailbox: &str, flags: &str, message: &str) {
        let length = message.len();
        self.stream
            .write_all(format!("a APPEND {mailbox} ({flags}) {{{length}}}\r\n").as_bytes())
            .unwrap();
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        assert!(line.starts_with('+'), "{line}");
        self.stream.write_all(message.as_bytes()).unwrap();
        self.stream.write_all(b"\r\n").unwrap();
        line.clear();
        while !line.starts_with("a ") {
            line.clear();
            assert_ne!(self.reader.read_line(&mut line).unwrap(), 0);
        }
        assert!(line.starts_with("a OK"), "{line}");
    }
}

/// The folder of the mailbox that a file is a message of: in a Maildir, or in Cyrus's spool, where its name is its UID and a dot.
fn mailbox_of_message(file: &Path) -> Option<PathBuf> {
    let holder = file.parent()?;
    if holder.ends_with("cur") || holder.ends_with("new") {
        return Some(holder.parent()?.to_owned());
    }
    let uid = file.file_name()?.to_str()?.strip_suffix('.')?;
    uid.parse::<u32>().is_ok().then(|| holder.to_owned())
}

/// Messages in a server's storage.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Mail {
    /// How often each text is there, by the mailbox it lies in.
    pub(crate) foreign: BTreeMap<(PathBuf, Vec<u8>), usize>,
    /// How often each mark is there.
    pub(crate) marked: BTreeMap<String, usize>,
}

impl Mail {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        let mut mail = Self::default();
        let files = walkdir::WalkDir::new(folder)
            .into_iter()
            // Servers tidy up while we look.
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_file());
        for entry in files {
            let Some(mailbox) = mailbox_of_message(entry.path()) else {
                continue;
            };
            // It may be taken away, or renamed by a change of its flags, while we look.
            let Ok(text) = fs::read(entry.path()) else {
                continue;
            };
            let head = String::from_utf8_lossy(&text).into_owned();
            let head = head.split("\r\n\r\n").next().unwrap();
            let head = head.split("\n\n").next().unwrap();
            let mark = head
                .lines()
                .find_map(|line| line.strip_prefix("X-Mailgauge-Id: "));
            if let Some(mark) = mark {
                *mail.marked.entry(mark.trim().to_owned()).or_default() += 1;
            } else {
                *mail.foreign.entry((mailbox, text)).or_default() += 1;
            }
        }
        mail
    }

    pub(crate) fn assert_only_foreign_as_in(&self, before: &Self) {
        assert_eq!(self.foreign, before.foreign);
        assert!(self.marked.is_empty(), "{:?}", self.marked);
    }
}

/// Runs it to its end, in bounded time. Returns its exit code and all that it wrote.
pub(crate) fn run(command: &mut Command) -> (Option<i32>, String) {
    let begun = Instant::now();
    let Output {
        status,
        stdout,
        stderr,
    } = command.stdin(Stdio::null()).output().unwrap();
    assert!(begun.elapsed() < PATIENCE, "it took {:?}", begun.elapsed());
    let words = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    assert!(!words.contains(HUSH), "{words}");
    (status.code(), words)
}

/// No file below it holds a password.
pub(crate) fn assert_no_password_in(folder: &Path) {
    let mut files = 0;
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let text = fs::read(entry.path()).unwrap();
            let found = memchr::memmem::find(&text, HUSH.as_bytes());
            assert!(found.is_none(), "{}", entry.path().display());
            files += 1;
        }
    }
    assert!(files > 5, "there are results to look through");
}

//! Delivery into Maildirs by LMTP, for a server whose packages leave that to a mail transfer agent. It does what
//! such an agent does (write to `tmp`, rename into `new`, LF line ends) and nothing else, in a process of its own
//! beside the server, so that its cost is the server's, as it is elsewhere.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::proto::dots::Unstuffer;
use crate::proto::lmtp::server::{BadCommand, Command, LONGEST_LINE, local_part};

/// Recipients of one message (RFC 5321 section 4.5.3.1.8: at least 100).
const MOST_RECIPIENTS: usize = 1000;
/// A client that says nothing for so long is left (RFC 5321 section 4.5.3.2.7).
const PATIENCE: Duration = Duration::from_secs(300);

/// Serves at `address`, a thread per connection, and never returns but for an error. Users are the folders of `mail`;
/// each has a `Maildir`. LMTP knows no login: whoever reaches the address delivers (RFC 2033 section 5).
///
/// # Errors
/// The address cannot be had.
pub fn deliver_into_maildirs(address: SocketAddr, mail: &Path) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    for connection in listener.incoming() {
        let mail = mail.to_owned();
        let served = connection
            .and_then(|tcp| thread::Builder::new().spawn(move || Session::new(tcp, mail)?.run()));
        if served.is_err() {
            // Out of descriptors or threads: the client finds its connection closed.
            thread::sleep(Duration::from_millis(10));
        }
    }
    Ok(())
}

/// One client.
struct Session {
    mail: PathBuf,
    input: BufReader<TcpStream>,
    output: TcpStream,
    /// Replies that wait to be sent together.
    replies: Vec<u8>,
    greeted: bool,
    has_sender: bool,
    /// Maildirs.
    recipients: Vec<PathBuf>,
}

impl Session {
    fn new(tcp: TcpStream, mail: PathBuf) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(PATIENCE))?;
        tcp.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            mail,
            output: tcp.try_clone()?,
            input: BufReader::with_capacity(64 << 10, tcp),
            replies: Vec::new(),
            greeted: false,
            has_sender: false,
            recipients: Vec::new(),
        })
    }

    fn run(mut self) -> io::Result<()> {
        self.reply("220 localhost LMTP mailgauge, for Maildirs");
        let mut line = Vec::new();
        loop {
            // What is pipelined is answered together.
            if self.input.buffer().is_empty() {
                self.flush()?;
            }
            line.clear();
            let most = LONGEST_LINE as u64 + 2;
            let octets = (&mut self.input).take(most).read_until(b'\n', &mut line)?;
            if octets == 0 {
                return Ok(());
            }
            if !line.ends_with(b"\n") {
                self.reply(&BadCommand::TooLong.to_string());
                return self.flush();
            }
            match Command::parse(line.trim_ascii_end()) {
                Ok(Command::Quit) => {
                    self.reply("221 2.0.0 Good bye");
                    return self.flush();
                }
                Ok(Command::Data) => self.data()?,
                Ok(command) => self.command(&command),
                Err(bad) => self.reply(&bad.to_string()),
            }
        }
    }

    fn reply(&mut self, line: &str) {
        self.replies.extend_from_slice(line.as_bytes());
        self.replies.extend_from_slice(b"\r\n");
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.write_all(&self.replies)?;
        self.replies.clear();
        Ok(())
    }

    fn command(&mut self, command: &Command<'_>) {
        match command {
            Command::Lhlo(_) => {
                self.greeted = true;
                self.forget();
                self.reply("250-localhost");
                self.reply("250-PIPELINING");
                self.reply("250-8BITMIME");
                self.reply("250-ENHANCEDSTATUSCODES");
                self.reply("250 SIZE");
            }
            Command::Mail { .. } if !self.greeted => self.reply("503 5.5.1 Say LHLO first"),
            Command::Mail { .. } if self.has_sender => {
                self.reply("503 5.5.1 One sender is enough");
            }
            Command::Mail { .. } => {
                self.has_sender = true;
                self.reply("250 2.1.0 Go on");
            }
            Command::Rcpt(recipient) => self.recipient(recipient),
            Command::Rset => {
                self.forget();
                self.reply("250 2.0.0 Forgotten");
            }
            Command::Vrfy => self.reply("252 2.5.0 Send the mail and see"),
            Command::Noop | Command::Data | Command::Quit => self.reply("250 2.0.0 Still here"),
        }
    }

    fn forget(&mut self) {
        self.has_sender = false;
        self.recipients.clear();
    }

    fn recipient(&mut self, recipient: &str) {
        let found = maildir(&self.mail, &local_part(recipient));
        let reply = if !self.has_sender {
            "503 5.5.1 Say MAIL first"
        } else if self.recipients.len() >= MOST_RECIPIENTS {
            "452 4.5.3 Too many recipients"
        } else if let Some(maildir) = found {
            self.recipients.push(maildir);
            "250 2.1.5 Go on"
        } else {
            "550 5.1.1 There is no such user"
        };
        self.reply(reply);
    }

    fn data(&mut self) -> io::Result<()> {
        let recipients = std::mem::take(&mut self.recipients);
        let had_sender = std::mem::take(&mut self.has_sender);
        let Some(first) = recipients.first() else {
            self.reply(if had_sender {
                "503 5.5.1 No recipient was accepted"
            } else {
                "503 5.5.1 Say MAIL first"
            });
            return Ok(());
        };
        self.reply("354 Send the message, end with a dot");
        self.flush()?;
        let mut message = Incoming::create(first);
        let mut unstuffer = Unstuffer::new();
        while !unstuffer.ended() {
            let input = self.input.fill_buf()?;
            if input.is_empty() {
                return Ok(());
            }
            // All of it is taken even if it cannot be written: only its end tells where commands go on.
            let taken = unstuffer.take(input, |octets| {
                if let Ok(whole) = &mut message
                    && let Err(error) = whole.write(octets)
                {
                    message = Err(error);
                }
            });
            self.input.consume(taken);
        }
        let delivered = message.and_then(|whole| whole.deliver(&recipients));
        for _ in &recipients {
            self.reply(match &delivered {
                Ok(()) => "250 2.0.0 Delivered",
                Err(_) => "451 4.3.0 The mail cannot be stored now",
            });
        }
        Ok(())
    }
}

/// The Maildir of a user, if there is one of that name.
fn maildir(mail: &Path, user: &str) -> Option<PathBuf> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let maildir = mail.join(user).join("Maildir");
    (!user.is_empty() && user.bytes().all(plain) && maildir.is_dir()).then_some(maildir)
}

/// A message that is written to `tmp`; it goes with this value unless it was delivered.
struct Incoming {
    path: PathBuf,
    name: String,
    file: BufWriter<File>,
    /// A CR whose LF has not come yet.
    held: bool,
}

impl Incoming {
    fn create(maildir: &Path) -> io::Result<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);

        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let name = format!(
            "{}.M{}P{}Q{}.localhost",
            now.as_secs(),
            now.subsec_micros(),
            process::id(),
            COUNTER.fetch_add(1, Ordering::Relaxed)
        );
        let path = maildir.join("tmp").join(&name);
        let file = File::create_new(&path)?;
        Ok(Self {
            path,
            name,
            file: BufWriter::with_capacity(64 << 10, file),
            held: false,
        })
    }

    /// The next octets, CRLF line ends.
    fn write(&mut self, mut octets: &[u8]) -> io::Result<()> {
        while let Some(&next) = octets.first() {
            if std::mem::take(&mut self.held) && next != b'\n' {
                self.file.write_all(b"\r")?;
            }
            let line = memchr::memchr(b'\r', octets).unwrap_or(octets.len());
            self.file.write_all(&octets[..line])?;
            self.held = line < octets.len();
            octets = &octets[(line + 1).min(octets.len())..];
        }
        Ok(())
    }

    /// Puts it, or a copy of it, into every one of `maildirs`, the first of which is its own.
    fn deliver(mut self, maildirs: &[PathBuf]) -> io::Result<()> {
        self.file.flush()?;
        let Some((own, others)) = maildirs.split_first() else {
            return Ok(());
        };
        for maildir in others {
            let copy = maildir.join("tmp").join(&self.name);
            fs::copy(&self.path, &copy)?;
            fs::rename(&copy, maildir.join("new").join(&self.name))?;
        }
        fs::rename(&self.path, own.join("new").join(&self.name))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // After a delivery there is nothing to remove, which is fine.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{Incoming, maildir};

    fn make_maildir(mail: &Path, user: &str) {
        for folder in ["tmp", "new", "cur"] {
            fs::create_dir_all(mail.join(user).join("Maildir").join(folder)).unwrap();
        }
    }

    #[test]
    fn a_message_has_lf_line_ends_however_it_was_cut_and_bare_crs_stay() {
        let mail = tempfile::tempdir().unwrap();
        make_maildir(mail.path(), "u1");
        let own = maildir(mail.path(), "u1").unwrap();
        let text = b"Subject: x\r\n\r\na\rb\r\r\nc\n\r\n";
        for size in 1..text.len() {
            let mut message = Incoming::create(&own).unwrap();
            for piece in text.chunks(size) {
                message.write(piece).unwrap();
            }
            message.deliver(std::slice::from_ref(&own)).unwrap();
        }
        let mut delivered = 0;
        for file in fs::read_dir(own.join("new")).unwrap() {
            let stored = fs::read(file.unwrap().path()).unwrap();
            assert_eq!(stored, b"Subject: x\n\na\rb\r\nc\n\n");
            delivered += 1;
        }
        assert_eq!(delivered, text.len() - 1);
        assert_eq!(fs::read_dir(own.join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn a_message_for_two_is_delivered_to_both() {
        let mail = tempfile::tempdir().unwrap();
        make_maildir(mail.path(), "u1");
        make_maildir(mail.path(), "u2");
        let both = ["u1", "u2"].map(|user| maildir(mail.path(), user).unwrap());
        let mut message = Incoming::create(&both[0]).unwrap();
        message.write(b"x\r\n").unwrap();
        message.deliver(&both).unwrap();
        for own in both {
            let file = fs::read_dir(own.join("new")).unwrap().next().unwrap();
            assert_eq!(fs::read(file.unwrap().path()).unwrap(), b"x\n");
        }
    }

    #[test]
    fn a_message_that_is_broken_off_leaves_nothing() {
        let mail = tempfile::tempdir().unwrap();
        make_maildir(mail.path(), "u1");
        let own = maildir(mail.path(), "u1").unwrap();
        let mut message = Incoming::create(&own).unwrap();
        message.write(b"half").unwrap();
        drop(message);
        assert_eq!(fs::read_dir(own.join("tmp")).unwrap().count(), 0);
        assert_eq!(fs::read_dir(own.join("new")).unwrap().count(), 0);
    }

    #[test]
    fn a_recipient_cannot_name_a_place_outside() {
        let mail = tempfile::tempdir().unwrap();
        make_maildir(mail.path(), "u1");
        let inner = mail.path().join("u1");
        for user in ["..", "../u1", "u1/../u1", "", ".", "u2"] {
            assert_eq!(maildir(&inner, user), None, "{user}");
            assert_eq!(maildir(mail.path(), user), None, "{user}");
        }
        assert!(maildir(mail.path(), "u1").is_some());
    }
}

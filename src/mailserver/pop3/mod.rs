//! POP3 sessions (RFC 1939): AUTHORIZATION, TRANSACTION over a snapshot of INBOX, UPDATE at QUIT only.
//! Replies to pipelined commands go out together.

mod top;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mail_parser::decoders::base64::base64_decode;

use self::top::Top;
use super::connection::{Connection, Ended, Line};
use super::faults::{Cut, CutAt, Feature};
use super::login;
use super::server::Shared;
use super::store::{Mailbox, Message, PopLock, StoreError, User};
use super::wrong::Wrong;
use crate::proto::dots::Stuffer;
use crate::proto::pop3::apop_digest;
use crate::proto::pop3::server::{BadCommand, Code, Command, LONGEST_LINE, end, err, line, ok};

/// A SASL response may be this long (RFC 5034 section 4: at least 1024 octets of base64).
const LONGEST_RESPONSE: usize = 8 << 10;
/// A message goes out in pieces of this size.
const PIECE: usize = 32 << 10;

/// Makes APOP timestamps unique within the process.
static GREETINGS: AtomicU64 = AtomicU64::new(0);

/// Serves one client to the end.
pub(super) async fn serve(shared: &Arc<Shared>, connection: Connection) {
    let mut session = Session {
        shared: Arc::clone(shared),
        connection,
        timestamp: timestamp(),
        user: None,
        failed: 0,
        maildrop: None,
    };
    // However it ended: what is due is sent, and without a QUIT nothing is deleted.
    let _ = session.run().await;
    drop(session.maildrop);
    session.connection.close().await;
}

/// A timestamp as RFC 1939 section 7 wants it: unlike any other.
fn timestamp() -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    let count = GREETINGS.fetch_add(1, Ordering::Relaxed);
    format!("<{}.{count}.{now}@localhost>", std::process::id())
}

struct Session {
    shared: Arc<Shared>,
    connection: Connection,
    timestamp: String,
    /// Named with USER.
    user: Option<String>,
    failed: u32,
    maildrop: Option<Maildrop>,
}

/// The maildrop of a session in TRANSACTION state.
struct Maildrop {
    mailbox: Arc<Mailbox>,
    uid_validity: u32,
    messages: Vec<Message>,
    /// Indices of messages marked as deleted.
    deleted: BTreeSet<usize>,
    _lock: PopLock,
}

enum Next {
    Go,
    Quit,
}

impl Session {
    async fn run(&mut self) -> Result<(), Ended> {
        let greeting = format!("mailgauge ready {}", self.timestamp);
        ok(&mut self.connection.out, greeting);
        let limit = self.shared.config.limits.pop3_idle;
        loop {
            let command_line = match self.connection.line(LONGEST_LINE, limit).await? {
                Line::Whole(line) => line,
                Line::TooLong => {
                    err(&mut self.connection.out, None, BadCommand::TooLong);
                    continue;
                }
            };
            let next = match Command::parse(&command_line) {
                Ok(command) => self.command(command).await?,
                Err(bad) => {
                    err(&mut self.connection.out, None, bad);
                    Next::Go
                }
            };
            if matches!(next, Next::Quit) {
                return Ok(());
            }
            self.connection.flush_if_full().await?;
        }
    }

    async fn command(&mut self, command: Command<'_>) -> Result<Next, Ended> {
        if let Command::Uidl(_) | Command::Top(..) | Command::Stls = command
            && self.lacks(&command)
        {
            err(&mut self.connection.out, None, "this is not known here");
            return Ok(Next::Go);
        }
        match (command, self.maildrop.is_some()) {
            (Command::Quit, _) => {
                self.quit()?;
                return Ok(Next::Quit);
            }
            (Command::Capa, _) => self.capabilities(),
            (Command::Noop, true) => ok(&mut self.connection.out, ""),
            (Command::Stat, true) => self.stat(),
            (Command::List(which), true) => self.list(which),
            (Command::Uidl(which), true) => self.uidl(which),
            (Command::Retr(number), true) => self.retrieve(number, None).await?,
            (Command::Top(number, lines), true) => self.retrieve(number, Some(lines)).await?,
            (Command::Dele(number), true) => return self.delete(number).await,
            (Command::Rset, true) => self.reset(),
            (Command::User(name), false) => {
                self.user = Some(name.to_owned());
                ok(&mut self.connection.out, "tell the password");
            }
            (Command::Pass(password), false) => match self.user.take() {
                Some(user) => {
                    let found = login::with_password(&self.shared, &user, password.as_bytes());
                    return Ok(self.log_in(found));
                }
                None => err(&mut self.connection.out, None, "tell the user first"),
            },
            (Command::Apop { name, digest }, false) => {
                let found = login::check(&self.shared, name, |password| {
                    apop_digest(&self.timestamp, password).eq_ignore_ascii_case(digest)
                });
                return Ok(self.log_in(found));
            }
            (Command::Auth { mechanism, initial }, false) => {
                return self.authenticate(mechanism, initial).await;
            }
            (Command::Stls, false) => self.start_tls().await?,
            _ => err(
                &mut self.connection.out,
                None,
                if self.maildrop.is_some() {
                    "you are logged in already"
                } else {
                    "log in first"
                },
            ),
        }
        Ok(Next::Go)
    }

    /// A server that does without it, on purpose.
    fn lacks(&self, command: &Command<'_>) -> bool {
        let faults = &self.shared.config.faults;
        match command {
            Command::Uidl(_) => faults.lacks(Feature::Uidl),
            Command::Top(..) => faults.lacks(Feature::Top),
            Command::Stls => faults.lacks(Feature::Stls),
            _ => false,
        }
    }

    fn capabilities(&mut self) {
        let faults = &self.shared.config.faults;
        let offers_tls = self.shared.tls.is_some()
            && !self.connection.is_secure()
            && self.maildrop.is_none()
            && !faults.lacks(Feature::Stls);
        let lacking = [("UIDL", Feature::Uidl), ("TOP", Feature::Top)]
            .map(|(word, feature)| faults.lacks(feature).then_some(word));
        let out = &mut self.connection.out;
        ok(out, "what is offered");
        for capability in [
            "TOP",
            "USER",
            "UIDL",
            "PIPELINING",
            "RESP-CODES",
            "AUTH-RESP-CODE",
            "SASL PLAIN",
            "EXPIRE NEVER",
        ] {
            if !lacking.contains(&Some(capability)) {
                line(out, capability);
            }
        }
        if offers_tls {
            line(out, "STLS");
        }
        line(
            out,
            concat!("IMPLEMENTATION mailgauge-", env!("CARGO_PKG_VERSION")),
        );
        end(out);
    }

    async fn start_tls(&mut self) -> Result<(), Ended> {
        let shared = Arc::clone(&self.shared);
        match &shared.tls {
            Some(acceptor) if !self.connection.is_secure() => {
                ok(&mut self.connection.out, "begin TLS");
                self.user = None;
                self.connection.start_tls(acceptor).await
            }
            _ => {
                err(&mut self.connection.out, None, "TLS cannot be started");
                Ok(())
            }
        }
    }

    /// AUTH (RFC 5034), with PLAIN as the one mechanism.
    async fn authenticate(
        &mut self,
        mechanism: Option<&str>,
        initial: Option<&str>,
    ) -> Result<Next, Ended> {
        match mechanism {
            None => {
                let out = &mut self.connection.out;
                ok(out, "mechanisms");
                line(out, "PLAIN");
                end(out);
                return Ok(Next::Go);
            }
            Some(name) if name.eq_ignore_ascii_case("PLAIN") => {}
            Some(_) => {
                err(&mut self.connection.out, None, "only PLAIN is offered");
                return Ok(Next::Go);
            }
        }
        let response = if let Some(initial) = initial {
            initial.as_bytes().to_vec()
        } else {
            self.connection.out.extend_from_slice(b"+ \r\n");
            let limit = self.shared.config.limits.pop3_idle;
            match self.connection.line(LONGEST_RESPONSE, limit).await? {
                Line::Whole(line) => line,
                Line::TooLong => Vec::new(),
            }
        };
        if response == b"*" {
            err(&mut self.connection.out, None, "as you like");
            return Ok(Next::Go);
        }
        let found = base64_decode(&response).and_then(|response| {
            let (user, password) = login::plain(&response)?;
            login::with_password(&self.shared, user, password)
        });
        Ok(self.log_in(found))
    }

    /// Enters TRANSACTION state if the login was right and nobody else has the maildrop.
    fn log_in(&mut self, user: Option<Arc<User>>) -> Next {
        let out = &mut self.connection.out;
        let Some(user) = user else {
            err(out, Some(Code::Auth), "user or password is wrong");
            self.failed += 1;
            return if self.failed < self.shared.config.limits.failed_logins {
                Next::Go
            } else {
                Next::Quit
            };
        };
        let Some(lock) = user.lock_for_pop() else {
            err(out, Some(Code::InUse), "another session has the maildrop");
            return Next::Go;
        };
        let opened = user.inbox().and_then(|mailbox| {
            let snapshot = match self.shared.serves_stale() {
                Some(lag) => mailbox.replica(lag)?.0.as_ref().clone(),
                None => mailbox.snapshot(false)?,
            };
            Ok(Maildrop {
                mailbox,
                uid_validity: snapshot.uid_validity,
                messages: snapshot.messages,
                deleted: BTreeSet::new(),
                _lock: lock,
            })
        });
        match opened {
            Ok(maildrop) => {
                ok(out, format_args!("{} messages", maildrop.messages.len()));
                self.maildrop = Some(maildrop);
            }
            Err(error) => system_error(out, &error),
        }
        Next::Go
    }

    fn stat(&mut self) {
        let Some(maildrop) = &self.maildrop else {
            return;
        };
        let (count, octets) = maildrop
            .remaining()
            .fold((0, 0), |(n, sum), (_, m)| (n + 1, sum + m.octets));
        ok(&mut self.connection.out, format_args!("{count} {octets}"));
    }

    fn list(&mut self, which: Option<u32>) {
        self.scan(which, |out, number, message, _| {
            line(out, format_args!("{number} {}", message.octets));
        });
    }

    fn uidl(&mut self, which: Option<u32>) {
        self.scan(which, |out, number, message, uid_validity| {
            line(out, format_args!("{number} {uid_validity}.{}", message.uid));
        });
    }

    /// LIST and UIDL: one message on the status line, or all below it.
    fn scan(&mut self, which: Option<u32>, show: impl Fn(&mut Vec<u8>, usize, &Message, u32)) {
        let Some(maildrop) = &self.maildrop else {
            return;
        };
        let out = &mut self.connection.out;
        match which {
            None => {
                ok(out, "");
                for (index, message) in maildrop.remaining() {
                    show(out, index + 1, message, maildrop.uid_validity);
                }
                end(out);
            }
            Some(number) => match maildrop.find(number) {
                Some(index) => {
                    out.extend_from_slice(b"+OK ");
                    let message = &maildrop.messages[index];
                    show(out, index + 1, message, maildrop.uid_validity);
                }
                None => no_such_message(out),
            },
        }
    }

    async fn delete(&mut self, number: u32) -> Result<Next, Ended> {
        let Some(maildrop) = &mut self.maildrop else {
            return Ok(Next::Go);
        };
        let Some(index) = maildrop.find(number) else {
            no_such_message(&mut self.connection.out);
            return Ok(Next::Go);
        };
        maildrop.deleted.insert(index);
        ok(&mut self.connection.out, "marked");
        let first = maildrop.deleted.len() == 1;
        if self.shared.config.faults.does(Wrong::DeleteWithoutQuit) {
            self.delete_at_once();
        }
        if first && self.shared.hangs_up() {
            self.connection.flush().await?;
            return Err(Ended::Closed);
        }
        Ok(Next::Go)
    }

    /// What is marked goes without waiting for QUIT, on purpose.
    fn delete_at_once(&mut self) {
        let Some(maildrop) = &self.maildrop else {
            return;
        };
        match self
            .shared
            .expunge(&maildrop.mailbox, |message| maildrop.is_doomed(message))
        {
            Ok(amount) => self.shared.deleted.add(amount),
            Err(error) => tracing::warn!("POP3: {error}"),
        }
    }

    fn reset(&mut self) {
        if let Some(maildrop) = &mut self.maildrop {
            maildrop.deleted.clear();
        }
        ok(&mut self.connection.out, "nothing is marked");
    }

    /// RETR, or TOP with so many lines of the body.
    async fn retrieve(&mut self, number: u32, lines: Option<u64>) -> Result<(), Ended> {
        let Some(maildrop) = &self.maildrop else {
            return Ok(());
        };
        let Some(index) = maildrop.find(number) else {
            no_such_message(&mut self.connection.out);
            return Ok(());
        };
        let message = maildrop.messages[index];
        let file = match maildrop.mailbox.open_message(&message) {
            Ok(file) => file,
            Err(error) => {
                system_error(&mut self.connection.out, &error);
                return Ok(());
            }
        };
        match lines {
            None => ok(
                &mut self.connection.out,
                format_args!("{} octets", message.octets),
            ),
            Some(lines) => ok(
                &mut self.connection.out,
                format_args!("header and {lines} lines"),
            ),
        }
        self.send(file, lines.map(Top::new), message.octets).await
    }

    /// Streams a message, dots stuffed. What was announced cannot be taken back, so a file that cannot be
    /// read to the end ends the session.
    async fn send(
        &mut self,
        mut file: File,
        mut top: Option<Top>,
        octets: u64,
    ) -> Result<(), Ended> {
        let mut stuffer = Stuffer::new();
        let mut piece = vec![0; PIECE.min(octets as usize + 1)];
        loop {
            let read = file.read(&mut piece)?;
            let wanted = match &mut top {
                Some(top) => top.take(&piece[..read]),
                None => read,
            };
            stuffer.put(&piece[..wanted], &mut self.connection.out);
            if read == 0 || top.as_ref().is_some_and(Top::is_done) {
                break;
            }
            self.connection.flush_if_full().await?;
        }
        stuffer.end(&mut self.connection.out);
        Ok(())
    }

    /// UPDATE state: what was marked is deleted, then the reply.
    fn quit(&mut self) -> Result<(), Ended> {
        let marked = |maildrop: &Maildrop| !maildrop.deleted.is_empty();
        let Some(maildrop) = self.maildrop.take().filter(marked) else {
            ok(&mut self.connection.out, "good bye");
            return Ok(());
        };
        let cut = self.shared.cut(CutAt::Quit);
        if cut == Some(Cut::Before) {
            return Err(self.connection.cut_off());
        }
        let doomed = |message: &Message| maildrop.is_doomed(message);
        match self.shared.expunge(&maildrop.mailbox, doomed) {
            Ok(amount) => {
                self.shared.deleted.add(amount);
                ok(
                    &mut self.connection.out,
                    format_args!("{} messages deleted", amount.messages),
                );
            }
            Err(error) => system_error(&mut self.connection.out, &error),
        }
        match cut {
            Some(_) => Err(self.connection.cut_off()),
            None => Ok(()),
        }
    }
}

impl Maildrop {
    /// Messages that are not marked, by index.
    fn remaining(&self) -> impl Iterator<Item = (usize, &Message)> {
        self.messages
            .iter()
            .enumerate()
            .filter(|(index, _)| !self.deleted.contains(index))
    }

    /// Whether it is marked.
    fn is_doomed(&self, message: &Message) -> bool {
        let index = self
            .messages
            .binary_search_by_key(&message.uid, |it| it.uid);
        index.is_ok_and(|index| self.deleted.contains(&index))
    }

    /// The index of a message by its number, unless it is marked.
    fn find(&self, number: u32) -> Option<usize> {
        let index = (number as usize).checked_sub(1)?;
        (index < self.messages.len() && !self.deleted.contains(&index)).then_some(index)
    }
}

fn no_such_message(out: &mut Vec<u8>) {
    err(out, None, "there is no such message");
}

fn system_error(out: &mut Vec<u8>, error: &StoreError) {
    tracing::warn!("POP3: {error}");
    err(out, Some(Code::SysTemp), error_text(error));
}

/// Paths are nobody's business on the other side.
fn error_text(error: &StoreError) -> &'static str {
    match error {
        StoreError::MessageGone => "the message is gone",
        _ => "the mail cannot be read now",
    }
}

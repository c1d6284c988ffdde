//! LMTP sessions (RFC 2033): mail is taken in and put into mailboxes octet for octet, without header fields
//! of the server's own, so that what was sent can be counted again. Each recipient gets a reply.

use std::sync::Arc;

use super::connection::{Connection, Ended, Line};
use super::faults::{Cut, CutAt};
use super::server::Shared;
use super::store::{Amount, Incoming, StoreError, User};
use crate::proto::dots::Unstuffer;
use crate::proto::lmtp::server::{BadCommand, Command, LONGEST_LINE, local_part};

/// Recipients of one message (RFC 5321 section 4.5.3.1.8: at least 100).
const MOST_RECIPIENTS: usize = 1000;

/// Serves one client to the end.
pub(super) async fn serve(shared: &Arc<Shared>, connection: Connection) {
    let mut session = Session {
        shared: Arc::clone(shared),
        connection,
        greeted: false,
        has_sender: false,
        recipients: Vec::new(),
    };
    let ended = session.run().await;
    if matches!(ended, Err(Ended::Stopping | Ended::Idle)) {
        session.reply("421 4.3.2 Closing");
    }
    session.connection.close().await;
}

struct Session {
    shared: Arc<Shared>,
    connection: Connection,
    greeted: bool,
    has_sender: bool,
    recipients: Vec<Arc<User>>,
}

impl Session {
    async fn run(&mut self) -> Result<(), Ended> {
        self.reply("220 localhost LMTP mailgauge ready");
        let limit = self.shared.config.limits.lmtp_idle;
        loop {
            let line = match self.connection.line(LONGEST_LINE, limit).await? {
                Line::Whole(line) => line,
                Line::TooLong => {
                    self.reply(&BadCommand::TooLong.to_string());
                    continue;
                }
            };
            match Command::parse(&line) {
                Ok(Command::Quit) => {
                    self.reply("221 2.0.0 Good bye");
                    return Ok(());
                }
                Ok(Command::Data) => self.data().await?,
                Ok(command) => self.command(&command),
                Err(bad) => self.reply(&bad.to_string()),
            }
            self.connection.flush_if_full().await?;
        }
    }

    fn reply(&mut self, line: &str) {
        self.connection.out.extend_from_slice(line.as_bytes());
        self.connection.out.extend_from_slice(b"\r\n");
    }

    fn command(&mut self, command: &Command<'_>) {
        match command {
            Command::Lhlo(_) => {
                self.greeted = true;
                self.reset();
                let size = self.shared.config.limits.message;
                self.reply("250-localhost");
                self.reply("250-PIPELINING");
                self.reply("250-8BITMIME");
                self.reply("250-ENHANCEDSTATUSCODES");
                self.reply(&format!("250 SIZE {size}"));
            }
            Command::Rset => {
                self.reset();
                self.reply("250 2.0.0 Forgotten");
            }
            Command::Noop => self.reply("250 2.0.0 Still here"),
            Command::Vrfy => self.reply("252 2.5.0 Send the mail and see"),
            Command::Mail { size, .. } => self.mail(*size),
            Command::Rcpt(recipient) => self.recipient(recipient),
            Command::Data | Command::Quit => {}
        }
    }

    fn reset(&mut self) {
        self.has_sender = false;
        self.recipients.clear();
    }

    fn mail(&mut self, size: Option<u64>) {
        let reply = if !self.greeted {
            "503 5.5.1 Say LHLO first"
        } else if self.has_sender {
            "503 5.5.1 One sender is enough"
        } else if size.is_some_and(|size| size > self.shared.config.limits.message) {
            "552 5.3.4 The message is too large"
        } else {
            self.has_sender = true;
            "250 2.1.0 Go on"
        };
        self.reply(reply);
    }

    fn recipient(&mut self, recipient: &str) {
        let reply = if !self.has_sender {
            "503 5.5.1 Say MAIL first"
        } else if self.recipients.len() >= MOST_RECIPIENTS {
            "452 4.5.3 Too many recipients"
        } else if let Some(user) = self.find(recipient) {
            self.recipients.push(user);
            "250 2.1.5 Go on"
        } else {
            "550 5.1.1 There is no such user"
        };
        self.reply(reply);
    }

    /// The user of an address: by its local part, or by the whole where users are called so.
    fn find(&self, recipient: &str) -> Option<Arc<User>> {
        let store = &self.shared.store;
        store
            .user(&local_part(recipient))
            .or_else(|| store.user(recipient))
            .cloned()
    }

    async fn data(&mut self) -> Result<(), Ended> {
        if self.recipients.is_empty() {
            self.reply(if self.has_sender {
                "503 5.5.1 No recipient was accepted"
            } else {
                "503 5.5.1 Say MAIL first"
            });
            return Ok(());
        }
        self.reply("354 Send the message, end with a dot");
        let recipients = std::mem::take(&mut self.recipients);
        self.has_sender = false;
        let received = self.receive(&recipients[0]).await?;
        match received {
            Ok(incoming) => match self.shared.cut(CutAt::Delivery) {
                Some(Cut::Before) => return Err(self.connection.cut_off()),
                Some(Cut::After) => {
                    self.deliver(incoming, &recipients);
                    return Err(self.connection.cut_off());
                }
                None => self.deliver(incoming, &recipients),
            },
            Err(Refused::TooLarge) => {
                for _ in &recipients {
                    self.reply("552 5.3.4 The message is too large");
                }
            }
            Err(Refused::Store(error)) => {
                tracing::warn!("LMTP: {error}");
                for _ in &recipients {
                    self.reply("451 4.3.0 The mail cannot be stored now");
                }
            }
        }
        Ok(())
    }

    /// Takes a message in, all of it even where it is not wanted, for only its end tells where commands go on.
    async fn receive(&mut self, first: &User) -> Result<Result<Incoming, Refused>, Ended> {
        let (limit, most) = {
            let limits = &self.shared.config.limits;
            (limits.lmtp_idle, limits.message)
        };
        let mut incoming = match first.inbox() {
            Ok(inbox) => Ok(inbox.incoming()),
            Err(error) => Err(Refused::Store(error)),
        };
        let mut unstuffer = Unstuffer::new();
        loop {
            let taken = unstuffer.take(self.connection.buffered(), |octets| {
                if let Ok(message) = &mut incoming {
                    let written = if message.octets() + octets.len() as u64 > most {
                        Err(Refused::TooLarge)
                    } else {
                        message.write(octets).map_err(Refused::Store)
                    };
                    if let Err(refused) = written {
                        incoming = Err(refused);
                    }
                }
            });
            self.connection.consume(taken);
            if unstuffer.ended() {
                return Ok(incoming);
            }
            self.connection.fill_in_bulk(limit).await?;
        }
    }

    fn deliver(&mut self, mut incoming: Incoming, recipients: &[Arc<User>]) {
        let octets = incoming.octets();
        let now = super::store::now();
        let Some((last, others)) = recipients.split_last() else {
            return;
        };
        for user in others {
            let delivered = user
                .inbox()
                .and_then(|inbox| incoming.copy_to(&inbox, &[], now));
            self.answer(delivered.map(|_| octets));
        }
        let delivered = last.inbox().and_then(|inbox| {
            if self.shared.delivers_twice() {
                incoming.copy_to(&inbox, &[], now)?;
            }
            incoming.move_to(&inbox, &[], now)
        });
        self.answer(delivered.map(|_| octets));
    }

    fn answer(&mut self, delivered: Result<u64, StoreError>) {
        match delivered {
            Ok(octets) => {
                self.shared.delivered.add(Amount {
                    messages: 1,
                    octets,
                });
                self.reply("250 2.1.5 Delivered");
            }
            Err(error) => {
                tracing::warn!("LMTP: {error}");
                self.reply("451 4.3.0 The mail cannot be stored now");
            }
        }
    }
}

enum Refused {
    TooLarge,
    Store(StoreError),
}

//! Commands about mailboxes and the session as a whole.

use super::exchange::{Bodies, Taken, Unusable, nothing, push};
use super::{ImapExtension, ImapSession};
use crate::client::ClientError;
use crate::metrics::{ErrorClass, Observer, Operation};
use crate::proto::imap::{Code, Command, MailboxStatus, Namespaces, Response, StatusItem};

/// A mailbox as SELECT found it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// How many messages it has.
    pub exists: u32,
    /// How many no session has seen before.
    pub recent: u32,
    /// The first message not seen yet, by sequence number.
    pub first_unseen: Option<u32>,
    /// UIDs known from before hold only if this is as it was.
    pub uid_validity: Option<u32>,
    /// The UID that the next message will probably get.
    pub uid_next: Option<u32>,
    /// The highest modification sequence (RFC 7162).
    pub highest_mod_seq: Option<u64>,
    /// It was opened for reading only.
    pub read_only: bool,
}

/// One mailbox of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxEntry {
    /// Its name as the server writes it (modified UTF-7): hand it back as it is.
    pub name: String,
    /// What parts the levels of a name.
    pub delimiter: Option<char>,
    /// `\Noselect`, `\Sent` and so on.
    pub attributes: Vec<String>,
}

impl Selected {
    fn note(&mut self, response: &Response<'_>) {
        match response {
            Response::Exists(exists) => self.exists = *exists,
            Response::Recent(recent) => self.recent = *recent,
            Response::Status(_, text) | Response::Tagged { text, .. } => match text.code {
                // What was said before this was about the mailbox selected before.
                Some(Code::Closed) => *self = Self::default(),
                Some(Code::Unseen(sequence)) => self.first_unseen = Some(sequence),
                Some(Code::UidValidity(number)) => self.uid_validity = Some(number),
                Some(Code::UidNext(uid)) => self.uid_next = Some(uid),
                Some(Code::HighestModSeq(number)) => self.highest_mod_seq = Some(number),
                Some(Code::ReadOnly) => self.read_only = true,
                _ => {}
            },
            _ => {}
        }
    }
}

impl MailboxEntry {
    /// Whether the server gives it an attribute, such as `\Sent` (RFC 6154).
    pub fn has(&self, attribute: &str) -> bool {
        self.attributes
            .iter()
            .any(|known| known.eq_ignore_ascii_case(attribute))
    }
}

impl<O: Observer> ImapSession<O> {
    /// SELECT.
    pub async fn select(&mut self, mailbox: &str) -> Result<Selected, ClientError> {
        let command = self.new_command("SELECT").mailbox(mailbox);
        self.open_mailbox(command, nothing).await
    }

    /// EXAMINE: SELECT for reading only.
    pub async fn examine(&mut self, mailbox: &str) -> Result<Selected, ClientError> {
        let command = self.new_command("EXAMINE").mailbox(mailbox);
        self.open_mailbox(command, nothing).await
    }

    /// One SELECT or EXAMINE; `collect` sees what is not about the mailbox as such.
    pub(super) async fn open_mailbox(
        &mut self,
        command: Command,
        mut collect: impl FnMut(Response<'_>, &mut Bodies) -> Result<Taken, Unusable>,
    ) -> Result<Selected, ClientError> {
        self.mirror.forget_mailbox();
        let mut selected = Selected::default();
        self.command(Operation::Select, command, |response, bodies| {
            selected.note(&response);
            collect(response, bodies)
        })
        .await?;
        self.mirror.forget_mailbox();
        self.mirror.exists = selected.exists;
        self.mirror.highest_mod_seq = selected.highest_mod_seq;
        Ok(selected)
    }

    /// UNSELECT (RFC 3691): leaves the mailbox and expunges nothing. `NotOffered` where it is not.
    pub async fn unselect(&mut self) -> Result<(), ClientError> {
        self.require(ImapExtension::Unselect, Operation::Unselect)?;
        let command = self.new_command("UNSELECT");
        self.command(Operation::Unselect, command, nothing).await?;
        self.mirror.forget_mailbox();
        Ok(())
    }

    /// CLOSE: leaves the mailbox, and what is marked `\Deleted` is gone.
    pub async fn close(&mut self) -> Result<(), ClientError> {
        let command = self.new_command("CLOSE");
        self.command(Operation::Unselect, command, nothing).await?;
        self.mirror.forget_mailbox();
        Ok(())
    }

    /// NOOP: nothing, but the server takes the occasion to say what is new.
    pub async fn noop(&mut self) -> Result<(), ClientError> {
        let command = self.new_command("NOOP");
        self.command(Operation::Noop, command, nothing).await
    }

    /// CAPABILITY, asked once more.
    pub async fn ask_capabilities(&mut self) -> Result<(), ClientError> {
        let command = self.new_command("CAPABILITY");
        self.command(Operation::Capability, command, nothing).await
    }

    /// ID (RFC 2971): says who we are, returns who the server is. `NotOffered` where it is not.
    pub async fn id(&mut self) -> Result<Vec<(String, Option<String>)>, ClientError> {
        self.require(ImapExtension::Id, Operation::Id)?;
        let ours = ["name", "mailgauge", "version", env!("CARGO_PKG_VERSION")];
        let command = self.new_command("ID").strings(&ours);
        let mut theirs = Vec::new();
        self.command(Operation::Id, command, |response, _| {
            if let Response::Id(pairs) = response {
                theirs = pairs;
                return Ok(Taken::Yes);
            }
            Ok(Taken::No)
        })
        .await?;
        Ok(theirs)
    }

    /// ENABLE (RFC 5161): returns what the server then enabled. `NotOffered` where it is not.
    pub async fn enable(&mut self, extensions: &[&str]) -> Result<Vec<String>, ClientError> {
        self.require(ImapExtension::Enable, Operation::Enable)?;
        let mut command = self.new_command("ENABLE");
        for extension in extensions {
            command = command.word(extension);
        }
        let mut enabled = Vec::new();
        self.command(Operation::Enable, command, |response, _| {
            let Response::Enabled(words) = response else {
                return Ok(Taken::No);
            };
            let name = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
            enabled = words.iter().map(name).collect();
            Ok(Taken::Yes)
        })
        .await?;
        Ok(enabled)
    }

    /// COMPRESS DEFLATE (RFC 4978): what follows is compressed in both directions. `NotOffered` where it is not, and
    /// on a connection that is compressed already.
    pub async fn compress(&mut self) -> Result<(), ClientError> {
        let operation = Operation::Compress;
        self.require(ImapExtension::Compress, operation)?;
        if self.link.wire().is_compressed() {
            return Err(ClientError::new(
                ErrorClass::NotOffered,
                operation,
                "the connection is compressed already",
            ));
        }
        let running = self.link.begin(operation);
        let command = self.new_command("COMPRESS").word("DEFLATE").finish();
        let reply = self.exchange(operation, &command, nothing).await;
        let result = reply.and_then(|reply| {
            reply.accept(operation)?;
            let wire = self.link.wire();
            if begins_plainly(wire.buffer()) {
                return Err(ClientError::protocol(
                    operation,
                    "what follows the consent to compress is not compressed",
                ));
            }
            let started = wire.start_deflate();
            started.map_err(|error| ClientError::from_net(operation, &error))
        });
        self.link.end(running, result)
    }

    /// NAMESPACE (RFC 2342): where mailboxes lie. `NotOffered` where it is not.
    pub async fn namespace(&mut self) -> Result<Namespaces, ClientError> {
        self.require(ImapExtension::Namespace, Operation::Namespace)?;
        let command = self.new_command("NAMESPACE");
        let mut namespaces = Namespaces::default();
        self.command(Operation::Namespace, command, |response, _| {
            if let Response::Namespace(told) = response {
                namespaces = told;
                return Ok(Taken::Yes);
            }
            Ok(Taken::No)
        })
        .await?;
        Ok(namespaces)
    }

    /// LIST "" "*": all mailboxes of the user.
    pub async fn list_mailboxes(&mut self) -> Result<Vec<MailboxEntry>, ClientError> {
        let command = self.new_command("LIST").string(b"").string(b"*");
        let mut mailboxes = Vec::new();
        self.command(Operation::ListMailboxes, command, |response, _| {
            let Response::List(listed) = response else {
                return Ok(Taken::No);
            };
            let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
            let entry = MailboxEntry {
                name: text(&listed.name),
                delimiter: listed.delimiter.map(char::from),
                attributes: listed.attributes.iter().map(text).collect(),
            };
            push(&mut mailboxes, entry)
        })
        .await?;
        Ok(mailboxes)
    }

    /// CREATE: a new mailbox. Where new ones may lie, [`Self::namespace`] tells.
    pub async fn create(&mut self, mailbox: &str) -> Result<(), ClientError> {
        let command = self.new_command("CREATE").mailbox(mailbox);
        self.command(Operation::CreateMailbox, command, nothing)
            .await
    }

    /// STATUS (MESSAGES UIDNEXT UIDVALIDITY UNSEEN) of a mailbox, which need not be selected.
    pub async fn status(&mut self, mailbox: &str) -> Result<MailboxStatus<'static>, ClientError> {
        self.status_of(mailbox, &StatusItem::USUAL).await
    }

    /// STATUS of a mailbox, which need not be selected: these items of it.
    pub async fn status_of(
        &mut self,
        mailbox: &str,
        items: &[StatusItem],
    ) -> Result<MailboxStatus<'static>, ClientError> {
        let command = self.status_command(mailbox, items);
        let mut status = MailboxStatus::default();
        self.command(Operation::Status, command, |response, _| {
            if let Response::MailboxStatus(told) = response {
                status = told.into_owned();
                return Ok(Taken::Yes);
            }
            Ok(Taken::No)
        })
        .await?;
        Ok(status)
    }

    pub(super) fn status_command(&mut self, mailbox: &str, items: &[StatusItem]) -> Command {
        let items: Vec<&str> = items.iter().map(Into::into).collect();
        self.new_command("STATUS")
            .mailbox(mailbox)
            .word(&format!("({})", items.join(" ")))
    }
}

/// Whether octets begin as a response does. No compressed response begins so: read as DEFLATE, `* ` stands for the letter `p`,
/// and `+` for a stream that is over with its first block.
fn begins_plainly(octets: &[u8]) -> bool {
    octets.starts_with(b"* ") || octets.starts_with(b"+")
}

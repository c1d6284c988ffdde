//! APPEND (RFC 3501 section 6.3.11): the message streams to a file while it comes.

use imap_codec::imap_types::datetime::DateTime;
use imap_codec::imap_types::flag::Flag;
use imap_codec::imap_types::mailbox::Mailbox;

use super::{Answer, Session};
use crate::mailserver::store::{self, Amount, Incoming, StoreError};
use crate::proto::imap::server::mailbox_name;

/// A message that is coming in.
pub(super) struct Pending {
    incoming: Incoming,
    failed: Option<StoreError>,
}

/// Why a message is not let in.
pub(super) struct Refused(pub(super) Answer);

impl Pending {
    /// Takes the next octets. An error is told when the command is complete.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.incoming.write(bytes).err();
        }
    }
}

impl Session {
    /// The line so far is an APPEND up to its message: checks what can be checked before the message comes.
    pub(super) fn begin_append(&mut self, mailbox: &str, octets: u64) -> Result<(), Refused> {
        let user = self
            .user
            .as_ref()
            .ok_or_else(|| Refused(Answer::bad("Log in first")))?;
        if octets > self.shared.config.limits.message {
            return Err(Refused(Answer::no("[TOOBIG] The message is too large")));
        }
        let incoming = user
            .mailbox(mailbox)
            .map(|mailbox| mailbox.incoming())
            .map_err(|error| Refused(or_try_create(error)))?;
        self.pending = Some(Pending {
            incoming,
            failed: None,
        });
        Ok(())
    }

    /// The command is complete: the message goes into its mailbox.
    pub(super) fn finish_append(
        &mut self,
        mailbox: &Mailbox<'_>,
        flags: &[Flag<'_>],
        date: Option<&DateTime>,
        pending: Option<Pending>,
    ) -> Answer {
        let (Some(user), Some(pending)) = (&self.user, pending) else {
            return Answer::bad("Log in first");
        };
        if let Some(error) = pending.failed {
            return error.into();
        }
        let octets = pending.incoming.octets();
        if octets == 0 {
            return Answer::no("[CANNOT] A message has one octet at least");
        }
        let names: Vec<String> = flags.iter().map(ToString::to_string).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let date = date.map_or_else(store::now, |date| date.as_ref().timestamp());
        let added = mailbox_name(mailbox)
            .ok_or(StoreError::NoMailbox(String::new()))
            .and_then(|name| user.mailbox(name))
            .and_then(|mailbox| pending.incoming.move_to(&mailbox, &names, date));
        match added {
            Ok(added) => {
                self.shared.appended.add(Amount {
                    messages: 1,
                    octets,
                });
                Answer::ok(format!(
                    "[APPENDUID {} {}] Done",
                    added.uid_validity, added.uid
                ))
            }
            Err(error) => or_try_create(error),
        }
    }
}

/// A missing target could be created by the client (RFC 3501 section 7.1).
pub(super) fn or_try_create(error: StoreError) -> Answer {
    match error {
        StoreError::NoMailbox(_) => Answer::no("[TRYCREATE] There is no such mailbox"),
        error => error.into(),
    }
}

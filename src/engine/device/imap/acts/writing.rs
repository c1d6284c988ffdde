//! What a person writes on an IMAP device: it leaves by submission, and a copy is filed under sent mail.

use std::time::Instant;

use crate::client::ClientError;
use crate::engine::delivery::unix_now;
use crate::engine::device::imap::ImapDevice;
use crate::engine::device::imap::folders::Folder;
use crate::engine::device::imap::line::Line;
use crate::metrics::Operation;
use crate::metrics::row::{Event, FlagBits};
use crate::plan::MessageSpec;
use crate::plan::message::{Envelope, Writer};

impl ImapDevice {
    /// APPEND of the answer to the folder of sent mail (which is made if there is none), STORE +FLAGS (\Answered).
    pub(in crate::engine::device) async fn reply(
        &self,
        seq: u32,
        reply: &MessageSpec,
        ancestors: &[u32],
        due: Instant,
    ) {
        self.act(Operation::ReplyMessage, due, async |line| {
            let Some(uid) = self.on_server(line, seq).await? else {
                return Ok(false);
            };
            let (id, ancestors) = {
                let ledger = self.owner.ledger.borrow();
                let id = format!("{}-reply", ledger.identity(seq));
                (id, ledger.identities(ancestors))
            };
            self.file_sent(line, &id, &ancestors, reply).await?;
            line.set_flag(self, seq, uid, "\\Answered").await?;
            Ok(true)
        })
        .await;
    }

    /// APPEND of what the person wrote to the folder of sent mail.
    pub(in crate::engine::device) async fn send(
        &self,
        number: u32,
        message: &MessageSpec,
        due: Instant,
    ) {
        self.act(Operation::SendMessage, due, async |line| {
            let id = format!("{}-sent", self.owner.ledger.borrow().identity(number));
            self.file_sent(line, &id, &[], message).await?;
            Ok(true)
        })
        .await;
    }

    /// Keeps a copy of what was sent.
    async fn file_sent(
        &self,
        line: &mut Line,
        id: &str,
        ancestors: &[String],
        message: &MessageSpec,
    ) -> Result<(), ClientError> {
        let folder = line.find_or_make(Folder::Sent).await?;
        let envelope = Envelope {
            id,
            from: &self.owner.address,
            to: crate::engine::delivery::SENDER,
            date_unix: unix_now(),
            ancestors,
        };
        let body = Writer::new(message, &envelope);
        let octets = body.octets();
        let deed = line.witness()?.begin(Event::Append).with(|row| {
            row.mailbox = Some(folder.clone());
            row.message = Some(id.to_owned());
            row.flags = Some(FlagBits::SEEN);
            row.octets = Some(octets);
        });
        let session = line.session()?;
        let log = &self.owner.log;
        log.total(|totals| totals.unanswered_appends += 1);
        let appended = session.append(&folder, &["\\Seen"], octets, body).await;
        let answered = appended.as_ref().err().is_none_or(ClientError::is_refusal);
        log.total(|totals| totals.unanswered_appends -= u64::from(answered));
        deed.end(&appended);
        appended?;
        log.total(|totals| totals.appended.add(octets));
        Ok(())
    }
}

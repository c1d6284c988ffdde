//! What changes the selected mailbox: STORE, EXPUNGE, CLOSE, COPY and MOVE (RFC 3501 section 6.4, RFC 4315,
//! RFC 6851, RFC 7162).

use imap_codec::imap_types::command::StoreModifier;
use imap_codec::imap_types::flag::{Flag, StoreResponse, StoreType};
use imap_codec::imap_types::mailbox::Mailbox;
use imap_codec::imap_types::sequence::SequenceSet;

use super::append::or_try_create;
use super::view::{View, write_modseq};
use super::{Answer, Session};
use crate::mailserver::connection::Ended;
use crate::mailserver::faults::{Cut, CutAt};
use crate::mailserver::store::{Change, Flags, StoreError, Stored};
use crate::proto::imap::server::{mailbox_name, number, sequence_set};

impl Session {
    pub(super) fn store(
        &mut self,
        set: &SequenceSet,
        kind: StoreType,
        response: StoreResponse,
        flags: &[Flag<'_>],
        uid: bool,
        modifiers: &[StoreModifier],
    ) -> Answer {
        let unchanged_since = modifiers
            .iter()
            .map(|StoreModifier::UnchangedSince(modseq)| *modseq)
            .next();
        if unchanged_since.is_some() {
            self.use_condstore();
        }
        let Some(view) = &mut self.view else {
            return Answer::bad("Select a mailbox first");
        };
        if view.read_only {
            return Answer::no("[READ-ONLY] The mailbox is open for reading only");
        }
        let indices = match view.resolve(set, uid) {
            Ok(indices) => indices,
            Err(error) => return error.into(),
        };
        let uids: Vec<u32> = indices.iter().map(|&index| view.uid(index)).collect();
        let names: Vec<String> = flags.iter().map(ToString::to_string).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let change = match kind {
            StoreType::Replace => Change::Replace,
            StoreType::Add => Change::Add,
            StoreType::Remove => Change::Remove,
        };
        let forgets = change == Change::Add
            && !names
                .iter()
                .any(|name| name.eq_ignore_ascii_case("\\Deleted"))
            && self.shared.loses_flag();
        let kept: &[&str] = if forgets { &[] } else { &names };
        let stored = view
            .mailbox
            .change_flags(&uids, change, kept, unchanged_since);
        let mut stored = match stored {
            Ok(stored) => stored,
            Err(error) => return error.into(),
        };
        if forgets {
            pretend(&mut stored, &names);
        }
        let out = &mut self.connection.out;
        if let Err(error) = view.refresh_keywords(out) {
            return error.into();
        }
        for (message, before) in &stored.messages {
            let Some(index) = view.index_of(message.uid) else {
                continue;
            };
            if response == StoreResponse::Answer {
                view.write_flags_response(out, index, message, self.extensions.condstore);
                view.told(index, message);
            } else {
                view.changed_by_client(index, message, *before);
                if self.extensions.condstore {
                    out.extend_from_slice(b"* ");
                    number(out, index as u64 + 1);
                    out.extend_from_slice(b" FETCH (UID ");
                    number(out, u64::from(message.uid));
                    out.push(b' ');
                    write_modseq(out, message);
                    out.extend_from_slice(b")\r\n");
                }
            }
        }
        if stored.modified.is_empty() {
            return Answer::ok("Done");
        }
        let left: Vec<u32> = if uid {
            stored.modified
        } else {
            stored
                .modified
                .iter()
                .filter_map(|&uid| view.index_of(uid).map(|index| index as u32 + 1))
                .collect()
        };
        Answer::ok(format!("[MODIFIED {}] Some were changed", set_text(&left)))
    }

    /// EXPUNGE, or UID EXPUNGE with a set.
    pub(super) fn expunge(&mut self, set: Option<&SequenceSet>) -> Result<Answer, Ended> {
        let cut = self.shared.cut(CutAt::Expunge);
        if cut == Some(Cut::Before) {
            return Err(self.connection.cut_off());
        }
        let answer = self.expunge_now(set);
        match cut {
            Some(_) => Err(self.connection.cut_off()),
            None => Ok(answer),
        }
    }

    fn expunge_now(&mut self, set: Option<&SequenceSet>) -> Answer {
        let Some(view) = &self.view else {
            return Answer::bad("Select a mailbox first");
        };
        if view.read_only {
            return Answer::no("[READ-ONLY] The mailbox is open for reading only");
        }
        let only = match set.map(|set| view.resolve(set, true)).transpose() {
            Ok(indices) => indices.map(|indices| uids(view, &indices)),
            Err(error) => return error.into(),
        };
        let expunged = self.shared.expunge(&view.mailbox, |message| {
            message.flags.contains(Flags::DELETED)
                && only
                    .as_ref()
                    .is_none_or(|uids| uids.binary_search(&message.uid).is_ok())
        });
        match expunged {
            Ok(amount) => {
                self.shared.deleted.add(amount);
                self.expunged(view)
            }
            Err(error) => error.into(),
        }
    }

    /// OK, with the mod-sequence that the client may keep (RFC 7162 section 3.2.7).
    fn expunged(&self, view: &View) -> Answer {
        if !self.extensions.condstore {
            return Answer::ok("Done");
        }
        match view.latest_modseq() {
            Ok(modseq) => Answer::ok(format!("[HIGHESTMODSEQ {modseq}] Done")),
            Err(error) => error.into(),
        }
    }

    /// CLOSE: expunges without telling, and leaves the mailbox.
    pub(super) fn close(&mut self) -> Answer {
        let answer = if self.view.as_ref().is_some_and(|view| view.read_only) {
            Answer::ok("Done")
        } else {
            self.expunge_now(None)
        };
        self.view = None;
        answer
    }

    /// COPY, or MOVE.
    pub(super) fn copy(
        &mut self,
        set: &SequenceSet,
        mailbox: &Mailbox<'_>,
        uid: bool,
        and_remove: bool,
    ) -> Answer {
        let (Some(view), Some(user)) = (&self.view, &self.user) else {
            return Answer::bad("Select a mailbox first");
        };
        if and_remove && view.read_only {
            return Answer::no("[READ-ONLY] The mailbox is open for reading only");
        }
        let indices = match view.resolve(set, uid) {
            Ok(indices) => indices,
            Err(error) => return error.into(),
        };
        let wanted = uids(view, &indices);
        let copied = mailbox_name(mailbox)
            .ok_or(StoreError::NoMailbox(String::new()))
            .and_then(|name| user.mailbox(name))
            .and_then(|target| view.mailbox.copy_to(&wanted, &target));
        let copied = match copied {
            Ok(copied) => copied,
            Err(error) => return or_try_create(error),
        };
        self.shared.copied.add(copied.amount);
        let uid_validity = copied.uid_validity;
        let (from, to): (Vec<u32>, Vec<u32>) = copied.uids.into_iter().unzip();
        if from.is_empty() {
            return Answer::ok("There was nothing to do");
        }
        let code = format!(
            "[COPYUID {uid_validity} {} {}]",
            set_text(&from),
            set_text(&to)
        );
        if !and_remove {
            return Answer::ok(format!("{code} Done"));
        }
        let removed = self.shared.expunge(&view.mailbox, |message| {
            from.binary_search(&message.uid).is_ok()
        });
        match removed {
            Ok(amount) => {
                self.shared.deleted.add(amount);
                // Before the EXPUNGE responses (RFC 6851 section 4.3).
                let answer = self.expunged(view);
                self.untagged(&format!("OK {code} Moved"));
                answer
            }
            Err(error) => error.into(),
        }
    }
}

/// A flag that was not kept is told as if it were.
fn pretend(stored: &mut Stored, names: &[&str]) {
    let wanted = |name: &str| names.iter().any(|it| it.eq_ignore_ascii_case(name));
    for (message, _) in &mut stored.messages {
        for (flag, _) in Flags::SYSTEM.iter().filter(|(_, name)| wanted(name)) {
            message.flags = message.flags | *flag;
        }
    }
}

fn uids(view: &View, indices: &[usize]) -> Vec<u32> {
    indices.iter().map(|&index| view.uid(index)).collect()
}

fn set_text(numbers: &[u32]) -> String {
    let mut text = Vec::new();
    sequence_set(&mut text, numbers);
    String::from_utf8_lossy(&text).into_owned()
}

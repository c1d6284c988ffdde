//! Mailboxes by name (RFC 3501 section 6.3): LIST and its kin, CREATE, DELETE, RENAME, STATUS, SELECT.

use imap_codec::imap_types::command::{CommandBody, SelectParameter};
use imap_codec::imap_types::extensions::enable::CapabilityEnable;
use imap_codec::imap_types::mailbox::{ListMailbox, Mailbox};
use imap_codec::imap_types::status::StatusDataItemName;

use super::view::{View, untagged};
use super::{Answer, Session};
use crate::mailserver::Feature;
use crate::mailserver::store::{Entry, INBOX, SEPARATOR, SpecialUse, StoreError, User};
use crate::proto::imap::server::{astring, list_pattern, mailbox_name, matches_pattern, number};

/// A pattern longer than any name with wildcards around each letter.
const LONGEST_PATTERN: usize = 1024;

impl Session {
    /// Commands that need a login and no selected mailbox; None for others.
    pub(super) fn with_mailboxes(&mut self, body: &CommandBody<'_>) -> Option<Answer> {
        let answer = match body {
            CommandBody::Select {
                mailbox,
                parameters,
            } => self.select(mailbox, false, parameters),
            CommandBody::Examine {
                mailbox,
                parameters,
            } => self.select(mailbox, true, parameters),
            CommandBody::Create { mailbox } => self.by_name(mailbox, User::create),
            CommandBody::Delete { mailbox } => self.delete(mailbox),
            CommandBody::Rename { from, to } => self.rename(from, to),
            CommandBody::Subscribe { mailbox } => {
                self.by_name(mailbox, |user, name| user.subscribe(name, true))
            }
            CommandBody::Unsubscribe { mailbox } => {
                self.by_name(mailbox, |user, name| user.subscribe(name, false))
            }
            CommandBody::List {
                reference,
                mailbox_wildcard,
            } => self.list(reference, mailbox_wildcard, false),
            CommandBody::Lsub {
                reference,
                mailbox_wildcard,
            } => self.list(reference, mailbox_wildcard, true),
            CommandBody::Status {
                mailbox,
                item_names,
            } => self.status(mailbox, item_names),
            CommandBody::Namespace => {
                self.untagged(&format!("NAMESPACE ((\"\" \"{SEPARATOR}\")) NIL NIL"));
                Answer::ok("Done")
            }
            CommandBody::Enable { capabilities } => self.enable(capabilities.as_ref()),
            _ => return None,
        };
        Some(answer)
    }

    fn by_name(
        &mut self,
        mailbox: &Mailbox<'_>,
        work: impl FnOnce(&User, &str) -> Result<(), StoreError>,
    ) -> Answer {
        let Some(user) = &self.user else {
            return Answer::bad("Log in first");
        };
        let done = mailbox_name(mailbox)
            .ok_or(StoreError::BadName(String::new()))
            .and_then(|name| work(user, name));
        match done {
            Ok(()) => Answer::ok("Done"),
            Err(error) => error.into(),
        }
    }

    fn delete(&mut self, mailbox: &Mailbox<'_>) -> Answer {
        let shared = std::sync::Arc::clone(&self.shared);
        self.by_name(mailbox, |user, name| {
            shared.deleted.add(user.delete(name)?);
            Ok(())
        })
    }

    fn rename(&mut self, from: &Mailbox<'_>, to: &Mailbox<'_>) -> Answer {
        let Some(to) = mailbox_name(to) else {
            return StoreError::BadName(String::new()).into();
        };
        self.by_name(from, |user, from| user.rename(from, to))
    }

    fn enable(&mut self, capabilities: &[CapabilityEnable<'_>]) -> Answer {
        let mut enabled = String::from("ENABLED");
        for capability in capabilities {
            let name = capability.to_string().to_ascii_uppercase();
            let feature = match name.as_str() {
                "CONDSTORE" => Feature::Condstore,
                "QRESYNC" => Feature::Qresync,
                _ => continue,
            };
            if !self.is_without(feature) {
                // QRESYNC includes CONDSTORE (RFC 7162 section 3.2.3).
                self.use_condstore();
                self.extensions.qresync |= feature == Feature::Qresync;
                enabled.push(' ');
                enabled.push_str(&name);
            }
        }
        self.untagged(&enabled);
        Answer::ok("Done")
    }

    fn list(
        &mut self,
        reference: &Mailbox<'_>,
        pattern: &ListMailbox<'_>,
        subscribed: bool,
    ) -> Answer {
        let Some(user) = &self.user else {
            return Answer::bad("Log in first");
        };
        let (Some(reference), Some(pattern)) = (mailbox_name(reference), list_pattern(pattern))
        else {
            return Answer::no("[CANNOT] A name is not UTF-8");
        };
        let verb = if subscribed { "LSUB" } else { "LIST" };
        let out = &mut self.connection.out;
        if pattern.is_empty() {
            // Asks for the separator (RFC 3501 section 6.3.8).
            let line = format!("* {verb} (\\Noselect) \"{SEPARATOR}\" \"\"\r\n");
            out.extend_from_slice(line.as_bytes());
            return Answer::ok("Done");
        }
        let pattern = format!("{reference}{pattern}");
        if pattern.len() > LONGEST_PATTERN {
            return Answer::no("[LIMIT] The pattern is too long");
        }
        let entries = if subscribed {
            user.subscribed()
        } else {
            user.entries()
        };
        for entry in entries.iter().filter(|entry| meets(&pattern, entry)) {
            let line = format!("* {verb} ({}) \"{SEPARATOR}\" ", attributes(entry));
            out.extend_from_slice(line.as_bytes());
            astring(out, &entry.name);
            out.extend_from_slice(b"\r\n");
        }
        Answer::ok("Done")
    }

    fn status(&mut self, mailbox: &Mailbox<'_>, items: &[StatusDataItemName]) -> Answer {
        let Some(user) = &self.user else {
            return Answer::bad("Log in first");
        };
        let found = mailbox_name(mailbox)
            .ok_or(StoreError::NoMailbox(String::new()))
            .and_then(|name| Ok((name, user.mailbox(name)?.tally()?)));
        let (name, tally) = match found {
            Ok(found) => found,
            Err(error) => return error.into(),
        };
        let mut line = b"* STATUS ".to_vec();
        astring(&mut line, name);
        for (n, item) in items.iter().enumerate() {
            let (word, value) = match item {
                StatusDataItemName::Messages => ("MESSAGES", tally.messages as u64),
                StatusDataItemName::Recent => ("RECENT", tally.recent as u64),
                StatusDataItemName::UidNext => ("UIDNEXT", u64::from(tally.uid_next)),
                StatusDataItemName::UidValidity => ("UIDVALIDITY", u64::from(tally.uid_validity)),
                StatusDataItemName::Unseen => ("UNSEEN", tally.unseen as u64),
                StatusDataItemName::HighestModSeq => ("HIGHESTMODSEQ", tally.highest_modseq),
                _ => return Answer::bad("An item is not known here"),
            };
            line.extend_from_slice(if n == 0 { b" (" } else { b" " });
            line.extend_from_slice(word.as_bytes());
            line.push(b' ');
            number(&mut line, value);
        }
        line.extend_from_slice(if items.is_empty() {
            b" ()\r\n"
        } else {
            b")\r\n"
        });
        self.connection.out.extend_from_slice(&line);
        if items.contains(&StatusDataItemName::HighestModSeq) {
            self.use_condstore();
        }
        Answer::ok("Done")
    }

    fn select(
        &mut self,
        mailbox: &Mailbox<'_>,
        read_only: bool,
        parameters: &[SelectParameter],
    ) -> Answer {
        let closed = self.view.take().is_some();
        let Some(user) = self.user.clone() else {
            return Answer::bad("Log in first");
        };
        if closed {
            // What follows is about another mailbox (RFC 7162 section 3.2.11).
            self.untagged("OK [CLOSED] The mailbox before is closed");
        }
        let before = match self.select_parameters(parameters) {
            Ok(before) => before,
            Err(answer) => return answer,
        };
        let with_modseqs = !self.is_without(Feature::Condstore);
        // Who only looks is shown the mailbox as it is.
        let stale = (!read_only).then(|| self.shared.serves_stale()).flatten();
        let opened = mailbox_name(mailbox)
            .ok_or(StoreError::NoMailbox(String::new()))
            .and_then(|name| View::open(user.mailbox(name)?, read_only, stale));
        let (view, opened) = match opened {
            Ok(opened) => opened,
            Err(error) => return error.into(),
        };
        let out = &mut self.connection.out;
        view.write_flag_list(out);
        out.extend_from_slice(b"* OK [PERMANENTFLAGS (");
        if !read_only {
            view.write_possible_flags(out);
            if view.takes_new_keywords() {
                out.extend_from_slice(b" \\*");
            }
        }
        out.extend_from_slice(b")] Flags that stay\r\n");
        untagged(out, view.exists(), b"EXISTS");
        untagged(out, view.recent(), b"RECENT");
        if let Some(first) = opened.first_unseen {
            coded(out, b"UNSEEN", first as u64 + 1);
        }
        coded(out, b"UIDVALIDITY", u64::from(opened.uid_validity));
        coded(out, b"UIDNEXT", u64::from(opened.uid_next));
        if with_modseqs {
            coded(out, b"HIGHESTMODSEQ", view.highest_modseq());
        }
        if let Some(before) = &before
            && let Err(error) = view.tell_what_happened(out, before, opened.uid_validity)
        {
            return error.into();
        }
        self.view = Some(view);
        Answer::ok(if read_only {
            "[READ-ONLY] Open for reading"
        } else {
            "[READ-WRITE] Open"
        })
    }
}

/// `* OK [CODE n] Noted`
fn coded(out: &mut Vec<u8>, code: &[u8], value: u64) {
    out.extend_from_slice(b"* OK [");
    out.extend_from_slice(code);
    out.push(b' ');
    number(out, value);
    out.extend_from_slice(b"] Noted\r\n");
}

/// A name above mailboxes that is none itself shows only to `%`, where what lies below does not.
fn meets(pattern: &str, entry: &Entry) -> bool {
    if !entry.exists && !pattern.contains('%') {
        return false;
    }
    matches_pattern(pattern, &entry.name, SEPARATOR)
        || (entry.name == INBOX && matches_pattern(&pattern.to_ascii_uppercase(), INBOX, SEPARATOR))
}

fn attributes(entry: &Entry) -> String {
    let mut words = Vec::new();
    if !entry.exists {
        words.push("\\Noselect");
    }
    words.push(if entry.has_children {
        "\\HasChildren"
    } else {
        "\\HasNoChildren"
    });
    words.extend(entry.special_use.map(SpecialUse::attribute));
    words.join(" ")
}

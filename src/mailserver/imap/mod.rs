//! `IMAP4rev1` sessions (RFC 3501) with the extensions that [`capability`] names. One task per connection reads
//! commands, answers each before the next, and tells what other sessions changed where RFC 3501 section 5.5
//! allows it.

mod append;
mod candidate;
mod capability;
mod fetch;
mod flags;
mod idle;
mod input;
mod login;
mod mailboxes;
mod resync;
mod search;
mod section;
mod view;

use std::borrow::Cow;
use std::sync::Arc;

use imap_codec::imap_types::command::{Command, CommandBody};

use self::append::Pending;
use self::input::{Input, Reader};
use self::resync::Extensions;
use self::view::{NoSuchMessage, View};
use super::connection::{Connection, Ended};
use super::server::Shared;
use super::store::{StoreError, User};
use crate::proto::imap::server::decode;

/// Serves one client to the end.
pub(super) async fn serve(shared: &Arc<Shared>, connection: Connection) {
    let mut session = Session {
        shared: Arc::clone(shared),
        connection,
        reader: Reader::new(),
        scratch: Vec::new(),
        user: None,
        view: None,
        extensions: Extensions::default(),
        failed: 0,
        pending: None,
    };
    match session.run().await {
        Err(Ended::Idle) => session.untagged("BYE Idle for too long"),
        Err(Ended::Stopping) => session.untagged("BYE The server stops"),
        Err(Ended::Closed) | Ok(()) => {}
    }
    session.connection.close().await;
}

struct Session {
    shared: Arc<Shared>,
    connection: Connection,
    reader: Reader,
    /// A decoded command borrows from here.
    scratch: Vec<u8>,
    user: Option<Arc<User>>,
    view: Option<View>,
    extensions: Extensions,
    failed: u32,
    /// An APPEND whose message came in.
    pending: Option<Pending>,
}

/// The tagged answer to a command. The text may begin with a response code.
enum Answer {
    Ok(Cow<'static, str>),
    No(Cow<'static, str>),
    Bad(Cow<'static, str>),
}

impl Answer {
    fn ok(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Ok(text.into())
    }

    fn no(text: impl Into<Cow<'static, str>>) -> Self {
        Self::No(text.into())
    }

    fn bad(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Bad(text.into())
    }
}

/// Codes of RFC 5530. Paths are nobody's business on the other side.
impl From<StoreError> for Answer {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoMailbox(_) => Self::no("[NONEXISTENT] There is no such mailbox"),
            StoreError::MailboxExists(_) => Self::no("[ALREADYEXISTS] There is one already"),
            StoreError::BadName(_) => Self::no("[CANNOT] A mailbox cannot be called so"),
            StoreError::InboxStays => Self::no("[CANNOT] INBOX stays"),
            StoreError::MessageGone => Self::no("[EXPUNGEISSUED] A message is gone"),
            StoreError::UidsUsedUp => Self::no("[LIMIT] The mailbox has used up its UIDs"),
            StoreError::Io { .. } | StoreError::Index { .. } => {
                tracing::warn!("IMAP: {error}");
                Self::no("[SERVERBUG] The mail cannot be used now")
            }
        }
    }
}

impl From<NoSuchMessage> for Answer {
    fn from(_: NoSuchMessage) -> Self {
        Self::bad("There is no message with this number")
    }
}

/// Whether the session goes on.
enum Next {
    Go,
    End,
}

impl Session {
    async fn run(&mut self) -> Result<(), Ended> {
        let greeting = format!("OK [CAPABILITY {}] mailgauge ready", self.capabilities());
        self.untagged(&greeting);
        loop {
            match self.next_input().await? {
                Input::Line => {
                    if matches!(self.line().await?, Next::End) {
                        return Ok(());
                    }
                }
                Input::Answered => {}
                Input::Broken => {
                    self.untagged("BYE Too much");
                    return Ok(());
                }
            }
            self.connection.flush_if_full().await?;
        }
    }

    /// A whole command is there.
    async fn line(&mut self) -> Result<Next, Ended> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let pending = self.pending.take();
        let next = match decode(self.reader.line(), &mut scratch) {
            Ok(command) => self.command(&command, pending).await,
            Err(malformed) => {
                let tag = malformed.tag.as_deref().unwrap_or("*");
                self.tagged(tag, &Answer::bad("This is no command that is known here"));
                Ok(Next::Go)
            }
        };
        self.scratch = scratch;
        self.scratch.shrink_to(8 << 10);
        next
    }

    async fn command(
        &mut self,
        command: &Command<'_>,
        pending: Option<Pending>,
    ) -> Result<Next, Ended> {
        let tag = command.tag.inner().to_owned();
        let answer = match &command.body {
            CommandBody::Logout => {
                self.untagged("BYE Good bye");
                self.tagged(&tag, &Answer::ok("Logged out"));
                return Ok(Next::End);
            }
            CommandBody::StartTLS if !self.lacks(&command.body) => {
                return self.start_tls(&tag).await;
            }
            CommandBody::Compress { .. } if self.user.is_some() && !self.lacks(&command.body) => {
                return self.compress(&tag).await;
            }
            CommandBody::Append {
                mailbox,
                flags,
                date,
                ..
            } => self.finish_append(mailbox, flags, date.as_ref(), pending),
            body if self.lacks(body) => Answer::bad("This is no command that is known here"),
            body => match self.in_any_state(body) {
                Some(answer) => answer,
                None if self.user.is_none() => self.before_login(body).await?,
                None => match self.with_mailboxes(body) {
                    Some(answer) => answer,
                    None => self.with_selected(body).await?,
                },
            },
        };
        self.tell_changes(may_tell_expunges(&command.body));
        self.tagged(&tag, &answer);
        let limit = self.shared.config.limits.failed_logins;
        if self.user.is_none() && self.failed >= limit {
            self.untagged("BYE Too many failed logins");
            return Ok(Next::End);
        }
        Ok(Next::Go)
    }

    /// Commands of any state (RFC 3501 section 6.1).
    fn in_any_state(&mut self, body: &CommandBody<'_>) -> Option<Answer> {
        match body {
            CommandBody::Capability => {
                let line = format!("CAPABILITY {}", self.capabilities());
                self.untagged(&line);
            }
            CommandBody::Noop => {}
            CommandBody::Id { .. } => self.untagged(concat!(
                "ID (\"name\" \"mailgauge\" \"version\" \"",
                env!("CARGO_PKG_VERSION"),
                "\")"
            )),
            _ => return None,
        }
        Some(Answer::ok("Done"))
    }

    /// Commands that need a selected mailbox (RFC 3501 section 6.4).
    async fn with_selected(&mut self, body: &CommandBody<'_>) -> Result<Answer, Ended> {
        if matches!(body, CommandBody::Idle) {
            return self.idle().await;
        }
        if self.view.is_none() {
            return Ok(match body {
                CommandBody::Login { .. } | CommandBody::Authenticate { .. } => {
                    Answer::bad("You are logged in already")
                }
                body if is_known(body) => Answer::bad("Select a mailbox first"),
                _ => Answer::bad("This command is not known here"),
            });
        }
        Ok(match body {
            CommandBody::Check => Answer::ok("Done"),
            CommandBody::Close => self.close(),
            CommandBody::Unselect => {
                self.view = None;
                Answer::ok("Done")
            }
            CommandBody::Expunge => self.expunge(None)?,
            CommandBody::ExpungeUid { sequence_set } => self.expunge(Some(sequence_set))?,
            CommandBody::Search {
                charset,
                criteria,
                uid,
            } => self.search(charset.as_ref(), criteria, *uid).await?,
            CommandBody::Fetch {
                sequence_set,
                macro_or_item_names,
                uid,
                modifiers,
            } => {
                self.fetch(sequence_set, macro_or_item_names, *uid, modifiers)
                    .await?
            }
            CommandBody::Store {
                sequence_set,
                kind,
                response,
                flags,
                uid,
                modifiers,
            } => self.store(sequence_set, *kind, *response, flags, *uid, modifiers),
            CommandBody::Copy {
                sequence_set,
                mailbox,
                uid,
            } => self.copy(sequence_set, mailbox, *uid, false),
            CommandBody::Move {
                sequence_set,
                mailbox,
                uid,
            } => self.copy(sequence_set, mailbox, *uid, true),
            CommandBody::Login { .. } | CommandBody::Authenticate { .. } => {
                Answer::bad("You are logged in already")
            }
            _ => Answer::bad("This command is not known here"),
        })
    }

    fn untagged(&mut self, text: &str) {
        self.connection.out.extend_from_slice(b"* ");
        self.connection.out.extend_from_slice(text.as_bytes());
        self.connection.out.extend_from_slice(b"\r\n");
    }

    fn tagged(&mut self, tag: &str, answer: &Answer) {
        let (condition, text) = match answer {
            Answer::Ok(text) => ("OK", text),
            Answer::No(text) => ("NO", text),
            Answer::Bad(text) => ("BAD", text),
        };
        let out = &mut self.connection.out;
        for word in [tag, " ", condition, " ", text, "\r\n"] {
            out.extend_from_slice(word.as_bytes());
        }
    }

    /// What others did to the selected mailbox.
    fn tell_changes(&mut self, expunges: bool) {
        if let Some(view) = &mut self.view
            && let Err(error) =
                view.tell_changes(&mut self.connection.out, expunges, self.extensions)
        {
            tracing::warn!("IMAP: {error}");
        }
    }
}

/// While these run, sequence numbers must not change under the client (RFC 3501 section 7.4.1).
fn may_tell_expunges(body: &CommandBody<'_>) -> bool {
    !matches!(
        body,
        CommandBody::Fetch { uid: false, .. }
            | CommandBody::Store { uid: false, .. }
            | CommandBody::Search { uid: false, .. }
    )
}

/// Commands that would work with a mailbox selected.
fn is_known(body: &CommandBody<'_>) -> bool {
    matches!(
        body,
        CommandBody::Check
            | CommandBody::Close
            | CommandBody::Unselect
            | CommandBody::Expunge
            | CommandBody::ExpungeUid { .. }
            | CommandBody::Search { .. }
            | CommandBody::Fetch { .. }
            | CommandBody::Store { .. }
            | CommandBody::Copy { .. }
            | CommandBody::Move { .. }
    )
}

//! Several commands at once (RFC 3501 section 5.5), each about something else, so that no answer can be taken for
//! another's. The server answers in the order of the commands.

use std::collections::HashMap;
use std::time::Instant;

use super::ImapSession;
use super::exchange::{Bodies, Taken, Unusable};
use crate::client::pipeline::{PIPELINE_WINDOW, Pipeline};
use crate::client::{ClientError, Running};
use crate::metrics::{Observer, Operation};
use crate::proto::digest::MessageDigest;
use crate::proto::imap::{
    Command, Fetch, FetchItem, FetchItems, MailboxStatus, Response, StatusItem,
};

/// How each command of a pipeline went.
type Answers = Vec<Result<(), ClientError>>;

impl<O: Observer> ImapSession<O> {
    /// STATUS of several mailboxes in one round trip, or few: of each, or why not.
    ///
    /// # Errors
    /// What broke the session.
    pub async fn statuses(
        &mut self,
        mailboxes: &[&str],
        items: &[StatusItem],
    ) -> Result<Vec<Result<MailboxStatus<'static>, ClientError>>, ClientError> {
        let commands = mailboxes
            .iter()
            .map(|mailbox| self.status_command(mailbox, items).finish())
            .collect();
        let mut told = vec![MailboxStatus::default(); mailboxes.len()];
        let answers = self
            .pipelined(Operation::Status, commands, |index, response, _| {
                if let (Response::MailboxStatus(status), Some(told)) =
                    (response, told.get_mut(index))
                {
                    *told = status.into_owned();
                    return Ok(Taken::Yes);
                }
                Ok(Taken::No)
            })
            .await?;
        let told = answers.into_iter().zip(told);
        Ok(told
            .map(|(answer, status)| answer.map(|()| status))
            .collect())
    }

    /// Whole messages, one command for each, as a device fetches them that keeps them all. None: it is gone. Without `peek`
    /// they are `\Seen` then.
    ///
    /// # Errors
    /// What broke the session, or the first refusal; what came before it is lost.
    pub async fn fetch_messages(
        &mut self,
        uids: &[u32],
        peek: bool,
    ) -> Result<Vec<Option<MessageDigest>>, ClientError> {
        let items = FetchItems::new().body("", None, peek).text();
        let commands = uids
            .iter()
            .map(|uid| {
                let command = self.new_command("UID FETCH").word(&uid.to_string());
                command.word(&items).finish()
            })
            .collect();
        // A server may work on several commands at once and answer them in pieces.
        let places: HashMap<u32, usize> = uids.iter().copied().zip(0..).collect();
        let mut digests = vec![None; uids.len()];
        let answers = self
            .pipelined(Operation::FetchMessage, commands, |_, response, bodies| {
                if let Response::Fetch(fetch) = response
                    && let Some((uid, digest)) = message(fetch, bodies)?
                    && let Some(&place) = places.get(&uid)
                {
                    digests[place] = Some(digest);
                }
                // Flags that come with it are news.
                Ok(Taken::No)
            })
            .await?;
        answers.into_iter().collect::<Result<(), _>>()?;
        Ok(digests)
    }

    /// Sends commands before those before them are answered, a window of them at a time. A refusal is an answer; `collect`
    /// is told to which command a response came.
    async fn pipelined(
        &mut self,
        operation: Operation,
        commands: Vec<Command>,
        mut collect: impl FnMut(usize, Response<'_>, &mut Bodies) -> Result<Taken, Unusable>,
    ) -> Result<Answers, ClientError> {
        let first_tag = (self.last_tag + 1).saturating_sub(commands.len() as u32);
        let numbers: Vec<u32> = (0..commands.len() as u32).collect();
        // A command that waits in its middle cannot be followed by another.
        let window = if commands.iter().all(Command::needs_no_waiting) {
            PIPELINE_WINDOW
        } else {
            1
        };
        let mut pipeline = Pipeline::new(&numbers, window);
        let mut answers = Vec::with_capacity(commands.len());
        loop {
            let fresh = pipeline.refill();
            let Some(number) = pipeline.answered() else {
                return Ok(answers);
            };
            let index = number as usize;
            self.awaited_tag = first_tag + number;
            let mut collect =
                |response: Response<'_>, bodies: &mut Bodies| collect(index, response, bodies);
            if window == 1 {
                let running = self.link.begin(operation);
                let reply = self.exchange(operation, &commands[index], collect).await;
                let result = reply.and_then(|reply| reply.accept(operation));
                answers.push(settled(self.link.end(running, result))?);
                continue;
            }
            for number in fresh {
                for piece in commands[*number as usize].pieces() {
                    self.link.wire().send(piece);
                }
            }
            let mut flushed = Ok(());
            if !fresh.is_empty() {
                pipeline.flushed = Instant::now();
                flushed = self.link.flush(operation).await;
            }
            let running = self.link.begin_pipelined(operation, pipeline.flushed);
            let (running, began) = match flushed {
                Ok(()) => self.reply_begins(operation, running).await,
                Err(error) => (running, Err(error)),
            };
            let reply = match began {
                Ok(()) => self.completion(operation, &mut collect).await,
                Err(error) => Err(self.explain(error)),
            };
            let result = reply.and_then(|reply| reply.accept(operation));
            answers.push(settled(self.link.end(running, result))?);
        }
    }

    /// Waits for the first octet of a reply.
    async fn reply_begins(
        &mut self,
        operation: Operation,
        mut running: Running,
    ) -> (Running, Result<(), ClientError>) {
        if self.link.wire().buffer().is_empty()
            && let Err(error) = self.link.read_more(operation).await
        {
            return (running, Err(error));
        }
        self.link.reply_began(&mut running);
        (running, Ok(()))
    }
}

/// A refusal is an answer like another; everything worse is the session's end.
fn settled(result: Result<(), ClientError>) -> Result<Result<(), ClientError>, ClientError> {
    match result {
        Err(error) if !error.is_refusal() => Err(error),
        answer => Ok(answer),
    }
}

/// The message that a response brings, if it brings one.
fn message(
    fetch: Fetch<'_>,
    bodies: &mut Bodies,
) -> Result<Option<(u32, MessageDigest)>, Unusable> {
    let (mut uid, mut digest) = (0, None);
    for item in fetch {
        match item? {
            FetchItem::Uid(number) => uid = number,
            FetchItem::Body(body) => digest = bodies.digest(&body.data),
            _ => {}
        }
    }
    Ok(digest.map(|digest| (uid, digest)))
}

//! IDLE (RFC 2177): the server speaks when something happens.

use std::future::Future;
use std::pin::pin;

use super::exchange::{Reply, nothing};
use super::{ImapExtension, ImapSession};
use crate::client::ClientError;
use crate::metrics::{Observer, Operation};

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdleEnd {
    /// The mailbox changed: [`ImapSession::changes`] says how.
    Changed,
    /// The caller's `stop` came first.
    Stopped,
}

/// What the waiting came to.
enum Waited {
    Until(IdleEnd),
    /// The server ended the command itself.
    Ended(Reply),
}

impl<O: Observer> ImapSession<O> {
    /// Waits until the selected mailbox changes or `stop` is done. Silence is no fault while it lasts. Ask
    /// [`Self::changes`] before: what came earlier does not end the wait. `NotOffered` where IDLE is not.
    pub async fn idle(&mut self, stop: impl Future<Output = ()>) -> Result<IdleEnd, ClientError> {
        let operation = Operation::Idle;
        self.require(ImapExtension::Idle, operation)?;
        let running = self.link.begin(operation);
        let result = self.wait(operation, stop).await;
        self.link.end(running, result)
    }

    async fn wait(
        &mut self,
        operation: Operation,
        stop: impl Future<Output = ()>,
    ) -> Result<IdleEnd, ClientError> {
        let before = self.mirror.news;
        let command = self.new_command("IDLE").finish();
        if let Some(refused) = self.send(operation, &command, &mut nothing).await? {
            return refused_idle(refused, operation);
        }
        if let Some(refused) = self.continuation(operation, &mut nothing).await? {
            return refused_idle(refused, operation);
        }
        let end = match self.wait_for_change(operation, before, stop).await? {
            Waited::Until(end) => end,
            Waited::Ended(reply) => return refused_idle(reply, operation),
        };
        self.link.wire().send(b"DONE\r\n");
        self.link
            .flush(operation)
            .await
            .map_err(|error| self.explain(error))?;
        let reply = self.completion(operation, &mut nothing).await?;
        reply.accept(operation)?;
        Ok(end)
    }

    async fn wait_for_change(
        &mut self,
        operation: Operation,
        before: u64,
        stop: impl Future<Output = ()>,
    ) -> Result<Waited, ClientError> {
        let mut stop = pin!(stop);
        loop {
            if let Some(reply) = self.take_buffered(operation)? {
                return Ok(Waited::Ended(reply));
            }
            if self.mirror.news != before {
                return Ok(Waited::Until(IdleEnd::Changed));
            }
            let filled = tokio::select! {
                filled = self.link.wire().fill_patiently() => filled,
                () = &mut stop => return Ok(Waited::Until(IdleEnd::Stopped)),
            };
            let filled = match filled {
                Ok(0) => Err(ClientError::closed(operation)),
                Ok(_) => Ok(()),
                Err(error) => Err(ClientError::from_net(operation, &error)),
            };
            filled.map_err(|error| self.explain(error))?;
        }
    }
}

/// A server that ends IDLE by itself, even with OK, does not let the client wait.
fn refused_idle(reply: Reply, operation: Operation) -> Result<IdleEnd, ClientError> {
    reply.accept(operation)?;
    Err(ClientError::protocol(
        operation,
        "OK came in the middle of IDLE",
    ))
}

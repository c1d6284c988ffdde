//! Many commands at once (PIPELINING, RFC 2449, section 6.8), each timed.

use std::time::Instant;

use super::PopSession;
use crate::client::pipeline::{PIPELINE_WINDOW, Pipeline};
use crate::client::{ClientError, Running};
use crate::metrics::{Observer, Operation};
use crate::proto::pop3::Command;

impl<O: Observer> PopSession<O> {
    /// Sends so many NOOPs at once, whatever the server says of pipelining, and waits for all their answers.
    ///
    /// # Errors
    /// Some of them were not answered as each alone is: abort the session, it is out of step.
    pub async fn try_pipelining(&mut self, commands: u32) -> Result<(), ClientError> {
        const OPERATION: Operation = Operation::Noop;
        let numbers: Vec<u32> = (0..commands).collect();
        let mut pipeline = Pipeline::new(&numbers, PIPELINE_WINDOW);
        while let Some((_, running)) = self
            .next_reply(&mut pipeline, OPERATION, |_| Command::Noop)
            .await?
        {
            let (running, result) = match self.reply_begins(OPERATION, running).await {
                (running, Ok(())) => (running, self.plain_status(OPERATION).await),
                (running, Err(error)) => (running, Err(error)),
            };
            self.link.end(running, result)?;
        }
        Ok(())
    }

    pub(super) fn window(&self) -> usize {
        if self.pipelines && self.capabilities.pipelining() {
            PIPELINE_WINDOW
        } else {
            1
        }
    }

    /// Sends what the window allows and begins the next reply of a pipeline; none: all is done.
    pub(super) async fn next_reply(
        &mut self,
        pipeline: &mut Pipeline<'_>,
        operation: Operation,
        command: impl Fn(u32) -> Command<'static>,
    ) -> Result<Option<(u32, Running)>, ClientError> {
        let fresh = pipeline.refill();
        let Some(number) = pipeline.answered() else {
            return Ok(None);
        };
        if !fresh.is_empty() {
            let outbox = self.link.wire().outbox();
            for number in fresh {
                // A command of a number always fits its line.
                let _ = command(*number).encode(outbox);
            }
            pipeline.flushed = Instant::now();
            if let Err(error) = self.link.flush(operation).await {
                let running = self.link.begin_pipelined(operation, pipeline.flushed);
                return self.link.end(running, Err(error));
            }
        }
        let running = self.link.begin_pipelined(operation, pipeline.flushed);
        Ok(Some((number, running)))
    }

    /// Waits for the first octet of a reply.
    pub(super) async fn reply_begins(
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

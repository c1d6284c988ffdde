//! IDLE (RFC 2177): changes are told as they happen, until the client says DONE.

use std::time::Duration;

use tokio::time::Instant;

use super::input::Input;
use super::{Answer, Session};
use crate::mailserver::connection::Ended;

impl Session {
    pub(super) async fn idle(&mut self) -> Result<Answer, Ended> {
        self.connection.out.extend_from_slice(b"+ Idling\r\n");
        let end = Instant::now() + self.shared.config.limits.imap_idle;
        loop {
            match self.buffered_input() {
                Some(Input::Line) => {
                    return Ok(if self.reader.line().eq_ignore_ascii_case(b"DONE") {
                        Answer::ok("Done")
                    } else {
                        Answer::bad("DONE ends IDLE")
                    });
                }
                Some(Input::Answered) => return Ok(Answer::bad("DONE ends IDLE")),
                Some(Input::Broken) => return Err(Ended::Closed),
                None => {}
            }
            self.tell_changes(true);
            // Sent before waiting: the wait below may be given up at any point.
            self.connection.flush().await?;
            let left = end.saturating_duration_since(Instant::now());
            let Some(view) = &mut self.view else {
                self.connection.fill(left).await?;
                continue;
            };
            tokio::select! {
                filled = self.connection.fill(left) => filled?,
                () = view.changed() => self.hold_back(left).await?,
            }
        }
    }

    /// A server that tells late, on purpose, lets time pass, unless the client has enough of it.
    async fn hold_back(&mut self, left: Duration) -> Result<(), Ended> {
        let Some(delay) = self.shared.config.faults.notice_delay() else {
            return Ok(());
        };
        tokio::select! {
            filled = self.connection.fill(left) => filled,
            () = tokio::time::sleep(delay) => Ok(()),
        }
    }
}

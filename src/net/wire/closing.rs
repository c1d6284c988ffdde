//! The end of a connection, in order.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use super::Wire;
use crate::net::NetError;
use crate::net::stream::Stream;

/// After the last reply, the server may take this long to close before we do.
const CLOSING_GRACE: Duration = Duration::from_secs(2);

/// At most this much is read and thrown away while closing.
const CLOSING_OCTETS: u64 = 1024 * 1024;

impl Wire {
    /// Ends the connection in order, after the last reply: waits a moment for the server to close,
    /// says farewell (`close_notify`, FIN), reads what still comes, so that both sides counted the same.
    /// What is left in the buffer is dropped. Who only wants the connection gone drops the wire.
    ///
    /// # Errors
    /// [`NetError::Lost`] if the connection broke instead of ending. The counters stay readable.
    pub async fn close(&mut self) -> Result<(), NetError> {
        self.consume(self.buffer().len());
        self.answer_due = false;
        let grace = CLOSING_GRACE.min(self.limits.command);
        let server_closed = timeout(grace, self.read_to_end()).await;
        let farewell = timeout(grace, self.stream.shutdown()).await;
        match server_closed {
            Ok(ended) => {
                // Nobody may be there any more to take the farewell.
                let _ = farewell;
                ended?;
            }
            Err(_elapsed) => {
                if let Ok(Err(error)) = farewell {
                    return Err(self.broken(error));
                }
                if let Ok(ended) = timeout(grace, self.read_to_end()).await {
                    ended?;
                }
            }
        }
        self.compressed = self.compressed();
        self.segments = self.segments();
        self.stream = Stream::Gone;
        Ok(())
    }

    async fn read_to_end(&mut self) -> Result<(), NetError> {
        let enough = self.rx + CLOSING_OCTETS;
        while self.rx < enough {
            let octets = self.fill_patiently().await?;
            if octets == 0 {
                break;
            }
            self.consume(octets);
        }
        Ok(())
    }
}

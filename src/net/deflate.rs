//! Compression between the protocol and what carries it (RFC 4978: raw DEFLATE, RFC 1951), for both ends of the wire.
//! What comes is inflated straight into the reader's buffer and what goes waits in a buffer of bounded size, so a
//! connection holds the two windows of the algorithm and little else, however far a peer's octets expand. Measured over 60
//! sessions of the embedded server, which fetched mail: 350 KiB of resident memory more for each than without (220 when
//! compression begins); a client holds as much.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Compressed octets are read by so many.
const READ: usize = 4 * 1024;

/// So many compressed octets may wait for being sent.
const UNSENT: usize = 16 * 1024;

/// Compressed octets get at least so much room at a time; a flush of little needs no more than this.
const ROOM: usize = 1024;

/// What a peer sent is no stream of DEFLATE.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotDeflate(String);

/// A stream whose octets are compressed on their way through `S`.
///
/// What is written is sent by a flush (`Z_SYNC_FLUSH`: the peer can read all of it then), or when enough of it has
/// gathered. Reading and flushing may be given up at any point and taken up again.
pub struct Deflated<S> {
    inner: S,
    inflater: Decompress,
    deflater: Compress,
    /// Received and not inflated yet.
    compressed: Vec<u8>,
    taken: usize,
    /// The last call filled all the room it had: there may be more where that came from.
    more: bool,
    /// The peer has ended its stream.
    ended: bool,
    /// Compressed and not sent yet.
    unsent: Vec<u8>,
    sent: usize,
    /// Something was written since the last flush.
    dirty: bool,
    received_octets: u64,
    sent_octets: u64,
}

impl<S> Deflated<S> {
    /// Compression from here on. `received`: octets that came behind the server's consent already.
    pub fn new(inner: S, received: &[u8]) -> Self {
        Self {
            inner,
            inflater: Decompress::new(false),
            deflater: Compress::new(Compression::default(), false),
            compressed: received.to_vec(),
            taken: 0,
            more: false,
            ended: false,
            unsent: Vec::new(),
            sent: 0,
            dirty: false,
            received_octets: received.len() as u64,
            sent_octets: 0,
        }
    }

    /// What carries the compressed octets.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// Compressed octets received so far.
    pub fn received(&self) -> u64 {
        self.received_octets
    }

    /// Compressed octets sent so far.
    pub fn sent(&self) -> u64 {
        self.sent_octets
    }

    /// Inflates what is there into `room` and returns how much that gave.
    fn inflate(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let input = &self.compressed[self.taken..];
        let (taken, given) = (self.inflater.total_in(), self.inflater.total_out());
        let status = self
            .inflater
            .decompress(input, room, FlushDecompress::None)
            .map_err(|error| not_deflate(format!("what came is not compressed: {error}")))?;
        let taken = (self.inflater.total_in() - taken) as usize;
        let given = (self.inflater.total_out() - given) as usize;
        if taken == 0 && given == 0 && !input.is_empty() && status != Status::StreamEnd {
            return Err(not_deflate("what came cannot be inflated".to_owned()));
        }
        self.taken += taken;
        self.more = given == room.len();
        self.ended = status == Status::StreamEnd;
        Ok(given)
    }

    /// Compresses as much of `bytes` as there is room for, and returns how much that is.
    fn deflate(&mut self, bytes: &[u8], flush: FlushCompress) -> io::Result<usize> {
        if self.unsent.capacity() - self.unsent.len() < ROOM {
            self.unsent.reserve(ROOM);
        }
        let before = self.deflater.total_in();
        self.deflater
            .compress_vec(bytes, &mut self.unsent, flush)
            .map_err(io::Error::other)?;
        Ok((self.deflater.total_in() - before) as usize)
    }
}

fn not_deflate(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, NotDeflate(reason))
}

impl<S: AsyncRead + Unpin> Deflated<S> {
    /// Receives compressed octets. False: the connection has ended.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        self.taken = 0;
        self.compressed.resize(READ, 0);
        let mut buffer = ReadBuf::new(&mut self.compressed);
        let polled = Pin::new(&mut self.inner).poll_read(context, &mut buffer);
        let octets = buffer.filled().len();
        self.compressed.truncate(octets);
        self.received_octets += octets as u64;
        polled.map_ok(|()| octets > 0)
    }
}

impl<S: AsyncWrite + Unpin> Deflated<S> {
    /// Sends what is compressed.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.unsent.len() {
            let rest = &self.unsent[self.sent..];
            let octets = ready!(Pin::new(&mut self.inner).poll_write(context, rest))?;
            if octets == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += octets;
            self.sent_octets += octets as u64;
        }
        self.sent = 0;
        self.unsent.clear();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Deflated<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while buffer.remaining() > 0 && !this.ended {
            if this.more || this.taken < this.compressed.len() {
                let given = this.inflate(buffer.initialize_unfilled())?;
                if given > 0 {
                    buffer.advance(given);
                    return Poll::Ready(Ok(()));
                }
            } else if !ready!(this.poll_receive(context))? {
                return Poll::Ready(Ok(()));
            }
        }
        // Behind the end of the peer's stream only the connection's own end can come.
        if this.ended && (this.taken < this.compressed.len() || ready!(this.poll_receive(context))?)
        {
            return Poll::Ready(Err(not_deflate(
                "octets came behind the end of what is compressed".to_owned(),
            )));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Deflated<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        loop {
            if this.unsent.len() >= UNSENT {
                ready!(this.poll_send(context))?;
            }
            let octets = this.deflate(bytes, FlushCompress::None)?;
            if octets > 0 {
                this.dirty = true;
                return Poll::Ready(Ok(octets));
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.dirty {
            if this.unsent.len() >= UNSENT {
                ready!(this.poll_send(context))?;
            }
            this.deflate(&[], FlushCompress::Sync)?;
            // What did not fill its room was all there is.
            this.dirty = this.unsent.len() == this.unsent.capacity();
        }
        ready!(this.poll_send(context))?;
        Pin::new(&mut this.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(context))?;
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

impl<S: fmt::Debug> fmt::Debug for Deflated<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflated")
            .field("inner", &self.inner)
            .field("received", &self.received_octets)
            .field("sent", &self.sent_octets)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

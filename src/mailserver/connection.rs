//! One client's connection: buffered reads and writes with time limits, TLS from the start or later, compression, each
//! octet counted above and below these.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use memchr::memchr;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::stats::ProtocolCounters;
use crate::net::Deflated;

/// Reads of this size; also what an idle connection holds.
const READ: usize = 4 << 10;
/// Reads of this size while a message comes in.
const READ_IN_BULK: usize = 64 << 10;
/// Replies are sent when this much of them has gathered.
pub(super) const FLUSH_AT: usize = 64 << 10;
/// Buffers that grew beyond this are given back when they are empty.
const RETAINED: usize = 16 << 10;
/// A client that takes nothing for so long is gone.
const WRITE_LIMIT: Duration = Duration::from_secs(300);
/// A handshake that takes longer is given up.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(30);

/// Why a session ends before its time.
#[derive(Debug)]
pub(super) enum Ended {
    /// The client closed or broke the connection.
    Closed,
    /// No command within the time limit.
    Idle,
    /// The server is being stopped.
    Stopping,
}

impl From<io::Error> for Ended {
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}

/// A line of a protocol that has no literals.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Without its line end.
    Whole(Vec<u8>),
    /// It was longer than the limit and was thrown away.
    TooLong,
}

/// A connection as a session uses it.
pub(super) struct Connection {
    stream: Stream,
    input: Vec<u8>,
    /// What of `input` is taken.
    taken: usize,
    /// Replies that are not sent yet.
    pub(super) out: Vec<u8>,
    counters: Arc<ProtocolCounters>,
    stop: CancellationToken,
}

enum Stream {
    Plain(Counted),
    Tls(Box<TlsStream<Counted>>),
    DeflatedPlain(Box<Deflated<Counted>>),
    DeflatedTls(Box<Deflated<TlsStream<Counted>>>),
    /// A handshake failed.
    Gone,
}

/// What a stream does, whatever it is made of; `$gone` where there is none.
macro_rules! on_stream {
    ($stream:expr, $inner:ident => $what:expr, $gone:expr) => {
        match $stream {
            Stream::Plain($inner) => $what,
            Stream::Tls($inner) => $what,
            Stream::DeflatedPlain($inner) => $what,
            Stream::DeflatedTls($inner) => $what,
            Stream::Gone => $gone,
        }
    };
}

impl Connection {
    pub(super) fn new(
        tcp: TcpStream,
        counters: Arc<ProtocolCounters>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            stream: Stream::Plain(Counted {
                tcp,
                counters: Arc::clone(&counters),
            }),
            input: Vec::new(),
            taken: 0,
            out: Vec::new(),
            counters,
            stop,
        }
    }

    /// Whether TLS is on.
    pub(super) fn is_secure(&self) -> bool {
        matches!(self.stream, Stream::Tls(_) | Stream::DeflatedTls(_))
    }

    /// Whether compression is on.
    pub(super) fn is_compressed(&self) -> bool {
        matches!(
            self.stream,
            Stream::DeflatedPlain(_) | Stream::DeflatedTls(_)
        )
    }

    /// Octets received and not taken yet.
    pub(super) fn buffered(&self) -> &[u8] {
        &self.input[self.taken..]
    }

    /// Takes octets off the front of what is buffered.
    pub(super) fn consume(&mut self, octets: usize) {
        self.taken = (self.taken + octets).min(self.input.len());
        if self.taken == self.input.len() {
            self.input.clear();
            self.input.shrink_to(RETAINED);
            self.taken = 0;
        }
    }

    /// Receives more, after sending what is due.
    pub(super) async fn fill(&mut self, limit: Duration) -> Result<(), Ended> {
        self.fill_by(READ, limit).await
    }

    /// Receives more of a message.
    pub(super) async fn fill_in_bulk(&mut self, limit: Duration) -> Result<(), Ended> {
        self.fill_by(READ_IN_BULK, limit).await
    }

    async fn fill_by(&mut self, size: usize, limit: Duration) -> Result<(), Ended> {
        self.flush().await?;
        if self.taken > 0 {
            self.input.drain(..self.taken);
            self.taken = 0;
        }
        self.input.reserve(size);
        let read = async {
            on_stream!(&mut self.stream, stream => stream.read_buf(&mut self.input).await, Ok(0))
        };
        let octets = tokio::select! {
            biased;
            read = timeout(limit, read) => read.map_err(|_| Ended::Idle)??,
            () = self.stop.cancelled() => return Err(Ended::Stopping),
        };
        if octets == 0 {
            return Err(Ended::Closed);
        }
        self.counters.rx.fetch_add(octets as u64, Relaxed);
        Ok(())
    }

    /// The next line that ends in LF or CRLF.
    pub(super) async fn line(&mut self, longest: usize, limit: Duration) -> Result<Line, Ended> {
        let mut searched = 0;
        let mut too_long = false;
        loop {
            if let Some(at) = memchr(b'\n', &self.buffered()[searched..]) {
                let end = searched + at;
                let text = &self.buffered()[..end];
                let text = text.strip_suffix(b"\r").unwrap_or(text);
                let line = if too_long || text.len() > longest {
                    Line::TooLong
                } else {
                    Line::Whole(text.to_vec())
                };
                self.consume(end + 1);
                return Ok(line);
            }
            if self.buffered().len() > longest {
                too_long = true;
                self.consume(self.buffered().len());
            }
            searched = self.buffered().len();
            self.fill(limit).await?;
        }
    }

    /// Sends the replies that have gathered.
    pub(super) async fn flush(&mut self) -> Result<(), Ended> {
        if self.out.is_empty() {
            return Ok(());
        }
        let write = async {
            on_stream!(
                &mut self.stream,
                stream => {
                    stream.write_all(&self.out).await?;
                    stream.flush().await
                },
                Err(io::ErrorKind::NotConnected.into())
            )
        };
        timeout(WRITE_LIMIT, write)
            .await
            .map_err(|_| Ended::Closed)??;
        self.counters.tx.fetch_add(self.out.len() as u64, Relaxed);
        self.out.clear();
        self.out.shrink_to(RETAINED);
        Ok(())
    }

    /// Throws away what was not sent yet: the client is to see the connection end instead of an answer.
    pub(super) fn cut_off(&mut self) -> Ended {
        self.out.clear();
        Ended::Closed
    }

    /// Sends replies if many have gathered.
    pub(super) async fn flush_if_full(&mut self) -> Result<(), Ended> {
        if self.out.len() >= FLUSH_AT {
            self.flush().await
        } else {
            Ok(())
        }
    }

    /// Sends what is due and turns to TLS. What the client sent before the handshake is thrown away: it may
    /// come from somebody in between.
    pub(super) async fn start_tls(&mut self, acceptor: &TlsAcceptor) -> Result<(), Ended> {
        self.flush().await?;
        self.consume(self.input.len());
        let Stream::Plain(plain) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(Ended::Closed);
        };
        let secure = timeout(HANDSHAKE_LIMIT, acceptor.accept(plain))
            .await
            .map_err(|_| Ended::Idle)??;
        self.stream = Stream::Tls(Box::new(secure));
        Ok(())
    }

    /// Sends what is due and compresses what follows. A connection that is compressed or gone stays so.
    pub(super) async fn start_deflate(&mut self) -> Result<(), Ended> {
        self.flush().await?;
        self.stream = match std::mem::replace(&mut self.stream, Stream::Gone) {
            Stream::Plain(plain) => Stream::DeflatedPlain(Box::new(Deflated::new(plain, &[]))),
            Stream::Tls(secure) => Stream::DeflatedTls(Box::new(Deflated::new(*secure, &[]))),
            other => other,
        };
        Ok(())
    }

    /// Sends what is due and closes the connection.
    pub(super) async fn close(mut self) {
        // The client may be gone already; there is nobody to tell.
        let _ = self.flush().await;
        let shutdown =
            async { on_stream!(&mut self.stream, stream => stream.shutdown().await, Ok(())) };
        let _ = timeout(HANDSHAKE_LIMIT, shutdown).await;
    }
}

/// The TCP stream below TLS.
struct Counted {
    tcp: TcpStream,
    counters: Arc<ProtocolCounters>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.tcp).poll_read(context, buffer))?;
        let octets = buffer.filled().len() - before;
        self.counters.wire_rx.fetch_add(octets as u64, Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let octets = ready!(Pin::new(&mut self.tcp).poll_write(context, bytes))?;
        self.counters.wire_tx.fetch_add(octets as u64, Relaxed);
        Poll::Ready(Ok(octets))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let octets = ready!(Pin::new(&mut self.tcp).poll_write_vectored(context, slices))?;
        self.counters.wire_tx.fetch_add(octets as u64, Relaxed);
        Poll::Ready(Ok(octets))
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}

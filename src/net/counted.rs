//! The TCP stream as it is below TLS: each octet that passes is counted, each turn of the line too.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Counts of one connection. Shared, because a TLS handshake that fails takes the stream with it.
#[derive(Debug, Default)]
pub(super) struct Counters {
    rx: AtomicU64,
    tx: AtomicU64,
    turns: AtomicU32,
    wrote_last: AtomicBool,
}

impl Counters {
    pub(super) fn rx(&self) -> u64 {
        self.rx.load(Relaxed)
    }

    pub(super) fn tx(&self) -> u64 {
        self.tx.load(Relaxed)
    }

    /// How often a read followed a write: the flights of a handshake.
    pub(super) fn turns(&self) -> u32 {
        self.turns.load(Relaxed)
    }

    // One task owns the stream, so load and store need not be one step.
    fn received(&self, octets: usize) {
        self.rx.store(self.rx() + octets as u64, Relaxed);
        if self.wrote_last.load(Relaxed) {
            self.wrote_last.store(false, Relaxed);
            self.turns.store(self.turns() + 1, Relaxed);
        }
    }

    fn sent(&self, octets: usize) {
        self.tx.store(self.tx() + octets as u64, Relaxed);
        self.wrote_last.store(true, Relaxed);
    }
}

/// A TCP stream that counts.
#[derive(Debug)]
pub(super) struct Counted {
    tcp: TcpStream,
    counters: Arc<Counters>,
    quickack: bool,
}

impl Counted {
    pub(super) fn new(tcp: TcpStream, counters: Arc<Counters>, quickack: bool) -> Self {
        let counted = Self {
            tcp,
            counters,
            quickack,
        };
        counted.acknowledge_at_once();
        counted
    }

    /// Asks the kernel to acknowledge what comes next without delay. It forgets this by itself, so it
    /// is asked again after each read. A refusal costs time, not correctness: it is not an error.
    fn acknowledge_at_once(&self) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if self.quickack {
            let _ = socket2::SockRef::from(&self.tcp).set_tcp_quickack(true);
        }
    }
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
        if octets > 0 {
            self.counters.received(octets);
            self.acknowledge_at_once();
        }
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
        self.counters.sent(octets);
        Poll::Ready(Ok(octets))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let octets = ready!(Pin::new(&mut self.tcp).poll_write_vectored(context, slices))?;
        self.counters.sent(octets);
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

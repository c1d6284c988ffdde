//! The stream as it is below TLS: each octet that passes is counted, each turn of the line too.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::reach::Lifeline;
use super::shaped::Shaped;
use super::tcp::Tcp;
use super::witness::{Packet, Witness};

/// Counts of one connection. Shared, because a TLS handshake that fails takes the stream with it.
#[derive(Debug, Default)]
pub(super) struct Counters {
    rx: AtomicU64,
    tx: AtomicU64,
    turns: AtomicU32,
    wrote_last: AtomicBool,
    /// The next packet comes after a pause.
    paused: AtomicBool,
    witness: Option<Arc<dyn Witness>>,
}

impl Counters {
    pub(super) fn heard_by(witness: Option<Arc<dyn Witness>>) -> Self {
        Self {
            witness,
            ..Self::default()
        }
    }

    /// Nobody works until the next packet.
    pub(super) fn pause(&self) {
        self.paused.store(true, Relaxed);
    }

    fn tell(&self, octets: usize, up: bool) {
        if let Some(witness) = &self.witness {
            witness.packet(Packet {
                at: Instant::now(),
                up,
                octets,
                after_pause: self.paused.load(Relaxed),
            });
            self.paused.store(false, Relaxed);
        }
    }

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
        self.tell(octets, false);
        self.rx.store(self.rx() + octets as u64, Relaxed);
        if self.wrote_last.load(Relaxed) {
            self.wrote_last.store(false, Relaxed);
            self.turns.store(self.turns() + 1, Relaxed);
        }
    }

    fn sent(&self, octets: usize) {
        self.tell(octets, true);
        self.tx.store(self.tx() + octets as u64, Relaxed);
        self.wrote_last.store(true, Relaxed);
    }
}

/// What carries octets below TLS: the socket itself, or a socket behind a link.
#[derive(Debug)]
pub(super) enum Pipe {
    Direct(Tcp),
    Shaped(Box<Shaped>),
}

/// Calls the same method on whatever the pipe is.
macro_rules! through {
    ($pipe:expr, $method:ident $(, $argument:expr)*) => {
        match $pipe {
            Pipe::Direct(tcp) => Pin::new(tcp).$method($($argument),*),
            Pipe::Shaped(shaped) => Pin::new(&mut **shaped).$method($($argument),*),
        }
    };
}

/// A stream that counts.
#[derive(Debug)]
pub(super) struct Counted {
    pipe: Pipe,
    counters: Arc<Counters>,
    lifeline: Option<Lifeline>,
}

impl Counted {
    pub(super) fn new(pipe: Pipe, counters: Arc<Counters>, lifeline: Option<Lifeline>) -> Self {
        Self {
            pipe,
            counters,
            lifeline,
        }
    }

    /// The socket that carries it.
    pub(super) fn tcp(&self) -> &Tcp {
        match &self.pipe {
            Pipe::Direct(tcp) => tcp,
            Pipe::Shaped(shaped) => shaped.inner(),
        }
    }

    /// An error once the device has lost its network.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let lifeline = self.lifeline.as_mut();
        if lifeline.is_some_and(|lifeline| lifeline.poll_cut(context).is_ready()) {
            return Err(io::ErrorKind::NetworkDown.into());
        }
        Ok(())
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        let before = buffer.filled().len();
        ready!(through!(&mut self.pipe, poll_read, context, buffer))?;
        let octets = buffer.filled().len() - before;
        if octets > 0 {
            self.counters.received(octets);
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
        self.check(context)?;
        let octets = ready!(through!(&mut self.pipe, poll_write, context, bytes))?;
        self.counters.sent(octets);
        Poll::Ready(Ok(octets))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        let octets = ready!(through!(
            &mut self.pipe,
            poll_write_vectored,
            context,
            slices
        ))?;
        self.counters.sent(octets);
        Poll::Ready(Ok(octets))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.pipe {
            Pipe::Direct(tcp) => tcp.is_write_vectored(),
            Pipe::Shaped(shaped) => shaped.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        through!(&mut self.pipe, poll_flush, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        through!(&mut self.pipe, poll_shutdown, context)
    }
}

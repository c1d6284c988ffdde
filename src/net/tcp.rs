//! A connected socket, and how it is made: from which address, with which options.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};

use super::namespace::Namespace;
use super::segments::{Segments, segments};

/// A TCP stream that acknowledges each segment at once, if asked to.
#[derive(Debug)]
pub(super) struct Tcp {
    stream: TcpStream,
    /// Of this end; none: the system did not say.
    local: Option<SocketAddr>,
    quickack: bool,
}

/// What a socket is given before it connects.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    /// An address of this machine; none: the system chooses.
    pub(super) source: Option<IpAddr>,
    /// Octets of the receive buffer; none: the system grows it as it likes.
    pub(super) window: Option<usize>,
    pub(super) quickack: bool,
}

impl Tcp {
    /// Connects; from a namespace, to the same port of this machine as it is seen from there.
    pub(super) async fn connect(
        to: SocketAddr,
        options: Options,
        namespace: Option<&Namespace>,
    ) -> io::Result<Self> {
        let (socket, to) = match namespace {
            Some(namespace) => {
                let to = SocketAddr::new(namespace.here().into(), to.port());
                (namespace.within(TcpSocket::new_v4)?, to)
            }
            None if to.is_ipv4() => (TcpSocket::new_v4()?, to),
            None => (TcpSocket::new_v6()?, to),
        };
        if let Some(source) = options.source {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        if let Some(window) = options.window {
            socket.set_recv_buffer_size(u32::try_from(window).unwrap_or(u32::MAX))?;
        }
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        let tcp = Self {
            local: stream.local_addr().ok(),
            stream,
            quickack: options.quickack,
        };
        tcp.acknowledge_at_once();
        Ok(tcp)
    }

    /// The port of this end.
    pub(super) fn port(&self) -> Option<u16> {
        self.local.map(|local| local.port())
    }

    /// What the kernel counted so far; none: it does not tell.
    pub(super) fn segments(&self) -> Option<Segments> {
        segments(&self.stream, self.local?.is_ipv6())
    }

    /// Asks the kernel to acknowledge what comes next without delay. It forgets this by itself, so it
    /// is asked again after each read. A refusal costs time, not correctness: it is not an error.
    fn acknowledge_at_once(&self) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if self.quickack {
            let _ = socket2::SockRef::from(&self.stream).set_tcp_quickack(true);
        }
    }
}

impl AsyncRead for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.acknowledge_at_once();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

//! What carries the octets of a wire: TCP, TLS over it, compression over either.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;

use super::counted::Counted;
use super::deflate::Deflated;
use super::tcp::Tcp;

/// What carries the octets.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(Counted),
    Tls(Box<TlsStream<Counted>>),
    /// Compressed on the way through one of the others.
    Deflated(Box<Deflated<Stream>>),
    /// Closed, or lost in a handshake.
    Gone,
}

impl Stream {
    /// The TLS that is in it.
    pub(super) fn tls(&self) -> Option<&TlsStream<Counted>> {
        match self {
            Self::Tls(stream) => Some(stream),
            Self::Deflated(stream) => stream.inner().tls(),
            Self::Plain(_) | Self::Gone => None,
        }
    }

    /// The socket that carries it; none: it is closed, or was lost in a handshake.
    pub(super) fn tcp(&self) -> Option<&Tcp> {
        match self {
            Self::Plain(stream) => Some(stream.tcp()),
            Self::Tls(stream) => Some(stream.get_ref().0.tcp()),
            Self::Deflated(stream) => stream.inner().tcp(),
            Self::Gone => None,
        }
    }
}

fn gone<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Deflated(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Gone => gone(),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Deflated(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Gone => gone(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
            Self::Deflated(stream) => Pin::new(stream).poll_flush(context),
            Self::Gone => gone(),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Deflated(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Gone => gone(),
        }
    }
}

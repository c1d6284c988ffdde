//! A TCP stream behind a [`Link`]: what the server sent is handed on when the link would have delivered it, what we
//! send reaches the socket when it would have arrived. Nothing runs beside the task that reads and writes: the
//! stream moves on whenever it is polled, and asks to be polled when the next octets are due.
//!
//! Memory is bounded by the link's window for each direction. What the window does not hold stays in the
//! socket's small receive buffer, and from there TCP holds the server back.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep_until};

use super::delay::DelayLine;
use super::link::{Link, Sent, Way};
use super::tcp::Tcp;

#[cfg(test)]
mod tests;

/// Tokio's clock ticks once in a millisecond and wakes at the tick after the one asked for. What is due within half a
/// tick counts as due, so that the error lies on both sides of the truth.
const HALF_TICK: Duration = Duration::from_micros(500);

/// A TCP stream behind a link; in tests another stream, under a clock that is moved by hand.
#[derive(Debug)]
pub(super) struct Shaped<S = Tcp> {
    tcp: S,
    link: Arc<Link>,
    arriving: DelayLine,
    leaving: DelayLine,
    /// The last octets of this connection on each way.
    last_down: Option<Sent>,
    last_up: Option<Sent>,
    /// The server can not have answered us before our handshake got there.
    heard: Instant,
    /// How the server's side ended, and when that is known here.
    ended: Option<(Instant, io::Result<()>)>,
    /// Sending has failed; told at the next write.
    broken: Option<io::Error>,
    read_timer: Pin<Box<Sleep>>,
    write_timer: Pin<Box<Sleep>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Shaped<S> {
    /// A stream whose handshake has just ended on this side.
    pub(super) fn new(tcp: S, link: Arc<Link>) -> Self {
        let now = now();
        Self {
            tcp,
            heard: now + link.travel(),
            link,
            arriving: DelayLine::default(),
            leaving: DelayLine::default(),
            last_down: None,
            last_up: None,
            ended: None,
            broken: None,
            read_timer: Box::pin(sleep_until(now.into())),
            write_timer: Box::pin(sleep_until(now.into())),
        }
    }

    /// The stream itself.
    pub(super) const fn inner(&self) -> &S {
        &self.tcp
    }

    /// Hands to the socket what has arrived at its far end. Returns when there is more to do, if the socket did not
    /// refuse it.
    fn carry_out(&mut self, context: &mut Context<'_>, soon: Instant) -> Option<Instant> {
        loop {
            let arrived = self.leaving.arrived(soon);
            if arrived.is_empty() {
                return self.leaving.next();
            }
            match Pin::new(&mut self.tcp).poll_write(context, arrived) {
                Poll::Ready(Ok(octets)) => self.leaving.take(octets),
                Poll::Ready(Err(error)) => {
                    self.broken = Some(error);
                    self.leaving.clear();
                    return None;
                }
                Poll::Pending => return None,
            }
        }
    }

    /// Takes from the socket what the link has room for. Returns when it has room again, if it has none.
    fn take_in(&mut self, context: &mut Context<'_>, now: Instant) -> Option<Instant> {
        let mut room = [0_u8; 16 * 1024];
        let quantum = self.link.quantum(Way::Down).min(room.len());
        while self.ended.is_none() && self.arriving.len() < self.link.window(Way::Down) {
            let opens = self.last_down.map(|sent| sent.opens());
            if opens.is_some_and(|at| at > now + HALF_TICK) {
                return opens;
            }
            let mut buffer = ReadBuf::new(&mut room[..quantum]);
            let read = Pin::new(&mut self.tcp).poll_read(context, &mut buffer);
            let sent = now.max(self.heard);
            match read {
                Poll::Pending => return None,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    let octets = buffer.filled();
                    let sent = self.link.send(Way::Down, octets.len(), sent);
                    self.last_down = Some(sent);
                    self.arriving.put(octets, sent.arrives);
                }
                Poll::Ready(end) => {
                    let at = self.arriving.in_order(sent + self.link.travel());
                    self.ended = Some((at, end));
                }
            }
        }
        None
    }

    /// What can be read now, if anything: octets, or the end.
    fn hand_over(&mut self, soon: Instant, buffer: &mut ReadBuf<'_>) -> Option<io::Result<()>> {
        let before = buffer.filled().len();
        while buffer.remaining() > 0 {
            let arrived = self.arriving.arrived(soon);
            let octets = arrived.len().min(buffer.remaining());
            if octets == 0 {
                break;
            }
            buffer.put_slice(&arrived[..octets]);
            self.arriving.take(octets);
        }
        if buffer.filled().len() > before {
            return Some(Ok(()));
        }
        if self.arriving.is_empty()
            && let Some((at, end)) = &mut self.ended
            && *at <= soon
        {
            // An error is told once, then it is the end.
            return Some(std::mem::replace(end, Ok(())));
        }
        None
    }

    /// Sends what is under way, and then waits for the last of it to reach the socket.
    fn poll_drained(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let next = self.carry_out(context, now() + HALF_TICK);
            if let Some(error) = self.broken.take() {
                return Poll::Ready(Err(error));
            }
            if self.leaving.is_empty() {
                return Poll::Ready(Ok(()));
            }
            ready!(wait(&mut self.write_timer, next, context));
        }
    }
}

/// On the clock that the timers are on.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Waits for an instant; for ever if there is none, because the socket will wake the task.
fn wait(timer: &mut Pin<Box<Sleep>>, at: Option<Instant>, context: &mut Context<'_>) -> Poll<()> {
    let Some(at) = at else { return Poll::Pending };
    let at = at.checked_sub(HALF_TICK).unwrap_or(at);
    timer.as_mut().reset(at.into());
    timer.as_mut().poll(context)
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Shaped<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            let now = now();
            let leaves = this.carry_out(context, now + HALF_TICK);
            let opens = this.take_in(context, now);
            if let Some(result) = this.hand_over(now + HALF_TICK, buffer) {
                return Poll::Ready(result);
            }
            let ends = this.ended.as_ref().map(|(at, _)| *at);
            let arrives = this.arriving.next().or(ends);
            let next = [leaves, opens, arrives].into_iter().flatten().min();
            ready!(wait(&mut this.read_timer, next, context));
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Shaped<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        loop {
            let now = now();
            let leaves = this.carry_out(context, now + HALF_TICK);
            if let Some(error) = this.broken.take() {
                return Poll::Ready(Err(error));
            }
            let opens = this.last_up.map(|sent| sent.opens());
            let waits = opens.filter(|at| *at > now + HALF_TICK);
            if waits.is_none() && this.leaving.len() < this.link.window(Way::Up) {
                let octets = bytes.len().min(this.link.quantum(Way::Up));
                let sent = this.link.send(Way::Up, octets, now);
                this.last_up = Some(sent);
                this.leaving.put(&bytes[..octets], sent.arrives);
                return Poll::Ready(Ok(octets));
            }
            let next = [leaves, waits].into_iter().flatten().min();
            ready!(wait(&mut this.write_timer, next, context));
        }
    }

    /// What was written is on its way: that is all a sender knows. Reading, writing and shutting down carry it on.
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.carry_out(context, now() + HALF_TICK);
        Poll::Ready(this.broken.take().map_or(Ok(()), Err))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_drained(context))?;
        Pin::new(&mut this.tcp).poll_shutdown(context)
    }
}

//! One connection: buffered reads with a bound, buffered writes, counters, TLS and compression now or later.

mod closing;

use std::io;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::counted::{Counted, Counters};
use super::deflate::{Deflated, NotDeflate};
use super::inbound::{Inbound, WIRE_BUFFER_LIMIT};
use super::stream::Stream;
use super::tcp::Tcp;
use super::tls::{TlsFacts, handshake_error};
use super::{NetError, Segments, TimeLimits};

/// A reply that takes longer than the limit for a command must come at this pace at least, on average:
/// a server cannot hold a client for ever by sending a little now and then.
const OCTETS_PER_SECOND: u64 = 256;

/// Octets that passed so far. `rx`: server to client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireTraffic {
    /// As the protocol sees them: above compression and TLS, received.
    pub rx: u64,
    /// The same, sent.
    pub tx: u64,
    /// Below compression and above TLS, received; where nothing is compressed, as `rx`.
    pub compressed_rx: u64,
    /// The same, sent.
    pub compressed_tx: u64,
    /// Below TLS, received: TCP payload.
    pub wire_rx: u64,
    /// Below TLS, sent: TCP payload.
    pub wire_tx: u64,
    /// Below these, as the kernel counts it; none: it does not tell, or the connection was lost in a TLS handshake.
    pub segments: Option<Segments>,
}

/// A connection. Dropping it closes the socket at once.
#[derive(Debug)]
pub struct Wire {
    stream: Stream,
    counters: Arc<Counters>,
    config: Arc<ClientConfig>,
    server_name: String,
    limits: TimeLimits,
    port: Option<u16>,
    /// Of a connection that is closed.
    segments: Option<Segments>,
    inbound: Inbound,
    outbound: Vec<u8>,
    /// How much of `outbound` is written already (a flush may be cancelled half-way).
    written: usize,
    rx: u64,
    tx: u64,
    /// Octets below compression, received and sent, but for those that the layer counts now; none: nothing is compressed.
    compressed: Option<(u64, u64)>,
    round_trips: u32,
    /// Something was sent whose answer has not begun; the next read is the end of a round trip.
    answer_due: bool,
    first_byte: Option<Instant>,
    last_read: Instant,
    /// Since when a reply is waited for, and `rx` at that time.
    waiting: Option<(Instant, u64)>,
    tls: Option<TlsFacts>,
}

impl Wire {
    pub(super) fn new(
        stream: Counted,
        counters: Arc<Counters>,
        config: Arc<ClientConfig>,
        server_name: String,
        limits: TimeLimits,
    ) -> Self {
        Self {
            port: stream.tcp().port(),
            segments: None,
            stream: Stream::Plain(stream),
            counters,
            config,
            server_name,
            limits,
            inbound: Inbound::default(),
            outbound: Vec::new(),
            written: 0,
            rx: 0,
            tx: 0,
            compressed: None,
            round_trips: 1,
            // The greeting takes a round trip of its own: our ACK travels there, the greeting back.
            answer_due: true,
            first_byte: None,
            last_read: Instant::now(),
            waiting: None,
            tls: None,
        }
    }

    /// What was received and not consumed yet.
    pub fn buffer(&self) -> &[u8] {
        self.inbound.bytes()
    }

    /// Marks the first `octets` of the buffer as done with.
    pub fn consume(&mut self, octets: usize) {
        self.inbound.consume(octets);
    }

    /// Reads more into the buffer. Returns how much came; 0: the server has closed the connection.
    /// Neither a silence nor the wait since the last flush may be longer than the limit for a command;
    /// a long reply has more time, as long as it keeps coming. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`NetError::Timeout`], [`NetError::Lost`], [`NetError::Tls`], or [`NetError::TooLong`] when
    /// [`WIRE_BUFFER_LIMIT`] octets wait unconsumed.
    pub async fn fill(&mut self) -> Result<usize, NetError> {
        let limit = self.limits.command;
        let (since, rx) = *self.waiting.get_or_insert((Instant::now(), self.rx));
        let earned = Duration::from_millis((self.rx - rx) * 1000 / OCTETS_PER_SECOND);
        let left = (limit + earned).saturating_sub(since.elapsed());
        match timeout(limit.min(left), self.read_some()).await {
            Ok(result) => result,
            Err(_elapsed) => Err(NetError::Timeout {
                limit,
                during: "while a reply was due, or sent it too slowly",
            }),
        }
    }

    /// As [`Wire::fill`], without any limit: for IDLE, where silence is no fault.
    ///
    /// # Errors
    /// As [`Wire::fill`], but never [`NetError::Timeout`].
    pub async fn fill_patiently(&mut self) -> Result<usize, NetError> {
        self.counters.pause();
        self.read_some().await
    }

    /// What is sent next is due to a person, a timer or news, not to the reply before it: the time until then is no work.
    pub fn after_pause(&self) {
        self.counters.pause();
    }

    async fn read_some(&mut self) -> Result<usize, NetError> {
        let room = self.inbound.room()?;
        let octets = match self.stream.read(room).await {
            Ok(octets) => octets,
            // TLS ended without its farewell: closed is closed.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            Err(error) => return Err(self.broken(error)),
        };
        self.inbound.received(octets);
        if octets > 0 {
            self.note_read(octets);
        }
        Ok(octets)
    }

    fn note_read(&mut self, octets: usize) {
        let now = Instant::now();
        self.rx += octets as u64;
        self.last_read = now;
        self.first_byte.get_or_insert(now);
        if mem::take(&mut self.answer_due) {
            self.round_trips += 1;
        }
    }

    /// Puts `bytes` into the write buffer. Nothing is sent before [`Wire::flush`].
    pub fn send(&mut self, bytes: &[u8]) {
        self.outbound.extend_from_slice(bytes);
    }

    /// The write buffer itself, to format a command straight into it. Only append.
    pub fn outbox(&mut self) -> &mut Vec<u8> {
        &mut self.outbound
    }

    /// How many octets wait for a flush: flush a long body whenever this passes some ten thousand.
    pub fn unsent(&self) -> usize {
        self.outbound.len() - self.written
    }

    /// Sends the write buffer. Resets [`Wire::first_byte`]; the next read then counts a round trip.
    ///
    /// # Errors
    /// [`NetError::Timeout`] if the server takes nothing for the limit, [`NetError::Lost`].
    pub async fn flush(&mut self) -> Result<(), NetError> {
        // Not `unsent`: a flush that was given up may have written all and left it in TLS or in compression.
        if self.outbound.is_empty() {
            return Ok(());
        }
        let limit = self.limits.command;
        let stuck = |_elapsed| NetError::Timeout {
            limit,
            during: "and took nothing of what was being sent",
        };
        while self.written < self.outbound.len() {
            let write = self.stream.write(&self.outbound[self.written..]);
            let octets = match timeout(limit, write).await.map_err(stuck)? {
                Ok(0) => return Err(self.broken(io::ErrorKind::WriteZero.into())),
                Ok(octets) => octets,
                Err(error) => return Err(self.broken(error)),
            };
            self.written += octets;
            self.tx += octets as u64;
        }
        let flush = self.stream.flush();
        if let Err(error) = timeout(limit, flush).await.map_err(stuck)? {
            return Err(self.broken(error));
        }
        self.written = 0;
        self.outbound.clear();
        self.outbound.shrink_to(WIRE_BUFFER_LIMIT);
        self.first_byte = None;
        self.answer_due = true;
        self.waiting = None;
        Ok(())
    }

    /// TLS from here on: from the first byte (implicit TLS) or after the server's consent (STLS,
    /// STARTTLS).
    ///
    /// # Errors
    /// [`NetError::PlaintextBeforeTls`] if anything is buffered, [`NetError::Tls`] with the reason,
    /// [`NetError::Timeout`]. The wire is of no use afterwards; its counters still are.
    pub async fn start_tls(&mut self) -> Result<TlsFacts, NetError> {
        if !self.buffer().is_empty() {
            return Err(NetError::PlaintextBeforeTls {
                octets: self.buffer().len(),
            });
        }
        let name = ServerName::try_from(self.server_name.clone()).map_err(|_| NetError::Tls {
            name: self.server_name.clone(),
            reason: "this is neither a host name nor an address".to_owned(),
        })?;
        let plain = match mem::replace(&mut self.stream, Stream::Gone) {
            Stream::Plain(plain) => plain,
            other => {
                self.stream = other;
                return Err(NetError::Tls {
                    name: self.server_name.clone(),
                    reason: "the connection is in TLS already, or closed".to_owned(),
                });
            }
        };
        let turns = self.counters.turns();
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let limit = self.limits.connect;
        let handshake = timeout(limit, connector.connect(name, plain)).await;
        self.round_trips += self.counters.turns() - turns;
        let stream = handshake
            .map_err(|_elapsed| NetError::Timeout {
                limit,
                during: "in the middle of the TLS handshake",
            })?
            .map_err(|error| self.handshake_failed(&error))?;
        let facts = TlsFacts::of(stream.get_ref().1);
        self.stream = Stream::Tls(Box::new(stream));
        self.tls = Some(facts);
        Ok(facts)
    }

    /// Compression from here on, after the server's consent (RFC 4978 section 3). What is buffered came behind that
    /// consent and so is compressed already: it is handed to the layer, and no longer counts as read by the protocol.
    ///
    /// # Errors
    /// [`NetError::Deflate`] if the connection is compressed already or something waits to be sent uncompressed.
    pub fn start_deflate(&mut self) -> Result<(), NetError> {
        let refuse = |reason: &str| {
            let reason = reason.to_owned();
            Err(NetError::Deflate { reason })
        };
        if !self.outbound.is_empty() {
            return refuse("something waits to be sent uncompressed");
        }
        if matches!(self.stream, Stream::Deflated(_) | Stream::Gone) {
            return refuse("the connection is compressed already, or closed");
        }
        let carrier = mem::replace(&mut self.stream, Stream::Gone);
        let early = self.inbound.bytes();
        let octets = early.len();
        let deflated = Deflated::new(carrier, early);
        self.inbound.consume(octets);
        self.rx -= octets as u64;
        self.waiting = None;
        self.compressed = Some((self.rx, self.tx));
        self.stream = Stream::Deflated(Box::new(deflated));
        Ok(())
    }

    /// Octets so far, in each direction, above and below compression and below TLS.
    pub fn traffic(&self) -> WireTraffic {
        let (compressed_rx, compressed_tx) = self.compressed().unwrap_or((self.rx, self.tx));
        WireTraffic {
            rx: self.rx,
            tx: self.tx,
            compressed_rx,
            compressed_tx,
            wire_rx: self.counters.rx(),
            wire_tx: self.counters.tx(),
            segments: self.segments(),
        }
    }

    fn segments(&self) -> Option<Segments> {
        let counted = self.stream.tcp().and_then(Tcp::segments);
        counted.or(self.segments)
    }

    /// The port of this end; none: the system did not say.
    pub fn local_port(&self) -> Option<u16> {
        self.port
    }

    /// Whether compression was started.
    pub fn is_compressed(&self) -> bool {
        self.compressed.is_some()
    }

    fn compressed(&self) -> Option<(u64, u64)> {
        let (rx, tx) = self.compressed?;
        Some(match &self.stream {
            Stream::Deflated(layer) => (rx + layer.received(), tx + layer.sent()),
            _ => (rx, tx),
        })
    }

    /// Round trips so far: one for TCP, one per flight of a TLS handshake, one for each time that we
    /// sent something (or waited for the greeting) and then had to wait for the answer.
    pub fn round_trips(&self) -> u32 {
        self.round_trips
    }

    /// When the first octet since the last flush (or since connecting) came.
    pub fn first_byte(&self) -> Option<Instant> {
        self.first_byte
    }

    /// When octets came last; before any came, when the connection was made.
    pub fn last_read(&self) -> Instant {
        self.last_read
    }

    /// What TLS agreed on; none on a plain connection.
    pub fn tls_facts(&self) -> Option<TlsFacts> {
        self.tls
    }

    /// The certificates that the server has shown, DER, its own first; none on a plain connection.
    pub fn peer_certificates(&self) -> Vec<Vec<u8>> {
        let Some(stream) = self.stream.tls() else {
            return Vec::new();
        };
        let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
        shown.iter().map(|der| der.as_ref().to_vec()).collect()
    }

    /// The limits that this wire keeps.
    pub fn limits(&self) -> TimeLimits {
        self.limits
    }

    fn handshake_failed(&self, error: &io::Error) -> NetError {
        if error.kind() == io::ErrorKind::NetworkDown {
            return NetError::Offline;
        }
        handshake_error(&self.server_name, error)
    }

    fn broken(&self, error: io::Error) -> NetError {
        if error.kind() == io::ErrorKind::NetworkDown {
            return NetError::Offline;
        }
        if let Some(not_deflate) = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<NotDeflate>())
        {
            return NetError::Deflate {
                reason: not_deflate.to_string(),
            };
        }
        let in_tls = error
            .get_ref()
            .is_some_and(|inner| inner.downcast_ref::<rustls::Error>().is_some());
        if in_tls {
            handshake_error(&self.server_name, &error)
        } else {
            NetError::Lost { source: error }
        }
    }
}

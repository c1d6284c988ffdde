//! What every session is made of: a wire, an observer, and the clock between them. A command is begun,
//! its bytes go over the wire, it ends; at its end the observer hears of it, once.

use std::time::Instant;

use super::{ClientError, OpenError, SessionFigures};
use crate::metrics::{Observer, Operation, Packets, Sample, Timing, Traffic};
use crate::net::{Address, Dialer, Wire, WireTraffic};
use crate::scenario::TlsMode;

/// A connection whose commands are timed.
#[derive(Debug)]
pub struct Link<O> {
    wire: Wire,
    observer: O,
    due: Option<Instant>,
    last_done: Instant,
    /// What the samples so far have accounted for.
    told: Traffic,
    told_round_trips: u32,
    figures: SessionFigures,
}

/// A command that has begun. Hand it back to [`Link::end`].
#[derive(Debug)]
#[must_use = "a command that never ends is never measured"]
pub struct Running {
    operation: Operation,
    due: Instant,
    sent: Instant,
    first_byte: Option<Instant>,
    /// Ends with its own first byte, not with the wire's.
    pipelined: bool,
}

impl<O: Observer> Link<O> {
    /// Connects, and with implicit TLS shakes hands. Tells of `Connect` and `Tls`. The greeting is the
    /// protocol's.
    ///
    /// # Errors
    /// Why there is no connection, and what was measured until then.
    pub async fn open(
        dialer: &Dialer,
        address: &Address,
        mode: TlsMode,
        due: Instant,
        observer: O,
    ) -> Result<Self, OpenError> {
        let sent = Instant::now();
        let connected = dialer.connect(address).await;
        let done = Instant::now();
        let connected =
            connected.map_err(|error| ClientError::from_net(Operation::Connect, &error));
        let round_trips = u32::from(connected.is_ok());
        let traffic = connected
            .as_ref()
            .map(|wire| wire.traffic().into())
            .unwrap_or_default();
        observer.operation(&Sample {
            operation: Operation::Connect,
            timing: Timing {
                due,
                sent,
                first_byte: None,
                done,
            },
            traffic,
            round_trips,
            outcome: connected.as_ref().map(drop).map_err(|error| error.class),
        });
        let figures = SessionFigures {
            connect: connected.is_ok().then(|| done - sent),
            local_port: connected.as_ref().ok().and_then(Wire::local_port),
            round_trips,
            ..SessionFigures::default()
        };
        let wire = connected.map_err(|error| OpenError { error, figures })?;
        let mut link = Self {
            told_round_trips: wire.round_trips(),
            wire,
            observer,
            due: None,
            last_done: done,
            told: traffic,
            figures,
        };
        if mode == TlsMode::Implicit
            && let Err(error) = link.start_tls().await
        {
            return Err(link.failed(error));
        }
        Ok(link)
    }

    /// TLS from the first byte. Tells of `Tls`.
    async fn start_tls(&mut self) -> Result<(), ClientError> {
        let running = self.begin_silently(Operation::Tls);
        self.shake_hands(running).await
    }

    /// The TLS handshake after the server's consent. `running` is `Operation::Tls`, begun before the
    /// command that asked for it (STLS, STARTTLS): getting TLS costs both. Tells of `Tls`.
    ///
    /// # Errors
    /// The reason, in words.
    pub async fn shake_hands(&mut self, running: Running) -> Result<(), ClientError> {
        let shaken = self.wire.start_tls().await;
        let result = shaken.map_err(|error| ClientError::from_net(Operation::Tls, &error));
        self.figures.tls_facts = result.as_ref().ok().copied();
        self.end(running, result).map(drop)
    }

    /// The wire, to send and to read.
    pub fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// The next command was due at `due` (a timer, a person); without this it is due when the command
    /// before it is done.
    pub fn due_next(&mut self, due: Instant) {
        self.due = Some(due);
        self.wire.after_pause();
    }

    /// Begins a command: it is counted and its clock runs.
    pub fn begin(&mut self, operation: Operation) -> Running {
        self.figures.commands += 1;
        self.begin_silently(operation)
    }

    /// Begins what is timed but is no command: a handshake, waiting for the greeting.
    pub fn begin_silently(&mut self, operation: Operation) -> Running {
        let sent = Instant::now();
        Running {
            operation,
            due: self.due.take().unwrap_or(self.last_done),
            sent,
            first_byte: None,
            pipelined: false,
        }
    }

    /// Begins a command of a pipeline that was flushed at `flushed`. It counts as sent when the wire
    /// was free for it: at the flush, or when the reply before it ended. So service times of a pipeline
    /// add up to the time that it took.
    pub fn begin_pipelined(&mut self, operation: Operation, flushed: Instant) -> Running {
        self.figures.commands += 1;
        let sent = flushed.max(self.last_done);
        Running {
            operation,
            due: self.due.take().unwrap_or(self.last_done),
            sent,
            first_byte: None,
            pipelined: true,
        }
    }

    /// The first octet of a pipelined command's reply is in the buffer.
    pub fn reply_began(&self, running: &mut Running) {
        let at = self.wire.last_read().max(running.sent);
        running.first_byte.get_or_insert(at);
    }

    /// Ends a command and tells the observer; hands `result` through.
    ///
    /// # Errors
    /// `result`'s own.
    pub fn end<T>(
        &mut self,
        running: Running,
        result: Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        self.end_at(running, Instant::now(), result)
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "taking it makes sure that a command ends once"
    )]
    fn end_at<T>(
        &mut self,
        running: Running,
        done: Instant,
        result: Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let Running {
            operation,
            due,
            sent,
            first_byte,
            pipelined,
        } = running;
        let first_byte = if pipelined {
            first_byte
        } else {
            self.wire.first_byte().filter(|at| *at >= sent)
        };
        let (traffic, round_trips) = self.take_untold();
        self.observer.operation(&Sample {
            operation,
            timing: Timing {
                due,
                sent,
                first_byte,
                done,
            },
            traffic,
            round_trips,
            outcome: result.as_ref().map(drop).map_err(|error| error.class),
        });
        self.last_done = done;
        if result.is_ok() {
            let took = Some(done - sent);
            match operation {
                Operation::Tls => self.figures.tls = took,
                Operation::Greeting => self.figures.greeting = took,
                Operation::Login => self.figures.login = took,
                _ => {}
            }
        }
        result
    }

    /// What has passed since the last sample. Above TLS, octets that are received but not yet consumed
    /// belong to the next command.
    fn take_untold(&mut self) -> (Traffic, u32) {
        let seen = Traffic::from(self.wire.traffic());
        let now = Traffic {
            rx: seen.rx - self.wire.buffer().len() as u64,
            ..seen
        };
        let passed = now.since(self.told);
        let round_trips = self.wire.round_trips() - self.told_round_trips;
        self.told = now;
        self.told_round_trips = self.wire.round_trips();
        (passed, round_trips)
    }

    /// Reads more of a reply.
    ///
    /// # Errors
    /// `ConnectionLost` if the server has closed, `Timeout`, `TooLong`, `Tls`.
    pub async fn read_more(&mut self, operation: Operation) -> Result<(), ClientError> {
        match self.wire.fill().await {
            Ok(0) => Err(ClientError::closed(operation)),
            Ok(_) => Ok(()),
            Err(error) => Err(ClientError::from_net(operation, &error)),
        }
    }

    /// Sends what is in the wire's write buffer.
    ///
    /// # Errors
    /// `ConnectionLost`, `Timeout`.
    pub async fn flush(&mut self, operation: Operation) -> Result<(), ClientError> {
        let flushed = self.wire.flush().await;
        flushed.map_err(|error| ClientError::from_net(operation, &error))
    }

    /// What the session came to so far.
    pub fn figures(&self) -> SessionFigures {
        let passed = self.wire.traffic();
        let compressed = (passed.compressed_rx, passed.compressed_tx);
        SessionFigures {
            compressed: self.wire.is_compressed().then_some(compressed),
            traffic: passed.into(),
            round_trips: self.wire.round_trips(),
            ..self.figures
        }
    }

    /// The session could not be opened: drops the connection.
    pub fn failed(self, error: ClientError) -> OpenError {
        OpenError {
            error,
            figures: self.figures(),
        }
    }

    /// Ends a farewell and with it the connection: in order, read to its end, where the server has consented, else where
    /// it stands. The command takes until its reply, but what the wire carries until the connection is closed is its too,
    /// so that the operations of a session add up to the session.
    pub async fn leave(
        mut self,
        farewell: Running,
        result: Result<(), ClientError>,
    ) -> (SessionFigures, Result<(), ClientError>) {
        let done = Instant::now();
        if result.is_ok() {
            // The farewell is answered, all work is done: how the connection ends changes nothing.
            let _ = self.wire.close().await;
        }
        let result = self.end_at(farewell, done, result);
        (self.figures(), result)
    }

    /// Drops the connection where it stands.
    pub fn abort(self) -> SessionFigures {
        self.figures()
    }
}

impl From<WireTraffic> for Traffic {
    fn from(passed: WireTraffic) -> Self {
        Self {
            rx: passed.rx,
            tx: passed.tx,
            wire_rx: passed.wire_rx,
            wire_tx: passed.wire_tx,
            packets: passed.segments.map(|segments| Packets {
                rx: segments.rx,
                tx: segments.tx,
                retransmitted: segments.retransmitted,
                header_rx: segments.header_rx,
                header_tx: segments.header_tx,
            }),
        }
    }
}

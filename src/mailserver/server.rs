//! Starts listeners and threads, hands connections to sessions, and stops them again. A panic in one
//! session ends that session only.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::config::{Config, TlsConfig};
use super::connection::Connection;
use super::stats::{AmountCounter, ProtocolCounters, Stats};
use super::store::{Amount, Store, StoreError};
use super::{imap, lmtp, pop3, tls};

/// Sessions that do not end by themselves are given this long when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// Why a server does not start.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The folder cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    Directory {
        /// The folder or a file in it.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A port cannot be had.
    #[error(
        "cannot listen on {address} for {service}: {source}; choose another port, or 0 for any"
    )]
    Listen {
        /// Which service.
        service: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The certificate cannot be made or read.
    #[error("no TLS certificate: {0}")]
    Certificate(String),
    /// A port within TLS without a certificate.
    #[error("a port within TLS needs a certificate: give one, or let a self-signed one be made")]
    NoCertificate,
    /// The mail on disk cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system has no threads for us.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

/// Where a running server listens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// POP3.
    pub pop3: Option<SocketAddr>,
    /// IMAP.
    pub imap: Option<SocketAddr>,
    /// LMTP.
    pub lmtp: Option<SocketAddr>,
    /// POP3 within TLS.
    pub pop3s: Option<SocketAddr>,
    /// IMAP within TLS.
    pub imaps: Option<SocketAddr>,
    /// The certificate of the authority that signed the server's, if it made one.
    pub ca: Option<PathBuf>,
}

/// What all sessions share.
pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) store: Store,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) delivered: AmountCounter,
    pub(super) appended: AmountCounter,
    pub(super) copied: AmountCounter,
    pub(super) deleted: AmountCounter,
    stored_at_start: Amount,
    pop3: Arc<ProtocolCounters>,
    imap: Arc<ProtocolCounters>,
    lmtp: Arc<ProtocolCounters>,
    connections: AtomicUsize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Pop3,
    Pop3s,
    Imap,
    Imaps,
    Lmtp,
}

/// The embedded mail server.
#[derive(Debug)]
pub struct Server;

/// A server that runs on threads of its own. Dropped, it stops.
#[derive(Debug)]
pub struct Running {
    addresses: Addresses,
    stop: CancellationToken,
    threads: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Opens the mail, listens, and serves from threads of its own. Returns when clients can connect.
    pub fn start(config: Config) -> Result<Running, ServerError> {
        fs::create_dir_all(&config.directory).map_err(|source| ServerError::Directory {
            path: config.directory.clone(),
            source,
        })?;
        let store = Store::open(&config.directory, config.accounts.users(), config.fsync)?;
        let (tls, ca) = match &config.tls {
            TlsConfig::Off => (None, None),
            TlsConfig::SelfSigned => {
                let (acceptor, ca) = tls::self_signed(&config.directory)?;
                (Some(acceptor), Some(ca))
            }
            TlsConfig::Files { certificate, key } => {
                (Some(tls::from_files(certificate, key)?), None)
            }
        };
        if tls.is_none() && (config.pop3s.is_some() || config.imaps.is_some()) {
            return Err(ServerError::NoCertificate);
        }
        let (addresses, listeners) = listen(&config, ca)?;
        let shared = Arc::new(Shared {
            stored_at_start: store.stored()?,
            store,
            tls,
            delivered: AmountCounter::default(),
            appended: AmountCounter::default(),
            copied: AmountCounter::default(),
            deleted: AmountCounter::default(),
            pop3: Arc::default(),
            imap: Arc::default(),
            lmtp: Arc::default(),
            connections: AtomicUsize::new(0),
            config,
        });
        let stop = CancellationToken::new();
        let threads = threads(&shared, &stop, listeners).map_err(ServerError::Thread)?;
        Ok(Running {
            addresses,
            stop,
            threads,
            shared,
        })
    }
}

impl Running {
    /// Where it listens.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// What it counted so far, without a look at what is stored.
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Ends the sessions and the listeners, and tells what was done.
    pub fn stop(mut self) -> Result<Stats, StoreError> {
        self.join();
        Ok(Stats {
            stored: self.shared.store.stored()?,
            ..self.shared.stats()
        })
    }

    fn join(&mut self) {
        self.stop.cancel();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so on standard error.
            let _ = thread.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.join();
    }
}

impl Shared {
    fn stats(&self) -> Stats {
        Stats {
            pop3: self.pop3.read(),
            imap: self.imap.read(),
            lmtp: self.lmtp.read(),
            delivered: self.delivered.read(),
            appended: self.appended.read(),
            copied: self.copied.read(),
            deleted: self.deleted.read(),
            stored_at_start: self.stored_at_start,
            stored: Amount::default(),
        }
    }

    fn counters(&self, service: Service) -> &Arc<ProtocolCounters> {
        match service {
            Service::Pop3 | Service::Pop3s => &self.pop3,
            Service::Imap | Service::Imaps => &self.imap,
            Service::Lmtp => &self.lmtp,
        }
    }
}

type Listeners = Vec<(Service, TcpListener)>;

fn listen(config: &Config, ca: Option<PathBuf>) -> Result<(Addresses, Listeners), ServerError> {
    let mut addresses = Addresses {
        ca,
        ..Addresses::default()
    };
    let mut listeners = Listeners::new();
    for (service, name, wanted, got) in [
        (Service::Pop3, "POP3", config.pop3, &mut addresses.pop3),
        (Service::Imap, "IMAP", config.imap, &mut addresses.imap),
        (Service::Lmtp, "LMTP", config.lmtp, &mut addresses.lmtp),
        (Service::Pop3s, "POP3S", config.pop3s, &mut addresses.pop3s),
        (Service::Imaps, "IMAPS", config.imaps, &mut addresses.imaps),
    ] {
        let Some(address) = wanted else { continue };
        let listener = bind(address).map_err(|source| ServerError::Listen {
            service: name,
            address,
            source,
        })?;
        *got = listener.local_addr().ok();
        listeners.push((service, listener));
    }
    Ok((addresses, listeners))
}

/// The queue is long, because a load generator opens many connections at once.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

type Handover = (Service, std::net::TcpStream);

/// The first thread accepts; it and the others serve.
fn threads(
    shared: &Arc<Shared>,
    stop: &CancellationToken,
    listeners: Listeners,
) -> io::Result<Vec<JoinHandle<()>>> {
    let mut threads = Vec::new();
    let mut others = Vec::new();
    for number in 1..shared.config.threads.max(1) {
        let (sender, receiver) = mpsc::unbounded_channel::<Handover>();
        others.push(sender);
        let (shared, stop) = (Arc::clone(shared), stop.clone());
        let runtime = runtime()?;
        threads.push(
            thread::Builder::new()
                .name(format!("mailserver-{number}"))
                .spawn(move || {
                    run(&runtime, async |sessions| {
                        Worker::new(&shared, &stop, sessions)
                            .take_over(receiver)
                            .await;
                    });
                })?,
        );
    }
    let (shared, stop) = (Arc::clone(shared), stop.clone());
    let runtime = runtime()?;
    let listeners = {
        let _inside = runtime.enter();
        listeners
            .into_iter()
            .map(|(service, listener)| Ok((service, tokio::net::TcpListener::from_std(listener)?)))
            .collect::<io::Result<Vec<_>>>()?
    };
    threads.push(
        thread::Builder::new()
            .name("mailserver-0".to_owned())
            .spawn(move || {
                run(&runtime, async |sessions| {
                    Worker::new(&shared, &stop, sessions)
                        .accept_all(listeners, others)
                        .await;
                });
            })?,
    );
    Ok(threads)
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Runs `work`, then waits a moment for the sessions it started: each holds a sender.
fn run(runtime: &Runtime, work: impl AsyncFnOnce(mpsc::Sender<()>)) {
    runtime.block_on(async {
        let (sessions, mut all_ended) = mpsc::channel(1);
        work(sessions).await;
        let _ = tokio::time::timeout(GRACE, all_ended.recv()).await;
    });
}

/// One thread's part.
#[derive(Clone)]
struct Worker {
    shared: Arc<Shared>,
    stop: CancellationToken,
    sessions: mpsc::Sender<()>,
}

impl Worker {
    fn new(shared: &Arc<Shared>, stop: &CancellationToken, sessions: mpsc::Sender<()>) -> Self {
        Self {
            shared: Arc::clone(shared),
            stop: stop.clone(),
            sessions,
        }
    }

    async fn accept_all(
        &self,
        listeners: Vec<(Service, tokio::net::TcpListener)>,
        others: Vec<mpsc::UnboundedSender<Handover>>,
    ) {
        for (service, listener) in listeners {
            let (worker, others) = (self.clone(), others.clone());
            tokio::spawn(async move { worker.accept(service, &listener, &others).await });
        }
        self.stop.cancelled().await;
    }

    async fn accept(
        &self,
        service: Service,
        listener: &tokio::net::TcpListener,
        others: &[mpsc::UnboundedSender<Handover>],
    ) {
        let mut next = 0;
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.stop.cancelled() => return,
            };
            let Ok((tcp, _)) = accepted else {
                // Out of file descriptors, most likely: others must end first.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            match others.get(next) {
                Some(other) => {
                    if let Ok(tcp) = tcp.into_std() {
                        // A receiver that is gone means the server stops.
                        let _ = other.send((service, tcp));
                    }
                }
                None => self.serve(service, tcp),
            }
            next = (next + 1) % (others.len() + 1);
        }
    }

    async fn take_over(&self, mut connections: mpsc::UnboundedReceiver<Handover>) {
        loop {
            tokio::select! {
                handover = connections.recv() => match handover {
                    Some((service, tcp)) => if let Ok(tcp) = TcpStream::from_std(tcp) {
                        self.serve(service, tcp);
                    },
                    None => return,
                },
                () = self.stop.cancelled() => return,
            }
        }
    }

    fn serve(&self, service: Service, tcp: TcpStream) {
        let Some(seat) = Seat::take(&self.shared) else {
            tracing::warn!(
                "a connection was refused: {} are open already",
                self.shared.config.limits.connections
            );
            return;
        };
        let counters = Arc::clone(self.shared.counters(service));
        counters.connections.fetch_add(1, Ordering::Relaxed);
        // Without this small replies would wait for acknowledgements; a refusal costs time only.
        let _ = tcp.set_nodelay(true);
        let connection = Connection::new(tcp, counters, self.stop.clone());
        let shared = Arc::clone(&self.shared);
        let alive = self.sessions.clone();
        tokio::spawn(async move {
            let (_seat, _alive) = (seat, alive);
            session(&shared, service, connection).await;
        });
    }
}

async fn session(shared: &Arc<Shared>, service: Service, mut connection: Connection) {
    if matches!(service, Service::Pop3s | Service::Imaps) {
        let Some(acceptor) = &shared.tls else { return };
        if connection.start_tls(acceptor).await.is_err() {
            return;
        }
    }
    match service {
        Service::Pop3 | Service::Pop3s => pop3::serve(shared, connection).await,
        Service::Imap | Service::Imaps => imap::serve(shared, connection).await,
        Service::Lmtp => lmtp::serve(shared, connection).await,
    }
}

/// One of the connections that may be open at the same time.
struct Seat(Arc<Shared>);

impl Seat {
    fn take(shared: &Arc<Shared>) -> Option<Self> {
        let seat = Self(Arc::clone(shared));
        let before = shared.connections.fetch_add(1, Ordering::Relaxed);
        (before < shared.config.limits.connections).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

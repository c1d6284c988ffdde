//! Starts a server and stops it again: mail, certificate, listeners, threads.

use std::fs::{self, File, TryLockError};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::config::{Config, TlsConfig};
use super::faults::{Cut, CutAt, Cutter};
use super::stats::{AmountCounter, ProtocolCounters, Stats};
use super::store::{Amount, Store, StoreError};
use super::threads::threads;
use super::tls;
use super::wrong::Occasions;

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
    /// Two servers would number messages against each other.
    #[error("{} is in use by another server; stop that one or choose another folder", .0.display())]
    InUse(PathBuf),
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
    pub(super) connections: AtomicUsize,
    pub(super) cutter: Cutter,
    /// For what goes wrong every other time.
    pub(super) occasions: Occasions,
    /// Held as long as the server runs.
    _lock: File,
}

impl Shared {
    /// Whether the connection is to be cut at this command, on purpose.
    pub(super) fn cut(&self, command: CutAt) -> Option<Cut> {
        self.cutter.at(command, &self.config.faults)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
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
        let lock = lock(&config.directory)?;
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
            cutter: Cutter::default(),
            occasions: Occasions::default(),
            _lock: lock,
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

    pub(super) fn counters(&self, service: Service) -> &Arc<ProtocolCounters> {
        match service {
            Service::Pop3 | Service::Pop3s => &self.pop3,
            Service::Imap | Service::Imaps => &self.imap,
            Service::Lmtp => &self.lmtp,
        }
    }
}

pub(super) type Listeners = Vec<(Service, TcpListener)>;

/// Keeps other servers out of the folder.
fn lock(directory: &Path) -> Result<File, ServerError> {
    let path = directory.join("lock");
    let unusable = |source| ServerError::Directory {
        path: path.clone(),
        source,
    };
    let file = File::create(&path).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ServerError::InUse(directory.to_owned())),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}

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

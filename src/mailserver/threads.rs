//! The threads that serve: each has a runtime of its own; the first accepts and hands connections round. A panic
//! in one session ends that session only.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::server::{Listeners, Service, Shared};
use super::{imap, lmtp, pop3};

/// Sessions that do not end by themselves are given this long when the server stops.
const GRACE: Duration = Duration::from_secs(2);

type Handover = (Service, std::net::TcpStream);

/// The first thread accepts; it and the others serve.
pub(super) fn threads(
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
            refuse(service, tcp);
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

/// Says why before it hangs up, where that can be said before TLS: POP3 with a code of RFC 3206, IMAP with BYE (RFC 3501, section
/// 7.1.5), LMTP with 421 (RFC 5321, section 3.8).
fn refuse(service: Service, tcp: TcpStream) {
    let words: &[u8] = match service {
        Service::Pop3 => b"-ERR [SYS/TEMP] too many connections\r\n",
        Service::Imap => b"* BYE [UNAVAILABLE] too many connections\r\n",
        Service::Lmtp => b"421 4.3.2 too many connections\r\n",
        Service::Pop3s | Service::Imaps => return,
    };
    // The buffer of a new connection has room; whoever is gone already needs no answer.
    if let Ok(mut tcp) = tcp.into_std() {
        let _ = tcp.write_all(words);
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

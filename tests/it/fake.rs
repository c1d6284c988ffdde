//! A server that does what a test says, line by line, and counts the octets it saw.

use std::cell::RefCell;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use mailgauge::client::Login;
use mailgauge::metrics::{Observer, Operation, Sample};
use mailgauge::net::{Address, Dialer, TimeLimits, Trust};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Long enough for a loaded machine, short enough for a test that waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_millis(300);

/// The name in [`Certificate::for_localhost`].
pub(crate) const NAME: &str = "mail.example.org";

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// The server's end of one connection.
pub(crate) struct Peer {
    stream: Option<Box<dyn Stream>>,
    buffer: Vec<u8>,
    /// Octets received and sent above TLS.
    pub(crate) rx: u64,
    pub(crate) tx: u64,
}

impl Peer {
    fn new(tcp: TcpStream) -> Self {
        Self {
            stream: Some(Box::new(tcp)),
            buffer: Vec::new(),
            rx: 0,
            tx: 0,
        }
    }

    fn stream(&mut self) -> &mut Box<dyn Stream> {
        self.stream.as_mut().unwrap()
    }

    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.stream().write_all(bytes).await.unwrap();
        self.stream().flush().await.unwrap();
        self.tx += bytes.len() as u64;
    }

    /// As `say`, for a client that may have gone already.
    pub(crate) async fn try_to_say(&mut self, bytes: &[u8]) {
        let _ = self.stream().write_all(bytes).await;
        let _ = self.stream().flush().await;
    }

    /// The next line, without its end; empty: the client has closed.
    pub(crate) async fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.buffer.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return String::from_utf8(line).unwrap().trim_end().to_owned();
            }
            let mut piece = [0; 4096];
            let octets = self.stream().read(&mut piece).await.unwrap_or(0);
            if octets == 0 {
                return String::new();
            }
            self.rx += octets as u64;
            self.buffer.extend_from_slice(&piece[..octets]);
        }
    }

    pub(crate) async fn expect(&mut self, line: &str) {
        assert_eq!(self.line().await, line);
    }

    /// Expects each line and says what stands beside it.
    pub(crate) async fn play(&mut self, script: &[(&str, &str)]) {
        for (line, answer) in script {
            self.expect(line).await;
            self.say(answer).await;
        }
    }

    /// Lines up to a lone dot, as they came.
    pub(crate) async fn text(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            if line == "." {
                return lines;
            }
            lines.push(line);
        }
    }

    /// Says nothing and takes whatever comes, until the client is gone.
    pub(crate) async fn linger(&mut self) {
        let mut piece = [0; 4096];
        while matches!(self.stream().read(&mut piece).await, Ok(1..)) {}
    }

    /// How many octets of further lines are here already.
    pub(crate) fn waiting(&self) -> usize {
        self.buffer.len()
    }

    pub(crate) async fn tls(&mut self, certificate: &Certificate) {
        assert!(self.buffer.is_empty());
        let plain = self.stream.take().unwrap();
        let encrypted = certificate.acceptor().accept(plain).await;
        match encrypted {
            Ok(stream) => self.stream = Some(Box::new(stream)),
            Err(_) => self.stream = Some(Box::new(tokio::io::empty())),
        }
    }

    /// Says farewell and reads to the end.
    pub(crate) async fn close(mut self) -> Self {
        let _ = self.stream().shutdown().await;
        assert_eq!(self.line().await, "");
        self
    }
}

/// A server for one connection. Its task gives what `serve` returns.
pub(crate) async fn server<F, T>(
    serve: impl FnOnce(Peer) -> F + Send + 'static,
) -> (Address, JoinHandle<T>)
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = here(listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        tcp.set_nodelay(true).unwrap();
        drop(listener);
        serve(Peer::new(tcp)).await
    });
    (address, task)
}

pub(crate) fn here(socket: SocketAddr) -> Address {
    Address::new(socket, NAME)
}

/// A key and a certificate that it signed itself.
#[derive(Clone)]
pub(crate) struct Certificate {
    pub(crate) pem: String,
    config: Arc<rustls::ServerConfig>,
}

impl Certificate {
    pub(crate) fn of(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        Self {
            pem: made.cert.pem(),
            config: Arc::new(config),
        }
    }

    pub(crate) fn dialer(&self) -> Dialer {
        let trust = Trust::Ca(self.pem.clone().into_bytes());
        Dialer::new(&trust, true, true, limits()).unwrap()
    }

    fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }
}

pub(crate) fn limits() -> TimeLimits {
    TimeLimits {
        connect: PATIENCE,
        command: PATIENCE,
    }
}

/// For connections without TLS.
pub(crate) fn dialer() -> Dialer {
    Dialer::new(&Trust::Insecure, false, true, limits()).unwrap()
}

pub(crate) fn login() -> Login {
    Login::new("u0001", "hush")
}

/// Hears every sample.
#[derive(Clone, Default)]
pub(crate) struct Ear(Rc<RefCell<Vec<Sample>>>);

impl Ear {
    pub(crate) fn samples(&self) -> Vec<Sample> {
        self.0.borrow().clone()
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        self.0.borrow().iter().map(|s| s.operation).collect()
    }
}

impl Observer for Ear {
    fn operation(&self, sample: &Sample) {
        self.0.borrow_mut().push(*sample);
    }
}

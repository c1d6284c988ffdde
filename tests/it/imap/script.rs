//! A server that follows a script, and a client that meets it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use mailgauge::client::{ImapSession, Login, LoginMethod, OpenError};
use mailgauge::metrics::{ErrorClass, Observer, Operation, Sample};
use mailgauge::net::{Address, Dialer, TimeLimits, Trust};
use mailgauge::scenario::TlsMode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Far more than a test takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// One step of a server's script.
pub(super) enum Act {
    /// Sends this, LF as CRLF.
    Say(String),
    /// Sends this as it is.
    SayOctets(Vec<u8>),
    /// Expects this line.
    Hear(&'static str),
    /// Sends this again and again until the client hangs up.
    Babble(&'static str),
    /// Says nothing more and keeps the connection open.
    FallSilent,
}

pub(super) use Act::{FallSilent, Hear, SayOctets};

pub(super) fn say(text: &str) -> Act {
    Act::Say(text.to_owned())
}

/// Plays the script to one client, sending `chunk` octets at a time. Closes the connection at its end.
async fn play(listener: TcpListener, script: Vec<Act>, chunk: usize) {
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut heard = Vec::new();
    for act in script {
        match act {
            Act::Say(text) => {
                let text = text.replace('\n', "\r\n");
                send(&mut stream, text.as_bytes(), chunk).await;
            }
            SayOctets(octets) => send(&mut stream, &octets, chunk).await,
            Hear(line) => assert_eq!(hear(&mut stream, &mut heard).await, line),
            Act::Babble(text) => {
                let text = text.replace('\n', "\r\n");
                while stream.write_all(text.as_bytes()).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
            FallSilent => {
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
            }
        }
    }
}

async fn send(stream: &mut TcpStream, octets: &[u8], chunk: usize) {
    for part in octets.chunks(chunk) {
        // The client may have given up already.
        if stream.write_all(part).await.is_err() {
            return;
        }
        if chunk < 64 {
            tokio::task::yield_now().await;
        }
    }
}

async fn hear(stream: &mut TcpStream, heard: &mut Vec<u8>) -> String {
    loop {
        if let Some(end) = heard.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = heard.drain(..=end).collect();
            return String::from_utf8(line).unwrap().trim_end().to_owned();
        }
        if stream.read_buf(heard).await.unwrap() == 0 {
            return "(the client closed)".to_owned();
        }
    }
}

/// Remembers what it was told.
#[derive(Clone, Default)]
pub(super) struct Notes(pub(super) Rc<RefCell<Vec<Sample>>>);

impl Observer for Notes {
    fn operation(&self, sample: &Sample) {
        self.0.borrow_mut().push(*sample);
    }
}

/// What was done, and how it went.
pub(super) type Told = Vec<(Operation, Result<(), ErrorClass>)>;

impl Notes {
    pub(super) fn told(&self) -> Told {
        let samples = self.0.borrow();
        samples.iter().map(|s| (s.operation, s.outcome)).collect()
    }
}

pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        tokio::time::timeout(3 * PATIENCE, future)
            .await
            .expect("the test hangs")
    })
}

/// How a login goes with a server that tells everything unasked.
pub(super) fn well_met(capabilities: &str) -> Vec<Act> {
    vec![
        say(&format!(
            "* OK [CAPABILITY IMAP4rev1 {capabilities}] hello\n"
        )),
        Hear("m1 LOGIN \"u1\" \"pa\\\"ss\""),
        say(&format!("m1 OK [CAPABILITY IMAP4rev1 {capabilities}] in\n")),
    ]
}

/// A client that has just tried to log in to a server that follows `script`.
pub(super) struct Met {
    pub(super) session: Result<ImapSession<Notes>, OpenError>,
    pub(super) told: Notes,
    pub(super) server: JoinHandle<()>,
}

/// Starts the server and opens a session with it. A silence of the server is taken for `limit`.
pub(super) async fn meet(
    script: Vec<Act>,
    chunk: usize,
    method: LoginMethod,
    limit: Duration,
) -> Met {
    meet_by(TlsMode::Plain, script, chunk, method, limit).await
}

/// As [`meet`], asking for TLS. The server cannot do it.
pub(super) async fn meet_by(
    mode: TlsMode,
    script: Vec<Act>,
    chunk: usize,
    method: LoginMethod,
    limit: Duration,
) -> Met {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::new(listener.local_addr().unwrap(), "localhost");
    let server = tokio::task::spawn_local(play(listener, script, chunk));
    let limits = TimeLimits {
        connect: limit,
        command: limit,
    };
    let dialer = Dialer::new(&Trust::Insecure, false, false, limits).unwrap();
    let login = Login {
        method,
        ..Login::new("u1", "pa\"ss")
    };
    let told = Notes::default();
    let due = Instant::now();
    let session = ImapSession::open(&dialer, &address, mode, &login, due, told.clone()).await;
    Met {
        session,
        told,
        server,
    }
}

/// Plays a script after the login, under several cuttings, and gives the client's session to `act`.
pub(super) fn scripted<T, F: Future<Output = T>>(
    capabilities: &str,
    script: impl Fn() -> Vec<Act>,
    act: impl Fn(ImapSession<Notes>) -> F,
) -> T {
    let results = [1, 7, 1 << 16].map(|chunk| {
        let mut whole = well_met(capabilities);
        whole.extend(script());
        run(async {
            let met = meet(whole, chunk, LoginMethod::Plaintext, PATIENCE).await;
            let result = act(met.session.unwrap()).await;
            met.server.await.unwrap();
            result
        })
    });
    results.into_iter().next_back().unwrap()
}

/// Plays a whole script and returns how opening a session went.
pub(super) fn opened(
    method: LoginMethod,
    script: Vec<Act>,
) -> (Result<ImapSession<Notes>, OpenError>, Told) {
    run(async {
        let met = meet(script, 1 << 16, method, PATIENCE).await;
        met.server.await.unwrap();
        (met.session, met.told.told())
    })
}

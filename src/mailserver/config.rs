//! What a server needs to know before it starts.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::{Accounts, Faults};

/// Everything about a server. [`Config::new`] listens on free loopback ports, without TLS.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where mail, certificates and statistics lie.
    pub directory: PathBuf,
    /// Who may log in and gets mail.
    pub accounts: Accounts,
    /// POP3 with STLS where there is TLS.
    pub pop3: Option<SocketAddr>,
    /// IMAP with STARTTLS where there is TLS.
    pub imap: Option<SocketAddr>,
    /// LMTP.
    pub lmtp: Option<SocketAddr>,
    /// POP3 within TLS.
    pub pop3s: Option<SocketAddr>,
    /// IMAP within TLS.
    pub imaps: Option<SocketAddr>,
    /// Where the certificate comes from.
    pub tls: TlsConfig,
    /// Each message and each index record is on the disk before it is answered for.
    pub fsync: bool,
    /// Threads that serve sessions.
    pub threads: usize,
    /// What clients may take.
    pub limits: Limits,
    /// What goes wrong on purpose.
    pub faults: Faults,
}

/// Where the server's certificate comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TlsConfig {
    /// No TLS.
    #[default]
    Off,
    /// A certificate for `localhost` and `127.0.0.1` of an own authority, whose certificate is left in
    /// `DIR/ca.pem`.
    SelfSigned,
    /// PEM files.
    Files {
        /// Certificate chain, the server's own first.
        certificate: PathBuf,
        /// Private key.
        key: PathBuf,
    },
}

/// What clients may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at the same time, all protocols together.
    pub connections: usize,
    /// Octets of a message.
    pub message: u64,
    /// An IMAP session without a command ends (RFC 3501 section 5.4: at least 30 minutes).
    pub imap_idle: Duration,
    /// A POP3 session without a command ends (RFC 1939 section 3: at least 10 minutes).
    pub pop3_idle: Duration,
    /// An LMTP session without a command ends.
    pub lmtp_idle: Duration,
    /// Failed logins of one connection before it is closed.
    pub failed_logins: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            message: 64 << 20,
            imap_idle: Duration::from_secs(30 * 60),
            pop3_idle: Duration::from_secs(10 * 60),
            lmtp_idle: Duration::from_secs(5 * 60),
            failed_logins: 5,
        }
    }
}

impl Config {
    /// POP3, IMAP and LMTP on free ports of 127.0.0.1.
    pub fn new(directory: impl Into<PathBuf>, accounts: Accounts) -> Self {
        let any = Some(Self::loopback(0));
        Self {
            directory: directory.into(),
            accounts,
            pop3: any,
            imap: any,
            lmtp: any,
            pop3s: None,
            imaps: None,
            tls: TlsConfig::Off,
            fsync: false,
            threads: 1,
            limits: Limits::default(),
            faults: Faults::default(),
        }
    }

    /// The same with TLS: a self-signed certificate, STLS and STARTTLS, and the ports within TLS.
    #[must_use]
    pub fn with_tls(mut self) -> Self {
        self.tls = TlsConfig::SelfSigned;
        self.pop3s = Some(Self::loopback(0));
        self.imaps = Some(Self::loopback(0));
        self
    }

    /// A port of 127.0.0.1; 0 for any.
    pub fn loopback(port: u16) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, port).into()
    }
}

//! What went wrong in a session, and what the session came to.

use std::time::Duration;

use crate::metrics::{ErrorClass, Operation, Traffic};
use crate::net::{NetError, TlsFacts};
pub use crate::proto::line::printable;

/// A command, or the way in, that failed. `detail` is one sentence, with the server's words where it
/// spoke, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ClientError {
    /// The kind of failure: a column of the CSVs.
    pub class: ErrorClass,
    /// What was being done.
    pub operation: Operation,
    /// One sentence for people.
    pub detail: String,
}

impl ClientError {
    /// A failure with a sentence of its own.
    pub fn new(class: ErrorClass, operation: Operation, detail: impl Into<String>) -> Self {
        Self {
            class,
            operation,
            detail: detail.into(),
        }
    }

    /// The server said no: its own words are quoted, cut and cleaned.
    pub fn refused(class: ErrorClass, operation: Operation, words: &[u8]) -> Self {
        let words = printable(words);
        Self::new(
            class,
            operation,
            format!("the server refused ({operation}): {words}"),
        )
    }

    /// The server closed the connection although a reply was due.
    pub fn closed(operation: Operation) -> Self {
        Self::new(
            ErrorClass::ConnectionLost,
            operation,
            format!("the server closed the connection in the middle ({operation})"),
        )
    }

    /// The server's reply is not what the protocol allows here; `detail` says what was found.
    pub fn protocol(operation: Operation, detail: impl AsRef<str>) -> Self {
        Self::new(
            ErrorClass::Protocol,
            operation,
            format!(
                "the server broke the protocol ({operation}): {}",
                detail.as_ref()
            ),
        )
    }

    /// A failure of the wire during `operation`.
    pub fn from_net(operation: Operation, error: &NetError) -> Self {
        Self::new(class_of(error), operation, error.to_string())
    }

    /// Whether the connection can carry on: the server refused a command, nothing else happened.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self.class,
            ErrorClass::CommandRefused
                | ErrorClass::BadCommand
                | ErrorClass::NotOffered
                | ErrorClass::Authentication
                | ErrorClass::InUse
                | ErrorClass::LoginDelay
        )
    }
}

/// The column entry for a failure of the wire.
fn class_of(error: &NetError) -> ErrorClass {
    match error {
        NetError::Resolve { .. } => ErrorClass::Resolve,
        NetError::Offline => ErrorClass::Offline,
        NetError::Refused { .. } => ErrorClass::Refused,
        NetError::Unreachable { .. } => ErrorClass::Unreachable,
        NetError::ConnectTimeout { .. } => ErrorClass::ConnectTimeout,
        NetError::Tls { .. } | NetError::Settings { .. } => ErrorClass::Tls,
        NetError::PlaintextBeforeTls { .. } | NetError::Deflate { .. } => ErrorClass::Protocol,
        NetError::Timeout { .. } => ErrorClass::Timeout,
        NetError::Lost { .. } => ErrorClass::ConnectionLost,
        NetError::TooLong { .. } => ErrorClass::TooLong,
    }
}

/// What a session came to, whole or broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionFigures {
    /// Until the TCP connection stood.
    pub connect: Option<Duration>,
    /// The TLS handshake; with STLS or STARTTLS that command too.
    pub tls: Option<Duration>,
    /// From the connection (or implicit TLS) to the whole greeting.
    pub greeting: Option<Duration>,
    /// The whole authentication.
    pub login: Option<Duration>,
    /// What TLS agreed on.
    pub tls_facts: Option<TlsFacts>,
    /// The client's end of the connection.
    pub local_port: Option<u16>,
    /// What passed in the whole connection.
    pub traffic: Traffic,
    /// Octets of the whole connection between compression and TLS, received and sent; none: nothing was compressed.
    pub compressed: Option<(u64, u64)>,
    /// Round trips of the whole connection, TCP's and TLS's included.
    pub round_trips: u32,
    /// Commands sent (of a pipeline, each).
    pub commands: u32,
}

/// A session that did not come to be: why, and what was measured until then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct OpenError {
    /// Why.
    #[source]
    pub error: ClientError,
    /// What the attempt came to.
    pub figures: SessionFigures,
}

//! What a service says to somebody who does not log in.

use super::{ClientError, Link, OpenError, SessionFigures};
use crate::metrics::Observer;
use crate::net::TlsFacts;

/// What a service says to somebody who does not log in, as far as they got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visit {
    /// The words of the greeting.
    pub greeting: Option<String>,
    /// What is offered on a connection without TLS; none where TLS begins with the first byte.
    pub before_tls: Option<Vec<String>>,
    /// TLS, where it was had.
    pub tls: Option<TlsSeen>,
    /// What is offered with TLS.
    pub after_tls: Option<Vec<String>>,
    /// What the visit came to.
    pub figures: SessionFigures,
    /// What ended it early.
    pub failure: Option<ClientError>,
}

/// TLS as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSeen {
    /// Version and suite.
    pub facts: TlsFacts,
    /// The server's certificates, DER, its own first.
    pub certificates: Vec<Vec<u8>>,
}

impl Visit {
    /// It ended before it began.
    pub(super) fn failed(OpenError { error, figures }: OpenError) -> Self {
        Self {
            figures,
            failure: Some(error),
            ..Self::default()
        }
    }

    /// Takes note of the TLS that a connection has by now.
    pub(super) fn see_tls<O: Observer>(&mut self, link: &mut Link<O>) {
        let certificates = link.wire().peer_certificates();
        self.tls = link.figures().tls_facts.map(|facts| TlsSeen {
            facts,
            certificates,
        });
    }
}

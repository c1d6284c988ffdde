//! TLS settings: whom to trust, whether to resume, and what a failure means in words.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, HandshakeKind,
    RootCertStore, SignatureScheme,
};

use super::NetError;

/// Whose certificates are believed.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Those signed by one of these authorities, in PEM.
    Ca(Vec<u8>),
    /// Those signed by an authority that this machine trusts.
    System,
    /// Anybody's: encrypted, but to whom is unknown. For test servers only.
    Insecure,
}

/// What a client shows to a server that asks who it is.
#[derive(Clone)]
pub struct ClientCertificate {
    /// PEM: the certificate, and those between it and an authority.
    pub chain: Vec<u8>,
    /// PEM: its key; never printed.
    pub key: Vec<u8>,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate")
    }
}

impl ClientCertificate {
    pub(super) fn resolver(&self) -> Result<Arc<dyn ResolvesClientCert>, NetError> {
        let unusable = |reason: String| NetError::Settings { reason };
        let chain = CertificateDer::pem_slice_iter(&self.chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unusable(format!("the client certificate is no PEM: {error}")))?;
        if chain.is_empty() {
            return Err(unusable(
                "the file of the client certificate holds none".into(),
            ));
        }
        // The parser's own words could repeat what is in the file.
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| {
            unusable("the file of the client's key holds no unencrypted PEM key".into())
        })?;
        let certified = CertifiedKey::from_der(chain, key, &provider())
            .map_err(|error| unusable(format!("the client certificate and its key: {error}")))?;
        Ok(Arc::new(SingleCertAndKey::from(certified)))
    }
}

/// What a handshake agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1_2` or `TLSv1_3`.
    pub version: &'static str,
    /// IANA name of the cipher suite.
    pub suite: &'static str,
    /// The session was resumed from an earlier one's ticket: a shorter, cheaper handshake.
    pub resumed: bool,
}

impl TlsFacts {
    pub(super) fn of(connection: &ClientConnection) -> Self {
        Self {
            version: connection
                .protocol_version()
                .and_then(|version| version.as_str())
                .unwrap_or("unknown"),
            suite: connection
                .negotiated_cipher_suite()
                .and_then(|suite| suite.suite().as_str())
                .unwrap_or("unknown"),
            resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
        }
    }
}

/// One server is dialled again and again: a handful of tickets is plenty.
const TICKETS: usize = 8;

/// A store of its own for session tickets, or none at all.
pub(super) fn tickets(resumption: bool) -> Resumption {
    if resumption {
        Resumption::in_memory_sessions(TICKETS)
    } else {
        Resumption::disabled()
    }
}

/// The client's TLS settings.
pub(super) fn client_config(trust: &Trust, resumption: bool) -> Result<ClientConfig, NetError> {
    let provider = Arc::new(provider());
    let unusable = |reason: String| NetError::Settings { reason };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?;
    let builder = match trust {
        Trust::Ca(pem) => builder.with_root_certificates(roots_from_pem(pem)?),
        Trust::System => builder.with_root_certificates(system_roots()?),
        Trust::Insecure => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(BelieveAnybody { provider })),
    };
    let mut config = builder.with_no_client_auth();
    config.resumption = tickets(resumption);
    Ok(config)
}

#[cfg(not(feature = "aws-lc"))]
fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

#[cfg(feature = "aws-lc")]
fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

fn roots_from_pem(pem: &[u8]) -> Result<RootCertStore, NetError> {
    let unusable = |reason: String| NetError::Settings { reason };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate
            .map_err(|error| unusable(format!("the CA file is not readable PEM: {error}")))?;
        roots
            .add(certificate)
            .map_err(|error| unusable(format!("a certificate of the CA file: {error}")))?;
    }
    if roots.is_empty() {
        return Err(unusable("the CA file holds no certificate".to_owned()));
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, NetError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let reason = found.errors.first().map_or_else(
            || "this machine has no trusted certificates (install `ca-certificates`, or name a CA file)".to_owned(),
            |error| format!("this machine's trusted certificates cannot be read: {error}"),
        );
        return Err(NetError::Settings { reason });
    }
    Ok(roots)
}

/// A failed handshake in words.
pub(super) fn handshake_error(name: &str, error: &io::Error) -> NetError {
    let reason = match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        Some(rustls::Error::InvalidCertificate(certificate)) => certificate_reason(certificate),
        Some(rustls::Error::InvalidMessage(_)) => {
            "the server did not answer in TLS (is this a plain-text port, for STARTTLS perhaps?)"
                .to_owned()
        }
        Some(rustls::Error::AlertReceived(alert)) => {
            format!("the server ended the handshake with the alert {alert:?}")
        }
        Some(other) => other.to_string(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the server closed the connection during the handshake".to_owned()
        }
        None => error.to_string(),
    };
    NetError::Tls {
        name: name.to_owned(),
        reason,
    }
}

fn certificate_reason(error: &CertificateError) -> String {
    match error {
        CertificateError::NotValidForName => {
            "the server's certificate is for another name".to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } => format!(
            "the server's certificate is for another name: {}",
            presented.join(", ")
        ),
        // A bad signature: an authority of that name is trusted, but it has another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "the server's certificate is signed by nobody we trust (name its CA file, or turn the check off for a test server)".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet (are both clocks right?)".to_owned()
        }
        // What `openssl req -x509` makes; the verifier hands this reason through without a type of its own.
        CertificateError::Other(reason) if reason.to_string().contains("CaUsedAsEndEntity") => {
            "the server's certificate is one for an authority (CA:TRUE), which may sign but not serve: make one with CA:FALSE, or turn the check off for a test server".to_owned()
        }
        other => format!("the server's certificate is not acceptable: {other}"),
    }
}

/// Takes any certificate, but still checks that the server holds its key.
#[derive(Debug)]
struct BelieveAnybody {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for BelieveAnybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

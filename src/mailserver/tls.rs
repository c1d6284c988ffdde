//! The server's side of TLS: a certificate from files, or one of its own for loopback.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::server::ServerError;

/// Takes the certificate from PEM files.
pub(super) fn from_files(certificate: &Path, key: &Path) -> Result<TlsAcceptor, ServerError> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| tls_file(certificate, &error))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| tls_file(key, &error))?;
    acceptor(chain, key)
}

fn tls_file(path: &Path, error: &dyn std::error::Error) -> ServerError {
    ServerError::Certificate(format!("{}: {error}", path.display()))
}

/// Makes an authority and a certificate for loopback, and leaves the authority's in `ca.pem`.
pub(super) fn self_signed(directory: &Path) -> Result<(TlsAcceptor, PathBuf), ServerError> {
    let (authority, chain, key) =
        certificates().map_err(|error| ServerError::Certificate(error.to_string()))?;
    let path = directory.join("ca.pem");
    fs::write(&path, authority).map_err(|source| ServerError::Directory {
        path: path.clone(),
        source,
    })?;
    Ok((acceptor(chain, key)?, path))
}

type Made = (String, Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn certificates() -> Result<Made, rcgen::Error> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority
        .distinguished_name
        .push(DnType::CommonName, "mailgauge test authority");
    let authority_key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut server = CertificateParams::new(names)?;
    server
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    server.use_authority_key_identifier_extension = true;
    let server_key = KeyPair::generate()?;
    let certificate = server.signed_by(&server_key, &issuer)?;
    let key = PrivateKeyDer::try_from(server_key.serialize_der())
        .map_err(|_| rcgen::Error::CouldNotParseKeyPair)?;
    Ok((
        authority_certificate.pem(),
        vec![certificate.der().clone()],
        key,
    ))
}

fn acceptor(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<TlsAcceptor, ServerError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| ServerError::Certificate(error.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

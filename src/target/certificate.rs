//! A certificate authority and one server certificate, made afresh for a private server.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::net::Trust;

/// Files of a server certificate for `localhost` and `127.0.0.1`, and the authority that vouches for it.
#[derive(Debug)]
pub(super) struct Certificate {
    /// PEM file: the server's certificate.
    pub(super) chain: PathBuf,
    /// PEM file: the server's key, readable by its owner only.
    pub(super) key: PathBuf,
    /// PEM text: the authority to trust.
    pub(super) authority: String,
}

impl Certificate {
    /// What clients of a server with this certificate believe.
    pub(super) fn trust(certificate: Option<&Self>) -> Trust {
        certificate.map_or(Trust::System, |it| {
            Trust::Ca(it.authority.clone().into_bytes())
        })
    }

    /// Writes `server.pem` and `server.key` into `directory`. The key of the authority is forgotten.
    pub(super) fn create(directory: &Path) -> io::Result<Self> {
        let (authority, server, key) = generate().map_err(io::Error::other)?;
        let files = Self {
            chain: directory.join("server.pem"),
            key: directory.join("server.key"),
            authority,
        };
        fs::write(&files.chain, server)?;
        fs::write(&files.key, "")?;
        fs::set_permissions(&files.key, fs::Permissions::from_mode(0o600))?;
        fs::write(&files.key, key)?;
        Ok(files)
    }
}

fn generate() -> Result<(String, String, String), rcgen::Error> {
    let ca_key = KeyPair::generate()?;
    let mut ca = CertificateParams::new(Vec::<String>::new())?;
    ca.distinguished_name
        .push(DnType::CommonName, "mailgauge private authority");
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca_certificate = ca.self_signed(&ca_key)?;
    let issuer = Issuer::new(ca, ca_key);

    let key = KeyPair::generate()?;
    let mut server = CertificateParams::new(vec!["localhost".into(), "127.0.0.1".into()])?;
    server
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = server.signed_by(&key, &issuer)?;
    Ok((ca_certificate.pem(), certificate.pem(), key.serialize_pem()))
}

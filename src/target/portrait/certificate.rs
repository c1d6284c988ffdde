//! What stands in a server's certificate, in words.

use serde::Serialize;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;
use x509_parser::prelude::X509Certificate;
use x509_parser::time::ASN1Time;

use crate::client::printable;

/// More names than this are not listed.
const MOST_NAMES: usize = 100;

/// What stands in a server's certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CertificatePortrait {
    /// Whose it is.
    pub subject: String,
    /// Who vouches for it.
    pub issuer: String,
    /// The names and addresses that it is for; at most 100.
    pub names: Vec<String>,
    /// From when it is valid, RFC 3339.
    pub not_before: String,
    /// Until when, RFC 3339.
    pub not_after: String,
    /// Certificates that the server showed, this one included.
    pub chain_length: u32,
}

impl CertificatePortrait {
    /// Of what a server showed, DER, its own first. None: it showed nothing that can be read.
    pub(super) fn of(shown: &[Vec<u8>]) -> Option<Self> {
        let (_, certificate) = parse_x509_certificate(shown.first()?).ok()?;
        let validity = certificate.validity();
        Some(Self {
            subject: printable(certificate.subject().to_string().as_bytes()),
            issuer: printable(certificate.issuer().to_string().as_bytes()),
            names: names(&certificate),
            not_before: moment(validity.not_before),
            not_after: moment(validity.not_after),
            chain_length: shown.len() as u32,
        })
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(alternatives)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let names = alternatives.value.general_names.iter();
    names.filter_map(name).take(MOST_NAMES).collect()
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(printable(name.as_bytes())),
        GeneralName::IPAddress(octets) => match <[u8; 4]>::try_from(*octets) {
            Ok(octets) => Some(std::net::Ipv4Addr::from(octets).to_string()),
            Err(_) => <[u8; 16]>::try_from(*octets)
                .ok()
                .map(|octets| std::net::Ipv6Addr::from(octets).to_string()),
        },
        _ => None,
    }
}

fn moment(time: ASN1Time) -> String {
    let moment = jiff::Timestamp::from_second(time.timestamp());
    moment.map_or_else(|_| time.to_string(), |moment| moment.to_string())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::CertificatePortrait;

    #[test]
    fn a_certificate_is_told_in_words() {
        let names = ["mail.example.org", "192.0.2.1", "2001:db8::1"].map(String::from);
        let mut params = CertificateParams::new(names.clone()).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, "mail.example.org");
        params.not_before = date_time_ymd(2020, 2, 3);
        params.not_after = date_time_ymd(2021, 2, 3);
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        let portrait = CertificatePortrait::of(&[der.clone(), der]).unwrap();
        assert!(portrait.subject.contains("mail.example.org"));
        assert_eq!(portrait.issuer, portrait.subject);
        assert_eq!(portrait.names, names);
        assert_eq!(portrait.not_before, "2020-02-03T00:00:00Z");
        assert_eq!(portrait.not_after, "2021-02-03T00:00:00Z");
        assert_eq!(portrait.chain_length, 2);
    }

    #[test]
    fn what_is_no_certificate_has_no_portrait() {
        assert_eq!(CertificatePortrait::of(&[]), None);
        assert_eq!(
            CertificatePortrait::of(&[b"\x30\x80garbage".to_vec()]),
            None
        );
    }
}

//! One service as it was seen. These types are the format of `mailgauge probe --json` and of the manifest's probe.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use strum::{Display, IntoStaticStr};

use super::CertificatePortrait;
use crate::client::{ImapExtension, LoginMethod};
use crate::scenario::TlsMode;

/// What a service is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Display, IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Role {
    /// Reading mail by POP3.
    Pop3,
    /// Reading mail by IMAP.
    Imap,
    /// Handing mail over.
    Delivery,
}

impl Role {
    /// Its name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Pop3 => "POP3",
            Self::Imap => "IMAP",
            Self::Delivery => "delivery",
        }
    }
}

/// One service as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServicePortrait {
    /// What it is for.
    pub role: Role,
    /// The name that its certificate must carry.
    pub host: String,
    /// Where it is.
    pub address: SocketAddr,
    /// How connections get their TLS.
    pub tls_mode: TlsMode,
    /// Arms use it; other doors are only looked at.
    pub used: bool,
    /// Its first line.
    pub greeting: Option<String>,
    /// What it offers when.
    pub offered: Offered,
    /// The TLS that was had, or the certificate for which it was not.
    pub tls: Option<TlsPortrait>,
    /// How the login went; none: nobody tried.
    pub login: Option<LoginPortrait>,
    /// Why it cannot be used, as far as nobody has logged in yet: a sentence.
    pub failure: Option<String>,
    /// TCP connections.
    pub connect: Option<Spread>,
    /// NOOP of a user who is logged in.
    pub noop: Option<Spread>,
    /// Sessions of one user at the same time.
    pub crowd: Option<Crowd>,
    /// What a POP3 service can do.
    pub pop3: Option<PopTraits>,
    /// What an IMAP service can do.
    pub imap: Option<ImapTraits>,
    /// What a service for delivery can do.
    pub delivery: Option<DeliveryTraits>,
    /// How long each connection took.
    #[serde(skip)]
    pub(super) connects: Vec<Duration>,
}

/// Lines of CAPA, names of CAPABILITY, lines of EHLO or LHLO. None: it was not asked there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Offered {
    /// On a connection without TLS.
    pub before_tls: Option<Vec<String>>,
    /// With TLS, before the login.
    pub after_tls: Option<Vec<String>>,
    /// To a user who is logged in.
    pub after_login: Option<Vec<String>>,
}

impl Offered {
    /// What is offered to somebody who has not logged in, by the last that was said.
    pub fn before_login(&self) -> Option<&[String]> {
        self.after_tls.as_deref().or(self.before_tls.as_deref())
    }
}

/// TLS as it was had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TlsPortrait {
    /// `TLSv1_2` or `TLSv1_3`.
    pub version: String,
    /// IANA name of the cipher suite.
    pub suite: String,
    /// What the server showed.
    pub certificate: Option<CertificatePortrait>,
    /// Whether the certificate is from somebody we trust, for this name and for today.
    pub verified: bool,
    /// Why it is not.
    pub not_verified_because: Option<String>,
}

/// How a login went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoginPortrait {
    /// How name and password were presented.
    pub method: LoginMethod,
    /// Why it failed; none: it did not.
    pub error: Option<String>,
}

/// Times of the same thing, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// The middle one, µs.
    pub median_us: u64,
    /// The shortest, µs.
    pub low_us: u64,
    /// The longest, µs.
    pub high_us: u64,
    /// How many.
    pub n: u32,
}

impl Spread {
    /// None of none.
    pub fn of(times: &[Duration]) -> Option<Self> {
        let mut times: Vec<u64> = times.iter().map(|time| time.as_micros() as u64).collect();
        times.sort_unstable();
        let (&low_us, &high_us) = (times.first()?, times.last()?);
        Some(Self {
            median_us: times[times.len() / 2],
            low_us,
            high_us,
            n: times.len() as u32,
        })
    }
}

/// Sessions of one user at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Crowd {
    /// So many were tried, at most.
    pub tried: u32,
    /// So many were let in.
    pub let_in: u32,
    /// What kept the next one out; none: nothing did.
    pub refused: Option<String>,
}

/// What a POP3 service can do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PopTraits {
    /// Who it says it is.
    pub implementation: Option<String>,
    /// UIDL is announced.
    pub uidl: bool,
    /// UIDL is answered; none: it was not tried.
    pub uidl_works: Option<bool>,
    /// TOP is announced.
    pub top: bool,
    /// TOP is answered; none: it was not tried, for there is no mail.
    pub top_works: Option<bool>,
    /// PIPELINING is announced.
    pub pipelining: bool,
    /// Commands that are sent at once are all answered; none: it was not tried.
    pub pipelining_works: Option<bool>,
    /// Seconds that are announced to lie between two logins.
    pub login_delay_s: Option<u32>,
    /// How long messages are announced to be kept: `never` expire, or days.
    pub expire: Option<String>,
    /// Whether one session keeps others out; none: it was not tried.
    pub lock: Option<Lock>,
    /// Anything announced about idle sessions being ended.
    pub autologout: Option<String>,
}

/// Whether one POP3 session of a user keeps others out (RFC 1939, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Lock {
    /// It does.
    Exclusive,
    /// Others are let in beside it.
    Shared,
    /// The second session was refused for another reason.
    Unclear,
}

/// What an IMAP service can do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an extension, and independent of the others"
)]
pub struct ImapTraits {
    /// Who it says it is (ID, RFC 2971).
    pub implementation: Option<String>,
    /// IDLE (RFC 2177) is announced.
    pub idle: bool,
    /// IDLE is entered and left; none: it was not tried.
    pub idle_works: Option<bool>,
    /// CONDSTORE (RFC 7162).
    pub condstore: bool,
    /// QRESYNC (RFC 7162).
    pub qresync: bool,
    /// COMPRESS=DEFLATE (RFC 4978).
    pub compress: bool,
    /// `LITERAL+`, `LITERAL-` (RFC 7888) or nothing.
    pub literals: Option<String>,
    /// MOVE (RFC 6851).
    #[serde(rename = "move")]
    pub moves: bool,
    /// UIDPLUS (RFC 4315).
    pub uidplus: bool,
    /// SPECIAL-USE (RFC 6154).
    pub special_use: bool,
    /// NAMESPACE (RFC 2342).
    pub namespace: bool,
    /// What the names of the user's own folders begin with.
    pub prefix: Option<String>,
    /// What parts the levels of a folder's name.
    pub delimiter: Option<char>,
    /// Largest message that APPEND takes (APPENDLIMIT, RFC 7889), octets.
    pub append_limit: Option<u64>,
    /// Anything announced about idle sessions being ended.
    pub autologout: Option<String>,
}

/// What a service for delivery can do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DeliveryTraits {
    /// `lmtp` or `smtp`.
    pub dialect: String,
    /// Largest message that it takes (SIZE, RFC 1870), octets; none: it names no limit.
    pub size_limit: Option<u64>,
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// STARTTLS (RFC 3207).
    pub starttls: bool,
}

impl ServicePortrait {
    /// Who it says it is.
    pub(super) fn software(&self) -> Option<String> {
        let imap = self.imap.as_ref();
        let pop3 = self.pop3.as_ref();
        imap.and_then(|traits| traits.implementation.clone())
            .or_else(|| pop3.and_then(|traits| traits.implementation.clone()))
    }

    /// Why nobody can work by it; none: somebody can, or nobody has tried to log in.
    pub fn trouble(&self) -> Option<&str> {
        let login = self.login.as_ref().and_then(|login| login.error.as_deref());
        self.failure.as_deref().or(login)
    }

    /// Somebody has logged in.
    pub fn works(&self) -> bool {
        let login = self.login.as_ref();
        self.failure.is_none() && login.is_some_and(|login| login.error.is_none())
    }

    /// Whether an extension of IMAP is announced to one who has logged in, and, where it was tried, works.
    pub fn offers(&self, extension: ImapExtension) -> bool {
        let names = self.offered.after_login.as_deref().unwrap_or_default();
        let traits = self.imap.as_ref();
        let failed = extension == ImapExtension::Idle
            && traits.is_some_and(|traits| traits.idle_works == Some(false));
        !failed && extension.is_among(|name| names.iter().any(|it| it == name))
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;
    use std::time::Duration;

    #[test]
    fn the_middle_one_of_a_spread_lies_between_its_ends() {
        assert_eq!(Spread::of(&[]), None);
        let times = [5, 1, 9].map(Duration::from_micros);
        let spread = Spread {
            median_us: 5,
            low_us: 1,
            high_us: 9,
            n: 3,
        };
        assert_eq!(Spread::of(&times), Some(spread));
    }
}

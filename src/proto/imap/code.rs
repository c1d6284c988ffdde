//! Response codes: the part of a status response that is meant for programs (RFC 3501 section 7.1, RFC 4315,
//! RFC 5530, RFC 7162).

use super::scan::{Flags, Scanner, Words, decimal};
use super::set::UidRanges;

/// What stands in the brackets of a status response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code<'a> {
    /// The person must see the text.
    Alert,
    /// What the server can do; saves the client a CAPABILITY command.
    Capability(Words<'a>),
    /// Flags that last.
    PermanentFlags(Flags<'a>),
    /// SELECT opened the mailbox for reading only.
    ReadOnly,
    /// SELECT opened the mailbox for reading and writing.
    ReadWrite,
    /// The mailbox does not exist but could be made.
    TryCreate,
    /// The mailbox does not exist.
    NonExistent,
    /// The UID that the next message will probably get.
    UidNext(u32),
    /// UIDs are valid under this number.
    UidValidity(u32),
    /// The first message not seen yet, by sequence number.
    Unseen(u32),
    /// The highest modification sequence (RFC 7162).
    HighestModSeq(u64),
    /// The mailbox keeps no modification sequences (RFC 7162).
    NoModSeq,
    /// A conditional STORE left these messages alone (RFC 7162).
    Modified(UidRanges<'a>),
    /// What was appended has these UIDs (RFC 4315).
    AppendUid {
        /// UIDVALIDITY of the mailbox.
        validity: u32,
        /// The new UIDs.
        uids: UidRanges<'a>,
    },
    /// What was copied had these UIDs and got those (RFC 4315).
    CopyUid {
        /// UIDVALIDITY of the mailbox that was copied to.
        validity: u32,
        /// UIDs in the mailbox that was copied from.
        from: UidRanges<'a>,
        /// UIDs of the copies, in the same order.
        to: UidRanges<'a>,
    },
    /// The mailbox that was selected before is closed now (RFC 7162).
    Closed,
    /// User or password is wrong (RFC 5530).
    AuthenticationFailed,
    /// The user may not do this (RFC 5530).
    AuthorizationFailed,
    /// The password is too old (RFC 5530).
    Expired,
    /// Not without TLS (RFC 5530).
    PrivacyRequired,
    /// Something behind the server does not answer (RFC 5530).
    Unavailable,
    /// A limit of the server, such as connections per user (RFC 5530).
    Limit,
    /// The mailbox would grow beyond its quota (RFC 5530).
    OverQuota,
    /// Somebody else holds what is needed (RFC 5530).
    InUse,
    /// Messages were expunged elsewhere and the command met one of them (RFC 5530).
    ExpungeIssued,
    /// Any other: its name.
    Other(&'a [u8]),
}

impl<'a> Code<'a> {
    /// Takes `[…]` off the front of a status response's text.
    pub(super) fn split(text: &'a [u8]) -> (Option<Self>, &'a [u8]) {
        let Some(inside) = text.strip_prefix(b"[") else {
            return (None, text);
        };
        let mut scanner = Scanner::new(inside, &[]);
        let Ok(code) = scanner.section() else {
            return (None, text);
        };
        let rest = scanner.rest();
        (
            Some(Self::parse(code)),
            rest.strip_prefix(b" ").unwrap_or(rest),
        )
    }

    /// A code that is not as it should be is [`Code::Other`]: it is advice, not data.
    fn parse(code: &'a [u8]) -> Self {
        let (name, value) = match memchr::memchr(b' ', code) {
            Some(at) => (&code[..at], &code[at + 1..]),
            None => (code, &[][..]),
        };
        Self::known(&name.to_ascii_uppercase(), value).unwrap_or(Self::Other(name))
    }

    fn known(name: &[u8], value: &'a [u8]) -> Option<Self> {
        let number = || decimal(value).and_then(|number| u32::try_from(number).ok());
        Some(match name {
            b"ALERT" => Self::Alert,
            b"CAPABILITY" => Self::Capability(Words(value)),
            b"PERMANENTFLAGS" => Self::PermanentFlags(Scanner::new(value, &[]).flat_list().ok()?),
            b"READ-ONLY" => Self::ReadOnly,
            b"READ-WRITE" => Self::ReadWrite,
            b"TRYCREATE" => Self::TryCreate,
            b"NONEXISTENT" => Self::NonExistent,
            b"UIDNEXT" => Self::UidNext(number()?),
            b"UIDVALIDITY" => Self::UidValidity(number()?),
            b"UNSEEN" => Self::Unseen(number()?),
            b"HIGHESTMODSEQ" => Self::HighestModSeq(decimal(value)?),
            b"NOMODSEQ" => Self::NoModSeq,
            b"MODIFIED" => Self::Modified(UidRanges::checked(value)?),
            b"APPENDUID" => {
                let mut words = Words(value).iter();
                Self::AppendUid {
                    validity: u32::try_from(decimal(words.next()?)?).ok()?,
                    uids: UidRanges::checked(words.next()?)?,
                }
            }
            b"COPYUID" => {
                let mut words = Words(value).iter();
                Self::CopyUid {
                    validity: u32::try_from(decimal(words.next()?)?).ok()?,
                    from: UidRanges::checked(words.next()?)?,
                    to: UidRanges::checked(words.next()?)?,
                }
            }
            b"CLOSED" => Self::Closed,
            b"AUTHENTICATIONFAILED" => Self::AuthenticationFailed,
            b"AUTHORIZATIONFAILED" => Self::AuthorizationFailed,
            b"EXPIRED" => Self::Expired,
            b"PRIVACYREQUIRED" => Self::PrivacyRequired,
            b"UNAVAILABLE" => Self::Unavailable,
            b"LIMIT" => Self::Limit,
            b"OVERQUOTA" => Self::OverQuota,
            b"INUSE" => Self::InUse,
            b"EXPUNGEISSUED" => Self::ExpungeIssued,
            _ => return None,
        })
    }
}

//! POP3, IMAP, LMTP and SMTP as state machines over bytes, both ends of the wire. No I/O, no clock.

/// What remains of a message that streams by: sizes, body hash, identity.
pub mod digest;
/// Dot-stuffing, both ways, as POP3, SMTP and LMTP share it.
pub mod dots;
/// IMAP4rev1, RFC 3501 (and RFC 9051 where it differs).
pub mod imap;
/// Lines of a reply, taken from whatever has been read so far.
pub mod line;
/// LMTP, RFC 2033, and SMTP, RFC 5321: handing a message over.
pub mod lmtp;
/// The mark that every message of mailgauge carries.
pub mod mark;
/// POP3, RFC 1939 and its extensions.
pub mod pop3;
/// SASL mechanisms that POP3 and IMAP share.
pub mod sasl;

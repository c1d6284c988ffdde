//! IMAP4rev1 (RFC 3501, and RFC 9051 where it differs) as bytes: framing for both ends of the wire.
//! Sockets, time limits and what a session does with it all belong to `client` and `mailserver`.

pub mod framer;

//! IMAP sessions against a server that follows a script, and against the embedded one.

mod away;
mod changing;
mod compress;
mod embedded;
mod login;
mod reading;
mod resync;
mod script;
mod trouble;

//! IMAP sessions against a server that follows a script, and against the embedded one.

mod changing;
mod compress;
mod embedded;
mod login;
mod reading;
mod script;
mod trouble;

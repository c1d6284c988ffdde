//! IMAP sessions against a server that follows a script.

mod changing;
mod login;
mod reading;
mod script;
mod trouble;

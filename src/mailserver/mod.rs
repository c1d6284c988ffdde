//! The embedded mail server: POP3, IMAP and LMTP on loopback over one store, multi-user. It is a target to
//! measure against, and what tests and benches talk to. It knows nothing of plans and devices; what it
//! counts about itself (`Stats`) lets a client's figures be checked to the octet.

mod accounts;
mod config;
mod connection;
mod faults;
mod imap;
mod lmtp;
mod login;
pub mod message;
mod pop3;
mod server;
mod stats;
pub mod store;
mod threads;
mod tls;
mod wrong;

pub use accounts::{AccountError, Accounts};
pub use config::{Config, Limits, TlsConfig};
pub use faults::{CutAt, Faults, Feature};
pub use server::{Addresses, Running, Server, ServerError};
pub use stats::{ProtocolStats, Stats};
pub use wrong::{UnknownFault, Wrong};

//! What is measured against. A target hands out a fresh instance for each arm of each block.

use crate::net::Address;
use crate::scenario::TlsMode;

// CONTRACT (the target room's owner completes).

/// One login.
#[derive(Clone)]
pub struct Account {
    pub user: String,
    pub password: String,
}

/// A running server, its mailboxes empty, ready for `accounts.len()` users.
pub struct Instance {
    pub pop3: Address,
    pub imap: Address,
    pub lmtp: Address,
    pub tls: TlsMode,
    /// PEM of the CA to trust; none on plain connections.
    pub ca: Option<String>,
    pub accounts: Vec<Account>,
    /// Root of the process tree, for the sampler.
    pub pid: u32,
    /// Where its mail lies, for storage.
    pub storage: std::path::PathBuf,
}

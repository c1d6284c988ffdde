//! Makes the users' mailboxes before a server is used. Cyrus does that by itself at a user's first login or first
//! mail, but two first deliveries at once refuse each other, and its cost would fall into what is measured.

use std::time::{Duration, Instant};

use crate::client::{ImapSession, OpenError};
use crate::metrics::{Observer, Sample};
use crate::net::{Dialer, TimeLimits};
use crate::target::{Account, Endpoint, TargetError};

/// Logins at the same time, as each waits for the disk.
const LANES: usize = 4;
const LIMIT: Duration = Duration::from_secs(60);

/// Here nothing is timed.
struct Deaf;

impl Observer for Deaf {
    fn operation(&self, _: &Sample) {}
}

/// Logs each user in once.
pub(super) async fn make(endpoint: &Endpoint) -> Result<(), TargetError> {
    let limits = TimeLimits {
        connect: LIMIT,
        command: LIMIT,
    };
    let dialer = endpoint
        .dialer(true, true, limits)
        .map_err(|error| not_made(&error.to_string()))?;
    let lane = async |number: usize| -> Result<(), TargetError> {
        for account in endpoint.accounts.iter().skip(number).step_by(LANES) {
            log_in(endpoint, &dialer, account).await?;
        }
        Ok(())
    };
    tokio::try_join!(lane(0), lane(1), lane(2), lane(LANES - 1)).map(drop)
}

async fn log_in(
    endpoint: &Endpoint,
    dialer: &Dialer,
    account: &Account,
) -> Result<(), TargetError> {
    let Some(imap) = &endpoint.imap else {
        return Ok(());
    };
    let login = account.login();
    let due = Instant::now();
    let session = ImapSession::open(dialer, &imap.address, imap.tls, &login, due, Deaf).await;
    let session = session.map_err(|OpenError { error, .. }| not_made(&error.to_string()))?;
    let (_, farewell) = session.logout().await;
    farewell.map_err(|error| not_made(&error.to_string()))
}

fn not_made(reason: &str) -> TargetError {
    TargetError::NotStarted {
        server: super::NAME,
        reason: format!("its users' mailboxes could not be made: {reason}"),
    }
}

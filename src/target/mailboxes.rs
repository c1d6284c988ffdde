//! Makes the users' mailboxes before a server is used. Some servers make one at a user's first mail or login, but two
//! first deliveries at once then refuse each other, and its cost would fall into what is measured.

use std::time::{Duration, Instant};

use super::{Account, Endpoint, TargetError};
use crate::client::{ClientError, ImapSession, OpenError};
use crate::metrics::{Observer, Sample};
use crate::net::{Dialer, TimeLimits};

/// Logins at the same time.
const LANES: usize = 4;
const LIMIT: Duration = Duration::from_secs(60);

/// Here nothing is timed.
struct Deaf;

impl Observer for Deaf {
    fn operation(&self, _: &Sample) {}
}

/// Opens each user's INBOX once.
pub(super) async fn make(server: &'static str, endpoint: &Endpoint) -> Result<(), TargetError> {
    let not_made = |error: &dyn std::fmt::Display| TargetError::NotStarted {
        server,
        reason: format!("its users' mailboxes could not be made: {error}"),
    };
    let limits = TimeLimits {
        connect: LIMIT,
        command: LIMIT,
    };
    let dialer = endpoint
        .dialer(true, true, limits)
        .map_err(|error| not_made(&error))?;
    let lane = async |number: usize| -> Result<(), ClientError> {
        for account in endpoint.accounts.iter().skip(number).step_by(LANES) {
            open_inbox(endpoint, &dialer, account).await?;
        }
        Ok(())
    };
    let lanes = async { tokio::try_join!(lane(0), lane(1), lane(2), lane(LANES - 1)) };
    Box::pin(lanes)
        .await
        .map(drop)
        .map_err(|error| not_made(&error))
}

async fn open_inbox(
    endpoint: &Endpoint,
    dialer: &Dialer,
    account: &Account,
) -> Result<(), ClientError> {
    let Some(imap) = &endpoint.imap else {
        return Ok(());
    };
    let login = account.login();
    let due = Instant::now();
    let session = ImapSession::open(dialer, &imap.address, imap.tls, &login, due, Deaf).await;
    let mut session = session.map_err(|OpenError { error, .. }| error)?;
    session.select("INBOX").await?;
    session.logout().await.1
}

//! A message to try things on, for servers that were started only to be looked at.

use std::time::{Duration, Instant};

use crate::client::{ClientError, DeliverySession};
use crate::metrics::{ErrorClass, Operation};
use crate::net::TimeLimits;
use crate::target::{Delivery, Endpoint, Service};

const LIMIT: Duration = Duration::from_secs(10);
const TEXT: &[u8] =
    b"From: mailgauge@localhost\r\nSubject: a message to look at\r\n\r\nThis is all.\r\n";

/// Delivers a message to the first user, if there is one.
///
/// # Errors
/// It was not taken.
pub async fn put_sample(endpoint: &Endpoint) -> Result<(), ClientError> {
    const OPERATION: Operation = Operation::Deliver;
    let (
        Delivery::Session {
            service: Service { address, tls },
            dialect,
            ..
        },
        Some(account),
    ) = (&endpoint.delivery, endpoint.accounts.first())
    else {
        return Ok(());
    };
    let limits = TimeLimits {
        connect: LIMIT,
        command: LIMIT,
    };
    let dialer = endpoint
        .dialer(false, true, limits)
        .map_err(|error| ClientError::from_net(OPERATION, &error))?;
    let due = Instant::now();
    let opened = DeliverySession::open(&dialer, address, *tls, *dialect, due, ()).await;
    let mut session = opened.map_err(|failed| failed.error)?;
    let octets = TEXT.len() as u64;
    let answers = session
        .deliver(
            "mailgauge@localhost",
            &[&account.address],
            octets,
            [TEXT],
            due,
        )
        .await?;
    drop(session.quit().await);
    match answers.into_iter().find_map(Result::err) {
        None => Ok(()),
        Some(refusal) => Err(ClientError::new(
            ErrorClass::CommandRefused,
            OPERATION,
            format!("the message was refused: {refusal:?}"),
        )),
    }
}

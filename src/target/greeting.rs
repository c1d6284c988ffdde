//! Waiting for a service to greet: a port that is open does not mean that the process behind it works yet.

use std::time::Duration;

use crate::net::{Address, Dialer, NetError, TimeLimits, Trust};

/// Longest greeting that is kept.
const LIMIT: usize = 512;

/// Connects, with TLS from the first byte where `implicit`, and returns the first line that the server says.
pub(super) async fn greeting(
    address: &Address,
    implicit: bool,
    trust: &Trust,
    limit: Duration,
) -> Result<String, NetError> {
    let limits = TimeLimits {
        connect: limit,
        command: limit,
    };
    let mut wire = Dialer::new(trust, false, true, limits)?
        .connect(address)
        .await?;
    if implicit {
        wire.start_tls().await?;
    }
    let mut line = Vec::new();
    loop {
        let new = wire.buffer();
        line.extend_from_slice(new);
        let taken = new.len();
        wire.consume(taken);
        if let Some(end) = memchr::memchr(b'\n', &line) {
            line.truncate(end);
            return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
        if line.len() > LIMIT || wire.fill().await? == 0 {
            return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
    }
}

//! Waiting for a service to greet: a port that is open does not mean that the process behind it works yet.

use super::Service;
use crate::net::{Dialer, NetError};
use crate::scenario::TlsMode;

/// Longest greeting that is kept.
const LIMIT: usize = 512;

/// Connects, with TLS from the first byte where the service wants it, and returns the first line that the server says.
pub(super) async fn greeting(dialer: &Dialer, service: &Service) -> Result<String, NetError> {
    let mut wire = dialer.connect(&service.address).await?;
    if service.tls == TlsMode::Implicit {
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

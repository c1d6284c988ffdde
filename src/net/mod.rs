//! The wire: dial, TLS, bytes counted below and above TLS, time limits. Protocols are unknown here:
//! a `Wire` carries bytes, whoever drives it knows what they mean.

mod address;
mod counted;
mod dialer;
mod error;
mod inbound;
mod stream;
mod tls;
mod wire;

pub use address::Address;
pub use dialer::{Dialer, TimeLimits};
pub use error::NetError;
pub use inbound::WIRE_BUFFER_LIMIT;
pub use tls::{ClientCertificate, TlsFacts, Trust};
pub use wire::{Wire, WireTraffic};

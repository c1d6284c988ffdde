//! The wire: dial, TLS, compression, bytes counted on each of these levels, time limits. Protocols are unknown here:
//! a `Wire` carries bytes, whoever drives it knows what they mean.

mod address;
mod counted;
mod deflate;
mod dialer;
mod error;
mod inbound;
mod stream;
mod tls;
mod wire;

pub use address::Address;
pub use deflate::{Deflated, NotDeflate};
pub use dialer::{Dialer, TimeLimits};
pub use error::NetError;
pub use inbound::WIRE_BUFFER_LIMIT;
pub use tls::{ClientCertificate, TlsFacts, Trust};
pub use wire::{Wire, WireTraffic};

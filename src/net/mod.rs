//! The wire: dial, TLS, compression, bytes counted on each of these levels, time limits, and the link that a device is
//! behind. Protocols are unknown here: a `Wire` carries bytes, whoever drives it knows what they mean.

mod address;
mod counted;
mod deflate;
mod delay;
mod dialer;
mod error;
mod inbound;
mod link;
mod namespace;
mod pace;
mod reach;
mod segments;
mod shaped;
mod stream;
mod tcp;
mod tls;
mod wire;
mod witness;

pub use address::Address;
pub use deflate::{Deflated, NotDeflate};
pub use dialer::{Dialer, TimeLimits};
pub use error::NetError;
pub use inbound::WIRE_BUFFER_LIMIT;
pub use link::{Link, Shape};
pub use namespace::{MOST_NAMESPACES, Namespace, NamespaceError, Qdisc};
pub use reach::Reach;
pub use segments::Segments;
pub use tls::{ClientCertificate, TlsFacts, Trust};
pub use wire::{Wire, WireTraffic};
pub use witness::{Packet, Witness};

//! The crossover: how long a new device takes to its first readable message, where mailbox, attachment and distance grow.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use crate::scenario::Arm;

/// What grows while the rest stays as it is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Swept {
    /// Messages in the mailbox.
    Messages,
    /// Octets of the newest message's attachment.
    Attachment,
    /// The round trip, ms.
    Rtt,
}

/// Whether a device has been there before.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Visit {
    /// It has never been there.
    First,
    /// It knows all but the newest message.
    Again,
}

/// `crossover.csv`: one device until it shows the newest message.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrossoverRow {
    /// The series that the row belongs to.
    pub swept: Swept,
    /// The arm.
    pub arm: Arm,
    /// Whether the device has been there before.
    pub visit: Visit,
    /// Messages in the mailbox.
    pub messages: u32,
    /// Octets of the newest message's attachment, encoded; 0: none.
    pub attachment_bytes: u64,
    /// Emulated round trip, ms.
    pub rtt_ms: u32,
    /// Which repetition, from 1.
    pub repetition: u32,
    /// From the start of connecting until the text of the newest message was there, ms.
    pub readable_ms: f64,
    /// Round trips until then.
    pub round_trips: u32,
    /// Octets from the server until then, below TLS.
    pub wire_rx_bytes: u64,
}

impl CrossoverRow {
    /// The value of what grows.
    pub fn at(&self) -> f64 {
        match self.swept {
            Swept::Messages => f64::from(self.messages),
            Swept::Attachment => self.attachment_bytes as f64,
            Swept::Rtt => f64::from(self.rtt_ms),
        }
    }
}

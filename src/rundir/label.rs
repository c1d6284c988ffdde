//! What a histogram of the log is of, and how the log's tags say it.

use std::fmt;
use std::str::FromStr;

use strum::{Display, EnumString};

use crate::metrics::row::Cell;
use crate::metrics::{Key, Operation};
use crate::scenario::{DeviceKind, Phase};

/// Which time of an operation a histogram holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString)]
#[strum(serialize_all = "kebab-case")]
pub enum Time {
    /// `sent − due`: ours.
    Lag,
    /// `done − sent`: the server and the network.
    Service,
    /// `done − due`: what the user waits.
    Response,
    /// `first byte − sent`, where the reply carries data.
    FirstByte,
}

/// What a histogram in the log is of. Written as `b1/imap/measure/phone/open-message/response`; the
/// delivery side has `delivery` in the place of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// Block and arm.
    pub cell: Cell,
    /// Phase, device and operation.
    pub key: Key,
    /// Which time.
    pub time: Time,
}

const DELIVERY: &str = "delivery";

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key {
            phase,
            device,
            operation,
        } = self.key;
        write!(f, "b{}/{}/{phase}/", self.cell.block, self.cell.arm)?;
        match device {
            Some(device) => write!(f, "{device}")?,
            None => f.write_str(DELIVERY)?,
        }
        write!(f, "/{operation}/{}", self.time)
    }
}

impl FromStr for Label {
    type Err = String;

    fn from_str(tag: &str) -> Result<Self, String> {
        fn part<T: FromStr>(text: &str) -> Result<T, String> {
            text.parse().map_err(|_| format!("`{text}` is unknown"))
        }
        let parts: Vec<&str> = tag.splitn(7, '/').collect();
        let &[block, arm, phase, device, operation, time] = &parts[..] else {
            return Err(format!(
                "`{tag}` is not block/arm/phase/device/operation/time"
            ));
        };
        let block = block
            .strip_prefix('b')
            .ok_or_else(|| format!("`{block}` is not a block"))?;
        let device: Option<DeviceKind> = match device {
            DELIVERY => None,
            device => Some(part(device)?),
        };
        Ok(Self {
            cell: Cell {
                block: part(block)?,
                arm: part(arm)?,
            },
            key: Key {
                phase: part::<Phase>(phase)?,
                device,
                operation: part::<Operation>(operation)?,
            },
            time: part(time)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Arm;

    #[test]
    fn a_label_is_read_as_it_is_written() {
        let label = Label {
            cell: Cell {
                block: 12,
                arm: Arm::IMAP,
            },
            key: Key {
                phase: Phase::WarmUp,
                device: None,
                operation: Operation::Deliver,
            },
            time: Time::Lag,
        };
        let tag = "b12/imap/warm-up/delivery/deliver/lag";
        assert_eq!(label.to_string(), tag);
        assert_eq!(tag.parse(), Ok(label));
    }

    #[test]
    fn a_label_with_an_unknown_part_is_refused() {
        for tag in [
            "",
            "b1/imap/measure/phone/retr",
            "1/imap/measure/phone/retr/lag",
            "b1/jmap/measure/phone/retr/lag",
            "b1/imap/measure/phone/retr/lag/more",
        ] {
            assert!(tag.parse::<Label>().is_err(), "{tag}");
        }
    }
}

//! What the wire carried to and from devices per day of simulated time, IP and TCP headers included: what a tariff counts.
//! Rows 5 and 8 take their figures from here.
//!
//! It is summed over the commands of `ops.csv` that were due in the measured phase, not over `sessions.csv`: a connection that is
//! held through the phase carries most of its octets when it begins, and its row in `sessions.csv` does not say when. At both ends
//! of the phase a command counts whole where it was due, so what runs in over the one makes up for what runs out over the other.
//! A command takes with it what passed since the one before, acknowledgements and what a server says within IDLE among them.
//! Only what a connection carries that breaks off, after its last command, is in none; and a server that speaks up by its own
//! clock within IDLE does so `speed` times too rarely for simulated time.

use std::collections::BTreeSet;

use super::{Observed, Part};
use crate::metrics::row::SessionRow;
use crate::scenario::DeviceKind;

/// The sums of the measured phase, and the simulated days that they are of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Budget {
    days: f64,
    /// Whose days: devices or users, counted once per block.
    owners: u64,
    /// TCP payload, each octet once, from the server and to it.
    payload: (u64, u64),
    /// IP and TCP headers, likewise.
    headers: (u64, u64),
    /// Segments both ways.
    packets: u64,
}

impl Budget {
    /// Of all devices of a kind; none: see [`Budget::carried`].
    pub(super) fn of_kind(part: Part<'_>, kind: DeviceKind) -> Option<Self> {
        let (days, owners) = device_days(part, kind);
        let carried = Self::carried(part, |device| device == kind)?;
        Some(Self {
            days,
            owners,
            ..carried
        })
    }

    /// Of all devices, by their users; none: see [`Budget::carried`].
    pub(super) fn of_users(part: Part<'_>) -> Option<Self> {
        let days = part.user_hours(part.clock_seconds()) / 24.0;
        let owners = u64::from(part.setting().users) * part.windows().len() as u64;
        let carried = Self::carried(part, |_| true)?;
        Some(Self {
            days,
            owners,
            ..carried
        })
    }

    /// Octets both ways, headers included.
    pub(super) fn octets(self) -> Observed {
        self.per_day(self.payload.0 + self.payload.1 + self.headers.0 + self.headers.1)
    }

    /// Of these, to the server.
    pub(super) fn octets_up(self) -> Observed {
        self.per_day(self.payload.1 + self.headers.1)
    }

    /// Of these, headers.
    pub(super) fn header_octets(self) -> Observed {
        self.per_day(self.headers.0 + self.headers.1)
    }

    /// Segments both ways.
    pub(super) fn packets(self) -> Observed {
        self.per_day(self.packets)
    }

    fn per_day(self, sum: u64) -> Observed {
        (self.days > 0.0).then(|| (sum as f64 / self.days, self.owners))
    }

    /// None where the devices said nothing, and where the kernel did not tell the packets of one of their connections: the
    /// sum would be too small.
    fn carried(part: Part<'_>, of: impl Fn(DeviceKind) -> bool) -> Option<Self> {
        let windows = part.windows();
        let in_a_window = |row: &SessionRow| {
            windows.iter().any(|(block, (from, to))| {
                *block == row.block && row.start_at_us < *to && row.end_at_us > *from
            })
        };
        let untold = part
            .all_sessions()
            .filter(|row| of(row.device) && in_a_window(row))
            .any(|row| row.connect_us.is_some() && row.packets_rx.is_none());
        if untold {
            return None;
        }
        let mut sum = Self::default();
        let mut commands = 0;
        for row in part.commands().filter(|row| row.device.is_some_and(&of)) {
            commands += row.count;
            let told = (|| {
                Some((
                    row.packets_rx? + row.packets_tx?,
                    row.header_rx_bytes?,
                    row.header_tx_bytes?,
                ))
            })();
            let Some((packets, header_rx, header_tx)) = told else {
                // Where no attempt had a connection, there was nothing to count.
                let silent = row.count == row.errors && row.wire_rx_bytes + row.wire_tx_bytes == 0;
                if silent {
                    continue;
                }
                return None;
            };
            sum.packets += packets;
            sum.headers.0 += header_rx;
            sum.headers.1 += header_tx;
            sum.payload.0 += row.wire_rx_bytes;
            sum.payload.1 += row.wire_tx_bytes;
        }
        (commands > 0).then_some(sum)
    }
}

/// Simulated days that all devices of a kind lived in the measured phase, and how many they are, once per block. A device is known
/// by its radio, by the ledger, or by having connected.
fn device_days(part: Part<'_>, kind: DeviceKind) -> (f64, u64) {
    let ledger = part
        .consistency()
        .map(|row| (row.device, row.block, row.user));
    let radios = part.radios(kind).map(|row| (kind, row.block, row.user));
    let sessions = part.all_sessions();
    let sessions = sessions.map(|row| (row.device, row.block, row.user));
    let owners: BTreeSet<(u32, u32)> = ledger
        .chain(radios)
        .chain(sessions)
        .filter(|(device, ..)| *device == kind)
        .map(|(_, block, user)| (block, user))
        .collect();
    let speed = part.setting().speed;
    let (mut days, mut devices) = (0.0, 0);
    for (block, (from, to)) in part.windows() {
        let here = owners.iter().filter(|(of, _)| *of == block).count();
        days += here as f64 * to.saturating_sub(from) as f64 / 1e6 * speed / 86_400.0;
        devices += here as u64;
    }
    (days, devices)
}

#[cfg(test)]
mod tests;

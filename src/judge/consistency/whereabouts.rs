//! Where each byte of mail is at each second of a run, and what would be left if something were lost then: the server, all
//! devices, or one kind of device. Derived from the history; what the harness found at the end settles what is in doubt.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metrics::row::{Cell, Certainty, Event, ObservationRow};
use crate::scenario::{Arm, DeviceKind};

use super::history::{History, histories};

const SECOND: u64 = 1_000_000;
const KINDS: [DeviceKind; 3] = [DeviceKind::Phone, DeviceKind::Tablet, DeviceKind::Notebook];

/// `whereabouts.csv`: one second of one cell, as it was at the end of that second. *Mail* is what the server has accepted and
/// its owner has not deleted; what is left is counted in whole messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhereaboutsRow {
    /// Seconds since the run's start.
    pub second: u32,
    /// Block, from 1.
    pub block: u32,
    /// Arm.
    pub arm: Arm,
    /// Messages of mail.
    pub mail_messages: u64,
    /// Their octets.
    pub mail_bytes: u64,
    /// Octets on the server, whoever wants them.
    pub server_bytes: u64,
    /// Octets on phones, parts of messages included.
    pub phone_bytes: u64,
    /// Octets on tablets, likewise.
    pub tablet_bytes: u64,
    /// Octets on notebooks, likewise.
    pub notebook_bytes: u64,
    /// Messages of mail that lie whole neither on the server nor on a device.
    pub nowhere_messages: u64,
    /// Their octets.
    pub nowhere_bytes: u64,
    /// Messages of mail that would be left if the server were lost.
    pub left_without_server: u64,
    /// If all devices were lost.
    pub left_without_devices: u64,
    /// If each person's phone were lost.
    pub left_without_phone: u64,
    /// If each person's tablet were lost.
    pub left_without_tablet: u64,
    /// If each person's notebook were lost.
    pub left_without_notebook: u64,
}

/// Where one message is.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    octets: u64,
    accepted: bool,
    unwanted: bool,
    on_server: bool,
    /// By device kind: whole, and octets.
    devices: [(bool, u64); KINDS.len()],
}

/// What happens to where a message is.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Accepted(u64),
    OffTheServer,
    Unwanted,
    Held(usize, bool, u64),
}

/// When, which message of which user, and what.
type Turns<'a> = Vec<(u64, (u32, &'a str), Turn)>;

/// The rows of all cells, in order.
pub(super) fn whereabouts(rows: &[ObservationRow]) -> Vec<WhereaboutsRow> {
    let mut cells: BTreeMap<Cell, Turns<'_>> = BTreeMap::new();
    for history in histories(rows) {
        let turns = cells.entry(history.cell).or_default();
        for (at, message, turn) in turns_of(&history) {
            turns.push((at, (history.user, message), turn));
        }
    }
    let mut whereabouts = Vec::new();
    for (cell, mut turns) in cells {
        turns.sort_by_key(|(at, ..)| *at);
        whereabouts.extend(seconds(cell, &turns));
    }
    whereabouts
}

fn turns_of<'a>(history: &History<'a>) -> Vec<(u64, &'a str, Turn)> {
    let mut turns = Vec::new();
    for row in &history.rows {
        let Some(message) = row.message.as_deref() else {
            continue;
        };
        let device = row.device.map(|device| device as usize);
        let octets = row.octets.unwrap_or(0);
        let turn = match (row.event, device) {
            (Event::Deliver, _) if row.outcome == Certainty::Ok => Turn::Accepted(octets),
            (Event::Keep, Some(device)) => Turn::Held(device, true, octets),
            (Event::KeepPart, Some(device)) => Turn::Held(device, false, octets),
            (Event::Discard, Some(device)) => {
                turns.push((row.at_us, message, Turn::Held(device, false, 0)));
                Turn::Unwanted
            }
            _ => continue,
        };
        turns.push((row.at_us, message, turn));
    }
    for removal in history.all_removals() {
        let by_move = removal.row.event == Event::Move;
        if let Some(message) = removal.row.message.as_deref()
            && removal.outcome == Certainty::Ok
            && !by_move
        {
            turns.push((removal.span.at, message, Turn::OffTheServer));
        }
    }
    turns.extend(found_missing(history));
    turns
}

/// What the harness did not find at the end is not on the server, however it went.
fn found_missing<'a>(history: &History<'a>) -> Vec<(u64, &'a str, Turn)> {
    let Some(harness) = history.observers.get(&None) else {
        return Vec::new();
    };
    let looks = harness
        .looks
        .iter()
        .filter(|look| look.is_whole() && look.mailbox == "INBOX");
    let Some(look) = looks.max_by_key(|look| look.span.sent) else {
        return Vec::new();
    };
    let at = look.span.at;
    let gone = history.messages().into_iter().filter(|(mailbox, message)| {
        let moved = history
            .removals(mailbox, message)
            .iter()
            .any(|removal| removal.row.event == Event::Move);
        *mailbox == look.mailbox && !moved && harness.copies(mailbox, message, at).is_empty()
    });
    gone.map(|(_, message)| (at, message, Turn::OffTheServer))
        .collect()
}

/// One row per second from the first turn to the last.
fn seconds(cell: Cell, turns: &[(u64, (u32, &str), Turn)]) -> Vec<WhereaboutsRow> {
    let mut places: BTreeMap<(u32, &str), Place> = BTreeMap::new();
    let mut rows: Vec<WhereaboutsRow> = Vec::new();
    let mut sum = empty(cell);
    for (at, message, turn) in turns {
        let second = (at / SECOND) as u32;
        if rows.is_empty() && sum.mail_messages == 0 {
            sum.second = second;
        }
        while sum.second < second {
            rows.push(sum);
            sum.second += 1;
        }
        let place = places.entry(*message).or_default();
        let before = place.share(cell);
        place.take(*turn);
        sum.change(&before, &place.share(cell));
    }
    if !turns.is_empty() {
        rows.push(sum);
    }
    rows
}

impl Place {
    fn take(&mut self, turn: Turn) {
        match turn {
            Turn::Accepted(octets) => {
                (self.accepted, self.on_server, self.octets) = (true, true, octets);
            }
            Turn::OffTheServer => self.on_server = false,
            Turn::Unwanted => self.unwanted = true,
            Turn::Held(device, whole, octets) => {
                if let Some(held) = self.devices.get_mut(device) {
                    *held = (whole, octets);
                }
            }
        }
    }

    /// What one message adds to the sums.
    fn share(&self, cell: Cell) -> WhereaboutsRow {
        let octets = |device: DeviceKind| self.devices[device as usize].1;
        let whole = |device: DeviceKind| self.devices[device as usize].0;
        let on_a_device = KINDS.into_iter().any(whole);
        let is_mail = u64::from(self.accepted && !self.unwanted);
        let without = |lost: DeviceKind| {
            let elsewhere = KINDS.into_iter().any(|kind| kind != lost && whole(kind));
            is_mail * u64::from(self.on_server || elsewhere)
        };
        let nowhere = is_mail * u64::from(!self.on_server && !on_a_device);
        WhereaboutsRow {
            mail_messages: is_mail,
            mail_bytes: is_mail * self.octets,
            server_bytes: u64::from(self.on_server) * self.octets,
            phone_bytes: octets(DeviceKind::Phone),
            tablet_bytes: octets(DeviceKind::Tablet),
            notebook_bytes: octets(DeviceKind::Notebook),
            nowhere_messages: nowhere,
            nowhere_bytes: nowhere * self.octets,
            left_without_server: is_mail * u64::from(on_a_device),
            left_without_devices: is_mail * u64::from(self.on_server),
            left_without_phone: without(DeviceKind::Phone),
            left_without_tablet: without(DeviceKind::Tablet),
            left_without_notebook: without(DeviceKind::Notebook),
            ..empty(cell)
        }
    }
}

const fn empty(cell: Cell) -> WhereaboutsRow {
    WhereaboutsRow {
        second: 0,
        block: cell.block,
        arm: cell.arm,
        mail_messages: 0,
        mail_bytes: 0,
        server_bytes: 0,
        phone_bytes: 0,
        tablet_bytes: 0,
        notebook_bytes: 0,
        nowhere_messages: 0,
        nowhere_bytes: 0,
        left_without_server: 0,
        left_without_devices: 0,
        left_without_phone: 0,
        left_without_tablet: 0,
        left_without_notebook: 0,
    }
}

impl WhereaboutsRow {
    /// One message is somewhere else now.
    fn change(&mut self, before: &Self, after: &Self) {
        for (sum, before, after) in [
            (
                &mut self.mail_messages,
                before.mail_messages,
                after.mail_messages,
            ),
            (&mut self.mail_bytes, before.mail_bytes, after.mail_bytes),
            (
                &mut self.server_bytes,
                before.server_bytes,
                after.server_bytes,
            ),
            (&mut self.phone_bytes, before.phone_bytes, after.phone_bytes),
            (
                &mut self.tablet_bytes,
                before.tablet_bytes,
                after.tablet_bytes,
            ),
            (
                &mut self.notebook_bytes,
                before.notebook_bytes,
                after.notebook_bytes,
            ),
            (
                &mut self.nowhere_messages,
                before.nowhere_messages,
                after.nowhere_messages,
            ),
            (
                &mut self.nowhere_bytes,
                before.nowhere_bytes,
                after.nowhere_bytes,
            ),
            (
                &mut self.left_without_server,
                before.left_without_server,
                after.left_without_server,
            ),
            (
                &mut self.left_without_devices,
                before.left_without_devices,
                after.left_without_devices,
            ),
            (
                &mut self.left_without_phone,
                before.left_without_phone,
                after.left_without_phone,
            ),
            (
                &mut self.left_without_tablet,
                before.left_without_tablet,
                after.left_without_tablet,
            ),
            (
                &mut self.left_without_notebook,
                before.left_without_notebook,
                after.left_without_notebook,
            ),
        ] {
            // What a message added before is in the sum.
            *sum = *sum - before + after;
        }
    }
}

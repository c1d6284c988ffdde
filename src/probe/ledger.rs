use std::collections::BTreeMap;

use crate::metrics::row::{Cell, ConsistencyRow};
use crate::plan::UserId;
use crate::scenario::DeviceKind;

/// The mailbox ledger of one worker's users: what became of each message on each device of its owner.
///
/// Plain data without a lock, for all devices of a user live on one worker. Whatever is told twice is the same as told once,
/// and the earliest instant wins, so the order of telling does not matter. It knows every message of the plan from the start
/// and takes no others: 32 octets for each message and 24 for each of its owner's devices, whatever happens.
///
/// Instants are microseconds since the run's start.
#[derive(Debug)]
pub struct Ledger {
    cell: Cell,
    run_id: String,
    users: BTreeMap<UserId, User>,
}

/// The ledger was told of a message, user or device that the plan does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("user {} has no message {seq} or no such device in the plan", user.0)]
pub struct Unknown {
    /// The user.
    pub user: UserId,
    /// The message's index in the user's mail.
    pub seq: u32,
}

#[derive(Debug)]
struct User {
    devices: Vec<DeviceKind>,
    mail: Vec<Message>,
    /// The copy of message `seq` on device `d` is at `seq × devices + d`.
    copies: Vec<Copy>,
}

#[derive(Debug)]
struct Message {
    octets: u64,
    due: Moment,
    accepted: Moment,
    deleted: bool,
    on_server: bool,
}

#[derive(Clone, Debug, Default)]
struct Copy {
    visible: Moment,
    read: Moment,
    held: bool,
    shown_read: bool,
}

/// An instant that may not have come, in 8 octets.
#[derive(Clone, Copy, Debug)]
struct Moment(u64);

impl Default for Moment {
    fn default() -> Self {
        Self::NEVER
    }
}

impl Moment {
    const NEVER: Self = Self(u64::MAX);

    fn at(self) -> Option<u64> {
        (self.0 != u64::MAX).then_some(self.0)
    }

    fn no_later_than(&mut self, at_us: u64) {
        self.0 = self.0.min(at_us);
    }
}

impl Ledger {
    /// An empty ledger of one cell; `run_id` is the first part of every `X-Mailgauge-Id`.
    pub fn new(cell: Cell, run_id: impl Into<String>) -> Self {
        Self {
            cell,
            run_id: run_id.into(),
            users: BTreeMap::new(),
        }
    }

    /// Adds a user with the devices owned and the mail planned, in the plan's order: octets of each message, and when it is
    /// due (none: there at the start).
    pub fn add_user(
        &mut self,
        user: UserId,
        devices: &[DeviceKind],
        mail: impl IntoIterator<Item = (u64, Option<u64>)>,
    ) {
        let mail: Vec<Message> = mail
            .into_iter()
            .map(|(octets, due)| Message {
                octets,
                due: due.map_or(Moment::NEVER, Moment),
                accepted: Moment::NEVER,
                deleted: false,
                on_server: false,
            })
            .collect();
        let copies = vec![Copy::default(); mail.len() * devices.len()];
        let devices = devices.to_vec();
        let added = User {
            devices,
            mail,
            copies,
        };
        self.users.insert(user, added);
    }

    /// The message that an `X-Mailgauge-Id` names; none if it is of another run, or no such identity.
    pub fn identify(&self, id: &str) -> Option<(UserId, u32)> {
        let rest = id.strip_prefix(self.run_id.as_str())?.strip_prefix('-')?;
        let (user, seq) = rest.split_once('-')?;
        Some((UserId(user.parse().ok()?), seq.parse().ok()?))
    }

    /// The server took the message.
    pub fn accepted(&mut self, user: UserId, seq: u32, at_us: u64) -> Result<(), Unknown> {
        self.message(user, seq)?.accepted.no_later_than(at_us);
        Ok(())
    }

    /// The device showed that the message is there.
    pub fn visible(
        &mut self,
        user: UserId,
        seq: u32,
        device: DeviceKind,
        at_us: u64,
    ) -> Result<(), Unknown> {
        self.copy(user, seq, device)?.visible.no_later_than(at_us);
        Ok(())
    }

    /// The person read the message on the device; so it was visible there by then.
    pub fn read(
        &mut self,
        user: UserId,
        seq: u32,
        device: DeviceKind,
        at_us: u64,
    ) -> Result<(), Unknown> {
        let copy = self.copy(user, seq, device)?;
        copy.read.no_later_than(at_us);
        copy.visible.no_later_than(at_us);
        Ok(())
    }

    /// The person had the message deleted.
    pub fn deleted(&mut self, user: UserId, seq: u32) -> Result<(), Unknown> {
        self.message(user, seq)?.deleted = true;
        Ok(())
    }

    /// By audit at the end: the message is on the server.
    pub fn found_on_server(&mut self, user: UserId, seq: u32) -> Result<(), Unknown> {
        self.message(user, seq)?.on_server = true;
        Ok(())
    }

    /// At the end: whether the message is whole in the device's store, and whether the device shows it as read.
    pub fn found_on_device(
        &mut self,
        user: UserId,
        seq: u32,
        device: DeviceKind,
        held: bool,
        shown_read: bool,
    ) -> Result<(), Unknown> {
        let copy = self.copy(user, seq, device)?;
        copy.held = held;
        copy.shown_read = shown_read;
        Ok(())
    }

    /// One row for each message and each device of its owner, users, messages and devices in their order.
    pub fn rows(&self) -> impl Iterator<Item = ConsistencyRow> {
        self.users.iter().flat_map(move |(id, user)| {
            let per_device = user.devices.len().max(1);
            user.mail
                .iter()
                .zip(user.copies.chunks(per_device))
                .enumerate()
                .flat_map(move |(seq, (message, copies))| {
                    user.devices
                        .iter()
                        .zip(copies)
                        .map(move |(device, copy)| self.row(*id, seq, message, *device, copy))
                })
        })
    }

    fn row(
        &self,
        user: UserId,
        seq: usize,
        message: &Message,
        device: DeviceKind,
        copy: &Copy,
    ) -> ConsistencyRow {
        ConsistencyRow {
            block: self.cell.block,
            arm: self.cell.arm,
            user: user.0,
            message: format!("{}-{}-{seq}", self.run_id, user.0),
            device,
            octets: message.octets,
            due_at_us: message.due.at(),
            accepted_at_us: message.accepted.at(),
            visible_at_us: copy.visible.at(),
            read_at_us: copy.read.at(),
            deleted: message.deleted,
            on_server: message.on_server,
            on_device: copy.held,
            shown_read: copy.shown_read,
        }
    }

    fn message(&mut self, user: UserId, seq: u32) -> Result<&mut Message, Unknown> {
        self.users
            .get_mut(&user)
            .and_then(|found| found.mail.get_mut(seq as usize))
            .ok_or(Unknown { user, seq })
    }

    fn copy(&mut self, user: UserId, seq: u32, device: DeviceKind) -> Result<&mut Copy, Unknown> {
        let unknown = Unknown { user, seq };
        let found = self.users.get_mut(&user).ok_or(unknown)?;
        let owned = found.devices.iter().position(|owned| *owned == device);
        let at = seq as usize * found.devices.len() + owned.ok_or(unknown)?;
        found.copies.get_mut(at).ok_or(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Arm;
    use DeviceKind::{Notebook, Phone, Tablet};

    const USER: UserId = UserId(7);

    fn ledger() -> Ledger {
        let cell = Cell {
            block: 1,
            arm: Arm::Pop3,
        };
        let mut ledger = Ledger::new(cell, "0badcafe");
        ledger.add_user(
            USER,
            &[Phone, Notebook],
            [(900, None), (4_000, Some(5_000))],
        );
        ledger
    }

    fn row(ledger: &Ledger, seq: usize, device: DeviceKind) -> ConsistencyRow {
        let id = format!("0badcafe-7-{seq}");
        let mut rows = ledger.rows();
        rows.find(|row| row.message == id && row.device == device)
            .unwrap()
    }

    #[test]
    fn every_message_has_a_row_for_each_device_of_its_owner() {
        let rows: Vec<_> = ledger().rows().map(|r| (r.message, r.device)).collect();
        let expected = [
            ("0badcafe-7-0".to_owned(), Phone),
            ("0badcafe-7-0".to_owned(), Notebook),
            ("0badcafe-7-1".to_owned(), Phone),
            ("0badcafe-7-1".to_owned(), Notebook),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn what_never_happened_stays_empty() {
        let row = row(&ledger(), 0, Phone);
        assert_eq!((row.due_at_us, row.accepted_at_us), (None, None));
        assert_eq!((row.visible_at_us, row.read_at_us), (None, None));
        assert!(!row.on_server && !row.on_device && !row.shown_read && !row.deleted);
    }

    #[test]
    fn the_first_time_wins_in_whatever_order_it_is_told() {
        let mut ledger = ledger();
        for at in [9_000, 7_000, 8_000] {
            ledger.visible(USER, 1, Phone, at).unwrap();
            ledger.accepted(USER, 1, at - 2_000).unwrap();
        }
        let phone = row(&ledger, 1, Phone);
        assert_eq!(phone.visible_at_us, Some(7_000));
        assert_eq!(phone.accepted_at_us, Some(5_000));
        assert_eq!(row(&ledger, 1, Notebook).visible_at_us, None);
    }

    #[test]
    fn what_was_read_on_a_device_was_visible_there() {
        let mut ledger = ledger();
        ledger.read(USER, 0, Notebook, 3_000).unwrap();
        ledger.visible(USER, 0, Notebook, 6_000).unwrap();
        let row = row(&ledger, 0, Notebook);
        assert_eq!(row.visible_at_us, Some(3_000));
        assert_eq!(row.read_at_us, Some(3_000));
    }

    #[test]
    fn the_audit_says_who_holds_a_copy() {
        let mut ledger = ledger();
        ledger.deleted(USER, 1).unwrap();
        ledger.found_on_server(USER, 0).unwrap();
        ledger.found_on_device(USER, 1, Phone, true, false).unwrap();
        assert!(row(&ledger, 0, Notebook).on_server);
        assert!(row(&ledger, 1, Phone).deleted && row(&ledger, 1, Notebook).deleted);
        assert!(row(&ledger, 1, Phone).on_device);
        assert!(!row(&ledger, 1, Notebook).on_device);
    }

    #[test]
    fn what_the_plan_does_not_have_is_refused() {
        let mut ledger = ledger();
        let unknown = |user, seq| Err(Unknown { user, seq });
        assert_eq!(ledger.accepted(USER, 2, 1), unknown(USER, 2));
        assert_eq!(ledger.deleted(UserId(8), 0), unknown(UserId(8), 0));
        assert_eq!(ledger.visible(USER, 0, Tablet, 1), unknown(USER, 0));
        assert_eq!(ledger.read(USER, 2, Notebook, 1), unknown(USER, 2));
    }

    #[test]
    fn an_identity_is_of_this_run_or_of_none() {
        let ledger = ledger();
        assert_eq!(ledger.identify("0badcafe-7-1"), Some((USER, 1)));
        assert_eq!(ledger.identify("deadbeef-7-1"), None);
        assert_eq!(ledger.identify("0badcafe-7"), None);
        assert_eq!(ledger.identify("0badcafe-7-1-2"), None);
    }

    #[test]
    fn a_message_takes_as_little_memory_as_is_said() {
        assert_eq!(size_of::<Message>(), 32);
        assert_eq!(size_of::<Copy>(), 24);
    }
}

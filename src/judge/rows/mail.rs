//! The mailbox ledger, gathered by message: one entry for all devices of the owner.

use std::collections::BTreeMap;

use super::Part;
use crate::metrics::row::ConsistencyRow;

/// A message as all devices of its owner know it.
pub(super) struct Message<'a> {
    /// One row per device that the owner has.
    pub(super) rows: Vec<&'a ConsistencyRow>,
}

impl Message<'_> {
    /// On the server at the end.
    pub(super) fn on_server(&self) -> bool {
        self.rows.iter().any(|row| row.on_server)
    }

    /// Whole on at least one device at the end.
    pub(super) fn on_a_device(&self) -> bool {
        self.rows.iter().any(|row| row.on_device)
    }

    /// Some device has shown, read or fetched it.
    pub(super) fn seen(&self) -> bool {
        self.rows
            .iter()
            .any(|row| row.visible_at_us.is_some() || row.read_at_us.is_some() || row.on_device)
    }
}

/// The mail that a person would miss: there at the start or accepted during the run, and not deleted by its owner.
pub(super) fn kept_mail(part: Part<'_>) -> Vec<Message<'_>> {
    let mut messages: BTreeMap<(u32, u32, &str), Message<'_>> = BTreeMap::new();
    for row in part.consistency() {
        messages
            .entry((row.block, row.user, row.message.as_str()))
            .or_insert_with(|| Message { rows: Vec::new() })
            .rows
            .push(row);
    }
    messages
        .into_values()
        .filter(|message| {
            let arrived =
                |row: &&ConsistencyRow| row.due_at_us.is_none() || row.accepted_at_us.is_some();
            message.rows.iter().any(arrived) && !message.rows.iter().any(|row| row.deleted)
        })
        .collect()
}

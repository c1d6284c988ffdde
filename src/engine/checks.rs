//! The sums that must add up at the end of a cell: what was handed over, what is there, what was taken away; and every byte
//! that came, if the server counts too.

use crate::metrics::row::{Cell, CheckRow};
use crate::target::ServerCount;

use super::log::Totals;

/// One row per sum.
pub(super) fn check(cell: Cell, totals: &Totals, server: Option<&ServerCount>) -> Vec<CheckRow> {
    let mut rows = Rows {
        cell,
        rows: Vec::new(),
    };
    let Totals {
        accepted,
        removed,
        found,
        ..
    } = totals;
    rows.equal("mailboxes looked into: all", 0, totals.unseen_mailboxes);
    let settled = match totals.settled {
        0 => String::new(),
        1 => " (1 delivery or removal was not answered: settled by what is there)".into(),
        many => {
            format!(" ({many} deliveries or removals were not answered: settled by what is there)")
        }
    };
    rows.equal(
        &format!("messages: accepted = on server + removed{settled}"),
        accepted.messages,
        found.messages + removed.messages,
    );
    rows.equal("messages: none lost", 0, totals.lost);
    rows.equal("messages: none came back", 0, totals.unexpected);
    rows.equal("messages: none corrupt", 0, totals.corrupt);
    if let Some(server) = server {
        with_server(&mut rows, totals, server);
    }
    rows.rows
}

fn with_server(rows: &mut Rows, totals: &Totals, server: &ServerCount) {
    let ServerCount {
        delivered,
        deleted,
        appended,
        copied,
        stored,
        ..
    } = server;
    rows.equal(
        "messages: accepted = delivered by server",
        totals.accepted.messages,
        delivered.messages,
    );
    rows.equal(
        "octets: accepted = delivered by server",
        totals.accepted.octets,
        delivered.octets,
    );
    // Devices copy only in order to move.
    rows.equal(
        "messages: removed + moved = deleted by server",
        totals.removed.messages + copied.messages,
        deleted.messages,
    );
    rows.appended(totals, appended.messages);
    rows.equal(
        "messages: delivered + appended + moved = stored + deleted",
        delivered.messages + appended.messages + copied.messages,
        stored.messages + deleted.messages,
    );
    rows.equal(
        "octets: delivered + appended + moved = stored + deleted",
        delivered.octets + appended.octets + copied.octets,
        stored.octets + deleted.octets,
    );
    // Where a connection was cut, bytes that were under way are counted on one side only.
    let exact = totals.cut == 0;
    for (protocol, ours, theirs) in [
        ("pop3", totals.pop3, server.pop3),
        ("imap", totals.imap, server.imap),
        ("delivery", totals.delivery, server.lmtp),
    ] {
        rows.bytes(
            format!("{protocol}: received = sent by server"),
            theirs.tx_bytes,
            ours.rx,
            exact,
        );
        rows.bytes(
            format!("{protocol}: sent = received by server"),
            theirs.rx_bytes,
            ours.tx,
            exact,
        );
    }
}

struct Rows {
    cell: Cell,
    rows: Vec<CheckRow>,
}

impl Rows {
    fn equal(&mut self, check: &str, expected: u64, found: u64) {
        self.push(check.to_owned(), expected, found, expected == found);
    }

    /// Of one whose answer never came it is not known whether it is there.
    fn appended(&mut self, totals: &Totals, found: u64) {
        let check = "messages: appended = appended by server";
        let expected = totals.appended.messages;
        match totals.unanswered_appends {
            0 => self.equal(check, expected, found),
            open => {
                let check = format!("{check} ({open} were not answered: not exact)");
                let holds = (expected..=expected + open).contains(&found);
                self.push(check, expected, found, holds);
            }
        }
    }

    fn bytes(&mut self, check: String, expected: u64, found: u64, exact: bool) {
        if exact {
            self.push(check, expected, found, expected == found);
        } else {
            let check = format!("{check} (connections were cut: not exact)");
            self.push(check, expected, found, true);
        }
    }

    fn push(&mut self, check: String, expected: u64, found: u64, holds: bool) {
        self.rows.push(CheckRow {
            block: self.cell.block,
            arm: self.cell.arm,
            check,
            expected,
            found,
            holds,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::engine::log::{Count, Totals};
    use crate::metrics::row::Cell;
    use crate::scenario::Arm;
    use crate::target::{MailCount, ServerCount};

    const CELL: Cell = Cell {
        block: 1,
        arm: Arm::POP3,
    };

    fn totals() -> Totals {
        let of = |messages| Count {
            messages,
            octets: messages * 1000,
        };
        Totals {
            accepted: of(10),
            removed: of(7),
            found: of(3),
            ..Totals::default()
        }
    }

    #[test]
    fn a_message_that_vanished_is_noticed() {
        assert!(check(CELL, &totals(), None).iter().all(|row| row.holds));
        let mut less = totals();
        less.found.messages = 2;
        less.lost = 1;
        let broken = check(CELL, &less, None);
        assert_eq!(broken.iter().filter(|row| !row.holds).count(), 2);
    }

    #[test]
    fn a_byte_too_few_is_noticed_unless_a_connection_was_cut() {
        let of = |messages| MailCount {
            messages,
            octets: messages * 1000,
        };
        let mut server = ServerCount {
            delivered: of(10),
            deleted: of(7),
            stored: of(3),
            ..ServerCount::default()
        };
        assert!(
            check(CELL, &totals(), Some(&server))
                .iter()
                .all(|row| row.holds)
        );
        server.pop3.tx_bytes = 1;
        assert!(
            check(CELL, &totals(), Some(&server))
                .iter()
                .any(|row| !row.holds)
        );
        let mut cut = totals();
        cut.cut = 1;
        assert!(check(CELL, &cut, Some(&server)).iter().all(|row| row.holds));
    }
}

//! One user's part of the history, in the shape that the checks ask for: who looked when, and what each observer knew of
//! each message at any instant. Rows hold only what was new to a device; here it is known again what a look confirmed.

mod reader;

use std::collections::{BTreeMap, BTreeSet};

use crate::metrics::row::{Cell, Certainty, Event, FlagBits, ObservationRow};
use crate::scenario::{DeviceKind, Protocol};

use reader::Reader;

/// From the moment something was begun to the moment its outcome was known. One comes before another if it had ended when
/// the other began; else they are concurrent, and nothing is said of their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) sent: u64,
    pub(super) at: u64,
}

impl Span {
    pub(super) const fn of(row: &ObservationRow) -> Self {
        Self {
            sent: row.sent_at_us,
            at: row.at_us,
        }
    }

    pub(super) const fn before(self, other: Self) -> bool {
        self.at < other.sent
    }
}

/// A mailbox's list was read, or a part of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    pub(super) span: Span,
    pub(super) session: u32,
    pub(super) mailbox: &'a str,
    /// IMAP: first and last UID; POP3: everything.
    first: u32,
    last: u32,
}

impl Look<'_> {
    /// Whether a message of that UID would have been listed.
    pub(super) fn covers(&self, uid: Option<u32>) -> bool {
        uid.is_none_or(|uid| (self.first..=self.last).contains(&uid))
    }

    /// Whether a message that came last would have been listed.
    pub(super) const fn reaches_the_end(&self) -> bool {
        self.last == u32::MAX
    }

    /// Whether every message would have been listed.
    pub(super) const fn is_whole(&self) -> bool {
        self.first <= 1 && self.reaches_the_end()
    }
}

/// What an observer learned of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight<'a> {
    pub(super) span: Span,
    pub(super) session: u32,
    pub(super) uid: Option<u32>,
    pub(super) uidl: Option<&'a str>,
    /// UIDVALIDITY of the mailbox, where it was told.
    pub(super) validity: Option<u32>,
    pub(super) there: bool,
    pub(super) flags: Option<FlagBits>,
}

/// A device, or (none) the harness itself.
pub(super) type Observer = Option<DeviceKind>;

/// By mailbox and message.
pub(super) type ByMessage<'a, V> = BTreeMap<&'a str, BTreeMap<&'a str, V>>;

/// What one observer saw.
#[derive(Debug, Default)]
pub(super) struct Witnessed<'a> {
    /// In order.
    pub(super) looks: Vec<Look<'a>>,
    /// Each in order.
    pub(super) sights: ByMessage<'a, Vec<Sight<'a>>>,
    /// When the server could have told of news by itself (IDLE).
    pub(super) watched: Vec<Span>,
    /// When it was asked for news, a look or less.
    pub(super) asked: Vec<Span>,
}

impl<'a> Witnessed<'a> {
    /// The copies of a message that it knew of at an instant: one, as a rule.
    pub(super) fn copies(&self, mailbox: &str, message: &str, at: u64) -> Vec<Sight<'a>> {
        let mut copies: BTreeMap<(Option<u32>, Option<&str>), Sight<'a>> = BTreeMap::new();
        let sights = self.sights(mailbox, message);
        for sight in sights.iter().take_while(|sight| sight.span.at <= at) {
            let copy = copies.entry((sight.uid, sight.uidl)).or_insert(*sight);
            let flags = sight.flags.or(copy.flags);
            *copy = Sight { flags, ..*sight };
        }
        // Where the mailbox was numbered anew, what was known under the old numbers is void.
        let validity = copies.values().filter_map(|sight| sight.validity).max();
        copies
            .into_values()
            .filter(|sight| sight.there && (sight.validity.is_none() || sight.validity == validity))
            .collect()
    }

    pub(super) fn sights(&self, mailbox: &str, message: &str) -> &[Sight<'a>] {
        let mailbox = self.sights.get(mailbox);
        mailbox
            .and_then(|messages| messages.get(message))
            .map_or(&[], Vec::as_slice)
    }

    /// The looks at a mailbox that began after an instant.
    pub(super) fn looks_after(
        &self,
        mailbox: &str,
        at: u64,
    ) -> impl DoubleEndedIterator<Item = &Look<'a>> {
        self.looks
            .iter()
            .filter(move |look| look.mailbox == mailbox && look.span.sent > at)
    }
}

/// How a message came into a mailbox.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival<'a> {
    pub(super) row: &'a ObservationRow,
    pub(super) mailbox: &'a str,
}

/// How a message was taken out of a mailbox: EXPUNGE, MOVE, or DELE and QUIT.
#[derive(Clone, Copy, Debug)]
pub(super) struct Removal<'a> {
    pub(super) row: &'a ObservationRow,
    pub(super) span: Span,
    pub(super) outcome: Certainty,
}

/// A message was marked by DELE, and no QUIT was sent afterwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marked<'a> {
    pub(super) row: &'a ObservationRow,
    /// When the connection was found to be gone.
    pub(super) cut: Option<u64>,
}

/// One connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Session {
    pub(super) device: Observer,
    pub(super) login: Option<Span>,
    /// When its end was begun, and when it was known.
    pub(super) end: Option<Span>,
}

/// One user in one cell.
#[derive(Debug)]
pub(super) struct History<'a> {
    pub(super) cell: Cell,
    pub(super) user: u32,
    /// In the order of `at_us`.
    pub(super) rows: Vec<&'a ObservationRow>,
    /// The same by message.
    by_message: BTreeMap<&'a str, Vec<&'a ObservationRow>>,
    pub(super) observers: BTreeMap<Observer, Witnessed<'a>>,
    /// By message.
    pub(super) arrivals: BTreeMap<&'a str, Vec<Arrival<'a>>>,
    pub(super) removals: ByMessage<'a, Vec<Removal<'a>>>,
    pub(super) marked: Vec<Marked<'a>>,
    pub(super) sessions: BTreeMap<u32, Session>,
}

/// Divides a run's rows by cell and user.
pub(super) fn histories(rows: &[ObservationRow]) -> Vec<History<'_>> {
    let mut parts: BTreeMap<(Cell, u32), Vec<&ObservationRow>> = BTreeMap::new();
    for row in rows {
        let cell = Cell {
            block: row.block,
            arm: row.arm,
        };
        parts.entry((cell, row.user)).or_default().push(row);
    }
    parts
        .into_iter()
        .map(|((cell, user), rows)| History::new(cell, user, rows))
        .collect()
}

impl<'a> History<'a> {
    fn new(cell: Cell, user: u32, mut rows: Vec<&'a ObservationRow>) -> Self {
        // Stable: rows of one look stay together.
        rows.sort_by_key(|row| row.at_us);
        let mut history = Self {
            cell,
            user,
            rows: Vec::new(),
            by_message: BTreeMap::new(),
            observers: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            removals: BTreeMap::new(),
            marked: Vec::new(),
            sessions: BTreeMap::new(),
        };
        let mut reader = Reader::default();
        for row in &rows {
            reader.take(&mut history, row);
            if let Some(message) = row.message.as_deref() {
                history.by_message.entry(message).or_default().push(row);
            }
        }
        reader.finish(&mut history);
        for witnessed in history.observers.values_mut() {
            witnessed.looks.sort_by_key(|look| look.span.sent);
        }
        history.rows = rows;
        history
    }

    /// The rows about a message, in order.
    pub(super) fn rows_of(&self, message: &str) -> &[&'a ObservationRow] {
        self.by_message.get(message).map_or(&[], Vec::as_slice)
    }

    pub(super) fn is_pop(&self) -> bool {
        self.cell.arm.protocol() == Protocol::Pop3
    }

    /// The person's devices, as far as they did anything.
    pub(super) fn devices(&self) -> impl Iterator<Item = (DeviceKind, &Witnessed<'a>)> {
        self.observers
            .iter()
            .filter_map(|(observer, witnessed)| Some(((*observer)?, witnessed)))
    }

    /// Every way out of a mailbox.
    pub(super) fn all_removals(&self) -> impl Iterator<Item = &Removal<'a>> {
        self.removals.values().flat_map(BTreeMap::values).flatten()
    }

    /// Every message that came, or was seen, with its mailbox.
    pub(super) fn messages(&self) -> BTreeSet<(&'a str, &'a str)> {
        let sights = self
            .observers
            .values()
            .flat_map(|witnessed| &witnessed.sights)
            .flat_map(|(mailbox, messages)| {
                messages.keys().map(move |message| (*mailbox, *message))
            });
        let arrivals = self.arrivals.iter().flat_map(|(message, arrivals)| {
            arrivals
                .iter()
                .map(move |arrival| (arrival.mailbox, *message))
        });
        sights.chain(arrivals).collect()
    }

    pub(super) fn removals(&self, mailbox: &str, message: &str) -> &[Removal<'a>] {
        let mailbox = self.removals.get(mailbox);
        mailbox
            .and_then(|messages| messages.get(message))
            .map_or(&[], Vec::as_slice)
    }

    /// Ways into a mailbox that were not refused.
    pub(super) fn arrivals<'h>(
        &'h self,
        mailbox: &'h str,
        message: &str,
    ) -> impl Iterator<Item = &'h Arrival<'a>> {
        let arrivals = self.arrivals.get(message);
        arrivals
            .into_iter()
            .flatten()
            .filter(move |arrival| arrival.mailbox == mailbox)
    }

    /// Somebody may have taken it out of the mailbox in something that began before `at`.
    pub(super) fn may_be_removed(&self, mailbox: &str, message: &str, at: u64) -> bool {
        self.removals(mailbox, message)
            .iter()
            .any(|removal| removal.span.sent <= at)
    }

    /// The rows that changed flags of a message, or may have, in order.
    pub(super) fn flag_changes<'h>(
        &'h self,
        mailbox: &'h str,
        message: &'h str,
        event: Event,
    ) -> impl Iterator<Item = &'a ObservationRow> + 'h {
        self.rows_of(message).iter().copied().filter(move |row| {
            row.event == event && row.outcome != Certainty::Fail && row.mailbox() == mailbox
        })
    }
}

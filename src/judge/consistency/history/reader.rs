//! From rows to a history: sessions, looks and sights, ways into mailboxes and out of them.

use std::collections::HashMap;

use crate::metrics::row::{Certainty, Event, ObservationRow};

use super::{Arrival, History, Look, Marked, Removal, Sight, Span};

/// What must be remembered from row to row.
#[derive(Debug, Default)]
pub(super) struct Reader<'a> {
    /// By session and mailbox: UIDVALIDITY as it was told.
    validity: HashMap<(u32, &'a str), u32>,
    /// By session: what is marked by DELE.
    marked: HashMap<u32, Vec<&'a ObservationRow>>,
}

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, history: &mut History<'a>, row: &'a ObservationRow) {
        let span = Span::of(row);
        match row.event {
            Event::Login if row.outcome == Certainty::Ok => {
                let session = history.sessions.entry(row.session).or_default();
                (session.device, session.login) = (row.device, Some(span));
            }
            Event::Select => {
                if let Some(validity) = row.uid_validity {
                    self.validity.insert((row.session, row.mailbox()), validity);
                }
            }
            Event::Listed if row.outcome == Certainty::Ok => {
                let witnessed = history.observers.entry(row.device).or_default();
                witnessed.looks.push(Look {
                    span,
                    session: row.session,
                    mailbox: row.mailbox(),
                    first: row.uid.unwrap_or(0),
                    last: row.uid_to.unwrap_or(u32::MAX),
                });
                witnessed.asked.push(span);
            }
            Event::Asked if row.outcome == Certainty::Ok => {
                let witnessed = history.observers.entry(row.device).or_default();
                witnessed.asked.push(span);
            }
            Event::Watched => {
                let witnessed = history.observers.entry(row.device).or_default();
                witnessed.watched.push(span);
            }
            Event::Shown | Event::Gone => self.sight(history, row),
            Event::Retrieve if row.outcome == Certainty::Ok && row.uidl.is_some() => {
                self.sight(history, row);
            }
            Event::Deliver | Event::Append | Event::Move | Event::Expunge => {
                change(history, row);
            }
            // Whether it was answered or not: DELE alone deletes nothing.
            Event::Dele if row.outcome != Certainty::Fail => {
                self.marked.entry(row.session).or_default().push(row);
            }
            Event::Quit | Event::Logout | Event::Cut => self.end(history, row),
            _ => {}
        }
    }

    fn sight(&self, history: &mut History<'a>, row: &'a ObservationRow) {
        let Some(message) = row.message.as_deref() else {
            return;
        };
        let told = self.validity.get(&(row.session, row.mailbox())).copied();
        let sight = Sight {
            span: Span::of(row),
            session: row.session,
            uid: row.uid,
            uidl: row.uidl.as_deref(),
            validity: row.uid_validity.or(told),
            there: row.event != Event::Gone,
            flags: row.flags,
        };
        let witnessed = history.observers.entry(row.device).or_default();
        let sights = witnessed.sights.entry(row.mailbox()).or_default();
        sights.entry(message).or_default().push(sight);
    }

    /// A session ends: what it had marked is removed by QUIT, and by nothing else.
    fn end(&mut self, history: &mut History<'a>, row: &'a ObservationRow) {
        let span = Span::of(row);
        let session = history.sessions.entry(row.session).or_default();
        session.end = Some(span);
        for marked in self.marked.remove(&row.session).unwrap_or_default() {
            if row.event == Event::Quit {
                let removal = Removal {
                    row: marked,
                    span,
                    outcome: row.outcome,
                };
                remove(history, marked, removal);
            } else {
                let cut = Some(row.at_us);
                history.marked.push(Marked { row: marked, cut });
            }
        }
    }

    /// Sessions of which no end is known.
    pub(super) fn finish(self, history: &mut History<'a>) {
        let mut rest: Vec<_> = self.marked.into_values().flatten().collect();
        rest.sort_by_key(|row| row.at_us);
        let marked = rest.into_iter().map(|row| Marked { row, cut: None });
        history.marked.extend(marked);
    }
}

/// Mail came into a mailbox, or left it.
fn change<'a>(history: &mut History<'a>, row: &'a ObservationRow) {
    let Some(message) = row.message.as_deref() else {
        return;
    };
    if row.outcome == Certainty::Fail {
        return;
    }
    let into = match row.event {
        Event::Expunge => None,
        Event::Move => row.to_mailbox.as_deref(),
        _ => Some(row.mailbox()),
    };
    if let Some(mailbox) = into {
        let arrivals = history.arrivals.entry(message).or_default();
        arrivals.push(Arrival { row, mailbox });
    }
    if matches!(row.event, Event::Expunge | Event::Move) {
        let removal = Removal {
            row,
            span: Span::of(row),
            outcome: row.outcome,
        };
        remove(history, row, removal);
    }
}

fn remove<'a>(history: &mut History<'a>, row: &'a ObservationRow, removal: Removal<'a>) {
    if let Some(message) = row.message.as_deref() {
        let removals = history.removals.entry(row.mailbox()).or_default();
        removals.entry(message).or_default().push(removal);
    }
}

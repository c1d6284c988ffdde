//! Flags: what was set stays set until somebody takes it away, everybody sees it who asks afterwards, and nothing is set
//! that nobody set.

use std::collections::BTreeSet;

use crate::metrics::row::{Certainty, Event, FlagBits, ObservationRow};

use super::anomaly::{Anomaly, AnomalyKind, Severity, who};
use super::history::{History, Look, Observer, Sight, Span};

pub(super) fn check(history: &History<'_>) -> Vec<Anomaly> {
    let mut found = Vec::new();
    for row in &history.rows {
        if row.event == Event::SetFlags && row.outcome == Certainty::Ok {
            for flag in row.flags.unwrap_or_default().each() {
                found.extend(Write { history, row, flag }.check());
            }
        }
    }
    found.extend(from_nowhere(history));
    found
}

/// One flag that the server said was set on one message.
struct Write<'h, 'a> {
    history: &'h History<'a>,
    row: &'a ObservationRow,
    flag: FlagBits,
}

/// An observer looked, and the message was there.
struct Moment<'h, 'a> {
    observer: Observer,
    look: &'h Look<'a>,
    has_it: bool,
}

impl<'h, 'a> Write<'h, 'a> {
    fn check(&self) -> Vec<Anomaly> {
        let moments = self.moments();
        let Some(last) = moments.iter().max_by_key(|moment| moment.look.span.sent) else {
            return Vec::new();
        };
        if !last.has_it {
            return vec![self.anomaly(AnomalyKind::LostFlag, Severity::Violation, last)];
        }
        // It is there at the end: who did not see it at first was shown the past.
        let mut observers = BTreeSet::new();
        moments
            .iter()
            .filter(|moment| !moment.has_it && observers.insert(moment.observer))
            .map(|moment| {
                let own = moment.observer == self.row.device;
                let (kind, severity) = if own {
                    (AnomalyKind::ReadYourWrites, Severity::Violation)
                } else {
                    (AnomalyKind::StaleRead, Severity::Allowed)
                };
                self.anomaly(kind, severity, moment)
            })
            .collect()
    }

    /// Each look that was begun when the write had been acknowledged, unless somebody may have taken the flag away by then.
    fn moments(&self) -> Vec<Moment<'h, 'a>> {
        let Some(message) = self.row.message.as_deref() else {
            return Vec::new();
        };
        let mailbox = self.row.mailbox();
        let write = Span::of(self.row);
        let undone = self
            .history
            .flag_changes(mailbox, message, Event::ClearFlags)
            .filter(|row| row.flags.unwrap_or_default().has(self.flag))
            .filter(|row| !Span::of(row).before(write))
            .map(|row| row.sent_at_us)
            .min();
        let mut moments = Vec::new();
        for (&observer, witnessed) in &self.history.observers {
            for look in witnessed.looks_after(mailbox, write.at) {
                if undone.is_some_and(|undone| undone <= look.span.at) {
                    continue;
                }
                let copies = witnessed.copies(mailbox, message, look.span.at);
                if let Some(flags) = self.flags_of(&copies, look) {
                    moments.push(Moment {
                        observer,
                        look,
                        has_it: flags.has(self.flag),
                    });
                }
            }
        }
        moments
    }

    fn flags_of(&self, copies: &[Sight<'_>], look: &Look<'_>) -> Option<FlagBits> {
        copies
            .iter()
            .find(|copy| self.row.uid.is_none() || copy.uid == self.row.uid)
            .filter(|copy| look.covers(copy.uid))
            .and_then(|copy| copy.flags)
    }

    fn anomaly(&self, kind: AnomalyKind, severity: Severity, moment: &Moment<'_, '_>) -> Anomaly {
        let detail = format!(
            "{} set `{}` and got OK; {} looked afterwards and does not see it",
            who(self.row.device),
            self.flag,
            if moment.observer == self.row.device {
                "it".to_owned()
            } else {
                who(moment.observer)
            },
        );
        Anomaly {
            kind,
            severity,
            cell: self.history.cell,
            user: self.history.user,
            message: self.row.message.clone(),
            mailbox: Some(self.row.mailbox().to_owned()),
            number: self.row.uid.map(|uid| uid.to_string()),
            device: moment.observer,
            session: moment.look.session,
            other: self.row.device,
            at_us: moment.look.span.at,
            since_us: Some(self.row.at_us),
            detail,
        }
    }
}

/// Flags that are shown before anybody can have set them. A POP3 server may mark what was retrieved, so there it says nothing.
fn from_nowhere(history: &History<'_>) -> Vec<Anomaly> {
    if history.is_pop() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut known: BTreeSet<(&str, &str)> = BTreeSet::new();
    for row in history.rows.iter().filter(|row| row.event == Event::Shown) {
        let (Some(message), Some(flags)) = (row.message.as_deref(), row.flags) else {
            continue;
        };
        let unexplained = flags
            .each()
            .find(|flag| !explained(history, row, message, *flag));
        let Some(flag) = unexplained else { continue };
        if known.insert((row.mailbox(), message)) {
            found.push(Anomaly {
                kind: AnomalyKind::FlagFromNowhere,
                severity: Severity::Allowed,
                cell: history.cell,
                user: history.user,
                message: row.message.clone(),
                mailbox: Some(row.mailbox().to_owned()),
                number: row.uid.map(|uid| uid.to_string()),
                device: row.device,
                session: row.session,
                other: None,
                at_us: row.at_us,
                since_us: None,
                detail: format!("`{flag}` is set, and no client of this run has set it"),
            });
        }
    }
    found
}

/// Somebody had begun something by then that sets the flag.
fn explained(history: &History<'_>, seen: &ObservationRow, message: &str, flag: FlagBits) -> bool {
    history
        .rows_of(message)
        .iter()
        .filter(|row| row.sent_at_us <= seen.at_us && row.outcome != Certainty::Fail)
        .any(|row| match row.event {
            Event::SetFlags | Event::Append => row.flags.unwrap_or_default().has(flag),
            Event::Retrieve => flag == FlagBits::SEEN,
            // Without MOVE, and before EXPUNGE, a message is marked.
            Event::Move | Event::Expunge => flag == FlagBits::DELETED,
            _ => false,
        })
}

//! What was deleted stays deleted, and what was not deleted is there: resurrected, missing and stranded messages, ghosts,
//! and messages that come and go.

use std::collections::{BTreeMap, BTreeSet};

use crate::metrics::row::{Certainty, Event, ObservationRow};
use crate::scenario::DeviceKind;

use super::Agreement;
use super::anomaly::{Anomaly, AnomalyKind, Severity, who};
use super::history::{History, Observer, Removal, Sight, Span};

pub(super) fn check(history: &History<'_>) -> Vec<Anomaly> {
    let mut found = Vec::new();
    for (mailbox, message) in history.messages() {
        let one = One {
            history,
            mailbox,
            message,
        };
        for removal in history.removals(mailbox, message) {
            if removal.outcome == Certainty::Ok {
                found.extend(one.seen_after(removal));
            }
        }
        found.extend(one.missing());
        found.extend(one.comes_and_goes());
        found.extend(one.stranded());
    }
    found
}

/// One message in one mailbox.
struct One<'h, 'a> {
    history: &'h History<'a>,
    mailbox: &'a str,
    message: &'a str,
}

/// An observer saw the message in something that was begun after it had been removed.
#[derive(Clone, Copy)]
struct Return {
    observer: Observer,
    session: u32,
    span: Span,
}

impl<'a> One<'_, 'a> {
    fn anomaly(
        &self,
        kind: AnomalyKind,
        severity: Severity,
        at_us: u64,
        detail: String,
    ) -> Anomaly {
        Anomaly {
            kind,
            severity,
            cell: self.history.cell,
            user: self.history.user,
            message: Some(self.message.to_owned()),
            mailbox: Some(self.mailbox.to_owned()),
            number: None,
            device: None,
            session: 0,
            other: None,
            at_us,
            since_us: None,
            detail,
        }
    }

    fn seen_after(&self, removal: &Removal<'a>) -> Vec<Anomaly> {
        let came_back = self
            .history
            .arrivals(self.mailbox, self.message)
            .any(|arrival| !Span::of(arrival.row).before(removal.span));
        if came_back {
            return Vec::new();
        }
        let returns = self.returns(removal);
        let Some(last) = returns.iter().max_by_key(|it| it.span.sent).copied() else {
            return Vec::new();
        };
        let by_itself = self.is_gone_after(last);
        let mut observers = BTreeSet::new();
        returns
            .into_iter()
            .filter(|it| observers.insert(it.observer))
            .map(|it| self.returned(removal, it, by_itself))
            .collect()
    }

    /// In the order of time.
    fn returns(&self, removal: &Removal<'a>) -> Vec<Return> {
        let mut returns = Vec::new();
        for (&observer, witnessed) in &self.history.observers {
            let looks = witnessed.looks_after(self.mailbox, removal.span.at);
            let shown = looks.filter(|look| {
                let copies = witnessed.copies(self.mailbox, self.message, look.span.at);
                copies.iter().any(|copy| look.covers(copy.uid))
            });
            returns.extend(shown.map(|look| Return {
                observer,
                session: look.session,
                span: look.span,
            }));
            let sights = witnessed.sights(self.mailbox, self.message).iter();
            let shown = sights.filter(|sight| sight.there && removal.span.before(sight.span));
            returns.extend(shown.map(|sight| Return {
                observer,
                session: sight.session,
                span: sight.span,
            }));
        }
        returns.sort_by_key(|it| it.span.at);
        returns
    }

    /// Whether somebody looked later and did not see it any more, though nobody had removed it again.
    fn is_gone_after(&self, last: Return) -> bool {
        let removals = self.history.removals(self.mailbox, self.message);
        let again = removals.iter().any(|it| it.span.at > last.span.sent);
        let later = self.history.observers.values().any(|witnessed| {
            let looks = witnessed.looks_after(self.mailbox, last.span.at);
            looks.filter(|look| look.is_whole()).count() > 0
        });
        later && !again
    }

    fn returned(&self, removal: &Removal<'a>, it: Return, by_itself: bool) -> Anomaly {
        let session = self.history.sessions.get(&it.session);
        let was_open = session
            .and_then(|session| session.login)
            .is_some_and(|login| login.sent <= removal.span.at);
        let (kind, severity) = if was_open {
            (AnomalyKind::Ghost, Severity::Allowed)
        } else if !by_itself {
            (AnomalyKind::Resurrected, Severity::Violation)
        } else if it.observer == removal.row.device {
            (AnomalyKind::ReadYourWrites, Severity::Violation)
        } else {
            (AnomalyKind::StaleRead, Severity::Allowed)
        };
        let detail = format!(
            "{} removed the message and got OK; {} looked afterwards and sees it",
            who(removal.row.device),
            if it.observer == removal.row.device {
                "it".to_owned()
            } else {
                who(it.observer)
            }
        );
        Anomaly {
            number: removal
                .row
                .uid
                .map(|uid| uid.to_string())
                .or_else(|| removal.row.uidl.clone()),
            device: it.observer,
            session: it.session,
            other: removal.row.device,
            since_us: Some(removal.span.at),
            ..self.anomaly(kind, severity, it.span.at, detail)
        }
    }

    /// The harness looked at the end, and what came in and was not removed is not there.
    fn missing(&self) -> Option<Anomaly> {
        let harness = self.history.observers.get(&None)?;
        let looks = harness
            .looks
            .iter()
            .filter(|look| look.mailbox == self.mailbox);
        let look = looks
            .filter(|look| look.is_whole())
            .max_by_key(|look| look.span.sent)?;
        let arrival = self
            .history
            .arrivals(self.mailbox, self.message)
            .filter(|it| it.row.outcome == Certainty::Ok && it.row.at_us < look.span.sent)
            .min_by_key(|it| it.row.at_us)?;
        if self
            .history
            .may_be_removed(self.mailbox, self.message, look.span.at)
            || !harness
                .copies(self.mailbox, self.message, look.span.at)
                .is_empty()
        {
            return None;
        }
        let held = names(&self.keepers());
        let held = if held.is_empty() {
            "no device holds it".to_owned()
        } else {
            format!("it still lies on {held}")
        };
        let marked = self
            .history
            .marked
            .iter()
            .find(|marked| marked.row.message.as_deref() == Some(self.message));
        let gone = match marked {
            Some(marked) => Anomaly {
                session: marked.row.session,
                other: marked.row.device,
                since_us: Some(marked.cut.unwrap_or(marked.row.at_us)),
                number: marked.row.uidl.clone(),
                ..self.anomaly(
                    AnomalyKind::DeletedWithoutQuit,
                    Severity::Violation,
                    look.span.at,
                    format!(
                        "{} had marked it with DELE in session {}, which was cut before QUIT, and it is gone; {held}",
                        who(marked.row.device),
                        marked.row.session
                    ),
                )
            },
            None => Anomaly {
                session: look.session,
                since_us: Some(arrival.row.at_us),
                ..self.anomaly(
                    AnomalyKind::Missing,
                    Severity::Violation,
                    look.span.at,
                    format!("it was accepted, nobody removed it, and it is gone; {held}"),
                )
            },
        };
        Some(gone)
    }

    /// Seen, not seen, and seen again by one observer, while nobody removed it.
    fn comes_and_goes(&self) -> Vec<Anomaly> {
        let mut found = Vec::new();
        for (&observer, witnessed) in &self.history.observers {
            let sights = witnessed.sights(self.mailbox, self.message);
            let gone = sights.iter().position(|sight| !sight.there);
            let Some((gone, rest)) =
                gone.and_then(|gone| Some((sights.get(gone)?, sights.get(gone..)?)))
            else {
                continue;
            };
            let same = |sight: &&Sight<'_>| {
                sight.there && (sight.uid, sight.uidl) == (gone.uid, gone.uidl)
            };
            let Some(again) = rest.iter().find(same) else {
                continue;
            };
            if again.validity != gone.validity
                || self
                    .history
                    .may_be_removed(self.mailbox, self.message, again.span.at)
            {
                continue;
            }
            let detail = format!("{} saw it, then did not, then did again", who(observer));
            let kind = AnomalyKind::NonMonotonicRead;
            found.push(Anomaly {
                number: again.uid.map(|uid| uid.to_string()),
                device: observer,
                session: again.session,
                other: observer,
                since_us: Some(gone.span.at),
                ..self.anomaly(kind, Severity::Violation, again.span.at, detail)
            });
        }
        found
    }

    /// A device took it off the server by its own policy, not because the person wanted it gone.
    fn stranded(&self) -> Option<Anomaly> {
        if self.is_unwanted() {
            return None;
        }
        let removals = self.history.removals(self.mailbox, self.message);
        let removal = removals
            .iter()
            .find(|removal| removal.outcome == Certainty::Ok && removal.row.event == Event::Dele)?;
        let keepers = self.keepers();
        let without: BTreeSet<DeviceKind> = self
            .history
            .devices()
            .map(|(device, _)| device)
            .filter(|device| !keepers.contains(device))
            .collect();
        if keepers.is_empty() || without.is_empty() {
            return None;
        }
        let detail = format!(
            "it lies on {} and can no longer reach {}",
            names(&keepers),
            names(&without)
        );
        let kind = AnomalyKind::Stranded;
        Some(Anomaly {
            number: removal.row.uidl.clone(),
            device: removal.row.device,
            session: removal.row.session,
            other: without.first().copied(),
            since_us: Some(removal.row.at_us),
            ..self.anomaly(kind, Severity::Property, removal.span.at, detail)
        })
    }

    /// The person deleted it, on whatever device.
    fn is_unwanted(&self) -> bool {
        self.rows_of(Event::Discard).next().is_some()
            || self.rows_of(Event::Expunge).next().is_some()
    }

    fn rows_of(&self, event: Event) -> impl Iterator<Item = &'a ObservationRow> {
        let rows = self.history.rows_of(self.message).iter().copied();
        rows.filter(move |row| row.event == event)
    }

    /// Devices on which it lies whole at the end.
    fn keepers(&self) -> BTreeSet<DeviceKind> {
        let mut keepers = BTreeSet::new();
        keepers.extend(self.rows_of(Event::Keep).filter_map(|row| row.device));
        for row in self.rows_of(Event::Discard) {
            if let Some(device) = row.device {
                keepers.remove(&device);
            }
        }
        keepers
    }

    /// Devices that can show it at the end: from their own store, or because the server last told them of it.
    fn showing(&self) -> BTreeSet<DeviceKind> {
        let mut showing = self.keepers();
        for (device, witnessed) in self.history.devices() {
            let listed = !witnessed
                .copies(self.mailbox, self.message, u64::MAX)
                .is_empty();
            if listed && !self.history.is_pop() {
                showing.insert(device);
            }
        }
        showing
    }
}

/// Over the messages that their owner has not deleted; people with one device agree with themselves and are left out.
pub(super) fn agreement(history: &History<'_>) -> Agreement {
    let devices = history.devices().count();
    let mut agreement = Agreement::default();
    if devices < 2 {
        return agreement;
    }
    let mut messages: BTreeMap<&str, BTreeSet<DeviceKind>> = BTreeMap::new();
    for (mailbox, message) in history.messages() {
        let one = One {
            history,
            mailbox,
            message,
        };
        if !one.is_unwanted() {
            messages.entry(message).or_default().extend(one.showing());
        }
    }
    for showing in messages.values() {
        agreement.on_any += u64::from(!showing.is_empty());
        agreement.on_all += u64::from(showing.len() == devices);
    }
    agreement
}

fn names(devices: &BTreeSet<DeviceKind>) -> String {
    let names: Vec<String> = devices.iter().map(|device| who(Some(*device))).collect();
    names.join(" and ")
}

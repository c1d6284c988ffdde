//! POP3 sessions: whether the maildrop is locked, and what follows from a connection that broke.

use std::collections::BTreeMap;

use crate::metrics::row::{Certainty, Event, ObservationRow};
use crate::scenario::DeviceKind;

use super::anomaly::{Anomaly, AnomalyKind, Severity, who};
use super::history::{History, Removal};

pub(super) fn check(history: &History<'_>) -> Vec<Anomaly> {
    let mut found = second_sessions(history);
    found.extend(in_doubt(history));
    found.extend(downloaded_twice(history));
    found
}

fn anomaly(
    history: &History<'_>,
    kind: AnomalyKind,
    severity: Severity,
    row: &ObservationRow,
    detail: String,
) -> Anomaly {
    Anomaly {
        kind,
        severity,
        cell: history.cell,
        user: history.user,
        message: row.message.clone(),
        mailbox: Some(row.mailbox().to_owned()),
        number: row.uidl.clone(),
        device: row.device,
        session: row.session,
        other: None,
        at_us: row.at_us,
        since_us: None,
        detail,
    }
}

/// A session was let in while another was, which shows by a command that the other sent later and that succeeded.
fn second_sessions(history: &History<'_>) -> Vec<Anomaly> {
    let is_device = |row: &&&ObservationRow| row.device.is_some();
    let logins = || {
        let rows = history.rows.iter().filter(is_device);
        rows.filter(|row| row.event == Event::Login && row.outcome == Certainty::Ok)
    };
    let mut found = Vec::new();
    for second in logins() {
        let held = logins()
            .take_while(|first| first.at_us < second.at_us)
            .find(|first| {
                first.session != second.session && works_after(history, first, second.at_us)
            });
        if let Some(first) = held {
            let detail = format!(
                "{} was let in as session {}, while {} had the maildrop in session {} and went on",
                who(second.device),
                second.session,
                who(first.device),
                first.session,
            );
            let kind = AnomalyKind::SecondSession;
            found.push(Anomaly {
                other: first.device,
                since_us: Some(first.at_us),
                ..anomaly(history, kind, Severity::Allowed, second, detail)
            });
        }
    }
    found
}

fn works_after(history: &History<'_>, login: &ObservationRow, at: u64) -> bool {
    history.rows.iter().any(|row| {
        row.session == login.session
            && row.sent_at_us > at
            && row.outcome == Certainty::Ok
            && matches!(
                row.event,
                Event::Listed | Event::Retrieve | Event::Dele | Event::Quit
            )
    })
}

/// Once per session: the answer to QUIT was lost.
fn in_doubt(history: &History<'_>) -> Vec<Anomaly> {
    let mut sessions: BTreeMap<u32, Vec<&Removal<'_>>> = BTreeMap::new();
    for removal in history.all_removals() {
        if removal.outcome == Certainty::Unknown && removal.row.event == Event::Dele {
            sessions
                .entry(removal.row.session)
                .or_default()
                .push(removal);
        }
    }
    sessions
        .into_values()
        .filter_map(|removals| {
            let first = removals.first()?;
            let detail = format!(
                "{} sent QUIT with {} marked, and the answer did not come",
                who(first.row.device),
                match removals.len() {
                    1 => "one message".to_owned(),
                    n => format!("{n} messages"),
                }
            );
            let kind = AnomalyKind::DeletionInDoubt;
            Some(Anomaly {
                at_us: first.span.at,
                since_us: Some(first.row.at_us),
                ..anomaly(history, kind, Severity::Property, first.row, detail)
            })
        })
        .collect()
}

fn downloaded_twice(history: &History<'_>) -> Vec<Anomaly> {
    let mut first: BTreeMap<(Option<DeviceKind>, &str), &ObservationRow> = BTreeMap::new();
    let mut found = Vec::new();
    for row in &history.rows {
        let (Event::Retrieve, Certainty::Ok, Some(message)) =
            (row.event, row.outcome, row.message.as_deref())
        else {
            continue;
        };
        let before = first.insert((row.device, message), row);
        let Some(before) = before.filter(|before| before.session != row.session) else {
            continue;
        };
        let why = if before.uidl != row.uidl {
            "under another unique-id"
        } else if ended_by(history, before.session, Event::Cut) {
            "after the session that had it was cut"
        } else {
            "under the same unique-id"
        };
        let detail = format!("{} downloaded it again, {why}", who(row.device));
        let kind = AnomalyKind::DownloadedTwice;
        found.push(Anomaly {
            other: before.device,
            since_us: Some(before.at_us),
            ..anomaly(history, kind, Severity::Property, row, detail)
        });
    }
    found
}

fn ended_by(history: &History<'_>, session: u32, event: Event) -> bool {
    let mut rows = history.rows.iter();
    rows.any(|row| row.session == session && row.event == event)
}

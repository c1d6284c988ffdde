//! IMAP's numbers: UIDs, UIDNEXT, UIDVALIDITY and modification sequences, none of which may ever go backwards.

use std::collections::BTreeMap;

use crate::metrics::row::{Event, ObservationRow};

use super::anomaly::{Anomaly, AnomalyKind, Severity};
use super::history::{History, Span};

pub(super) fn check(history: &History<'_>) -> Vec<Anomaly> {
    let mut found = Vec::new();
    let mut mailboxes: BTreeMap<&str, Vec<&ObservationRow>> = BTreeMap::new();
    for row in history.rows.iter().filter(|row| row.event == Event::Select) {
        mailboxes.entry(row.mailbox()).or_default().push(row);
    }
    for selects in mailboxes.values() {
        found.extend(validity(history, selects));
        found.extend(uid_next(history, selects));
        found.extend(highest_mod_seq(history, selects));
    }
    found.extend(uids(history, &mailboxes));
    found.extend(mod_seqs(history));
    found
}

/// For each of the rows (in the order of their ends) the greatest `value` that was told before it was asked for, and by whom.
fn greatest_before<'a, N: Ord + Copy>(
    rows: &[&'a ObservationRow],
    value: impl Fn(&ObservationRow) -> Option<N>,
) -> Vec<(&'a ObservationRow, N, &'a ObservationRow, N)> {
    // By the end of each row, the greatest told until then.
    let mut told: Vec<(u64, &ObservationRow, N)> = Vec::new();
    let mut pairs = Vec::new();
    for row in rows {
        let Some(now) = value(row) else { continue };
        let earlier = told.partition_point(|(at, ..)| *at < row.sent_at_us);
        if let Some((_, other, before)) = earlier.checked_sub(1).and_then(|last| told.get(last)) {
            pairs.push((*row, now, *other, *before));
        }
        match told.last() {
            Some(&(_, other, before)) if before >= now => told.push((row.at_us, other, before)),
            _ => told.push((row.at_us, row, now)),
        }
    }
    pairs
}

fn validity(history: &History<'_>, selects: &[&ObservationRow]) -> Vec<Anomaly> {
    let mut found = Vec::new();
    let mut last: Option<(&ObservationRow, u32)> = None;
    for row in selects {
        let Some(now) = row.uid_validity else {
            continue;
        };
        if let Some((other, before)) = last
            && before != now
            && Span::of(other).before(Span::of(row))
        {
            let (kind, severity) = if now < before {
                (AnomalyKind::UidValidityFell, Severity::Violation)
            } else {
                (AnomalyKind::UidValidityChanged, Severity::Allowed)
            };
            let detail = format!("UIDVALIDITY was {before} and is {now}");
            found.push(told(history, kind, severity, row, other, detail));
        }
        last = Some((row, now));
    }
    found
}

fn uid_next(history: &History<'_>, selects: &[&ObservationRow]) -> Vec<Anomaly> {
    by_validity(selects)
        .iter()
        .flat_map(|selects| greatest_before(selects, |row| row.uid_next))
        .filter(|(_, now, _, before)| now < before)
        .map(|(row, now, other, before)| {
            let detail = format!("UIDNEXT was {before} and is {now}");
            let kind = AnomalyKind::UidNextFell;
            told(history, kind, Severity::Violation, row, other, detail)
        })
        .collect()
}

fn highest_mod_seq(history: &History<'_>, selects: &[&ObservationRow]) -> Vec<Anomaly> {
    by_validity(selects)
        .iter()
        .flat_map(|selects| greatest_before(selects, |row| row.mod_seq))
        .filter(|(_, now, _, before)| now < before)
        .map(|(row, now, other, before)| {
            let detail = format!("HIGHESTMODSEQ was {before} and is {now}");
            let kind = AnomalyKind::ModSeqFell;
            told(history, kind, Severity::Violation, row, other, detail)
        })
        .collect()
}

fn by_validity<'a>(selects: &[&'a ObservationRow]) -> Vec<Vec<&'a ObservationRow>> {
    let mut parts: BTreeMap<Option<u32>, Vec<&ObservationRow>> = BTreeMap::new();
    for row in selects {
        parts.entry(row.uid_validity).or_default().push(row);
    }
    parts.into_values().collect()
}

/// A UID names one message, and one that comes later is greater.
fn uids(history: &History<'_>, selects: &BTreeMap<&str, Vec<&ObservationRow>>) -> Vec<Anomaly> {
    let mut found = Vec::new();
    let mut names: BTreeMap<(&str, u32, u32), (&str, &ObservationRow)> = BTreeMap::new();
    let mut validities: BTreeMap<(u32, &str), u32> = BTreeMap::new();
    for row in &history.rows {
        if let (Event::Select, Some(validity)) = (row.event, row.uid_validity) {
            validities.insert((row.session, row.mailbox()), validity);
        }
        let (Event::Shown, Some(message), Some(uid)) = (row.event, row.message.as_deref(), row.uid)
        else {
            continue;
        };
        let mailbox = row.mailbox();
        let Some(validity) = validities.get(&(row.session, mailbox)).copied() else {
            continue;
        };
        let first = names
            .entry((mailbox, validity, uid))
            .or_insert((message, row));
        if first.0 != message {
            let detail = format!("UID {uid} was message {} and is message {message}", first.0);
            let kind = AnomalyKind::UidReused;
            found.push(told(
                history,
                kind,
                Severity::Violation,
                row,
                first.1,
                detail,
            ));
            *first = (message, row);
        } else if std::ptr::eq(first.1, *row) {
            let told_before = selects.get(mailbox).map_or(&[][..], Vec::as_slice);
            found.extend(descends(history, row, message, uid, validity, told_before));
        }
    }
    found
}

/// UIDNEXT was told, then the message came, and its UID is smaller all the same.
fn descends(
    history: &History<'_>,
    row: &ObservationRow,
    message: &str,
    uid: u32,
    validity: u32,
    selects: &[&ObservationRow],
) -> Option<Anomaly> {
    let came = history
        .arrivals(row.mailbox(), message)
        .map(|it| it.row.sent_at_us)
        .min()?;
    let promised = selects
        .iter()
        .filter(|select| select.uid_validity == Some(validity) && select.at_us < came)
        .max_by_key(|select| select.uid_next)?;
    let next = promised.uid_next.filter(|next| uid < *next)?;
    let detail = format!("UIDNEXT was {next}, and a message that came after that has UID {uid}");
    let kind = AnomalyKind::UidNotAscending;
    Some(told(
        history,
        kind,
        Severity::Violation,
        row,
        promised,
        detail,
    ))
}

/// MODSEQ of a single message.
fn mod_seqs(history: &History<'_>) -> Vec<Anomaly> {
    let mut messages: BTreeMap<(&str, u32, &str), Vec<&ObservationRow>> = BTreeMap::new();
    for row in history.rows.iter().filter(|row| row.event == Event::Shown) {
        if let (Some(uid), Some(message), Some(_)) = (row.uid, &row.message, row.mod_seq) {
            let rows = messages.entry((row.mailbox(), uid, message.as_str()));
            rows.or_default().push(row);
        }
    }
    messages
        .values()
        .flat_map(|rows| greatest_before(rows, |row| row.mod_seq))
        .filter(|(_, now, _, before)| now < before)
        .map(|(row, now, other, before)| {
            let detail = format!("MODSEQ of the message was {before} and is {now}");
            let kind = AnomalyKind::ModSeqFell;
            told(history, kind, Severity::Violation, row, other, detail)
        })
        .collect()
}

fn told(
    history: &History<'_>,
    kind: AnomalyKind,
    severity: Severity,
    row: &ObservationRow,
    other: &ObservationRow,
    detail: String,
) -> Anomaly {
    Anomaly {
        kind,
        severity,
        cell: history.cell,
        user: history.user,
        message: row.message.clone(),
        mailbox: Some(row.mailbox().to_owned()),
        number: row.uid.map(|uid| uid.to_string()),
        device: row.device,
        session: row.session,
        other: other.device,
        at_us: row.at_us,
        since_us: Some(other.at_us),
        detail,
    }
}

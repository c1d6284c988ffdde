//! One message is one message: duplicates on the server, and, under POP3, unique-ids that change or are used again.

use std::collections::{BTreeMap, BTreeSet};

use super::anomaly::{Anomaly, AnomalyKind, Severity, who};
use super::history::{History, Observer, Sight};

pub(super) fn check(history: &History<'_>) -> Vec<Anomaly> {
    let mut found = Vec::new();
    let mut names: BTreeMap<&str, (&str, Observer, Sight<'_>)> = BTreeMap::new();
    for (mailbox, message) in history.messages() {
        found.extend(duplicated(history, mailbox, message));
        if history.is_pop() {
            found.extend(uidl_changed(history, mailbox, message));
        }
    }
    for (message, observer, sight) in in_order(history) {
        let Some(uidl) = sight.uidl else { continue };
        let first = names.entry(uidl).or_insert((message, observer, sight));
        if first.0 != message {
            found.push(uidl_reused(history, *first, (message, observer, sight)));
            *first = (message, observer, sight);
        }
    }
    found
}

/// All sights of all messages, in the order of time.
fn in_order<'a>(history: &History<'a>) -> Vec<(&'a str, Observer, Sight<'a>)> {
    let mut sights = Vec::new();
    for (&observer, witnessed) in &history.observers {
        for (message, of_message) in witnessed.sights.values().flatten() {
            let there = of_message.iter().filter(|sight| sight.there);
            sights.extend(there.map(|sight| (*message, observer, *sight)));
        }
    }
    sights.sort_by_key(|(_, _, sight)| sight.span.at);
    sights
}

/// One observer saw it twice at the same time, before anybody removed it.
fn duplicated(history: &History<'_>, mailbox: &str, message: &str) -> Option<Anomaly> {
    let mut first: Option<(Observer, Sight<'_>, usize)> = None;
    for (&observer, witnessed) in &history.observers {
        let sights = witnessed.sights(mailbox, message).iter();
        for sight in sights.filter(|sight| sight.there) {
            if history.may_be_removed(mailbox, message, sight.span.at) {
                break;
            }
            let copies = witnessed.copies(mailbox, message, sight.span.at).len();
            if copies > 1 && first.is_none_or(|(_, other, _)| sight.span.at < other.span.at) {
                first = Some((observer, *sight, copies));
                break;
            }
        }
    }
    let (observer, sight, copies) = first?;
    let ways_in = history.arrivals(mailbox, message).count();
    let (severity, why) = if ways_in < copies {
        (Severity::Violation, "it was handed over once".to_owned())
    } else {
        let why = format!("it was handed over {ways_in} times, as the answer had been lost");
        (Severity::Property, why)
    };
    let detail = format!("{} sees it {copies} times; {why}", who(observer));
    Some(Anomaly {
        kind: AnomalyKind::Duplicated,
        severity,
        since_us: history
            .arrivals(mailbox, message)
            .map(|it| it.row.at_us)
            .min(),
        ..about(history, mailbox, message, observer, &sight, detail)
    })
}

/// Two sessions saw it under different unique-ids, and none under both.
fn uidl_changed(history: &History<'_>, mailbox: &str, message: &str) -> Option<Anomaly> {
    let mut sessions: BTreeMap<u32, (Observer, Sight<'_>, BTreeSet<&str>)> = BTreeMap::new();
    for (&observer, witnessed) in &history.observers {
        for sight in witnessed
            .sights(mailbox, message)
            .iter()
            .filter(|it| it.there)
        {
            if let Some(uidl) = sight.uidl {
                let session = sessions.entry(sight.session);
                session
                    .or_insert((observer, *sight, BTreeSet::new()))
                    .2
                    .insert(uidl);
            }
        }
    }
    let mut sessions: Vec<_> = sessions.into_values().collect();
    sessions.sort_by_key(|(_, sight, _)| sight.span.at);
    let (first, rest) = sessions.split_first()?;
    let (observer, sight, names) = rest
        .iter()
        .find(|(_, _, names)| names.is_disjoint(&first.2))?;
    if history.may_be_removed(mailbox, message, sight.span.at)
        || history.arrivals(mailbox, message).count() > 1
    {
        return None;
    }
    let name = |names: &BTreeSet<&str>| names.first().copied().unwrap_or_default().to_owned();
    let detail = format!(
        "its unique-id was {} and is {}",
        name(&first.2),
        name(names)
    );
    Some(Anomaly {
        kind: AnomalyKind::UidlChanged,
        severity: Severity::Violation,
        other: first.0,
        since_us: Some(first.1.span.at),
        ..about(history, mailbox, message, *observer, sight, detail)
    })
}

fn uidl_reused(
    history: &History<'_>,
    (first, other, before): (&str, Observer, Sight<'_>),
    (message, observer, sight): (&str, Observer, Sight<'_>),
) -> Anomaly {
    // RFC 1939: never again "for as long as the entity using the unique-id exists".
    let gone = history
        .removals("INBOX", first)
        .iter()
        .any(|removal| removal.span.sent <= sight.span.at);
    let severity = if gone {
        Severity::Allowed
    } else {
        Severity::Violation
    };
    let uidl = sight.uidl.unwrap_or_default();
    let detail = format!("unique-id {uidl} was message {first} and is message {message}");
    Anomaly {
        kind: AnomalyKind::UidlReused,
        severity,
        other,
        since_us: Some(before.span.at),
        ..about(history, "INBOX", message, observer, &sight, detail)
    }
}

fn about(
    history: &History<'_>,
    mailbox: &str,
    message: &str,
    observer: Observer,
    sight: &Sight<'_>,
    detail: String,
) -> Anomaly {
    let uid = sight.uid.map(|uid| uid.to_string());
    Anomaly {
        kind: AnomalyKind::Duplicated,
        severity: Severity::Violation,
        cell: history.cell,
        user: history.user,
        message: Some(message.to_owned()),
        mailbox: Some(mailbox.to_owned()),
        number: uid.or_else(|| sight.uidl.map(str::to_owned)),
        device: observer,
        session: sight.session,
        other: None,
        at_us: sight.span.at,
        since_us: None,
        detail,
    }
}

//! Row 6: whether a person finds on another device what one device has read or downloaded.

use std::collections::HashMap;

use super::mail::kept_mail;
use super::{ArmFigures, Observed, Part, Ruling, Verdict};
use crate::judge::FEW_OBSERVATIONS;
use crate::judge::figure::percent;
use crate::judge::verdict::{Answer, together};
use crate::metrics::ErrorClass;
use crate::metrics::row::{Opening, OpeningRow};
use crate::scenario::Protocol;

pub(super) fn measure(part: Part<'_>) -> Vec<(&'static str, Observed)> {
    let mut pairs = 0;
    let mut shown = 0;
    let mut read_pairs = 0;
    let mut read_shown = 0;
    for message in kept_mail(part) {
        for row in &message.rows {
            let others = || {
                message
                    .rows
                    .iter()
                    .filter(|other| other.device != row.device)
            };
            if others().any(|other| other.read_at_us.is_some() || other.on_device) {
                pairs += 1;
                shown += u64::from(row.on_device || row.on_server);
            }
            if others().any(|other| other.read_at_us.is_some()) {
                read_pairs += 1;
                read_shown += u64::from(row.shown_read);
            }
        }
    }
    let (found, revisits) = revisits(part);
    vec![
        ("shown_elsewhere", percent(shown, pairs)),
        ("revisits_found", percent(found, revisits)),
        ("maildrop_busy", maildrop_busy(part)),
        ("read_mark_elsewhere", percent(read_shown, read_pairs)),
        ("deletions_elsewhere", deletions(part)),
    ]
}

/// Of what one device's owner deleted, what every place has let go of.
fn deletions(part: Part<'_>) -> Observed {
    let deleted = || part.consistency().filter(|row| row.deleted);
    let gone = deleted().filter(|row| !row.on_server && !row.on_device);
    percent(gone.count() as u64, deleted().count() as u64)
}

/// POP3 sessions that met another device's.
fn maildrop_busy(part: Part<'_>) -> Observed {
    if part.arm.protocol() == Protocol::Imap {
        return None;
    }
    let (busy, all) = part.sessions().fold((0, 0), |(busy, all), row| {
        let refused = row.error == Some(ErrorClass::InUse);
        (busy + u64::from(refused), all + 1)
    });
    percent(busy, all)
}

/// Second openings, on another device, of messages that a first device did find: (found, all).
fn revisits(part: Part<'_>) -> (u64, u64) {
    let was_found = |row: &OpeningRow| matches!(row.outcome, Opening::Local | Opening::Fetched);
    let mut first: HashMap<(u32, u32, &str), Vec<&OpeningRow>> = HashMap::new();
    for row in part.all_openings().filter(|row| was_found(row)) {
        let message = (row.block, row.user, row.message.as_str());
        first.entry(message).or_default().push(row);
    }
    let opened_elsewhere = |row: &&OpeningRow| {
        let message = (row.block, row.user, row.message.as_str());
        first.get(&message).is_some_and(|openings| {
            openings
                .iter()
                .any(|other| other.device != row.device && other.at_us <= row.at_us)
        })
    };
    part.openings()
        .filter(|row| row.again)
        .filter(opened_elsewhere)
        .fold((0, 0), |(found, all), row| {
            (found + u64::from(was_found(row)), all + 1)
        })
}

pub(super) fn decide(arm: &ArmFigures) -> Ruling {
    let claimed = match arm.arm.protocol() {
        Protocol::Pop3 => Answer::No,
        Protocol::Imap => Answer::Yes,
    };
    let observed = |name| arm.figure(name).map_or(0, |figure| figure.n);
    let verdict = |name, other| {
        // A share of few observations has no say beside one of many.
        let outweighed = observed(name) < FEW_OBSERVATIONS && observed(other) >= FEW_OBSERVATIONS;
        match arm.value(name) {
            Some(share) if !outweighed => Answer::of(share).against(claimed),
            _ => Verdict::NotMeasured,
        }
    };
    let Some(elsewhere) = arm.value("shown_elsewhere") else {
        return Ruling::not_measured("message that one device of several has read or downloaded");
    };
    let mut reason = format!("other devices can show {elsewhere:.0} % of it at the end");
    if let Some(found) = arm.value("revisits_found") {
        let n = observed("revisits_found");
        reason = format!("{reason}; of {n} second openings {found:.0} % found the message");
    }
    Ruling::new(
        together([
            verdict("shown_elsewhere", "revisits_found"),
            verdict("revisits_found", "shown_elsewhere"),
        ]),
        reason,
    )
}

//! Row 6: whether a person finds on another device what one device has read or downloaded.

use super::mail::kept_mail;
use super::{ArmFigures, Observed, Part, Ruling, Verdict};
use crate::judge::figure::percent;
use crate::judge::verdict::{Answer, together};
use crate::metrics::row::Opening;
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
    let revisits = || part.openings().filter(|row| row.again);
    let found = revisits()
        .filter(|row| matches!(row.outcome, Opening::Local | Opening::Fetched))
        .count() as u64;
    vec![
        ("shown_elsewhere", percent(shown, pairs)),
        ("revisits_found", percent(found, revisits().count() as u64)),
        ("read_mark_elsewhere", percent(read_shown, read_pairs)),
    ]
}

pub(super) fn decide(arm: &ArmFigures) -> Ruling {
    let claimed = match arm.arm.protocol() {
        Protocol::Pop3 => Answer::No,
        Protocol::Imap => Answer::Yes,
    };
    let verdict = |name| {
        arm.value(name).map_or(Verdict::NotMeasured, |share| {
            Answer::of(share).against(claimed)
        })
    };
    let Some(elsewhere) = arm.value("shown_elsewhere") else {
        return Ruling::not_measured("message that one device of several has read or downloaded");
    };
    let mut reason = format!("other devices can show {elsewhere:.0} % of it at the end");
    if let Some(found) = arm.value("revisits_found") {
        reason = format!("{reason}; {found:.0} % of second openings found the message");
    }
    Ruling::new(
        together([verdict("shown_elsewhere"), verdict("revisits_found")]),
        reason,
    )
}

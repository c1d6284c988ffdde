//! Row 3: whether reading needs the network.

use super::{ArmFigures, Observed, Part, Ruling};
use crate::judge::figure::percent;
use crate::judge::verdict::Answer;
use crate::metrics::row::Opening;
use crate::scenario::Protocol;

pub(super) fn measure(part: Part<'_>) -> Vec<(&'static str, Observed)> {
    let count =
        |outcome: Opening| part.openings().filter(|row| row.outcome == outcome).count() as u64;
    let local = count(Opening::Local);
    let fetched = count(Opening::Fetched);
    let missing = count(Opening::Missing);
    let failed = count(Opening::Failed);
    let found = local + fetched;
    let planned = found + missing + failed;
    let cut_off = || part.openings().filter(|row| row.offline);
    let read_all_the_same = cut_off()
        .filter(|row| matches!(row.outcome, Opening::Local | Opening::Fetched))
        .count();
    vec![
        ("opened_local", percent(local, found)),
        ("opened_fetched", percent(fetched, found)),
        ("openings_missing", percent(missing, planned)),
        ("openings_failed", percent(failed, planned)),
        ("attachments_local", attachments_local(part)),
        (
            "opened_without_network",
            percent(read_all_the_same as u64, cut_off().count() as u64),
        ),
    ]
}

fn attachments_local(part: Part<'_>) -> Observed {
    let (mut local, mut found) = (0, 0);
    for row in part.openings().filter(|row| row.attachment) {
        local += u64::from(row.outcome == Opening::Local);
        found += u64::from(matches!(row.outcome, Opening::Local | Opening::Fetched));
    }
    percent(local, found)
}

pub(super) fn decide(arm: &ArmFigures) -> Ruling {
    let (Some(local), Some(fetched)) = (arm.value("opened_local"), arm.value("opened_fetched"))
    else {
        return Ruling::not_measured("opening that found its message");
    };
    let claimed = match arm.arm.protocol() {
        Protocol::Pop3 => local,
        Protocol::Imap => fetched,
    };
    Ruling::new(
        Answer::of(claimed).against(Answer::Yes),
        format!("{local:.0} % opened from the device's store, {fetched:.0} % fetched"),
    )
}

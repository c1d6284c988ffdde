//! Beside row 5: how soon new mail is shown. A client that asks less often costs the server less and shows staler
//! mail, so a cost without this says nothing.

use std::collections::BTreeMap;

use super::{ArmFigures, Observed, Part};
use crate::judge::directions::digits;
use crate::judge::fresh;
use crate::judge::stats::survival::{Wait, quantile};

pub(super) fn measure(part: Part<'_>) -> Vec<(&'static str, Observed)> {
    let waits = waits(part);
    let n = waits.len() as u64;
    let of = |q| quantile(waits.clone(), q).map(|time| (time, n));
    vec![
        ("delivery_to_visible_p50", of(0.5)),
        ("delivery_to_visible_p95", of(0.95)),
    ]
}

/// Mail accepted in the measured phase, each message once, in seconds of simulated time: until its owner's first device
/// shows it, or until the phase ends.
fn waits(part: Part<'_>) -> Vec<Wait> {
    let windows: BTreeMap<u32, (u64, u64)> = part.windows().into_iter().collect();
    let mut messages: BTreeMap<(u32, u32, &str), (u64, Option<u64>)> = BTreeMap::new();
    for row in part.consistency() {
        if let Some(accepted) = row.accepted_at_us {
            let message = (row.block, row.user, row.message.as_str());
            let (_, first) = messages.entry(message).or_insert((accepted, None));
            *first = match (*first, row.visible_at_us) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
    }
    let seconds = |us: u64| us as f64 / 1e6 * part.setting().speed;
    messages
        .into_iter()
        .filter_map(|((block, ..), (accepted, first))| {
            let (from, to) = *windows.get(&block)?;
            if !(from..to).contains(&accepted) {
                return None;
            }
            let shown = first.filter(|first| *first <= to);
            Some(Wait {
                // Told of it before the sender was told that it is accepted: at once.
                time: seconds(shown.unwrap_or(to).saturating_sub(accepted)),
                happened: shown.is_some(),
            })
        })
        .collect()
}

/// Whether two arms show new mail about equally soon; none where that was not measured.
pub(super) fn equal(pop: &ArmFigures, imap: &ArmFigures) -> Option<bool> {
    let (pop, imap) = (pop.value(fresh::METRIC)?, imap.value(fresh::METRIC)?);
    Some(fresh::equal(pop, imap))
}

/// What must be said beside the costs where one side's mail is staler.
pub(super) fn words(pop: &ArmFigures, imap: &ArmFigures) -> Option<String> {
    let (pop, imap) = (pop.value(fresh::METRIC)?, imap.value(fresh::METRIC)?);
    if fresh::equal(pop, imap) {
        return Some("both show new mail about equally soon".to_owned());
    }
    let who = if pop > imap { "POP" } else { "IMAP" };
    Some(format!(
        "not at equal freshness: POP shows new mail after {} s, IMAP after {} s (medians), so {who}'s costs are those of staler mail",
        digits(pop),
        digits(imap),
    ))
}

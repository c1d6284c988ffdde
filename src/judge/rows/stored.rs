//! Row 2: on which side the mail lies at the end.

use std::collections::BTreeMap;

use super::mail::{Message, kept_mail};
use super::{ArmFigures, Observed, Part, Ruling, Verdict};
use crate::judge::figure::{mean, percent};
use crate::judge::verdict::{NO_BELOW, YES_FROM};
use crate::scenario::Protocol;

pub(super) fn measure(part: Part<'_>) -> Vec<(&'static str, Observed)> {
    let mail = kept_mail(part);
    let all = mail.len() as u64;
    let seen: Vec<&Message<'_>> = mail.iter().filter(|message| message.seen()).collect();
    let share = |of: &dyn Fn(&Message<'_>) -> bool| {
        percent(
            mail.iter().filter(|message| of(message)).count() as u64,
            all,
        )
    };
    let seen_share = |of: &dyn Fn(&Message<'_>) -> bool| {
        percent(
            seen.iter().filter(|message| of(message)).count() as u64,
            seen.len() as u64,
        )
    };
    vec![
        ("seen_on_server", seen_share(&|message| message.on_server())),
        (
            "seen_on_device",
            seen_share(&|message| message.on_a_device()),
        ),
        ("mail_on_server", share(&|message| message.on_server())),
        ("mail_on_device", share(&|message| message.on_a_device())),
        ("mail_waiting", share(&|message| !message.seen())),
        ("bytes_on_server", bytes(part, |place| place == "server")),
        ("bytes_on_devices", bytes(part, |place| place != "server")),
    ]
}

/// Octets of mail in some places, summed within a block; the mean of the blocks.
fn bytes(part: Part<'_>, place: impl Fn(&str) -> bool) -> Observed {
    let mut blocks: BTreeMap<u32, u64> = BTreeMap::new();
    for row in part.storage() {
        let sum = blocks.entry(row.block).or_default();
        if place(&row.place) {
            *sum += row.mail_bytes;
        }
    }
    mean(blocks.into_values().map(|sum| sum as f64))
}

pub(super) fn decide(arm: &ArmFigures) -> Ruling {
    let (Some(server), Some(device)) = (arm.value("seen_on_server"), arm.value("seen_on_device"))
    else {
        return Ruling::not_measured("mail that a device has seen");
    };
    let (claimed, other) = match arm.arm.protocol() {
        Protocol::Pop3 => (device, server),
        Protocol::Imap => (server, device),
    };
    let verdict = if claimed < NO_BELOW {
        Verdict::Disagrees
    } else if claimed >= YES_FROM && other < NO_BELOW {
        Verdict::Agrees
    } else {
        Verdict::Depends
    };
    Ruling::new(
        verdict,
        format!("of the mail seen, {server:.0} % is on the server and {device:.0} % on a device"),
    )
}

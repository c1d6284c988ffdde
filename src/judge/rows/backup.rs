//! Row 7: what is left of a mailbox when something is lost.

use super::mail::kept_mail;
use super::{ArmFigures, Observed, Part, Ruling};
use crate::judge::consistency::WhereaboutsRow;
use crate::judge::figure::{percent, quantile};
use crate::judge::verdict::Answer;
use crate::scenario::{DeviceKind, Protocol};

pub(super) fn measure(part: Part<'_>) -> Vec<(&'static str, Observed)> {
    let mail = kept_mail(part);
    let all = mail.len() as u64;
    let on_server = mail.iter().filter(|message| message.on_server()).count() as u64;
    let on_device = mail.iter().filter(|message| message.on_a_device()).count() as u64;
    let mut owners = 0;
    let mut left = 0;
    for message in &mail {
        if !message
            .rows
            .iter()
            .any(|row| row.device == DeviceKind::Notebook)
        {
            continue;
        }
        owners += 1;
        let elsewhere = message
            .rows
            .iter()
            .any(|row| row.device != DeviceKind::Notebook && row.on_device);
        left += u64::from(message.on_server() || elsewhere);
    }
    let worst = |left: fn(&WhereaboutsRow) -> u64| worst_moment(part, left);
    vec![
        ("left_without_devices", percent(on_server, all)),
        ("left_without_server", percent(on_device, all)),
        ("left_without_notebook", percent(left, owners)),
        (
            "worst_without_devices",
            worst(|row| row.left_without_devices),
        ),
        ("worst_without_server", worst(|row| row.left_without_server)),
        ("worst_without_phone", worst(|row| row.left_without_phone)),
        (
            "worst_without_notebook",
            worst(|row| row.left_without_notebook),
        ),
    ]
}

/// The smallest share of the mail that is left in any second, and how many seconds were looked at.
fn worst_moment(part: Part<'_>, left: fn(&WhereaboutsRow) -> u64) -> Observed {
    let shares = part
        .whereabouts()
        .filter(|row| row.mail_messages > 0)
        .map(|row| 100.0 * left(row) as f64 / row.mail_messages as f64);
    quantile(shares, 0.0)
}

pub(super) fn decide(arm: &ArmFigures) -> Ruling {
    let Some(share) = arm.value("left_without_devices") else {
        return Ruling::not_measured("mail in the ledger");
    };
    let isp_can = match arm.arm.protocol() {
        Protocol::Pop3 => Answer::No,
        Protocol::Imap => Answer::Yes,
    };
    Ruling::new(
        Answer::of(share).against(isp_can),
        format!("the ISP's server holds {share:.0} % of the mail at the end"),
    )
}

//! What turns a claim over, of what a scenario can set: its name, the side on which a run stands, and how to run the other.

use serde::Serialize;

use super::{View, digits};
use crate::judge::prediction::RTTS_MS;
use crate::metrics::Operation;
use crate::scenario::{Protocol, TlsMode};

/// Something that a scenario can set either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Switch {
    /// POP3 that leaves mail on the server.
    KeepingMail,
    /// IMAP that keeps on the device what it fetched.
    Caching,
    /// Encrypted connections.
    Tls,
    /// How much mail lies in the mailbox.
    MailboxSize,
    /// Distance and speed of the network.
    Network,
}

/// From this share (percent) on, seen mail counts as kept.
const KEPT_FROM: f64 = 50.0;

impl Switch {
    /// One line: the switch, this run's side or sides, and how to run the other.
    pub(super) fn sides(self, view: View<'_>) -> String {
        match self {
            Self::KeepingMail => kept(
                view,
                Protocol::Pop3,
                "seen_on_server",
                ["keeping mail on the server", "keeps", "deletes"],
                "the POP3 clients' leave_on_server",
            ),
            Self::Caching => kept(
                view,
                Protocol::Imap,
                "seen_on_device",
                ["caching on the device", "caches", "keeps nothing"],
                "the IMAP clients' keep",
            ),
            Self::Tls => {
                let other = match view.setting.tls {
                    TlsMode::Plain => "--set tls=implicit",
                    TlsMode::Starttls | TlsMode::Implicit => "--set tls=plain",
                };
                format!("TLS: here {} (other side: {other})", view.setting.tls)
            }
            Self::MailboxSize => {
                let held = view
                    .setting
                    .arms
                    .iter()
                    .filter_map(|arm| view.value(*arm, "bytes_on_server"))
                    .fold(None, |most: Option<f64>, it| {
                        Some(most.map_or(it, |most| most.max(it)))
                    });
                let here = held.map_or_else(
                    || "not measured".to_owned(),
                    |bytes| {
                        let users = view.setting.users;
                        format!(
                            "up to {} MB on the server at the end, for {users} users",
                            digits(bytes / 1e6)
                        )
                    },
                );
                format!("mailbox size: here {here} (other side: mailbox.messages)")
            }
            Self::Network => network(view),
        }
    }
}

/// The round-trip time of [`RTTS_MS`] that stands for the other side: a slow mobile network's.
const FAR: usize = 2;

/// Both sides by what a usable inbox takes: as measured here, and as it follows for a distant network.
fn network(view: View<'_>) -> String {
    let rtts = &view.setting.rtts_us;
    let here = if rtts.values().all(|us| *us == 0) {
        "no network emulated".to_owned()
    } else {
        let of = |(kind, us): (&_, &u64)| format!("{kind} RTT {} ms", digits(*us as f64 / 1e3));
        rtts.iter().map(of).collect::<Vec<_>>().join(", ")
    };
    let inboxes = view.predictions.iter();
    let there: Vec<String> = inboxes
        .filter(|step| step.step == Operation::UsableInbox)
        .map(|step| {
            let (near, far) = (digits(step.measured_ms), digits(step.predicted_ms[FAR]));
            format!("{} {near} ms here, {far} ms there", step.arm)
        })
        .collect();
    let far = RTTS_MS[FAR];
    if there.is_empty() {
        return format!("network: here {here} (other side: phone.network)");
    }
    format!(
        "network: here {here}; a usable inbox, mean, here and at an RTT of {far} ms (derived): {}",
        there.join(", ")
    )
}

/// A switch that shows in a share of each arm of a protocol.
fn kept(
    view: View<'_>,
    protocol: Protocol,
    metric: &str,
    [name, on, off]: [&str; 3],
    setting: &str,
) -> String {
    let mut sides = Vec::new();
    let (mut some_on, mut some_off) = (false, false);
    for arm in view.arms(protocol) {
        let Some(share) = view.value(arm, metric) else {
            continue;
        };
        let is_on = share >= KEPT_FROM;
        some_on |= is_on;
        some_off |= !is_on;
        let side = if is_on { on } else { off };
        sides.push(format!("{arm} {side} ({share:.0} % of seen mail)"));
    }
    if sides.is_empty() {
        return format!("{name}: not measured");
    }
    let here = sides.join(", ");
    if some_on && some_off {
        format!("{name}: both sides here: {here}")
    } else {
        format!("{name}: here {here} (other side: {setting})")
    }
}

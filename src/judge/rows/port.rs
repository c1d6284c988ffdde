//! Row 1: the port in use, and what it takes to be greeted there.

use super::{ArmFigures, Observed, Part, Ruling, Setting, Verdict};
use crate::judge::figure::{percent, quantile};
use crate::metrics::row::SessionRow;
use crate::scenario::{Protocol, TlsMode};

/// The port as the document prints it, and the one for TLS from the first byte (RFC 8314).
const fn assigned(protocol: Protocol) -> (u16, u16) {
    match protocol {
        Protocol::Pop3 => (110, 995),
        Protocol::Imap => (143, 993),
    }
}

pub(super) fn measure(part: Part<'_>) -> Vec<(&'static str, Observed)> {
    let tls = part.setting().tls;
    let greeted: Vec<&SessionRow> = part
        .all_sessions()
        .filter(|row| row.greeting_us.is_some())
        .collect();
    let n = greeted.len() as u64;
    let in_use = part.setting().port(part.arm.protocol());
    let encrypted = greeted.iter().filter(|row| row.tls_us.is_some()).count() as u64;
    let round_trips = if tls == TlsMode::Implicit { 3.0 } else { 2.0 };
    vec![
        (
            "port",
            in_use.filter(|_| n > 0).map(|port| (f64::from(port), n)),
        ),
        ("tls_sessions", percent(encrypted, n)),
        (
            "greeting_p50",
            quantile(
                part.entries()
                    .into_iter()
                    .filter_map(|row| to_greeting_ms(row, tls)),
                0.5,
            ),
        ),
        ("greeting_round_trips", (n > 0).then_some((round_trips, n))),
    ]
}

fn to_greeting_ms(row: &SessionRow, tls: TlsMode) -> Option<f64> {
    let before = match tls {
        TlsMode::Implicit => row.tls_us.unwrap_or(0),
        TlsMode::Plain | TlsMode::Starttls => 0,
    };
    Some((row.connect_us? + before + row.greeting_us?) as f64 / 1000.0)
}

pub(super) fn decide(arm: &ArmFigures, setting: &Setting) -> Ruling {
    let Some(port) = arm.value("port") else {
        return Ruling::not_measured("session that was greeted on a known port");
    };
    let port = port as u16;
    let (printed, implicit) = assigned(arm.arm.protocol());
    let tls = setting.tls;
    if port == printed {
        Ruling::new(Verdict::Agrees, format!("port {port} ({tls})"))
    } else if port == implicit {
        Ruling::new(
            Verdict::Depends,
            format!(
                "port {port} ({tls}): assigned to TLS from the first byte, {printed} to plain and STARTTLS"
            ),
        )
    } else {
        Ruling::new(
            Verdict::Depends,
            format!(
                "port {port} ({tls}): the administrator's choice; {printed} and {implicit} are assigned"
            ),
        )
    }
}

//! Consistency and propagation for people: what `mailgauge consistency` prints, and the lines of the report's section.

use std::fmt::Write as _;

use serde::Serialize;

use crate::judge::consistency::{Anomaly, Delay, Findings, Severity};

/// So many anomalies are printed; `anomalies.csv` has all.
const PRINTED: usize = 20;

/// One kind of anomaly, as the report's table has it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct KindLine {
    severity: Severity,
    kind: String,
    rule: &'static str,
    meaning: &'static str,
    /// `pop3 3, imap 1`.
    counts: String,
}

/// One way of a change, as the report's table has it; times in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct WayLine {
    arm: String,
    change: String,
    from: String,
    to: String,
    learned: u64,
    never: u64,
    total: String,
    server: String,
}

/// The report's section.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Section {
    observations: u64,
    kinds: Vec<KindLine>,
    ways: Vec<WayLine>,
    agreement: Vec<String>,
}

impl Section {
    pub(super) fn of(findings: &Findings) -> Self {
        let kinds = findings
            .counts()
            .into_iter()
            .map(|((severity, kind), arms)| {
                let counts: Vec<String> =
                    arms.iter().map(|(arm, n)| format!("{arm} {n}")).collect();
                KindLine {
                    severity,
                    kind: kind.to_string(),
                    rule: kind.rule(),
                    meaning: kind.meaning(),
                    counts: counts.join(", "),
                }
            });
        let ways = findings.propagation.iter().map(|way| WayLine {
            arm: way.arm.to_string(),
            change: way.change.to_string(),
            from: way
                .from
                .map_or_else(|| "delivery".to_owned(), |from| from.to_string()),
            to: way.to.to_string(),
            learned: way.learned,
            never: way.never,
            total: times(way.learned, way.total),
            server: times(way.learned, way.server),
        });
        let agreement = findings.agreement.iter().map(|(arm, agreement)| {
            let share = match agreement.on_any {
                0 => String::new(),
                any => format!(" ({:.0} %)", 100.0 * agreement.on_all as f64 / any as f64),
            };
            format!("{arm}: {} of {}{share}", agreement.on_all, agreement.on_any)
        });
        Self {
            observations: findings.observations,
            kinds: kinds.collect(),
            ways: ways.collect(),
            agreement: agreement.collect(),
        }
    }
}

/// Median, 95th and 99th percentile in milliseconds; a hyphen where nothing was learned.
fn times(learned: u64, delay: Delay) -> String {
    if learned == 0 {
        return "–".to_owned();
    }
    let ms = |us: u64| format!("{:.1}", us as f64 / 1e3);
    format!(
        "{} / {} / {}",
        ms(delay.p50_us),
        ms(delay.p95_us),
        ms(delay.p99_us)
    )
}

/// The summary for a terminal.
pub fn summary(findings: &Findings) -> String {
    let section = Section::of(findings);
    if section.observations == 0 {
        return "There is no history: run.observations was off, so nothing can be said.\n"
            .to_owned();
    }
    // Writing to a string cannot fail.
    let mut text = format!("{} observations\n", section.observations);
    if section.kinds.is_empty() {
        text.push_str(
            "Nothing that a single mailbox shared by all devices could not have shown.\n",
        );
    }
    for line in &section.kinds {
        let _ = writeln!(
            text,
            "{:<10} {:<21} {:<24} {}\n{:10} {}",
            line.severity.to_string(),
            line.kind,
            line.counts,
            line.rule,
            "",
            line.meaning
        );
    }
    let _ = writeln!(
        text,
        "\nOn all devices, of what is on any at the end: {}",
        section.agreement.join("; ")
    );
    let _ = writeln!(
        text,
        "\n{:<14} {:<9} {:<9} {:<9} {:>8} {:>6}  {:<26} of that the server's share",
        "arm", "change", "from", "to", "learned", "never", "ms: p50 / p95 / p99"
    );
    for way in &section.ways {
        let _ = writeln!(
            text,
            "{:<14} {:<9} {:<9} {:<9} {:>8} {:>6}  {:<26} {}",
            way.arm, way.change, way.from, way.to, way.learned, way.never, way.total, way.server
        );
    }
    if !findings.anomalies.is_empty() {
        text.push('\n');
    }
    for (number, anomaly) in (1..).zip(&findings.anomalies).take(PRINTED) {
        let _ = writeln!(text, "{}", line(number, anomaly));
    }
    if findings.anomalies.len() > PRINTED {
        let _ = writeln!(
            text,
            "… {} more in anomalies.csv",
            findings.anomalies.len() - PRINTED
        );
    }
    text
}

fn line(number: u32, anomaly: &Anomaly) -> String {
    format!(
        "{number:>4}  {} {}, block {} {}, user {}{}: {}",
        anomaly.severity,
        anomaly.kind,
        anomaly.cell.block,
        anomaly.cell.arm,
        anomaly.user,
        anomaly
            .message
            .as_ref()
            .map_or_else(String::new, |id| format!(", {id}")),
        anomaly.detail
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::consistency::{Agreement, AnomalyKind, Change, Propagation};
    use crate::metrics::row::Cell;
    use crate::scenario::{Arm, DeviceKind};

    #[test]
    fn without_a_history_nothing_is_claimed() {
        assert!(summary(&Findings::default()).contains("nothing can be said"));
    }

    #[test]
    fn the_summary_has_kinds_with_their_rules_delays_and_numbers_to_ask_for() {
        let anomaly = Anomaly {
            kind: AnomalyKind::LostFlag,
            severity: Severity::Violation,
            cell: Cell {
                block: 1,
                arm: Arm::IMAP,
            },
            user: 3,
            message: Some("0badcafe-3-7".to_owned()),
            mailbox: None,
            number: Some("9".to_owned()),
            device: None,
            session: 4,
            other: Some(DeviceKind::Phone),
            at_us: 1,
            since_us: None,
            detail: "it is gone".to_owned(),
        };
        let findings = Findings {
            observations: 12,
            anomalies: vec![anomaly; 25],
            propagation: vec![Propagation {
                arm: Arm::IMAP,
                change: Change::Read,
                from: Some(DeviceKind::Phone),
                to: DeviceKind::Notebook,
                learned: 2,
                never: 1,
                total: Delay {
                    p50_us: 1_500,
                    p95_us: 2_000,
                    p99_us: 2_000,
                },
                server: Delay::default(),
            }],
            agreement: [(
                Arm::IMAP,
                Agreement {
                    on_all: 3,
                    on_any: 4,
                },
            )]
            .into(),
        };
        let text = summary(&findings);
        for part in [
            "violation  lost-flag",
            "imap 25",
            "RFC 3501 section 6.4.6",
            "imap: 3 of 4 (75 %)",
            "1.5 / 2.0 / 2.0",
            "20  violation lost-flag, block 1 imap, user 3, 0badcafe-3-7: it is gone",
            "… 5 more in anomalies.csv",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }
}

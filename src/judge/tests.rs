use super::synthetic::{as_the_document_says, empty};
use super::*;
use crate::metrics::ErrorClass;
use crate::metrics::row::Purpose;
use crate::scenario::Protocol;

fn reasons(evidence: &Evidence) -> Vec<String> {
    judge(evidence).validity.reasons
}

#[test]
fn a_sound_run_is_valid_and_has_no_warning() {
    assert_eq!(judge(&as_the_document_says()).validity, Validity::default());
}

#[test]
fn an_empty_run_is_invalid() {
    assert!(!judge(&empty()).validity.is_valid());
}

#[test]
fn a_run_that_broke_off_is_invalid() {
    let mut evidence = as_the_document_says();
    evidence.setting.ending = Ending::Unfinished;
    assert_eq!(reasons(&evidence), ["The run did not finish."]);
    evidence.setting.ending = Ending::Interrupted;
    assert_eq!(reasons(&evidence).len(), 1);
}

#[test]
fn sums_that_do_not_add_up_make_a_run_invalid() {
    let mut evidence = as_the_document_says();
    evidence.checks[0].holds = false;
    evidence.checks[0].found = 39;
    assert_eq!(
        reasons(&evidence),
        [
            "Block 1, arm pop3: \"delivered = stored + deleted\" does not hold: expected 40, found 39."
        ]
    );
}

#[test]
fn late_seconds_are_a_warning_while_the_whole_is_in_time() {
    let mut evidence = as_the_document_says();
    evidence.generator[3].lag_p99_us = 50_000;
    assert_eq!(judge(&evidence).validity, Validity::default());
    evidence.generator[4].lag_p99_us = 50_000;
    let validity = judge(&evidence).validity;
    assert!(validity.is_valid());
    assert!(validity.warnings[0].contains("late in 2 of 22 seconds"));
}

#[test]
fn a_generator_that_cannot_keep_up_makes_the_run_invalid() {
    let mut evidence = as_the_document_says();
    evidence.lag.get_mut(&Arm::IMAP).unwrap().p99_us = 10_001;
    let reasons = reasons(&evidence);
    assert_eq!(reasons.len(), 1);
    assert!(reasons[0].contains("Arm imap: the generator could not keep up"));
}

#[test]
fn lag_is_held_against_the_figure_that_is_judged_when_that_is_long() {
    let mut evidence = as_the_document_says();
    for lag in evidence.lag.values_mut() {
        lag.p99_us = 50_000;
    }
    assert_eq!(reasons(&evidence).len(), 2);
    for row in &mut evidence.sessions {
        row.usable_us = Some(1_000_000);
    }
    assert!(reasons(&evidence).is_empty());
}

#[test]
fn a_saturated_generator_makes_the_run_invalid() {
    let mut evidence = as_the_document_says();
    for row in &mut evidence.generator {
        row.cpu_user_us *= 10;
    }
    assert!(reasons(&evidence)[0].contains("saturated"));
}

#[test]
fn a_generator_without_descriptors_or_ports_says_so() {
    let mut evidence = as_the_document_says();
    evidence.generator[3].fds = 1_000;
    assert!(reasons(&evidence)[0].contains("1000 of 1024 descriptors"));
    let mut evidence = as_the_document_says();
    evidence.sessions[0].error = Some(ErrorClass::Unreachable);
    let warnings = judge(&evidence).validity.warnings;
    assert!(
        warnings.iter().any(|text| text.contains("no free port")),
        "{warnings:?}"
    );
}

/// As Little's law wants it: a connection is open from when it is made.
fn count_connections_exactly(evidence: &mut Evidence) {
    for row in &mut evidence.server {
        let open = evidence.sessions.iter().filter(|session| {
            let made = session.start_at_us + session.connect_us.unwrap_or(0);
            (session.block, session.arm) == (row.block, row.arm)
                && (made..session.end_at_us).contains(&row.at_us)
        });
        let open = open.count() as u32;
        match row.arm.protocol() {
            Protocol::Pop3 => row.pop3_connections = open,
            Protocol::Imap => row.imap_connections = open,
        }
    }
}

#[test]
fn a_run_that_slows_down_while_it_is_measured_is_not_steady() {
    let mut evidence = as_the_document_says();
    let sessions = evidence.sessions.clone();
    for _ in 0..5 {
        evidence.sessions.extend(sessions.iter().cloned());
    }
    count_connections_exactly(&mut evidence);
    assert_eq!(judge(&evidence).validity, Validity::default());
    let windows = evidence.setting.windows.clone();
    for row in &mut evidence.sessions {
        let cell = crate::metrics::row::Cell {
            block: row.block,
            arm: row.arm,
        };
        let late = row.due_at_us.saturating_sub(windows[&cell].0) > 5_000_000;
        row.usable_us = row.usable_us.map(|us| if late { us * 14 / 10 } else { us });
    }
    let validity = judge(&evidence).validity;
    assert!(
        validity.is_valid() && validity.warnings.len() == 2,
        "{validity:?}"
    );
    assert!(
        validity.warnings[0].contains("is 1.40 times that of the first"),
        "{validity:?}"
    );
    for row in &mut evidence.sessions {
        let cell = crate::metrics::row::Cell {
            block: row.block,
            arm: row.arm,
        };
        if row.due_at_us.saturating_sub(windows[&cell].0) > 5_000_000 {
            row.usable_us = row.usable_us.map(|us| us * 2);
        }
    }
    assert!(!judge(&evidence).validity.is_valid());
}

#[test]
fn failed_sessions_count_but_refusals_by_the_protocol_do_not() {
    let mut evidence = as_the_document_says();
    for row in evidence.sessions.iter_mut().take(3) {
        row.error = Some(ErrorClass::InUse);
    }
    assert!(judge(&evidence).validity.is_valid());
    for row in evidence.sessions.iter_mut().take(3) {
        row.error = Some(ErrorClass::Offline);
    }
    assert!(
        judge(&evidence).validity.is_valid(),
        "an outage is the plan's"
    );
    for row in evidence.sessions.iter_mut().take(3) {
        row.error = Some(ErrorClass::ConnectionLost);
    }
    assert!(reasons(&evidence)[0].contains("3 of 60 sessions"));
}

#[test]
fn devices_that_never_get_in_make_the_run_invalid() {
    let mut evidence = as_the_document_says();
    for row in &mut evidence.sessions {
        if row.user == 1 && row.arm == Arm::IMAP {
            row.login_us = None;
        }
    }
    assert!(
        reasons(&evidence)
            .iter()
            .any(|reason| reason.contains("6 of 12 devices"))
    );
    for row in &mut evidence.sessions {
        if row.login_us.is_none() {
            row.error = Some(ErrorClass::Offline);
        }
    }
    assert!(
        !reasons(&evidence)
            .iter()
            .any(|reason| reason.contains("never logged in"))
    );
}

#[test]
fn more_checks_missed_than_made_make_the_run_invalid_and_some_are_a_warning() {
    let mut evidence = as_the_document_says();
    let set = |evidence: &mut Evidence, missed: u64| {
        for row in &mut evidence.generator {
            let ends = row.at_us % 30_000_000 >= 10_000_000;
            row.coalesced = if row.arm == Arm::IMAP && ends {
                missed
            } else {
                0
            };
        }
    };
    set(&mut evidence, 10);
    let validity = judge(&evidence).validity;
    assert!(validity.is_valid(), "{validity:?}");
    assert!(
        validity.warnings[0].contains("20 planned checks fell due"),
        "{validity:?}"
    );
    set(&mut evidence, 40);
    assert!(reasons(&evidence)[0].contains("80 planned checks fell due"));
    let held = judge(&evidence).held;
    let mut held = held.iter();
    let missed = held.find(|it| it.arm == Arm::IMAP && it.limit == bounds::Limit::MissedChecks);
    let missed = missed.unwrap();
    assert!((missed.value - 100.0 * 80.0 / 140.0).abs() < 1e-9 && !missed.is_within());
}

#[test]
fn planned_devices_that_never_come_online_make_the_run_invalid() {
    use crate::scenario::DeviceKind::{Phone, Tablet};
    let mut evidence = as_the_document_says();
    evidence.sessions.retain(|row| row.device != Tablet);
    let validity = judge(&evidence).validity;
    assert!(
        validity.is_valid(),
        "nothing says that it was due: {validity:?}"
    );
    assert!(
        validity.warnings[0].contains("4 of 12 devices never came online"),
        "{validity:?}"
    );
    evidence.setting.due = [(Arm::IMAP, Tablet), (Arm::IMAP, Phone)].into();
    assert_eq!(
        reasons(&evidence),
        ["Arm imap: 4 of 8 devices that were planned to come online never did."]
    );
}

#[test]
fn the_values_behind_validity_stand_beside_their_bounds() {
    let judgement = judge(&as_the_document_says());
    assert!(judgement.held.iter().all(Held::is_within));
    let mut out = Vec::new();
    bounds::write(&judgement, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(
        text.starts_with("arm,limit,value,unit,bound,n,beyond,within\n"),
        "{text}"
    );
    assert!(
        text.contains("pop3,lag,2.0,ms,10.0,240,invalid,true"),
        "{text}"
    );
}

#[test]
fn a_row_names_its_switches_and_both_sides() {
    let mut evidence = as_the_document_says();
    let rows = judge(&evidence).rows;
    assert!(
        rows[5].sides[0].contains("here pop3 deletes (0 % of seen mail)"),
        "{:?}",
        rows[5].sides
    );
    assert!(rows.iter().all(|row| !row.sides.is_empty()));
    let network = rows[3].sides.last().unwrap();
    assert!(
        network.contains("pop3 3.00 ms here, 153 ms there"),
        "{network}"
    );
    evidence.setting.rtts_us = [(crate::scenario::DeviceKind::Phone, 60_000)].into();
    let network = judge(&evidence).rows[3].sides.last().unwrap().clone();
    assert!(network.contains("here phone RTT 60.0 ms"), "{network}");
}

#[test]
fn audits_are_never_judged() {
    let mut evidence = as_the_document_says();
    let before = judge(&evidence);
    let mut audit = evidence.sessions[0].clone();
    audit.purpose = Purpose::Audit;
    audit.usable_us = Some(9_000_000);
    audit.error = Some(ErrorClass::Timeout);
    evidence.sessions.extend(vec![audit; 100]);
    let after = judge(&evidence);
    assert_eq!(after.validity, before.validity);
    assert_eq!(
        after.rows[3].arms[0].figures,
        before.rows[3].arms[0].figures
    );
}

#[test]
fn every_figure_has_the_value_of_each_block() {
    for row in judge(&as_the_document_says()).rows {
        for figure in row.arms.iter().flat_map(|arm| &arm.figures) {
            if figure.value.is_some() {
                let blocks: Vec<u32> = figure.blocks.iter().map(|(block, _)| *block).collect();
                assert_eq!(blocks, [1, 2], "{}", figure.metric.name);
            }
        }
    }
}

#[test]
fn connections_kept_since_before_the_measured_phase_are_timed_and_noted() {
    let mut evidence = as_the_document_says();
    for row in &mut evidence.sessions {
        if row.arm == Arm::IMAP || row.user == 0 {
            row.phase = crate::scenario::Phase::RampUp;
        }
    }
    let judgement = judge(&evidence);
    let n = |arm: usize| judgement.rows[3].arms[arm].figure("usable_p50").unwrap().n;
    // Like with like: of POP's sessions, too, only those before the measured phase.
    assert_eq!((n(0), n(1)), (30, 60));
    assert!(
        judgement
            .notes
            .iter()
            .any(|note| note.contains("every connection"))
    );
}

#[test]
fn speed_and_thin_evidence_are_said() {
    let notes = judge(&as_the_document_says()).notes;
    assert!(notes[0].contains("60 times faster"));
    assert!(notes[1].contains("no intervals"));
}

#[test]
fn a_share_of_few_observations_says_so() {
    let mut evidence = as_the_document_says();
    let reason = |evidence: &Evidence| judge(evidence).rows[7].arms[0].reason.clone();
    assert!(!reason(&evidence).contains("only"));
    evidence.openings.truncate(10);
    assert!(
        reason(&evidence).ends_with("(only 5 observed)"),
        "{}",
        reason(&evidence)
    );
}

#[test]
fn the_results_readme_explains_every_metric() {
    let readme = include_str!("../../results/README.md");
    for row in &DOCUMENT {
        for metric in row.metrics {
            let line = format!(
                "| {} | `{}` | {} | {} | {} |",
                row.number, metric.name, metric.unit, metric.kind, metric.how
            );
            assert!(readme.contains(&line), "results/README.md lacks:\n{line}");
        }
    }
}

/// Six blocks in which the arms differ as in [`as_the_document_says`], but each block is slower than the one before.
fn six_blocks() -> Evidence {
    let mut evidence = super::synthetic::with_blocks(6);
    for row in &mut evidence.sessions {
        let slower = u64::from(row.block) * 100 + u64::from(row.block % 3) * 31;
        row.usable_us = row.usable_us.map(|us| us + slower);
    }
    evidence
}

#[test]
fn from_six_blocks_on_figures_and_ratios_have_intervals_and_verdicts_are_firm() {
    let judgement = judge(&six_blocks());
    let row = &judgement.rows[3];
    let figure = row.arms[1].figure("usable_p50").unwrap();
    let (low, value, high) = (
        figure.low.unwrap(),
        figure.value.unwrap(),
        figure.high.unwrap(),
    );
    assert!(low < value && value < high, "{low} {value} {high}");
    let ratio = row
        .ratios
        .iter()
        .find(|it| it.metric.name == "usable_p50")
        .unwrap();
    let interval = ratio.interval.unwrap();
    assert!(interval.low > 2.0 && interval.high < 3.0, "{interval:?}");
    assert!((ratio.p - 2.0 / 64.0).abs() < 1e-12);
    assert!(ratio.p_adjusted.unwrap() <= 0.05);
    assert_eq!(row.verdict, Verdict::Agrees);
    assert!(row.arms.iter().all(|arm| !arm.provisional));
    assert!(
        row.arms[0].reason.contains("95 % from 2."),
        "{}",
        row.arms[0].reason
    );
    assert!(
        judgement
            .notes
            .iter()
            .all(|note| !note.contains("provisional"))
    );
}

#[test]
fn a_difference_that_turns_with_the_block_is_not_shown() {
    let mut evidence = six_blocks();
    for row in &mut evidence.sessions {
        let pop = row.arm.protocol() == crate::scenario::Protocol::Pop3;
        let slow = pop == row.block.is_multiple_of(2);
        let noise = u64::from(row.block) * 137;
        row.usable_us = Some(if slow { 9_000 + noise } else { 3_000 });
    }
    let judgement = judge(&evidence);
    let reason = &judgement.rows[3].arms[0].reason;
    assert!(
        reason.contains("no difference shown: usable inbox, median"),
        "{reason}"
    );
    assert_eq!(judgement.rows[3].verdict, Verdict::Depends);
}

#[test]
fn one_block_that_differs_does_not_hide_what_eleven_show() {
    let mut evidence = super::synthetic::with_blocks(12);
    for row in &mut evidence.sessions {
        if row.block == 5 && row.arm.protocol() == crate::scenario::Protocol::Pop3 {
            row.usable_us = row.usable_us.map(|us| us * 4);
        }
    }
    assert_eq!(judge(&evidence).rows[3].verdict, Verdict::Agrees);
}

#[test]
fn fewer_than_six_blocks_make_a_verdict_about_a_direction_provisional() {
    let judgement = judge(&super::synthetic::with_blocks(5));
    assert!(judgement.rows[3].arms.iter().all(|arm| arm.provisional));
    assert!(judgement.rows[4].arms.iter().all(|arm| arm.provisional));
    assert!(judgement.rows[5].arms.iter().all(|arm| !arm.provisional));
    assert!(
        judgement.rows[3]
            .ratios
            .iter()
            .all(|ratio| ratio.interval.is_none())
    );
}

#[test]
fn why_forced_writes_were_not_counted_is_said_in_the_words_of_the_run() {
    let mut evidence = as_the_document_says();
    let said = |evidence: &Evidence| {
        let mut notes = judge(evidence).notes.into_iter();
        notes.find(|note| note.starts_with("Forced writes"))
    };
    assert_eq!(said(&evidence), None);
    evidence.setting.no_disk_syncs = vec!["no tracefs there".to_owned()];
    evidence.server[0].disk_syncs = None;
    let samples = evidence.server.len();
    assert_eq!(
        said(&evidence).unwrap(),
        format!(
            "Forced writes (fsync) were not counted in 1 of {samples} samples: no tracefs there."
        )
    );
    for row in &mut evidence.server {
        row.disk_syncs = None;
    }
    assert_eq!(
        said(&evidence).unwrap(),
        "Forced writes (fsync) were not counted: no tracefs there."
    );
    evidence.setting.no_disk_syncs.clear();
    assert!(
        said(&evidence)
            .unwrap()
            .contains("the run does not say why")
    );
    evidence.server.clear();
    assert_eq!(said(&evidence), None);
}

//! Each row flips when the rows flip: agreement, disagreement, dependence and absence, from rows alone.

use crate::judge::synthetic::{as_the_document_says, empty, exchanged};
use crate::judge::{Evidence, JudgedRow, Verdict, judge};
use crate::metrics::row::{Cell, Opening, RadioRow};
use crate::scenario::{Arm, DeviceKind, RadioKind};

fn row(evidence: &Evidence, number: u8) -> JudgedRow {
    judge(evidence).rows[usize::from(number) - 1].clone()
}

fn verdicts(evidence: &Evidence, number: u8) -> (Verdict, Verdict) {
    let row = row(evidence, number);
    (
        row.arm(Arm::POP3).unwrap().verdict,
        row.arm(Arm::IMAP).unwrap().verdict,
    )
}

fn value(evidence: &Evidence, number: u8, arm: Arm, metric: &str) -> f64 {
    let row = row(evidence, number);
    row.arm(arm).unwrap().figure(metric).unwrap().value.unwrap()
}

#[test]
fn a_run_in_which_all_is_as_the_document_says_agrees_in_every_row() {
    for number in 1..=8 {
        assert_eq!(
            verdicts(&as_the_document_says(), number),
            (Verdict::Agrees, Verdict::Agrees),
            "row {number}"
        );
    }
}

#[test]
fn with_the_arms_exchanged_every_row_but_the_port_disagrees() {
    for number in 2..=8 {
        assert_eq!(
            verdicts(&exchanged(), number),
            (Verdict::Disagrees, Verdict::Disagrees),
            "row {number}"
        );
    }
}

#[test]
fn without_rows_every_row_is_not_measured() {
    for row in judge(&empty()).rows {
        assert_eq!(
            row.verdict,
            Verdict::NotMeasured,
            "{}",
            row.document.english
        );
    }
}

#[test]
fn row_1_depends_on_the_administrator_when_the_port_is_another() {
    let mut evidence = as_the_document_says();
    evidence.setting.pop3_port = Some(40_110);
    evidence.setting.imap_port = Some(993);
    assert_eq!(verdicts(&evidence, 1), (Verdict::Depends, Verdict::Depends));
    assert!((value(&evidence, 1, Arm::POP3, "port") - 40_110.0).abs() < 1e-9);
    let reason = row(&evidence, 1).arm(Arm::POP3).unwrap().reason.clone();
    assert!(reason.contains("110 and 995 are assigned"), "{reason}");
}

#[test]
fn row_1_times_the_greeting_from_the_start_of_connecting() {
    let evidence = as_the_document_says();
    assert!((value(&evidence, 1, Arm::POP3, "greeting_p50") - 0.5).abs() < 1e-9);
    assert!((value(&evidence, 1, Arm::IMAP, "greeting_p50") - 1.5).abs() < 1e-9);
}

#[test]
fn row_2_depends_when_the_mail_is_in_both_places() {
    let mut evidence = as_the_document_says();
    for row in &mut evidence.consistency {
        row.on_server = true;
        row.on_device = true;
    }
    assert_eq!(verdicts(&evidence, 2), (Verdict::Depends, Verdict::Depends));
}

#[test]
fn row_2_does_not_hold_mail_that_waits_for_its_first_check_against_pop() {
    let mut evidence = as_the_document_says();
    for row in &mut evidence.consistency {
        if row.arm == Arm::POP3 && row.user == 0 {
            row.visible_at_us = None;
            row.read_at_us = None;
            row.on_device = false;
            row.on_server = true;
        }
    }
    assert_eq!(verdicts(&evidence, 2).0, Verdict::Agrees);
    assert!((value(&evidence, 2, Arm::POP3, "mail_waiting") - 50.0).abs() < 1e-9);
    assert!((value(&evidence, 2, Arm::POP3, "mail_on_server") - 50.0).abs() < 1e-9);
}

#[test]
fn row_2_leaves_out_what_its_owner_deleted_and_what_was_never_accepted() {
    let mut evidence = as_the_document_says();
    for row in &mut evidence.consistency {
        row.deleted = row.user == 0;
        row.due_at_us = Some(5);
        row.accepted_at_us = Some(6);
    }
    let n = |evidence: &Evidence| {
        row(evidence, 2)
            .arm(Arm::IMAP)
            .unwrap()
            .figure("mail_on_server")
            .unwrap()
            .n
    };
    assert_eq!(n(&evidence), 40);
    for row in &mut evidence.consistency {
        row.accepted_at_us = None;
    }
    assert_eq!(n(&evidence), 0);
}

#[test]
fn row_3_depends_when_an_imap_client_reads_half_from_its_cache() {
    let mut evidence = as_the_document_says();
    for row in &mut evidence.openings {
        if row.arm == Arm::IMAP && row.again {
            row.outcome = Opening::Local;
        }
    }
    assert_eq!(verdicts(&evidence, 3), (Verdict::Agrees, Verdict::Depends));
    assert_eq!(row(&evidence, 3).verdict, Verdict::Depends);
    assert!((value(&evidence, 3, Arm::POP3, "openings_missing") - 50.0).abs() < 1e-9);
}

#[test]
fn row_4_depends_when_its_times_point_in_different_directions() {
    let mut evidence = as_the_document_says();
    for row in &mut evidence.sessions {
        if row.arm == Arm::IMAP {
            row.usable_us = Some(100);
        }
    }
    assert_eq!(verdicts(&evidence, 4), (Verdict::Depends, Verdict::Depends));
    let reason = row(&evidence, 4).arms[0].reason.clone();
    assert!(
        reason.contains("lower for IMAP: usable inbox, median"),
        "{reason}"
    );
}

#[test]
fn row_4_shows_no_difference_when_the_blocks_overlap() {
    let mut evidence = as_the_document_says();
    let even = evidence.sessions[0].clone();
    evidence.setting.speed = 1.0;
    for row in &mut evidence.sessions {
        row.connect_us = even.connect_us;
        row.greeting_us = even.greeting_us;
        row.login_us = even.login_us;
        row.usable_us = Some(if (row.arm == Arm::POP3) == (row.block == 1) {
            3_000
        } else {
            4_000
        });
        row.end_at_us = row.start_at_us + 8_000;
    }
    assert_eq!(
        verdicts(&evidence, 4),
        (Verdict::NoDifference, Verdict::NoDifference)
    );
}

#[test]
fn row_4_counts_pauses_at_simulated_and_service_at_clock_time() {
    let evidence = as_the_document_says();
    let user_hours = 2.0 * 20.0 * 60.0 / 3600.0;
    // 60 POP sessions of 8 ms.
    let pop = value(&evidence, 4, Arm::POP3, "connected_time");
    assert!((pop - 60.0 * 0.008 / user_hours).abs() < 1e-6, "{pop}");
    // 60 IMAP sessions of 1.5 s, in which commands took 50 × 1.5 ms + 50 × 1.8 ms per device kind and block.
    let clock = 60.0 * 1.5;
    let service = 6.0 * 50.0 * (0.0015 + 0.0018);
    let imap = value(&evidence, 4, Arm::IMAP, "connected_time");
    let expected = (service + (clock - service) * 60.0) / user_hours;
    assert!((imap / expected - 1.0).abs() < 0.05, "{imap} {expected}");
}

#[test]
fn row_4_says_when_one_block_is_all_there_is() {
    let mut evidence = as_the_document_says();
    evidence.setting.blocks = 1;
    evidence.sessions.retain(|row| row.block == 1);
    let row = row(&evidence, 4);
    assert_eq!(row.verdict, Verdict::Agrees);
    assert!(row.arms[0].reason.contains("one block only"));
}

#[test]
fn row_5_gives_cpu_of_the_measured_phase_per_user_hour() {
    let evidence = as_the_document_says();
    // 40 ms of CPU each second, two users, speed 60.
    let expected = 400.0 / (2.0 * 10.0 * 60.0 / 3600.0);
    let cpu = value(&evidence, 5, Arm::POP3, "cpu_per_user_hour");
    assert!((cpu - expected).abs() < 1e-6, "{cpu}");
    assert!((value(&evidence, 5, Arm::IMAP, "cpu_per_user_hour") / cpu - 4.0).abs() < 1e-6);
    // Of eleven looks, five meet the two that begin just then, five meet six, the last none.
    let connections = value(&evidence, 5, Arm::IMAP, "open_connections");
    assert!((connections - 40.0 / 11.0).abs() < 1e-9, "{connections}");
}

#[test]
fn row_5_does_not_tell_cpu_apart_that_is_below_the_kernels_ticks() {
    let mut evidence = as_the_document_says();
    for row in &mut evidence.server {
        row.cpu_user_us = if row.arm == Arm::IMAP {
            row.cpu_user_us / 100
        } else {
            0
        };
        row.cpu_system_us = 0;
    }
    assert_eq!(verdicts(&evidence, 5).0, Verdict::Depends);
    let reason = row(&evidence, 5).arms[0].reason.clone();
    assert!(
        reason.contains("no difference shown: CPU per user-hour"),
        "{reason}"
    );
}

/// New mail that POP shows after eight minutes, IMAP at once, and a third arm, IMAP that asks, as late as POP.
fn with_an_arm_as_stale_as_pop() -> (Evidence, Arm) {
    let poll: Arm = "imap-poll".parse().unwrap();
    let mut evidence = as_the_document_says();
    evidence.setting.arms.push(poll);
    evidence.lag.insert(poll, evidence.lag[&Arm::IMAP]);
    macro_rules! doubled {
        ($($rows:ident),+) => {$(
            let mut copies = evidence.$rows.clone();
            copies.retain(|row| row.arm == Arm::IMAP);
            for row in &mut copies {
                row.arm = poll;
            }
            evidence.$rows.extend(copies);
        )+};
    }
    doubled!(
        sessions,
        operations,
        server,
        generator,
        openings,
        consistency,
        storage
    );
    for (cell, window) in evidence.setting.windows.clone() {
        if cell.arm == Arm::IMAP {
            let cell = Cell { arm: poll, ..cell };
            evidence.setting.windows.insert(cell, window);
        }
    }
    for row in &mut evidence.consistency {
        let cell = Cell {
            block: row.block,
            arm: row.arm,
        };
        let accepted = evidence.setting.windows[&cell].0 + 1_000;
        row.due_at_us = Some(accepted);
        row.accepted_at_us = Some(accepted);
        let at_once = row.arm == Arm::IMAP;
        row.visible_at_us = Some(accepted + if at_once { 2_000 } else { 8_000_000 });
    }
    // Asking costs less than listening.
    for row in evidence.server.iter_mut().filter(|row| row.arm == poll) {
        row.cpu_user_us /= 8;
        row.cpu_system_us /= 8;
        row.rss_bytes = Some(1_000);
        row.imap_connections = u32::from(row.imap_connections > 2);
    }
    (evidence, poll)
}

#[test]
fn row_5_is_compared_at_equal_freshness_where_two_arms_are_equally_fresh() {
    let (evidence, poll) = with_an_arm_as_stale_as_pop();
    let judgement = judge(&evidence);
    let fresh = judgement.fresh.iter();
    let equal: Vec<_> = fresh.filter(|pair| pair.is_equal()).collect();
    assert_eq!(equal.len(), 1, "{:?}", judgement.fresh);
    assert_eq!((equal[0].pop, equal[0].imap), (Arm::POP3, poll));
    let arm = &judgement.rows[4].arms[0];
    let (_, at_equal) = arm
        .reason
        .split_once("at equal freshness, pop3 beside imap-poll: lower for POP: ")
        .unwrap();
    assert!(at_equal.starts_with("disk used at the end"), "{at_equal}");
    assert!(at_equal.contains("lower for IMAP: CPU per user-hour"));
    assert_eq!(arm.verdict, Verdict::Depends);
    assert_eq!(verdicts(&as_the_document_says(), 5).0, Verdict::Agrees);
}

#[test]
fn row_5_depends_when_one_resource_is_lower_for_imap() {
    let mut evidence = as_the_document_says();
    for row in &mut evidence.server {
        if row.arm == Arm::IMAP {
            row.rss_bytes = Some(1_000);
        }
    }
    assert_eq!(verdicts(&evidence, 5).0, Verdict::Depends);
}

#[test]
fn row_5_shows_no_difference_when_all_resources_are_the_same() {
    let mut evidence = as_the_document_says();
    for row in &mut evidence.server {
        row.cpu_user_us = row.at_us % 1_000_000_000;
        row.cpu_system_us = 0;
        row.rss_bytes = Some(1_000);
        row.pop3_connections = 1;
        row.imap_connections = 0;
    }
    for row in &mut evidence.storage {
        row.disk_bytes = row.disk_bytes.map(|_| 7);
    }
    assert_eq!(verdicts(&evidence, 5).0, Verdict::NoDifference);
}

#[test]
fn row_6_counts_each_other_device_of_the_same_person() {
    let evidence = as_the_document_says();
    let row = row(&evidence, 6);
    let figure = row
        .arm(Arm::POP3)
        .unwrap()
        .figure("shown_elsewhere")
        .unwrap();
    // 2 blocks × 2 users × 20 messages, two other devices each.
    assert_eq!(figure.n, 160);
    assert!(figure.value.unwrap().abs() < 1e-9);
    assert!((value(&evidence, 6, Arm::IMAP, "shown_elsewhere") - 100.0).abs() < 1e-9);
}

#[test]
fn row_6_turns_over_for_pop_when_mail_is_left_on_the_server() {
    let mut evidence = as_the_document_says();
    for row in &mut evidence.consistency {
        row.on_server = true;
    }
    for row in &mut evidence.openings {
        if row.again {
            row.outcome = Opening::Fetched;
        }
    }
    assert_eq!(
        verdicts(&evidence, 6),
        (Verdict::Disagrees, Verdict::Agrees)
    );
}

#[test]
fn row_6_counts_second_openings_only_after_a_first_that_found_the_message() {
    let mut evidence = as_the_document_says();
    for row in &mut evidence.openings {
        // The first device looked in vain; the second has it.
        row.outcome = if row.again {
            Opening::Local
        } else {
            Opening::Missing
        };
    }
    let row = row(&evidence, 6);
    let figure = row
        .arm(Arm::POP3)
        .unwrap()
        .figure("revisits_found")
        .unwrap();
    assert_eq!((figure.value, figure.n), (None, 0));
}

#[test]
fn row_6_gives_few_second_openings_no_say_beside_many_pairs() {
    let mut evidence = as_the_document_says();
    evidence
        .openings
        .retain(|row| row.arm == Arm::IMAP || row.message.ends_with("-0-1"));
    for row in evidence.openings.iter_mut().filter(|row| row.again) {
        row.outcome = Opening::Fetched;
    }
    assert!((value(&evidence, 6, Arm::POP3, "revisits_found") - 100.0).abs() < 1e-9);
    assert_eq!(verdicts(&evidence, 6), (Verdict::Agrees, Verdict::Agrees));
}

#[test]
fn row_6_is_not_measured_where_people_have_one_device() {
    let mut evidence = as_the_document_says();
    evidence
        .consistency
        .retain(|row| row.device == DeviceKind::Notebook);
    assert_eq!(verdicts(&evidence, 6).0, Verdict::NotMeasured);
}

#[test]
fn row_7_depends_when_the_server_holds_part_of_the_mail() {
    let mut evidence = as_the_document_says();
    for row in &mut evidence.consistency {
        row.on_server = !row.message.ends_with('3') && !row.message.ends_with('4');
    }
    assert_eq!(verdicts(&evidence, 7), (Verdict::Depends, Verdict::Depends));
    assert!((value(&evidence, 7, Arm::IMAP, "left_without_notebook") - 80.0).abs() < 1e-9);
}

#[test]
fn row_8_depends_when_the_phone_finds_most_but_not_all() {
    let mut evidence = as_the_document_says();
    for row in &mut evidence.openings {
        if row.device == DeviceKind::Phone {
            row.outcome = if row.user == 0 || row.message.ends_with('2') {
                Opening::Fetched
            } else {
                Opening::Missing
            };
        }
    }
    assert_eq!(verdicts(&evidence, 8), (Verdict::Depends, Verdict::Depends));
}

#[test]
fn row_8_divides_what_phones_received_by_their_successful_openings() {
    let evidence = as_the_document_says();
    // Two blocks, two commands on the wire of 50 000 bytes each, 80 openings.
    let bytes = value(&evidence, 8, Arm::IMAP, "phone_bytes_per_opening");
    assert!((bytes - 4.0 * 50_000.0 / 80.0).abs() < 1e-9, "{bytes}");
    let pop = row(&evidence, 8);
    let pop = pop
        .arm(Arm::POP3)
        .unwrap()
        .figure("phone_bytes_per_opening")
        .unwrap();
    assert_eq!(pop.value, None);
}

#[test]
fn row_3_says_what_can_be_read_without_a_network() {
    let mut evidence = as_the_document_says();
    let of = |evidence: &Evidence, arm| {
        let row = row(evidence, 3);
        let arm = row.arm(arm).unwrap();
        arm.figure("opened_without_network").unwrap().value
    };
    assert_eq!(of(&evidence, Arm::POP3), None, "no outage was planned");
    for row in &mut evidence.openings {
        row.offline = row.device == DeviceKind::Notebook;
        if row.offline && row.arm == Arm::IMAP {
            row.outcome = Opening::Failed;
        }
    }
    assert_eq!(of(&evidence, Arm::POP3), Some(100.0));
    assert_eq!(of(&evidence, Arm::IMAP), Some(0.0));
}

#[test]
fn row_8_gives_the_radios_of_phones_per_simulated_day() {
    let mut evidence = as_the_document_says();
    let radio = |user, device, wake_ups| RadioRow {
        block: 1,
        arm: Arm::IMAP,
        user,
        device,
        radio: RadioKind::Lte,
        simulated_s: 43_200.0,
        wake_ups,
        on_s: 100.0,
        joules: 110.0,
    };
    evidence.radio.push(radio(0, DeviceKind::Phone, 10));
    evidence.radio.push(radio(1, DeviceKind::Phone, 20));
    evidence.radio.push(radio(1, DeviceKind::Notebook, 900));
    let of = |metric| value(&evidence, 8, Arm::IMAP, metric);
    assert!((of("phone_wake_ups") - 30.0).abs() < 1e-9);
    assert!((of("phone_radio_on") - 200.0).abs() < 1e-9);
    assert!((of("phone_joules") - 220.0).abs() < 1e-9);
}

use super::*;
use crate::judge::judge;
use crate::judge::stats::Noise;
use crate::judge::synthetic::as_the_document_says;
use crate::metrics::row::ServerRow;

const CELL: Cell = Cell {
    block: 1,
    arm: Arm::IMAP,
};

/// The known rows, with sessions of an IMAP cell that come at random and cross its borders, and counts as the kernel would make them.
fn evidence(count: impl Fn(u32) -> u32) -> Evidence {
    let mut evidence = as_the_document_says();
    let (from, to) = evidence.setting.windows[&CELL];
    let of_cell = |row: &SessionRow| row.block == CELL.block && row.arm == CELL.arm;
    let pattern = evidence.sessions.iter().find(|row| of_cell(row)).unwrap();
    let pattern = pattern.clone();
    let mut noise = Noise::new(1);
    evidence.sessions.clear();
    for n in 0..400_u64 {
        let start = from - 3_000_000 + n * 40_000 + (noise.next().abs() * 30_000.0) as u64;
        let lasts = 200_000 + (noise.next().abs() * 900_000.0) as u64;
        evidence.sessions.push(SessionRow {
            start_at_us: start,
            connect_us: Some(500),
            end_at_us: start + lasts,
            ..pattern.clone()
        });
    }
    assert!(evidence.sessions.iter().any(|row| row.end_at_us > to));
    let open = |at: u64| {
        let open = |row: &&SessionRow| row.start_at_us + 500 <= at && at < row.end_at_us;
        evidence.sessions.iter().filter(open).count() as u32
    };
    let counts = |row: &&mut ServerRow| row.block == CELL.block && row.arm == CELL.arm;
    for row in evidence.server.iter_mut().filter(counts) {
        row.imap_connections = count(open(row.at_us));
    }
    evidence
}

fn check(evidence: &Evidence) -> Balance {
    let mut all = balances(evidence).into_iter();
    all.find(|it| (it.block, it.arm) == (CELL.block, CELL.arm))
        .unwrap()
}

#[test]
fn it_holds_where_each_connection_is_a_session_and_borders_cut_sessions() {
    let balance = check(&evidence(|open| open));
    assert_eq!(balance.verdict, Word::Holds, "{balance:?}");
    assert_eq!(balance.counted_by, Some(Counter::Kernel));
    assert_eq!(balance.samples, 10, "the last one is at the border");
    // 25 sessions a second, of 0.2 s and 0.9 s times the mean of a half normal: 0.798.
    let expected = 25.0 * (0.2 + 0.9 * 0.798);
    assert!((balance.expected / expected - 1.0).abs() < 0.1);
    let product = balance.arrivals_per_s * balance.session_s.unwrap();
    assert!((product - balance.expected).abs() < 1e-9);
    // Ten looks alone would not tell this.
    assert!(balance.counted != Some(balance.expected));
}

#[test]
fn it_fails_where_connections_are_open_that_no_session_explains() {
    let more = check(&evidence(|open| open + 4));
    assert_eq!(more.verdict, Word::Fails, "{more:?}");
    assert!(more.reason.contains("more connections"), "{}", more.reason);
    let fewer = check(&evidence(|open| open / 2));
    assert_eq!(fewer.verdict, Word::Fails, "{fewer:?}");
}

#[test]
fn a_cell_in_which_it_fails_is_a_warning_with_its_difference_and_leaves_the_run_valid() {
    let mut evidence = as_the_document_says();
    assert_eq!(judge(&evidence).validity.warnings, [""; 0]);
    for row in &mut evidence.server {
        if row.block == CELL.block && row.arm == CELL.arm {
            row.imap_connections += 4;
        }
    }
    let difference = check(&evidence).difference_percent.unwrap();
    let judgement = judge(&evidence);
    assert!(judgement.validity.is_valid());
    let [said] = &judgement.validity.warnings[..] else {
        panic!("{:?}", judgement.validity.warnings);
    };
    let begins = "Block 1, arm imap: Little's law does not hold: more connections";
    assert!(said.starts_with(begins), "{said}");
    let mean = format!("(+{difference:.1} % in the mean)");
    assert!(said.contains(&mean), "{said} {mean}");
    let notes = judgement.notes.join(" ");
    assert!(!notes.contains("Little"), "said once: {notes}");
}

#[test]
fn a_lost_session_is_noticed_and_its_time_with_it() {
    let mut evidence = evidence(|open| open);
    let mut number = 0;
    evidence.sessions.retain(|_| {
        number += 1;
        number % 5 != 0
    });
    assert_eq!(check(&evidence).verdict, Word::Fails);
}

#[test]
fn too_few_connections_are_not_shown_and_no_failure() {
    let mut few = evidence(|open| open);
    few.sessions.truncate(80);
    for row in &mut few.server {
        row.imap_connections = 0;
    }
    let balance = check(&few);
    assert_eq!(balance.verdict, Word::NotShown, "{balance:?}");
    assert!(balance.reason.contains("below 60"), "{}", balance.reason);
    // Off by ten both ways, alternately: right in the mean, but nobody could tell.
    let turn = std::cell::Cell::new(false);
    let balance = check(&evidence(|open| {
        turn.set(!turn.get());
        if turn.get() { open + 10 } else { open - 10 }
    }));
    assert_eq!(balance.verdict, Word::NotShown, "{balance:?}");
}

#[test]
fn without_sight_of_the_server_or_with_mail_on_the_same_ports_the_generator_counts() {
    let mut evidence = evidence(|open| open + 4);
    evidence.setting.delivery_by_append = true;
    for row in &mut evidence.generator {
        let open = |session: &&SessionRow| {
            session.start_at_us <= row.at_us && row.at_us < session.end_at_us
        };
        row.open_sessions = evidence.sessions.iter().filter(open).count() as u32;
    }
    let balance = check(&evidence);
    assert_eq!(balance.counted_by, Some(Counter::Generator));
    assert_eq!(balance.verdict, Word::Holds, "{balance:?}");
    evidence.setting.delivery_by_append = false;
    evidence.server.clear();
    assert_eq!(check(&evidence), balance);
    evidence.generator.clear();
    let balance = check(&evidence);
    assert_eq!(balance.verdict, Word::NotShown);
    assert_eq!(balance.counted_by, None);
}

#[test]
fn a_run_that_broke_off_is_not_held_to_it() {
    let mut evidence = evidence(|open| open + 4);
    evidence.setting.windows.retain(|cell, _| *cell == CELL);
    evidence.setting.ending = Ending::Unfinished;
    let balance = check(&evidence);
    assert_eq!(balance.verdict, Word::NotShown);
    assert!(balance.reason.contains("broke off"));
}

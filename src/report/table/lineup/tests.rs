use console::measure_text_width;

use super::*;
use crate::judge::judge;
use crate::judge::synthetic::as_the_document_says;
use crate::report::table::markdown_lineup;

const PLAIN: Look = Look {
    width: 80,
    colour: false,
    lang: Lang::En,
};

fn column(target: &str) -> Column {
    let mut evidence = as_the_document_says();
    evidence.setting.target = target.to_owned();
    Column {
        target: target.to_owned(),
        folder: target.replace(':', "-"),
        result: Ok(judge(&evidence)),
        ..Column::default()
    }
}

fn absent(target: &str) -> Column {
    Column {
        result: Err(format!(
            "{target} is not on this machine: `scripts/fetch-servers.sh {target}` unpacks it from Debian's packages without installing it"
        )),
        ..column(target)
    }
}

fn broken(target: &str) -> Column {
    let mut evidence = as_the_document_says();
    evidence.checks[0].holds = false;
    evidence.openings.clear();
    Column {
        result: Ok(judge(&evidence)),
        ..column(target)
    }
}

fn lineup(columns: Vec<Column>) -> Lineup {
    Lineup {
        scenario: "quick".into(),
        users: 2,
        arms: vec![Arm::POP3, Arm::IMAP],
        columns,
    }
}

fn three() -> Lineup {
    lineup(vec![
        column("dovecot:mdbox"),
        absent("cyrus"),
        broken("courier"),
    ])
}

#[test]
fn three_targets_at_80_columns() {
    insta::assert_snapshot!(render_lineup(&three(), PLAIN));
}

#[test]
fn three_targets_at_200_columns() {
    let look = Look {
        width: 200,
        ..PLAIN
    };
    insta::assert_snapshot!(render_lineup(&three(), look));
}

#[test]
fn every_line_fits_in_either_language_however_many_targets_there_are() {
    for targets in 1..=14 {
        let mut columns = three().columns;
        columns.extend((0..11).map(|number| column(&format!("mail{number}.example.net"))));
        columns.truncate(targets);
        let lineup = lineup(columns);
        for width in [80, 81, 100, 120, 136, 160, 200] {
            for lang in [Lang::En, Lang::Th] {
                let look = Look {
                    width,
                    lang,
                    colour: false,
                };
                for line in render_lineup(&lineup, look).lines() {
                    let columns = measure_text_width(line);
                    assert!(
                        columns <= width,
                        "{targets} targets: {columns} > {width}: {line}"
                    );
                }
            }
        }
    }
}

#[test]
fn nothing_is_cut_and_every_target_has_its_figures_however_many_there_are() {
    for targets in 2..=9 {
        let columns = (0..targets).map(|number| column(&format!("mail{number}.example.net")));
        for width in [80, 120, 200] {
            let lineup = lineup(columns.clone().collect());
            let text = render_lineup(&lineup, Look { width, ..PLAIN });
            assert!(!text.contains('…'), "{text}");
            // One line of row 1 in words or signs per target and protocol.
            let signs = text
                .lines()
                .filter(|line| line.trim_start().starts_with("verdict") || line.contains("IMAP  "))
                .map(|line| line.matches('✓').count())
                .sum::<usize>();
            assert!(
                signs >= 8 * targets,
                "{targets} at {width}: {signs}\n{text}"
            );
        }
    }
}

#[test]
fn a_wide_terminal_has_a_column_pair_per_target_and_all_shown_figures() {
    let at = |width, targets| Plan::of(width, targets, &[Arm::POP3, Arm::IMAP]);
    assert!(at(200, 3).pairs && at(200, 3).cell == WIDEST_CELL);
    assert!(at(200, 4).pairs);
    assert!(!at(80, 2).pairs);
    assert_eq!(at(80, 3).cell, CELL);
    assert_eq!(at(80, 6).together, 3);
    let text = |width| render_lineup(&three(), Look { width, ..PLAIN });
    assert!(text(200).contains("mail on the devices"));
    assert!(!text(80).contains("mail on the devices"));
    assert!(text(80).contains("comparison.md"));
}

#[test]
fn a_target_that_was_not_run_says_why_before_the_table() {
    let text = render_lineup(&three(), PLAIN);
    assert!(text.starts_with("cyrus: NOT RUN: cyrus is not on this machine"));
    let text = markdown_lineup(&three(), Lang::En);
    assert!(text.contains("cyrus is not on this machine"));
}

#[test]
fn colour_only_where_it_is_asked_for() {
    let coloured = render_lineup(
        &three(),
        Look {
            colour: true,
            ..PLAIN
        },
    );
    assert!(coloured.contains("\u{1b}[32m"));
    let stripped: Vec<String> = coloured
        .lines()
        .map(|line| console::strip_ansi_codes(line).trim_end().to_owned())
        .collect();
    let plain = render_lineup(&three(), PLAIN);
    assert!(!plain.contains('\u{1b}'));
    assert_eq!(stripped, plain.lines().collect::<Vec<_>>());
}

#[test]
fn a_sentence_about_all_targets_is_said_once_without_names() {
    let both = lineup(vec![column("dovecot"), column("courier")]);
    let text = render_lineup(&both, PLAIN);
    assert_eq!(text.matches("fewer than 6").count(), 1, "{text}");
    assert!(!text.contains("dovecot, courier: "));
}

#[test]
fn markdown_has_a_column_pair_per_target_in_every_line() {
    let text = markdown_lineup(&three(), Lang::Th);
    let table: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert!(table.len() > 30);
    for line in table {
        assert_eq!(line.matches('|').count(), 2 + 1 + 6, "{line}");
    }
    assert!(text.contains("(dovecot-mdbox/report.html)"));
    assert!(text.contains("แหล่งที่เก็บ E-mail"));
}

#[test]
fn a_name_that_is_too_long_is_broken_at_its_signs() {
    assert_eq!(name_lines("dovecot:mdbox", 15), ["dovecot:mdbox"]);
    assert_eq!(name_lines("dovecot:mdbox", 12), ["dovecot:", "mdbox"]);
    let host = ["mail.", "example.", "net"];
    assert_eq!(name_lines("mail.example.net", 9), host);
    assert_eq!(name_lines("abcdefghijklmnop", 9), ["abcdefghi", "jklmnop"]);
}

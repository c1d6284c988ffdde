use console::measure_text_width;

use super::columns::chunk;
use super::*;
use crate::judge::synthetic::{as_the_document_says, empty};
use crate::judge::{Evidence, judge};

const PLAIN: Look = Look {
    width: 80,
    colour: false,
    lang: Lang::En,
};

fn mixed() -> Evidence {
    let mut evidence = as_the_document_says();
    evidence.setting.pop3_port = Some(40_110);
    evidence.setting.ending = Ending::Unfinished;
    evidence.openings.clear();
    for row in &mut evidence.server {
        row.rss_bytes = Some(1_000);
    }
    evidence
}

#[test]
fn the_table_at_80_columns_without_colour() {
    insta::assert_snapshot!(render(&judge(&as_the_document_says()), PLAIN));
}

#[test]
fn every_line_fits_in_either_language_at_any_width() {
    for evidence in [as_the_document_says(), mixed(), empty()] {
        for width in [80, 88, 100, 119, 120, 160] {
            for lang in [Lang::En, Lang::Th] {
                let text = render(
                    &judge(&evidence),
                    Look {
                        width,
                        lang,
                        colour: false,
                    },
                );
                for line in text.lines() {
                    assert!(measure_text_width(line) <= width, "{width}: {line}");
                }
            }
        }
    }
}

#[test]
fn six_arms_stand_in_two_tables_of_three_that_fit_80_columns() {
    let mut evidence = as_the_document_says();
    evidence.setting.arms = [
        "pop3",
        "pop3-keep",
        "pop3-keep14d",
        "imap",
        "imap-compressed",
        "imap-idle-without-end",
    ]
    .map(|name| name.parse().unwrap())
    .into();
    for lang in [Lang::En, Lang::Th] {
        let text = render(&judge(&evidence), Look { lang, ..PLAIN });
        for line in text.lines() {
            assert!(measure_text_width(line) <= 80, "{line}");
        }
        assert_eq!(
            text.matches(lang.pick(" 8 use on", " 8 การ")).count(),
            2,
            "{text}"
        );
        for name in ["POP3", "pop3-keep14d", "imap-compressed", "without-end"] {
            assert!(text.contains(name), "{name}: {text}");
        }
    }
    let wide = render(
        &judge(&evidence),
        Look {
            width: 160,
            ..PLAIN
        },
    );
    assert_eq!(wide.matches(" 8 use on").count(), 1, "{wide}");
}

#[test]
fn an_unfinished_run_says_so_on_the_first_line() {
    let judgement = judge(&mixed());
    assert!(render(&judgement, PLAIN).starts_with("UNFINISHED"));
    assert!(markdown(&judgement, Lang::En).starts_with("**UNFINISHED"));
}

#[test]
fn colour_only_where_it_is_asked_for() {
    let judgement = judge(&as_the_document_says());
    assert!(!render(&judgement, PLAIN).contains('\u{1b}'));
    let coloured = render(
        &judgement,
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
    assert_eq!(
        stripped,
        render(&judgement, PLAIN).lines().collect::<Vec<_>>()
    );
}

#[test]
fn no_label_of_a_shown_figure_is_cut_at_80_columns() {
    for lang in [Lang::En, Lang::Th] {
        let text = render(&judge(&as_the_document_says()), Look { lang, ..PLAIN });
        assert!(!text.contains('…'), "{text}");
    }
}

#[test]
fn thai_marks_stay_with_their_consonant_when_a_line_is_cut() {
    let (head, tail) = chunk("ที่ใช้", 1);
    assert_eq!((head, tail), ("ที่", "ใช้"));
    assert_eq!(measure_text_width("ที่"), 1);
}

#[test]
fn wide_terminals_get_the_reasons_beside_the_table() {
    let judgement = judge(&as_the_document_says());
    let reason = "port 110 (plain)";
    assert!(!render(&judgement, PLAIN).contains(reason));
    assert!(
        render(
            &judgement,
            Look {
                width: 160,
                ..PLAIN
            }
        )
        .contains(reason)
    );
}

#[test]
fn markdown_has_a_line_per_figure_and_the_same_columns_in_each() {
    let text = markdown(&judge(&as_the_document_says()), Lang::Th);
    assert!(
        text.lines().all(|line| line.matches('|').count() == 5),
        "{text}"
    );
    assert!(text.contains("แหล่งที่เก็บ E-mail"));
}

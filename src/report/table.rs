//! The document's table in a terminal: per row its words, what was measured and the verdict, for each arm.
//! Fits 80 columns; from 120 on, the reasons stand beside it. Thai is measured in display columns, where
//! upper vowels and tone marks take none.

use std::fmt::Write as _;

use console::{Style, measure_text_width};
use unicode_width::UnicodeWidthChar;

use super::lang::{self, Lang, sign};
use super::number;
use crate::judge::{Ending, JudgedArm, JudgedRow, Judgement, Role, Verdict};

/// The narrowest table; also what is assumed where there is no terminal.
pub const NARROW: usize = 80;
const WIDEST: usize = 160;
/// From here on the reasons have a column.
const WITH_REASONS: usize = 120;
const NUMBER: usize = 3;
const CELL: usize = 21;
const GAP: usize = 2;

/// How the table is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Display columns.
    pub width: usize,
    /// ANSI colours.
    pub colour: bool,
    /// Labels.
    pub lang: Lang,
}

impl Look {
    /// As standard output is: its width, and colour only if it is a terminal and `NO_COLOR` is not set.
    pub fn of_stdout(lang: Lang) -> Self {
        let terminal = console::Term::stdout();
        let width = terminal
            .size_checked()
            .map_or(NARROW, |(_, columns)| usize::from(columns));
        Self {
            width: width.clamp(NARROW, WIDEST),
            colour: console::colors_enabled(),
            lang,
        }
    }

    fn paint(self, style: Style, text: &str) -> String {
        style.force_styling(self.colour).apply_to(text).to_string()
    }

    fn reasons(self) -> bool {
        self.width >= WITH_REASONS
    }

    fn table_width(self) -> usize {
        if self.reasons() {
            NARROW + 8
        } else {
            self.width.min(NARROW + 8)
        }
    }

    fn label_width(self, arms: usize) -> usize {
        self.table_width()
            .saturating_sub(NUMBER + arms * (CELL + GAP))
            .max(12)
    }
}

/// The whole table as text, lines ended by a line feed.
pub fn render(judgement: &Judgement, look: Look) -> String {
    let mut out = String::new();
    let lang = look.lang;
    if let Some(banner) = lang::banner(judgement, lang) {
        for line in wrap(&banner, look.width) {
            push(&mut out, &look.paint(Style::new().red().bold(), &line));
        }
        out.push('\n');
    }
    let setting = &judgement.setting;
    let heading = format!(
        "{} {}, {} {}, {} {}",
        lang.pick("scenario", "สถานการณ์"),
        setting.scenario,
        lang.pick("target", "เซิร์ฟเวอร์"),
        setting.target,
        setting.users,
        lang.pick(if setting.users == 1 { "user" } else { "users" }, "ผู้ใช้"),
    );
    push(&mut out, &look.paint(Style::new().bold(), &heading));
    push(&mut out, &rule(look, "━"));
    push(&mut out, &head(judgement, look));
    for row in &judgement.rows {
        push(&mut out, &rule(look, "─"));
        out.push_str(&rendered_row(row, look));
    }
    push(&mut out, &rule(look, "━"));
    out.push_str(&foot(judgement, look));
    out
}

fn push(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}

fn rule(look: Look, sign: &str) -> String {
    let width = if look.reasons() {
        look.width
    } else {
        look.table_width()
    };
    look.paint(Style::new().dim(), &sign.repeat(width))
}

fn head(judgement: &Judgement, look: Look) -> String {
    let mut line = pad(
        "",
        NUMBER + look.label_width(judgement.setting.arms.len()),
        Align::Left,
    );
    for arm in &judgement.setting.arms {
        line.push_str(&" ".repeat(GAP));
        line.push_str(&look.paint(
            Style::new().bold(),
            &pad(lang::protocol(arm.protocol()), CELL, Align::Right),
        ));
    }
    if look.reasons() {
        line.push_str("   ");
        line.push_str(&look.paint(Style::new().bold(), look.lang.pick("why", "เหตุผล")));
    }
    line
}

/// The lines of one row: label and words, a line per figure, the verdicts; reasons to the right where they fit.
fn rendered_row(row: &JudgedRow, look: Look) -> String {
    let lang = look.lang;
    let label_width = look.label_width(row.arms.len());
    let bold = |text: &str| look.paint(Style::new().bold(), text);
    let dim = |text: &str| look.paint(Style::new().dim(), text);
    let mut lines = Vec::new();

    let words: Vec<String> = row
        .arms
        .iter()
        .map(|arm| {
            pad(
                &format!("“{}”", lang.word(row.document.word(arm.arm.protocol()))),
                CELL,
                Align::Right,
            )
        })
        .collect();
    for (index, part) in wrap(lang.row(row.document), label_width)
        .into_iter()
        .enumerate()
    {
        let number = if index == 0 {
            format!(" {}", row.document.number)
        } else {
            String::new()
        };
        let mut line = bold(&pad(&number, NUMBER, Align::Left));
        line.push_str(&bold(&pad(&part, label_width, Align::Left)));
        if index == 0 {
            for word in &words {
                let _ = write!(line, "{}{}", " ".repeat(GAP), bold(word));
            }
        }
        lines.push(line);
    }

    let shown = row
        .document
        .metrics
        .iter()
        .filter(|metric| metric.role != Role::Detail);
    for metric in shown {
        let mut line = " ".repeat(NUMBER);
        let label = fit(lang.metric(metric), label_width);
        line.push_str(&dim(&pad(&label, label_width, Align::Left)));
        for arm in &row.arms {
            let value = number::figure(arm.figure(metric.name));
            let _ = write!(
                line,
                "{}{}",
                " ".repeat(GAP),
                pad(&value, CELL, Align::Right)
            );
        }
        lines.push(line);
    }

    let mut line = " ".repeat(NUMBER);
    line.push_str(&pad(lang.pick("verdict", "ผล"), label_width, Align::Left));
    for arm in &row.arms {
        let text = format!("{} {}", sign(arm.verdict), lang.verdict(arm.verdict));
        let _ = write!(
            line,
            "{}{}",
            " ".repeat(GAP),
            look.paint(style(arm.verdict), &pad(&text, CELL, Align::Right))
        );
    }
    lines.push(line);
    with_reasons(&lines, row, look)
}

fn with_reasons(lines: &[String], row: &JudgedRow, look: Look) -> String {
    let mut out = String::new();
    let reasons = if look.reasons() {
        reasons(row, look.width - look.table_width() - 3)
    } else {
        Vec::new()
    };
    let empty = " ".repeat(look.table_width());
    for index in 0..lines.len().max(reasons.len()) {
        let line = lines.get(index).unwrap_or(&empty);
        let reason = reasons.get(index).map_or("", String::as_str);
        if reason.is_empty() {
            push(&mut out, line);
        } else {
            let line = pad(line, look.table_width(), Align::Left);
            push(
                &mut out,
                &format!("{line}   {}", look.paint(Style::new().dim(), reason)),
            );
        }
    }
    out
}

/// The arms' reasons, once where they are the same.
fn reasons(row: &JudgedRow, width: usize) -> Vec<String> {
    let same = row
        .arms
        .windows(2)
        .all(|pair| pair[0].reason == pair[1].reason);
    let text = |arm: &JudgedArm| format!("{}: {}", lang::protocol(arm.arm.protocol()), arm.reason);
    match row.arms.first() {
        Some(first) if same => wrap(&first.reason, width),
        _ => row
            .arms
            .iter()
            .flat_map(|arm| wrap(&text(arm), width))
            .collect(),
    }
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Agrees => Style::new().green(),
        Verdict::Disagrees => Style::new().red(),
        Verdict::Depends => Style::new().yellow(),
        Verdict::NoDifference => Style::new().cyan(),
        Verdict::NotMeasured => Style::new().dim(),
    }
}

/// Whether the numbers can be trusted, and what a reader must know.
fn foot(judgement: &Judgement, look: Look) -> String {
    let lang = look.lang;
    let mut out = String::new();
    let validity = &judgement.validity;
    let (word, paint) = if validity.is_valid() {
        (lang.pick("valid", "ใช้ได้"), Style::new().green())
    } else {
        (lang.pick("INVALID", "ใช้ไม่ได้"), Style::new().red().bold())
    };
    let label = lang.pick("run:", "การทดสอบ:");
    let ending = match judgement.setting.ending {
        Ending::Finished => lang.pick("finished", "เสร็จสมบูรณ์"),
        Ending::Interrupted => lang.pick("interrupted", "ถูกสั่งหยุด"),
        Ending::Unfinished => lang.pick("unfinished", "หยุดกลางคัน"),
    };
    push(
        &mut out,
        &format!("{label} {ending}, {}", look.paint(paint, word)),
    );
    let items = validity
        .reasons
        .iter()
        .map(|text| ("✗", text))
        .chain(validity.warnings.iter().map(|text| ("!", text)))
        .chain(judgement.notes.iter().map(|text| ("·", text)));
    for (mark, text) in items {
        for (index, line) in wrap(text, look.width.min(100) - 2).into_iter().enumerate() {
            let mark = if index == 0 { mark } else { " " };
            push(&mut out, &format!("{mark} {line}"));
        }
    }
    out
}

#[derive(Clone, Copy)]
enum Align {
    Left,
    Right,
}

fn pad(text: &str, width: usize, align: Align) -> String {
    let blank = " ".repeat(width.saturating_sub(measure_text_width(text)));
    match align {
        Align::Left => format!("{text}{blank}"),
        Align::Right => format!("{blank}{text}"),
    }
}

/// Cut to so many columns, with an ellipsis where something was cut.
fn fit(text: &str, width: usize) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    let mut cut = chunk(text, width.saturating_sub(1)).0.to_owned();
    cut.push('…');
    cut
}

/// Lines of at most so many columns, broken at spaces where there are any; combining marks stay with their base.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word = word;
        let room = |line: &str| {
            width.saturating_sub(measure_text_width(line) + usize::from(!line.is_empty()))
        };
        if measure_text_width(word) > room(&line) && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        while measure_text_width(word) > width {
            let (head, tail) = chunk(word, width);
            lines.push(head.to_owned());
            word = tail;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The longest beginning of at most so many columns (at least one character), and the rest.
fn chunk(text: &str, width: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        let columns = c.width().unwrap_or(0);
        if used + columns > width && at > 0 {
            return text.split_at(at);
        }
        used += columns;
    }
    (text, "")
}

/// The same table in Markdown.
pub fn markdown(judgement: &Judgement, lang: Lang) -> String {
    let mut out = String::new();
    if let Some(banner) = lang::banner(judgement, lang) {
        let _ = writeln!(out, "**{banner}**\n");
    }
    out.push_str(&markdown_rows(judgement, lang));
    out
}

/// The table alone, without banner.
pub fn markdown_rows(judgement: &Judgement, lang: Lang) -> String {
    let arms = &judgement.setting.arms;
    let mut out = format!("| # | {} |", lang.pick("row", "รายการ"));
    for arm in arms {
        let _ = write!(out, " {} |", lang::protocol(arm.protocol()));
    }
    let _ = write!(out, "\n|---|---|{}\n", "---|".repeat(arms.len()));
    for row in &judgement.rows {
        let _ = write!(
            out,
            "| {} | **{}** |",
            row.document.number,
            lang.row(row.document)
        );
        for arm in &row.arms {
            let word = lang.word(row.document.word(arm.arm.protocol()));
            let _ = write!(out, " “{word}” |");
        }
        out.push('\n');
        for metric in row
            .document
            .metrics
            .iter()
            .filter(|metric| metric.role != Role::Detail)
        {
            let _ = write!(out, "| | {} |", lang.metric(metric));
            for arm in &row.arms {
                let _ = write!(out, " {} |", number::figure(arm.figure(metric.name)));
            }
            out.push('\n');
        }
        let _ = write!(out, "| | *{}* |", lang.pick("verdict", "ผล"));
        for arm in &row.arms {
            let _ = write!(
                out,
                " {} *{}* |",
                sign(arm.verdict),
                lang.verdict(arm.verdict)
            );
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
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
            row.rss_bytes = 1_000;
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
}

//! The document's table in a terminal: per row its words, what was measured and the verdict, for each arm.
//! Fits 80 columns; from 120 on, the reasons stand beside it. Thai is measured in display columns, where
//! upper vowels and tone marks take none.

mod claims;
mod columns;
mod lineup;
mod markdown;

use std::fmt::Write as _;

use console::Style;

use columns::{Align, fit, pad, wrap};
pub use lineup::render_lineup;
pub use markdown::{markdown, markdown_lineup, markdown_rows};

use super::lang::{self, Lang};
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
        Self::of_stdout_up_to(WIDEST, lang)
    }

    /// The same for the table of several targets, which may be wider.
    pub fn for_lineup(lang: Lang) -> Self {
        Self::of_stdout_up_to(lineup::WIDEST, lang)
    }

    fn of_stdout_up_to(widest: usize, lang: Lang) -> Self {
        let terminal = console::Term::stdout();
        let width = terminal
            .size_checked()
            .map_or(NARROW, |(_, columns)| usize::from(columns));
        Self {
            width: width.clamp(NARROW, widest),
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
    out.push_str(&claims::rendered(judgement, look));
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
        let text = lang::judged(arm.verdict, arm.provisional, lang);
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

#[cfg(test)]
mod tests;

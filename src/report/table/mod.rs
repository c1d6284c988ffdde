//! The document's table in a terminal: per row its words, what was measured and the verdict, for each arm.
//! Fits 80 columns; from 120 on, the reasons stand beside it. Thai is measured in display columns, where
//! upper vowels and tone marks take none.

mod claims;
pub(super) mod columns;
mod lineup;
mod markdown;

use std::fmt::Write as _;

use console::Style;

use columns::{Align, fit, pad, wrap};
pub use lineup::render_lineup;
pub(super) use lineup::{judged, remarks, standing_word, warning};
pub use markdown::{markdown, markdown_lineup, markdown_rows};

use super::lang::{self, Lang};
use super::number;
use crate::judge::{Ending, JudgedArm, JudgedRow, Judgement, Role, Verdict};
use crate::scenario::Arm;

/// The narrowest table; also what is assumed where there is no terminal.
pub const NARROW: usize = 80;
const WIDEST: usize = 160;
/// From here on the reasons have a column.
const WITH_REASONS: usize = 120;
const NUMBER: usize = 3;
const CELL: usize = 21;
const GAP: usize = 2;
/// With more arms than two: room for a verdict with its sign, and for the label of a figure.
const NARROW_CELL: usize = 16;
const NARROW_GAP: usize = 1;
const NARROW_LABEL: usize = 26;

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

    const fn reasons(self) -> bool {
        self.width >= WITH_REASONS
    }

    /// Columns of a table of two arms, without the reasons.
    fn table_width(self) -> usize {
        if self.reasons() {
            NARROW + 8
        } else {
            self.width.min(NARROW + 8)
        }
    }
}

/// Where things stand in a line.
#[derive(Clone, Copy, Debug)]
struct Layout {
    look: Look,
    label: usize,
    cell: usize,
    gap: usize,
    /// Arms beside each other; more stand in a table below.
    together: usize,
    /// The reasons have a column.
    reasons: bool,
    /// The document's words stand above the arms' cells; else in the row's title.
    words: bool,
}

impl Layout {
    fn of(look: Look, arms: usize) -> Self {
        if arms <= 2 {
            return Self {
                look,
                label: look
                    .table_width()
                    .saturating_sub(NUMBER + arms * (CELL + GAP))
                    .max(12),
                cell: CELL,
                gap: GAP,
                together: 2,
                reasons: look.reasons(),
                words: true,
            };
        }
        let most = (look.width - NUMBER - NARROW_LABEL) / (NARROW_CELL + NARROW_GAP);
        let together = arms.div_ceil(arms.div_ceil(most.max(1)));
        let room = look.width - NUMBER - together * (NARROW_CELL + NARROW_GAP);
        Self {
            look,
            label: room.min(NARROW_LABEL + 8),
            cell: NARROW_CELL,
            gap: NARROW_GAP,
            together,
            reasons: false,
            words: false,
        }
    }

    /// Columns of a table of so many arms, without the reasons.
    const fn table(self, arms: usize) -> usize {
        NUMBER + self.label + arms * (self.cell + self.gap)
    }

    fn rule(self, sign: &str, arms: usize) -> String {
        let width = if self.reasons {
            self.look.width
        } else {
            self.table(arms)
        };
        self.look.paint(Style::new().dim(), &sign.repeat(width))
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
    let layout = Layout::of(look, setting.arms.len());
    for arms in setting.arms.chunks(layout.together) {
        push(&mut out, &layout.rule("━", arms.len()));
        out.push_str(&head(arms, layout));
        for row in &judgement.rows {
            push(&mut out, &layout.rule("─", arms.len()));
            out.push_str(&rendered_row(row, arms, layout));
        }
        push(&mut out, &layout.rule("━", arms.len()));
    }
    out.push_str(&claims::rendered(judgement, look));
    let arms = setting.arms.len().min(layout.together);
    push(&mut out, &layout.rule("━", arms));
    out.push_str(&foot(judgement, look));
    out
}

fn push(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}

/// The arms' names, in as many lines as the longest takes.
fn head(arms: &[Arm], layout: Layout) -> String {
    let Layout {
        look, label, cell, ..
    } = layout;
    let bold = Style::new().bold();
    let names: Vec<Vec<String>> = arms
        .iter()
        .map(|arm| lineup::name_lines(&lang::arm(*arm), cell))
        .collect();
    let height = names.iter().map(Vec::len).max().unwrap_or(0);
    let mut out = String::new();
    for level in 0..height {
        let mut line = " ".repeat(NUMBER + label);
        for lines in &names {
            let missing = height - lines.len();
            let text = level.checked_sub(missing).map_or("", |at| &lines[at]);
            line.push_str(&" ".repeat(layout.gap));
            line.push_str(&look.paint(bold.clone(), &pad(text, cell, Align::Right)));
        }
        if layout.reasons && level + 1 == height {
            line.push_str("   ");
            line.push_str(&look.paint(bold.clone(), look.lang.pick("why", "เหตุผล")));
        }
        push(&mut out, &line);
    }
    out
}

/// The lines of one row: label and words, a line per figure, the verdicts; reasons to the right where they fit.
fn rendered_row(row: &JudgedRow, arms: &[Arm], layout: Layout) -> String {
    let Layout { look, label, .. } = layout;
    let lang = look.lang;
    let judged: Vec<&JudgedArm> = arms.iter().filter_map(|arm| row.arm(*arm)).collect();
    let cells = |text: &dyn Fn(&JudgedArm) -> (Style, String)| {
        let mut line = String::new();
        for arm in &judged {
            let (style, text) = text(arm);
            let text = pad(&text, layout.cell, Align::Right);
            let _ = write!(
                line,
                "{}{}",
                " ".repeat(layout.gap),
                look.paint(style, &text)
            );
        }
        line
    };
    let mut lines = title(row, &judged, layout);
    let shown = row.document.metrics.iter();
    for metric in shown.filter(|metric| metric.role != Role::Detail) {
        let name = pad(&fit(lang.metric(metric), label), label, Align::Left);
        let values = cells(&|arm| (Style::new(), number::figure(arm.figure(metric.name))));
        let name = look.paint(Style::new().dim(), &name);
        lines.push(format!("{}{name}{values}", " ".repeat(NUMBER)));
    }
    let verdicts = cells(&|arm| {
        let text = lang::judged(arm.verdict, arm.provisional, lang);
        (style(arm.verdict), text)
    });
    let name = pad(lang.pick("verdict", "ผล"), label, Align::Left);
    lines.push(format!("{}{name}{verdicts}", " ".repeat(NUMBER)));
    with_reasons(&lines, row, layout)
}

/// The row's number and name, and the document's words.
fn title(row: &JudgedRow, arms: &[&JudgedArm], layout: Layout) -> Vec<String> {
    let Layout {
        look, label, words, ..
    } = layout;
    let lang = look.lang;
    let bold = |text: &str| look.paint(Style::new().bold(), text);
    let (name, width) = if words {
        (lang.row(row.document).to_owned(), label)
    } else {
        let arms: Vec<Arm> = arms.iter().map(|arm| arm.arm).collect();
        (
            lineup::title(row.document, &arms, lang),
            layout.table(arms.len()) - NUMBER,
        )
    };
    let mut lines = Vec::new();
    for (index, part) in wrap(&name, width).into_iter().enumerate() {
        let number = match index {
            0 => format!(" {}", row.document.number),
            _ => String::new(),
        };
        let mut line = bold(&pad(&number, NUMBER, Align::Left));
        line.push_str(&bold(&pad(&part, width, Align::Left)));
        if index == 0 && words {
            for arm in arms {
                let word = format!("“{}”", lang.word(row.document.word(arm.arm.protocol())));
                let word = pad(&word, layout.cell, Align::Right);
                let _ = write!(line, "{}{}", " ".repeat(layout.gap), bold(&word));
            }
        }
        lines.push(line);
    }
    lines
}

fn with_reasons(lines: &[String], row: &JudgedRow, layout: Layout) -> String {
    let look = layout.look;
    let table = layout.table(row.arms.len());
    let mut out = String::new();
    let reasons = if layout.reasons {
        reasons(row, look.width - table - 3)
    } else {
        Vec::new()
    };
    let empty = " ".repeat(table);
    for index in 0..lines.len().max(reasons.len()) {
        let line = lines.get(index).unwrap_or(&empty);
        let reason = reasons.get(index).map_or("", String::as_str);
        if reason.is_empty() {
            push(&mut out, line);
        } else {
            let line = pad(line, table, Align::Left);
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
    let text = |arm: &JudgedArm| format!("{}: {}", lang::arm(arm.arm), arm.reason);
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

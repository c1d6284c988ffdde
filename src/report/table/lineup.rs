//! The table of several targets. Where the terminal is wide enough, a column pair per target and a line per figure;
//! where it is not, a column per target and a line per protocol, and only the figures that the verdicts rest on.

use std::fmt::Write as _;

use console::{Style, measure_text_width};

use super::columns::{Align, fit, pad, wrap};
use super::{Look, NARROW, NUMBER, push, style};
use crate::judge::{Column, DOCUMENT, DocumentRow, JudgedArm, Lineup, Metric, Role, Standing};
use crate::report::lang::{self, Lang, sign};
use crate::report::number;
use crate::scenario::{Arm, Protocol};

/// Wider than this, a line is hard to follow.
pub(super) const WIDEST: usize = 200;
/// Room for a figure, and for a verdict with its sign.
const CELL: usize = 15;
const WIDEST_CELL: usize = 21;
/// Room for a figure alone.
const NARROWEST_CELL: usize = 9;
const LABEL: usize = 31;
const NARROWEST_LABEL: usize = 20;
/// Before a target's columns.
const GAP: usize = 2;

/// Where things stand in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plan {
    /// A column pair per target; else a line per protocol.
    pairs: bool,
    label: usize,
    cell: usize,
    /// Targets beside each other; more stand in a table below.
    together: usize,
    arms: usize,
    /// Room for an arm's name (`POP3 `), where the arms are lines.
    arm: usize,
}

impl Plan {
    fn of(width: usize, targets: usize, names: &[Arm]) -> Self {
        let width = width.max(NARROW);
        let (targets, arms) = (targets.max(1), names.len().max(1));
        let lengths = names.iter().map(|arm| lang::arm(*arm).len() + 1);
        let arm = lengths.max().unwrap_or(0);
        let group = width.saturating_sub(NUMBER + LABEL) / targets;
        let cell = (group.saturating_sub(GAP) / arms).saturating_sub(1);
        if cell >= CELL {
            return Self {
                pairs: true,
                label: LABEL,
                cell: cell.min(WIDEST_CELL),
                together: targets,
                arms,
                arm,
            };
        }
        let room = width - NUMBER - arm;
        let most = ((room - NARROWEST_LABEL) / (NARROWEST_CELL + 1)).max(1);
        let bands = targets.div_ceil(most);
        let together = targets.div_ceil(bands);
        let label = room
            .saturating_sub(together * (CELL + 1))
            .clamp(NARROWEST_LABEL, LABEL);
        Self {
            pairs: false,
            label,
            cell: ((room - label) / together - 1).min(WIDEST_CELL),
            together,
            arms,
            arm,
        }
    }

    /// Columns that a target takes, without the space before it.
    const fn group(self) -> usize {
        if self.pairs {
            self.arms * (self.cell + 1)
        } else {
            self.cell
        }
    }

    const fn gap(self) -> usize {
        if self.pairs { GAP } else { 1 }
    }

    const fn before(self) -> usize {
        NUMBER + self.label + if self.pairs { 0 } else { self.arm }
    }

    fn width(self, columns: usize) -> usize {
        self.before() + columns * (self.group() + self.gap())
    }
}

/// The table of several targets as text, lines ended by a line feed.
pub fn render_lineup(lineup: &Lineup, look: Look) -> String {
    let plan = Plan::of(look.width, lineup.columns.len(), &lineup.arms);
    let drawing = Drawing { lineup, look, plan };
    let mut out = drawing.top();
    for band in lineup.columns.chunks(plan.together) {
        out.push_str(&drawing.band(band));
    }
    out.push_str(&drawing.foot());
    out
}

#[derive(Clone, Copy)]
struct Drawing<'a> {
    lineup: &'a Lineup,
    look: Look,
    plan: Plan,
}

impl Drawing<'_> {
    /// What must be said first, and what this is.
    fn top(self) -> String {
        let Self { lineup, look, .. } = self;
        let lang = look.lang;
        let mut out = String::new();
        for text in lineup
            .columns
            .iter()
            .filter_map(|column| warning(column, lang))
        {
            for line in wrap(&text, look.width) {
                push(&mut out, &look.paint(Style::new().red().bold(), &line));
            }
        }
        if !out.is_empty() {
            out.push('\n');
        }
        let targets: Vec<&str> = lineup.columns.iter().map(|it| it.target.as_str()).collect();
        let heading = format!(
            "{} {}, {} {}, {} {}",
            lang.pick("scenario", "สถานการณ์"),
            lineup.scenario,
            lang.pick("targets", "เซิร์ฟเวอร์"),
            targets.join(", "),
            lineup.users,
            lang.pick(if lineup.users == 1 { "user" } else { "users" }, "ผู้ใช้"),
        );
        for line in wrap(&heading, look.width) {
            push(&mut out, &look.paint(Style::new().bold(), &line));
        }
        out
    }

    fn band(self, columns: &[Column]) -> String {
        let mut out = String::new();
        push(&mut out, &self.rule("━", columns));
        out.push_str(&self.head(columns));
        for row in &DOCUMENT {
            push(&mut out, &self.rule("─", columns));
            out.push_str(&self.row(row, columns));
        }
        push(&mut out, &self.rule("━", columns));
        out
    }

    fn rule(self, sign: &str, columns: &[Column]) -> String {
        let width = self.plan.width(columns.len());
        self.look.paint(Style::new().dim(), &sign.repeat(width))
    }

    /// Names, how each stands, and the protocols where they are columns.
    fn head(self, columns: &[Column]) -> String {
        let Self { look, plan, .. } = self;
        let bold = Style::new().bold();
        let names: Vec<Vec<String>> = columns
            .iter()
            .map(|column| name_lines(&column.target, plan.group()))
            .collect();
        let height = names.iter().map(Vec::len).max().unwrap_or(0);
        let mut out = String::new();
        for level in 0..height {
            let cells = names.iter().map(|lines| {
                let missing = height - lines.len();
                let text = level.checked_sub(missing).map_or("", |at| &lines[at]);
                (bold.clone(), text.to_owned())
            });
            push(&mut out, &self.heading(cells));
        }
        let standings = columns.iter().map(|column| {
            let (style, text) = standing(column.standing(), look.lang);
            (style, text.to_owned())
        });
        push(&mut out, &self.heading(standings));
        if plan.pairs {
            let mut line = " ".repeat(plan.before());
            for _ in columns {
                line.push_str(&self.gap());
                for arm in &self.lineup.arms {
                    let name = pad(&fit(&lang::arm(*arm), plan.cell), plan.cell, Align::Right);
                    let _ = write!(line, " {}", look.paint(bold.clone(), &name));
                }
            }
            push(&mut out, &line);
        }
        out
    }

    /// A line with one text per target.
    fn heading(self, cells: impl Iterator<Item = (Style, String)>) -> String {
        let mut line = " ".repeat(self.plan.before());
        for (style, text) in cells {
            let text = pad(&text, self.plan.group(), Align::Right);
            line.push_str(&self.gap());
            line.push_str(&self.look.paint(style, &text));
        }
        line
    }

    /// The document's words, then a line (or one per protocol) for each figure, then the verdicts.
    fn row(self, row: &'static DocumentRow, columns: &[Column]) -> String {
        let Self { look, plan, .. } = self;
        let mut out = String::new();
        let title = title(row, &self.lineup.arms, look.lang);
        let room = plan.width(columns.len()).max(NARROW) - NUMBER;
        for (index, part) in wrap(&title, room).into_iter().enumerate() {
            let number = match index {
                0 => format!(" {}", row.number),
                _ => String::new(),
            };
            let line = format!("{}{part}", pad(&number, NUMBER, Align::Left));
            push(&mut out, &look.paint(Style::new().bold(), &line));
        }
        for metric in self.metrics(row) {
            let label = look.lang.metric(metric);
            let cell = |judged: Option<&JudgedArm>| match judged {
                Some(judged) => (Style::new(), number::figure(judged.figure(metric.name))),
                None => (Style::new().dim(), "–".to_owned()),
            };
            out.push_str(&self.lines(label, &Style::new().dim(), row, columns, cell));
        }
        let verdict = |judged: Option<&JudgedArm>| match judged {
            Some(judged) if self.in_words() => (
                style(judged.verdict),
                lang::judged(judged.verdict, judged.provisional, look.lang),
            ),
            Some(judged) => (style(judged.verdict), sign(judged.verdict).to_owned()),
            None => (Style::new().dim(), "–".to_owned()),
        };
        let label = look.lang.pick("verdict", "ผล");
        out.push_str(&self.lines(label, &Style::new(), row, columns, verdict));
        out
    }

    /// Before a target's columns.
    fn gap(self) -> String {
        if self.plan.pairs {
            format!(" {}", self.look.paint(Style::new().dim(), "│"))
        } else {
            " ".to_owned()
        }
    }

    /// Verdicts in words, or where there is no room, by their signs alone.
    const fn in_words(self) -> bool {
        self.plan.cell >= CELL
    }

    fn metrics(self, row: &'static DocumentRow) -> impl Iterator<Item = &'static Metric> {
        row.metrics.iter().filter(move |metric| match metric.role {
            Role::Judged => true,
            Role::Shown => self.plan.pairs,
            Role::Detail => false,
        })
    }

    /// One figure of all targets.
    fn lines(
        self,
        label: &str,
        label_style: &Style,
        row: &DocumentRow,
        columns: &[Column],
        cell: impl Fn(Option<&JudgedArm>) -> (Style, String),
    ) -> String {
        let Self { look, plan, lineup } = self;
        let painted = |column: &Column, arm: Arm| {
            let (style, text) = cell(judged(column, row, arm));
            look.paint(style, &pad(&text, plan.cell, Align::Right))
        };
        let labels = wrap(label, plan.label - 1);
        let height = if plan.pairs { 1 } else { plan.arms };
        let mut out = String::new();
        for level in 0..height.max(labels.len()) {
            let part = labels.get(level).map_or("", String::as_str);
            let part = pad(part, plan.label, Align::Left);
            let mut line = " ".repeat(NUMBER);
            line.push_str(&look.paint(label_style.clone(), &part));
            match lineup.arms.get(level) {
                _ if plan.pairs && level == 0 => {
                    for column in columns {
                        line.push_str(&self.gap());
                        for arm in &lineup.arms {
                            let _ = write!(line, " {}", painted(column, *arm));
                        }
                    }
                }
                Some(arm) if !plan.pairs => {
                    let name = pad(&lang::arm(*arm), plan.arm, Align::Left);
                    line.push_str(&look.paint(Style::new().dim(), &name));
                    for column in columns {
                        let _ = write!(line, "{}{}", self.gap(), painted(column, *arm));
                    }
                }
                _ => {}
            }
            push(&mut out, &line);
        }
        out
    }

    /// What speaks against each, and what a reader must know; the same sentence once, with the targets that it is about.
    fn foot(self) -> String {
        let Self { look, lineup, plan } = self;
        let lang = look.lang;
        let mut out = String::new();
        if !self.in_words() {
            let signs: Vec<String> = <crate::judge::Verdict as strum::IntoEnumIterator>::iter()
                .map(|verdict| format!("{} {}", sign(verdict), lang.verdict(verdict)))
                .collect();
            self.say(&mut out, "", &signs.join("  "));
        }
        for (mark, text, targets) in remarks(lineup) {
            if targets.len() == lineup.judged() {
                self.say(&mut out, mark, text);
            } else {
                self.say(&mut out, mark, &format!("{}: {text}", targets.join(", ")));
            }
        }
        if !plan.pairs {
            let wide = lang.pick(
                "Only the figures that the verdicts rest on: all are in comparison.md, or here in a wider terminal.",
                "แสดงเฉพาะตัวเลขที่ใช้ตัดสิน ตัวเลขทั้งหมดอยู่ใน comparison.md หรือดูในหน้าจอที่กว้างกว่านี้",
            );
            self.say(&mut out, "·", wide);
        }
        out
    }

    fn say(self, out: &mut String, mark: &str, text: &str) {
        for (index, line) in wrap(text, self.look.width.min(100) - 2)
            .into_iter()
            .enumerate()
        {
            match (index, mark) {
                (_, "") => push(out, &line),
                (0, mark) => push(out, &format!("{mark} {line}")),
                _ => push(out, &format!("  {line}")),
            }
        }
    }
}

/// The claim of an arm in a column, where the target was run.
pub(in crate::report) fn judged<'a>(
    column: &'a Column,
    row: &DocumentRow,
    arm: Arm,
) -> Option<&'a JudgedArm> {
    let judgement = column.result.as_ref().ok()?;
    let rows = judgement.rows.iter();
    rows.filter(|judged| judged.document.number == row.number)
        .find_map(|judged| judged.arm(arm))
}

/// `where mail is stored: POP3 “the user's computer”, IMAP “the server”`.
pub(super) fn title(row: &DocumentRow, arms: &[Arm], lang: Lang) -> String {
    let mut protocols: Vec<Protocol> = arms.iter().map(|arm| arm.protocol()).collect();
    protocols.sort_unstable();
    protocols.dedup();
    let words: Vec<String> = protocols
        .into_iter()
        .map(|protocol| {
            let word = lang.word(row.word(protocol));
            format!("{} “{word}”", lang::protocol(protocol))
        })
        .collect();
    format!("{}: {}", lang.row(row), words.join(", "))
}

/// A name in lines, broken at its signs where it is too long: `dovecot:`, `mdbox`.
pub(super) fn name_lines(name: &str, width: usize) -> Vec<String> {
    let parts = name.split_inclusive([':', '.', '-']);
    let mut lines = vec![String::new()];
    for part in parts {
        match lines.last_mut() {
            Some(line) if measure_text_width(line) + measure_text_width(part) <= width => {
                line.push_str(part);
            }
            _ => lines.push(part.to_owned()),
        }
    }
    let lines = lines.iter().flat_map(|line| wrap(line, width));
    lines.collect()
}

/// What must be said of a column before its figures.
pub(in crate::report) fn warning(column: &Column, lang: Lang) -> Option<String> {
    let text = match &column.result {
        Ok(judgement) => lang::banner(judgement, lang)?,
        Err(reason) => format!("{}: {reason}", lang.pick("NOT RUN", "ไม่ได้ทดสอบ")),
    };
    Some(format!("{}: {text}", column.target))
}

pub(super) fn standing(standing: Standing, lang: Lang) -> (Style, &'static str) {
    let style = match standing {
        Standing::Valid => Style::new().green(),
        _ => Style::new().red().bold(),
    };
    (style, standing_word(standing, lang))
}

/// How a column stands, in a word.
pub(in crate::report) fn standing_word(standing: Standing, lang: Lang) -> &'static str {
    match standing {
        Standing::Valid => lang.pick("valid", "ใช้ได้"),
        Standing::Invalid => lang.pick("INVALID", "ใช้ไม่ได้"),
        Standing::Interrupted => lang.pick("interrupted", "ถูกสั่งหยุด"),
        Standing::Unfinished => lang.pick("unfinished", "หยุดกลางคัน"),
        Standing::NotRun => lang.pick("not run", "ไม่ได้ทดสอบ"),
    }
}

/// What the judgements remark, in order, each sentence once with the targets that have it.
pub(in crate::report) fn remarks(lineup: &Lineup) -> Vec<(&'static str, &str, Vec<&str>)> {
    let mut remarks: Vec<(&'static str, &str, Vec<&str>)> = Vec::new();
    for mark in ["✗", "!", "·"] {
        for column in &lineup.columns {
            let Ok(judgement) = &column.result else {
                continue;
            };
            let texts = match mark {
                "✗" => &judgement.validity.reasons,
                "!" => &judgement.validity.warnings,
                _ => &judgement.notes,
            };
            for text in texts {
                match remarks.iter_mut().find(|it| it.0 == mark && it.1 == text) {
                    Some((_, _, targets)) => targets.push(&column.target),
                    None => remarks.push((mark, text, vec![&column.target])),
                }
            }
        }
    }
    remarks
}

#[cfg(test)]
mod tests;

//! Sections of text and tables, for a terminal and as Markdown: both say the same.

use std::fmt::Write as _;

use console::measure_text_width;
use serde::Serialize;

use super::columns::{Align, pad, wrap};

/// A heading and what stands below it.
#[derive(Serialize)]
pub(super) struct Section {
    pub(super) title: String,
    pub(super) parts: Vec<Part>,
}

/// What a section consists of.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Part {
    Text(String),
    /// Items that belong together.
    List(Vec<String>),
    Table(Table),
}

/// A head and lines of as many cells; the first column is text, the others are figures.
#[derive(Serialize)]
pub(super) struct Table {
    pub(super) head: Vec<String>,
    pub(super) lines: Vec<Vec<String>>,
}

impl Section {
    pub(super) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            parts: Vec::new(),
        }
    }

    pub(super) fn text(&mut self, text: impl Into<String>) {
        self.parts.push(Part::Text(text.into()));
    }

    pub(super) fn table<const N: usize>(&mut self, head: [String; N], lines: Vec<[String; N]>) {
        if !lines.is_empty() {
            self.parts.push(Part::Table(Table {
                head: head.into(),
                lines: lines.into_iter().map(Vec::from).collect(),
            }));
        }
    }
}

const GAP: usize = 2;
const INDENT: &str = "  ";

/// As text of at most so many columns, as far as a table's columns allow.
pub(super) fn text(sections: &[Section], width: usize) -> String {
    let mut out = String::new();
    for (index, section) in sections.iter().enumerate() {
        let rule = if index == 0 { "━" } else { "─" };
        if index > 0 {
            line(&mut out, "", &rule.repeat(width));
        }
        for text in wrap(&section.title, width) {
            line(&mut out, "", &text);
        }
        if index == 0 {
            line(&mut out, "", &rule.repeat(width));
        }
        for part in &section.parts {
            match part {
                Part::Text(text) => {
                    for text in wrap(text, width - INDENT.len()) {
                        line(&mut out, INDENT, &text);
                    }
                }
                Part::List(items) => {
                    for item in items {
                        for (index, text) in wrap(item, width - 2 * INDENT.len()).iter().enumerate()
                        {
                            let sign = if index == 0 { "  - " } else { "    " };
                            line(&mut out, sign, text);
                        }
                    }
                }
                Part::Table(table) => table.text(&mut out, width - INDENT.len()),
            }
        }
    }
    line(&mut out, "", &"━".repeat(width));
    out
}

fn line(out: &mut String, before: &str, text: &str) {
    out.push_str(format!("{before}{text}").trim_end());
    out.push('\n');
}

impl Table {
    /// One that is too wide is cut into several, each with the first column.
    fn text(&self, out: &mut String, width: usize) {
        let widths: Vec<usize> = (0..self.head.len())
            .map(|column| {
                let cells = self.lines.iter().filter_map(|line| line.get(column));
                let cells = cells.chain(self.head.get(column));
                cells
                    .map(|cell| measure_text_width(cell))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let Some((first, rest)) = widths.split_first() else {
            return;
        };
        let mut at = 1;
        while at <= rest.len() {
            let mut used = *first;
            let begin = at;
            while at <= rest.len() && (at == begin || used + GAP + widths[at] <= width) {
                used += GAP + widths[at];
                at += 1;
            }
            for cells in std::iter::once(&self.head).chain(&self.lines) {
                let mut text = pad(&cells[0], *first, Align::Left);
                for column in begin..at {
                    text.push_str(&" ".repeat(GAP));
                    text.push_str(&pad(&cells[column], widths[column], Align::Right));
                }
                line(out, INDENT, &text);
            }
        }
    }

    fn markdown(&self, out: &mut String) {
        let row = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |", cells.join(" | "))
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}", row(&self.head));
        let _ = writeln!(
            out,
            "|---|{}",
            "--:|".repeat(self.head.len().saturating_sub(1))
        );
        for cells in &self.lines {
            let _ = writeln!(out, "{}", row(cells));
        }
        out.push('\n');
    }
}

/// As Markdown.
pub(super) fn markdown(sections: &[Section]) -> String {
    let mut out = String::new();
    for (index, section) in sections.iter().enumerate() {
        let sign = if index == 0 { "#" } else { "##" };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{sign} {}\n", section.title);
        for part in &section.parts {
            match part {
                Part::Text(text) => {
                    let _ = writeln!(out, "{text}\n");
                }
                Part::List(items) => {
                    for item in items {
                        let _ = writeln!(out, "- {item}");
                    }
                    out.push('\n');
                }
                Part::Table(table) => table.markdown(&mut out),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sections() -> Vec<Section> {
        let mut section = Section::new("A title");
        section.text("Some words that go on for longer than twenty columns.");
        let line = ["first", "1,000", "2,000", "3,000"].map(str::to_owned);
        let head = ["what", "one | two", "three", "four"].map(str::to_owned);
        section.table(head, vec![line]);
        section.parts.push(Part::List(vec!["an item".to_owned()]));
        vec![section]
    }

    #[test]
    fn text_keeps_to_its_width_and_cuts_tables_between_columns() {
        for width in [24, 40, 80] {
            let text = text(&sections(), width);
            assert!(
                text.lines().all(|line| measure_text_width(line) <= width),
                "{text}"
            );
            assert_eq!(
                text.matches("first").count(),
                if width == 24 { 2 } else { 1 }
            );
        }
    }

    #[test]
    fn markdown_has_the_same_cells() {
        let text = markdown(&sections());
        assert!(
            text.contains("| what | one \\| two | three | four |"),
            "{text}"
        );
        assert!(text.contains("| first | 1,000 | 2,000 | 3,000 |"), "{text}");
        assert!(text.contains("- an item"));
    }
}

//! The table in Markdown.

use std::fmt::Write as _;

use super::lineup::{judged, remarks, standing, warning};
use crate::judge::{Column, DOCUMENT, Judgement, Lineup, Role};
use crate::report::lang::{self, Lang};
use crate::report::number;
use crate::scenario::Arm;

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
        let _ = write!(out, " {} |", lang::arm(*arm));
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
            let verdict = lang::judged(arm.verdict, arm.provisional, lang);
            let _ = write!(out, " {verdict} |");
        }
        out.push('\n');
    }
    out
}

/// The table of several targets in Markdown, all shown figures, a column pair per target; before it how each stands, with
/// a link to its own report.
pub fn markdown_lineup(lineup: &Lineup, lang: Lang) -> String {
    let arms = &lineup.arms;
    let mut out = String::new();
    for column in &lineup.columns {
        let standing = standing(column.standing(), lang).1;
        let line = match (&column.result, warning(column, lang)) {
            (Err(_), Some(warning)) => format!("**{warning}**"),
            (Ok(_), warning) => {
                let folder = &column.folder;
                let link = format!("[{}]({folder}/report.html): {standing}", column.target);
                match warning {
                    Some(warning) => format!("{link}. **{warning}**"),
                    None => link,
                }
            }
            (Err(reason), None) => format!("{}: {reason}", column.target),
        };
        let _ = writeln!(out, "- {line}");
    }
    let _ = write!(out, "\n| # | {} |", lang.pick("row", "รายการ"));
    each(&mut out, lineup, |column, arm| {
        format!("{} {}", column.target, lang::arm(arm))
    });
    let _ = writeln!(
        out,
        "|---|---|{}",
        "---|".repeat(lineup.columns.len() * arms.len())
    );
    let _ = write!(out, "| | *{}* |", lang.pick("run", "การทดสอบ"));
    each(&mut out, lineup, |column, arm| {
        let word = standing(column.standing(), lang).1;
        match &column.result {
            _ if Some(&arm) != arms.first() => String::new(),
            Ok(_) => word.to_owned(),
            Err(reason) => format!("{word}: {reason}"),
        }
    });
    for row in &DOCUMENT {
        let _ = write!(out, "| {} | **{}** |", row.number, lang.row(row));
        each(&mut out, lineup, |_, arm| {
            format!("“{}”", lang.word(row.word(arm.protocol())))
        });
        for metric in row
            .metrics
            .iter()
            .filter(|metric| metric.role != Role::Detail)
        {
            let _ = write!(out, "| | {} |", lang.metric(metric));
            each(&mut out, lineup, |column, arm| {
                let judged = judged(column, row, arm);
                number::figure(judged.and_then(|judged| judged.figure(metric.name)))
            });
        }
        let _ = write!(out, "| | *{}* |", lang.pick("verdict", "ผล"));
        each(&mut out, lineup, |column, arm| {
            match judged(column, row, arm) {
                Some(judged) => lang::judged(judged.verdict, judged.provisional, lang),
                None => "–".to_owned(),
            }
        });
    }
    let remarks = remarks(lineup);
    if !remarks.is_empty() {
        out.push('\n');
    }
    for (mark, text, targets) in remarks {
        let about = if targets.len() == lineup.judged() {
            String::new()
        } else {
            format!("{}: ", targets.join(", "))
        };
        let _ = writeln!(out, "- {mark} {about}{text}");
    }
    out
}

/// One cell per target and arm, and the end of the line.
fn each(out: &mut String, lineup: &Lineup, cell: impl Fn(&Column, Arm) -> String) {
    for column in &lineup.columns {
        for arm in &lineup.arms {
            let text = cell(column, *arm).replace('|', "\\|").replace('\n', " ");
            let _ = write!(out, " {text} |");
        }
    }
    out.push('\n');
}

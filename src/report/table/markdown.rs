//! The table in Markdown.

use std::fmt::Write as _;

use crate::judge::{Judgement, Role};
use crate::report::lang::{self, Lang, sign};
use crate::report::number;

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

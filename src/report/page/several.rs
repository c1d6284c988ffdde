//! Several runs side by side: one page over all of them, which leads to each run's own.

use std::fmt::Display;

use minijinja::{Value, context};
use serde::Serialize;

use super::rows::Judged;
use super::traced::{Line, Traced};
use super::{render, seen, words};
use crate::judge::{Column, DOCUMENT, DocumentRow, Lineup, Metric, Role, Standing};
use crate::report::lang::{self, Lang};
use crate::report::{number, table};
use crate::rundir::COMPARISON;
use crate::scenario::{Arm, Protocol};

/// What the page over several runs is made from.
pub(crate) struct SeveralPage<'a> {
    pub lineup: &'a Lineup,
    pub lang: Lang,
}

#[derive(Serialize)]
struct Run<'a> {
    name: &'a str,
    server: String,
    started: String,
    plan: &'a str,
    standing: &'static str,
    good: bool,
    /// Its own report, seen from this page; none where there is no run.
    report: Option<String>,
    warning: Option<String>,
}

#[derive(Serialize)]
struct Row {
    number: u8,
    label: &'static str,
    pop: &'static str,
    imap: &'static str,
    verdicts: Vec<Option<Judged>>,
    lines: Vec<RowLine>,
}

#[derive(Serialize)]
struct RowLine {
    label: &'static str,
    name: &'static str,
    values: Vec<Value3>,
}

/// A figure with its interval.
#[derive(Serialize)]
struct Value3 {
    figure: Traced,
    low: Option<Traced>,
    high: Option<Traced>,
}

impl SeveralPage<'_> {
    /// The HTML page, whole in itself.
    pub(crate) fn html(&self) -> Result<String, minijinja::Error> {
        render("several.html", self.context()?)
    }

    /// The Markdown page.
    pub(crate) fn markdown(&self) -> Result<String, minijinja::Error> {
        render("several.md", self.context()?)
    }

    fn context(&self) -> Result<Value, minijinja::Error> {
        let Self { lineup, lang } = *self;
        let arms = lineup.arms.iter().map(|arm| {
            context! { name => lang::arm(*arm), class => arm.protocol().to_string() }
        });
        let heads = self.cells().map(|(column, arm)| {
            context! {
                run => column.target.as_str(),
                arm => lang::arm(arm),
                class => arm.protocol().to_string(),
            }
        });
        let banner = lineup
            .columns
            .iter()
            .any(|column| column.standing() != Standing::Valid)
            .then(|| {
                lang.pick(
                    "NOT ALL VALID: not every run here is a valid result; which and why stands below.",
                    "ไม่ได้ใช้ได้ทั้งหมด: บางการทดสอบใช้เป็นผลไม่ได้ ดูรายการและเหตุผลด้านล่าง",
                )
            });
        let remarks: Vec<Value> = table::remarks(lineup)
            .into_iter()
            .map(|(mark, text, runs)| {
                let all = runs.len() == lineup.judged();
                context! { mark, text, runs => if all { String::new() } else { runs.join(", ") } }
            })
            .collect();
        Ok(context! {
            lang => lang.to_string(),
            banner,
            scenario => lineup.scenario.as_str(),
            users => lineup.users,
            one_plan => lineup.is_of_one_plan(),
            arms => arms.collect::<Vec<_>>(),
            heads => heads.collect::<Vec<_>>(),
            runs => seen(lineup.columns.iter().map(|it| run(it, lang)).collect::<Vec<_>>()),
            rows => seen(DOCUMENT.iter().map(|row| self.row(row)).collect::<Vec<_>>()),
            remarks,
            t => seen(words::words(lang)?),
        })
    }

    /// A cell for each run and each arm.
    fn cells(&self) -> impl Iterator<Item = (&Column, Arm)> {
        let columns = self.lineup.columns.iter();
        columns.flat_map(|column| self.lineup.arms.iter().map(move |arm| (column, *arm)))
    }

    fn row(&self, row: &'static DocumentRow) -> Row {
        let verdicts = self.cells().map(|(column, arm)| {
            let judged = table::judged(column, row, arm)?;
            Some(Judged::of(judged.verdict, judged.provisional, self.lang))
        });
        let line = |metric: &'static Metric| RowLine {
            label: self.lang.metric(metric),
            name: metric.name,
            values: self
                .cells()
                .map(|(column, arm)| value(column, row, arm, metric))
                .collect(),
        };
        let shown = row.metrics.iter().filter(|it| it.role != Role::Detail);
        Row {
            number: row.number,
            label: self.lang.row(row),
            pop: self.lang.word(row.word(Protocol::Pop3)),
            imap: self.lang.word(row.word(Protocol::Imap)),
            verdicts: verdicts.collect(),
            lines: shown.map(line).collect(),
        }
    }
}

fn value(column: &Column, row: &'static DocumentRow, arm: Arm, metric: &'static Metric) -> Value3 {
    let figure = table::judged(column, row, arm).and_then(|judged| judged.figure(metric.name));
    let Some((figure, value)) = figure.and_then(|it| Some((it, it.value?))) else {
        return Value3 {
            figure: Traced::nothing(),
            low: None,
            high: None,
        };
    };
    let columns: [(&str, &dyn Display); 3] = [
        ("target", &column.target),
        ("arm", &arm),
        ("metric", &metric.name),
    ];
    let line = Line::of(COMPARISON, &columns);
    let traced =
        |value: f64, name: &str| Traced::new(number::value(value, metric.unit), value, &line, name);
    Value3 {
        figure: traced(value, "value"),
        low: figure.low.map(|low| traced(low, "low")),
        high: figure.high.map(|high| traced(high, "high")),
    }
}

fn run(column: &Column, lang: Lang) -> Run<'_> {
    let standing = column.standing();
    Run {
        name: &column.target,
        server: column.server.clone(),
        started: super::facts::to_the_minute(&column.started),
        plan: &column.plan,
        standing: table::standing_word(standing, lang),
        good: standing == Standing::Valid,
        report: column
            .result
            .is_ok()
            .then(|| format!("{}/{}", column.folder, crate::report::REPORT_HTML)),
        warning: table::warning(column, lang),
    }
}

//! The document's rows, as the templates see them.

use serde::Serialize;

use super::traced::{Line, Traced};
use crate::judge::{Figure, JudgedRow, Judgement, Kind, Metric, Ratio, Role, Verdict};
use crate::report::chart::Chart;
use crate::report::lang::{self, Lang};
use crate::report::{blocks, number};
use crate::rundir::{COMPARISON, RATIOS};
use crate::scenario::Protocol;

/// A verdict: its sign, its word, and its name for style sheets.
#[derive(Serialize)]
pub(super) struct Judged {
    sign: &'static str,
    word: &'static str,
    class: String,
    provisional: bool,
}

impl Judged {
    pub(super) fn of(verdict: Verdict, provisional: bool, lang: Lang) -> Self {
        Self {
            sign: lang::sign(verdict),
            word: lang.verdict(verdict),
            class: verdict.to_string(),
            provisional,
        }
    }
}

/// A row of the document.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    number: u8,
    label: &'static str,
    pop: &'static str,
    imap: &'static str,
    arms: Vec<ArmCell>,
    lines: Vec<MetricLine>,
    follows: &'static str,
    depends_on: &'static str,
    /// The switches and both sides of each.
    sides: &'a [String],
    reasons: Vec<String>,
    /// Name of its chart, if it has one.
    chart: Option<&'a str>,
}

/// What the document says of an arm, and the verdict on it.
#[derive(Serialize)]
struct ArmCell {
    name: String,
    word: &'static str,
    verdict: Judged,
}

/// One metric over all arms.
#[derive(Serialize)]
struct MetricLine {
    name: &'static str,
    label: &'static str,
    kind: Kind,
    how: &'static str,
    unit: String,
    judged: bool,
    /// In the answer; others are among all figures only.
    shown: bool,
    values: Vec<Cell>,
    /// The first IMAP arm's over the first POP3 arm's: the answer's.
    pair: Option<RatioCell>,
    /// Each IMAP arm's over each POP3 arm's.
    ratios: Vec<RatioCell>,
}

#[derive(Serialize)]
struct Cell {
    arm: String,
    figure: Traced,
    low: Option<Traced>,
    high: Option<Traced>,
    n: Traced,
    /// Block by block; empty where there is one.
    blocks: Vec<Traced>,
}

/// A ratio with its interval.
#[derive(Serialize)]
pub(super) struct RatioCell {
    arm: String,
    over: String,
    value: Traced,
    low: Option<Traced>,
    high: Option<Traced>,
    p: Traced,
}

/// All rows.
pub(super) fn rows<'a>(judgement: &'a Judgement, charts: &'a [Chart], lang: Lang) -> Vec<Row<'a>> {
    let of = |row: &'a JudgedRow| {
        let number = row.document.number;
        let chart = charts.iter().find(|chart| chart.row == Some(number));
        Row {
            number,
            label: lang.row(row.document),
            pop: lang.word(row.document.word(Protocol::Pop3)),
            imap: lang.word(row.document.word(Protocol::Imap)),
            arms: arms(row, lang),
            lines: lines(row, lang),
            follows: lang.word(row.document.follows),
            depends_on: lang.word(row.document.depends_on),
            sides: &row.sides,
            reasons: reasons(row),
            chart: chart.map(|chart| chart.name.as_str()),
        }
    };
    judgement.rows.iter().map(of).collect()
}

fn arms(row: &JudgedRow, lang: Lang) -> Vec<ArmCell> {
    let of = |arm: &crate::judge::JudgedArm| ArmCell {
        name: lang::arm(arm.arm),
        word: lang.word(row.document.word(arm.arm.protocol())),
        verdict: Judged::of(arm.verdict, arm.provisional, lang),
    };
    row.arms.iter().map(of).collect()
}

fn lines(row: &JudgedRow, lang: Lang) -> Vec<MetricLine> {
    let first = |protocol: Protocol| {
        let arms = row.arms.iter().map(|arm| arm.arm);
        arms.into_iter().find(|arm| arm.protocol() == protocol)
    };
    let (pop, imap) = (first(Protocol::Pop3), first(Protocol::Imap));
    let of_pair = |ratio: &&Ratio| Some(ratio.arm) == imap && Some(ratio.over) == pop;
    let ratios = |metric: &'static Metric| {
        let ratios = row.ratios.iter();
        ratios.filter(move |ratio| ratio.metric.name == metric.name)
    };
    let of = |metric: &'static Metric| MetricLine {
        name: metric.name,
        label: lang.metric(metric),
        kind: metric.kind,
        how: metric.how,
        unit: metric.unit.to_string(),
        judged: metric.role == Role::Judged,
        shown: metric.role != Role::Detail,
        values: row
            .arms
            .iter()
            .map(|arm| Cell::of(row, lang::arm(arm.arm), arm.arm, arm.figure(metric.name)))
            .collect(),
        pair: ratios(metric).find(of_pair).map(RatioCell::of),
        ratios: ratios(metric).map(RatioCell::of).collect(),
    };
    row.document.metrics.iter().map(of).collect()
}

impl Cell {
    fn of(
        row: &JudgedRow,
        name: String,
        arm: crate::scenario::Arm,
        figure: Option<&Figure>,
    ) -> Self {
        let Some((figure, value)) = figure.and_then(|it| Some((it, it.value?))) else {
            return Self {
                arm: name,
                figure: Traced::nothing(),
                low: None,
                high: None,
                n: Traced::nothing(),
                blocks: Vec::new(),
            };
        };
        let (metric, unit) = (figure.metric.name, figure.metric.unit);
        let number = row.document.number;
        let line = Line::of(
            COMPARISON,
            &[("row", &number), ("arm", &arm), ("metric", &metric)],
        );
        let traced = |value: f64, column: &str| {
            Traced::new(number::value(value, unit), value, &line, column)
        };
        let block = |(block, value): &(u32, f64)| {
            let columns: [(&str, &dyn std::fmt::Display); 3] =
                [("arm", &arm), ("metric", &metric), ("block", block)];
            let line = Line::of(blocks::BLOCKS, &columns);
            Traced::new(number::value(*value, unit), *value, &line, "value")
        };
        Self {
            arm: name,
            figure: traced(value, "value"),
            low: figure.low.map(|low| traced(low, "low")),
            high: figure.high.map(|high| traced(high, "high")),
            n: Traced::count(figure.n, &line, "n"),
            blocks: match figure.blocks.len() {
                0 | 1 => Vec::new(),
                _ => figure.blocks.iter().map(block).collect(),
            },
        }
    }
}

impl RatioCell {
    pub(super) fn of(ratio: &Ratio) -> Self {
        let columns: [(&str, &dyn std::fmt::Display); 3] = [
            ("arm", &ratio.arm),
            ("over", &ratio.over),
            ("metric", &ratio.metric.name),
        ];
        let line = Line::of(RATIOS, &columns);
        let traced =
            |value: f64, column: &str| Traced::new(number::digits(value), value, &line, column);
        let (p, column) = match ratio.p_adjusted {
            Some(p) => (p, "p_adjusted"),
            None => (ratio.p, "p"),
        };
        Self {
            arm: lang::arm(ratio.arm),
            over: lang::arm(ratio.over),
            value: traced(ratio.value, "ratio"),
            low: ratio.interval.map(|it| traced(it.low, "low")),
            high: ratio.interval.map(|it| traced(it.high, "high")),
            p: traced(p, column),
        }
    }
}

/// The arms' reasons, once where they are the same.
fn reasons(row: &JudgedRow) -> Vec<String> {
    let same = row
        .arms
        .windows(2)
        .all(|pair| pair[0].reason == pair[1].reason);
    match row.arms.first() {
        Some(first) if same => vec![first.reason.clone()],
        _ => row
            .arms
            .iter()
            .map(|arm| format!("{}: {}", lang::arm(arm.arm), arm.reason))
            .collect(),
    }
}

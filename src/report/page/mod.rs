//! `report.md` and `report.html`: the answer first, then charts, all figures, method, settings and limits.
//! The words and the layout are in `assets/templates`; this file only gathers what they name.

mod claims;

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};
use serde::Serialize;

use super::chart::Chart;
use super::lang::{self, Lang};
use super::{REPORT_HTML, REPORT_MD, consistency, number, table};
use crate::judge::prediction::RTTS_MS;
use crate::judge::{JudgedRow, Judgement, Kind, Metric, Prediction, Role};
use crate::metrics::row::ErrorRow;
use crate::rundir::Manifest;

const HTML: &str = include_str!("../../../assets/templates/report.html");
const MARKDOWN: &str = include_str!("../../../assets/templates/report.md");

/// Everything a page is made from.
pub(super) struct Page<'a> {
    pub judgement: &'a Judgement,
    pub manifest: &'a Manifest,
    pub charts: &'a [Chart],
    pub errors: &'a [ErrorRow],
    pub lang: Lang,
}

#[derive(Serialize)]
struct Row<'a> {
    number: u8,
    label: &'static str,
    english: &'static str,
    verdict: String,
    arms: Vec<Arm<'a>>,
    shown: Vec<Line>,
    all: Vec<Line>,
    follows: &'static str,
    depends_on: &'static str,
    reasons: Vec<String>,
    chart: Option<&'a str>,
    chart_name: Option<&'a str>,
}

#[derive(Serialize)]
struct Arm<'a> {
    name: String,
    class: String,
    word: &'static str,
    /// With its sign.
    verdict: String,
    /// For style sheets: `agrees`, `no-difference`.
    verdict_class: String,
    reason: &'a str,
}

/// One metric over all arms.
#[derive(Serialize)]
struct Line {
    name: &'static str,
    label: &'static str,
    kind: Kind,
    how: &'static str,
    judged: bool,
    unit: String,
    values: Vec<Cell>,
    /// Each IMAP arm's over each POP3 arm's.
    ratios: Vec<String>,
}

#[derive(Serialize)]
struct Cell {
    text: String,
    /// 95 % interval; empty with too few blocks.
    interval: String,
    n: u64,
    /// Block by block; empty where there is one.
    blocks: String,
}

#[derive(Serialize)]
struct Fact {
    name: String,
    value: String,
}

impl Page<'_> {
    /// The HTML page, whole in itself.
    pub(super) fn html(&self) -> Result<String, minijinja::Error> {
        self.render(REPORT_HTML, HTML)
    }

    /// The Markdown page; charts are beside it in `charts/`.
    pub(super) fn markdown(&self) -> Result<String, minijinja::Error> {
        self.render(REPORT_MD, MARKDOWN)
    }

    fn render(&self, name: &str, template: &str) -> Result<String, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|name| {
            if name == REPORT_HTML {
                AutoEscape::Html
            } else {
                AutoEscape::None
            }
        });
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()?;
        environment.set_syntax(syntax);
        // A cell of a Markdown table: one line, and no bar of its own.
        environment.add_filter("cell", |text: String| {
            text.replace('|', "\\|").replace(['\n', '\r'], " ")
        });
        let judgement = self.judgement;
        let extra: Vec<&Chart> = self
            .charts
            .iter()
            .filter(|chart| chart.row.is_none())
            .collect();
        environment.render_named_str(
            name,
            template,
            context! {
                lang => self.lang.to_string(),
                t => from_rows(headings(self.lang)),
                banner => lang::banner(judgement, self.lang),
                table => table::markdown_rows(judgement, self.lang),
                rows => from_rows(judgement.rows.iter().map(|row| self.row(row)).collect::<Vec<_>>()),
                arms => named_arms(judgement),
                validity => from_rows(&judgement.validity),
                valid => judgement.validity.is_valid(),
                notes => from_rows(&judgement.notes),
                claims => from_rows(claims::lines(judgement, self.lang)),
                charts => extra.iter().map(|chart| context! {
                    name => chart.name.as_str(), alt => chart.alt.as_str(), svg => chart.svg.as_str(),
                }).collect::<Vec<_>>(),
                m => from_rows(self.manifest),
                facts => from_rows(self.facts()),
                capabilities => from_rows(&self.manifest.target.capabilities),
                rtts => RTTS_MS.to_vec(),
                predictions => judgement.predictions.iter().map(elsewhere).collect::<Vec<_>>(),
                checks => from_rows(&judgement.checks),
                consistency => from_rows(consistency::Section::of(&judgement.consistency)),
                errors => self.error_counts(),
                blocks => judgement.setting.blocks,
                thin => judgement.setting.blocks < crate::judge::BLOCKS_FOR_INTERVALS,
                intervals_from => crate::judge::BLOCKS_FOR_INTERVALS,
            },
        )
    }

    fn row(&self, row: &JudgedRow) -> Row<'_> {
        let chart = self
            .charts
            .iter()
            .find(|chart| chart.row == Some(row.document.number));
        let line = |metric: &&'static Metric| self.line(row, metric);
        let shown = |metric: &&'static Metric| metric.role != Role::Detail;
        Row {
            number: row.document.number,
            label: self.lang.row(row.document),
            english: row.document.english,
            verdict: row.verdict.to_string(),
            arms: self.arms(row),
            shown: row
                .document
                .metrics
                .iter()
                .filter(shown)
                .map(|metric| line(&metric))
                .collect(),
            all: row
                .document
                .metrics
                .iter()
                .map(|metric| line(&metric))
                .collect(),
            follows: row.document.follows,
            depends_on: row.document.depends_on,
            reasons: reasons(row),
            chart: chart.map(|chart| chart.svg.as_str()),
            chart_name: chart.map(|chart| chart.name.as_str()),
        }
    }

    fn arms(&self, row: &JudgedRow) -> Vec<Arm<'_>> {
        self.judgement.rows[usize::from(row.document.number) - 1]
            .arms
            .iter()
            .map(|arm| Arm {
                name: lang::arm(arm.arm),
                class: arm.arm.protocol().to_string(),
                word: self.lang.word(row.document.word(arm.arm.protocol())),
                verdict: lang::judged(arm.verdict, arm.provisional, self.lang),
                verdict_class: arm.verdict.to_string(),
                reason: &arm.reason,
            })
            .collect()
    }

    fn line(&self, row: &JudgedRow, metric: &'static Metric) -> Line {
        Line {
            name: metric.name,
            label: self.lang.metric(metric),
            kind: metric.kind,
            how: metric.how,
            judged: metric.role == Role::Judged,
            unit: metric.unit.to_string(),
            values: row
                .arms
                .iter()
                .map(|arm| {
                    let figure = arm.figure(metric.name);
                    let blocks = figure.map_or(&[][..], |figure| &figure.blocks);
                    Cell {
                        text: number::figure(figure),
                        interval: number::interval(figure),
                        n: figure.map_or(0, |figure| figure.n),
                        blocks: if blocks.len() > 1 {
                            let values = blocks
                                .iter()
                                .map(|(_, value)| number::value(*value, metric.unit));
                            values.collect::<Vec<_>>().join(", ")
                        } else {
                            String::new()
                        },
                    }
                })
                .collect(),
            ratios: row
                .ratios
                .iter()
                .filter(|ratio| ratio.metric.name == metric.name)
                .map(number::ratio)
                .collect(),
        }
    }

    /// Settings, versions and the machine, as name and value.
    fn facts(&self) -> Vec<Fact> {
        let m = self.manifest;
        let mut facts: Vec<Fact> = Vec::new();
        let mut add = |name: &str, value: String| {
            if !value.trim().is_empty() {
                facts.push(Fact {
                    name: name.to_owned(),
                    value,
                });
            }
        };
        let arms: Vec<String> = m.arms.iter().map(ToString::to_string).collect();
        add("mailgauge", m.mailgauge.clone());
        add("started", m.started.clone());
        add("scenario", m.scenario_name.clone());
        add("scenario hash", m.scenario_hash.clone());
        add("seed", m.seed.to_string());
        add("plan", m.plan_fingerprint.clone());
        add("users", m.users.to_string());
        add(
            "speed",
            format!("{} simulated seconds per clock second", m.speed),
        );
        add("arms", arms.join(", "));
        let scenario: toml::Table = toml::from_str(&m.scenario_toml).unwrap_or_default();
        for arm in &arms {
            let about = scenario
                .get("arm")
                .and_then(|models| models.get(arm)?.get("about")?.as_str());
            add(&format!("arm {arm}"), about.unwrap_or_default().to_owned());
        }
        add("blocks", m.blocks.to_string());
        add("target", format!("{} {}", m.target.name, m.target.version));
        add("TLS", m.target.tls.to_string());
        for (protocol, port) in &m.target.ports {
            add(&format!("port of {protocol}"), port.to_string());
        }
        for (protocol, banner) in &m.target.banners {
            add(&format!("greeting of {protocol}"), banner.clone());
        }
        for (name, value) in &m.target.facts {
            add(&format!("target: {name}"), value.clone());
        }
        add("kernel", m.host.kernel.clone());
        add(
            "processor",
            format!("{} × {}", m.host.cpus, m.host.cpu_model),
        );
        add("memory", number::bytes(m.host.memory_bytes as f64));
        add("generator threads", m.worker_threads.to_string());
        facts
    }

    /// Errors by arm, phase and class, most frequent first.
    fn error_counts(&self) -> Vec<Value> {
        let mut counts: BTreeMap<(String, String, String), (u64, &str)> = BTreeMap::new();
        for row in self.errors {
            let name = (
                row.arm.to_string(),
                row.phase.to_string(),
                row.class.to_string(),
            );
            counts.entry(name).or_insert((0, row.detail.as_str())).0 += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
        counts
            .into_iter()
            .map(|((arm, phase, class), (count, example))| {
                context! { arm, phase, class, count, example }
            })
            .collect()
    }
}

/// A step here and on other networks, as a template sees it.
fn elsewhere(step: &Prediction) -> Value {
    context! {
        protocol => lang::protocol(step.arm.protocol()),
        arm => step.arm.to_string(),
        step => step.step.to_string(),
        n => step.n,
        round_trips => number::digits(step.round_trips),
        measured => number::duration(step.measured_ms),
        predicted => step.predicted_ms.map(number::duration).to_vec(),
    }
}

/// Anything serde knows, as a template sees it.
fn from_rows(data: impl Serialize) -> Value {
    Value::from(Serde(data))
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

/// Names and style classes of the arms, in the scenario's order.
fn named_arms(judgement: &Judgement) -> Vec<Value> {
    let arms = judgement.setting.arms.iter();
    arms.map(|arm| context! { name => lang::arm(*arm), class => arm.protocol().to_string() })
        .collect()
}

/// The headings, by name.
fn headings(lang: Lang) -> BTreeMap<&'static str, &'static str> {
    [
        (
            "title",
            "POP3 and IMAP, measured",
            "เปรียบเทียบ POP3 กับ IMAP ด้วยการวัดจริง",
        ),
        (
            "answer",
            "The document's table, measured",
            "ตารางของเอกสาร พร้อมค่าที่วัดได้",
        ),
        ("row", "row", "รายการ"),
        ("verdict", "verdict", "ผล"),
        (
            "trust",
            "Can these numbers be trusted?",
            "ตัวเลขชุดนี้เชื่อถือได้หรือไม่",
        ),
        (
            "yes",
            "Yes: nothing speaks against them.",
            "ได้: ไม่พบสิ่งที่ทำให้เชื่อถือไม่ได้",
        ),
        ("no", "No:", "ไม่ได้:"),
        ("notes", "What to know when reading them", "สิ่งที่ควรรู้เมื่ออ่าน"),
        ("rows", "Row by row", "ทีละรายการ"),
        (
            "claims",
            "What the text claims, and RFC 1733's table of 1994",
            "ข้ออ้างในเนื้อความ และตารางของ RFC 1733 (ค.ศ. 1994)",
        ),
        ("depends_on", "What turns it over", "ขึ้นอยู่กับ"),
        ("follows", "How the verdict follows", "ตัดสินอย่างไร"),
        (
            "more",
            "Waiting, and the run over time",
            "เวลารอ และการทดสอบตามเวลา",
        ),
        ("method", "Method", "วิธีการ"),
        ("figures", "All figures", "ตัวเลขทั้งหมด"),
        ("elsewhere", "On another network", "บนเครือข่ายอื่น"),
        ("settings", "Settings and versions", "การตั้งค่าและรุ่น"),
        ("scenario", "The scenario", "สถานการณ์"),
        (
            "consistency",
            "Consistency across devices",
            "ความสอดคล้องระหว่างอุปกรณ์",
        ),
        ("checks", "Sums that must add up", "ผลรวมที่ต้องตรงกัน"),
        ("errors", "Errors", "ข้อผิดพลาด"),
        ("limits", "Limits", "ข้อจำกัด"),
    ]
    .into_iter()
    .map(|(name, english, thai)| (name, lang.pick(english, thai)))
    .collect()
}

#[cfg(test)]
mod tests;

//! What the answer rests on, as the templates see it: sums, what the generator added, and freshness.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::Serialize;
use strum::IntoEnumIterator;

use super::rows::RatioCell;
use super::traced::{LINES, Line, Traced};
use crate::judge::bounds::Limit;
use crate::judge::little::{Balance, Word};
use crate::judge::{Held, Judgement, fresh};
use crate::metrics::row::CheckRow;
use crate::report::lang::{self, Lang};
use crate::report::{LITTLE, VALIDITY, number};
use crate::rundir::COMPARISON;
use crate::scenario::Arm;

const CHECKS: &str = "checks.csv";

/// One sum over all cells.
#[derive(Serialize)]
pub(super) struct Sum<'a> {
    check: &'a str,
    all: bool,
    holds: Traced,
    of: Traced,
}

/// The sums by name, in the order in which they were checked.
pub(super) fn sums(judgement: &Judgement) -> Vec<Sum<'_>> {
    let mut names: Vec<&str> = Vec::new();
    let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for row in &judgement.checks {
        if !names.contains(&row.check.as_str()) {
            names.push(&row.check);
        }
        let (holds, of) = counts.entry(&row.check).or_default();
        *holds += u64::from(row.holds);
        *of += 1;
    }
    let of = |check: &str, holds: u64, of: u64| {
        let lines = Line::of(CHECKS, &[("check", &check)]);
        let holding = Line::of(CHECKS, &[("check", &check), ("holds", &true)]);
        (
            Traced::count(holds, &holding, LINES),
            Traced::count(of, &lines, LINES),
        )
    };
    names
        .into_iter()
        .map(|check| {
            let (holding, all) = counts[check];
            let (holds, of) = of(check, holding, all);
            Sum {
                check,
                all: holding == all,
                holds,
                of,
            }
        })
        .collect()
}

/// A sum that does not hold.
#[derive(Serialize)]
pub(super) struct Broken<'a> {
    block: Traced,
    arm: String,
    check: &'a str,
    expected: Traced,
    found: Traced,
}

/// Those that do not hold.
pub(super) fn broken(judgement: &Judgement) -> Vec<Broken<'_>> {
    let broken = judgement.checks.iter().filter(|row| !row.holds);
    broken
        .map(|row: &CheckRow| {
            let columns: [(&str, &dyn Display); 3] = [
                ("block", &row.block),
                ("arm", &row.arm),
                ("check", &row.check),
            ];
            let line = Line::of(CHECKS, &columns);
            Broken {
                block: Traced::count(u64::from(row.block), &line, "block"),
                arm: lang::arm(row.arm),
                check: &row.check,
                expected: Traced::count(row.expected, &line, "expected"),
                found: Traced::count(row.found, &line, "found"),
            }
        })
        .collect()
}

/// A limit over all arms.
#[derive(Serialize)]
pub(super) struct LimitLine {
    label: &'static str,
    grave: bool,
    values: Vec<LimitCell>,
}

#[derive(Serialize)]
struct LimitCell {
    arm: String,
    within: bool,
    value: Traced,
    bound: Traced,
}

/// How near each arm came to each limit.
pub(super) fn limits(judgement: &Judgement, lang: Lang) -> Vec<LimitLine> {
    let line = |limit: Limit| {
        let of = |arm: &Arm| {
            let mut held = judgement.held.iter();
            let held = held.find(|held| held.arm == *arm && held.limit == limit);
            LimitCell::of(*arm, held)
        };
        LimitLine {
            label: label(limit, lang),
            grave: limit.is_grave(),
            values: judgement.setting.arms.iter().map(of).collect(),
        }
    };
    let seen = |limit: &Limit| judgement.held.iter().any(|held| held.limit == *limit);
    Limit::iter().filter(seen).map(line).collect()
}

impl LimitCell {
    fn of(arm: Arm, held: Option<&Held>) -> Self {
        let traced = |held: &Held, value: f64, column: &str| {
            let line = Line::of(VALIDITY, &[("arm", &held.arm), ("limit", &held.limit)]);
            let text = number::value(value, held.limit.unit());
            Traced::new(text, value, &line, column)
        };
        Self {
            arm: lang::arm(arm),
            within: held.is_none_or(Held::is_within),
            value: held.map_or_else(Traced::nothing, |it| traced(it, it.value, "value")),
            bound: held.map_or_else(Traced::nothing, |it| traced(it, it.bound, "bound")),
        }
    }
}

fn label(limit: Limit, lang: Lang) -> &'static str {
    match limit {
        Limit::Lag => lang.pick(
            "own lag of planned operations, 99th percentile",
            "ความล่าช้าของเครื่องสร้างภาระเอง (p99)",
        ),
        Limit::LateSeconds => lang.pick("seconds with more lag than that", "วินาทีที่ล่าช้าเกินนั้น"),
        Limit::GeneratorCpu => lang.pick(
            "CPU of the generator per thread, busiest cell",
            "CPU ของเครื่องสร้างภาระต่อเธรด (ช่วงที่สูงสุด)",
        ),
        Limit::MachineCpu => lang.pick(
            "CPU of generator and server per processor, fullest cell",
            "CPU ของทั้งสองฝั่งต่อหน่วยประมวลผล (ช่วงที่สูงสุด)",
        ),
        Limit::Descriptors => lang.pick("descriptors open at once", "ไฟล์และซ็อกเก็ตที่เปิดพร้อมกัน"),
        Limit::FailedSessions => lang.pick("sessions that failed", "การเชื่อมต่อที่ล้มเหลว"),
        Limit::MissedChecks => lang.pick(
            "checks missed because the device was still busy",
            "การเช็กเมลที่พลาดเพราะอุปกรณ์ยังไม่ว่าง",
        ),
        Limit::ShutOut => lang.pick(
            "devices that tried and never logged in",
            "อุปกรณ์ที่พยายามแต่เข้าไม่ได้เลย",
        ),
        Limit::Absent => lang.pick(
            "planned devices that never came online",
            "อุปกรณ์ในแผนที่ไม่เคยออนไลน์",
        ),
    }
}

/// Little's law in one cell.
#[derive(Serialize)]
pub(super) struct Law<'a> {
    block: Traced,
    arm: String,
    holds: bool,
    fails: bool,
    arrivals: Traced,
    session: Traced,
    expected: Traced,
    open: Traced,
    counted: Traced,
    difference: Traced,
    low: Traced,
    high: Traced,
    counted_by: String,
    reason: &'a str,
}

/// Little's law in all cells.
pub(super) fn laws(judgement: &Judgement) -> Vec<Law<'_>> {
    judgement.little.iter().map(Law::of).collect()
}

impl<'a> Law<'a> {
    fn of(balance: &'a Balance) -> Self {
        let columns: [(&str, &dyn Display); 2] = [("block", &balance.block), ("arm", &balance.arm)];
        let line = Line::of(LITTLE, &columns);
        let traced = |value: Option<f64>, column: &str| {
            value.map_or_else(Traced::nothing, |value| {
                Traced::new(number::digits(value), value, &line, column)
            })
        };
        Self {
            block: Traced::count(u64::from(balance.block), &line, "block"),
            arm: lang::arm(balance.arm),
            holds: balance.verdict == Word::Holds,
            fails: balance.verdict == Word::Fails,
            arrivals: traced(Some(balance.arrivals_per_s), "arrivals_per_s"),
            session: traced(balance.session_s, "session_s"),
            expected: traced(Some(balance.expected), "expected"),
            open: traced(balance.open_then, "open_then"),
            counted: traced(balance.counted, "counted"),
            difference: traced(balance.difference_percent, "difference_percent"),
            low: traced(balance.low_percent, "low_percent"),
            high: traced(balance.high_percent, "high_percent"),
            counted_by: balance
                .counted_by
                .map(|by| by.to_string())
                .unwrap_or_default(),
            reason: &balance.reason,
        }
    }
}

/// Two arms side by side at the freshness that they have.
#[derive(Serialize)]
pub(super) struct Pair {
    pop: String,
    imap: String,
    pop_after: Traced,
    imap_after: Traced,
    equal: bool,
    costs: Vec<Option<RatioCell>>,
}

/// All pairs, the equally fresh ones first.
pub(super) fn pairs(judgement: &Judgement) -> Vec<Pair> {
    let after = |arm: Arm, seconds: f64| {
        let columns: [(&str, &dyn Display); 2] = [("arm", &arm), ("metric", &fresh::METRIC)];
        let text = format!("{} s", number::digits(seconds));
        Traced::new(text, seconds, &Line::of(COMPARISON, &columns), "value")
    };
    let ratios = || judgement.rows.iter().flat_map(|row| &row.ratios);
    let mut pairs: Vec<Pair> = judgement
        .fresh
        .iter()
        .map(|pair| Pair {
            pop: lang::arm(pair.pop),
            imap: lang::arm(pair.imap),
            pop_after: after(pair.pop, pair.pop_after),
            imap_after: after(pair.imap, pair.imap_after),
            equal: pair.is_equal(),
            costs: fresh::COSTS
                .iter()
                .map(|metric| {
                    let its = |ratio: &&crate::judge::Ratio| {
                        ratio.metric.name == *metric
                            && ratio.arm == pair.imap
                            && ratio.over == pair.pop
                    };
                    ratios().find(its).map(RatioCell::of)
                })
                .collect(),
        })
        .collect();
    pairs.sort_by_key(|pair| !pair.equal);
    pairs
}

/// The names of the costs that stand beside freshness.
pub(super) fn costs(judgement: &Judgement, lang: Lang) -> Vec<&'static str> {
    let metric = |name: &&str| {
        judgement
            .rows
            .iter()
            .find_map(|row| row.document.metric(name))
    };
    let found = fresh::COSTS.iter().filter_map(metric);
    found.map(|metric| lang.metric(metric)).collect()
}

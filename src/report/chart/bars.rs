//! One chart per row of the document: a pair of bars per figure, its value printed at the end, the values of
//! single blocks as rings. Shares stand on one axis from 0 to 100 %, other figures each on their own.

use super::canvas::{Anchor, Canvas, FAINT, GREY, INK, Ink, Stroke, Type, text_width};
use super::{Error, axis};
use crate::judge::{Figure, JudgedRow, Metric, Role, Unit};
use crate::report::{Lang, lang, number};
use crate::scenario::Arm;

const WIDTH: f64 = 800.0;
const LEFT: f64 = 28.0;
/// Room on the right for values beyond the longest bar.
const RIGHT: f64 = 660.0;
const HEAD: f64 = 128.0;
const LABEL: f64 = 30.0;
const BAR: f64 = 24.0;
const BETWEEN: f64 = 5.0;
/// From one arm of the legend to the next below it.
const LEGEND: f64 = 26.0;
const AXIS: f64 = 52.0;
const FOOT: f64 = 26.0;
const TEXT: f64 = 19.0;
const SMALL: f64 = 15.0;

/// The row's chart; none where it has no figure to draw.
pub(super) fn svg(row: &JudgedRow, lang: Lang) -> Result<Option<String>, Error> {
    let groups = groups(row);
    if groups.is_empty() {
        return Ok(None);
    }
    let arms = row.arms.len() as f64;
    let item = LABEL + arms * (BAR + BETWEEN) + 6.0;
    let begin = HEAD + legend_height(row);
    let height: f64 = begin
        + groups
            .iter()
            .map(|group| group.len() as f64 * item + AXIS)
            .sum::<f64>()
        + FOOT;
    let name = (row.document.slug, lang.row(row.document));
    Canvas::picture(name, (WIDTH as u32, height as u32), |canvas| {
        head(canvas, row, lang)?;
        let mut y = begin;
        for group in &groups {
            y = draw_group(canvas, row, group, (y, item), lang)?;
        }
        foot(canvas, row, height, lang)
    })
    .map(Some)
}

/// The metrics to draw, those of shares together, each of the others alone.
fn groups(row: &JudgedRow) -> Vec<Vec<&'static Metric>> {
    let mut groups: Vec<Vec<&'static Metric>> = Vec::new();
    let drawn = row.document.metrics.iter().filter(|metric| {
        metric.role != Role::Detail
            && metric.unit != Unit::Port
            && row.arms.iter().any(|arm| {
                arm.figure(metric.name)
                    .is_some_and(|figure| figure.value.is_some())
            })
    });
    for metric in drawn {
        match groups.last_mut() {
            Some(group) if metric.unit == Unit::Percent && group[0].unit == Unit::Percent => {
                group.push(metric);
            }
            _ => groups.push(vec![metric]),
        }
    }
    groups
}

fn head(canvas: &Canvas<'_>, row: &JudgedRow, lang: Lang) -> Result<(), Error> {
    let title = format!("{} · {}", row.document.number, lang.row(row.document));
    canvas.text(
        (LEFT, 30.0),
        &title,
        Type::new(fitting(&title, 26.0)).bold(),
    )?;
    let subtitle = format!(
        "{} POP “{}”, IMAP “{}”",
        lang.pick("the document says:", "เอกสารว่า:"),
        lang.word(row.document.pop),
        lang.word(row.document.imap)
    );
    canvas.text(
        (LEFT, 66.0),
        &subtitle,
        Type::new(fitting(&subtitle, TEXT)).colour(GREY),
    )?;
    let mut x = LEFT;
    let mut y = 90.0;
    for arm in &row.arms {
        canvas.bar((x, y), (x + 34.0, y + 20.0), ink(row, arm.arm))?;
        let mut text = lang::arm(arm.arm);
        if let Some(port) = arm.figure("port").and_then(|figure| figure.value) {
            text = format!("{text}, port {port:.0}");
        }
        text = format!("{text}: {}", lang.verdict(arm.verdict));
        canvas.text((x + 42.0, y + 11.0), &text, Type::new(TEXT))?;
        if row.arms.len() > 2 {
            y += LEGEND;
        } else {
            x += 42.0 + text_width(&text, TEXT) + 36.0;
        }
    }
    Ok(())
}

/// What the arms take below each other, where they do not stand beside each other.
fn legend_height(row: &JudgedRow) -> f64 {
    match row.arms.len() {
        0..=2 => 0.0,
        arms => (arms - 1) as f64 * LEGEND,
    }
}

fn ink(row: &JudgedRow, arm: Arm) -> Ink {
    Ink::of(arm, row.arms.iter().map(|arm| arm.arm))
}

/// The size at which a line of text fits the picture, at most `size`.
fn fitting(text: &str, size: f64) -> f64 {
    let room = WIDTH - 2.0 * LEFT;
    (size * room / text_width(text, size)).min(size)
}

fn draw_group(
    canvas: &Canvas<'_>,
    row: &JudgedRow,
    group: &[&'static Metric],
    (top, item): (f64, f64),
    lang: Lang,
) -> Result<f64, Error> {
    let unit = group[0].unit;
    let ticks = axis::linear(largest(row, group), 4);
    let end = ticks.last().copied().unwrap_or(1.0);
    let x = |value: f64| LEFT + (RIGHT - LEFT) * (value / end).clamp(0.0, 1.0);
    let bottom = top + group.len() as f64 * item;
    for tick in &ticks {
        let text = tick_label(*tick, unit);
        let anchor = if *tick == 0.0 {
            Anchor::Start
        } else {
            Anchor::Middle
        };
        let look = Type::new(SMALL).colour(GREY).anchor(anchor);
        canvas.text((x(*tick), bottom + 14.0), &text, look)?;
    }
    for (index, metric) in group.iter().enumerate() {
        let label = top + index as f64 * item;
        canvas.text((LEFT, label + 13.0), lang.metric(metric), Type::new(TEXT))?;
        // The grid stops at the labels, so that no line runs through a word.
        let (from, to) = (label + LABEL - 4.0, label + item);
        for tick in &ticks {
            canvas.line(&[(x(*tick), from), (x(*tick), to)], Stroke::thin(FAINT))?;
        }
        let mut y = label + LABEL;
        for arm in &row.arms {
            if let Some(figure) = arm.figure(metric.name) {
                bar(canvas, figure, (arm.arm, ink(row, arm.arm)), y, &x, lang)?;
                marks(canvas, figure, arm.arm, y, &x, lang);
            }
            y += BAR + BETWEEN;
        }
        canvas.line(&[(LEFT, from), (LEFT, to)], Stroke::thin(GREY))?;
    }
    canvas.line(&[(LEFT, bottom), (RIGHT, bottom)], Stroke::thin(GREY))?;
    Ok(bottom + AXIS)
}

/// Round numbers need no digits behind the point; zero needs no unit.
fn tick_label(tick: f64, unit: Unit) -> String {
    if tick == 0.0 {
        "0".to_owned()
    } else if unit == Unit::Percent {
        format!("{tick:.0} %")
    } else {
        number::value(tick, unit)
    }
}

fn largest(row: &JudgedRow, group: &[&'static Metric]) -> f64 {
    if group[0].unit == Unit::Percent {
        return 100.0;
    }
    row.arms
        .iter()
        .flat_map(|arm| group.iter().filter_map(|metric| arm.figure(metric.name)))
        .flat_map(|figure| {
            figure
                .value
                .into_iter()
                .chain(figure.blocks.iter().map(|(_, value)| *value))
        })
        .fold(0.0, f64::max)
}

fn bar(
    canvas: &Canvas<'_>,
    figure: &Figure,
    (arm, ink): (Arm, Ink),
    y: f64,
    x: &dyn Fn(f64) -> f64,
    lang: Lang,
) -> Result<(), Error> {
    let middle = y + BAR / 2.0 + 1.0;
    let Some(value) = figure.value else {
        let text = format!(
            "{}: {}",
            super::super::lang::arm(arm),
            lang.pick("not measured", "ไม่ได้วัด")
        );
        return canvas.text((LEFT + 8.0, middle), &text, Type::new(SMALL).colour(GREY));
    };
    let mut end = x(value);
    if end - LEFT >= 1.0 {
        canvas.bar((LEFT, y), (end, y + BAR), ink)?;
    } else {
        // Zero is a value too: a stump in the protocol's colour.
        canvas.block((LEFT, y), (LEFT + 3.0, y + BAR), ink.colour)?;
        end = LEFT + 3.0;
    }
    if figure.blocks.len() > 1 {
        for (_, value) in &figure.blocks {
            canvas.ring((x(*value), y + BAR / 2.0), 4)?;
            end = end.max(x(*value) + 4.0);
        }
    }
    let text = number::figure(Some(figure));
    canvas.text(
        (end + 8.0, middle),
        &text,
        Type::new(TEXT).bold().colour(INK),
    )
}

/// What a bar and its rings say when they are pointed at.
fn marks(
    canvas: &Canvas<'_>,
    figure: &Figure,
    arm: Arm,
    y: f64,
    x: &dyn Fn(f64) -> f64,
    lang: Lang,
) {
    let Some(value) = figure.value else { return };
    let metric = figure.metric;
    let name = super::super::lang::arm(arm);
    let mut text = format!(
        "{name}, {}: {}",
        lang.metric(metric),
        number::figure(Some(figure))
    );
    let interval = number::interval(Some(figure));
    if !interval.is_empty() {
        text = format!("{text} (95 %: {interval})");
    }
    let end = x(value).max(LEFT + 24.0);
    let source = format!("comparison.csv?arm={arm}&metric={}#value", metric.name);
    canvas.mark((LEFT, y), (end, y + BAR), text, source);
    if figure.blocks.len() < 2 {
        return;
    }
    for (block, value) in &figure.blocks {
        let text = format!(
            "{name}, {}, {} {block}: {}",
            lang.metric(metric),
            lang.pick("block", "บล็อก"),
            number::value(*value, metric.unit)
        );
        let source = format!(
            "blocks.csv?arm={arm}&metric={}&block={block}#value",
            metric.name
        );
        let (at, middle) = (x(*value), y + BAR / 2.0);
        canvas.mark(
            (at - 5.0, middle - 6.0),
            (at + 5.0, middle + 6.0),
            text,
            source,
        );
    }
}

fn foot(canvas: &Canvas<'_>, row: &JudgedRow, height: f64, lang: Lang) -> Result<(), Error> {
    let blocks = row
        .arms
        .iter()
        .flat_map(|arm| &arm.figures)
        .map(|figure| figure.blocks.len())
        .max()
        .unwrap_or(0);
    let text = if blocks > 1 {
        lang.pick(
            "bar: whole run; ring: one block",
            "แท่ง: ทั้งการทดสอบ; วง: หนึ่งบล็อก",
        )
    } else {
        lang.pick(
            "one block: nothing shows how much a repetition would differ",
            "บล็อกเดียว: ไม่รู้ว่าถ้าทดสอบซ้ำจะต่างไปเท่าใด",
        )
    };
    canvas.text((LEFT, height - 18.0), text, Type::new(SMALL).colour(GREY))
}

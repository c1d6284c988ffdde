//! The run over time: the server's CPU above, open sessions below, phases and blocks marked. It shows at a
//! glance whether the arms were measured in a steady state.

use std::collections::BTreeMap;

use plotters::style::RGBColor;

use super::canvas::{Anchor, Canvas, FAINT, GREY, INK, Ink, Stroke, Type, text_width};
use super::{Error, axis};
use crate::metrics::row::{Cell, GeneratorRow, ServerRow};
use crate::report::{Lang, lang, number};
use crate::scenario::{Arm, Phase};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 936.0;
const TOP: f64 = 148.0;
const PLOT: f64 = 150.0;
const GAP: f64 = 62.0;
const HEIGHT: f64 = TOP + 2.0 * PLOT + GAP + 64.0;
/// Points of a line, at most: more than the picture has pixels is waste.
const POINTS: usize = 800;

/// One line: a cell and its values over time, (µs, value).
type Line = (Cell, Vec<(u64, f64)>);

/// What the chart is drawn from.
pub struct Timeline<'a> {
    /// `server.csv`.
    pub server: &'a [ServerRow],
    /// `generator.csv`.
    pub generator: &'a [GeneratorRow],
}

/// The chart; none where there is nothing over time.
pub(super) fn svg(rows: &Timeline<'_>, lang: Lang) -> Result<Option<String>, Error> {
    let cpu = cpu(rows.server);
    let sessions = sessions(rows.generator);
    let times = || {
        cpu.iter()
            .chain(&sessions)
            .flat_map(|(_, points)| points)
            .map(|(at, _)| *at)
    };
    let (Some(from), Some(to)) = (times().min(), times().max()) else {
        return Ok(None);
    };
    let span = (to - from).max(1_000_000) as f64;
    let x = |at: u64| LEFT + (RIGHT - LEFT) * (at.saturating_sub(from) as f64 / span).min(1.0);
    let alt = lang.pick("The run over time", "การทดสอบตามเวลา");
    Canvas::picture(("timeline", alt), (WIDTH as u32, HEIGHT as u32), |canvas| {
        let title = lang.pick("The run over time", "การทดสอบตามเวลา");
        canvas.text((28.0, 28.0), title, Type::new(26.0).bold())?;
        legend(canvas, &cpu, &sessions, lang)?;
        cells(canvas, rows, &x, lang)?;
        let first = (
            TOP,
            lang.pick(
                "server CPU, % of one processor",
                "CPU ของเซิร์ฟเวอร์ % ของหนึ่งหน่วย",
            ),
        );
        panel(canvas, first, &cpu, &x)?;
        let second = (
            TOP + PLOT + GAP,
            lang.pick("open sessions", "session ที่เปิดอยู่"),
        );
        panel(canvas, second, &sessions, &x)?;
        time_axis(canvas, span, from, &x, lang)
    })
    .map(Some)
}

/// CPU between samples, percent of one processor.
fn cpu(rows: &[ServerRow]) -> Vec<Line> {
    let mut cells: BTreeMap<Cell, Vec<&ServerRow>> = BTreeMap::new();
    for row in rows {
        let cell = Cell {
            block: row.block,
            arm: row.arm,
        };
        cells.entry(cell).or_default().push(row);
    }
    let total = |row: &ServerRow| row.cpu_user_us + row.cpu_system_us;
    lines(cells, |cell| {
        cell.windows(2)
            .filter(|pair| pair[1].at_us > pair[0].at_us)
            .map(|pair| {
                let used = total(pair[1]).saturating_sub(total(pair[0])) as f64;
                (
                    pair[1].at_us,
                    100.0 * used / (pair[1].at_us - pair[0].at_us) as f64,
                )
            })
            .collect()
    })
}

fn sessions(rows: &[GeneratorRow]) -> Vec<Line> {
    let mut cells: BTreeMap<Cell, Vec<&GeneratorRow>> = BTreeMap::new();
    for row in rows {
        let cell = Cell {
            block: row.block,
            arm: row.arm,
        };
        cells.entry(cell).or_default().push(row);
    }
    lines(cells, |cell| {
        cell.iter()
            .map(|row| (row.at_us, f64::from(row.open_sessions)))
            .collect()
    })
}

fn lines<R>(cells: BTreeMap<Cell, Vec<R>>, points: impl Fn(&[R]) -> Vec<(u64, f64)>) -> Vec<Line> {
    cells
        .into_iter()
        .map(|(cell, rows)| {
            let points = points(&rows);
            let step = points.len().div_ceil(POINTS).max(1);
            (cell, points.into_iter().step_by(step).collect())
        })
        .filter(|(_, points): &Line| !points.is_empty())
        .collect()
}

/// The arms of those lines, each once.
fn arms<'a>(lines: impl IntoIterator<Item = &'a Line>) -> Vec<Arm> {
    let mut arms: Vec<Arm> = lines.into_iter().map(|(cell, _)| cell.arm).collect();
    arms.sort_unstable();
    arms.dedup();
    arms
}

fn legend(canvas: &Canvas<'_>, cpu: &[Line], sessions: &[Line], lang: Lang) -> Result<(), Error> {
    let x = canvas.legend((28.0, 66.0), &arms(cpu.iter().chain(sessions)))?;
    canvas.block((x, 56.0), (x + 34.0, 76.0), SHADE)?;
    canvas.text(
        (x + 42.0, 67.0),
        lang.pick("measured", "ช่วงที่วัด"),
        Type::new(19.0),
    )
}

const SHADE: RGBColor = RGBColor(0xEC, 0xEC, 0xEC);

/// A strip per cell in its protocol's colour, with its block, and the measured phase shaded below it.
fn cells(
    canvas: &Canvas<'_>,
    rows: &Timeline<'_>,
    x: &dyn Fn(u64) -> f64,
    lang: Lang,
) -> Result<(), Error> {
    let mut spans: BTreeMap<Cell, Spans> = BTreeMap::new();
    let server = rows
        .server
        .iter()
        .map(|row| (row.block, row.arm, row.phase, row.at_us));
    let own = rows
        .generator
        .iter()
        .map(|row| (row.block, row.arm, row.phase, row.at_us));
    for (block, arm, phase, at) in server.chain(own) {
        let span = spans.entry(Cell { block, arm }).or_default();
        Spans::widen(&mut span.all, at);
        if phase == Phase::Measure {
            Spans::widen(&mut span.measured, at);
        }
    }
    let all: Vec<Arm> = spans.keys().map(|cell| cell.arm).collect();
    for (cell, span) in spans {
        if let Some((from, to)) = span.measured {
            for top in [TOP, TOP + PLOT + GAP] {
                canvas.block((x(from), top), (x(to), top + PLOT), SHADE)?;
            }
        }
        let Some((from, to)) = span.all else { continue };
        let (left, right) = (x(from), x(to));
        canvas.block(
            (left, 110.0),
            ((right - 1.0).max(left + 1.0), 116.0),
            Ink::of(cell.arm, all.iter().copied()).colour,
        )?;
        let full = format!(
            "{} {}, {}",
            lang.pick("block", "บล็อก"),
            cell.block,
            lang::arm(cell.arm)
        );
        for top in [TOP, TOP + PLOT + GAP] {
            canvas.mark(
                (left, top),
                (right, top + PLOT),
                full.clone(),
                String::new(),
            );
        }
        let short = cell.block.to_string();
        for text in [full, short] {
            if text_width(&text, 15.0) <= right - left {
                let middle = (f64::midpoint(left, right), 98.0);
                canvas.text(
                    middle,
                    &text,
                    Type::new(15.0).colour(INK).anchor(Anchor::Middle),
                )?;
                break;
            }
        }
    }
    Ok(())
}

#[derive(Default)]
struct Spans {
    all: Option<(u64, u64)>,
    measured: Option<(u64, u64)>,
}

impl Spans {
    fn widen(span: &mut Option<(u64, u64)>, at: u64) {
        let (from, to) = span.unwrap_or((at, at));
        *span = Some((from.min(at), to.max(at)));
    }
}

fn panel(
    canvas: &Canvas<'_>,
    (top, title): (f64, &str),
    lines: &[Line],
    x: &dyn Fn(u64) -> f64,
) -> Result<(), Error> {
    let bottom = top + PLOT;
    let largest = lines
        .iter()
        .flat_map(|(_, points)| points)
        .map(|(_, value)| *value)
        .fold(0.0, f64::max);
    let ticks = axis::linear(largest, 4);
    let end = ticks.last().copied().unwrap_or(1.0);
    canvas.text((LEFT, top - 13.0), title, Type::new(17.0).colour(INK))?;
    for tick in &ticks {
        let y = bottom - PLOT * tick / end;
        canvas.line(&[(LEFT, y), (RIGHT, y)], Stroke::thin(FAINT))?;
        canvas.text(
            (LEFT - 8.0, y),
            &number::digits(*tick),
            Type::new(15.0).colour(GREY).anchor(Anchor::End),
        )?;
    }
    canvas.line(
        &[(LEFT, top), (LEFT, bottom), (RIGHT, bottom)],
        Stroke::thin(GREY),
    )?;
    let all = arms(lines);
    for (cell, points) in lines {
        let points: Vec<(f64, f64)> = points
            .iter()
            .map(|(at, value)| (x(*at), bottom - PLOT * value / end))
            .collect();
        canvas.line(
            &points,
            Stroke {
                width: 2,
                ..Stroke::of(Ink::of(cell.arm, all.iter().copied()))
            },
        )?;
    }
    Ok(())
}

fn time_axis(
    canvas: &Canvas<'_>,
    span: f64,
    from: u64,
    x: &dyn Fn(u64) -> f64,
    lang: Lang,
) -> Result<(), Error> {
    let y = TOP + 2.0 * PLOT + GAP;
    let ticks = axis::linear(span / 1e6, 8);
    for tick in ticks.into_iter().filter(|tick| tick * 1e6 <= span * 1.001) {
        let at = x(from + (tick * 1e6) as u64);
        canvas.line(&[(at, y), (at, y + 5.0)], Stroke::thin(GREY))?;
        canvas.text(
            (at, y + 18.0),
            &number::digits(tick),
            Type::new(15.0).colour(GREY).anchor(Anchor::Middle),
        )?;
    }
    let text = lang.pick("seconds of clock time", "วินาที (เวลานาฬิกา)");
    canvas.text(
        (f64::midpoint(LEFT, RIGHT), y + 44.0),
        text,
        Type::new(17.0).anchor(Anchor::Middle),
    )
}

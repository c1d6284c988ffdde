//! Response time by percentile, one panel per thing that a person waits for, one curve per arm. The
//! percentile axis is stretched towards 100 %, since that is where waiting is felt.

use super::canvas::{Anchor, Canvas, FAINT, GREY, Ink, Stroke, Type, text_width};
use super::{Error, axis};
use crate::metrics::Operation;
use crate::report::{Lang, lang, number};
use crate::scenario::Arm;

/// The operations that have a panel, most important first.
pub const OPERATIONS: [Operation; 8] = [
    Operation::UsableInbox,
    Operation::Check,
    Operation::OpenMessage,
    Operation::OpenAttachment,
    Operation::DeleteMessage,
    Operation::MoveMessage,
    Operation::SendMessage,
    Operation::SearchMailbox,
];

/// The percentiles of a curve, as shares; those that so few samples cannot show are left out.
pub const SHARES: [f64; 20] = [
    0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.99, 0.995,
    0.999, 0.9995, 0.9999,
];

/// One arm's response times of one operation in the measured phase.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// What was waited for.
    pub operation: Operation,
    /// The arm.
    pub arm: Arm,
    /// How many there were.
    pub n: u64,
    /// (share of operations, ms), from the fastest to the slowest.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 960.0;
const HEAD: f64 = 96.0;
const PANEL: f64 = 300.0;
const PLOT: f64 = 196.0;
const FOOT: f64 = 16.0;

/// The chart; none where nothing was waited for.
pub(super) fn svg(curves: &[Curve], lang: Lang) -> Result<Option<String>, Error> {
    let shown: Vec<Operation> = OPERATIONS
        .into_iter()
        .filter(|operation| {
            curves
                .iter()
                .any(|curve| curve.operation == *operation && !curve.points.is_empty())
        })
        .collect();
    if shown.is_empty() {
        return Ok(None);
    }
    let rows = shown.len().div_ceil(2);
    let height = HEAD + rows as f64 * PANEL + FOOT;
    let values = || {
        curves
            .iter()
            .flat_map(|curve| &curve.points)
            .map(|(_, ms)| *ms)
            .filter(|ms| *ms > 0.0)
    };
    let decades = axis::decades(
        values().fold(f64::INFINITY, f64::min),
        values().fold(0.0, f64::max),
    );
    let alt = lang.pick(
        "How long people wait, by percentile",
        "ผู้ใช้รอนานเท่าใด ตามเปอร์เซ็นไทล์",
    );
    Canvas::picture(("latency", alt), (WIDTH as u32, height as u32), |canvas| {
        head(canvas, curves, lang)?;
        for (index, operation) in shown.iter().enumerate() {
            let left = 92.0 + (index % 2) as f64 * 462.0;
            let top = HEAD + (index / 2) as f64 * PANEL;
            let of: Vec<&Curve> = curves
                .iter()
                .filter(|curve| curve.operation == *operation)
                .collect();
            panel(canvas, (left, top), *operation, &of, &decades, lang)?;
        }
        Ok(())
    })
    .map(Some)
}

fn head(canvas: &Canvas<'_>, curves: &[Curve], lang: Lang) -> Result<(), Error> {
    let title = lang.pick(
        "How long people wait, by percentile",
        "ผู้ใช้รอนานเท่าใด ตามเปอร์เซ็นไทล์",
    );
    canvas.text((28.0, 28.0), title, Type::new(26.0).bold())?;
    let arms = arms(curves);
    let x = canvas.legend((28.0, 66.0), &arms)?;
    let text = lang.pick(
        "response time of the fastest … % of operations; lower is better",
        "เวลาตอบสนองของ … % ที่เร็วที่สุด; ยิ่งต่ำยิ่งดี",
    );
    let (at, size) = if arms.len() > 2 {
        ((28.0, 88.0), 14.0)
    } else {
        ((x, 67.0), 17.0)
    };
    canvas.text(at, text, Type::new(size).colour(GREY))
}

/// The arms of those curves, each once.
fn arms<'a>(curves: impl IntoIterator<Item = &'a Curve>) -> Vec<Arm> {
    let mut arms: Vec<Arm> = curves.into_iter().map(|curve| curve.arm).collect();
    arms.sort_unstable();
    arms.dedup();
    arms
}

/// The place of a panel's plot on the canvas, and the times that it spans.
#[derive(Clone, Copy)]
struct Plot {
    left: f64,
    top: f64,
    low_ms: f64,
    high_ms: f64,
}

impl Plot {
    const WIDTH: f64 = 360.0;

    fn right(self) -> f64 {
        self.left + Self::WIDTH
    }

    fn bottom(self) -> f64 {
        self.top + PLOT
    }

    /// 99.99 % is the fourth decade of 1/(1 − share).
    fn x(self, share: f64) -> f64 {
        self.left + Self::WIDTH * (1.0 / (1.0 - share.min(0.9999))).log10() / 4.0
    }

    fn y(self, ms: f64) -> f64 {
        let place = (ms.max(self.low_ms) / self.low_ms).log10();
        let whole = (self.high_ms / self.low_ms).log10();
        self.bottom() - PLOT * (place / whole).clamp(0.0, 1.0)
    }
}

fn panel(
    canvas: &Canvas<'_>,
    (left, top): (f64, f64),
    operation: Operation,
    curves: &[&Curve],
    decades: &[f64],
    lang: Lang,
) -> Result<(), Error> {
    let (Some(low), Some(high)) = (decades.first(), decades.last()) else {
        return Ok(());
    };
    let counts: Vec<String> = curves
        .iter()
        .map(|curve| format!("{} n = {}", lang::arm(curve.arm), curve.n))
        .collect();
    canvas.text(
        (left, top + 12.0),
        label(operation, lang),
        Type::new(19.0).bold(),
    )?;
    let counts = counts.join(", ");
    let size = (14.0 * 400.0 / text_width(&counts, 14.0)).min(14.0);
    canvas.text((left, top + 34.0), &counts, Type::new(size).colour(GREY))?;
    let plot = Plot {
        left,
        top: top + 50.0,
        low_ms: *low,
        high_ms: *high,
    };
    grid(canvas, plot, decades)?;
    for curve in curves {
        let ink = Ink::of(curve.arm, curves.iter().map(|curve| curve.arm));
        draw(canvas, plot, curve, ink, label(operation, lang))?;
    }
    Ok(())
}

/// Both axes with their lines and numbers.
fn grid(canvas: &Canvas<'_>, plot: Plot, decades: &[f64]) -> Result<(), Error> {
    let grey = Type::new(15.0).colour(GREY);
    let skip = decades.len().div_ceil(6);
    for tick in decades.iter().step_by(skip) {
        let y = plot.y(*tick);
        canvas.line(&[(plot.left, y), (plot.right(), y)], Stroke::thin(FAINT))?;
        let text = number::duration(*tick);
        canvas.text((plot.left - 8.0, y), &text, grey.anchor(Anchor::End))?;
    }
    for (share, text) in [
        (0.0, "0"),
        (0.5, "50"),
        (0.9, "90"),
        (0.99, "99"),
        (0.999, "99.9"),
        (0.9999, "99.99 %"),
    ] {
        let x = plot.x(share);
        canvas.line(&[(x, plot.top), (x, plot.bottom())], Stroke::thin(FAINT))?;
        let (at, anchor) = if share > 0.9995 {
            (x + 8.0, Anchor::End)
        } else {
            (x, Anchor::Middle)
        };
        canvas.text((at, plot.bottom() + 15.0), text, grey.anchor(anchor))?;
    }
    let corner = (plot.left, plot.bottom());
    canvas.line(
        &[(plot.left, plot.top), corner, (plot.right(), plot.bottom())],
        Stroke::thin(GREY),
    )
}

/// One arm's curve, with the figures that a pointer shows.
fn draw(canvas: &Canvas<'_>, plot: Plot, curve: &Curve, ink: Ink, what: &str) -> Result<(), Error> {
    let points: Vec<(f64, f64)> = curve
        .points
        .iter()
        .map(|(share, ms)| (plot.x(*share), plot.y(*ms)))
        .collect();
    canvas.line(&points, Stroke::of(ink))?;
    if points.len() == 1 {
        canvas.ring(points[0], 4)?;
    }
    for (share, name) in [(0.5, "p50"), (0.9, "p90"), (0.99, "p99")] {
        let at = curve.points.iter().position(|point| point.0 >= share);
        let Some((at, ms)) = at.map(|at| (points[at], curve.points[at].1)) else {
            continue;
        };
        let ms = number::duration(ms);
        let text = format!("{}, {what}, {name}: {ms}", lang::arm(curve.arm));
        canvas.mark(
            (at.0 - 9.0, at.1 - 7.0),
            (at.0 + 9.0, at.1 + 7.0),
            text,
            String::new(),
        );
    }
    Ok(())
}

fn label(operation: Operation, lang: Lang) -> &'static str {
    match operation {
        Operation::UsableInbox => lang.pick("inbox usable, from connecting", "กล่องจดหมายพร้อมใช้"),
        Operation::Check => lang.pick("check for mail", "เช็กเมล"),
        Operation::OpenMessage => lang.pick("open a message", "เปิดเมล"),
        Operation::OpenAttachment => lang.pick("open an attachment", "เปิดไฟล์แนบ"),
        Operation::DeleteMessage => lang.pick("delete a message", "ลบเมล"),
        Operation::MoveMessage => lang.pick("move a message to a folder", "ย้ายเมลไปโฟลเดอร์"),
        Operation::SendMessage => lang.pick("file what was written", "เก็บสำเนาเมลที่ส่ง"),
        Operation::SearchMailbox => lang.pick("search", "ค้นหา"),
        other => other.into(),
    }
}

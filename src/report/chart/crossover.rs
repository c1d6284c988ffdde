//! Time to the first readable message: one panel per quantity that grows, one curve per arm, both axes in decades.
//! Where two curves cross, the better arm changes.

use std::collections::{BTreeMap, BTreeSet};

use strum::IntoEnumIterator as _;

use super::canvas::{Anchor, Canvas, FAINT, GREY, Ink, Stroke, Type};
use super::{Error, axis};
use crate::metrics::{CrossoverRow, Swept, Visit};
use crate::report::{Lang, lang, number};
use crate::scenario::Arm;

const WIDTH: f64 = 1120.0;
const HEIGHT: f64 = 452.0;
const TOP: f64 = 164.0;
const PLOT: (f64, f64) = (276.0, 220.0);

/// (value of what grows, median time in ms), in order.
type Curve = Vec<(f64, f64)>;

/// The picture; none where nothing was measured.
pub(super) fn svg(rows: &[CrossoverRow], lang: Lang) -> Result<Option<String>, Error> {
    let curves = curves(rows);
    if curves.is_empty() {
        return Ok(None);
    }
    let again = rows.iter().filter(|row| row.visit == Visit::Again);
    let again: BTreeSet<Arm> = again.map(|row| row.arm).collect();
    let times = || curves.values().flatten().map(|(_, ms)| *ms);
    let decades = axis::decades(
        times().fold(f64::INFINITY, f64::min),
        times().fold(0.0, f64::max),
    );
    let alt = lang.pick("Time to the first readable message", "เวลาจนอ่านเมลแรกได้");
    Canvas::picture(
        ("crossover", alt),
        (WIDTH as u32, HEIGHT as u32),
        |canvas| {
            head(canvas, &curves, &again, lang)?;
            for (index, swept) in Swept::iter().enumerate() {
                let left = 96.0 + index as f64 * 356.0;
                panel(canvas, left, swept, &curves, &decades, lang)?;
            }
            Ok(())
        },
    )
    .map(Some)
}

/// The median of the repetitions of each point.
fn curves(rows: &[CrossoverRow]) -> BTreeMap<(Swept, Arm), Curve> {
    let mut times: BTreeMap<(Swept, Arm), BTreeMap<u64, Vec<f64>>> = BTreeMap::new();
    for row in rows {
        let points = times.entry((row.swept, row.arm)).or_default();
        let point = points.entry(row.at().round() as u64).or_default();
        point.push(row.readable_ms);
    }
    let median = |(at, mut times): (u64, Vec<f64>)| {
        times.sort_by(f64::total_cmp);
        (at as f64, times[times.len() / 2])
    };
    times
        .into_iter()
        .map(|(curve, points)| (curve, points.into_iter().map(median).collect()))
        .collect()
}

fn head(
    canvas: &Canvas<'_>,
    curves: &BTreeMap<(Swept, Arm), Curve>,
    again: &BTreeSet<Arm>,
    lang: Lang,
) -> Result<(), Error> {
    let title = lang.pick("Time to the newest message, readable", "เวลาจนอ่านเมลล่าสุดได้");
    canvas.text((28.0, 28.0), title, Type::new(26.0).bold())?;
    let mut arms: Vec<Arm> = curves.keys().map(|(_, arm)| *arm).collect();
    arms.sort_unstable();
    arms.dedup();
    canvas.legend((28.0, 62.0), &arms)?;
    let text = lang.pick(
        "1.6 Mbit/s down; what does not grow: 10 messages of 3 kB, no attachment, RTT 60 ms",
        "ขาลง 1.6 Mbit/s; ค่าที่คงที่: 10 ฉบับ ฉบับละ 3 kB ไม่มีไฟล์แนบ RTT 60 ms",
    );
    let look = Type::new(15.0).colour(GREY);
    canvas.text((28.0, 88.0), text, look)?;
    let again: Vec<String> = again.iter().map(|arm| lang::arm(*arm)).collect();
    if again.is_empty() {
        return Ok(());
    }
    let text = format!(
        "{}: {}",
        again.join(", "),
        lang.pick(
            "the device knows all but the newest message; the others come for the first time",
            "อุปกรณ์มีเมลอื่นอยู่แล้ว ยกเว้นฉบับล่าสุด; ที่เหลือเชื่อมต่อครั้งแรก",
        )
    );
    canvas.text((28.0, 110.0), &text, look)
}

fn panel(
    canvas: &Canvas<'_>,
    left: f64,
    swept: Swept,
    curves: &BTreeMap<(Swept, Arm), Curve>,
    decades: &[f64],
    lang: Lang,
) -> Result<(), Error> {
    let mine = || curves.iter().filter(|((of, _), _)| *of == swept);
    let places = || mine().flat_map(|(_, curve)| curve).map(|(at, _)| *at);
    let (first, last) = (
        places().fold(f64::INFINITY, f64::min),
        places().fold(0.0, f64::max),
    );
    let (Some(low), Some(high)) = (decades.first(), decades.last()) else {
        return Ok(());
    };
    if last <= first {
        return Ok(());
    }
    let bottom = TOP + PLOT.1;
    let x = |at: f64| left + PLOT.0 * (at / first).ln() / (last / first).ln();
    let y = |ms: f64| bottom - PLOT.1 * ((ms / low).ln() / (high / low).ln()).clamp(0.0, 1.0);
    canvas.text(
        (left, TOP - 24.0),
        label(swept, lang),
        Type::new(19.0).bold(),
    )?;
    for tick in decades {
        let line = [(left, y(*tick)), (left + PLOT.0, y(*tick))];
        canvas.line(&line, Stroke::thin(FAINT))?;
        let look = Type::new(15.0).colour(GREY).anchor(Anchor::End);
        canvas.text((left - 8.0, y(*tick)), &number::duration(*tick), look)?;
    }
    let mut ticks: Vec<f64> = places().collect();
    ticks.sort_by(f64::total_cmp);
    ticks.dedup();
    for tick in ticks {
        canvas.line(&[(x(tick), TOP), (x(tick), bottom)], Stroke::thin(FAINT))?;
        let look = Type::new(15.0).colour(GREY).anchor(Anchor::Middle);
        canvas.text((x(tick), bottom + 16.0), &tick_text(swept, tick), look)?;
    }
    let frame = [(left, TOP), (left, bottom), (left + PLOT.0, bottom)];
    canvas.line(&frame, Stroke::thin(GREY))?;
    for ((_, arm), curve) in mine() {
        let points: Vec<(f64, f64)> = curve.iter().map(|(at, ms)| (x(*at), y(*ms))).collect();
        let ink = Ink::of(*arm, curves.keys().map(|(_, arm)| *arm));
        canvas.line(&points, Stroke::of(ink))?;
        for point in points {
            canvas.ring(point, 4)?;
        }
    }
    Ok(())
}

fn tick_text(swept: Swept, at: f64) -> String {
    match swept {
        Swept::Messages | Swept::Rtt => number::digits(at),
        Swept::Attachment => number::bytes(at),
    }
}

fn label(swept: Swept, lang: Lang) -> &'static str {
    match swept {
        Swept::Messages => lang.pick("messages in the mailbox", "จำนวนเมลในกล่อง"),
        Swept::Attachment => lang.pick("attachment of the newest", "ไฟล์แนบของเมลล่าสุด"),
        Swept::Rtt => lang.pick("round-trip time, ms", "เวลาไปกลับ (ms)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(swept: Swept, arm: Arm, at: u32, ms: f64) -> CrossoverRow {
        CrossoverRow {
            swept,
            arm,
            visit: Visit::First,
            messages: at,
            attachment_bytes: u64::from(at) * 1_000,
            rtt_ms: at,
            repetition: 1,
            readable_ms: ms,
            round_trips: 7,
            wire_rx_bytes: 100,
        }
    }

    #[test]
    fn a_point_is_the_median_of_its_repetitions() {
        let rows: Vec<CrossoverRow> = [30.0, 10.0, 20.0]
            .map(|ms| row(Swept::Rtt, Arm::POP3, 60, ms))
            .to_vec();
        let curves = curves(&rows);
        assert_eq!(curves[&(Swept::Rtt, Arm::POP3)], [(60.0, 20.0)]);
    }

    #[test]
    fn every_panel_has_its_curve_in_every_arm() {
        let rows: Vec<CrossoverRow> = Swept::iter()
            .flat_map(|swept| [Arm::POP3, Arm::IMAP].map(|arm| (swept, arm)))
            .flat_map(|(swept, arm)| [1, 10, 100].map(|at| row(swept, arm, at, f64::from(at))))
            .collect();
        let picture = svg(&rows, Lang::En).unwrap().unwrap();
        // Three rings, each of two circles, in three panels of two arms.
        assert_eq!(picture.matches("<circle").count(), 3 * 2 * 3 * 2);
        assert!(picture.contains("messages in the mailbox") && picture.contains("100 kB"));
        assert!(svg(&[], Lang::En).unwrap().is_none());
    }
}

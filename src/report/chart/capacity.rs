//! What a search for the capacity found: how throughput, waiting and CPU grow with the population, with what was fitted to them,
//! and what users take who move from POP to IMAP.

use super::canvas::{Anchor, Canvas, FAINT, GREY, INK, Ink, Stroke, Type};
use super::{Error, axis};
use crate::judge::capacity::{ArmCapacity, Capacity, Load, MixturePoint, Purpose, Trial};
use crate::report::number;
use crate::scenario::Arm;

const WIDTH: f64 = 1120.0;
const HEIGHT: f64 = 400.0;
const TOP: f64 = 132.0;
const PLOT: (f64, f64) = (270.0, 210.0);
/// Pieces of a curve.
const PIECES: u32 = 60;
/// Half the side of a mark, pixels.
const REACH: f64 = 7.0;

/// A panel: a title, what is drawn against the population, its column in `trials.csv`, and how it is written.
struct Panel {
    title: &'static str,
    column: &'static str,
    of: fn(&Load) -> Option<f64>,
    text: fn(f64) -> String,
}

const PANELS: [Panel; 3] = [
    Panel {
        title: "commands per second",
        column: "commands_per_s",
        of: |load| Some(load.commands_per_s),
        text: number::digits,
    },
    Panel {
        title: "processors of the server",
        column: "server_cpus",
        of: |load| load.server_cpus,
        text: number::digits,
    },
    Panel {
        title: "time to a usable inbox, median",
        column: "usable_p50_ms",
        of: |load| load.usable_p50_ms,
        text: number::duration,
    },
];

/// Where a panel stands and what its axes hold.
struct Frame {
    left: f64,
    most_x: f64,
    ticks: Vec<f64>,
}

impl Frame {
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let most = self.ticks.last().copied().unwrap_or(1.0);
        (
            self.left + PLOT.0 * x / self.most_x,
            TOP + PLOT.1 * (1.0 - (y / most).clamp(0.0, 1.0)),
        )
    }

    /// Title, grid and axes.
    fn draw(
        &self,
        canvas: &Canvas<'_>,
        title: &str,
        below: &str,
        text: fn(f64) -> String,
    ) -> Result<(), Error> {
        canvas.text(
            (self.left - 40.0, TOP - 26.0),
            title,
            Type::new(18.0).bold(),
        )?;
        for tick in &self.ticks {
            let line = [self.at(0.0, *tick), self.at(self.most_x, *tick)];
            canvas.line(&line, Stroke::thin(FAINT))?;
            let look = Type::new(15.0).colour(GREY).anchor(Anchor::End);
            canvas.text((self.left - 8.0, line[0].1), &text(*tick), look)?;
        }
        let bottom = TOP + PLOT.1;
        for tick in axis::linear(self.most_x, 4) {
            if tick > self.most_x * 1.001 {
                continue;
            }
            let look = Type::new(15.0).colour(GREY).anchor(Anchor::Middle);
            let place = (self.at(tick, 0.0).0, bottom + 16.0);
            canvas.text(place, &number::digits(tick), look)?;
        }
        let middle = (self.left + PLOT.0 / 2.0, bottom + 38.0);
        let look = Type::new(15.0).colour(GREY).anchor(Anchor::Middle);
        canvas.text(middle, below, look)?;
        let corner = [
            (self.left, TOP),
            (self.left, bottom),
            (self.left + PLOT.0, bottom),
        ];
        canvas.line(&corner, Stroke::thin(GREY))
    }
}

const fn left(index: usize) -> f64 {
    88.0 + index as f64 * 354.0
}

/// Trials with the scenario as it is, and what they measured.
fn measured(capacity: &Capacity) -> impl Iterator<Item = (&Trial, &Load)> {
    let own = capacity.trials.iter();
    own.filter(|trial| trial.purpose != Purpose::Question && trial.answer.is_some())
        .filter_map(|trial| Some((trial, trial.load.as_ref()?)))
}

/// Throughput, CPU and waiting against the population; none where nothing was measured.
pub(super) fn growth(capacity: &Capacity) -> Result<Option<String>, Error> {
    let most = measured(capacity).map(|(_, load)| load.users).max();
    let Some(most) = most.filter(|users| *users > 0) else {
        return Ok(None);
    };
    let most_x = f64::from(most) * 1.04;
    let alt = "Throughput, processors and waiting against the number of users";
    let size = (WIDTH as u32, HEIGHT as u32);
    Canvas::picture(("growth", alt), size, |canvas| {
        canvas.text((28.0, 28.0), "What more users do", Type::new(26.0).bold())?;
        let arms: Vec<Arm> = capacity.arms.iter().map(|arm| arm.arm).collect();
        canvas.legend((28.0, 62.0), &arms)?;
        let text = "rings: trials; thin upright lines: the capacity; curves: the Universal Scalability Law where the trials carry it";
        canvas.text((28.0, 86.0), text, Type::new(14.0).colour(GREY))?;
        for (index, panel) in PANELS.iter().enumerate() {
            let values = measured(capacity).filter_map(|(_, load)| (panel.of)(load));
            let frame = Frame {
                left: left(index),
                most_x,
                ticks: axis::linear(values.fold(0.0, f64::max), 4),
            };
            frame.draw(canvas, panel.title, "users", panel.text)?;
            for arm in &capacity.arms {
                let ink = Ink::of(arm.arm, arms.iter().copied());
                if index == 0 {
                    fitted(canvas, &frame, arm, ink)?;
                }
                if let Some(users) = arm.found.capacity {
                    let line = [
                        frame.at(f64::from(users), 0.0),
                        frame.at(f64::from(users), f64::INFINITY),
                    ];
                    canvas.line(&line, Stroke { width: 1, ..Stroke::of(ink) })?;
                }
                trials(canvas, &frame, panel, capacity, arm.arm, ink)?;
            }
        }
        Ok(())
    })
    .map(Some)
}

/// The law, as far as it was fitted.
fn fitted(canvas: &Canvas<'_>, frame: &Frame, arm: &ArmCapacity, ink: Ink) -> Result<(), Error> {
    let Ok(fit) = &arm.fit else {
        return Ok(());
    };
    let points: Vec<(f64, f64)> = (0..=PIECES)
        .map(|piece| frame.most_x * f64::from(piece) / f64::from(PIECES))
        .map(|users| frame.at(users, fit.throughput(users)))
        .collect();
    canvas.line(&points, Stroke::of(ink))
}

fn trials(
    canvas: &Canvas<'_>,
    frame: &Frame,
    panel: &Panel,
    capacity: &Capacity,
    arm: Arm,
    ink: Ink,
) -> Result<(), Error> {
    let own = measured(capacity).filter(|(trial, _)| trial.facts.arm == arm);
    for (trial, load) in own {
        let Some(value) = (panel.of)(load) else {
            continue;
        };
        let at = frame.at(f64::from(load.users), value);
        let foot = (at.0 - 4.0, at.1 + 4.0);
        canvas.bar((foot.0, foot.1 - 8.0), (foot.0 + 8.0, foot.1), ink)?;
        canvas.ring(at, 3)?;
        let answer = trial.answer.map_or(String::new(), |it| it.to_string());
        let text = format!(
            "{arm}, {} users ({}, {answer}): {} {}",
            load.users,
            trial.purpose,
            panel.title,
            (panel.text)(value)
        );
        let source = format!("trials.csv?trial={}#{}", trial.facts.number, panel.column);
        let reach = |sign: f64| (at.0 + sign * REACH, at.1 + sign * REACH);
        canvas.mark(reach(-1.0), reach(1.0), text, source);
    }
    Ok(())
}

/// A panel of the users who move: title, what of a point, its figure in `capacity.csv`, how it is written.
type Moved = (
    &'static str,
    fn(&MixturePoint) -> Option<f64>,
    &'static str,
    fn(f64) -> String,
);

const MOVED: [Moved; 3] = [
    (
        "users carried",
        |point| point.capacity,
        "capacity",
        number::digits,
    ),
    (
        "processors per 1,000",
        |point| point.cpus,
        "cpus_per_1000",
        number::digits,
    ),
    (
        "connections per 1,000",
        |point| point.connections,
        "connections_per_1000",
        number::digits,
    ),
];

/// From 0 to 100 % of users moved from POP to IMAP; none without both.
pub(super) fn moving(capacity: &Capacity) -> Result<Option<String>, Error> {
    let mixtures = &capacity.mixtures;
    let any = |of: fn(&MixturePoint) -> Option<f64>| {
        let mut points = mixtures.iter().flat_map(|mixture| &mixture.points);
        points.any(|point| of(point).is_some())
    };
    if !MOVED.iter().any(|(_, of, _, _)| any(*of)) {
        return Ok(None);
    }
    let alt = "What a mixture of users takes, from 0 to 100 % moved from POP to IMAP";
    let size = (WIDTH as u32, HEIGHT as u32);
    Canvas::picture(("moving", alt), size, |canvas| {
        canvas.text(
            (28.0, 28.0),
            "Users who move from POP to IMAP",
            Type::new(26.0).bold(),
        )?;
        let names: Vec<String> = mixtures
            .iter()
            .map(|mixture| format!("{} to {}", mixture.pop, mixture.imap))
            .collect();
        let text = format!(
            "{}; modelled: what each costs alone, added up",
            names.join(", ")
        );
        canvas.text((28.0, 62.0), &text, Type::new(15.0).colour(GREY))?;
        for (index, (title, of, figure, text)) in MOVED.iter().enumerate() {
            let values = mixtures
                .iter()
                .flat_map(|mixture| &mixture.points)
                .filter_map(of);
            let frame = Frame {
                left: left(index),
                most_x: 100.0,
                ticks: axis::linear(values.fold(0.0, f64::max), 4),
            };
            frame.draw(canvas, title, "% of users moved", *text)?;
            for (mixture, name) in mixtures.iter().zip(&names) {
                let points: Vec<(f64, f64)> = mixture
                    .points
                    .iter()
                    .filter_map(|point| Some((f64::from(point.moved_percent), of(point)?)))
                    .collect();
                let line: Vec<(f64, f64)> = points.iter().map(|(x, y)| frame.at(*x, *y)).collect();
                let stroke = Stroke {
                    colour: INK,
                    width: 3,
                    dashed: false,
                };
                canvas.line(&line, stroke)?;
                for (x, y) in points {
                    let at = frame.at(x, y);
                    canvas.ring(at, 3)?;
                    let words = format!("{name}, {x} % moved: {title} {}", text(y));
                    let source =
                        format!("capacity.csv?arm={name}&at={x} % moved&figure={figure}#value");
                    canvas.mark(
                        (at.0 - REACH, at.1 - REACH),
                        (at.0 + REACH, at.1 + REACH),
                        words,
                        source,
                    );
                }
            }
        }
        Ok(())
    })
    .map(Some)
}

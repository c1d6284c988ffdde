//! What a search for the capacity found: how throughput, waiting and CPU grow with the population, with what was fitted to them,
//! and what users take who move from POP to IMAP.

use super::canvas::{Anchor, Canvas, FAINT, GREY, INK, Ink, Stroke, Type};
use super::{Error, axis};
use crate::judge::capacity::{ArmCapacity, Capacity, Load, Mixture, MixturePoint, Purpose, Trial};
use crate::report::number;
use crate::report::page::Words;
use crate::scenario::Arm;

const SIZE: (u32, u32) = (640, 440);
const LEFT: f64 = 96.0;
const TOP: f64 = 116.0;
const PLOT: (f64, f64) = (500.0, 250.0);
/// Pieces of a curve.
const PIECES: u32 = 60;
/// Half the side of a mark, pixels.
const REACH: f64 = 9.0;

/// A chart: its name, the name of its title, what is drawn against the population, its column in `trials.csv`, and how it is written.
struct Panel {
    name: &'static str,
    title: &'static str,
    column: &'static str,
    of: fn(&Load) -> Option<f64>,
    text: fn(f64) -> String,
}

const PANELS: [Panel; 3] = [
    Panel {
        name: "growth-throughput",
        title: "cap_chart_throughput",
        column: "commands_per_s",
        of: |load| Some(load.commands_per_s),
        text: number::digits,
    },
    Panel {
        name: "growth-cpu",
        title: "cap_chart_cpu",
        column: "server_cpus",
        of: |load| load.server_cpus,
        text: number::digits,
    },
    Panel {
        name: "growth-inbox",
        title: "cap_chart_inbox",
        column: "usable_p50_ms",
        of: |load| load.usable_p50_ms,
        text: number::duration,
    },
];

/// Name, title, SVG.
type Picture = (&'static str, String, String);

/// What the axes hold.
struct Frame {
    most_x: f64,
    ticks: Vec<f64>,
}

impl Frame {
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let most = self.ticks.last().copied().unwrap_or(1.0);
        (
            LEFT + PLOT.0 * x / self.most_x,
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
        canvas.text((24.0, 28.0), title, Type::new(24.0).bold())?;
        for tick in &self.ticks {
            let line = [self.at(0.0, *tick), self.at(self.most_x, *tick)];
            canvas.line(&line, Stroke::thin(FAINT))?;
            let look = Type::new(17.0).colour(GREY).anchor(Anchor::End);
            canvas.text((LEFT - 8.0, line[0].1), &text(*tick), look)?;
        }
        let bottom = TOP + PLOT.1;
        for tick in axis::linear(self.most_x, 4) {
            if tick > self.most_x * 1.001 {
                continue;
            }
            let look = Type::new(17.0).colour(GREY).anchor(Anchor::Middle);
            let place = (self.at(tick, 0.0).0, bottom + 16.0);
            canvas.text(place, &number::digits(tick), look)?;
        }
        let middle = (LEFT + PLOT.0 / 2.0, bottom + 38.0);
        let look = Type::new(17.0).colour(GREY).anchor(Anchor::Middle);
        canvas.text(middle, below, look)?;
        let corner = [(LEFT, TOP), (LEFT, bottom), (LEFT + PLOT.0, bottom)];
        canvas.line(&corner, Stroke::thin(GREY))
    }
}

/// Trials with the scenario as it is, and what they measured.
fn measured(capacity: &Capacity) -> impl Iterator<Item = (&Trial, &Load)> {
    let own = capacity.trials.iter();
    own.filter(|trial| trial.purpose != Purpose::Question && trial.answer.is_some())
        .filter_map(|trial| Some((trial, trial.load.as_ref()?)))
}

/// Throughput, CPU and waiting against the population, as name, title and picture; none where nothing was measured.
pub(super) fn growth(capacity: &Capacity, t: &Words) -> Result<Vec<Picture>, Error> {
    let most = measured(capacity).map(|(_, load)| load.users).max();
    let Some(most) = most.filter(|users| *users > 0) else {
        return Ok(Vec::new());
    };
    let arms: Vec<Arm> = capacity.arms.iter().map(|arm| arm.arm).collect();
    let mut charts = Vec::new();
    for panel in &PANELS {
        let values: Vec<f64> = measured(capacity)
            .filter_map(|(_, load)| (panel.of)(load))
            .collect();
        if values.is_empty() {
            continue;
        }
        let frame = Frame {
            most_x: f64::from(most) * 1.04,
            ticks: axis::linear(values.into_iter().fold(0.0, f64::max), 4),
        };
        let title = t.word(panel.title);
        let svg = Canvas::picture((panel.name, &title), SIZE, |canvas| {
            frame.draw(canvas, &title, &t.word("cap_users"), panel.text)?;
            canvas.legend((24.0, 60.0), &arms)?;
            let text = t.word(if panel.name == PANELS[0].name {
                "cap_chart_trials_and_law"
            } else {
                "cap_chart_trials"
            });
            canvas.text((24.0, 88.0), &text, Type::new(16.0).colour(GREY))?;
            for arm in &capacity.arms {
                let ink = Ink::of(arm.arm, arms.iter().copied());
                if panel.name == PANELS[0].name {
                    fitted(canvas, &frame, arm, ink)?;
                }
                if let Some(users) = arm.found.capacity {
                    let at = |y| frame.at(f64::from(users), y);
                    let stroke = Stroke {
                        width: 1,
                        ..Stroke::of(ink)
                    };
                    canvas.line(&[at(0.0), at(f64::INFINITY)], stroke)?;
                }
                trials(canvas, &frame, panel, capacity, (arm.arm, ink), t)?;
            }
            Ok(())
        })?;
        charts.push((panel.name, title, svg));
    }
    Ok(charts)
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
    (arm, ink): (Arm, Ink),
    t: &Words,
) -> Result<(), Error> {
    let title = t.word(panel.title);
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
        let text = t.say(
            "cap_chart_mark",
            &[
                ("arm", &arm),
                ("users", &load.users),
                ("answer", &format!("{}, {answer}", trial.purpose)),
                ("title", &title),
                ("value", &(panel.text)(value)),
            ],
        );
        let source = format!("trials.csv?trial={}#{}", trial.facts.number, panel.column);
        let reach = |sign: f64| (at.0 + sign * REACH, at.1 + sign * REACH);
        canvas.mark(reach(-1.0), reach(1.0), text, source);
    }
    Ok(())
}

/// A chart of the users who move: name, name of its title, what of a point, its figure in `capacity.csv`.
type Moved = (
    &'static str,
    &'static str,
    fn(&MixturePoint) -> Option<f64>,
    &'static str,
);

const MOVED: [Moved; 3] = [
    (
        "moving-capacity",
        "cap_chart_moving_capacity",
        |point| point.capacity,
        "capacity",
    ),
    (
        "moving-cpu",
        "cap_chart_moving_cpu",
        |point| point.cpus,
        "cpus_per_1000",
    ),
    (
        "moving-connections",
        "cap_chart_moving_connections",
        |point| point.connections,
        "connections_per_1000",
    ),
];

/// From 0 to 100 % of users moved from POP to IMAP, likewise; none without both.
pub(super) fn moving(capacity: &Capacity, t: &Words) -> Result<Vec<Picture>, Error> {
    let mixtures = &capacity.mixtures;
    let mut charts = Vec::new();
    for (name, title, of, figure) in MOVED {
        let all = mixtures.iter().flat_map(|mixture| &mixture.points);
        let values: Vec<f64> = all.filter_map(of).collect();
        if values.is_empty() {
            continue;
        }
        let frame = Frame {
            most_x: 100.0,
            ticks: axis::linear(values.into_iter().fold(0.0, f64::max), 4),
        };
        let title = t.word(title);
        let svg = Canvas::picture((name, &title), SIZE, |canvas| {
            frame.draw(canvas, &title, &t.word("cap_chart_moved"), number::digits)?;
            let text = t.word("cap_chart_modelled");
            canvas.text((24.0, 88.0), &text, Type::new(16.0).colour(GREY))?;
            let names: Vec<String> = mixtures
                .iter()
                .map(|it: &Mixture| format!("{} to {}", it.pop, it.imap))
                .collect();
            let said: Vec<String> = mixtures
                .iter()
                .map(|it| t.say("cap_chart_from_to", &[("pop", &it.pop), ("imap", &it.imap)]))
                .collect();
            canvas.text((24.0, 60.0), &said.join(", "), Type::new(18.0))?;
            for ((mixture, moved), said) in mixtures.iter().zip(&names).zip(&said) {
                let points = mixture.points.iter();
                let points: Vec<(f64, f64)> = points
                    .filter_map(|point| Some((f64::from(point.moved_percent), of(point)?)))
                    .collect();
                let line: Vec<(f64, f64)> = points.iter().map(|(x, y)| frame.at(*x, *y)).collect();
                let stroke = Stroke {
                    width: 3,
                    ..Stroke::thin(INK)
                };
                canvas.line(&line, stroke)?;
                for (x, y) in points {
                    let at = frame.at(x, y);
                    canvas.ring(at, 4)?;
                    let words = t.say(
                        "cap_chart_moved_mark",
                        &[
                            ("moved", said),
                            ("percent", &x),
                            ("title", &title),
                            ("value", &number::digits(y)),
                        ],
                    );
                    let source =
                        format!("capacity.csv?arm={moved}&at={x} % moved&figure={figure}#value");
                    let reach = |sign: f64| (at.0 + sign * REACH, at.1 + sign * REACH);
                    canvas.mark(reach(-1.0), reach(1.0), words, source);
                }
            }
            Ok(())
        })?;
        charts.push((name, title, svg));
    }
    Ok(charts)
}

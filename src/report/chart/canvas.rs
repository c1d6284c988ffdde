//! A surface in pixels over plotters' SVG backend: text, lines, boxes, hatching. Sizes of text are estimated
//! here and places are chosen by the callers, since no renderer's measure of text is known when drawing.

use std::cell::RefCell;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Error;
use super::mark::{self, Mark};
use crate::report::lang;
use crate::scenario::{Arm, Protocol};

/// The fonts, best first: the bundled ones, then what any machine has.
pub(super) const FONTS: &str = "Noto Sans, Noto Sans Thai, Helvetica, Arial, sans-serif";

/// Okabe and Ito's vermillion and blue: told apart with every kind of colour blindness, and in grey.
const fn colour(protocol: Protocol) -> RGBColor {
    match protocol {
        Protocol::Pop3 => RGBColor(0xD5, 0x5E, 0x00),
        Protocol::Imap => RGBColor(0x00, 0x72, 0xB2),
    }
}

/// How an arm is drawn: its protocol's colour, the lighter the later it comes among the arms of its protocol.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ink {
    pub protocol: Protocol,
    pub colour: RGBColor,
    /// Place among the arms of its protocol, from 0.
    pub shade: usize,
}

impl Ink {
    /// Of an arm among those that are drawn.
    pub(super) fn of(arm: Arm, arms: impl IntoIterator<Item = Arm>) -> Self {
        let protocol = arm.protocol();
        let mut fellows: Vec<Arm> = arms
            .into_iter()
            .filter(|fellow| fellow.protocol() == protocol)
            .collect();
        fellows.sort_unstable();
        fellows.dedup();
        let shade = fellows.iter().position(|it| *it == arm).unwrap_or(0);
        // The last of many is two thirds on the way to white.
        let steps = fellows.len().max(3) as f64;
        let white = shade as f64 / steps;
        let mixed = |part: u8| (f64::from(part) + (255.0 - f64::from(part)) * white).round() as u8;
        let RGBColor(red, green, blue) = colour(protocol);
        Self {
            protocol,
            colour: RGBColor(mixed(red), mixed(green), mixed(blue)),
            shade,
        }
    }
}

/// Text and axes.
pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// Text of lesser weight.
pub(super) const GREY: RGBColor = RGBColor(0x5A, 0x5A, 0x5A);
/// Grid lines.
pub(super) const FAINT: RGBColor = RGBColor(0xDD, 0xDD, 0xDD);

/// Where a text stands to its point.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Clone, Copy)]
pub(super) struct Type {
    pub size: f64,
    pub bold: bool,
    pub colour: RGBColor,
    pub anchor: Anchor,
}

impl Type {
    pub(super) const fn new(size: f64) -> Self {
        Self {
            size,
            bold: false,
            colour: INK,
            anchor: Anchor::Start,
        }
    }

    pub(super) const fn bold(mut self) -> Self {
        self.bold = true;
        self
    }

    pub(super) const fn colour(mut self, colour: RGBColor) -> Self {
        self.colour = colour;
        self
    }

    pub(super) const fn anchor(mut self, anchor: Anchor) -> Self {
        self.anchor = anchor;
        self
    }
}

/// How a line looks.
#[derive(Clone, Copy)]
pub(super) struct Stroke {
    pub colour: RGBColor,
    pub width: u32,
    pub dashed: bool,
}

impl Stroke {
    pub(super) const fn thin(colour: RGBColor) -> Self {
        Self {
            colour,
            width: 1,
            dashed: false,
        }
    }

    /// The line of an arm: POP3 solid, IMAP dashed.
    pub(super) const fn of(ink: Ink) -> Self {
        Self {
            colour: ink.colour,
            width: 3,
            dashed: matches!(ink.protocol, Protocol::Imap),
        }
    }
}

/// The surface.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    name: &'a str,
    marks: RefCell<Vec<Mark>>,
}

impl Canvas<'_> {
    /// Draws a picture of that size on white and returns its SVG. `alt` is what it shows, in words.
    pub(super) fn picture(
        (name, alt): (&str, &str),
        (width, height): (u32, u32),
        draw: impl FnOnce(&Canvas<'_>) -> Result<(), Error>,
    ) -> Result<String, Error> {
        let mut svg = String::new();
        let marks;
        {
            let canvas = Canvas {
                area: SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area(),
                name,
                marks: RefCell::default(),
            };
            canvas.done(canvas.area.fill(&WHITE))?;
            draw(&canvas)?;
            canvas.done(canvas.area.present())?;
            marks = canvas.marks.take();
        }
        mark::with_marks(&svg, (name, alt), (width, height), &marks)
    }

    /// A place between two corners that says its figure when it is pointed at; `source` is where the figure stands in the
    /// run's files.
    pub(super) fn mark(&self, from: (f64, f64), to: (f64, f64), text: String, source: String) {
        let (from, to) = (pixel(from), pixel(to));
        self.marks.borrow_mut().push(Mark {
            x: from.0.min(to.0),
            y: from.1.min(to.1),
            width: (to.0 - from.0).abs().max(1),
            height: (to.1 - from.1).abs().max(1),
            text,
            source,
        });
    }

    fn done<T, E: std::error::Error>(&self, result: Result<T, E>) -> Result<(), Error> {
        result.map(drop).map_err(|source| Error::Draw {
            name: self.name.to_owned(),
            reason: source.to_string(),
        })
    }

    /// One line of text, its vertical middle at `y`.
    pub(super) fn text(&self, (x, y): (f64, f64), text: &str, look: Type) -> Result<(), Error> {
        let horizontal = match look.anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let style = if look.bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        let font = FontDesc::new(FontFamily::Name(FONTS), look.size * 1.24, style);
        let style = TextStyle::from(font)
            .color(&look.colour)
            .pos(Pos::new(horizontal, VPos::Center));
        self.done(self.area.draw(&Text::new(text, pixel((x, y)), style)))
    }

    /// A line through the points.
    pub(super) fn line(&self, points: &[(f64, f64)], stroke: Stroke) -> Result<(), Error> {
        let style = stroke.colour.stroke_width(stroke.width);
        if !stroke.dashed {
            let points: Vec<(i32, i32)> = points.iter().copied().map(pixel).collect();
            return self.done(self.area.draw(&PathElement::new(points, style)));
        }
        for dash in dashes(points, 9.0, 5.0) {
            let points: Vec<(i32, i32)> = dash.into_iter().map(pixel).collect();
            self.done(self.area.draw(&PathElement::new(points, style)))?;
        }
        Ok(())
    }

    /// A filled box between two corners.
    pub(super) fn block(
        &self,
        from: (f64, f64),
        to: (f64, f64),
        colour: RGBColor,
    ) -> Result<(), Error> {
        self.done(
            self.area
                .draw(&Rectangle::new([pixel(from), pixel(to)], colour.filled())),
        )
    }

    /// A box of a protocol: POP3 full, IMAP hatched on white, so that they differ without colour.
    pub(super) fn bar(&self, from: (f64, f64), to: (f64, f64), ink: Ink) -> Result<(), Error> {
        let colour = ink.colour;
        if ink.protocol == Protocol::Pop3 {
            return self.block(from, to, colour);
        }
        self.block(from, to, RGBColor(0xD6, 0xE8, 0xF3))?;
        for (start, end) in hatching(from, to, 8.0 + 4.0 * ink.shade as f64) {
            let stroke = Stroke {
                colour,
                width: 2,
                dashed: false,
            };
            self.line(&[start, end], stroke)?;
        }
        let corners = [from, (to.0, from.1), to, (from.0, to.1), from];
        self.line(
            &corners,
            Stroke {
                colour,
                width: 2,
                dashed: false,
            },
        )
    }

    /// Names of arms with their lines, from left to right; many of them in small letters. Returns where they end.
    pub(super) fn legend(&self, (left, y): (f64, f64), arms: &[Arm]) -> Result<f64, Error> {
        let (line, size) = if arms.len() > 2 {
            (26.0, 14.0)
        } else {
            (46.0, 19.0)
        };
        let mut x = left;
        for &arm in arms {
            let ink = Ink::of(arm, arms.iter().copied());
            self.line(&[(x, y), (x + line, y)], Stroke::of(ink))?;
            let text = lang::arm(arm);
            self.text((x + line + 8.0, y + 1.0), &text, Type::new(size))?;
            x += line + 8.0 + text_width(&text, size) + line / 2.0 + 7.0;
        }
        Ok(x)
    }

    /// A small ring.
    pub(super) fn ring(&self, at: (f64, f64), radius: i32) -> Result<(), Error> {
        self.done(
            self.area
                .draw(&Circle::new(pixel(at), radius, WHITE.filled())),
        )?;
        self.done(
            self.area
                .draw(&Circle::new(pixel(at), radius, INK.stroke_width(1))),
        )
    }
}

fn pixel((x, y): (f64, f64)) -> (i32, i32) {
    (x.round() as i32, y.round() as i32)
}

/// About how wide a text is, in pixels; a little more rather than less. Thai marks above and below take nothing.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    let em: f64 = text
        .chars()
        .map(|c| match unicode_width::UnicodeWidthChar::width(c) {
            None | Some(0) => 0.0,
            Some(_) if c.is_uppercase() || "mwMW%@—".contains(c) => 0.78,
            Some(_) if " .,:;·'“”()ijl|".contains(c) => 0.34,
            Some(_) => 0.59,
        })
        .sum();
    em * size
}

/// Diagonals of a box, clipped to it.
fn hatching(from: (f64, f64), to: (f64, f64), gap: f64) -> Vec<((f64, f64), (f64, f64))> {
    let (x0, x1) = (from.0.min(to.0), from.0.max(to.0));
    let (y0, y1) = (from.1.min(to.1), from.1.max(to.1));
    let height = y1 - y0;
    let mut lines = Vec::new();
    let mut offset = gap;
    // A diagonal that leaves the bottom edge at `x0 + offset` climbs to the left.
    while offset < (x1 - x0) + height {
        let bottom = (x0 + offset, y1);
        let start = if bottom.0 <= x1 {
            bottom
        } else {
            (x1, y1 - (bottom.0 - x1))
        };
        let top = (x0 + offset - height, y0);
        let end = if top.0 >= x0 {
            top
        } else {
            (x0, y0 + (x0 - top.0))
        };
        lines.push((start, end));
        offset += gap;
    }
    lines
}

/// Cuts a line into dashes along its length.
fn dashes(points: &[(f64, f64)], on: f64, off: f64) -> Vec<Vec<(f64, f64)>> {
    let mut all = Vec::new();
    let mut drawing = true;
    let mut left = on;
    let mut dash: Vec<(f64, f64)> = points.first().copied().into_iter().collect();
    for pair in points.windows(2) {
        let (mut at, end) = (pair[0], pair[1]);
        loop {
            let length = (end.0 - at.0).hypot(end.1 - at.1);
            if length <= left {
                left -= length;
                if drawing {
                    dash.push(end);
                }
                break;
            }
            let part = left / length;
            at = (at.0 + (end.0 - at.0) * part, at.1 + (end.1 - at.1) * part);
            if drawing {
                dash.push(at);
                all.push(std::mem::take(&mut dash));
            } else {
                dash = vec![at];
            }
            drawing = !drawing;
            left = if drawing { on } else { off };
        }
    }
    if drawing && dash.len() > 1 {
        all.push(dash);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hatching_stays_in_its_box() {
        for ((x0, y0), (x1, y1)) in hatching((10.0, 5.0), (100.0, 25.0), 8.0) {
            for (x, y) in [(x0, y0), (x1, y1)] {
                assert!(
                    (10.0..=100.0).contains(&x) && (5.0..=25.0).contains(&y),
                    "{x} {y}"
                );
            }
        }
    }

    #[test]
    fn dashes_cover_on_out_of_on_and_off() {
        let all = dashes(&[(0.0, 0.0), (28.0, 0.0)], 9.0, 5.0);
        assert_eq!(all.len(), 2);
        assert_eq!(all[1], [(14.0, 0.0), (23.0, 0.0)]);
        assert!(dashes(&[], 9.0, 5.0).is_empty());
    }

    #[test]
    fn arms_of_a_protocol_differ_in_shade_and_the_only_one_has_the_full_colour() {
        let arms: Vec<Arm> = ["pop3", "imap", "imap-cached", "imap-idle"]
            .map(|name| name.parse().unwrap())
            .into();
        let inks: Vec<Ink> = arms
            .iter()
            .map(|arm| Ink::of(*arm, arms.iter().copied()))
            .collect();
        assert_eq!(inks[0].colour, colour(Protocol::Pop3));
        assert_eq!(inks[1].colour, colour(Protocol::Imap));
        assert!(inks[1].colour.0 < inks[2].colour.0 && inks[2].colour.0 < inks[3].colour.0);
        assert_eq!(inks[3].shade, 2);
    }

    #[test]
    fn thai_marks_take_no_width() {
        assert!((text_width("ที่", 10.0) - text_width("ท", 10.0)).abs() < 1e-9);
    }
}

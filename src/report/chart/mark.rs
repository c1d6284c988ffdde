//! What a chart says when one of its parts is pointed at: places over the finished drawing, each with its figure in words and where that
//! figure stands in the run's files. Browsers show the words by themselves; the report's page adds touch and keys.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};
use serde::Serialize;

use super::Error;

const CHART: &str = include_str!("../../../assets/templates/chart.svg");

/// A place and what it says.
#[derive(Debug, Serialize)]
pub(super) struct Mark {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
    pub text: String,
    /// `comparison.csv?arm=imap&metric=usable_p50#value`; empty where there is no one place.
    pub source: String,
}

/// The drawing with its marks over it. The drawing itself is nothing that a screen reader should spell out.
pub(super) fn with_marks(
    svg: &str,
    (name, alt): (&str, &str),
    (width, height): (u32, u32),
    marks: &[Mark],
) -> Result<String, Error> {
    let draw = |reason: String| Error::Draw {
        name: name.to_owned(),
        reason,
    };
    let drawing = svg
        .split_once('>')
        .and_then(|(_, rest)| rest.rsplit_once("</svg>"))
        .ok_or_else(|| draw("the drawing is no SVG".to_owned()))?
        .0
        .trim();
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let syntax = SyntaxConfig::builder().trim_blocks(true).build();
    environment.set_syntax(syntax.map_err(|error| draw(error.to_string()))?);
    let marks = Value::from(Serde(marks));
    let page = context! { alt, width, height, drawing, marks };
    environment
        .render_str(CHART, page)
        .map_err(|error| draw(format!("{error:#}")))
}

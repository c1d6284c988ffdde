//! The page of a search for the capacity: the sections that the terminal shows, with charts, as one file.

use minijinja::{Value, context};
use serde::Serialize;

use super::{chart, render, seen, words};
use crate::report::Lang;
use crate::report::chart::Chart;

/// What the page is made from.
pub(crate) struct CapacityPage<'a, S> {
    /// What makes it no full result, if anything does.
    pub banner: Option<String>,
    pub target: &'a str,
    pub scenario: &'a str,
    pub started: &'a str,
    pub question: &'a str,
    /// The answer first.
    pub sections: &'a [S],
    pub charts: &'a [Chart],
    pub lang: Lang,
}

impl<S: Serialize> CapacityPage<'_, S> {
    /// The HTML page, whole in itself.
    pub(crate) fn html(&self) -> Result<String, minijinja::Error> {
        let charts: Vec<Value> = self.charts.iter().map(chart).collect();
        let page = context! {
            lang => self.lang.to_string(),
            banner => self.banner.clone(),
            target => self.target,
            scenario => self.scenario,
            question => self.question,
            started => super::facts::to_the_minute(self.started),
            sections => seen(self.sections),
            charts,
            t => seen(words::words(self.lang)?),
        };
        render("capacity.html", page)
    }
}

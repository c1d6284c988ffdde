//! `report.md` and `report.html`: the answer first, then what it rests on, claims, charts, method, all figures, settings and
//! limits. Words and layout are in `assets/templates`; here is gathered what they name, each figure with its place in the CSVs.

mod appendix;
mod capacity;
mod claims;
mod facts;
mod rests;
mod rows;
mod several;
mod traced;
mod words;

use base64::Engine as _;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::chart::Chart;
use super::lang::{self, Lang};
use crate::judge::prediction::RTTS_MS;
use crate::judge::{BLOCKS_FOR_INTERVALS, Judgement, fresh, little};
use crate::metrics::row::ErrorRow;
use crate::rundir::Manifest;
use crate::scenario::Protocol;

pub(super) use capacity::CapacityPage;
pub(super) use several::SeveralPage;
pub(super) use words::Words;

macro_rules! templates {
    ($($folder:literal: $($name:literal),+;)+) => {
        [$($((
            $name,
            include_str!(concat!("../../../assets/templates/", $folder, $name)),
        )),+),+]
    };
}

/// The templates by name; a section that is new is a file here, and a line in `report.html` and `report.md`.
const HTML: [(&str, &str); 17] = templates! {
    "html/": "report.html", "several.html", "head.html", "macros.html", "answer.html", "rests.html", "claims.html",
        "charts.html", "method.html", "figures.html", "costs.html", "elsewhere.html", "consistency.html", "errors.html",
        "settings.html", "limits.html", "capacity.html";
};

/// Those in which nothing is escaped.
const TEXT: [(&str, &str); 13] = templates! {
    "html/": "style.css";
    "md/": "report.md", "macros.md", "answer.md", "rests.md", "claims.md", "charts.md", "method.md", "figures.md", "costs.md",
        "consistency.md", "settings.md", "several.md";
};

const SCRIPT: &str = include_str!("../../../assets/templates/html/tooltips.js");

/// Everything a page is made from.
pub(super) struct Page<'a> {
    pub judgement: &'a Judgement,
    pub manifest: &'a Manifest,
    pub charts: &'a [Chart],
    pub errors: &'a [ErrorRow],
    pub lang: Lang,
}

impl Page<'_> {
    /// The HTML page, whole in itself.
    pub(super) fn html(&self) -> Result<String, minijinja::Error> {
        render("report.html", self.context()?)
    }

    /// The Markdown page; charts are beside it in `charts/`.
    pub(super) fn markdown(&self) -> Result<String, minijinja::Error> {
        render("report.md", self.context()?)
    }

    fn context(&self) -> Result<Value, minijinja::Error> {
        let Self {
            judgement,
            manifest,
            lang,
            ..
        } = *self;
        let words = words::words(lang)?;
        let arms = judgement.setting.arms.iter();
        let names: Vec<Value> = arms
            .map(|arm| context! { name => lang::arm(*arm), class => arm.protocol().to_string() })
            .collect();
        let pair = pair(judgement);
        let columns = 1 + names.len() + usize::from(pair.is_some());
        let provisional = judgement.rows.iter().flat_map(|row| &row.arms);
        let fresh = rests::pairs(judgement);
        Ok(context! {
            lang => lang.to_string(),
            banner => lang::banner(judgement, lang),
            m => seen(manifest),
            started => facts::to_the_minute(&manifest.started),
            arms => names,
            pair,
            columns,
            rows => seen(rows::rows(judgement, self.charts, lang)),
            provisional => provisional.clone().any(|arm| arm.provisional),
            valid => judgement.validity.is_valid(),
            validity => seen(&judgement.validity),
            notes => seen(&judgement.notes),
            blocks => judgement.setting.blocks,
            thin => judgement.setting.blocks < BLOCKS_FOR_INTERVALS,
            intervals_from => BLOCKS_FOR_INTERVALS,
            sums => seen(rests::sums(judgement)),
            broken => seen(rests::broken(judgement)),
            rests => seen(rests::limits(judgement, lang)),
            little => seen(rests::laws(judgement)),
            little_within => little::WITHIN,
            fresh_any => judgement.fresh.iter().any(fresh::Pair::is_equal),
            fresh => seen(fresh),
            fresh_costs => rests::costs(judgement, lang),
            fresh_within => fresh::WITHIN,
            claims => seen(claims::claims(judgement, lang)),
            models => claims::models(judgement, lang),
            rfc1733 => seen(claims::rfc1733(judgement, lang)),
            charts => self.charts.iter().map(chart).collect::<Vec<_>>(),
            rtts => RTTS_MS.to_vec(),
            predictions => seen(appendix::steps(judgement)),
            costs => seen(appendix::costs(judgement)),
            consistency => seen(appendix::consistency(&judgement.consistency)),
            errors => seen(appendix::errors(self.errors)),
            facts => seen(facts::facts(manifest)),
            capabilities => seen(&manifest.target.capabilities),
            limits => facts::limits(manifest, &words),
            t => seen(words),
        })
    }
}

/// The arms whose ratios stand in the answer: the first of each protocol.
fn pair(judgement: &Judgement) -> Option<Value> {
    let first = |protocol: Protocol| {
        let mut arms = judgement.setting.arms.iter();
        arms.find(|arm| arm.protocol() == protocol)
    };
    let (pop, imap) = (first(Protocol::Pop3)?, first(Protocol::Imap)?);
    Some(context! { pop => lang::arm(*pop), imap => lang::arm(*imap) })
}

fn chart(chart: &Chart) -> Value {
    context! {
        name => chart.name.as_str(),
        alt => chart.alt.as_str(),
        row => chart.row,
        svg => chart.svg.as_str(),
    }
}

/// Fills a template in. Pages name no host, and their one script is the one whose hash they carry.
fn render(name: &str, page: Value) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| {
        if HTML.iter().any(|(html, _)| *html == name) {
            AutoEscape::Html
        } else {
            AutoEscape::None
        }
    });
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()?;
    environment.set_syntax(syntax);
    // A cell of a Markdown table: one line, and no bar of its own.
    environment.add_filter("cell", |text: String| {
        text.replace('|', "\\|").replace(['\n', '\r'], " ")
    });
    environment.add_filter("fill", |text: String, values: Kwargs| {
        words::fill(&text, &values)
    });
    for (name, text) in HTML.into_iter().chain(TEXT) {
        environment.add_template(name, text)?;
    }
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(SCRIPT));
    let page = context! {
        script => SCRIPT,
        script_hash => format!("sha256-{hash}"),
        ..page
    };
    environment.get_template(name)?.render(page)
}

/// Anything serde knows, as a template sees it.
fn seen(data: impl Serialize) -> Value {
    Value::from(Serde(data))
}

#[cfg(test)]
mod tests;

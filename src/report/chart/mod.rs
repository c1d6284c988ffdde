//! The charts: one per row of the document that has a figure, the latency curves and the timeline, as SVG
//! and PNG. One colour per protocol everywhere, and a second sign (hatching, dashes) beside it.

mod axis;
mod bars;
mod canvas;
mod capacity;
mod crossover;
mod latency;
mod mark;
mod png;
mod timeline;

use std::path::Path;

pub use latency::{Curve, OPERATIONS, SHARES};
pub use png::SCALE;
pub use timeline::Timeline;

use super::Lang;
use super::page::Words;
use crate::judge::Judgement;
use crate::judge::capacity::Capacity;
use crate::metrics::CrossoverRow;

/// A chart could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The drawing itself failed.
    #[error("The chart `{name}` cannot be drawn: {reason}.")]
    Draw {
        /// Which chart.
        name: String,
        /// What the library said.
        reason: String,
    },
    /// A file could not be written.
    #[error("{path} cannot be written: {source}.")]
    Write {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A drawn chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// The file's name without extension: `4-connect`, `latency`.
    pub name: String,
    /// What it shows, for readers who do not see it.
    pub alt: String,
    /// The document's row, if it is a row's chart.
    pub row: Option<u8>,
    /// The picture.
    pub svg: String,
}

/// What charts are drawn from beside the judgement.
pub struct Material<'a> {
    /// Response times.
    pub curves: &'a [Curve],
    /// Over time.
    pub timeline: Timeline<'a>,
}

/// All charts that have something to show.
pub fn draw(
    judgement: &Judgement,
    material: &Material<'_>,
    lang: Lang,
) -> Result<Vec<Chart>, Error> {
    let mut charts = Vec::new();
    for row in &judgement.rows {
        if let Some(svg) = bars::svg(row, lang)? {
            charts.push(Chart {
                name: format!("{}-{}", row.document.number, row.document.slug),
                alt: lang.row(row.document).to_owned(),
                row: Some(row.document.number),
                svg,
            });
        }
    }
    if let Some(svg) = latency::svg(material.curves, lang)? {
        charts.push(Chart {
            name: "latency".to_owned(),
            alt: lang
                .pick("response times by percentile", "เวลาตอบสนองตามเปอร์เซ็นไทล์")
                .to_owned(),
            row: None,
            svg,
        });
    }
    if let Some(svg) = timeline::svg(&material.timeline, lang)? {
        charts.push(Chart {
            name: "timeline".to_owned(),
            alt: lang
                .pick(
                    "server CPU and open sessions over time",
                    "CPU และ session ตามเวลา",
                )
                .to_owned(),
            row: None,
            svg,
        });
    }
    Ok(charts)
}

/// The picture of where the arms change places; empty where nothing was measured.
pub fn crossover(rows: &[CrossoverRow], lang: Lang) -> Result<Vec<Chart>, Error> {
    let svg = crossover::svg(rows, lang)?;
    Ok(svg
        .map(|svg| Chart {
            name: "crossover".to_owned(),
            alt: "time to the first readable message against mailbox, attachment and round trip"
                .to_owned(),
            row: None,
            svg,
        })
        .into_iter()
        .collect())
}

/// The pictures of a search for the capacity that have something to show.
pub(crate) fn capacity(found: &Capacity, words: &Words) -> Result<Vec<Chart>, Error> {
    let all = [
        capacity::growth(found, words)?,
        capacity::moving(found, words)?,
    ]
    .concat();
    let chart = |(name, title, svg): (&str, String, String)| Chart {
        name: name.to_owned(),
        alt: title,
        row: None,
        svg,
    };
    Ok(all.into_iter().map(chart).collect())
}

/// Writes the charts into a folder as SVG and PNG, in place of whatever charts were there.
pub fn write(charts: &[Chart], folder: &Path) -> Result<(), Error> {
    let written = |path: &Path, result: std::io::Result<()>| {
        result.map_err(|source| Error::Write {
            path: path.to_path_buf(),
            source,
        })
    };
    written(folder, std::fs::create_dir_all(folder))?;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path
            .extension()
            .is_some_and(|end| end == "svg" || end == "png")
        {
            written(&path, std::fs::remove_file(&path))?;
        }
    }
    for chart in charts {
        let path = folder.join(format!("{}.svg", chart.name));
        written(&path, std::fs::write(&path, &chart.svg))?;
        let path = folder.join(format!("{}.png", chart.name));
        written(
            &path,
            std::fs::write(&path, png::render(&chart.name, &chart.svg)?),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;

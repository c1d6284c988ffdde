//! From a judgement to what people read: the terminal's table, Markdown, HTML, charts. Everything is drawn
//! from the run directory and the judgement alone; nothing is measured or decided here.

mod blocks;
mod capacity;
pub mod chart;
/// Consistency and propagation.
pub mod consistency;
mod crossover;
mod gates;
mod lang;
mod material;
mod number;
mod page;
mod regress;
pub mod table;

pub use blocks::{AGREEMENT, BLOCKS, PREDICTIONS};
pub use capacity::{print_capacity, trial_line, write_capacity, write_figures};
pub use crossover::{CROSSOVER, crossover_table, write_crossover};
pub use gates::{gate_line, write_gates};
pub use lang::Lang;
pub use regress::{history, regress_summary, regress_table, write_regress};

use std::path::Path;

use crate::judge::consistency::Propagation;
use crate::judge::{
    Ending, Judgement, Lineup, bounds, claims, comparison, costs, little, verdict_file,
};
use crate::rundir::{self, RunDir};
use material::Material;
use page::{Page, SeveralPage};

/// The table in Markdown, beside `comparison.csv`.
pub const COMPARISON_MD: &str = "comparison.md";
/// What the checker found in the history.
pub const ANOMALIES: &str = "anomalies.csv";
/// How long changes took from device to device.
pub const PROPAGATION: &str = "propagation.csv";
/// Where the mail was at each second.
pub const WHEREABOUTS: &str = "whereabouts.csv";
/// How near the run came to the bounds of validity.
pub const VALIDITY: &str = "validity.csv";
/// What a unit of work costs the server.
pub const COSTS: &str = "costs.csv";
/// Little's law in each cell.
pub const LITTLE: &str = "little.csv";
/// The whole report in Markdown.
pub const REPORT_MD: &str = "report.md";
/// The whole report as one page.
pub const REPORT_HTML: &str = "report.html";

/// The results could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The run directory cannot be read or written.
    #[error(transparent)]
    Directory(#[from] rundir::Error),
    /// A chart could not be made.
    #[error(transparent)]
    Chart(#[from] chart::Error),
    /// A page could not be made.
    #[error("the report's page cannot be filled in: {0:#}")]
    Page(#[from] minijinja::Error),
    /// The lines of `comparison.csv`, `ratios.csv` or `claims.csv` could not be put together.
    #[error("the lines of a result cannot be put together: {0}")]
    Lines(#[from] csv::Error),
    /// The text of `junit.xml` could not be put together.
    #[error("junit.xml cannot be put together: {0}")]
    Junit(#[from] quick_junit::SerializeError),
    /// The rows that the history gives could not be put together.
    #[error("{file} cannot be put together: {source}")]
    History {
        /// Name of the file.
        file: &'static str,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The text of `verdict.json` could not be put together.
    #[error("verdict.json cannot be put together: {0}")]
    Verdict(#[from] serde_json::Error),
}

/// Writes what a judgement says as lines of a CSV file.
type Write = fn(&Judgement, &mut Vec<u8>) -> Result<(), csv::Error>;

/// The CSV files that are made from a judgement alone.
const TABLES: [(&str, Write); 9] = [
    (rundir::COMPARISON, |it, out| comparison::write(it, out)),
    (rundir::RATIOS, |it, out| comparison::write_ratios(it, out)),
    (BLOCKS, |it, out| blocks::write_blocks(it, out)),
    (rundir::CLAIMS, |it, out| claims::write(it, out)),
    (VALIDITY, |it, out| bounds::write(it, out)),
    (COSTS, |it, out| costs::write(it, out)),
    (LITTLE, |it, out| little::write(it, out)),
    (PREDICTIONS, |it, out| blocks::write_predictions(it, out)),
    (AGREEMENT, |it, out| blocks::write_agreement(it, out)),
];

/// Writes all results of a run into its directory: the tables (`comparison.csv`, `ratios.csv`, `claims.csv` and others),
/// `comparison.md`, `anomalies.csv`, `propagation.csv`, `whereabouts.csv`, `charts/`, `report.md`, `report.html` and, for a run
/// that came to its end, last of all `verdict.json`.
pub fn write_all(run: &RunDir, judgement: &Judgement, lang: Lang) -> Result<(), Error> {
    let put = |name: &str, bytes: &[u8]| rundir::write_whole(run.path(), name, bytes);
    for (name, write) in TABLES {
        let mut lines = Vec::new();
        write(judgement, &mut lines)?;
        put(name, &lines)?;
    }
    put(COMPARISON_MD, table::markdown(judgement, lang).as_bytes())?;

    put_rows(run, ANOMALIES, judgement.consistency.rows())?;
    let ways = judgement.consistency.propagation.iter();
    put_rows(run, PROPAGATION, ways.map(Propagation::row))?;
    put_rows(run, WHEREABOUTS, judgement.whereabouts.iter().copied())?;

    let material = Material::read(run)?;
    let charts = chart::draw(
        judgement,
        &chart::Material {
            curves: &material.curves,
            timeline: chart::Timeline {
                server: &material.server,
                generator: &material.generator,
            },
        },
        lang,
    )?;
    chart::write(&charts, &run.path().join(rundir::CHARTS))?;
    let page = Page {
        judgement,
        manifest: &run.manifest,
        charts: &charts,
        errors: &material.errors,
        lang,
    };
    put(REPORT_MD, page.markdown()?.as_bytes())?;
    put(REPORT_HTML, page.html()?.as_bytes())?;
    if judgement.setting.ending != Ending::Unfinished {
        put(rundir::VERDICT, verdict_file::text(judgement)?.as_bytes())?;
    }
    Ok(())
}

/// Rows of one of the files that are made from the history. Without rows it is empty.
fn put_rows<R: serde::Serialize>(
    run: &RunDir,
    file: &'static str,
    rows: impl Iterator<Item = R>,
) -> Result<(), Error> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::History { file, source };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer
            .serialize(row)
            .map_err(|error| failed(error.into()))?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| failed(error.to_string().into()))?;
    Ok(rundir::write_whole(run.path(), file, &bytes)?)
}

/// Prints the table to standard output, as wide as the terminal, in colour only there.
pub fn print(judgement: &Judgement, lang: Lang) -> std::io::Result<()> {
    use std::io::Write as _;
    let text = table::render(judgement, table::Look::of_stdout(lang));
    std::io::stdout().write_all(text.as_bytes())
}

/// Writes the results of several runs into a directory: `comparison.csv`, `comparison.md`, `report.md` and `report.html`. Each
/// run's own are in its run directory.
pub fn write_lineup(dir: &Path, lineup: &Lineup, lang: Lang) -> Result<(), Error> {
    let put = |name: &str, bytes: &[u8]| rundir::write_whole(dir, name, bytes);
    let mut lines = Vec::new();
    comparison::write_lineup(lineup, &mut lines)?;
    put(rundir::COMPARISON, &lines)?;
    let table = table::markdown_lineup(lineup, lang);
    put(COMPARISON_MD, table.as_bytes())?;
    let page = SeveralPage { lineup, lang };
    put(REPORT_MD, page.markdown()?.as_bytes())?;
    put(REPORT_HTML, page.html()?.as_bytes())?;
    Ok(())
}

/// Prints the table of several targets to standard output, as wide as the terminal, in colour only there.
pub fn print_lineup(lineup: &Lineup, lang: Lang) -> std::io::Result<()> {
    use std::io::Write as _;
    let text = table::render_lineup(lineup, table::Look::for_lineup(lang));
    std::io::stdout().write_all(text.as_bytes())
}

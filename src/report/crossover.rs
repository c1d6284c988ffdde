//! What `mailgauge crossover` leaves: `crossover.csv`, the picture, and a table for the terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::{Error, Lang, chart, number};
use crate::metrics::{CrossoverRow, Swept};
use crate::rundir;
use crate::scenario::Arm;

/// Every point that was measured.
pub const CROSSOVER: &str = "crossover.csv";

/// Writes `crossover.csv` and `charts/crossover.svg` and `.png` into `dir`.
pub fn write_crossover(rows: &[CrossoverRow], dir: &Path, lang: Lang) -> Result<(), Error> {
    let mut lines = csv::Writer::from_writer(Vec::new());
    for row in rows {
        lines.serialize(row)?;
    }
    let lines = lines
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))?;
    rundir::write_whole(dir, CROSSOVER, &lines)?;
    let picture = chart::crossover(rows, lang)?;
    chart::write(&picture, &dir.join(rundir::CHARTS))?;
    Ok(())
}

/// The fastest of each point's repetitions, arm beside arm: what the server and the network need, without the machine's noise.
pub fn crossover_table(rows: &[CrossoverRow]) -> String {
    let mut points: BTreeMap<(Swept, u64), BTreeMap<Arm, f64>> = BTreeMap::new();
    for row in rows {
        let arms = points
            .entry((row.swept, row.at().round() as u64))
            .or_default();
        let best = arms.entry(row.arm).or_insert(f64::INFINITY);
        *best = best.min(row.readable_ms);
    }
    let mut table = String::new();
    let mut last = None;
    for ((swept, at), arms) in points {
        if last.replace(swept) != Some(swept) {
            let heads: Vec<String> = arms
                .keys()
                .map(|arm| format!("{:>13}", arm.to_string()))
                .collect();
            // Writing to a string does not fail.
            let _ = writeln!(table, "{:>16}{}", swept.to_string(), heads.concat());
        }
        let at = match swept {
            Swept::Attachment => number::bytes(at as f64),
            Swept::Messages => at.to_string(),
            Swept::Rtt => format!("{at} ms"),
        };
        let times: Vec<String> = arms
            .values()
            .map(|ms| format!("{:>13}", number::duration(*ms)))
            .collect();
        let _ = writeln!(table, "{at:>16}{}", times.concat());
    }
    table
}

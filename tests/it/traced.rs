//! Every figure of `report.html` and `report.md` is followed to the CSV files that the run directory holds, which are read here as
//! plain text: the place that a figure names must hold it, and no table may hold a number that names no place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::report::copy_of_golden;
use crate::sample_run;
use crate::support::mailgauge;

#[test]
fn the_figures_of_the_golden_run_stand_in_its_csvs() {
    let dir = copy_of_golden();
    for lang in ["en", "th"] {
        assert!(Traced::report(dir.path(), lang).check() > 300);
    }
}

#[test]
fn intervals_ratios_and_blocks_stand_in_the_csvs_too() {
    let dir = tempfile::tempdir().unwrap();
    sample_run::write_blocks(&dir.path().join("run"), 6);
    let traced = Traced::report(&dir.path().join("run"), "en");
    assert!(traced.check() > 300);
    for column in ["#low", "#high", "#ratio", "#p_adjusted", "#on_all"] {
        assert!(traced.html.contains(column), "no {column}");
    }
}

#[test]
fn the_figures_of_several_runs_stand_in_their_common_csv() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other, both) = (copy_of_golden(), copy_of_golden(), dir.path().join("both"));
    let mut command = mailgauge();
    command
        .args(["report", "--quiet"])
        .args([one.path(), other.path()]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "it does not know where to");
    let output = command.arg("--out").arg(&both).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let traced = Traced::read(&both);
    assert!(traced.figures().len() > 50);
    for run in [one, other] {
        let name = run.path().file_name().unwrap().to_str().unwrap();
        let of_run = |line: &&Line| line["target"] == format!("embedded {name}");
        assert!(traced.files["comparison.csv"].iter().find(of_run).is_some());
        let link = format!("../{name}/report.html").replace('/', "&#x2f;");
        assert!(traced.html.contains(&link), "no way to {name}");
    }
}

#[test]
fn a_figure_that_is_not_in_the_csv_is_noticed() {
    let dir = copy_of_golden();
    let mut traced = Traced::report(dir.path(), "en");
    let from = traced.html.find("#value\">").unwrap() + "#value\">".len();
    let to = from + traced.html[from..].find('<').unwrap();
    traced.html.replace_range(from..to, "123456");
    assert!(std::panic::catch_unwind(|| traced.check()).is_err());
}

/// A line of a CSV file, by column.
type Line = BTreeMap<String, String>;

struct Traced {
    html: String,
    markdown: String,
    files: BTreeMap<String, Vec<Line>>,
    users: String,
}

impl Traced {
    /// Rebuilds the report and reads it with all CSV files beside it.
    fn report(dir: &Path, lang: &str) -> Self {
        let mut command = mailgauge();
        command.args(["report", "--quiet", "--lang", lang]).arg(dir);
        command.output().unwrap();
        Self::read(dir)
    }

    /// Reads what is there.
    fn read(dir: &Path) -> Self {
        let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap_or_default();
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.extension().is_some_and(|end| end == "csv") {
                let mut reader = csv::Reader::from_path(&path).unwrap();
                let lines = reader.deserialize().map(Result::unwrap).collect();
                files.insert(name, lines);
            }
        }
        let manifest: serde_json::Value =
            serde_json::from_str(&read("manifest.json")).unwrap_or_default();
        Self {
            html: read("report.html"),
            markdown: read("report.md"),
            files,
            users: manifest["users"].to_string(),
        }
    }

    /// Follows everything; returns how many figures there were.
    fn check(&self) -> usize {
        let figures = self.figures();
        let mut count = figures.len();
        let texts = figures.into_iter().collect();
        for mark in self.html.split("<rect class=\"mark\"").skip(1) {
            let tag = mark.split_once('>').unwrap().0;
            if tag.contains("data-source") {
                let (said, source) = (attribute(tag, "aria-label"), attribute(tag, "data-source"));
                let text = said.rsplit(": ").next().unwrap().trim_end_matches(')');
                // With an interval the figure itself stands before it.
                let text = match said.split_once(" (95 %: ") {
                    Some((before, _)) => before.rsplit(": ").next().unwrap(),
                    None => text,
                };
                let value = self.cell(&source).0;
                self.stands_there(text, &value, &source);
                count += 1;
            }
        }
        self.no_cell_has_a_number_from_nowhere();
        self.reasons_rest_on_figures();
        self.markdown_has_the_same(&texts);
        count
    }

    /// The texts of the page's figures, each of which stands where it says.
    fn figures(&self) -> Vec<String> {
        let elements = self.html.split("<data ").skip(1).map(|element| {
            let (tag, rest) = element.split_once('>').unwrap();
            let text = unescaped(rest.split('<').next().unwrap());
            let (value, source) = (attribute(tag, "value"), attribute(tag, "data-source"));
            self.stands_there(&text, &value, &source);
            text
        });
        elements.collect()
    }

    /// The printed text is the value, and the value is in the place that it names.
    fn stands_there(&self, text: &str, value: &str, source: &str) {
        let (found, unit) = self.cell(source);
        let (number, stated): (f64, f64) = (found.parse().unwrap(), value.parse().unwrap());
        assert!(
            (number - stated).abs() <= 1e-5 * number.abs(),
            "{source} holds {found}, the page's value is {value}"
        );
        assert!(
            reads_as(text, number, &unit),
            "{source} holds {found} {unit}, the page says {text}"
        );
    }

    /// What is in a place, and its unit.
    fn cell(&self, source: &str) -> (String, String) {
        let (place, column) = source.rsplit_once('#').unwrap();
        let (file, query) = place.split_once('?').unwrap();
        let wanted: Vec<(&str, String)> = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(name, value)| (name, decoded(value)))
            .collect();
        let lines: Vec<&Line> = self.files[file]
            .iter()
            .filter(|line| wanted.iter().all(|(name, value)| line[*name] == *value))
            .collect();
        if column == "lines" {
            return (lines.len().to_string(), String::new());
        }
        assert_eq!(lines.len(), 1, "{source} names {} lines", lines.len());
        let unit = match column {
            "n" | "p" | "p_adjusted" | "ratio" => "",
            _ if column.ends_with("_us") => "us",
            _ if column.ends_with("_ms") => "ms",
            _ => lines[0].get("unit").map_or("", String::as_str),
        };
        (lines[0][column].clone(), unit.to_owned())
    }

    fn no_cell_has_a_number_from_nowhere(&self) {
        let (before, rest) = self.html.split_once("data-of=\"manifest\"").unwrap();
        let body = format!("{before}{}", rest.split_once("</tbody>").unwrap().1);
        for cell in body.split("<td").skip(1) {
            let cell = cell.split_once("</td>").unwrap().0;
            let cell = cell.split_once('>').unwrap().1;
            let mut left = without(cell, "<data ", "</data>");
            for marker in [
                "<span data-of=",
                "<span class=\"wide\" data-of=",
                "<span class=\"reason\"",
            ] {
                left = without(&left, marker, "</span>");
            }
            let words = without(&left, "<", ">");
            let strays: Vec<&str> = numbers(&words).collect();
            // What is left names things: the interval's level, and where to look.
            let about = words.contains("RFC") || cell.contains("href=");
            assert!(about || strays.is_empty(), "{strays:?} in {cell}");
        }
    }

    /// Each number of a sentence is a figure of the row or claim that it gives the reason for.
    fn reasons_rest_on_figures(&self) {
        let mut seen = 0;
        for element in self.html.split("class=\"reason\"").skip(1) {
            let (tag, rest) = element.split_once('>').unwrap();
            let text = unescaped(rest.split('<').next().unwrap());
            let mut metrics = BTreeSet::new();
            if tag.contains("data-row") {
                let row = attribute(tag, "data-row");
                let of_row = self.files["comparison.csv"]
                    .iter()
                    .filter(|it| it["row"] == row);
                metrics.extend(of_row.map(|line| line["metric"].clone()));
            } else {
                let id = attribute(tag, "data-claim");
                let claim = self.files["claims.csv"]
                    .iter()
                    .find(|it| it["id"] == id)
                    .unwrap();
                assert!(
                    text == claim["reason"] || claim["depends_on"].contains(&text),
                    "{text}"
                );
                metrics.extend(claim["metrics"].split_whitespace().map(str::to_owned));
                if metrics.is_empty() {
                    // It rests on the protocols, not on figures.
                    continue;
                }
            }
            let known = self.known(&metrics);
            for number in numbers(&text) {
                let value: f64 = number.parse().unwrap();
                let close = |known: &f64| (value - known).abs() <= 0.006 * known.abs().max(1e-9);
                let whole = |known: &f64| number.parse() == Ok(known.round() as i64);
                // Respects are counted.
                let count = text.starts_with("of ") && value <= metrics.len() as f64;
                let stands = count || known.iter().any(|it| close(it) || whole(it));
                assert!(stands, "{number} in: {text}");
                seen += 1;
            }
        }
        assert!(seen > 30, "only {seen} numbers in reasons");
    }

    fn known(&self, metrics: &BTreeSet<String>) -> Vec<f64> {
        let of = |line: &Line| metrics.contains(&line["metric"]);
        // Switches name these whatever the row; sentences name the level of intervals, ports and the other network's RTT.
        let switches = ["seen_on_server", "seen_on_device", "bytes_on_server"];
        let constants = [95.0, 110.0, 995.0, 143.0, 993.0, 150.0];
        let mut known: Vec<f64> = constants.to_vec();
        known.extend(self.users.parse::<f64>());
        let mut add = |line: &Line, columns: &[&str]| {
            known.extend(
                columns
                    .iter()
                    .filter_map(|column| line[*column].parse::<f64>().ok()),
            );
        };
        for line in &self.files["comparison.csv"] {
            if of(line) || switches.contains(&line["metric"].as_str()) {
                add(line, &["value", "low", "high", "n"]);
            }
        }
        for line in self.files["ratios.csv"].iter().filter(|line| of(line)) {
            add(line, &["ratio", "low", "high", "p", "p_adjusted"]);
        }
        for line in &self.files["predictions.csv"] {
            add(line, &["measured_ms", "at_150_ms"]);
        }
        let megabytes: Vec<f64> = known.iter().map(|value| value / 1e6).collect();
        known.extend(megabytes);
        known
    }

    /// Lines of metrics hold what `comparison.csv` holds, by arm; other tables hold what the HTML page traced.
    fn markdown_has_the_same(&self, traced: &BTreeSet<String>) {
        let mut head: Vec<String> = Vec::new();
        let mut checked = 0;
        let settings = self.markdown.find("| mailgauge |").unwrap();
        let lines: Vec<&str> = self.markdown[..settings].lines().collect();
        for (index, line) in lines.iter().enumerate() {
            if !line.starts_with('|') || line.starts_with("|---") {
                continue;
            }
            let next = lines.get(index + 1);
            let is_head = next.is_some_and(|next| next.starts_with("|---"));
            let line = line.replace("\\|", "/");
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            if is_head {
                head = cells.iter().map(|cell| (*cell).to_owned()).collect();
                continue;
            }
            let metric = cells.iter().take(2).find_map(|cell| cell.split('`').nth(1));
            let Some(metric) = metric.filter(|name| self.is_metric(name)) else {
                let quoted = |cell: &&str| {
                    let claims = self.files["claims.csv"].iter();
                    let errors = self.files["errors.csv"].iter();
                    claims.map(|it| &it["reason"]).any(|it| it == *cell)
                        || errors.map(|it| &it["detail"]).any(|it| it == *cell)
                };
                let others = cells
                    .iter()
                    .skip(1)
                    .filter(|cell| !quoted(cell) && !cell.contains(": ") && !cell.contains("RFC"));
                for text in others.flat_map(|cell| figures(cell)) {
                    assert!(
                        traced.contains(&text),
                        "{text} of {line} is not on the page"
                    );
                }
                continue;
            };
            for (name, cell) in head.iter().zip(&cells) {
                let arm = name.to_lowercase();
                let place =
                    |column: &str| format!("comparison.csv?arm={arm}&metric={metric}#{column}");
                let of_arm = |line: &Line| line["arm"] == arm;
                if !self.files["comparison.csv"].iter().any(of_arm) {
                    continue;
                }
                for (text, column) in figures(cell).into_iter().zip(["value", "low", "high"]) {
                    let (value, unit) = self.cell(&place(column));
                    assert!(
                        reads_as(&text, value.parse().unwrap(), &unit),
                        "{line}: {text}"
                    );
                    checked += 1;
                }
            }
        }
        assert!(checked > 100, "only {checked} figures in Markdown");
    }

    fn is_metric(&self, name: &str) -> bool {
        self.files["comparison.csv"]
            .iter()
            .any(|line| line["metric"] == name)
    }
}

/// Whether a printed figure is the number, rounded as it is printed.
fn reads_as(text: &str, number: f64, unit: &str) -> bool {
    if let Some(rest) = text.strip_prefix('>') {
        return rest == "99.9 %" && number > 99.9 && number < 100.0;
    }
    if let Some(rest) = text.strip_prefix('<') {
        return rest == "0.1 %" && number > 0.0 && number < 0.1;
    }
    let (digits, printed_in) = text.split_once(' ').unwrap_or((text, ""));
    let base = unit.split('/').next().unwrap();
    let scale = match (printed_in, base) {
        ("s", "ms") | ("ms", "us") | ("kB", "bytes") => 1e3,
        ("s", "us") | ("MB", "bytes") => 1e6,
        ("GB", "bytes") => 1e9,
        ("TB", "bytes") => 1e12,
        ("B", "bytes") | ("", _) => 1.0,
        (same, base) if same == base => 1.0,
        _ => return false,
    };
    let decimals = digits.split(['e', 'E']).next().unwrap().split_once('.');
    let places = decimals.map_or(0, |(_, places)| i32::try_from(places.len()).unwrap());
    let exponent: i32 = digits
        .split_once('e')
        .map_or(0, |(_, e)| e.parse().unwrap());
    let half = 0.5 * 10_f64.powi(exponent - places) * scale;
    let Ok(printed) = digits.parse::<f64>() else {
        return false;
    };
    (printed * scale - number).abs() <= half + 1e-5 * number.abs()
}

/// The figures in a cell of Markdown, with their units.
fn figures(cell: &str) -> Vec<String> {
    let plain = cell.replace(['*', '(', ')', ',', ';', '✓', '✗', '–', '/', '÷'], " ");
    let words: Vec<&str> = plain.split_whitespace().collect();
    let units = ["ms", "s", "%", "B", "kB", "MB", "GB", "TB", "J"];
    let mut figures = Vec::new();
    for (index, word) in words.iter().enumerate() {
        if word.trim_start_matches(['<', '>']).parse::<f64>().is_err() {
            continue;
        }
        match words.get(index + 1).filter(|next| units.contains(next)) {
            Some(unit) => figures.push(format!("{word} {unit}")),
            None => figures.push((*word).to_owned()),
        }
    }
    figures
}

/// The numbers of a sentence; a digit in a name is none.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    let part = |c: char| !(c.is_ascii_alphanumeric() || ".-_".contains(c));
    text.split(part)
        .map(|word| word.trim_end_matches(['.', '-']))
        .filter(|word| word.parse::<f64>().is_ok())
}

fn without(text: &str, from: &str, to: &str) -> String {
    let mut left = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(from) {
        left.push_str(before);
        rest = after.split_once(to).map_or("", |(_, after)| after);
    }
    left + rest
}

fn attribute(tag: &str, name: &str) -> String {
    let (_, rest) = tag.split_once(&format!("{name}=\"")).unwrap();
    unescaped(rest.split('"').next().unwrap())
}

fn unescaped(text: &str) -> String {
    let mut text = text.to_owned();
    for (name, sign) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#x2f;", "/"),
        ("&amp;", "&"),
    ] {
        text = text.replace(name, sign);
    }
    text
}

fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    for (code, sign) in [("%26", "&"), ("%23", "#"), ("%3D", "="), ("%25", "%")] {
        text = text.replace(code, sign);
    }
    text
}

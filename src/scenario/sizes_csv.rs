//! Message sizes out of a CSV of one's own. The file is read when the scenario is, and its content takes the place of its
//! name, so that a run's scenario says all and needs no other file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::units::Octets;

/// The most different sizes of one file.
const MOST_SIZES: usize = 10_000;

/// The sizes of a CSV file as the text of a TOML value, `{ table = [[size, share], …] }`. A line holds a size, in octets
/// or with a unit, and, if there is a second column, its weight; a first line that is not a size is a heading. The
/// same size may stand there more than once.
///
/// # Errors
/// A sentence about the file, with the line.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .flexible(true)
        .from_path(path)
        .map_err(|error| format!("can not read {shown}: {error}"))?;
    let mut weights: BTreeMap<u64, f64> = BTreeMap::new();
    let mut total = 0.0;
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(|error| format!("can not read {shown}: {error}"))?;
        let line = record.position().map_or(0, csv::Position::line);
        let size = match record.get(0).map(Octets::parse) {
            Some(Ok(size)) => size.0,
            _ if index == 0 => continue,
            _ => {
                let text = record.get(0).unwrap_or_default();
                return Err(format!("{shown}, line {line}: `{text}` is not a size"));
            }
        };
        let weight = match record.get(1).filter(|text| !text.is_empty()) {
            None => 1.0,
            Some(text) => text
                .parse()
                .ok()
                .filter(|weight: &f64| weight.is_finite() && *weight >= 0.0)
                .ok_or_else(|| format!("{shown}, line {line}: `{text}` is not a weight"))?,
        };
        *weights.entry(size).or_default() += weight;
        total += weight;
        if weights.len() > MOST_SIZES {
            return Err(format!(
                "{shown} has more than {MOST_SIZES} different sizes: round them, to 100 octets for example"
            ));
        }
    }
    if total <= 0.0 {
        return Err(format!("{shown} holds no sizes"));
    }
    let mut table = String::from("{ table = [");
    for (size, weight) in weights {
        let share = weight / total;
        // Writing to a string does not fail.
        _ = write!(table, "[{size}, {share:?}], ");
    }
    Ok(table + "] }")
}

#[cfg(test)]
mod tests {
    use super::read;

    fn of(text: &str) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sizes.csv");
        std::fs::write(&path, text).unwrap();
        read(&path).map_err(|error| error.replace(&folder.path().display().to_string(), ""))
    }

    #[test]
    fn sizes_are_counted_or_weighted() {
        let counted = of("2000\n1KB\n2000\n2KB\n").unwrap();
        assert_eq!(counted, "{ table = [[1000, 0.25], [2000, 0.75], ] }");
        let weighted = of("octets,count\n# measured in May\n1000, 30\n4000,10\n").unwrap();
        assert_eq!(weighted, "{ table = [[1000, 0.75], [4000, 0.25], ] }");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        assert_eq!(
            of("1000\nlarge\n").unwrap_err(),
            "/sizes.csv, line 2: `large` is not a size"
        );
        assert_eq!(
            of("1000,-1\n").unwrap_err(),
            "/sizes.csv, line 1: `-1` is not a weight"
        );
        assert_eq!(of("size\n").unwrap_err(), "/sizes.csv holds no sizes");
        let many: Vec<String> = (0..10_001).map(|size| size.to_string()).collect();
        assert!(
            of(&many.join("\n"))
                .unwrap_err()
                .contains("more than 10000")
        );
    }
}

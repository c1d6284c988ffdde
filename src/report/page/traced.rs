//! A figure on a page with the place it was taken from, so that anyone, and a test, can follow it into the run's files.

use std::fmt::{Display, Write as _};

use serde::Serialize;

use crate::judge::comparison::rounded;

/// A figure as people read it, and where it stands.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Traced {
    /// With its unit, three significant digits.
    pub(super) text: String,
    /// As the file has it.
    value: String,
    /// `comparison.csv?arm=imap&metric=usable_p50#value`: the file, the columns that pick its line, and the column. Empty
    /// where nothing was measured.
    source: String,
}

impl Traced {
    /// A figure from a column of a line.
    pub(super) fn new(text: String, value: f64, line: &Line, column: &str) -> Self {
        Self {
            text,
            value: rounded(value).to_string(),
            source: line.column(column),
        }
    }

    /// A count, which is not rounded.
    pub(super) fn count(value: u64, line: &Line, column: &str) -> Self {
        Self {
            text: value.to_string(),
            value: value.to_string(),
            source: line.column(column),
        }
    }

    /// Nothing was measured.
    pub(super) fn nothing() -> Self {
        Self {
            text: "–".to_owned(),
            ..Self::default()
        }
    }
}

/// A line, or several, of one of the run's CSV files.
#[derive(Clone, Debug)]
pub(super) struct Line {
    source: String,
}

/// In place of a column: how many lines there are.
pub(super) const LINES: &str = "lines";

impl Line {
    /// The lines of a file that have these values in these columns.
    pub(super) fn of(file: &str, columns: &[(&str, &dyn Display)]) -> Self {
        let mut source = file.to_owned();
        for (index, (column, value)) in columns.iter().enumerate() {
            source.push(if index == 0 { '?' } else { '&' });
            source.push_str(column);
            source.push('=');
            // What parts a source stays what it is.
            for c in value.to_string().chars() {
                match c {
                    '%' | '&' | '#' | '=' => {
                        // Writing to a string cannot fail.
                        let _ = write!(source, "%{:02X}", u32::from(c));
                    }
                    c => source.push(c),
                }
            }
        }
        Self { source }
    }

    /// The source of a value in these lines.
    pub(super) fn column(&self, column: &str) -> String {
        format!("{}#{column}", self.source)
    }
}

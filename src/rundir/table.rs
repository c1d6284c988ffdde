//! One CSV file: appended row by row, read back whole or torn.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;
use super::files::{Csv, LATER};

/// Rows wait in memory until the next flush, but no more than this: then they are written at once.
const PENDING_LIMIT: usize = 256 * 1024;

/// An append-only file whose every line is written once, whatever the disk says in between.
///
/// Bytes stay in memory until the system has taken them, so a write that failed half-way can go on
/// where it stopped, without a torn or doubled line.
pub(super) struct Lines {
    path: PathBuf,
    file: File,
    pending: Vec<u8>,
}

impl Lines {
    /// Creates the file, which must not exist, with `head` in it.
    pub(super) fn create(path: PathBuf, head: &[u8]) -> Result<Self, Error> {
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(|source| Error::write(&path, source))?;
        let mut lines = Self {
            path,
            file,
            pending: head.to_vec(),
        };
        lines.flush()?;
        Ok(lines)
    }

    /// Appends one line; `fill` writes it, without or with its line end. Line ends within it become spaces,
    /// so that a line of the file is always a whole row.
    pub(super) fn push(
        &mut self,
        fill: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
    ) -> Result<(), Error> {
        if self.pending.len() > PENDING_LIMIT {
            self.write_out()?;
        }
        let start = self.pending.len();
        let filled = fill(&mut self.pending);
        if let Err(source) = filled {
            self.pending.truncate(start);
            return Err(Error::write(&self.path, source));
        }
        if self.pending.last() == Some(&b'\n') {
            self.pending.pop();
        }
        for byte in &mut self.pending[start..] {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        self.pending.push(b'\n');
        Ok(())
    }

    /// Hands everything to the system, and makes sure that the file is still the one in the directory.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        self.write_out()?;
        let links = self.file.metadata().map(|m| m.nlink());
        match links {
            Ok(0) => Err(Error::Removed {
                path: self.path.clone(),
            }),
            Ok(_) => Ok(()),
            Err(source) => Err(Error::write(&self.path, source)),
        }
    }

    /// Flushes, and asks the system to have it on the disk.
    pub(super) fn sync(&mut self) -> Result<(), Error> {
        self.flush()?;
        self.file
            .sync_data()
            .map_err(|source| Error::write(&self.path, source))
    }

    fn write_out(&mut self) -> Result<(), Error> {
        let mut taken = 0;
        let result = loop {
            if taken == self.pending.len() {
                break Ok(());
            }
            match self.file.write(&self.pending[taken..]) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => taken += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => break Err(e),
            }
        };
        self.pending.drain(..taken);
        result.map_err(|source| Error::write(&self.path, source))
    }
}

/// The header line of a CSV.
pub(super) fn header(csv: Csv) -> Vec<u8> {
    let mut line = csv.columns().join(",").into_bytes();
    line.push(b'\n');
    line
}

/// Appends one row in CSV.
pub(super) fn push_row<R: Serialize>(lines: &mut Lines, row: &R) -> Result<(), Error> {
    lines.push(|bytes| {
        let mut writer = csv::WriterBuilder::new()
            .has_headers(false)
            .buffer_capacity(512)
            .from_writer(bytes);
        writer.serialize(row).map_err(io::Error::other)?;
        writer.flush()
    })
}

/// What was read from a file.
pub(super) struct Rows<R> {
    /// Every whole row.
    pub(super) rows: Vec<R>,
    /// Octets of a torn last line, which was left out.
    pub(super) torn: u64,
}

/// Reads every whole row of `csv` in `dir`.
pub(super) fn read<R: DeserializeOwned>(dir: &Path, csv: Csv) -> Result<Rows<R>, Error> {
    let path = dir.join(csv.name());
    let failed = |source| Error::read(&path, source);
    let mut file = File::open(&path).map_err(failed)?;
    let octets = file.metadata().map_err(failed)?.len();
    let whole = whole_lines(&mut file, octets).map_err(failed)?;
    let torn = octets - whole;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut reader = csv::ReaderBuilder::new().from_reader(BufReader::new(file.take(whole)));
    let header = reader
        .headers()
        .map_err(|e| explain(&path, None, e))?
        .clone();
    if whole == 0 {
        return Ok(Rows {
            rows: Vec::new(),
            torn,
        });
    }
    for column in csv.columns() {
        if !header.iter().any(|found| found == column) && !LATER.contains(&column) {
            return Err(Error::Column {
                path: path.clone(),
                column,
            });
        }
    }
    let rows = reader
        .deserialize()
        .map(|row| row.map_err(|e| explain(&path, Some(&header), e)))
        .collect::<Result<_, _>>()?;
    Ok(Rows { rows, torn })
}

/// Octets up to and with the last line end.
pub(super) fn whole_lines(file: &mut File, octets: u64) -> io::Result<u64> {
    let mut buffer = [0; 8 * 1024];
    let mut end = octets;
    while end > 0 {
        let start = end.saturating_sub(buffer.len() as u64);
        let chunk = &mut buffer[..(end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(chunk)?;
        if let Some(at) = memchr::memrchr(b'\n', chunk) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

fn explain(path: &Path, header: Option<&csv::StringRecord>, error: csv::Error) -> Error {
    let path = path.to_path_buf();
    let line = error.position().map_or(1, csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(source) => Error::Read { path, source },
        csv::ErrorKind::Deserialize { err, .. } => {
            let column = err
                .field()
                .and_then(|field| header?.get(field as usize))
                .unwrap_or("?")
                .to_owned();
            Error::Cell {
                path,
                line,
                column,
                problem: err.kind().to_string(),
            }
        }
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => Error::Line {
            path,
            line,
            problem: format!("{len} cells where the header has {expected_len}"),
        },
        csv::ErrorKind::Utf8 { err, .. } => Error::Line {
            path,
            line,
            problem: format!("cell {} is not UTF-8", err.field() + 1),
        },
        other => Error::Line {
            path,
            line,
            problem: format!("not a row: {other:?}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full_disk() -> Lines {
        let path = PathBuf::from("/dev/full");
        Lines {
            file: OpenOptions::new().append(true).open(&path).unwrap(),
            path,
            pending: Vec::new(),
        }
    }

    fn push(lines: &mut Lines, text: &[u8]) -> Result<(), Error> {
        lines.push(|bytes| {
            bytes.extend_from_slice(text);
            Ok(())
        })
    }

    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let mut lines = full_disk();
        push(&mut lines, b"1,2").unwrap();
        let error = lines.flush().unwrap_err().to_string();
        assert!(error.starts_with("cannot write /dev/full: "), "{error}");
        assert!(error.contains("What was written before is kept"), "{error}");
    }

    #[test]
    fn lines_that_the_disk_did_not_take_are_written_once_when_it_has_room_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rows.csv");
        let mut lines = full_disk();
        push(&mut lines, b"1,2").unwrap();
        lines.flush().unwrap_err();
        lines.file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .unwrap();
        push(&mut lines, b"3,4\n").unwrap();
        lines.flush().unwrap();
        lines.flush().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1,2\n3,4\n");
    }

    #[test]
    fn a_full_disk_does_not_fill_the_memory() {
        let mut lines = full_disk();
        let row = [b'7'; 1_000];
        let refused = (0..1_000).find_map(|_| push(&mut lines, &row).err());
        assert!(refused.is_some());
        assert!(lines.pending.len() <= PENDING_LIMIT + row.len() + 1);
    }

    #[test]
    fn whole_lines_end_with_the_last_line_end_however_far_back_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("text");
        for (text, whole) in [
            (String::new(), 0),
            ("abc".to_owned(), 0),
            ("a\nb\n".to_owned(), 4),
            (format!("a\n{}", "x".repeat(20_000)), 2),
        ] {
            std::fs::write(&path, &text).unwrap();
            let mut file = File::open(&path).unwrap();
            assert_eq!(whole_lines(&mut file, text.len() as u64).unwrap(), whole);
        }
    }
}

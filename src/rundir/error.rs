use std::io;
use std::path::PathBuf;

use super::manifest::SCHEMA_VERSION;

/// What can go wrong with a run directory. Each names the file, and says what to do where something can be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk is full, the permission is missing, the device failed.
    #[error("cannot write {}: {source}. What was written before is kept", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// The system would go on writing into a file that nobody can open any more.
    #[error("{} was removed or replaced while the run was writing to it", path.display())]
    Removed {
        /// The file.
        path: PathBuf,
    },
    /// A directory given for the output has something in it.
    #[error("{} exists and is not empty: give --out a new or an empty directory", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// Histograms came for a cell that had been summed up: its ops.csv rows would be wrong.
    #[error("block {block} of {arm} was finished, yet more of it was recorded")]
    CellFinished {
        /// Block of the cell.
        block: u32,
        /// Arm of the cell.
        arm: crate::scenario::Arm,
    },
    /// The file is there but cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// There is no manifest: whatever this is, no run wrote it.
    #[error("{} is missing: this is not a run directory (name the one that holds manifest.json)", path.display())]
    NoManifest {
        /// Where the manifest should be.
        path: PathBuf,
    },
    /// A run directory without one of its files.
    #[error("{} is missing: copy the run directory whole, or run again", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The manifest is not the JSON that a run writes.
    #[error("{} cannot be understood: {source}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What and where.
        source: serde_json::Error,
    },
    /// Written by a version with another format.
    #[error(
        "{} has schema version {found}, this mailgauge reads version {SCHEMA_VERSION}: use the version that wrote it ({writer})",
        path.display()
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The mailgauge that wrote it.
        writer: String,
    },
    /// A column that each run writes is not there.
    #[error("{}, line 1: the column `{column}` is missing: the file was changed after the run", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
    },
    /// A cell that does not hold what its column holds.
    #[error("{}, line {line}, column `{column}`: {problem}", path.display())]
    Cell {
        /// The file.
        path: PathBuf,
        /// Line, from 1; the header is line 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What is wrong.
        problem: String,
    },
    /// A row that is no row at all: too few or too many cells, not UTF-8.
    #[error("{}, line {line}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
}

impl Error {
    /// Wraps what the system said about reading `path`.
    pub(super) fn read(path: &std::path::Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        if source.kind() == io::ErrorKind::NotFound {
            Self::Missing { path }
        } else {
            Self::Read { path, source }
        }
    }

    /// Wraps what the system said about writing `path`.
    pub(super) fn write(path: &std::path::Path, source: io::Error) -> Self {
        Self::Write {
            path: path.to_path_buf(),
            source,
        }
    }
}

//! The one format on disk: a run leaves a directory, everything else reads it. This room knows the files,
//! how they are written while a run may be killed at any moment, and how they are read back; what the
//! rows mean is said in [`crate::metrics::row`], what they show in `judge`.

mod decode;
mod error;
mod files;
mod hlog;
mod label;
mod manifest;
mod reader;
mod search;
mod set;
mod table;
mod writer;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use error::Error;
pub use files::{CHARTS, CLAIMS, COMPARISON, Csv, LATENCY, MANIFEST, RATIOS, SEARCH, SET, VERDICT};
pub use label::{Label, Time};
pub use manifest::{
    Manifest, NetworkFacts, Outcome, PhaseSpan, SCHEMA_VERSION, Shaper, ShardFacts, SkippedArm,
    TargetFacts,
};
pub use reader::RunDir;
pub use search::{Asked, CrowdFacts, Search, SearchManifest, SearchTrial};
pub use set::{RunSet, SetManifest, SetTarget};
pub use writer::{Writer, write_whole};

/// Name of the link to the newest run in a folder of runs.
const LATEST: &str = "latest";

/// Creates `<base>/<time>-<scenario>-<target>` for a run that was given no directory. When that is
/// taken, as by a run of the same second, a number follows.
pub fn create_unique(
    base: &Path,
    time: jiff::Timestamp,
    scenario: &str,
    target: &str,
) -> Result<PathBuf, Error> {
    fs::create_dir_all(base).map_err(|source| Error::write(base, source))?;
    let name = format!(
        "{}-{}-{}",
        time.strftime("%Y%m%dT%H%M%SZ"),
        plain(scenario),
        plain(target)
    );
    let mut path = base.join(&name);
    for number in 2.. {
        match fs::create_dir(&path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                path = base.join(format!("{name}-{number}"));
            }
            Err(source) => return Err(Error::write(&path, source)),
            Ok(()) => break,
        }
    }
    Ok(path)
}

/// Creates `dir`, or takes it if it is there and empty.
pub fn create_empty(dir: &Path) -> Result<(), Error> {
    fs::create_dir_all(dir).map_err(|source| Error::write(dir, source))?;
    let mut entries = fs::read_dir(dir).map_err(|source| Error::write(dir, source))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(Error::NotEmpty {
            path: dir.to_path_buf(),
        }),
    }
}

/// Lets `<base>/latest` point to `run`, a directory in `base`. Only a link is ever replaced: anything else
/// of that name is left alone, and false returned.
pub fn link_latest(base: &Path, run: &Path) -> Result<bool, Error> {
    let link = base.join(LATEST);
    match fs::symlink_metadata(&link) {
        Ok(found) if !found.is_symlink() => return Ok(false),
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(Error::write(&link, e)),
        _ => {}
    }
    let Some(name) = run.file_name() else {
        return Ok(false);
    };
    let temporary = base.join(format!(".{LATEST}-{}", std::process::id()));
    let _ = fs::remove_file(&temporary);
    std::os::unix::fs::symlink(name, &temporary)
        .and_then(|()| fs::rename(&temporary, &link))
        .map_err(|source| Error::write(&link, source))?;
    Ok(true)
}

/// A name as a part of a file name: lowercase letters, digits and hyphens.
fn plain(name: &str) -> String {
    let plain: String = name
        .chars()
        .take(64)
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    let plain = plain.trim_matches('-');
    if plain.is_empty() {
        "unnamed".to_owned()
    } else {
        plain.to_owned()
    }
}

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

/// What a folder of mail takes on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageSize {
    /// Files; one with several names counts once.
    pub files: u64,
    /// Their lengths.
    pub bytes: u64,
    /// What the file system allocated for them.
    pub disk_bytes: u64,
}

/// Walks through `dir`. Files that go away meanwhile are passed over, as mail is moved all the time.
pub fn storage_size(dir: &Path) -> StorageSize {
    let mut size = StorageSize::default();
    let mut several_names = HashSet::new();
    for entry in WalkDir::new(dir).into_iter().filter_map(Result::ok) {
        if !entry.file_type().is_file() {
            continue;
        }
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        if metadata.nlink() > 1 && !several_names.insert((metadata.dev(), metadata.ino())) {
            continue;
        }
        size.files += 1;
        size.bytes += metadata.len();
        size.disk_bytes += metadata.blocks() * 512;
    }
    size
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_with_two_names_counts_once() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("cur")).unwrap();
        fs::write(dir.path().join("cur/one"), [0; 5_000]).unwrap();
        fs::write(dir.path().join("two"), [0; 100]).unwrap();
        fs::hard_link(dir.path().join("two"), dir.path().join("cur/copy")).unwrap();
        let size = storage_size(dir.path());
        assert_eq!((size.files, size.bytes), (2, 5_100));
        assert!(size.disk_bytes >= 5_100);
    }

    #[test]
    fn a_folder_that_is_not_there_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        let size = storage_size(&dir.path().join("gone"));
        assert_eq!(size, StorageSize::default());
    }
}

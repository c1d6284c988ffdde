//! Puts an index in accord with the files of its Maildir when a mailbox is opened: files without a record
//! (another program's delivery, or a crash between rename and record) become messages; records without a
//! file go.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::index::Contents;
use super::{Flags, Message, StoreError};

/// Brings `contents` up to date with what lies in `directory`; says whether anything had to change. `path`
/// tells where a message's file belongs.
pub(super) fn reconcile(
    directory: &Path,
    contents: &mut Contents,
    path: impl Fn(&Message, u32) -> PathBuf,
) -> Result<bool, StoreError> {
    let mut files = files_of(directory)?;
    let validity = contents.uid_validity;
    let mut lost = Vec::new();
    contents.messages.retain(|message| {
        let found = files.remove(&path(message, validity)).is_some();
        if !found {
            lost.push(message.uid);
        }
        found
    });
    let mut changed = !lost.is_empty();
    for uid in lost {
        contents.highest_modseq += 1;
        contents.vanished.add(uid, contents.highest_modseq);
    }
    let mut strangers: Vec<(i64, PathBuf, u64)> = files
        .into_iter()
        .map(|(path, (octets, modified))| (modified, path, octets))
        .collect();
    strangers.sort();
    for (modified, stranger, octets) in strangers {
        let uid = contents.uid_next;
        contents.uid_next = uid.checked_add(1).ok_or(StoreError::UidsUsedUp)?;
        contents.highest_modseq += 1;
        let message = Message {
            uid,
            octets,
            internal_date: modified,
            modseq: contents.highest_modseq,
            flags: flags_in_name(&stranger),
            in_new: stranger
                .parent()
                .is_some_and(|folder| folder.ends_with("new")),
        };
        fs::rename(&stranger, path(&message, validity))
            .map_err(StoreError::io("cannot rename", &stranger))?;
        contents.messages.push(message);
        changed = true;
    }
    if changed {
        contents.highest_modseq += 1;
    }
    Ok(changed)
}

fn files_of(directory: &Path) -> Result<HashMap<PathBuf, (u64, i64)>, StoreError> {
    let mut files = HashMap::new();
    for folder in ["new", "cur"] {
        let folder = directory.join(folder);
        let entries = fs::read_dir(&folder).map_err(StoreError::io("cannot list", &folder))?;
        for entry in entries {
            let entry = entry.map_err(StoreError::io("cannot list", &folder))?;
            let metadata = entry
                .metadata()
                .map_err(StoreError::io("cannot look at", &entry.path()))?;
            if metadata.is_file() {
                let modified = metadata
                    .modified()
                    .ok()
                    .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
                    .map_or(0, |since| since.as_secs().cast_signed());
                files.insert(entry.path(), (metadata.len(), modified));
            }
        }
    }
    Ok(files)
}

/// The flags another program put behind `:2,`.
fn flags_in_name(path: &Path) -> Flags {
    let name = path.to_string_lossy();
    let letters = name.rsplit_once(":2,").map_or("", |(_, letters)| letters);
    letters
        .chars()
        .filter_map(|letter| match letter {
            'S' => Some(Flags::SEEN),
            'R' => Some(Flags::ANSWERED),
            'F' => Some(Flags::FLAGGED),
            'T' => Some(Flags::DELETED),
            'D' => Some(Flags::DRAFT),
            _ => None,
        })
        .fold(Flags::NONE, |set, flag| set | flag)
}

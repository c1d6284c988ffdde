//! Servers that Debian does not let stand beside others: taken as they are installed, or as
//! `scripts/fetch-servers.sh` has unpacked them into a folder of their own. Nothing is ever downloaded from here.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::TargetError;

/// Names the folder of unpacked servers and rules out every other place.
const OVERRIDE: &str = "MAILGAUGE_SERVERS";
/// Where root has them unpacked: the account that runs a server can read it there.
const SYSTEM_CACHE: &str = "/var/cache/mailgauge/servers";

/// A server's programs, wherever they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Software {
    /// `/`, or the folder that its packages were unpacked into.
    root: PathBuf,
}

impl Software {
    /// Looks for `name`, of which `program` (its path below `/`) is the sign: first where it is installed, then
    /// where it is unpacked. `title` is its name for people.
    pub(super) fn find(
        name: &'static str,
        title: &'static str,
        program: &str,
    ) -> Result<Self, TargetError> {
        let found = match env::var_os(OVERRIDE) {
            Some(folder) => newest_tree(Path::new(&folder), name, program),
            None => installed(program).or_else(|| {
                caches()
                    .iter()
                    .find_map(|folder| newest_tree(folder, name, program))
            }),
        };
        found
            .map(|root| Self { root })
            .ok_or(TargetError::NotFetched { title, name })
    }

    /// A file by its path below `/`.
    pub(super) fn file(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A program of it, by its path below `/`, with the libraries that it needs.
    pub(super) fn command(&self, path: &str) -> Command {
        let mut command = Command::new(self.file(path));
        if let Some(libraries) = self.library_path() {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    }

    /// Its folder, or nothing if it is installed.
    pub(super) fn tree(&self) -> Option<&Path> {
        (self.root != Path::new("/")).then_some(&*self.root)
    }

    /// `usr/lib/<architecture>/<name>`, a file or a folder.
    pub(super) fn library(&self, name: &str) -> Option<PathBuf> {
        let folders = fs::read_dir(self.file("usr/lib")).ok()?;
        folders
            .flatten()
            .map(|folder| folder.path().join(name))
            .find(|path| path.exists())
    }

    /// What `LD_LIBRARY_PATH` must be for its programs; nothing if they are installed.
    pub(super) fn library_path(&self) -> Option<OsString> {
        let tree = self.tree()?;
        let lib = tree.join("usr/lib");
        let per_architecture = fs::read_dir(&lib)
            .into_iter()
            .flatten()
            .flatten()
            .map(|folder| folder.path())
            .filter(|folder| folder.to_string_lossy().contains("-linux-gnu"));
        let folders = per_architecture.chain([lib.clone()]);
        env::join_paths(folders).ok()
    }
}

/// A program on the search path, or where system programs lie.
pub(super) fn find_program(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(program))
        .find(|file| {
            fs::metadata(file)
                .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
        })
}

fn installed(program: &str) -> Option<PathBuf> {
    let root = PathBuf::from("/");
    root.join(program).is_file().then_some(root)
}

/// The folders that `scripts/fetch-servers.sh` unpacks into.
fn caches() -> Vec<PathBuf> {
    let home = || env::home_dir().map(|home| home.join(".cache"));
    let user = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .or_else(home)
        .map(|cache| cache.join("mailgauge/servers"));
    let system = PathBuf::from(SYSTEM_CACHE);
    if rustix::process::geteuid().is_root() {
        vec![system]
    } else {
        user.into_iter().chain([system]).collect()
    }
}

/// `<folder>/<name>-<version>`, the one that was unpacked last.
fn newest_tree(folder: &Path, name: &str, program: &str) -> Option<PathBuf> {
    let trees = fs::read_dir(folder).ok()?.flatten().filter(|entry| {
        entry
            .file_name()
            .to_string_lossy()
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('-'))
            && entry.path().join(program).is_file()
    });
    trees
        .max_by_key(|entry| entry.metadata().and_then(|meta| meta.modified()).ok())
        .and_then(|entry| fs::canonicalize(entry.path()).ok())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{Software, find_program, newest_tree};

    #[test]
    fn a_tree_counts_only_with_its_program_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let program = "usr/lib/thing/bin/server";
        fs::create_dir_all(folder.path().join("thing-1/usr/lib")).unwrap();
        fs::create_dir_all(folder.path().join("thingamy-2/usr/lib/thing/bin")).unwrap();
        fs::write(folder.path().join("thingamy-2").join(program), "").unwrap();
        assert_eq!(newest_tree(folder.path(), "thing", program), None);

        fs::create_dir_all(folder.path().join("thing-3/usr/lib/thing/bin")).unwrap();
        fs::write(folder.path().join("thing-3").join(program), "").unwrap();
        let found = newest_tree(folder.path(), "thing", program).unwrap();
        assert!(found.ends_with("thing-3"));
    }

    #[test]
    fn the_libraries_of_a_tree_are_searched_in_the_tree_and_those_of_the_system_are_not_named() {
        let folder = tempfile::tempdir().unwrap();
        let libraries = folder.path().join("usr/lib/x86_64-linux-gnu");
        fs::create_dir_all(libraries.join("sasl2")).unwrap();
        let tree = Software {
            root: folder.path().to_owned(),
        };
        let path = tree.library_path().unwrap().into_string().unwrap();
        assert!(path.starts_with(libraries.to_str().unwrap()));
        assert_eq!(tree.library("sasl2"), Some(libraries.join("sasl2")));

        let system = Software { root: "/".into() };
        assert_eq!(system.library_path(), None);
        assert_eq!(system.file("usr/bin/x"), Path::new("/usr/bin/x"));
    }

    #[test]
    fn programs_are_found_and_others_are_not() {
        assert!(find_program("sh").is_some());
        assert!(find_program("no-such-program-anywhere").is_none());
    }
}

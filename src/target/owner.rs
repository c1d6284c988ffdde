//! The account that runs a private server and owns its mail: `nobody` for root, else whoever runs mailgauge.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, lchown};
use std::path::Path;

use walkdir::WalkDir;

use super::TargetError;

/// An account of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Whether mailgauge runs as root and hands files over to it.
    given: bool,
}

impl Owner {
    /// Who shall run a server.
    pub(super) fn of_servers() -> Result<Self, TargetError> {
        let me = rustix::process::geteuid();
        let passwd =
            fs::read_to_string("/etc/passwd").map_err(TargetError::file("read", "/etc/passwd"))?;
        let found = if me.is_root() {
            find(&passwd, |name, _| name == "nobody")
        } else {
            find(&passwd, |_, uid| uid == me.as_raw())
        };
        let (name, uid, gid) = found.ok_or_else(|| TargetError::Unusable {
            reason: if me.is_root() {
                "there is no account `nobody` in /etc/passwd to run a mail server".into()
            } else {
                format!(
                    "the user with number {}, who runs mailgauge, has no name in /etc/passwd, and mail servers need one",
                    me.as_raw()
                )
            },
        })?;
        Ok(Self {
            name,
            uid,
            gid,
            given: me.is_root(),
        })
    }

    /// Whether the server is to run as another account than mailgauge.
    pub(super) fn is_another(&self) -> bool {
        self.given
    }

    /// For the manifest.
    pub(super) fn described(&self) -> String {
        if self.given {
            format!("{} (started by root)", self.name)
        } else {
            "ordinary".into()
        }
    }

    /// Hands over a folder with everything in it, or a file.
    pub(super) fn give(&self, path: &Path) -> Result<(), TargetError> {
        if !self.given {
            return Ok(());
        }
        for entry in WalkDir::new(path) {
            let entry = entry.map_err(|error| {
                TargetError::file("list", path)(
                    error
                        .into_io_error()
                        .unwrap_or_else(|| io::Error::other("it changes while it is read")),
                )
            })?;
            lchown(entry.path(), Some(self.uid), Some(self.gid))
                .map_err(TargetError::file("change the owner of", entry.path()))?;
        }
        Ok(())
    }

    /// Makes a folder that only the owner may look into, once it is given to it.
    pub(super) fn make_private_folder(path: &Path) -> Result<(), TargetError> {
        fs::DirBuilder::new()
            .mode(0o700)
            .create(path)
            .map_err(TargetError::file("create", path))
    }

    /// Refuses a path that the account cannot get at; `what` says what lies there.
    pub(super) fn can_reach(&self, what: &str, path: &Path) -> Result<(), TargetError> {
        if !self.given {
            return Ok(());
        }
        let closed = path.ancestors().find(|folder| {
            fs::metadata(folder).is_ok_and(|meta| {
                let pass = if meta.uid() == self.uid { 0o100 } else { 0o001 };
                meta.is_dir() && meta.mode() & pass == 0
            })
        });
        match closed {
            None => Ok(()),
            Some(folder) => Err(TargetError::Unusable {
                reason: format!(
                    "{what} ({}) cannot be reached by the account `{}`, which runs the server when root starts it: {} is closed to others",
                    path.display(),
                    self.name,
                    folder.display()
                ),
            }),
        }
    }
}

/// Name, number and group of the first account that `matches`.
fn find(passwd: &str, matches: impl Fn(&str, u32) -> bool) -> Option<(String, u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        matches(name, uid).then(|| (name.to_owned(), uid, gid))
    })
}

#[cfg(test)]
mod tests {
    use super::{Owner, find};

    #[test]
    fn accounts_are_found_by_name_and_by_number() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\n+::::::\nmail:x:8:12:mail:/var/mail:/bin/false\n";
        assert_eq!(
            find(passwd, |name, _| name == "mail"),
            Some(("mail".into(), 8, 12))
        );
        assert_eq!(
            find(passwd, |_, uid| uid == 8),
            Some(("mail".into(), 8, 12))
        );
        assert_eq!(find(passwd, |name, _| name == "nobody"), None);
    }

    #[test]
    fn a_folder_that_is_closed_to_the_account_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let owner = Owner {
            name: "somebody".into(),
            uid: 54_321,
            gid: 54_321,
            given: true,
        };
        let closed = folder.path().join("closed");
        Owner::make_private_folder(&closed).unwrap();
        let inner = closed.join("file");
        std::fs::write(&inner, "").unwrap();
        let error = owner
            .can_reach("the server", &inner)
            .unwrap_err()
            .to_string();
        assert!(error.contains("`somebody`"), "{error}");
        let reason = format!("{} is closed to others", closed.display());
        assert!(error.contains(&reason), "{error}");
    }
}

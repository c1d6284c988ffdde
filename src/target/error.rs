//! Why a target cannot be had, or cannot be used.

use std::io;
use std::path::PathBuf;

/// Why a target cannot be had, or cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// No such name.
    #[error(
        "there is no target `{name}`: say `embedded`, `dovecot`, `cyrus`, `courier`, or the path of a target file (`--target my-server.toml`)"
    )]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// A server of ours has no such option.
    #[error("`{option}` is no option of {server}; it has {known}")]
    UnknownOption {
        /// Its name for people.
        server: &'static str,
        /// What was asked for.
        option: String,
        /// What there is.
        known: &'static str,
    },
    /// The packages are missing.
    #[error(
        "Dovecot is not installed ({missing} not found): install it with `apt-get install {packages}`"
    )]
    NotInstalled {
        /// The program or part that was looked for.
        missing: String,
        /// Debian's packages.
        packages: &'static str,
    },
    /// Neither installed nor unpacked.
    #[error(
        "{title} is not on this machine: `scripts/fetch-servers.sh {name}` unpacks it from Debian's packages without installing it"
    )]
    NotFetched {
        /// Its name for people.
        title: &'static str,
        /// Its name as a target.
        name: &'static str,
    },
    /// Another version than the one whose settings we write.
    #[error(
        "Dovecot {version} is installed, but the settings that mailgauge writes are those of Dovecot 2.3"
    )]
    Version {
        /// What `dovecot --version` says.
        version: String,
    },
    /// It ended, or did not listen, before its time limit.
    #[error("{server} did not start: {reason}")]
    NotStarted {
        /// Its name.
        server: &'static str,
        /// With its own words where it left some.
        reason: String,
    },
    /// A file or directory of ours.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It could not be stopped as it should.
    #[error("{server} did not stop as it should: {reason}")]
    NotStopped {
        /// Its name.
        server: &'static str,
        /// What happened.
        reason: String,
    },
    /// A target file that says something impossible.
    #[error("{reason}")]
    Description {
        /// The target file.
        path: PathBuf,
        /// A sentence, with file, line and column.
        reason: String,
    },
    /// It must not be used, for the sake of what is on it.
    #[error("{reason}")]
    Unsafe {
        /// A sentence with the remedy.
        reason: String,
    },
    /// It does not answer as needed.
    #[error("{reason}")]
    Unusable {
        /// A sentence.
        reason: String,
    },
}

impl TargetError {
    /// What was asked for cannot be on any machine: the command line is wrong.
    pub const fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Unknown { .. } | Self::UnknownOption { .. } | Self::Description { .. }
        )
    }

    pub(super) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}

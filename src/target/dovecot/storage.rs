//! How Dovecot keeps mail, as the target's name says: `dovecot:mdbox`.

use crate::target::TargetError;

/// How Dovecot keeps mail.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, strum::Display, strum::EnumString, strum::EnumIter,
)]
#[strum(serialize_all = "lowercase")]
pub enum Storage {
    /// A file per message, its flags in the file's name.
    #[default]
    Maildir,
    /// A file per message, flags in an index.
    Sdbox,
    /// Many messages per file, flags in an index.
    Mdbox,
}

impl Storage {
    /// What stands behind `dovecot:`: options with commas between them, `mdbox` or `storage=mdbox`.
    pub(in crate::target) fn of_options(options: Option<&str>) -> Result<Self, TargetError> {
        let mut storage = Self::default();
        for option in options.into_iter().flat_map(|options| options.split(',')) {
            let word = option.strip_prefix("storage=").unwrap_or(option);
            storage = word.parse().map_err(|_| TargetError::UnknownOption {
                server: "Dovecot",
                option: option.to_owned(),
                known: "its storage, `dovecot:maildir` (the default), `dovecot:sdbox` or `dovecot:mdbox`",
            })?;
        }
        Ok(storage)
    }

    /// Below a user's home.
    pub(super) const fn folder(self) -> &'static str {
        match self {
            Self::Maildir => "Maildir",
            Self::Sdbox => "sdbox",
            Self::Mdbox => "mdbox",
        }
    }

    /// Two first deliveries at once refuse each other, unless the mailbox is there before.
    pub(super) const fn wants_mailboxes(self) -> bool {
        !matches!(self, Self::Maildir)
    }

    /// What happens to the space of mail that is expunged, where that is not given back at once.
    pub(super) const fn purging(self) -> Option<&'static str> {
        match self {
            Self::Maildir | Self::Sdbox => None,
            Self::Mdbox => Some(
                "none during a run: expunged mail keeps its space (`doveadm purge` is not run)",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Storage;

    #[test]
    fn the_storage_is_a_word_behind_the_name_and_maildir_without_one() {
        assert_eq!(Storage::of_options(None).unwrap(), Storage::Maildir);
        assert_eq!(Storage::of_options(Some("sdbox")).unwrap(), Storage::Sdbox);
        let long = Storage::of_options(Some("storage=mdbox"));
        assert_eq!(long.unwrap(), Storage::Mdbox);
    }

    #[test]
    fn an_option_that_dovecot_does_not_have_is_refused_with_those_it_has() {
        for options in ["", "mbox", "fsync=always", "sdbox,"] {
            let error = Storage::of_options(Some(options)).unwrap_err();
            assert!(error.to_string().contains("`dovecot:mdbox`"), "{error}");
        }
    }
}

//! Who may log in. Passwords lie in clear text, because APOP needs them so and because a costly hash would
//! measure the hash.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why accounts cannot be used.
#[derive(Debug, Error)]
pub enum AccountError {
    /// The file cannot be read.
    #[error("cannot read the accounts in {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A line is not `user:password`.
    #[error("{}, line {line}: {problem}", path.display())]
    BadLine {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: AccountProblem,
    },
}

/// What can be wrong with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AccountProblem {
    /// No colon.
    #[error("write user:password")]
    NoPassword,
    /// The name is used for a folder and in addresses.
    #[error(
        "a user's name is 1 to 64 of a-z, A-Z, 0-9, `.`, `_`, `-`, `@` and does not begin with a dot"
    )]
    BadName,
    /// Given twice.
    #[error("there is such a user already")]
    Twice,
}

/// Users and their passwords.
#[derive(Clone, Default)]
pub struct Accounts(BTreeMap<String, String>);

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Accounts {
    /// Reads `user:password` lines; empty lines and those with `#` in front are passed over.
    pub fn read(path: &Path) -> Result<Self, AccountError> {
        let text = fs::read_to_string(path).map_err(|source| AccountError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let mut accounts = Self::default();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            line.split_once(':')
                .ok_or(AccountProblem::NoPassword)
                .and_then(|(user, password)| accounts.add(user, password))
                .map_err(|problem| AccountError::BadLine {
                    path: path.to_owned(),
                    line: number + 1,
                    problem,
                })?;
        }
        Ok(accounts)
    }

    /// One more.
    pub fn add(&mut self, user: &str, password: &str) -> Result<(), AccountProblem> {
        let good = (1..=64).contains(&user.len())
            && !user.starts_with('.')
            && user
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-@".contains(&b));
        if !good {
            return Err(AccountProblem::BadName);
        }
        if self.0.contains_key(user) {
            return Err(AccountProblem::Twice);
        }
        self.0.insert(user.to_owned(), password.to_owned());
        Ok(())
    }

    /// All users, by name.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// A user's password.
    pub fn password(&self, user: &str) -> Option<&str> {
        self.0.get(user).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_a_password_is_named_by_file_and_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "# people\nann:secret:with:colons\n\nbob\n").unwrap();
        let error = Accounts::read(file.path()).unwrap_err().to_string();
        assert!(error.ends_with("line 4: write user:password"), "{error}");
        fs::write(file.path(), "ann:secret:with:colons\n").unwrap();
        let accounts = Accounts::read(file.path()).unwrap();
        assert_eq!(accounts.password("ann"), Some("secret:with:colons"));
    }

    #[test]
    fn a_name_that_would_leave_the_mail_folder_is_refused() {
        let mut accounts = Accounts::default();
        for name in ["", "..", ".x", "a/b", "a b", "a\0b"] {
            assert_eq!(accounts.add(name, "x"), Err(AccountProblem::BadName));
        }
    }
}

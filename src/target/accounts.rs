//! Whose mailboxes a target lends: names and passwords from a file, or from a pattern such as
//! `load{0001..5000}@example.net`. What stands in a file of passwords is never shown, not even when it is wrong.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use super::Account;
use crate::client::{LoginMethod, Secret};

/// A list of more accounts than this is refused.
const MOST: u32 = 1_000_000;

/// Names made from a pattern with one run of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    before: String,
    first: u32,
    last: u32,
    /// Numbers are filled up with zeros to so many digits.
    digits: usize,
    after: String,
}

/// A pattern that cannot be read: a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct PatternError(String);

impl Pattern {
    /// `load{0001..5000}@example.net`, or a name without braces, which stands for itself.
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        let wrong = |why: &str| {
            PatternError(format!(
                "`{text}` {why}: write one run of numbers, such as `load{{0001..5000}}@example.net`"
            ))
        };
        let Some((before, rest)) = text.split_once('{') else {
            if text.is_empty() || text.contains('}') {
                return Err(wrong("is no pattern"));
            }
            return Ok(Self {
                before: text.to_owned(),
                first: 0,
                last: 0,
                digits: 0,
                after: String::new(),
            });
        };
        let (run, after) = rest
            .split_once('}')
            .ok_or_else(|| wrong("lacks a closing brace"))?;
        if after.contains(['{', '}']) {
            return Err(wrong("has more than one pair of braces"));
        }
        let (first_text, last_text) = run
            .split_once("..")
            .ok_or_else(|| wrong("has no run of numbers in its braces"))?;
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse::<u32>().ok()).flatten()
        };
        let (Some(first), Some(last)) = (number(first_text), number(last_text)) else {
            return Err(wrong("has no run of numbers in its braces"));
        };
        if last < first {
            return Err(wrong("counts down"));
        }
        if last - first >= MOST {
            return Err(wrong("stands for more than a million names"));
        }
        Ok(Self {
            before: before.to_owned(),
            first,
            last,
            digits: first_text.len(),
            after: after.to_owned(),
        })
    }

    /// How many names it stands for.
    pub(super) fn len(&self) -> u32 {
        self.last - self.first + 1
    }

    /// The names, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = String> + '_ {
        let Self {
            before,
            first,
            last,
            digits,
            after,
        } = self;
        (*first..=*last).map(move |number| match digits {
            0 => before.clone(),
            digits => format!("{before}{number:0digits$}{after}"),
        })
    }
}

/// Where names come from.
#[derive(Clone, Debug)]
enum Names {
    /// One password for all.
    Pattern(Pattern, Secret),
    /// Each with its own.
    List(Vec<(String, Secret, Option<String>)>),
}

/// The accounts of a target.
#[derive(Clone, Debug)]
pub(super) struct Accounts {
    names: Names,
    /// Appended to a name without `@` to get its address.
    domain: String,
    /// `*master`, if a master user logs in for everybody.
    master: Option<String>,
    method: LoginMethod,
}

/// A file of accounts that cannot be used. Its contents are not shown.
#[derive(Debug, thiserror::Error)]
pub(super) enum AccountsError {
    /// It cannot be read.
    #[error("cannot read the accounts in {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// One of its lines is wrong.
    #[error("{}:{line}: {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// A sentence.
        reason: String,
    },
}

impl Accounts {
    /// Nobody.
    pub(super) fn none() -> Self {
        Self::new(Names::List(Vec::new()))
    }

    /// One password for all names of a pattern.
    pub(super) fn of_pattern(pattern: Pattern, password: Secret) -> Self {
        Self::new(Names::Pattern(pattern, password))
    }

    /// A CSV file with the columns user, password and, if it is not the user's name, address. A first line
    /// `user,password` is a heading. With `password`, the file need not have that column.
    pub(super) fn read(path: &Path, password: Option<&Secret>) -> Result<Self, AccountsError> {
        let unreadable = |source| AccountsError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let text = std::fs::read(path).map_err(unreadable)?;
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::Fields)
            .comment(Some(b'#'))
            .from_reader(&*text);
        let mut list = Vec::new();
        let mut known = HashSet::new();
        let mut record = csv::StringRecord::new();
        loop {
            let wrong = |line: u64, reason: &str| AccountsError::Line {
                path: path.to_owned(),
                line,
                reason: reason.to_owned(),
            };
            let line = reader.position().line();
            match reader.read_record(&mut record) {
                Ok(false) => break,
                Ok(true) => {}
                Err(_) => return Err(wrong(line, "this line is no UTF-8 text")),
            }
            let line = record.position().map_or(line, csv::Position::line);
            let field = |index| record.get(index).filter(|field| !field.is_empty());
            if list.is_empty() && field(0) == Some("user") {
                continue;
            }
            let user = field(0).ok_or_else(|| wrong(line, "the user's name is missing"))?;
            let own = field(1).map(Secret::from);
            let password = own.or_else(|| password.cloned()).ok_or_else(|| {
                wrong(
                    line,
                    "the password is missing: write `user,password`, or name one password for all in the target file",
                )
            })?;
            if record.len() > 3 {
                return Err(wrong(
                    line,
                    "there are more than three columns (user, password, address); a password with a comma stands between double quotes",
                ));
            }
            if record.iter().any(|field| field.contains(char::is_control)) {
                return Err(wrong(line, "there is a control character in it"));
            }
            if !known.insert(user.to_owned()) {
                return Err(wrong(line, "this user has been named before"));
            }
            list.push((user.to_owned(), password, field(2).map(str::to_owned)));
            if list.len() > MOST as usize {
                return Err(wrong(line, "there are more than a million accounts"));
            }
        }
        if list.is_empty() {
            return Err(AccountsError::Line {
                path: path.to_owned(),
                line: 1,
                reason: "there is no account in this file: write a line `user,password` for each"
                    .into(),
            });
        }
        Ok(Self::new(Names::List(list)))
    }

    fn new(names: Names) -> Self {
        Self {
            names,
            domain: "localhost".into(),
            master: None,
            method: LoginMethod::default(),
        }
    }

    /// The domain of addresses of names that have none.
    #[must_use]
    pub(super) fn in_domain(self, domain: impl Into<String>) -> Self {
        Self {
            domain: domain.into(),
            ..self
        }
    }

    /// A master user logs in for everybody, with the master's password: `user*master`.
    #[must_use]
    pub(super) fn through_master(self, separator: &str, master: &str) -> Self {
        Self {
            master: Some(format!("{separator}{master}")),
            ..self
        }
    }

    /// How names and passwords are presented.
    #[must_use]
    pub(super) fn logging_in_by(self, method: LoginMethod) -> Self {
        Self { method, ..self }
    }

    /// The way in which they log in.
    pub(super) fn method(&self) -> LoginMethod {
        self.method
    }

    /// How many there are.
    pub(super) fn len(&self) -> u32 {
        match &self.names {
            Names::Pattern(pattern, _) => pattern.len(),
            Names::List(list) => list.len() as u32,
        }
    }

    /// The name of an account without the master user.
    pub(super) fn name_of<'a>(&self, account: &'a Account) -> &'a str {
        let master = self.master.as_deref().unwrap_or_default();
        account.user.strip_suffix(master).unwrap_or(&account.user)
    }

    /// The first `count` of them, or as many as there are.
    pub(super) fn first(&self, count: u32) -> Vec<Account> {
        let count = count as usize;
        match &self.names {
            Names::Pattern(pattern, password) => pattern
                .names()
                .take(count)
                .map(|name| self.account(&name, password, None))
                .collect(),
            Names::List(list) => list
                .iter()
                .take(count)
                .map(|(name, password, address)| self.account(name, password, address.as_deref()))
                .collect(),
        }
    }

    fn account(&self, name: &str, password: &Secret, address: Option<&str>) -> Account {
        let address = match address {
            Some(address) => address.to_owned(),
            None if name.contains('@') => name.to_owned(),
            None => format!("{name}@{}", self.domain),
        };
        Account {
            user: format!("{name}{}", self.master.as_deref().unwrap_or_default()),
            password: password.expose().to_owned(),
            address,
            method: self.method,
        }
    }
}

impl fmt::Display for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len() {
            1 => f.write_str("1 account"),
            count => write!(f, "{count} accounts"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Accounts, Pattern};
    use crate::client::Secret;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("accounts.csv");
        std::fs::write(&path, text).unwrap();
        (dir, path)
    }

    #[test]
    fn a_pattern_counts_with_the_zeros_it_was_written_with() {
        let pattern = Pattern::parse("load{0098..0101}@example.net").unwrap();
        assert_eq!(pattern.len(), 4);
        let names: Vec<String> = pattern.names().collect();
        assert_eq!(names[0], "load0098@example.net");
        assert_eq!(names[3], "load0101@example.net");
        let plain: Vec<String> = Pattern::parse("u{9..10}").unwrap().names().collect();
        assert_eq!(plain, ["u9", "u10"]);
        let one: Vec<String> = Pattern::parse("me").unwrap().names().collect();
        assert_eq!(one, ["me"]);
    }

    #[test]
    fn a_pattern_that_makes_no_sense_is_refused_with_an_example() {
        for text in [
            "",
            "u}",
            "u{1..",
            "u{5..1}",
            "u{a..b}",
            "u{1-5}",
            "u{1..2}{3..4}",
            "u{0..4000000000}",
            "u{..5}",
            "u{+1..5}",
        ] {
            let error = Pattern::parse(text).unwrap_err().to_string();
            assert!(
                error.contains("load{0001..5000}@example.net"),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn a_file_gives_each_user_a_password_and_an_address() {
        let (_dir, path) =
            file("user,password\n# ours\nann,hush\n\"bob\",\"a,b\"\"c\",bob@example.org\n");
        let accounts = Accounts::read(&path, None)
            .unwrap()
            .in_domain("example.net")
            .first(10);
        assert_eq!(accounts.len(), 2);
        assert_eq!(accounts[0].address, "ann@example.net");
        assert_eq!(accounts[1].password, "a,b\"c");
        assert_eq!(accounts[1].address, "bob@example.org");
    }

    #[test]
    fn a_wrong_line_is_named_and_not_shown() {
        for (text, line) in [
            ("ann,hush\nbob\n", ":2:"),
            ("ann,hush\n,hush\n", ":2:"),
            ("ann,hush,a@b,hush\n", ":1:"),
            ("\n", ":1:"),
            ("ann,hush\nann,hush\n", ":2:"),
            ("\"an\nn\",hush\n", ":1:"),
        ] {
            let (_dir, path) = file(text);
            let error = Accounts::read(&path, None).unwrap_err().to_string();
            assert!(error.contains(line), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn a_master_user_opens_every_mailbox() {
        let pattern = Pattern::parse("u{1..2}").unwrap();
        let accounts =
            Accounts::of_pattern(pattern, Secret::from("hush")).through_master("*", "admin");
        let second = &accounts.first(2)[1];
        assert_eq!(second.user, "u2*admin");
        assert_eq!(second.address, "u2@localhost");
        assert!(!format!("{accounts:?}").contains("hush"));
    }
}

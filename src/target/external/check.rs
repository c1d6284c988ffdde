//! From a target file's text to a target: defaults filled in, files read, mistakes shown where they stand. A line that may
//! hold a password is never shown.

use std::collections::HashSet;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::description::{
    AccountsText, By, DeliveryText, Description, LimitsText, SecretText, ServiceText,
};
use super::view::View;
use super::{Ceiling, DeliveryPlace, External, ExternalOptions, Place};
use crate::client::{Login, Secret};
use crate::net::{ClientCertificate, Trust};
use crate::proto::lmtp::Dialect;
use crate::scenario::{Diagnostic, Protocol, Share, TlsMode, TomlText};
use crate::target::TargetError;
use crate::target::accounts::{Accounts, Pattern};

/// Half of the sessions.
const MAX_ERROR_SHARE: f64 = 0.5;

/// A target file that is being read.
struct Reader<'a> {
    path: &'a Path,
    text: TomlText<'a>,
    options: &'a ExternalOptions,
}

/// Reads a target file.
pub(super) fn read(path: &Path, options: &ExternalOptions) -> Result<External, TargetError> {
    let text = fs::read_to_string(path).map_err(TargetError::file("read", path))?;
    let name = path.display().to_string();
    let mistake = |diagnostic| refuse(path, &diagnostic);
    let parsed = TomlText::parse(&name, &text).map_err(mistake)?;
    let description: Description = parsed.read().map_err(mistake)?;
    let reader = Reader {
        path,
        text: parsed,
        options,
    };
    reader.target(description)
}

/// A host that has everything at its usual place; mail is put there by IMAP APPEND.
pub(super) fn host(name: &str, options: &ExternalOptions) -> Result<External, TargetError> {
    let description = Description {
        name: Some(name.into()),
        host: Some(name.into()),
        ..Description::default()
    };
    if options.accounts.is_none() && !options.only_looking {
        return Err(TargetError::Unusable {
            reason: format!(
                "whose mailboxes may be used on {name}? name a file with lines `user,password` (`--accounts FILE`), or write a target file"
            ),
        });
    }
    let reader = Reader {
        path: Path::new(""),
        // An empty text cannot be wrong.
        text: TomlText::parse(name, "").map_err(|diagnostic| refuse(Path::new(""), &diagnostic))?,
        options,
    };
    reader.target(description)
}

/// A mistake as an error; its line is shown unless there may be a password in it.
fn refuse(path: &Path, diagnostic: &Diagnostic) -> TargetError {
    let secret = diagnostic.place.as_ref().filter(|place| {
        let line = place.text.to_lowercase();
        ["pas", "pw", "secret", "token"]
            .iter()
            .any(|word| line.contains(word))
    });
    let reason = match secret {
        None => diagnostic.to_string(),
        Some(place) => {
            let shown = Diagnostic {
                message: format!(
                    "{}\n --> {}:{}:{} (the line may hold a password and is not shown)",
                    diagnostic.message,
                    path.display(),
                    place.line,
                    place.column
                ),
                place: None,
                help: diagnostic.help.clone(),
            };
            shown.to_string()
        }
    };
    TargetError::Description {
        path: path.to_owned(),
        reason,
    }
}

impl Reader<'_> {
    fn target(&self, description: Description) -> Result<External, TargetError> {
        let host = description.host.as_deref();
        let pop3 = self.service(Protocol::Pop3, &description.pop3, host)?;
        let imap = self.service(Protocol::Imap, &description.imap, host)?;
        if pop3.is_none() && imap.is_none() {
            return Err(self.wrong(
                "pop3.offered",
                "a target without POP3 and IMAP has nothing to measure",
            ));
        }
        let delivery = self.delivery(&description.delivery, host, imap.is_some())?;
        let ceiling = self.ceiling(&description.limits)?;
        let trust = self.trust(description.tls.ca.as_deref())?;
        let identity = self.identity(&description)?;
        let disposable = self.disposable(&description.disposable)?;
        let view = View::of(&description.server)
            .map_err(|misfit| self.wrong(&misfit.key, misfit.message))?;
        let domain = description.accounts.domain.clone().or_else(|| domain(host));
        let accounts = self
            .accounts(&description.accounts)?
            .in_domain(domain.unwrap_or_else(|| "localhost".into()));
        let stem = self.path.file_stem().unwrap_or_default();
        let name = description
            .name
            .unwrap_or_else(|| stem.to_string_lossy().into_owned());
        if name.is_empty() || name.contains(['/', '\0']) || name.starts_with('.') {
            return Err(self.wrong(
                "name",
                "the name goes into a folder's name: no `/`, and no dot at its beginning",
            ));
        }
        Ok(External {
            name,
            file: (!self.path.as_os_str().is_empty()).then(|| self.path.to_owned()),
            pop3,
            imap,
            delivery,
            trust,
            identity,
            sources: description.source_addresses,
            accounts,
            disposable,
            ceiling,
            view,
            allow_plaintext: self.options.allow_plaintext,
            owned: self.options.owned,
        })
    }

    fn wrong(&self, path: &str, message: impl Into<String>) -> TargetError {
        self.wrong_with_help(path, message, None)
    }

    fn wrong_with_help(
        &self,
        path: &str,
        message: impl Into<String>,
        help: Option<&str>,
    ) -> TargetError {
        let help = help.map(str::to_owned);
        refuse(self.path, &self.text.mistake(path, message.into(), help))
    }

    /// A path as it stands in the file: from the file's own folder.
    fn beside(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    fn contents(&self, key: &str, path: &Path) -> Result<Vec<u8>, TargetError> {
        let path = self.beside(path);
        fs::read(&path)
            .map_err(|error| self.wrong(key, format!("cannot read {}: {error}", path.display())))
    }

    fn service(
        &self,
        protocol: Protocol,
        text: &ServiceText,
        host: Option<&str>,
    ) -> Result<Option<Place>, TargetError> {
        if text.offered == Some(false) {
            return Ok(None);
        }
        let key = <&str>::from(protocol);
        let host = self.host(key, text.host.as_deref(), host)?;
        let (plain, implicit) = match protocol {
            Protocol::Pop3 => (110, 995),
            Protocol::Imap => (143, 993),
        };
        let tls = text.tls.unwrap_or(match text.port {
            Some(port) if port == implicit => TlsMode::Implicit,
            _ if is_loopback(&host) => TlsMode::Plain,
            Some(port) if port == plain => TlsMode::Starttls,
            _ => TlsMode::Implicit,
        });
        let standard = if tls == TlsMode::Implicit {
            implicit
        } else {
            plain
        };
        Ok(Some(Place {
            server_name: text.server_name.clone().unwrap_or_else(|| host.clone()),
            port: text.port.unwrap_or(standard),
            host,
            tls,
        }))
    }

    fn host(
        &self,
        key: &str,
        own: Option<&str>,
        common: Option<&str>,
    ) -> Result<String, TargetError> {
        let host = own.or(common).unwrap_or_default().trim();
        if host.is_empty() {
            return Err(self.wrong_with_help(
                &format!("{key}.host"),
                format!("where is {key}? no host is named"),
                Some("write `host = \"mail.example.net\"` at the top of the file"),
            ));
        }
        Ok(host.trim_matches(['[', ']']).to_owned())
    }

    fn delivery(
        &self,
        text: &DeliveryText,
        host: Option<&str>,
        has_imap: bool,
    ) -> Result<DeliveryPlace, TargetError> {
        let dialect = match text.by {
            By::Lmtp => Dialect::Lmtp,
            By::Smtp => Dialect::Smtp,
            By::Append if has_imap => return Ok(DeliveryPlace::Append),
            By::Append => {
                return Err(self.wrong_with_help(
                    "delivery",
                    "mail cannot be put into mailboxes: there is no IMAP to append it by",
                    Some("write `by = \"lmtp\"` or `by = \"smtp\"` below [delivery]"),
                ));
            }
        };
        let host = self.host("delivery", text.host.as_deref(), host)?;
        let tls = text.tls.unwrap_or(match (dialect, text.port) {
            (Dialect::Smtp, Some(465)) => TlsMode::Implicit,
            // LMTP has no port for TLS, and carries no password and nobody's mail.
            (Dialect::Lmtp, _) => TlsMode::Plain,
            (Dialect::Smtp, _) if is_loopback(&host) => TlsMode::Plain,
            (Dialect::Smtp, Some(25 | 587)) => TlsMode::Starttls,
            (Dialect::Smtp, _) => TlsMode::Implicit,
        });
        let standard = match (dialect, tls) {
            (Dialect::Lmtp, _) => 24,
            (Dialect::Smtp, TlsMode::Implicit) => 465,
            (Dialect::Smtp, TlsMode::Starttls) => 587,
            (Dialect::Smtp, TlsMode::Plain) => 25,
        };
        let login = match &text.user {
            None => None,
            Some(_) if dialect == Dialect::Lmtp => {
                return Err(self.wrong("delivery.user", "LMTP knows no login: only SMTP does"));
            }
            Some(user) => {
                let password = self.password(
                    "delivery",
                    text.password.as_ref(),
                    text.password_file.as_deref(),
                    text.password_env.as_deref(),
                )?;
                let password = password.ok_or_else(|| {
                    self.wrong("delivery.user", "the password of this user is missing: name a `password_file` or a `password_env`")
                })?;
                Some(Login::new(user.as_str(), password))
            }
        };
        Ok(DeliveryPlace::Session {
            place: Place {
                server_name: text.server_name.clone().unwrap_or_else(|| host.clone()),
                port: text.port.unwrap_or(standard),
                host,
                tls,
            },
            dialect,
            login,
        })
    }

    /// At most one of the three.
    fn password(
        &self,
        table: &str,
        literal: Option<&SecretText>,
        file: Option<&Path>,
        variable: Option<&str>,
    ) -> Result<Option<Secret>, TargetError> {
        let key = |key: &str| format!("{table}.{key}");
        match (literal, file, variable) {
            (None, None, None) => Ok(None),
            (Some(secret), None, None) => {
                self.refuse_if_others_read(&key("password"))?;
                Ok(Some(secret.0.clone()))
            }
            (None, Some(file), None) => {
                let text = self.contents(&key("password_file"), file)?;
                // Only its first line: editors put an end to it.
                let text = String::from_utf8(text).ok();
                let line = text.as_deref().and_then(|text| text.lines().next());
                match line.filter(|line| !line.is_empty()) {
                    Some(line) => Ok(Some(Secret::from(line))),
                    None => Err(self.wrong(
                        &key("password_file"),
                        "the first line of this file holds no password",
                    )),
                }
            }
            (None, None, Some(variable)) => match env::var(variable) {
                Ok(password) if !password.is_empty() => Ok(Some(Secret::from(password))),
                _ => Err(self.wrong(
                    &key("password_env"),
                    format!("the environment variable {variable} is not set"),
                )),
            },
            _ => Err(self.wrong(
                table,
                "one of `password`, `password_file` and `password_env` is enough",
            )),
        }
    }

    fn refuse_if_others_read(&self, key: &str) -> Result<(), TargetError> {
        let mode = fs::metadata(self.path)
            .map_err(TargetError::file("look at", self.path))?
            .mode();
        if mode & 0o004 == 0 {
            return Ok(());
        }
        let help = format!(
            "make the file yours alone (`chmod 600 {}`), or name a `password_file` or a `password_env`",
            self.path.display()
        );
        Err(self.wrong_with_help(
            key,
            "there is a password in this file, and everybody on this machine can read it",
            Some(&help),
        ))
    }

    fn accounts(&self, text: &AccountsText) -> Result<Accounts, TargetError> {
        let password = self.password(
            "accounts",
            text.password.as_ref(),
            text.password_file.as_deref(),
            text.password_env.as_deref(),
        )?;
        let file = match (&self.options.accounts, &text.file) {
            (Some(file), _) => Some(file.clone()),
            (None, Some(file)) => Some(self.beside(file)),
            (None, None) => None,
        };
        let from_file = |path: &Path| {
            Accounts::read(path, password.as_ref()).map_err(|error| TargetError::Description {
                path: path.to_owned(),
                reason: error.to_string(),
            })
        };
        let accounts = match (file, &text.pattern) {
            (Some(file), None) => from_file(&file)?,
            (Some(file), Some(_)) if self.options.accounts.is_some() => from_file(&file)?,
            (Some(_), Some(_)) => {
                return Err(self.wrong(
                    "accounts.pattern",
                    "accounts come from a `file` or from a `pattern`, not from both",
                ));
            }
            (None, Some(pattern)) => {
                let pattern = Pattern::parse(pattern)
                    .map_err(|error| self.wrong("accounts.pattern", error.to_string()))?;
                let password = password.clone().ok_or_else(|| {
                    self.wrong_with_help(
                        "accounts.pattern",
                        "the password of these accounts is missing",
                        Some("name a `password_file` or a `password_env` below [accounts]"),
                    )
                })?;
                Accounts::of_pattern(pattern, password)
            }
            (None, None) if self.options.only_looking => return Ok(Accounts::none()),
            (None, None) => {
                return Err(self.wrong_with_help(
                    "accounts",
                    "whose mailboxes may be used? no account is named",
                    Some("write below [accounts] `file = \"accounts.csv\"` (lines `user,password`), or `pattern = \"load{0001..5000}@example.net\"` and `password_env = \"…\"`"),
                ));
            }
        };
        let accounts = match &text.master_user {
            None if text.master_separator.is_some() => {
                return Err(self.wrong(
                    "accounts.master_separator",
                    "a separator without a `master_user`",
                ));
            }
            None => accounts,
            Some(_) if password.is_none() => {
                return Err(self.wrong("accounts.master_user", "the master user's password is missing: name a `password_file` or a `password_env`"));
            }
            Some(master) => {
                accounts.through_master(text.master_separator.as_deref().unwrap_or("*"), master)
            }
        };
        Ok(accounts.logging_in_by(text.login))
    }

    fn trust(&self, ca: Option<&Path>) -> Result<Trust, TargetError> {
        match ca {
            _ if self.options.insecure => Ok(Trust::Insecure),
            Some(ca) => Ok(Trust::Ca(self.contents("tls.ca", ca)?)),
            None => Ok(Trust::System),
        }
    }

    fn identity(
        &self,
        description: &Description,
    ) -> Result<Option<ClientCertificate>, TargetError> {
        match (
            &description.tls.client_certificate,
            &description.tls.client_key,
        ) {
            (None, None) => Ok(None),
            (Some(chain), Some(key)) => Ok(Some(ClientCertificate {
                chain: self.contents("tls.client_certificate", chain)?,
                key: self.contents("tls.client_key", key)?,
            })),
            (Some(_), None) => Err(self.wrong(
                "tls.client_certificate",
                "the `client_key` to this certificate is missing",
            )),
            (None, Some(_)) => Err(self.wrong(
                "tls.client_key",
                "the `client_certificate` to this key is missing",
            )),
        }
    }

    fn ceiling(&self, text: &LimitsText) -> Result<Ceiling, TargetError> {
        if text.rate.is_some_and(|rate| rate.is_nan() || rate <= 0.0) {
            return Err(self.wrong(
                "limits.max_rate",
                "a rate of sessions per second is above 0",
            ));
        }
        if text.connections == Some(0) {
            return Err(self.wrong(
                "limits.max_connections",
                "at least one connection is needed",
            ));
        }
        Ok(Ceiling {
            rate: text.rate,
            connections: text.connections,
            error_share: text
                .error_share
                .or(Share::new(MAX_ERROR_SHARE))
                .unwrap_or(Share::ALL),
        })
    }

    fn disposable(&self, patterns: &[String]) -> Result<HashSet<String>, TargetError> {
        let mut users = HashSet::new();
        for (index, text) in patterns.iter().enumerate() {
            let pattern = Pattern::parse(text)
                .map_err(|error| self.wrong(&format!("disposable.{index}"), error.to_string()))?;
            users.extend(pattern.names());
        }
        Ok(users)
    }
}

/// As the text says it; what a name resolves to is another question.
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// The domain that goes with a host: the host itself, unless it is a number.
fn domain(host: Option<&str>) -> Option<String> {
    let host = host?.trim_matches(['[', ']']);
    host.parse::<IpAddr>().is_err().then(|| host.to_owned())
}

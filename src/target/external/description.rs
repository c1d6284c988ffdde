//! The text of a target file, as it stands there: what may be written, nothing filled in yet.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::client::{LoginMethod, Secret};
use crate::scenario::{Share, TlsMode};

/// A whole target file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Description {
    /// What the results are filed under; left out: the file's name.
    pub(super) name: Option<String>,
    /// Where services are that do not say it themselves.
    pub(super) host: Option<String>,
    pub(super) pop3: ServiceText,
    pub(super) imap: ServiceText,
    pub(super) delivery: DeliveryText,
    pub(super) tls: TlsText,
    /// Addresses of this machine from which connections are made, in turn.
    pub(super) source_addresses: Vec<IpAddr>,
    pub(super) accounts: AccountsText,
    /// Users whose mailboxes may hold mail that mailgauge did not put there. It is left alone all the same.
    pub(super) disposable: Vec<String>,
    pub(super) limits: LimitsText,
    pub(super) server: ServerText,
}

/// POP3 or IMAP.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ServiceText {
    /// `false`: the server has none, or none to be used.
    pub(super) offered: Option<bool>,
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) tls: Option<TlsMode>,
    /// The name that the certificate must carry; left out: the host.
    pub(super) server_name: Option<String>,
}

/// How mail gets into the mailboxes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DeliveryText {
    pub(super) by: By,
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) tls: Option<TlsMode>,
    pub(super) server_name: Option<String>,
    /// Who logs in to hand mail over by SMTP; left out: nobody.
    pub(super) user: Option<String>,
    pub(super) password: Option<SecretText>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) password_env: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum By {
    /// IMAP APPEND, by each user.
    #[default]
    Append,
    Lmtp,
    Smtp,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TlsText {
    /// PEM: authorities to trust instead of this machine's.
    pub(super) ca: Option<PathBuf>,
    /// PEM: what we show to a server that asks who we are.
    pub(super) client_certificate: Option<PathBuf>,
    pub(super) client_key: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AccountsText {
    /// CSV: user, password or token, address.
    pub(super) file: Option<PathBuf>,
    /// `load{0001..5000}@example.net`.
    pub(super) pattern: Option<String>,
    pub(super) password: Option<SecretText>,
    #[serde(alias = "token_file")]
    pub(super) password_file: Option<PathBuf>,
    #[serde(alias = "token_env")]
    pub(super) password_env: Option<String>,
    /// The domain of addresses, where the users' names have none.
    pub(super) domain: Option<String>,
    /// Logs in for everybody.
    pub(super) master_user: Option<String>,
    /// Between the user and the master user.
    pub(super) master_separator: Option<String>,
    /// How name and password are presented; for `xoauth2` and `oauthbearer` a token stands for the password.
    pub(super) login: LoginMethod,
}

/// Ceilings, whatever the scenario says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LimitsText {
    /// Sessions per second.
    #[serde(rename = "max_rate")]
    pub(super) rate: Option<f64>,
    /// Connections at the same time.
    #[serde(rename = "max_connections")]
    pub(super) connections: Option<u32>,
    /// Share of sessions that may fail for 10 s before the load stops.
    #[serde(rename = "max_error_share")]
    pub(super) error_share: Option<Share>,
}

/// By what is measured what the server uses: on this machine, by exporters, or by an agent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ServerText {
    /// The process that all its others descend from.
    pub(super) pid: Option<u32>,
    /// Its control group, below `/sys/fs/cgroup`; with a `pid`, the mount of control groups below which the group of that
    /// process is looked for.
    pub(super) cgroup: Option<PathBuf>,
    /// The folder of its mail.
    pub(super) storage: Option<PathBuf>,
    /// Pages of exporters on its machine: `http://mail.example.net:9100/metrics`.
    pub(super) metrics: Vec<String>,
    /// Of what they tell: the group of processes (process-exporter) or the container (cAdvisor) that is the server.
    pub(super) process_group: Option<String>,
    /// Program and arguments that bring up `mailgauge probe --agent` on its machine.
    pub(super) agent: Option<Vec<String>>,
}

/// A password in the file. Whatever else stands in its place is not repeated in the error.
#[derive(Clone, Debug)]
pub(super) struct SecretText(pub(super) Secret);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Quoted;
        impl Visitor<'_> for Quoted {
            type Value = SecretText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a password between quotes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SecretText, E> {
                Ok(SecretText(Secret::from(text)))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<SecretText, E> {
                Err(E::custom("a password stands between quotes"))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<SecretText, E> {
                Err(E::custom("a password stands between quotes"))
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<SecretText, E> {
                Err(E::custom("a password stands between quotes"))
            }
        }
        deserializer.deserialize_any(Quoted)
    }
}

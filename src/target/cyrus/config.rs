//! The settings of a private Cyrus: everything below one folder, on free ports of 127.0.0.1, without the brakes
//! that a load test would measure instead of the server.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::scenario::TlsMode;
use crate::target::certificate::Certificate;
use crate::target::owner::Owner;
use crate::target::private::{Ports, make_folders};
use crate::target::{Account, TargetError};

/// The realm of the users in the password database, which is the server's name, and the domain of their addresses.
pub(super) const REALM: &str = "localhost";

/// One instance's settings.
#[derive(Debug)]
pub(super) struct Config<'a> {
    pub(super) dir: &'a str,
    /// Where Cyrus's programs are.
    pub(super) bin: &'a str,
    pub(super) owner: &'a Owner,
    pub(super) ports: Ports,
    pub(super) tls: TlsMode,
    pub(super) certificate: Option<&'a Certificate>,
    /// Whether it waits for the disk.
    pub(super) fsync: bool,
}

impl Config<'_> {
    /// Writes the two settings files, makes the folders, and hands over what the server's account needs.
    pub(super) fn write(&self) -> Result<(), TargetError> {
        let dir = Path::new(self.dir);
        // Without conf/socket IDLE would poll; without run/proc no session would be counted. Two deliveries that both find
        // no spool/stage. both make it, and for the slower one lmtpd fails an assertion (3.6.1).
        let folders = [
            "conf/socket",
            "spool/stage.",
            "sieve",
            "run/proc",
            "run/lock",
        ];
        make_folders(dir, &folders)?;
        for (name, text) in [
            ("imapd.conf", self.settings()),
            ("cyrus.conf", self.services()),
        ] {
            let path = dir.join(name);
            fs::write(&path, text).map_err(TargetError::file("write", &path))?;
        }
        for name in ["conf", "spool", "sieve", "run", "secrets"] {
            self.owner.give(&dir.join(name))?;
        }
        if let Some(certificate) = self.certificate {
            self.owner.give(&certificate.key)?;
        }
        Ok(())
    }

    /// What decides the figures, for the manifest.
    pub(super) fn facts(&self) -> BTreeMap<String, String> {
        let fsync = if self.fsync {
            "at each commit (Cyrus's default; libeatmydata is not here)"
        } else {
            "never (libeatmydata)"
        };
        [
            ("mode", "a process per session, used again for up to 250 sessions"),
            ("storage", "Cyrus's own: a file per message, with index and cache per mailbox"),
            ("fsync", fsync),
            ("password scheme", "plain (sasldb)"),
            ("delivery", "lmtpd over TCP"),
            ("duplicate suppression", "off"),
            (
                "deleted mail",
                "hidden at once, on disk until cyr_expire runs (expunge_mode: delayed, Cyrus's default)",
            ),
            ("special folders", "Sent, Drafts, Trash, Archive, marked as special"),
            (
                "limits raised",
                "popminpoll 0 (Debian: 1 minute between POP3 logins of a user); logins per user and host, processes: no limit; listen queue 1024",
            ),
            ("pop3 lock", "none: a second session of a user is let in"),
            ("logging", "syslog, as Cyrus does"),
            ("user", &self.owner.described()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// `imapd.conf`. Not `expunge_mode: immediate`, although mail then leaves the disk when it is deleted: with it Cyrus 3.6.1
    /// removes other messages than those asked for when two POP3 sessions of a user end at the same time.
    fn settings(&self) -> String {
        let dir = self.dir;
        let user = &self.owner.name;
        let mut text = format!(
            "configdirectory: {dir}/conf
partition-default: {dir}/spool
defaultpartition: default
sievedir: {dir}/sieve
proc_path: {dir}/run/proc
mboxname_lockpath: {dir}/run/lock
idlesocket: {dir}/run/idle
notifysocket: {dir}/run/notify
lmtpsocket: {dir}/run/lmtp
cyrus_user: {user}
servername: {REALM}
virtdomains: off
altnamespace: yes
unixhierarchysep: yes
hashimapspool: yes
syslog_prefix: mailgauge-cyrus
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {dir}/secrets/sasldb2
sasl_mech_list: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256
popminpoll: 0
maxlogins_per_user: 0
maxlogins_per_host: 0
duplicatesuppression: no
expunge_mode: delayed
delete_mode: immediate
autocreate_quota: 0
autocreate_post: yes
autocreate_inbox_folders: Sent|Drafts|Trash|Archive
autocreate_subscribe_folders: Sent|Drafts|Trash|Archive
xlist-sent: Sent
xlist-drafts: Drafts
xlist-trash: Trash
xlist-archive: Archive
"
        );
        if let Some(certificate) = self.certificate {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "tls_server_cert: {}\ntls_server_key: {}",
                certificate.chain.display(),
                certificate.key.display()
            );
        }
        text
    }

    /// `cyrus.conf`.
    fn services(&self) -> String {
        let Self { dir, bin, .. } = self;
        let Ports { pop3, imap, lmtp } = self.ports;
        let (s, flag) = match self.tls {
            TlsMode::Implicit => ("s", " -s"),
            TlsMode::Plain | TlsMode::Starttls => ("", ""),
        };
        format!(
            r#"START {{
  recover cmd="{bin}/ctl_cyrusdb -C {dir}/imapd.conf -r"
}}
SERVICES {{
  imap{s} cmd="{bin}/imapd{flag} -C {dir}/imapd.conf" listen="127.0.0.1:{imap}" prefork=2
  pop3{s} cmd="{bin}/pop3d{flag} -C {dir}/imapd.conf" listen="127.0.0.1:{pop3}" prefork=2
  lmtp cmd="{bin}/lmtpd -C {dir}/imapd.conf -a" listen="127.0.0.1:{lmtp}" prefork=1
}}
DAEMON {{
  idled cmd="{bin}/idled -C {dir}/imapd.conf"
}}
EVENTS {{
  checkpoint cmd="{bin}/ctl_cyrusdb -C {dir}/imapd.conf -c" period=30
}}
"#
        )
    }
}

/// The password database as text for `db_load -T`: keys and values in turn, as Cyrus SASL has them.
pub(super) fn passwords(accounts: &[Account]) -> String {
    let mut text = String::with_capacity(accounts.len() * 64);
    for Account { user, password, .. } in accounts {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{user}\\00{REALM}\\00userPassword\n{password}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Config, passwords};
    use crate::scenario::TlsMode;
    use crate::target::owner::Owner;
    use crate::target::private::Ports;
    use crate::target::private_accounts;

    fn config(tls: TlsMode, owner: &Owner) -> Config<'_> {
        Config {
            dir: "/tmp/here",
            bin: "/opt/cyrus/bin",
            owner,
            ports: Ports {
                pop3: 41_110,
                imap: 41_143,
                lmtp: 41_024,
            },
            tls,
            certificate: None,
            fsync: false,
        }
    }

    #[test]
    fn every_service_listens_on_loopback_only_and_on_its_port() {
        let owner = Owner::of_servers().unwrap();
        let text = config(TlsMode::Plain, &owner).services();
        let listening: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split_once("listen=\""))
            .map(|(_, rest)| rest.split('"').next().unwrap())
            .collect();
        assert_eq!(
            listening,
            ["127.0.0.1:41143", "127.0.0.1:41110", "127.0.0.1:41024"]
        );
    }

    #[test]
    fn implicit_tls_is_a_service_of_its_own() {
        let owner = Owner::of_servers().unwrap();
        let text = config(TlsMode::Implicit, &owner).services();
        assert!(text.contains("  imaps cmd=\"/opt/cyrus/bin/imapd -s -C"));
        assert!(text.contains("  pop3s cmd=\"/opt/cyrus/bin/pop3d -s -C"));
        assert!(text.contains("  lmtp cmd=\"/opt/cyrus/bin/lmtpd -C"));
    }

    #[test]
    fn every_path_of_the_settings_is_below_the_folder() {
        let owner = Owner::of_servers().unwrap();
        let text = config(TlsMode::Plain, &owner).settings();
        for line in text.lines().filter(|line| line.contains(": /")) {
            assert!(line.contains(": /tmp/here/"), "{line}");
        }
    }

    #[test]
    fn a_user_has_a_key_and_a_password_in_the_database() {
        let accounts = private_accounts(1, "localhost");
        let expected = format!(
            "u00000\\00localhost\\00userPassword\n{}\n",
            accounts[0].password
        );
        assert_eq!(passwords(&accounts), expected);
    }
}

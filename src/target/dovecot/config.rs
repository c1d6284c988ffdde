//! The settings of a private Dovecot: for load, and fair to both protocols. Login processes are shared (its
//! high-performance mode) and mail processes are used again, so that a login costs no fork and exec.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use super::{Storage, TargetError};
use crate::scenario::TlsMode;
use crate::target::Account;
use crate::target::certificate::Certificate;
use crate::target::private::Ports;

/// Who runs what.
#[derive(Debug)]
pub(super) struct Identity {
    /// Runs Dovecot's inner services.
    internal: Owner,
    /// Talks to the network before login.
    login: Owner,
    /// Owns the mail.
    mail: Owner,
    root: bool,
}

#[derive(Clone, Debug)]
struct Owner {
    name: String,
    group: String,
    uid: u32,
    gid: u32,
}

impl Identity {
    pub(super) fn of_this_process() -> Result<Self, TargetError> {
        let uid = rustix::process::geteuid().as_raw();
        if uid == 0 {
            Ok(Self {
                internal: Owner::named("dovecot")?,
                login: Owner::named("dovenull")?,
                mail: Owner::named("nobody")?,
                root: true,
            })
        } else {
            let me = Owner::find(|_, its_uid| its_uid == uid)
                .ok_or_else(|| TargetError::Unusable {
                    reason: format!("the user with number {uid}, who runs mailgauge, has no name in /etc/passwd, and Dovecot needs one"),
                })?;
            Ok(Self {
                internal: me.clone(),
                login: me.clone(),
                mail: me,
                root: false,
            })
        }
    }
}

impl Owner {
    fn named(name: &str) -> Result<Self, TargetError> {
        Self::find(|its_name, _| its_name == name).ok_or_else(|| TargetError::Unusable {
            reason: format!("the user `{name}`, whom Dovecot's package creates, is not in /etc/passwd: install the package anew"),
        })
    }

    fn find(matches: impl Fn(&str, u32) -> bool) -> Option<Self> {
        let users = fs::read_to_string("/etc/passwd").ok()?;
        let groups = fs::read_to_string("/etc/group").ok()?;
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let uid = fields.nth(1)?.parse().ok()?;
            let gid: u32 = fields.next()?.parse().ok()?;
            matches(name, uid).then(|| Self {
                name: name.to_owned(),
                group: group_name(&groups, gid).unwrap_or_else(|| gid.to_string()),
                uid,
                gid,
            })
        })
    }
}

fn group_name(groups: &str, gid: u32) -> Option<String> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(gid)).then(|| name.to_owned())
    })
}

/// One instance's settings.
#[derive(Debug)]
pub(super) struct Config<'a> {
    pub(super) dir: &'a Path,
    pub(super) identity: &'a Identity,
    pub(super) ports: Ports,
    pub(super) tls: TlsMode,
    pub(super) certificate: Option<&'a Certificate>,
    /// Client connections at the same time.
    pub(super) connections: u32,
    /// How it keeps mail.
    pub(super) storage: Storage,
}

impl Config<'_> {
    /// Writes `dovecot.conf` and `users`, and makes the mail folder.
    pub(super) fn write(&self, accounts: &[Account]) -> Result<(), TargetError> {
        let owner = &self.identity.mail;
        for folder in ["run", "state", "mail"] {
            let path = self.dir.join(folder);
            fs::create_dir(&path).map_err(TargetError::file("create", path))?;
        }
        let mail = self.dir.join("mail");
        self.give(&mail, owner, 0o700)?;

        let users = self.dir.join("users");
        let mut text = String::new();
        for Account { user, password, .. } in accounts {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{user}:{{PLAIN}}{password}::::::");
        }
        fs::write(&users, "").map_err(TargetError::file("write", &users))?;
        self.give(&users, &self.identity.internal, 0o600)?;
        fs::write(&users, text).map_err(TargetError::file("write", &users))?;

        let path = self.dir.join("dovecot.conf");
        fs::write(&path, self.text()).map_err(TargetError::file("write", path))
    }

    fn give(&self, path: &Path, owner: &Owner, mode: u32) -> Result<(), TargetError> {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .map_err(TargetError::file("protect", path))?;
        if self.identity.root {
            chown(path, Some(owner.uid), Some(owner.gid))
                .map_err(TargetError::file("change the owner of", path))?;
        }
        Ok(())
    }

    /// What decides the figures, for the manifest.
    pub(super) fn facts(&self) -> BTreeMap<String, String> {
        let clients = match self.clients_per_process() {
            1 => "one session per mail process at a time, processes used again".to_owned(),
            n => format!("up to {n} sessions per mail process, processes used again"),
        };
        [
            (
                "mode",
                "high-performance login (shared login processes)".to_owned(),
            ),
            ("mail processes", clients),
            ("storage", self.storage.to_string()),
            ("fsync", "never".into()),
            ("password scheme", "plain".into()),
            ("authentication cache", "10 MB".into()),
            (
                "pop3 lock",
                "none (pop3_lock_session = no, the default)".into(),
            ),
            (
                "user",
                if self.identity.root {
                    "root"
                } else {
                    "ordinary"
                }
                .into(),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .chain(
            self.storage
                .purging()
                .map(|text| ("purging".to_owned(), text.to_owned())),
        )
        .collect()
    }

    /// One, as Dovecot does it, as long as the system has enough inotify instances: each process needs one for IDLE,
    /// and without it IDLE polls every 30 s.
    fn clients_per_process(&self) -> u32 {
        let instances = fs::read_to_string("/proc/sys/fs/inotify/max_user_instances")
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(128_u32);
        self.connections.div_ceil((instances * 3 / 4).max(1)).max(1)
    }

    fn text(&self) -> String {
        let mut text = self.general();
        text.push_str(&self.security());
        text.push_str(MAILBOXES);
        text.push_str(COMPRESSION);
        text.push_str(&self.login_service("pop3", "pop3s", self.ports.pop3));
        text.push_str(&self.login_service("imap", "imaps", self.ports.imap));
        for service in ["pop3", "imap"] {
            text.push_str(&self.mail_service(service));
        }
        text.push_str(&self.delivery_service());
        for service in ["anvil", "auth", "stats"] {
            let _ = writeln!(text, "service {service} {{\n  chroot =\n}}");
        }
        let internal = &self.identity.internal.name;
        let _ = writeln!(text, "service auth-worker {{\n  user = {internal}\n}}");
        text
    }

    fn general(&self) -> String {
        let Identity {
            internal,
            login,
            mail,
            ..
        } = self.identity;
        let dir = self.dir.display();
        let processes = self.connections + 100;
        format!(
            "protocols = imap pop3 lmtp
listen = 127.0.0.1
base_dir = {dir}/run
state_dir = {dir}/state
instance_name = mailgauge
log_path = {dir}/dovecot.log
info_log_path = /dev/null
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
default_client_limit = 15000
default_process_limit = {processes}
default_vsz_limit = 1G
first_valid_uid = {uid}
first_valid_gid = {gid}
mail_uid = {mail}
mail_gid = {mail_group}
mail_location = {storage}:{dir}/mail/%n/{folder}
mail_fsync = never
mail_max_userip_connections = 0
imap_idle_notify_interval = 29 mins
hostname = localhost
postmaster_address = postmaster@localhost
",
            storage = self.storage,
            folder = self.storage.folder(),
            internal = internal.name,
            internal_group = internal.group,
            login = login.name,
            uid = mail.uid,
            gid = mail.gid,
            mail = mail.name,
            mail_group = mail.group,
        )
    }

    fn security(&self) -> String {
        let dir = self.dir.display();
        let mut text = format!(
            "disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 scram-sha-256
auth_cache_size = 10M
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = scheme=plain username_format=%n {dir}/users
}}
userdb {{
  driver = static
  args = home={dir}/mail/%n allow_all_users=yes
}}
"
        );
        match self.certificate {
            None => text.push_str("ssl = no\n"),
            Some(certificate) => {
                let _ = writeln!(
                    text,
                    "ssl = yes\nssl_min_protocol = TLSv1.2\nssl_cert = <{}\nssl_key = <{}",
                    certificate.chain.display(),
                    certificate.key.display(),
                );
            }
        }
        text
    }

    /// Shared by all clients, never ended: Dovecot's high-performance mode.
    fn login_service(&self, plain: &str, implicit: &str, port: u16) -> String {
        let (open, closed) = match self.tls {
            TlsMode::Implicit => (implicit, plain),
            TlsMode::Plain | TlsMode::Starttls => (plain, implicit),
        };
        let ssl = if self.tls == TlsMode::Implicit {
            "\n    ssl = yes"
        } else {
            ""
        };
        format!(
            "service {plain}-login {{
  chroot =
  service_count = 0
  process_min_avail = 1
  process_limit = 2
  client_limit = 9000
  inet_listener {open} {{
    address = 127.0.0.1
    port = {port}{ssl}
  }}
  inet_listener {closed} {{
    port = 0
  }}
}}
"
        )
    }

    fn mail_service(&self, service: &str) -> String {
        let clients = self.clients_per_process();
        format!(
            "service {service} {{
  service_count = 0
  process_min_avail = 2
  client_limit = {clients}
}}
"
        )
    }

    fn delivery_service(&self) -> String {
        let port = self.ports.lmtp;
        format!(
            "service lmtp {{
  service_count = 0
  process_min_avail = 2
  client_limit = 1
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
"
        )
    }
}

/// IMAP offers COMPRESS=DEFLATE (RFC 4978). Both plugins come with Dovecot's core; mail on disk stays uncompressed.
const COMPRESSION: &str = "protocol imap {
  mail_plugins = $mail_plugins zlib imap_zlib
}
";

/// The special folders that a person's devices use, there from the start on (RFC 6154).
const MAILBOXES: &str = "namespace inbox {
  inbox = yes
  separator = /
  mailbox Sent {
    auto = create
    special_use = \\Sent
  }
  mailbox Drafts {
    auto = create
    special_use = \\Drafts
  }
  mailbox Trash {
    auto = create
    special_use = \\Trash
  }
  mailbox Archive {
    auto = create
    special_use = \\Archive
  }
}
";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Config, Identity, Owner, Storage, group_name};
    use crate::scenario::TlsMode;
    use crate::target::private::Ports;

    fn identity() -> Identity {
        let owner = Owner {
            name: "somebody".into(),
            group: "people".into(),
            uid: 1000,
            gid: 1000,
        };
        Identity {
            internal: owner.clone(),
            login: owner.clone(),
            mail: owner,
            root: false,
        }
    }

    fn text(tls: TlsMode, connections: u32) -> String {
        text_with(tls, connections, Storage::Maildir)
    }

    fn text_with(tls: TlsMode, connections: u32, storage: Storage) -> String {
        let config = Config {
            dir: Path::new("/tmp/here"),
            identity: &identity(),
            ports: Ports {
                pop3: 41_110,
                imap: 41_143,
                lmtp: 41_024,
            },
            tls,
            certificate: None,
            connections,
            storage,
        };
        config.text()
    }

    #[test]
    fn every_storage_lies_in_the_folder_whose_size_is_taken() {
        for (storage, location) in [
            (Storage::Maildir, "maildir:/tmp/here/mail/%n/Maildir"),
            (Storage::Sdbox, "sdbox:/tmp/here/mail/%n/sdbox"),
            (Storage::Mdbox, "mdbox:/tmp/here/mail/%n/mdbox"),
        ] {
            let text = text_with(TlsMode::Plain, 10, storage);
            assert!(text.contains(&format!("mail_location = {location}\n")));
        }
    }

    #[test]
    fn every_service_listens_on_loopback_only_and_on_its_port() {
        let text = text(TlsMode::Plain, 10);
        for port in ["port = 41110", "port = 41143", "port = 41024"] {
            assert!(text.contains(port), "{port}");
        }
        assert!(text.contains("listen = 127.0.0.1\n"));
        assert!(text.contains("base_dir = /tmp/here/run\n"));
    }

    #[test]
    fn implicit_tls_closes_the_plain_ports() {
        let text = text(TlsMode::Implicit, 10);
        assert!(text.contains(
            "inet_listener imaps {\n    address = 127.0.0.1\n    port = 41143\n    ssl = yes"
        ));
        assert!(text.contains("inet_listener imap {\n    port = 0"));
    }

    #[test]
    fn mail_processes_are_shared_only_when_there_are_many_sessions() {
        assert!(text(TlsMode::Plain, 1).contains(
            "service imap {\n  service_count = 0\n  process_min_avail = 2\n  client_limit = 1\n"
        ));
        assert!(!text(TlsMode::Plain, 1_000_000).contains(
            "service imap {\n  service_count = 0\n  process_min_avail = 2\n  client_limit = 1\n"
        ));
    }

    #[test]
    fn a_group_is_found_by_its_number() {
        let groups = "root:x:0:\npeople:x:1000:a,b\n";
        assert_eq!(group_name(groups, 1000).as_deref(), Some("people"));
        assert_eq!(group_name(groups, 7), None);
    }
}

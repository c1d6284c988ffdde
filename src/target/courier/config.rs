//! The settings of a private Courier: the environment that its scripts would give it, its accounts, its Maildirs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest as _, Md5};

use crate::scenario::TlsMode;
use crate::target::certificate::Certificate;
use crate::target::owner::Owner;
use crate::target::private::{Ports, make_folders};
use crate::target::{Account, TargetError};

/// Runs in the namespace.
const SUPERVISOR: &str = include_str!("supervisor.sh");
/// The folders that a person's devices use. Courier shows them as `INBOX.Sent` and so on, without special-use marks.
const FOLDERS: [&str; 4] = ["Sent", "Drafts", "Trash", "Archive"];
/// More than a run opens.
const CONNECTIONS: u32 = 20_000;

/// One instance's settings.
#[derive(Debug)]
pub(super) struct Config<'a> {
    pub(super) dir: &'a str,
    /// The unpacked packages, if it is not installed.
    pub(super) tree: Option<&'a str>,
    /// Ourselves, for delivery.
    pub(super) program: &'a str,
    pub(super) owner: &'a Owner,
    pub(super) ports: Ports,
    pub(super) tls: TlsMode,
    pub(super) certificate: Option<&'a Certificate>,
}

impl Config<'_> {
    /// Writes settings and Maildirs, and hands over what the server's account needs.
    pub(super) fn write(&self, accounts: &[Account]) -> Result<(), TargetError> {
        let dir = Path::new(self.dir);
        make_folders(dir, &["etc", "run/courier/authdaemon", "mail"])?;
        Owner::make_private_folder(&dir.join("etc/courier"))?;
        let files = [
            ("supervisor.sh", SUPERVISOR.to_owned()),
            ("settings", self.settings()),
            ("environment", self.environment()),
            ("etc/courier/authdaemonrc", AUTHENTICATION.to_owned()),
            ("etc/passwd", self.with_courier("/etc/passwd")?),
            ("etc/group", self.with_courier("/etc/group")?),
            // The program is mounted on it.
            ("mailgauge", String::new()),
            ("run/tls-sessions", String::new()),
        ];
        for (name, text) in files {
            let path = dir.join(name);
            fs::write(&path, text).map_err(TargetError::file("write", &path))?;
        }
        self.write_certificate(dir)?;
        for account in accounts {
            make_maildir(&dir.join("mail").join(&account.user))?;
        }
        for name in ["run", "mail"] {
            self.owner.give(&dir.join(name))?;
        }
        Ok(())
    }

    /// Key and certificate in one file, as Courier wants them.
    fn write_certificate(&self, dir: &Path) -> Result<(), TargetError> {
        let Some(Certificate { chain, key, .. }) = self.certificate else {
            return Ok(());
        };
        let folder = dir.join("tls");
        Owner::make_private_folder(&folder)?;
        let mut both = fs::read_to_string(key).map_err(TargetError::file("read", key))?;
        both.push_str(&fs::read_to_string(chain).map_err(TargetError::file("read", chain))?);
        let path = folder.join("server.pem");
        fs::write(&path, both).map_err(TargetError::file("write", &path))?;
        self.owner.give(&folder)
    }

    /// A copy of the system's file with a line for `courier`, whom `couriertls` looks up before it works.
    fn with_courier(&self, path: &str) -> Result<String, TargetError> {
        let Owner { uid, gid, .. } = self.owner;
        let text = fs::read_to_string(path).map_err(TargetError::file("read", path))?;
        let mut text = text
            .lines()
            .filter(|line| !line.starts_with("courier:"))
            .fold(String::new(), |text, line| text + line + "\n");
        // Writing to a string cannot fail.
        let _ = match path {
            "/etc/group" => writeln!(text, "courier:x:{gid}:"),
            _ => writeln!(
                text,
                "courier:x:{uid}:{gid}::/nonexistent:/usr/sbin/nologin"
            ),
        };
        Ok(text)
    }

    /// What decides the figures, for the manifest.
    pub(super) fn facts(&self) -> BTreeMap<String, String> {
        [
            (
                "mode",
                "a process per session; with TLS a second one, couriertls",
            ),
            ("storage", "maildir"),
            (
                "fsync",
                "never at delivery; elsewhere as Courier does by default",
            ),
            ("password scheme", "md5, unsalted (userdb)"),
            (
                "delivery",
                "a process of mailgauge beside the server takes LMTP and writes to the Maildirs as a mail transfer agent does (Courier's POP3 and IMAP packages bring none); its CPU counts as the server's",
            ),
            (
                "limits raised",
                "MAXDAEMONS and MAXPERIP 20000 (Debian: 40, and 20 for IMAP, 4 for POP3); listen queue 1024",
            ),
            (
                "idle",
                "IMAP_ENHANCEDIDLE=1, through gamin, which tells within about a second (Debian: 0, which polls each minute)",
            ),
            (
                "login delay",
                "POP3 announces LOGIN-DELAY 10, which is compiled in; it is not enforced",
            ),
            (
                "special folders",
                "INBOX.Sent, INBOX.Drafts, INBOX.Trash, INBOX.Archive; not marked as special",
            ),
            ("pop3 lock", "none: a second session of a user is let in"),
            ("logging", "off (Debian: syslog)"),
            ("user", &self.owner.described()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// What the supervising shell must know.
    fn settings(&self) -> String {
        let Owner { uid, gid, .. } = self.owner;
        let Ports { pop3, imap, lmtp } = self.ports;
        let as_root = if self.owner.is_another() { "yes" } else { "no" };
        let wrapper = match self.tls {
            TlsMode::Implicit => "/usr/bin/couriertls -server -tcpd",
            TlsMode::Plain | TlsMode::Starttls => "",
        };
        format!(
            "DIR={dir}
TREE={tree}
PROGRAM={program}
AS_ROOT={as_root}
OWNER_UID={uid}
OWNER_GID={gid}
CONNECTIONS={CONNECTIONS}
POP3_PORT={pop3}
IMAP_PORT={imap}
LMTP_PORT={lmtp}
TLS_WRAPPER='{wrapper}'
",
            dir = self.dir,
            tree = self.tree.unwrap_or_default(),
            program = self.program,
        )
    }

    /// What Debian has in `/etc/courier/imapd`, `imapd-ssl`, `pop3d` and `pop3d-ssl`.
    fn environment(&self) -> String {
        let starttls = match self.tls {
            TlsMode::Starttls => "YES",
            TlsMode::Plain | TlsMode::Implicit => "NO",
        };
        let mut text = format!(
            "{ENVIRONMENT}IMAP_STARTTLS={starttls}
POP3_STARTTLS={starttls}
"
        );
        if self.certificate.is_some() {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "COURIERTLS=/usr/bin/couriertls
TLS_CERTFILE={dir}/tls/server.pem
TLS_TRUSTCERTS=/etc/ssl/certs
TLS_VERIFYPEER=NONE
TLS_CACHEFILE={dir}/run/tls-sessions
TLS_CACHESIZE=524288",
                dir = self.dir
            );
        }
        if self.tls == TlsMode::Implicit {
            text.push_str("IMAP_TLS=1\nPOP3_TLS=1\n");
        }
        text
    }
}

const AUTHENTICATION: &str = r#"authmodulelist="authuserdb"
authmodulelistorig="authuserdb"
daemons=5
authdaemonvar=/run/courier/authdaemon
DEBUG_LOGIN=0
DEFAULTOPTIONS=""
LOGGEROPTS=""
"#;

const ENVIRONMENT: &str = r#"IMAP_CAPABILITY="IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE"
IMAP_CAPABILITY_TLS="$IMAP_CAPABILITY AUTH=PLAIN"
IMAP_KEYWORDS=1
IMAP_ACL=1
IMAP_IDLE_TIMEOUT=60
IMAP_ENHANCEDIDLE=1
IMAP_USELOCKS=1
IMAP_MAILBOX_SANITY_CHECK=1
IMAP_OBSOLETE_CLIENT=0
IMAP_DISABLETHREADSORT=0
IMAP_CHECK_ALL_FOLDERS=0
IMAP_UMASK=022
IMAP_TRASHFOLDERNAME=Trash
IMAP_MOVE_EXPUNGE_TO_TRASH=0
IMAP_SHAREDINDEXFILE=/etc/courier/shared/index
IMAP_TLS_REQUIRED=0
POP3_TLS_REQUIRED=0
POP3AUTH=
POP3AUTH_TLS="LOGIN PLAIN"
MAILDIRPATH=Maildir
MIME_UNICODE_MESSAGE_TYPE=message/global
SENDMAIL=/bin/false
"#;

/// The user's Maildir with the folders in it, as Maildir++ has them.
fn make_maildir(home: &Path) -> Result<(), TargetError> {
    let maildir = home.join("Maildir");
    make_folders(&maildir, &["cur", "new", "tmp"])?;
    let mut subscribed = String::new();
    for name in FOLDERS {
        let folder = maildir.join(format!(".{name}"));
        make_folders(&folder, &["cur", "new", "tmp"])?;
        let mark = folder.join("maildirfolder");
        fs::write(&mark, "").map_err(TargetError::file("write", &mark))?;
        // Writing to a string cannot fail.
        let _ = writeln!(subscribed, "INBOX.{name}");
    }
    let list = maildir.join("courierimapsubscribed");
    fs::write(&list, subscribed).map_err(TargetError::file("write", &list))
}

/// The two halves of Courier's user database as text for `makedatprog`: who there is, and their passwords.
pub(super) fn user_database(dir: &str, owner: &Owner, accounts: &[Account]) -> [String; 2] {
    let Owner { uid, gid, .. } = owner;
    let mut users = String::new();
    let mut passwords = String::new();
    for Account { user, password, .. } in accounts {
        let hash = BASE64_STANDARD.encode(Md5::digest(password.as_bytes()));
        let home = format!("{dir}/mail/{user}");
        // Writing to a string cannot fail.
        let _ = writeln!(
            users,
            "{user}\tuid={uid}|gid={gid}|home={home}|mail={home}/Maildir"
        );
        let _ = writeln!(passwords, "{user}\tsystempw={{MD5}}{hash}");
    }
    [users, passwords].map(|text| text + ".\n")
}

#[cfg(test)]
mod tests {
    use super::{Config, user_database};
    use crate::scenario::TlsMode;
    use crate::target::owner::Owner;
    use crate::target::private::Ports;
    use crate::target::private_accounts;

    fn config(tls: TlsMode, owner: &Owner) -> Config<'_> {
        Config {
            dir: "/tmp/here",
            tree: None,
            program: "/usr/bin/mailgauge",
            owner,
            ports: Ports {
                pop3: 41_110,
                imap: 41_143,
                lmtp: 41_024,
            },
            tls,
            certificate: None,
        }
    }

    #[test]
    fn only_implicit_tls_puts_couriertls_before_the_login() {
        let owner = Owner::of_servers().unwrap();
        for tls in [TlsMode::Plain, TlsMode::Starttls] {
            assert!(config(tls, &owner).settings().contains("TLS_WRAPPER=''\n"));
        }
        let text = config(TlsMode::Implicit, &owner).settings();
        assert!(text.contains("TLS_WRAPPER='/usr/bin/couriertls -server -tcpd'\n"));
    }

    #[test]
    fn tls_is_offered_after_the_greeting_in_that_mode_only() {
        let owner = Owner::of_servers().unwrap();
        for tls in [TlsMode::Plain, TlsMode::Implicit] {
            assert!(
                config(tls, &owner)
                    .environment()
                    .contains("POP3_STARTTLS=NO\n")
            );
        }
        let text = config(TlsMode::Starttls, &owner).environment();
        assert!(text.contains("POP3_STARTTLS=YES\n") && text.contains("IMAP_STARTTLS=YES\n"));
    }

    #[test]
    fn a_password_stands_in_the_database_as_its_hash() {
        let mut account = private_accounts(1, "localhost").remove(0);
        account.password = "secret".into();
        let owner = Owner::of_servers().unwrap();
        let [users, passwords] = user_database("/tmp/here", &owner, &[account]);
        assert!(users.contains("|home=/tmp/here/mail/u00000|mail=/tmp/here/mail/u00000/Maildir\n"));
        assert_eq!(
            passwords,
            "u00000\tsystempw={MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==\n.\n"
        );
    }
}

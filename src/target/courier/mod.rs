//! A private Courier: its IMAP and POP3 daemons in a mount and process namespace of their own, because their paths
//! are compiled in, with a small LMTP process beside them that delivers. It works for root (the server then runs as
//! `nobody`) and, where the system allows unprivileged user namespaces, for an ordinary user.

mod config;
mod delivery;
mod namespace;

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use delivery::deliver_into_maildirs;

use self::config::{Config, user_database};
use self::namespace::Namespace;
use super::owner::Owner;
use super::packages::Software;
use super::private::{self, Ports, Running, plain_path};
use super::process::ServerProcess;
use super::scratch::{Scratch, sweep_leftovers};
use super::{Account, Instance, Request, Server, TargetError, private_accounts};
use crate::probe::Instrument;

const NAME: &str = "Courier";
const IMAPD: &str = "usr/bin/imapd";
const DATABASE_MAKER: &str = "usr/lib/courier/courier-authlib/makedatprog";
const PARTS: [&str; 7] = [
    DATABASE_MAKER,
    "usr/bin/couriertls",
    "usr/sbin/couriertcpd",
    "usr/lib/courier/courier/imaplogin",
    "usr/lib/courier/courier/courierpop3d",
    "usr/lib/courier/courier/courierpop3login",
    "usr/lib/courier/courier-authlib/authdaemond",
];
/// What is overlaid in the namespace, so that nothing of ours may lie there.
const OVERLAID: [&str; 3] = ["/usr", "/etc", "/run"];

/// Courier as it is installed or unpacked on this machine.
#[derive(Clone, Debug)]
pub struct Courier {
    software: Software,
    version: String,
    /// Delivers mail.
    program: PathBuf,
}

impl Courier {
    /// Looks for its programs. Mail is delivered by the program that runs.
    pub fn installed() -> Result<Self, TargetError> {
        let software = Software::find("courier", NAME, PARTS[3])?;
        for part in PARTS.iter().chain([&IMAPD]) {
            if !software.file(part).is_file() {
                return Err(private::missing("courier", NAME, part));
            }
        }
        let version = version(&software)?;
        let program =
            env::current_exe().map_err(TargetError::file("find", "the running program"))?;
        Ok(Self {
            software,
            version,
            program,
        })
    }

    /// The same with another `mailgauge` binary for delivery.
    #[must_use]
    pub fn delivered_by(self, program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            ..self
        }
    }

    pub(super) async fn start(&self, request: Request) -> Result<Instance, TargetError> {
        sweep_leftovers("courier");
        let namespace = Namespace::find().await?;
        private::start(async || self.try_to_start(request, &namespace).await).await
    }

    async fn try_to_start(
        &self,
        request: Request,
        namespace: &Namespace,
    ) -> Result<Instance, TargetError> {
        let scratch =
            Scratch::create("courier").map_err(TargetError::file("create", env::temp_dir()))?;
        let dir = scratch.path();
        let owner = Owner::of_servers()?;
        owner.can_reach("the temporary folder", dir)?;
        if OVERLAID.iter().any(|part| dir.starts_with(part)) {
            return Err(TargetError::Unusable {
                reason: format!(
                    "Courier cannot run in {}: choose a temporary folder (TMPDIR) outside of /usr, /etc and /run",
                    dir.display()
                ),
            });
        }
        let ports = Ports::free()?;
        let certificate = private::certificate(dir, request.tls)?;
        let accounts = private_accounts(request.accounts, "localhost");
        let config = Config {
            dir: plain_path(dir)?,
            tree: self.software.tree().map(plain_path).transpose()?,
            program: plain_path(&self.program)?,
            owner: &owner,
            ports,
            tls: request.tls,
            certificate: certificate.as_ref(),
        };
        config.write(&accounts)?;
        self.write_users(config.dir, &owner, &accounts)?;

        let process = namespace
            .start(dir, request.cpus)
            .map_err(TargetError::file("start", "unshare"))?;
        let endpoint = ports.endpoint(request.tls, certificate.as_ref(), accounts);
        let facts = config.facts();
        let storage = dir.join("mail");
        let logs = vec![dir.join("stderr.log")];
        let mut running = Running::new(NAME, logs, process, scratch);
        running.wait_until_it_greets(&endpoint, "").await?;
        Ok(Instance {
            endpoint: Arc::new(endpoint),
            seen: Some(Instrument::process(running.pid(), storage.clone())),
            storage: Some(storage),
            software: format!("Courier-IMAP {}", self.version),
            facts,
            server: Server::Private(running),
        })
    }

    /// Courier's user database, in one go.
    fn write_users(
        &self,
        dir: &str,
        owner: &Owner,
        accounts: &[Account],
    ) -> Result<(), TargetError> {
        let folder = Path::new(dir).join("etc/courier");
        let databases = ["userdb.dat", "userdbshadow.dat"];
        for (name, text) in databases.iter().zip(user_database(dir, owner, accounts)) {
            let mut maker = self.software.command(DATABASE_MAKER);
            maker
                .arg("-")
                .arg(folder.join("new.tmp"))
                .arg(folder.join(name));
            private::feed(NAME, "its user database", &mut maker, &text)?;
        }
        owner.give(&folder)
    }
}

/// `5.0.13 (Courier 1.0.16)`, from `Courier 1.0.16 (Courier-IMAP 5.0.13)/…`.
fn version(software: &Software) -> Result<String, TargetError> {
    let text = private::said(NAME, software.command(IMAPD).arg("--version"))?;
    let version = || {
        let (courier, rest) = text.split_once('(')?;
        let (imap, _) = rest.split_once(')')?;
        let imap = imap.strip_prefix("Courier-IMAP ")?;
        Some(format!("{imap} ({})", courier.trim()))
    };
    Ok(version().unwrap_or_else(|| text.trim().to_owned()))
}

//! A mount and process namespace for a server whose paths are compiled in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::ServerProcess;
use crate::target::packages::find_program;
use crate::target::{Cpus, TargetError};

/// How to make one here.
#[derive(Debug)]
pub(super) struct Namespace {
    unshare: PathBuf,
    flags: Vec<&'static str>,
}

impl Namespace {
    /// Looks for the programs that it takes, and tries whether the system allows it.
    pub(super) async fn find() -> Result<Self, TargetError> {
        let not_here = |reason: String| TargetError::Unusable {
            reason: format!(
                "Courier's paths are compiled in, so it needs mounts of its own, which cannot be had here ({reason}): run mailgauge as root (in a container with CAP_SYS_ADMIN), or allow unprivileged user namespaces"
            ),
        };
        let program = |name: &str| {
            find_program(name)
                .ok_or_else(|| not_here(format!("`{name}` of util-linux is not installed")))
        };
        let unshare = program("unshare")?;
        let mut flags = vec![
            "--mount",
            "--pid",
            "--fork",
            "--kill-child=KILL",
            "--propagation=private",
        ];
        if rustix::process::geteuid().is_root() {
            program("setpriv")?;
        } else {
            flags.extend(["--user", "--map-root-user"]);
        }
        let namespace = Self { unshare, flags };
        let tried = namespace
            .command()
            .args(["mount", "-t", "tmpfs", "tmpfs", "/run"])
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(TargetError::file("start", &namespace.unshare))?;
        if tried.status.success() {
            return Ok(namespace);
        }
        let words = String::from_utf8_lossy(&tried.stderr);
        Err(not_here(words.trim().replace('\n', "; ")))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.unshare);
        command.args(&self.flags);
        command
    }

    /// Runs `supervisor.sh` of the folder `dir`, which ends when its standard input does, whatever ends us.
    pub(super) fn start(&self, dir: &Path, cpus: Option<Cpus>) -> io::Result<ServerProcess> {
        let mut command = self.command();
        command
            .args(["/bin/sh", "./supervisor.sh"])
            .current_dir(dir)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(fs::File::create(dir.join("stderr.log"))?);
        ServerProcess::start(&mut command, cpus)
    }
}

//! What can be seen from here of a server that was there before: its processes, its control group, its mail storage.

use std::path::{Path, PathBuf};

use crate::probe::Cgroup;
use crate::target::TargetError;

use super::unusable;

/// Where this machine's control groups are.
const CGROUPS: &str = "/sys/fs/cgroup";

/// As the target file says it.
#[derive(Clone, Debug, Default)]
pub(super) struct Local {
    /// The process that all others of the server descend from.
    pub(super) pid: Option<u32>,
    /// Its control group; with a `pid`, the mount of control groups that the group of that process is below.
    pub(super) cgroup: Option<PathBuf>,
    /// The folder of its mail.
    pub(super) storage: Option<PathBuf>,
}

/// As it was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) pid: Option<u32>,
    pub(super) cgroup: Option<Cgroup>,
}

impl Local {
    pub(super) fn find(&self) -> Result<Found, TargetError> {
        if let Some(pid) = self.pid
            && !Path::new(&format!("/proc/{pid}")).exists()
        {
            return Err(unusable(format!(
                "process {pid}, which the target file says is the server, does not run on this machine"
            )));
        }
        let Some(path) = &self.cgroup else {
            return Ok(Found {
                pid: self.pid,
                cgroup: None,
            });
        };
        let path = Path::new(CGROUPS).join(path);
        let cgroup = match self.pid {
            Some(pid) => Cgroup::of(pid, &path),
            None => Cgroup::at(&path),
        };
        let cgroup = cgroup.map_err(|error| unusable(error.to_string()))?;
        Ok(Found {
            pid: self.pid.or_else(|| cgroup.first_process()),
            cgroup: Some(cgroup),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Local;

    #[test]
    fn a_process_that_does_not_run_here_is_refused() {
        let local = Local {
            pid: Some(u32::MAX),
            ..Local::default()
        };
        let error = local.find().unwrap_err().to_string();
        assert!(error.contains("does not run on this machine"), "{error}");
    }

    #[test]
    fn a_control_group_is_a_folder_that_shows_its_cpu_time() {
        let group = tempfile::tempdir().unwrap();
        let local = Local {
            cgroup: Some(group.path().to_owned()),
            ..Local::default()
        };
        let error = local.find().unwrap_err().to_string();
        assert!(error.contains("`cpu.stat`"), "{error}");

        fs::write(
            group.path().join("cpu.stat"),
            "user_usec 5\nsystem_usec 2\n",
        )
        .unwrap();
        fs::write(group.path().join("cgroup.procs"), "4000001\n4000009\n").unwrap();
        let found = local.find().unwrap();
        assert!(found.cgroup.is_some());
        assert_eq!(found.pid, Some(4_000_001));
    }

    #[test]
    fn nothing_said_is_nothing_seen() {
        let found = Local::default().find().unwrap();
        assert!(found.pid.is_none() && found.cgroup.is_none());
    }
}

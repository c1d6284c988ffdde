//! A control group of Linux: the processes of a container or a service, counted by the kernel itself. Unlike a sum over
//! processes it misses nothing and needs no ticks; what is in it besides the target counts too. Version 2, version 1 and
//! machines that have a mixture of both are read; how a container comes by its group is left to others.

mod find;
mod usage;

use std::fs;
use std::path::{Path, PathBuf};

use self::usage::{CpuSplit, cpu_stat, cpuacct_stat, disk_read_v1, disk_v2, resident, whole};

/// More groups below one than any target has; a walk ends there.
const MOST_GROUPS: usize = 10_000;

/// A control group that holds a target and nothing else: where the kernel shows its figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cgroup {
    /// Of version 2, which shows all in one folder.
    unified: Option<PathBuf>,
    cpuacct: Option<PathBuf>,
    memory: Option<PathBuf>,
    pids: Option<PathBuf>,
    blkio: Option<PathBuf>,
}

/// What the processes of a group used since it began, and what it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CgroupSample {
    /// CPU in user mode, µs; never falls.
    pub cpu_user_us: u64,
    /// CPU in the kernel, µs; never falls.
    pub cpu_system_us: u64,
    /// Anonymous and mapped pages, each counted once; none: the kernel does not count them for this group.
    pub resident_bytes: Option<u64>,
    /// Live processes; 0: the target is gone. Where the group is seen from a container that does not see its processes,
    /// version 1 tells threads only: then those.
    pub processes: u32,
    /// Their threads.
    pub threads: u32,
    /// Read from storage; none: the kernel does not tell.
    pub disk_read_bytes: Option<u64>,
    /// Written to storage; none: likewise. Version 1 counts most writes as the whole machine's, so it does not tell.
    pub disk_write_bytes: Option<u64>,
}

/// Why a control group cannot be read, or must not be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CgroupError {
    /// No such folder, or another kind of folder.
    #[error(
        "{} shows no CPU time of a control group: name its folder, which holds `cpu.stat` (version 2) or `cpuacct.usage` (version 1)",
        path.display()
    )]
    NotThere {
        /// The folder.
        path: PathBuf,
    },
    /// The process is not to be seen, or nothing below the mount holds it.
    #[error(
        "no control group below {} holds process {pid}: mount the machine's /sys/fs/cgroup there, and let mailgauge see the process",
        below.display()
    )]
    NotFound {
        /// As mailgauge numbers it.
        pid: u32,
        /// Where it was looked for.
        below: PathBuf,
    },
    /// What mailgauge uses itself would count as the target's.
    #[error(
        "mailgauge itself is in the control group {}, so its own CPU time would count as the target's: give the target a group, or a container, of its own",
        path.display()
    )]
    HoldsUs {
        /// The folder.
        path: PathBuf,
    },
}

impl Cgroup {
    /// The group whose folder is `path`: below a mount of version 2, or of any controller of version 1.
    ///
    /// # Errors
    /// It shows no CPU time, or mailgauge is in it.
    pub fn at(path: &Path) -> Result<Self, CgroupError> {
        find::siblings(path).checked(path)
    }

    /// The group that process `pid` is in, looked for below `mount`: the machine's `/sys/fs/cgroup`, or wherever a
    /// container sees it.
    ///
    /// # Errors
    /// There is none, it shows no CPU time, or mailgauge is in it too.
    pub fn of(pid: u32, mount: &Path) -> Result<Self, CgroupError> {
        let not_found = || CgroupError::NotFound {
            pid,
            below: mount.to_owned(),
        };
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).map_err(|_| not_found())?;
        let found = find::of_process(&groups, pid, mount);
        if found == Self::default() {
            return Err(not_found());
        }
        found.checked(mount)
    }

    /// The process in it with the lowest number, which is as a rule the oldest one, from which the others descend.
    pub fn first_process(&self) -> Option<u32> {
        find::first_process(self.cpu_folder()?)
    }

    /// Numbers of the processes in it and in those below it, those that can be seen from here.
    pub fn members(&self) -> Vec<i32> {
        self.cpu_folder().map(find::processes).unwrap_or_default()
    }

    /// Begins to read it.
    pub fn meter(&self) -> CgroupMeter {
        CgroupMeter {
            group: self.clone(),
            cpu: CpuSplit::default(),
        }
    }

    /// Itself, if it can be used.
    fn checked(self, asked_for: &Path) -> Result<Self, CgroupError> {
        let folder = match self.cpu_folder() {
            Some(folder) if self.meter().cpu().is_some() => folder,
            _ => {
                return Err(CgroupError::NotThere {
                    path: asked_for.to_owned(),
                });
            }
        };
        if find::holds(folder, std::process::id()) {
            return Err(CgroupError::HoldsUs {
                path: folder.to_owned(),
            });
        }
        Ok(self)
    }

    fn cpu_folder(&self) -> Option<&Path> {
        self.cpuacct.as_deref().or(self.unified.as_deref())
    }
}

/// Reads a group again and again.
#[derive(Debug)]
pub struct CgroupMeter {
    group: Cgroup,
    cpu: CpuSplit,
}

impl CgroupMeter {
    /// A handful of small files. When the group is gone, its CPU time stays what it was and all else is none.
    pub fn sample(&mut self) -> CgroupSample {
        let Some((cpu_user_us, cpu_system_us)) = self.cpu() else {
            return CgroupSample {
                cpu_user_us: self.cpu.user_us,
                cpu_system_us: self.cpu.system_us,
                ..CgroupSample::default()
            };
        };
        let threads = self.threads();
        let (disk_read_bytes, disk_write_bytes) = self.disk();
        CgroupSample {
            cpu_user_us,
            cpu_system_us,
            resident_bytes: self.resident(),
            processes: self.processes().unwrap_or(threads),
            threads,
            disk_read_bytes,
            disk_write_bytes,
        }
    }

    /// User and system, µs.
    fn cpu(&mut self) -> Option<(u64, u64)> {
        if let Some(folder) = &self.group.cpuacct {
            let total_ns = whole(&text(folder, "cpuacct.usage")?)?;
            let ticks = text(folder, "cpuacct.stat").and_then(|text| cpuacct_stat(&text));
            self.cpu
                .rise_to(total_ns / 1_000, ticks.unwrap_or_default());
        } else {
            let folder = self.group.unified.as_ref()?;
            (self.cpu.user_us, self.cpu.system_us) = cpu_stat(&text(folder, "cpu.stat")?)?;
        }
        Some((self.cpu.user_us, self.cpu.system_us))
    }

    fn resident(&self) -> Option<u64> {
        let v1 = self.group.memory.as_ref();
        let v1 = v1.map(|folder| (folder, "memory.usage_in_bytes"));
        let v2 = self.group.unified.as_ref();
        let (folder, all) = v1.or(v2.map(|folder| (folder, "memory.current")))?;
        text(folder, "memory.stat")
            .and_then(|text| resident(&text))
            .or_else(|| whole(&text(folder, all)?))
    }

    /// None: not to be seen from here.
    fn processes(&self) -> Option<u32> {
        let count = find::count_processes(self.group.cpu_folder()?);
        (count > 0).then_some(count)
    }

    fn threads(&self) -> u32 {
        let counted = self.group.pids.as_ref().or(self.group.unified.as_ref());
        let counted = counted.and_then(|folder| whole(&text(folder, "pids.current")?));
        counted.map_or_else(
            || self.group.cpu_folder().map_or(0, find::count_threads),
            |threads| threads as u32,
        )
    }

    /// Read and written.
    fn disk(&self) -> (Option<u64>, Option<u64>) {
        if let Some(folder) = &self.group.blkio {
            let text = text(folder, "blkio.throttle.io_service_bytes_recursive");
            return (text.map(|text| disk_read_v1(&text)), None);
        }
        let folder = self.group.unified.as_ref();
        let text = folder.and_then(|folder| text(folder, "io.stat"));
        let disk = text.map(|text| disk_v2(&text));
        (disk.map(|(read, _)| read), disk.map(|(_, written)| written))
    }
}

fn text(folder: &Path, file: &str) -> Option<String> {
    fs::read_to_string(folder.join(file)).ok()
}

#[cfg(test)]
mod tests;

//! On folders that look like the kernel's.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::usage::{CpuSplit, Ticks};
use super::{Cgroup, CgroupError, CgroupSample, find};

/// As a kernel of version 2 shows a container.
const V2: [(&str, &str); 7] = [
    ("cgroup.procs", "71\n85\n90\n"),
    (
        "cpu.stat",
        "usage_usec 5000760\nuser_usec 3000500\nsystem_usec 2000260\nnice_usec 0\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n",
    ),
    ("memory.current", "52428800\n"),
    (
        "memory.stat",
        "anon 20000000\nfile 30000000\nkernel 1200000\nkernel_stack 98304\nshmem 4096\nfile_mapped 5000000\nfile_dirty 0\n",
    ),
    ("pids.current", "4\n"),
    (
        "io.stat",
        "8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n8:0 rbytes=800 wbytes=96 rios=2 wios=1 dbytes=0 dios=0\n",
    ),
    ("cgroup.events", "populated 1\nfrozen 0\n"),
];

/// As kernels of version 1 show one, controller by controller.
const V1: [(&str, &str, &str); 8] = [
    ("cpuacct", "cgroup.procs", "71\n85\n90\n"),
    ("cpuacct", "cpuacct.usage", "5000760123\n"),
    ("cpuacct", "cpuacct.stat", "user 300\nsystem 100\n"),
    ("memory", "memory.usage_in_bytes", "52428800\n"),
    (
        "memory",
        "memory.stat",
        "cache 1\nrss 2\nmapped_file 3\nhierarchical_memory_limit 9223372036854771712\ntotal_cache 30000000\ntotal_rss 20000000\ntotal_rss_huge 0\ntotal_mapped_file 5000000\n",
    ),
    ("pids", "pids.current", "4\n"),
    (
        "blkio",
        "blkio.throttle.io_service_bytes_recursive",
        "8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 8192\n8:0 Async 4096\n8:0 Total 12288\n8:16 Read 100\n8:16 Total 100\nTotal 12388\n",
    ),
    ("unified", "cgroup.procs", "71\n"),
];

const EXPECTED: CgroupSample = CgroupSample {
    cpu_user_us: 3_000_500,
    cpu_system_us: 2_000_260,
    resident_bytes: Some(25_000_000),
    processes: 3,
    threads: 4,
    disk_read_bytes: Some(1_460_000),
    disk_write_bytes: Some(314_773_600),
};

fn write(folder: &Path, file: &str, text: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(file), text).unwrap();
}

/// A mount of version 2 with a container's group in it.
fn version_2() -> (TempDir, PathBuf) {
    let mount = tempfile::tempdir().unwrap();
    write(mount.path(), "cgroup.procs", "1\n2\n");
    write(mount.path(), "cgroup.controllers", "cpu io memory pids\n");
    let group = mount.path().join("system.slice/docker-0123abcd.scope");
    for (file, text) in V2 {
        write(&group, file, text);
    }
    (mount, group)
}

/// Mounts of version 1 with a container's group in each.
fn version_1() -> (TempDir, PathBuf) {
    let mount = tempfile::tempdir().unwrap();
    for (controller, file, text) in V1 {
        let hierarchy = mount.path().join(controller);
        write(&hierarchy, "cgroup.procs", "1\n2\n");
        write(&hierarchy.join("docker/0123abcd"), file, text);
    }
    let group = mount.path().join("memory/docker/0123abcd");
    (mount, group)
}

#[test]
fn version_2_shows_all_in_one_folder() {
    let (_mount, group) = version_2();
    assert_eq!(Cgroup::at(&group).unwrap().meter().sample(), EXPECTED);
}

#[test]
fn version_1_is_read_below_every_controller_whichever_was_named() {
    let (_mount, group) = version_1();
    let sample = Cgroup::at(&group).unwrap().meter().sample();
    let expected = CgroupSample {
        cpu_user_us: 3_750_570,
        cpu_system_us: 1_250_190,
        disk_read_bytes: Some(4_196),
        disk_write_bytes: None,
        ..EXPECTED
    };
    assert_eq!(sample, expected);
}

#[test]
fn a_group_that_goes_away_keeps_its_cpu_time_and_has_no_processes() {
    let (_mount, group) = version_2();
    let mut meter = Cgroup::at(&group).unwrap().meter();
    meter.sample();
    fs::remove_dir_all(&group).unwrap();
    let expected = CgroupSample {
        cpu_user_us: EXPECTED.cpu_user_us,
        cpu_system_us: EXPECTED.cpu_system_us,
        ..CgroupSample::default()
    };
    assert_eq!(meter.sample(), expected);
}

#[test]
fn what_a_kernel_does_not_count_is_none() {
    let group = tempfile::tempdir().unwrap();
    write(
        group.path(),
        "cpu.stat",
        "usage_usec 7\nuser_usec 5\nsystem_usec 2\n",
    );
    write(group.path(), "cgroup.procs", "71\n");
    write(group.path(), "cgroup.threads", "71\n72\n");
    let sample = Cgroup::at(group.path()).unwrap().meter().sample();
    let expected = CgroupSample {
        cpu_user_us: 5,
        cpu_system_us: 2,
        processes: 1,
        threads: 2,
        ..CgroupSample::default()
    };
    assert_eq!(sample, expected);
}

#[test]
fn processes_of_groups_below_count_too() {
    let (_mount, group) = version_2();
    write(&group.join("worker"), "cgroup.procs", "101\n102\n");
    assert_eq!(Cgroup::at(&group).unwrap().meter().sample().processes, 5);
}

#[test]
fn a_folder_that_is_no_group_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("gone")] {
        let error = Cgroup::at(&path).unwrap_err();
        assert!(matches!(error, CgroupError::NotThere { .. }));
    }
}

#[test]
fn a_group_that_holds_mailgauge_is_refused() {
    let (_mount, group) = version_2();
    let us = format!("{}\n", std::process::id());
    write(&group.join("inner"), "cgroup.procs", &us);
    let error = Cgroup::at(&group).unwrap_err();
    assert!(matches!(error, CgroupError::HoldsUs { .. }));
}

#[test]
fn the_group_of_a_process_is_where_proc_says() {
    let (mount, group) = version_2();
    let text = "0::/system.slice/docker-0123abcd.scope\n";
    let found = find::of_process(text, 85, mount.path());
    assert_eq!(found, find::siblings(&group));

    let (mount, group) = version_1();
    let text = "5:memory:/docker/0123abcd\n3:cpuset:/\n2:cpuacct:/docker/0123abcd\n0::/\n";
    for controller in ["memory", "cpuacct"] {
        let folder = mount.path().join(controller).join("docker/0123abcd");
        write(&folder, "cgroup.procs", "71\n85\n");
    }
    let found = find::of_process(text, 85, mount.path());
    assert_eq!(found.memory.as_ref(), Some(&group));
    assert!(found.cpuacct.is_some() && found.blkio.is_none() && found.unified.is_none());
}

#[test]
fn the_group_of_a_neighbouring_container_is_found_by_its_name_and_its_process() {
    let (mount, group) = version_2();
    // Another engine's container of the same name, which does not hold the process.
    let other = mount.path().join("other/docker-0123abcd.scope");
    write(&other, "cgroup.procs", "9\n");
    let text = "0::/../docker-0123abcd.scope\n";
    let found = find::of_process(text, 71, mount.path());
    assert_eq!(found.unified, Some(group));
    assert_eq!(find::of_process(text, 5, mount.path()), Cgroup::default());
}

#[test]
fn controllers_that_are_mounted_together_are_found_under_either_name() {
    let mount = tempfile::tempdir().unwrap();
    let group = mount.path().join("cpu,cpuacct/mail");
    write(&mount.path().join("cpu,cpuacct"), "cgroup.procs", "");
    write(&group, "cgroup.procs", "71\n");
    std::os::unix::fs::symlink("cpu,cpuacct", mount.path().join("cpuacct")).unwrap();
    let found = find::of_process("2:cpu,cpuacct:/mail\n", 71, mount.path());
    assert_eq!(found.cpuacct.as_ref(), Some(&group));
    let found = find::siblings(&mount.path().join("cpuacct/mail"));
    assert_eq!(found.cpuacct, Some(group));
}

#[test]
fn the_sum_is_divided_as_the_ticks_were_and_neither_part_falls() {
    let mut split = CpuSplit::default();
    let ticks = |user_us, system_us| Ticks { user_us, system_us };
    let steps = [
        // Before the first tick.
        (4_000, ticks(0, 0), (4_000, 0)),
        (24_000, ticks(10_000, 10_000), (14_000, 10_000)),
        // Less than a tick later: as it was so far.
        (26_000, ticks(10_000, 10_000), (15_000, 11_000)),
        (66_000, ticks(10_000, 50_000), (15_000, 51_000)),
        // A counter that falls counts as nothing.
        (60_000, ticks(0, 0), (15_000, 51_000)),
    ];
    for (total, ticks, expected) in steps {
        split.rise_to(total, ticks);
        assert_eq!((split.user_us, split.system_us), expected, "{total}");
    }
}

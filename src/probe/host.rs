use std::fs;

use rustix::process::{Resource, getrlimit};
use rustix::system::uname;

use crate::metrics::Host;

/// Asks this machine what it is. What it does not tell stays empty.
pub fn host() -> Host {
    let uname = uname();
    Host {
        kernel: format!(
            "{} {}",
            uname.sysname().to_string_lossy(),
            uname.release().to_string_lossy()
        ),
        cpu_model: cpu_model().unwrap_or_else(|| uname.machine().to_string_lossy().into_owned()),
        cpus: std::thread::available_parallelism().map_or(0, |n| n.get() as u32),
        memory_bytes: memory_bytes().unwrap_or(0),
        governor: first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        nofile: getrlimit(Resource::Nofile).current,
    }
}

fn cpu_model() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn memory_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn first_line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.lines().next()?.to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_machine_has_a_kernel_a_processor_and_memory() {
        let host = super::host();
        assert!(host.kernel.starts_with("Linux "), "{}", host.kernel);
        assert!(!host.cpu_model.is_empty());
        assert!(host.cpus > 0);
        assert!(host.memory_bytes > 1 << 20);
    }
}

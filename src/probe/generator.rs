use procfs::ProcResult;
use procfs::process::Process;

use super::process::ticks_us;

/// What the generator itself uses. The engine adds lag and sessions, which make it a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GeneratorSample {
    /// CPU in user mode since the process started, µs, without children.
    pub cpu_user_us: u64,
    /// CPU in the kernel, likewise.
    pub cpu_system_us: u64,
    /// Resident memory.
    pub rss_bytes: u64,
    /// Open file descriptors.
    pub fds: u32,
    /// Threads.
    pub threads: u32,
}

/// Samples this process. Fails only where `/proc` is not mounted.
pub fn generator() -> ProcResult<GeneratorSample> {
    let process = Process::myself()?;
    let stat = process.stat()?;
    Ok(GeneratorSample {
        cpu_user_us: ticks_us(stat.utime),
        cpu_system_us: ticks_us(stat.stime),
        rss_bytes: stat.rss * procfs::page_size(),
        fds: process.fd_count()? as u32,
        threads: stat.num_threads as u32,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_has_memory_descriptors_and_threads() {
        let sample = super::generator().unwrap();
        assert!(sample.rss_bytes > 100_000);
        assert!(sample.fds >= 3);
        assert!(sample.threads >= 1);
    }
}

//! What the files of a control group say.

use crate::probe::process::ticks_us;

/// The CPU time of a group, in two parts. Version 1 knows the sum to the nanosecond and the parts in ticks only; so each rise of
/// the sum is divided as the ticks of that time were, and both parts never fall.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CpuSplit {
    pub(super) user_us: u64,
    pub(super) system_us: u64,
    ticks: Ticks,
}

/// CPU in user mode and in the kernel, by the kernel's ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ticks {
    pub(super) user_us: u64,
    pub(super) system_us: u64,
}

impl CpuSplit {
    pub(super) fn rise_to(&mut self, total_us: u64, ticks: Ticks) {
        let rise = total_us.saturating_sub(self.user_us + self.system_us);
        let new = Ticks {
            user_us: ticks.user_us.saturating_sub(self.ticks.user_us),
            system_us: ticks.system_us.saturating_sub(self.ticks.system_us),
        };
        // Less than a tick has passed: as it was so far.
        let by = if new == Ticks::default() { ticks } else { new };
        let user = match u128::from(by.user_us) + u128::from(by.system_us) {
            0 => rise,
            all => (u128::from(rise) * u128::from(by.user_us) / all) as u64,
        };
        self.user_us += user;
        self.system_us += rise - user;
        self.ticks = ticks;
    }
}

/// A file that holds one number.
pub(super) fn whole(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// `cpu.stat`: user and system, µs.
pub(super) fn cpu_stat(text: &str) -> Option<(u64, u64)> {
    Some((field(text, "user_usec")?, field(text, "system_usec")?))
}

/// `cpuacct.stat`, in ticks.
pub(super) fn cpuacct_stat(text: &str) -> Option<Ticks> {
    Some(Ticks {
        user_us: ticks_us(field(text, "user")?),
        system_us: ticks_us(field(text, "system")?),
    })
}

/// `memory.stat`: pages that are resident, not those that are only cached. The kernel's documentation of version 1 calls
/// `rss` + `mapped_file` the resident set of a group; version 2 calls them `anon` and `file_mapped`.
pub(super) fn resident(text: &str) -> Option<u64> {
    let pairs = [
        ("total_rss", "total_mapped_file"),
        ("anon", "file_mapped"),
        ("rss", "mapped_file"),
    ];
    pairs
        .into_iter()
        .find_map(|(anonymous, mapped)| Some(field(text, anonymous)? + field(text, mapped)?))
}

/// `blkio.throttle.io_service_bytes_recursive`, `8:0 Read 4096`: read, over all devices.
pub(super) fn disk_read_v1(text: &str) -> u64 {
    text.lines()
        .filter_map(|line| line.split_once(" Read ")?.1.trim().parse::<u64>().ok())
        .fold(0, u64::saturating_add)
}

/// `io.stat`, `8:0 rbytes=4096 wbytes=0 …`: read and written, over all devices.
pub(super) fn disk_v2(text: &str) -> (u64, u64) {
    let sum = |key: &str| {
        text.split_ascii_whitespace()
            .filter_map(|field| field.strip_prefix(key)?.parse::<u64>().ok())
            .fold(0, u64::saturating_add)
    };
    (sum("rbytes="), sum("wbytes="))
}

/// The number that stands after `key` at the beginning of a line.
fn field(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (name, number) = line.split_once(' ')?;
        (name == key).then(|| number.trim().parse().ok())?
    })
}

//! Which families of which exporter stand for what a target uses.

use super::text::Sample;
use crate::probe::usage::Usage;

/// Where a figure stands on an exporter's page: the family, the label that tells what it belongs to, and the labels that it
/// must have.
struct Family {
    name: &'static str,
    with: &'static [(&'static str, &'static str)],
}

const fn family(name: &'static str, with: &'static [(&'static str, &'static str)]) -> Family {
    Family { name, with }
}

/// An exporter that mailgauge knows.
pub(super) struct Exporter {
    /// What `server.csv` calls it.
    pub(super) source: &'static str,
    /// The label that tells one group of processes, or one container, from another; none: it tells of the whole machine.
    chosen_by: Option<&'static str>,
    cpu_user: &'static [Family],
    cpu_system: &'static [Family],
    resident: &'static [Family],
    proportional: &'static [Family],
    processes: &'static [Family],
    threads: &'static [Family],
    fds: &'static [Family],
    disk_read: &'static [Family],
    disk_write: &'static [Family],
    network_rx: &'static [Family],
    network_tx: &'static [Family],
}

/// Those that tell most of the target alone come first.
pub(super) const EXPORTERS: [Exporter; 3] = [
    // process-exporter (ncabatoff), one group per kind of process.
    Exporter {
        source: "process-exporter",
        chosen_by: Some("groupname"),
        cpu_user: &[family(
            "namedprocess_namegroup_cpu_seconds_total",
            &[("mode", "user")],
        )],
        cpu_system: &[family(
            "namedprocess_namegroup_cpu_seconds_total",
            &[("mode", "system")],
        )],
        resident: &[family(
            "namedprocess_namegroup_memory_bytes",
            &[("memtype", "resident")],
        )],
        proportional: &[family(
            "namedprocess_namegroup_memory_bytes",
            &[("memtype", "proportionalResident")],
        )],
        processes: &[family("namedprocess_namegroup_num_procs", &[])],
        threads: &[family("namedprocess_namegroup_num_threads", &[])],
        fds: &[family("namedprocess_namegroup_open_filedesc", &[])],
        disk_read: &[family("namedprocess_namegroup_read_bytes_total", &[])],
        disk_write: &[family("namedprocess_namegroup_write_bytes_total", &[])],
        network_rx: &[],
        network_tx: &[],
    },
    // cAdvisor, by the container's name.
    Exporter {
        source: "cadvisor",
        chosen_by: Some("name"),
        cpu_user: &[family("container_cpu_user_seconds_total", &[])],
        cpu_system: &[family("container_cpu_system_seconds_total", &[])],
        resident: &[
            family("container_memory_rss", &[]),
            family("container_memory_mapped_file", &[]),
        ],
        proportional: &[],
        processes: &[family("container_processes", &[])],
        threads: &[family("container_threads", &[])],
        fds: &[family("container_file_descriptors", &[])],
        disk_read: &[family("container_fs_reads_bytes_total", &[])],
        disk_write: &[family("container_fs_writes_bytes_total", &[])],
        network_rx: &[family("container_network_receive_bytes_total", &[])],
        network_tx: &[family("container_network_transmit_bytes_total", &[])],
    },
    // node_exporter: the whole machine, so the mail server should have it to itself.
    Exporter {
        source: "node-exporter",
        chosen_by: None,
        cpu_user: &[
            family("node_cpu_seconds_total", &[("mode", "user")]),
            family("node_cpu_seconds_total", &[("mode", "nice")]),
        ],
        cpu_system: &[
            family("node_cpu_seconds_total", &[("mode", "system")]),
            family("node_cpu_seconds_total", &[("mode", "irq")]),
            family("node_cpu_seconds_total", &[("mode", "softirq")]),
        ],
        resident: &[
            family("node_memory_AnonPages_bytes", &[]),
            family("node_memory_Mapped_bytes", &[]),
        ],
        proportional: &[],
        processes: &[family("node_processes_pids", &[])],
        threads: &[family("node_processes_threads", &[])],
        fds: &[family("node_filefd_allocated", &[])],
        disk_read: &[family("node_disk_read_bytes_total", &[])],
        disk_write: &[family("node_disk_written_bytes_total", &[])],
        network_rx: &[family("node_network_receive_bytes_total", &[])],
        network_tx: &[family("node_network_transmit_bytes_total", &[])],
    },
];

impl Exporter {
    /// What its families on a page tell; none: it does not tell the CPU time of `chosen` (left out: of all).
    pub(super) fn read(&self, page: &[Sample<'_>], chosen: Option<&str>) -> Option<Usage> {
        let sum = |families: &[Family]| self.sum(page, families, chosen);
        let whole = |families: &[Family]| sum(families).map(|sum| sum.max(0.0) as u64);
        let count = |families: &[Family]| whole(families).map(|sum| sum as u32);
        let microseconds = |seconds: f64| (seconds.max(0.0) * 1e6).round() as u64;
        Some(Usage {
            cpu_user_us: microseconds(sum(self.cpu_user)?),
            cpu_system_us: microseconds(sum(self.cpu_system)?),
            rss_bytes: whole(self.resident),
            pss_bytes: whole(self.proportional),
            processes: count(self.processes),
            threads: count(self.threads),
            fds: count(self.fds),
            disk_read_bytes: whole(self.disk_read),
            disk_write_bytes: whole(self.disk_write),
            network_rx_bytes: whole(self.network_rx),
            network_tx_bytes: whole(self.network_tx),
            ..Usage::default()
        })
    }

    /// None: no sample of these families is there.
    fn sum(&self, page: &[Sample<'_>], families: &[Family], chosen: Option<&str>) -> Option<f64> {
        let values: Vec<f64> = page
            .iter()
            .filter(|sample| families.iter().any(|family| family.holds(sample)))
            .filter(|sample| self.is_chosen(sample, chosen))
            .map(|sample| sample.value)
            .collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }

    fn is_chosen(&self, sample: &Sample<'_>, chosen: Option<&str>) -> bool {
        if sample.label("device").is_some_and(is_seen_elsewhere)
            || sample.label("interface").is_some_and(is_seen_elsewhere)
        {
            return false;
        }
        match (self.chosen_by, chosen) {
            (Some(label), Some(chosen)) => sample.label(label) == Some(chosen),
            // A container without a name is a group that holds others.
            (Some(label), None) => sample.label(label).is_some_and(|value| !value.is_empty()),
            (None, _) => true,
        }
    }
}

impl Family {
    fn holds(&self, sample: &Sample<'_>) -> bool {
        sample.name == self.name
            && self
                .with
                .iter()
                .all(|(label, value)| sample.label(label) == Some(value))
    }
}

/// What goes through these devices goes through another one too (volumes over disks, bridges over cards), or stays inside.
fn is_seen_elsewhere(device: &str) -> bool {
    const PREFIXES: [&str; 8] = ["dm-", "md", "loop", "veth", "docker", "br-", "ifb", "zram"];
    device == "lo" || PREFIXES.iter().any(|prefix| device.starts_with(prefix))
}

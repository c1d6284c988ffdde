use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use super::*;

const NODE: &str = "\
# TYPE node_cpu_seconds_total counter
node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} 900
node_cpu_seconds_total{cpu=\"0\",mode=\"system\"} 2.5
node_cpu_seconds_total{cpu=\"1\",mode=\"softirq\"} 0.5
node_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 4
node_cpu_seconds_total{cpu=\"1\",mode=\"user\"} 6
node_disk_read_bytes_total{device=\"sda\"} 1000
node_disk_read_bytes_total{device=\"dm-0\"} 1000
node_network_receive_bytes_total{device=\"eth0\"} 70
node_network_receive_bytes_total{device=\"lo\"} 5000
";

const GROUPS: &str = "\
namedprocess_namegroup_cpu_seconds_total{groupname=\"dovecot\",mode=\"user\"} 1.25
namedprocess_namegroup_cpu_seconds_total{groupname=\"dovecot\",mode=\"system\"} 0.5
namedprocess_namegroup_cpu_seconds_total{groupname=\"sshd\",mode=\"user\"} 9
namedprocess_namegroup_cpu_seconds_total{groupname=\"sshd\",mode=\"system\"} 9
namedprocess_namegroup_memory_bytes{groupname=\"dovecot\",memtype=\"resident\"} 3e+06
namedprocess_namegroup_memory_bytes{groupname=\"dovecot\",memtype=\"virtual\"} 9e+09
namedprocess_namegroup_num_procs{groupname=\"dovecot\"} 12
";

/// As Dovecot 2.3.19 prints it after 250 sessions, with two metrics of the event that has CPU time. The second of the labels is
/// Dovecot's mistake: an exponential histogram stands before.
const DOVECOT: &str = "\
# HELP process_start_time_seconds Timestamp of service start
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1795713384
# HELP dovecot_build Dovecot build information
# TYPE dovecot_build info
dovecot_build_info{version=\"2.3.19.1\",revision=\"9b53102964\"} 1
# HELP dovecot_user Total number of all events of this kind
# TYPE dovecot_user counter
dovecot_user_total{utime=\"1\"} 6
dovecot_user_total{\"duration_101_1000\"} 206
dovecot_user_count 250
# HELP dovecot_user_duration_seconds Total duration of all events of this kind
# TYPE dovecot_user_duration_seconds counter
dovecot_user_duration_seconds_total{utime=\"1\"} 0.004481
dovecot_user_duration_seconds_sum 0.217621
# HELP dovecot_system Total number of all events of this kind
# TYPE dovecot_system counter
dovecot_system_total{stime=\"1\"} 4
dovecot_system_count 250
# EOF
";

/// Answers so many requests, each with this page.
fn served(page: &'static str, requests: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().take(requests) {
            let mut stream = stream.unwrap();
            let head = BufReader::new(stream.try_clone().unwrap()).lines();
            let _ = head.map_while(Result::ok).find(String::is_empty);
            let length = page.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{page}"
            );
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    url
}

fn meter(urls: Vec<String>, group: Option<&str>) -> ExporterMeter {
    let exporters = Exporters {
        urls,
        group: group.map(str::to_owned),
    };
    ExporterMeter::new(&exporters, Ports::default())
}

#[test]
fn a_whole_machine_is_told_by_node_exporter() {
    let mut meter = meter(vec![served(NODE, 1)], None);
    let usage = meter.read().unwrap();
    assert_eq!(meter.source(), "node-exporter");
    assert_eq!(
        (usage.cpu_user_us, usage.cpu_system_us),
        (10_000_000, 3_000_000)
    );
    assert_eq!(usage.disk_read_bytes, Some(1_000), "a volume is on a disk");
    assert_eq!(usage.network_rx_bytes, Some(70), "loopback is no network");
    assert_eq!((usage.fds, usage.processes), (None, None), "not told");
}

#[test]
fn a_group_of_processes_goes_before_the_machine_which_tells_the_network() {
    let urls = vec![served(NODE, 1), served(GROUPS, 1)];
    let mut meter = meter(urls, Some("dovecot"));
    let usage = meter.read().unwrap();
    assert_eq!(meter.source(), "process-exporter");
    assert_eq!(
        (usage.cpu_user_us, usage.cpu_system_us),
        (1_250_000, 500_000)
    );
    assert_eq!(
        (usage.rss_bytes, usage.processes),
        (Some(3_000_000), Some(12))
    );
    assert_eq!(usage.network_rx_bytes, Some(70));
}

#[test]
fn what_is_no_exporter_is_said_so() {
    let html = meter(vec![served("<html></html>", 1)], None).read();
    let html = html.unwrap_err().to_string();
    assert!(
        html.contains("line 1: this is no page of metrics"),
        "{html}"
    );

    let other = meter(vec![served("up 1\n", 1)], None).read();
    assert!(matches!(other, Err(ExporterError::NoCpu { .. })));

    let group = meter(vec![served(GROUPS, 1)], Some("exim")).read();
    let group = group.unwrap_err().to_string();
    assert!(group.contains("of the group `exim`"), "{group}");

    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut gone = meter(vec![format!("http://{closed}/metrics")], None);
    assert!(matches!(
        gone.read(),
        Err(ExporterError::Unreachable { .. })
    ));
    assert_eq!(gone.sample(), None);
}

#[test]
fn dovecots_own_statistics_are_known_and_refused_alone() {
    let alone = meter(vec![served(DOVECOT, 1)], None).read().unwrap_err();
    assert!(matches!(alone, ExporterError::DovecotAlone { .. }));
    let words = alone.to_string();
    assert!(words.contains("is Dovecot's own statistics"), "{words}");
    assert!(words.contains("once a session has ended"), "{words}");
    assert!(words.contains("node_exporter"), "{words}");
}

#[test]
fn beside_dovecots_own_statistics_an_exporter_tells_what_it_tells_alone() {
    let alone = meter(vec![served(NODE, 1)], None).read().unwrap();
    let mut both = meter(vec![served(DOVECOT, 1), served(NODE, 1)], None);
    assert_eq!(both.read().unwrap(), alone);
    assert_eq!(both.source(), "node-exporter");

    let none = meter(vec![served(DOVECOT, 1), served("up 1\n", 1)], None).read();
    assert!(matches!(none, Err(ExporterError::NoCpu { .. })));
}

#[test]
fn cpu_does_not_fall_when_an_exporter_forgets() {
    let mut meter = meter(vec![served(NODE, 1)], None);
    meter.highest = (20_000_000, 1);
    let usage = meter.read().unwrap();
    assert_eq!(
        (usage.cpu_user_us, usage.cpu_system_us),
        (20_000_000, 3_000_000)
    );
}

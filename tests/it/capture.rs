//! Packets on loopback: dumpcap writes them down, and says whether it missed any; tshark reads them afterwards, when nothing
//! is measured any more.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::compare::signal;

/// A capture that is under way.
pub(crate) struct Capture {
    dumpcap: Child,
    packets: PathBuf,
    words: PathBuf,
}

/// The words of a command for a network namespace; none: where we are.
pub(crate) fn within(namespace: Option<&str>, program: &str) -> Command {
    let Some(name) = namespace else {
        return Command::new(program);
    };
    let mut command = Command::new("ip");
    command.args(["netns", "exec", name, program]);
    command
}

impl Capture {
    /// Begins; or why that is not possible here.
    pub(crate) fn start(
        folder: &Path,
        namespace: Option<&str>,
        filter: &str,
    ) -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("capturing packets needs root".into());
        }
        if Command::new("tshark").arg("--version").output().is_err() {
            return Err("there is no tshark".into());
        }
        let (packets, words) = (folder.join("packets.pcapng"), folder.join("dumpcap.txt"));
        let dumpcap = within(namespace, "dumpcap")
            .args(["-i", "lo", "-B", "64", "-f", filter, "-w"])
            .arg(&packets)
            .stdout(Stdio::null())
            .stderr(File::create(&words).unwrap())
            .spawn();
        let Ok(dumpcap) = dumpcap else {
            return Err("there is no dumpcap".into());
        };
        let mut capture = Self {
            dumpcap,
            packets,
            words,
        };
        if capture.captures() {
            return Ok(capture);
        }
        let words = fs::read_to_string(&capture.words).unwrap();
        let _ = capture.dumpcap.kill();
        let _ = capture.dumpcap.wait();
        Err(format!("dumpcap sees no packets here: {}", words.trim()))
    }

    /// It names its file once the socket listens with its filter.
    fn captures(&mut self) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) {
            if fs::read_to_string(&self.words).unwrap().contains("File: ") {
                return true;
            }
            if self.dumpcap.try_wait().unwrap().is_some() {
                return false;
            }
            sleep(Duration::from_millis(20));
        }
        false
    }

    /// Ends it: these fields of each packet, in order; or that some were missed.
    pub(crate) fn stop(mut self, fields: &[&str]) -> Result<Vec<Vec<String>>, String> {
        // The last packets are on their way through it.
        sleep(Duration::from_secs(1));
        signal(&self.dumpcap, Signal::INT);
        self.dumpcap.wait().unwrap();
        let words = fs::read_to_string(&self.words).unwrap();
        if missed(&words) != Some(0) {
            let last = words.lines().last().unwrap_or_default();
            return Err(format!("packets were missed: {last}"));
        }
        let told = Command::new("tshark")
            .arg("-r")
            .arg(&self.packets)
            .args(["-T", "fields"])
            .args(fields.iter().flat_map(|field| ["-e", field]))
            .output()
            .unwrap();
        assert!(told.status.success(), "{told:?}");
        let text = String::from_utf8(told.stdout).unwrap();
        let cells = |line: &str| line.split('\t').map(str::to_owned).collect();
        Ok(text.lines().map(cells).collect())
    }
}

/// How many packets dumpcap says that it missed.
fn missed(words: &str) -> Option<u64> {
    let (_, counts) = words.split_once("Packets received/dropped on interface ")?;
    let (_, counts) = counts.split_once(": ")?;
    let (_, dropped) = counts.split_once('/')?;
    dropped.split_whitespace().next()?.parse().ok()
}

#[test]
fn dumpcaps_words_tell_how_many_packets_it_missed() {
    let words = |dropped| {
        format!(
            "File: x\nPackets captured: 9\nPackets received/dropped on interface 'Loopback: lo': 9/{dropped} (pcap:0/dumpcap:0/flushed:0/ps_ifdrop:0) (100.0%)\n"
        )
    };
    assert_eq!(missed(&words(0)), Some(0));
    assert_eq!(missed(&words(17)), Some(17));
    assert_eq!(missed("killed"), None);
}

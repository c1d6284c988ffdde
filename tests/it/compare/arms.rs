//! What each arm is there for shows in `comparison.csv`, on the embedded server and on Dovecot.

use std::collections::BTreeMap;

use mailgauge::judge::comparison::ComparisonRow;
use mailgauge::target::Dovecot;

use super::{Run, assert_finished, assert_sums_hold};
use crate::support::{mailgauge, skipped};

/// The same people under every arm; the notebook is without a network for a while.
const SETTINGS: &[&str] = &[
    "speed=240",
    "users.tablet=0.25",
    "run.ramp_up=500ms",
    "run.warm_up=300ms",
    "run.measure=3s",
    "run.drain=300ms",
    "notebook.outages={ windows = [{ from = \"5m\", to = \"10m\" }] }",
    "arm.imap-qresync={ base = \"imap-cached\", every = { imap = { resync = \"qresync\" } } }",
];

/// Phones alone, which nobody picks up: they are told of mail, or ask for it.
const PUSH: &[&str] = &[
    "speed=450",
    "users.tablet=0",
    "users.notebook=0",
    "habits.sittings_per_hour=0",
    "run.ramp_up=500ms",
    "run.warm_up=300ms",
    "run.measure=4s",
    "run.drain=300ms",
    "phone.network={ down = \"100Mbit/s\", up = \"100Mbit/s\", rtt = \"40ms\" }",
];
/// Between two checks of a phone that asks, as the clock has it: 15 minutes at this speed.
const INTERVAL_MS: f64 = 15.0 * 60e3 / 450.0;
/// Of the phone's network.
const RTT_MS: f64 = 40.0;

/// Values by arm and metric.
struct Figures {
    values: BTreeMap<(String, String), f64>,
    /// Arms of which the history shows what no mailbox could have shown.
    anomalous: Vec<String>,
}

impl Figures {
    /// Of one short run.
    fn of(target: &str, arms: &str, settings: &[&str]) -> Self {
        let run = Run::new();
        let output = mailgauge()
            .args([
                "compare",
                "client-models",
                "--target",
                target,
                "--arms",
                arms,
            ])
            .args(["--users", "8", "--blocks", "1"])
            .args(settings.iter().flat_map(|it| ["--set", it]))
            .arg("--out")
            .arg(run.out())
            .current_dir(run.folder.path())
            .env("TMPDIR", run.tmp())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_finished(output.status.code(), &said);
        assert!(!said.contains("left out"), "{said}");
        assert_sums_hold(&run.read());
        let lines = csv::Reader::from_path(run.out().join("comparison.csv"))
            .unwrap()
            .into_deserialize()
            .map(Result::unwrap)
            .filter_map(|line: ComparisonRow| {
                Some(((line.arm.to_string(), line.metric), line.value?))
            })
            .collect();
        let mut anomalies = csv::Reader::from_path(run.out().join("anomalies.csv")).unwrap();
        let arm = anomalies
            .headers()
            .unwrap()
            .iter()
            .position(|it| it == "arm");
        let anomalous = anomalies
            .records()
            .map(|line| line.unwrap()[arm.unwrap()].to_owned())
            .collect();
        Self {
            values: lines,
            anomalous,
        }
    }

    fn get(&self, arm: &str, metric: &str) -> f64 {
        let name = (arm.to_owned(), metric.to_owned());
        *self
            .values
            .get(&name)
            .unwrap_or_else(|| panic!("{arm} has no {metric}"))
    }

    /// Whoever deletes leaves nothing; whoever keeps loses nothing, but shows nobody what was read.
    fn assert_pop_keeps_as_told(&self) {
        assert!(self.get("pop3", "left_without_devices") < 50.0);
        assert!(self.get("pop3-keep", "left_without_devices") > 99.9);
        assert!(self.get("pop3-keep", "shown_elsewhere") > 99.9);
        let read = |arm| self.get(arm, "read_mark_elsewhere");
        assert!(read("pop3-keep") < 60.0 && read("imap") > 90.0);
        let left = |arm| self.get(arm, "mail_on_server");
        assert!(left("pop3") < left("pop3-keep"));
    }

    fn assert_an_age_ends_it(&self) {
        let left = |arm| self.get(arm, "mail_on_server");
        assert!(left("pop3") < left("pop3-keep14d"));
        assert!(left("pop3-keep14d") < left("pop3-keep"));
    }

    /// What a device has seen or fetched it opens without the server, and without a network; online it opens nothing so.
    fn assert_a_cache_opens_offline(&self) {
        assert!(self.get("imap", "opened_local") < 0.1);
        assert!(self.get("imap-cached", "opened_local") > 10.0);
        assert!(self.get("pop3", "opened_fetched") < 0.1);
        let cut_off = |arm| self.get(arm, "opened_without_network");
        assert!(cut_off("imap") < 0.1, "{}", cut_off("imap"));
        assert!(cut_off("imap-cached") > 50.0, "{}", cut_off("imap-cached"));
        assert!(cut_off("pop3-keep") > 50.0, "{}", cut_off("pop3-keep"));
    }

    /// Who is told of mail shows it after half a round trip for the news and two for asking, and what the server waits before
    /// it tells; who asks, after half an interval on average and a session.
    fn assert_push_is_prompt(&self, server_waits_ms: f64) {
        let delay = |arm| self.get(arm, "phone_visible_p50");
        let (told, asked) = (delay("imap-idle"), delay("imap"));
        println!(
            "new mail on a phone: {told:.0} ms with IDLE, {asked:.0} ms asking every {INTERVAL_MS:.0} ms"
        );
        let most = server_waits_ms + 10.0 * RTT_MS;
        assert!(told > RTT_MS / 2.0 && told < most, "{told} ms");
        // Late only as far as the machine is busy.
        let in_time = INTERVAL_MS * 0.3..INTERVAL_MS * 1.5;
        assert!(in_time.contains(&asked), "{asked} ms of {INTERVAL_MS}");
        assert!(told < asked, "{told} ms, {asked} ms");
    }

    fn assert_compression_cuts_bytes(&self) {
        let bytes = |arm| self.get(arm, "network_bytes");
        let (plain, compressed) = (bytes("imap-cached"), bytes("imap-compressed"));
        println!("bytes: {plain:.0} plain, {compressed:.0} compressed");
        assert!(compressed < 0.95 * plain, "{compressed} of {plain}");
    }

    /// A server that remembers spares the device the flags of all messages, and nothing is lost by it.
    fn assert_resynchronisation_is_cheaper_and_right(&self) {
        let bytes = |arm| self.get(arm, "phone_check_bytes");
        let (full, quick) = (bytes("imap-cached"), bytes("imap-qresync"));
        println!("bytes of a check: {full:.0} with all flags, {quick:.0} with QRESYNC");
        assert!(quick < full, "{quick} of {full}");
        assert!(self.get("imap-qresync", "read_mark_elsewhere") > 90.0);
        let imap: Vec<_> = self
            .anomalous
            .iter()
            .filter(|it| it.starts_with("imap"))
            .collect();
        assert!(imap.is_empty(), "{imap:?}");
    }

    fn assert_all(&self) {
        self.assert_pop_keeps_as_told();
        self.assert_a_cache_opens_offline();
        self.assert_compression_cuts_bytes();
        self.assert_resynchronisation_is_cheaper_and_right();
    }
}

#[test]
fn alone_each_arm_does_what_it_is_there_for_on_the_embedded_server() {
    let arms = "pop3,pop3-keep,pop3-keep14d,imap,imap-cached,imap-compressed,imap-qresync";
    let figures = Figures::of("embedded", arms, SETTINGS);
    figures.assert_all();
    figures.assert_an_age_ends_it();
    Figures::of("embedded", "imap,imap-idle", PUSH).assert_push_is_prompt(0.0);
}

#[test]
fn alone_each_arm_does_what_it_is_there_for_on_dovecot() {
    if let Err(why) = Dovecot::installed() {
        return skipped("the arms on Dovecot", &why.to_string());
    }
    let arms = "pop3,pop3-keep,imap,imap-cached,imap-compressed,imap-qresync";
    Figures::of("dovecot", arms, SETTINGS).assert_all();
    // It collects changes for half a second before it tells of them (NOTIFY_DELAY_MSECS of its index storage).
    Figures::of("dovecot", "imap,imap-idle", PUSH).assert_push_is_prompt(500.0);
}

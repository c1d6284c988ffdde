//! What each arm is there for shows in `comparison.csv`, on the embedded server and on Dovecot.

use std::collections::BTreeMap;

use mailgauge::judge::comparison::ComparisonRow;
use mailgauge::target::Dovecot;

use super::{Run, assert_finished, assert_sums_hold};
use crate::support::{mailgauge, skipped};

/// Values by arm and metric.
struct Figures(BTreeMap<(String, String), f64>);

impl Figures {
    /// Of one short run of all arms.
    fn of(target: &str, arms: &str) -> Self {
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
            .args(["--users", "8", "--blocks", "1", "--duration", "6s", "--out"])
            .arg(run.out())
            .current_dir(run.folder.path())
            .env("TMPDIR", run.tmp())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_finished(output.status.code(), &said);
        assert_sums_hold(&run.read());
        let lines = csv::Reader::from_path(run.out().join("comparison.csv"))
            .unwrap()
            .into_deserialize()
            .map(Result::unwrap)
            .filter_map(|line: ComparisonRow| {
                Some(((line.arm.to_string(), line.metric), line.value?))
            })
            .collect();
        Self(lines)
    }

    fn get(&self, arm: &str, metric: &str) -> f64 {
        let name = (arm.to_owned(), metric.to_owned());
        *self
            .0
            .get(&name)
            .unwrap_or_else(|| panic!("{arm} has no {metric}"))
    }

    /// Whoever deletes leaves nothing; whoever keeps loses nothing, but shows nobody what was read; an age ends it.
    fn assert_pop_keeps_as_told(&self) {
        assert!(self.get("pop3", "left_without_devices") < 50.0);
        assert!(self.get("pop3-keep", "left_without_devices") > 99.9);
        assert!(self.get("pop3-keep", "shown_elsewhere") > 99.9);
        let read = |arm| self.get(arm, "read_mark_elsewhere");
        assert!(read("pop3-keep") < 60.0 && read("imap") > 90.0);
        let left = |arm| self.get(arm, "mail_on_server");
        assert!(left("pop3") < left("pop3-keep14d"));
        assert!(left("pop3-keep14d") < left("pop3-keep"));
    }

    /// What a device has seen or fetched it opens without the server; online it opens nothing so.
    fn assert_a_cache_opens_offline(&self) {
        assert!(self.get("imap", "opened_local") < 0.1);
        assert!(self.get("imap-cached", "opened_local") > 10.0);
        assert!(self.get("pop3", "opened_fetched") < 0.1);
    }

    /// Told of mail, a phone shows it long before one that asks.
    fn assert_push_is_prompt(&self) {
        let delay = |arm| self.get(arm, "phone_visible_p50");
        assert!(
            delay("imap-idle") * 3.0 < delay("imap"),
            "{} ms, {} ms",
            delay("imap-idle"),
            delay("imap")
        );
    }
}

#[test]
fn alone_each_arm_does_what_it_is_there_for_on_the_embedded_server() {
    let figures = Figures::of(
        "embedded",
        "pop3,pop3-keep,pop3-keep14d,imap,imap-cached,imap-compressed,imap-idle",
    );
    figures.assert_pop_keeps_as_told();
    figures.assert_a_cache_opens_offline();
    figures.assert_push_is_prompt();
    let bytes = |arm| figures.get(arm, "network_bytes");
    assert!(bytes("imap-compressed") < 0.95 * bytes("imap-cached"));
}

#[test]
fn alone_each_arm_does_what_it_is_there_for_on_dovecot() {
    if let Err(why) = Dovecot::installed() {
        return skipped("the arms on Dovecot", &why.to_string());
    }
    let figures = Figures::of(
        "dovecot",
        "pop3,pop3-keep,pop3-keep14d,imap,imap-cached,imap-idle",
    );
    figures.assert_pop_keeps_as_told();
    figures.assert_a_cache_opens_offline();
    figures.assert_push_is_prompt();
}

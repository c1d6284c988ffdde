//! `mailgauge crossover` from end to end.

use std::collections::BTreeMap;
use std::fs;

use mailgauge::metrics::{CrossoverRow, Swept, Visit};
use mailgauge::scenario::Arm;

use crate::support::mailgauge;

fn measured() -> (tempfile::TempDir, Vec<CrossoverRow>) {
    let folder = tempfile::tempdir().unwrap();
    let done = mailgauge()
        .args(["crossover", "--repeat", "1", "--quiet"])
        .args(["--first", "pop3,imap,k9", "--again", "imap-cached", "--out"])
        .arg(folder.path().join("out"))
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let mut rows = csv::Reader::from_path(folder.path().join("out/crossover.csv")).unwrap();
    let rows = rows.deserialize().map(Result::unwrap).collect();
    (folder, rows)
}

#[test]
fn pop_pays_for_what_lies_before_the_newest_message_and_imap_does_not() {
    let (folder, rows) = measured();
    let mut curves: BTreeMap<(Swept, Arm), Vec<&CrossoverRow>> = BTreeMap::new();
    for row in &rows {
        curves.entry((row.swept, row.arm)).or_default().push(row);
    }
    assert_eq!(curves.len(), 12);
    let ends = |swept, arm| {
        let curve = &curves[&(swept, arm)];
        (curve[0], curve[curve.len() - 1])
    };
    for swept in [Swept::Messages, Swept::Attachment] {
        let (small, large) = ends(swept, Arm::POP3);
        assert!(
            large.readable_ms > 3.0 * small.readable_ms,
            "{small:?} {large:?}"
        );
        let (small, large) = ends(swept, Arm::IMAP);
        assert!(
            large.readable_ms < 3.0 * small.readable_ms,
            "{small:?} {large:?}"
        );
        let (_, pop) = ends(swept, Arm::POP3);
        assert!(large.readable_ms < pop.readable_ms);
    }
    // Few messages without attachments a POP device has sooner than a client that asks for more before it shows one.
    let k9: Arm = "k9".parse().unwrap();
    let times = |arm| ends(Swept::Messages, arm);
    let (pop, k9) = (times(Arm::POP3), times(k9));
    assert!(pop.0.round_trips < k9.0.round_trips, "{pop:?} {k9:?}");
    assert!(pop.1.readable_ms > k9.1.readable_ms, "{pop:?} {k9:?}");
    // Who knows the others asks for the newest alone.
    let cached = times("imap-cached".parse().unwrap());
    assert_eq!(cached.0.visit, Visit::Again);
    assert!(cached.1.wire_rx_bytes < cached.0.wire_rx_bytes + 100);
    for row in &rows {
        // Nothing is faster than its round trips.
        let least = f64::from(row.round_trips * row.rtt_ms);
        assert!(row.readable_ms + 30.0 > least, "{row:?}");
    }
    let svg = fs::read_to_string(folder.path().join("out/charts/crossover.svg")).unwrap();
    assert!(svg.contains("messages in the mailbox"));
    assert!(folder.path().join("out/charts/crossover.png").exists());
}

#[test]
fn a_server_that_is_already_there_is_not_filled() {
    let folder = tempfile::tempdir().unwrap();
    let done = mailgauge()
        .args(["crossover", "--target", "localhost", "--quiet", "--out"])
        .arg(folder.path().join("out"))
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(2));
    assert!(!folder.path().join("out").exists());
}

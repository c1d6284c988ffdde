//! What people do besides reading: moving mail to folders, and writing.

use std::collections::BTreeMap;

use mailgauge::metrics::Operation;
use mailgauge::scenario::{Arm, Phase};
use mailgauge::target::Dovecot;

use super::{Run, assert_finished, assert_sums_hold};
use crate::support::skipped;

/// Runs with people who move everything they read, and write a lot.
fn moved_and_sent_on(target: &str) {
    let run = Run::new();
    let mut command = run.command(&["--target", target]);
    for setting in [
        "mailbox.folders=3",
        "mailbox.filed=0.5",
        "habits.move=1",
        "habits.delete=0",
        "habits.revisit=0",
        "habits.sent_per_day=300",
    ] {
        command.args(["--set", setting]);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_finished(output.status.code(), &said);
    let read = run.read();
    // Nothing is lost on its way to a folder: the audit finds it there.
    assert_sums_hold(&read);
    let done = |arm: Arm, operation: Operation| -> u64 {
        let histograms = read
            .latencies(|label| {
                label.cell.arm == arm
                    && label.key.operation == operation
                    && label.key.phase != Phase::Prepare
            })
            .unwrap();
        histograms.values().map(hdrhistogram::Histogram::len).sum()
    };
    for arm in [Arm::POP3, Arm::IMAP] {
        assert!(done(arm, Operation::MoveMessage) > 0, "{arm}: moved");
        assert!(done(arm, Operation::SendMessage) > 0, "{arm}: written");
    }
    assert_eq!(done(Arm::POP3, Operation::Move), 0);
    assert!(done(Arm::IMAP, Operation::Move) > 0);
    assert!(done(Arm::IMAP, Operation::CreateMailbox) >= 1);
    // What lay in folders at the start stays there: nobody is shown it, and the audit finds it.
    let filed = |arm: Arm| {
        let rows = read.consistency().unwrap().into_iter();
        let rows = rows.filter(|row| row.arm == arm && row.due_at_us.is_none());
        let mut shown: BTreeMap<String, bool> = BTreeMap::new();
        for row in rows {
            assert!(arm == Arm::POP3 || row.on_server, "{row:?}");
            *shown.entry(row.message).or_default() |= row.visible_at_us.is_some();
        }
        let number = |message: &str| message.split_once('-').unwrap().1.to_owned();
        let unseen = shown.iter().filter(|(_, shown)| !**shown);
        unseen
            .map(|(message, _)| number(message))
            .collect::<Vec<_>>()
    };
    assert!(!filed(Arm::IMAP).is_empty());
    assert_eq!(filed(Arm::POP3), filed(Arm::IMAP));
    let errors = read.errors().unwrap();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn mail_is_moved_to_folders_and_written_on_the_embedded_server() {
    moved_and_sent_on("embedded");
}

#[test]
fn mail_is_moved_to_folders_and_written_on_dovecot() {
    if let Err(why) = Dovecot::installed() {
        return skipped("moving mail on Dovecot", &why.to_string());
    }
    moved_and_sent_on("dovecot");
}

//! The format on disk: what is written is read back, also after the run was killed at any octet of any file.

use std::fs;
use std::path::{Path, PathBuf};

use mailgauge::metrics::row::{ErrorRow, Opening, OperationRow};
use mailgauge::metrics::{ErrorClass, Interval, Operation, Record};
use mailgauge::rundir::{self, Csv, Label, Outcome, RunDir, Time, Writer};
use mailgauge::scenario::{DeviceKind, Phase};
use proptest::prelude::*;
use strum::IntoEnumIterator;

use crate::sample_run::{self, FIRST, SECOND, SECONDS, interval, manifest, records};

#[test]
fn every_row_that_is_written_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let run = sample_run::write(&dir.path().join("run"));
    let expected = records();
    let count = |wanted: fn(&Record) -> bool| expected.iter().filter(|r| wanted(r)).count();
    let sessions = run.sessions().unwrap();
    assert_eq!(sessions.len(), count(|r| matches!(r, Record::Session(_))));
    assert_eq!(sessions[0], sample_run::session(FIRST, 0));
    assert_eq!(run.errors().unwrap()[0].class, ErrorClass::Timeout);
    assert_eq!(run.openings().unwrap()[0].outcome, Opening::Local);
    assert_eq!(run.server().unwrap()[0], sample_run::server(FIRST, 0));
    assert_eq!(run.generator().unwrap()[0], sample_run::generator(FIRST, 0));
    assert_eq!(
        run.consistency().unwrap()[0],
        sample_run::consistency(FIRST, DeviceKind::Phone)
    );
    assert_eq!(
        run.storage().unwrap()[0],
        sample_run::storage(FIRST, "server")
    );
    assert_eq!(run.checks().unwrap()[0], sample_run::check(FIRST));
    let seconds: Vec<OperationRow> = expected
        .iter()
        .filter_map(|record| match record {
            Record::Interval(second, cell, interval) => Some(interval.rows(*second, *cell)),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(run.intervals().unwrap(), seconds);
    assert_eq!(run.notices(), Vec::<String>::new());
}

#[test]
fn a_run_of_a_version_that_wrote_no_history_is_read_without_one() {
    let dir = tempfile::tempdir().unwrap();
    sample_run::write(dir.path());
    fs::remove_file(dir.path().join("observations.csv")).unwrap();
    let run = RunDir::open(dir.path()).unwrap();
    assert_eq!(run.observations().unwrap(), []);
    assert!(!run.consistency().unwrap().is_empty());
}

#[test]
fn the_rows_of_a_whole_cell_come_from_merged_histograms() {
    let dir = tempfile::tempdir().unwrap();
    let run = sample_run::write(&dir.path().join("run"));
    let mut expected = Vec::new();
    for cell in [FIRST, SECOND] {
        let mut whole = Interval::default();
        (0..SECONDS).for_each(|second| whole.merge(&interval(cell, second)));
        expected.extend(whole.total_rows(cell));
    }
    assert_eq!(run.ops().unwrap(), expected);
}

#[test]
fn a_killed_run_gets_its_missing_cells_from_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let finished = sample_run::write(&path).ops().unwrap();
    let ops = path.join("ops.csv");
    let text = fs::read_to_string(&ops).unwrap();
    let header = text.lines().next().unwrap();
    fs::write(&ops, format!("{header}\n")).unwrap();
    let run = RunDir::open(&path).unwrap();
    assert_eq!(run.ops().unwrap(), finished);
    assert!(run.notices()[0].contains("made again"));
}

#[test]
fn a_second_that_was_flushed_survives_a_writer_that_never_finished() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let mut writer = Writer::create(&path, &manifest()).unwrap();
    writer
        .write(&Record::Interval(0, FIRST, interval(FIRST, 0)))
        .unwrap();
    writer.flush().unwrap();
    std::mem::forget(writer);
    let run = RunDir::open(&path).unwrap();
    assert!(run.unfinished);
    assert_eq!(run.manifest.outcome, Outcome::Running);
    assert_eq!(run.intervals().unwrap().len(), 3);
    assert_eq!(run.ops().unwrap(), interval(FIRST, 0).total_rows(FIRST));
}

#[test]
fn an_empty_run_has_every_file_with_its_header() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    Writer::create(&path, &manifest())
        .unwrap()
        .finish()
        .unwrap();
    for csv in Csv::iter() {
        let text = fs::read_to_string(path.join(csv.name())).unwrap();
        assert_eq!(text, format!("{}\n", csv.columns().join(",")));
    }
    let run = RunDir::open(&path).unwrap();
    assert!(run.ops().unwrap().is_empty());
    assert!(run.latencies(|_| true).unwrap().is_empty());
}

#[test]
fn histograms_of_the_log_are_merged_by_label() {
    let dir = tempfile::tempdir().unwrap();
    let run = sample_run::write(&dir.path().join("run"));
    let open = |label: &Label| {
        label.key.operation == Operation::OpenMessage && label.time == Time::Response
    };
    let found = run.latencies(open).unwrap();
    assert_eq!(found.len(), 2, "one for each arm");
    let (label, histogram) = found.iter().next().unwrap();
    assert_eq!(
        label.to_string(),
        "b1/pop3/measure/phone/open-message/response"
    );
    let row = run.ops().unwrap();
    let row = row
        .iter()
        .find(|row| row.operation == Operation::OpenMessage)
        .unwrap();
    assert_eq!(histogram.len(), row.count - row.errors);
    assert_eq!(histogram.value_at_quantile(0.99), row.response_p99_us);
}

#[test]
fn the_time_to_the_first_byte_is_kept_of_what_fetches_data() {
    let dir = tempfile::tempdir().unwrap();
    let run = sample_run::write(&dir.path().join("run"));
    let first = |label: &Label| label.time == Time::FirstByte;
    let found = run.latencies(first).unwrap();
    for row in run.ops().unwrap() {
        let of_row =
            |label: &Label| label.cell.arm == row.arm && label.key.operation == row.operation;
        let histogram = found.iter().find(|(label, _)| of_row(label));
        let p99 = histogram.map(|(_, times)| times.value_at_quantile(0.99));
        assert_eq!(row.first_byte_p99_us, p99);
        assert_eq!(p99.is_some(), row.operation == Operation::Retr);
        assert!(p99.is_none_or(|first| 0 < first && first < row.service_p99_us));
    }
}

#[test]
fn columns_that_a_later_version_appended_may_be_missing_others_may_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    sample_run::write(&path);
    let without = |column: &str| {
        let file = path.join("sessions.csv");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replacen(column, "unheard_of", 1)).unwrap();
        RunDir::open(&path).unwrap().sessions()
    };
    let rows = without("packets_rx").unwrap();
    assert!(
        rows.iter()
            .all(|row| row.packets_rx.is_none() && row.packets_tx.is_some())
    );
    let error = without("wire_rx_bytes").unwrap_err().to_string();
    assert!(error.contains("wire_rx_bytes"), "{error}");
}

#[test]
fn phases_are_in_the_manifest_as_they_come() {
    let dir = tempfile::tempdir().unwrap();
    let run = sample_run::write(&dir.path().join("run"));
    let span = run.manifest.span(FIRST, Phase::Measure).unwrap();
    assert_eq!((span.start_us, span.end_us), (1_000_000, Some(4_000_000)));
    assert_eq!(run.manifest.outcome, Outcome::Complete);
}

#[test]
fn a_directory_that_is_not_empty_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.txt"), "years of work").unwrap();
    let Err(error) = Writer::create(dir.path(), &manifest()) else {
        panic!("it was taken");
    };
    assert!(error.to_string().contains("is not empty"), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_directory_that_no_run_wrote_is_called_so() {
    let dir = tempfile::tempdir().unwrap();
    let error = RunDir::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("manifest.json is missing"), "{error}");
}

#[test]
fn a_manifest_of_another_version_names_the_version_to_use() {
    let dir = tempfile::tempdir().unwrap();
    let text = r#"{"schema_version": 99, "mailgauge": "7.1.0"}"#;
    fs::write(dir.path().join("manifest.json"), text).unwrap();
    let error = RunDir::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("99") && error.contains("7.1.0"), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let run = sample_run::write(&path);
    fs::remove_file(path.join("sessions.csv")).unwrap();
    let error = run.sessions().unwrap_err().to_string();
    assert!(error.contains("sessions.csv is missing"), "{error}");
}

#[test]
fn a_bad_cell_is_named_by_file_line_and_column() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let run = sample_run::write(&path);
    let file = path.join("checks.csv");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen(",40,", ",forty,", 1)).unwrap();
    let error = run.checks().unwrap_err().to_string();
    assert!(
        error.contains("checks.csv, line 2, column `expected`: "),
        "{error}"
    );
}

#[test]
fn a_column_that_was_taken_out_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let run = sample_run::write(&path);
    fs::write(path.join("checks.csv"), "block,arm,check,expected,holds\n").unwrap();
    let error = run.checks().unwrap_err().to_string();
    assert!(error.contains("column `found` is missing"), "{error}");
}

#[test]
fn a_line_end_within_a_cell_does_not_end_the_row() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let mut writer = Writer::create(&path, &manifest()).unwrap();
    let row = ErrorRow {
        detail: "the server said \"NO,\r\nreally\"".to_owned(),
        ..sample_run::error(FIRST)
    };
    writer.write(&Record::Error(row)).unwrap();
    writer.finish().unwrap();
    let text = fs::read_to_string(path.join("errors.csv")).unwrap();
    assert_eq!(text.lines().count(), 2);
    let read = RunDir::open(&path).unwrap().errors().unwrap();
    assert_eq!(read[0].detail, "the server said \"NO,  really\"");
}

#[test]
fn a_directory_that_goes_away_is_noticed_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let mut writer = Writer::create(&path, &manifest()).unwrap();
    fs::remove_dir_all(&path).unwrap();
    writer
        .write(&Record::Check(sample_run::check(FIRST)))
        .unwrap();
    let error = writer.flush().unwrap_err().to_string();
    assert!(error.contains("was removed"), "{error}");
}

#[test]
fn recording_into_a_finished_cell_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(&dir.path().join("run"), &manifest()).unwrap();
    writer.write(&Record::CellEnd(FIRST, 1)).unwrap();
    let late = Record::Interval(9, FIRST, interval(FIRST, 0));
    let error = writer.write(&late).unwrap_err().to_string();
    assert!(error.contains("block 1 of pop3 was finished"), "{error}");
}

#[test]
fn a_channel_carries_batches_to_the_writers_thread() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let (sender, thread) = Writer::create(&path, &manifest())
        .unwrap()
        .spawn(4)
        .unwrap();
    for record in records() {
        sender.send(vec![record]).unwrap();
    }
    drop(sender);
    thread.join().unwrap().unwrap().finish().unwrap();
    let run = RunDir::open(&path).unwrap();
    assert_eq!(run.sessions().unwrap().len(), 2 * SECONDS as usize);
}

#[test]
fn a_run_without_a_directory_of_its_own_gets_one_that_is_new() {
    let base = tempfile::tempdir().unwrap();
    let time = "2026-11-23T14:05:06Z".parse().unwrap();
    let make = || rundir::create_unique(base.path(), time, "Quick look", "dovecot").unwrap();
    let (one, two) = (make(), make());
    assert!(one.ends_with("20261123T140506Z-quick-look-dovecot"));
    assert!(two.ends_with("20261123T140506Z-quick-look-dovecot-2"));
    assert!(rundir::link_latest(base.path(), &one).unwrap());
    assert!(rundir::link_latest(base.path(), &two).unwrap());
    let latest = fs::canonicalize(base.path().join("latest")).unwrap();
    assert_eq!(latest, fs::canonicalize(two).unwrap());
}

#[test]
fn a_file_of_the_name_latest_is_left_alone() {
    let base = tempfile::tempdir().unwrap();
    fs::write(base.path().join("latest"), "mine").unwrap();
    assert!(!rundir::link_latest(base.path(), &base.path().join("run")).unwrap());
    let kept = fs::read_to_string(base.path().join("latest")).unwrap();
    assert_eq!(kept, "mine");
}

#[test]
fn the_golden_run_is_read_whole() {
    let run = RunDir::open(&golden()).unwrap();
    for csv in Csv::iter().filter(|csv| *csv != Csv::Errors) {
        assert!(rows_of(&run, csv) > 0, "{} has no rows", csv.name());
    }
    assert!(!run.latencies(|_| true).unwrap().is_empty());
    assert_eq!(run.notices(), Vec::<String>::new());
}

#[test]
fn the_golden_runs_sums_can_be_made_again_from_its_log() {
    let golden = golden();
    let dir = tempfile::tempdir().unwrap();
    for name in ["manifest.json", "intervals.csv", "latency.hlog"] {
        fs::copy(golden.join(name), dir.path().join(name)).unwrap();
    }
    fs::write(dir.path().join("ops.csv"), "").unwrap();
    let rebuilt = RunDir::open(dir.path()).unwrap().ops().unwrap();
    assert_eq!(rebuilt, RunDir::open(&golden).unwrap().ops().unwrap());
}

#[test]
fn every_column_is_explained_and_nothing_else() {
    let text = include_str!("../../results/README.md");
    for csv in Csv::iter() {
        let heading = format!("### `{}`", csv.name());
        let section = text
            .split_once(&heading)
            .unwrap_or_else(|| panic!("no section `{heading}`"))
            .1;
        let section = section.split("\n#").next().unwrap();
        let explained: Vec<&str> = section
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
            .map(|(column, _)| column)
            .collect();
        assert_eq!(explained, csv.columns(), "{}", csv.name());
    }
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("results/golden")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_file_cut_off_anywhere_gives_all_its_whole_lines(cut in 0.0..1.0_f64) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run");
        let whole = sample_run::write(&path);
        let all = whole.intervals().unwrap();
        for csv in Csv::iter() {
            let file = path.join(csv.name());
            let text = fs::read(&file).unwrap();
            let kept = &text[..(text.len() as f64 * cut) as usize];
            fs::write(&file, kept).unwrap();
            let lines = kept.split_inclusive(|b| *b == b'\n').filter(|l| l.ends_with(b"\n")).count();
            let run = RunDir::open(&path).unwrap();
            let rows = rows_of(&run, csv);
            if csv == Csv::Ops {
                prop_assert_eq!(rows, 6, "what is missing is made again");
            } else {
                prop_assert_eq!(rows, lines.saturating_sub(1));
            }
            let torn = kept.last().is_some_and(|b| *b != b'\n');
            prop_assert_eq!(run.notices().iter().any(|n| n.contains("torn")), torn);
            fs::write(&file, text).unwrap();
        }

        let log = path.join("latency.hlog");
        let text = fs::read(&log).unwrap();
        let kept = &text[..(text.len() as f64 * cut) as usize];
        fs::write(&log, kept).unwrap();
        fs::write(path.join("ops.csv"), "").unwrap();
        let run = RunDir::open(&path).unwrap();
        let histograms = run.latencies(|label| label.time == Time::Lag).unwrap();
        let logged: u64 = histograms.values().map(hdrhistogram::Histogram::len).sum();
        let tags = String::from_utf8_lossy(kept);
        let whole_tags: Vec<&str> = tags
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n') && line.contains("/lag,"))
            .collect();
        let expected: u64 = all[..whole_tags.len()].iter().map(|row| row.count).sum();
        prop_assert_eq!(logged, expected);
        prop_assert_eq!(run.ops().unwrap().len(), 6);
    }

    #[test]
    fn a_file_with_any_octet_changed_is_read_or_refused(at in 0.0..1.0_f64, octet: u8) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run");
        sample_run::write(&path);
        let names = Csv::iter().map(Csv::name).chain(["latency.hlog", "manifest.json"]);
        for name in names {
            let file = path.join(name);
            let text = fs::read(&file).unwrap();
            let mut changed = text.clone();
            changed[(text.len() as f64 * at) as usize] = octet;
            fs::write(&file, &changed).unwrap();
            if let Ok(run) = RunDir::open(&path) {
                let rows = Csv::iter().map(|csv| try_rows_of(&run, csv));
                let failed = rows.filter_map(Result::err);
                let log = run.latencies(|_| true).err();
                for error in failed.chain(log) {
                    prop_assert!(error.to_string().contains(name), "{}", error);
                }
            }
            fs::write(&file, text).unwrap();
        }
    }
}

fn rows_of(run: &RunDir, csv: Csv) -> usize {
    try_rows_of(run, csv).unwrap()
}

fn try_rows_of(run: &RunDir, csv: Csv) -> Result<usize, rundir::Error> {
    Ok(match csv {
        Csv::Ops => run.ops()?.len(),
        Csv::Intervals => run.intervals()?.len(),
        Csv::Sessions => run.sessions()?.len(),
        Csv::Errors => run.errors()?.len(),
        Csv::Openings => run.openings()?.len(),
        Csv::Server => run.server()?.len(),
        Csv::Generator => run.generator()?.len(),
        Csv::Observations => run.observations()?.len(),
        Csv::Consistency => run.consistency()?.len(),
        Csv::Storage => run.storage()?.len(),
        Csv::Radio => run.radio()?.len(),
        Csv::Checks => run.checks()?.len(),
    })
}

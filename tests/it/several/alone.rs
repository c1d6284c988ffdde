//! What measures, and wants the machine for itself.

use super::*;

/// Runs two targets; the set is whole and its report can be made again from it.
fn both(first: &str, second: &str) {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("set");
    let output = compare(&[first, second], &out);
    let said = text(&output.stdout);
    // Numbers of a busy machine may be no result (5), but they are there.
    assert!(
        matches!(output.status.code(), Some(0 | 5)),
        "{}\n{said}",
        text(&output.stderr)
    );
    assert_eq!(said.matches("who backs the mailbox up").count(), 1);

    let set = RunSet::open(&out).unwrap();
    assert_eq!(set.manifest.targets.len(), 2);
    for target in &set.manifest.targets {
        assert_eq!(target.outcome, Some(Outcome::Complete));
        let run = RunDir::open(&set.run_path(target)).unwrap();
        assert!(!run.unfinished);
        assert_eq!(run.manifest.target.name, target.name);
        assert_eq!(run.manifest.plan_fingerprint, set.manifest.plan_fingerprint);
        assert!(set.run_path(target).join("report.html").is_file());
        let single = report(&set.run_path(target));
        assert!(matches!(single.status.code(), Some(0 | 5)));
    }

    let rows = comparison(&out);
    for target in [first, second] {
        let (values, lines) = filled(&rows, target);
        assert!(values * 10 >= lines * 8, "{target}: {values} of {lines}");
    }
    assert_eq!(filled(&rows, first).1, filled(&rows, second).1);

    let before = fs::read(out.join("comparison.csv")).unwrap();
    let table = fs::read(out.join("comparison.md")).unwrap();
    for made in ["comparison.csv", "comparison.md"] {
        fs::remove_file(out.join(made)).unwrap();
    }
    let again = report(&out);
    assert_eq!(again.status.code(), output.status.code());
    assert_eq!(text(&again.stdout), said);
    assert_eq!(fs::read(out.join("comparison.csv")).unwrap(), before);
    assert_eq!(fs::read(out.join("comparison.md")).unwrap(), table);
}

#[test]
fn two_targets_stand_in_one_table_which_is_made_again_byte_for_byte() {
    if !Path::new("/usr/lib/dovecot/pop3").exists() {
        skipped("two targets in one table", "Dovecot is not installed");
        return;
    }
    both("embedded", "dovecot");
}

#[test]
fn two_storages_of_dovecot_stand_side_by_side_and_their_files_are_counted() {
    if !Path::new("/usr/lib/dovecot/pop3").exists() {
        skipped("storages side by side", "Dovecot is not installed");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("set");
    let storages = ["dovecot:maildir", "dovecot:sdbox", "dovecot:mdbox"];
    let output = compare(&storages, &out);
    let said = text(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 5)), "{said}");
    for (folder, name, storage) in [
        ("dovecot", "dovecot", "maildir"),
        ("dovecot-sdbox", "dovecot:sdbox", "sdbox"),
        ("dovecot-mdbox", "dovecot:mdbox", "mdbox"),
    ] {
        let run = RunDir::open(&out.join(folder)).unwrap();
        let Manifest { target, .. } = &run.manifest;
        assert_eq!(
            (target.name.as_str(), target.facts["storage"].as_str()),
            (name, storage)
        );
        let rows = run.storage().unwrap();
        let server: Vec<_> = rows.iter().filter(|row| row.files.is_some()).collect();
        assert_eq!(server.len(), 2, "one for each arm");
        for row in server {
            let (files, disk) = (row.files.unwrap(), row.disk_bytes.unwrap());
            if storage != "mdbox" {
                assert!(files >= row.messages, "{name}: {files} < {}", row.messages);
            }
            assert!(
                disk >= row.mail_bytes,
                "{name}: {disk} < {}",
                row.mail_bytes
            );
        }
    }
}

#[test]
fn a_target_that_is_not_there_does_not_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("set");
    let output = compare(&["courier", "embedded"], &out);
    if output.status.code() == Some(2)
        || RunSet::open(&out)
            .unwrap()
            .has_run(&RunSet::open(&out).unwrap().manifest.targets[0])
    {
        skipped("a target that is not there", "Courier is installed");
        return;
    }
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let reason = "Courier is not on this machine";
    assert!(text(&output.stdout).starts_with("courier: NOT RUN"));
    for place in [text(&output.stderr), text(&output.stdout)] {
        assert!(place.contains(reason), "{place}");
    }
    let table = fs::read_to_string(out.join("comparison.md")).unwrap();
    assert!(table.contains(reason), "{table}");
    let rows = comparison(&out);
    let (values, lines) = filled(&rows, "embedded");
    assert!(values > 0);
    assert_eq!(filled(&rows, "courier"), (0, lines));
    let before = fs::read(out.join("comparison.csv")).unwrap();
    assert_eq!(report(&out).status.code(), Some(5));
    assert_eq!(fs::read(out.join("comparison.csv")).unwrap(), before);
}

#[test]
fn a_run_of_another_plan_is_kept_out_of_the_table() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("set");
    compare(&["embedded", "courier"], &out);
    let manifest = out.join("embedded/manifest.json");
    let text_of = fs::read_to_string(&manifest).unwrap();
    let plan = RunSet::open(&out).unwrap().manifest.plan_fingerprint;
    fs::write(&manifest, text_of.replace(&plan, "0000000000000000")).unwrap();
    let again = report(&out);
    assert_eq!(again.status.code(), Some(5));
    assert!(text(&again.stdout).contains("another plan"));
    assert_eq!(filled(&comparison(&out), "embedded").0, 0);
}

//! The report's pages in a browser, as `scripts/check-report.sh` sees them.

use std::path::Path;
use std::process::Command;

use crate::report::copy_of_golden;
use crate::support::{mailgauge, skipped};
use crate::{sample_run, sample_search};

#[test]
fn alone_a_browser_finds_no_fault_in_the_pages() {
    let dir = tempfile::tempdir().unwrap();
    let (six, both) = (dir.path().join("six"), dir.path().join("both"));
    sample_run::write_blocks(&six, 6);
    let golden = copy_of_golden();
    let report = |arguments: &[&Path], lang: &str| {
        let mut command = mailgauge();
        command.args(["report", "--quiet", "--lang", lang]);
        command.args(arguments).output().unwrap();
    };
    report(&[&six, golden.path(), Path::new("--out"), &both], "en");
    report(&[golden.path()], "th");
    let searches = ["en", "th"].map(|lang| {
        let search = dir.path().join(lang);
        sample_search::write(&search);
        report(&[&search], lang);
        search
    });
    let page = |dir: &Path| dir.join("report.html");
    let output =
        Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/check-report.sh"))
            .args([page(&six), page(golden.path()), page(&both)])
            .args(searches.each_ref().map(|search| page(search)))
            .output()
            .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    match output.status.code() {
        Some(0) => {}
        Some(77) => skipped("the report's pages in a browser", said.trim()),
        code => panic!(
            "{code:?}: {said}\n{}",
            String::from_utf8_lossy(&output.stderr)
        ),
    }
    for (search, title) in searches.iter().zip(["How many users", "รองรับผู้ใช้ได้กี่คน"])
    {
        let html = std::fs::read_to_string(page(search)).unwrap();
        assert!(html.contains(title) && html.matches("<svg").count() >= 3);
    }
}

//! What several integration tests share.

use std::io::Write as _;

/// Says that a test could not run here and why; `scripts/test.sh` prints these lines at its end.
#[allow(dead_code, reason = "the first test that needs it is not here yet")]
pub fn skipped(test: &str, why: &str) {
    let line = format!("skipped: {test}: {why}");
    println!("{line}");
    if let Some(path) = std::env::var_os("MAILGAUGE_SKIPPED") {
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        writeln!(file, "{line}").unwrap();
    }
}

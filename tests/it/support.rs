//! What several integration tests share.

use std::io::Write as _;
use std::process::Command;

use mailgauge::target::{Courier, Cyrus, Target, TargetError};

/// Says that a test could not run here and why; `scripts/test.sh` prints these lines at its end.
pub(crate) fn skipped(test: &str, why: &str) {
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

/// The program that is tested, without settings of the environment.
pub(crate) fn mailgauge() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailgauge"));
    command.env_remove("MAILGAUGE_LOG").env("NO_COLOR", "1");
    command
}

/// A private server by its name, or a line that says why it cannot be had here.
pub(crate) fn private_target(name: &str, test: &str) -> Option<Target> {
    let found = match name {
        "cyrus" => Cyrus::installed().map(Target::Cyrus),
        "courier" => Courier::installed()
            .map(|courier| courier.delivered_by(env!("CARGO_BIN_EXE_mailgauge")))
            .map(Target::Courier),
        other => Target::named(other),
    };
    match found {
        Ok(target) => Some(target),
        Err(error @ (TargetError::NotFetched { .. } | TargetError::NotInstalled { .. })) => {
            skipped(&format!("{name}: {test}"), &error.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

//! Parse the arguments, start logging, call a command, turn its outcome into an exit code.

use std::process::ExitCode;

use clap::Parser;
use mailgauge::cli::{self, Cli};
use mailgauge::exit::Exit;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe is no reason to fail in another way.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Pass
            }
            .into();
        }
    };
    log_to_stderr(cli.verbose);
    match cli.command.run() {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("mailgauge: {error:#}");
            cli::exit_of(&error).into()
        }
    }
}

/// `MAILGAUGE_LOG` (e.g. `mailgauge::engine=debug`) wins over `-v`.
fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "mailgauge=info,warn",
        2 => "mailgauge=debug,info",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("MAILGAUGE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(console::colors_enabled_stderr())
        .init();
}

//! Progress of what is done a known number of times: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal as _;
use std::time::Instant;

use indicatif::ProgressBar;

use super::progress::{LINE_EVERY, bar};

/// How far something got that is done so many times.
pub(super) struct Counter {
    what: &'static str,
    display: Display,
}

enum Display {
    Nothing,
    Bar(ProgressBar),
    /// When the last line came.
    Lines(Instant),
}

impl Counter {
    pub(super) fn new(quiet: bool, what: &'static str) -> Self {
        let display = if quiet {
            Display::Nothing
        } else if std::io::stderr().is_terminal() {
            Display::Bar(bar())
        } else {
            Display::Lines(Instant::now())
        };
        Self { what, display }
    }

    pub(super) fn show(&mut self, done: u32, of: u32, more: &str) {
        let sentence = || format!("{}: {done} of {of}{more}", self.what);
        match &mut self.display {
            Display::Nothing => {}
            Display::Bar(bar) => {
                bar.set_length(u64::from(of.max(1)));
                bar.set_position(u64::from(done));
                bar.set_message(sentence());
            }
            Display::Lines(last) => {
                if done == of || last.elapsed() >= LINE_EVERY {
                    eprintln!("{}", sentence());
                    *last = Instant::now();
                }
            }
        }
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        if let Display::Bar(bar) = &self.display {
            bar.finish_and_clear();
        }
    }
}

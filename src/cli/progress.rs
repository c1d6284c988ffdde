//! How a long run shows that it gets on: a bar on a terminal, a line now and then elsewhere, nothing when that is wanted.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::engine::{Progress, ProgressReceiver};
use crate::scenario::{Arm, Phase};

/// Without a terminal, a line comes at each turn, and at least this often.
pub(super) const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows progress on standard error until the run is over, each time behind a heading. Dropping the future ends the display.
pub(super) async fn show(mut progress: ProgressReceiver, quiet: bool, heading: &str) {
    let mut display = if quiet {
        Display::Nothing
    } else if std::io::stderr().is_terminal() {
        Display::Bar(bar())
    } else {
        Display::Lines(None)
    };
    while progress.changed().await.is_ok() {
        let now = progress.borrow_and_update().clone();
        display.update(&now, heading);
    }
}

enum Display {
    Nothing,
    Bar(ProgressBar),
    /// When the last line came, and what it told of.
    Lines(Option<(Instant, Turn)>),
}

type Turn = (u32, Option<Arm>, Option<Phase>);

impl Display {
    fn update(&mut self, progress: &Progress, heading: &str) {
        match self {
            Self::Nothing => {}
            Self::Bar(bar) => {
                let total = progress.total.as_millis() as u64;
                bar.set_length(total.max(1));
                bar.set_position(total.saturating_sub(progress.left.as_millis() as u64));
                bar.set_message(format!("{heading}{}", sentence(progress)));
            }
            Self::Lines(last) => {
                let turn = (progress.block, progress.arm, progress.phase);
                let due = last.is_none_or(|(at, told)| told != turn || at.elapsed() >= LINE_EVERY);
                if due {
                    eprintln!("{heading}{}", sentence(progress));
                    *last = Some((Instant::now(), turn));
                }
            }
        }
    }
}

/// A bar on a terminal, with a sentence beside it.
pub(super) fn bar() -> ProgressBar {
    let bar = ProgressBar::new(1);
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {msg}") {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn sentence(progress: &Progress) -> String {
    let Progress {
        block,
        blocks,
        arm,
        phase,
        left,
        open_sessions,
        sessions,
        errors,
        ..
    } = progress;
    let place = match (arm, phase) {
        (Some(arm), Some(phase)) => format!("block {block}/{blocks} {arm} {}", phase_text(*phase)),
        _ => "starting".into(),
    };
    let left = left.as_secs();
    let left = if left >= 60 {
        format!("{} min {:02} s", left / 60, left % 60)
    } else {
        format!("{left} s")
    };
    let errors = match errors {
        0 => String::new(),
        1 => ", 1 error".into(),
        errors => format!(", {errors} errors"),
    };
    format!("{place}: {sessions} sessions, {open_sessions} open{errors}, {left} left")
}

const fn phase_text(phase: Phase) -> &'static str {
    match phase {
        Phase::Prepare => "filling mailboxes",
        Phase::RampUp => "ramp-up",
        Phase::WarmUp => "warm-up",
        Phase::Measure => "measuring",
        Phase::Drain => "draining",
        Phase::Audit => "counting",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::sentence;
    use crate::engine::Progress;
    use crate::scenario::{Arm, Phase};

    #[test]
    fn a_line_says_where_the_run_stands_and_how_long_it_takes() {
        let mut progress = Progress {
            block: 1,
            blocks: 2,
            arm: Some(Arm::IMAP),
            phase: Some(Phase::Measure),
            left: Duration::from_secs(75),
            open_sessions: 12,
            sessions: 340,
            ..Progress::default()
        };
        assert_eq!(
            sentence(&progress),
            "block 1/2 imap measuring: 340 sessions, 12 open, 1 min 15 s left"
        );
        progress.errors = 3;
        progress.left = Duration::from_secs(9);
        assert!(sentence(&progress).ends_with("12 open, 3 errors, 9 s left"));
    }
}

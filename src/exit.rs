//! What the process tells its caller when it ends. One enum, so that no other file invents a code.

use std::process::ExitCode;

/// How a command ended. When several hold, the one that [`Exit::worse`] prefers wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for was done and nothing failed a gate.
    Pass = 0,
    /// The command could not run: no target, no permission, a broken directory.
    CouldNotRun = 1,
    /// The command line or the scenario is wrong; nothing was started.
    Usage = 2,
    /// A gate (threshold) was not met.
    GateFailed = 3,
    /// A regression was shown.
    Regression = 4,
    /// The numbers cannot be trusted, so they are not a result.
    Invalid = 5,
    /// Stopped by the user; what was measured until then is kept.
    Interrupted = 130,
}

impl Exit {
    /// The outcome to report when both hold: an invalid run hides its gates, a failed gate hides a regression.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        if self.rank() >= other.rank() {
            self
        } else {
            other
        }
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Regression => 1,
            Self::GateFailed => 2,
            Self::Invalid => 3,
            Self::Interrupted => 4,
            Self::CouldNotRun => 5,
            Self::Usage => 6,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn an_invalid_run_goes_before_a_failed_gate_and_that_before_a_regression() {
        assert_eq!(Exit::Regression.worse(Exit::GateFailed), Exit::GateFailed);
        assert_eq!(Exit::Invalid.worse(Exit::GateFailed), Exit::Invalid);
        assert_eq!(Exit::Pass.worse(Exit::Regression), Exit::Regression);
    }
}

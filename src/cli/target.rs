//! The options by which commands choose a server that is already there, and what they may do with it.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::UsageError;
use crate::target::{External, ExternalOptions, Target, TargetError};

/// What is said of a server that is already there; of no effect on those that mailgauge starts itself.
#[derive(Clone, Debug, Default, ClapArgs)]
#[command(next_help_heading = "For a server that is already there")]
pub struct TargetOptions {
    /// Whose mailboxes may be used: lines `user,password` [default: as the target file says].
    #[arg(long, value_name = "FILE")]
    pub accounts: Option<PathBuf>,
    /// The server is yours to put under load.
    #[arg(long)]
    pub i_own_this_target: bool,
    /// Send passwords unencrypted to another machine.
    #[arg(long)]
    pub allow_plaintext: bool,
    /// Do not verify certificates; the report says so.
    #[arg(long)]
    pub insecure: bool,
}

impl TargetOptions {
    /// A server that is already there.
    pub fn open_external(&self, name: &str) -> anyhow::Result<External> {
        match self.open(name)? {
            Target::External(external) => Ok(*external),
            _ => Err(UsageError(format!(
                "`{name}` is started afresh for each run, with empty mailboxes: name a target file, or the host of a server that is already there"
            ))
            .into()),
        }
    }

    /// The target of this name.
    pub fn open(&self, name: &str) -> anyhow::Result<Target> {
        self.find(name)?.map_err(Into::into)
    }

    /// The target of this name, or why it cannot be had here and now; an error if no machine could have it.
    pub fn find(&self, name: &str) -> Result<Result<Target, TargetError>, UsageError> {
        self.find_for(name, false)
    }

    /// The target of this name, to look at it: accounts may be missing.
    pub fn open_to_look(&self, name: &str) -> anyhow::Result<Target> {
        self.find_for(name, true)?.map_err(Into::into)
    }

    fn find_for(
        &self,
        name: &str,
        only_looking: bool,
    ) -> Result<Result<Target, TargetError>, UsageError> {
        let options = ExternalOptions {
            accounts: self.accounts.clone(),
            allow_plaintext: self.allow_plaintext,
            insecure: self.insecure,
            owned: self.i_own_this_target,
            only_looking,
        };
        match Target::named_with(name, &options) {
            Err(error) if error.is_usage() => Err(UsageError(error.to_string())),
            target => Ok(target),
        }
    }
}

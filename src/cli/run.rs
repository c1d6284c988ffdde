//! `mailgauge run`: one load test of a scenario, held against gates. What `compare` does once and in blocks for people, this does once
//! for a build: exit code 3 when a gate is not met, 5 when the run is no result, JUnit XML and a summary for the build page.

use crate::exit::Exit;
use crate::scenario::Gate;

use super::UsageError;
use super::compare;
use super::gates::Gates;

/// Run one load test and hold it against gates (thresholds).
#[derive(Debug, clap::Args)]
#[group(id = "run")]
pub struct Args {
    #[command(flatten)]
    compare: compare::Args,
    /// A threshold, beside those of the scenario (`gates = [...]`): `imap.login.response.p99 < 300ms`. Can be given again.
    #[arg(long = "gate", value_name = "GATE")]
    gates: Vec<String>,
    /// End the run early once a gate has failed for ten seconds.
    #[arg(long)]
    fail_fast: bool,
}

/// Does it.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut scenario = compare::load(&args.compare, Some("1"))?;
    for gate in &args.gates {
        let gate: Gate = gate
            .parse()
            .map_err(|error: crate::scenario::GateError| UsageError(error.to_string()))?;
        scenario.gates.push(gate);
    }
    let gates = Gates::of(&scenario, args.fail_fast)?;
    compare::on_one_target(&args.compare, &scenario, Some(&gates))
}

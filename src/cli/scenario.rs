//! `mailgauge scenario`: check, show, list, and the JSON Schema; and the options by which other commands
//! choose a scenario and override parts of it.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::{Args as ClapArgs, Subcommand};

use super::UsageError;
use crate::exit::Exit;
use crate::judge::gate;
use crate::plan::{Plan, Shard, Summary};
use crate::scenario::{self, BUILTINS, Override, Scenario, ScenarioError, duration_text};

/// Check, show and list scenarios; print the schema of scenario files.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Read a scenario, say what is wrong with it, or what it amounts to.
    Check(ScenarioOptions),
    /// Print every value after defaults and overrides, as a scenario file.
    Show(ScenarioOptions),
    /// List the built-in scenarios and the questions they answer.
    List,
    /// Print the JSON Schema of scenario files, for editors.
    Schema,
}

/// Which scenario, and what is different this time.
#[derive(Clone, Debug, Default, ClapArgs)]
pub struct ScenarioOptions {
    /// A built-in scenario (see `mailgauge scenario list`) or a TOML file.
    #[arg(value_name = "SCENARIO", default_value = BUILTINS[0].name)]
    pub scenario: String,
    /// Set any value of the scenario: `users.count=200`, `phone.imap.watch.poll=15m`, `mail.sizes=sun-heavy`.
    /// Short for the common ones: users, arms, blocks, workers, `ramp_up`, `warm_up`, measure, duration, drain, tls.
    /// Can be given again; later ones win.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Number of users (`users.count`).
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub users: Option<String>,
    /// Length of the measured phase in clock time, such as 30s or 5m (`run.measure`).
    #[arg(long, value_name = "TIME", allow_negative_numbers = true)]
    pub duration: Option<String>,
    /// Where all chance comes from (`seed`).
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub seed: Option<String>,
    /// The sides of the comparison, such as pop3,imap (`run.arms`).
    #[arg(long, value_name = "A,B")]
    pub arms: Option<String>,
}

impl ScenarioOptions {
    /// Reads the scenario and lays the overrides over it: `--set` in the order given, then the options.
    pub fn load(&self) -> Result<Scenario, ScenarioError> {
        self.load_with(&[])
    }

    /// The same with further overrides, which win.
    pub fn load_with(&self, further: &[Override]) -> Result<Scenario, ScenarioError> {
        let mut overrides = self.overrides()?;
        overrides.extend_from_slice(further);
        Scenario::load(&self.scenario, &overrides)
    }

    fn overrides(&self) -> Result<Vec<Override>, ScenarioError> {
        let set = self.set.iter().map(|argument| {
            Override::set(argument).ok_or_else(|| ScenarioError::NotAnOverride {
                argument: argument.clone(),
            })
        });
        let options = [
            ("--users", "users.count", &self.users),
            ("--duration", "run.measure", &self.duration),
            ("--seed", "seed", &self.seed),
            ("--arms", "run.arms", &self.arms),
        ];
        let options = options.into_iter().filter_map(|(option, path, value)| {
            value
                .as_deref()
                .map(|value| Ok(Override::option(option, path, value)))
        });
        set.chain(options).collect()
    }
}

/// Does it.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let text = match &args.action {
        Action::Check(options) => check(options)?,
        Action::Show(options) => load(options)?.to_toml(),
        Action::List => list()?,
        Action::Schema => serde_json::to_string_pretty(&scenario::schema())? + "\n",
    };
    // A reader that has seen enough (`| head`) is no failure.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(Exit::Pass)
}

fn load(options: &ScenarioOptions) -> anyhow::Result<Scenario> {
    options
        .load()
        .map_err(|error| UsageError(error.to_string()).into())
}

fn list() -> anyhow::Result<String> {
    let width = BUILTINS
        .iter()
        .map(|builtin| builtin.name.len())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for builtin in BUILTINS {
        let question = Scenario::builtin(builtin.name)?.question;
        writeln!(text, "{:width$}  {question}", builtin.name)?;
    }
    Ok(text)
}

/// What a scenario without mistakes amounts to.
fn check(options: &ScenarioOptions) -> anyhow::Result<String> {
    let scenario = load(options)?;
    gate::understand(&scenario.gates, &scenario.run.arms)
        .map_err(|error| UsageError(error.to_string()))?;
    let plan = Plan::new(&scenario, Shard::WHOLE);
    let summary = plan.summary();
    let run = &scenario.run;
    let arms: Vec<String> = run.arms.iter().map(ToString::to_string).collect();
    let whole = scenario.cell_length() * run.blocks * run.arms.len() as u32;
    let mut lines = vec![format!("{}: no mistakes", scenario.name)];
    let mut line = |label: &str, what: String| lines.push(format!("  {label:12} {what}"));
    line("question", scenario.question.clone());
    line(
        "run",
        format!(
            "{}, {} blocks, {} each, {} in all",
            arms.join(" and "),
            run.blocks,
            duration_text(scenario.cell_length()),
            duration_text(whole)
        ),
    );
    line(
        "population",
        format!(
            "{} users, {} phones, {} tablets, {} notebooks",
            summary.users, summary.phones, summary.tablets, summary.notebooks
        ),
    );
    let classes: Vec<String> = summary
        .classes
        .iter()
        .map(|(class, users)| format!("{users} {class}"))
        .collect();
    if !classes.is_empty() {
        line("classes", classes.join(", "));
    }
    for (label, what) in what_happens(&summary) {
        line(label, what);
    }
    for arm in &run.arms {
        let model = scenario.arm.get(arm);
        line(
            &arm.to_string(),
            format!(
                "{:.1} checks for mail per second; {}",
                summary.checks_per_second(*arm),
                model.map_or("", |model| &model.about),
            ),
        );
    }
    line(
        "seed",
        format!("{}, plan {}", scenario.seed, plan.fingerprint()),
    );
    Ok(lines.join("\n") + "\n")
}

/// What a cell holds by plan, as lines with their labels.
fn what_happens(summary: &Summary) -> [(&'static str, String); 3] {
    [
        (
            "each cell",
            format!(
                "{} messages at the start, {} delivered ({:.0} KB/s)",
                summary.messages_at_start,
                summary.deliveries,
                summary.octets_per_second() / 1_000.0
            ),
        ),
        (
            "",
            format!(
                "{} sittings, {} messages opened, {} opened again elsewhere",
                summary.sittings, summary.openings, summary.revisits
            ),
        ),
        (
            "",
            format!(
                "{} answered, {} written besides, {} moved to folders, {} deleted",
                summary.replies, summary.sent, summary.moves, summary.deletes
            ),
        ),
    ]
}

//! Runs the README's commands as they stand there, so that they cannot rot. Only the way to the binary
//! differs: the tests' own build in place of `cargo run --release --`. A block whose fence says `no_run`
//! needs what a test machine has not, and is only checked for options that the program knows.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support;

const BINARY: &str = env!("CARGO_BIN_EXE_mailgauge");

#[test]
fn alone_the_commands_of_the_readme_work_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let commands = commands(|fence| fence == "sh");
    assert!(
        commands.iter().any(|command| command == "compare"),
        "the README does not show `cargo run --release -- compare`"
    );
    for command in commands {
        if command.contains("--target dovecot") && !Path::new("/usr/lib/dovecot/pop3").exists() {
            support::skipped(&command, "Dovecot is not installed");
            continue;
        }
        run(&command, folder.path());
    }
    assert!(
        folder.path().join("results/latest/verdict.json").exists(),
        "`compare` left no verdict"
    );
}

#[test]
fn commands_that_are_only_shown_use_options_that_exist() {
    let readme = readme();
    let shown = blocks(&readme)
        .filter(|(fence, _)| *fence == "sh no_run")
        .flat_map(|(_, text)| lines(text));
    let ci = ["github", "gitlab"].map(|name| {
        let file = format!("docs/ci/{name}.yml");
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let text = text.replace("- mailgauge", "mailgauge");
        let commands = lines(&text);
        let all = ["compare ", "run ", "regress "];
        assert!(
            all.iter()
                .all(|it| commands.iter().any(|line| line.starts_with(it)))
        );
        commands
    });
    for command in shown.chain(ci.into_iter().flatten()) {
        let words: Vec<&str> = command.split_whitespace().collect();
        let help = Command::new(BINARY)
            .arg(words[0])
            .arg("--help")
            .output()
            .unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        for option in words.iter().filter(|word| word.starts_with("--")) {
            let name = option.split('=').next().unwrap();
            assert!(
                help.contains(name),
                "`{command}`: `mailgauge {} --help` does not know {name}",
                words[0]
            );
        }
    }
}

/// Runs one command; a run that this machine's noise made invalid (exit 5) is given one more chance.
fn run(command: &str, folder: &Path) {
    let once = || {
        Command::new("sh")
            .args(["-c", &format!("exec \"$0\" {command}"), BINARY])
            .current_dir(folder)
            .output()
            .unwrap()
    };
    let mut output = once();
    if output.status.code() == Some(5) {
        output = once();
    }
    if output.status.code() == Some(5) {
        return support::skipped(command, "twice this machine was too busy for a valid run");
    }
    assert!(
        output.status.success(),
        "`mailgauge {command}` ended with {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// What follows `mailgauge` in each command of the blocks whose fence the filter takes.
fn commands(filter: impl Fn(&str) -> bool) -> Vec<String> {
    let readme = readme();
    blocks(&readme)
        .filter(|(fence, _)| filter(fence))
        .flat_map(|(_, text)| lines(text))
        .collect()
}

fn blocks(readme: &str) -> impl Iterator<Item = (&str, &str)> {
    readme
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.split_once('\n'))
}

fn lines(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| line.split(" #").next().unwrap_or_default().trim())
        .filter_map(|line| {
            line.strip_prefix("cargo run --release -- ")
                .or_else(|| line.strip_prefix("mailgauge "))
        })
        .map(str::to_owned)
        .collect()
}

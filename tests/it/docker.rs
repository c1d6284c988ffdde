//! The containers' files, as far as they can be tried without an engine; `scripts/test-docker.sh` runs them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mailgauge::target::{ExternalOptions, Target};

use crate::support;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const SERVERS: [&str; 3] = ["dovecot", "cyrus", "courier"];

#[test]
fn the_compose_file_is_valid_with_limits_for_servers_and_profiles_for_all_but_dovecot() {
    let Some(composer) = composer() else {
        return support::skipped(
            "docker-compose.yml",
            "neither `docker compose` nor `docker-compose` is installed",
        );
    };
    let output = Command::new(composer[0])
        .args(&composer[1..])
        .args(["--profile", "cyrus", "--profile", "courier", "config"])
        .current_dir(ROOT)
        .env_remove("MAILGAUGE_UID")
        .env_remove("MAILGAUGE_GID")
        .output()
        .unwrap();
    let problems = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problems}");
    let resolved = String::from_utf8(output.stdout).unwrap();
    for server in SERVERS {
        let of_server = service(&resolved, server);
        for key in ["cpuset", "cpus", "mem_limit", "healthcheck"] {
            assert!(of_server.contains(&format!("\n    {key}:")), "{of_server}");
        }
        let runner = match server {
            "dovecot" => "mailgauge".to_owned(),
            _ => format!("mailgauge-{server}"),
        };
        let of_runner = service(&resolved, &runner);
        assert!(of_runner.contains("condition: service_healthy"));
        assert!(of_runner.contains(&format!("pid: service:{server}\n")));
        assert!(of_runner.contains("user: 1000:1000\n"));
        for text in [&of_server, &of_runner] {
            let has_profile = text.contains(&format!("- {server}\n"));
            assert_eq!(has_profile, server != "dovecot", "{text}");
        }
    }
}

/// What `config` shows of a service.
fn service(resolved: &str, name: &str) -> String {
    let begin = format!("\n  {name}:\n");
    let (_, rest) = resolved.split_once(&begin).expect(name);
    let lines = rest.lines().take_while(|line| line.starts_with("   "));
    lines.fold("\n".to_owned(), |text, line| text + line + "\n")
}

/// `docker compose`, or what it was before.
fn composer() -> Option<&'static [&'static str]> {
    let works = |words: &&[&str]| {
        let version = Command::new(words[0])
            .args(&words[1..])
            .arg("version")
            .output();
        version.is_ok_and(|output| output.status.success())
    };
    [&["docker", "compose"][..], &["docker-compose"][..]]
        .into_iter()
        .find(works)
}

#[test]
fn each_server_has_a_target_file_that_can_be_read() {
    let made = tempfile::tempdir().unwrap();
    let certificate = rcgen::generate_simple_self_signed(["server".to_owned()]).unwrap();
    fs::write(made.path().join("ca.pem"), certificate.cert.pem()).unwrap();
    fs::write(made.path().join("password"), "secret\n").unwrap();
    for server in SERVERS {
        let text = fs::read_to_string(docker(&format!("targets/{server}.toml"))).unwrap();
        // As the server's container makes them at its start.
        let text = text.replace("/access", made.path().to_str().unwrap());
        let path = made.path().join(format!("{server}.toml"));
        fs::write(&path, text).unwrap();
        let target =
            Target::named_with(path.to_str().unwrap(), &ExternalOptions::default()).unwrap();
        let external = target.external().unwrap();
        assert_eq!((external.name(), external.accounts()), (server, 1_000));
    }
}

#[test]
fn shellcheck_finds_nothing_in_the_scripts() {
    let scripts = [
        "scripts",
        "docker",
        "docker/dovecot",
        "docker/cyrus",
        "docker/courier",
    ]
    .map(|folder| scripts_in(&Path::new(ROOT).join(folder)))
    .concat();
    assert!(scripts.len() > 8, "{scripts:?}");
    let checked = Command::new("shellcheck")
        .arg("-x")
        .args(scripts)
        .current_dir(ROOT)
        .output();
    let Ok(output) = checked else {
        return support::skipped("the shell scripts", "shellcheck is not installed");
    };
    let found = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{found}");
}

fn docker(path: &str) -> PathBuf {
    Path::new(ROOT).join("docker").join(path)
}

fn scripts_in(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "sh"))
        .collect()
}

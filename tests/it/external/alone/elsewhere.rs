//! A server that is not on this machine: its own network namespace, joined to the client's by a pair of virtual interfaces, stands
//! in for it. Both namespaces belong to processes of this test and are gone with them; this machine's own network is
//! not touched.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use mailgauge::mailserver::{Accounts, Addresses, Config, Server};

use super::super::{HUSH, Mail, run, target_option};
use crate::compare::{Run, assert_finished, assert_sums_hold};
use crate::support::skipped;

/// Of a block that is set aside for tests between networks (RFC 2544).
const CLIENT: &str = "198.18.0.1";
const SERVER: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 2);
const USERS: u32 = 4;

/// A process that does nothing but hold a network namespace.
struct Namespace(Child);

impl Namespace {
    fn new() -> Option<Self> {
        let mut child = Command::new("unshare")
            .args(["--net", "sh", "-c", "echo in && exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut line = String::new();
        let stdout = child.stdout.as_mut()?;
        BufReader::new(stdout).read_line(&mut line).ok()?;
        let namespace = Self(child);
        (line == "in\n").then_some(namespace)
    }

    /// This program, run in it.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/proc/{}/ns/net", self.0.id()))
            .arg(program);
        command
    }

    fn ip(&self, arguments: &str) -> Option<()> {
        let mut ip = self.command("ip");
        let status = ip
            .args(arguments.split(' '))
            .stderr(Stdio::null())
            .status()
            .ok()?;
        status.success().then_some(())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Two machines and a wire.
struct Wire {
    client: Namespace,
    server: Namespace,
}

impl Wire {
    /// None where that is not allowed or the tools are missing.
    fn new() -> Option<Self> {
        let (client, server) = (Namespace::new()?, Namespace::new()?);
        let other = server.0.id();
        client.ip(&format!(
            "link add near type veth peer name far netns {other}"
        ))?;
        client.ip(&format!("address add {CLIENT}/24 dev near"))?;
        server.ip(&format!("address add {SERVER}/24 dev far"))?;
        for (namespace, interface) in [(&client, "near"), (&server, "far")] {
            namespace.ip("link set lo up")?;
            namespace.ip(&format!("link set {interface} up"))?;
        }
        Some(Self { client, server })
    }
}

/// A mail server at the other end, as a process of its own: this test program, which runs one test of it alone.
struct Elsewhere {
    wire: Wire,
    child: Child,
    folder: tempfile::TempDir,
    addresses: Addresses,
}

impl Elsewhere {
    fn start(test: &str) -> Option<Self> {
        let Some(wire) = Wire::new() else {
            skipped(
                test,
                "network namespaces cannot be made here (it takes root, unshare, nsenter and ip)",
            );
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let mut child = wire
            .server
            .command(std::env::current_exe().unwrap())
            .args(["--exact", "external::alone::elsewhere::the_other_machine"])
            .args(["--ignored", "--nocapture"])
            .env("MAILGAUGE_TEST_SERVES", folder.path().join("server"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = lines
            .map(Result::unwrap)
            .find_map(|line| line.strip_prefix("serves ").map(str::to_owned))
            .expect("the server says where it listens");
        let mut accounts = String::new();
        for user in 0..USERS {
            writeln!(accounts, "u{user},{HUSH}{user}").unwrap();
        }
        fs::write(folder.path().join("accounts.csv"), accounts).unwrap();
        Some(Self {
            wire,
            child,
            folder,
            addresses: serde_json::from_str(&told).unwrap(),
        })
    }

    /// `services`: lines below `[pop3]` and `[imap]`; `more`: at the beginning.
    fn target(&self, pop3: &str, imap: &str, more: &str) -> PathBuf {
        let path = self.folder.path().join("elsewhere.toml");
        let text = format!(
            "host = \"{SERVER}\"\n{more}\n[pop3]\nserver_name = \"localhost\"\n{pop3}\n[imap]\nserver_name = \"localhost\"\n{imap}\n[tls]\nca = \"{}\"\n[accounts]\nfile = \"accounts.csv\"\ndomain = \"localhost\"\n",
            self.addresses.ca.as_ref().unwrap().display(),
        );
        fs::write(&path, text).unwrap();
        path
    }

    /// As target files say nothing of TLS: ports within TLS.
    fn usual_target(&self, more: &str) -> PathBuf {
        let [pop3, imap] = [self.addresses.pop3s, self.addresses.imaps].map(port);
        self.target(&pop3, &imap, more)
    }

    /// A comparison, run on the other end.
    fn compare(&self, run: &Run, target: &Path, more: &[&str]) -> Command {
        let here = run.command(&target_option(target));
        let mut there = self.wire.client.command(here.get_program());
        there
            .args(here.get_args())
            .args(more)
            .current_dir(here.get_current_dir().unwrap())
            .env("TMPDIR", run.tmp());
        there
    }

    fn mail(&self) -> Mail {
        Mail::in_folder(&self.folder.path().join("server/mail"))
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn port(address: Option<SocketAddr>) -> String {
    format!("port = {}", address.unwrap().port())
}

/// The other half of these tests: serves until its input ends.
#[test]
#[ignore = "the tests below start it as a process of its own"]
fn the_other_machine() {
    let folder = std::env::var_os("MAILGAUGE_TEST_SERVES").expect("started by the tests below");
    let mut accounts = Accounts::default();
    for user in 0..USERS {
        accounts
            .add(&format!("u{user}"), &format!("{HUSH}{user}"))
            .unwrap();
    }
    let mut config = Config::new(PathBuf::from(folder), accounts).with_tls();
    let far = Some((IpAddr::from(SERVER), 0).into());
    (config.pop3, config.imap) = (far, far);
    (config.pop3s, config.imaps) = (far, far);
    let running = Server::start(config).unwrap();
    println!(
        "\nserves {}",
        serde_json::to_string(running.addresses()).unwrap()
    );
    let _ = std::io::stdin().lines().last();
    running.stop().unwrap();
}

#[test]
fn a_server_elsewhere_is_met_within_tls_and_only_with_its_owners_word() {
    let Some(server) = Elsewhere::start("a run against another machine") else {
        return;
    };
    let target = server.usual_target("");

    let compare = Run::new();
    let (code, said) = run(&mut server.compare(&compare, &target, &[]));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("--i-own-this-target"), "{said}");
    assert!(said.contains("sessions per second"), "{said}");
    assert!(!compare.out().exists());

    let mut command = server.compare(&compare, &target, &["--i-own-this-target"]);
    let (code, said) = run(&mut command);
    assert_finished(code, &said);
    let results = compare.read();
    assert_sums_hold(&results);
    let facts = &results.manifest.target.facts;
    assert_eq!(facts["TLS of POP3"], "implicit");
    assert_eq!(facts["TLS of IMAP"], "implicit");
    let sessions = results.sessions().unwrap();
    assert!(!sessions.is_empty());
    assert!(sessions.iter().all(|session| session.tls_us.is_some()));
    assert_eq!(server.mail(), Mail::default());
}

#[test]
fn no_password_goes_to_another_machine_in_clear_unless_that_is_allowed() {
    let Some(server) = Elsewhere::start("a password in clear to another machine") else {
        return;
    };
    let plain = |address| format!("{}\ntls = \"plain\"", port(address));
    let starttls = |address| format!("{}\ntls = \"starttls\"", port(address));
    let Addresses { pop3, imap, .. } = server.addresses;
    for (by_pop3, by_imap, where_from) in [
        (plain(pop3), starttls(imap), "[pop3]"),
        (starttls(pop3), plain(imap), "[imap]"),
    ] {
        let target = server.target(&by_pop3, &by_imap, "");
        let compare = Run::new();
        let mut command = server.compare(&compare, &target, &["--i-own-this-target"]);
        let (code, said) = run(&mut command);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("in clear"), "{said}");
        assert!(said.contains(where_from), "{said}");
        assert!(!compare.out().exists());
    }

    let target = server.target(&plain(pop3), &starttls(imap), "");
    let compare = Run::new();
    let more = ["--i-own-this-target", "--allow-plaintext"];
    let (code, said) = run(&mut server.compare(&compare, &target, &more));
    assert_finished(code, &said);
    let results = compare.read();
    assert_sums_hold(&results);
    assert!(results.manifest.target.facts["passwords in clear"].contains("--allow-plaintext"));
}

#[test]
fn the_ceilings_of_a_target_file_hold_for_another_machine() {
    let Some(server) = Elsewhere::start("ceilings of another machine") else {
        return;
    };
    let refused = |limit: &str| {
        let compare = Run::new();
        let target = server.usual_target(limit);
        let mut command = server.compare(&compare, &target, &["--i-own-this-target"]);
        let (code, said) = run(&mut command);
        assert_eq!(code, Some(1), "{said}");
        assert!(!compare.out().exists());
        said
    };
    let said = refused("limits.max_connections = 3");
    assert!(said.contains("max_connections"), "{said}");
    let said = refused("limits.max_rate = 0.5");
    assert!(said.contains("max_rate"), "{said}");
}

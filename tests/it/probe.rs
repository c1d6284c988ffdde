//! `mailgauge probe`: what it sees of servers is held against what their settings and documentation say they offer.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::compare::{Run, assert_finished};
use crate::external::{Server, run};
use crate::support::{mailgauge, skipped};

/// What it prints and how it ends.
fn probe(target: &Path, more: &[&str]) -> (Option<i32>, String) {
    let mut command = mailgauge();
    command.arg("probe").arg(target).args(more);
    run(&mut command)
}

fn probe_json(target: &str, more: &[&str]) -> Value {
    let Output {
        status,
        stdout,
        stderr,
    } = mailgauge()
        .args(["probe", target, "--json"])
        .args(more)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{errors}");
    serde_json::from_slice(&stdout).unwrap()
}

/// The service that arms use.
fn service<'a>(probe: &'a Value, role: &str) -> &'a Value {
    let services = probe["services"].as_array().unwrap();
    let used = |it: &&Value| it["role"] == role && it["used"] == true;
    services.iter().find(used).unwrap()
}

fn words(value: &Value) -> BTreeSet<&str> {
    let list = value.as_array().unwrap();
    list.iter().map(|word| word.as_str().unwrap()).collect()
}

fn set(words: &'static str) -> BTreeSet<&'static str> {
    words.split_whitespace().collect()
}

fn assert_arms(probe: &Value, verdicts: [Option<bool>; 2]) {
    for (arm, verdict) in probe["arms"].as_array().unwrap().iter().zip(verdicts) {
        assert_eq!(arm["can_run"].as_bool(), verdict, "{arm}");
    }
}

#[test]
fn the_embedded_server_is_as_it_describes_itself() {
    let probe = probe_json("embedded", &[]);
    assert_arms(&probe, [Some(true), Some(true)]);
    let pop3 = service(&probe, "pop3");
    let offered = &pop3["offered"];
    assert!(words(&offered["before_tls"]).contains("STLS"));
    assert!(!words(&offered["after_tls"]).contains("STLS"));
    let traits = &pop3["pop3"];
    for works in ["uidl_works", "top_works", "pipelining_works"] {
        assert_eq!(traits[works], true, "{works}");
    }
    // RFC 1939 asks for the lock, and the embedded server keeps it.
    assert_eq!(traits["lock"], "exclusive");
    assert_eq!(pop3["crowd"]["let_in"], 1);
    assert_eq!(traits["expire"], "never");
    assert_eq!(traits["login_delay_s"], Value::Null);
    assert_eq!(pop3["tls"]["verified"], true);
    assert_eq!(pop3["noop"]["n"], 20);
    let names = words(&pop3["tls"]["certificate"]["names"]);
    assert_eq!(names, set("localhost 127.0.0.1"));

    let imap = service(&probe, "imap");
    let traits = &imap["imap"];
    for has in [
        "idle",
        "idle_works",
        "condstore",
        "qresync",
        "compress",
        "move",
        "uidplus",
        "special_use",
        "namespace",
    ] {
        assert_eq!(traits[has], true, "{has}");
    }
    assert_eq!(traits["literals"], "LITERAL+");
    assert_eq!(traits["delimiter"], ".");
    assert_eq!(imap["crowd"]["let_in"], 12);
    assert_eq!(imap["crowd"]["refused"], Value::Null);
    assert!(words(&imap["offered"]["after_login"]).contains("IDLE"));

    let delivery = service(&probe, "delivery");
    assert_eq!(delivery["delivery"]["size_limit"], 64 * 1024 * 1024);
    // Within TLS from the first byte nothing is offered without it.
    let implicit = probe["services"].as_array().unwrap().iter();
    let implicit: Vec<_> = implicit.filter(|it| it["tls_mode"] == "implicit").collect();
    assert_eq!(implicit.len(), 2);
    for door in implicit {
        assert_eq!(door["offered"]["before_tls"], Value::Null);
        assert!(!words(&door["offered"]["after_tls"]).contains("STARTTLS"));
        assert_eq!(door["tls"]["verified"], true);
    }
}

/// Each key with the type of its value; of a list, of all its members together.
fn shape(value: &Value, path: &str, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                // Facts differ from server to server.
                if key == "facts" {
                    out.insert(format!("{path}.facts: names and texts"));
                } else {
                    shape(value, &format!("{path}.{key}"), out);
                }
            }
        }
        Value::Array(list) => {
            if list.is_empty() {
                out.insert(format!("{path}[]"));
            }
            for value in list {
                shape(value, &format!("{path}[]"), out);
            }
        }
        Value::Null => drop(out.insert(format!("{path}: null"))),
        Value::Bool(_) => drop(out.insert(format!("{path}: true or false"))),
        Value::Number(_) => drop(out.insert(format!("{path}: number"))),
        Value::String(_) => drop(out.insert(format!("{path}: text"))),
    }
}

#[test]
fn the_json_has_the_shape_that_scripts_rely_on() {
    let probe = probe_json("embedded", &["--sessions", "2"]);
    assert_eq!(probe["schema_version"], 1);
    let mut keys = BTreeSet::new();
    shape(&probe, "", &mut keys);
    let mut text = String::new();
    for key in keys {
        writeln!(text, "{key}").unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn the_page_for_people_fits_a_terminal() {
    let (code, page) = probe(Path::new("embedded"), &["--sessions", "3"]);
    assert_eq!(code, Some(0), "{page}");
    for line in page.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    for words in [
        "POP3 at 127.0.0.1:",
        "STLS",
        "TLS 1.3, TLS13_",
        "issued by CN=mailgauge private authority",
        "announced, works",
        "one session keeps others of the same user out",
        "3 of one user at the same time, none refused",
        "the same, without STLS",
        "67108864 octets",
        "Arms of the scenario quick",
        "can run",
    ] {
        assert!(page.contains(words), "`{words}` is not in\n{page}");
    }
}

/// `imap_capability` of Dovecot 2.3's documentation, with what the plugin for compression adds.
const DOVECOT_IMAP: &str = "IMAP4REV1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY \
    THREAD=REFERENCES THREAD=REFS THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN \
    NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN \
    CONTEXT=SEARCH LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE \
    LITERAL+ NOTIFY SPECIAL-USE COMPRESS=DEFLATE";

#[test]
fn dovecot_is_as_its_documentation_says() {
    if let Err(error) = mailgauge::target::Dovecot::installed() {
        return skipped("a probe of Dovecot", &error.to_string());
    }
    let probe = probe_json("dovecot", &[]);
    assert_arms(&probe, [Some(true), Some(true)]);
    let imap = service(&probe, "imap");
    let offered = words(&imap["offered"]["after_login"]);
    let documented = set(DOVECOT_IMAP);
    let missing: Vec<_> = documented.difference(&offered).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // What it offers before the login is what `imap_login` needs, and the mechanisms of the settings.
    let before = words(&imap["offered"]["before_tls"]);
    let expected = set(
        "IMAP4REV1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ STARTTLS AUTH=PLAIN AUTH=LOGIN \
         AUTH=CRAM-MD5 AUTH=SCRAM-SHA-256",
    );
    assert_eq!(before, expected);
    assert_eq!(imap["imap"]["idle_works"], true);
    assert_eq!(imap["imap"]["qresync"], true);
    // By its plugin, imap_zlib.
    assert_eq!(imap["imap"]["compress"], true);
    assert_eq!(imap["imap"]["implementation"], "Dovecot");

    let pop3 = service(&probe, "pop3");
    let offered = words(&pop3["offered"]["before_tls"]);
    for name in ["UIDL", "TOP", "PIPELINING", "RESP-CODES", "STLS"] {
        assert!(offered.contains(name), "{name}");
    }
    assert!(offered.contains("SASL PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256"));
    for works in ["uidl_works", "top_works", "pipelining_works"] {
        assert_eq!(pop3["pop3"][works], true, "{works}");
    }
    // `pop3_lock_session = no` and `mail_max_userip_connections = 0`, as the facts say.
    assert_eq!(pop3["pop3"]["lock"], "shared");
    assert_eq!(pop3["crowd"]["let_in"], 12);
    assert!(
        probe["facts"]["pop3 lock"]
            .as_str()
            .unwrap()
            .starts_with("none")
    );
}

#[test]
fn cyrus_is_as_its_documentation_says() {
    let Some(probe) = probe_if_there("cyrus") else {
        return;
    };
    let (pop3, imap) = (service(&probe, "pop3"), service(&probe, "imap"));
    for has in [
        "idle_works",
        "condstore",
        "qresync",
        "compress",
        "move",
        "uidplus",
        "special_use",
    ] {
        assert_eq!(imap["imap"][has], true, "{has}");
    }
    // imapd.conf: `maxmessagesize` 0, which Cyrus announces as the largest number that it can.
    assert_eq!(imap["imap"]["append_limit"], u32::MAX);
    assert_eq!(pop3["pop3"]["expire"], "never");
    // `popminpoll` is 0.
    assert_eq!(pop3["pop3"]["login_delay_s"], 0);
    assert_eq!(pop3["pop3"]["lock"], "shared");
}

#[test]
fn courier_is_as_its_documentation_says() {
    let Some(probe) = probe_if_there("courier") else {
        return;
    };
    let (pop3, imap) = (service(&probe, "pop3"), service(&probe, "imap"));
    assert_eq!(imap["imap"]["prefix"], "INBOX.");
    assert_eq!(imap["imap"]["idle_works"], true);
    for lacks in ["condstore", "qresync", "compress", "move", "special_use"] {
        assert_eq!(imap["imap"][lacks], false, "{lacks}");
    }
    assert_eq!(pop3["pop3"]["login_delay_s"], 10);
    assert_eq!(pop3["pop3"]["lock"], "shared");
    // The delay is told of, and does not keep the arm from running.
    let notes = words(&probe["arms"][0]["notes"]);
    assert!(notes.iter().any(|note| note.contains("LOGIN-DELAY 10")));
}

fn probe_if_there(name: &str) -> Option<Value> {
    if let Err(error) = mailgauge::target::Target::named(name) {
        skipped(&format!("a probe of {name}"), &error.to_string());
        return None;
    }
    let probe = probe_json(name, &[]);
    assert_arms(&probe, [Some(true), Some(true)]);
    Some(probe)
}

#[test]
fn a_server_that_is_not_there_is_told_in_words() {
    let server = Server::start(1, &[]);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let target = server.target_of(&format!(
        "host = \"127.0.0.1\"\npop3.port = {port}\nimap.port = {port}\n"
    ));
    let (code, page) = probe(&target, &[]);
    assert_eq!(code, Some(1), "{page}");
    assert!(page.contains("nobody listens on 127.0.0.1"), "{page}");
    assert_eq!(page.matches("cannot run").count(), 2, "{page}");
}

#[test]
fn a_wrong_password_is_told_and_not_shown() {
    let server = Server::start(1, &[]);
    let target = server.target("");
    fs::write(server.path("accounts.csv"), "u0,hush-not-this\n").unwrap();
    let (code, page) = probe(&target, &[]);
    assert_eq!(code, Some(1), "{page}");
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(page.contains("does not let `u0` in"), "{page}");
    assert!(!page.contains("hush-not"), "{page}");
    // Before the login everything could be seen.
    assert!(page.contains("PIPELINING"), "{page}");
}

#[test]
fn a_mechanism_that_the_server_does_not_offer_is_refused_with_what_it_offers() {
    let server = Server::start(1, &[]);
    let target = server.target_of(&format!(
        "host = \"127.0.0.1\"\npop3.port = {}\nimap.port = {}\naccounts.login = \"scram-sha-256\"\n",
        server.addresses.pop3.unwrap().port(),
        server.addresses.imap.unwrap().port(),
    ));
    // The table is written twice otherwise.
    let text = fs::read_to_string(&target).unwrap();
    let text = text.replace("accounts.login = \"scram-sha-256\"\n", "");
    fs::write(&target, text + "login = \"scram-sha-256\"\n").unwrap();
    let (code, page) = probe(&target, &[]);
    assert_eq!(code, Some(1), "{page}");
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        page.contains("does not offer SASL SCRAM-SHA-256 on this connection (it offers: PLAIN)"),
        "{page}"
    );
}

#[test]
fn without_accounts_all_that_can_be_seen_from_outside_is_seen() {
    let server = Server::start(1, &["--self-signed", "--pop3s", "--imaps"]);
    let path = server.path("bare.toml");
    let text = format!(
        "host = \"127.0.0.1\"\npop3.port = {}\nimap.port = {}\nimap.tls = \"starttls\"\nimap.server_name = \"localhost\"\n",
        server.addresses.pop3.unwrap().port(),
        server.addresses.imap.unwrap().port(),
    );
    fs::write(&path, text).unwrap();
    let (code, page) = probe(&path, &["--json"]);
    assert_eq!(code, Some(1), "{page}");
    let seen: Value = serde_json::from_str(&page).unwrap();
    let pop3 = service(&seen, "pop3");
    assert_eq!(pop3["login"], Value::Null);
    assert_eq!(pop3["pop3"]["uidl"], true);
    // Its certificate is from nobody we trust: that matters to IMAP, which asks for TLS, and is shown for both.
    for role in ["pop3", "imap"] {
        let tls = &service(&seen, role)["tls"];
        assert_eq!(tls["verified"], false);
        let why = tls["not_verified_because"].as_str().unwrap();
        assert!(why.contains("signed by nobody we trust"), "{why}");
        assert!(words(&tls["certificate"]["names"]).contains("localhost"));
    }
    // Mail would be appended by IMAP, so that keeps both arms from running.
    assert_arms(&seen, [Some(false), Some(false)]);

    let (code, page) = probe(&path, &["--json", "--insecure"]);
    assert_eq!(code, Some(0), "{page}");
    let seen: Value = serde_json::from_str(&page).unwrap();
    assert_arms(&seen, [None, None]);
    let tls = &service(&seen, "imap")["tls"];
    assert_eq!(tls["verified"], false);
    let why = tls["not_verified_because"].as_str().unwrap();
    assert!(why.contains("not checked"), "{why}");
    assert!(why.contains("signed by nobody we trust"), "{why}");
}

#[test]
fn what_a_server_lacks_keeps_the_arms_that_need_it_from_running() {
    for (without, verdicts, reason) in [
        ("uidl", [Some(false), Some(true)], "UIDL"),
        (
            "idle",
            [Some(true), Some(false)],
            "notebook.imap.watch.poll=15m",
        ),
        ("uidplus", [Some(true), Some(false)], "habits.delete=0"),
        ("top", [Some(true), Some(true)], ""),
    ] {
        let server = Server::start(1, &["--without", without]);
        let target = server.target("");
        let seen = probe_json(target.to_str().unwrap(), &[]);
        assert_arms(&seen, verdicts);
        assert!(seen["arms"].to_string().contains(reason), "{seen}");
    }
}

#[test]
fn looking_leaves_a_mailbox_as_it_was() {
    let server = Server::start(1, &[]);
    server.deliver_foreign("u0", "birthday");
    let before = server.mail();
    assert_eq!(before.foreign.len(), 1);
    let seen = probe_json(server.target("").to_str().unwrap(), &[]);
    assert_eq!(service(&seen, "pop3")["pop3"]["top_works"], true);
    server.mail().assert_only_foreign_as_in(&before);
}

#[test]
fn alone_an_arm_that_cannot_run_is_left_out_of_a_comparison_with_its_reason() {
    let server = Server::start(4, &["--without", "uidl"]);
    let target = server.target("");
    let compare = Run::new();
    let mut command = compare.command(&["--target", target.to_str().unwrap()]);
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_finished(output.status.code(), &errors);
    assert!(errors.contains("the arm pop3 is left out"), "{errors}");
    assert!(errors.contains("UIDL"), "{errors}");
    let manifest = compare.read().manifest;
    assert_eq!(manifest.arms, [mailgauge::scenario::Arm::IMAP]);
    assert_eq!(manifest.skipped_arms.len(), 1);
    assert!(manifest.skipped_arms[0].reasons[0].contains("UIDL"));
    // The look itself is in the manifest, and the reason in the report.
    let services = manifest.target.probe["services"].as_array().unwrap();
    assert!(services.iter().any(|service| service["role"] == "imap"));
    assert!(!manifest.target.probe.to_string().contains("hush"));
    let report = fs::read_to_string(compare.out().join("report.md")).unwrap();
    assert!(report.contains("Arm pop3 was left out"), "{report}");
    let table = String::from_utf8_lossy(&output.stdout);
    let table = table.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(table.contains("Arm pop3 was left out"), "{table}");
}

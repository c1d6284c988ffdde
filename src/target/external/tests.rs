//! What a target file may say, what it means, and what its mistakes look like.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::{Delivery, DeliveryPlace, External, ExternalOptions, Place};
use crate::client::LoginMethod;
use crate::net::Trust;
use crate::scenario::TlsMode;
use crate::target::{Target, TargetError};

struct File {
    dir: tempfile::TempDir,
    path: PathBuf,
}

fn file(text: &str) -> File {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("staging.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(dir.path().join("accounts.csv"), "ann,hush\nbob,hush2\n").unwrap();
    fs::write(dir.path().join("password"), "hush\n").unwrap();
    File { dir, path }
}

fn read(text: &str) -> Result<External, TargetError> {
    External::read(&file(text).path, &ExternalOptions::default())
}

const ACCOUNTS: &str = "[accounts]\nfile = \"accounts.csv\"\n";

fn place(host: &str, port: u16, tls: TlsMode) -> Place {
    Place {
        host: host.into(),
        port,
        tls,
        server_name: host.into(),
    }
}

#[test]
fn off_loopback_tls_is_implicit_on_the_standard_ports() {
    let target = read(&format!("host = \"mail.example.net\"\n{ACCOUNTS}")).unwrap();
    assert_eq!(target.name(), "staging");
    assert_eq!(
        target.pop3,
        Some(place("mail.example.net", 995, TlsMode::Implicit))
    );
    assert_eq!(
        target.imap,
        Some(place("mail.example.net", 993, TlsMode::Implicit))
    );
    assert!(matches!(target.delivery, DeliveryPlace::Append));
    assert!(matches!(target.trust, Trust::System));
    assert_eq!(target.accounts.first(1)[0].address, "ann@mail.example.net");
}

#[test]
fn a_port_of_a_kind_tells_how_tls_is_had_there() {
    let text = format!(
        "host = \"mail.example.net\"\npop3.port = 110\nimap.port = 1143\n[delivery]\nby = \"smtp\"\nport = 587\n{ACCOUNTS}"
    );
    let target = read(&text).unwrap();
    assert_eq!(target.pop3.unwrap().tls, TlsMode::Starttls);
    assert_eq!(target.imap.unwrap().tls, TlsMode::Implicit);
    let DeliveryPlace::Session { place, .. } = target.delivery else {
        panic!("not SMTP");
    };
    assert_eq!((place.port, place.tls), (587, TlsMode::Starttls));
}

#[test]
fn on_loopback_connections_are_plain_unless_the_port_is_one_for_tls() {
    for host in ["localhost", "127.0.0.1", "127.3.2.1", "::1", "[::1]"] {
        let text = format!("host = \"{host}\"\nimap.port = 993\n{ACCOUNTS}");
        let target = read(&text).unwrap();
        let pop3 = target.pop3.unwrap();
        assert_eq!((pop3.port, pop3.tls), (110, TlsMode::Plain), "{host}");
        assert_eq!(target.imap.unwrap().tls, TlsMode::Implicit, "{host}");
    }
}

#[test]
fn everything_that_can_be_said_is_understood() {
    let text = r#"
name = "ours"
host = "mail.example.net"
source_addresses = ["127.0.0.2", "::1"]
disposable = ["ann", "load{1..3}"]

[pop3]
host = "pop.example.net"
port = 1995
tls = "starttls"
server_name = "other.example.net"

[imap]
offered = false

[delivery]
by = "smtp"
host = "smtp.example.net"
user = "sender"
password_file = "password"

[tls]
ca = "accounts.csv"
client_certificate = "accounts.csv"
client_key = "password"

[accounts]
file = "accounts.csv"
domain = "example.org"
login = "scram-sha-256"

[limits]
max_rate = 12.5
max_connections = 40
max_error_share = 0.1

[server]
pid = 1
storage = "/var/mail"
"#;
    let target = read(text).unwrap();
    assert_eq!(target.name(), "ours");
    assert!(target.imap.is_none());
    assert_eq!(target.pop3.unwrap().server_name, "other.example.net");
    assert!(target.disposable.contains("load2") && target.disposable.contains("ann"));
    assert_eq!(target.ceiling.rate, Some(12.5));
    assert_eq!(target.ceiling.connections, Some(40));
    assert!((target.ceiling.error_share.get() - 0.1).abs() < 1e-9);
    assert_eq!(target.sources.len(), 2);
    let bob = &target.accounts.first(2)[1];
    assert_eq!(bob.address, "bob@example.org");
    assert_eq!(bob.method, LoginMethod::ScramSha256);
    let DeliveryPlace::Session { place, login, .. } = target.delivery else {
        panic!("not SMTP");
    };
    assert_eq!((place.port, place.tls), (465, TlsMode::Implicit));
    assert_eq!(login.unwrap().password.expose(), "hush");
}

#[test]
fn a_mistake_names_file_line_and_column_and_says_what_would_be_right() {
    let cases = [
        (
            "host = \"h.example\"\n[pop]\nport = 1\n",
            ":2:2",
            "did you mean `pop3`",
        ),
        (
            "host = \"h.example\"\n[pop3]\nport = 70000\n",
            ":3:8",
            "65535",
        ),
        (
            "host = \"h.example\"\n[pop3]\ntls = \"ssl\"\n",
            ":3:7",
            "implicit",
        ),
        (
            "host = \"h.example\"\n[delivery]\nby = \"mail\"\n",
            ":3:6",
            "append",
        ),
        (
            "host = \"h.example\"\n[limits]\nmax_error_share = 50\n",
            ":3:19",
            "0.5",
        ),
        (
            "host = \"h.example\"\n[limits]\nmax_rate = 0\n",
            ":3:12",
            "above 0",
        ),
        (
            "host = \"h.example\"\n[accounts]\npattern = \"u{1-5}\"\n",
            ":3:11",
            "load{0001..5000}",
        ),
        (
            "host = \"h.example\"\n[accounts]\npattern = \"u{1..5}\"\n",
            ":3:11",
            "password_file",
        ),
        (
            "host = \"h.example\"\n[accounts]\nfile = \"none.csv\"\n",
            "none.csv",
            "No such file",
        ),
        (
            "host = \"h.example\"\n[tls]\nca = \"none.pem\"\n",
            ":3:6",
            "none.pem",
        ),
        (
            "host = \"h.example\"\n[imap]\noffered = false\n[accounts]\nfile = \"accounts.csv\"\n",
            "",
            "by = \"lmtp\"",
        ),
        ("host = \"h.example\"\n", "", "no account is named"),
        (
            "[accounts]\nfile = \"accounts.csv\"\n",
            "",
            "host = \"mail.example.net\"",
        ),
        (
            "host = \"h.example\"\n[tls]\nclient_key = \"password\"\n[accounts]\nfile = \"accounts.csv\"\n",
            ":3:14",
            "client_certificate",
        ),
        ("host = ", ":1:8", ""),
    ];
    for (text, place, words) in cases {
        let error = read(text).unwrap_err();
        assert!(
            matches!(error, TargetError::Description { .. }),
            "{text}: {error:?}"
        );
        let error = error.to_string();
        assert!(error.contains(place), "{text}: {error}");
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn no_mistake_shows_a_password() {
    let cases = [
        "[accounts]\npattern = \"u{1..2}\"\npassword = hush-hush\n",
        "[accounts]\npattern = \"u{1..2}\"\npassword = \"hush-hush\n",
        "[accounts]\npattern = \"u{1..2}\"\npassword = \"hush-hush\" oops\n",
        "[accounts]\npattern = \"u{1..2}\"\npasword = \"hush-hush\"\n",
        "[accounts]\npattern = \"u{1..2}\"\npassword = [\"hush-hush\"]\n",
        "accounts = { pattern = \"u{1-2}\", password = \"hush-hush\" }\n",
        "accounts = { patern = \"u{1-2}\", password = \"hush-hush\" }\n",
        "[accounts]\npattern = \"u{1..2}\"\npassword = \"hush-hush\"\npassword_env = \"HUSH\"\n",
        "[delivery]\nby = \"lmtp\"\nuser = \"me\"\npassword = \"hush-hush\"\n",
    ];
    for text in cases {
        let error = read(&format!("host = \"h.example\"\n{text}")).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hush-hush"), "{shown}");
    }
    let error = read("host = \"h.example\"\n[accounts]\npattern = \"u\"\npassword = 271828\n");
    assert!(!error.unwrap_err().to_string().contains("271828"));
}

#[test]
fn a_password_in_a_file_that_everybody_can_read_is_refused() {
    let text = "host = \"h.example\"\n[accounts]\npattern = \"u{1..2}\"\npassword = \"hush\"\n";
    let file = file(text);
    let options = ExternalOptions::default();
    let target = External::read(&file.path, &options).unwrap();
    assert!(!format!("{target:?}").contains("hush"));
    fs::set_permissions(&file.path, fs::Permissions::from_mode(0o644)).unwrap();
    let error = External::read(&file.path, &options)
        .unwrap_err()
        .to_string();
    assert!(error.contains("chmod 600"), "{error}");
    assert!(!error.contains("hush"), "{error}");
}

#[test]
fn a_name_with_a_dot_is_a_host_and_needs_accounts() {
    let error = Target::named("mail.example.net").unwrap_err().to_string();
    assert!(error.contains("--accounts FILE"), "{error}");
    let file = file("");
    let options = ExternalOptions {
        accounts: Some(file.dir.path().join("accounts.csv")),
        ..ExternalOptions::default()
    };
    let target = Target::named_with("mail.example.net", &options).unwrap();
    assert_eq!(target.name(), "mail.example.net");
    let external = target.external().unwrap();
    assert_eq!(
        external.imap,
        Some(place("mail.example.net", 993, TlsMode::Implicit))
    );
}

#[tokio::test]
async fn a_password_does_not_leave_this_machine_in_clear_unless_that_is_allowed() {
    let text = format!(
        "host = \"192.0.2.1\"\n[pop3]\noffered = false\n[imap]\ntls = \"plain\"\n{ACCOUNTS}"
    );
    let file = file(&text);
    let target = External::read(&file.path, &ExternalOptions::default()).unwrap();
    let error = target.endpoint(1).await.unwrap_err();
    assert!(matches!(error, TargetError::Unsafe { .. }));
    let error = error.to_string();
    assert!(
        error.contains("--allow-plaintext") && error.contains("[imap]"),
        "{error}"
    );
    let allowed = ExternalOptions {
        allow_plaintext: true,
        ..ExternalOptions::default()
    };
    let target = External::read(&file.path, &allowed).unwrap();
    let endpoint = target.endpoint(1).await.unwrap();
    assert_eq!(endpoint.imap.unwrap().tls, TlsMode::Plain);
    // Who only proves that they know it sends no password.
    let proven = read(&format!("{text}\nlogin = \"scram-sha-256\"\n")).unwrap();
    assert!(proven.endpoint(1).await.is_ok());
    let perhaps = read(&format!("{text}\nlogin = \"auto\"\n")).unwrap();
    assert!(perhaps.endpoint(1).await.is_err());
    let facts = target.facts(&target.endpoint(1).await.unwrap());
    assert!(facts["passwords in clear"].contains("--allow-plaintext"));
}

#[tokio::test]
async fn smtp_without_a_login_may_be_plain_and_with_one_may_not() {
    let text = |user: &str| {
        format!(
            "host = \"192.0.2.1\"\n[delivery]\nby = \"smtp\"\ntls = \"plain\"\n{user}{ACCOUNTS}"
        )
    };
    let target = read(&text("")).unwrap();
    let endpoint = target.endpoint(2).await.unwrap();
    assert!(matches!(
        endpoint.delivery,
        Delivery::Session { login: None, .. }
    ));
    let target = read(&text("user = \"me\"\npassword_file = \"password\"\n")).unwrap();
    let error = target.endpoint(2).await.unwrap_err().to_string();
    assert!(error.contains("[delivery]"), "{error}");
}

#[tokio::test]
async fn more_users_than_accounts_is_refused_with_the_remedy() {
    let target = read(&format!("host = \"127.0.0.1\"\n{ACCOUNTS}")).unwrap();
    let error = target.endpoint(3).await.unwrap_err().to_string();
    assert!(error.contains("--users 2"), "{error}");
}

#[test]
fn insecure_wins_over_a_ca_and_is_stated() {
    let file = file(&format!(
        "host = \"h.example\"\n[tls]\nca = \"accounts.csv\"\n{ACCOUNTS}"
    ));
    let options = ExternalOptions {
        insecure: true,
        ..ExternalOptions::default()
    };
    let target = External::read(&file.path, &options).unwrap();
    assert!(matches!(target.trust, Trust::Insecure));
}

//! `mailgauge serve`: the embedded POP3, IMAP and LMTP server as a process of its own. A program that starts
//! it reads one line of JSON with the ports; a person is told how to log in.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::process::{Resource, Signal, getppid, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use super::UsageError;
use crate::exit::Exit;
use crate::mailserver::{
    Accounts, Addresses, Config, CutAt, Faults, Feature, Limits, Server, Stats, TlsConfig, Wrong,
};

/// What `serve` takes.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct Args {
    /// Folder for mail, certificate and statistics [default: a temporary one, removed at the end].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// File with `user:password` lines [default: three users are made].
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
    /// Port for POP3; 0 takes any free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pop3: u16,
    /// Port for IMAP; 0 takes any free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    imap: u16,
    /// Port for LMTP; 0 takes any free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    lmtp: u16,
    /// Also listen for POP3 within TLS.
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "0")]
    pop3s: Option<u16>,
    /// Also listen for IMAP within TLS.
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "0")]
    imaps: Option<u16>,
    /// The server's certificate chain, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of the certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Make a certificate for localhost; DIR/ca.pem is the authority to trust.
    #[arg(long, conflicts_with_all = ["tls_cert", "tls_key"])]
    self_signed: bool,
    /// Write each message and each change to the disk before answering.
    #[arg(long)]
    fsync: bool,
    /// Threads that serve sessions.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    /// Connections at the same time, all protocols together; further ones are refused in words.
    #[arg(long, value_name = "N", default_value_t = Limits::default().connections)]
    max_connections: usize,
    /// Stop when the process that started this one is gone.
    #[arg(long)]
    die_with_parent: bool,
    /// Answer each login as if the password were wrong (a test aid).
    #[arg(long)]
    refuse_logins: bool,
    /// Do this wrong with the mail (a test aid): lose-flag, resurrect, reuse-uid, delete-without-quit,
    /// deliver-twice, delay-notify=6s, stale-replica=2s, hang-up.
    #[arg(long, value_name = "FAULT,FAULT", value_delimiter = ',')]
    fault: Vec<Wrong>,
    /// Neither offer nor do these: stls, uidl, top, idle, uidplus, compress, move, condstore, qresync, literal+ (a test aid).
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
    without: Vec<Feature>,
    /// Leave two of every three of these without an answer, one undone and one done: quit, expunge, delivery (a test aid).
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
    cut: Vec<CutAt>,
}

/// Serves until SIGTERM or SIGINT, then leaves `stats.json` in the folder.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    // Not being allowed to is no reason not to serve: there are fewer connections then.
    let _ = raise_open_files();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(serve(args))
}

async fn serve(args: &Args) -> anyhow::Result<Exit> {
    let parent = getppid();
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch SIGINT")?;
    // A signal of its own, because it also comes when only the thread that started this process ends.
    let mut orphaned = signal(SignalKind::user_defined1()).context("cannot watch SIGUSR1")?;
    if args.die_with_parent {
        rustix::process::set_parent_process_death_signal(Some(Signal::USR1))
            .context("cannot ask for a signal when the parent ends")?;
        if getppid() != parent {
            return Ok(Exit::Pass);
        }
    }
    let temporary = match &args.dir {
        Some(_) => None,
        None => Some(tempfile::tempdir().context("cannot make a temporary folder")?),
    };
    let for_a_person = args.accounts.is_none();
    let config = config(args, temporary.as_ref().map(tempfile::TempDir::path))?;
    let directory = config.directory.clone();
    let accounts = config.accounts.clone();
    let running = Server::start(config)?;
    if for_a_person {
        print(&for_people(running.addresses(), &accounts, &directory));
    } else {
        print(&serde_json::to_string(running.addresses())?);
    }
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = orphaned.recv(), if args.die_with_parent => {
                if getppid() != parent {
                    break;
                }
            }
        }
    }
    let stats = tokio::task::spawn_blocking(|| running.stop())
        .await
        .context("the server did not stop cleanly")??;
    if temporary.is_none() {
        write_stats(&directory, &stats)?;
    }
    Ok(Exit::Pass)
}

fn config(args: &Args, temporary: Option<&Path>) -> anyhow::Result<Config> {
    let directory = args
        .dir
        .as_deref()
        .or(temporary)
        .ok_or_else(|| UsageError("--dir is missing".to_owned()))?;
    let accounts = match &args.accounts {
        Some(path) => Accounts::read(path).map_err(|error| UsageError(error.to_string()))?,
        None => some_accounts()?,
    };
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(certificate), Some(key)) => TlsConfig::Files {
            certificate: certificate.clone(),
            key: key.clone(),
        },
        _ if args.self_signed => TlsConfig::SelfSigned,
        _ => TlsConfig::Off,
    };
    if tls == TlsConfig::Off && (args.pop3s.is_some() || args.imaps.is_some()) {
        return Err(UsageError(
            "--pop3s and --imaps need a certificate: add --self-signed, or --tls-cert and --tls-key"
                .to_owned(),
        )
        .into());
    }
    Ok(Config {
        pop3: Some(Config::loopback(args.pop3)),
        imap: Some(Config::loopback(args.imap)),
        lmtp: Some(Config::loopback(args.lmtp)),
        pop3s: args.pop3s.map(Config::loopback),
        imaps: args.imaps.map(Config::loopback),
        tls,
        fsync: args.fsync,
        threads: usize::from(args.threads),
        limits: Limits {
            connections: args.max_connections,
            ..Limits::default()
        },
        faults: Faults {
            refuse_logins: args.refuse_logins,
            without: args.without.clone(),
            cut: args.cut.clone(),
            wrongs: args.fault.clone(),
        },
        ..Config::new(directory, accounts)
    })
}

/// Users for who only wants to look around.
fn some_accounts() -> anyhow::Result<Accounts> {
    let mut accounts = Accounts::default();
    for user in ["user1", "user2", "user3"] {
        accounts.add(user, "secret")?;
    }
    Ok(accounts)
}

fn for_people(addresses: &Addresses, accounts: &Accounts, directory: &Path) -> String {
    let users: Vec<&str> = accounts.users().collect();
    let mut text = format!(
        "Serving mail for {} (password: secret), stored in {}\n",
        users.join(", "),
        directory.join("mail").display()
    );
    let services: [(&str, Option<SocketAddr>); 5] = [
        ("POP3", addresses.pop3),
        ("IMAP", addresses.imap),
        ("LMTP", addresses.lmtp),
        ("POP3S", addresses.pop3s),
        ("IMAPS", addresses.imaps),
    ];
    for (name, address) in services {
        if let Some(address) = address {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {name:<6} {address}");
        }
    }
    if let Some(ca) = &addresses.ca {
        let _ = writeln!(text, "TLS: trust {}", ca.display());
    }
    if let Some(imap) = addresses.imap {
        let _ = writeln!(
            text,
            "Look in:     curl --user user1:secret imap://{imap}/INBOX"
        );
    }
    if let Some(lmtp) = addresses.lmtp {
        let _ = writeln!(
            text,
            "Send mail:   python3 -c \"import smtplib; smtplib.LMTP('{}', {}).sendmail('me@localhost', 'user1@localhost', 'Subject: hello\\r\\n\\r\\nhello\\r\\n')\"",
            lmtp.ip(),
            lmtp.port()
        );
    }
    text.push_str("Stop with Ctrl-C.");
    text
}

/// Who started this process may have closed its end; that is its business.
fn print(text: &str) {
    use std::io::Write as _;
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{text}");
    let _ = stdout.flush();
}

fn write_stats(directory: &Path, stats: &Stats) -> anyhow::Result<()> {
    let path = directory.join("stats.json");
    let beside = directory.join("stats.json.tmp");
    fs::write(&beside, serde_json::to_vec_pretty(stats)?)
        .and_then(|()| fs::rename(&beside, &path))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Each connection is an open file: take what the system allows.
fn raise_open_files() -> rustix::io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)
}

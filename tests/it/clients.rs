//! The arms that are mail clients: what each sends to a real Dovecot, as tshark sees it on the wire, is held command by command
//! against what its source says that the client sends. The sources stand beside the values in `src/scenario/defaults.toml`.
//!
//! Two things are mailgauge's own and expected as such: CAPA before a POP3 login, and the field `X-MAILGAUGE-ID` at the end of
//! each list of header fields.

mod capture;

use std::collections::BTreeMap;
use std::process::Output;

use mailgauge::scenario::Phase;
use mailgauge::target::Dovecot;

use self::capture::{FIELDS, Session, sessions};
use crate::capture::Capture;
use crate::compare::{Run, assert_finished, assert_sums_hold};
use crate::support::{mailgauge, skipped};

const ARMS: &str = "thunderbird,k9,ios-mail,apple-mail,outlook-pop";

/// One line of what a client is expected to send. `#` stands for a set of numbers, `…` at the end for anything.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Exactly once.
    One(&'static str),
    /// As often as there is reason to.
    Any(&'static str),
}
use Step::{Any, One};

/// What a client sends.
struct Script {
    /// A connection that shows INBOX, from its first command on.
    opening: &'static [Step],
    /// What may follow, in any order.
    later: &'static [&'static str],
    /// What is seen at least once in the whole cell, one command right after the other.
    somewhere: &'static [&'static [&'static str]],
    /// A further connection that holds another folder.
    further: &'static [Step],
}

const TB_HEADERS: &str = "UID FETCH # (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date Message-ID Priority X-Priority References Newsgroups In-Reply-To Content-Type Reply-To X-MAILGAUGE-ID)])";
const TB_BODY: &str = "UID FETCH # (UID RFC822.SIZE BODY.PEEK[])";

/// A packet capture of Thunderbird 52.4 before Dovecot (ID, select, `UID fetch 1:* (FLAGS)`, headers, IDLE, then DONE, noop,
/// `UID fetch <next>:* (FLAGS)`, headers, IDLE), and nsImapProtocol.cpp for the bodies of offline use.
const THUNDERBIRD: Script = Script {
    opening: &[
        One("LOGIN …"),
        One("ID (\"name\" …"),
        One("SELECT INBOX"),
        One("UID FETCH 1:* (FLAGS)"),
        Any(TB_HEADERS),
        Any(TB_BODY),
    ],
    later: &[
        "IDLE",
        "DONE",
        "NOOP",
        "UID FETCH #:* (FLAGS)",
        TB_HEADERS,
        TB_BODY,
        "UID STORE # +FLAGS (\\Seen)",
        "LOGOUT",
    ],
    somewhere: &[
        &[
            "IDLE",
            "DONE",
            "NOOP",
            "UID FETCH # (FLAGS)",
            TB_HEADERS,
            TB_BODY,
        ],
        &["UID STORE # +FLAGS (\\Seen)"],
    ],
    further: &[
        One("LOGIN …"),
        One("ID (\"name\" …"),
        Any("LIST \"\" \"*\""),
        Any("NAMESPACE"),
        Any("SELECT …"),
        Any("LOGOUT"),
    ],
};

const K9_HEADERS: &str = "UID FETCH # (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (date subject from content-type to cc bcc reply-to message-id references in-reply-to list-post list-unsubscribe sender X-K9mail-Identity Chat-Version X-MAILGAUGE-ID)])";
const K9_BODY: &str = "UID FETCH # (UID BODY.PEEK[])";

/// RealImapConnection.kt (ID, NAMESPACE) and RealImapFolder.kt (the rest).
const K9: Script = Script {
    opening: &[
        One("LOGIN …"),
        One("ID (\"name\" …"),
        One("NAMESPACE"),
        One("SELECT INBOX"),
        Any("UID SEARCH # NOT DELETED"),
        Any(K9_HEADERS),
        Any("UID FETCH # (UID FLAGS)"),
        Any(K9_BODY),
    ],
    later: &[
        "NOOP",
        "UID SEARCH # NOT DELETED",
        K9_HEADERS,
        K9_BODY,
        "UID STORE # +FLAGS.SILENT (\\Seen)",
        "LOGOUT",
    ],
    somewhere: &[
        &["SELECT INBOX", "UID SEARCH # NOT DELETED", K9_HEADERS],
        &["UID STORE # +FLAGS.SILENT (\\Seen)"],
    ],
    further: &[],
};

const APPLE_HEADERS: &str = "UID FETCH # (INTERNALDATE UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (date subject from to cc message-id in-reply-to references x-priority x-uniform-type-identifier x-universally-unique-identifier X-MAILGAUGE-ID)] MODSEQ)";

/// imaptest's client `AppleMail`: `UID FETCH <next>:* (…)` on arrival, `UID FETCH <uid> (BODYSTRUCTURE BODY.PEEK[])` on opening.
const APPLE_MAIL: Script = Script {
    opening: &[
        One("LOGIN …"),
        One("SELECT INBOX (CONDSTORE)"),
        Any(APPLE_HEADERS),
    ],
    later: &[
        "IDLE",
        "DONE",
        "NOOP",
        APPLE_HEADERS,
        "UID FETCH # (BODYSTRUCTURE BODY.PEEK[])",
        "UID STORE # +FLAGS (\\Seen)",
        "LOGOUT",
    ],
    somewhere: &[
        &["IDLE", "DONE", APPLE_HEADERS],
        &[
            "UID FETCH # (BODYSTRUCTURE BODY.PEEK[])",
            "UID STORE # +FLAGS (\\Seen)",
        ],
    ],
    further: &[
        One("LOGIN …"),
        Any("LIST \"\" \"*\""),
        Any("NAMESPACE"),
        Any("SELECT …"),
        Any("LOGOUT"),
    ],
};

/// The same items; parts on opening, and RFC 7162 for what it asks when it comes back.
const IOS_MAIL: Script = Script {
    opening: &[
        One("LOGIN …"),
        One("SELECT INBOX (CONDSTORE)"),
        Any(APPLE_HEADERS),
        Any("UID FETCH # (UID FLAGS) (CHANGEDSINCE #)"),
        Any("UID SEARCH UID #"),
    ],
    later: &[
        "NOOP",
        APPLE_HEADERS,
        "UID FETCH # (UID BODYSTRUCTURE)",
        "UID FETCH # (UID BODY.PEEK[#])",
        "UID STORE # +FLAGS (\\Seen)",
        "LOGOUT",
    ],
    somewhere: &[
        &[
            "UID FETCH # (UID BODYSTRUCTURE)",
            "UID FETCH # (UID BODY.PEEK[#])",
            "UID STORE # +FLAGS (\\Seen)",
        ],
        &[
            "UID FETCH # (UID FLAGS) (CHANGEDSINCE #)",
            "UID SEARCH UID #",
        ],
    ],
    further: &[],
};

/// Microsoft's [MS-STANOPOP3]: UIDL, never with an argument. The order is not documented.
const OUTLOOK_POP: Script = Script {
    opening: &[
        One("CAPA"),
        One("USER …"),
        One("PASS …"),
        One("STAT"),
        One("UIDL"),
        One("LIST"),
        Any("RETR #"),
        One("QUIT"),
    ],
    later: &[],
    somewhere: &[&["STAT", "UIDL", "LIST", "RETR #"], &["RETR #", "QUIT"]],
    further: &[],
};

impl Step {
    fn text(self) -> &'static str {
        match self {
            One(text) | Any(text) => text,
        }
    }
}

/// Whether a command is what is expected, whatever its case.
fn fits(expected: &str, command: &str) -> bool {
    let (expected, command) = (expected.to_ascii_uppercase(), command.to_ascii_uppercase());
    let (expected, open) = match expected.strip_suffix('…') {
        Some(begin) => (begin, true),
        None => (expected.as_str(), false),
    };
    let is_of_set = |c: char| c.is_ascii_digit() || ",:*.".contains(c);
    let mut rest = command.as_str();
    for (index, piece) in expected.split('#').enumerate() {
        if index > 0 {
            let without = rest.trim_start_matches(is_of_set);
            if without.len() == rest.len() {
                return false;
            }
            // What follows a set may look like a part of it: `#:*`.
            let at = (0..=rest.len() - without.len())
                .rev()
                .find(|taken| *taken > 0 && rest[*taken..].starts_with(piece));
            let Some(taken) = at else { return false };
            rest = &rest[taken..];
        }
        let Some(after) = rest.strip_prefix(piece) else {
            return false;
        };
        rest = after;
    }
    open || rest.is_empty()
}

/// How many commands the steps explain, or which step is missing.
fn follow(steps: &[Step], commands: &[String]) -> Result<usize, String> {
    let mut at = 0;
    for step in steps {
        match step {
            One(text) => match commands.get(at) {
                Some(command) if fits(text, command) => at += 1,
                // A session that was cut off at the end of the run.
                None => break,
                Some(other) => return Err(format!("{other:?} where {text:?} is expected")),
            },
            Any(text) => {
                while commands.get(at).is_some_and(|command| fits(text, command)) {
                    at += 1;
                }
            }
        }
    }
    Ok(at)
}

impl Script {
    /// Holds one connection against it.
    fn check(&self, session: &Session) -> Result<(), String> {
        let commands = &session.commands;
        let further = || {
            let explained = follow(self.further, commands)?;
            match commands.get(explained) {
                None => Ok(()),
                Some(other) => Err(format!("{other:?} is not expected on a further connection")),
            }
        };
        let main = || {
            let explained = follow(self.opening, commands)?;
            for command in &commands[explained..] {
                if !self.later.iter().any(|expected| fits(expected, command)) {
                    return Err(format!("{command:?} is not among what the client sends"));
                }
            }
            Ok(())
        };
        let main = main();
        if main.is_err() && !self.further.is_empty() && further().is_ok() {
            return Ok(());
        }
        main
    }
}

fn run(target: &str, run: &Run) -> Output {
    let settings = [
        // Compressed, nothing could be read.
        "arm.thunderbird.every.imap.compress=false",
        "arm.k9.every.imap.compress=false",
        "users.phone=0",
        "users.tablet=0",
        "users.notebook=1",
        "speed=300",
        "run.ramp_up=200ms",
        "run.warm_up=100ms",
        "run.measure=2s",
        "run.drain=300ms",
        "mailbox.messages={ constant = 3 }",
        "mailbox.age_days={ constant = 1 }",
        "mailbox.unread=1",
        "mail.sizes={ constant = 2500 }",
        "arrivals.per_day=400",
        "habits.sittings_per_hour=20",
        "habits.think_s={ constant = 10 }",
        "habits.open=1",
        "habits.reply=0",
        "habits.flag=0",
        "habits.move=0",
        "habits.delete=0",
        "habits.search=0",
    ];
    mailgauge()
        .args(["compare", "quick", "--target", target, "--arms", ARMS])
        .args(["--users", "1", "--blocks", "1"])
        .args(settings.iter().flat_map(|it| ["--set", it]))
        .arg("--out")
        .arg(run.out())
        .env("TMPDIR", run.tmp())
        .output()
        .unwrap()
}

fn finished(output: &Output, run: &Run) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_finished(output.status.code(), &said);
    assert!(!said.contains("left out"), "{said}");
    assert_sums_hold(&run.read());
}

#[test]
fn alone_each_client_sends_what_its_source_says_to_dovecot() {
    let test = "what each client sends";
    if let Err(why) = Dovecot::installed() {
        return skipped(test, &why.to_string());
    }
    let dir = Run::new();
    let capture = match Capture::start(&dir.tmp(), None, "tcp") {
        Ok(capture) => capture,
        Err(why) => return skipped(test, &why),
    };
    let output = run("dovecot", &dir);
    let sessions = match capture.stop(&FIELDS) {
        Ok(packets) => sessions(&packets),
        Err(why) => return skipped(test, &why),
    };
    finished(&output, &dir);
    let manifest = dir.read().manifest;
    let begun: jiff::Timestamp = manifest.started.parse().unwrap();
    let begun = begun.as_microsecond() as f64 / 1e6;

    let mut faults = Vec::new();
    let mut by_arm: BTreeMap<String, Vec<&Session>> = BTreeMap::new();
    for session in &sessions {
        let at = (session.begun - begun) * 1e6;
        let within = |it: &&mailgauge::rundir::PhaseSpan| {
            at >= it.start_us as f64 && it.end_us.is_some_and(|end| at < end as f64)
        };
        let Some(span) = manifest.phases.iter().find(within) else {
            continue;
        };
        // Before and after it is the harness that looks.
        if matches!(span.phase, Phase::Prepare | Phase::Audit) {
            continue;
        }
        by_arm
            .entry(span.arm.to_string())
            .or_default()
            .push(session);
    }
    for (arm, script) in [
        ("thunderbird", THUNDERBIRD),
        ("k9", K9),
        ("apple-mail", APPLE_MAIL),
        ("ios-mail", IOS_MAIL),
        ("outlook-pop", OUTLOOK_POP),
    ] {
        let sessions = by_arm.remove(arm).unwrap_or_default();
        println!("{arm}: {} connections", sessions.len());
        for session in &sessions {
            if let Err(fault) = script.check(session) {
                faults.push(format!("{arm}: {fault}, in {:#?}", session.commands));
            }
        }
        for run in script.somewhere {
            let seen = |session: &&Session| {
                let mut windows = session.commands.windows(run.len());
                windows.any(|window| run.iter().zip(window).all(|(text, it)| fits(text, it)))
            };
            if !sessions.iter().any(seen) {
                let all: Vec<_> = sessions.iter().map(|it| &it.commands).collect();
                faults.push(format!("{arm}: nowhere {run:?}, in {all:#?}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn alone_each_client_runs_on_the_embedded_server() {
    let dir = Run::new();
    let output = run("embedded", &dir);
    finished(&output, &dir);
    let run = dir.read();
    assert_eq!(run.manifest.arms.len(), 5);
    for arm in &run.manifest.arms {
        let opened = run.openings().unwrap();
        let opened = opened.iter().filter(|it| it.arm == *arm);
        let (found, all) = opened.fold((0, 0), |(found, all), it| {
            (
                found + u32::from(it.outcome.to_string() != "failed"),
                all + 1,
            )
        });
        assert!(all > 0 && found * 10 >= all * 9, "{arm}: {found} of {all}");
    }
}

#[test]
fn a_command_fits_what_is_expected_of_it() {
    for (expected, command, fit) in [
        ("UID FETCH # (FLAGS)", "uid fetch 1:5,7 (flags)", true),
        ("UID FETCH #:* (FLAGS)", "UID FETCH 18:* (FLAGS)", true),
        ("UID FETCH #:* (FLAGS)", "UID FETCH 18 (FLAGS)", false),
        ("UID FETCH # (FLAGS)", "UID FETCH (FLAGS)", false),
        (
            "UID FETCH # (UID BODY.PEEK[#])",
            "UID FETCH 3 (UID BODY.PEEK[1.2])",
            true,
        ),
        ("LOGIN …", "LOGIN a b", true),
        ("NOOP", "NOOP x", false),
    ] {
        assert_eq!(fits(expected, command), fit, "{expected} {command}");
    }
    let sent = ["A", "B", "B"].map(str::to_owned);
    assert_eq!(follow(&[One("A"), Any("B"), Any("C")], &sent), Ok(3));
    assert!(follow(&[One("B")], &sent).is_err());
    assert_eq!(Step::text(One("A")), "A");
}

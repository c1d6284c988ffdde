//! One anomaly in words, with the part of the history that it rests on.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::metrics::row::{Certainty, Event, ObservationRow};

use super::anomaly::{Anomaly, Severity};

/// Several lines for a person: what was found, what it means, by which rule, and everything that was done to the message
/// or seen of it, in order.
pub fn explain(anomaly: &Anomaly, rows: &[ObservationRow]) -> String {
    let mut text = heading(anomaly);
    let mut history = of_interest(anomaly, rows);
    history.sort_by_key(|row| (row.sent_at_us, row.at_us));
    let _ = writeln!(text, "\n{:>12}  {:>10}  history", "begun at", "took");
    for row in history {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:>10.6} s  {:>7.3} ms  {}",
            row.sent_at_us as f64 / 1e6,
            row.at_us.saturating_sub(row.sent_at_us) as f64 / 1e3,
            sentence(row)
        );
    }
    text
}

fn heading(anomaly: &Anomaly) -> String {
    let grave = match anomaly.severity {
        Severity::Violation => "violates",
        Severity::Allowed => "is left to the server by",
        Severity::Property => "follows from",
    };
    let mut text = format!(
        "{}: {} This {grave} {}.\n{}.\n\nblock {}, arm {}, user {}",
        anomaly.kind,
        anomaly.kind.meaning(),
        anomaly.kind.rule(),
        capital(&anomaly.detail),
        anomaly.cell.block,
        anomaly.cell.arm,
        anomaly.user,
    );
    for (name, value) in [
        ("mailbox", &anomaly.mailbox),
        ("message", &anomaly.message),
        ("UID or UIDL", &anomaly.number),
    ] {
        if let Some(value) = value {
            let _ = write!(text, ", {name} {value}");
        }
    }
    let _ = write!(text, "\nseen at {:.6} s", anomaly.at_us as f64 / 1e6);
    if let Some(since) = anomaly.since_us {
        let after = anomaly.at_us.saturating_sub(since) as f64 / 1e3;
        let _ = write!(text, ", {after:.3} ms after what it contradicts");
    }
    text.push('\n');
    text
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// Rows about the message, or about its number, and the beginning and end of the connections in them.
fn of_interest<'a>(anomaly: &Anomaly, rows: &'a [ObservationRow]) -> Vec<&'a ObservationRow> {
    let of_user = |row: &&ObservationRow| {
        row.block == anomaly.cell.block && row.arm == anomaly.cell.arm && row.user == anomaly.user
    };
    let is_about = |row: &ObservationRow| {
        let number = row
            .uid
            .map(|uid| uid.to_string())
            .or_else(|| row.uidl.clone());
        let same_number = row.event != Event::Listed
            && number.is_some()
            && number == anomaly.number
            && anomaly
                .mailbox
                .as_deref()
                .is_none_or(|name| name == row.mailbox());
        (row.message.is_some() && row.message == anomaly.message) || same_number
    };
    let mine = || rows.iter().filter(of_user);
    let mut sessions: BTreeSet<u32> = mine()
        .filter(|row| is_about(row))
        .map(|row| row.session)
        .collect();
    sessions.insert(anomaly.session);
    sessions.remove(&0);
    let frames = |row: &ObservationRow| {
        let is_frame = matches!(
            row.event,
            Event::Login | Event::Select | Event::Quit | Event::Logout | Event::Cut
        );
        let is_sight = row.at_us == anomaly.at_us && row.session == anomaly.session;
        sessions.contains(&row.session) && (is_frame || (is_sight && row.event == Event::Listed))
    };
    mine().filter(|row| is_about(row) || frames(row)).collect()
}

/// What a row says.
fn sentence(row: &ObservationRow) -> String {
    let actor = match (row.device, row.event) {
        (None, Event::Deliver) => "delivery".to_owned(),
        (None, _) => format!("harness#{}", row.session),
        (Some(device), _) => format!("{device}#{}", row.session),
    };
    let mut text = format!("{actor}: {}", did(row));
    match row.outcome {
        Certainty::Ok => {}
        Certainty::Fail => text.push_str(" – refused"),
        Certainty::Unknown => text.push_str(" – the answer was lost: it may have happened or not"),
    }
    if let Some(error) = row.error {
        let _ = write!(text, " ({error})");
    }
    text
}

fn did(row: &ObservationRow) -> String {
    let mailbox = row.mailbox();
    let number = match (row.uid, &row.uidl) {
        (Some(uid), _) => format!("UID {uid}"),
        (None, Some(uidl)) => format!("UIDL {uidl}"),
        (None, None) => "the message".to_owned(),
    };
    let flags = row.flags.unwrap_or_default();
    match row.event {
        Event::Deliver => "hands the message over".to_owned(),
        Event::Login => "logs in".to_owned(),
        Event::Select => format!(
            "opens {mailbox}: UIDVALIDITY {}, UIDNEXT {}, HIGHESTMODSEQ {}, {} messages",
            or_unknown(row.uid_validity),
            or_unknown(row.uid_next),
            or_unknown(row.mod_seq),
            or_unknown(row.messages),
        ),
        Event::Listed => match (row.uid, row.uid_to) {
            (None, _) => format!("lists {mailbox}: {} messages", or_unknown(row.messages)),
            (Some(first), None) => format!("lists {mailbox} from UID {first} on"),
            (Some(first), Some(last)) => format!("lists {mailbox}, UIDs {first} to {last}"),
        },
        Event::Shown => match row.flags {
            Some(flags) => format!("is shown {number} in {mailbox}, flags: {flags}"),
            None => format!("is shown {number} in {mailbox}"),
        },
        Event::Gone => format!("is no longer shown {number} in {mailbox}"),
        Event::Asked => "asks for news".to_owned(),
        Event::Watched => "listens (IDLE)".to_owned(),
        Event::SetFlags => format!("sets {flags} on {number} in {mailbox}"),
        Event::ClearFlags => format!("takes {flags} from {number} in {mailbox}"),
        Event::Expunge => format!("deletes {number} from {mailbox}"),
        Event::Move => format!(
            "moves {number} from {mailbox} to {}",
            row.to_mailbox.as_deref().unwrap_or("another mailbox")
        ),
        Event::Append => format!("puts the message into {mailbox}"),
        Event::Retrieve => format!("fetches {number} whole"),
        Event::Dele => format!("marks {number} for deletion at QUIT"),
        Event::Quit => "sends QUIT".to_owned(),
        Event::Logout => "logs out".to_owned(),
        Event::Cut => "is cut off".to_owned(),
        Event::Keep => "keeps the whole message".to_owned(),
        Event::KeepPart => "keeps a part of the message".to_owned(),
        Event::Discard => "throws its copy away: the person deleted it".to_owned(),
    }
}

fn or_unknown<N: ToString>(number: Option<N>) -> String {
    number.map_or_else(|| "not told".to_owned(), |number| number.to_string())
}

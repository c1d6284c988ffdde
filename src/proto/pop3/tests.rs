//! Transcripts of POP3, whole and cut anywhere.

use proptest::prelude::*;

use super::*;
use crate::proto::digest::{Digester, MessageDigest};
use crate::proto::line::LineTooLong;

/// Feeds `bytes` to `reply` in pieces of these sizes, round and round, as a wire would. Returns what is
/// left after the reply's end; none: it did not end.
fn feed(
    reply: &mut impl Reply,
    bytes: &[u8],
    pieces: &[usize],
) -> Result<Option<Vec<u8>>, ReplyError> {
    let mut buffer = Vec::new();
    let mut rest = bytes;
    for size in pieces.iter().copied().cycle() {
        let (piece, after) = rest.split_at(size.clamp(1, rest.len().max(1)).min(rest.len()));
        rest = after;
        buffer.extend_from_slice(piece);
        let progress = reply.take(&buffer)?;
        assert!(progress.consumed <= buffer.len());
        buffer.drain(..progress.consumed);
        if progress.complete {
            buffer.extend_from_slice(rest);
            return Ok(Some(buffer));
        }
        if rest.is_empty() {
            return Ok(None);
        }
    }
    Ok(None)
}

fn status(line: &str) -> Result<Vec<u8>, Refusal> {
    let mut status = Status::with_text();
    let left = feed(&mut status, line.as_bytes(), &[3]).unwrap();
    assert_eq!(left, Some(Vec::new()));
    status.finish()
}

fn encoded(command: Command<'_>) -> String {
    let mut out = Vec::new();
    command.encode(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn entries<E: Entry>(bytes: &[u8], pieces: &[usize]) -> Result<Vec<E>, ReplyError> {
    let mut entries = Vec::new();
    let mut reply = Lines::new(10, |line: &[u8]| {
        entries.push(parse_entry(line)?);
        Ok(())
    });
    assert_eq!(feed(&mut reply, bytes, pieces)?, Some(Vec::new()));
    reply.finish().unwrap();
    Ok(entries)
}

fn retrieved(bytes: &[u8], pieces: &[usize]) -> Result<(MessageDigest, Vec<u8>), ReplyError> {
    let mut digester = Digester::new();
    let mut reply = BodyReply::new(|octets: &[u8]| digester.update(octets));
    let left = feed(&mut reply, bytes, pieces)?;
    reply.finish().unwrap();
    Ok((digester.finish(), left.unwrap()))
}

#[test]
fn a_positive_status_keeps_its_text() {
    assert_eq!(
        status("+OK POP3 server ready\r\n").unwrap(),
        b"POP3 server ready"
    );
    assert_eq!(status("+OK\r\n").unwrap(), b"");
    assert_eq!(status("+ok lower case\n").unwrap(), b"lower case");
}

#[test]
fn a_refusal_says_why_in_its_response_code() {
    use ResponseCode::{Auth, InUse, LoginDelay, Other, SysPerm, SysTemp};
    for (line, code, text) in [
        (
            "-ERR [IN-USE] Do you have another POP session running?\r\n",
            Some(InUse),
            "Do you have another POP session running?",
        ),
        ("-ERR [login-delay] wait\r\n", Some(LoginDelay), "wait"),
        ("-ERR [SYS/TEMP] later\r\n", Some(SysTemp), "later"),
        ("-ERR [SYS/PERM]\r\n", Some(SysPerm), ""),
        ("-ERR [AUTH] no\r\n", Some(Auth), "no"),
        ("-ERR [X-NEW] no\r\n", Some(Other), "no"),
        ("-ERR no [AUTH]\r\n", None, "no [AUTH]"),
        ("-ERR\r\n", None, ""),
    ] {
        let refusal = status(line).unwrap_err();
        assert_eq!(refusal.code, code, "{line}");
        assert_eq!(refusal.text, text.as_bytes(), "{line}");
    }
}

#[test]
fn a_line_that_is_no_status_is_an_error() {
    for strange in [
        "* OK imap\r\n",
        "+OKAY\r\n",
        "220 smtp\r\n",
        "\r\n",
        "-ERRx\r\n",
    ] {
        let error = feed(&mut Status::new(), strange.as_bytes(), &[100]).unwrap_err();
        assert!(matches!(error, ReplyError::NotAStatus { .. }), "{strange}");
    }
}

#[test]
fn stat_is_two_numbers_and_whatever_follows() {
    assert_eq!(
        parse_stat(b"2 320").unwrap(),
        Stat {
            messages: 2,
            octets: 320
        }
    );
    assert_eq!(parse_stat(b"0 0 octets, empty").unwrap().messages, 0);
    for strange in ["", "2", "two 320", "-1 320", "2 99999999999999999999"] {
        assert!(parse_stat(strange.as_bytes()).is_err(), "{strange}");
    }
}

#[test]
fn listings_end_at_a_lone_dot() {
    let list = b"+OK 2 messages (320 octets)\r\n1 120\r\n2 200\r\n.\r\n";
    let uidl = b"+OK\r\n1 whqtswO00WBw418f9t5JxYwZ\r\n2 QhdPYR:00WBw1Ph7x7\r\n.\r\n";
    for piece in 1..list.len() {
        let listed = entries::<ListEntry>(list, &[piece]).unwrap();
        assert_eq!(listed.len(), 2);
        assert_eq!((listed[1].number, listed[1].octets), (2, 200));
        let named = entries::<UidlEntry>(uidl, &[piece]).unwrap();
        assert_eq!(named[0].uidl, "whqtswO00WBw418f9t5JxYwZ");
        assert_eq!(named[1].number, 2);
    }
    assert_eq!(entries::<UidlEntry>(b"+OK\r\n.\r\n", &[9]).unwrap(), []);
}

#[test]
fn a_line_that_is_no_entry_is_an_error() {
    for strange in ["x 120", "1", "0 120", "1 \u{1}\u{2}", ""] {
        let reply = format!("+OK\r\n{strange}\r\n.\r\n");
        let error = entries::<UidlEntry>(reply.as_bytes(), &[7]).unwrap_err();
        assert!(matches!(error, ReplyError::BadLine { .. }), "{strange:?}");
    }
}

#[test]
fn a_listing_without_end_meets_its_limit() {
    let endless = format!("+OK\r\n{}", "1 120\r\n".repeat(11));
    assert_eq!(
        entries::<ListEntry>(endless.as_bytes(), &[64]).unwrap_err(),
        ReplyError::TooManyLines { limit: 10 }
    );
}

#[test]
fn a_line_without_end_meets_its_limit() {
    let endless = vec![b'x'; REPLY_LINE_LIMIT];
    assert_eq!(
        feed(&mut Status::new(), &endless, &[1000]).unwrap_err(),
        ReplyError::LineTooLong(LineTooLong {
            limit: REPLY_LINE_LIMIT
        })
    );
}

#[test]
fn a_refused_listing_or_message_is_complete_after_its_line() {
    let mut lines = Lines::new(10, |_: &[u8]| Ok(()));
    let left = feed(&mut lines, b"-ERR no\r\n+OK next", &[5]).unwrap();
    assert_eq!(left.unwrap(), b"+OK next");
    assert_eq!(lines.finish().unwrap_err().text, b"no");

    let mut body = BodyReply::new(|_: &[u8]| {});
    let left = feed(&mut body, b"-ERR no such message\r\n", &[5]).unwrap();
    assert_eq!(left.unwrap(), b"");
    assert_eq!(body.finish().unwrap_err().text, b"no such message");
}

#[test]
fn a_message_is_unstuffed_and_may_have_endless_lines() {
    let mut message = b"Subject: x\r\n\r\n.dot\r\n".to_vec();
    message.resize(100_000, b'x');
    message.extend_from_slice(b"\r\n");
    let mut bytes = b"+OK 100002 octets\r\n".to_vec();
    let mut stuffer = crate::proto::dots::Stuffer::new();
    stuffer.put(&message, &mut bytes);
    stuffer.end(&mut bytes);
    let (digest, left) = retrieved(&bytes, &[4096]).unwrap();
    assert_eq!(digest, MessageDigest::of([message.as_slice()]));
    assert_eq!(left, b"");
}

#[test]
fn capabilities_are_found_by_name_and_carry_their_arguments() {
    let mut capabilities = PopCapabilities::default();
    let mut reply = Lines::new(PopCapabilities::MOST_LINES, |line: &[u8]| {
        capabilities.add(line);
        Ok(())
    });
    let transcript = b"+OK Capability list follows\r\nTOP\r\nUSER\r\nsasl CRAM-MD5 plain\r\nRESP-CODES\r\n\
        LOGIN-DELAY 900 USER\r\nPIPELINING\r\nEXPIRE 60\r\nUIDL\r\nIMPLEMENTATION Shlemazle-Plotz-v302\r\n.\r\n";
    assert_eq!(feed(&mut reply, transcript, &[11]).unwrap(), Some(vec![]));
    assert!(capabilities.pipelining() && capabilities.offers("UIDL"));
    assert!(!capabilities.stls() && !capabilities.offers("EXP"));
    assert!(capabilities.sasl("PLAIN") && !capabilities.sasl("LOGIN"));
    assert_eq!(capabilities.login_delay(), Some(900));
    assert_eq!(capabilities.expire(), Some(Expire::Days(60)));
    assert_eq!(
        capabilities.implementation().as_deref(),
        Some("Shlemazle-Plotz-v302")
    );
    assert_eq!(capabilities.lines().len(), 9);
}

#[test]
fn the_apop_digest_is_that_of_the_rfc() {
    let greeting = "POP3 server ready <1896.697170952@dbc.mtview.ca.us>";
    let timestamp = apop_timestamp(greeting).unwrap();
    assert_eq!(
        encoded(Command::Apop {
            user: "mrose",
            timestamp,
            password: "tanstaaf"
        }),
        "APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n"
    );
    assert_eq!(apop_timestamp("POP3 server ready"), None);
    assert_eq!(apop_timestamp("ready > or < not"), None);
}

#[test]
fn commands_are_lines() {
    for (command, line) in [
        (Command::Capa, "CAPA\r\n"),
        (Command::Stls, "STLS\r\n"),
        (Command::User("mrose"), "USER mrose\r\n"),
        (Command::Pass("a b"), "PASS a b\r\n"),
        (
            Command::Auth {
                mechanism: "PLAIN",
                initial: Some("AGEAYg=="),
            },
            "AUTH PLAIN AGEAYg==\r\n",
        ),
        (
            Command::Auth {
                mechanism: "LOGIN",
                initial: None,
            },
            "AUTH LOGIN\r\n",
        ),
        (Command::SaslAnswer("AGEAYg=="), "AGEAYg==\r\n"),
        (Command::Stat, "STAT\r\n"),
        (Command::List, "LIST\r\n"),
        (Command::Uidl, "UIDL\r\n"),
        (
            Command::Top {
                number: 1,
                lines: 10,
            },
            "TOP 1 10\r\n",
        ),
        (Command::Retr(7), "RETR 7\r\n"),
        (Command::Dele(7), "DELE 7\r\n"),
        (Command::Rset, "RSET\r\n"),
        (Command::Noop, "NOOP\r\n"),
        (Command::Quit, "QUIT\r\n"),
    ] {
        assert_eq!(encoded(command), line);
    }
}

#[test]
fn a_password_cannot_smuggle_a_command_in() {
    let mut out = b"before".to_vec();
    let smuggled = Command::Pass("x\r\nDELE 1").encode(&mut out);
    assert_eq!(smuggled, Err(CommandError::ControlCharacter));
    let long = "x".repeat(255);
    let encoded = Command::User(&long).encode(&mut out);
    assert_eq!(encoded, Err(CommandError::TooLong));
    assert_eq!(out, b"before");
}

proptest! {
    #[test]
    fn any_message_under_any_cutting_gives_the_same_digest(
        text in "(\\.{0,2}[ab:]{0,5}\r\n){0,20}",
        pieces in proptest::collection::vec(1usize..9, 1..20),
    ) {
        let mut bytes = b"+OK\r\n".to_vec();
        let mut stuffer = crate::proto::dots::Stuffer::new();
        stuffer.put(text.as_bytes(), &mut bytes);
        stuffer.end(&mut bytes);
        bytes.extend_from_slice(b"+OK next\r\n");
        let (digest, left) = retrieved(&bytes, &pieces).unwrap();
        prop_assert_eq!(digest, MessageDigest::of([text.as_bytes()]));
        prop_assert_eq!(left, b"+OK next\r\n");
    }

    #[test]
    fn random_octets_neither_panic_nor_loop(
        bytes in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..300),
            "(\\+OK|-ERR|\\.|[0-9 ]|\\[|\\]|\r\n|\r|\n|x){0,60}".prop_map(String::into_bytes),
        ],
        pieces in proptest::collection::vec(1usize..30, 1..20),
    ) {
        let _ = feed(&mut Status::new(), &bytes, &pieces);
        let mut body = BodyReply::new(|_: &[u8]| {});
        let _ = feed(&mut body, &bytes, &pieces);
        let mut lines = Lines::new(10, |line: &[u8]| parse_entry::<UidlEntry>(line).map(drop));
        let _ = feed(&mut lines, &bytes, &pieces);
    }
}

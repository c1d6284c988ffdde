use proptest::prelude::*;

use super::*;

/// What came out, in a form that does not depend on how the input was cut.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    lines: Vec<(String, Vec<u64>)>,
    literals: Vec<Literal>,
    bodies: Vec<Vec<u8>>,
    error: Option<FrameError>,
}

fn run(mut framer: Framer, input: &[u8], chunk: usize) -> Seen {
    let mut seen = Seen::default();
    let mut body = Vec::new();
    for mut part in input.chunks(chunk.max(1)) {
        loop {
            match framer.next(&mut part) {
                Ok(None) => {
                    assert!(part.is_empty());
                    break;
                }
                Ok(Some(Piece::Literal(literal))) => seen.literals.push(literal),
                Ok(Some(Piece::Bytes(bytes))) => {
                    assert!(!bytes.is_empty());
                    body.extend_from_slice(bytes);
                }
                Ok(Some(Piece::LiteralEnd)) => seen.bodies.push(std::mem::take(&mut body)),
                Ok(Some(Piece::Line)) => seen.lines.push((
                    String::from_utf8_lossy(framer.line()).into_owned(),
                    framer.streamed().iter().map(|s| s.octets).collect(),
                )),
                Err(error) => {
                    seen.error = Some(error);
                    return seen;
                }
            }
        }
    }
    seen
}

/// The same under every size of chunk.
fn run_all(make: impl Fn() -> Framer, input: &[u8]) -> Seen {
    let whole = run(make(), input, input.len());
    for chunk in 1..input.len() {
        assert_eq!(
            run(make(), input, chunk),
            whole,
            "in chunks of {chunk} octets"
        );
    }
    whole
}

fn responses(input: &[u8]) -> Seen {
    run_all(|| Framer::for_responses(Limits::responses()), input)
}

fn responses_keeping(kept_literal: u64, input: &[u8]) -> Seen {
    run_all(
        || {
            Framer::for_responses(Limits {
                kept_literal,
                ..Limits::responses()
            })
        },
        input,
    )
}

fn commands(input: &[u8]) -> Seen {
    run_all(|| Framer::for_commands(Limits::commands()), input)
}

fn lines(seen: &Seen) -> Vec<&str> {
    seen.lines.iter().map(|(line, _)| line.as_str()).collect()
}

#[test]
fn lines_come_without_their_ends_whether_crlf_or_a_bare_lf() {
    let seen = responses(b"* 3 EXISTS\r\n* 1 RECENT\n\r\na1 OK done\r\n");
    assert_eq!(lines(&seen), ["* 3 EXISTS", "* 1 RECENT", "", "a1 OK done"]);
}

#[test]
fn a_small_literal_stays_in_its_line() {
    let seen = responses(b"* LIST () \"/\" {4}\r\na\r\nb\r\n* LIST () NIL {0}\r\n\r\n");
    assert_eq!(
        lines(&seen),
        ["* LIST () \"/\" {4}\r\na\r\nb", "* LIST () NIL {0}\r\n"]
    );
    assert!(seen.bodies.is_empty());
    assert_eq!(seen.literals[0].octets, 4);
}

#[test]
fn a_large_literal_is_handed_on_and_leaves_a_zero_behind() {
    let seen = responses_keeping(
        2,
        b"* 1 FETCH (BODY[] {5}\r\n{3}\r\n BODY[TEXT]<0> ~{3}\r\nabc UID 7)\r\na OK\r\n",
    );
    assert_eq!(
        seen.lines,
        [
            (
                "* 1 FETCH (BODY[] {0}\r\n BODY[TEXT]<0> ~{0}\r\n UID 7)".to_owned(),
                vec![5, 3]
            ),
            ("a OK".to_owned(), vec![])
        ]
    );
    assert_eq!(seen.bodies, [b"{3}\r\n".to_vec(), b"abc".to_vec()]);
    assert!(!seen.literals[0].binary && seen.literals[1].binary);
}

#[test]
fn free_text_never_announces_a_literal() {
    for text in [
        "* OK see {12}",
        "a7 no {12}",
        "* BYE {12}",
        "* PREAUTH {12}",
        "a BAD [PARSE] {1}",
        "+ {3}",
        "+ send {3}",
    ] {
        let input = format!("{text}\r\n* 1 EXISTS\r\n");
        assert_eq!(lines(&responses(input.as_bytes())), [text, "* 1 EXISTS"]);
    }
}

#[test]
fn a_quoted_string_never_announces_a_literal() {
    for text in [
        "* LIST () \"/\" \"a {3}",
        "* LIST () \"/\" \"a\\\" {3}",
        "* 1 FETCH (ENVELOPE (NIL \"\\\\\" \"{3}",
    ] {
        let input = format!("{text}\r\n* 1 EXISTS\r\n");
        assert_eq!(lines(&responses(input.as_bytes())), [text, "* 1 EXISTS"]);
    }
    let seen = responses(b"* LIST () \"\\\\\" {3}\r\nabc\r\n");
    assert_eq!(lines(&seen), ["* LIST () \"\\\\\" {3}\r\nabc"]);
}

#[test]
fn braces_that_are_no_announcement_are_text() {
    for text in ["* X {}", "* X {+}", "* X {1a}", "* X 3}", "* X {-3}", "}"] {
        let input = format!("{text}\r\n");
        assert_eq!(lines(&responses(input.as_bytes())), [text]);
    }
}

#[test]
fn a_command_tells_whether_its_sender_waits() {
    let seen = commands(b"a LOGIN {1}\r\nu {2+}\r\npw\r\nb NOOP\r\n");
    assert_eq!(lines(&seen), ["a LOGIN {1}\r\nu {2+}\r\npw", "b NOOP"]);
    let waits: Vec<_> = seen.literals.iter().map(|l| l.synchronising).collect();
    assert_eq!(waits, [true, false]);
}

#[test]
fn the_announcement_comes_before_the_octets_do() {
    let mut framer = Framer::for_commands(Limits::commands());
    let mut input: &[u8] = b"a APPEND INBOX {300000}\r\n";
    let piece = framer.next(&mut input);
    assert!(matches!(
        piece,
        Ok(Some(Piece::Literal(Literal {
            octets: 300_000,
            synchronising: true,
            kept: false,
            ..
        })))
    ));
    assert_eq!(framer.next(&mut input), Ok(None));
}

#[test]
fn a_small_literal_can_be_handed_on_too() {
    let mut framer = Framer::for_commands(Limits::commands());
    let mut input: &[u8] = b"a APPEND INBOX {5+}\r\nhello\r\n";
    assert!(matches!(
        framer.next(&mut input),
        Ok(Some(Piece::Literal(_)))
    ));
    framer.stream();
    assert_eq!(framer.next(&mut input), Ok(Some(Piece::Bytes(b"hello"))));
    assert_eq!(framer.next(&mut input), Ok(Some(Piece::LiteralEnd)));
    assert_eq!(framer.next(&mut input), Ok(Some(Piece::Line)));
    assert_eq!(framer.line(), b"a APPEND INBOX {0+}\r\n");
    assert_eq!(framer.streamed(), [Streamed { at: 15, octets: 5 }]);
}

#[test]
fn a_refused_synchronising_literal_ends_its_command() {
    let mut framer = Framer::for_commands(Limits::commands());
    let mut input: &[u8] = b"a APPEND INBOX {999999}\r\nb NOOP\r\n";
    assert!(matches!(
        framer.next(&mut input),
        Ok(Some(Piece::Literal(_)))
    ));
    framer.refuse();
    assert_eq!(framer.next(&mut input), Ok(Some(Piece::Line)));
    assert_eq!(framer.line(), b"b NOOP");
}

#[test]
fn a_refused_literal_that_comes_anyway_is_thrown_away_with_the_rest_of_its_command() {
    for kept_literal in [0, 100] {
        let mut framer = Framer::for_commands(Limits {
            kept_literal,
            ..Limits::commands()
        });
        let mut input: &[u8] = b"a X {5+}\r\n\r\n\r\n! (y) {2+}\r\n\r\n z\r\nb NOOP\r\n";
        assert!(matches!(
            framer.next(&mut input),
            Ok(Some(Piece::Literal(_)))
        ));
        framer.refuse();
        assert_eq!(framer.next(&mut input), Ok(Some(Piece::Line)));
        assert_eq!(framer.line(), b"b NOOP");
    }
}

#[test]
fn a_line_beyond_the_limit_is_an_error_and_the_next_line_is_read() {
    let limits = Limits {
        line: 16,
        ..Limits::commands()
    };
    let mut input = b"a NOOP\r\nb ".to_vec();
    input.extend_from_slice(&[b'x'; 1000]);
    input.extend_from_slice(b" {4+}\r\n\r\n\r\n\r\nc NOOP\r\n");
    for chunk in 1..input.len() {
        let mut framer = Framer::for_commands(limits);
        let (mut lines, mut errors) = (Vec::new(), 0);
        for mut part in input.chunks(chunk) {
            loop {
                match framer.next(&mut part) {
                    Ok(None) => break,
                    Ok(Some(Piece::Line)) => {
                        lines.push(String::from_utf8_lossy(framer.line()).into_owned());
                    }
                    Ok(Some(_)) => {}
                    Err(FrameError::LineTooLong { limit: 16 }) => errors += 1,
                    Err(other) => panic!("{other}"),
                }
                assert!(framer.line.len() <= 64);
            }
        }
        assert_eq!((lines, errors), (vec!["a NOOP".into(), "c NOOP".into()], 1));
    }
}

#[test]
fn literals_beyond_the_limits_are_typed_errors_and_stay_so() {
    let limits = Limits {
        line: 1000,
        kept_literal: 10,
        kept_total: 15,
        literal: 100,
        literals: 3,
    };
    for (input, error) in [
        (
            &b"* X {101}\r\n"[..],
            FrameError::LiteralTooLong { limit: 100 },
        ),
        (
            b"* X {99999999999999999999999}\r\n",
            FrameError::LiteralTooLong { limit: 100 },
        ),
        (
            b"* X {10}\r\n0123456789 {6}\r\n012345\r\n",
            FrameError::LiteralsTooLong { limit: 15 },
        ),
        (
            b"* X {1}\r\na {1}\r\na {1}\r\na {1}\r\na\r\n",
            FrameError::TooManyLiterals { limit: 3 },
        ),
    ] {
        let seen = run_all(|| Framer::for_responses(limits), input);
        assert_eq!(seen.error, Some(error));
        let mut framer = Framer::for_responses(limits);
        let mut rest = input;
        while !matches!(framer.next(&mut rest), Err(_) | Ok(None)) {}
        assert_eq!(framer.next(&mut &b"a OK\r\n"[..]), Err(error));
    }
}

#[test]
fn the_largest_length_that_can_be_written_is_no_overflow() {
    let seen = commands(b"a APPEND x {18446744073709551615}\r\nabc");
    assert_eq!(seen.literals[0].octets, u64::MAX);
}

#[test]
fn a_literal_of_a_gigabyte_needs_no_memory() {
    let mut framer = Framer::for_responses(Limits::responses());
    let octets: u64 = 1 << 30;
    let head = format!("* 1 FETCH (BODY[] {{{octets}}}\r\n");
    assert!(matches!(
        framer.next(&mut head.as_bytes()),
        Ok(Some(Piece::Literal(_)))
    ));
    let read = vec![b'\n'; 64 << 10];
    let mut seen = 0;
    while seen < octets {
        let mut input = &read[..];
        let Ok(Some(Piece::Bytes(bytes))) = framer.next(&mut input) else {
            panic!("not the literal");
        };
        seen += bytes.len() as u64;
    }
    assert_eq!(seen, octets);
    assert!(framer.line.capacity() < 1024);
    let mut tail: &[u8] = b" UID 7)\r\n";
    assert_eq!(framer.next(&mut tail), Ok(Some(Piece::LiteralEnd)));
    assert_eq!(framer.next(&mut tail), Ok(Some(Piece::Line)));
    assert_eq!(framer.line(), b"* 1 FETCH (BODY[] {0}\r\n UID 7)");
}

proptest! {
    #[test]
    fn any_bytes_in_any_chunks_give_the_same_and_stay_within_the_limits(
        input in proptest::collection::vec(
            prop_oneof![
                Just(b"{3}\r\n".to_vec()), Just(b"{4+}\r\n".to_vec()), Just(b"~{20}\r\n".to_vec()),
                Just(b"\"".to_vec()), Just(b"\\".to_vec()), Just(b"\r\n".to_vec()), Just(b"* OK ".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..12),
            ], 0..40),
        chunk in 1usize..50,
        commands in any::<bool>(),
    ) {
        let input = input.concat();
        let limits = Limits { line: 100, kept_literal: 8, kept_total: 30, literal: 1000, literals: 4 };
        let make = || if commands { Framer::for_commands(limits) } else { Framer::for_responses(limits) };
        let whole = run(make(), &input, input.len());
        prop_assert_eq!(run(make(), &input, chunk), whole);
        let mut framer = make();
        for mut part in input.chunks(chunk) {
            while let Ok(Some(_)) = framer.next(&mut part) {
                prop_assert!(framer.line.len() <= limits.line + limits.kept_total + 8 * limits.literals);
                prop_assert!(framer.streamed.len() <= limits.literals);
            }
        }
    }
}

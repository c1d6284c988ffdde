use proptest::prelude::*;

use super::*;

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn a_command_is_decoded_from_its_line() {
    let mut scratch = Vec::new();
    let command = decode(b"a1 SELECT Sent", &mut scratch).unwrap();
    assert_eq!(command.tag.inner(), "a1");
    assert_eq!(command.body.name(), "SELECT");
}

#[test]
fn ranges_are_written_as_a_set_with_neighbours_joined() {
    for (ranges, text) in [
        (vec![], ""),
        (vec![5..=5], "5"),
        (vec![1..=1, 2..=2, 3..=4, 6..=6], "1:4,6"),
        (vec![1..=2, 9..=u32::MAX], "1:2,9:4294967295"),
    ] {
        assert_eq!(written(|out| uid_ranges(out, ranges)), text);
    }
}

#[test]
fn a_line_that_is_no_command_is_answered_with_its_tag_if_it_has_one() {
    let mut scratch = Vec::new();
    for (line, tag) in [
        (&b"a1 NONSENSE"[..], Some("a1")),
        (b"a1", Some("a1")),
        (b"", None),
        (b"* NOOP", None),
        (b"a{b NOOP", None),
        (b"\xff NOOP", None),
    ] {
        let malformed = decode(line, &mut scratch).unwrap_err();
        assert_eq!(malformed.tag.as_deref(), tag, "{line:?}");
    }
}

#[test]
fn the_message_of_an_append_is_told_from_other_literals() {
    for (line, target) in [
        (&b"a APPEND INBOX {5}\r\n"[..], Some("INBOX")),
        (b"a append \"x y\" (\\Seen) {0+}\r\n", Some("x y")),
        (
            b"a APPEND x (\\Seen) \" 2-Jan-2026 03:04:05 +0000\" {5}\r\n",
            Some("x"),
        ),
        (b"a APPEND {3}\r\nfoo {5}\r\n", Some("foo")),
        (b"a APPEND {3}\r\n", None),
        (b"a LOGIN {3}\r\n", None),
        (b"a APPEND x (bad flags {5}\r\n", None),
        (b"APPEND x {5}\r\n", None),
    ] {
        assert_eq!(append_target(line).as_deref(), target, "{line:?}");
    }
}

#[test]
fn a_star_meets_all_and_a_percent_sign_stops_at_the_separator() {
    for (pattern, name, meets) in [
        ("*", "a.b", true),
        ("%", "a", true),
        ("%", "a.b", false),
        ("%.%", "a.b", true),
        ("a*", "a.b", true),
        ("a%", "a.b", false),
        ("a.%", "a.b.c", false),
        ("*c", "a.b.c", true),
        ("", "", true),
        ("a", "b", false),
        ("%b", "b", true),
        ("*%*", "a.b", true),
    ] {
        assert_eq!(
            matches_pattern(pattern, name, '.'),
            meets,
            "{pattern} {name}"
        );
    }
}

#[test]
fn strings_are_quoted_where_they_can_be_and_literals_where_not() {
    assert_eq!(written(|out| string(out, b"a \"b\" \\")), r#""a \"b\" \\""#);
    assert_eq!(written(|out| string(out, b"")), "\"\"");
    assert_eq!(written(|out| string(out, "é".as_bytes())), "{2}\r\né");
    assert_eq!(written(|out| string(out, b"a\r\nb")), "{4}\r\na\r\nb");
    assert_eq!(written(|out| string(out, b"a\0b")), "{3}\r\na?b");
    assert_eq!(written(|out| nstring(out, None)), "NIL");
    assert_eq!(written(|out| astring(out, "Sent")), "Sent");
    assert_eq!(written(|out| astring(out, "two words")), "\"two words\"");
}

#[test]
fn neighbours_in_a_set_are_joined() {
    for (numbers, text) in [
        (&[1][..], "1"),
        (&[1, 2, 3], "1:3"),
        (&[1, 3, 4, 9], "1,3:4,9"),
        (&[3, 2, 1], "3,2,1"),
        (&[u32::MAX - 1, u32::MAX, 1], "4294967294:4294967295,1"),
        (&[], ""),
    ] {
        assert_eq!(written(|out| sequence_set(out, numbers)), text);
    }
}

#[test]
fn dates_are_those_of_the_calendar() {
    for (seconds, text) in [
        (0, "\" 1-Jan-1970 00:00:00 +0000\""),
        (837_571_465, "\"17-Jul-1996 02:44:25 +0000\""),
        (951_782_400, "\"29-Feb-2000 00:00:00 +0000\""),
        (4_107_542_399, "\"28-Feb-2100 23:59:59 +0000\""),
        (4_107_542_400, "\" 1-Mar-2100 00:00:00 +0000\""),
        (-1, "\"31-Dec-1969 23:59:59 +0000\""),
    ] {
        assert_eq!(written(|out| date_time(out, seconds)), text);
    }
}

proptest! {
    #[test]
    fn numbers_are_written_as_they_are(value in any::<u64>()) {
        prop_assert_eq!(written(|out| number(out, value)), value.to_string());
    }

    #[test]
    fn any_line_is_a_command_or_refused(line in prop::collection::vec(any::<u8>(), 0..120)) {
        let _ = decode(&line, &mut Vec::new());
        let _ = append_target(&line);
    }

    #[test]
    fn anything_behind_a_verb_is_a_command_or_refused(
        verb in "(UID )?(FETCH|STORE|SEARCH|COPY|MOVE|APPEND|LIST|STATUS|SELECT|LOGIN|ID|ENABLE|AUTHENTICATE)",
        rest in "[()\\[\\]<>{}+*:,.\"\\\\A-Z0-9 -]{0,60}",
    ) {
        let line = format!("t {verb} {rest}");
        let _ = decode(line.as_bytes(), &mut Vec::new());
        let _ = append_target(format!("{line}\r\n").as_bytes());
    }

    #[test]
    fn a_written_string_is_read_back(text in prop::collection::vec(1_u8..=255, 0..60)) {
        let mut line = b"t LOGIN x ".to_vec();
        string(&mut line, &text);
        let mut scratch = Vec::new();
        let command = decode(&line, &mut scratch).unwrap();
        let CommandBody::Login { password, .. } = command.body else {
            panic!("not a LOGIN");
        };
        prop_assert_eq!(octets(password.declassify()), &text[..]);
    }
}

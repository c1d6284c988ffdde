use std::io::{Seek as _, Write as _};

use proptest::prelude::*;

use super::*;

fn structure(message: &[u8]) -> Structure {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(message).unwrap();
    file.rewind().unwrap();
    Structure::read(&mut file).unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn cut(message: &[u8], range: &Range<u64>) -> String {
    text(&message[range.start as usize..range.end as usize]).to_owned()
}

#[test]
fn a_plain_message_has_one_part_which_is_its_body() {
    let message = b"Subject: x\r\n\r\none\r\ntwo";
    let structure = structure(message);
    assert_eq!(cut(message, &structure.root.header), "Subject: x\r\n\r\n");
    assert_eq!(cut(message, &structure.root.body), "one\r\ntwo");
    assert_eq!(structure.part(&[1]), Some(&structure.root));
    assert_eq!(structure.part(&[2]), None);
    assert_eq!(structure.part(&[1, 1]), None);
    assert_eq!(
        text(&structure.body),
        "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 8 1)"
    );
}

#[test]
fn the_line_end_before_a_boundary_belongs_to_the_boundary() {
    let message = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n\r\n--b  \r\nA: b\r\n\r\ntwo\r\n--b--\r\nepilogue\r\n--b\r\n";
    let structure = structure(message);
    let part = |numbers: &[u32]| cut(message, &structure.part(numbers).unwrap().body);
    assert_eq!(part(&[1]), "one\r\n");
    assert_eq!(part(&[2]), "two");
    assert_eq!(structure.part(&[3]), None);
    assert_eq!(
        cut(message, &structure.part(&[2]).unwrap().header),
        "A: b\r\n\r\n"
    );
}

#[test]
fn a_boundary_that_begins_like_another_is_not_the_other() {
    let message = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\nx\r\n--bb--\r\n--b--\r\n";
    let structure = structure(message);
    assert_eq!(cut(message, &structure.part(&[1, 1]).unwrap().body), "x");
    assert_eq!(structure.part(&[2]), None);
}

#[test]
fn an_unfinished_multipart_ends_with_its_message() {
    let message = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\nhalf";
    let structure = structure(message);
    assert_eq!(cut(message, &structure.part(&[1]).unwrap().body), "half");
}

#[test]
fn parts_of_a_message_in_a_message_are_numbered_below_it() {
    let message = b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody\r\n";
    let structure = structure(message);
    assert_eq!(
        cut(message, &structure.part(&[1]).unwrap().body),
        "Subject: in\r\n\r\nbody\r\n"
    );
    assert_eq!(
        cut(message, &structure.part(&[1, 1]).unwrap().body),
        "body\r\n"
    );
    assert!(text(&structure.body_structure).contains("\"in\""));
}

#[test]
fn header_fields_keep_their_folds_and_unfold_when_asked() {
    let header = b"Subject: a\r\n\tb\r\nno colon\r\nX : y\r\n\r\nBody: no\r\n";
    let found: Vec<Field<'_>> = fields(header).collect();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].raw, b"Subject: a\r\n\tb\r\n");
    assert_eq!(found[0].unfolded(), b"a\tb");
    assert!(found[1].is(b"x"));
}

#[test]
fn addresses_come_in_all_the_shapes_of_rfc_5322() {
    let header = b"From: ann@example.org (Ann), \"B, C\" <b.c@example.org>\r\nTo: Team: d@x, E <e@y>;, undisclosed:;\r\nCc: <@relay:f@z>\r\nBcc: =?utf-8?q?g?= <g@w>\r\n\r\n";
    assert_eq!(
        text(&envelope(header)),
        concat!(
            "(NIL NIL ",
            "((\"Ann\" NIL \"ann\" \"example.org\")(\"B, C\" NIL \"b.c\" \"example.org\")) ",
            "((\"Ann\" NIL \"ann\" \"example.org\")(\"B, C\" NIL \"b.c\" \"example.org\")) ",
            "((\"Ann\" NIL \"ann\" \"example.org\")(\"B, C\" NIL \"b.c\" \"example.org\")) ",
            "((NIL NIL \"Team\" NIL)(NIL NIL \"d\" \"x\")(\"E\" NIL \"e\" \"y\")(NIL NIL NIL NIL)",
            "(NIL NIL \"undisclosed\" NIL)(NIL NIL NIL NIL)) ",
            "((NIL NIL \"f\" \"z\")) ",
            "((\"=?utf-8?q?g?=\" NIL \"g\" \"w\")) ",
            "NIL NIL)"
        )
    );
}

#[test]
fn parameters_may_be_quoted_and_hold_semicolons_and_comments_are_passed_over() {
    let message = b"Content-Type: text/plain (a; b); charset=\"x;\\\"y\" ; name = z\r\n\r\n";
    let structure = structure(message);
    let media = &structure.root.media;
    assert_eq!(
        (media.kind.as_str(), media.subtype.as_str()),
        ("text", "plain")
    );
    assert_eq!(media.parameter(b"CHARSET"), Some(&b"x;\"y"[..]));
    assert_eq!(media.parameter(b"name"), Some(&b"z"[..]));
}

#[test]
fn the_header_ends_at_its_empty_line_however_long_it_is() {
    for fields in [0, 1, 200, 5000] {
        let mut message = b"X: yyyyyyyyyyyyyyyyyyyy\r\n".repeat(fields);
        message.extend_from_slice(b"\r\n");
        let expected = message.len();
        message.extend_from_slice(b"body\r\n\r\nmore");
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&message).unwrap();
        assert_eq!(
            read_header(&file).unwrap().len(),
            expected,
            "{fields} fields"
        );
    }
}

/// All parts lie in the one around them, behind one another, header before body.
fn is_sound(part: &Part, within: &Range<u64>) -> bool {
    let own = part.header.start..part.body.end;
    let sound = part.header.start >= within.start
        && part.header.end == part.body.start
        && part.header.start <= part.header.end
        && part.body.start <= part.body.end
        && own.end <= within.end;
    sound
        && match &part.content {
            Content::Leaf => true,
            Content::Message(message, _) => is_sound(message, &part.body),
            Content::Multipart(parts) => {
                parts.iter().all(|inner| is_sound(inner, &part.body))
                    && parts
                        .windows(2)
                        .all(|pair| pair[0].body.end <= pair[1].header.start)
            }
        }
}

proptest! {
    #[test]
    fn any_octets_have_a_sound_structure(message in proptest::collection::vec(any::<u8>(), 0..300)) {
        let structure = structure(&message);
        prop_assert!(is_sound(&structure.root, &(0..message.len() as u64)));
        prop_assert_eq!(structure.root.body.end, message.len() as u64);
    }

    #[test]
    fn any_lines_that_look_like_mime_have_a_sound_structure(
        lines in proptest::collection::vec(
            prop_oneof![
                Just("\r\n"), Just("--a\r\n"), Just("--a--\r\n"), Just("--b\r\n"), Just("--b--\r\n"),
                Just("Content-Type: multipart/mixed; boundary=a\r\n"),
                Just("Content-Type: multipart/digest; boundary=b\r\n"),
                Just("Content-Type: message/rfc822\r\n"), Just("text\r\n"), Just("text\n"), Just("text"),
                Just("Subject: x\r\n"), Just(" folded\r\n"),
            ],
            0..40,
        ),
    ) {
        let message = lines.concat();
        let structure = structure(message.as_bytes());
        prop_assert!(is_sound(&structure.root, &(0..message.len() as u64)), "{message}");
        prop_assert_eq!(structure.root.body.end, message.len() as u64);
    }

    #[test]
    fn any_address_field_is_read(value in "[<>(),:;@\"\\\\a-z. ]{0,60}") {
        let header = format!("From: {value}\r\nTo: {value}\r\n\r\n");
        let envelope = envelope(header.as_bytes());
        prop_assert!(envelope.starts_with(b"(NIL NIL "));
    }
}

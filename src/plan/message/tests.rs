use mail_parser::{MessageParser, MimeHeaders as _};
use proptest::prelude::*;

use super::manner::{MANNERS, Manner};
use super::*;

const ENVELOPE: Envelope<'static> = Envelope {
    id: "0badcafe-17-3",
    from: "somchai@example.org",
    to: "user00017@mailgauge.invalid",
    date_unix: 1_700_000_000,
    ancestors: &[],
};

/// A seed in this manner (its number in the table).
fn seed_of(manner: u64, low: u64) -> u64 {
    manner << 56 | low
}

fn spec(seed: u64, octets: u64, attachment: Option<u64>) -> MessageSpec {
    let incompressible = attachment.unwrap_or(0) / 2;
    MessageSpec {
        seed,
        octets,
        attachment,
        incompressible,
    }
}

fn written(spec: &MessageSpec) -> Vec<u8> {
    Writer::new(spec, &ENVELOPE).flatten().collect()
}

fn is_well_formed(message: &[u8]) {
    assert!(message.ends_with(b"\r\n"));
    for line in message
        .strip_suffix(b"\r\n")
        .unwrap_or_default()
        .split(|octet| *octet == b'\n')
    {
        assert!(line.len() <= 999, "a line of {}", line.len());
        let inner = line.strip_suffix(b"\r").unwrap_or(line);
        assert!(!inner.contains(&b'\r'), "a CR alone");
        assert!(inner.is_ascii());
        assert!(!inner.contains(&0));
    }
    let bare = message
        .windows(2)
        .filter(|pair| pair[1] == b'\n' && pair[0] != b'\r')
        .count();
    assert_eq!(bare, 0, "a LF alone");
}

proptest! {
    #[test]
    fn a_message_is_exactly_as_long_as_planned_and_well_formed(
        seed: u64,
        octets in SMALLEST..40_000,
        with_attachment: bool,
        text in 200_u64..1_800,
    ) {
        let attachment = (with_attachment && octets >= SMALLEST_WITH_ATTACHMENT)
            .then(|| attachment_length(octets, text));
        let spec = spec(seed, octets, attachment);
        let message = written(&spec);
        prop_assert_eq!(message.len() as u64, octets);
        prop_assert_eq!(Writer::new(&spec, &ENVELOPE).octets(), octets);
        is_well_formed(&message);
        let parsed = MessageParser::default().parse(&message).unwrap();
        prop_assert_eq!(parsed.attachment_count(), usize::from(attachment.is_some()));
    }

    #[test]
    fn chunks_are_bounded_and_never_empty(seed: u64, octets in 500_000_u64..900_000) {
        let spec = spec(seed, octets, Some(attachment_length(octets, 500)));
        for chunk in Writer::new(&spec, &ENVELOPE) {
            prop_assert!(!chunk.is_empty() && chunk.len() <= LARGEST_CHUNK);
        }
    }
}

#[test]
fn every_small_size_is_met_to_the_octet_in_every_shape() {
    for octets in SMALLEST..SMALLEST + 800 {
        for manner in 0..MANNERS.len() as u64 {
            for seed in [seed_of(manner, 0), seed_of(manner, 1)] {
                let message = written(&spec(seed, octets, None));
                assert_eq!(message.len() as u64, octets, "{seed:x}");
            }
        }
    }
    for octets in SMALLEST_WITH_ATTACHMENT..SMALLEST_WITH_ATTACHMENT + 200 {
        for manner in 0..MANNERS.len() as u64 {
            let seed = seed_of(manner, octets);
            let spec = spec(seed, octets, Some(attachment_length(octets, 200)));
            assert_eq!(written(&spec).len() as u64, octets, "{seed:x}");
        }
    }
}

#[test]
fn a_message_carries_its_identity_and_the_headers_of_its_envelope() {
    let message = written(&spec(5, 3_000, None));
    let text = String::from_utf8(message.clone()).unwrap();
    assert!(text.contains("\r\nX-Mailgauge-Id: 0badcafe-17-3\r\n"));
    let parsed = MessageParser::default().parse(&message).unwrap();
    assert_eq!(
        parsed.from().unwrap().first().unwrap().address().unwrap(),
        "somchai@example.org"
    );
    assert_eq!(
        parsed.to().unwrap().first().unwrap().address().unwrap(),
        "user00017@mailgauge.invalid"
    );
    assert_eq!(parsed.date().unwrap().to_timestamp(), 1_700_000_000);
    assert_eq!(
        parsed.message_id().unwrap(),
        "0badcafe-17-3@mailgauge.invalid"
    );
    assert!(!text.contains("\r\nIn-Reply-To:") && !text.contains("\r\nReferences:"));
    assert!(parsed.subject().is_some());
    assert!(
        parsed
            .body_text(0)
            .unwrap()
            .contains("This is message 0badcafe-17-3.")
    );
}

#[test]
fn text_alone_or_with_html_follows_from_the_seed() {
    let plain = written(&spec(1, 6_000, None));
    let plain = MessageParser::default().parse(&plain).unwrap();
    assert!(plain.content_type().unwrap().c_type == "text" && plain.html_body_count() == 1);
    let both = written(&spec(2, 6_000, None));
    let both = MessageParser::default().parse(&both).unwrap();
    assert_eq!(both.content_type().unwrap().subtype(), Some("alternative"));
    assert_eq!(
        (
            both.text_body_count(),
            both.html_body_count(),
            both.attachment_count()
        ),
        (1, 1, 0)
    );
    assert!(both.body_html(0).unwrap().contains("<p>"));
}

#[test]
fn an_attachment_is_as_long_as_planned_and_its_base64_is_whole() {
    let octets = 100_000;
    let planned = attachment_length(octets, 700);
    let message = written(&MessageSpec {
        incompressible: planned,
        ..spec(9, octets, Some(planned))
    });
    let parsed = MessageParser::default().parse(&message).unwrap();
    assert_eq!(parsed.content_type().unwrap().subtype(), Some("mixed"));
    let part = parsed.attachment(0).unwrap();
    let name = part.attachment_name().unwrap();
    assert!(name.ends_with("-0009.pdf"), "{name}");
    assert!(part.contents().starts_with(b"%PDF-1.7\n"));
    let lines = planned.div_ceil(78);
    assert_eq!(part.contents().len() as u64, (planned - 2 * lines) / 4 * 3);
    let encoded = u64::from(part.raw_end_offset() - part.raw_body_offset());
    assert!(
        planned.abs_diff(encoded) <= 2,
        "{planned} planned, {encoded} in the message"
    );
}

#[test]
fn the_same_spec_and_envelope_give_the_same_octets() {
    let spec = spec(77, 200_000, Some(attachment_length(200_000, 900)));
    assert_eq!(written(&spec), written(&spec));
    let hash = twox_hash::XxHash3_64::oneshot(&written(&spec));
    assert_eq!(
        format!("{hash:016x}"),
        "085e9654de4a9bf2",
        "another machine would write another message"
    );
}

#[test]
fn no_two_messages_have_the_same_body_even_with_one_seed() {
    let spec = spec(4, 2_000, None);
    let other = Envelope {
        id: "0badcafe-17-4",
        ..ENVELOPE
    };
    let body = |envelope: &Envelope<'_>| {
        let message: Vec<u8> = Writer::new(&spec, envelope).flatten().collect();
        let start = message
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        message[start..].to_vec()
    };
    assert_ne!(body(&ENVELOPE), body(&other));
}

#[test]
fn every_language_can_be_read_again_in_subject_text_and_html() {
    // The parser that the tests are built with has no ISO-2022-JP; Python's reads it in tests/it/generated_mail.rs.
    let known = |manner: &&Manner| manner.language != Language::Japanese;
    for (index, manner) in (0..).zip(MANNERS.iter().take_while(known)) {
        let letters: fn(char) -> bool = match manner.language {
            Language::English => |it| it.is_ascii_alphabetic(),
            Language::German => |it| "äöüß".contains(it),
            Language::French => |it| "éèçûôœ".contains(it),
            Language::Thai => |it| ('\u{0e00}'..='\u{0e7f}').contains(&it),
            Language::Japanese => |_| false,
        };
        let mut subjects = 0;
        for low in 0..40_u64 {
            let message = written(&spec(seed_of(index, low << 32 | low << 20), 9_000, None));
            let parsed = MessageParser::default().parse(&message).unwrap();
            let from = parsed.from().unwrap().first().unwrap();
            assert_eq!(from.address().unwrap(), ENVELOPE.from);
            subjects += usize::from(parsed.subject().unwrap().chars().any(letters));
            let bodies = [parsed.body_text(0), parsed.body_html(0)];
            for text in bodies.into_iter().flatten() {
                assert!(text.chars().filter(|it| letters(*it)).count() > 5, "{text}");
                assert!(!text.contains('\u{fffd}'), "{manner:?}: {text}");
            }
        }
        assert!(subjects > 3, "{manner:?}: {subjects}");
    }
}

#[test]
fn a_seed_made_for_a_language_is_of_it_and_meets_all_its_manners() {
    for language in [Language::English, Language::Thai, Language::Japanese] {
        let seeds =
            (0..200_u64).map(|bits| seed_in(language, bits.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let met: std::collections::BTreeSet<usize> = seeds.map(Manner::index_of).collect();
        let wanted = (0..MANNERS.len()).filter(|index| MANNERS[*index].language == language);
        assert!(met.into_iter().eq(wanted), "{language}");
    }
}

#[test]
fn an_answer_has_the_subject_of_what_it_answers_and_refers_to_its_thread() {
    let first = spec(seed_of(5, 0x1234_5678_9abc), 5_000, None);
    let answer = MessageSpec {
        seed: seed_of_answer(first.seed, 77),
        ..first
    };
    let ancestors: Vec<String> = (0..9).map(|seq| format!("0badcafe-17-{seq}")).collect();
    let envelope = Envelope {
        id: "0badcafe-17-9",
        ancestors: &ancestors,
        ..ENVELOPE
    };
    let answer: Vec<u8> = Writer::new(&answer, &envelope).flatten().collect();
    let first = written(&first);
    let parser = MessageParser::default();
    let (first, answer) = (
        parser.parse(&first).unwrap(),
        parser.parse(&answer).unwrap(),
    );
    let subject = first.subject().unwrap();
    assert_eq!(answer.subject().unwrap(), format!("Re: {subject}"));
    assert_eq!(
        answer.in_reply_to().as_text(),
        Some("0badcafe-17-8@mailgauge.invalid")
    );
    let references = answer.references().as_text_list().unwrap();
    assert_eq!(references.len(), 5);
    assert_eq!(references[0], "0badcafe-17-0@mailgauge.invalid");
    assert_eq!(references[4], "0badcafe-17-8@mailgauge.invalid");
}

#[test]
fn addresses_too_long_for_the_planned_size_lengthen_the_message_and_the_writer_says_so() {
    let from = format!("{}@example.org", "x".repeat(900));
    let envelope = Envelope {
        from: &from,
        ..ENVELOPE
    };
    let writer = Writer::new(&spec(3, SMALLEST, None), &envelope);
    let octets = writer.octets();
    let message: Vec<u8> = writer.flatten().collect();
    assert!(octets > SMALLEST);
    assert_eq!(message.len() as u64, octets);
}

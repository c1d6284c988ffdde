use mail_parser::{MessageParser, MimeHeaders as _};
use proptest::prelude::*;

use super::*;

const ENVELOPE: Envelope<'static> = Envelope {
    id: "0badcafe-17-3",
    from: "somchai@example.org",
    to: "user00017@mailgauge.invalid",
    date_unix: 1_700_000_000,
};

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
    for octets in SMALLEST..SMALLEST + 400 {
        for seed in 0..4 {
            assert_eq!(written(&spec(seed, octets, None)).len() as u64, octets);
        }
    }
    for octets in SMALLEST_WITH_ATTACHMENT..SMALLEST_WITH_ATTACHMENT + 200 {
        let spec = spec(1, octets, Some(attachment_length(octets, 200)));
        assert_eq!(written(&spec).len() as u64, octets);
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
    assert!(parsed.message_id().unwrap().starts_with("0badcafe-17-3."));
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
    assert!(both.body_html(0).unwrap().ends_with("</body></html>"));
}

#[test]
fn an_attachment_is_as_long_as_planned_and_its_base64_is_whole() {
    let octets = 100_000;
    let planned = attachment_length(octets, 700);
    let message = written(&spec(9, octets, Some(planned)));
    let parsed = MessageParser::default().parse(&message).unwrap();
    assert_eq!(parsed.content_type().unwrap().subtype(), Some("mixed"));
    let part = parsed.attachment(0).unwrap();
    assert_eq!(part.attachment_name(), Some("report-0009.bin"));
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
        "2adb07f7f2d463fb",
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
fn some_subjects_are_thai_in_encoded_words() {
    let is_thai = |text: &str| {
        text.chars()
            .any(|character| ('\u{0e00}'..='\u{0e7f}').contains(&character))
    };
    let thai = (0..400_u64)
        .filter(|seed| {
            let message = written(&spec(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), 1_000, None));
            assert!(message.is_ascii());
            MessageParser::default()
                .parse(&message)
                .unwrap()
                .subject()
                .is_some_and(is_thai)
        })
        .count();
    assert!((20..100).contains(&thai), "{thai} of 400");
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

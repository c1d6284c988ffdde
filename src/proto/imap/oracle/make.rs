//! Responses as imap-codec can write them, and what they must mean.

use std::num::{NonZeroU32, NonZeroU64};

use imap_codec::imap_types::body::{
    BasicFields, Body, BodyStructure, Disposition, MultiPartExtensionData, SinglePartExtensionData,
    SpecificFields,
};
use imap_codec::imap_types::core::{AString, Atom, IString, Literal, NString, Quoted, Vec1};
use imap_codec::imap_types::envelope::{Address, Envelope as TheirEnvelope};
use imap_codec::imap_types::fetch::{MessageDataItem, Part as TheirPart, Section};
use imap_codec::imap_types::flag::{Flag, FlagFetch};
use proptest::prelude::*;

use super::{Seen, text, value};
use crate::proto::imap::Envelope;

pub(super) fn octets() -> BoxedStrategy<Vec<u8>> {
    prop_oneof![
        "[ -~]{0,20}".prop_map(String::into_bytes),
        Just(b"UID 99 ) (\"FLAGS ( {3}".to_vec()),
        Just(b"x {12}\r\n)".to_vec()),
        Just(b"\\\"\\".to_vec()),
        proptest::collection::vec(1u8.., 0..40),
    ]
    .boxed()
}

/// A string in one of the forms that can carry it.
pub(super) fn istring() -> BoxedStrategy<IString<'static>> {
    (octets(), any::<bool>())
        .prop_map(|(octets, literal)| {
            match String::from_utf8(octets.clone()).map(Quoted::try_from) {
                Ok(Ok(quoted)) if !literal => IString::from(quoted),
                _ => IString::from(Literal::try_from(octets).unwrap()),
            }
        })
        .boxed()
}

pub(super) fn nstring() -> BoxedStrategy<NString<'static>> {
    proptest::option::of(istring()).prop_map(NString).boxed()
}

pub(super) fn nonzero() -> impl Strategy<Value = NonZeroU32> {
    (1u32..).prop_map(|number| NonZeroU32::new(number).unwrap())
}

pub(super) fn flag() -> BoxedStrategy<Flag<'static>> {
    prop_oneof![
        Just(Flag::Seen),
        Just(Flag::Deleted),
        "[A-Za-z$][A-Za-z0-9_.-]{0,8}"
            .prop_map(|name| Flag::Keyword(Atom::try_from(name).unwrap())),
        Just(Flag::try_from("\\Xfuture").unwrap()),
    ]
    .boxed()
}

pub(super) fn address() -> BoxedStrategy<Address<'static>> {
    (nstring(), nstring(), nstring(), nstring())
        .prop_map(|(name, adl, mailbox, host)| Address {
            name,
            adl,
            mailbox,
            host,
        })
        .boxed()
}

pub(super) fn envelope() -> BoxedStrategy<TheirEnvelope<'static>> {
    let addresses = || proptest::collection::vec(address(), 0..3);
    (
        (nstring(), nstring(), addresses(), addresses(), addresses()),
        (addresses(), addresses(), addresses(), nstring(), nstring()),
    )
        .prop_map(
            |((date, subject, from, sender, reply_to), (to, cc, bcc, in_reply_to, message_id))| {
                TheirEnvelope {
                    date,
                    subject,
                    from,
                    sender,
                    reply_to,
                    to,
                    cc,
                    bcc,
                    in_reply_to,
                    message_id,
                }
            },
        )
        .boxed()
}

pub(super) fn basic() -> BoxedStrategy<BasicFields<'static>> {
    let parameters = proptest::collection::vec((istring(), istring()), 0..3);
    (parameters, nstring(), nstring(), istring(), any::<u32>())
        .prop_map(
            |(parameter_list, id, description, content_transfer_encoding, size)| BasicFields {
                parameter_list,
                id,
                description,
                content_transfer_encoding,
                size,
            },
        )
        .boxed()
}

pub(super) fn disposition() -> BoxedStrategy<Option<Disposition<'static>>> {
    let kind = prop_oneof![Just("ATTACHMENT"), Just("inline")]
        .prop_map(|kind| IString::from(Quoted::try_from(kind).unwrap()));
    let parameters = proptest::collection::vec((istring(), istring()), 0..2);
    proptest::option::of(
        proptest::option::of((kind, parameters)).prop_map(|disposition| Disposition {
            disposition,
            tail: None,
        }),
    )
    .boxed()
}

pub(super) fn single(specific: SpecificFields<'static>) -> BoxedStrategy<BodyStructure<'static>> {
    let extension = proptest::option::of((nstring(), disposition()))
        .prop_map(|data| data.map(|(md5, tail)| SinglePartExtensionData { md5, tail }));
    (basic(), extension)
        .prop_map(move |(basic, extension_data)| BodyStructure::Single {
            body: Body {
                basic,
                specific: specific.clone(),
            },
            extension_data,
        })
        .boxed()
}

pub(super) fn quoted(text: &'static str) -> IString<'static> {
    IString::from(Quoted::try_from(text).unwrap())
}

pub(super) fn structure() -> BoxedStrategy<BodyStructure<'static>> {
    let leaf = prop_oneof![
        Just(SpecificFields::Basic {
            r#type: quoted("IMAGE"),
            subtype: quoted("png"),
        }),
        Just(SpecificFields::Text {
            subtype: quoted("Plain"),
            number_of_lines: 7,
        }),
    ]
    .prop_flat_map(single);
    leaf.prop_recursive(4, 12, 3, |inner| {
        let multi = (
            proptest::collection::vec(inner.clone(), 1..4),
            proptest::option::of(disposition()),
        )
            .prop_map(|(bodies, extension)| BodyStructure::Multi {
                bodies: Vec1::try_from(bodies).unwrap(),
                subtype: quoted("mixed"),
                extension_data: extension.map(|tail| MultiPartExtensionData {
                    parameter_list: vec![(quoted("boundary"), quoted(")("))],
                    tail,
                }),
            });
        let message = (inner, envelope()).prop_flat_map(|(body, envelope)| {
            single(SpecificFields::Message {
                envelope: Box::new(envelope),
                body_structure: Box::new(body),
                number_of_lines: 3,
            })
        });
        prop_oneof![multi, message]
    })
    .boxed()
}

/// The sections of a structure by RFC 3501 section 6.4.5, read off imap-codec's tree.
pub(super) fn sections(
    of: &BodyStructure<'_>,
    outer: &[u32],
    within_message: bool,
    to: &mut Vec<(String, u64)>,
) {
    let name = |section: &[u32]| {
        let numbers: Vec<String> = section.iter().map(u32::to_string).collect();
        numbers.join(".")
    };
    match of {
        BodyStructure::Multi { bodies, .. } => {
            for (number, body) in (1..).zip(bodies.as_ref()) {
                sections(body, &[outer, &[number]].concat(), false, to);
            }
        }
        BodyStructure::Single { body, .. } => {
            let section = if within_message {
                [outer, &[1]].concat()
            } else {
                outer.to_vec()
            };
            to.push((name(&section), u64::from(body.basic.size)));
            if let SpecificFields::Message { body_structure, .. } = &body.specific {
                sections(body_structure, &section, true, to);
            }
        }
    }
}

pub(super) fn section() -> BoxedStrategy<(Option<Section<'static>>, String)> {
    let part = || {
        proptest::collection::vec(1u32..20, 1..4).prop_map(|numbers| {
            let text: Vec<String> = numbers.iter().map(u32::to_string).collect();
            let numbers = numbers.into_iter().map(|n| NonZeroU32::new(n).unwrap());
            let part = TheirPart(Vec1::try_from(numbers.collect::<Vec<_>>()).unwrap());
            (part, text.join("."))
        })
    };
    prop_oneof![
        Just((None, String::new())),
        Just((Some(Section::Text(None)), "TEXT".into())),
        part().prop_map(|(part, text)| (Some(Section::Part(part)), text)),
        part().prop_map(|(part, text)| (Some(Section::Mime(part)), format!("{text}.MIME"))),
        Just((
            Some(Section::HeaderFields(
                None,
                Vec1::from(AString::from(Quoted::try_from("a]b").unwrap())),
            )),
            "HEADER.FIELDS (\"a]b\")".into()
        )),
    ]
    .boxed()
}

pub(super) fn item() -> BoxedStrategy<(MessageDataItem<'static>, Seen)> {
    prop_oneof![
        nonzero().prop_map(|uid| (MessageDataItem::Uid(uid), Seen::Uid(uid.get()))),
        any::<u32>().prop_map(|size| (MessageDataItem::Rfc822Size(size), Seen::Size(size.into()))),
        (1u64..1 << 63).prop_map(|number| (
            MessageDataItem::ModSeq(NonZeroU64::new(number).unwrap()),
            Seen::ModSeq(number)
        )),
        proptest::collection::vec(flag(), 0..5).prop_map(|flags| (
            MessageDataItem::Flags(flags.iter().cloned().map(FlagFetch::Flag).collect()),
            Seen::Flags(flags.iter().map(ToString::to_string).collect())
        )),
        (section(), proptest::option::of(any::<u32>()), nstring()).prop_map(
            |((section, text), origin, data)| (
                MessageDataItem::BodyExt {
                    section,
                    origin,
                    data: data.clone(),
                },
                Seen::Body(text, origin.map(u64::from), value(data))
            )
        ),
        nstring().prop_map(|data| (
            MessageDataItem::Rfc822Header(data.clone()),
            Seen::Body("HEADER".into(), None, value(data))
        )),
        envelope().prop_map(|envelope| {
            let from = envelope.from.first().and_then(|first| {
                let user = text(first.mailbox.clone())?;
                Some(format!("{user}@{}", text(first.host.clone())?))
            });
            let seen = Envelope {
                date: text(envelope.date.clone()),
                subject: text(envelope.subject.clone()),
                from,
                message_id: text(envelope.message_id.clone()),
            };
            (MessageDataItem::Envelope(envelope), Seen::Envelope(seen))
        }),
        structure().prop_map(|structure| {
            let mut parts = Vec::new();
            sections(&structure, &[], true, &mut parts);
            (
                MessageDataItem::BodyStructure(structure),
                Seen::Structure(parts),
            )
        }),
    ]
    .boxed()
}

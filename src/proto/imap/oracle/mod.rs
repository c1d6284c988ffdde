//! The other opinion: whatever imap-codec writes, this room must read to the same values, however it is cut.

mod make;

use std::num::{NonZeroU32, NonZeroU64};

use imap_codec::decode::Decoder;
use imap_codec::encode::Encoder;
use imap_codec::imap_types::command::CommandBody;
use imap_codec::imap_types::core::{AString, Atom, NString, QuotedChar, Tag, Vec1};
use imap_codec::imap_types::extensions::uidplus::{UidElement, UidSet as TheirUidSet};
use imap_codec::imap_types::fetch::MessageDataItem;
use imap_codec::imap_types::flag::FlagNameAttribute;
use imap_codec::imap_types::mailbox::Mailbox;
use imap_codec::imap_types::response::{
    Code as TheirCode, Data, Response as TheirResponse, Status, StatusKind,
};
use imap_codec::imap_types::status::StatusDataItem;
use imap_codec::{CommandCodec, ResponseCodec};
use proptest::prelude::*;

use self::make::{item, nonzero, nstring, octets, section};
use super::framer::{Framer, Limits, Piece};
use super::*;

/// Frames one response, cut into pieces of `chunk` octets, and gives it to `read` with what streamed by.
fn through<T>(
    bytes: &[u8],
    chunk: usize,
    kept_literal: u64,
    read: impl FnOnce(Response<'_>, &[Vec<u8>]) -> T,
) -> T {
    let mut framer = Framer::for_responses(Limits {
        kept_literal,
        ..Limits::responses()
    });
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    for mut input in bytes.chunks(chunk) {
        while let Some(piece) = framer.next(&mut input).unwrap() {
            match piece {
                Piece::Literal(literal) if !literal.kept => bodies.push(Vec::new()),
                Piece::Bytes(octets) => bodies.last_mut().unwrap().extend_from_slice(octets),
                Piece::Literal(_) | Piece::LiteralEnd => {}
                Piece::Line => {
                    let response = Response::parse(framer.line(), framer.streamed());
                    return read(response.unwrap(), &bodies);
                }
            }
        }
    }
    panic!("no line in {:?}", String::from_utf8_lossy(bytes));
}

fn written(data: Data<'static>) -> Vec<u8> {
    ResponseCodec::default()
        .encode(&TheirResponse::Data(data))
        .dump()
}

/// How a response is cut, and from which size on literals are not kept.
fn cutting() -> impl Strategy<Value = (usize, u64)> {
    (1usize..200, prop_oneof![Just(0u64), Just(5), Just(4096)])
}

fn value(data: NString<'_>) -> Option<Vec<u8>> {
    data.into_option().map(std::borrow::Cow::into_owned)
}

fn text(data: NString<'_>) -> Option<String> {
    value(data).map(|octets| String::from_utf8_lossy(&octets).into_owned())
}

/// One item as either side understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Uid(u32),
    Size(u64),
    ModSeq(u64),
    Flags(Vec<String>),
    Body(String, Option<u64>, Option<Vec<u8>>),
    Envelope(Envelope),
    Structure(Vec<(String, u64)>),
    Other,
}

fn seen(item: FetchItem<'_>, bodies: &[Vec<u8>]) -> Seen {
    let lossy = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    match item {
        FetchItem::Uid(uid) => Seen::Uid(uid),
        FetchItem::Size(octets) => Seen::Size(octets),
        FetchItem::ModSeq(number) => Seen::ModSeq(number),
        FetchItem::Flags(flags) => Seen::Flags(flags.iter().map(lossy).collect()),
        FetchItem::Body(body) => {
            let data = match body.data {
                Nstring::Nil => None,
                Nstring::Inline(octets) => Some(octets.into_owned()),
                Nstring::Streamed { index, octets } => {
                    assert_eq!(bodies[index].len() as u64, octets);
                    Some(bodies[index].clone())
                }
            };
            Seen::Body(lossy(body.section), body.origin, data)
        }
        FetchItem::Envelope(envelope) => Seen::Envelope(envelope.parse().unwrap()),
        FetchItem::Structure(structure) => Seen::Structure(
            structure
                .parts()
                .unwrap()
                .into_iter()
                .map(|part| (part.section, part.octets))
                .collect(),
        ),
        FetchItem::InternalDate(_) | FetchItem::Other(_) => Seen::Other,
    }
}

proptest! {
    #[test]
    fn fetch_responses_have_the_same_values(
        sequence in nonzero(),
        items in proptest::collection::vec(item(), 1..5),
        chunk in 1usize..200,
    ) {
        let (theirs, expected): (Vec<_>, Vec<_>) = items.into_iter().unzip();
        let bytes = written(Data::Fetch { seq: sequence, items: Vec1::try_from(theirs).unwrap() });
        let (number, found) = through(&bytes, chunk, 4096, |response, bodies| {
            let Response::Fetch(fetch) = response else { panic!("not a FETCH") };
            (fetch.sequence, fetch.map(|item| seen(item.unwrap(), bodies)).collect::<Vec<_>>())
        });
        prop_assert_eq!(number, sequence.get());
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn bodies_that_stream_by_are_those_that_were_sent(
        uid in nonzero(),
        bodies in proptest::collection::vec((section(), nstring()), 1..4),
        (chunk, kept) in cutting(),
    ) {
        let mut items = vec![];
        let mut expected = vec![];
        for ((section, name), data) in bodies {
            items.push(MessageDataItem::BodyExt { section, origin: None, data: data.clone() });
            expected.push(Seen::Body(name, None, value(data)));
        }
        items.push(MessageDataItem::Uid(uid));
        expected.push(Seen::Uid(uid.get()));
        let bytes = written(Data::Fetch { seq: uid, items: Vec1::try_from(items).unwrap() });
        let found = through(&bytes, chunk, kept, |response, bodies| {
            let Response::Fetch(fetch) = response else { panic!("not a FETCH") };
            fetch.map(|item| seen(item.unwrap(), bodies)).collect::<Vec<_>>()
        });
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn lists_of_mailboxes_have_the_same_values(
        name in octets(),
        delimiter in proptest::option::of(prop_oneof![Just('/'), Just('.'), Just('"'), Just('\\')]),
        flags in proptest::collection::vec(
            prop_oneof![Just(FlagNameAttribute::Noselect), Just(FlagNameAttribute::from(Atom::try_from("Sent").unwrap()))], 0..3),
        chunk in 1usize..60,
    ) {
        let bytes = written(Data::List {
            items: flags.clone(),
            delimiter: delimiter.map(|c| QuotedChar::try_from(c).unwrap()),
            mailbox: Mailbox::from(AString::try_from(name.clone()).unwrap()),
        });
        through(&bytes, chunk, 4096, |response, _| {
            let Response::List(listed) = response else { panic!("not a LIST") };
            assert!(listed.name == name || name.eq_ignore_ascii_case(&listed.name));
            assert_eq!(listed.delimiter.map(char::from), delimiter);
            let names: Vec<_> = listed.attributes.iter().map(<[u8]>::to_vec).collect();
            let theirs: Vec<_> = flags.iter().map(|flag| flag.to_string().into_bytes()).collect();
            assert_eq!(names, theirs);
        });
    }

    #[test]
    fn searches_status_and_numbers_have_the_same_values(
        found in proptest::collection::vec(nonzero(), 0..50),
        mod_seq in proptest::option::of(1u64..1 << 63),
        (messages, unseen, size) in any::<(u32, u32, u32)>(),
        next in nonzero(),
        chunk in 1usize..60,
    ) {
        let mod_seq = mod_seq.filter(|_| !found.is_empty());
        let bytes = written(Data::Search(found.clone(), mod_seq.and_then(NonZeroU64::new)));
        through(&bytes, chunk, 4096, |response, _| {
            let Response::Search(search) = response else { panic!("not a SEARCH") };
            assert_eq!(search.found, found.iter().map(|n| n.get()).collect::<Vec<_>>());
            assert_eq!(search.mod_seq, mod_seq);
        });
        let items = vec![
            StatusDataItem::Messages(messages),
            StatusDataItem::Unseen(unseen),
            StatusDataItem::UidNext(next),
            StatusDataItem::DeletedStorage(size.into()),
        ];
        let bytes = written(Data::Status { mailbox: Mailbox::Inbox, items: items.into() });
        through(&bytes, chunk, 4096, |response, _| {
            let Response::MailboxStatus(status) = response else { panic!("not a STATUS") };
            assert_eq!((status.messages, status.unseen, status.uid_next), (Some(messages), Some(unseen), Some(next.get())));
        });
        for (data, number) in [(Data::Exists(messages), messages), (Data::Recent(unseen), unseen), (Data::Expunge(next), next.get())] {
            through(&written(data), chunk, 4096, |response, _| match response {
                Response::Exists(found) | Response::Recent(found) | Response::Expunge(found) => assert_eq!(found, number),
                other => panic!("{other:?}"),
            });
        }
    }

    #[test]
    fn response_codes_have_the_same_values(
        validity in nonzero(),
        uids in proptest::collection::vec((nonzero(), 0u32..5), 1..5),
        mod_seq in 1u64..1 << 63,
        words in "[a-z]([ -Z^-~]{0,20})",
        chunk in 1usize..60,
    ) {
        let elements: Vec<_> = uids
            .iter()
            .map(|(first, more)| match first.get().checked_add(*more) {
                Some(last) if *more > 0 => UidElement::Range(*first, NonZeroU32::new(last).unwrap()),
                _ => UidElement::Single(*first),
            })
            .collect();
        let set = TheirUidSet(Vec1::try_from(elements).unwrap());
        let count: u64 = set.0.as_ref().iter().map(|element| match element {
            UidElement::Single(_) => 1,
            UidElement::Range(first, last) => u64::from(last.get() - first.get()) + 1,
        }).sum();
        let codes = [
            TheirCode::UidValidity(validity),
            TheirCode::UidNext(validity),
            TheirCode::HighestModSeq(NonZeroU64::new(mod_seq).unwrap()),
            TheirCode::ReadOnly,
            TheirCode::AppendUid { uid_validity: validity, uid: uids[0].0 },
            TheirCode::CopyUid { uid_validity: validity, source: set.clone(), destination: set },
        ];
        for (index, code) in codes.into_iter().enumerate() {
            let tag = Tag::try_from("m7").unwrap();
            let status = Status::new(Some(tag), StatusKind::Ok, Some(code), words.clone()).unwrap();
            let bytes = ResponseCodec::default().encode(&TheirResponse::Status(status)).dump();
            through(&bytes, chunk, 4096, |response, _| {
                let Response::Tagged { tag: b"m7", condition: Condition::Ok, text } = response else { panic!("{response:?}") };
                assert_eq!(text.words, words.as_bytes());
                let number = validity.get();
                match (index, text.code.unwrap()) {
                    (0, Code::UidValidity(found)) | (1, Code::UidNext(found)) => assert_eq!(found, number),
                    (2, Code::HighestModSeq(found)) => assert_eq!(found, mod_seq),
                    (3, Code::ReadOnly) => {}
                    (4, Code::AppendUid { validity, uids: found }) => {
                        assert_eq!((validity, found.uids(9)), (number, vec![uids[0].0.get()]));
                    }
                    (5, Code::CopyUid { validity, from, to }) => {
                        assert_eq!((validity, from.count(), to), (number, count, from));
                    }
                    (_, other) => panic!("{other:?}"),
                }
            });
        }
    }

    #[test]
    fn commands_are_understood_as_they_were_meant(
        (user, password, name) in (octets(), octets(), octets()),
        form in prop_oneof![Just(LiteralForm::Synchronising), Just(LiteralForm::Minus), Just(LiteralForm::Plus)],
        uids in proptest::collection::vec(1u32..500, 1..20),
        flags in proptest::collection::vec("[$A-Za-z][A-Za-z0-9]{0,8}", 0..4),
    ) {
        let login = Command::new("m1", "LOGIN", form).string(&user).string(&password).finish();
        let bytes = login.pieces().collect::<Vec<_>>().concat();
        let Ok((b"", read)) = CommandCodec::default().decode(&bytes) else {
            panic!("not a command: {:?}", String::from_utf8_lossy(&bytes));
        };
        let CommandBody::Login { username, password: secret } = read.body else { panic!("{read:?}") };
        prop_assert_eq!(username.as_ref(), &user[..]);
        prop_assert_eq!(secret.declassify().as_ref(), &password[..]);

        let name = String::from_utf8_lossy(&name).into_owned();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let set = UidSet::from(&uids).texts(usize::MAX).remove(0);
        let append = Command::new("m2", "APPEND", form).mailbox(&name).flags(&flags).announce(3);
        let mut bytes = append.pieces().collect::<Vec<_>>().concat();
        bytes.extend_from_slice(b"abc\r\n");
        let Ok((b"", read)) = CommandCodec::default().decode(&bytes) else {
            panic!("not a command: {:?}", String::from_utf8_lossy(&bytes));
        };
        let CommandBody::Append { mailbox, flags: found, .. } = read.body else { panic!("{read:?}") };
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        prop_assert_eq!(found, flags);
        match mailbox {
            Mailbox::Inbox => prop_assert!(name.eq_ignore_ascii_case("inbox")),
            Mailbox::Other(other) => prop_assert_eq!(other.inner().as_ref(), name.as_bytes()),
        }

        let copy = Command::new("m3", "UID COPY", form).word(&set).mailbox("x").finish();
        let bytes = copy.pieces().collect::<Vec<_>>().concat();
        let Ok((b"", read)) = CommandCodec::default().decode(&bytes) else {
            panic!("not a command: {:?}", String::from_utf8_lossy(&bytes));
        };
        let CommandBody::Copy { sequence_set, uid: true, .. } = read.body else { panic!("{read:?}") };
        let last = NonZeroU32::new(500).unwrap();
        let found: Vec<u32> = sequence_set.iter(last).map(NonZeroU32::get).collect();
        let mut wanted = uids;
        wanted.sort_unstable();
        wanted.dedup();
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn no_line_makes_the_reader_panic_or_hang(
        pieces in proptest::collection::vec(prop_oneof![
            Just("* "), Just("1 FETCH ("), Just("BODYSTRUCTURE "), Just("ENVELOPE "), Just("BODY["), Just("]"), Just("<1>"),
            Just("("), Just(")"), Just("\""), Just("\\"), Just(" "), Just("NIL"), Just("{3}\r\nabc"), Just("{0}\r\n"), Just("~{1}\r\nx"),
            Just("4294967296"), Just("1:9,3"), Just("SEARCH"), Just("LIST "), Just("STATUS "), Just("NAMESPACE "), Just("ID "), Just("VANISHED "),
            Just("ESEARCH "), Just("OK ["), Just("APPENDUID 1 2"), Just("m1 OK "), Just("+ "), Just("FLAGS "), Just("UID "), Just("MODSEQ ("), Just("\u{fffd}"),
        ], 0..30),
    ) {
        let line = pieces.concat();
        let Ok(Response::Fetch(fetch)) = Response::parse(line.as_bytes(), &[]) else {
            return Ok(());
        };
        for item in fetch {
            match item {
                Ok(FetchItem::Structure(structure)) => drop(structure.parts()),
                Ok(FetchItem::Envelope(envelope)) => drop(envelope.parse()),
                _ => {}
            }
        }
    }

    #[test]
    fn any_octets_at_all_are_read_or_refused(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Response::parse(&line, &[]);
        let _ = Response::parse(&[b"* 1 FETCH (BODYSTRUCTURE (".as_slice(), &line].concat(), &[]);
    }
}

#[test]
fn a_structure_nested_beyond_reason_is_refused_and_does_no_harm() {
    for depth in [10_000, 100_000] {
        let line = [
            b"* 1 FETCH (BODYSTRUCTURE ".as_slice(),
            &b"(".repeat(depth),
            &b")".repeat(depth),
        ];
        let line = [line.concat(), b")".to_vec()].concat();
        let Ok(Response::Fetch(mut fetch)) = Response::parse(&line, &[]) else {
            panic!("not a FETCH");
        };
        match fetch.next() {
            Some(Ok(FetchItem::Structure(structure))) => assert!(structure.parts().is_err()),
            Some(Err(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

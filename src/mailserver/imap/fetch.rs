//! FETCH (RFC 3501 section 6.4.5, RFC 7162 section 3.1.4). Large bodies go from the file to the client in
//! pieces; what is small is put together first.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use imap_codec::imap_types::command::FetchModifier;
use imap_codec::imap_types::fetch::{
    MacroOrMessageDataItemNames, MessageDataItemName as Item, Section,
};
use imap_codec::imap_types::sequence::SequenceSet;

use super::section::{Octets, Source, write_name};
use super::view::write_modseq;
use super::{Answer, Session};
use crate::mailserver::connection::Ended;
use crate::mailserver::message;
use crate::mailserver::store::{Change, Flags, Message, StoreError};
use crate::proto::imap::server::{date_time, literal, number};

/// A body goes out in pieces of this size.
const PIECE: usize = 32 << 10;

/// What is wanted of each message.
struct Wanted<'i> {
    items: Vec<Item<'i>>,
    /// Some item sets `\Seen`.
    sets_seen: bool,
    /// Some item is read from the file.
    needs_file: bool,
}

impl<'i> Wanted<'i> {
    fn new(names: &'i MacroOrMessageDataItemNames<'i>, uid: bool) -> Option<Self> {
        let mut items = match names {
            MacroOrMessageDataItemNames::Macro(short) => short.expand(),
            MacroOrMessageDataItemNames::MessageDataItemNames(items) => items.clone(),
        };
        if uid && !items.contains(&Item::Uid) {
            items.insert(0, Item::Uid);
        }
        let known = !items
            .iter()
            .any(|item| matches!(item, Item::Binary { .. } | Item::BinarySize { .. }));
        known.then(|| Self {
            sets_seen: items.iter().any(|item| {
                matches!(
                    item,
                    Item::BodyExt { peek: false, .. } | Item::Rfc822 | Item::Rfc822Text
                )
            }),
            needs_file: items.iter().any(|item| {
                !matches!(
                    item,
                    Item::Flags | Item::InternalDate | Item::Rfc822Size | Item::Uid | Item::ModSeq
                )
            }),
            items,
        })
    }

    fn add(&mut self, item: Item<'i>) {
        if !self.items.contains(&item) {
            self.items.push(item);
        }
    }
}

impl Session {
    pub(super) async fn fetch(
        &mut self,
        set: &SequenceSet,
        names: &MacroOrMessageDataItemNames<'_>,
        uid: bool,
        modifiers: &[FetchModifier],
    ) -> Result<Answer, Ended> {
        let Some(mut wanted) = Wanted::new(names, uid) else {
            return Ok(Answer::bad("BINARY is not known here"));
        };
        let mut changed_since = 0;
        for modifier in modifiers {
            if let FetchModifier::ChangedSince(modseq) = modifier {
                changed_since = modseq.get();
                wanted.add(Item::ModSeq);
            }
        }
        if wanted.items.contains(&Item::ModSeq) {
            self.use_condstore();
        }
        let Some(view) = &self.view else {
            return Ok(Answer::bad("Select a mailbox first"));
        };
        if modifiers.contains(&FetchModifier::Vanished) {
            // RFC 7162 section 3.2.6.
            if !uid || changed_since == 0 || !self.extensions.qresync {
                return Ok(Answer::bad(
                    "VANISHED needs ENABLE QRESYNC, UID FETCH and CHANGEDSINCE",
                ));
            }
            let out = &mut self.connection.out;
            if let Err(error) = view.tell_vanished_since(out, changed_since, Some(set)) {
                return Ok(error.into());
            }
        }
        let indices = match view.resolve(set, uid) {
            Ok(indices) => indices,
            Err(error) => return Ok(error.into()),
        };
        let mut messages = match view.messages(&indices) {
            Ok(messages) => messages,
            Err(error) => return Ok(error.into()),
        };
        messages.retain(|(_, message)| message.modseq > changed_since);
        if wanted.sets_seen
            && !view.read_only
            && let Err(error) = self.set_seen(&mut messages, &mut wanted)
        {
            return Ok(error.into());
        }
        for (done, (index, message)) in messages.iter().enumerate() {
            self.fetch_one(*index, message, &wanted).await?;
            self.connection.flush_if_full().await?;
            if wanted.needs_file && done % 64 == 63 {
                // Others have a turn.
                tokio::task::yield_now().await;
            }
        }
        Ok(Answer::ok("Done"))
    }

    /// Sets `\Seen` where it is missing; the client then is told all flags.
    fn set_seen(
        &mut self,
        messages: &mut [(usize, Message)],
        wanted: &mut Wanted<'_>,
    ) -> Result<(), StoreError> {
        let Some(view) = &self.view else {
            return Ok(());
        };
        let unseen: Vec<u32> = messages
            .iter()
            .filter(|(_, message)| !message.flags.contains(Flags::SEEN))
            .map(|(_, message)| message.uid)
            .collect();
        if unseen.is_empty() {
            return Ok(());
        }
        let stored = view
            .mailbox
            .change_flags(&unseen, Change::Add, &["\\Seen"], None)?;
        for (message, _) in stored.messages {
            let at = messages.binary_search_by_key(&message.uid, |(_, m)| m.uid);
            if let Ok(at) = at {
                messages[at].1 = message;
            }
        }
        wanted.add(Item::Flags);
        Ok(())
    }

    async fn fetch_one(
        &mut self,
        index: usize,
        message: &Message,
        wanted: &Wanted<'_>,
    ) -> Result<(), Ended> {
        let Some(view) = &mut self.view else {
            return Ok(());
        };
        let mailbox = Arc::clone(&view.mailbox);
        let mut source = None;
        if wanted.needs_file {
            match Source::open(&mailbox, message) {
                Ok(opened) => source = Some(opened),
                // Another session took it away in this moment; the client will hear of it.
                Err(StoreError::MessageGone) => return Ok(()),
                Err(error) => {
                    tracing::warn!("IMAP: {error}");
                    return Ok(());
                }
            }
        }
        let out = &mut self.connection.out;
        out.extend_from_slice(b"* ");
        number(out, index as u64 + 1);
        out.extend_from_slice(b" FETCH (");
        for (n, item) in wanted.items.iter().enumerate() {
            if n > 0 {
                self.connection.out.push(b' ');
            }
            if !self.short_item(index, message, item)
                && let Some(source) = &mut source
            {
                self.file_item(source, item).await?;
                self.connection.flush_if_full().await?;
            }
        }
        let with_modseq = self.extensions.condstore
            && wanted.items.contains(&Item::Flags)
            && !wanted.items.contains(&Item::ModSeq);
        if with_modseq {
            self.connection.out.push(b' ');
            write_modseq(&mut self.connection.out, message);
        }
        self.connection.out.extend_from_slice(b")\r\n");
        Ok(())
    }

    /// Writes an item that the index answers; false if it does not.
    fn short_item(&mut self, index: usize, message: &Message, item: &Item<'_>) -> bool {
        let out = &mut self.connection.out;
        match item {
            Item::Flags => {
                if let Some(view) = &mut self.view {
                    view.write_flags(out, message);
                    view.told(index, message);
                }
            }
            Item::Uid => {
                out.extend_from_slice(b"UID ");
                number(out, u64::from(message.uid));
            }
            Item::Rfc822Size => {
                out.extend_from_slice(b"RFC822.SIZE ");
                number(out, message.octets);
            }
            Item::InternalDate => {
                out.extend_from_slice(b"INTERNALDATE ");
                date_time(out, message.internal_date);
            }
            Item::ModSeq => write_modseq(out, message),
            _ => return false,
        }
        true
    }

    /// Writes an item that is read from the file. If that fails in the middle of a reply, the session ends.
    async fn file_item(&mut self, source: &mut Source<'_>, item: &Item<'_>) -> Result<(), Ended> {
        let out = &mut self.connection.out;
        let whole = |source: &mut Source<'_>| source.section(None);
        let octets = match item {
            Item::Envelope => {
                out.extend_from_slice(b"ENVELOPE ");
                out.extend_from_slice(&message::envelope(source.header()?));
                return Ok(());
            }
            Item::Body | Item::BodyStructure => {
                let structure = source.structure().map_err(|error| {
                    tracing::warn!("IMAP: {error}");
                    Ended::Closed
                })?;
                if *item == Item::Body {
                    out.extend_from_slice(b"BODY ");
                    out.extend_from_slice(&structure.body);
                } else {
                    out.extend_from_slice(b"BODYSTRUCTURE ");
                    out.extend_from_slice(&structure.body_structure);
                }
                return Ok(());
            }
            Item::Rfc822 => {
                out.extend_from_slice(b"RFC822");
                whole(source)?
            }
            Item::Rfc822Header => {
                out.extend_from_slice(b"RFC822.HEADER");
                source.section(Some(&Section::Header(None)))?
            }
            Item::Rfc822Text => {
                out.extend_from_slice(b"RFC822.TEXT");
                source.section(Some(&Section::Text(None)))?
            }
            Item::BodyExt {
                section, partial, ..
            } => {
                write_name(out, section.as_ref(), *partial);
                source.section(section.as_ref())?.partial(*partial)
            }
            _ => return Ok(()),
        };
        out.push(b' ');
        match octets {
            Octets::None => out.extend_from_slice(b"NIL"),
            Octets::Here(octets) => {
                literal(out, octets.len() as u64);
                out.extend_from_slice(&octets);
            }
            Octets::OfFile(range) => {
                literal(out, range.end - range.start);
                self.send_range(&source.file, range).await?;
            }
        }
        Ok(())
    }

    /// Streams octets of a file.
    async fn send_range(&mut self, file: &File, range: Range<u64>) -> Result<(), Ended> {
        let mut at = range.start;
        while at < range.end {
            let wanted = (range.end - at).min(PIECE as u64) as usize;
            let out = &mut self.connection.out;
            let start = out.len();
            out.resize(start + wanted, 0);
            file.read_exact_at(&mut out[start..], at)?;
            at += wanted as u64;
            self.connection.flush_if_full().await?;
        }
        Ok(())
    }
}

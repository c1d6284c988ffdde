//! Commands that read messages. All go by UID.

use super::exchange::{Bodies, Reply, Taken, Unusable, push};
use super::{FlagSet, ImapSession};
use crate::client::ClientError;
use crate::metrics::{Observer, Operation};
use crate::proto::digest::MessageDigest;
use crate::proto::imap::{
    Code, Criterion, Envelope, Fetch, FetchItem, FetchItems, Part, Response, UidSet,
};

/// Command lines are kept below this: RFC 7162 section 4 wants 8192 octets to be enough for all.
pub(super) const SET_OCTETS: usize = 7000;

/// The field of the header by which a message of ours is known, as it is asked for.
pub const MARK: &str = "X-MAILGAUGE-ID";

/// One line of a list of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListEntry {
    /// UID.
    pub uid: u32,
    /// Flags.
    pub flags: FlagSet,
    /// RFC822.SIZE.
    pub octets: u64,
    /// X-Mailgauge-Id.
    pub id: Option<String>,
}

/// The flags of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagEntry {
    /// UID.
    pub uid: u32,
    /// Flags.
    pub flags: FlagSet,
    /// Modification sequence, where the server told one (RFC 7162).
    pub mod_seq: Option<u64>,
}

/// The envelope of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvelopeEntry {
    /// UID.
    pub uid: u32,
    /// Flags.
    pub flags: FlagSet,
    /// RFC822.SIZE.
    pub octets: u64,
    /// ENVELOPE, of which a list shows date, subject and author.
    pub envelope: Envelope,
}

/// What a server told of one message: of what was asked for, what it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// UID.
    pub uid: u32,
    /// FLAGS.
    pub flags: Option<FlagSet>,
    /// RFC822.SIZE.
    pub octets: Option<u64>,
    /// MODSEQ (RFC 7162).
    pub mod_seq: Option<u64>,
    /// ENVELOPE.
    pub envelope: Option<Envelope>,
    /// BODYSTRUCTURE: its parts.
    pub parts: Option<Vec<Part>>,
    /// Each BODY[…], in the order in which they came.
    pub bodies: Vec<FetchedBody>,
}

/// One section of one message, which streamed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedBody {
    /// As the server names it: empty for the whole message, `1.2`, `HEADER.FIELDS (…)`.
    pub section: String,
    /// The first octet, where only some were asked for.
    pub origin: Option<u64>,
    /// What came; none: NIL.
    pub digest: Option<MessageDigest>,
}

impl Fetched {
    fn read(fetch: Fetch<'_>, bodies: &mut Bodies) -> Result<Self, Unusable> {
        let mut fetched = Self::default();
        for item in fetch {
            match item? {
                FetchItem::Uid(uid) => fetched.uid = uid,
                FetchItem::Flags(flags) => fetched.flags = Some(flags.into()),
                FetchItem::Size(octets) => fetched.octets = Some(octets),
                FetchItem::ModSeq(number) => fetched.mod_seq = Some(number),
                FetchItem::Envelope(envelope) => fetched.envelope = Some(envelope.parse()?),
                FetchItem::Structure(structure) => fetched.parts = Some(structure.parts()?),
                FetchItem::Body(body) => fetched.bodies.push(FetchedBody {
                    section: String::from_utf8_lossy(body.section).into_owned(),
                    origin: body.origin,
                    digest: bodies.digest(&body.data),
                }),
                _ => {}
            }
        }
        Ok(fetched)
    }

    /// Something with a UID; what has none is news that nobody asked for.
    fn is_answer(&self) -> bool {
        self.uid > 0
    }
}

impl<O: Observer> ImapSession<O> {
    /// What a mail program shows in its list: UID FETCH of flags, size, date and a few header fields.
    pub async fn list_view(
        &mut self,
        uids: impl Into<UidSet>,
    ) -> Result<Vec<ListEntry>, ClientError> {
        let items = FetchItems::new()
            .flags()
            .size()
            .internal_date()
            .header_fields(&["DATE", "FROM", "SUBJECT", MARK]);
        self.list_view_by(uids, items).await
    }

    /// The same by the items of a certain mail program; the mark must be among the header fields.
    pub async fn list_view_by(
        &mut self,
        uids: impl Into<UidSet>,
        items: FetchItems,
    ) -> Result<Vec<ListEntry>, ClientError> {
        let mut list = Vec::new();
        let each = |fetch: Fetch<'_>, bodies: &mut Bodies| {
            let mut entry = ListEntry::default();
            let mut told = false;
            for item in fetch {
                match item? {
                    FetchItem::Uid(uid) => entry.uid = uid,
                    FetchItem::Flags(flags) => entry.flags = flags.into(),
                    FetchItem::Size(octets) => entry.octets = octets,
                    FetchItem::Body(body) => {
                        entry.id = bodies.digest(&body.data).and_then(|digest| digest.id);
                        told = true;
                    }
                    _ => {}
                }
            }
            Ok(told.then_some((entry.uid, entry)))
        };
        self.fetch_list(Operation::FetchHeaders, uids.into(), items, each, &mut list)
            .await?;
        Ok(list)
    }

    /// UID FETCH of flags alone.
    pub async fn fetch_flags(
        &mut self,
        uids: impl Into<UidSet>,
    ) -> Result<Vec<FlagEntry>, ClientError> {
        self.fetch_flags_by(uids, FetchItems::new().flags()).await
    }

    /// The same by the items of a certain mail program.
    pub async fn fetch_flags_by(
        &mut self,
        uids: impl Into<UidSet>,
        items: FetchItems,
    ) -> Result<Vec<FlagEntry>, ClientError> {
        let mut list = Vec::new();
        let each = |fetch: Fetch<'_>, _: &mut Bodies| flag_entry(fetch);
        self.fetch_list(Operation::FetchFlags, uids.into(), items, each, &mut list)
            .await?;
        Ok(list)
    }

    /// UID FETCH of flags, size and envelope.
    pub async fn envelopes(
        &mut self,
        uids: impl Into<UidSet>,
    ) -> Result<Vec<EnvelopeEntry>, ClientError> {
        let items = FetchItems::new().flags().size().envelope();
        let mut list = Vec::new();
        let each = |fetch: Fetch<'_>, _: &mut Bodies| {
            let mut entry = EnvelopeEntry::default();
            let mut told = false;
            for item in fetch {
                match item? {
                    FetchItem::Uid(uid) => entry.uid = uid,
                    FetchItem::Flags(flags) => entry.flags = flags.into(),
                    FetchItem::Size(octets) => entry.octets = octets,
                    FetchItem::Envelope(envelope) => {
                        (entry.envelope, told) = (envelope.parse()?, true);
                    }
                    _ => {}
                }
            }
            Ok(told.then_some((entry.uid, entry)))
        };
        self.fetch_list(Operation::FetchHeaders, uids.into(), items, each, &mut list)
            .await?;
        Ok(list)
    }

    /// UID FETCH of whatever is asked for, of as many messages as there are. Bodies stream by; only their digests stay.
    /// `operation` says what it counts as.
    pub async fn fetch(
        &mut self,
        operation: Operation,
        uids: impl Into<UidSet>,
        items: FetchItems,
    ) -> Result<Vec<Fetched>, ClientError> {
        let mut list = Vec::new();
        let each = |fetch: Fetch<'_>, bodies: &mut Bodies| {
            let fetched = Fetched::read(fetch, bodies)?;
            Ok(fetched.is_answer().then_some((fetched.uid, fetched)))
        };
        self.fetch_list(operation, uids.into(), items, each, &mut list)
            .await?;
        Ok(list)
    }

    /// UID FETCH of one thing per message. `each` reads a response, and returns none if it is no answer to
    /// this. Messages that are gone are not in the list.
    async fn fetch_list<T>(
        &mut self,
        operation: Operation,
        uids: UidSet,
        items: FetchItems,
        mut each: impl FnMut(Fetch<'_>, &mut Bodies) -> Result<Option<(u32, T)>, Unusable>,
        list: &mut Vec<T>,
    ) -> Result<(), ClientError> {
        let items = items.text();
        for set in uids.texts(SET_OCTETS) {
            let command = self.new_command("UID FETCH").word(&set).word(&items);
            let running = self.link.begin(operation);
            let mut issued = false;
            let reply = self
                .exchange(operation, &command.finish(), |response, bodies| {
                    note_expunge_issued(&response, &mut issued);
                    let Response::Fetch(fetch) = response else {
                        return Ok(Taken::No);
                    };
                    match each(fetch, bodies)? {
                        Some((uid, entry)) if uids.contains(uid) => push(list, entry),
                        // `7:*` also means the last message, even if it is below 7. Flags alone may be news.
                        Some(_) if operation != Operation::FetchFlags => Ok(Taken::Yes),
                        _ => Ok(Taken::No),
                    }
                })
                .await;
            let result = reply.and_then(|reply| accept_unless(issued, reply, operation));
            self.link.end(running, result)?;
        }
        Ok(())
    }

    /// The parts of a message. None: it is gone.
    pub async fn structure(&mut self, uid: u32) -> Result<Option<Vec<Part>>, ClientError> {
        let operation = Operation::FetchStructure;
        let items = FetchItems::new().structure();
        let mut parts = None;
        self.fetch_one(operation, uid, items, |item, _| {
            if let FetchItem::Structure(structure) = item {
                parts = Some(structure.parts()?);
            }
            Ok(())
        })
        .await?;
        Ok(parts)
    }

    /// One part of a message, as transferred (encoded); only its octets mean something. None: the message, or
    /// the part, is gone. Without `peek` the message is `\Seen` then.
    pub async fn fetch_part(
        &mut self,
        uid: u32,
        section: &str,
        peek: bool,
    ) -> Result<Option<MessageDigest>, ClientError> {
        let items = FetchItems::new().body(section, None, peek);
        self.fetch_body(Operation::FetchPart, uid, items).await
    }

    /// So many octets of a part from `first` on (`BODY[section]<first.octets>`).
    pub async fn fetch_stretch(
        &mut self,
        uid: u32,
        section: &str,
        first: u64,
        octets: u64,
        peek: bool,
    ) -> Result<Option<MessageDigest>, ClientError> {
        let items = FetchItems::new().body(section, Some((first, octets)), peek);
        self.fetch_body(Operation::FetchPart, uid, items).await
    }

    /// A whole message. None: it is gone. Without `peek` it is `\Seen` then.
    pub async fn fetch_message(
        &mut self,
        uid: u32,
        peek: bool,
    ) -> Result<Option<MessageDigest>, ClientError> {
        let items = FetchItems::new().body("", None, peek);
        self.fetch_body(Operation::FetchMessage, uid, items).await
    }

    /// The same by the items of a certain mail program, with one body among them.
    pub async fn fetch_message_by(
        &mut self,
        uid: u32,
        items: FetchItems,
    ) -> Result<Option<MessageDigest>, ClientError> {
        self.fetch_body(Operation::FetchMessage, uid, items).await
    }

    async fn fetch_body(
        &mut self,
        operation: Operation,
        uid: u32,
        items: FetchItems,
    ) -> Result<Option<MessageDigest>, ClientError> {
        let mut digest = None;
        self.fetch_one(operation, uid, items, |item, bodies| {
            if let FetchItem::Body(body) = item {
                digest = bodies.digest(&body.data);
            }
            Ok(())
        })
        .await?;
        Ok(digest)
    }

    /// UID FETCH of one message; `each` sees its items. A message that is gone has none: by RFC 2180 section
    /// 4.1 the server then says nothing, NIL, or NO with a code that says so.
    async fn fetch_one(
        &mut self,
        operation: Operation,
        uid: u32,
        items: FetchItems,
        mut each: impl FnMut(FetchItem<'_>, &mut Bodies) -> Result<(), Unusable>,
    ) -> Result<(), ClientError> {
        let command = self
            .new_command("UID FETCH")
            .word(&uid.to_string())
            .word(&items.text());
        let running = self.link.begin(operation);
        let mut issued = false;
        let reply = self
            .exchange(operation, &command.finish(), |response, bodies| {
                note_expunge_issued(&response, &mut issued);
                let Response::Fetch(fetch) = response else {
                    return Ok(Taken::No);
                };
                if uid_of(fetch.clone())? == Some(uid) {
                    for item in fetch {
                        each(item?, bodies)?;
                    }
                }
                // Flags that come with it are news: reading has set \Seen, or another session something.
                Ok(Taken::No)
            })
            .await;
        let result = reply.and_then(|reply| accept_unless(issued, reply, operation));
        self.link.end(running, result)
    }

    /// UID SEARCH: the UIDs of messages that meet all criteria, ascending.
    pub async fn search(&mut self, criteria: &[Criterion]) -> Result<Vec<u32>, ClientError> {
        let command = self.new_command("UID SEARCH").criteria(criteria);
        let mut uids: Vec<u32> = Vec::new();
        self.command(Operation::Search, command, |response, _| {
            let found = match response {
                Response::Search(search) => search.found,
                Response::ESearch(search) => {
                    let all = search
                        .all
                        .map(|all| all.uids(super::exchange::MOST_ENTRIES));
                    all.unwrap_or_default()
                }
                _ => return Ok(Taken::No),
            };
            if uids.len() + found.len() > super::exchange::MOST_ENTRIES {
                return Err(Unusable::TooMany);
            }
            uids.extend(found);
            Ok(Taken::Yes)
        })
        .await?;
        uids.sort_unstable();
        uids.dedup();
        Ok(uids)
    }
}

/// Reads FLAGS, if that is what the response is about.
pub(super) fn flag_entry(fetch: Fetch<'_>) -> Result<Option<(u32, FlagEntry)>, Unusable> {
    let mut entry = FlagEntry::default();
    let mut told = false;
    for item in fetch {
        match item? {
            FetchItem::Uid(uid) => entry.uid = uid,
            FetchItem::Flags(flags) => (entry.flags, told) = (flags.into(), true),
            FetchItem::ModSeq(number) => entry.mod_seq = Some(number),
            _ => {}
        }
    }
    Ok(told.then_some((entry.uid, entry)))
}

fn uid_of(fetch: Fetch<'_>) -> Result<Option<u32>, Unusable> {
    for item in fetch {
        if let FetchItem::Uid(uid) = item? {
            return Ok(Some(uid));
        }
    }
    Ok(None)
}

fn note_expunge_issued(response: &Response<'_>, issued: &mut bool) {
    if let Response::Tagged { text, .. } = response {
        *issued = text.code == Some(Code::ExpungeIssued);
    }
}

/// A refusal because messages are gone is no failure.
fn accept_unless(
    expunge_issued: bool,
    reply: Reply,
    operation: Operation,
) -> Result<(), ClientError> {
    if expunge_issued {
        return Ok(());
    }
    reply.accept(operation)
}

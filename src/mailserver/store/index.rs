//! The index file of a mailbox: an append-only text, one record a line, which a person can read. The first
//! line names the format and the UIDVALIDITY; `+` adds a message, `f` sets its flags, `-` takes it away, `k`
//! names a keyword, `n` raises the counters. A torn last record (the machine went down while it was
//! written) is cut off; a record that is whole but wrong is an error.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::Path;

use super::{Flags, Message, StoreError};

/// What the index tells about a mailbox.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) uid_validity: u32,
    pub(super) uid_next: u32,
    pub(super) highest_modseq: u64,
    /// By UID, ascending.
    pub(super) messages: Vec<Message>,
    pub(super) keywords: Vec<String>,
    /// Records in the file, dead ones too.
    pub(super) records: usize,
    /// UIDs taken away by the records read so far.
    pub(super) removed: Vec<u32>,
}

const MAGIC: &str = "mailgauge-index 1";

/// Reads the index, or `None` where there is none yet.
pub(super) fn read(path: &Path) -> Result<Option<Contents>, StoreError> {
    let mut text = String::new();
    match File::open(path) {
        Ok(mut file) => file
            .read_to_string(&mut text)
            .map_err(StoreError::io("cannot read", path))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("cannot open", path)(error)),
    };
    let whole = text.rfind('\n').map_or(0, |at| at + 1);
    if whole < text.len() {
        tracing::warn!("{}: the last record is torn and is cut off", path.display());
        OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|file| file.set_len(whole as u64))
            .map_err(StoreError::io("cannot repair", path))?;
    }
    if whole == 0 {
        return Ok(None);
    }
    let mut contents = Contents {
        uid_next: 1,
        highest_modseq: 1,
        ..Contents::default()
    };
    for (number, record) in text[..whole].lines().enumerate() {
        let read = if number == 0 {
            contents.header(record)
        } else {
            contents.record(record)
        };
        read.map_err(|problem| StoreError::Index {
            path: path.to_owned(),
            line: number + 1,
            problem,
        })?;
    }
    contents.removed.sort_unstable();
    let removed = std::mem::take(&mut contents.removed);
    contents
        .messages
        .retain(|message| removed.binary_search(&message.uid).is_err());
    Ok(Some(contents))
}

impl Contents {
    fn header(&mut self, record: &str) -> Result<(), &'static str> {
        self.uid_validity = record
            .strip_prefix(MAGIC)
            .and_then(|rest| rest.trim().parse().ok())
            .filter(|&validity| validity > 0)
            .ok_or("this is not an index of mailgauge")?;
        Ok(())
    }

    fn record(&mut self, record: &str) -> Result<(), &'static str> {
        self.records += 1;
        let mut fields = record.split(' ');
        match fields.next() {
            Some("+") => {
                let message = Message {
                    uid: number(&mut fields)?,
                    octets: number(&mut fields)?,
                    internal_date: number(&mut fields)?,
                    modseq: number(&mut fields)?,
                    flags: flags(&mut fields)?,
                    in_new: fields.next() == Some("new"),
                };
                if message.uid < self.uid_next {
                    return Err("the UIDs do not ascend");
                }
                self.uid_next = message.uid.checked_add(1).ok_or("the UIDs are used up")?;
                self.reached(message.modseq);
                self.messages.push(message);
            }
            Some("f") => {
                let uid: u32 = number(&mut fields)?;
                let modseq = number(&mut fields)?;
                let flags = flags(&mut fields)?;
                self.reached(modseq);
                if let Ok(at) = self.messages.binary_search_by_key(&uid, |m| m.uid) {
                    self.messages[at].modseq = modseq;
                    self.messages[at].flags = flags;
                }
            }
            Some("-") => {
                let uid: u32 = number(&mut fields)?;
                let modseq = number(&mut fields)?;
                self.reached(modseq);
                self.removed.push(uid);
            }
            Some("k") => self
                .keywords
                .push(fields.next().ok_or("a keyword has no name")?.to_owned()),
            Some("n") => {
                let uid_next = number(&mut fields)?;
                self.uid_next = self.uid_next.max(uid_next);
                let modseq = number(&mut fields)?;
                self.reached(modseq);
            }
            _ => return Err("the record is of an unknown kind"),
        }
        Ok(())
    }

    fn reached(&mut self, modseq: u64) {
        self.highest_modseq = self.highest_modseq.max(modseq);
    }
}

fn number<'f, N: std::str::FromStr>(
    fields: &mut impl Iterator<Item = &'f str>,
) -> Result<N, &'static str> {
    fields
        .next()
        .and_then(|field| field.parse().ok())
        .ok_or("a number is missing")
}

fn flags<'f>(fields: &mut impl Iterator<Item = &'f str>) -> Result<Flags, &'static str> {
    fields
        .next()
        .and_then(|field| u64::from_str_radix(field, 16).ok())
        .map(Flags::from_bits)
        .ok_or("the flags are missing")
}

/// Records that go to the end of the file in one write.
#[derive(Debug, Default)]
pub(super) struct Batch {
    text: String,
    records: usize,
}

impl Batch {
    pub(super) fn added(&mut self, message: &Message) {
        let Message {
            uid,
            octets,
            internal_date,
            modseq,
            flags,
            in_new,
        } = message;
        let place = if *in_new { "new" } else { "cur" };
        self.line(format_args!(
            "+ {uid} {octets} {internal_date} {modseq} {:x} {place}",
            flags.bits()
        ));
    }

    pub(super) fn flags_set(&mut self, message: &Message) {
        self.line(format_args!(
            "f {} {} {:x}",
            message.uid,
            message.modseq,
            message.flags.bits()
        ));
    }

    pub(super) fn removed(&mut self, uid: u32, modseq: u64) {
        self.line(format_args!("- {uid} {modseq}"));
    }

    pub(super) fn keyword(&mut self, name: &str) {
        self.line(format_args!("k {name}"));
    }

    fn line(&mut self, record: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{record}");
        self.records += 1;
    }

    /// Appends the records and returns how many they were.
    pub(super) fn write(self, path: &Path, fsync: bool) -> Result<usize, StoreError> {
        if self.records == 0 {
            return Ok(0);
        }
        OpenOptions::new()
            .append(true)
            .open(path)
            .and_then(|mut file| {
                file.write_all(self.text.as_bytes())?;
                if fsync { file.sync_data() } else { Ok(()) }
            })
            .map_err(StoreError::io("cannot append to", path))?;
        Ok(self.records)
    }
}

/// Writes the index anew, without dead records, and puts it in place in one step.
pub(super) fn rewrite(path: &Path, contents: &Contents, fsync: bool) -> Result<usize, StoreError> {
    let mut batch = Batch::default();
    batch.line(format_args!("{MAGIC} {}", contents.uid_validity));
    for keyword in &contents.keywords {
        batch.keyword(keyword);
    }
    for message in &contents.messages {
        batch.added(message);
    }
    batch.line(format_args!(
        "n {} {}",
        contents.uid_next, contents.highest_modseq
    ));
    let beside = path.with_extension("tmp");
    let written = File::create(&beside).and_then(|mut file| {
        file.write_all(batch.text.as_bytes())?;
        if fsync { file.sync_data() } else { Ok(()) }
    });
    written
        .and_then(|()| fs::rename(&beside, path))
        .map_err(StoreError::io("cannot write", path))?;
    Ok(batch.records - 1)
}

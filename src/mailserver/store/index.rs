//! The index file of a mailbox: an append-only text, one record a line, which a person can read. The first
//! line names the format and the UIDVALIDITY; `+` adds a message, `f` sets its flags, `-` takes it away, `k`
//! names a keyword, `n` raises the counters and says up to which mod-sequence removals are forgotten. A torn last record (the machine went down while it was
//! written) is cut off; a record that is whole but wrong is an error.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::Path;

use super::{Flags, Message, StoreError, Vanished};

/// What the index tells about a mailbox.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) uid_validity: u32,
    pub(super) uid_next: u32,
    pub(super) highest_modseq: u64,
    /// By UID, ascending.
    pub(super) messages: Vec<Message>,
    pub(super) keywords: Vec<String>,
    /// What was taken away.
    pub(super) vanished: Vanished,
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
                self.vanished.add(uid, modseq);
            }
            Some("k") => self
                .keywords
                .push(fields.next().ok_or("a keyword has no name")?.to_owned()),
            Some("n") => {
                let uid_next = number(&mut fields)?;
                self.uid_next = self.uid_next.max(uid_next);
                let modseq = number(&mut fields)?;
                self.reached(modseq);
                // An index that was written before removals were kept does not say up to where they are missing.
                let forgotten = match fields.next() {
                    Some(field) => field.parse().map_err(|_| "a number is missing")?,
                    None => modseq,
                };
                self.vanished.forget_up_to(forgotten);
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
    for gone in contents.vanished.iter() {
        batch.removed(gone.uid, gone.modseq);
    }
    batch.line(format_args!(
        "n {} {} {}",
        contents.uid_next,
        contents.highest_modseq,
        contents.vanished.forgotten()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        file
    }

    const WHOLE: &str =
        "mailgauge-index 1 77\n+ 1 100 5 2 1 new\n+ 2 200 6 3 0 cur\nf 2 4 5\nk later\n- 1 5\n";

    #[test]
    fn records_add_up_to_what_is_so_now() {
        let file = file(WHOLE);
        let contents = read(file.path()).unwrap().unwrap();
        assert_eq!(contents.uid_validity, 77);
        assert_eq!((contents.uid_next, contents.highest_modseq), (3, 5));
        assert_eq!(contents.keywords, ["later"]);
        let [message] = contents.messages[..] else {
            panic!("one message is left");
        };
        assert_eq!((message.uid, message.octets, message.modseq), (2, 200, 4));
        assert_eq!(message.flags, Flags::from_bits(5));
    }

    #[test]
    fn an_index_from_before_removals_were_kept_knows_that_it_does_not_know() {
        let file = file("mailgauge-index 1 7\n+ 4 1 1 2 0 cur\nn 5 9\n- 4 10\n");
        let contents = read(file.path()).unwrap().unwrap();
        assert_eq!(contents.vanished.since(8), None);
        assert_eq!(contents.vanished.since(9), Some(vec![4]));
    }

    #[test]
    fn a_torn_last_record_is_cut_off_wherever_it_tore() {
        let start = WHOLE.find("f 2").unwrap();
        for end in start + 1..start + 6 {
            let file = file(&WHOLE[..end]);
            let contents = read(file.path()).unwrap().unwrap();
            assert_eq!(contents.messages.len(), 2, "torn at {end}");
            assert_eq!(fs::read_to_string(file.path()).unwrap(), WHOLE[..start]);
        }
    }

    #[test]
    fn a_whole_record_that_is_wrong_is_named_by_its_line() {
        for (text, line) in [
            ("something else\n", 1),
            ("mailgauge-index 1 7\n+ 1 2\n", 2),
            ("mailgauge-index 1 7\n+ 2 1 1 1 0 cur\n+ 1 1 1 2 0 cur\n", 3),
            ("mailgauge-index 1 7\n? 1\n", 2),
            ("mailgauge-index 1 7\n+ 4294967295 1 1 1 0 cur\n", 2),
        ] {
            let file = file(text);
            let error = read(file.path()).unwrap_err().to_string();
            assert!(error.contains(&format!("line {line}:")), "{error}");
        }
    }

    #[test]
    fn what_is_written_anew_is_read_as_before() {
        let file = file(WHOLE);
        let before = read(file.path()).unwrap().unwrap();
        rewrite(file.path(), &before, false).unwrap();
        let after = read(file.path()).unwrap().unwrap();
        assert_eq!(after.messages, before.messages);
        assert_eq!(after.vanished, before.vanished);
        assert_eq!(after.vanished.since(4), Some(vec![1]));
        assert_eq!(after.keywords, before.keywords);
        assert_eq!(
            (after.uid_validity, after.uid_next, after.highest_modseq),
            (before.uid_validity, before.uid_next, before.highest_modseq)
        );
    }
}

//! A message on its way in: small ones are gathered and written at once, larger ones go to a file in
//! `tmp` as they arrive. Delivery is a rename or a link, so a mailbox never holds half a message.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::mailbox::{Mailbox, Source};
use super::{Added, StoreError};

/// What is gathered before the file is touched.
const GATHERED: usize = 64 << 10;

/// Makes names in `tmp` unique within the process.
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// A message that is being received. Dropped before it is delivered, it leaves nothing.
#[derive(Debug)]
pub struct Incoming {
    path: PathBuf,
    file: Option<File>,
    gathered: Vec<u8>,
    octets: u64,
    fsync: bool,
}

impl Incoming {
    pub(super) fn new(tmp: &Path, fsync: bool) -> Self {
        let name = format!(
            "{}.{}",
            std::process::id(),
            COUNTER.fetch_add(1, Ordering::Relaxed)
        );
        Self {
            path: tmp.join(name),
            file: None,
            gathered: Vec::new(),
            octets: 0,
            fsync,
        }
    }

    /// The next octets, CRLF line ends, dots not stuffed.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.octets += bytes.len() as u64;
        if self.gathered.len() + bytes.len() > GATHERED {
            self.spill()?;
        }
        if bytes.len() > GATHERED {
            return self.write_file(bytes);
        }
        self.gathered.extend_from_slice(bytes);
        Ok(())
    }

    /// Octets so far.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Puts a copy (a link) into `mailbox`.
    pub fn copy_to(
        &mut self,
        mailbox: &Mailbox,
        flags: &[&str],
        internal_date: i64,
    ) -> Result<Added, StoreError> {
        self.complete()?;
        mailbox.add(Source::Link(&self.path), self.octets, flags, internal_date)
    }

    /// Puts the message into `mailbox`. `internal_date`: seconds since 1970.
    pub fn move_to(
        mut self,
        mailbox: &Mailbox,
        flags: &[&str],
        internal_date: i64,
    ) -> Result<Added, StoreError> {
        self.complete()?;
        mailbox.add(
            Source::Rename(&self.path),
            self.octets,
            flags,
            internal_date,
        )
    }

    /// All octets are in the file, and on the disk where that is asked for.
    fn complete(&mut self) -> Result<(), StoreError> {
        if self.file.is_none() || !self.gathered.is_empty() {
            self.spill()?;
            if self.fsync
                && let Some(file) = &self.file
            {
                file.sync_all()
                    .map_err(StoreError::io("cannot sync", &self.path))?;
            }
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), StoreError> {
        let gathered = std::mem::take(&mut self.gathered);
        self.write_file(&gathered)
    }

    fn write_file(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(
                OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .open(&self.path)
                    .map_err(StoreError::io("cannot create", &self.path))?,
            ),
        };
        file.write_all(bytes)
            .map_err(StoreError::io("cannot write", &self.path))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if self.file.is_some() {
            // After a rename there is nothing to remove, which is fine.
            let _ = fs::remove_file(&self.path);
        }
    }
}

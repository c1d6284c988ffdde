//! What one device has and knows of its owner's mail: which messages it has shown, which it holds, which it shows as
//! read. Never their bodies.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

/// One device's local store.
#[derive(Debug, Default)]
pub(super) struct Store {
    mail: Vec<Copy>,
    /// POP: what this device has downloaded and the server still had at the last check, by UIDL.
    uidls: HashMap<String, Downloaded>,
}

/// What a UIDL stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Downloaded {
    /// A message of this run.
    Ours(u32),
    /// Somebody else's; it is left alone.
    Foreign,
}

/// One message, as the device knows it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, in any combination"
)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Copy {
    /// Shown for the first time.
    pub(super) visible: Option<Instant>,
    /// Opened here for the first time.
    pub(super) read: Option<Instant>,
    /// Octets that lie here.
    pub(super) octets: u64,
    /// All of it lies here.
    pub(super) whole: bool,
    /// Its text does.
    text: bool,
    /// The device shows it as read.
    pub(super) shown_read: bool,
    /// IMAP: where it is on the server.
    pub(super) uid: Option<u32>,
    /// The person deleted it here.
    pub(super) deleted: bool,
}

impl Store {
    /// Empty, for a user of so many messages.
    pub(super) fn new(messages: usize) -> Self {
        Self {
            mail: vec![Copy::default(); messages],
            uidls: HashMap::new(),
        }
    }

    pub(super) fn copy(&self, seq: u32) -> Copy {
        self.mail.get(seq as usize).copied().unwrap_or_default()
    }

    pub(super) fn copy_mut(&mut self, seq: u32) -> Option<&mut Copy> {
        self.mail.get_mut(seq as usize)
    }

    /// The device shows the message from now on.
    pub(super) fn show(&mut self, seq: u32, at: Instant) {
        if let Some(copy) = self.copy_mut(seq) {
            copy.visible.get_or_insert(at);
        }
    }

    /// The message lies here whole.
    pub(super) fn keep_whole(&mut self, seq: u32, octets: u64) {
        if let Some(copy) = self.copy_mut(seq) {
            copy.octets = octets;
            copy.whole = true;
            copy.text = true;
        }
    }

    /// The text of the message lies here, without its attachment: never more than the message is long.
    pub(super) fn keep_text(&mut self, seq: u32, octets: u64, of: u64) {
        if let Some(copy) = self.copy_mut(seq).filter(|copy| !copy.whole) {
            copy.octets = octets.min(of);
            copy.text = true;
        }
    }

    /// The message can be read here, with its attachment if that is wanted, without the network.
    pub(super) fn holds(&self, seq: u32, attachment: bool) -> bool {
        let copy = self.copy(seq);
        (copy.whole || (copy.text && !attachment)) && !copy.deleted
    }

    pub(super) fn open(&mut self, seq: u32, at: Instant) {
        if let Some(copy) = self.copy_mut(seq) {
            copy.read.get_or_insert(at);
            copy.shown_read = true;
        }
    }

    /// The person deletes it: it no longer takes room.
    pub(super) fn delete(&mut self, seq: u32) {
        if let Some(copy) = self.copy_mut(seq) {
            copy.deleted = true;
            copy.whole = false;
            copy.text = false;
            copy.octets = 0;
        }
    }

    /// POP: what was downloaded before under this UIDL.
    pub(super) fn downloaded(&self, uidl: &str) -> Option<Downloaded> {
        self.uidls.get(uidl).copied()
    }

    pub(super) fn remember(&mut self, uidl: String, seq: Option<u32>) {
        let downloaded = seq.map_or(Downloaded::Foreign, Downloaded::Ours);
        self.uidls.insert(uidl, downloaded);
    }

    /// POP: UIDLs that the server no longer has are of no use; returns them.
    pub(super) fn forget_all_but<'a>(
        &mut self,
        on_server: impl Iterator<Item = &'a str>,
    ) -> Vec<(String, Downloaded)> {
        if self.uidls.is_empty() {
            return Vec::new();
        }
        let on_server: HashSet<&str> = on_server.collect();
        self.uidls
            .extract_if(|uidl, _| !on_server.contains(uidl.as_str()))
            .collect()
    }

    /// POP: these were deleted from the server. Returns their UIDLs.
    pub(super) fn forget_downloaded(&mut self, seqs: &[u32]) -> Vec<(String, u32)> {
        let deleted: HashSet<u32> = seqs.iter().copied().collect();
        let of = |downloaded: &Downloaded| match downloaded {
            Downloaded::Ours(seq) => deleted.contains(seq).then_some(*seq),
            Downloaded::Foreign => None,
        };
        let gone = self
            .uidls
            .extract_if(|_, downloaded| of(downloaded).is_some());
        gone.filter_map(|(uidl, downloaded)| Some((uidl, of(&downloaded)?)))
            .collect()
    }

    /// IMAP: a new view; what is not in it is not shown.
    pub(super) fn forget_uids(&mut self) {
        for copy in &mut self.mail {
            copy.uid = None;
        }
    }

    /// IMAP: the message is shown in the list, with this UID.
    pub(super) fn place(&mut self, seq: u32, uid: u32, read: bool) {
        if let Some(copy) = self.copy_mut(seq) {
            copy.uid = Some(uid);
            copy.shown_read = read;
        }
    }

    /// IMAP: the message is no longer where it was.
    pub(super) fn unplace(&mut self, seq: u32) {
        if let Some(copy) = self.copy_mut(seq) {
            copy.uid = None;
        }
    }

    /// IMAP: some of what was listed is gone, of some others it is told whether they are read.
    pub(super) fn update_uids(
        &mut self,
        is_gone: impl Fn(u32) -> bool,
        seen: impl Fn(u32) -> Option<bool>,
    ) {
        for copy in &mut self.mail {
            match copy.uid {
                Some(uid) if is_gone(uid) => copy.uid = None,
                Some(uid) => copy.shown_read = seen(uid).unwrap_or(copy.shown_read),
                None => {}
            }
        }
    }

    /// IMAP: what is listed and does not lie here whole: sequence number and UID.
    pub(super) fn listed_only(&self) -> Vec<(u32, u32)> {
        let mail = (0..).zip(&self.mail);
        mail.filter(|(_, copy)| !copy.whole && !copy.deleted)
            .filter_map(|(seq, copy)| Some((seq, copy.uid?)))
            .collect()
    }

    /// Messages held whole, and octets of all that lies here.
    pub(super) fn sum(&self) -> (u64, u64) {
        self.mail.iter().fold((0, 0), |(messages, octets), copy| {
            (messages + u64::from(copy.whole), octets + copy.octets)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{Downloaded, Store};

    #[test]
    fn a_deleted_message_takes_no_room() {
        let mut store = Store::new(2);
        store.keep_whole(0, 700);
        store.keep_text(1, 50, 300);
        assert!(store.holds(1, false) && !store.holds(1, true));
        assert_eq!(store.sum(), (1, 750));
        store.delete(0);
        assert!(!store.holds(0, false));
        assert_eq!(store.sum(), (0, 50));
    }

    #[test]
    fn the_first_sight_of_a_message_counts() {
        let mut store = Store::new(1);
        let first = Instant::now();
        store.show(0, first);
        store.show(0, first + std::time::Duration::from_secs(1));
        assert_eq!(store.copy(0).visible, Some(first));
    }

    #[test]
    fn resynchronising_forgets_what_is_gone_and_leaves_alone_what_it_did_not_ask_for() {
        let mut store = Store::new(3);
        for (seq, uid) in [(0, 5), (1, 6), (2, 7)] {
            store.place(seq, uid, false);
        }
        store.update_uids(|uid| uid == 5, |uid| (uid == 6).then_some(true));
        assert_eq!(store.copy(0).uid, None);
        assert_eq!(
            (store.copy(1).uid, store.copy(1).shown_read),
            (Some(6), true)
        );
        assert_eq!(
            (store.copy(2).uid, store.copy(2).shown_read),
            (Some(7), false)
        );
        store.keep_whole(1, 10);
        assert_eq!(store.listed_only(), [(2, 7)]);
    }

    #[test]
    fn uidls_that_left_the_server_are_forgotten() {
        let mut store = Store::new(1);
        store.remember("a".into(), Some(0));
        store.remember("b".into(), None);
        let gone = store.forget_all_but(["b", "c"].into_iter());
        assert_eq!(gone, [("a".to_owned(), Downloaded::Ours(0))]);
        assert_eq!(store.downloaded("a"), None);
        assert_eq!(store.downloaded("b"), Some(Downloaded::Foreign));
        store.remember("d".into(), Some(0));
        assert_eq!(store.forget_downloaded(&[0, 1]), [("d".to_owned(), 0)]);
        assert_eq!(store.downloaded("d"), None);
    }
}

//! Where a user's folders lie. A server may mark them (RFC 6154), may call them by their plain names, or may keep all of a
//! user's folders below a prefix (`INBOX.` on Courier, RFC 2342); mail programs find them in each case, and make the
//! folder of sent mail where there is none.

use crate::client::{ClientError, ImapSession, MailboxEntry};
use crate::metrics::Observer;

/// A folder that mail programs expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumIter)]
pub(super) enum Folder {
    Sent,
    Drafts,
    Trash,
    Archive,
}

/// The folders of one user, as the server lists them.
#[derive(Debug)]
pub(in crate::engine) struct Folders {
    listed: Vec<MailboxEntry>,
    /// What the name of each folder of the user's own begins with.
    prefix: String,
}

impl Folders {
    /// Asks for all folders, and, unless every one is marked, where unmarked ones lie.
    pub(in crate::engine) async fn ask(
        session: &mut ImapSession<impl Observer>,
    ) -> Result<Self, ClientError> {
        let listed = session.list_mailboxes().await?;
        let mut folders = Self {
            prefix: common_prefix(&listed),
            listed,
        };
        let all_marked = all().all(|folder| folders.marked(folder).is_some());
        if !all_marked && session.capabilities().has("NAMESPACE") {
            let namespaces = session.namespace().await?;
            if let Some(own) = namespaces.personal.into_iter().next() {
                folders.prefix = own.prefix;
            }
        }
        Ok(folders)
    }

    /// The folder's name, if the server has it.
    pub(super) fn find(&self, folder: Folder) -> Option<&str> {
        let named = || {
            let name = self.name_for(folder);
            self.usable()
                .find(|it| it.name.eq_ignore_ascii_case(&name))
                .map(|it| it.name.as_str())
        };
        self.marked(folder).or_else(named)
    }

    /// The folders that the server has of those that mail programs expect; of a server that has none, INBOX.
    pub(super) fn expected(&self) -> Vec<String> {
        let found: Vec<String> = all()
            .filter_map(|folder| self.find(folder))
            .map(str::to_owned)
            .collect();
        if found.is_empty() {
            return vec!["INBOX".to_owned()];
        }
        found
    }

    /// The folder's name; makes the folder if the server has none.
    pub(super) async fn find_or_make(
        &mut self,
        folder: Folder,
        session: &mut ImapSession<impl Observer>,
    ) -> Result<String, ClientError> {
        match self.find(folder) {
            Some(name) => Ok(name.to_owned()),
            None => self.make(self.name_for(folder), session).await,
        }
    }

    /// The name of a folder of the user's own; makes the folder if the server has none.
    pub(in crate::engine) async fn find_or_make_own(
        &mut self,
        folder: u32,
        session: &mut ImapSession<impl Observer>,
    ) -> Result<String, ClientError> {
        let name = self.own(folder);
        if self.usable().any(|it| it.name == name) {
            return Ok(name);
        }
        self.make(name, session).await
    }

    async fn make(
        &mut self,
        name: String,
        session: &mut ImapSession<impl Observer>,
    ) -> Result<String, ClientError> {
        match session.create(&name).await {
            // Another device of the same person may have made it a moment ago. If that was not why, what is done with
            // the folder next says so.
            Err(error) if error.is_refusal() => {}
            made => made?,
        }
        self.listed.push(MailboxEntry {
            name: name.clone(),
            delimiter: None,
            attributes: Vec::new(),
        });
        Ok(name)
    }

    /// What a folder of the user's own is called, by its number in the plan.
    pub(in crate::engine) fn own(&self, folder: u32) -> String {
        format!("{}{}", self.prefix, crate::plan::folder_name(folder))
    }

    fn marked(&self, folder: Folder) -> Option<&str> {
        let mark = format!("\\{folder}");
        let marked = self.usable().find(|it| it.has(&mark));
        marked.map(|it| it.name.as_str())
    }

    /// What it is called, or would be, where it is not marked.
    fn name_for(&self, folder: Folder) -> String {
        format!("{}{folder}", self.prefix)
    }

    fn usable(&self) -> impl Iterator<Item = &MailboxEntry> {
        let unusable = ["\\Noselect", "\\NonExistent"];
        self.listed
            .iter()
            .filter(move |it| !unusable.iter().any(|attribute| it.has(attribute)))
    }
}

fn all() -> impl Iterator<Item = Folder> {
    <Folder as strum::IntoEnumIterator>::iter()
}

/// What a server that does not know NAMESPACE shows of it: its folders, if it has any, all lie below INBOX.
fn common_prefix(listed: &[MailboxEntry]) -> String {
    let mut below = listed
        .iter()
        .filter(|it| !it.name.eq_ignore_ascii_case("INBOX"))
        .peekable();
    let Some(delimiter) = below.peek().and_then(|first| first.delimiter) else {
        return String::new();
    };
    let prefix = format!("INBOX{delimiter}");
    let lies_there = |it: &MailboxEntry| {
        it.name
            .get(..prefix.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(&prefix))
    };
    if below.all(lies_there) {
        prefix
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{Folder, Folders, common_prefix};
    use crate::client::MailboxEntry;

    fn folders(prefix: Option<&str>, listed: &[(&str, &str)]) -> Folders {
        let listed: Vec<MailboxEntry> = listed
            .iter()
            .map(|(name, attributes)| MailboxEntry {
                name: (*name).to_owned(),
                delimiter: Some('.'),
                attributes: attributes.split_whitespace().map(str::to_owned).collect(),
            })
            .collect();
        Folders {
            prefix: prefix.map_or_else(|| common_prefix(&listed), str::to_owned),
            listed,
        }
    }

    #[test]
    fn a_mark_goes_before_a_name() {
        let dovecot = folders(
            Some(""),
            &[
                ("INBOX", ""),
                ("Sent", "\\HasNoChildren"),
                ("Gesendet", "\\hasnochildren \\sent"),
            ],
        );
        assert_eq!(dovecot.find(Folder::Sent), Some("Gesendet"));
        assert_eq!(dovecot.find(Folder::Trash), None);
        assert_eq!(dovecot.expected(), ["Gesendet"]);
    }

    #[test]
    fn without_marks_folders_lie_below_the_users_prefix() {
        let listed = [
            ("INBOX", ""),
            ("INBOX.Sent", ""),
            ("INBOX.drafts", ""),
            ("INBOX.old.Trash", ""),
        ];
        for prefix in [Some("INBOX."), None] {
            let courier = folders(prefix, &listed);
            assert_eq!(courier.find(Folder::Sent), Some("INBOX.Sent"));
            assert_eq!(courier.expected(), ["INBOX.Sent", "INBOX.drafts"]);
            assert_eq!(courier.name_for(Folder::Trash), "INBOX.Trash");
        }
    }

    #[test]
    fn a_folder_beside_inbox_means_that_there_is_no_prefix() {
        let flat = folders(None, &[("INBOX", ""), ("INBOX.Sent", ""), ("Other", "")]);
        assert_eq!(flat.name_for(Folder::Sent), "Sent");
        assert_eq!(
            folders(None, &[("INBOX", "")]).name_for(Folder::Sent),
            "Sent"
        );
    }

    #[test]
    fn a_name_without_a_folder_behind_it_is_not_used() {
        let there = folders(
            Some(""),
            &[("Sent", "\\Noselect"), ("Drafts", "\\NonExistent")],
        );
        assert_eq!(there.find(Folder::Sent), None);
        assert_eq!(there.expected(), ["INBOX"]);
    }
}

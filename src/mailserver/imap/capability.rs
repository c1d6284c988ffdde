//! What the server says it can: only what works.

use imap_codec::imap_types::command::CommandBody;
use imap_codec::imap_types::fetch::{MacroOrMessageDataItemNames, MessageDataItemName};
use imap_codec::imap_types::status::StatusDataItemName;

use super::Session;
use crate::mailserver::Feature;

const BEFORE_LOGIN: &str = "IMAP4rev1 LITERAL+ SASL-IR ID ENABLE";
const AFTER_LOGIN: &str = "IMAP4rev1 LITERAL+ SASL-IR ID ENABLE IDLE NAMESPACE CHILDREN UIDPLUS MOVE \
                           UNSELECT CONDSTORE QRESYNC SPECIAL-USE COMPRESS=DEFLATE";
const COMPRESS: &str = "COMPRESS=DEFLATE";

/// What a server may lack on purpose.
const OPTIONAL: [(&str, Feature); 7] = [
    ("LITERAL+", Feature::LiteralPlus),
    ("IDLE", Feature::Idle),
    ("UIDPLUS", Feature::Uidplus),
    ("MOVE", Feature::Move),
    ("CONDSTORE", Feature::Condstore),
    ("QRESYNC", Feature::Qresync),
    (COMPRESS, Feature::Compress),
];

impl Session {
    /// A server that does without it, on purpose.
    pub(super) fn is_without(&self, feature: Feature) -> bool {
        let faults = &self.shared.config.faults;
        // QRESYNC is more of the same (RFC 7162 section 3.2).
        faults.lacks(feature) || feature == Feature::Qresync && faults.lacks(Feature::Condstore)
    }

    /// A command of which the server knows nothing, on purpose.
    pub(super) fn lacks(&self, body: &CommandBody<'_>) -> bool {
        match body {
            CommandBody::StartTLS => self.is_without(Feature::Stls),
            CommandBody::Idle => self.is_without(Feature::Idle),
            CommandBody::ExpungeUid { .. } => self.is_without(Feature::Uidplus),
            CommandBody::Compress { .. } => self.is_without(Feature::Compress),
            CommandBody::Move { .. } => self.is_without(Feature::Move),
            body => self.is_without(Feature::Condstore) && speaks_of_modseqs(body),
        }
    }

    /// The words behind CAPABILITY in the session's state.
    pub(super) fn capabilities(&self) -> String {
        let (words, more) = match &self.user {
            Some(_) => (AFTER_LOGIN, ""),
            None if self.may_start_tls() => (BEFORE_LOGIN, " STARTTLS AUTH=PLAIN"),
            None => (BEFORE_LOGIN, " AUTH=PLAIN"),
        };
        let lacking = OPTIONAL.map(|(word, feature)| self.is_without(feature).then_some(word));
        let offered: Vec<&str> = words
            .split_ascii_whitespace()
            .filter(|&word| !lacking.contains(&Some(word)))
            .filter(|&word| word != COMPRESS || !self.connection.is_compressed())
            .collect();
        offered.join(" ") + more
    }

    fn may_start_tls(&self) -> bool {
        self.shared.tls.is_some() && !self.connection.is_secure() && !self.is_without(Feature::Stls)
    }
}

/// Whether a command is one of CONDSTORE's (RFC 7162).
fn speaks_of_modseqs(body: &CommandBody<'_>) -> bool {
    match body {
        CommandBody::Select { parameters, .. } | CommandBody::Examine { parameters, .. } => {
            !parameters.is_empty()
        }
        CommandBody::Store { modifiers, .. } => !modifiers.is_empty(),
        CommandBody::Status { item_names, .. } => {
            item_names.contains(&StatusDataItemName::HighestModSeq)
        }
        CommandBody::Fetch {
            modifiers,
            macro_or_item_names,
            ..
        } => {
            let asked = match macro_or_item_names {
                MacroOrMessageDataItemNames::MessageDataItemNames(items) => {
                    items.contains(&MessageDataItemName::ModSeq)
                }
                MacroOrMessageDataItemNames::Macro(_) => false,
            };
            asked || !modifiers.is_empty()
        }
        _ => false,
    }
}

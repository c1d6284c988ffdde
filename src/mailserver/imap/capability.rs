//! What the server says it can: only what works.

use imap_codec::imap_types::command::CommandBody;

use super::Session;
use crate::mailserver::Feature;

const BEFORE_LOGIN: &str = "IMAP4rev1 LITERAL+ SASL-IR ID ENABLE";
const AFTER_LOGIN: &str = "IMAP4rev1 LITERAL+ SASL-IR ID ENABLE IDLE NAMESPACE CHILDREN UIDPLUS MOVE \
                           UNSELECT CONDSTORE SPECIAL-USE COMPRESS=DEFLATE";

const COMPRESS: &str = "COMPRESS=DEFLATE";
/// What a server may lack on purpose.
const OPTIONAL: [(&str, Feature); 3] = [
    ("IDLE", Feature::Idle),
    ("UIDPLUS", Feature::Uidplus),
    (COMPRESS, Feature::Compress),
];

impl Session {
    /// A server that does without it, on purpose.
    pub(super) fn lacks(&self, body: &CommandBody<'_>) -> bool {
        let faults = &self.shared.config.faults;
        match body {
            CommandBody::StartTLS => faults.lacks(Feature::Stls),
            CommandBody::Idle => faults.lacks(Feature::Idle),
            CommandBody::ExpungeUid { .. } => faults.lacks(Feature::Uidplus),
            CommandBody::Compress { .. } => faults.lacks(Feature::Compress),
            _ => false,
        }
    }

    /// The words behind CAPABILITY in the session's state.
    pub(super) fn capabilities(&self) -> String {
        let faults = &self.shared.config.faults;
        if self.user.is_some() {
            let lacking = OPTIONAL.map(|(word, feature)| faults.lacks(feature).then_some(word));
            let words = AFTER_LOGIN.split_ascii_whitespace();
            let offered: Vec<&str> = words
                .filter(|&word| !lacking.contains(&Some(word)))
                .filter(|&word| word != COMPRESS || !self.connection.is_compressed())
                .collect();
            return offered.join(" ");
        }
        let starttls = if self.shared.tls.is_some()
            && !self.connection.is_secure()
            && !faults.lacks(Feature::Stls)
        {
            " STARTTLS"
        } else {
            ""
        };
        format!("{BEFORE_LOGIN}{starttls} AUTH=PLAIN")
    }
}

//! What the server says it can: only what works.

use super::Session;

const BEFORE_LOGIN: &str = "IMAP4rev1 LITERAL+ SASL-IR ID ENABLE";
const AFTER_LOGIN: &str = "IMAP4rev1 LITERAL+ SASL-IR ID ENABLE IDLE NAMESPACE CHILDREN UIDPLUS MOVE \
                           UNSELECT CONDSTORE SPECIAL-USE";

impl Session {
    /// The words behind CAPABILITY in the session's state.
    pub(super) fn capabilities(&self) -> String {
        if self.user.is_some() {
            return AFTER_LOGIN.to_owned();
        }
        let starttls = if self.shared.tls.is_some() && !self.connection.is_secure() {
            " STARTTLS"
        } else {
            ""
        };
        format!("{BEFORE_LOGIN}{starttls} AUTH=PLAIN")
    }
}

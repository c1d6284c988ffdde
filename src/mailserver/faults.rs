//! What the server does wrong on purpose, for tests of clients and of the whole program.

use strum::{Display, EnumString, VariantNames};

/// All off in a healthy server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Each login is answered as if the password were wrong.
    pub refuse_logins: bool,
    /// What it neither offers nor does.
    pub without: Vec<Feature>,
}

impl Faults {
    pub(super) fn lacks(&self, feature: Feature) -> bool {
        self.without.contains(&feature)
    }
}

/// What a server can do without, as far as the RFCs go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum Feature {
    /// POP3's STLS and IMAP's STARTTLS.
    Stls,
    /// POP3's lasting names.
    Uidl,
    /// POP3's heads of messages.
    Top,
    /// IMAP's IDLE.
    Idle,
    /// IMAP's UID EXPUNGE.
    Uidplus,
    /// IMAP's compression.
    Compress,
}

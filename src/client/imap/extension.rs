//! What goes beyond `IMAP4rev1`, by name: whether a server offers it, and what it is called where it does not.

use serde::Serialize;
use strum::{Display, EnumIter, IntoStaticStr};

use super::ImapCapabilities;

/// An extension that a device may be asked to use.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Display,
    EnumIter,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum ImapExtension {
    /// The server speaks when something happens (RFC 2177).
    Idle,
    /// Who is at the other end (RFC 2971).
    Id,
    /// Where mailboxes lie (RFC 2342).
    Namespace,
    /// Literals of any size without waiting (RFC 7888).
    LiteralPlus,
    /// Extensions are turned on by name (RFC 5161).
    Enable,
    /// A mailbox is left without expunging (RFC 3691).
    Unselect,
    /// One message alone can be expunged (RFC 4315).
    Uidplus,
    /// One command takes a message from one mailbox to another (RFC 6851).
    Move,
    /// Each change of flags has a number (RFC 7162).
    Condstore,
    /// One command tells all that happened since the last time (RFC 7162).
    Qresync,
    /// Both directions are compressed (RFC 4978).
    Compress,
}

impl ImapExtension {
    /// The capability that announces it.
    pub const fn capability(self) -> &'static str {
        match self {
            Self::Idle => "IDLE",
            Self::Id => "ID",
            Self::Namespace => "NAMESPACE",
            Self::LiteralPlus => "LITERAL+",
            Self::Enable => "ENABLE",
            Self::Unselect => "UNSELECT",
            Self::Uidplus => "UIDPLUS",
            Self::Move => "MOVE",
            Self::Condstore => "CONDSTORE",
            Self::Qresync => "QRESYNC",
            Self::Compress => "COMPRESS=DEFLATE",
        }
    }

    /// The RFC that describes it.
    pub const fn rfc(self) -> u16 {
        match self {
            Self::Idle => 2177,
            Self::Id => 2971,
            Self::Namespace => 2342,
            Self::LiteralPlus => 7888,
            Self::Enable => 5161,
            Self::Unselect => 3691,
            Self::Uidplus => 4315,
            Self::Move => 6851,
            Self::Condstore | Self::Qresync => 7162,
            Self::Compress => 4978,
        }
    }

    /// Whether it is announced by something in a list of capabilities, `offers` telling what is in it. QRESYNC includes
    /// CONDSTORE (RFC 7162 section 3.2), `IMAP4rev2` includes what RFC 9051 appendix E says.
    pub fn is_among(self, offers: impl Fn(&str) -> bool) -> bool {
        let included = match self {
            Self::Condstore => offers("QRESYNC"),
            Self::Idle
            | Self::Namespace
            | Self::Enable
            | Self::Unselect
            | Self::Uidplus
            | Self::Move => offers("IMAP4REV2"),
            Self::Id | Self::LiteralPlus | Self::Qresync | Self::Compress => false,
        };
        included || offers(self.capability())
    }
}

impl ImapCapabilities {
    /// Whether the server offers an extension, by whatever name.
    pub fn offers(&self, extension: ImapExtension) -> bool {
        extension.is_among(|name| self.has(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::imap::Response;

    fn offered(line: &str) -> ImapCapabilities {
        let line = format!("* CAPABILITY {line}");
        match Response::parse(line.as_bytes(), &[]).unwrap() {
            Response::Capability(words) => words.into(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_includes_an_extension_offers_it() {
        use ImapExtension::{Compress, Condstore, Idle, LiteralPlus, Move, Qresync};
        for (line, extension, is_offered) in [
            ("IMAP4rev1 QRESYNC", Condstore, true),
            ("IMAP4rev1 CONDSTORE", Qresync, false),
            ("IMAP4rev2", Move, true),
            ("IMAP4rev2", Compress, false),
            ("IMAP4rev1 LITERAL-", LiteralPlus, false),
            ("IMAP4rev1 idle", Idle, true),
            ("IMAP4rev1 COMPRESS=DEFLATE", Compress, true),
        ] {
            assert_eq!(offered(line).offers(extension), is_offered, "{line}");
        }
    }
}

//! The name of an arm: one side of a comparison, a way in which all devices of all users read their mail. It begins
//! with the protocol that the arm speaks, so that a line of a CSV tells it without the scenario beside it; or it is that of
//! a known mail client, whose protocol is known too.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Protocol;

/// The longest name, in octets.
const LONGEST: usize = 24;

/// Mail clients that are arms by their own name, and what they speak.
const CLIENTS: [(&str, Protocol); 5] = [
    ("outlook-pop", Protocol::Pop3),
    ("apple-mail", Protocol::Imap),
    ("ios-mail", Protocol::Imap),
    ("k9", Protocol::Imap),
    ("thunderbird", Protocol::Imap),
];

/// One side of a comparison, by its name: `pop3`, `imap-cached`, `thunderbird`, or one that a scenario defines. What it
/// does stands in the scenario, below `[arm.NAME]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Arm {
    /// The protocol that this arm speaks.
    protocol: Protocol,
    /// The arms that begin with their protocol come before the clients with names of their own.
    is_client: bool,
    /// The name, filled up with zeros.
    name: [u8; LONGEST],
}

/// A name that no arm can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` can not be the name of an arm: {reason}")]
pub struct ArmNameError {
    name: String,
    reason: &'static str,
}

impl Arm {
    /// POP3 as the scenario's devices have it; by default download and delete.
    pub const POP3: Self = Self::plain(Protocol::Pop3);
    /// IMAP as the scenario's devices have it; by default online: headers first, bodies on opening.
    pub const IMAP: Self = Self::plain(Protocol::Imap);

    const fn plain(protocol: Protocol) -> Self {
        let mut name = [0; LONGEST];
        let word = match protocol {
            Protocol::Pop3 => b"pop3",
            Protocol::Imap => b"imap",
        };
        let mut at = 0;
        while at < word.len() {
            name[at] = word[at];
            at += 1;
        }
        Self {
            protocol,
            is_client: false,
            name,
        }
    }

    /// The arm that does what the scenario's devices do in this protocol.
    pub const fn of(protocol: Protocol) -> Self {
        Self::plain(protocol)
    }

    /// The protocol that this arm speaks.
    pub const fn protocol(self) -> Protocol {
        self.protocol
    }

    fn name(&self) -> &str {
        let end = self.name.iter().position(|&octet| octet == 0);
        let name = &self.name[..end.unwrap_or(LONGEST)];
        // What was taken in is ASCII.
        std::str::from_utf8(name).unwrap_or_default()
    }
}

impl FromStr for Arm {
    type Err = ArmNameError;

    fn from_str(name: &str) -> Result<Self, ArmNameError> {
        let refused = |reason| ArmNameError {
            name: name.to_owned(),
            reason,
        };
        let client = CLIENTS.iter().find(|(client, _)| *client == name);
        let by_prefix = || {
            let protocols = [Protocol::Pop3, Protocol::Imap].into_iter();
            let mut rests = protocols.filter_map(|protocol| {
                Some((protocol, name.strip_prefix(<&str>::from(protocol))?))
            });
            rests.find(|(_, rest)| rest.is_empty() || rest.starts_with('-'))
        };
        let (protocol, rest) = client
            .map(|(_, protocol)| (*protocol, ""))
            .or_else(by_prefix)
            .ok_or_else(|| {
                refused("it begins with its protocol, as `pop3`, `imap` or `imap-cached` do")
            })?;
        let is_plain = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
        };
        if !rest.split('-').skip(1).all(is_plain) {
            return Err(refused(
                "it is made of small letters, digits and single hyphens",
            ));
        }
        let mut arm = Self {
            protocol,
            is_client: client.is_some(),
            name: [0; LONGEST],
        };
        arm.name
            .get_mut(..name.len())
            .ok_or_else(|| refused("it has at most 24 letters"))?
            .copy_from_slice(name.as_bytes());
        Ok(arm)
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Arm({self})")
    }
}

/// POP3 before IMAP, clients with names of their own last, then by name.
impl Ord for Arm {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |arm: &Self| (arm.protocol, arm.is_client, arm.name);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Arm {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Arm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Arm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl de::Visitor<'_> for Name {
            type Value = Arm;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of an arm such as \"imap\"")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Arm, E> {
                name.parse().map_err(E::custom)
            }
        }
        // Within the visitor an error still knows where in a file it stands.
        deserializer.deserialize_str(Name)
    }
}

impl JsonSchema for Arm {
    fn schema_name() -> Cow<'static, str> {
        "Arm".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let clients: Vec<&str> = CLIENTS.iter().map(|(name, _)| *name).collect();
        json_schema!({
            "type": "string",
            "description": "The name of an arm. It begins with its protocol, or is that of a known client; what it does stands below `[arm.NAME]`.",
            "pattern": format!("^((pop3|imap)(-[a-z0-9]+)*|{})$", clients.join("|")),
            "maxLength": LONGEST,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written_and_tells_its_protocol() {
        for (name, protocol) in [
            ("pop3", Protocol::Pop3),
            ("pop3-keep14d", Protocol::Pop3),
            ("imap", Protocol::Imap),
            ("imap-a-name-of-24-letters", Protocol::Imap),
            ("outlook-pop", Protocol::Pop3),
            ("thunderbird", Protocol::Imap),
        ] {
            let name = &name[..name.len().min(24)];
            let arm: Arm = name.parse().unwrap();
            assert_eq!(arm.to_string(), name);
            assert_eq!(arm.protocol(), protocol);
            let json = serde_json::to_string(&arm).unwrap();
            assert_eq!(serde_json::from_str::<Arm>(&json).unwrap(), arm);
        }
        assert_eq!("pop3".parse(), Ok(Arm::POP3));
        assert_eq!(format!("{:>6}|", Arm::IMAP), "  imap|");
    }

    #[test]
    fn a_name_that_would_not_tell_its_protocol_or_not_fit_a_path_is_refused() {
        for name in [
            "",
            "cached",
            "eudora",
            "thunderbird-2",
            "imap4",
            "pop",
            "imap-",
            "imap--x",
            "imap-A",
            "imap_x",
            "imap-a/b",
            "imap-ä",
            "imap-a-name-of-25-letters-x",
        ] {
            let refused = name.parse::<Arm>().unwrap_err().to_string();
            assert!(refused.contains(&format!("`{name}`")), "{refused}");
        }
    }

    #[test]
    fn pop3_comes_before_imap() {
        let mut arms = [
            "imap-cached",
            "apple-mail",
            "pop3-keep",
            "outlook-pop",
            "imap",
            "pop3",
        ]
        .map(|it| it.parse().unwrap());
        arms.sort();
        assert_eq!(
            arms.map(|arm: Arm| arm.to_string()),
            [
                "pop3",
                "pop3-keep",
                "outlook-pop",
                "imap",
                "imap-cached",
                "apple-mail"
            ]
        );
    }
}
